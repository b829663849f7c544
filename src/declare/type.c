#include "declare/type.h"

#include <ctype.h>
#include <string.h>

#include "base/error.h"
#include "declare/class.h"

xpm__arena xpm__types;

static const struct {
    const char *name;
    xpm_type type;
} scalars[] = {
    {"none", {.kind = XPM_KIND_NONE}}, {"bool", {.kind = XPM_KIND_BOOL}},
    {"int", {.kind = XPM_KIND_INT}},   {"float", {.kind = XPM_KIND_FLOAT}},
    {"str", {.kind = XPM_KIND_STR}},   {"path", {.kind = XPM_KIND_PATH}},
    {"any", {.kind = XPM_KIND_ANY}},
};

enum { SCALAR_COUNT = sizeof scalars / sizeof *scalars };

const xpm_type *xpm_type_scalar(xpm_kind kind)
{
    for (size_t i = 0; i < SCALAR_COUNT; i++)
        if (scalars[i].type.kind == kind)
            return &scalars[i].type;
    return NULL;
}

const char *xpm__kind_name(xpm_kind kind)
{
    for (size_t i = 0; i < SCALAR_COUNT; i++)
        if (scalars[i].type.kind == kind)
            return scalars[i].name;
    return "";
}

static xpm_type *new_type(xpm_kind kind)
{
    xpm_type *type = xpm__arena_alloc(&xpm__types, sizeof *type);
    type->kind = kind;
    return type;
}

static xpm_type *new_of(xpm_kind kind, const xpm_type *key, const xpm_type *item)
{
    xpm_type *type = new_type(kind);
    type->key = key;
    type->item = item;
    return type;
}

const xpm_type *xpm_type_list(const xpm_type *item)
{
    return new_of(XPM_KIND_LIST, NULL, item);
}

const xpm_type *xpm_type_set(const xpm_type *item)
{
    return new_of(XPM_KIND_SET, NULL, item);
}

/* Whether values of a type can be keys of a dict: those that stay as they are. */
static bool is_key(const xpm_type *type)
{
    switch (type->kind) {
    case XPM_KIND_LIST:
    case XPM_KIND_SET:
    case XPM_KIND_DICT:
    case XPM_KIND_CONFIG:
        return false;
    case XPM_KIND_OPTIONAL:
        return is_key(type->item);
    case XPM_KIND_UNION:
        for (size_t i = 0; i < type->count; i++)
            if (!is_key(type->types[i]))
                return false;
        return true;
    default:
        return true;
    }
}

const xpm_type *xpm_type_dict(const xpm_type *key, const xpm_type *value)
{
    return is_key(key) ? new_of(XPM_KIND_DICT, key, value) : NULL;
}

const xpm_type *xpm_type_tuple_of(const xpm_type *item)
{
    return new_of(XPM_KIND_TUPLE, NULL, item);
}

const xpm_type *xpm_type_optional(const xpm_type *item)
{
    return item->kind == XPM_KIND_OPTIONAL ? item : new_of(XPM_KIND_OPTIONAL, NULL, item);
}

static const xpm_type *const *copy_row(const xpm_type *const *types, size_t count)
{
    size_t size = count * sizeof(const xpm_type *);
    return count > 0 ? memcpy(xpm__arena_alloc(&xpm__types, size), types, size) : NULL;
}

static xpm_type *new_row(xpm_kind kind, const xpm_type *const *types, size_t count)
{
    xpm_type *type = new_type(kind);
    type->types = copy_row(types, count);
    type->count = count;
    return type;
}

const xpm_type *xpm_type_tuple(const xpm_type *const *types, size_t count)
{
    return new_row(XPM_KIND_TUPLE, types, count);
}

const xpm_type *xpm_type_union(const xpm_type *const *types, size_t count)
{
    return new_row(XPM_KIND_UNION, types, count);
}

const xpm_type *xpm_type_enum(const char *module, const char *qualname, const char *const *members,
                              size_t count)
{
    xpm_type *type = new_type(XPM_KIND_ENUM);
    const char **copies = xpm__arena_alloc(&xpm__types, count * sizeof(const char *));
    for (size_t i = 0; i < count; i++)
        copies[i] = xpm__arena_strdup(&xpm__types, members[i]);
    type->module = xpm__arena_strdup(&xpm__types, module);
    type->name = xpm__arena_strdup(&xpm__types, qualname);
    type->members = copies;
    type->count = count;
    return type;
}

xpm_value xpm__type_keep(const xpm_value *scalar)
{
    xpm_value kept = *scalar;
    if (scalar->kind == XPM_KIND_STR || scalar->kind == XPM_KIND_PATH) {
        kept.as.text = xpm__arena_alloc(&xpm__types, scalar->size + 1);
        memcpy(kept.as.text, scalar->as.text, scalar->size);
    }
    return kept;
}

