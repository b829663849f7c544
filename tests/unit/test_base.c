/* The ground: texts, tables, JSON, files, time, near names. */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/lockwait.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/ptrmap.h"
#include "base/str.h"
#include "folder.h"
#include "leaks.h"
#include "record/jobdir.h"

/* ---- Memory and texts ------------------------------------------------------------------------- */

TEST(a_text_grows_and_stays_terminated)
{
    xpm__str str = {0};
    for (int i = 0; i < 1000; i++)
        xpm__str_printf(&str, "%03d", i);
    assert_int_equal(str.size, 3000);
    assert_int_equal(strlen(str.data), 3000);
    assert_memory_equal(str.data + 2997, "999", 4);
    xpm__str_clear(&str);
    assert_string_equal(str.data, "");
    xpm__str_add(&str, "a\0b", 3);
    assert_int_equal(str.size, 3);
    assert_memory_equal(str.data, "a\0b", 4);
    xpm__str_free(&str);
    assert_null(str.data);
}

TEST(a_text_that_is_taken_leaves_an_empty_one)
{
    xpm__str str = {0};
    char *nothing = xpm__str_take(&str);
    assert_string_equal(nothing, "");
    xpm_free(nothing);
    xpm__str_puts(&str, "kept");
    char *taken = xpm__str_take(&str);
    assert_string_equal(taken, "kept");
    assert_int_equal(str.size, 0);
    assert_null(str.data);
    xpm_free(taken);
}

TEST(an_arena_gives_zeroed_and_aligned_memory_of_any_size)
{
    static const size_t sizes[] = {1, 7, 16, 100, 16384, 100000, 3};
    xpm__arena arena = {0};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned char *memory = xpm__arena_alloc(&arena, sizes[i]);
        assert_int_equal((uintptr_t)memory % _Alignof(max_align_t), 0);
        for (size_t j = 0; j < sizes[i]; j++) {
            assert_int_equal(memory[j], 0);
            memory[j] = 0xff;
        }
    }
    xpm__arena_free(&arena);
    assert_null(arena.blocks);
}

/* ---- Tables ----------------------------------------------------------------------------------- */

TEST(a_map_finds_what_it_holds_and_nothing_else)
{
    static char keys[2000][16];
    xpm__map map = {0};
    assert_null(xpm__map_find(&map, "absent"));
    for (int i = 0; i < 2000; i++) {
        snprintf(keys[i], sizeof keys[i], "k%d", i);
        xpm__map_set(&map, keys[i], keys[i]);
    }
    assert_int_equal(map.count, 2000);
    for (int i = 0; i < 2000; i++) {
        char equal[16]; /* found by its text and not by its address */
        snprintf(equal, sizeof equal, "k%d", i);
        assert_ptr_equal(xpm__map_find(&map, equal), keys[i]);
    }
    assert_null(xpm__map_find(&map, "k2000"));
    assert_null(xpm__map_find(&map, ""));
    xpm__map_set(&map, "k7", &map);
    assert_int_equal(map.count, 2000);
    assert_ptr_equal(xpm__map_find(&map, "k7"), &map);
    xpm__map_free(&map);
}

TEST(a_pointer_map_adds_each_pointer_once)
{
    static char things[3000];
    xpm__ptrmap map = {0};
    assert_null(xpm__ptrmap_find(&map, things));
    for (size_t i = 0; i < sizeof things; i++)
        assert_true(xpm__ptrmap_add(&map, &things[i], i));
    assert_false(xpm__ptrmap_add(&map, &things[5], 77));
    assert_int_equal(map.count, sizeof things);
    for (size_t i = 0; i < sizeof things; i++)
        assert_int_equal(*xpm__ptrmap_find(&map, &things[i]), i);
    assert_null(xpm__ptrmap_find(&map, &map));
    xpm__ptrmap_free(&map);
}

/* ---- JSON ------------------------------------------------------------------------------------- */

static json_object *parse(const char *text, const char **problem)
{
    return xpm__json_parse(text, strlen(text), problem);
}

