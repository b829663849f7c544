#include "record/graph.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "declare/config.h"
#include "record/params.h"

/* One object that is being read. */
typedef struct reading {
    xpm__graph *graph;
    const xpm__numbers *numbers;
    xpm__leaf *leaves;
    size_t count, capacity;
    xpm__str path;
    bool ignored; /* the field that is being read */
} reading;

static void add_value(reading *r, json_object *value);

/* ---- Nodes ------------------------------------------------------------------------------------ */

xpm__node *xpm__graph_find(const xpm__graph *graph, const char *identifier)
{
    return xpm__map_find(&graph->nodes, identifier);
}

/* The type's name, as identifiers have it. */
static char *type_of(xpm__graph *graph, json_object *object)
{
    const char *name = xpm__json_get_text(object, "xpmid");
    if (name == NULL)
        name = xpm__json_get_text(object, "typename");
    char *type = xpm__arena_strdup(&graph->arena, name != NULL ? name : "");
    for (char *c = type; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    return type;
}

/* An object without identifier, as version 1 may have left it, is equal to no other. */
static xpm__node *node_of(xpm__graph *graph, json_object *object)
{
    const char *identifier = xpm__json_get_text(object, "identifier");
    char unnamed[32];
    if (identifier == NULL) {
        snprintf(unnamed, sizeof unnamed, "#%u", ++graph->unnamed);
        identifier = unnamed;
    }
    xpm__node *node = xpm__graph_find(graph, identifier);
    if (node != NULL)
        return node;
    node = xpm__arena_alloc(&graph->arena, sizeof *node);
    node->identifier = xpm__arena_strdup(&graph->arena, identifier);
    node->type = type_of(graph, object);
    xpm__map_set(&graph->nodes, node->identifier, node);
    return node;
}

static const void *key_of(json_object *id)
{
    return (const void *)((uintptr_t)json_object_get_int64(id) << 1 | 1);
}

static void add_number(xpm__graph *graph, xpm__numbers *numbers, json_object *object)
{
    json_object *id = xpm__json_get(object, "id");
    if (!json_object_is_type(id, json_type_int) ||
        !xpm__ptrmap_add(&numbers->places, key_of(id), numbers->count))
        return;
    numbers->items =
        xpm__grow(numbers->items, &numbers->capacity, numbers->count, sizeof *numbers->items);
    numbers->items[numbers->count++] = (struct xpm__numbered){
        node_of(graph, object), json_object_get_boolean(xpm__json_get(object, "meta"))};
}

/* NULL when no object has this number. */
static const struct xpm__numbered *find_number(const xpm__numbers *numbers, json_object *id)
{
    const size_t *place = json_object_is_type(id, json_type_int)
                              ? xpm__ptrmap_find(&numbers->places, key_of(id))
                              : NULL;
    return place != NULL ? &numbers->items[*place] : NULL;
}

static void free_numbers(xpm__numbers *numbers)
{
    xpm__ptrmap_free(&numbers->places);
    xpm_free(numbers->items);
}

/* ---- Leaves ----------------------------------------------------------------------------------- */

/* FNV-1a */
static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return (hash ^ 0xff) * 0x100000001b3u; /* where it ends */
}

static uint64_t hash_leaf(const char *path, const char *value)
{
    return hash_text(hash_text(0xcbf29ce484222325u, path), value);
}

uint64_t xpm__leaf_hash(const char *path, const xpm__node *node)
{
    return hash_leaf(path, node->identifier);
}

static void add_leaf(reading *r, const char *text, xpm__node *node)
{
    xpm__arena *arena = &r->graph->arena;
    r->leaves = xpm__grow(r->leaves, &r->capacity, r->count, sizeof *r->leaves);
    xpm__leaf *leaf = &r->leaves[r->count++];
    *leaf = (xpm__leaf){.path = xpm__arena_strdup(arena, r->path.data),
                        .text = text != NULL ? xpm__arena_strdup(arena, text) : NULL,
                        .node = node,
                        .ignored = r->ignored};
    leaf->hash = hash_leaf(leaf->path, node != NULL ? node->identifier : leaf->text);
}

