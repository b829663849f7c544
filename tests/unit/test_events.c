/* Logs of JSON lines: what is whole is told once, from wherever the reading goes on. */
#include "base/file.h"
#include "record/events.h"

#include "folder.h"

#define LINE(hash, state)                                                                          \
    "{\"timestamp\":1795479670.5,\"event_type\":\"ExperimentJobStateEvent\",\"job_id\":\"" hash    \
    "\",\"task_id\":\"demo.learn\",\"experiment_id\":\"first\",\"run_id\":\"r1\","                 \
    "\"scheduler_state\":\"" state "\",\"failure_reason\":null}\n"
#define VERSION(number) "{\"event_type\":\"LogVersionEvent\",\"version\":" #number "}\n"

typedef struct told {
    size_t count;
    char last[80]; /* the job_id of the last line */
} told;

static void tell(void *user, json_object *line)
{
    told *t = user;
    const char *hash = xpm__json_get_text(line, "job_id");
    t->count++;
    snprintf(t->last, sizeof t->last, "%s", hash != NULL ? hash : "");
}

static int read_from(const char *path, off_t from, told *t, xpm__lines *lines, xpm_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    *t = (told){0};
    int status = xpm__events_read(fd, path, from, tell, t, lines, err);
    close(fd);
    return status;
}

TEST(a_torn_last_line_is_left_for_the_next_reading)
{
    char *folder = folder_new();
    const char *log = path_of("%s/log", folder);
    told t;
    xpm__lines lines;
    file_put(log, LINE("a", "ready") "{\"job_id\":\"b\"");
    assert_int_equal(read_from(log, 0, &t, &lines, NULL), 0);
    assert_int_equal(t.count, 1);
    assert_int_equal(lines.end, strlen(LINE("a", "ready")));
    assert_int_equal(lines.bad, 0);
    off_t end = lines.end;
    file_put(log, LINE("a", "ready") "{\"job_id\":\"b\"}\n");
    assert_int_equal(read_from(log, end, &t, &lines, NULL), 0);
    assert_int_equal(t.count, 1);
    assert_string_equal(t.last, "b");
    end = lines.end;
    assert_int_equal(read_from(log, end, &t, &lines, NULL), 0);
    assert_int_equal(t.count, 0);
    assert_int_equal(lines.end, end);
    folder_remove(folder);
}

TEST(a_log_torn_at_any_byte_gives_the_lines_before)
{
    static const char text[] = VERSION(1) LINE("a", "ready") LINE("b", "done");
    char *folder = folder_new(), *cut = strdup(text);
    const char *log = path_of("%s/log", folder);
    for (size_t size = 0; size < sizeof text; size++) {
        told t;
        xpm__lines lines;
        size_t whole = 0, ends = 0;
        memcpy(cut, text, size);
        cut[size] = '\0';
        for (const char *c = cut; *c != '\0'; c++)
            if (*c == '\n') {
                whole++;
                ends = (size_t)(c - cut) + 1;
            }
        file_put(log, cut);
        assert_int_equal(read_from(log, 0, &t, &lines, NULL), 0);
        assert_int_equal(t.count, whole > 0 ? whole - 1 : 0);
        assert_int_equal(lines.end, ends);
        assert_int_equal(lines.bad, 0);
    }
    free(cut);
    folder_remove(folder);
}

TEST(bad_lines_are_passed_over_and_counted)
{
    char *folder = folder_new();
    const char *log = path_of("%s/log", folder);
    told t;
    xpm__lines lines;
    file_put(log, LINE("a", "ready") "noise\n[1]\n\n{\"job_id\": \"to\n" LINE("b", "done"));
    assert_int_equal(read_from(log, 0, &t, &lines, NULL), 0);
    assert_int_equal(lines.good, 2);
    assert_int_equal(lines.bad, 4);
    assert_string_equal(t.last, "b");
    folder_remove(folder);
}

/* Of `size` bytes, with its end. */
static void put_line(FILE *file, size_t size)
{
    static const char start[] = "{\"job_id\":\"long\",\"more\":\"", end[] = "\"}\n";
    fputs(start, file);
    for (size_t i = strlen(start) + strlen(end); i < size; i++)
        fputc('x', file);
    fputs(end, file);
}

TEST(a_line_may_be_longer_than_what_is_read_at_once_but_not_endless)
{
    char *folder = folder_new();
    const char *log = path_of("%s/log", folder);
    static const size_t sizes[] = {1 << 16, (1 << 16) + 1, 1 << 20, XPM__LINE_MAX + (1 << 17)};
    off_t size = 0;
    FILE *file = fopen(log, "w");
    assert_non_null(file);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        put_line(file, sizes[i]);
        size += (off_t)sizes[i];
    }
    fputs("{\"job_id\":\"after\"}\n", file);
    assert_int_equal(fclose(file), 0);
    told t;
    xpm__lines lines;
    assert_int_equal(read_from(log, 0, &t, &lines, NULL), 0);
    assert_int_equal(lines.good, 4);
    assert_int_equal(lines.bad, 1);
    assert_int_equal(lines.end, size + (off_t)strlen("{\"job_id\":\"after\"}\n"));
    assert_string_equal(t.last, "after");
    folder_remove(folder);
}

