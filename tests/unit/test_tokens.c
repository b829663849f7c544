/* Tokens on disk: who has some, who waits, and what the kernel takes back. Other processes are real
 * ones, told what to do by pipes. */
#include <dirent.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/file.h"
#include "folder.h"
#include "record/jobdir.h"
#include "record/tokendir.h"

enum { MAX = 3 }; /* tokens that a job of these tests asks for at most */

/* A job of a scheduler that is this process, or a child. */
typedef struct {
    char directory[PATH_MAX];
    xpm__rank rank;
    int lock;
    xpm__token_request requests[MAX];
    xpm__ticket tickets[MAX];
    xpm__taking taking;
} job;

static char *root;
static xpm_error last;

/* ---- Helpers ----------------------------------------------------------------------------------- */

static const char *folder_of(const char *token)
{
    return path_of("%s/tokens/%s.counter", root, token);
}

static void make_token(const char *name, int64_t total)
{
    if (xpm__tokendir_set_total(folder_of(name), total, &last) < 0)
        fail_msg("%s", last.message);
}

/* Who waits for the lock of another attempt lets it go at once. */
static void lock_job(job *j)
{
    j->lock = xpm__file_lock(AT_FDCWD, path_of("%s/learn.lock", j->directory), true);
    assert_true(j->lock >= 0);
}

/* A job with its lock held, that asks for nothing yet. */
static job *new_job(const char *hash)
{
    job *j = calloc(1, sizeof *j);
    assert_non_null(j);
    snprintf(j->directory, sizeof j->directory, "%s/jobs/demo.learn/%s", root, hash);
    assert_int_equal(xpm__file_mkdirs(j->directory, &last), 0);
    lock_job(j);
    xpm__rank_make(&j->rank);
    j->taking = (xpm__taking){.directory = j->directory, .rank = &j->rank, .requests = j->requests};
    return j;
}

static void ask(job *j, const char *token, int64_t count)
{
    size_t i = j->taking.count++;
    j->tickets[i].fd = -1;
    j->requests[i] = (xpm__token_request){
        .folder = strdup(folder_of(token)), .total = 1, .count = count, .ticket = &j->tickets[i]};
}

static xpm__taken take(job *j)
{
    xpm__taking_clear(&j->taking);
    xpm__taken taken = xpm__tokendir_take(&j->taking, &last);
    if (taken == XPM__NOT_TAKEN)
        print_message("%s\n", last.message);
    return taken;
}

static job *job_that_asks(const char *hash, const char *token, int64_t count)
{
    job *j = new_job(hash);
    ask(j, token, count);
    return j;
}

/* Its process ends, and its scheduler with it. */
static void end(job *j)
{
    close(j->lock);
    for (size_t i = 0; i < j->taking.count; i++) {
        xpm__tokendir_move(j->requests[i].folder, &j->tickets[i], NULL);
        if (j->requests[i].holder != NULL)
            assert_true(xpm__tokendir_reclaim(j->requests[i].holder));
        xpm_free(j->requests[i].holder);
        free((char *)j->requests[i].folder);
    }
    xpm__taking_clear(&j->taking);
    free(j);
}

static size_t files_in(const char *token, const char *folder)
{
    size_t count = 0;
    struct dirent **entries;
    int found = scandir(path_of("%s/%s", folder_of(token), folder), &entries, NULL, NULL);
    for (int i = 0; i < found; i++) {
        count += entries[i]->d_name[0] != '.';
        free(entries[i]);
    }
    free(entries);
    return count;
}

static void put(const char *token, const char *name, const char *text)
{
    file_put(path_of("%s/%s", folder_of(token), name), text);
}

