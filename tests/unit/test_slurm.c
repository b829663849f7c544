/* Slurm's options, and what its commands print: texts as 22.05 has printed them, and texts that nobody
 * would expect. The launcher itself is tested against a real Slurm (behaviour/test_slurm.py). */
#include "leaks.h"

#include "base/clock.h"
#include "base/str.h"
#include "launch/slurm.h"
#include "launch/slurm_options.h"
#include "launch/slurm_text.h"

/* ---- Options ------------------------------------------------------------------------------------- */

static void assert_refused(const char *option, const char *part)
{
    xpm_error err = {0};
    xpm_slurm_options options = {.options = (const char *[]){option, NULL}};
    assert_null(xpm_launcher_slurm(&options, &err));
    assert_error(&err, XPM_E_RANGE, part);
}

TEST(an_option_that_would_not_work_is_refused_and_says_what_would)
{
    assert_refused("partitoin=gpu", "did you mean \"partition\"");
    assert_refused("--partition=gpu", "without its dashes: \"partition=gpu\"");
    assert_refused("partition", "takes a value: \"partition=...\"");
    assert_refused("partition=", "takes a value");
    assert_refused("contiguous=1", "takes no value");
    assert_refused("array=1-3", "set by the launcher itself");
    assert_refused("output=x", "set by the launcher itself");
    assert_refused("p=gpu", "it is a long name");
    assert_refused("", "it is a long name");
    assert_refused("rm -rf /", "it is a long name");
    static const char *const good[] = {"partition=gpu",
                                       "exclusive",
                                       "exclusive=user",
                                       "constraint=a&b|c",
                                       "zzz-of-some-later-version=1",
                                       NULL};
    xpm_slurm_options options = {.options = good, .interval_max = 3, .submit_max = 5};
    xpm_launcher *launcher = xpm_launcher_slurm(&options, NULL);
    assert_non_null(launcher);
    assert_string_equal(xpm_launcher_name(launcher), "slurm");
    xpm_launcher_unref(launcher);
}

TEST(where_this_process_stands_is_not_said_to_jobs)
{
    char *const given[] = {(char *)"SLURM_CONF=/etc/slurm.conf",
                           (char *)"SLURM_PROCID=1",
                           (char *)"PMI_RANK=1",
                           (char *)"PMIX_NAMESPACE=x",
                           (char *)"OMPI_COMM_WORLD_RANK=1",
                           (char *)"OMPI_MCA_btl=self",
                           (char *)"SQUEUE_STATES=PENDING",
                           (char *)"PATH=/bin",
                           NULL};
    static const char *const kept[] = {"SLURM_CONF=/etc/slurm.conf", "OMPI_MCA_btl=self",
                                       "PATH=/bin"};
    char **environment = xpm__slurm_environment(given);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(environment[i], kept[i]);
    assert_null(environment[3]);
    xpm__slurm_environment_free(environment);
}

TEST(numbers_out_of_range_are_refused)
{
    xpm_error err = {0};
    assert_null(xpm_launcher_slurm(&(xpm_slurm_options){.interval_max = -1}, &err));
    assert_error(&err, XPM_E_RANGE, "interval_max is -1");
    assert_null(xpm_launcher_slurm(&(xpm_slurm_options){.submit_max = -1}, &err));
    assert_error(&err, XPM_E_RANGE, "submit_max is -1");
}

TEST(several_processes_of_a_job_are_known_by_the_options)
{
    static const char *const one[] = {"ntasks=1", "nodes=1", "cpus-per-task=8", NULL};
    static const char *const tasks[] = {"mem=1G", "ntasks=2", NULL};
    static const char *const nodes[] = {"nodes=2-4", NULL};
    static const char *const each[] = {"nodes=1", "ntasks-per-node=4", NULL};
    assert_false(xpm__slurm_has_ranks(NULL));
    assert_false(xpm__slurm_has_ranks(one));
    assert_true(xpm__slurm_has_ranks(tasks));
    assert_true(xpm__slurm_has_ranks(nodes));
    assert_true(xpm__slurm_has_ranks(each));
}

