#include "record/outputs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "declare/class.h"
#include "record/document.h"

enum { CHUNK = 1 << 16 };

/* ---- Writing ---------------------------------------------------------------------------------- */

/* Whether plain JSON says all of a value; if not, `where` becomes its place. */
static bool is_json(const xpm_value *value, xpm__str *where)
{
    size_t size = where->size;
    switch (value->kind) {
    case XPM_KIND_NONE:
    case XPM_KIND_BOOL:
    case XPM_KIND_INT:
    case XPM_KIND_FLOAT:
    case XPM_KIND_STR:
        return true;
    case XPM_KIND_LIST:
    case XPM_KIND_TUPLE:
        for (size_t i = 0; i < value->size; i++, xpm__str_cut(where, size)) {
            xpm__str_printf(where, "[%zu]", i);
            if (!is_json(&value->as.items[i], where))
                return false;
        }
        return true;
    case XPM_KIND_DICT:
        for (size_t i = 0; i < value->size; i++, xpm__str_cut(where, size)) {
            if (value->as.items[2 * i].kind != XPM_KIND_STR)
                return false;
            xpm__str_printf(where, ".%s", value->as.items[2 * i].as.text);
            if (!is_json(&value->as.items[2 * i + 1], where))
                return false;
        }
        return true;
    default:
        return false;
    }
}

static int check_value(const xpm_value *value, const char *method, xpm_error *err)
{
    xpm__str where = {0};
    xpm__str_putc(&where, '$');
    int status = 0;
    if (value != NULL && !is_json(value, &where))
        status = xpm__fail(err, XPM_E_TYPE, where.data,
                           "the arguments with which %s is registered are read again in another "
                           "process: they must be plain JSON (none, bools, ints, floats, texts, "
                           "lists, and dicts with texts as keys)",
                           method);
    xpm__str_free(&where);
    return status;
}

/* A value, or `empty` for none. */
static void write_value(const xpm_value *value, const char *key, const char *empty, xpm__str *out)
{
    xpm__json_key(out, key);
    if (value != NULL)
        xpm__document_write_plain(value, out);
    else
        xpm__str_puts(out, empty);
}

static void write_line(const char *hex, const char *method, const xpm_value *arguments,
                       const xpm_value *named, xpm__str *out)
{
    char *key = xpm__format("%s/%s", hex, method);
    xpm__json_open(out, '{');
    xpm__json_pair(out, "key", key);
    write_value(arguments, "args", "[]", out);
    write_value(named, "kwargs", "{}", out);
    xpm__json_close(out, '}');
    xpm__str_putc(out, '\n');
    xpm_free(key);
}

static int open_file(const char *directory)
{
    char *folder = xpm__format("%s/.experimaestro", directory);
    char *path = xpm__format("%s/" XPM__OUTPUTS_FILE, directory);
    int fd = -1;
    if (mkdir(folder, 0777) == 0 || errno == EEXIST)
        fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    xpm_free(folder);
    xpm_free(path);
    return fd;
}

static bool is_torn(int fd)
{
    char last = '\n';
    struct stat info;
    return fstat(fd, &info) == 0 && info.st_size > 0 &&
           pread(fd, &last, 1, info.st_size - 1) == 1 && last != '\n';
}

int xpm__outputs_check(const xpm_class *class_, xpm_error *err)
{
    if ((class_->flags & XPM_CLASS_RESUMABLE) != 0)
        return 0;
    return xpm__fail(err, XPM_E_TYPE, class_->name,
                     "%s is no resumable task, and announces no outputs while it runs: started "
                     "again after an interruption, it would not go on from them",
                     class_->name);
}

int xpm__outputs_append(const char *directory, const char *hex, const char *method,
                        const xpm_value *arguments, const xpm_value *named, xpm_error *err)
{
    xpm__str line = {0};
    if (check_value(arguments, method, err) < 0 || check_value(named, method, err) < 0)
        return -1;
    int fd = open_file(directory);
    if (fd >= 0 && is_torn(fd))
        xpm__str_putc(&line, '\n');
    write_line(hex, method, arguments, named, &line);
    int status = fd < 0 ? -1 : xpm__file_append(fd, line.data, line.size);
    if (status < 0)
        xpm__fail_io(err, directory, "write " XPM__OUTPUTS_FILE " in");
    if (fd >= 0)
        close(fd);
    xpm__str_free(&line);
    return status;
}

int xpm__outputs_make(const char *directory)
{
    int fd = open_file(directory);
    return fd < 0 ? -1 : close(fd);
}

/* ---- Reading ---------------------------------------------------------------------------------- */

int xpm__outputs_read(const char *directory, size_t *offset, xpm__str *lines)
{
    char chunk[CHUNK];
    char *path = xpm__format("%s/" XPM__OUTPUTS_FILE, directory);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = -1;
    xpm_free(path);
    if (fd < 0)
        return errno == ENOENT ? 0 : -1;
    while ((size = pread(fd, chunk, sizeof chunk, (off_t)(*offset + lines->size))) > 0)
        xpm__str_add(lines, chunk, (size_t)size);
    int saved = errno;
    close(fd);
    if (lines->size > 0) {
        const char *end = memrchr(lines->data, '\n', lines->size);
        xpm__str_cut(lines, end != NULL ? (size_t)(end - lines->data) + 1 : 0);
    }
    *offset += lines->size;
    errno = saved;
    return size < 0 ? -1 : 0;
}

/* A member as a value of a kind, an empty one when it is not there; false when it is of another. */
static bool read_member(json_object *json, const char *key, xpm_kind kind, xpm_value *value)
{
    json_object *member = xpm__json_get(json, key);
    if (member != NULL)
        *value = xpm__document_read_plain(member);
    else
        *value = kind == XPM_KIND_LIST ? xpm_list_new() : xpm_dict_new();
    return value->kind == kind;
}

bool xpm__outputs_parse(const char *line, size_t size, xpm_notice *notice)
{
    const char *problem;
    json_object *json = xpm__json_parse(line, size, &problem);
    const char *key = xpm__json_get_text(json, "key");
    const char *slash = key != NULL ? strrchr(key, '/') : NULL;
    bool understood = slash != NULL &&
                      read_member(json, "args", XPM_KIND_LIST, &notice->arguments) &&
                      read_member(json, "kwargs", XPM_KIND_DICT, &notice->named);
    if (understood) {
        notice->config = xpm__strndup(key, (size_t)(slash - key));
        notice->method = xpm__strdup(slash + 1);
    } else {
        xpm_value_clear(&notice->arguments);
        xpm_value_clear(&notice->named);
    }
    json_object_put(json);
    return understood;
}
