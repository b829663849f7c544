/* What jobs may use of this machine (its cores, its memory, its accelerators, what else was counted)
 * and which of them has what. In an allocation of Slurm, the machine is what was allocated of it.
 * docs/machine.md says it for users. For one thread. */
#ifndef XPM_LAUNCH_MACHINE_H
#define XPM_LAUNCH_MACHINE_H

#include <sched.h>
#include <sys/types.h>

#include <experimaestro.h>

typedef struct xpm__machine xpm__machine;
/* What one job has. */
typedef struct xpm__share xpm__share;

/* The machine of this process, for `slots` jobs at once; 0: one a core. Each job takes a slot. A core
 * is counted for each, or as many as it asks for; together no more than there are cores, or slots
 * where these are more. The environment is read now, the rest when it is asked for first. New. */
xpm__machine *xpm__machine_new(int slots);
void xpm__machine_free(xpm__machine *machine); /* accepts NULL; its shares were given back */

/* What it has, at all; borrowed. NULL with an error: IO (the tool that tells of accelerators fails),
 * SYNTAX and RANGE (XPM_RESOURCES). */
const xpm_host *xpm__machine_host(xpm__machine *machine, xpm_error *err);
/* Whether it can ever give one of the alternatives. Errors: RANGE, saying what it lacks; those of
 * xpm__machine_host, when one of the alternatives needs to know. */
int xpm__machine_can(xpm__machine *machine, const xpm_requirement *requirement, xpm_error *err);
int xpm__machine_can_request(xpm__machine *machine, const xpm_request *request, xpm_error *err);

/* Says that it has none, when the tool that tells of them fails, and before they were looked at. */
void xpm__machine_have_no_accelerators(xpm__machine *machine);

/* From now on it is shared with this user's other experiments: what their jobs have of its
 * accelerators is not given. Returns a descriptor that can be read when they may have given some
 * back, which `heard` then empties; -1 when it cannot be shared. */
int xpm__machine_join(xpm__machine *machine);
void xpm__machine_heard(xpm__machine *machine);
/* Its jobs go on alone: others go on seeing what these have, also when it is given back here. */
void xpm__machine_leave(xpm__machine *machine);

/* Whether the cores are free that a job asks for, in each of its alternatives. */
bool xpm__machine_has_cores(const xpm__machine *machine, const xpm_requirement *requirement,
                            bool pin);
/* Whether a job that asks for nothing could start. */
static inline bool xpm__machine_has_slot(const xpm__machine *machine)
{
    return xpm__machine_has_cores(machine, NULL, false);
}
/* Takes what a job asks for: the first alternative that is free, all or nothing. NULL `requirement`:
 * one slot. `pin`: with cores of its own, one at least. NULL when it is not free now. New:
 * xpm__machine_give. */
xpm__share *xpm__machine_take(xpm__machine *machine, const xpm_requirement *requirement, bool pin);
xpm__share *xpm__machine_take_request(xpm__machine *machine, const xpm_request *request, bool pin);
/* The same for a job that runs already: it has what it has, even when that is more than is free. Which
 * accelerators and cores process `pid` has is asked of the kernel; `force` knows no process, and
 * takes what is likely. */
xpm__share *xpm__machine_adopt(xpm__machine *machine, const xpm_requirement *requirement,
                               pid_t pid);
xpm__share *xpm__machine_adopt_request(xpm__machine *machine, const xpm_request *request,
                                       pid_t pid);
xpm__share *xpm__machine_force(xpm__machine *machine, const xpm_requirement *requirement);
void xpm__machine_give(xpm__machine *machine, xpm__share *share); /* accepts NULL */

/* NAME=VALUE that say to the job what it has ("CUDA_VISIBLE_DEVICES=GPU-..."); ends with NULL. */
const char *const *xpm__share_variables(const xpm__share *share);
const cpu_set_t *xpm__share_cores(const xpm__share *share); /* NULL: any */
int64_t xpm__share_memory(const xpm__share *share); /* bytes that were asked for; 0: none said */
double xpm__share_seconds(const xpm__share *share); /* the same of its duration */

/* What its process must keep open until it ends, so that others see that it has its accelerators, in
 * a machine that is shared; -1 for nothing. Close-on-exec; `handed` closes it here. */
int xpm__share_lock(const xpm__share *share);
void xpm__share_handed(xpm__share *share);

#endif
