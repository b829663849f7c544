/* The index of a workspace: it says what the logs say, reads only what is new, and whatever happens
 * to its file, the answers are the same. */
#include <sys/wait.h>

#include <sqlite3.h>

#include "base/file.h"
#include "record/events.h"
#include "record/index.h"

#include "folder.h"

#define VERSION "{\"event_type\":\"LogVersionEvent\",\"version\":1}\n"
#define LISTED(hash)                                                                               \
    "{\"job_id\":\"" hash "\",\"task_id\":\"demo.learn\",\"tags\":{\"n\":1},\"timestamp\":1.0}\n"
#define EVENT_OF(experiment, run, time, hash, state)                                               \
    "{\"timestamp\":" time ",\"event_type\":\"ExperimentJobStateEvent\",\"job_id\":\"" hash        \
    "\",\"task_id\":\"demo.learn\",\"experiment_id\":\"" experiment "\",\"run_id\":\"" run         \
    "\",\"scheduler_state\":\"" state "\",\"failure_reason\":null}\n"
#define EVENT(hash, state) EVENT_OF("first", "r1", "2.0", hash, state)

static char *workspace; /* a folder; NULL between tests */
static char *cache;     /* where its index is */

static void make_run(const char *experiment, const char *run)
{
    static const char *const folders[] = {"jobs", "jobs/demo.learn", "experiments", ".events",
                                          ".events/experiments"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        mkdir(path_of("%s/%s", workspace, folders[i]), 0777);
    mkdir(path_of("%s/experiments/%s", workspace, experiment), 0777);
    mkdir(path_of("%s/experiments/%s/%s", workspace, experiment, run), 0777);
    mkdir(path_of("%s/experiments/%s/%s/events", workspace, experiment, run), 0777);
    const char *current = path_of("%s/experiments/%s/current", workspace, experiment);
    unlink(current);
    assert_int_equal(symlink(run, current), 0);
}

static const char *listing(const char *experiment, const char *run)
{
    return path_of("%s/experiments/%s/%s/jobs.jsonl", workspace, experiment, run);
}

static const char *live(const char *experiment)
{
    return path_of("%s/.events/experiments/%s-0.jsonl", workspace, experiment);
}

static const char *kept(const char *experiment, const char *run)
{
    return path_of("%s/experiments/%s/%s/events/event-0.jsonl", workspace, experiment, run);
}

static void append(const char *path, const char *text)
{
    FILE *file = fopen(path, "a");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void mark_done(const char *hash)
{
    mkdir(path_of("%s/jobs/demo.learn/%s", workspace, hash), 0777);
    file_put(path_of("%s/jobs/demo.learn/%s/learn.done", workspace, hash), "");
}

/* A run of jobs a (done), b and c, which goes on. */
static int set_up(void **state)
{
    (void)state;
    workspace = folder_new();
    cache = folder_new();
    setenv("XPM_INDEX_DIR", cache, 1);
    make_run("first", "r1");
    file_put(listing("first", "r1"), LISTED("a") LISTED("b") LISTED("c"));
    file_put(live("first"), VERSION EVENT("a", "waiting") EVENT("a", "done") EVENT("b", "running"));
    mark_done("a");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    folder_remove(workspace);
    folder_remove(cache);
    return 0;
}

static void tell(void *user, const xpm__index_job *job)
{
    char *jobs = user, text[64];
    snprintf(text, sizeof text, "%s:%s ", job->hash,
             job->done ? "sure" : xpm_job_state_text(job->state));
    assert_string_equal(job->type, "demo.learn");
    strcat(jobs, text);
}

/* "a:sure b:running ", what the index says of the jobs of a run; "none" when it cannot say. */
static const char *answer(const char *experiment, const char *run)
{
    static char jobs[4096];
    size_t done = 0, sure = 0;
    xpm__index *index;
    int dir = open(workspace, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(dir >= 0);
    assert_int_equal(xpm__index_open(workspace, dir, experiment, &index, NULL), 0);
    jobs[0] = '\0';
    bool answers =
        index != NULL && xpm__index_jobs(index, experiment, run, true, tell, jobs, &done) == 0;
    xpm__index_close(index);
    close(dir);
    if (!answers)
        return "none";
    for (const char *at = jobs; (at = strstr(at, ":sure")) != NULL; at++)
        sure++;
    assert_int_equal(done, sure);
    return jobs;
}

#define assert_first(expected) assert_string_equal(answer("first", "r1"), expected)

TEST(it_says_what_the_logs_say_of_the_jobs_that_are_listed)
{
    append(live("first"), EVENT("unlisted", "done"));
    assert_first("b:running c:unscheduled a:sure ");
}

TEST(what_is_new_is_read_and_a_torn_line_waits)
{
    assert_first("b:running c:unscheduled a:sure ");
    append(live("first"), "{\"timestamp\":3,\"job_id\":\"b\",\"task_id\":\"demo.lea");
    assert_first("b:running c:unscheduled a:sure ");
    append(live("first"), "rn\",\"experiment_id\":\"first\",\"run_id\":\"r1\","
                          "\"scheduler_state\":\"error\"}\nnoise\n" EVENT("c", "done"));
    mark_done("c");
    assert_first("b:error a:sure c:sure ");
}

TEST(a_log_that_was_renamed_goes_on_where_it_was_left)
{
    assert_first("b:running c:unscheduled a:sure ");
    /* What was read is not read again: it may as well be noise by now, as long as it begins alike. */
    char *log = file_text(live("first")), *done = strstr(log, "\"done\"");
    FILE *file = fopen(live("first"), "r+");
    assert_non_null(file);
    assert_true(done - log > 128);
    fseek(file, done - log, SEEK_SET);
    fputs("\"erro\"", file);
    fclose(file);
    free(log);
    assert_int_equal(rename(live("first"), kept("first", "r1")), 0);
    append(kept("first", "r1"), EVENT("c", "ready"));
    assert_first("b:running c:ready a:sure ");
}

TEST(another_log_in_the_place_of_one_is_read_from_its_start)
{
    assert_first("b:running c:unscheduled a:sure ");
    file_put(live("first"), /* the same file, emptied: the same inode */
             EVENT("b", "done") EVENT("c", "waiting") EVENT("c", "ready") EVENT("c", "running"));
    mark_done("b");
    assert_first("c:running a:sure b:sure ");
    unlink(live("first"));
    file_put(live("first"), VERSION EVENT("c", "error"));
    assert_first("c:error a:sure b:sure ");
}

TEST(a_new_run_takes_the_place_of_the_one_before)
{
    assert_first("b:running c:unscheduled a:sure ");
    assert_int_equal(rename(live("first"), kept("first", "r1")), 0);
    make_run("first", "r2");
    file_put(listing("first", "r2"), LISTED("b"));
    file_put(live("first"), VERSION EVENT_OF("first", "r2", "3.0", "b", "ready"));
    assert_string_equal(answer("first", "r2"), "b:ready ");
    assert_first("none");
}

TEST(the_events_of_a_run_may_be_read_before_it_is_the_latest)
{
    make_run("first", "r2");
    unlink(path_of("%s/experiments/first/current", workspace));
    assert_int_equal(symlink("r1", path_of("%s/experiments/first/current", workspace)), 0);
    append(live("first"), EVENT_OF("first", "r2", "3.0", "c", "ready"));
    assert_first("b:running c:unscheduled a:sure ");
    make_run("first", "r2");
    file_put(listing("first", "r2"), LISTED("c"));
    assert_string_equal(answer("first", "r2"), "c:ready ");
}

TEST(the_last_event_of_any_experiment_says_whether_a_job_is_done)
{
    /* Once read after the experiment that it contradicts, and once before. */
    static const char *const others[] = {"aaa", "zzz"};
    for (size_t i = 0; i < 2; i++) {
        make_run(others[i], "r1");
        file_put(listing(others[i], "r1"), LISTED("a"));
    }
    append(live("first"), EVENT_OF("first", "r1", "5.0", "a", "done"));
    file_put(live("aaa"), EVENT_OF("aaa", "r1", "9.0", "a", "error"));
    assert_first("a:done b:running c:unscheduled ");
    file_put(live("zzz"), EVENT_OF("zzz", "r1", "10.0", "a", "done"));
    assert_first("b:running c:unscheduled a:sure ");
    assert_string_equal(answer("aaa", "r1"), "a:sure ");
    append(live("aaa"), EVENT_OF("aaa", "r1", "9.5", "a", "running"));
    assert_first("b:running c:unscheduled a:sure ");
    append(live("aaa"), EVENT_OF("aaa", "r1", "11.0", "a", "running"));
    assert_first("a:done b:running c:unscheduled ");
}

TEST(a_job_that_was_removed_is_not_sure_to_be_done)
{
    const struct timespec long_ago[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    const char *type = path_of("%s/jobs/demo.learn", workspace);
    assert_int_equal(utimensat(AT_FDCWD, type, long_ago, 0), 0);
    assert_first("b:running c:unscheduled a:sure ");
    unlink(path_of("%s/jobs/demo.learn/a/learn.done", workspace));
    assert_int_equal(rmdir(path_of("%s/jobs/demo.learn/a", workspace)), 0);
    assert_first("a:done b:running c:unscheduled ");
    mark_done("a");
    append(live("first"), EVENT("a", "done"));
    assert_first("b:running c:unscheduled a:sure ");
}

TEST(a_log_of_a_newer_version_is_an_error_for_those_who_ask_for_its_experiment)
{
    xpm_error err = {0};
    xpm__index *index;
    make_run("second", "r1");
    file_put(live("second"), "{\"event_type\":\"LogVersionEvent\",\"version\":2}\n");
    int dir = open(workspace, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(xpm__index_open(workspace, dir, "second", &index, &err), -1);
    assert_error(&err, XPM_E_VERSION, ".events/experiments/second-0.jsonl is a log of version 2");
    assert_null(index);
    assert_int_equal(xpm__index_open(workspace, dir, NULL, &index, &err), -1);
    close(dir);
    assert_first("b:running c:unscheduled a:sure ");
}

/* ---- Its file --------------------------------------------------------------------------------- */

/* The path of the only index there is. */
static const char *index_file(void)
{
    static char path[PATH_MAX];
    char command[PATH_MAX];
    snprintf(command, sizeof command, "ls %s/*.sqlite", cache);
    FILE *names = popen(command, "r");
    assert_non_null(names);
    assert_non_null(fgets(path, sizeof path, names));
    assert_int_equal(pclose(names), 0);
    path[strcspn(path, "\n")] = '\0';
    return path;
}

static void execute(const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(index_file(), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void spoil(size_t from, const char *with)
{
    FILE *file = fopen(index_file(), "r+");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    for (long end = ftell(file), at = (long)from; at < end; at += (long)strlen(with)) {
        fseek(file, at, SEEK_SET);
        fputs(with, file);
    }
    fclose(file);
}

TEST(a_file_of_noise_is_made_anew)
{
    assert_first("b:running c:unscheduled a:sure ");
    spoil(0, "noise");
    assert_first("b:running c:unscheduled a:sure ");
    assert_first("b:running c:unscheduled a:sure ");
    spoil(100, "noise");
    assert_first("b:running c:unscheduled a:sure ");
    spoil(4096, "noise");
    assert_first("b:running c:unscheduled a:sure ");
}

TEST(a_file_that_was_cut_is_made_anew)
{
    assert_first("b:running c:unscheduled a:sure ");
    static const off_t sizes[] = {0, 1, 100, 4096, 10000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        assert_int_equal(truncate(index_file(), sizes[i]), 0);
        assert_first("b:running c:unscheduled a:sure ");
    }
}

TEST(an_index_of_another_version_is_made_anew)
{
    assert_first("b:running c:unscheduled a:sure ");
    execute("PRAGMA user_version = 7; DROP TABLE members");
    assert_first("b:running c:unscheduled a:sure ");
}

TEST(an_index_without_its_tables_is_made_anew)
{
    assert_first("b:running c:unscheduled a:sure ");
    execute("DROP TABLE members");
    assert_first("b:running c:unscheduled a:sure ");
}

TEST(impossible_content_is_thrown_away_and_read_again)
{
    assert_first("b:running c:unscheduled a:sure ");
    execute("UPDATE members SET state = 99");
    assert_first("none"); /* the files are read instead */
    assert_first("b:running c:unscheduled a:sure ");
}

TEST(without_a_place_there_is_no_index_and_no_error)
{
    setenv("XPM_INDEX_DIR", "/proc/none", 1);
    assert_first("none");
    file_put(path_of("%s/file", cache), "");
    setenv("XPM_INDEX_DIR", path_of("%s/file", cache), 1);
    assert_first("none");
}

TEST(the_place_is_named_or_that_of_caches)
{
    unsetenv("XPM_INDEX_DIR");
    setenv("XDG_CACHE_HOME", cache, 1);
    assert_first("b:running c:unscheduled a:sure ");
    assert_true(file_is_there(path_of("%s/experimaestro", cache)));
    unsetenv("XDG_CACHE_HOME");
    setenv("HOME", cache, 1);
    assert_first("b:running c:unscheduled a:sure ");
    assert_true(file_is_there(path_of("%s/.cache/experimaestro", cache)));
}

TEST(a_workspace_made_anew_in_the_same_place_has_another_index)
{
    assert_first("b:running c:unscheduled a:sure ");
    char *place = strdup(workspace);
    folder_remove(workspace);
    assert_int_equal(mkdir(place, 0777), 0);
    workspace = place;
    make_run("first", "r1");
    file_put(listing("first", "r1"), LISTED("a"));
    assert_first("a:unscheduled ");
}

TEST(processes_that_read_the_same_news_at_once_agree)
{
    enum { PROCESSES = 4, ROUNDS = 20 };
    pid_t children[PROCESSES];
    int gates[2];
    for (int round = 0; round < ROUNDS; round++) {
        char hash[16], line[512];
        snprintf(hash, sizeof hash, "j%02d", round);
        snprintf(line, sizeof line, "{\"job_id\":\"%s\",\"task_id\":\"demo.learn\"}\n", hash);
        append(listing("first", "r1"), line);
        assert_int_equal(pipe(gates), 0);
        for (int i = 0; i < PROCESSES; i++) {
            children[i] = fork();
            if (children[i] != 0)
                continue;
            char byte;
            close(gates[1]);
            (void)!read(gates[0], &byte, 1); /* all start when the parent lets go */
            _exit(strstr(answer("first", "r1"), hash) != NULL ? 0 : 1);
        }
        close(gates[0]);
        close(gates[1]);
        for (int i = 0; i < PROCESSES; i++) {
            int status;
            assert_int_equal(waitpid(children[i], &status, 0), children[i]);
            assert_int_equal(status, 0);
        }
    }
}

#define INDEX_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        INDEX_TEST(it_says_what_the_logs_say_of_the_jobs_that_are_listed),
        INDEX_TEST(what_is_new_is_read_and_a_torn_line_waits),
        INDEX_TEST(a_log_that_was_renamed_goes_on_where_it_was_left),
        INDEX_TEST(another_log_in_the_place_of_one_is_read_from_its_start),
        INDEX_TEST(a_new_run_takes_the_place_of_the_one_before),
        INDEX_TEST(the_events_of_a_run_may_be_read_before_it_is_the_latest),
        INDEX_TEST(the_last_event_of_any_experiment_says_whether_a_job_is_done),
        INDEX_TEST(a_job_that_was_removed_is_not_sure_to_be_done),
        INDEX_TEST(a_log_of_a_newer_version_is_an_error_for_those_who_ask_for_its_experiment),
        INDEX_TEST(a_file_of_noise_is_made_anew),
        INDEX_TEST(a_file_that_was_cut_is_made_anew),
        INDEX_TEST(an_index_of_another_version_is_made_anew),
        INDEX_TEST(an_index_without_its_tables_is_made_anew),
        INDEX_TEST(impossible_content_is_thrown_away_and_read_again),
        INDEX_TEST(without_a_place_there_is_no_index_and_no_error),
        INDEX_TEST(the_place_is_named_or_that_of_caches),
        INDEX_TEST(a_workspace_made_anew_in_the_same_place_has_another_index),
        INDEX_TEST(processes_that_read_the_same_news_at_once_agree),
    };
    return RUN_TESTS(tests);
}
