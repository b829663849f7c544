#include "launch/warm.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fdpass.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "launch/command.h"
#include "record/warmstart.h"

enum {
    PARENTS = 8, /* at most; the one that was not used for longest is ended */
    KINDS = 64,  /* that are remembered */
    DEATHS = 3,  /* of its parents, after which a kind starts cold */
    PATIENCE_MS = 10000,
    IDLE_MS = 60000, /* a kind that comes less often starts cold, and its parent ends */
};

/* A request that is not answered yet. */
typedef struct asked {
    uint32_t id;
    uint64_t time; /* of the loop */
    void *user;    /* NULL once it was forgotten */
    struct asked *next;
} asked;

typedef struct parent {
    xpm__warm *warm;
    struct kind *kind; /* NULL once another takes its place */
    uv_poll_t poll;    /* its socket */
    xpm__process process;
    int socket;
    char folder[64]; /* where it was started; "" once it was removed */
    bool ready, refused, retired;
    asked *asked; /* the oldest first */
    struct parent *next, **link;
} parent;

/* Jobs that one parent serves. */
typedef struct kind {
    xpm__str key;
    parent *parent;
    bool cold;
    unsigned deaths;
    uint64_t used; /* time of the loop; 0 when it is new */
    struct kind *next;
} kind;

struct xpm__warm {
    uv_loop_t *loop;
    uv_timer_t timer; /* runs while there are parents */
    xpm__warm_answered answered;
    kind *kinds;
    parent *parents;
    xpm__str key; /* of the job that is being started */
    uint32_t last_id;
    bool tells;
    const xpm_job *told; /* whose experiment is told of refusals */
};

/* ---- Kinds ------------------------------------------------------------------------------------ */

/* What a process inherits from the one that starts it, besides its environment. */
typedef struct inherited {
    struct rlimit limits[RLIM_NLIMITS];
    cpu_set_t cores, share;
    int nice;
    char umask[8];
} inherited;

/* There is no other way to read it which does not set it, for all threads. */
static void read_umask(char text[8])
{
    char status[512];
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t size = fd >= 0 ? read(fd, status, sizeof status - 1) : 0;
    if (fd >= 0)
        close(fd);
    status[size > 0 ? size : 0] = '\0';
    const char *line = strstr(status, "Umask:\t");
    if (line != NULL)
        memcpy(text, line + strlen("Umask:\t"), strnlen(line + strlen("Umask:\t"), 5));
}

static void look_inherited(const xpm__start *start, inherited *own)
{
    memset(own, 0, sizeof *own); /* it is compared whole */
    for (int i = 0; i < RLIM_NLIMITS; i++)
        getrlimit((__rlimit_resource_t)i, &own->limits[i]);
    sched_getaffinity(0, sizeof own->cores, &own->cores);
    const cpu_set_t *cores = start->share != NULL ? xpm__share_cores(start->share) : NULL;
    if (cores != NULL)
        own->share = *cores;
    own->nice = getpriority(PRIO_PROCESS, 0);
    read_umask(own->umask);
}

/* Whether an entry of a job's environment is of no other job: it is told when its process is asked for. */
static bool is_own(const char *entry)
{
    static const char start[] = XPM__START_VARIABLE "=";
    return strncmp(entry, start, sizeof start - 1) == 0;
}

static void make_key(const xpm__start *start, const char *const *command, xpm__str *key)
{
    inherited own;
    xpm__str_clear(key);
    look_inherited(start, &own);
    xpm__str_add(key, (const char *)&own, sizeof own);
    for (size_t i = 0; command[i] != NULL; i++)
        xpm__str_add(key, command[i], strlen(command[i]) + 1);
    for (size_t i = 0; start->environment[i] != NULL; i++)
        if (!is_own(start->environment[i]))
            xpm__str_add(key, start->environment[i], strlen(start->environment[i]) + 1);
}

static bool has_key(const kind *k, const xpm__str *key)
{
    return k->key.size == key->size && memcmp(k->key.data, key->data, key->size) == 0;
}

/* The oldest of too many, which has no parent, is forgotten: a new kind takes its place. */
static kind *forget_oldest(xpm__warm *warm)
{
    kind *oldest = NULL;
    size_t count = 0;
    for (kind *k = warm->kinds; k != NULL; k = k->next, count++)
        if (k->parent == NULL && (oldest == NULL || k->used < oldest->used))
            oldest = k;
    if (count < KINDS || oldest == NULL)
        return NULL;
    xpm__str_clear(&oldest->key);
    oldest->cold = false;
    oldest->deaths = 0;
    oldest->used = 0;
    return oldest;
}