/* A number is written in one way, whoever wrote the file. */
static void add_scalar(reading *r, json_object *value)
{
    xpm__str text = {0};
    if (json_object_is_type(value, json_type_double))
        xpm__json_double(&text, json_object_get_double(value));
    else
        xpm__str_puts(&text, json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN));
    add_leaf(r, text.data, NULL);
    xpm__str_free(&text);
}

static void add_reference(reading *r, json_object *id)
{
    const struct xpm__numbered *found = find_number(r->numbers, id);
    if (found != NULL && !found->meta)
        add_leaf(r, NULL, found->node);
}

static void add_enum(reading *r, json_object *value)
{
    const char *module = xpm__json_get_text(value, "module");
    const char *name = xpm__json_get_text(value, "enum");
    const char *member = xpm__json_get_text(value, "value");
    char *text = xpm__format("%s.%s.%s", module != NULL ? module : "", name != NULL ? name : "",
                             member != NULL ? member : "");
    add_leaf(r, text, NULL);
    xpm_free(text);
}

/* The configuration that a value refers to; NULL when it is another kind of value. */
static const struct xpm__numbered *find_referred(const reading *r, json_object *value)
{
    const char *kind = xpm__json_get_text(value, "type");
    return kind != NULL && strcmp(kind, "python") == 0
               ? find_number(r->numbers, xpm__json_get(value, "value"))
               : NULL;
}

static bool is_meta(const reading *r, json_object *value)
{
    const struct xpm__numbered *found = find_referred(r, value);
    return found != NULL && found->meta;
}

/* A text for what stands as a key, or in a set: JSON, and of a configuration its identifier. New. */
static char *key_text(const reading *r, json_object *key)
{
    const char *kind = xpm__json_get_text(key, "type");
    const struct xpm__numbered *found = find_referred(r, key);
    if (found != NULL)
        return xpm__short_name(found->node->type, found->node->identifier);
    if (kind != NULL && strcmp(kind, "enum") == 0 && xpm__json_get_text(key, "value") != NULL)
        return xpm__strdup(xpm__json_get_text(key, "value"));
    return xpm__strdup(json_object_to_json_string_ext(key, JSON_C_TO_STRING_PLAIN));
}

/* Items of a list are numbered. A set has no order: each is named after itself. What is meta takes no
 * place. */
static void add_items(reading *r, json_object *items, bool is_set)
{
    size_t size = r->path.size, kept = 0;
    size_t count =
        json_object_is_type(items, json_type_array) ? json_object_array_length(items) : 0;
    for (size_t i = 0; i < count; i++) {
        json_object *item = json_object_array_get_idx(items, i);
        if (is_meta(r, item))
            continue;
        char *key = is_set ? key_text(r, item) : NULL;
        if (is_set)
            xpm__str_printf(&r->path, "{%s}", key);
        else
            xpm__str_printf(&r->path, "[%zu]", kept);
        add_value(r, item);
        xpm__str_cut(&r->path, size);
        xpm_free(key);
        kept++;
    }
    if (kept == 0)
        add_leaf(r, is_set ? "{}" : "[]", NULL);
}

static void add_pairs(reading *r, json_object *items)
{
    size_t size = r->path.size;
    size_t count =
        json_object_is_type(items, json_type_array) ? json_object_array_length(items) : 0;
    for (size_t i = 0; i < count; i++) {
        json_object *pair = json_object_array_get_idx(items, i);
        if (!json_object_is_type(pair, json_type_array) || json_object_array_length(pair) != 2)
            continue;
        char *key = key_text(r, json_object_array_get_idx(pair, 0));
        xpm__str_printf(&r->path, "[%s]", key);
        add_value(r, json_object_array_get_idx(pair, 1));
        xpm__str_cut(&r->path, size);
        xpm_free(key);
    }
    if (count == 0)
        add_leaf(r, "{}", NULL);
}

