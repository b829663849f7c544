#include "declare/equal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/ptrmap.h"
#include "declare/class.h"
#include "declare/config.h"
#include "declare/value.h"

/* Pairs of configurations that are to be compared, each once: equal until one is found that is not.
 * They wait in a list, so that a cycle ends and a deep graph needs no stack. */
typedef struct comparison {
    struct pair {
        const xpm_config *a, *b;
        size_t next; /* the pair before with the same `a`; 0 for none */
    } * pairs;       /* the first is not used */
    size_t count, capacity, done;
    xpm__ptrmap by_a; /* to the last pair */
} comparison;

static bool equal(comparison *c, const xpm_value *a, const xpm_value *b);

static void expect(comparison *c, const xpm_config *a, const xpm_config *b)
{
    if (c->count == 0)
        c->count = c->done = 1;
    size_t *last = xpm__ptrmap_find(&c->by_a, a);
    for (size_t i = last != NULL ? *last : 0; i != 0; i = c->pairs[i].next)
        if (c->pairs[i].b == b)
            return;
    c->pairs = xpm__grow(c->pairs, &c->capacity, c->count, sizeof *c->pairs);
    c->pairs[c->count] = (struct pair){a, b, last != NULL ? *last : 0};
    if (last != NULL)
        *last = c->count;
    else
        xpm__ptrmap_add(&c->by_a, a, c->count);
    c->count++;
}

static bool configs_equal(comparison *c, const xpm_config *a, const xpm_config *b)
{
    if (a == b)
        return true;
    if (a->sealed && b->sealed && a->identified && b->identified)
        return memcmp(a->identifier, b->identifier, sizeof a->identifier) == 0;
    if (a->class_ != b->class_ || a->task != b->task)
        return false;
    expect(c, a, b);
    return true;
}

static bool numbers_equal(const xpm_value *a, const xpm_value *b)
{
    if (a->kind == XPM_KIND_INT && b->kind == XPM_KIND_INT)
        return a->as.integer == b->as.integer;
    return xpm__value_as_double(a) == xpm__value_as_double(b);
}

/* In a collection, a NaN is equal to itself: Python compares what is in it by identity first. */
static bool items_equal(comparison *c, const xpm_value *a, const xpm_value *b)
{
    bool both_nan = a->kind == XPM_KIND_FLOAT && b->kind == XPM_KIND_FLOAT && isnan(a->as.real) &&
                    isnan(b->as.real);
    return both_nan || equal(c, a, b);
}

static bool lists_equal(comparison *c, const xpm_value *a, const xpm_value *b)
{
    if (a->size != b->size)
        return false;
    for (size_t i = 0; i < a->size; i++)
        if (!items_equal(c, &a->as.items[i], &b->as.items[i]))
            return false;
    return true;
}

/* Whether an item is in a set: to be known at once, so that its configurations do not wait. */
static bool set_contains(const xpm_value *set, const xpm_value *item)
{
    for (size_t i = 0; i < set->size; i++)
        if (xpm__value_equal(&set->as.items[i], item))
            return true;
    return false;
}

static bool sets_equal(const xpm_value *a, const xpm_value *b)
{
    if (a->size != b->size)
        return false;
    for (size_t i = 0; i < a->size; i++)
        if (!set_contains(b, &a->as.items[i]))
            return false;
    return true;
}

static const xpm_value *dict_find(const xpm_value *dict, const xpm_value *key)
{
    for (size_t i = 0; i < dict->size; i++)
        if (xpm__value_equal(&dict->as.items[2 * i], key))
            return &dict->as.items[2 * i + 1];
    return NULL;
}

static bool dicts_equal(comparison *c, const xpm_value *a, const xpm_value *b)
{
    if (a->size != b->size)
        return false;
    for (size_t i = 0; i < a->size; i++) {
        const xpm_value *found = dict_find(b, &a->as.items[2 * i]);
        if (found == NULL || !items_equal(c, &a->as.items[2 * i + 1], found))
            return false;
    }
    return true;
}

static bool equal(comparison *c, const xpm_value *a, const xpm_value *b)
{
    a = xpm__value_plain(a);
    b = xpm__value_plain(b);
    if (xpm__value_is_number(a) && xpm__value_is_number(b))
        return numbers_equal(a, b);
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case XPM_KIND_STR:
    case XPM_KIND_PATH:
        return a->size == b->size && memcmp(a->as.text, b->as.text, a->size) == 0;
    case XPM_KIND_ENUM:
        return xpm__value_compare(a, b) == 0;
    case XPM_KIND_LIST:
    case XPM_KIND_TUPLE:
        return lists_equal(c, a, b);
    case XPM_KIND_SET:
        return sets_equal(a, b);
    case XPM_KIND_DICT:
        return dicts_equal(c, a, b);
    case XPM_KIND_CONFIG:
        return configs_equal(c, a->as.config, b->as.config);
    default:
        return true;
    }
}

