#include <ctype.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "declare/class.h"
#include "declare/config.h"
#include "declare/type.h"
#include "declare/value.h"
#include "declare/walk.h"
#include "identify/canonical.h"
#include "record/document.h"

static void write_value(xpm__writing *w, const xpm_value *value);

/* What follows `folder` and a slash in `path`; NULL when it is not inside. */
static const char *inside(const char *path, const char *folder)
{
    size_t size = folder != NULL ? strlen(folder) : 0;
    bool is = size > 0 && strncmp(path, folder, size) == 0 && path[size] == '/';
    return is ? path + size + 1 : NULL;
}

static void write_path(xpm__writing *w, const char *path)
{
    const char *in_job = inside(path, w->directory);
    const char *in_workspace = inside(path, w->workspace);
    xpm__json_open(w->out, '{');
    xpm__json_pair(w->out, "type", "path");
    xpm__json_pair(w->out, "value",
                   in_job != NULL         ? in_job
                   : in_workspace != NULL ? in_workspace
                                          : path);
    if (in_job != NULL || in_workspace != NULL)
        xpm__json_pair(w->out, "base", in_job != NULL ? "job" : "workspace");
    xpm__json_close(w->out, '}');
}

static void write_enum(xpm__writing *w, const xpm_value *value)
{
    xpm__json_open(w->out, '{');
    xpm__json_pair(w->out, "type", "enum");
    xpm__json_pair(w->out, "module", value->as.enum_type->module);
    xpm__json_pair(w->out, "enum", value->as.enum_type->name);
    xpm__json_pair(w->out, "value", value->as.enum_type->members[value->size]);
    xpm__json_close(w->out, '}');
}

static void write_list(xpm__writing *w, const xpm_value *value)
{
    xpm__json_open(w->out, '[');
    for (size_t i = 0; i < value->size; i++)
        write_value(w, &value->as.items[i]);
    xpm__json_close(w->out, ']');
}

static void write_items(xpm__writing *w, const char *type, const xpm_value *value)
{
    xpm__json_open(w->out, '{');
    xpm__json_pair(w->out, "type", type);
    xpm__json_key(w->out, "items");
    write_list(w, value);
    xpm__json_close(w->out, '}');
}

/* A dict whose keys are texts other than "type" is a plain object, which the original reads too. */
static bool is_plain(const xpm_value *dict)
{
    for (size_t i = 0; i < dict->size; i++) {
        const xpm_value *key = &dict->as.items[2 * i];
        if (key->kind != XPM_KIND_STR || strcmp(key->as.text, "type") == 0)
            return false;
    }
    return true;
}

static void write_dict(xpm__writing *w, const xpm_value *dict)
{
    bool plain = is_plain(dict);
    xpm__json_open(w->out, '{');
    if (!plain) {
        xpm__json_pair(w->out, "type", "dict");
        xpm__json_key(w->out, "items");
        xpm__json_open(w->out, '[');
    }
    for (size_t i = 0; i < dict->size; i++) {
        const xpm_value *pair = &dict->as.items[2 * i];
        if (plain) {
            xpm__json_text_sized(w->out, pair[0].as.text, pair[0].size);
            xpm__str_putc(w->out, ':');
        } else {
            xpm__json_open(w->out, '[');
            write_value(w, &pair[0]);
        }
        write_value(w, &pair[1]);
        if (!plain)
            xpm__json_close(w->out, ']');
    }
    if (!plain)
        xpm__json_close(w->out, ']');
    xpm__json_close(w->out, '}');
}

static int64_t id_of(const xpm__writing *w, const xpm_config *config)
{
    const size_t *id = xpm__ptrmap_find(w->ids, config);
    return id != NULL ? (int64_t)*id : 0;
}

static void write_scalar(const xpm_value *value, xpm__str *out)
{
    value = xpm__value_plain(value);
    switch (value->kind) {
    case XPM_KIND_BOOL:
        xpm__json_bool(out, value->as.boolean);
        break;
    case XPM_KIND_INT:
        xpm__json_int(out, value->as.integer);
        break;
    case XPM_KIND_FLOAT:
        xpm__json_double(out, value->as.real);
        break;
    case XPM_KIND_STR:
    case XPM_KIND_PATH:
        xpm__json_text_sized(out, value->as.text, value->size);
        break;
    case XPM_KIND_ENUM:
        xpm__json_text(out, value->as.enum_type->members[value->size]);
        break;
    default:
        xpm__json_null(out);
    }
}

