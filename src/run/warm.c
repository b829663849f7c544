#include "run/warm.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <experimaestro.h>

#include "base/fdpass.h"
#include "base/mem.h"
#include "record/jobdir.h"
#include "record/warmstart.h"

enum { SOCKET = XPM__LOCK_FD };

/* A request, as it is received. */
typedef struct letter {
    struct {
        xpm__warm_request head;
        char texts[XPM__WARM_MESSAGE];
    } request;
    int fds[XPM__PASS_MAX];
    size_t count;
} letter;

static int answer(xpm__warm_word word, uint32_t id, int error, const char *reason)
{
    xpm__warm_answer said = {
        .word = (int32_t)word, .id = id, .pid = (int32_t)getpid(), .error = (int32_t)error};
    snprintf(said.reason, sizeof said.reason, "%s", reason);
    return xpm__fd_send(SOCKET, &said, sizeof said, NULL, 0);
}

/* The scheduler removes it, unless it has ended meanwhile. */
static void remove_folder(void)
{
    char path[PATH_MAX];
    const char *name = getcwd(path, sizeof path) != NULL ? strrchr(path, '/') : NULL;
    if (name != NULL && strncmp(name + 1, XPM__WARM_PLACE, strlen(XPM__WARM_PLACE)) == 0)
        rmdir(path);
}

void xpm_warm_refuse(const char *reason)
{
    (void)answer(XPM__WARM_REFUSED, 0, 0, reason); /* the end of the socket says it as well */
    remove_folder();
}

/* ---- Forking ---------------------------------------------------------------------------------- */

/* What the C library knows of its only thread, and a fork by clone(2) does not renew by itself: its
 * number, which the kernel writes where the library keeps it, and the list of robust mutexes. */
typedef struct thread {
    int *number;
    void *robust;
    size_t robust_size;
} thread;

static bool find_thread(thread *own)
{
    return prctl(PR_GET_TID_ADDRESS, &own->number) == 0 && own->number != NULL &&
           *own->number == (int)getpid() &&
           syscall(SYS_get_robust_list, 0, &own->robust, &own->robust_size) == 0;
}

/* As fork(2), but that the child is a child of this process's parent, which then waits for it as for
 * one that it started. With one thread no lock of the C library is held, nor another thread's to be
 * given up. */
static pid_t fork_beside(const thread *own)
{
    struct clone_args args = {.flags = CLONE_PARENT | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID,
                              .child_tid = (uintptr_t)own->number};
    long pid = syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0)
        syscall(SYS_set_robust_list, own->robust, own->robust_size);
    return (pid_t)pid;
}

/* ---- The process of a job --------------------------------------------------------------------- */

/* Descriptors 0 to 2 are its streams, from XPM__LOCK_FD on come its locks, and nothing more is open. All
 * are first moved away from these numbers. */
static int place_fds(const int fds[], size_t count)
{
    int moved[XPM__PASS_MAX], next = STDIN_FILENO;
    int free_from = XPM__LOCK_FD + (int)count;
    for (size_t i = 0; i < count; i++) {
        moved[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, free_from);
        if (moved[i] < 0)
            return -1;
    }
    for (size_t i = XPM__WARM_IN; i < count; i++)
        if (dup2(moved[i], next++) < 0)
            return -1;
    if (fchdir(moved[XPM__WARM_FOLDER]) < 0)
        return -1;
    closefrom(next); /* also where the kernel has no close_range(2) */
    return 0;
}

static void set_entry(const char *entry)
{
    char *equals = strchr(entry, '=');
    if (equals == NULL)
        return;
    char *name = xpm__strndup(entry, (size_t)(equals - entry));
    setenv(name, equals + 1, 1);
    xpm_free(name);
}

static char *shown; /* the job's command line: the kernel reads it as long as the process lives */