/* The arguments, with a space after each. */
static void assert_arguments(const char *text, const char *const *options, xpm_limits limits,
                             double growth, const char *expected)
{
    xpm_error err = {0};
    xpm__str out = {0};
    xpm_requirement *requirement = text != NULL ? xpm_requirement_parse(text, &err) : NULL;
    xpm__slurm_need need = {.requirement = requirement, .limits = limits, .growth = growth};
    xpm__slurm_add_arguments(options, &need, &out);
    for (size_t i = 0; i < out.size; i++)
        out.data[i] = out.data[i] != '\0' ? out.data[i] : ' ';
    assert_string_equal(out.size > 0 ? out.data : "", expected);
    xpm__str_free(&out);
    xpm_requirement_free(requirement);
}

TEST(what_a_job_needs_is_asked_for_unless_the_options_say_it)
{
    static const char *const mine[] = {"time=5",          "mem-per-cpu=1G", "gpus=1",
                                       "cpus-per-task=3", "constraint=a b", NULL};
    static const char text[] =
        "duration=2h & cuda(mem=8G)*2 & cpu(mem=3G, cores=4) | cpu(cores=64)";
    xpm_limits none = {0}, hour = {.seconds = 3600, .memory = 4LL << 30};
    assert_arguments(NULL, NULL, none, 1, "");
    assert_arguments(NULL, NULL, hour, 1, "--time=61 ");
    assert_arguments(text, NULL, none, 1, "--time=120 --mem=3072M --cpus-per-task=4 --gres=gpu:2 ");
    assert_arguments(text, NULL, hour, 1, "--time=120 --mem=4096M --cpus-per-task=4 --gres=gpu:2 ");
    assert_arguments(text, NULL, none, 2, "--time=120 --mem=6144M --cpus-per-task=4 --gres=gpu:2 ");
    assert_arguments(text, mine, hour, 1,
                     "--time=5 --mem-per-cpu=1G --gpus=1 --cpus-per-task=3 --constraint=a b ");
}

/* ---- squeue and sacct ------------------------------------------------------------------------------ */

TEST(each_line_of_squeue_is_read)
{
    const char *text = "1026_0|1027|COMPLETED|1:00:00|None|xpm-6b09de6a-382b73e238fc2b39\n"
                       "1027|1027|PENDING|5|Dependency, or so|(null)\n"
                       "2|2|FAILED|1-01:00:00|BadConstraints|a|b\n"
                       "13_[0-99]|13|PENDING|1:00:00|Resources|\n"
                       "slurm_load_jobs error: whatever\n"
                       "\n"
                       "7|7|CANCELLED+|UNLIMITED|None|";
    xpm__slurm_entry entry;
    assert_true(xpm__slurm_next_queued(&text, &entry));
    assert_string_equal(entry.id, "1026_0");
    assert_string_equal(entry.number, "1027");
    assert_string_equal(entry.state, "COMPLETED");
    assert_string_equal(entry.comment, "xpm-6b09de6a-382b73e238fc2b39");
    assert_true(entry.left == 3600);
    assert_true(xpm__slurm_next_queued(&text, &entry));
    assert_string_equal(entry.id, "1027");
    assert_string_equal(entry.reason, "Dependency, or so");
    assert_true(entry.left == 5);
    assert_true(xpm__slurm_next_queued(&text, &entry));
    assert_string_equal(entry.comment, "a|b");
    assert_true(entry.left == 25 * 3600);
    assert_true(xpm__slurm_next_queued(&text, &entry));
    assert_string_equal(entry.id, "7");
    assert_string_equal(entry.state, "CANCELLED");
    assert_true(entry.left == 0);
    assert_false(xpm__slurm_next_queued(&text, &entry));
}

TEST(each_line_of_sacct_is_read)
{
    const char *text = "12|12|COMPLETED|0:0\n12_3|15|CANCELLED by "
                       "0|0:15\n13.batch|13.batch|FAILED|1:0\n14|14|FAILED\n"
                       "15|15|OUT_OF_MEMORY|0:125\n";
    xpm__slurm_entry entry;
    assert_true(xpm__slurm_next_accounted(&text, &entry));
    assert_string_equal(entry.id, "12");
    assert_true(xpm__slurm_next_accounted(&text, &entry));
    assert_string_equal(entry.id, "12_3");
    assert_string_equal(entry.number, "15");
    assert_string_equal(entry.state, "CANCELLED");
    assert_string_equal(entry.reason, "0:15");
    assert_true(xpm__slurm_next_accounted(&text, &entry));
    assert_string_equal(entry.state, "OUT_OF_MEMORY");
    assert_false(xpm__slurm_next_accounted(&text, &entry));
}