static void write_value(xpm__writing *w, const xpm_value *value)
{
    switch (value->kind) {
    case XPM_KIND_PATH:
        write_path(w, value->as.text);
        break;
    case XPM_KIND_ENUM:
        if (value->as.enum_type->plain == NULL)
            write_enum(w, value);
        else
            write_scalar(value, w->out);
        break;
    case XPM_KIND_LIST:
        write_list(w, value);
        break;
    case XPM_KIND_TUPLE:
        if (w->loose)
            write_list(w, value);
        else
            write_items(w, "tuple", value);
        break;
    case XPM_KIND_SET:
        write_items(w, "set", value);
        break;
    case XPM_KIND_DICT:
        write_dict(w, value);
        break;
    case XPM_KIND_CONFIG:
        xpm__json_open(w->out, '{');
        xpm__json_pair(w->out, "type", "python");
        xpm__json_pair_int(w->out, "value", id_of(w, value->as.config));
        xpm__json_close(w->out, '}');
        break;
    default:
        write_scalar(value, w->out);
    }
}

/* ---- Plain values ----------------------------------------------------------------------------- */

static void write_plain_key(const xpm_value *key, xpm__str *out)
{
    xpm_kind kind = xpm__value_plain(key)->kind;
    if (kind == XPM_KIND_STR || kind == XPM_KIND_PATH || kind == XPM_KIND_ENUM) {
        write_scalar(key, out);
    } else {
        xpm__str json = {0};
        xpm__document_write_plain(key, &json);
        xpm__json_text_sized(out, json.data, json.size);
        xpm__str_free(&json);
    }
    xpm__str_putc(out, ':');
}

static void write_plain_items(const xpm_value *value, xpm__str *out)
{
    bool pairs = value->kind == XPM_KIND_DICT;
    size_t step = pairs ? 2 : 1, span = xpm__value_span(value);
    xpm__json_open(out, pairs ? '{' : '[');
    for (size_t i = 0; i < span; i += step) {
        if (pairs)
            write_plain_key(&value->as.items[i], out);
        xpm__document_write_plain(&value->as.items[i + step - 1], out);
    }
    xpm__json_close(out, pairs ? '}' : ']');
}

void xpm__document_write_plain(const xpm_value *value, xpm__str *out)
{
    if (xpm__value_is_collection(value))
        write_plain_items(value, out);
    else
        write_scalar(value, out);
}

/* ---- Saved data ------------------------------------------------------------------------------- */

static const struct xpm__data_path *find_saved(const xpm__data *data, const xpm_config *config,
                                               size_t parameter)
{
    const size_t *first = data != NULL ? xpm__ptrmap_find(&data->first, config) : NULL;
    for (size_t i = first != NULL ? *first : 0; first != NULL && i < data->count; i++) {
        const struct xpm__data_path *saved = &data->paths[i];
        if (saved->config != config)
            break;
        if (saved->parameter == parameter)
            return saved;
    }
    return NULL;
}

static void write_saved(xpm__writing *w, const struct xpm__data_path *saved)
{
    xpm__json_open(w->out, '{');
    xpm__json_pair(w->out, "type", "path.serialized");
    xpm__json_pair(w->out, "value", saved->path);
    xpm__json_key(w->out, "is_folder");
    xpm__json_bool(w->out, saved->is_folder);
    xpm__json_close(w->out, '}');
}

/* ---- Objects ---------------------------------------------------------------------------------- */

static void write_names(xpm__writing *w, const xpm_class *class_)
{
    xpm__str typename = {0};
    const char *separator = class_->module[0] != '\0' ? "." : "";
    xpm__str_printf(&typename, "%s%s%s", class_->module, separator, class_->qualname);
    xpm__json_pair(w->out, "module", class_->module);
    xpm__json_pair(w->out, "type", class_->qualname);
    xpm__json_pair(w->out, "typename", typename.data);
    for (size_t i = 0; i < typename.size; i++)
        typename.data[i] = (char)tolower((unsigned char)typename.data[i]);
    if (strcmp(typename.data, class_->own_name) != 0)
        xpm__json_pair(w->out, "xpmid", class_->own_name);
    if (class_->file != NULL)
        xpm__json_pair(w->out, "file", class_->file);
    xpm__str_free(&typename);
}

