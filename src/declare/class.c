#include "declare/class.h"

#include <ctype.h>
#include <string.h>

#include "base/error.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "declare/generic.h"
#include "declare/parameter.h"
#include "declare/tag.h"
#include "declare/type.h"
#include "declare/value.h"

static xpm__map classes; /* name to class */
static xpm__map aliases; /* name of the past to class */
static xpm_class *made;  /* all of them, for xpm_reset */

static char *lower_name(const char *name)
{
    char *lower = xpm__arena_strdup(&xpm__types, name);
    for (char *c = lower; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    return lower;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* ---- Declaring -------------------------------------------------------------------------------- */

/* A name becomes a folder of the workspace. */
static int check_name(const char *name, xpm_error *err)
{
    if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL)
        return xpm__fail(err, XPM_E_CONFLICT, name,
                         "\"%s\" cannot name a type: it names a folder, so it must not be empty, "
                         "start with a dot or hold a slash",
                         name);
    return 0;
}

static xpm_class *new_class(const xpm_declaration *declaration, const char *name)
{
    xpm_class *class_ = xpm__arena_alloc(&xpm__types, sizeof *class_);
    class_->name = class_->own_name = name;
    class_->module = xpm__arena_strdup(&xpm__types, declaration->module);
    class_->qualname = xpm__arena_strdup(&xpm__types, declaration->qualname);
    class_->file = xpm__arena_strdup(&xpm__types, declaration->file);
    class_->origin = xpm__arena_strdup(&xpm__types, declaration->origin);
    class_->language = xpm__arena_strdup(&xpm__types, declaration->language);
    class_->program = xpm__arena_strdup(&xpm__types, declaration->program);
    class_->flags = declaration->flags;
    class_->user = declaration->user;
    class_->bases = xpm__arena_alloc(&xpm__types, (declaration->base_count + 1) * sizeof(void *));
    class_->next = made;
    made = class_;
    return class_;
}

xpm_class *xpm_class_declare(const xpm_declaration *declaration, xpm_error *err)
{
    char *name = lower_name(declaration->name);
    const xpm_class *taken = xpm__map_find(&classes, name);
    if (check_name(name, err) < 0)
        return NULL;
    if (taken != NULL && !same_text(taken->origin, declaration->origin)) {
        xpm__fail(err, XPM_E_CONFLICT, name,
                  "the type name \"%s\" is taken: %s declares it, and so does %s; give one of them "
                  "another name (__xpmid__ in Python)",
                  name, taken->origin, declaration->origin);
        return NULL;
    }
    xpm_class *class_ = new_class(declaration, name);
    for (size_t i = 0; i < declaration->base_count; i++)
        xpm__class_extend(class_, declaration->bases[i]);
    xpm__map_set(&classes, name, class_);
    return class_;
}

static int refuse_override(const xpm_class *class_, const xpm_parameter *parameter,
                           const xpm_type *inherited, xpm_error *err)
{
    char *mine = xpm_type_text(parameter->type), *theirs = xpm_type_text(inherited);
    xpm__fail(err, XPM_E_TYPE, parameter->name,
              "parameter %s of %s is %s, and cannot be in place of the inherited %s: give it "
              "the same kind of type, or a class that extends the inherited one",
              parameter->name, class_->name, mine, theirs);
    xpm_free(mine);
    xpm_free(theirs);
    return -1;
}

/* The default and the choices of a parameter, against its type. */
static int check_fallback(const xpm_class *class_, xpm_parameter *parameter, xpm_error *err)
{
    char *where = xpm__format("default of %s.%s", class_->name, parameter->name);
    char *choice = xpm__format("a choice of %s.%s", class_->name, parameter->name);
    int status = xpm__choices_keep(parameter, choice, err);
    if (status == 0 && parameter->fallback.kind != XPM_KIND_UNSET)
        status = xpm_check(parameter->type, &parameter->fallback, where, err);
    if (status == 0 && parameter->fallback.kind != XPM_KIND_UNSET)
        status = xpm__choices_check(parameter, &parameter->fallback, where, err);
    xpm_free(where);
    xpm_free(choice);
    return status;
}

static int check_parameter(const xpm_class *class_, xpm_parameter *parameter, xpm_error *err)
{
    int index = xpm_class_index(class_, parameter->name);
    if (class_->used)
        return xpm__fail(err, XPM_E_STATE, parameter->name,
                         "parameter %s cannot be added to %s, of which configurations exist",
                         parameter->name, class_->name);
    if (index >= 0 && !xpm__type_overrides(parameter->type, class_->parameters[index].type))
        return refuse_override(class_, parameter, class_->parameters[index].type, err);
    if ((parameter->flags & XPM_CONSTANT) != 0 && parameter->fallback.kind == XPM_KIND_UNSET)
        return xpm__fail(err, XPM_E_TYPE, parameter->name,
                         "constant %s of %s has no value; give it one as its default",
                         parameter->name, class_->name);
    if (parameter->fallback.kind == XPM_KIND_NONE)
        parameter->type = xpm_type_optional(parameter->type);
    return check_fallback(class_, parameter, err);
}

static const char *const *copy_texts(const char *const *texts)
{
    size_t count = 0;
    if (texts == NULL || texts[0] == NULL)
        return NULL;
    while (texts[count] != NULL)
        count++;
    const char **copies = xpm__arena_alloc(&xpm__types, (count + 1) * sizeof *copies);
    for (size_t i = 0; i < count; i++)
        copies[i] = xpm__arena_strdup(&xpm__types, texts[i]);
    return copies;
}

/* The place of `name` among the parameters: its index, or where it would be inserted. */
static size_t lower_bound(const xpm_class *class_, const char *name)
{
    size_t low = 0, high = class_->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(class_->parameters[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void insert(xpm_class *class_, const xpm_parameter *parameter)
{
    size_t at = lower_bound(class_, parameter->name);
    if (at < class_->count && strcmp(class_->parameters[at].name, parameter->name) == 0) {
        xpm_value_clear(&class_->parameters[at].fallback);
    } else {
        class_->parameters = xpm__grow(class_->parameters, &class_->capacity, class_->count,
                                       sizeof *class_->parameters);
        memmove(&class_->parameters[at + 1], &class_->parameters[at],
                (class_->count - at) * sizeof *class_->parameters);
        class_->count++;
    }
    class_->parameters[at] = *parameter;
    class_->generic = class_->generic || xpm__type_is_generic(parameter->type);
}

int xpm_class_add(xpm_class *class_, const xpm_parameter *parameter, xpm_error *err)
{
    xpm_parameter copy = *parameter;
    copy.type = xpm__type_resolve(class_, parameter->type);
    if (check_parameter(class_, &copy, err) < 0) {
        xpm_value_clear(&copy.fallback);
        return -1;
    }
    copy.name = xpm__arena_strdup(&xpm__types, parameter->name);
    copy.file = xpm__arena_strdup(&xpm__types, parameter->file);
    copy.help = xpm__arena_strdup(&xpm__types, parameter->help);
    copy.groups = copy_texts(parameter->groups);
    copy.renamed_from = copy_texts(parameter->renamed_from);
    insert(class_, &copy);
    return 0;
}

/* Whether a base before `base` has the parameter: as in Python, the first one counts. */
static bool comes_before(const xpm_class *class_, const xpm_class *base, const char *name)
{
    for (size_t i = 0; i < class_->base_count && class_->bases[i] != base; i++)
        if (xpm_class_index(class_->bases[i], name) >= 0)
            return true;
    return false;
}

void xpm_class_inherit(xpm_class *class_, const xpm_class *base)
{
    for (size_t i = 0; i < base->count; i++) {
        xpm_parameter copy = base->parameters[i];
        if (comes_before(class_, base, copy.name))
            continue;
        copy.type = xpm__type_resolve(class_, copy.type);
        copy.fallback = xpm_value_copy(&copy.fallback);
        insert(class_, &copy);
    }
}

void xpm__class_extend(xpm_class *class_, const xpm_class *base)
{
    class_->bases[class_->base_count++] = base;
    class_->flags |= base->flags;
    xpm__class_inherit_bindings(class_, base);
    xpm_class_inherit(class_, base);
}

const xpm_partial *xpm_class_add_partial(xpm_class *class_, const char *name,
                                         const xpm_partial_rule *rule)
{
    xpm_partial *partial = xpm__arena_alloc(&xpm__types, sizeof *partial);
    *partial = (xpm_partial){.class_ = class_,
                             .name = xpm__arena_strdup(&xpm__types, name),
                             .exclude = copy_texts(rule->exclude),
                             .include = copy_texts(rule->include),
                             .exclude_all = rule->exclude_all,
                             .exclude_no_group = rule->exclude_no_group,
                             .next = class_->partials};
    class_->partials = partial;
    return partial;
}

/* ---- Asking ----------------------------------------------------------------------------------- */

const xpm_class *xpm_class_find(const char *name)
{
    xpm__native_declare();
    const xpm_class *class_ = xpm__map_find(&classes, name);
    if (class_ != NULL)
        return class_;
    char *lower = xpm__strdup(name);
    for (char *c = lower; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    class_ = xpm__map_find(&classes, lower);
    if (class_ == NULL)
        class_ = xpm__map_find(&aliases, lower);
    xpm_free(lower);
    return class_;
}

void xpm__class_alias(const xpm_class *class_, const char *name)
{
    xpm__map_set(&aliases, lower_name(name), (void *)class_);
}

const xpm_class *xpm__class_require(const char *name, xpm_error *err)
{
    const xpm_class *class_ = xpm_class_find(name);
    if (class_ != NULL)
        return class_;
    const char **names = xpm__alloc((classes.count + 1) * sizeof *names);
    size_t count = 0;
    for (size_t i = 0; i < classes.capacity; i++)
        if (classes.entries[i].key != NULL)
            names[count++] = classes.entries[i].key;
    const char *near = xpm__nearest(name, names, count);
    xpm__fail(err, XPM_E_UNKNOWN, name, "no class \"%s\" is declared%s%s%s", name,
              near != NULL ? "; is it \"" : "", near != NULL ? near : "",
              near != NULL ? "\"?" : "");
    xpm_free(names);
    return NULL;
}

const char *xpm_class_name(const xpm_class *class_)
{
    return class_->name;
}

unsigned xpm_class_flags(const xpm_class *class_)
{
    return class_->flags;
}

void *xpm_class_user(const xpm_class *class_)
{
    return class_->user;
}

bool xpm_class_is(const xpm_class *class_, const xpm_class *base)
{
    if (class_ == base)
        return true;
    for (size_t i = 0; i < class_->base_count; i++)
        if (xpm_class_is(class_->bases[i], base))
            return true;
    return false;
}

size_t xpm_class_count(const xpm_class *class_)
{
    return class_->count;
}

const xpm_parameter *xpm_class_parameter(const xpm_class *class_, size_t index)
{
    return index < class_->count ? &class_->parameters[index] : NULL;
}

int xpm_class_index(const xpm_class *class_, const char *name)
{
    size_t at = lower_bound(class_, name);
    bool found = at < class_->count && strcmp(class_->parameters[at].name, name) == 0;
    return found ? (int)at : -1;
}

int xpm_class_index_for(const xpm_class *class_, const xpm_class *given, xpm_error *err)
{
    int found = -1;
    for (size_t i = 0; i < class_->count; i++) {
        const xpm_type *type = class_->parameters[i].type;
        if (type->kind == XPM_KIND_OPTIONAL)
            type = type->item;
        if (type->kind != XPM_KIND_CONFIG || !xpm_class_is(given, type->class_))
            continue;
        if (found >= 0)
            return xpm__fail(err, XPM_E_CONFLICT, class_->name,
                             "parameters %s and %s of %s both take a %s: set the one that is meant",
                             class_->parameters[found].name, class_->parameters[i].name,
                             class_->name, given->name);
        found = (int)i;
    }
    if (found < 0)
        return xpm__fail(err, XPM_E_CONFLICT, class_->name, "no parameter of %s takes a %s",
                         class_->name, given->name);
    return found;
}

enum { SHOWN = 12 }; /* parameters in a message, at most */

int xpm_class_unknown(const xpm_class *class_, const char *name, xpm_error *err)
{
    const char **names = xpm__alloc((class_->count + 1) * sizeof *names);
    for (size_t i = 0; i < class_->count; i++)
        names[i] = class_->parameters[i].name;
    const char *near = xpm__nearest(name, names, class_->count);
    char *where = xpm__format("$.%s", name);
    xpm__str right = {0};
    if (near != NULL)
        xpm__str_printf(&right, "; is it %s?", near);
    for (size_t i = 0; near == NULL && i < class_->count && i <= SHOWN; i++)
        xpm__str_printf(&right, "%s%s", i > 0 ? ", " : ", which has ",
                        i < SHOWN ? names[i] : "...");
    xpm__fail(err, XPM_E_UNKNOWN, where, "%s is not a parameter of %s%s", name, class_->name,
              right.data != NULL ? right.data : ", which has none");
    xpm__str_free(&right);
    xpm_free(where);
    xpm_free(names);
    return -1;
}

const xpm_partial *xpm_class_partial(const xpm_class *class_, const char *name)
{
    for (const xpm_partial *partial = class_->partials; partial != NULL; partial = partial->next)
        if (strcmp(partial->name, name) == 0)
            return partial;
    for (size_t i = 0; i < class_->base_count; i++) {
        const xpm_partial *partial = xpm_class_partial(class_->bases[i], name);
        if (partial != NULL)
            return partial;
    }
    return NULL;
}

typedef struct partials {
    const xpm_partial **items;
    size_t count, capacity;
} partials;

/* Inserts in order of name, unless there is one of that name. */
static void add_partial(partials *all, const xpm_partial *partial)
{
    size_t at = 0;
    while (at < all->count && strcmp(all->items[at]->name, partial->name) < 0)
        at++;
    if (at < all->count && strcmp(all->items[at]->name, partial->name) == 0)
        return;
    all->items = xpm__grow(all->items, &all->capacity, all->count + 1, sizeof *all->items);
    memmove(&all->items[at + 1], &all->items[at], (all->count - at) * sizeof *all->items);
    all->items[at] = partial;
    all->count++;
}

static void gather_partials(partials *all, const xpm_class *class_)
{
    for (const xpm_partial *partial = class_->partials; partial != NULL; partial = partial->next)
        add_partial(all, partial);
    for (size_t i = 0; i < class_->base_count; i++)
        gather_partials(all, class_->bases[i]);
}

const xpm_partial **xpm__class_partials(const xpm_class *class_)
{
    partials all = {0};
    gather_partials(&all, class_);
    all.items = xpm__grow(all.items, &all.capacity, all.count, sizeof *all.items);
    all.items[all.count] = NULL;
    return all.items;
}

static bool share(const char *const *a, const char *const *b)
{
    for (; a != NULL && *a != NULL; a++)
        for (const char *const *other = b; other != NULL && *other != NULL; other++)
            if (strcmp(*a, *other) == 0)
                return true;
    return false;
}

bool xpm__partial_excludes(const xpm_partial *partial, const xpm_parameter *parameter)
{
    if (share(partial->include, parameter->groups))
        return false;
    if (partial->exclude_all)
        return true;
    if (parameter->groups == NULL)
        return partial->exclude_no_group;
    return share(partial->exclude, parameter->groups);
}

const char *xpm__class_short_name(const xpm_class *class_)
{
    const char *dot = strrchr(class_->name, '.');
    return dot != NULL ? dot + 1 : class_->name;
}

void xpm_reset(void)
{
    for (; made != NULL; made = made->next) {
        for (size_t i = 0; i < made->count; i++)
            xpm_value_clear(&made->parameters[i].fallback);
        xpm_free(made->parameters);
    }
    xpm__tag_reset();
    xpm__call_at_reset();
    xpm__map_free(&classes);
    xpm__map_free(&aliases);
    xpm__arena_free(&xpm__types);
}