const xpm_type *xpm_type_enum_mixed(const char *module, const char *qualname,
                                    const char *const *members, const xpm_value *values,
                                    size_t count)
{
    xpm_type *type = (xpm_type *)xpm_type_enum(module, qualname, members, count);
    xpm_value *copies = xpm__arena_alloc(&xpm__types, count * sizeof *copies);
    for (size_t i = 0; i < count; i++)
        copies[i] = xpm__type_keep(&values[i]);
    type->plain = copies;
    return type;
}

const xpm_type *xpm_type_config(const xpm_class *class_)
{
    xpm_type *type = new_type(XPM_KIND_CONFIG);
    type->class_ = class_;
    return type;
}

const xpm_type *xpm_type_config_of(const xpm_class *class_, const xpm_type *const *variables,
                                   const xpm_type *const *types, size_t count)
{
    xpm_type *type = new_row(XPM_KIND_CONFIG, types, count);
    type->variables = copy_row(variables, count);
    type->class_ = class_;
    return type;
}

const xpm_type *xpm_type_variable(const char *name, const xpm_type *bound)
{
    xpm_type *type = new_of(XPM_KIND_VARIABLE, NULL, bound);
    type->name = xpm__arena_strdup(&xpm__types, name);
    return type;
}

xpm_kind xpm_type_kind(const xpm_type *type)
{
    return type->kind;
}

const xpm_class *xpm_type_class(const xpm_type *type)
{
    while (type->kind == XPM_KIND_OPTIONAL)
        type = type->item;
    return type->kind == XPM_KIND_CONFIG ? type->class_ : NULL;
}

const char *xpm_type_enum_module(const xpm_type *type)
{
    return type->module;
}

const char *xpm_type_enum_name(const xpm_type *type)
{
    return type->name;
}

const char *xpm_type_enum_member(const xpm_type *type, size_t index)
{
    return type->kind == XPM_KIND_ENUM && index < type->count ? type->members[index] : NULL;
}

const xpm_type *xpm_type_item(const xpm_type *type, size_t index)
{
    if (type->kind == XPM_KIND_UNION)
        return index < type->count ? type->types[index] : NULL;
    return type->kind == XPM_KIND_VARIABLE ? NULL : xpm__type_item(type, index);
}

const xpm_type *xpm_type_key(const xpm_type *type)
{
    return type->key;
}

const xpm_type *xpm__type_item(const xpm_type *type, size_t index)
{
    if (type->kind != XPM_KIND_TUPLE || type->item != NULL)
        return type->item;
    return index < type->count ? type->types[index] : NULL;
}

static void print_inside(const char *name, const xpm_type *key, const xpm_type *item, xpm__str *out)
{
    xpm__str_printf(out, "%s[", name);
    if (key != NULL) {
        xpm__type_print(key, out);
        xpm__str_putc(out, ',');
    }
    xpm__type_print(item, out);
    xpm__str_putc(out, ']');
}

static void print_row(const xpm_type *type, const char *separator, xpm__str *out)
{
    for (size_t i = 0; i < type->count; i++) {
        xpm__str_puts(out, i > 0 ? separator : "");
        xpm__type_print(type->types[i], out);
    }
}

void xpm__type_print(const xpm_type *type, xpm__str *out)
{
    switch (type->kind) {
    case XPM_KIND_LIST:
        print_inside("list", NULL, type->item, out);
        break;
    case XPM_KIND_SET:
        print_inside("set", NULL, type->item, out);
        break;
    case XPM_KIND_DICT:
        print_inside("dict", type->key, type->item, out);
        break;
    case XPM_KIND_OPTIONAL:
        xpm__type_print(type->item, out);
        xpm__str_putc(out, '?');
        break;
    case XPM_KIND_UNION:
        print_row(type, "|", out);
        break;
    case XPM_KIND_TUPLE:
        xpm__str_puts(out, "tuple[");
        if (type->item != NULL)
            xpm__type_print(type->item, out);
        print_row(type, ",", out);
        xpm__str_puts(out, type->item != NULL ? ",...]" : "]");
        break;
    case XPM_KIND_ENUM:
        xpm__str_printf(out, "%s.%s", type->module, type->name);
        break;
    case XPM_KIND_CONFIG:
        xpm__str_puts(out, type->class_->own_name);
        if (type->count > 0) {
            xpm__str_putc(out, '[');
            print_row(type, ",", out);
            xpm__str_putc(out, ']');
        }
        break;
    case XPM_KIND_VARIABLE:
        xpm__str_puts(out, type->name);
        if (type->item != NULL) {
            xpm__str_puts(out, ": ");
            xpm__type_print(type->item, out);
        }
        break;
    default:
        xpm__str_puts(out, xpm__kind_name(type->kind));
    }
}

