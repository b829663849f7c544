#include "identify/canonical.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "declare/class.h"
#include "declare/config.h"
#include "declare/equal.h"
#include "declare/type.h"
#include "declare/value.h"
#include "declare/walk.h"

enum tag {
    TAG_OBJECT = 0x00,
    TAG_INT = 0x01,
    TAG_FLOAT = 0x02,
    TAG_STR = 0x03,
    TAG_NAME = 0x05,
    TAG_NONE = 0x06,
    TAG_LIST = 0x07,
    TAG_TASK = 0x08,
    TAG_DICT = 0x09,
    TAG_ENUM = 0x0a,
    TAG_CYCLE = 0x0b,
    TAG_INIT_TASKS = 0x0c,
    TAG_INSTANCE = 0x0d,
    TAG_SET = 0x0e,
};

#define NO_LOOP UINT32_MAX

/* How deep the computation nests on the stack. Deeper, what is below is computed first, from the
 * bottom up (see digest_below); only a cycle, which cannot be, goes on to the second limit. */
enum { DEEP = 1000, TOO_DEEP = 3000 };

/* One call from outside: what it has met, and where it is. */
typedef struct computation {
    uint64_t number;
    uint32_t depth;    /* how many are being hashed, from the root down */
    uint32_t floor;    /* those up to this place are not seen: an element of a set is alone */
    uint32_t loop_top; /* the place nearest to the root that a cycle reached, or NO_LOOP */
    struct instance {  /* objects of InstanceConfig types, in the order in which they were met */
        uint8_t identifier[XPM_IDENTIFIER_SIZE];
        const xpm_config *config;
        size_t position;
    } * instances;
    size_t instance_count, instance_capacity;
    xpm_error *err;
} computation;

static int add_value(computation *c, xpm__sha256 *hash, const xpm_value *value);
static int digest_of(computation *c, xpm_config *config, const xpm_partial *partial,
                     uint8_t digest[XPM_IDENTIFIER_SIZE]);

static void add_byte(xpm__sha256 *hash, enum tag tag)
{
    uint8_t byte = (uint8_t)tag;
    xpm__sha256_add(hash, &byte, 1);
}

/* A tag and 64 bits, most significant first. */
static void add_word(xpm__sha256 *hash, enum tag tag, uint64_t word)
{
    uint8_t bytes[9] = {(uint8_t)tag};
    word = htobe64(word);
    memcpy(bytes + 1, &word, sizeof word);
    xpm__sha256_add(hash, bytes, sizeof bytes);
}

static void add_double(xpm__sha256 *hash, enum tag tag, double real)
{
    uint64_t word;
    memcpy(&word, &real, sizeof word);
    add_word(hash, tag, word);
}

/* ---- Collections ------------------------------------------------------------------------------ */

static int add_list(computation *c, xpm__sha256 *hash, const xpm_value *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->size; i++)
        kept += !xpm__value_is_meta(&list->as.items[i]);
    add_double(hash, TAG_LIST, (double)kept);
    for (size_t i = 0; i < list->size; i++)
        if (!xpm__value_is_meta(&list->as.items[i]) && add_value(c, hash, &list->as.items[i]) < 0)
            return -1;
    return 0;
}

/* An element of a set, with the digest of its own stream: what it is sorted by. */
typedef struct element {
    uint8_t digest[XPM_IDENTIFIER_SIZE];
    const xpm_value *value;
} element;

static int compare_elements(const void *a, const void *b)
{
    return memcmp(((const element *)a)->digest, ((const element *)b)->digest, XPM_IDENTIFIER_SIZE);
}

/* The element alone, as if nothing was above it. */
static int digest_element(computation *c, element *e)
{
    xpm__sha256 hash;
    uint32_t floor = c->floor;
    c->floor = c->depth;
    xpm__sha256_init(&hash);
    int status = add_value(c, &hash, e->value);
    xpm__sha256_end(&hash, e->digest);
    c->floor = floor;
    return status;
}

