/* Reading YAML: libyaml says what is there, event by event, and this makes nodes of it. */
#include "settings/yaml.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/map.h"
#include "settings/libyaml.h"

typedef struct reading {
    xpm__yaml *yaml;
    const xpm__libyaml *lib;
    yaml_parser_t parser;
    xpm__map anchors; /* name to node */
    size_t values;    /* nodes that were made, and pairs that were merged */
    int depth, lines;
    xpm_error *err;
} reading;

/* What a LIST or a MAP has so far. */
typedef struct members {
    xpm__yaml_node **keys, **items;
    size_t count, key_capacity, item_capacity;
    xpm__yaml_node **merged; /* what << says */
    size_t merged_count, merged_capacity;
    xpm__map known; /* keys, to their nodes */
} members;

/* ---- What is wrong, and where ------------------------------------------------------------------ */

__attribute__((format(printf, 4, 0))) static int
fail_at(const xpm__yaml *yaml, int line, xpm_error *err, const char *format, va_list args)
{
    xpm__str message = {0};
    xpm__str_vprintf(&message, format, args);
    xpm__fail(err, XPM_E_FORMAT, yaml->file, "%s:%d: %s", yaml->file, line, message.data);
    xpm__str_free(&message);
    return -1;
}

int xpm__yaml_fail(const xpm__yaml *yaml, const xpm__yaml_node *at, xpm_error *err,
                   const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fail_at(yaml, at->line, err, format, args);
    va_end(args);
    return -1;
}

/* Of what is being read. NULL. */
__attribute__((format(printf, 3, 4))) static xpm__yaml_node *refuse(const reading *r, int line,
                                                                    const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fail_at(r->yaml, line, r->err, format, args);
    va_end(args);
    return NULL;
}

/* What libyaml complains about; the end of the text is for it in a line of its own. */
static int refuse_syntax(const reading *r)
{
    const yaml_parser_t *parser = &r->parser;
    const char *problem = parser->problem != NULL ? parser->problem : "it cannot be read";
    int line = (int)parser->problem_mark.line + 1, from = (int)parser->context_mark.line + 1;
    if (parser->error == YAML_READER_ERROR) /* before there are lines: how many were read so far */
        line = (int)parser->mark.line + 1;
    if (line > r->lines)
        line = r->lines;
    if (strstr(problem, "cannot start any token") != NULL)
        refuse(r, line,
               "a value cannot begin with this character (a tab, @, ` or %%): write it in quotes");
    else if (parser->context == NULL)
        refuse(r, line, "%s", problem);
    else
        refuse(r, line, "%s, %s that begins in line %d", problem, parser->context, from);
    return -1;
}

/* ---- Events ------------------------------------------------------------------------------------ */

static int next_event(reading *r, yaml_event_t *event)
{
    return r->lib->parser_parse(&r->parser, event) ? 0 : refuse_syntax(r);
}

static const char *keep(reading *r, const yaml_char_t *text)
{
    return xpm__arena_strdup(&r->yaml->arena, (const char *)text);
}

/* A node where an event is; NULL when there are too many. */
static xpm__yaml_node *new_node(reading *r, const yaml_event_t *event, xpm__yaml_kind kind)
{
    int line = (int)event->start_mark.line + 1;
    if (++r->values > XPM__YAML_VALUES)
        return refuse(r, line, "there are more than %d values", XPM__YAML_VALUES);
    xpm__yaml_node *node = xpm__arena_alloc(&r->yaml->arena, sizeof *node);
    node->is.kind = kind;
    node->line = line;
    node->column = (int)event->start_mark.column + 1;
    node->weight = 1;
    return node;
}

/* Gives a node its name, for aliases. */
static bool set_anchor(reading *r, const yaml_char_t *anchor, xpm__yaml_node *node)
{
    if (anchor == NULL)
        return true;
    const xpm__yaml_node *other = xpm__map_find(&r->anchors, (const char *)anchor);
    if (other != NULL)
        return refuse(r, node->line, "the anchor &%s is there twice, first in line %d",
                      (const char *)anchor, other->line) != NULL;
    xpm__map_set(&r->anchors, keep(r, anchor), node);
    return true;
}

