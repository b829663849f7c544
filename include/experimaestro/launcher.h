/*
 * launcher.h - launchers: where jobs run, and with what. A part of <experimaestro.h>, which includes
 * it. A launcher is made once and given to any number of jobs, of any number of experiments.
 */
#ifndef EXPERIMAESTRO_LAUNCHER_H
#define EXPERIMAESTRO_LAUNCHER_H

#include <experimaestro.h>
#include <experimaestro/requirement.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct xpm_launcher xpm_launcher;

typedef struct xpm_local_options {
    bool
        cold; /* each job is a new program; else it may be forked from one that waits (docs/launchers.md) */
    bool pin; /* a job gets cores of its own, and no others */
    int nice; /* added to the priority number of its processes, 0 to 19 */
    /* What each job's command is put after, found in PATH: { "numactl", "-N0", NULL }; NULL for
     * nothing. It must end in executing the rest, in the same process. Copies. */
    const char *const *wrapper;
} xpm_local_options;

/* Jobs as processes of this machine. Options may be NULL. New: xpm_launcher_unref. Errors: RANGE. */
XPM_API xpm_launcher *xpm_launcher_local(const xpm_local_options *options, xpm_error *err);

typedef struct xpm_slurm_options {
    const char *binpath; /* the folder of sbatch, squeue, scancel and sacct; NULL: found in PATH */
    /* Of sbatch, as its long options without the dashes: "partition=gpu", "exclusive"; ends with
     * NULL. NULL for none. Copies. */
    const char *const *options;
    double interval_max; /* seconds between two looks at the queue, at most; 0 for 10 */
    int submit_max;      /* jobs in the queue at once; 0 for as many as Slurm takes */
} xpm_slurm_options;

/* Jobs of Slurm, through its commands. Options may be NULL. New: xpm_launcher_unref. Errors: RANGE
 * (an option that the library sets itself, as "array"). */
XPM_API xpm_launcher *xpm_launcher_slurm(const xpm_slurm_options *options, xpm_error *err);

typedef struct xpm_ssh_options {
    const char
        *host; /* "host", "user@host", or a Host of ~/.ssh/config. Copies, as all texts here. */
    const char *ssh; /* the program; NULL: found in PATH */
    /* Words for it, before the host: { "-p", "2222", NULL }; NULL for none. What is in ~/.ssh/config
     * needs no words, and is known when another program takes the jobs over. */
    const char *const *options;
    const char *command; /* experimaestro on that host: its path, or a name that its shell finds for
                          * who logs in; "~/" is the home there. NULL for "experimaestro" */
    const char *python;  /* the interpreter of Python tasks there; NULL: the same path as here */
    const char *const *wrapper; /* as in xpm_local_options, of a program there */
    bool pin;                   /* as there */
    int nice;                   /* as there */
    int slots;                  /* jobs at once there; 0 for as many as it has cores */
    double patience; /* seconds for which it may be out of reach before its jobs fail that were not
                      * sent yet; 0 for 60. Those that were sent are waited for */
} xpm_ssh_options;

/* Jobs on another host, through `ssh`, which must get there without a question; the command
 * `experimaestro` must be there, and the program of native tasks under the path that it has here
 * (docs/ssh.md). New: xpm_launcher_unref. Errors: RANGE (no host, or one that begins with "-"). */
XPM_API xpm_launcher *xpm_launcher_ssh(const xpm_ssh_options *options, xpm_error *err);

XPM_API xpm_launcher *xpm_launcher_ref(xpm_launcher *launcher);      /* the launcher itself */
XPM_API void xpm_launcher_unref(xpm_launcher *launcher);             /* accepts NULL */
XPM_API const char *xpm_launcher_name(const xpm_launcher *launcher); /* "local", "slurm", "ssh" */

/* Before the launcher is given to a job: */
/* Adds to the environment of its jobs. Copies. */
XPM_API void xpm_launcher_setenv(xpm_launcher *launcher, const char *name, const char *value);
/* Of jobs that are ready, those of a launcher with a higher priority start first; 0 at first. */
XPM_API void xpm_launcher_set_priority(xpm_launcher *launcher, int priority);
/* The limits of its jobs, unless they have others. Copies. */
XPM_API void xpm_launcher_set_limits(xpm_launcher *launcher, const xpm_limits *limits);
/* What each of its jobs needs. On this machine, or that of an SSH launcher, a job starts when it is
 * free, and has it alone until it ends; Slurm is asked for it. Copies. Errors: RANGE (a local launcher of a machine that can never
 * give it). */
XPM_API int xpm_launcher_require(xpm_launcher *launcher, const xpm_requirement *requirement,
                                 xpm_error *err);

/* What this machine can give of a requirement, for programs that are to run anywhere: the requirement,
 * when it can give one of the alternatives; else the first, with fewer cores, less memory, and those
 * accelerators and resources that there are. `*lacks` then says what this machine lacks, else it is
 * NULL. An nvidia-smi that fails is lacking, too, and counts as no accelerators. New:
 * xpm_requirement_free, and xpm_free for `*lacks`. Errors: SYNTAX, RANGE (XPM_RESOURCES). */
XPM_API xpm_requirement *xpm_requirement_fit(const xpm_requirement *requirement, char **lacks,
                                             xpm_error *err);

/* Where a job runs, before it is submitted; in the place of the experiment's own. Takes a reference. */
XPM_API void xpm_job_set_launcher(xpm_job *job, xpm_launcher *launcher);
/* Where the jobs of an experiment run that are submitted from now on; NULL for this machine. Takes a
 * reference. */
XPM_API void xpm_experiment_set_launcher(xpm_experiment *xp, xpm_launcher *launcher);
/* Seconds that a job's place lets it run still, as Slurm says; -1 when there is no such limit or it
 * is not known. */
XPM_API double xpm_job_remaining(xpm_job *job);

/* How a task is submitted. All may be 0: as the experiment says. */
typedef struct xpm_submit_options {
    xpm_launcher *launcher;
    const xpm_limits *limits;
    const xpm_retry *retry;
    xpm_transient transient;
} xpm_submit_options;

/* xpm_submit, with options. */
XPM_API xpm_config *xpm_submit_with(xpm_experiment *xp, xpm_config *task,
                                    const xpm_submit_options *options, xpm_error *err);

#ifdef __cplusplus
}
#endif

#endif
