#include "declare/tag.h"

#include <pthread.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "declare/class.h"
#include "declare/config.h"
#include "declare/equal.h"
#include "declare/type.h"
#include "declare/value.h"
#include "declare/walk.h"

/* Names of source files: few, and each of many tags. They live as long as the types. Any thread may
 * add one. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static xpm__map files;

static const char *keep_file(const char *file)
{
    if (file == NULL)
        return NULL;
    pthread_mutex_lock(&mutex);
    char *kept = xpm__map_find(&files, file);
    if (kept == NULL) {
        kept = xpm__arena_strdup(&xpm__types, file);
        xpm__map_set(&files, kept, kept);
    }
    pthread_mutex_unlock(&mutex);
    return kept;
}

void xpm__tag_reset(void)
{
    xpm__map_free(&files);
}

/* ---- Lists ------------------------------------------------------------------------------------ */

static void clear_tag(xpm__tag *tag)
{
    xpm_free(tag->name);
    xpm_value_clear(&tag->value);
}

void xpm__tags_clear(xpm__tags *tags)
{
    for (size_t i = 0; i < tags->count; i++)
        clear_tag(&tags->items[i]);
    xpm_free(tags->items);
    *tags = (xpm__tags){0};
}

/* Its place by name, or where it would be inserted. */
static size_t place_of(const xpm__tags *tags, const char *name)
{
    size_t at = 0;
    while (at < tags->count && strcmp(tags->items[at].name, name) < 0)
        at++;
    return at;
}

/* The tag of that name, or NULL. */
static xpm__tag *find(const xpm__tags *tags, const char *name)
{
    size_t at = place_of(tags, name);
    bool found = at < tags->count && strcmp(tags->items[at].name, name) == 0;
    return found ? &tags->items[at] : NULL;
}

static xpm__tag copy_tag(const xpm__tag *tag)
{
    xpm__tag copy = *tag;
    copy.name = xpm__strdup(tag->name);
    copy.value = xpm_value_copy(&tag->value);
    return copy;
}

static void put(xpm__tags *tags, const xpm__tag *tag)
{
    size_t at = place_of(tags, tag->name);
    xpm__tag copy = copy_tag(tag);
    if (at < tags->count && strcmp(tags->items[at].name, tag->name) == 0) {
        clear_tag(&tags->items[at]);
    } else {
        tags->items = xpm__grow(tags->items, &tags->capacity, tags->count, sizeof *tags->items);
        memmove(&tags->items[at + 1], &tags->items[at], (tags->count - at) * sizeof *tags->items);
        tags->count++;
    }
    tags->items[at] = copy;
}

/* ---- Tagging ---------------------------------------------------------------------------------- */

void xpm_config_tag_at(xpm_config *config, const char *name, const xpm_value *value,
                       const char *file, int line)
{
    xpm__tag tag = {.name = (char *)name, .value = *value, .file = keep_file(file), .line = line};
    config->tagged = false;
    put(&xpm__config_extra_of(config)->tags, &tag);
}

void xpm_config_tag(xpm_config *config, const char *name, const xpm_value *value)
{
    xpm_config_tag_at(config, name, value, NULL, 0);
}

void xpm_config_stop_tags(xpm_config *config, size_t parameter, bool stop)
{
    if (!stop && (config->extra == NULL || config->extra->stopped == NULL))
        return;
    xpm__config_extra *extra = xpm__config_extra_of(config);
    if (extra->stopped == NULL)
        extra->stopped = xpm__zalloc(config->class_->count * sizeof *extra->stopped);
    extra->stopped[parameter] = stop;
}

bool xpm__tags_stopped(const xpm_config *config, size_t parameter)
{
    const xpm__config_extra *extra = config->extra;
    return extra != NULL && extra->stopped != NULL && extra->stopped[parameter];
}

/* ---- Collecting ------------------------------------------------------------------------------- */

typedef struct collection {
    xpm__tags tags;
    struct conflict {
        xpm__tag first; /* the value that was there first */
        size_t changes;
    } * conflicts; /* one a name: a task that gathers many others has thousands of changes */
    size_t conflict_count, conflict_capacity;
} collection;