/* ---- Scalars ----------------------------------------------------------------------------------- */

static const struct {
    const char *tag;
    xpm__yaml_kind kind;
} tags[] = {
    {YAML_NULL_TAG, XPM__YAML_NULL}, {YAML_BOOL_TAG, XPM__YAML_BOOL},
    {YAML_INT_TAG, XPM__YAML_INT},   {YAML_FLOAT_TAG, XPM__YAML_FLOAT},
    {YAML_STR_TAG, XPM__YAML_TEXT},  {YAML_SEQ_TAG, XPM__YAML_LIST},
    {YAML_MAP_TAG, XPM__YAML_MAP},
};

/* Whether the tag that a value was given is one of its kind. */
static bool check_tag(const reading *r, const yaml_char_t *given, const xpm__yaml_node *node)
{
    const char *tag = (const char *)given;
    if (tag == NULL || strcmp(tag, "!") == 0)
        return true;
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
        if (strcmp(tag, tags[i].tag) == 0) {
            if (tags[i].kind == node->is.kind)
                return true;
            return refuse(r, node->line, "the value is not of its tag, !!%s",
                          strrchr(tag, ':') + 1);
        }
    return refuse(r, node->line, "the tag %s means nothing here", tag);
}

static bool has_tag(const yaml_char_t *tag, const char *name)
{
    return tag != NULL && strcmp((const char *)tag, name) == 0;
}

/* A number that has the tag of those with a point may be whole. */
static void make_real(xpm__yaml_scalar *scalar)
{
    if (scalar->kind == XPM__YAML_INT)
        *scalar = (xpm__yaml_scalar){XPM__YAML_FLOAT, {.real = (double)scalar->as.integer}};
}

static xpm__yaml_node *read_scalar(reading *r, const yaml_event_t *event)
{
    const yaml_char_t *tag = event->data.scalar.tag, *value = event->data.scalar.value;
    xpm__yaml_node *node = new_node(r, event, XPM__YAML_TEXT);
    if (node == NULL || !set_anchor(r, event->data.scalar.anchor, node))
        return NULL;
    if (strlen((const char *)value) != event->data.scalar.length)
        return refuse(r, node->line, "a text cannot have the character 0");
    node->text = keep(r, value);
    bool plain = tag == NULL ? event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE
                             : !has_tag(tag, YAML_STR_TAG);
    if (plain && xpm__yaml_resolve(node->text, &node->is) < 0)
        return refuse(r, node->line,
                      "the whole number %s does not fit into 64 bits: write it in quotes",
                      node->text);
    if (has_tag(tag, YAML_FLOAT_TAG))
        make_real(&node->is);
    return check_tag(r, tag, node) ? node : NULL;
}

/* ---- Lists and maps ---------------------------------------------------------------------------- */

static void add_item(members *of, xpm__yaml_node *key, xpm__yaml_node *item)
{
    of->items = xpm__grow(of->items, &of->item_capacity, of->count, sizeof *of->items);
    of->keys = xpm__grow(of->keys, &of->key_capacity, of->count, sizeof *of->keys);
    of->keys[of->count] = key;
    of->items[of->count++] = item;
}

static void add_merged(members *of, xpm__yaml_node *map)
{
    of->merged = xpm__grow(of->merged, &of->merged_capacity, of->merged_count, sizeof *of->merged);
    of->merged[of->merged_count++] = map;
}

/* What << has: a map, or a list of them. */
static bool read_merge(const reading *r, members *of, xpm__yaml_node *value)
{
    bool is_list = value->is.kind == XPM__YAML_LIST;
    size_t count = is_list ? value->count : 1;
    for (size_t i = 0; i < count; i++) {
        xpm__yaml_node *map = is_list ? value->items[i] : value;
        if (map->is.kind != XPM__YAML_MAP)
            return refuse(r, map->line, "<< takes a map, as *NAME, or a list of maps");
        add_merged(of, map);
    }
    return true;
}