TEST(times_are_read)
{
    static const struct {
        const char *text;
        double seconds;
    } times[] = {{"0:45", 45},     {"59:32", 3572}, {"1:00:00", 3600},  {"2-03:04:05", 183845},
                 {"2-03", 183600}, {"INVALID", 0},  {"UNLIMITED", 0},   {"NOT_SET", 0},
                 {"", 0},          {"1:2:3:4", 0},  {"1:", 0},          {"1-", 0},
                 {"x1-2", 0},      {"3:4x", 0},     {"2-03:04", 183840}};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        assert_true(xpm__clock_span(times[i].text) == times[i].seconds);
}

TEST(each_state_has_its_meaning_and_nothing_is_concluded_from_an_unknown_one)
{
    static const struct {
        const char *state;
        xpm__slurm_phase phase;
        xpm_reason reason;
    } states[] = {
        {"PENDING", XPM__SLURM_WAITS, XPM_REASON_NONE},
        {"REQUEUED", XPM__SLURM_WAITS, XPM_REASON_NONE},
        {"RUNNING", XPM__SLURM_RUNS, XPM_REASON_NONE},
        {"COMPLETING", XPM__SLURM_RUNS, XPM_REASON_NONE},
        {"SUSPENDED", XPM__SLURM_RUNS, XPM_REASON_NONE},
        {"OF_LATER_VERSION", XPM__SLURM_RUNS, XPM_REASON_NONE},
        {"", XPM__SLURM_RUNS, XPM_REASON_NONE},
        {"TIMEOUT", XPM__SLURM_ENDED, XPM_REASON_TIMEOUT},
        {"DEADLINE", XPM__SLURM_ENDED, XPM_REASON_TIMEOUT},
        {"OUT_OF_MEMORY", XPM__SLURM_ENDED, XPM_REASON_MEMORY},
        {"CANCELLED", XPM__SLURM_ENDED, XPM_REASON_CANCELLED},
        {"FAILED", XPM__SLURM_ENDED, XPM_REASON_FAILED},
        {"NODE_FAIL", XPM__SLURM_ENDED, XPM_REASON_LOST},
        {"PREEMPTED", XPM__SLURM_ENDED, XPM_REASON_LOST},
        {"BOOT_FAIL", XPM__SLURM_ENDED, XPM_REASON_LOST},
    };
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        const xpm__slurm_meaning *meaning = xpm__slurm_state(states[i].state);
        assert_int_equal(meaning->phase, states[i].phase);
        assert_int_equal(meaning->reason, states[i].reason);
        assert_int_equal(meaning->sentence != NULL, meaning->phase == XPM__SLURM_ENDED);
    }
}

/* ---- sbatch and scontrol --------------------------------------------------------------------------- */

TEST(the_number_of_a_submission_is_the_last_line_that_is_one)
{
    char id[XPM__SLURM_ID];
    assert_true(xpm__slurm_submitted("1026\n", id));
    assert_string_equal(id, "1026");
    assert_true(xpm__slurm_submitted("Welcome!\n12 jobs wait\n77;cluster\n", id));
    assert_string_equal(id, "77");
    assert_false(xpm__slurm_submitted("", id));
    assert_false(xpm__slurm_submitted("Submitted batch job 5\n", id));
    assert_false(xpm__slurm_submitted("12x\n", id));
}

TEST(what_passes_is_told_from_what_is_refused_for_good)
{
    static const struct {
        const char *errors;
        xpm__slurm_refusal refusal;
    } said[] = {
        {"sbatch: error: invalid partition specified: nope\n"
         "sbatch: error: Batch job submission failed: Invalid partition name specified\n",
         XPM__SLURM_REFUSED},
        {"", XPM__SLURM_REFUSED},
        {"sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect "
         "failure)\n",
         XPM__SLURM_DOWN},
        {"sbatch: error: Batch job submission failed: Socket timed out on send/recv operation\n",
         XPM__SLURM_DOWN},
        {"sbatch: error: AssocMaxSubmitJobLimit\nsbatch: error: Batch job submission failed: Job "
         "violates accounting/QOS policy (job submit limit, user's size and/or time limits)\n",
         XPM__SLURM_FULL},
        {"sbatch: error: QOSMaxSubmitJobPerUserLimit\n", XPM__SLURM_FULL},
        {"sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying\n",
         XPM__SLURM_FULL},
        {"sbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job "
         "submit "
         "limit, user's size and/or time limits)\n",
         XPM__SLURM_POLICY},
        {"sbatch: error: Batch job submission failed: Invalid job array specification\n",
         XPM__SLURM_ARRAY},
    };
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        assert_int_equal(xpm__slurm_refusal_of(said[i].errors), said[i].refusal);
    assert_true(xpm__slurm_has_no_accounting("Slurm accounting storage is disabled\n"));
    assert_false(xpm__slurm_has_no_accounting("sacct: error: Connection refused\n"));
}

