/* A card for each job that failed: what its folder says of it, for people. What is missing there, or
 * cannot be understood, is left out. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <experimaestro.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "record/jobdir.h"
#include "record/params.h"

enum {
    LINES = 10,       /* of the standard error, the last ones */
    TAIL_SIZE = 8192, /* bytes in which they are looked for */
    CARDS_WHOLE = 3,
    CARDS_MAX = 10, /* beyond, jobs are counted */
};

typedef struct job_card {
    const char *directory;
    const char *key; /* TYPE/HASH: the end of `directory` */
    char name[XPM__NAME_SIZE];
    int dir;
    xpm__jobdir_state state;
    xpm__params params;
    int64_t peak_memory; /* bytes; 0 when not known */
    char *host;          /* NULL when not known */
} job_card;

/* ---- Reading ---------------------------------------------------------------------------------- */

static const char *key_of(const char *directory)
{
    const char *start = directory + strlen(directory);
    for (int slashes = 0; start > directory; start--)
        if (start[-1] == '/' && ++slashes == 2)
            break;
    return start;
}

/* What the status says beside the state: these keys may be missing. */
static void read_status(job_card *card)
{
    json_object *status = xpm__json_read(card->dir, ".experimaestro/status.json");
    json_object *peak = xpm__json_get(status, "peak_memory");
    if (json_object_is_type(peak, json_type_int))
        card->peak_memory = json_object_get_int64(peak);
    card->host = xpm__strdup(xpm__json_get_text(status, "host"));
    json_object_put(status);
}

static void open_card(const char *directory, job_card *card)
{
    *card = (job_card){.directory = directory, .key = key_of(directory)};
    xpm__jobdir_name(directory, card->name);
    card->dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (card->dir < 0)
        return;
    xpm__jobdir_read(card->dir, card->name, &card->state);
    read_status(card);
    char *params = xpm__format("%s/params.json", directory);
    (void)xpm__params_peek(params, &card->params, NULL);
    xpm_free(params);
}

static void close_card(job_card *card)
{
    if (card->dir >= 0)
        close(card->dir);
    xpm__params_clear(&card->params);
    xpm_free(card->host);
}

/* ---- Words ------------------------------------------------------------------------------------ */

static void print_duration(double seconds, xpm__str *out)
{
    long whole = (long)seconds;
    if (whole < 10)
        xpm__str_printf(out, "%.1f s", seconds);
    else if (whole < 60)
        xpm__str_printf(out, "%ld s", whole);
    else if (whole < 3600)
        xpm__str_printf(out, "%ld min %ld s", whole / 60, whole % 60);
    else
        xpm__str_printf(out, "%ld h %ld min", whole / 3600, whole / 60 % 60);
}

static void print_size(int64_t bytes, xpm__str *out)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    double size = (double)bytes / 1024;
    size_t unit = 0;
    for (; size >= 1024 && unit + 1 < sizeof units / sizeof *units; unit++)
        size /= 1024;
    xpm__str_printf(out, "%.*f %s", size < 10 ? 1 : 0, size, units[unit]);
}

/* A word of a command line, as a shell reads it. */
static void print_word(const char *word, xpm__str *out)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-+=./,:@%";
    if (word[0] != '\0' && word[strspn(word, plain)] == '\0') {
        xpm__str_puts(out, word);
        return;
    }
    xpm__str_putc(out, '\'');
    for (; *word != '\0'; word++) {
        if (*word == '\'')
            xpm__str_puts(out, "'\\''");
        else
            xpm__str_putc(out, *word);
    }
    xpm__str_putc(out, '\'');
}

static void print_path(const job_card *card, const char *file, xpm__str *out)
{
    char *path = xpm__format("%s/%s", card->directory, file);
    print_word(path, out);
    xpm_free(path);
}

/* ---- The parts -------------------------------------------------------------------------------- */

/* "demo.learn/3f2a...: failed, exit status 1: ValueError: no luck" */
static void print_title(const job_card *card, xpm__str *out)
{
    const xpm__jobdir_state *state = &card->state;
    xpm__str_printf(out, "%s: ", card->key);
    if (state->state != XPM_JOB_ERROR) {
        xpm__str_puts(out, "nothing is recorded of its end");
        return;
    }
    xpm__str_puts(out, xpm_reason_text(state->reason));
    if (state->code != 0)
        xpm__str_printf(out, ", exit status %d", state->code);
    if (state->message[0] != '\0') {
        xpm__str_puts(out, ": ");
        xpm__str_add_visible(out, state->message, strlen(state->message));
    }
}

/* "    after 2 min 3 s on ada, with 1.2 GiB of memory at most" */
static void print_circumstances(const job_card *card, xpm__str *out)
{
    double seconds = card->state.ended - card->state.started;
    bool timed = card->state.ended > 0 && card->state.started > 0 && seconds >= 0;
    if (!timed && card->host == NULL && card->peak_memory <= 0)
        return;
    xpm__str_puts(out, "   ");
    if (timed) {
        xpm__str_puts(out, " after ");
        print_duration(seconds, out);
    }
    if (card->host != NULL)
        xpm__str_printf(out, " on %s", card->host);
    if (card->peak_memory > 0) {
        xpm__str_puts(out, timed || card->host != NULL ? ", with " : " with ");
        print_size(card->peak_memory, out);
        xpm__str_puts(out, " of memory at most");
    }
    xpm__str_putc(out, '\n');
}

