/* What this machine has, as far as this process may use it: its cores, its memory, the accelerators
 * that nvidia-smi knows, and the resources that the user has counted. In an allocation of Slurm, what
 * was allocated. Everything that reads text is given it, as it comes from outside. */
#ifndef XPM_LAUNCH_MACHINE_LOOK_H
#define XPM_LAUNCH_MACHINE_LOOK_H

#include <sched.h>

#include <experimaestro.h>

/* One accelerator, or a part of one that is as good as one (MIG). */
typedef struct xpm__gpu {
    char *uuid;     /* as CUDA_VISIBLE_DEVICES takes it */
    char *of;       /* the uuid of the accelerator that this is a part of; NULL when it is whole */
    int index;      /* the number that nvidia-smi gives to the accelerator */
    int64_t memory; /* bytes; 0 when not known: it shares that of the machine */
} xpm__gpu;

typedef struct xpm__gpus {
    xpm__gpu *items;
    size_t count, capacity;
} xpm__gpus;
enum { XPM__GPUS_MAX = 1024 };

/* Reads lines "INDEX, UUID, MIB". Those that are no such line are passed over, as warnings are, and so
 * are accelerators that are out of order. Errors: IO (no line is one). */
int xpm__gpus_parse(xpm__gpus *gpus, const char *text, xpm_error *err);
/* Puts parts in the place of accelerators that are divided, from the text of `nvidia-smi -L`. */
void xpm__gpus_divide(xpm__gpus *gpus, const char *text);
/* Keeps those that a value of CUDA_VISIBLE_DEVICES names, in its order: numbers, uuids or how these
 * begin; what comes after a wrong one does not count, as for CUDA. */
void xpm__gpus_restrict(xpm__gpus *gpus, const char *visible);
void xpm__gpus_free(xpm__gpus *gpus);

/* All of this machine, from nvidia-smi, which is asked once by a process; none where there is no such
 * program. New: xpm__gpus_free. Errors: IO (the program fails, or makes no sense). */
int xpm__gpus_look(xpm__gpus *gpus, xpm_error *err);

/* What Slurm has given of this machine, as its variables say; 0 for all of it. */
typedef struct xpm__allocation {
    int64_t cores, memory, memory_per_core; /* bytes */
} xpm__allocation;
xpm__allocation xpm__allocation_look(void);

/* The cores that this process may run on. At least one. */
void xpm__cores_look(const xpm__allocation *allocation, cpu_set_t *cores);
/* The memory of the machine, of the control groups of this process, or of the allocation, whichever
 * is least; 0 when not known. */
int64_t xpm__memory_look(const xpm__allocation *allocation, int cores);

/* Resources, in order of name. */
typedef struct xpm__resources {
    xpm_resource *items; /* names are owned */
    size_t count, capacity;
} xpm__resources;

/* Reads "NAME=COUNT,...". Errors: SYNTAX, RANGE. */
int xpm__resources_parse(xpm__resources *resources, const char *text, xpm_error *err);
void xpm__resources_free(xpm__resources *resources);

#endif
