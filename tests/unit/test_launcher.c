/* The scheduler over a launcher of the test's own: a queue in which nothing happens but what the test
 * says. And lanes: what starts before what. */
#include <pthread.h>
#include <sched.h>

#include "experiment.h"

#include "base/mem.h"
#include "launch/launcher.h"
#include "schedule/lanes.h"

typedef struct {
    int64_t n;
} thing;

static int thing_execute(thing *self, xpm_task *task)
{
    (void)self;
    (void)task;
    return 0;
}
XPM_TASK(thing, "fake.thing", thing_execute, XPM_INT(n));

/* ---- A launcher that does as it is told --------------------------------------------------------- */

enum { MOST = 64 };

typedef enum order_kind {
    ORDER_NONE,
    ORDER_BEGIN,
    ORDER_NAME,  /* the queue has a name for it; the kinds after it are ends */
    ORDER_FAIL,  /* ends, with a reason of the queue's own */
    ORDER_UNMET, /* ends, since what it depends on is not done */
    ORDER_AGAIN, /* was never begun */
    ORDER_DONE,  /* ends; its marker is written */
} order_kind;

typedef struct fake_run {
    xpm__run base;
    bool cancelled, named;
    order_kind order;
} fake_run;

static struct fake {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    uv_async_t wake;
    fake_run *runs[MOST];
    size_t count, cancels, flushes, rooms, opened, adopted, started;
    bool nameless; /* those that come have no name at first */
} fake = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

typedef struct fake_launcher {
    xpm_launcher base;
    const char *place;
} fake_launcher;

static void remove_run(size_t i)
{
    fake.runs[i] = fake.runs[--fake.count];
}

static void touch_done(const xpm_job *job)
{
    char *path = xpm__format("%s/%s.done", xpm_job_directory(job), xpm_job_name(job));
    file_put(path, "");
    xpm_free(path);
}

/* Carries an order out; whether the run has ended. The mutex is let go for the call. */
static bool carry_out(fake_run *run)
{
    const xpm__site_events *events = run->base.site->events;
    xpm__end end = {.known = true};
    order_kind order = run->order;
    run->order = ORDER_NONE;
    if (order == ORDER_NONE)
        return false;
    if (order == ORDER_FAIL) {
        end.reason = XPM_REASON_TIMEOUT;
        snprintf(end.message, sizeof end.message, "the queue says so");
        end.code = 1;
    }
    if (order == ORDER_UNMET)
        end.reason = XPM_REASON_DEPENDENCY;
    end.again = order == ORDER_AGAIN;
    if (order == ORDER_DONE)
        touch_done(run->base.job);
    pthread_mutex_unlock(&fake.mutex);
    run->named |= order == ORDER_NAME;
    if (order == ORDER_BEGIN)
        events->began(&run->base);
    else if (order == ORDER_NAME)
        events->named(&run->base);
    else
        events->ended(&run->base, &end);
    pthread_mutex_lock(&fake.mutex);
    return order > ORDER_NAME;
}

static void on_wake(uv_async_t *wake)
{
    (void)wake;
    pthread_mutex_lock(&fake.mutex);
    for (size_t i = 0; i < fake.count;) {
        fake_run *run = fake.runs[i];
        if (!carry_out(run)) {
            i++;
            continue;
        }
        for (i = 0; fake.runs[i] != run;)
            i++;
        remove_run(i);
        pthread_mutex_unlock(&fake.mutex);
        run->base.site->events->freed(run->base.site->user);
        pthread_mutex_lock(&fake.mutex);
        xpm_free(run);
        i = 0;
    }
    pthread_cond_broadcast(&fake.changed);
    pthread_mutex_unlock(&fake.mutex);
}

static const char *fake_place(const xpm_launcher *launcher)
{
    return ((const fake_launcher *)launcher)->place;
}

static xpm__site *fake_open(const xpm_launcher *launcher, xpm_error *err)
{
    (void)launcher;
    (void)err;
    fake.opened++;
    return xpm__zalloc(sizeof(xpm__site));
}

static void fake_forget(xpm__run *run)
{
    for (size_t i = 0; i < fake.count; i++)
        if (&fake.runs[i]->base == run)
            remove_run(i--);
    xpm_free(run);
}

static void fake_close(xpm__site *site)
{
    (void)site;
    while (fake.count > 0)
        fake_forget(&fake.runs[0]->base);
    uv_close((uv_handle_t *)&fake.wake, NULL);
}

static void fake_destroy(xpm__site *site)
{
    xpm_free(site);
}