/* Compares what two configurations of one class hold. */
static bool values_equal(comparison *c, const xpm_config *a, const xpm_config *b)
{
    for (size_t i = 0; i < a->class_->count; i++) {
        const xpm_value *left = xpm_config_at(a, i), *right = xpm_config_at(b, i);
        if ((left == NULL) != (right == NULL) || (left != NULL && !equal(c, left, right)))
            return false;
    }
    return true;
}

/* Compares the pairs that wait, if all was equal so far, and frees the comparison. */
static bool finish(comparison *c, bool so_far)
{
    while (so_far && c->done < c->count) {
        struct pair pair = c->pairs[c->done++];
        so_far = values_equal(c, pair.a, pair.b);
    }
    xpm_free(c->pairs);
    xpm__ptrmap_free(&c->by_a);
    return so_far;
}

bool xpm__value_equal(const xpm_value *a, const xpm_value *b)
{
    comparison c = {0};
    return finish(&c, equal(&c, a, b));
}

bool xpm__config_equal(const xpm_config *a, const xpm_config *b)
{
    comparison c = {0};
    return finish(&c, configs_equal(&c, a, b));
}

/* A copy of a collection without the configurations that are meta. */
static xpm_value without_meta(const xpm_value *value)
{
    xpm_value kept = {.kind = value->kind};
    for (size_t i = 0; i < value->size; i++) {
        const xpm_value *item = &value->as.items[value->kind == XPM_KIND_DICT ? 2 * i + 1 : i];
        if (xpm__value_is_meta(item))
            continue;
        if (value->kind == XPM_KIND_DICT)
            xpm_dict_append(&kept, xpm_value_copy(item - 1), xpm_value_copy(item));
        else
            xpm_list_append(&kept, xpm_value_copy(item));
    }
    return kept;
}

static bool has_meta(const xpm_value *value)
{
    if (xpm__value_is_collection(value))
        for (size_t i = 0; i < xpm__value_span(value); i++)
            if (xpm__value_is_meta(&value->as.items[i]))
                return true;
    return false;
}

bool xpm__value_is_default(const xpm_value *value, const xpm_value *fallback)
{
    if (!has_meta(value))
        return xpm__value_equal(value, fallback);
    xpm_value kept = without_meta(value);
    bool is = xpm__value_equal(&kept, fallback);
    xpm_value_clear(&kept);
    return is;
}

/* ---- Doubles ---------------------------------------------------------------------------------- */

typedef struct entry {
    xpm_value *key;
    size_t index;
} entry;

static int compare_entries(const void *a, const void *b)
{
    const entry *left = a, *right = b;
    int order = xpm__value_compare(left->key, right->key);
    return order != 0 ? order : (left->index > right->index) - (left->index < right->index);
}

static bool same_key(const entry *a, const entry *b)
{
    return xpm__value_compare(a->key, b->key) == 0 &&
           (a->key->kind == XPM_KIND_CONFIG || xpm__value_equal(a->key, b->key));
}

/* Closes the gaps that the dropped ones left: they are UNSET. */
static void close_gaps(xpm_value *value, size_t stride)
{
    uint32_t kept = 0;
    for (size_t i = 0; i < value->size; i++) {
        const xpm_value *from = &value->as.items[stride * i];
        if (from->kind == XPM_KIND_UNSET)
            continue;
        memmove(&value->as.items[stride * kept++], from, stride * sizeof *from);
    }
    value->size = kept;
}

void xpm__value_drop_doubles(xpm_value *set_or_dict)
{
    size_t stride = set_or_dict->kind == XPM_KIND_DICT ? 2 : 1;
    entry few[32], *entries = few;
    bool dropped = false;
    if (set_or_dict->size > sizeof few / sizeof *few)
        entries = xpm__alloc(set_or_dict->size * sizeof *entries);
    for (size_t i = 0; i < set_or_dict->size; i++)
        entries[i] = (entry){&set_or_dict->as.items[stride * i], i};
    qsort(entries, set_or_dict->size, sizeof *entries, compare_entries);
    for (size_t i = 1; i < set_or_dict->size; i++) {
        if (!same_key(&entries[i - 1], &entries[i]))
            continue;
        dropped = true;
        for (size_t j = 0; j < stride; j++)
            xpm_value_clear(&entries[i - 1].key[j]);
    }
    if (entries != few)
        xpm_free(entries);
    if (dropped)
        close_gaps(set_or_dict, stride);
}

bool xpm_value_equal(const xpm_value *a, const xpm_value *b)
{
    return xpm__value_equal(a, b);
}
