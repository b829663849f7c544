/* Configurations: objects of a declared class. What is rare (tags, init tasks, an error kept from
 * xpm_new) is apart, so that a million of them stay small. */
#ifndef XPM_DECLARE_CONFIG_H
#define XPM_DECLARE_CONFIG_H

#include <experimaestro.h>

#include "declare/generic.h"
#include "declare/tag.h"

typedef struct xpm__config_extra {
    xpm_config **init_tasks;
    size_t init_count, init_capacity;
    xpm_config **dependencies; /* given, beside those that the parameters tell */
    size_t dependency_count, dependency_capacity;
    struct xpm__token_count {
        xpm_token *token; /* borrowed, for ever */
        int64_t count;
    } * tokens; /* what it has while it runs */
    size_t token_count, token_capacity;
    xpm__tags tags;
    bool *stopped;      /* one a parameter: its tags go no further; NULL for none */
    xpm__bound *bounds; /* what variables stand for in it */
    size_t bound_count;
    xpm__tags all_tags; /* kept, with those of what it holds, once it was submitted */
    xpm_error *broken;
    xpm_config
        *converted; /* what counts in its place, once it was made (deprecate.c); a reference */
    char *task_type, *task_hex; /* of the task that it is an output of, when that was not loaded */
} xpm__config_extra;

struct xpm_config {
    const xpm_class *class_;
    int refs; /* atomic; 0 is floating */
    int8_t meta;
    bool sealed;
    bool submitted;
    bool tagged;      /* all its tags are known: extra->all_tags, or none */
    bool identified;  /* `identifier` is final */
    bool loaded;      /* from a file: nothing waits for the task that made it */
    bool placed;      /* it, or what it holds, has values that were generated for one place */
    bool soft;        /* who uses it does not wait for `task` */
    bool looping;     /* a cycle passes through it: parents compute it anew */
    xpm_config *task; /* that produces it; itself for a submitted task; owned unless itself */
    xpm__config_extra *extra;
    void *user; /* the binding's own */
    uint8_t identifier[XPM_IDENTIFIER_SIZE];
    uint64_t computation; /* identify: the last that met it, in which `identifier` is valid */
    uint32_t depth;       /* identify: place on the path, from 1; 0 when not on it */
    xpm_value values[];   /* one a parameter */
};

/* What few configurations have: made when there is none yet. */
xpm__config_extra *xpm__config_extra_of(xpm_config *config);

/* The configuration that counts: itself, or what a deprecated one converts to, made anew as long as
 * it is not sealed. Borrowed from `config`. NULL when the conversion failed. */
xpm_config *xpm__config_counting(xpm_config *config, xpm_error *err);

/* The value in use: the one given or else the default; NULL when neither. */
static inline const xpm_value *xpm__config_value(const xpm_config *config, size_t index,
                                                 const xpm_parameter *parameter)
{
    if (config->values[index].kind != XPM_KIND_UNSET)
        return &config->values[index];
    return parameter->fallback.kind != XPM_KIND_UNSET ? &parameter->fallback : NULL;
}

static inline bool xpm__parameter_generated(const xpm_parameter *parameter)
{
    return parameter->file != NULL || parameter->generate != NULL;
}

#endif