char *xpm_type_text(const xpm_type *type)
{
    xpm__str out = {0};
    xpm__type_print(type, &out);
    return xpm__str_take(&out);
}

/* ---- Parsing: union = postfix { "|" postfix }; postfix = term { "?" } ------------------------- */

typedef struct parser {
    const char *text, *at;
    xpm_error *err;
    int depth;
} parser;

enum { MAX_DEPTH = 64, MAX_ROW = 16 };

static const xpm_type *parse_union(parser *p);

static const xpm_type *bad(parser *p, const char *expected)
{
    xpm__fail(p->err, XPM_E_FORMAT, p->text, "type \"%.200s\": expected %s at \"%.200s\"", p->text,
              expected, p->at);
    return NULL;
}

static bool accept(parser *p, char c)
{
    while (*p->at == ' ')
        p->at++;
    if (*p->at != c)
        return false;
    p->at++;
    return true;
}

static const xpm_type *parse_inside(parser *p, xpm_kind kind)
{
    const xpm_type *key = NULL, *item;
    if (!accept(p, '['))
        return bad(p, "[");
    if ((item = parse_union(p)) == NULL)
        return NULL;
    if (kind == XPM_KIND_DICT) {
        key = item;
        if (!is_key(key))
            return bad(p, "a scalar as the type of keys");
        if (!accept(p, ','))
            return bad(p, ",");
        if ((item = parse_union(p)) == NULL)
            return NULL;
    }
    return accept(p, ']') ? new_of(kind, key, item) : bad(p, "]");
}

/* "[int,str]", "[int,...]" or "[]". */
static const xpm_type *parse_tuple(parser *p)
{
    const xpm_type *types[MAX_ROW];
    size_t count = 0;
    if (!accept(p, '['))
        return bad(p, "[");
    if (accept(p, ']'))
        return xpm_type_tuple(NULL, 0);
    do {
        if (count == 1 && accept(p, '.'))
            return accept(p, '.') && accept(p, '.') && accept(p, ']') ? xpm_type_tuple_of(types[0])
                                                                      : bad(p, "...]");
        if (count == MAX_ROW)
            return bad(p, "fewer items");
        if ((types[count++] = parse_union(p)) == NULL)
            return NULL;
    } while (accept(p, ','));
    return accept(p, ']') ? xpm_type_tuple(types, count) : bad(p, "]");
}

static const xpm_type *parse_name(parser *p, const char *name)
{
    for (size_t i = 0; i < SCALAR_COUNT; i++)
        if (strcmp(name, scalars[i].name) == 0)
            return &scalars[i].type;
    if (strcmp(name, "list") == 0)
        return parse_inside(p, XPM_KIND_LIST);
    if (strcmp(name, "tuple") == 0)
        return parse_tuple(p);
    if (strcmp(name, "set") == 0)
        return parse_inside(p, XPM_KIND_SET);
    if (strcmp(name, "dict") == 0)
        return parse_inside(p, XPM_KIND_DICT);
    const xpm_class *class_ = xpm_class_find(name);
    if (class_ != NULL)
        return xpm_type_config(class_);
    const xpm_type *enumeration = xpm__native_enum(name);
    if (enumeration != NULL)
        return enumeration;
    xpm__fail(p->err, XPM_E_UNKNOWN, p->text,
              "type \"%s\": no class \"%s\" is declared; declare it before its users", p->text,
              name);
    return NULL;
}

static const xpm_type *parse_postfix(parser *p)
{
    const char *start;
    const xpm_type *type;
    while (*p->at == ' ')
        p->at++;
    for (start = p->at; isalnum((unsigned char)*p->at) || strchr("._-:", *p->at) != NULL; p->at++)
        if (*p->at == '\0')
            break;
    if (p->at == start)
        return bad(p, "the name of a type");
    char *name = xpm__strndup(start, (size_t)(p->at - start));
    type = parse_name(p, name);
    xpm_free(name);
    while (type != NULL && accept(p, '?'))
        type = xpm_type_optional(type);
    return type;
}

static const xpm_type *parse_union(parser *p)
{
    const xpm_type *types[MAX_ROW], *type = NULL;
    size_t count = 0;
    if (++p->depth > MAX_DEPTH)
        return bad(p, "fewer nested types");
    do {
        if (count == MAX_ROW)
            return bad(p, "fewer alternatives");
        if ((type = types[count++] = parse_postfix(p)) == NULL)
            return NULL;
    } while (accept(p, '|'));
    p->depth--;
    return count == 1 ? type : xpm_type_union(types, count);
}

const xpm_type *xpm_type_parse(const char *text, xpm_error *err)
{
    parser p = {.text = text, .at = text, .err = err};
    const xpm_type *type = parse_union(&p);
    return type != NULL && !accept(&p, '\0') ? bad(&p, "the end") : type;
}