/* Adds the pairs of what << says, but for keys that are there. */
static bool merge(reading *r, members *of, int line)
{
    for (size_t i = 0; i < of->merged_count; i++) {
        const xpm__yaml_node *map = of->merged[i];
        for (size_t j = 0; j < map->count; j++) {
            if (xpm__map_find(&of->known, map->keys[j]->text) != NULL)
                continue;
            if (++r->values > XPM__YAML_VALUES)
                return refuse(r, line, "there are more than %d values", XPM__YAML_VALUES);
            xpm__map_set(&of->known, map->keys[j]->text, map->keys[j]);
            add_item(of, map->keys[j], map->items[j]);
        }
    }
    return true;
}

static xpm__yaml_node *read_node(reading *r, const yaml_event_t *event);

static xpm__yaml_node *read_next(reading *r)
{
    yaml_event_t event;
    if (next_event(r, &event) < 0)
        return NULL;
    xpm__yaml_node *node = read_node(r, &event);
    r->lib->event_delete(&event);
    return node;
}

static bool read_pair(reading *r, members *of, const yaml_event_t *event)
{
    xpm__yaml_node *key = read_node(r, event), *value = key != NULL ? read_next(r) : NULL;
    if (value == NULL)
        return false;
    if (key->text == NULL)
        return refuse(r, key->line, "a key must be a text, and not %s",
                      xpm__yaml_describe(r->yaml, key));
    if (strcmp(key->text, "<<") == 0 && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        return read_merge(r, of, value);
    const xpm__yaml_node *other = xpm__map_find(&of->known, key->text);
    if (other != NULL)
        return refuse(r, key->line, "\"%s\" is there twice, first in line %d", key->text,
                      other->line);
    xpm__map_set(&of->known, key->text, key);
    add_item(of, key, value);
    return true;
}

static bool read_member(reading *r, members *of, const yaml_event_t *event, bool is_map)
{
    if (is_map)
        return read_pair(r, of, event);
    xpm__yaml_node *item = read_node(r, event);
    if (item != NULL)
        add_item(of, NULL, item);
    return item != NULL;
}

/* Reads up to the end of the list or the map. */
static bool read_members(reading *r, members *of, bool is_map)
{
    for (bool more = true; more;) {
        yaml_event_t event;
        if (next_event(r, &event) < 0)
            return false;
        more = event.type != YAML_SEQUENCE_END_EVENT && event.type != YAML_MAPPING_END_EVENT;
        bool good = !more || read_member(r, of, &event, is_map);
        r->lib->event_delete(&event);
        if (!good)
            return false;
    }
    return true;
}

static xpm__yaml_node **keep_nodes(reading *r, xpm__yaml_node **nodes, size_t count)
{
    size_t size = count * sizeof *nodes;
    return count > 0 ? memcpy(xpm__arena_alloc(&r->yaml->arena, size), nodes, size) : NULL;
}

/* What the node has then. */
static bool fill(reading *r, xpm__yaml_node *node, const members *of)
{
    node->count = of->count;
    node->items = keep_nodes(r, of->items, of->count);
    if (node->is.kind == XPM__YAML_MAP)
        node->keys = keep_nodes(r, of->keys, of->count);
    for (size_t i = 0; i < of->count; i++)
        node->weight += of->items[i]->weight;
    if (node->weight > XPM__YAML_VALUES)
        return refuse(r, node->line, "there are more than %d values, with what aliases stand for",
                      XPM__YAML_VALUES);
    return true;
}

static xpm__yaml_node *read_collection(reading *r, const yaml_event_t *event, xpm__yaml_kind kind,
                                       const yaml_char_t *anchor, const yaml_char_t *tag)
{
    members of = {0};
    xpm__yaml_node *node = new_node(r, event, kind);
    if (node == NULL || !check_tag(r, tag, node) || !set_anchor(r, anchor, node))
        return NULL;
    if (++r->depth > XPM__YAML_DEPTH)
        return refuse(r, node->line, "lists and maps are in one another more than %d times",
                      XPM__YAML_DEPTH);
    node->open = true;
    bool good = read_members(r, &of, kind == XPM__YAML_MAP) && merge(r, &of, node->line) &&
                fill(r, node, &of);
    node->open = false;
    r->depth--;
    xpm_free(of.items);
    xpm_free(of.keys);
    xpm_free(of.merged);
    xpm__map_free(&of.known);
    return good ? node : NULL;
}

static xpm__yaml_node *read_alias(const reading *r, const yaml_event_t *event)
{
    const char *name = (const char *)event->data.alias.anchor;
    int line = (int)event->start_mark.line + 1;
    xpm__yaml_node *node = xpm__map_find(&r->anchors, name);
    if (node == NULL)
        return refuse(r, line, "*%s stands for nothing: there is no &%s before it", name, name);
    if (node->open)
        return refuse(r, line, "*%s is inside what it stands for, of line %d", name, node->line);
    return node;
}

static xpm__yaml_node *read_node(reading *r, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return read_alias(r, event);
    case YAML_SEQUENCE_START_EVENT:
        return read_collection(r, event, XPM__YAML_LIST, event->data.sequence_start.anchor,
                               event->data.sequence_start.tag);
    case YAML_MAPPING_START_EVENT:
        return read_collection(r, event, XPM__YAML_MAP, event->data.mapping_start.anchor,
                               event->data.mapping_start.tag);
    default:
        return read_scalar(r, event);
    }
}