static int add_set(computation *c, xpm__sha256 *hash, const xpm_value *set)
{
    element *elements = xpm__alloc((set->size + 1) * sizeof *elements);
    size_t kept = 0;
    int status = 0;
    for (size_t i = 0; status == 0 && i < set->size; i++) {
        if (xpm__value_is_meta(&set->as.items[i]))
            continue;
        elements[kept].value = &set->as.items[i];
        status = digest_element(c, &elements[kept++]);
    }
    qsort(elements, kept, sizeof *elements, compare_elements);
    add_double(hash, TAG_SET, (double)kept);
    for (size_t i = 0; status == 0 && i < kept; i++)
        status = add_value(c, hash, elements[i].value);
    xpm_free(elements);
    return status;
}

static int compare_pairs(const void *a, const void *b)
{
    return xpm__value_compare(*(const xpm_value *const *)a, *(const xpm_value *const *)b);
}

static int add_dict(computation *c, xpm__sha256 *hash, const xpm_value *dict)
{
    const xpm_value **pairs = xpm__alloc((dict->size + 1) * sizeof *pairs);
    size_t kept = 0;
    int status = 0;
    for (size_t i = 0; i < dict->size; i++)
        if (!xpm__value_is_meta(&dict->as.items[2 * i + 1]))
            pairs[kept++] = &dict->as.items[2 * i];
    qsort(pairs, kept, sizeof *pairs, compare_pairs);
    add_byte(hash, TAG_DICT);
    for (size_t i = 0; status == 0 && i < kept; i++)
        if (add_value(c, hash, &pairs[i][0]) < 0 || add_value(c, hash, &pairs[i][1]) < 0)
            status = -1;
    xpm_free(pairs);
    return status;
}

static void add_enum(xpm__sha256 *hash, const xpm_value *value)
{
    const xpm_type *type = value->as.enum_type;
    const char *member = type->members[value->size];
    add_byte(hash, TAG_ENUM);
    xpm__sha256_add(hash, type->module, strlen(type->module));
    xpm__sha256_add(hash, ".", 1);
    xpm__sha256_add(hash, type->name, strlen(type->name));
    xpm__sha256_add(hash, ":", 1);
    xpm__sha256_add(hash, member, strlen(member));
}

/* ---- Configurations --------------------------------------------------------------------------- */

/* The position of an object among the distinct ones with its identifier: 0 for the first. */
static size_t instance_position(computation *c, const xpm_config *config,
                                const uint8_t identifier[XPM_IDENTIFIER_SIZE])
{
    size_t position = 0;
    for (size_t i = 0; i < c->instance_count; i++) {
        const struct instance *met = &c->instances[i];
        if (met->config == config)
            return met->position;
        position += memcmp(met->identifier, identifier, XPM_IDENTIFIER_SIZE) == 0;
    }
    c->instances =
        xpm__grow(c->instances, &c->instance_capacity, c->instance_count, sizeof *c->instances);
    struct instance *added = &c->instances[c->instance_count++];
    *added = (struct instance){.config = config, .position = position};
    memcpy(added->identifier, identifier, XPM_IDENTIFIER_SIZE);
    return position;
}

static int add_config(computation *c, xpm__sha256 *hash, xpm_config *config)
{
    uint8_t identifier[XPM_IDENTIFIER_SIZE];
    add_byte(hash, TAG_OBJECT);
    if (config->depth > c->floor) {
        if (config->depth < c->loop_top)
            c->loop_top = config->depth;
        add_word(hash, TAG_CYCLE, c->depth - config->depth + 1);
        return 0;
    }
    if (digest_of(c, config, NULL, identifier) < 0)
        return -1;
    xpm__sha256_add(hash, identifier, sizeof identifier);
    if ((config->class_->flags & XPM_CLASS_INSTANCE) != 0) {
        size_t position = instance_position(c, config, identifier);
        if (position > 0)
            add_word(hash, TAG_INSTANCE, position);
    }
    return 0;
}

