#include "schedule/guard.h"

#include <errno.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/map.h"
#include "base/mem.h"
#include "record/jobdir.h"

/* A directory, and the jobs of this scheduler that wait to enter it. */
typedef struct gate {
    char *directory;
    bool taken;
    xpm_job *first, **last; /* linked by `next` */
    struct gate *next;      /* of all */
} gate;

struct xpm__guards {
    xpm__map by_directory;
    gate *gates;
    xpm__lockwaits *waits;
    void (*resume)(void *user, xpm_job *job);
    void *user;
};

xpm__guards *xpm__guards_new(xpm__lockwaits *waits, void (*resume)(void *user, xpm_job *job),
                             void *user)
{
    xpm__guards *guards = xpm__zalloc(sizeof *guards);
    guards->waits = waits;
    guards->resume = resume;
    guards->user = user;
    return guards;
}

/* ---- Locks of other processes ----------------------------------------------------------------- */

/* Another process has left the lock. -1: it is tried again, and the error seen. */
static void on_locked(void *user, void *about, int fd)
{
    xpm_job *job = about;
    xpm__guards *guards = user;
    job->guards[job->guards_taken].fd = fd;
    guards->resume(guards->user, job);
}

/* Locks the guard's directory. 0, 1 when a thread waits for it, -1 and an error. */
static int lock_guard(xpm__guards *guards, xpm_job *job, struct xpm__guard *guard, xpm_error *err)
{
    char *folder = xpm__format("%s/" XPM__PARTIAL_LOCKS, guard->directory);
    char *path = xpm__format("%s/" XPM__PARTIAL_LOCK, guard->directory);
    int status = xpm__file_mkdirs(folder, err);
    if (status == 0 && (guard->fd = xpm__move_up(xpm__file_lock(AT_FDCWD, path, false))) < 0) {
        if (errno == EWOULDBLOCK)
            status =
                xpm__lockwaits_add(guards->waits, path, on_locked, guards, job, err) == 0 ? 1 : -1;
        else
            status = xpm__fail_io(err, path, "lock");
    }
    xpm_free(folder);
    xpm_free(path);
    return status;
}

/* ---- Gates ------------------------------------------------------------------------------------ */

static gate *find_gate(xpm__guards *guards, const char *directory)
{
    gate *found = xpm__map_find(&guards->by_directory, directory);
    if (found != NULL)
        return found;
    found = xpm__zalloc(sizeof *found);
    found->directory = xpm__strdup(directory);
    found->last = &found->first;
    found->next = guards->gates;
    guards->gates = found;
    xpm__map_set(&guards->by_directory, found->directory, found);
    return found;
}

/* Whether the job has the gate; if not, it is in its list. */
static bool pass_gate(xpm__guards *guards, xpm_job *job, struct xpm__guard *guard)
{
    gate *entered = find_gate(guards, guard->directory);
    if (!entered->taken) {
        entered->taken = guard->gate = true;
        return true;
    }
    job->next = NULL;
    *entered->last = job;
    entered->last = &job->next;
    return false;
}

/* The gate is given to the first that waits, who has it from now on. */
static void leave_gate(xpm__guards *guards, const char *directory)
{
    gate *left = find_gate(guards, directory);
    xpm_job *job = left->first;
    left->taken = job != NULL;
    if (job == NULL)
        return;
    left->first = job->next;
    if (left->first == NULL)
        left->last = &left->first;
    job->guards[job->guards_taken].gate = true;
    guards->resume(guards->user, job);
}

/* ---- Entering and leaving --------------------------------------------------------------------- */

xpm__entered xpm__guards_take(xpm__guards *guards, xpm_job *job, xpm_error *err)
{
    for (; job->guards_taken < job->guard_count; job->guards_taken++) {
        struct xpm__guard *guard = &job->guards[job->guards_taken];
        if (!guard->gate && !pass_gate(guards, job, guard))
            return XPM__ENTER_WAITS;
        int status = guard->fd < 0 ? lock_guard(guards, job, guard, err) : 0;
        if (status != 0)
            return status > 0 ? XPM__ENTER_WAITS : XPM__ENTER_FAILED;
    }
    return XPM__ENTERED;
}

void xpm__guards_hand_over(xpm_job *job)
{
    for (size_t i = 0; i < job->guard_count; i++) {
        if (job->guards[i].fd >= 0)
            close(job->guards[i].fd);
        job->guards[i].fd = -1;
    }
}

void xpm__guards_release(xpm__guards *guards, xpm_job *job)
{
    xpm__guards_hand_over(job);
    for (size_t i = 0; i < job->guard_count; i++) {
        if (job->guards[i].gate)
            leave_gate(guards, job->guards[i].directory);
        job->guards[i].gate = false;
    }
    job->guards_taken = 0;
}

void xpm__guards_free(xpm__guards *guards)
{
    if (guards == NULL)
        return;
    for (gate *g = guards->gates, *next; g != NULL; g = next) {
        next = g->next;
        xpm_free(g->directory);
        xpm_free(g);
    }
    xpm__map_free(&guards->by_directory);
    xpm_free(guards);
}
