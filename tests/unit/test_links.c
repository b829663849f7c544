/* The links of a run to its jobs: few of them at once, many by a thread. */
#include <errno.h>
#include <fcntl.h>

#include "folder.h"
#include "record/links.h"

/* Adds `count` links to a new run's folder; its descriptor. */
static int link_all(const char *folder, size_t count, xpm__links **links)
{
    int run = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_return_code(run, errno);
    *links = xpm__links_new(run);
    for (size_t i = 0; i < count; i++) {
        char hash[XPM_HEX_SIZE];
        snprintf(hash, sizeof hash, "%064zx", i);
        if (xpm__links_add(*links, i % 2 == 0 ? "demo.even" : "demo.odd", hash) < 0)
            break;
    }
    return run;
}

static void assert_links(int run, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char link[128], target[128] = "", expected[128];
        const char *type = i % 2 == 0 ? "demo.even" : "demo.odd";
        snprintf(link, sizeof link, "jobs/%s/%064zx", type, i);
        snprintf(expected, sizeof expected, "../../../../../jobs/%s/%064zx", type, i);
        assert_return_code(readlinkat(run, link, target, sizeof target - 1), errno);
        assert_string_equal(target, expected);
    }
}

TEST(each_job_is_linked_however_many_there_are)
{
    static const size_t counts[] = {0, 1, 64, 65, 10000};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        char *folder = folder_new();
        xpm__links *links;
        mkdir(path_of("%s/jobs", folder), 0777);
        int run = link_all(folder, counts[i], &links);
        assert_int_equal(xpm__links_end(links), 0);
        assert_links(run, counts[i]);
        close(run);
        folder_remove(folder);
    }
}

TEST(a_link_that_is_there_already_is_fine)
{
    char *folder = folder_new();
    mkdir(path_of("%s/jobs", folder), 0777);
    for (int i = 0; i < 2; i++) {
        xpm__links *links;
        int run = link_all(folder, 100, &links);
        assert_int_equal(xpm__links_end(links), 0);
        close(run);
    }
    folder_remove(folder);
}

TEST(a_link_that_cannot_be_made_is_told_at_once_or_in_the_end)
{
    char *folder = folder_new();
    xpm__links *links;
    int run = link_all(folder, 1, &links); /* there is no jobs/ */
    assert_int_equal(xpm__links_add(links, "demo.even", "00"), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(xpm__links_end(links), 0);
    close(run);

    mkdir(path_of("%s/jobs", folder), 0777);
    run = link_all(folder, 64, &links);
    assert_int_equal(rename(path_of("%s/jobs", folder), path_of("%s/away", folder)), 0);
    (void)xpm__links_add(links, "demo.even", "f0"); /* by the thread from here on */
    assert_int_equal(xpm__links_end(links), -1);
    assert_int_equal(errno, ENOENT);
    close(run);
    xpm__links_end(NULL);
    folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_job_is_linked_however_many_there_are),
        cmocka_unit_test(a_link_that_is_there_already_is_fine),
        cmocka_unit_test(a_link_that_cannot_be_made_is_told_at_once_or_in_the_end),
    };
    return RUN_TESTS(tests);
}
