/* Requirements, from inside: how they are put together, and what bounds them. What they are is in
 * <experimaestro/requirement.h>. requirement.c makes, combines and prints them,
 * requirement_parse.c reads them, host.c matches them. */
#ifndef XPM_LAUNCH_REQUIREMENT_H
#define XPM_LAUNCH_REQUIREMENT_H

#include <experimaestro.h>

enum {
    XPM__MOST_ALTERNATIVES = 400,
    XPM__MOST_ACCELERATORS = 1024, /* of one alternative, each of which has its place in memory */
    XPM__MOST_CORES = 1 << 20,
    XPM__MOST_RESOURCES = 1000 * 1000 * 1000, /* of one name */
};
#define XPM__MOST_MEMORY ((int64_t)1 << 52) /* 4P: so that sums of it cannot overflow */
#define XPM__MOST_SECONDS ((int64_t)36500 * 24 * 3600)

/* The requests and what they point to are owned. */
struct xpm_requirement {
    xpm_request *requests;
    size_t count;
};

xpm_requirement *xpm__requirement_copy(const xpm_requirement *requirement); /* NULL gives NULL */
/* The parts of a machine that its alternatives ask for, as bits; none for NULL. Each job takes a core. */
enum { XPM__PART_CORES = 1, XPM__PART_MEMORY = 2, XPM__PART_GPUS = 4, XPM__PART_RESOURCES = 8 };
unsigned xpm__requirement_parts(const xpm_requirement *requirement);
static inline bool xpm__requirement_has_accelerators(const xpm_requirement *requirement)
{
    return (xpm__requirement_parts(requirement) & XPM__PART_GPUS) != 0;
}

/* Adds an alternative that asks for nothing yet: it is valid until the next is added. NULL when
 * there are too many. */
xpm_request *xpm__requirement_add(xpm_requirement *requirement);

/* These add to an alternative that is being put together; what is asked for together is at most
 * XPM__MOST_...: false, and nothing is added, when it would be more. `count` is 1 or more. */
bool xpm__request_add_accelerators(xpm_request *request, xpm_accelerator_kind kind, int64_t memory,
                                   int64_t count);
bool xpm__request_add_resource(xpm_request *request, const char *name, int64_t count);

/* The name of accelerators of a kind, as the language has it. */
const char *xpm__accelerator_name(xpm_accelerator_kind kind);
/* Whether a text can name a resource: letters, digits and _.-, a letter first. */
bool xpm__resource_is_name(const char *name);

#endif