static xpm__run *add_run(xpm__site *site, xpm_job *job)
{
    fake_run *run = xpm__zalloc(sizeof *run);
    run->base.site = site;
    run->base.job = job;
    pthread_mutex_lock(&fake.mutex);
    run->named = !fake.nameless;
    if (fake.wake.data == NULL) {
        uv_async_init(site->loop, &fake.wake, on_wake);
        fake.wake.data = &fake;
    }
    fake.runs[fake.count++] = run;
    fake.started++;
    pthread_cond_broadcast(&fake.changed);
    pthread_mutex_unlock(&fake.mutex);
    return &run->base;
}

static xpm__run *fake_start(xpm__site *site, const xpm__start *start, xpm_error *err)
{
    xpm__pid pid = {.launcher = "fake", .id = "7", .token = "token"};
    (void)err;
    assert_null(start->share);
    assert_int_equal(xpm__jobdir_write_queued(start->directory, start->name, &pid), 0);
    return add_run(site, start->job);
}

static void fake_flush(xpm__site *site)
{
    (void)site;
    pthread_mutex_lock(&fake.mutex);
    fake.flushes++;
    pthread_cond_broadcast(&fake.changed); /* states have changed */
    pthread_mutex_unlock(&fake.mutex);
}

static size_t fake_room(const xpm__site *site)
{
    (void)site;
    return fake.rooms - fake.count;
}

static xpm__run *fake_adopt(xpm__site *site, xpm_job *job, const xpm__pid *pid)
{
    assert_string_equal(pid->id, "7");
    fake.adopted++;
    return add_run(site, job);
}

static void fake_cancel(xpm__run *run)
{
    ((fake_run *)run)->cancelled = true;
    fake.cancels++;
    ((fake_run *)run)->order = ORDER_FAIL;
    uv_async_send(&fake.wake);
}

static const char *fake_id(const xpm__run *run)
{
    return ((const fake_run *)run)->named ? "7" : "";
}

static const xpm__launcher_table fake_table = {.name = "fake",
                                               .place = fake_place,
                                               .open = fake_open,
                                               .close = fake_close,
                                               .destroy = fake_destroy,
                                               .start = fake_start,
                                               .flush = fake_flush,
                                               .room = fake_room,
                                               .adopt = fake_adopt,
                                               .cancel = fake_cancel,
                                               .forget = fake_forget,
                                               .id = fake_id};

static xpm_launcher *fake_new(size_t rooms)
{
    pthread_mutex_lock(&fake.mutex);
    fake.count = fake.cancels = fake.flushes = fake.opened = fake.adopted = fake.started = 0;
    fake.wake.data = NULL;
    fake.nameless = false;
    fake.rooms = rooms;
    pthread_mutex_unlock(&fake.mutex);
    fake_launcher *launcher = (fake_launcher *)xpm__launcher_new(&fake_table, sizeof *launcher);
    launcher->place = "here";
    return &launcher->base;
}

/* Waits until so many jobs are in the queue. */
static void wait_for_runs(size_t count)
{
    pthread_mutex_lock(&fake.mutex);
    while (fake.count != count)
        pthread_cond_wait(&fake.changed, &fake.mutex);
    pthread_mutex_unlock(&fake.mutex);
}

static void give_order(const xpm_job *job, order_kind order)
{
    pthread_mutex_lock(&fake.mutex);
    for (size_t i = 0; i < fake.count; i++)
        if (fake.runs[i]->base.job == job)
            fake.runs[i]->order = order;
    uv_async_send(&fake.wake);
    pthread_mutex_unlock(&fake.mutex);
}

/* Waits until the queue has been given so many jobs; the last of them. */
static const xpm_job *wait_for_started(size_t count)
{
    pthread_mutex_lock(&fake.mutex);
    while (fake.started != count)
        pthread_cond_wait(&fake.changed, &fake.mutex);
    const xpm_job *job = fake.runs[fake.count - 1]->base.job;
    pthread_mutex_unlock(&fake.mutex);
    return job;
}

static xpm_job *submit_to(xpm_experiment *xp, xpm_launcher *launcher, int64_t n)
{
    xpm_error err = {0};
    xpm_job *job = make(xp, xpm_new("fake.thing", "n", n));
    xpm_job_set_launcher(job, launcher);
    assert_int_equal(xpm_job_submit(job, &err), 0);
    return job;
}

static void close_experiment(xpm_experiment *xp)
{
    xpm_error err = {0};
    assert_int_equal(xpm_experiment_close(xp, false, &err), 0);
}

