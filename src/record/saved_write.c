/* Saving any value that holds configurations: what is incomplete is refused, the data that parameters
 * name is copied, all is identified, and the document written last. What was not sealed is sealed
 * while it is written, and as before afterwards. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/copy.h"
#include "base/error.h"
#include "base/file.h"
#include "base/map.h"
#include "base/mem.h"
#include "declare/class.h"
#include "declare/config.h"
#include "declare/equal.h"
#include "declare/type.h"
#include "declare/value.h"
#include "declare/walk.h"
#include "identify/identifier.h"
#include "record/document.h"

typedef struct saving {
    const char *directory; /* or NULL */
    const xpm_save_options *options;
    const char *root; /* the way to the configuration from which we walk: "0/model", "" */
    xpm__ptrmap seen;
    xpm__data data;
    xpm__map names;      /* of data, to itself */
    xpm_config **opened; /* sealed for as long as we write */
    size_t opened_count, opened_capacity;
    xpm_error *err;
} saving;

typedef int (*visit_root)(saving *s, xpm_config *root, const char *where);

/* ---- The configurations in the value ---------------------------------------------------------- */

/* Visits each configuration of the value, with the way to it: "layers/2". */
static int each_root(saving *s, const xpm_value *value, xpm__str *where, visit_root visit)
{
    size_t size = where->size;
    int status = 0;
    if (value->kind == XPM_KIND_CONFIG)
        return visit(s, value->as.config, where->size > 0 ? where->data : "");
    if (!xpm__value_is_collection(value))
        return 0;
    for (size_t i = 0; status == 0 && i < value->size; i++) {
        const xpm_value *item = &value->as.items[i];
        xpm__str_puts(where, size > 0 ? "/" : "");
        if (value->kind != XPM_KIND_DICT)
            xpm__str_printf(where, "%zu", i);
        else if ((item = &value->as.items[2 * i])->kind == XPM_KIND_STR)
            xpm__str_puts(where, item->as.text);
        else
            xpm__value_describe(item, where);
        status = each_root(s, value->kind == XPM_KIND_DICT ? item + 1 : item, where, visit);
        xpm__str_cut(where, size);
    }
    return status;
}

static int for_roots(saving *s, const xpm_value *value, visit_root visit)
{
    xpm__str where = {0};
    xpm__str_puts(&where, "");
    int status = each_root(s, value, &where, visit);
    xpm__str_free(&where);
    return status;
}

/* The way to the configuration that is being visited. New: xpm_free. */
static char *way_to(const saving *s, const xpm__walk *walk)
{
    xpm__str way = {0};
    xpm__str_puts(&way, s->root);
    size_t size = way.size;
    xpm__walk_path(walk, &way);
    if (size > 0 && way.size > size) { /* a slash between the two */
        char *rest = xpm__strdup(way.data + size);
        xpm__str_cut(&way, size);
        xpm__str_printf(&way, "/%s", rest);
        xpm_free(rest);
    }
    return xpm__str_take(&way);
}

/* ---- Data ------------------------------------------------------------------------------------- */

/* A name may come from the key of a dict: it must stay inside the folder. */
static int check_name(const char *name, xpm_error *err)
{
    bool inside = name[0] != '/' && name[0] != '\0';
    for (const char *part = name; inside && part != NULL; part = strchr(part, '/')) {
        part += *part == '/';
        inside = strncmp(part, "..", 2) != 0 || (part[2] != '/' && part[2] != '\0');
    }
    return inside
               ? 0
               : xpm__fail(err, XPM_E_RANGE, name,
                           "\"%s\" is no name inside the folder: data is saved under the path of "
                           "its parameter, in which keys of dicts stand as they are",
                           name);
}

int xpm_save_data(const char *source, const char *directory, const char *name, xpm_error *err)
{
    if (check_name(name, err) < 0)
        return -1;
    char *target = xpm__format("%s/%s", directory, name);
    int status = xpm__copy(source, target, err);
    xpm_free(target);
    return status;
}

static bool is_folder(const char *directory, const char *name)
{
    struct stat info;
    char *path = directory != NULL && name[0] != '/' ? xpm__format("%s/%s", directory, name)
                                                     : xpm__strdup(name);
    bool is = stat(path, &info) == 0 && S_ISDIR(info.st_mode);
    xpm_free(path);
    return is;
}

