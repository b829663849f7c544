/* Warm starts, below the processes: messages with descriptors, and sources that change. That jobs are the
 * same is for behaviour/test_warm.py. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdpass.h"
#include "base/file.h"
#include "base/mem.h"
#include "folder.h"
#include "run/warm.h"

static void open_pair(int ends[2])
{
    assert_return_code(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), errno);
}

static void close_pair(const int ends[2])
{
    close(ends[0]);
    close(ends[1]);
}

TEST(a_message_comes_whole_with_its_descriptors)
{
    int ends[2], pipe_ends[2], fds[XPM__PASS_MAX];
    size_t count;
    char text[16], byte;
    open_pair(ends);
    assert_return_code(pipe2(pipe_ends, O_CLOEXEC), errno);
    assert_int_equal(xpm__fd_send(ends[0], "first", 5, pipe_ends, 2), 0);
    assert_int_equal(xpm__fd_send(ends[0], "second", 6, NULL, 0), 0);
    assert_int_equal(xpm__fd_receive(ends[1], text, sizeof text, fds, &count, 0), 5);
    assert_memory_equal(text, "first", 5);
    assert_int_equal(count, 2);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(read(pipe_ends[0], &byte, 1), 1);
    assert_int_equal(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
    assert_int_equal(xpm__fd_receive(ends[1], text, sizeof text, fds, &count, 0), 6);
    assert_int_equal(count, 0);
    close_pair(pipe_ends);
    close_pair(fds);
    close_pair(ends);
}

TEST(the_other_side_is_slow_or_gone)
{
    int ends[2], fds[XPM__PASS_MAX];
    size_t count;
    char text[16];
    static const char block[4096];
    open_pair(ends);
    assert_int_equal(xpm__fd_receive(ends[1], text, sizeof text, fds, &count, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
    while (xpm__fd_send(ends[0], block, sizeof block, NULL, 0) == 0)
        continue;
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(xpm__fd_send(ends[1], "last", 4, NULL, 0), 0);
    close(ends[1]);
    assert_int_equal(xpm__fd_receive(ends[0], text, sizeof text, fds, &count, 0), 4);
    assert_int_equal(xpm__fd_receive(ends[0], text, sizeof text, fds, &count, 0), 0);
    assert_int_equal(xpm__fd_send(ends[0], block, sizeof block, NULL, 0), -1);
    assert_int_equal(errno, EPIPE);
    close(ends[0]);
}

TEST(of_a_message_that_is_too_large_nothing_is_left_open)
{
    int ends[2], fds[XPM__PASS_MAX], next;
    size_t count;
    char text[4];
    open_pair(ends);
    next = dup(ends[0]);
    close(next);
    assert_int_equal(xpm__fd_send(ends[0], "larger", 6, ends, 2), 0);
    assert_int_equal(xpm__fd_receive(ends[1], text, sizeof text, fds, &count, 0), -1);
    assert_int_equal(errno, EMSGSIZE);
    assert_int_equal(count, 0);
    assert_int_equal(fcntl(next, F_GETFD), -1);
    assert_int_equal(xpm__fd_send(ends[0], "", 1, fds, XPM__PASS_MAX + 1), -1);
    assert_int_equal(errno, EMSGSIZE);
    close_pair(ends);
}

TEST(a_source_that_was_written_or_removed_has_changed)
{
    char *folder = folder_new();
    xpm__sources sources = {0};
    int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char *one = xpm__format("%s/one", folder), *two = xpm__format("%s/two", folder);
    assert_int_equal(xpm__file_write(dir, "one", "1", 1, 0666), 0);
    assert_int_equal(xpm__file_write(dir, "two", "2", 1, 0666), 0);
    xpm__sources_add_loaded(&sources);
    xpm__sources_add(&sources, one);
    xpm__sources_add(&sources, "/no/such/file");
    xpm__sources_add(&sources, two);
    assert_null(xpm__sources_changed(&sources));
    assert_int_equal(xpm__file_write(dir, "one", "1", 1, 0666), 0);
    assert_string_equal(xpm__sources_changed(&sources), one);
    xpm__sources_free(&sources);
    xpm__sources_add(&sources, two);
    assert_null(xpm__sources_changed(&sources));
    unlink(two);
    assert_string_equal(xpm__sources_changed(&sources), two);
    xpm__sources_free(&sources);
    xpm_free(one);
    xpm_free(two);
    close(dir);
    folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_comes_whole_with_its_descriptors),
        cmocka_unit_test(the_other_side_is_slow_or_gone),
        cmocka_unit_test(of_a_message_that_is_too_large_nothing_is_left_open),
        cmocka_unit_test(a_source_that_was_written_or_removed_has_changed),
    };
    return RUN_TESTS(tests);
}