/* Waits until a job is in a state. */
static void wait_for_state(const xpm_job *job, xpm_job_state state)
{
    pthread_mutex_lock(&fake.mutex);
    while (xpm_job_state_now(job) != state)
        pthread_cond_wait(&fake.changed, &fake.mutex);
    pthread_mutex_unlock(&fake.mutex);
}

/* What is said of a job that no process runs. Its lock can still seem to be held: a process that is started
 * meanwhile, as git is, has a copy of it until its exec. */
static char *explain_unheld(xpm_job *job)
{
    char *text = xpm_job_explain(job);
    while (strstr(text, "as its lock is held") != NULL) {
        xpm_free(text);
        text = xpm_job_explain(job);
    }
    return text;
}

/* ---- Tests ------------------------------------------------------------------------------------- */

TEST(a_queued_job_is_scheduled_then_runs_then_ends_as_its_launcher_says)
{
    char *folder = folder_new();
    xpm_launcher *launcher = fake_new(MOST);
    xpm_experiment *xp = open_in(folder, XPM_NORMAL);
    xpm_job *a = submit_to(xp, launcher, 1), *b = submit_to(xp, launcher, 2);
    wait_for_runs(2);
    wait_for_state(b, XPM_JOB_SCHEDULED);
    assert_int_equal(fake.opened, 1);
    assert_true(fake.flushes > 0);
    char *text = explain_unheld(a);
    assert_non_null(strstr(text, "was given to fake, as job 7 at "));
    xpm_free(text);
    give_order(a, ORDER_BEGIN);
    wait_for_state(a, XPM_JOB_RUNNING);
    assert_int_equal(xpm_job_state_now(b), XPM_JOB_SCHEDULED);
    give_order(a, ORDER_DONE);
    give_order(b, ORDER_FAIL);
    assert_int_equal(xpm_job_wait(a, -1), XPM_JOB_DONE);
    assert_int_equal(xpm_job_wait(b, -1), XPM_JOB_ERROR);
    assert_int_equal(xpm_job_reason(b), XPM_REASON_TIMEOUT);
    xpm_job_unref(a);
    xpm_job_unref(b);
    close_experiment(xp);
    xpm_launcher_unref(launcher);
    folder_remove(folder);
}

TEST(what_a_queue_has_lost_is_sent_again_and_what_it_has_no_room_for_waits)
{
    char *folder = folder_new();
    xpm_launcher *launcher = fake_new(1);
    xpm_experiment *xp = open_in(folder, XPM_NORMAL);
    xpm_job *a = submit_to(xp, launcher, 1), *b = submit_to(xp, launcher, 2);
    wait_for_runs(1);
    give_order(a, ORDER_AGAIN);
    wait_for_state(b, XPM_JOB_SCHEDULED);
    assert_int_equal(xpm_job_state_now(a), XPM_JOB_READY);
    give_order(b, ORDER_DONE);
    wait_for_state(a, XPM_JOB_SCHEDULED);
    assert_true(xpm_job_is_done(b));
    give_order(a, ORDER_DONE);
    assert_int_equal(xpm_job_wait(a, -1), XPM_JOB_DONE);
    xpm_job_unref(a);
    xpm_job_unref(b);
    close_experiment(xp);
    xpm_launcher_unref(launcher);
    folder_remove(folder);
}

TEST(a_scheduler_takes_back_what_an_earlier_one_has_queued)
{
    char *folder = folder_new();
    xpm_launcher *launcher = fake_new(MOST);
    xpm_experiment *xp = open_in(folder, XPM_NORMAL);
    xpm_job *job = submit_to(xp, launcher, 1);
    wait_for_runs(1);
    xpm_job_unref(job);
    xpm_experiment_detach(xp);
    close_experiment(xp);
    xpm_launcher_unref(launcher);

    launcher = fake_new(MOST);
    xp = open_in(folder, XPM_NORMAL);
    job = submit_to(xp, launcher, 1);
    wait_for_runs(1);
    assert_int_equal(fake.adopted, 1);
    assert_int_equal(xpm_experiment_counts(xp).started, 0);
    wait_for_state(job, XPM_JOB_SCHEDULED);
    assert_true(xpm_job_cancel(job));
    assert_int_equal(xpm_job_wait(job, -1), XPM_JOB_ERROR);
    assert_int_equal(fake.cancels, 1);
    xpm_job_unref(job);
    close_experiment(xp);
    xpm_launcher_unref(launcher);
    folder_remove(folder);
}