TEST(a_log_of_a_newer_version_is_refused_by_name_and_one_of_ours_is_read)
{
    char *folder = folder_new();
    const char *log = path_of("%s/log", folder);
    xpm_error err = {0};
    told t;
    xpm__lines lines;
    file_put(log, VERSION(2) LINE("a", "ready"));
    assert_int_equal(read_from(log, 0, &t, &lines, &err), -1);
    assert_error(&err, XPM_E_VERSION, "is a log of version 2");
    assert_error(&err, XPM_E_VERSION, log);
    assert_int_equal(t.count, 0);
    file_put(log, VERSION(1) LINE("a", "ready"));
    assert_int_equal(read_from(log, 0, &t, &lines, &err), 0);
    assert_int_equal(t.count, 1);
    xpm__str ours = {0};
    xpm__events_print_version(&ours);
    xpm__str_puts(&ours, LINE("b", "done"));
    file_put(log, ours.data);
    xpm__str_free(&ours);
    assert_int_equal(read_from(log, 0, &t, &lines, &err), 0);
    assert_int_equal(t.count, 1);
    assert_string_equal(t.last, "b");
    folder_remove(folder);
}

TEST(a_file_that_is_not_there_has_no_lines_and_one_that_cannot_be_read_is_an_error)
{
    char *folder = folder_new();
    xpm_error err = {0};
    told t = {0};
    assert_int_equal(xpm__events_read_file(AT_FDCWD, path_of("%s/none", folder), tell, &t, &err),
                     0);
    assert_int_equal(t.count, 0);
    assert_int_equal(xpm__events_read_file(AT_FDCWD, folder, tell, &t, &err), -1);
    assert_error(&err, XPM_E_IO, folder);
    folder_remove(folder);
}

static bool parse(const char *text, xpm__event *event, json_object **line)
{
    const char *problem;
    *line = xpm__json_parse(text, strlen(text), &problem);
    assert_non_null(*line);
    return xpm__event_parse(*line, event);
}

TEST(an_event_tells_the_state_of_a_job)
{
    xpm__event event;
    json_object *line;
    assert_true(parse("{\"timestamp\":2.5,\"job_id\":\"a\",\"task_id\":\"demo.learn\","
                      "\"experiment_id\":\"first\",\"run_id\":\"r1\",\"scheduler_state\":\"error\","
                      "\"failure_reason\":\"DEPENDENCY\"}",
                      &event, &line));
    assert_string_equal(event.type, "demo.learn");
    assert_string_equal(event.hash, "a");
    assert_string_equal(event.experiment, "first");
    assert_string_equal(event.run, "r1");
    assert_int_equal(event.state, XPM_JOB_ERROR);
    assert_int_equal(event.reason, XPM_REASON_DEPENDENCY);
    assert_true(event.time == 2.5);
    json_object_put(line);
}

TEST(what_names_no_folder_names_no_job)
{
    static const char *const lines[] = {
        "{}",
        "{\"job_id\":\"a\",\"scheduler_state\":\"done\"}",
        "{\"job_id\":\"a\",\"task_id\":\"t\"}",
        "{\"job_id\":1,\"task_id\":\"t\",\"scheduler_state\":\"done\"}",
        "{\"job_id\":\"\",\"task_id\":\"t\",\"scheduler_state\":\"done\"}",
        "{\"job_id\":\"..\",\"task_id\":\"t\",\"scheduler_state\":\"done\"}",
        "{\"job_id\":\"a\",\"task_id\":\"../../t\",\"scheduler_state\":\"done\"}",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        xpm__event event;
        json_object *line;
        if (parse(lines[i], &event, &line))
            fail_msg("%s tells of a job", lines[i]);
        json_object_put(line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_torn_last_line_is_left_for_the_next_reading),
        cmocka_unit_test(a_log_torn_at_any_byte_gives_the_lines_before),
        cmocka_unit_test(bad_lines_are_passed_over_and_counted),
        cmocka_unit_test(a_line_may_be_longer_than_what_is_read_at_once_but_not_endless),
        cmocka_unit_test(a_log_of_a_newer_version_is_refused_by_name_and_one_of_ours_is_read),
        cmocka_unit_test(
            a_file_that_is_not_there_has_no_lines_and_one_that_cannot_be_read_is_an_error),
        cmocka_unit_test(an_event_tells_the_state_of_a_job),
        cmocka_unit_test(what_names_no_folder_names_no_job),
    };
    return RUN_TESTS(tests);
}