static void note_conflict(collection *c, const xpm__tag *before)
{
    size_t i = 0;
    while (i < c->conflict_count && strcmp(c->conflicts[i].first.name, before->name) != 0)
        i++;
    if (i == c->conflict_count) {
        c->conflicts =
            xpm__grow(c->conflicts, &c->conflict_capacity, c->conflict_count, sizeof *c->conflicts);
        c->conflicts[c->conflict_count++] = (struct conflict){.first = copy_tag(before)};
    }
    c->conflicts[i].changes++;
}

static void print_tag(const xpm__tag *tag, xpm__str *out)
{
    xpm__value_describe(&tag->value, out);
    if (tag->file != NULL)
        xpm__str_printf(out, " (set at %s:%d)", tag->file, tag->line);
}

static void tell_conflict(const struct conflict *conflict, const xpm__tag *kept,
                          const xpm_config *config, xpm_tell tell, void *user)
{
    xpm__str text = {0};
    const char *name = config->class_->name;
    if (conflict->changes == 1)
        xpm__str_printf(&text, "tag %s has two values for %s: ", kept->name, name);
    else
        xpm__str_printf(&text, "tag %s has %zu values in turn for %s: first ", kept->name,
                        conflict->changes + 1, name);
    print_tag(&conflict->first, &text);
    xpm__str_puts(&text, conflict->changes == 1 ? ", and " : ", and at last ");
    print_tag(kept, &text);
    xpm__str_puts(&text, ", which is kept");
    tell(user, text.data);
    xpm__str_free(&text);
}

static void end_conflicts(collection *c, const xpm_config *config, xpm_tell tell, void *user)
{
    for (size_t i = 0; i < c->conflict_count; i++) {
        struct conflict *conflict = &c->conflicts[i];
        if (tell != NULL)
            tell_conflict(conflict, find(&c->tags, conflict->first.name), config, tell, user);
        clear_tag(&conflict->first);
    }
    xpm_free(c->conflicts);
}

static void collect_all(collection *c, const xpm__tags *tags)
{
    for (size_t i = 0; i < tags->count; i++) {
        const xpm__tag *tag = &tags->items[i], *before = find(&c->tags, tag->name);
        if (before != NULL && !xpm__value_equal(&before->value, &tag->value))
            note_conflict(c, before);
        put(&c->tags, tag);
    }
}

static int enter(void *user, xpm_config *config, const xpm__walk *walk)
{
    (void)walk;
    if (!config->tagged)
        return XPM__WALK_ON;
    if (config->extra != NULL)
        collect_all(user, &config->extra->all_tags);
    return XPM__WALK_PAST;
}

/* After those of what it holds, so that its own are kept. */
static int leave(void *user, xpm_config *config, const xpm__walk *walk)
{
    (void)walk;
    if (config->extra != NULL)
        collect_all(user, &config->extra->tags);
    return XPM__WALK_ON;
}

static xpm__tags collect(const xpm_config *config, xpm_tell tell, void *user)
{
    collection c = {0};
    xpm__ptrmap seen = {0};
    xpm__walk_from((xpm_config *)config, &(xpm__walker){.enter = enter,
                                                        .leave = leave,
                                                        .user = &c,
                                                        .seen = &seen,
                                                        .tasks = true,
                                                        .passes = xpm__tags_stopped});
    xpm__ptrmap_free(&seen);
    end_conflicts(&c, config, tell, user);
    return c.tags;
}

xpm_value xpm_config_tags_telling(const xpm_config *config, xpm_tell tell, void *user)
{
    xpm__tags tags = collect(config, tell, user);
    xpm_value dict = xpm_dict_new();
    for (size_t i = 0; i < tags.count; i++)
        xpm_dict_append(&dict, xpm_str(tags.items[i].name), xpm_value_copy(&tags.items[i].value));
    xpm__tags_clear(&tags);
    return dict;
}

xpm_value xpm_config_tags(const xpm_config *config)
{
    return xpm_config_tags_telling(config, NULL, NULL);
}

void xpm__tags_keep(xpm_config *task, xpm_tell tell, void *user)
{
    xpm__tags tags = collect(task, tell, user);
    if (tags.count > 0) {
        xpm__tags_clear(&xpm__config_extra_of(task)->all_tags);
        task->extra->all_tags = tags;
    }
    task->tagged = true;
}

void xpm__tags_forget(xpm_config *task)
{
    task->tagged = false;
    if (task->extra != NULL)
        xpm__tags_clear(&task->extra->all_tags);
}