/* A job that was made ready ahead of what it depends on, and for which there is no room. */
TEST(a_job_does_not_go_to_its_queue_without_what_it_depends_on)
{
    static const order_kind orders[] = {ORDER_FAIL, ORDER_AGAIN};
    for (size_t i = 0; i < 2; i++) {
        char *folder = folder_new();
        xpm_launcher *launcher = fake_new(1);
        xpm_experiment *xp = open_in(folder, XPM_NORMAL);
        xpm_config *first = xpm_new("fake.thing", "n", 1), *second = xpm_new("fake.thing", "n", 2);
        xpm_job *a = make(xp, first);
        xpm_job_set_launcher(a, launcher);
        assert_int_equal(xpm_job_submit(a, NULL), 0);
        assert_int_equal(xpm_config_add_dependency(second, first, NULL), 0);
        xpm_job *b = make(xp, second);
        xpm_job_set_launcher(b, launcher);
        assert_int_equal(xpm_job_submit(b, NULL), 0);
        wait_for_runs(1);
        while (xpm_job_state_now(b) != XPM_JOB_READY)
            assert_int_equal(xpm_experiment_hand_over(xp, 0.01), 1);
        give_order(a, orders[i]);
        if (orders[i] == ORDER_AGAIN) {
            assert_ptr_equal(wait_for_started(2), a);
            give_order(a, ORDER_DONE);
            assert_int_equal(xpm_job_wait(a, -1), XPM_JOB_DONE);
            assert_ptr_equal(wait_for_started(3), b);
            give_order(b, ORDER_DONE);
            assert_int_equal(xpm_job_wait(b, -1), XPM_JOB_DONE);
        } else {
            assert_int_equal(xpm_job_wait(b, -1), XPM_JOB_ERROR);
            assert_int_equal(xpm_job_reason(b), XPM_REASON_DEPENDENCY);
        }
        xpm_job_unref(a);
        xpm_job_unref(b);
        close_experiment(xp);
        xpm_launcher_unref(launcher);
        folder_remove(folder);
    }
}

/* Two jobs that a launcher has, the second of which depends on the first. */
typedef struct pair {
    char *folder;
    xpm_launcher *launcher;
    xpm_experiment *xp;
    xpm_job *a, *b;
} pair;

static pair pair_new(bool nameless)
{
    xpm_config *first = xpm_new("fake.thing", "n", 1), *second = xpm_new("fake.thing", "n", 2);
    pair p = {.folder = folder_new(), .launcher = fake_new(MOST)};
    fake.nameless = nameless;
    p.xp = open_in(p.folder, XPM_NORMAL);
    xpm_experiment_set_launcher(p.xp, p.launcher);
    p.a = submit(p.xp, first);
    assert_int_equal(xpm_config_add_dependency(second, first, NULL), 0);
    p.b = submit(p.xp, second);
    wait_for_runs(1);
    return p;
}

static void pair_end(pair *p)
{
    give_order(p->b, ORDER_DONE);
    assert_int_equal(xpm_job_wait(p->b, -1), XPM_JOB_DONE);
    xpm_job_unref(p->a);
    xpm_job_unref(p->b);
    close_experiment(p->xp);
    xpm_launcher_unref(p->launcher);
    folder_remove(p->folder);
}

TEST(a_job_goes_to_its_queue_once_what_it_depends_on_has_a_name_there)
{
    pair p = pair_new(true);
    assert_int_equal(xpm_experiment_hand_over(p.xp, 0.01), 2);
    give_order(p.a, ORDER_NAME);
    assert_ptr_equal(wait_for_started(2), p.b);
    assert_int_equal(xpm_experiment_hand_over(p.xp, 0.01), 1);
    give_order(p.b, ORDER_NAME);
    assert_int_equal(xpm_experiment_hand_over(p.xp, -1), 0);
    give_order(p.a, ORDER_DONE);
    assert_int_equal(xpm_job_wait(p.a, -1), XPM_JOB_DONE);
    pair_end(&p);
}