static int add_value(computation *c, xpm__sha256 *hash, const xpm_value *value)
{
    value = xpm__value_plain(value);
    switch (value->kind) {
    case XPM_KIND_NONE:
        add_byte(hash, TAG_NONE);
        return 0;
    case XPM_KIND_BOOL:
        add_word(hash, TAG_INT, value->as.boolean);
        return 0;
    case XPM_KIND_INT:
        add_word(hash, TAG_INT, (uint64_t)value->as.integer);
        return 0;
    case XPM_KIND_FLOAT:
        add_double(hash, TAG_FLOAT, value->as.real);
        return 0;
    case XPM_KIND_STR:
        add_byte(hash, TAG_STR);
        xpm__sha256_add(hash, value->as.text, value->size);
        return 0;
    case XPM_KIND_ENUM:
        add_enum(hash, value);
        return 0;
    case XPM_KIND_LIST:
    case XPM_KIND_TUPLE:
        return add_list(c, hash, value);
    case XPM_KIND_SET:
        return add_set(c, hash, value);
    case XPM_KIND_DICT:
        return add_dict(c, hash, value);
    case XPM_KIND_CONFIG:
        return add_config(c, hash, value->as.config);
    default:
        return xpm__fail(c->err, XPM_E_TYPE, "",
                         "a path inside a list, tuple, set or dict cannot be identified; give it a "
                         "parameter of its own, of type Path");
    }
}

/* ---- Which parameters count ------------------------------------------------------------------- */

static bool is_path(const xpm_type *type)
{
    return type->kind == XPM_KIND_PATH || (type->kind == XPM_KIND_OPTIONAL && is_path(type->item));
}

/* A number that is not one is unequal to itself. */
static bool is_default(const xpm_parameter *parameter, const xpm_value *value)
{
    return (value == &parameter->fallback && value->kind != XPM_KIND_FLOAT) ||
           xpm__value_is_default(value, &parameter->fallback);
}

/* The value that counts for parameter `index`, or NULL when it does not count. */
static const xpm_value *counted(const xpm_config *config, size_t index, const xpm_partial *partial)
{
    static const xpm_value none = {.kind = XPM_KIND_NONE};
    const xpm_parameter *parameter = &config->class_->parameters[index];
    const xpm_value *value = xpm__config_value(config, index, parameter);
    bool constant = (parameter->flags & XPM_CONSTANT) != 0;
    if (xpm__parameter_generated(parameter))
        return NULL;
    if (value == NULL)
        value = &none;
    if (((parameter->flags & XPM_META) != 0 || is_path(parameter->type)) &&
        !(value->kind == XPM_KIND_CONFIG && value->as.config->meta == 0))
        return NULL;
    if (xpm__value_is_meta(value) || (partial != NULL && xpm__partial_excludes(partial, parameter)))
        return NULL;
    if (constant)
        return value;
    bool has_default =
        parameter->fallback.kind != XPM_KIND_UNSET && parameter->fallback.kind != XPM_KIND_NONE;
    if (!has_default)
        return value->kind == XPM_KIND_NONE ? NULL : value;
    bool ignored = (parameter->flags & XPM_IGNORED_DEFAULT) != 0;
    return ignored && is_default(parameter, value) ? NULL : value;
}

static int fail_inside(computation *c, const xpm_config *config, const char *name)
{
    if (c->err != NULL) {
        char *path = xpm__format("%s.%s%s%s", config->class_->name, name,
                                 c->err->path[0] != '\0' ? " > " : "", c->err->path);
        xpm__str message = {0};
        xpm__str_puts(&message, c->err->message);
        xpm__fail(c->err, c->err->code, path, "%s", message.data);
        xpm__str_free(&message);
        xpm_free(path);
    }
    return -1;
}

static int add_own(computation *c, xpm__sha256 *hash, xpm_config *config,
                   const xpm_partial *partial)
{
    const xpm_class *class_ = config->class_;
    add_byte(hash, TAG_OBJECT);
    if (config->task != NULL && config->task != config) {
        add_byte(hash, TAG_TASK);
        if (add_config(c, hash, config->task) < 0)
            return -1;
    }
    xpm__sha256_add(hash, class_->name, strlen(class_->name));
    for (size_t i = 0; i < class_->count; i++) {
        const xpm_value *value = counted(config, i, partial);
        if (value == NULL)
            continue;
        const char *name = class_->parameters[i].name;
        add_byte(hash, TAG_STR);
        xpm__sha256_add(hash, name, strlen(name));
        add_byte(hash, TAG_NAME);
        if (add_value(c, hash, value) < 0)
            return fail_inside(c, config, name);
    }
    const xpm__config_extra *extra = config->extra;
    if (extra != NULL && extra->init_count > 0) {
        add_byte(hash, TAG_INIT_TASKS);
        for (size_t i = 0; i < extra->init_count; i++)
            if (add_config(c, hash, extra->init_tasks[i]) < 0)
                return -1;
    }
    return 0;
}

