/* The cards of jobs that failed, from what is on disk. */
#include "folder.h"

#include "base/str.h"

static char *workspace, *job;

static void set_up(const char *failed, const char *status, const char *params)
{
    workspace = folder_new();
    mkdir(path_of("%s/jobs", workspace), 0777);
    mkdir(path_of("%s/jobs/demo.learn", workspace), 0777);
    job = strdup(path_of("%s/jobs/demo.learn/3f2a", workspace));
    mkdir(job, 0777);
    mkdir(path_of("%s/.experimaestro", job), 0777);
    if (failed != NULL)
        file_put(path_of("%s/learn.failed", job), failed);
    if (status != NULL)
        file_put(path_of("%s/.experimaestro/status.json", job), status);
    if (params != NULL)
        file_put(path_of("%s/params.json", job), params);
}

static void tear_down(void)
{
    folder_remove(workspace);
    free(job);
}

#define PARAMS(language, program)                                                                  \
    "{\"workspace\":\"/"                                                                           \
    "w\",\"version\":3,\"objects\":[{\"id\":1,\"task\":1,\"language\":\"" language                 \
    "\",\"program\":\"" program "\"}]}"

static void assert_card(const char *expected)
{
    char *card = xpm_job_card(job);
    assert_string_equal(card, expected);
    xpm_free(card);
}

TEST(a_card_has_all_that_the_folder_says)
{
    set_up("{\"code\":1,\"reason\":\"failed\",\"message\":\"ValueError: no luck\"}",
           "{\"started_time\":\"2026-11-24T00:00:00.000000\","
           "\"ended_time\":\"2026-11-24T00:02:03.500000\",\"peak_memory\":1288490188,"
           "\"host\":\"ada\"}",
           PARAMS("python", "/opt/my python"));
    file_put(path_of("%s/learn.err", job), "Traceback\nValueError: no luck\n");
    file_put(path_of("%s/learn.py", job), "");
    assert_card(path_of("demo.learn/3f2a: failed, exit status 1: ValueError: no luck\n"
                        "    after 2 min 3 s on ada, with 1.2 GiB of memory at most\n"
                        "    in %s\n"
                        "    learn.err ends with\n"
                        "      | Traceback\n"
                        "      | ValueError: no luck\n"
                        "    again: '/opt/my python' %s/learn.py\n"
                        "    here, without record: experimaestro run %s/params.json\n",
                        job, job, job));
    tear_down();
}

TEST(a_task_in_c_is_run_again_by_its_program)
{
    set_up("{\"code\":137,\"reason\":\"memory\"}", NULL, PARAMS("c", "/bin/learn"));
    assert_card(path_of("demo.learn/3f2a: memory, exit status 137\n"
                        "    in %s\n"
                        "    again: /bin/learn job %s/params.json\n"
                        "    here, without record: /bin/learn execute %s/params.json\n",
                        job, job, job));
    tear_down();
}

TEST(what_is_missing_or_torn_is_left_out)
{
    set_up(NULL, "{\"peak_memory\":\"much\",\"host\":3", "{\"version\":");
    assert_card(path_of("demo.learn/3f2a: nothing is recorded of its end\n"
                        "    in %s\n"
                        "    here, without record: experimaestro run %s/params.json\n",
                        job, job));
    tear_down();
    char *card = xpm_job_card("/nowhere/demo.learn/3f2a");
    assert_string_equal(card, "demo.learn/3f2a: nothing is recorded of its end\n"
                              "    in /nowhere/demo.learn/3f2a\n");
    xpm_free(card);
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part))
        count++;
    return count;
}

TEST(the_last_words_are_ten_lines_at_most_without_what_a_terminal_would_obey)
{
    set_up("{\"code\":1,\"reason\":\"failed\"}", NULL, NULL);
    FILE *err = fopen(path_of("%s/learn.err", job), "w");
    for (int i = 0; i < 100000; i++)
        fprintf(err, "line %d\n", i);
    fputs("\x1b[31mred\x07 \xc3\xa9 \xff\xe2\x82\n  0%|\r 50%|\r100%|\r\n\n", err);
    fclose(err);
    char *card = xpm_job_card(job);
    assert_int_equal(count_of(card, "      | "), 10);
    assert_non_null(strstr(card, "      | line 99992\n"));
    assert_non_null(
        strstr(card, "| \\x1b[31mred\\x07 \xc3\xa9 \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\n"));
    assert_non_null(strstr(card, "      | 100%|\n"));
    xpm_free(card);
    tear_down();
}

TEST(one_endless_line_is_cut_and_a_pipe_in_its_place_is_not_read)
{
    set_up("{\"code\":1,\"reason\":\"failed\"}", NULL, NULL);
    FILE *err = fopen(path_of("%s/learn.err", job), "w");
    for (int i = 0; i < 100000; i++)
        fputs("0123456789", err);
    fclose(err);
    char *card = xpm_job_card(job);
    assert_in_range(strlen(card), 8000, 9000);
    xpm_free(card);
    unlink(path_of("%s/learn.err", job));
    assert_int_equal(mkfifo(path_of("%s/learn.err", job), 0666), 0);
    assert_card(path_of("demo.learn/3f2a: failed, exit status 1\n    in %s\n", job));
    tear_down();
}

TEST(of_many_jobs_the_first_three_are_whole_and_ten_are_named)
{
    set_up("{\"code\":1,\"reason\":\"failed\"}", NULL, NULL);
    const char *jobs[12];
    for (size_t i = 0; i < 12; i++)
        jobs[i] = job;
    char *cards = xpm_job_cards(jobs, 12, 2);
    assert_int_equal(count_of(cards, "demo.learn/3f2a: failed"), 10);
    assert_int_equal(count_of(cards, "    in "), 3);
    assert_non_null(strstr(cards, "\nand 2 more that failed\n"
                                  "2 more were not started: what they depend on failed\n"));
    xpm_free(cards);
    cards = xpm_job_cards(jobs, 1, 1);
    assert_non_null(strstr(cards, "1 more was not started: what it depends on failed\n"));
    xpm_free(cards);
    tear_down();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_card_has_all_that_the_folder_says),
        cmocka_unit_test(a_task_in_c_is_run_again_by_its_program),
        cmocka_unit_test(what_is_missing_or_torn_is_left_out),
        cmocka_unit_test(the_last_words_are_ten_lines_at_most_without_what_a_terminal_would_obey),
        cmocka_unit_test(one_endless_line_is_cut_and_a_pipe_in_its_place_is_not_read),
        cmocka_unit_test(of_many_jobs_the_first_three_are_whole_and_ten_are_named),
    };
    return RUN_TESTS(tests);
}