/* ---- Documents --------------------------------------------------------------------------------- */

/* The next event is passed over; its type, or YAML_NO_EVENT after an error. */
static yaml_event_type_t pass(reading *r, int *line)
{
    yaml_event_t event;
    if (next_event(r, &event) < 0)
        return YAML_NO_EVENT;
    yaml_event_type_t type = event.type;
    *line = (int)event.start_mark.line + 1;
    r->lib->event_delete(&event);
    return type;
}

static xpm__yaml_node *new_nothing(reading *r)
{
    xpm__yaml_node *node = xpm__arena_alloc(&r->yaml->arena, sizeof *node);
    *node = (xpm__yaml_node){.line = 1, .column = 1, .text = "", .weight = 1};
    return node;
}

/* The only document; nothing when there is none. */
static xpm__yaml_node *read_document(reading *r)
{
    int line = 1;
    if (pass(r, &line) == YAML_NO_EVENT) /* the start of the stream */
        return NULL;
    yaml_event_type_t type = pass(r, &line);
    if (type != YAML_DOCUMENT_START_EVENT)
        return type == YAML_STREAM_END_EVENT ? new_nothing(r) : NULL;
    xpm__yaml_node *root = read_next(r);
    if (root == NULL || pass(r, &line) == YAML_NO_EVENT)
        return NULL;
    type = pass(r, &line);
    if (type == YAML_DOCUMENT_START_EVENT)
        return refuse(r, line, "a second document begins here: there may be one");
    return type == YAML_STREAM_END_EVENT ? root : NULL;
}

static int count_lines(const char *text, size_t size)
{
    int lines = 1;
    for (size_t i = 0; i + 1 < size; i++)
        lines += text[i] == '\n';
    return lines;
}

int xpm__yaml_parse(xpm__yaml *yaml, const char *file, const char *text, size_t size,
                    xpm_error *err)
{
    *yaml = (xpm__yaml){0};
    yaml->file = xpm__arena_strdup(&yaml->arena, file);
    reading r = {.yaml = yaml, .lib = xpm__libyaml_load(), .err = err};
    if (r.lib == NULL)
        return xpm__fail(err, XPM_E_IO, file,
                         "%s cannot be read without the library libyaml (%s): install it", file,
                         XPM__LIBYAML_FILE);
    if (size > XPM__YAML_SIZE)
        return xpm__fail(err, XPM_E_FORMAT, file, "%s has more than %d bytes", file,
                         XPM__YAML_SIZE);
    r.lines = count_lines(text, size);
    if (!r.lib->parser_initialize(&r.parser))
        return xpm__fail(err, XPM_E_MEMORY, file, "%s cannot be read: memory ran out", file);
    r.lib->parser_set_input_string(&r.parser, (const unsigned char *)(size > 0 ? text : ""), size);
    yaml->root = read_document(&r);
    r.lib->parser_delete(&r.parser);
    xpm__map_free(&r.anchors);
    return yaml->root != NULL ? 0 : -1;
}

