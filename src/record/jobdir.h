/* A job's folder, jobs/TYPE/HASH: the names of its files, its markers, and what they prove. Markers
 * are written while the job's lock is held, before it is let go. */
#ifndef XPM_RECORD_JOBDIR_H
#define XPM_RECORD_JOBDIR_H

#include <sys/types.h>

#include <experimaestro.h>

enum { XPM__NAME_SIZE = 256 };

/* The lock is inherited by the job's process as this descriptor, named in this variable. */
#define XPM__LOCK_VARIABLE "XPM_JOB_LOCK"
enum { XPM__LOCK_FD = 3 };
/* In this one, when they are not all 0: how often the job has failed before, its limits of time in
 * nanoseconds and of memory in bytes, its nice: numbers with a space between; then, where there is
 * one, the folder of a control group that the process enters, and which limits its memory. Where
 * there is none, or it cannot be entered, the process limits its own data. */
#define XPM__START_VARIABLE "XPM_JOB_START"

/* Links to the directories that the job shares with others, by the name of the partial identifier;
 * in each, the file that the one job holds which may write there. The process inherits these locks
 * as the descriptors after the job's. */
#define XPM__PARTIALS ".experimaestro/partials"
#define XPM__PARTIAL_LOCKS ".experimaestro/locks"
#define XPM__PARTIAL_LOCK XPM__PARTIAL_LOCKS "/ipc.lock"
enum { XPM__GUARDS_MAX = 32 };

/* NAME and a suffix: "learn.done". */
void xpm__jobdir_file(const char *name, const char *suffix, char file[XPM__NAME_SIZE]);
/* NAME of a folder's path: the last component of its type. */
void xpm__jobdir_name(const char *directory, char name[XPM__NAME_SIZE]);

/* How a job ended, or where it is. */
typedef struct xpm__jobdir_state {
    xpm_job_state state;
    xpm_reason reason;
    int code; /* exit status, when it ended in error */
    char message[sizeof((xpm_error *)0)->message];
    double started, ended; /* seconds since 1970; 0 when not known */
    pid_t pid;             /* of the live process of this machine that .pid names; 0 when none */
    unsigned failures;     /* how often it has failed, as far as status.json says */
} xpm__jobdir_state;

/* The truth about a job, from the evidence on disk (the table of docs/formats.md). */
void xpm__jobdir_read(int dir, const char *name, xpm__jobdir_state *state);
/* The same from the markers alone, and no `failures`; false when there is none. */
bool xpm__jobdir_read_markers(int dir, const char *name, xpm__jobdir_state *state);

/* How far a task is, in one of its loops: `value` is from 0 to 1, `desc` says of what, or is NULL. */
typedef struct xpm__progress {
    double value;
    char *desc;
} xpm__progress;

/* What a status.json says of a job that runs or has ended. */
typedef struct xpm__status {
    const char *job_id, *task_id, *path;
    xpm_job_state state;
    xpm_reason reason;
    double started, ended;
    int code;
    pid_t pid;
    unsigned failures; /* how often it has failed, this attempt included */
    bool resumable;
    int64_t peak_memory;           /* bytes; 0 when not known */
    const xpm__progress *progress; /* of `levels` loops, the outer one first */
    size_t levels;
} xpm__status;
int xpm__jobdir_write_status(int dir, const xpm__status *status, xpm_error *err);
/* The last one, of a process that is about to leave its marker: it takes the place of .pid, which goes. */
void xpm__jobdir_write_end(int dir, const char *name, const xpm__status *status);

/* The markers. Each returns 0, or -1 with errno. The marker of success is the lock's file, renamed
 * by its holder: one file less to make, and none to remove. */
int xpm__jobdir_mark_done(int dir, const char *name);
int xpm__jobdir_mark_failed(int dir, const char *name, int code, xpm_reason reason,
                            const char *message);
/* What a .pid says: who runs the job, or which queue has it. */
typedef struct xpm__pid {
    char launcher[16]; /* "local", "slurm", "ssh"; "" when there is none */
    pid_t process;     /* the live process of this machine; 0 when there is none */
    char id[256];      /* that the queue gave, or the host; "" while it is not known */
    char token[64];    /* by which it was sent there */
} xpm__pid;
void xpm__jobdir_read_pid(int dir, const char *name, xpm__pid *pid);
/* Says that a process runs the job; `queued` is what the queue calls it that has started the process,
 * or NULL. 0, or -1 with errno. */
int xpm__jobdir_write_pid(int dir, const char *name, const xpm__pid *queued, pid_t pid);
/* Says that a queue has the job, or will: `id` is "" at first. 0, or -1 with errno. */
int xpm__jobdir_write_queued(int dir, const char *name, const xpm__pid *pid);
/* Whether a queue has the job, as far as can be seen without asking it: no marker says otherwise. */
bool xpm__jobdir_is_queued(const char *directory);
static inline bool xpm__pid_is_queued(const xpm__pid *pid)
{
    return pid->token[0] != '\0';
}
/* How often the job has failed, as status.json says. */
unsigned xpm__jobdir_failures(int dir);
/* What tells a .failed from a later one; all 0 when there is none. */
typedef struct xpm__stamp {
    uint64_t inode;
    int64_t seconds, nanoseconds;
} xpm__stamp;
xpm__stamp xpm__jobdir_failed_stamp(int dir, const char *name);
/* Before the next start, under the lock: the end of an earlier one goes, and what it wrote is kept:
 * NAME.out becomes NAME.YYYYmmddHHMMSS.out, unless it is empty. */
void xpm__jobdir_renew(int dir, const char *name);
/* What its task has recorded of its course, .experimaestro/figures.jsonl: opened to append, and made. A
 * descriptor, or -1 with errno. A line is {"time":SECONDS,"figures":{NAME:SCALAR}}. */
int xpm__jobdir_open_figures(const char *directory);
/* Before a task that begins anew: what it has recorded is kept as figures.YYYYmmddHHMMSS.jsonl. */
void xpm__jobdir_renew_figures(int dir);
/* Makes a directory of the workspace that the job shares, `shared` is relative to it, and the link to
 * it, by which its process finds what it must lock. Errors: IO. */
int xpm__jobdir_share(int dir, const char *name, const char *workspace, const char *shared,
                      xpm_error *err);
/* When the process started that .pid names: that file's time. 0 when there is none. */
double xpm__jobdir_started(int dir, const char *name);

xpm_reason xpm__reason_parse(const char *text); /* FAILED when it is not known */
/* As status files and events write it, in capitals; NULL for no reason. */
enum { XPM__REASON_SIZE = 16 };
const char *xpm__reason_upper(xpm_reason reason, char upper[XPM__REASON_SIZE]);

#endif
