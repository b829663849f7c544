/* A machine from inside, for the files that share it: machine.c shares it out, machine_lacks.c says what
 * it can never give. */
#ifndef XPM_LAUNCH_MACHINE_INSIDE_H
#define XPM_LAUNCH_MACHINE_INSIDE_H

#include "launch/machine.h"
#include "launch/machine_look.h"
#include "launch/neighbours.h"

/* An accelerator, and what jobs have of it. */
typedef struct xpm__device {
    int64_t memory; /* bytes */
    int64_t used;   /* above `memory` when jobs were found to have more */
    int jobs;
    int64_t foreign; /* what jobs of other experiments have, when that was looked at last */
    int foreign_jobs;
} xpm__device;

struct xpm__machine {
    int slots, jobs;
    int cores;
    int asked; /* cores that jobs have asked for */
    int busy;  /* the same, and one for each job that asks for none */
    cpu_set_t set, pinned;
    xpm__allocation allocation;
    bool memory_known, gpus_known, gpus_failed, resources_known;
    int64_t memory, memory_used; /* bytes; 0 when not known */
    char *visible; /* CUDA_VISIBLE_DEVICES, XPM_RESOURCES: NULL when they are not set */
    char *counted;
    xpm__gpus gpus;
    xpm__device *devices; /* one for each of `gpus` */
    xpm__resources resources;
    int64_t *resources_used;
    xpm__neighbours *neighbours; /* NULL: others do not matter */
    xpm_host host;
    xpm_accelerator *accelerators; /* the host's */
};

struct xpm__share {
    double seconds;
    int64_t memory;
    int asked;
    bool is_pinned;
    cpu_set_t cores;
    size_t *devices; /* which, and how much of each */
    int64_t *device_memory;
    size_t device_count;
    int64_t *resources; /* how many of each of the machine's; NULL for none */
    xpm__claim *claim;  /* on its accelerators, for others to see */
    char *variable;
    const char *variables[2];
};

/* Looks at what a request needs to know. Errors: as xpm__machine_host. */
int xpm__machine_look(xpm__machine *machine, const xpm_request *request, xpm_error *err);
/* What it counts under a name; NULL when there is no such thing. */
const xpm_resource *xpm__machine_resource(const xpm__machine *machine, const char *name);

/* Whether it has the accelerators that are asked for, whoever has them now. */
bool xpm__machine_has_accelerators(const xpm__machine *machine, const xpm_request *request);

#endif