static double trip(double value)
{
    const char *problem;
    xpm__str out = {0};
    xpm__json_double(&out, value);
    json_object *json = parse(out.data, &problem);
    assert_true(json_object_is_type(json, json_type_double));
    double back = json_object_get_double(json);
    json_object_put(json);
    xpm__str_free(&out);
    return back;
}

static void assert_same_bits(double value)
{
    double back = trip(value);
    if (memcmp(&back, &value, sizeof value) != 0)
        fail_msg("%a reads back as %a", value, back);
}

TEST(doubles_read_back_bit_for_bit)
{
    static const double values[] = {0.0,
                                    -0.0,
                                    1.0,
                                    0.1,
                                    -2.5,
                                    1e22,
                                    1e23,
                                    1e300,
                                    5e-324,
                                    -5e-324,
                                    1.0 / 3,
                                    0x1p-1022,
                                    0x1p1023,
                                    2.0 / 3,
                                    123456789,
                                    1e15,
                                    1e16,
                                    1e17,
                                    0x1.fffffffffffffp1023};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        assert_same_bits(values[i]);
    uint64_t bits = 88172645463325252u; /* and a few thousand of any exponent */
    for (int i = 0; i < 5000; i++) {
        double value;
        bits ^= bits << 13, bits ^= bits >> 7, bits ^= bits << 17;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value))
            assert_same_bits(value);
    }
}

TEST(nan_and_the_infinities_are_written_as_words)
{
    assert_true(isnan(trip(NAN)));
    assert_true(trip(INFINITY) == INFINITY);
    assert_true(trip(-INFINITY) == -INFINITY);
    xpm__str out = {0};
    xpm__json_open(&out, '[');
    xpm__json_double(&out, NAN);
    xpm__json_double(&out, INFINITY);
    xpm__json_double(&out, -INFINITY);
    xpm__json_close(&out, ']');
    assert_string_equal(out.data, "[NaN,Infinity,-Infinity]");
    xpm__str_free(&out);
}

TEST(a_whole_double_is_not_written_as_an_int)
{
    static const double values[] = {2.0, -0.0, 1e15, 1e22, 123456789012345680.0};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        xpm__str out = {0};
        xpm__json_double(&out, values[i]);
        assert_non_null(strpbrk(out.data, ".e"));
        xpm__str_free(&out);
    }
}

TEST(integers_of_64_bits_read_back)
{
    static const int64_t values[] = {0, -1, INT64_MAX, INT64_MIN, (INT64_C(1) << 53) + 1};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        const char *problem;
        xpm__str out = {0};
        xpm__json_int(&out, values[i]);
        json_object *json = parse(out.data, &problem);
        assert_true(json_object_is_type(json, json_type_int));
        assert_true(json_object_get_int64(json) == values[i]);
        json_object_put(json);
        xpm__str_free(&out);
    }
}

TEST(any_text_reads_back)
{
    static const char text[] =
        "\"\\/\b\f\n\r\t\x01\x1f\x7f\0 h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa7,:{[]}";
    const char *problem;
    xpm__str out = {0};
    xpm__json_text_sized(&out, text, sizeof text - 1);
    json_object *json = parse(out.data, &problem);
    assert_int_equal(json_object_get_string_len(json), sizeof text - 1);
    assert_memory_equal(json_object_get_string(json), text, sizeof text - 1);
    json_object_put(json);
    xpm__str_free(&out);
}

TEST(commas_are_written_between_items_alone)
{
    xpm__str out = {0};
    xpm__json_open(&out, '{');
    xpm__json_pair(&out, "a,", "x:");
    xpm__json_key(&out, "b");
    xpm__json_open(&out, '[');
    xpm__json_null(&out);
    xpm__json_bool(&out, true);
    xpm__json_open(&out, '[');
    xpm__json_close(&out, ']');
    xpm__json_text(&out, "[");
    xpm__json_int(&out, 1);
    xpm__json_text(&out, NULL);
    xpm__json_close(&out, ']');
    xpm__json_pair_int(&out, "c", -3);
    xpm__json_pair_double(&out, "d", 0.5);
    xpm__json_close(&out, '}');
    assert_string_equal(out.data,
                        "{\"a,\":\"x:\",\"b\":[null,true,[],\"[\",1,null],\"c\":-3,\"d\":0.5}");
    xpm__str_free(&out);
}

