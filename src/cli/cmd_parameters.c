/* parameters-difference: where two params.json differ. Objects with one identifier are equal; in
 * those that differ, each field is looked at, paths excepted: they say where, and not what. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "cli/cli.h"

enum { MAX_NESTING = 2000 };

typedef struct side {
    json_object *root, *objects;
} side;

typedef struct comparison {
    side a, b;
    xpm__map seen; /* pairs of objects */
    int depth;
} comparison;

static void compare_values(comparison *c, json_object *a, json_object *b, const char *path);

/* ---- Reading ---------------------------------------------------------------------------------- */

static int read_side(const char *path, side *s, xpm_error *err)
{
    xpm__str text = {0};
    const char *problem = "";
    if (xpm__file_read(AT_FDCWD, path, &text) < 0) {
        xpm__str_free(&text);
        return xpm__fail_io(err, path, "read the parameters");
    }
    s->root = xpm__json_parse(text.data, text.size, &problem);
    s->objects = xpm__json_get(s->root, "objects");
    xpm__str_free(&text);
    if (json_object_is_type(s->objects, json_type_array) &&
        json_object_array_length(s->objects) > 0)
        return 0;
    return xpm__fail(err, XPM_E_FORMAT, path, "%s is not a parameters file: it %s", path,
                     s->root == NULL ? problem : "has no objects");
}

static json_object *find_object(const side *s, json_object *id)
{
    for (size_t i = 0; id != NULL && i < json_object_array_length(s->objects); i++) {
        json_object *object = json_object_array_get_idx(s->objects, i);
        if (json_object_equal(xpm__json_get(object, "id"), id))
            return object;
    }
    return NULL;
}

/* ---- Comparing -------------------------------------------------------------------------------- */

static const char *text_of(json_object *value)
{
    return value != NULL ? json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN) : "null";
}

static void print_difference(const char *path, const char *a, const char *b)
{
    printf("%s: %s != %s\n", path, a, b);
}

static bool same_text(json_object *a, json_object *b, const char *key)
{
    const char *left = xpm__json_get_text(a, key), *right = xpm__json_get_text(b, key);
    return left != NULL && right != NULL && strcmp(left, right) == 0;
}

/* A cycle, and what many hold, is looked at once. */
static bool is_seen(comparison *c, json_object *a, json_object *b)
{
    char *pair = xpm__format("%p %p", (void *)a, (void *)b);
    if (xpm__map_find(&c->seen, pair) != NULL) {
        xpm_free(pair);
        return true;
    }
    xpm__map_set(&c->seen, pair, pair);
    return false;
}

static void compare_member(comparison *c, json_object *a, json_object *b, const char *path,
                           const char *name)
{
    char *inner = xpm__format("%s.%s", path, name);
    compare_values(c, a, b, inner);
    xpm_free(inner);
}

static void compare_members(comparison *c, json_object *a, json_object *b, const char *path)
{
    json_object_object_foreach (a, name, value) {
        compare_member(c, value, xpm__json_get(b, name), path, name);
    }
    json_object_object_foreach (b, other, extra) {
        if (!json_object_object_get_ex(a, other, NULL))
            compare_member(c, NULL, extra, path, other);
    }
}

static void compare_lists(comparison *c, json_object *a, json_object *b, const char *path)
{
    size_t left = json_object_array_length(a), right = json_object_array_length(b);
    if (left != right) {
        printf("%s: %zu items != %zu\n", path, left, right);
        return;
    }
    for (size_t i = 0; i < left; i++) {
        char *inner = xpm__format("%s[%zu]", path, i);
        compare_values(c, json_object_array_get_idx(a, i), json_object_array_get_idx(b, i), inner);
        xpm_free(inner);
    }
}

/* The task that each is an output of, and the tasks that run before. */
static void compare_links(comparison *c, json_object *a, json_object *b, const char *path);

static void compare_objects(comparison *c, json_object *a, json_object *b, const char *path)
{
    json_object *left = xpm__json_get(a, "fields"), *right = xpm__json_get(b, "fields");
    if (a == NULL || b == NULL || same_text(a, b, "identifier") || is_seen(c, a, b))
        return;
    if (!same_text(a, b, "typename"))
        print_difference(path, text_of(xpm__json_get(a, "typename")),
                         text_of(xpm__json_get(b, "typename")));
    else if (++c->depth < MAX_NESTING) {
        compare_members(c, left, right, path);
        compare_links(c, a, b, path);
        c->depth--;
    }
}

static void compare_links(comparison *c, json_object *a, json_object *b, const char *path)
{
    json_object *left = xpm__json_get(a, "task"), *right = xpm__json_get(b, "task");
    json_object *inits_a = xpm__json_get(a, "init-tasks"),
                *inits_b = xpm__json_get(b, "init-tasks");
    size_t count = inits_a != NULL ? json_object_array_length(inits_a) : 0;
    size_t other = inits_b != NULL ? json_object_array_length(inits_b) : 0;
    if ((left == NULL) != (right == NULL)) {
        print_difference(path, left != NULL ? "an output of a task" : "of no task",
                         right != NULL ? "an output of a task" : "of no task");
    } else if (left != NULL) {
        char *inner = xpm__format("%s.(task)", path);
        compare_objects(c, find_object(&c->a, left), find_object(&c->b, right), inner);
        xpm_free(inner);
    }
    if (count != other)
        printf("%s.(init tasks): %zu items != %zu\n", path, count, other);
    for (size_t i = 0; count == other && i < count; i++) {
        char *inner = xpm__format("%s.(init tasks)[%zu]", path, i);
        compare_objects(c, find_object(&c->a, json_object_array_get_idx(inits_a, i)),
                        find_object(&c->b, json_object_array_get_idx(inits_b, i)), inner);
        xpm_free(inner);
    }
}

static void compare_values(comparison *c, json_object *a, json_object *b, const char *path)
{
    const char *kind = xpm__json_get_text(a, "type"), *other = xpm__json_get_text(b, "type");
    if ((kind != NULL && strcmp(kind, "path") == 0) ||
        (other != NULL && strcmp(other, "path") == 0))
        return;
    if (kind != NULL && other != NULL && strcmp(kind, "python") == 0 &&
        strcmp(other, "python") == 0)
        compare_objects(c, find_object(&c->a, xpm__json_get(a, "value")),
                        find_object(&c->b, xpm__json_get(b, "value")), path);
    else if (json_object_is_type(a, json_type_array) && json_object_is_type(b, json_type_array))
        compare_lists(c, a, b, path);
    else if (json_object_is_type(a, json_type_object) && json_object_is_type(b, json_type_object))
        compare_members(c, a, b, path);
    else if (!json_object_equal(a, b))
        print_difference(path, text_of(a), text_of(b));
}

static json_object *last_object(const side *s)
{
    return json_object_array_get_idx(s->objects, json_object_array_length(s->objects) - 1);
}

int cmd_parameters_difference(const cli_call *call)
{
    xpm_error err = {0};
    comparison c = {0};
    int status = CLI_OK;
    if (read_side(call->argument, &c.a, &err) < 0 || read_side(call->second, &c.b, &err) < 0)
        status = cli_fail(&err);
    else
        compare_objects(&c, last_object(&c.a), last_object(&c.b), "$");
    for (size_t i = 0; i < c.seen.capacity; i++)
        if (c.seen.entries[i].key != NULL)
            xpm_free(c.seen.entries[i].value);
    xpm__map_free(&c.seen);
    json_object_put(c.a.root);
    json_object_put(c.b.root);
    return status;
}
