/* Filters of jobs, as people write them:
 *
 *     @state = "ERROR" and (model in ["a", "b"] or not rate ~ "0\.0")
 *
 * @state, @name (of the task's type), @job (the identifier) and @experiment are of the job, another word is
 * a tag's name. A job without the tag is equal to nothing and matches nothing. `not` binds closest,
 * then `and`, then `or`. */
#ifndef XPM_WATCH_FILTER_H
#define XPM_WATCH_FILTER_H

#include <experimaestro.h>

#include "watch/view.h"

typedef struct xpm__filter xpm__filter;

/* Reads a filter. New: xpm__filter_free. Errors: FORMAT, whose message has the text, and a caret under
 * the culprit on the next line; UNKNOWN (no such state). */
xpm__filter *xpm__filter_parse(const char *text, xpm_error *err);
bool xpm__filter_matches(const xpm__filter *filter, const xpm__job_view *job);
void xpm__filter_free(xpm__filter *filter); /* accepts NULL */

#endif
