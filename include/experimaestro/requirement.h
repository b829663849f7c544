/*
 * requirement.h - what a job needs of the machine that runs it, and what a machine has. A part of
 * <experimaestro.h>, which includes it. The language is that of experimaestro's find_launcher
 * (docs/requirements.md):
 *
 *     duration=4 days & cuda(mem=24G) * 2 & cpu(mem=8G, cores=4) | cpu(cores=16)
 */
#ifndef EXPERIMAESTRO_REQUIREMENT_H
#define EXPERIMAESTRO_REQUIREMENT_H

#include <experimaestro.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum xpm_accelerator_kind {
    XPM_ACCELERATOR_ANY, /* gpu() */
    XPM_ACCELERATOR_CUDA,
    XPM_ACCELERATOR_MPS, /* whose memory is the machine's */
} xpm_accelerator_kind;

typedef struct xpm_accelerator {
    xpm_accelerator_kind kind;
    int64_t memory;     /* bytes; 0: not said, all of one in a request */
    int64_t min_memory; /* of a machine's: jobs that ask for less of it are not wanted there */
} xpm_accelerator;

/* Something else that exists in a limited number, by its name. */
typedef struct xpm_resource {
    const char *name;
    int64_t count;
} xpm_resource;

/* What is asked for together: one alternative of a requirement. What is not said is 0. */
typedef struct xpm_request {
    double seconds; /* that the job lasts at most; a whole number */
    int64_t memory; /* bytes */
    int cores;
    const xpm_accelerator *accelerators; /* one for each, those with most memory first */
    size_t accelerator_count;
    const xpm_resource *resources; /* in order of name */
    size_t resource_count;
} xpm_request;

/* Alternatives, the preferred one first. It never changes. */
typedef struct xpm_requirement xpm_requirement;

/* Reads a requirement, of at most 4000 characters. New: xpm_requirement_free. Errors: SYNTAX, RANGE, with
 * the text and a caret under what is wrong in the message. */
XPM_API xpm_requirement *xpm_requirement_parse(const char *text, xpm_error *err);
/* Makes one of its alternatives, 1 or more; accelerators and resources may be in any order. Copies.
 * New. Errors: RANGE. */
XPM_API xpm_requirement *xpm_requirement_new(const xpm_request *requests, size_t count,
                                             xpm_error *err);
XPM_API void xpm_requirement_free(xpm_requirement *requirement); /* accepts NULL */
XPM_API size_t xpm_requirement_count(const xpm_requirement *requirement);
/* An alternative; borrowed, as long as the requirement lives. NULL past the last. */
XPM_API const xpm_request *xpm_requirement_at(const xpm_requirement *requirement, size_t index);
/* A text from which the same can be read. New: xpm_free. */
XPM_API char *xpm_requirement_print(const xpm_requirement *requirement);
XPM_API char *xpm_request_print(const xpm_request *request);

/* What follows makes a new requirement of others, which stay as they are. Errors: RANGE. */
/* What both need: each alternative of one with each of the other. Of duration, memory and cores it is the
 * larger, and of accelerators and resources the sum. */
XPM_API xpm_requirement *xpm_requirement_and(const xpm_requirement *a, const xpm_requirement *b,
                                             xpm_error *err);
/* What one of them needs: the alternatives of `a`, then those of `b`. */
XPM_API xpm_requirement *xpm_requirement_or(const xpm_requirement *a, const xpm_requirement *b,
                                            xpm_error *err);
/* So many times the accelerators and resources. Errors: RANGE too for an alternative that has none, or
 * duration, memory or cores. */
XPM_API xpm_requirement *xpm_requirement_times(const xpm_requirement *requirement, int64_t count,
                                               xpm_error *err);
/* With durations that are so many times as long. */
XPM_API xpm_requirement *xpm_requirement_stretch(const xpm_requirement *requirement, double factor,
                                                 xpm_error *err);

/* What a machine has, or offers. `memory` and `cores` of 0 are not known, and enough for any job; so is
 * memory of 0 of an accelerator. */
typedef struct xpm_host {
    double max_seconds; /* of a job there; 0 for any */
    int64_t memory;
    int cores;
    const xpm_accelerator *accelerators;
    size_t accelerator_count;
    const xpm_resource *resources;
    size_t resource_count;
    int64_t min_memory;      /* jobs that ask for less are not wanted there */
    size_t min_accelerators; /* the same */
} xpm_host;

/* Whether a machine has, at all, what is asked for. Accelerators are matched from the largest memory
 * down, each with the smallest one that has enough; what is asked of one of kind MPS is memory of the
 * machine too. */
XPM_API bool xpm_host_matches(const xpm_host *host, const xpm_request *request);
/* The first alternative that it matches; -1 when there is none. */
XPM_API ptrdiff_t xpm_host_match(const xpm_host *host, const xpm_requirement *requirement);

#ifdef __cplusplus
}
#endif

#endif
