/* Tags: what varies, for people; they change no identifier. A configuration has its own, and the
 * collection of a task that was submitted is kept, so that whoever uses it needs no walk. */
#ifndef XPM_DECLARE_TAG_H
#define XPM_DECLARE_TAG_H

#include <experimaestro.h>

typedef struct xpm__tag {
    char *name;
    xpm_value value;
    const char *file; /* where it was set, for ever; NULL when that is not known */
    int line;
} xpm__tag;

/* Tags in order of name. Start from {0}. */
typedef struct xpm__tags {
    xpm__tag *items;
    size_t count, capacity;
} xpm__tags;

void xpm__tags_clear(xpm__tags *tags);

/* Collects and keeps the tags of a task that is being submitted, telling of conflicts. */
void xpm__tags_keep(xpm_config *task, xpm_tell tell, void *user);
/* Forgets what was kept: the task is not submitted after all. */
void xpm__tags_forget(xpm_config *task);

/* Whether what a parameter holds gives its tags to what holds the configuration. */
bool xpm__tags_stopped(const xpm_config *config, size_t parameter);

/* For xpm_reset. */
void xpm__tag_reset(void);

#endif
