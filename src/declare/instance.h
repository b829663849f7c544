/* The structs of configurations that are declared in C: one for each, however often it is met. They
 * live, with what they point to, until xpm__instances_free; texts and values belong to the
 * configurations. */
#ifndef XPM_DECLARE_INSTANCE_H
#define XPM_DECLARE_INSTANCE_H

#include <experimaestro.h>

#include "base/mem.h"
#include "base/ptrmap.h"

/* Start from {0}. */
struct xpm_instances {
    xpm__arena arena;
    xpm__ptrmap built; /* configuration to struct */
};
typedef struct xpm_instances xpm__instances;

/* The struct of a configuration; those of what it holds are made too. NULL and an error when one of
 * them, which a member points to, is not declared in C. */
void *xpm__instance_make(xpm__instances *instances, xpm_config *config, xpm_error *err);
/* The struct that was made of a configuration; NULL when there is none. */
void *xpm__instance_find(const xpm__instances *instances, const xpm_config *config);
void xpm__instances_free(xpm__instances *instances);

#endif