/* Takes the name. */
static void add_data(saving *s, const xpm_config *config, size_t parameter, char *name)
{
    xpm__data_add(&s->data, config, parameter, name, is_folder(s->directory, name));
}

static int copy_data(saving *s, const xpm_config *config, size_t parameter, const char *where)
{
    const xpm_value *value = xpm_config_at(config, parameter);
    const char *own = config->class_->parameters[parameter].name;
    if (value == NULL || value->kind != XPM_KIND_PATH)
        return 0;
    if (s->directory == NULL) {
        add_data(s, config, parameter, xpm__strdup(value->as.text));
        return 0;
    }
    char *name = where[0] != '\0' ? xpm__format("%s/%s", where, own) : xpm__strdup(own);
    int status = 0;
    if (xpm__map_find(&s->names, name) != NULL)
        status = xpm__fail(s->err, XPM_E_CONFLICT, name,
                           "two files would be saved as %s: the keys of dicts must differ", name);
    else
        status = xpm_save_data(value->as.text, s->directory, name, s->err);
    if (status < 0) {
        xpm_free(name);
        return -1;
    }
    xpm__map_set(&s->names, name, name);
    add_data(s, config, parameter, name);
    return 0;
}

static int copy_all(saving *s, const xpm_config *config, const char *where)
{
    int status = 0;
    for (size_t i = 0; status == 0 && i < config->class_->count; i++)
        if ((config->class_->parameters[i].flags & XPM_DATA) != 0)
            status = copy_data(s, config, i, where);
    return status;
}

/* Lets the caller say where the data is. */
static int ask_data(saving *s, xpm_config *config, const char *where)
{
    xpm_value paths = xpm_dict_new();
    int status = s->options->data(s->options->user, config, where, &paths, s->err);
    for (size_t i = 0; status == 0 && i < paths.size; i++) {
        const xpm_value *name = &paths.as.items[2 * i], *path = name + 1;
        bool texts = name->kind == XPM_KIND_STR &&
                     (path->kind == XPM_KIND_STR || path->kind == XPM_KIND_PATH);
        int index = texts ? xpm_class_index(config->class_, name->as.text) : -1;
        if (!texts)
            status = xpm__fail(s->err, XPM_E_TYPE, where, "data is given as names and paths");
        else if (index < 0)
            status = xpm_class_unknown(config->class_, name->as.text, s->err);
        else
            add_data(s, config, (size_t)index, xpm__strdup(path->as.text));
    }
    xpm_value_clear(&paths);
    return status;
}

/* ---- Before writing --------------------------------------------------------------------------- */

/* The first parameter that needs a value and has none; NULL when all is there. */
static const xpm_parameter *find_missing(const xpm_config *config)
{
    for (size_t i = 0; !config->sealed && i < config->class_->count; i++) {
        const xpm_parameter *parameter = &config->class_->parameters[i];
        if (xpm_config_at(config, i) == NULL && !xpm__parameter_generated(parameter) &&
            parameter->type->kind != XPM_KIND_OPTIONAL)
            return parameter;
    }
    return NULL;
}

static bool has_data(const xpm_class *class_)
{
    bool has = (class_->flags & XPM_CLASS_SAVER) != 0;
    for (size_t i = 0; !has && i < class_->count; i++)
        has = (class_->parameters[i].flags & XPM_DATA) != 0;
    return has;
}

/* The way to it is only looked for when it is needed: it is as long as the graph is deep. */
static int prepare(void *user, xpm_config *config, const xpm__walk *walk)
{
    saving *s = user;
    if (config->extra != NULL && config->extra->broken != NULL) {
        if (s->err != NULL)
            *s->err = *config->extra->broken;
        return XPM__WALK_STOP;
    }
    const xpm_parameter *missing = find_missing(config);
    if (missing == NULL && !has_data(config->class_))
        return XPM__WALK_ON;
    char *where = way_to(s, walk);
    int status;
    if (missing != NULL)
        status = xpm__fail(s->err, XPM_E_MISSING, where,
                           "value %s is required but missing when saving %s: give it a value",
                           missing->name, config->class_->name);
    else
        status = s->options->data != NULL ? ask_data(s, config, where) : copy_all(s, config, where);
    xpm_free(where);
    return status < 0 ? XPM__WALK_STOP : XPM__WALK_ON;
}

