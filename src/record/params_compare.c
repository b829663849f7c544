/* What today's classes make of an old params.json: the identifier that they give to its task, and
 * what has changed since, in words. `experimaestro deprecated` stands on it. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "declare/class.h"
#include "declare/config.h"
#include "declare/seal.h"
#include "declare/type.h"
#include "declare/walk.h"
#include "record/params.h"

typedef struct comparison {
    xpm_resolver resolve;
    void *user;
    struct found {  /* the classes that the file's types are now */
        char *type; /* "module.qualname" */
        const xpm_class *class_;
    } * found;
    size_t found_count, found_capacity;
    char **changes;
    size_t change_count, change_capacity;
    bool declared;
    struct move { /* a generated file that has another place in the job's folder today */
        char *from, *to;
    } * moves;
    size_t move_count, move_capacity;
    struct move *shared; /* folders of partial identifiers, in the workspace */
    size_t shared_count, shared_capacity;
    const char *directory; /* of the job, while its files are looked at */
    const char *type;      /* of the task today */
    char hex[XPM_HEX_SIZE];
} comparison;

/* ---- Classes ---------------------------------------------------------------------------------- */

static char *type_of(const char *module, const char *qualname)
{
    return xpm__format("%s%s%s", module, module[0] != '\0' ? "." : "", qualname);
}

static const xpm_class *find_class(const comparison *c, const char *type)
{
    for (size_t i = 0; i < c->found_count; i++)
        if (strcmp(c->found[i].type, type) == 0)
            return c->found[i].class_;
    return NULL;
}

/* Resolves as the caller does, and keeps what was found. */
static const xpm_class *resolve(void *user, const char *name, const char *module,
                                const char *qualname, const char *file, xpm_error *err)
{
    comparison *c = user;
    const xpm_class *class_ = c->resolve != NULL
                                  ? c->resolve(c->user, name, module, qualname, file, err)
                                  : xpm__class_require(name, err);
    char *type = type_of(module, qualname);
    if (class_ == NULL || find_class(c, type) != NULL) {
        xpm_free(type);
        return class_;
    }
    c->found = xpm__grow(c->found, &c->found_capacity, c->found_count, sizeof *c->found);
    c->found[c->found_count++] = (struct found){type, class_};
    return class_;
}

/* ---- Changes ---------------------------------------------------------------------------------- */

/* Takes the sentence. */
static void add_change(comparison *c, char *sentence, bool declared)
{
    for (size_t i = 0; i < c->change_count; i++) {
        if (strcmp(c->changes[i], sentence) == 0) {
            xpm_free(sentence);
            return;
        }
    }
    c->declared = c->declared && declared;
    c->changes = xpm__grow(c->changes, &c->change_capacity, c->change_count, sizeof *c->changes);
    c->changes[c->change_count++] = sentence;
}

static void compare_type(comparison *c, json_object *object, const char *type,
                         const xpm_class *class_)
{
    const char *id = xpm__json_get_text(object, "xpmid");
    char *old = xpm__strdup(id != NULL ? id : type);
    for (char *each = old; *each != '\0'; each++)
        *each = (char)tolower((unsigned char)*each);
    if (class_->deprecated_by != NULL)
        add_change(c, xpm__format("type %s is deprecated for %s", old, class_->name), true);
    else if (strcmp(old, class_->name) != 0)
        add_change(c, xpm__format("type %s is now %s", old, class_->name), true);
    xpm_free(old);
}

static void compare_field(comparison *c, const xpm_class *class_, const char *name)
{
    if (xpm_class_index(class_, name) >= 0)
        return;
    int index = xpm_class_renamed(class_, name);
    if (index >= 0)
        add_change(c,
                   xpm__format("parameter %s of %s is now %s", name, class_->own_name,
                               class_->parameters[index].name),
                   true);
    else
        add_change(c, xpm__format("%s has no parameter %s any more", class_->own_name, name),
                   false);
}

/* Whether a file has a parameter, under this name or one of the past. */
static bool has_field(json_object *fields, const xpm_parameter *parameter)
{
    const char *const *old = parameter->renamed_from;
    bool has = json_object_object_get_ex(fields, parameter->name, NULL);
    for (; !has && old != NULL && *old != NULL; old++)
        has = json_object_object_get_ex(fields, *old, NULL);
    return has;
}