/* Whether `identifier` holds already: for good, or in this computation. */
static bool is_kept(const computation *c, const xpm_config *config)
{
    return (config->identified && !config->looping) || config->computation == c->number;
}

static int too_deep(const computation *c, const xpm_config *config)
{
    return xpm__fail(c->err, XPM_E_TYPE, config->class_->name,
                     "configurations that hold themselves in a set, or in a cycle of more than %d, "
                     "cannot be identified; nor can instances (InstanceConfig) more than %d deep",
                     TOO_DEEP - DEEP, DEEP);
}

static int enter_below(void *user, xpm_config *config, const xpm__walk *walk)
{
    const computation *c = user;
    (void)walk;
    if (is_kept(c, config) || config->depth > 0)
        return XPM__WALK_PAST;
    /* The order in which instances are met would change. */
    return (config->class_->flags & XPM_CLASS_INSTANCE) != 0 ? too_deep(c, config) : XPM__WALK_ON;
}

static int leave_below(void *user, xpm_config *config, const xpm__walk *walk)
{
    uint8_t digest[XPM_IDENTIFIER_SIZE];
    computation *c = user;
    (void)walk;
    c->depth++; /* beyond the limit, so as not to come here again */
    int status = digest_of(c, config, NULL, digest);
    c->depth--;
    return status;
}

/* Identifies a configuration and what it holds from the bottom up, so that no stream needs to
 * descend further than to what is kept. */
static int digest_below(computation *c, xpm_config *config)
{
    xpm__ptrmap seen = {0};
    xpm__walker walker = {
        .enter = enter_below, .leave = leave_below, .user = c, .seen = &seen, .tasks = true};
    int status = xpm__walk_from(config, &walker);
    xpm__ptrmap_free(&seen);
    return status;
}

/* The configuration's identifier: from where it is kept, else computed, and kept unless a cycle
 * passed through it. */
static int digest_of(computation *c, xpm_config *config, const xpm_partial *partial,
                     uint8_t digest[XPM_IDENTIFIER_SIZE])
{
    if (c->depth == DEEP && digest_below(c, config) < 0)
        return -1;
    if (is_kept(c, config) && partial == NULL) {
        memcpy(digest, config->identifier, XPM_IDENTIFIER_SIZE);
        return 0;
    }
    if (c->depth == TOO_DEEP)
        return too_deep(c, config);
    xpm__sha256 hash;
    uint32_t outer_place = config->depth, outer_top = c->loop_top;
    config->depth = ++c->depth;
    c->loop_top = NO_LOOP;
    xpm__sha256_init(&hash);
    xpm_config *counting = xpm__config_counting(config, c->err);
    int status = counting != NULL ? add_own(c, &hash, counting, partial) : -1;
    xpm__sha256_end(&hash, digest);
    uint32_t top = c->loop_top;
    c->depth--;
    config->depth = outer_place;
    /* A cycle that closes here does not pass through what is above. */
    c->loop_top = top <= c->depth && top < outer_top ? top : outer_top;
    if (status < 0 || partial != NULL)
        return status;
    config->looping = top != NO_LOOP;
    if (!config->looping) {
        memcpy(config->identifier, digest, XPM_IDENTIFIER_SIZE);
        config->computation = c->number;
        config->identified = config->sealed;
    }
    return 0;
}

int xpm__canonical_digest(xpm_config *config, const xpm_partial *partial,
                          uint8_t digest[XPM_IDENTIFIER_SIZE], xpm_error *err)
{
    static uint64_t computations;
    computation c = {.number = __atomic_add_fetch(&computations, 1, __ATOMIC_RELAXED),
                     .loop_top = NO_LOOP,
                     .err = err};
    int status = digest_of(&c, config, partial, digest);
    xpm_free(c.instances);
    return status;
}

bool xpm__canonical_counts(const xpm_config *config, size_t index)
{
    return counted(config, index, NULL) != NULL;
}
