#include "record/git.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"

/* ---- Asking ----------------------------------------------------------------------------------- */

static bool names_a_tree(const char *variable)
{
    static const char *const names[] = {
        "GIT_DIR=", "GIT_WORK_TREE=", "GIT_INDEX_FILE=", "GIT_COMMON_DIR=", "GIT_PREFIX="};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncmp(variable, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

/* The environment without what git tells its own hooks: it would be asked of that tree. */
static char **environment_for_git(char *const *environment)
{
    size_t count = 0, kept = 0;
    while (environment != NULL && environment[count] != NULL)
        count++;
    char **copy = xpm__alloc((count + 1) * sizeof *copy);
    for (size_t i = 0; i < count; i++)
        if (!names_a_tree(environment[i]))
            copy[kept++] = environment[i];
    copy[kept] = NULL;
    return copy;
}

static int ask(const char *const *argv, const xpm__asking *asking, xpm__str *out)
{
    char **environment = environment_for_git(asking->environment);
    int status = xpm__process_read(argv, environment, &asking->patience, out);
    xpm_free(environment);
    return status;
}

/* Cuts a line from the start of what is left. NULL when there is none. */
static char *next_line(char **left)
{
    char *line = *left, *end = line != NULL ? strchr(line, '\n') : NULL;
    if (end == NULL)
        return NULL;
    *end = '\0';
    *left = end + 1;
    return line;
}

/* The top level and the commit: git prints the first even when there is no commit, and fails. */
static bool ask_place(const char *path, const xpm__asking *asking, xpm__git *git)
{
    const char *argv[] = {"git", "-C", path, "rev-parse", "--show-toplevel", "HEAD", NULL};
    xpm__str out = {0};
    int status = ask(argv, asking, &out);
    char *left = out.data;
    char *toplevel = status >= 0 ? next_line(&left) : NULL;
    char *commit = status == 0 ? next_line(&left) : NULL;
    if (toplevel != NULL && toplevel[0] == '/') {
        git->toplevel = xpm__strdup(toplevel);
        git->commit = xpm__strdup(commit);
    }
    xpm__str_free(&out);
    return git->toplevel != NULL;
}

/* ":(exclude,...)PATH" of a folder in the tree; NULL when it is not in it. New: xpm_free. */
static char *exclusion(const char *toplevel, const char *except)
{
    char *real = except != NULL ? realpath(except, NULL) : NULL, *result = NULL;
    size_t size = strlen(toplevel);
    if (real != NULL && strncmp(real, toplevel, size) == 0 && real[size] == '/')
        result = xpm__format(":(exclude,top,literal)%s", real + size + 1);
    free(real);
    return result;
}

/* An entry of porcelain version 2: its path follows so many fields; none for a header. */
static size_t fields_before_path(const char *entry)
{
    switch (entry[0]) {
    case '1':
        return 8;
    case '2':
        return 9;
    case 'u':
        return 10;
    case '?':
        return 1;
    default:
        return 0;
    }
}

static char *visible(const char *text)
{
    xpm__str out = {0};
    xpm__str_add_visible(&out, text, strlen(text));
    return xpm__str_take(&out);
}

static void take_change(xpm__git *git, const char *entry, size_t fields)
{
    const char *path = entry;
    for (size_t i = 0; i < fields && path != NULL; i++)
        path = strchr(path, ' ') != NULL ? strchr(path, ' ') + 1 : NULL;
    if (path == NULL)
        return;
    if (git->changed_count < XPM__GIT_CHANGED)
        git->changed[git->changed_count] = visible(path);
    git->changed_count++;
}

static void take_header(xpm__git *git, const char *header)
{
    static const char head[] = "# branch.head ";
    size_t size = sizeof head - 1;
    if (strncmp(header, head, size) == 0 && strcmp(header + size, "(detached)") != 0)
        git->branch = xpm__strdup(header + size);
}

/* Entries that end with NUL; after one that was renamed comes its old path. */
static void take_status(xpm__git *git, const xpm__str *out)
{
    const char *end = out->data + out->size;
    for (const char *entry = out->data; entry < end; entry += strlen(entry) + 1) {
        size_t fields = fields_before_path(entry);
        if (fields > 0)
            take_change(git, entry, fields);
        else
            take_header(git, entry);
        if (entry[0] == '2' && entry + strlen(entry) + 1 < end)
            entry += strlen(entry) + 1;
    }
}

static void ask_changes(xpm__git *git, const char *except, const xpm__asking *asking)
{
    char *exclude = exclusion(git->toplevel, except);
    const char *argv[] = {"git",
                          "--no-optional-locks",
                          "-C",
                          git->toplevel,
                          "status",
                          "--branch",
                          "--porcelain=v2",
                          "-z",
                          "--",
                          ".",
                          exclude,
                          NULL};
    xpm__str out = {0};
    git->known = ask(argv, asking, &out) == 0;
    if (git->known)
        take_status(git, &out);
    xpm__str_free(&out);
    xpm_free(exclude);
}

/* ---- Trees ------------------------------------------------------------------------------------ */

static void clear(xpm__git *git)
{
    xpm_free(git->toplevel);
    xpm_free(git->commit);
    xpm_free(git->branch);
    for (size_t i = 0; i < git->changed_count && i < XPM__GIT_CHANGED; i++)
        xpm_free(git->changed[i]);
}

bool xpm__gits_add(xpm__gits *gits, const char *path, const char *except, const xpm__asking *asking)
{
    xpm__git git = {0};
    if (!ask_place(path, asking, &git))
        return false;
    for (size_t i = 0; i < gits->count; i++) {
        if (strcmp(gits->items[i].toplevel, git.toplevel) == 0) {
            clear(&git);
            return true;
        }
    }
    ask_changes(&git, except, asking);
    gits->items = xpm__grow(gits->items, &gits->capacity, gits->count, sizeof *gits->items);
    gits->items[gits->count++] = git;
    return true;
}

static void print(const xpm__git *git, xpm__str *out)
{
    xpm__json_open(out, '{');
    xpm__json_pair(out, "path", git->toplevel);
    xpm__json_pair(out, "commit", git->commit);
    xpm__json_pair(out, "branch", git->branch);
    xpm__json_key(out, "dirty");
    if (git->known)
        xpm__json_bool(out, git->changed_count > 0);
    else
        xpm__json_null(out);
    xpm__json_pair_int(out, "changed_count", (int64_t)git->changed_count);
    xpm__json_key(out, "changed");
    xpm__json_open(out, '[');
    for (size_t i = 0; i < git->changed_count && i < XPM__GIT_CHANGED; i++)
        xpm__json_text(out, git->changed[i]);
    xpm__json_close(out, ']');
    xpm__json_close(out, '}');
}

void xpm__gits_print(const xpm__gits *gits, xpm__str *out)
{
    xpm__json_open(out, '[');
    for (size_t i = 0; i < gits->count; i++)
        print(&gits->items[i], out);
    xpm__json_close(out, ']');
}

void xpm__gits_free(xpm__gits *gits)
{
    for (size_t i = 0; i < gits->count; i++)
        clear(&gits->items[i]);
    xpm_free(gits->items);
    *gits = (xpm__gits){0};
}