static void add_dict(reading *r, json_object *dict)
{
    size_t size = r->path.size;
    json_object_object_foreach (dict, key, value) {
        xpm__str_printf(&r->path, ".%s", key);
        add_value(r, value);
        xpm__str_cut(&r->path, size);
    }
    if (json_object_object_length(dict) == 0)
        add_leaf(r, "{}", NULL);
}

static void add_object(reading *r, json_object *value)
{
    const char *kind = xpm__json_get_text(value, "type");
    json_object *items = xpm__json_get(value, "items");
    if (kind == NULL)
        add_dict(r, value);
    else if (strcmp(kind, "python") == 0)
        add_reference(r, xpm__json_get(value, "value"));
    else if (strcmp(kind, "enum") == 0)
        add_enum(r, value);
    else if (strcmp(kind, "tuple") == 0)
        add_items(r, items, false);
    else if (strcmp(kind, "set") == 0)
        add_items(r, items, true);
    else if (strcmp(kind, "dict") == 0)
        add_pairs(r, items);
    else if (strcmp(kind, "path") != 0 && strcmp(kind, "path.serialized") != 0)
        add_dict(r, value);
}

/* None is no leaf: it counts no more than a parameter that is not there. */
static void add_value(reading *r, json_object *value)
{
    if (json_object_is_type(value, json_type_array))
        add_items(r, value, false);
    else if (json_object_is_type(value, json_type_object))
        add_object(r, value);
    else if (value != NULL)
        add_scalar(r, value);
}

/* ---- Objects ---------------------------------------------------------------------------------- */

static bool is_ignored(json_object *ignored, const char *name)
{
    size_t count =
        json_object_is_type(ignored, json_type_array) ? json_object_array_length(ignored) : 0;
    for (size_t i = 0; i < count; i++) {
        const char *each = json_object_get_string(json_object_array_get_idx(ignored, i));
        if (each != NULL && strcmp(each, name) == 0)
            return true;
    }
    return false;
}

static void add_fields(reading *r, json_object *object)
{
    json_object *fields = xpm__json_get(object, "fields");
    json_object *ignored = xpm__json_get(object, "ignored");
    if (!json_object_is_type(fields, json_type_object))
        return;
    json_object_object_foreach (fields, name, value) {
        r->ignored = is_ignored(ignored, name);
        xpm__str_clear(&r->path);
        xpm__str_printf(&r->path, ".%s", name);
        add_value(r, value);
    }
    r->ignored = false;
}

/* The task that it is an output of, and the tasks that run before. */
static void add_links(reading *r, const xpm__node *node, json_object *object)
{
    const struct xpm__numbered *task = find_number(r->numbers, xpm__json_get(object, "task"));
    json_object *inits = xpm__json_get(object, "init-tasks");
    size_t count =
        json_object_is_type(inits, json_type_array) ? json_object_array_length(inits) : 0;
    xpm__str_clear(&r->path);
    xpm__str_puts(&r->path, ".(task)");
    if (task != NULL && task->node != node)
        add_leaf(r, NULL, task->node);
    for (size_t i = 0; i < count; i++) {
        xpm__str_clear(&r->path);
        xpm__str_printf(&r->path, ".(init tasks)[%zu]", i);
        add_reference(r, json_object_array_get_idx(inits, i));
    }
}

static int compare_leaves(const void *a, const void *b)
{
    return strverscmp(((const xpm__leaf *)a)->path, ((const xpm__leaf *)b)->path);
}

static void read_leaves(xpm__graph *graph, const xpm__numbers *numbers, json_object *object)
{
    const struct xpm__numbered *found = find_number(numbers, xpm__json_get(object, "id"));
    reading r = {.graph = graph, .numbers = numbers};
    if (found == NULL || found->node->read)
        return;
    xpm__node *node = found->node;
    add_fields(&r, object);
    add_links(&r, node, object);
    if (r.count > 0)
        qsort(r.leaves, r.count, sizeof *r.leaves, compare_leaves);
    node->leaves = xpm__arena_alloc(&graph->arena, (r.count + 1) * sizeof *r.leaves);
    node->count = r.count;
    node->read = true;
    if (r.count > 0)
        memcpy(node->leaves, r.leaves, r.count * sizeof *r.leaves);
    xpm_free(r.leaves);
    xpm__str_free(&r.path);
}