/* The last word of the job's command. New. */
static char *become(const letter *received)
{
    const xpm__warm_request *head = &received->request.head;
    const char *command = received->request.texts, *last = command;
    const char *entries = command + head->command_size;
    (void)answer(XPM__WARM_STARTED, head->id, 0, "");
    setsid();
    if (place_fds(received->fds, received->count) < 0)
        _exit(127);
    for (const char *entry = entries; entry < entries + head->entries_size;
         entry += strlen(entry) + 1)
        set_entry(entry);
    shown = xpm__alloc(head->command_size);
    memcpy(shown, command, head->command_size);
    (void)xpm__command_line_set(shown, head->command_size);
    for (const char *word = command; word < command + head->command_size; word += strlen(word) + 1)
        last = word;
    return xpm__strdup(last);
}

/* ---- The parent ------------------------------------------------------------------------------- */

static bool is_whole(const letter *received, ssize_t size)
{
    const xpm__warm_request *head = &received->request.head;
    const char *texts = received->request.texts;
    return size > (ssize_t)sizeof *head && received->count >= XPM__WARM_FDS &&
           head->command_size > 0 && head->command_size <= XPM__WARM_MESSAGE &&
           (size_t)size == sizeof *head + head->command_size + (size_t)head->entries_size &&
           texts[head->command_size - 1] == '\0' &&
           texts[head->command_size + head->entries_size - 1] == '\0';
}

static void close_all(letter *received)
{
    while (received->count > 0)
        close(received->fds[--received->count]);
}

static void call(void (*hook)(void *user), const xpm_warm_hooks *hooks)
{
    if (hook != NULL)
        hook(hooks->user);
}

/* Whether this is the job's process now. */
static bool fork_job(letter *received, const thread *own, const xpm_warm_hooks *hooks)
{
    call(hooks->before, hooks);
    pid_t pid = fork_beside(own);
    int error = errno;
    call(pid == 0 ? hooks->in_child : hooks->in_parent, hooks);
    if (pid < 0)
        (void)answer(XPM__WARM_FAILED, received->request.head.id, error, "");
    return pid == 0;
}

static char *serve(const xpm__sources *sources, const thread *own, const xpm_warm_hooks *hooks,
                   letter *received)
{
    const char *changed;
    ssize_t size;
    while ((size = xpm__fd_receive(SOCKET, &received->request, sizeof received->request,
                                   received->fds, &received->count, 0)) > 0) {
        if (!is_whole(received, size))
            break;
        if ((changed = xpm__sources_changed(sources)) != NULL) {
            (void)answer(XPM__WARM_STALE, received->request.head.id, 0, changed);
            break;
        }
        if (fork_job(received, own, hooks))
            return become(received);
        close_all(received);
    }
    close_all(received);
    return NULL;
}

bool xpm__warm_is_asked(const char *params)
{
    struct stat given;
    return strcmp(params, XPM__WARM_PARAMS) == 0 && fstat(SOCKET, &given) == 0 &&
           S_ISSOCK(given.st_mode);
}

char *xpm_warm_serve(const char *const *sources, const xpm_warm_hooks *hooks)
{
    static const xpm_warm_hooks none;
    char reason[XPM__WARM_REASON_SIZE];
    xpm__sources watched = {0};
    thread own;
    char *argument = NULL;
    if (!xpm__warm_is_fit(reason))
        return xpm_warm_refuse(reason), NULL;
    if (!find_thread(&own))
        return xpm_warm_refuse("the kernel does not tell where its thread is known"), NULL;
    xpm__sources_add_loaded(&watched);
    for (size_t i = 0; sources != NULL && sources[i] != NULL; i++)
        xpm__sources_add(&watched, sources[i]);
    letter *received = xpm__zalloc(sizeof *received);
    if (answer(XPM__WARM_READY, 0, 0, "") == 0)
        argument = serve(&watched, &own, hooks != NULL ? hooks : &none, received);
    if (argument == NULL)
        remove_folder();
    xpm_free(received);
    xpm__sources_free(&watched);
    return argument;
}