/* A child that does something, says so, and stays until it is killed. */
static pid_t child_that(void (*act)(void))
{
    int told[2];
    char done;
    assert_int_equal(pipe(told), 0);
    pid_t pid = fork();
    if (pid == 0) {
        act();
        if (write(told[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    close(told[1]);
    assert_int_equal(read(told[0], &done, 1), 1);
    close(told[0]);
    return pid;
}

static void kill_child(pid_t pid)
{
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static int setup(void **state)
{
    (void)state;
    root = folder_new();
    make_token("cpu", 3);
    make_token("gpu", 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    folder_remove(root);
    return 0;
}

/* ---- Taking ------------------------------------------------------------------------------------ */

TEST(a_token_is_taken_as_often_as_its_total_says)
{
    job *a = job_that_asks("a", "cpu", 2), *b = job_that_asks("b", "cpu", 1);
    job *c = job_that_asks("c", "cpu", 1);
    assert_int_equal(take(a), XPM__TAKEN);
    assert_int_equal(take(b), XPM__TAKEN);
    assert_int_equal(take(c), XPM__NOT_FREE);
    assert_int_equal(c->taking.blocker_count, 2);
    assert_string_equal(c->taking.blockers[0].directory, a->directory);
    end(b);
    assert_int_equal(take(c), XPM__TAKEN);
    end(a);
    end(c);
    assert_int_equal(files_in("cpu", "jobs") + files_in("cpu", "queue"), 0);
}

TEST(all_tokens_of_a_job_are_taken_or_none)
{
    job *a = job_that_asks("a", "gpu", 1), *b = job_that_asks("b", "cpu", 1);
    ask(b, "gpu", 1);
    assert_int_equal(take(a), XPM__TAKEN);
    assert_int_equal(take(b), XPM__NOT_FREE);
    assert_int_equal(files_in("cpu", "jobs"), 0);
    assert_int_equal(files_in("cpu", "queue") + files_in("gpu", "queue"), 2);
    end(a);
    assert_int_equal(take(b), XPM__TAKEN);
    assert_int_equal(files_in("cpu", "jobs") + files_in("gpu", "jobs"), 2);
    assert_int_equal(files_in("cpu", "queue") + files_in("gpu", "queue"), 0);
    end(b);
}

/* The limit on the size of files lets one holder be written, and not that of the longer count. */
static void fail_to_write_the_second(void)
{
    struct stat info;
    job *a = job_that_asks("a", "cpu", 1);
    take(a);
    stat(a->requests[0].holder, &info);
    end(a);
    make_token("memory", 1000000);
    job *b = job_that_asks("b", "cpu", 1);
    ask(b, "memory", 1000000);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {(rlim_t)info.st_size + 2, (rlim_t)info.st_size + 2};
    setrlimit(RLIMIT_FSIZE, &limit);
    xpm__taken taken = take(b);
    bool none = files_in("cpu", "jobs") == 0 && files_in("memory", "jobs") == 0;
    bool named = strstr(last.message, "memory.counter") != NULL;
    _exit(taken == XPM__NOT_TAKEN && none && named && b->requests[0].holder == NULL ? 0 : 1);
}

TEST(a_holder_that_cannot_be_written_undoes_the_others)
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        fail_to_write_the_second();
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

TEST(what_an_earlier_attempt_left_is_not_counted)
{
    job *a = job_that_asks("a", "cpu", 3);
    assert_int_equal(take(a), XPM__TAKEN);
    xpm_free(a->requests[0].holder);
    a->requests[0].holder = NULL;
    assert_int_equal(take(a), XPM__TAKEN);
    assert_int_equal(files_in("cpu", "jobs"), 1);
    end(a);
}

TEST(equal_jobs_of_two_workspaces_count_each)
{
    job *a = job_that_asks("a", "cpu", 1), *b = job_that_asks("b", "cpu", 1);
    snprintf(b->directory, sizeof b->directory, "%s/other/jobs/demo.learn/a", root);
    assert_int_equal(xpm__file_mkdirs(b->directory, &last), 0);
    close(b->lock);
    b->lock = xpm__file_lock(AT_FDCWD, path_of("%s/learn.lock", b->directory), false);
    assert_int_equal(take(a), XPM__TAKEN);
    assert_int_equal(take(b), XPM__TAKEN);
    assert_int_equal(files_in("cpu", "jobs"), 2);
    end(a);
    assert_int_equal(files_in("cpu", "jobs"), 1);
    end(b);
}

/* ---- Deaths ------------------------------------------------------------------------------------ */

static void hold_all(void)
{
    if (take(job_that_asks("a", "cpu", 3)) != XPM__TAKEN)
        _exit(1);
}

TEST(what_a_killed_job_had_is_free_at_once)
{
    pid_t pid = child_that(hold_all);
    job *b = job_that_asks("b", "cpu", 3);
    assert_int_equal(take(b), XPM__NOT_FREE);
    assert_int_equal(take(b), XPM__NOT_FREE);
    kill_child(pid);
    assert_int_equal(files_in("cpu", "jobs"), 1);
    assert_int_equal(take(b), XPM__TAKEN);
    assert_int_equal(files_in("cpu", "jobs"), 1);
    end(b);
}

TEST(the_lock_of_a_blocker_is_free_when_it_has_died)
{
    pid_t pid = child_that(hold_all);
    job *b = job_that_asks("b", "cpu", 1);
    assert_int_equal(take(b), XPM__NOT_FREE);
    assert_int_equal(b->taking.blocker_count, 1);
    assert_int_equal(flock(b->taking.blockers[0].fd, LOCK_SH | LOCK_NB), -1);
    kill_child(pid);
    assert_int_equal(flock(b->taking.blockers[0].fd, LOCK_SH | LOCK_NB), 0);
    end(b);
}

TEST(what_was_being_written_when_its_process_was_killed_is_removed)
{
    put("cpu", "jobs/demo.learn@z.json.1-1.tmp", "{");
    job *a = job_that_asks("a", "cpu", 3);
    assert_int_equal(take(a), XPM__TAKEN);
    assert_int_equal(files_in("cpu", "jobs"), 1);
    end(a);
}

TEST(a_holder_is_not_reclaimed_while_its_job_has_its_lock_again)
{
    job *a = job_that_asks("a", "cpu", 1);
    assert_int_equal(take(a), XPM__TAKEN);
    assert_false(xpm__tokendir_reclaim(a->requests[0].holder));
    assert_int_equal(files_in("cpu", "jobs"), 1);
    end(a);
}

TEST(a_job_that_a_queue_has_holds_its_tokens_though_nobody_holds_its_lock)
{
    xpm__pid queued = {.launcher = "slurm", .id = "7", .token = "t"};
    make_token("cpu", 1);
    job *a = job_that_asks("a", "cpu", 1), *b = job_that_asks("b", "cpu", 1);
    assert_int_equal(take(a), XPM__TAKEN);
    int dir = open(a->directory, O_RDONLY | O_DIRECTORY);
    assert_int_equal(xpm__jobdir_write_queued(dir, "learn", &queued), 0);
    close(a->lock);
    assert_int_equal(take(b), XPM__NOT_FREE);
    assert_int_equal(xpm__jobdir_mark_failed(dir, "learn", 1, XPM_REASON_FAILED, "x"), 0);
    close(dir);
    assert_int_equal(take(b), XPM__TAKEN);
    lock_job(a);
    xpm_free(a->requests[0].holder);
    a->requests[0].holder = NULL;
    end(a);
    end(b);
}

/* ---- Tickets ----------------------------------------------------------------------------------- */

TEST(who_asks_for_much_is_not_passed_by_who_asks_for_little)
{
    job *a = job_that_asks("a", "cpu", 2), *big = job_that_asks("big", "cpu", 3);
    job *little = job_that_asks("little", "cpu", 1);
    assert_int_equal(take(a), XPM__TAKEN);
    assert_int_equal(take(big), XPM__NOT_FREE);
    assert_int_equal(take(little), XPM__NOT_FREE); /* one is free */
    assert_int_equal(little->taking.blocker_count, 1);
    assert_null(little->taking.blockers[0].directory);
    end(a);
    assert_int_equal(take(little), XPM__NOT_FREE);
    assert_int_equal(take(big), XPM__TAKEN);
    end(big);
    assert_int_equal(take(little), XPM__TAKEN);
    end(little);
}

TEST(tickets_of_several_tokens_are_in_one_order)
{
    job *a = job_that_asks("a", "cpu", 3), *both = new_job("both");
    ask(both, "cpu", 1);
    ask(both, "gpu", 1);
    job *one = job_that_asks("one", "gpu", 1);
    assert_int_equal(take(a), XPM__TAKEN);
    assert_int_equal(take(both), XPM__NOT_FREE);
    assert_int_equal(take(one), XPM__NOT_FREE);
    end(a);
    assert_int_equal(take(both), XPM__TAKEN);
    end(both);
    assert_int_equal(take(one), XPM__TAKEN);
    end(one);
}

static void wait_for_all(void)
{
    if (take(job_that_asks("child", "cpu", 3)) != XPM__NOT_FREE)
        _exit(1);
}

TEST(the_ticket_of_a_killed_scheduler_is_passed_over)
{
    job *a = job_that_asks("a", "cpu", 1);
    assert_int_equal(take(a), XPM__TAKEN);
    pid_t pid = child_that(wait_for_all);
    job *b = job_that_asks("b", "cpu", 1);
    assert_int_equal(take(b), XPM__NOT_FREE);
    kill_child(pid);
    assert_int_equal(take(b), XPM__TAKEN);
    assert_int_equal(files_in("cpu", "queue"), 0);
    end(a);
    end(b);
}

TEST(a_ticket_goes_to_the_next_job_of_its_scheduler)
{
    job *a = job_that_asks("a", "cpu", 3), *b = job_that_asks("b", "cpu", 3);
    job *c = job_that_asks("c", "cpu", 3), *other = job_that_asks("other", "cpu", 1);
    xpm__turn next = {c->directory, &c->rank, 3};
    assert_int_equal(take(a), XPM__TAKEN);
    assert_int_equal(take(b), XPM__NOT_FREE);
    end(a);
    b->requests[0].next = &next;
    assert_int_equal(take(b), XPM__TAKEN);
    assert_int_equal(files_in("cpu", "queue"), 1);
    assert_string_equal(b->tickets[0].rank.text, c->rank.text);
    c->tickets[0] = b->tickets[0];
    b->tickets[0].fd = -1;
    end(b);
    assert_int_equal(take(other), XPM__NOT_FREE);
    assert_int_equal(take(c), XPM__TAKEN);
    end(c);
    end(other);
}

TEST(each_rank_is_later_than_those_before)
{
    xpm__rank a, b;
    xpm__rank_make(&a);
    for (int i = 0; i < 1000; i++) {
        xpm__rank_make(&b);
        assert_true(strcmp(a.text, b.text) < 0);
        a = b;
    }
}

/* ---- Totals ------------------------------------------------------------------------------------ */

TEST(a_total_that_is_lowered_takes_nothing_from_who_holds)
{
    job *a = job_that_asks("a", "cpu", 3), *b = job_that_asks("b", "cpu", 1);
    assert_int_equal(take(a), XPM__TAKEN);
    make_token("cpu", 1);
    assert_int_equal(take(b), XPM__NOT_FREE);
    end(a);
    assert_int_equal(take(b), XPM__TAKEN);
    end(b);
}

TEST(more_than_the_total_has_no_ticket)
{
    job *a = job_that_asks("a", "cpu", 3), *b = job_that_asks("b", "cpu", 1);
    make_token("cpu", 2);
    assert_int_equal(take(a), XPM__TOO_MANY);
    assert_int_equal(files_in("cpu", "queue"), 0);
    assert_int_equal(take(b), XPM__TAKEN);
    end(a);
    end(b);
}

TEST(a_folder_without_a_total_gets_the_one_that_is_known)
{
    unlink(path_of("%s/informations.json", folder_of("cpu")));
    job *a = job_that_asks("a", "cpu", 1);
    assert_int_equal(take(a), XPM__TAKEN);
    assert_int_equal(xpm__tokendir_total(folder_of("cpu"), 7), 1);
    end(a);
}

/* ---- What others wrote ------------------------------------------------------------------------- */

static void do_nothing(void) {}

TEST(holders_of_the_original_count_while_their_process_lives)
{
    pid_t pid = child_that(do_nothing);
    char *text = NULL;
    assert_true(asprintf(&text,
                         "{\"job_uri\":\"file://%s/jobs/x.y/z\",\"information\":{\"count\":3},"
                         "\"process\":{\"type\":\"local\",\"pid\":%d}}",
                         root, (int)pid) > 0);
    put("cpu", "jobs/x.y@z.json", text);
    free(text);
    job *a = job_that_asks("a", "cpu", 1);
    assert_int_equal(take(a), XPM__NOT_FREE);
    kill_child(pid);
    assert_int_equal(take(a), XPM__TAKEN);
    end(a);
}

TEST(a_holder_that_cannot_be_read_counts_while_the_job_that_it_names_has_its_lock)
{
    job *a = new_job("a"), *b = job_that_asks("b", "gpu", 1);
    put("gpu", "jobs/demo.learn@a.json", "{\"job_");
    assert_int_equal(take(b), XPM__NOT_FREE);
    end(a);
    struct timespec old[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    const char *file = path_of("%s/jobs/demo.learn@a.json", folder_of("gpu"));
    assert_int_equal(utimensat(AT_FDCWD, file, old, 0), 0);
    assert_int_equal(take(b), XPM__TAKEN);
    end(b);
}

/* ---- Lists ------------------------------------------------------------------------------------- */

TEST(what_a_job_lists_it_gives_back_and_nothing_of_others)
{
    job *a = job_that_asks("a", "cpu", 1), *b = job_that_asks("b", "cpu", 1);
    assert_int_equal(take(a), XPM__TAKEN);
    assert_int_equal(take(b), XPM__TAKEN);
    const char *precious = path_of("%s/precious", root);
    file_put(precious, "{}");
    const char *paths[] = {a->requests[0].holder, b->requests[0].holder, precious, "/nowhere"};
    int folder = open(a->directory, O_RDONLY | O_DIRECTORY);
    assert_int_equal(xpm__locks_write(folder, paths, 4), 0);
    xpm__locks_release(folder);
    assert_false(file_is_there(a->requests[0].holder));
    assert_true(file_is_there(b->requests[0].holder));
    assert_true(file_is_there(precious));
    assert_false(file_is_there(path_of("%s/locks.json", a->directory)));
    xpm__locks_release(folder); /* no list: nothing to do */
    close(folder);
    end(a);
    end(b);
}

TEST(a_report_says_who_holds_and_who_waits_and_changes_nothing)
{
    xpm__token_report report;
    job *a = job_that_asks("a", "cpu", 2), *b = job_that_asks("b", "cpu", 2);
    assert_int_equal(take(a), XPM__TAKEN);
    assert_int_equal(take(b), XPM__NOT_FREE);
    put("cpu", "queue/0", "dead");
    char **folders = xpm__tokendirs(root);
    assert_string_equal(folders[0], folder_of("cpu"));
    assert_string_equal(folders[1], folder_of("gpu"));
    assert_null(folders[2]);
    assert_int_equal(xpm__token_report_read(folders[0], &report, &last), 0);
    assert_string_equal(report.name, "cpu");
    assert_int_equal(report.total, 3);
    assert_int_equal(report.used, 2);
    assert_int_equal(report.holder_count, 1);
    assert_string_equal(report.holders[0].directory, a->directory);
    assert_int_equal(report.waiter_count, 1);
    assert_string_equal(report.waiters[0].directory, b->directory);
    assert_int_equal(report.waiters[0].count, 2);
    assert_int_equal(report.waiters[0].pid, getpid());
    assert_true(report.waiters[0].since > 1e9);
    assert_int_equal(files_in("cpu", "queue"), 2);
    xpm__token_report_clear(&report);
    xpm__tokendirs_free(folders);
    assert_int_equal(xpm__token_report_read("/nowhere", &report, &last), -1);
    end(a);
    end(b);
}

/* ---- All at once ------------------------------------------------------------------------------- */

enum { PROCESSES = 6, ROUNDS = 60 };

/* Takes and gives back, again and again; who has the token counts itself in memory that all share. */
static void take_often(int me, int *used)
{
    for (int round = 0; round < ROUNDS; round++) {
        int count = 1 + (me + round) % 3;
        job *j = job_that_asks(path_of("%d", me), "cpu", count);
        xpm__taken taken;
        while ((taken = take(j)) == XPM__NOT_FREE) {
            close(j->lock);
            flock(j->taking.blockers[0].fd, LOCK_SH); /* until one that it waits for lets go */
            xpm__taking_clear(&j->taking);
            lock_job(j);
        }
        if (taken != XPM__TAKEN || __atomic_add_fetch(used, count, __ATOMIC_SEQ_CST) > 3)
            _exit(1);
        __atomic_sub_fetch(used, count, __ATOMIC_SEQ_CST);
        if (me == 0 && round == ROUNDS / 2)
            raise(SIGKILL);
        end(j);
    }
    _exit(0);
}

TEST(processes_that_take_at_once_never_have_more_than_the_total)
{
    int *used = mmap(NULL, sizeof *used, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int failed = 0, status;
    assert_ptr_not_equal(used, MAP_FAILED);
    for (int i = 0; i < PROCESSES; i++)
        if (fork() == 0)
            take_often(i, used);
    for (int i = 0; i < PROCESSES; i++) {
        assert_true(wait(&status) > 0);
        failed += !WIFSIGNALED(status) && WEXITSTATUS(status) != 0;
    }
    assert_int_equal(failed, 0);
    munmap(used, sizeof *used);
    job *j = job_that_asks("last", "cpu", 3);
    assert_int_equal(take(j), XPM__TAKEN);
    end(j);
    assert_int_equal(files_in("cpu", "jobs") + files_in("cpu", "queue"), 0);
}

int main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        FRESH(a_token_is_taken_as_often_as_its_total_says),
        FRESH(all_tokens_of_a_job_are_taken_or_none),
        FRESH(a_holder_that_cannot_be_written_undoes_the_others),
        FRESH(what_an_earlier_attempt_left_is_not_counted),
        FRESH(equal_jobs_of_two_workspaces_count_each),
        FRESH(what_a_killed_job_had_is_free_at_once),
        FRESH(a_job_that_a_queue_has_holds_its_tokens_though_nobody_holds_its_lock),
        FRESH(the_lock_of_a_blocker_is_free_when_it_has_died),
        FRESH(what_was_being_written_when_its_process_was_killed_is_removed),
        FRESH(a_holder_is_not_reclaimed_while_its_job_has_its_lock_again),
        FRESH(who_asks_for_much_is_not_passed_by_who_asks_for_little),
        FRESH(tickets_of_several_tokens_are_in_one_order),
        FRESH(the_ticket_of_a_killed_scheduler_is_passed_over),
        FRESH(a_ticket_goes_to_the_next_job_of_its_scheduler),
        FRESH(each_rank_is_later_than_those_before),
        FRESH(a_total_that_is_lowered_takes_nothing_from_who_holds),
        FRESH(more_than_the_total_has_no_ticket),
        FRESH(a_folder_without_a_total_gets_the_one_that_is_known),
        FRESH(holders_of_the_original_count_while_their_process_lives),
        FRESH(a_holder_that_cannot_be_read_counts_while_the_job_that_it_names_has_its_lock),
        FRESH(what_a_job_lists_it_gives_back_and_nothing_of_others),
        FRESH(a_report_says_who_holds_and_who_waits_and_changes_nothing),
        FRESH(processes_that_take_at_once_never_have_more_than_the_total),
    };
    return RUN_TESTS(tests);
}