/* ---- Documents -------------------------------------------------------------------------------- */

static xpm__node *read_objects(xpm__graph *graph, json_object *objects)
{
    xpm__numbers numbers = {0};
    size_t count = json_object_array_length(objects);
    for (size_t i = 0; i < count; i++)
        add_number(graph, &numbers, json_object_array_get_idx(objects, i));
    for (size_t i = 0; i < count; i++)
        read_leaves(graph, &numbers, json_object_array_get_idx(objects, i));
    json_object *last = json_object_array_get_idx(objects, count - 1);
    const struct xpm__numbered *task = find_number(&numbers, xpm__json_get(last, "id"));
    xpm__node *node = task != NULL ? task->node : NULL;
    free_numbers(&numbers);
    return node;
}

xpm__node *xpm__graph_read(xpm__graph *graph, const char *text, size_t size, const char *path,
                           xpm_error *err)
{
    const char *problem = "has no objects";
    xpm__node *node = NULL;
    json_object *root = xpm__json_parse(text, size, &problem);
    json_object *objects = xpm__json_get(root, "objects");
    if (json_object_is_type(objects, json_type_array) && json_object_array_length(objects) > 0)
        node = read_objects(graph, objects);
    else if (root != NULL)
        problem = "has no objects";
    if (node == NULL)
        xpm__fail(err, XPM_E_FORMAT, path, "%s is not a parameters file: it %s", path, problem);
    json_object_put(root);
    return node;
}

xpm__node *xpm__graph_read_file(xpm__graph *graph, int dir, const char *path, xpm_error *err)
{
    xpm__str text = {0};
    xpm__node *node = NULL;
    if (xpm__file_read(dir, path, &text) == 0)
        node = xpm__graph_read(graph, text.data, text.size, path, err);
    else
        xpm__fail_io(err, path, "read the parameters");
    xpm__str_free(&text);
    return node;
}

/* Each line is parsed twice, first for its number: an object may name one of a later line. */
static void read_lines(xpm__graph *graph, const char *text,
                       void (*read)(xpm__graph *graph, json_object *object))
{
    const char *problem;
    for (const char *end; (end = strchr(text, '\n')) != NULL; text = end + 1) {
        json_object *object = xpm__json_parse(text, (size_t)(end - text), &problem);
        if (object != NULL)
            read(graph, object);
        json_object_put(object);
    }
}

static void read_number(xpm__graph *graph, json_object *object)
{
    add_number(graph, &graph->numbers, object);
}

static void read_line(xpm__graph *graph, json_object *object)
{
    read_leaves(graph, &graph->numbers, object);
}

void xpm__graph_read_lines(xpm__graph *graph, const char *text)
{
    read_lines(graph, text, read_number);
    read_lines(graph, text, read_line);
}

xpm__node *xpm__graph_add(xpm__graph *graph, const xpm_config *task)
{
    char hex[XPM_HEX_SIZE];
    xpm__params_context context = {0};
    xpm__str lines = {0};
    xpm__params_write_lines(task, &context, &graph->written, &lines);
    if (lines.size > 0)
        xpm__graph_read_lines(graph, lines.data);
    xpm__str_free(&lines);
    xpm_identifier_hex(task->identifier, hex);
    return xpm__graph_find(graph, hex);
}

void xpm__graph_free(xpm__graph *graph)
{
    xpm__map_free(&graph->nodes);
    xpm__ptrmap_free(&graph->written);
    free_numbers(&graph->numbers);
    xpm__arena_free(&graph->arena);
    *graph = (xpm__graph){0};
}