TEST(a_job_that_has_left_its_queue_waits_for_the_next_try_of_what_it_depends_on)
{
    pair p = pair_new(false);
    assert_int_equal(xpm_experiment_hand_over(p.xp, -1), 0);
    pthread_mutex_lock(&fake.mutex);
    fake.nameless = true; /* so that the second waits for the first, when that comes again */
    pthread_mutex_unlock(&fake.mutex);
    give_order(p.a, ORDER_FAIL);
    assert_int_equal(xpm_job_wait(p.a, -1), XPM_JOB_ERROR);
    assert_int_equal(xpm_job_submit(p.a, NULL), 0);
    assert_ptr_equal(wait_for_started(3), p.a);
    give_order(p.b, ORDER_UNMET);
    wait_for_state(p.b, XPM_JOB_WAITING);
    give_order(p.a, ORDER_DONE);
    assert_int_equal(xpm_job_wait(p.a, -1), XPM_JOB_DONE);
    assert_ptr_equal(wait_for_started(4), p.b);
    pair_end(&p);
}

static xpm_launcher *with(xpm_launcher *launcher, const char *name, const char *value,
                          xpm_limits limits)
{
    xpm_launcher_setenv(launcher, "NAME", value);
    xpm_launcher_setenv(launcher, name, "yes");
    xpm_launcher_set_limits(launcher, &limits);
    return launcher;
}

TEST(a_job_has_what_its_own_launcher_says_and_nothing_of_the_experiment_s)
{
    char *folder = folder_new();
    xpm_launcher *usual = with(fake_new(MOST), "USUAL", "usual", (xpm_limits){10, 1000});
    xpm_launcher *own = with(fake_new(MOST), "OWN", "own", (xpm_limits){.seconds = 5});
    xpm_experiment *xp = open_in(folder, XPM_NORMAL);
    xpm_experiment_set_launcher(xp, usual);
    xpm_job *a = make(xp, xpm_new("fake.thing", "n", 1));
    xpm_job_setenv(a, "NAME", "job");
    xpm_job_set_limits(a, &(xpm_limits){.memory = 7});
    assert_int_equal(xpm_job_submit(a, NULL), 0);
    xpm_job *b = submit_to(xp, own, 2);
    wait_for_runs(2);
    assert_string_equal(xpm_job_getenv(a, "NAME"), "job");
    assert_string_equal(xpm_job_getenv(a, "USUAL"), "yes");
    assert_true(xpm__job_limits(a).seconds == 0 && xpm__job_limits(a).memory == 7);
    assert_string_equal(xpm_job_getenv(b, "NAME"), "own");
    assert_string_equal(xpm_job_getenv(b, "OWN"), "yes");
    assert_null(xpm_job_getenv(b, "USUAL"));
    assert_true(xpm__job_limits(b).seconds == 5 && xpm__job_limits(b).memory == 0);
    give_order(a, ORDER_DONE);
    give_order(b, ORDER_DONE);
    assert_int_equal(xpm_job_wait(a, -1), XPM_JOB_DONE);
    assert_int_equal(xpm_job_wait(b, -1), XPM_JOB_DONE);
    xpm_job_unref(a);
    xpm_job_unref(b);
    close_experiment(xp);
    xpm_launcher_unref(usual);
    xpm_launcher_unref(own);
    folder_remove(folder);
}

/* ---- Lanes -------------------------------------------------------------------------------------- */

static xpm__site lanes_site = {.table = &fake_table};

static xpm__site *find_lanes_site(void *user, const xpm_launcher *launcher, xpm_error *err)
{
    (void)user;
    (void)launcher;
    (void)err;
    return &lanes_site;
}

TEST(jobs_start_by_priority_then_in_the_order_in_which_they_were_ready)
{
    enum { JOBS = 6 };
    xpm_error err = {0};
    xpm_launcher *low = fake_new(MOST), *high = fake_new(MOST);
    xpm_launcher_set_priority(high, 5);
    xpm__lanes *lanes = xpm__lanes_new(low, NULL, find_lanes_site, NULL);
    xpm_job jobs[JOBS] = {0};
    static const int expected[JOBS] = {1, 3, 5, 0, 2, 4};
    xpm__share *share;
    for (int i = 0; i < JOBS; i++) {
        jobs[i].launcher = i % 2 != 0 ? high : NULL;
        assert_int_equal(xpm__lanes_add(lanes, &jobs[i], false, &err), 0);
    }
    assert_true(xpm__lanes_remove(lanes, &jobs[5]));
    assert_false(xpm__lanes_remove(lanes, &jobs[5]));
    assert_int_equal(xpm__lanes_add(lanes, &jobs[5], false, &err), 0);
    for (int i = 0; i < JOBS; i++)
        assert_ptr_equal(xpm__lanes_take(lanes, &share), &jobs[expected[i]]);
    assert_null(xpm__lanes_take(lanes, &share));
    assert_int_equal(xpm__lanes_add(lanes, &jobs[0], false, &err), 0);
    assert_int_equal(xpm__lanes_add(lanes, &jobs[2], true, &err), 0);
    assert_ptr_equal(xpm__lanes_take(lanes, &share), &jobs[2]);
    assert_ptr_equal(xpm__lanes_take(lanes, &share), &jobs[0]);
    xpm__lanes_free(lanes);
    xpm_launcher_unref(low);
    xpm_launcher_unref(high);
}