TEST(a_document_cut_anywhere_is_refused)
{
    static const char text[] = "{\"a\":[1,2.5,{\"b\":null}],\"c\":\"text\",\"d\":true}";
    const char *problem;
    json_object *whole = parse(text, &problem);
    assert_non_null(whole);
    json_object_put(whole);
    for (size_t size = 0; size < sizeof text - 1; size++) {
        problem = NULL;
        assert_null(xpm__json_parse(text, size, &problem));
        assert_string_equal(problem, size == 0 ? "is empty" : "is truncated");
    }
}

TEST(a_document_with_more_after_it_is_refused)
{
    const char *problem;
    assert_null(parse("{} {}", &problem));
    assert_string_equal(problem, "has something after its end");
    assert_null(parse("{\"a\" 1}", &problem));
    json_object *padded = parse("{} \r\n\t", &problem);
    assert_non_null(padded);
    json_object_put(padded);
}

TEST(a_number_alone_is_a_document)
{
    static const char *const texts[] = {"7", "7\n", " 7", "7 \n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *problem;
        json_object *json = parse(texts[i], &problem);
        assert_true(json_object_is_type(json, json_type_int));
        assert_int_equal(json_object_get_int(json), 7);
        json_object_put(json);
    }
}

TEST(a_document_nested_too_deep_is_refused)
{
    static char text[20001];
    const char *problem;
    memset(text, '[', 10000);
    memset(text + 10000, ']', 10000);
    assert_null(parse(text, &problem));
    assert_non_null(strstr(problem, "nesting"));
}

TEST(a_member_that_is_not_there_is_none)
{
    const char *problem;
    json_object *json = parse("{\"a\":null,\"b\":\"x\",\"c\":1}", &problem);
    assert_null(xpm__json_get(json, "a"));
    assert_null(xpm__json_get(json, "z"));
    assert_non_null(xpm__json_get(json, "c"));
    assert_string_equal(xpm__json_get_text(json, "b"), "x");
    assert_null(xpm__json_get_text(json, "c"));
    assert_null(xpm__json_get(xpm__json_get(json, "b"), "b"));
    assert_null(xpm__json_get(NULL, "b"));
    json_object_put(json);
}

/* ---- Files ------------------------------------------------------------------------------------ */

static size_t entries_in(const char *folder)
{
    size_t count = 0;
    struct dirent **entries;
    int found = scandir(folder, &entries, NULL, NULL);
    for (int i = 0; i < found; i++) {
        count += strcmp(entries[i]->d_name, ".") != 0 && strcmp(entries[i]->d_name, "..") != 0;
        free(entries[i]);
    }
    free(entries);
    return count;
}

TEST(a_file_is_written_whole_and_read_back)
{
    char *folder = folder_new();
    int dir = open(folder, O_RDONLY | O_DIRECTORY);
    xpm__str text = {0}, back = {0};
    for (int i = 0; i < 10000; i++)
        xpm__str_printf(&text, "line %d\n", i);
    assert_int_equal(xpm__file_write(dir, "f", "old", 3, 0666), 0);
    assert_int_equal(xpm__file_write(dir, "f", text.data, text.size, 0666), 0);
    assert_int_equal(xpm__file_read(dir, "f", &back), 0);
    assert_int_equal(back.size, text.size);
    assert_memory_equal(back.data, text.data, text.size);
    assert_int_equal(entries_in(folder), 1);
    xpm__str_free(&text);
    xpm__str_free(&back);
    close(dir);
    folder_remove(folder);
}