static void compare_parameters(comparison *c, json_object *fields, const xpm_class *class_)
{
    for (size_t i = 0; i < class_->count; i++) {
        const xpm_parameter *parameter = &class_->parameters[i];
        bool counts = (parameter->flags & (XPM_META | XPM_IGNORED_DEFAULT)) == 0 &&
                      parameter->type->kind != XPM_KIND_OPTIONAL &&
                      !xpm__parameter_generated(parameter);
        if (counts && !has_field(fields, parameter))
            add_change(c,
                       xpm__format("%s has a new parameter, %s", class_->own_name, parameter->name),
                       false);
    }
}

static void compare_object(comparison *c, json_object *object)
{
    const char *module = xpm__json_get_text(object, "module");
    const char *qualname = xpm__json_get_text(object, "type");
    json_object *fields = xpm__json_get(object, "fields");
    if (module == NULL || qualname == NULL || !json_object_is_type(fields, json_type_object))
        return;
    char *type = type_of(module, qualname);
    const xpm_class *class_ = find_class(c, type);
    if (class_ != NULL) {
        compare_type(c, object, type, class_);
        json_object_object_foreach (fields, name, value) {
            (void)value;
            compare_field(c, class_, name);
        }
        compare_parameters(c, fields, class_);
    }
    xpm_free(type);
}

/* ---- Files ------------------------------------------------------------------------------------ */

/* Where a generated file was, and where it would be now. */
static void compare_file(comparison *c, const char *path, const char *folder, const char *file)
{
    size_t size = strlen(c->directory);
    if (strncmp(path, c->directory, size) != 0 || path[size] != '/')
        return; /* of another job */
    char *to = xpm__format("%s%s%s", folder, folder[0] != '\0' ? "/" : "", file);
    if (strcmp(path + size + 1, to) == 0) {
        xpm_free(to);
        return;
    }
    c->moves = xpm__grow(c->moves, &c->move_capacity, c->move_count, sizeof *c->moves);
    c->moves[c->move_count++] = (struct move){xpm__strdup(path + size + 1), to};
}

/* Where the folder of a partial identifier was, WORKSPACE/partials/TYPE/NAME/HASH, and would be. */
static void compare_shared(comparison *c, xpm_config *config, const char *path,
                           const xpm_partial *partial)
{
    const char *jobs = strstr(c->directory, "/jobs/"), *next = jobs; /* the workspace ends there */
    while (next != NULL && (next = strstr(next + 1, "/jobs/")) != NULL)
        jobs = next;
    size_t size = jobs != NULL ? (size_t)(jobs - c->directory) : 0;
    if (size == 0 || strncmp(path, c->directory, size) != 0 || path[size] != '/')
        return;
    const char *from = path + size, *end = from;
    for (int i = 0; i < 4 && end != NULL; i++)
        end = strchr(end + 1, '/');
    if (end == NULL)
        return;
    char *to = xpm_partial_directory("", config, partial, NULL);
    if (to == NULL || strncmp(from, to, (size_t)(end - from)) == 0) {
        xpm_free(to);
        return;
    }
    c->shared = xpm__grow(c->shared, &c->shared_capacity, c->shared_count, sizeof *c->shared);
    c->shared[c->shared_count++] =
        (struct move){xpm__strndup(from + 1, (size_t)(end - from - 1)), xpm__strdup(to + 1)};
    xpm_free(to);
}

static int compare_files(void *user, xpm_config *config, const xpm__walk *walk)
{
    char *folder = xpm__seal_folder(walk);
    for (size_t i = 0; i < config->class_->count; i++) {
        const xpm_parameter *parameter = &config->class_->parameters[i];
        if (parameter->file == NULL || config->values[i].kind != XPM_KIND_PATH)
            continue;
        if (parameter->shared != NULL)
            compare_shared(user, config, config->values[i].as.text, parameter->shared);
        else
            compare_file(user, config->values[i].as.text, folder, parameter->file);
    }
    xpm_free(folder);
    return XPM__WALK_ON;
}