static xpm__site *find_local_site(void *user, const xpm_launcher *launcher, xpm_error *err)
{
    static xpm__site site = {.table = &xpm__local_table};
    (void)user;
    (void)launcher;
    (void)err;
    return &site;
}

static xpm_launcher *needing(const char *text)
{
    xpm_error err = {0};
    xpm_launcher *launcher = xpm_launcher_local(NULL, NULL);
    xpm_requirement *requirement = xpm_requirement_parse(text, &err);
    if (requirement == NULL || xpm_launcher_require(launcher, requirement, &err) < 0)
        fail_msg("%s", err.message);
    xpm_requirement_free(requirement);
    return launcher;
}

enum { SMALL = 100 };

/* Adds a job that waits for what is taken, then many that need nothing more than a core; how many of
 * these pass it. What was taken is then given back, and it has its turn. */
static size_t pass(xpm__machine *machine, xpm_launcher *waits)
{
    xpm_error err = {0};
    xpm_launcher *plain = xpm_launcher_local(NULL, NULL);
    xpm__lanes *lanes = xpm__lanes_new(plain, machine, find_local_site, NULL);
    xpm__share *taken = xpm__machine_take(machine, waits->requirement, false), *share;
    xpm_job large = {.launcher = waits}, small[SMALL] = {0};
    size_t count = 0;
    assert_non_null(taken);
    assert_int_equal(xpm__lanes_add(lanes, &large, false, &err), 0);
    for (int i = 0; i < SMALL; i++)
        assert_int_equal(xpm__lanes_add(lanes, &small[i], false, &err), 0);
    for (const xpm_job *job; (job = xpm__lanes_take(lanes, &share)) != NULL; count++) {
        assert_ptr_equal(job, &small[count]);
        xpm__machine_give(machine, share);
    }
    xpm__machine_give(machine, taken);
    assert_ptr_equal(xpm__lanes_take(lanes, &share), &large);
    xpm__machine_give(machine, share);
    xpm__lanes_free(lanes);
    xpm_launcher_unref(plain);
    return count;
}

TEST(what_a_job_waits_for_is_kept_for_it_once_many_have_passed_it_and_nothing_else)
{
    cpu_set_t own;
    char text[64];
    assert_int_equal(sched_getaffinity(0, sizeof own, &own), 0);
    setenv("XPM_RESOURCES", "licence=1", 1);
    snprintf(text, sizeof text, "cpu(cores=%d)", CPU_COUNT(&own));
    xpm__machine *machine = xpm__machine_new(CPU_COUNT(&own) + 1);
    xpm_launcher *all_cores = needing(text), *licensed = needing("resource(licence)");
    unsetenv("XPM_RESOURCES");
    assert_int_equal(pass(machine, all_cores), 32);
    assert_int_equal(pass(machine, licensed), SMALL);
    xpm_launcher_unref(all_cores);
    xpm_launcher_unref(licensed);
    xpm__machine_free(machine);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return xpm_main(argc, argv, no_plan);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_queued_job_is_scheduled_then_runs_then_ends_as_its_launcher_says),
        cmocka_unit_test(what_a_queue_has_lost_is_sent_again_and_what_it_has_no_room_for_waits),
        cmocka_unit_test(a_scheduler_takes_back_what_an_earlier_one_has_queued),
        cmocka_unit_test(a_job_does_not_go_to_its_queue_without_what_it_depends_on),
        cmocka_unit_test(a_job_goes_to_its_queue_once_what_it_depends_on_has_a_name_there),
        cmocka_unit_test(
            a_job_that_has_left_its_queue_waits_for_the_next_try_of_what_it_depends_on),
        cmocka_unit_test(a_job_has_what_its_own_launcher_says_and_nothing_of_the_experiment_s),
        cmocka_unit_test(jobs_start_by_priority_then_in_the_order_in_which_they_were_ready),
        cmocka_unit_test(
            what_a_job_waits_for_is_kept_for_it_once_many_have_passed_it_and_nothing_else),
    };
    return RUN_TESTS(tests);
}