TEST(a_file_that_cannot_be_written_leaves_the_old_one_and_no_temporary)
{
    char *folder = folder_new();
    int dir = open(folder, O_RDONLY | O_DIRECTORY);
    assert_int_equal(mkdirat(dir, "taken", 0777), 0); /* a rename onto a folder fails */
    errno = 0;
    assert_int_equal(xpm__file_write(dir, "taken", "x", 1, 0666), -1);
    assert_int_equal(errno, EISDIR);
    assert_int_equal(entries_in(folder), 1);
    assert_int_equal(xpm__file_write(dir, "no/folder", "x", 1, 0666), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(entries_in(folder), 1);
    close(dir);
    folder_remove(folder);
}

TEST(a_reader_never_sees_half_a_file)
{
    enum { SIZE = 1 << 16, ROUNDS = 200 };
    static char text[SIZE];
    char *folder = folder_new();
    int dir = open(folder, O_RDONLY | O_DIRECTORY);
    memset(text, 'a', SIZE);
    assert_int_equal(xpm__file_write(dir, "f", text, SIZE, 0666), 0);
    pid_t writer = fork();
    if (writer == 0) {
        for (int i = 0; i < ROUNDS; i++) {
            memset(text, 'a' + i % 26, SIZE);
            if (xpm__file_write(dir, "f", text, SIZE, 0666) < 0)
                _exit(1);
        }
        _exit(0);
    }
    int status = -1;
    while (waitpid(writer, &status, WNOHANG) == 0) {
        xpm__str back = {0};
        assert_int_equal(xpm__file_read(dir, "f", &back), 0);
        assert_int_equal(back.size, SIZE);
        for (size_t i = 1; i < SIZE; i++)
            if (back.data[i] != back.data[0])
                fail_msg("byte %zu is of another version than the first", i);
        xpm__str_free(&back);
    }
    assert_int_equal(status, 0);
    close(dir);
    folder_remove(folder);
}

TEST(a_file_that_is_not_there_is_said_so)
{
    xpm__str back = {0};
    assert_int_equal(xpm__file_read(AT_FDCWD, "/nowhere/at/all", &back), -1);
    assert_int_equal(errno, ENOENT);
    assert_false(xpm__file_exists(AT_FDCWD, "/nowhere/at/all"));
    assert_true(xpm__file_exists(AT_FDCWD, "/"));
    xpm__str_free(&back);
}

TEST(a_document_is_read_from_its_file_and_an_error_says_why_it_is_not)
{
    char *folder = folder_new();
    const char *path = path_of("%s/f.json", folder);
    file_put(path, "{\"a\": \"b\"}\n");
    json_object *json = xpm__json_read(AT_FDCWD, path);
    assert_string_equal(xpm__json_get_text(json, "a"), "b");
    json_object_put(json);
    file_put(path, "{\"a\": \"b\"");
    assert_null(xpm__json_read(AT_FDCWD, path));
    assert_int_equal(errno, EBADMSG);
    assert_null(xpm__json_read(AT_FDCWD, "/nowhere/at/all"));
    assert_int_equal(errno, ENOENT);
    folder_remove(folder);
}

TEST(a_lock_is_seen_and_not_made)
{
    char *folder = folder_new();
    const char *path = path_of("%s/lock", folder);
    assert_false(xpm__file_is_locked(AT_FDCWD, path));
    assert_false(file_is_there(path));
    int lock = xpm__file_lock(AT_FDCWD, path, false);
    assert_true(xpm__file_is_locked(AT_FDCWD, path));
    close(lock);
    assert_false(xpm__file_is_locked(AT_FDCWD, path));
    folder_remove(folder);
}

TEST(touching_a_file_keeps_what_it_holds)
{
    char *folder = folder_new();
    file_put(path_of("%s/f", folder), "kept");
    assert_int_equal(xpm__file_touch(AT_FDCWD, path_of("%s/f", folder)), 0);
    assert_int_equal(xpm__file_touch(AT_FDCWD, path_of("%s/g", folder)), 0);
    assert_true(file_holds(path_of("%s/f", folder), "kept"));
    assert_true(file_is_there(path_of("%s/g", folder)));
    folder_remove(folder);
}

TEST(folders_are_made_with_their_parents)
{
    char *folder = folder_new();
    xpm_error err = {0};
    assert_int_equal(xpm__file_mkdirs(path_of("%s/a/b/c", folder), &err), 0);
    assert_int_equal(xpm__file_mkdirs(path_of("%s/a/b/c", folder), &err), 0);
    assert_int_equal(xpm__file_mkdirs(path_of("%s/d//e/", folder), &err), 0);
    assert_true(file_is_there(path_of("%s/a/b/c", folder)));
    assert_true(file_is_there(path_of("%s/d/e", folder)));
    folder_remove(folder);
}

TEST(a_folder_where_a_file_is_is_refused)
{
    char *folder = folder_new();
    xpm_error err = {0};
    file_put(path_of("%s/f", folder), "");
    assert_int_equal(xpm__file_mkdirs(path_of("%s/f", folder), &err), -1);
    assert_error(&err, XPM_E_IO, "is a file, and a folder is needed there");
    assert_int_equal(xpm__file_mkdirs(path_of("%s/f/g", folder), &err), -1);
    assert_error(&err, XPM_E_IO, "/f");
    folder_remove(folder);
}

TEST(a_folder_without_a_name_is_refused)
{
    xpm_error err = {0};
    char *empty = xpm__strdup("");
    assert_int_equal(xpm__file_mkdirs(empty, &err), -1);
    assert_int_equal(err.code, XPM_E_IO);
    xpm_free(empty);
}

TEST(a_lock_is_held_by_one_open_file_at_a_time)
{
    char *folder = folder_new();
    const char *path = path_of("%s/lock", folder);
    int first = xpm__file_lock(AT_FDCWD, path, false);
    assert_true(first >= 0);
    assert_true((fcntl(first, F_GETFD) & FD_CLOEXEC) != 0);
    errno = 0;
    assert_int_equal(xpm__file_lock(AT_FDCWD, path, false), -1);
    assert_int_equal(errno, EWOULDBLOCK);
    close(first);
    int second = xpm__file_lock(AT_FDCWD, path, false);
    assert_true(second >= 0);
    close(second);
    folder_remove(folder);
}

TEST(a_lock_is_moved_up_in_a_process_that_may_open_64_files)
{
    struct rlimit before, few;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = 64;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    int moved = xpm__move_up(open("/dev/null", O_RDONLY | O_CLOEXEC));
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_true(moved > XPM__LOCK_FD + XPM__GUARDS_MAX);
    close(moved);
}

TEST(a_link_takes_the_place_of_another)
{
    char *folder = folder_new();
    char target[16] = "";
    int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(xpm__file_link(dir, "link", "old"), 0);
    assert_int_equal(xpm__file_link(dir, "link", "new"), 0);
    assert_int_equal(readlinkat(dir, "link", target, sizeof target), 3);
    assert_string_equal(target, "new");
    assert_int_equal(xpm__file_link(dir, "no/link", "new"), -1);
    assert_int_equal(mkdirat(dir, "folder", 0777), 0);
    assert_int_equal(xpm__file_link(dir, "folder", "new"), -1); /* and no temporary stays */
    close(dir);
    assert_int_equal(unlink(path_of("%s/link", folder)), 0);
    assert_int_equal(rmdir(path_of("%s/folder", folder)), 0);
    assert_int_equal(rmdir(folder), 0);
    free(folder);
}

TEST(a_log_is_cut_unless_it_has_grown)
{
    char *folder = folder_new();
    const char *path = path_of("%s/log", folder);
    file_put(path, "whole\ntorn");
    assert_int_equal(xpm__file_cut(AT_FDCWD, path, 9, 6), -1);
    assert_int_equal(errno, EAGAIN);
    assert_true(file_holds(path, "whole\ntorn"));
    assert_int_equal(xpm__file_cut(AT_FDCWD, path, 10, 6), 0);
    assert_true(file_holds(path, "whole\n"));
    assert_false(file_holds(path, "torn"));
    assert_int_equal(xpm__file_cut(AT_FDCWD, "/nowhere/at/all", 1, 0), -1);
    folder_remove(folder);
}

static void count_names(void *user, const char *name)
{
    size_t *counts = user;
    counts[0]++;
    counts[1] += name[0] == '.';
}

TEST(each_entry_of_a_folder_is_told_once)
{
    char *folder = folder_new();
    size_t counts[2] = {0};
    file_put(path_of("%s/a", folder), "");
    file_put(path_of("%s/.b", folder), "");
    assert_int_equal(xpm__file_each(AT_FDCWD, folder, count_names, counts), 0);
    assert_int_equal(counts[0], 2);
    assert_int_equal(counts[1], 1);
    assert_int_equal(xpm__file_each_visible(AT_FDCWD, folder, count_names, counts), 0);
    assert_int_equal(counts[0], 3);
    assert_int_equal(counts[1], 1);
    assert_int_equal(xpm__file_each(AT_FDCWD, "/nowhere/at/all", count_names, counts), -1);
    assert_int_equal(xpm__file_each(AT_FDCWD, path_of("%s/a", folder), count_names, counts), -1);
    folder_remove(folder);
}

/* A child that waits for a lock, and ends with status 0 when what it got is the file at the path. It
 * says when it has let go of the holder's descriptor, which would hold the lock too. */
static pid_t start_waiter(const char *path, int holder)
{
    int ready[2];
    char byte = 0;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        struct stat held, named;
        close(holder);
        if (write(ready[1], &byte, 1) != 1)
            _exit(2);
        int fd = xpm__file_lock(AT_FDCWD, path, true);
        bool same = fd >= 0 && fstat(fd, &held) == 0 && stat(path, &named) == 0 &&
                    held.st_ino == named.st_ino;
        _exit(same ? 0 : 1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return child;
}

/* Until a process has opened a file. */
static void await_open(pid_t child, const char *path)
{
    for (int fd = 0;; fd = (fd + 1) % 32) {
        char target[PATH_MAX];
        ssize_t size = readlink(path_of("/proc/%d/fd/%d", (int)child, fd), target, sizeof target);
        if (size == (ssize_t)strlen(path) && memcmp(target, path, (size_t)size) == 0)
            return;
        assert_int_equal(waitpid(child, NULL, WNOHANG), 0);
    }
}

TEST(a_lock_whose_file_was_removed_while_waiting_is_taken_again_on_the_new_file)
{
    char *folder = folder_new();
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/lock", folder);
    int first = xpm__file_lock(AT_FDCWD, path, false);
    pid_t child = start_waiter(path, first);
    await_open(child, path);
    assert_int_equal(unlink(path), 0);
    close(first); /* the child gets the old file, sees that it is no more, and makes a new one */
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(file_is_there(path));
    folder_remove(folder);
}

/* ---- Time ------------------------------------------------------------------------------------- */

TEST(a_time_reads_back_to_the_microsecond)
{
    static const double times[] = {1.5,          86400.000001,      1732406400.25,
                                   1732406400.1, 1732406400.999999, 1732406400.123456};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        char text[XPM__TIME_SIZE], again[XPM__TIME_SIZE];
        xpm__clock_iso(times[i], text);
        double back = xpm__clock_parse(text);
        assert_true(fabs(back - times[i]) < 1e-6);
        xpm__clock_iso(back, again);
        assert_string_equal(again, text);
    }
}

TEST(a_time_is_written_in_local_iso_8601)
{
    char text[XPM__TIME_SIZE];
    setenv("TZ", "XYZ-2", 1);
    tzset();
    xpm__clock_iso(1.5, text);
    assert_string_equal(text, "1970-01-01T02:00:01.500000");
    xpm__clock_compact(1.5, text);
    assert_string_equal(text, "19700101_020001");
    unsetenv("TZ");
    tzset();
}

TEST(what_is_no_time_is_negative)
{
    assert_true(xpm__clock_parse("") < 0);
    assert_true(xpm__clock_parse("yesterday") < 0);
    assert_true(xpm__clock_parse("2026-11-23") < 0);
    assert_true(xpm__clock_parse("2026-11-23T10:20") < 0);
    double now = xpm__clock_now();
    assert_true(now > 1.6e9);
}

/* ---- Errors ----------------------------------------------------------------------------------- */

TEST(the_nearest_name_is_one_slip_away)
{
    static const char *const names[] = {"epochs", "model", "learning_rate", "x"};
    assert_string_equal(xpm__nearest("epoch", names, 4), "epochs");
    assert_string_equal(xpm__nearest("modle", names, 4), "model");
    assert_string_equal(xpm__nearest("learning-rate", names, 4), "learning_rate");
    assert_null(xpm__nearest("temperature", names, 4));
    assert_null(xpm__nearest("", names, 0));
}

TEST(long_names_are_not_compared)
{
    char longer[200];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    const char *const names[] = {longer, "ab"};
    assert_null(xpm__nearest(longer, names, 2));
    assert_string_equal(xpm__nearest("abc", names, 2), "ab");
}

TEST(an_error_is_cut_to_its_size_and_may_be_left_out)
{
    static char longer[3000];
    xpm_error err = {0};
    memset(longer, 'z', sizeof longer - 1);
    assert_int_equal(xpm__fail(&err, XPM_E_RANGE, longer, "%s", longer), -1);
    assert_int_equal(err.code, XPM_E_RANGE);
    assert_int_equal(strlen(err.path), sizeof err.path - 1);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    assert_int_equal(xpm__fail(NULL, XPM_E_RANGE, NULL, "unheard"), -1);
    xpm__fail(&err, XPM_E_IO, NULL, "short");
    assert_string_equal(err.path, "");
}

TEST(every_code_has_a_phrase)
{
    for (int code = XPM_E_OK; code <= XPM_E_CALLBACK; code++)
        assert_string_not_equal(xpm_code_text((xpm_code)code), "unknown");
    assert_string_equal(xpm_code_text((xpm_code)1000), "unknown");
    assert_string_equal(xpm_version(), XPM_VERSION);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_grows_and_stays_terminated),
        cmocka_unit_test(a_text_that_is_taken_leaves_an_empty_one),
        cmocka_unit_test(an_arena_gives_zeroed_and_aligned_memory_of_any_size),
        cmocka_unit_test(a_map_finds_what_it_holds_and_nothing_else),
        cmocka_unit_test(a_pointer_map_adds_each_pointer_once),
        cmocka_unit_test(doubles_read_back_bit_for_bit),
        cmocka_unit_test(nan_and_the_infinities_are_written_as_words),
        cmocka_unit_test(a_whole_double_is_not_written_as_an_int),
        cmocka_unit_test(integers_of_64_bits_read_back),
        cmocka_unit_test(any_text_reads_back),
        cmocka_unit_test(commas_are_written_between_items_alone),
        cmocka_unit_test(a_document_cut_anywhere_is_refused),
        cmocka_unit_test(a_document_with_more_after_it_is_refused),
        cmocka_unit_test(a_number_alone_is_a_document),
        cmocka_unit_test(a_document_nested_too_deep_is_refused),
        cmocka_unit_test(a_member_that_is_not_there_is_none),
        cmocka_unit_test(a_file_is_written_whole_and_read_back),
        cmocka_unit_test(a_file_that_cannot_be_written_leaves_the_old_one_and_no_temporary),
        cmocka_unit_test(a_reader_never_sees_half_a_file),
        cmocka_unit_test(a_file_that_is_not_there_is_said_so),
        cmocka_unit_test(a_document_is_read_from_its_file_and_an_error_says_why_it_is_not),
        cmocka_unit_test(a_lock_is_seen_and_not_made),
        cmocka_unit_test(touching_a_file_keeps_what_it_holds),
        cmocka_unit_test(folders_are_made_with_their_parents),
        cmocka_unit_test(a_folder_where_a_file_is_is_refused),
        cmocka_unit_test(a_folder_without_a_name_is_refused),
        cmocka_unit_test(a_link_takes_the_place_of_another),
        cmocka_unit_test(a_log_is_cut_unless_it_has_grown),
        cmocka_unit_test(each_entry_of_a_folder_is_told_once),
        cmocka_unit_test(a_lock_is_held_by_one_open_file_at_a_time),
        cmocka_unit_test(a_lock_is_moved_up_in_a_process_that_may_open_64_files),
        cmocka_unit_test(
            a_lock_whose_file_was_removed_while_waiting_is_taken_again_on_the_new_file),
        cmocka_unit_test(a_time_reads_back_to_the_microsecond),
        cmocka_unit_test(a_time_is_written_in_local_iso_8601),
        cmocka_unit_test(what_is_no_time_is_negative),
        cmocka_unit_test(the_nearest_name_is_one_slip_away),
        cmocka_unit_test(long_names_are_not_compared),
        cmocka_unit_test(an_error_is_cut_to_its_size_and_may_be_left_out),
        cmocka_unit_test(every_code_has_a_phrase),
    };
    return RUN_TESTS(tests);
}