static void write_links(xpm__writing *w, const xpm_config *config)
{
    const xpm__config_extra *extra = config->extra;
    if (config->task != NULL && !(w->lines && config->task == config))
        xpm__json_pair_int(w->out, "task", id_of(w, config->task));
    if (extra != NULL && extra->init_count > 0) {
        xpm__json_key(w->out, "init-tasks");
        xpm__json_open(w->out, '[');
        for (size_t i = 0; i < extra->init_count; i++)
            xpm__json_int(w->out, id_of(w, extra->init_tasks[i]));
        xpm__json_close(w->out, ']');
    }
    if (config->meta >= 0) {
        xpm__json_key(w->out, "meta");
        xpm__json_bool(w->out, config->meta == 1);
    }
    if (w->language != NULL && config == w->task) {
        xpm__json_pair(w->out, "language", w->language);
        xpm__json_pair(w->out, "program", w->program);
    }
}

static void write_fields(xpm__writing *w, const xpm_config *config)
{
    static const xpm_value none = {.kind = XPM_KIND_NONE};
    xpm__json_key(w->out, "fields");
    xpm__json_open(w->out, '{');
    for (size_t i = 0; i < config->class_->count; i++) {
        const xpm_value *value = xpm_config_at(config, i);
        const struct xpm__data_path *saved = find_saved(w->data, config, i);
        xpm__json_key(w->out, config->class_->parameters[i].name);
        if (saved != NULL)
            write_saved(w, saved);
        else
            write_value(w, value != NULL ? value : &none);
    }
    xpm__json_close(w->out, '}');
}

/* Those that the identifier leaves out although they have a value, for readers that do not know the
 * class. That paths do not count, every reader knows. */
static void write_ignored(xpm__writing *w, const xpm_config *config)
{
    size_t written = 0;
    for (size_t i = 0; i < config->class_->count; i++) {
        const xpm_value *value = xpm_config_at(config, i);
        if (value == NULL || value->kind == XPM_KIND_NONE || value->kind == XPM_KIND_PATH ||
            xpm__canonical_counts(config, i))
            continue;
        if (written++ == 0) {
            xpm__json_key(w->out, "ignored");
            xpm__json_open(w->out, '[');
        }
        xpm__json_text(w->out, config->class_->parameters[i].name);
    }
    if (written > 0)
        xpm__json_close(w->out, ']');
}

static int write_object(void *user, xpm_config *config, const xpm__walk *walk)
{
    xpm__writing *w = user;
    char hex[XPM_HEX_SIZE];
    (void)walk;
    xpm_identifier_hex(config->identifier, hex);
    xpm__json_open(w->out, '{');
    xpm__json_pair_int(w->out, "id", id_of(w, config));
    write_names(w, config->class_);
    xpm__json_pair(w->out, "identifier", hex);
    write_links(w, config);
    write_ignored(w, config);
    write_fields(w, config);
    xpm__json_close(w->out, '}');
    if (w->lines)
        xpm__str_putc(w->out, '\n');
    return XPM__WALK_ON;
}

/* ---- Documents -------------------------------------------------------------------------------- */

/* Numbered on the way in, so that a cycle can name it; written on the way out, children first. */
void xpm__document_write(xpm__writing *writing, xpm_config *root)
{
    bool loose = writing->loose;
    writing->loose = false;
    xpm__walk_from(
        root, &(xpm__walker){
                  .leave = write_object, .user = writing, .seen = writing->ids, .tasks = true});
    writing->loose = loose;
}

void xpm__document_write_value(xpm__writing *writing, const xpm_value *value)
{
    write_value(writing, value);
}

void xpm__data_add(xpm__data *data, const xpm_config *config, size_t parameter, char *path,
                   bool is_folder)
{
    xpm__ptrmap_add(&data->first, config, data->count);
    data->paths = xpm__grow(data->paths, &data->capacity, data->count, sizeof *data->paths);
    data->paths[data->count++] = (struct xpm__data_path){config, parameter, path, is_folder};
}

void xpm__data_free(xpm__data *data)
{
    for (size_t i = 0; i < data->count; i++)
        xpm_free(data->paths[i].path);
    xpm_free(data->paths);
    xpm__ptrmap_free(&data->first);
    *data = (xpm__data){0};
}
