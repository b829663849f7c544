#include "launch/talk.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/process.h"
#include "launch/spawn.h"
#include "launch/wire.h"

enum { ERRORS_KEPT = 4096 }; /* bytes of what it wrote last to its standard error */

struct xpm__talk {
    uv_pipe_t in;
    uv_poll_t out, errors, process; /* watch: */
    int out_fd, errors_fd;
    xpm__process child;
    bool is_closed;
    int handles; /* that are not closed yet */
    xpm__frames frames;
    xpm__str last; /* of its errors */
    const xpm__talk_events *events;
    void *user;
};

typedef struct saying {
    uv_write_t request;
    xpm__str text;
} saying;

/* ---- Listening -------------------------------------------------------------------------------- */

/* False when there is nothing more, now or ever. */
static bool hear(xpm__talk *talk, int fd, bool *over)
{
    char buffer[16384];
    ssize_t got = read(fd, buffer, sizeof buffer);
    *over = got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
    if (got <= 0)
        return false;
    if (fd == talk->out_fd) {
        xpm__frames_add(&talk->frames, buffer, (size_t)got);
        return true;
    }
    xpm__str_add(&talk->last, buffer, (size_t)got);
    if (talk->last.size > ERRORS_KEPT) {
        size_t gone = talk->last.size - ERRORS_KEPT;
        memmove(talk->last.data, talk->last.data + gone, ERRORS_KEPT);
        xpm__str_cut(&talk->last, ERRORS_KEPT);
    }
    return true;
}

/* Tells what was heard, unless it is closed meanwhile. A line that has no end is the end of the talk:
 * the program cannot be what it should. */
static void tell(xpm__talk *talk)
{
    const char *line;
    ptrdiff_t size;
    while (!talk->is_closed && (size = xpm__frames_next(&talk->frames, &line)) >= 0)
        talk->events->said(talk->user, line, (size_t)size);
    if (!talk->is_closed && xpm__frames_overflow(&talk->frames, XPM__ANSWER_MAX))
        xpm__process_tell(&talk->child, SIGKILL);
}

static void on_output(uv_poll_t *poll, int status, int events)
{
    xpm__talk *talk = poll->data;
    bool over;
    (void)status;
    (void)events;
    hear(talk, poll == &talk->out ? talk->out_fd : talk->errors_fd, &over);
    if (over)
        uv_poll_stop(poll); /* the end of the process is what counts */
    tell(talk);
}

/* What it said before its end is told before. */
static void on_end(uv_poll_t *poll, int status, int events)
{
    xpm__talk *talk = poll->data;
    xpm__end end;
    bool over;
    (void)status;
    (void)events;
    uv_poll_stop(poll);
    while (hear(talk, talk->errors_fd, &over))
        continue;
    while (hear(talk, talk->out_fd, &over))
        continue;
    xpm__process_collect(&talk->child, &end);
    talk->child.pid = 0;
    tell(talk);
    if (!talk->is_closed)
        talk->events->over(talk->user, end.signal != 0 ? -1 : end.code,
                           talk->last.size > 0 ? talk->last.data : "");
}

/* ---- Beginning and end ------------------------------------------------------------------------ */

static bool watch(xpm__talk *talk, uv_loop_t *loop, uv_poll_t *poll, int fd, uv_poll_cb heard)
{
    if (uv_poll_init(loop, poll, fd) < 0)
        return false;
    poll->data = talk;
    talk->handles++;
    return uv_poll_start(poll, UV_READABLE, heard) == 0;
}

xpm__talk *xpm__talk_open(uv_loop_t *loop, const char *const *argv, const xpm__talk_events *events,
                          void *user, xpm_error *err)
{
    int fds[3];
    xpm__process child;
    pid_t pid = xpm__process_talk(argv, environ, fds);
    if (pid < 0) {
        xpm__fail_io(err, argv[0], "start the program");
        return NULL;
    }
    if (xpm__process_open(pid, &child) < 0) {
        xpm__fail_io(err, argv[0], "watch the process of");
        xpm__process_kill(&(xpm__process){.pid = pid});
        for (int i = 0; i < 3; i++)
            close(fds[i]);
        return NULL;
    }
    xpm__talk *talk = xpm__zalloc(sizeof *talk);
    talk->child = child;
    talk->events = events;
    talk->user = user;
    talk->out_fd = fds[1];
    talk->errors_fd = fds[2];
    uv_pipe_init(loop, &talk->in, 0);
    uv_pipe_open(&talk->in, fds[0]);
    talk->in.data = talk;
    talk->handles = 1;
    if (watch(talk, loop, &talk->out, talk->out_fd, on_output) &&
        watch(talk, loop, &talk->errors, talk->errors_fd, on_output) &&
        watch(talk, loop, &talk->process, talk->child.fd, on_end))
        return talk;
    xpm__fail(err, XPM_E_IO, argv[0], "%s cannot be watched", argv[0]);
    xpm__talk_close(talk);
    return NULL;
}

static void on_said(uv_write_t *request, int status)
{
    saying *said = (saying *)request;
    (void)status; /* when it cannot be told any more it has ended */
    xpm__str_free(&said->text);
    xpm_free(said);
}

void xpm__talk_say(xpm__talk *talk, xpm__str *text)
{
    saying *said = xpm__zalloc(sizeof *said);
    said->text = *text;
    *text = (xpm__str){0};
    uv_buf_t buffer = uv_buf_init(said->text.data, (unsigned)said->text.size);
    if (uv_write(&said->request, (uv_stream_t *)&talk->in, &buffer, 1, on_said) < 0)
        on_said(&said->request, 0);
}

static void free_talk(uv_handle_t *handle)
{
    xpm__talk *talk = handle->data;
    if (--talk->handles > 0)
        return;
    close(talk->out_fd);
    close(talk->errors_fd);
    close(talk->child.fd);
    xpm__frames_free(&talk->frames);
    xpm__str_free(&talk->last);
    xpm_free(talk);
}

/* One that was made. */
static void close_handle(uv_handle_t *handle)
{
    if (handle->data != NULL)
        uv_close(handle, free_talk);
}

void xpm__talk_close(xpm__talk *talk)
{
    if (talk == NULL || talk->is_closed)
        return;
    talk->is_closed = true;
    if (talk->child.pid > 0)
        xpm__process_kill(&talk->child);
    close_handle((uv_handle_t *)&talk->in);
    close_handle((uv_handle_t *)&talk->out);
    close_handle((uv_handle_t *)&talk->errors);
    close_handle((uv_handle_t *)&talk->process);
}
