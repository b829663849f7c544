/* What a task records of its course: a line of figures for each call, in a file of the job's folder.
 * A line is written at once, and whole or not at all. */
#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "record/document.h"
#include "run/runner.h"

static int check(const xpm_value *figures, xpm_error *err)
{
    for (size_t i = 0; xpm_dict_key(figures, i) != NULL; i++) {
        const xpm_value *name = xpm_dict_key(figures, i), *value = xpm_dict_at(figures, i);
        if (name->kind != XPM_KIND_STR)
            return xpm__fail(err, XPM_E_TYPE, NULL, "the name of a figure must be a text");
        if (value->kind < XPM_KIND_NONE || value->kind > XPM_KIND_STR)
            return xpm__fail(err, XPM_E_TYPE, name->as.text,
                             "the figure %s must be a number, a text, true, false or none",
                             name->as.text);
    }
    return 0;
}

static void print_line(xpm__str *out, const xpm_value *figures)
{
    xpm__json_open(out, '{');
    xpm__json_pair_time(out, "time", xpm__clock_now());
    xpm__json_key(out, "figures");
    xpm__document_write_plain(figures, out);
    xpm__json_close(out, '}');
    xpm__str_putc(out, '\n');
}

/* Takes back what there was room for. */
static void take_back(int fd, off_t before)
{
    int saved = errno;
    if (lseek(fd, 0, SEEK_END) > before)
        (void)ftruncate(fd, before);
    errno = saved;
}

static int append(const xpm_task *task, const xpm__str *line, xpm_error *err)
{
    int fd = xpm__jobdir_open_figures(task->directory);
    off_t before = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
    int status = fd >= 0 ? xpm__file_append(fd, line->data, line->size) : -1;
    if (status < 0 && fd >= 0)
        take_back(fd, before);
    if (status < 0)
        status = xpm__fail_io(err, task->directory, "record figures in");
    if (fd >= 0)
        close(fd);
    return status;
}

int xpm_task_record(xpm_task *task, xpm_value figures, xpm_error *err)
{
    xpm__str line = {0};
    int status = check(&figures, err);
    if (status == 0 && task != NULL && task->status != NULL) {
        print_line(&line, &figures);
        status = append(task, &line, err);
    }
    xpm__str_free(&line);
    xpm_value_clear(&figures);
    return status;
}