static kind *find_kind(xpm__warm *warm, const xpm__str *key)
{
    kind *found = warm->kinds;
    while (found != NULL && !has_key(found, key))
        found = found->next;
    if (found == NULL && (found = forget_oldest(warm)) == NULL) {
        found = xpm__zalloc(sizeof *found);
        found->next = warm->kinds;
        warm->kinds = found;
    }
    if (found->key.size == 0)
        xpm__str_add(&found->key, key->data, key->size);
    return found;
}

/* ---- The end of a parent ---------------------------------------------------------------------- */

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

/* Whether nothing was put into the folder where it was started. */
static bool remove_folder(parent *p)
{
    bool was_empty = p->folder[0] == '\0' || rmdir(p->folder) == 0 || errno == ENOENT;
    if (!was_empty)
        nftw(p->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    p->folder[0] = '\0';
    return was_empty;
}

static void free_parent(uv_handle_t *handle)
{
    parent *p = handle->data;
    while (p->asked != NULL) {
        asked *next = p->asked->next;
        xpm_free(p->asked);
        p->asked = next;
    }
    xpm_free(p);
}

static void reap(const xpm__process *process)
{
    while (waitpid(process->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    close(process->fd);
}

static void leave_kind(parent *p)
{
    if (p->kind != NULL)
        p->kind->parent = NULL;
    p->kind = NULL;
}

/* No more is to come from it. */
static void end_parent(parent *p)
{
    uv_close((uv_handle_t *)&p->poll, free_parent);
    close(p->socket);
    leave_kind(p);
    *p->link = p->next;
    if (p->next != NULL)
        p->next->link = p->link;
    remove_folder(p);
}

/* It ends when it has done what it was asked. */
static void retire(parent *p)
{
    leave_kind(p);
    p->retired = true;
    if (p->ready)
        shutdown(p->socket, SHUT_WR);
    else
        kill(p->process.pid, SIGKILL);
}

static void refuse(parent *p, const char *reason)
{
    xpm__warm *warm = p->warm;
    if (p->kind == NULL)
        return;
    p->kind->cold = true;
    if (warm->tells) {
        char *message = xpm__format("jobs as %s/%s start cold: %s", xpm_job_type(warm->told),
                                    warm->told->hex, reason);
        xpm__job_warn(warm->told, message);
        xpm_free(message);
    }
}

/* ---- Answers ---------------------------------------------------------------------------------- */

static asked *take_asked(parent *p, uint32_t id)
{
    asked **link = &p->asked;
    while (*link != NULL && (*link)->id != id)
        link = &(*link)->next;
    asked *found = *link;
    if (found != NULL)
        *link = found->next;
    return found;
}

static void tell(const parent *p, asked *question, pid_t pid)
{
    if (question != NULL && question->user != NULL)
        p->warm->answered(question->user, pid);
    xpm_free(question);
}

static void on_answer(parent *p, const xpm__warm_answer *answer)
{
    switch ((xpm__warm_word)answer->word) {
    case XPM__WARM_READY:
        p->ready = remove_folder(p);
        p->refused = !p->ready;
        if (p->refused)
            refuse(p, "files were made in the folder where it was started");
        if (p->refused || p->retired)
            kill(p->process.pid, SIGKILL);
        break;
    case XPM__WARM_REFUSED:
        p->refused = true;
        refuse(p, answer->reason);
        break;
    case XPM__WARM_STALE:
        leave_kind(p); /* the next job of the kind has a new one started */
        break;
    case XPM__WARM_STARTED:
        tell(p, take_asked(p, answer->id), answer->pid);
        break;
    case XPM__WARM_FAILED: /* where a new program fails to start too, that one says so */
        refuse(p, strerror(answer->error));
        if (!p->retired)
            retire(p); /* the job is started again by the next call, and not from here */
        tell(p, take_asked(p, answer->id), 0);
        break;
    }
}

/* At the end of its socket, nothing that it was asked and has not answered was begun. */
static void on_end(parent *p)
{
    if (!p->ready && !p->retired && !p->refused)
        refuse(p, "the program ended when it was loaded");
    else if (p->kind != NULL && ++p->kind->deaths >= DEATHS)
        refuse(p, "its parent ended several times");
    asked *left = p->asked;
    p->asked = NULL;
    kill(p->process.pid, SIGKILL); /* it has ended; or has closed its socket, and is of no use */
    reap(&p->process);
    end_parent(p);
    while (left != NULL) {
        asked *question = left;
        left = left->next;
        tell(p, question, 0);
    }
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
    parent *p = poll->data;
    xpm__warm_answer answer;
    int fds[XPM__PASS_MAX];
    size_t count;
    ssize_t size;
    (void)status;
    (void)events;
    while ((size = xpm__fd_receive(p->socket, &answer, sizeof answer, fds, &count, MSG_DONTWAIT)) ==
           (ssize_t)sizeof answer)
        on_answer(p, &answer);
    if (size >= 0 || errno != EAGAIN)
        on_end(p);
}

/* A parent that was stopped, say, would keep its jobs waiting for ever; one that has no more to do keeps
 * memory. */
static void on_timer(uv_timer_t *timer)
{
    const xpm__warm *warm = timer->data;
    uint64_t now = uv_now(warm->loop);
    for (parent *p = warm->parents; p != NULL; p = p->next) {
        if (p->asked != NULL && now - p->asked->time >= PATIENCE_MS)
            kill(p->process.pid, SIGKILL);
        else if (p->kind != NULL && now - p->kind->used >= IDLE_MS)
            retire(p);
    }
    if (warm->parents == NULL)
        uv_timer_stop(timer);
}

/* ---- Starting a parent ------------------------------------------------------------------------ */

static const char *temporary_folder(void)
{
    const char *folder = getenv("TMPDIR");
    return folder != NULL && folder[0] == '/' && strlen(folder) < 40 ? folder : "/tmp";
}

/* A file without a name, on the filesystem where the jobs' streams are: languages choose the size of
 * their buffers by it. */
static int open_nameless(int folder)
{
    int fd = openat(folder, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    return fd >= 0 ? fd : memfd_create("experimaestro", MFD_CLOEXEC);
}

/* As a job of its kind, but for its command, its folder, its streams, and the socket. */
static int spawn_parent(parent *p, const xpm__start *job, const char *const *command, int socket)
{
    xpm_error err;
    xpm__start start = *job;
    char **environment;
    size_t count = 0, kept = 0;
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    xpm__streams streams = {null, open_nameless(job->directory), open_nameless(job->directory)};
    start.directory = open(p->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while (job->environment[count] != NULL)
        count++;
    environment = xpm__alloc((count + 1) * sizeof *environment);
    for (size_t i = 0; i < count; i++)
        if (!is_own(job->environment[i]))
            environment[kept++] = job->environment[i];
    environment[kept] = NULL;
    start.argv = command;
    start.environment = environment;
    start.lock = socket;
    start.guard_count = 0;
    int status = streams.in >= 0 && streams.out >= 0 && streams.err >= 0 && start.directory >= 0
                     ? xpm__spawn(&start, NULL, &streams, &p->process, &err)
                     : -1;
    xpm_free(environment);
    xpm__streams_close(&streams);
    if (start.directory >= 0)
        close(start.directory);
    return status;
}

static int start_parent(parent *p, const xpm__start *start, const char *const *command)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return -1;
    int status = spawn_parent(p, start, command, ends[1]);
    close(ends[1]);
    p->socket = ends[0];
    if (status == 0 && uv_poll_init(p->warm->loop, &p->poll, p->socket) == 0)
        return 0;
    close(p->socket);
    if (status == 0) {
        kill(p->process.pid, SIGKILL);
        reap(&p->process);
    }
    return -1;
}

static parent *new_parent(xpm__warm *warm, const xpm__start *start, const char *const *command)
{
    parent *p = xpm__zalloc(sizeof *p);
    p->warm = warm;
    p->poll.data = p;
    snprintf(p->folder, sizeof p->folder, "%s/" XPM__WARM_PLACE "XXXXXX", temporary_folder());
    if (mkdtemp(p->folder) == NULL || start_parent(p, start, command) < 0) {
        remove_folder(p);
        xpm_free(p);
        return NULL;
    }
    uv_poll_start(&p->poll, UV_READABLE, on_socket);
    return p;
}

/* Room for one more: the one that was not used for longest goes. */
static void make_room(xpm__warm *warm)
{
    parent *oldest = NULL;
    size_t count = 0;
    for (parent *p = warm->parents; p != NULL; p = p->next) {
        if (p->kind == NULL)
            continue;
        count++;
        if (oldest == NULL || p->kind->used < oldest->kind->used)
            oldest = p;
    }
    if (count >= PARENTS)
        retire(oldest);
}

static void begin(xpm__warm *warm, kind *k, const xpm__start *start, const char *const *command)
{
    make_room(warm);
    parent *p = new_parent(warm, start, command);
    if (p == NULL) {
        k->cold = true;
        return;
    }
    warm->told = start->job;
    p->kind = k;
    k->parent = p;
    p->next = warm->parents;
    p->link = &warm->parents;
    if (p->next != NULL)
        p->next->link = &p->next;
    warm->parents = p;
    if (!uv_is_active((uv_handle_t *)&warm->timer))
        uv_timer_start(&warm->timer, on_timer, PATIENCE_MS, PATIENCE_MS);
}

/* ---- Asking ----------------------------------------------------------------------------------- */

static void add_text(char *message, size_t *size, const char *text)
{
    size_t length = strlen(text) + 1;
    if (*size + length <= XPM__WARM_MESSAGE)
        memcpy(message + *size, text, length);
    *size += length;
}

static bool send_request(const parent *p, const xpm__start *start, const xpm__streams *streams,
                         uint32_t id)
{
    struct {
        xpm__warm_request head;
        char texts[XPM__WARM_MESSAGE];
    } message;
    int fds[XPM__PASS_MAX];
    size_t size = 0, count = XPM__WARM_FDS;
    for (size_t i = 0; start->argv[i] != NULL; i++)
        add_text(message.texts, &size, start->argv[i]);
    message.head = (xpm__warm_request){.id = id, .command_size = (uint32_t)size};
    for (size_t i = 0; start->environment[i] != NULL; i++)
        if (is_own(start->environment[i]))
            add_text(message.texts, &size, start->environment[i]);
    message.head.entries_size = (uint32_t)size - message.head.command_size;
    if (size > sizeof message.texts || count + start->guard_count > XPM__PASS_MAX)
        return false;
    fds[XPM__WARM_FOLDER] = start->directory;
    fds[XPM__WARM_IN] = streams->in;
    fds[XPM__WARM_OUT] = streams->out;
    fds[XPM__WARM_ERR] = streams->err;
    fds[XPM__WARM_LOCK] = start->lock;
    for (size_t i = 0; i < start->guard_count; i++)
        fds[count++] = start->guards[i];
    return xpm__fd_send(p->socket, &message, sizeof message.head + size, fds, count) == 0;
}

static bool ask(parent *p, const xpm__start *start, const xpm__streams *streams, void *user)
{
    xpm__warm *warm = p->warm;
    asked **link = &p->asked;
    uint32_t id = ++warm->last_id;
    if (!send_request(p, start, streams, id))
        return false;
    while (*link != NULL)
        link = &(*link)->next;
    *link = xpm__zalloc(sizeof **link);
    **link = (asked){.id = id, .time = uv_now(warm->loop), .user = user};
    return true;
}

bool xpm__warm_start(xpm__warm *warm, const xpm__start *start, const xpm__streams *streams,
                     void *user)
{
    const char *command[XPM__COMMAND_WORDS];
    if (warm == NULL || streams->in < 0 || !xpm__command_warm(start->job, command))
        return false;
    make_key(start, command, &warm->key);
    kind *k = find_kind(warm, &warm->key);
    bool comes_often = k->used > 0 && uv_now(warm->loop) - k->used < IDLE_MS;
    k->used = uv_now(warm->loop);
    if (k->parent != NULL)
        return k->parent->ready && ask(k->parent, start, streams, user);
    if (comes_often && !k->cold)
        begin(warm, k, start, command);
    return false;
}

void xpm__warm_forget(xpm__warm *warm, const void *user)
{
    for (parent *p = warm->parents; p != NULL; p = p->next)
        for (asked *question = p->asked; question != NULL; question = question->next)
            if (question->user == user)
                question->user = NULL;
}

/* ----------------------------------------------------------------------------------------------- */

xpm__warm *xpm__warm_new(uv_loop_t *loop, xpm__warm_answered answered)
{
    const char *wish = getenv("XPM_WARM");
    if (wish != NULL && strcmp(wish, "0") == 0)
        return NULL;
    xpm__warm *warm = xpm__zalloc(sizeof *warm);
    warm->loop = loop;
    warm->answered = answered;
    warm->tells = wish != NULL && strcmp(wish, "tell") == 0;
    warm->timer.data = warm;
    uv_timer_init(loop, &warm->timer);
    return warm;
}

/* Until it has ended by itself, or patience is over. */
static void await_end(const parent *p)
{
    struct pollfd watched = {.fd = p->process.fd, .events = POLLIN};
    while (poll(&watched, 1, PATIENCE_MS) < 0 && errno == EINTR)
        continue;
    if (watched.revents == 0)
        kill(p->process.pid, SIGKILL);
    reap(&p->process);
}

void xpm__warm_close(xpm__warm *warm)
{
    if (warm == NULL)
        return;
    uv_close((uv_handle_t *)&warm->timer, NULL);
    for (parent *p = warm->parents; p != NULL; p = p->next)
        retire(p);
    while (warm->parents != NULL) {
        await_end(warm->parents);
        end_parent(warm->parents);
    }
}

void xpm__warm_free(xpm__warm *warm)
{
    if (warm == NULL)
        return;
    while (warm->kinds != NULL) {
        kind *next = warm->kinds->next;
        xpm__str_free(&warm->kinds->key);
        xpm_free(warm->kinds);
        warm->kinds = next;
    }
    xpm__str_free(&warm->key);
    xpm_free(warm);
}