/* The data of what is there because it made what is saved stays where it is. */
static int prepare_root(saving *s, xpm_config *root, const char *where)
{
    s->root = where;
    return xpm__walk_from(root, &(xpm__walker){.enter = prepare, .user = s, .seen = &s->seen});
}

static int open_one(void *user, xpm_config *config, const xpm__walk *walk)
{
    saving *s = user;
    (void)walk;
    if (config->sealed)
        return XPM__WALK_ON;
    if (config->extra != NULL) { /* it may have changed since */
        xpm_config_unref(config->extra->converted);
        config->extra->converted = NULL;
    }
    config->sealed = true;
    s->opened = xpm__grow(s->opened, &s->opened_capacity, s->opened_count, sizeof(xpm_config *));
    s->opened[s->opened_count++] = config;
    return XPM__WALK_ON;
}

static int open_root(saving *s, xpm_config *root, const char *where)
{
    (void)where;
    return xpm__walk_from(
        root, &(xpm__walker){.enter = open_one, .user = s, .seen = &s->seen, .tasks = true});
}

static int identify_root(saving *s, xpm_config *root, const char *where)
{
    (void)where;
    return xpm__identify_all(root, s->err);
}

static void restore(saving *s)
{
    for (size_t i = 0; i < s->opened_count; i++) {
        s->opened[i]->sealed = false;
        s->opened[i]->identified = false;
    }
    s->opened_count = 0;
}

/* ---- The document ----------------------------------------------------------------------------- */

typedef struct document {
    saving saving; /* first: what is visited is given it */
    xpm__writing writing;
} document;

static int write_root(saving *s, xpm_config *root, const char *where)
{
    (void)where;
    xpm__document_write(&((document *)s)->writing, root);
    return 0;
}

static void write_document(document *d, const xpm_value *value)
{
    xpm__str *out = d->writing.out;
    xpm__json_open(out, '{');
    xpm__json_pair_int(out, "version", XPM__DOCUMENT_VERSION);
    xpm__json_pair(out, "experimaestro", XPM_VERSION);
    xpm__json_key(out, "objects");
    xpm__json_open(out, '[');
    for_roots(&d->saving, value, write_root);
    xpm__json_close(out, ']');
    xpm__json_key(out, "data");
    xpm__document_write_value(&d->writing, value);
    xpm__json_close(out, '}');
}

static int identify(saving *s, const xpm_value *value)
{
    int status = for_roots(s, value, open_root);
    if (status == 0)
        status = for_roots(s, value, identify_root);
    for (size_t i = 0; status == 0 && i < s->opened_count; i++) /* tasks never submitted */
        if (!s->opened[i]->identified)
            status = xpm__identify_all(s->opened[i], s->err);
    return status;
}

char *xpm_save_text(const xpm_value *value, const char *directory, const xpm_save_options *options,
                    xpm_error *err)
{
    static const xpm_save_options none;
    xpm__str out = {0};
    xpm__ptrmap ids = {0};
    document d = {.saving = {.directory = directory,
                             .options = options != NULL ? options : &none,
                             .err = err}};
    d.writing = (xpm__writing){.data = &d.saving.data, .ids = &ids, .loose = true, .out = &out};
    int status = for_roots(&d.saving, value, prepare_root);
    xpm__ptrmap_free(&d.saving.seen);
    if (status == 0)
        status = identify(&d.saving, value);
    if (status == 0)
        write_document(&d, value);
    restore(&d.saving);
    xpm_free(d.saving.opened);
    xpm__map_free(&d.saving.names);
    xpm__ptrmap_free(&d.saving.seen);
    xpm__data_free(&d.saving.data);
    xpm__ptrmap_free(&ids);
    if (status < 0)
        xpm__str_free(&out);
    return status == 0 ? xpm__str_take(&out) : NULL;
}

int xpm_save(const xpm_value *value, const char *directory, const xpm_save_options *options,
             xpm_error *err)
{
    if (xpm__file_mkdirs(directory, err) < 0)
        return -1;
    char *text = xpm_save_text(value, directory, options, err);
    if (text == NULL)
        return -1;
    bool named = options != NULL && options->file != NULL;
    char *path = xpm__format("%s/%s", directory, named ? options->file : "experimaestro.json");
    int status = xpm__file_write(AT_FDCWD, path, text, strlen(text), 0666) < 0
                     ? xpm__fail_io(err, path, "write")
                     : 0;
    xpm_free(path);
    xpm_free(text);
    return status;
}