int xpm__yaml_read(xpm__yaml *yaml, const char *file, xpm_error *err)
{
    xpm__str text = {0};
    struct stat info;
    *yaml = (xpm__yaml){0};
    if (stat(file, &info) < 0 || (S_ISDIR(info.st_mode) && (errno = EISDIR) != 0))
        return xpm__fail_io(err, file, "read");
    if (info.st_size > XPM__YAML_SIZE)
        return xpm__fail(err, XPM_E_FORMAT, file, "%s has more than %d bytes", file,
                         XPM__YAML_SIZE);
    int status = xpm__file_read(AT_FDCWD, file, &text);
    if (status < 0)
        xpm__fail_io(err, file, "read");
    else
        status = xpm__yaml_parse(yaml, file, text.data, text.size, err);
    xpm__str_free(&text);
    return status;
}

void xpm__yaml_clear(xpm__yaml *yaml)
{
    xpm__arena_free(&yaml->arena);
    *yaml = (xpm__yaml){0};
}

/* ---- Nodes ------------------------------------------------------------------------------------- */

xpm__yaml_node *xpm__yaml_get(const xpm__yaml_node *map, const char *key)
{
    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->keys[i]->text, key) == 0)
            return map->items[i];
    return NULL;
}

const char *xpm__yaml_describe(xpm__yaml *yaml, const xpm__yaml_node *node)
{
    static const char *const kinds[] = {
        [XPM__YAML_NULL] = "nothing",       [XPM__YAML_BOOL] = "the truth value ",
        [XPM__YAML_INT] = "the number ",    [XPM__YAML_FLOAT] = "the number ",
        [XPM__YAML_TEXT] = "the text ",     [XPM__YAML_LIST] = "a list",
        [XPM__YAML_MAP] = "a map of names",
    };
    enum { SHOWN = 60 };
    const char *kind = kinds[node->is.kind];
    if (node->text == NULL || node->is.kind == XPM__YAML_NULL)
        return kind;
    const char *quote = node->is.kind == XPM__YAML_TEXT ? "\"" : "";
    size_t size = strlen(node->text);
    xpm__str text = {0};
    xpm__str_printf(&text, "%s%s", kind, quote);
    xpm__str_add_visible(&text, node->text, size > SHOWN ? SHOWN : size);
    xpm__str_printf(&text, "%s%s", size > SHOWN ? "..." : "", quote);
    const char *kept = xpm__arena_strdup(&yaml->arena, text.data);
    xpm__str_free(&text);
    return kept;
}

static void print_members(const xpm__yaml_node *node, xpm__str *out, bool is_map)
{
    xpm__json_open(out, is_map ? '{' : '[');
    for (size_t i = 0; i < node->count; i++) {
        if (is_map)
            xpm__json_key(out, node->keys[i]->text);
        xpm__yaml_print(node->items[i], out);
    }
    xpm__json_close(out, is_map ? '}' : ']');
}

void xpm__yaml_print(const xpm__yaml_node *node, xpm__str *out)
{
    switch (node->is.kind) {
    case XPM__YAML_NULL:
        xpm__json_null(out);
        break;
    case XPM__YAML_BOOL:
        xpm__json_bool(out, node->is.as.boolean);
        break;
    case XPM__YAML_INT:
        xpm__json_int(out, node->is.as.integer);
        break;
    case XPM__YAML_FLOAT:
        xpm__json_double(out, node->is.as.real);
        break;
    case XPM__YAML_TEXT:
        xpm__json_text(out, node->text);
        break;
    case XPM__YAML_LIST:
    case XPM__YAML_MAP:
        print_members(node, out, node->is.kind == XPM__YAML_MAP);
        break;
    }
}