TEST(errors_are_told_on_one_line_without_the_name_of_the_command)
{
    xpm__str out = {0};
    xpm__slurm_add_words(&out, "sbatch: error: first\n\nsecond \x1b\nsbatch: error: \n");
    assert_string_equal(out.data, "first; second \\x1b");
    xpm__str_free(&out);
}

TEST(the_size_of_arrays_is_found_in_the_configuration)
{
    assert_int_equal(xpm__slurm_array_size("MaxArraySize            = 1001\nMaxJobCount = 5\n"),
                     1001);
    assert_int_equal(xpm__slurm_array_size("XMaxArraySize = 5\nMaxArraySizes = 6\n"), 0);
    assert_int_equal(xpm__slurm_array_size("MaxArraySize = 1001\nSchedulerParameters     = "
                                           "bf_interval=1,max_array_tasks=50,x\n"),
                     50);
    assert_int_equal(xpm__slurm_array_size(""), 0);
}

TEST(how_long_what_has_ended_is_listed_is_found_in_the_configuration)
{
    assert_true(xpm__slurm_kept("MaxJobCount = 5\nMinJobAge               = 300 sec\n") == 300);
    assert_true(xpm__slurm_kept("XMinJobAge = 300 sec\n") == 0);
}

TEST(a_log_tells_of_memory_only_the_job_that_had_too_much)
{
    const char *log =
        "slurmstepd-n1: error: StepId=15.batch exceeded memory limit (222281728 > 104857600), "
        "being "
        "killed\n"
        "slurmstepd: error: Detected 1 oom_kill event in StepId=27.batch. Some of the step tasks\n"
        "slurmstepd: error: Detected 2 oom-kill event(s) in step 31.batch cgroup.\n"
        "slurmstepd: error: Job 40 exceeded memory limit (5 > 4), being killed\n"
        "slurmstepd: error: *** JOB 50 ON n1 CANCELLED AT 2026-11-27T20:47:11 ***\n";
    static const char *const told[] = {"15", "27", "31", "40"};
    static const char *const untold[] = {"1", "5", "2", "7", "50", "104857600", "4", ""};
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        assert_true(xpm__slurm_log_tells_memory(log, told[i]));
    for (size_t i = 0; i < sizeof untold / sizeof *untold; i++)
        assert_false(xpm__slurm_log_tells_memory(log, untold[i]));
    assert_false(xpm__slurm_log_tells_memory("", "15"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_option_that_would_not_work_is_refused_and_says_what_would),
        cmocka_unit_test(where_this_process_stands_is_not_said_to_jobs),
        cmocka_unit_test(numbers_out_of_range_are_refused),
        cmocka_unit_test(several_processes_of_a_job_are_known_by_the_options),
        cmocka_unit_test(what_a_job_needs_is_asked_for_unless_the_options_say_it),
        cmocka_unit_test(each_line_of_squeue_is_read),
        cmocka_unit_test(each_line_of_sacct_is_read),
        cmocka_unit_test(times_are_read),
        cmocka_unit_test(each_state_has_its_meaning_and_nothing_is_concluded_from_an_unknown_one),
        cmocka_unit_test(the_number_of_a_submission_is_the_last_line_that_is_one),
        cmocka_unit_test(what_passes_is_told_from_what_is_refused_for_good),
        cmocka_unit_test(errors_are_told_on_one_line_without_the_name_of_the_command),
        cmocka_unit_test(a_log_tells_of_memory_only_the_job_that_had_too_much),
        cmocka_unit_test(the_size_of_arrays_is_found_in_the_configuration),
        cmocka_unit_test(how_long_what_has_ended_is_listed_is_found_in_the_configuration),
    };
    return RUN_TESTS(tests);
}