static void told(void *user, xpm_config *task, const uint8_t identifier[XPM_IDENTIFIER_SIZE],
                 const char *directory)
{
    comparison *c = user;
    xpm__ptrmap seen = {0};
    c->type = task->class_->name;
    c->directory = directory;
    xpm_identifier_hex(identifier, c->hex);
    xpm__walk_from(task, &(xpm__walker){.enter = compare_files, .user = c, .seen = &seen});
    xpm__ptrmap_free(&seen);
}

/* ---- The answer ------------------------------------------------------------------------------- */

static json_object *last_object(json_object *root)
{
    json_object *objects = xpm__json_get(root, "objects");
    size_t count =
        json_object_is_type(objects, json_type_array) ? json_object_array_length(objects) : 0;
    return count > 0 ? json_object_array_get_idx(objects, count - 1) : NULL;
}

static void compare_objects(comparison *c, json_object *root)
{
    json_object *objects = xpm__json_get(root, "objects");
    for (size_t i = 0; i < json_object_array_length(objects); i++)
        compare_object(c, json_object_array_get_idx(objects, i));
}

static void write_moves(const char *key, const struct move *moves, size_t count, xpm__str *out)
{
    xpm__json_key(out, key);
    xpm__json_open(out, '{');
    for (size_t i = 0; i < count; i++)
        xpm__json_pair(out, moves[i].to, moves[i].from);
    xpm__json_close(out, '}');
}

static void write_answer(comparison *c, json_object *root, xpm__str *out)
{
    const char *old = xpm__json_get_text(last_object(root), "identifier");
    bool differs = old == NULL || strcmp(old, c->hex) != 0;
    c->declared = true;
    if (differs)
        compare_objects(c, root);
    if (differs && c->change_count == 0)
        add_change(c, xpm__strdup("which of its parameters count has changed"), false);
    xpm__json_pair(out, "type", c->type);
    xpm__json_pair(out, "old", old);
    xpm__json_pair(out, "new", c->hex);
    xpm__json_key(out, "declared");
    xpm__json_bool(out, c->declared);
    xpm__json_key(out, "changes");
    xpm__json_open(out, '[');
    for (size_t i = 0; i < c->change_count; i++)
        xpm__json_text(out, c->changes[i]);
    xpm__json_close(out, ']');
    write_moves("files", c->moves, c->move_count, out);
    write_moves("shared", c->shared, c->shared_count, out);
}

static void free_moves(struct move *moves, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        xpm_free(moves[i].from);
        xpm_free(moves[i].to);
    }
    xpm_free(moves);
}

static void clear(comparison *c)
{
    for (size_t i = 0; i < c->found_count; i++)
        xpm_free(c->found[i].type);
    for (size_t i = 0; i < c->change_count; i++)
        xpm_free(c->changes[i]);
    free_moves(c->moves, c->move_count);
    free_moves(c->shared, c->shared_count);
    xpm_free(c->found);
    xpm_free(c->changes);
}

static int compare(comparison *c, const char *path, xpm__str *out, xpm_error *err)
{
    const char *problem;
    xpm__str text = {0};
    json_object *root = NULL;
    int status = xpm__file_read(AT_FDCWD, path, &text);
    if (status < 0)
        xpm__fail_io(err, path, "read the parameters");
    else
        status = xpm__params_identify(text.data, text.size, path, resolve, told, c, err);
    if (status == 0)
        root = xpm__json_parse(text.data, text.size, &problem);
    if (root != NULL)
        write_answer(c, root, out);
    json_object_put(root);
    xpm__str_free(&text);
    return status;
}

char *xpm_params_compare(const char *params, xpm_resolver resolver, void *user)
{
    comparison c = {.resolve = resolver, .user = user};
    xpm__str out = {0};
    xpm_error err = {0};
    xpm__json_open(&out, '{');
    xpm__json_pair(&out, "path", params);
    if (compare(&c, params, &out, &err) < 0)
        xpm__json_pair(&out, "error", err.message);
    xpm__json_close(&out, '}');
    clear(&c);
    return xpm__str_take(&out);
}