/* The end of a file, from the start of a line where one is in it. */
static size_t read_tail(int dir, const char *file, char tail[TAIL_SIZE])
{
    struct stat info;
    int fd = openat(dir, file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t size = -1;
    if (fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
        off_t start = info.st_size > TAIL_SIZE ? info.st_size - TAIL_SIZE : 0;
        size = pread(fd, tail, TAIL_SIZE, start);
        const char *line = start > 0 && size > 0 ? memchr(tail, '\n', (size_t)size) : NULL;
        if (line != NULL && line + 1 < tail + size) {
            size -= line + 1 - tail;
            memmove(tail, line + 1, (size_t)size);
        }
    }
    if (fd >= 0)
        close(fd);
    return size > 0 ? (size_t)size : 0;
}

/* What a terminal would show of a line: a progress bar has written it many times. */
static void print_line(const char *line, size_t size, xpm__str *out)
{
    while (size > 0 && line[size - 1] == '\r')
        size--;
    const char *last = size > 0 ? memrchr(line, '\r', size) : NULL;
    size_t hidden = last != NULL ? (size_t)(last + 1 - line) : 0;
    xpm__str_puts(out, "      | ");
    xpm__str_add_visible(out, line + hidden, size - hidden);
    xpm__str_putc(out, '\n');
}

static void print_last_words(const job_card *card, xpm__str *out)
{
    char file[XPM__NAME_SIZE], tail[TAIL_SIZE];
    xpm__jobdir_file(card->name, ".err", file);
    size_t size = read_tail(card->dir, file, tail);
    while (size > 0 && tail[size - 1] == '\n')
        size--;
    if (size == 0)
        return;
    size_t start = size;
    for (int lines = 0; start > 0; start--)
        if (tail[start - 1] == '\n' && ++lines == LINES)
            break;
    xpm__str_printf(out, "    %s ends with\n", file);
    while (start < size) {
        const char *line = tail + start, *end = memchr(line, '\n', size - start);
        size_t length = end != NULL ? (size_t)(end - line) : size - start;
        print_line(line, length, out);
        start += length + 1;
    }
}

static void print_command(const job_card *card, const char *what, const char *program,
                          const char *verb, const char *file, xpm__str *out)
{
    xpm__str_printf(out, "    %s: ", what);
    print_word(program, out);
    xpm__str_printf(out, " %s", verb);
    print_path(card, file, out);
    xpm__str_putc(out, '\n');
}

/* The first runs it as the job, the second one where one stands. */
static void print_commands(const job_card *card, xpm__str *out)
{
    static const char again[] = "again", here[] = "here, without record", params[] = "params.json";
    char script[XPM__NAME_SIZE];
    const char *program = card->params.program;
    bool native = card->params.language != NULL && strcmp(card->params.language, "c") == 0;
    xpm__jobdir_file(card->name, ".py", script);
    if (native && program != NULL) {
        print_command(card, again, program, "job ", params, out);
        print_command(card, here, program, "execute ", params, out);
        return;
    }
    if (program != NULL && xpm__file_exists(card->dir, script))
        print_command(card, again, program, "", script, out);
    if (xpm__file_exists(card->dir, params))
        print_command(card, here, "experimaestro", "run ", params, out);
}

/* ---- Cards ------------------------------------------------------------------------------------ */

static void print_whole(const char *directory, xpm__str *out)
{
    job_card card;
    open_card(directory, &card);
    print_title(&card, out);
    xpm__str_putc(out, '\n');
    print_circumstances(&card, out);
    xpm__str_printf(out, "    in %s\n", directory);
    if (card.dir >= 0) {
        print_last_words(&card, out);
        print_commands(&card, out);
    }
    close_card(&card);
}

static void print_in_a_line(const char *directory, xpm__str *out)
{
    job_card card;
    open_card(directory, &card);
    print_title(&card, out);
    char *file = xpm__format("%s/%s.err", directory, card.name);
    struct stat info;
    if (stat(file, &info) == 0 && info.st_size > 0)
        xpm__str_printf(out, ", see %s", file);
    xpm__str_putc(out, '\n');
    xpm_free(file);
    close_card(&card);
}

char *xpm_job_card(const char *directory)
{
    xpm__str out = {0};
    print_whole(directory, &out);
    return xpm__str_take(&out);
}

char *xpm_job_cards(const char *const *directories, size_t count, size_t dependent)
{
    xpm__str out = {0};
    for (size_t i = 0; i < count && i < CARDS_WHOLE; i++)
        print_whole(directories[i], &out);
    for (size_t i = CARDS_WHOLE; i < count && i < CARDS_MAX; i++)
        print_in_a_line(directories[i], &out);
    if (count > CARDS_MAX)
        xpm__str_printf(&out, "and %zu more that failed\n", count - CARDS_MAX);
    if (dependent > 0)
        xpm__str_printf(&out, "%zu more %s not started: what %s failed\n", dependent,
                        dependent == 1 ? "was" : "were",
                        dependent == 1 ? "it depends on" : "they depend on");
    return xpm__str_take(&out);
}
