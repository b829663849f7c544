/* The language of requirements: what is read and printed, what is said of a text that is none; how
 * requirements are combined; which machines match. */
#include "leaks.h"

#include "launch/requirement.h"

static const int64_t K = 1024, M = 1 << 20, G = 1 << 30, T = (int64_t)1 << 40;

static xpm_requirement *parsed(const char *text)
{
    xpm_error err = {0};
    xpm_requirement *requirement = xpm_requirement_parse(text, &err);
    if (requirement == NULL)
        fail_msg("%s", err.message);
    return requirement;
}

static void assert_printed(xpm_requirement *requirement, const char *expected)
{
    char *text = xpm_requirement_print(requirement);
    assert_string_equal(text, expected);
    xpm_free(text);
    xpm_requirement_free(requirement);
}

/* ---- Reading ----------------------------------------------------------------------------------- */

TEST(all_that_is_documented_is_read)
{
    xpm_requirement *r =
        parsed("duration=4 days & cuda(mem=4G)*2 & cpu(mem=400M,cores=2) | gpu() | mps(mem=16GiB)");
    assert_int_equal(xpm_requirement_count(r), 3);
    const xpm_request *first = xpm_requirement_at(r, 0);
    assert_true(first->seconds == 4 * 24 * 3600);
    assert_int_equal(first->memory, 400 * M);
    assert_int_equal(first->cores, 2);
    assert_int_equal(first->accelerator_count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(first->accelerators[i].kind, XPM_ACCELERATOR_CUDA);
        assert_int_equal(first->accelerators[i].memory, 4 * G);
    }
    const xpm_request *second = xpm_requirement_at(r, 1);
    assert_true(second->seconds == 0);
    assert_int_equal(second->memory + second->cores, 0);
    assert_int_equal(second->accelerators[0].kind, XPM_ACCELERATOR_ANY);
    assert_int_equal(second->accelerators[0].memory, 0);
    const xpm_request *third = xpm_requirement_at(r, 2);
    assert_int_equal(third->accelerators[0].kind, XPM_ACCELERATOR_MPS);
    assert_int_equal(third->accelerators[0].memory, 16 * G);
    assert_null(xpm_requirement_at(r, 3));
    xpm_requirement_free(r);
}

static double seconds_of(const char *text)
{
    xpm_requirement *r = parsed(text);
    double seconds = xpm_requirement_at(r, 0)->seconds;
    xpm_requirement_free(r);
    return seconds;
}

TEST(durations_have_units)
{
    static const struct {
        const char *names[4];
        int64_t seconds;
    } units[] = {{{"s", "sec", "secs", "seconds"}, 1},
                 {{"m", "min", "mins", "minutes"}, 60},
                 {{"h", "hour", "hours", "HOURS"}, 3600},
                 {{"d", "day", "days", "Day"}, 24 * 3600}};
    char text[64];
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 4; j++) {
            snprintf(text, sizeof text, "duration = 3%s%s", j % 2 ? " " : "", units[i].names[j]);
            assert_true(seconds_of(text) == 3.0 * (double)units[i].seconds);
        }
    assert_true(seconds_of("duration=1.5h") == 5400);
    assert_true(seconds_of("duration=0.001s") == 1);
}

static int64_t memory_of(const char *size)
{
    char text[64];
    snprintf(text, sizeof text, "cpu(mem=%s)", size);
    xpm_requirement *r = parsed(text);
    int64_t memory = xpm_requirement_at(r, 0)->memory;
    xpm_requirement_free(r);
    return memory;
}

TEST(units_of_memory_are_powers_of_1024)
{
    assert_int_equal(memory_of("7B"), 7);
    assert_int_equal(memory_of("4K"), 4 * K);
    assert_int_equal(memory_of("4 MB"), 4 * M);
    assert_int_equal(memory_of("4GiB"), 4 * G);
    assert_int_equal(memory_of("4g"), 4 * G);
    assert_int_equal(memory_of("2T"), 2 * T);
    assert_int_equal(memory_of("1PiB"), 1024 * T);
    assert_int_equal(memory_of("1.5G"), 1536 * M);
    assert_int_equal(memory_of("0.0000000001G"), 1);
}

TEST(space_and_letters_may_be_any_and_counts_before_or_after)
{
    assert_printed(parsed("\n CUDA ( Mem = 4 G )\t* 2\n&\n Cpu( )\n"), "cuda(mem=4G) * 2");
    assert_printed(parsed("3*gpu()"), "gpu() * 3");
    assert_printed(parsed("2 * resource( a-b_c.1 )"), "resource(a-b_c.1) * 2");
}

TEST(what_is_printed_is_in_one_order_and_reads_as_the_same)
{
    const char *text = "duration=90m & cuda(mem=24G) * 2 & gpu(mem=24G) & mps(mem=8G) & gpu() & "
                       "cpu(mem=1025B, cores=4) & resource(a) & resource(b) * 3 | cpu()";
    assert_printed(parsed(text), text);
    assert_printed(parsed("resource(b)*2 & gpu() & cpu(cores=4) & mps(mem=8G) & gpu(mem=24G) & "
                          "resource(a) & cuda(mem=24G)*2 & cpu(mem=1025B) & resource(b) & "
                          "duration=1.5h | cpu()"),
                   text);
    assert_printed(parsed("duration=48h | duration=61s | cpu(cores=1)"),
                   "duration=2d | duration=61s | cpu(cores=1)");
    assert_printed(parsed("cpu(mem=2048T)"), "cpu(mem=2P)");
}

TEST(of_what_is_said_twice_the_larger_counts)
{
    assert_printed(parsed("cpu(mem=4G) & duration=1h & cpu(mem=2G, cores=3) & duration=2h & cpu()"),
                   "duration=2h & cpu(mem=4G, cores=3)");
}

/* ---- What is wrong ----------------------------------------------------------------------------- */

static void assert_wrong(xpm_code code, const char *text, const char *message)
{
    xpm_error err = {0};
    assert_null(xpm_requirement_parse(text, &err));
    assert_error(&err, code, message);
}

TEST(a_text_that_is_none_is_answered_with_what_would_be_right_and_where)
{
    assert_wrong(XPM_E_SYNTAX, "", "one of duration, cpu, cuda, gpu, mps and resource is expected");
    assert_wrong(XPM_E_SYNTAX, "cpu(cores=2) & cudda(mem=4G)",
                 "\"cudda\" is not one of duration, cpu, cuda, gpu, mps and resource; did you mean "
                 "cuda? in the requirement:\n"
                 "  cpu(cores=2) & cudda(mem=4G)\n"
                 "                 ^");
    assert_wrong(XPM_E_SYNTAX, "cpu(memory=4G)",
                 "\"memory\" is not mem or cores; did you mean mem?");
    assert_wrong(XPM_E_SYNTAX, "cpu(mem=4)",
                 "a unit of memory is expected: K, M, G, T or P, as in 4G, or B for bytes in the "
                 "requirement:\n"
                 "  cpu(mem=4)\n"
                 "           ^");
    assert_wrong(XPM_E_SYNTAX, "cpu(mem=4BB)", "a unit of memory is expected");
    assert_wrong(XPM_E_SYNTAX, "cpu(mem=G)", "memory, as 4G, is expected");
    assert_wrong(XPM_E_SYNTAX, "duration=4", "a unit of time (s, m, h or d,");
    assert_wrong(XPM_E_SYNTAX, "duration=4 dais", "did you mean days?");
    assert_wrong(XPM_E_SYNTAX, "duration 4h", "= is expected after duration");
    assert_wrong(XPM_E_SYNTAX, "duration=h", "a duration, as 4h, is expected");
    assert_wrong(XPM_E_SYNTAX, "cpu",
                 "( is expected after the name in the requirement:\n  cpu\n     ^");
    assert_wrong(XPM_E_SYNTAX, "cpu(cores=2", "a comma or ) is expected");
    assert_wrong(XPM_E_SYNTAX, "cpu(cores=2,)", "mem or cores is expected");
    assert_wrong(XPM_E_SYNTAX, "cpu(cores=2.5)", "a number of cores is expected");
    assert_wrong(XPM_E_SYNTAX, "cpu(cores=2, cores=3)", "cores is said twice");
    assert_wrong(XPM_E_SYNTAX, "cuda(cores=2)", "mem is expected");
    assert_wrong(XPM_E_SYNTAX, "cpu(cores=2) &\n  ",
                 "is expected in the requirement:\n"
                 "  cpu(cores=2) &\n"
                 "                ^");
    assert_wrong(XPM_E_SYNTAX, "gpu(), cpu()", "& (and), | (or) or the end is expected");
    assert_wrong(XPM_E_SYNTAX, "cpu() * 2", "only cuda, gpu, mps and resource may be several");
    assert_wrong(XPM_E_SYNTAX, "2 * cpu()", "only cuda, gpu, mps and resource may be several");
    assert_wrong(XPM_E_SYNTAX, "2 * gpu() * 2", "how many is said twice");
    assert_wrong(XPM_E_SYNTAX, "gpu() * x", "how many is expected");
    assert_wrong(XPM_E_SYNTAX, "gpu() * -1", "how many is expected");
    assert_wrong(XPM_E_SYNTAX, "resource()", "the name of a resource is expected");
    assert_wrong(XPM_E_SYNTAX, "resource(1a)", "the name of a resource is expected");
    assert_wrong(XPM_E_SYNTAX, "resource(a b)", ") is expected after the name of a resource");
    assert_wrong(XPM_E_SYNTAX, "(gpu())", "one of duration,");
}

TEST(the_caret_is_under_the_culprit_in_its_line_whatever_is_around)
{
    assert_wrong(XPM_E_SYNTAX, "cpu(cores=1)\n\t& é\n& gpu()", ":\n  \t& é\n  \t  ^");
    char text[200] = "cpu() & xyz";
    memset(text + 11, ' ', 150);
    memcpy(text + 161, "& cpu)", 7);
    assert_wrong(XPM_E_SYNTAX, text, "in the requirement:\n  cpu() & xyz ");
    text[8] = 'c', text[9] = 'p', text[10] = 'u';
    memcpy(text + 11, "()", 2);
    assert_wrong(XPM_E_SYNTAX, text, "& cpu)\n");
}

TEST(what_no_machine_has_is_out_of_range)
{
    assert_wrong(XPM_E_RANGE, "cpu(mem=5P)", "this is too much: the most is 4P");
    assert_wrong(XPM_E_RANGE, "cpu(mem=9223372036854775807P)", "the most is 4P");
    assert_wrong(XPM_E_RANGE, "cpu(mem=9223372036854775808B)", "the number is too large");
    assert_wrong(XPM_E_RANGE, "cpu(mem=0G)", "more than 0 is expected");
    assert_wrong(XPM_E_RANGE, "duration=36501d", "this is too much: the most is 36500d");
    assert_wrong(XPM_E_RANGE, "duration=0s", "more than 0 is expected");
    assert_wrong(XPM_E_RANGE, "cpu(cores=0)", "the number is from 1 to 1048576");
    assert_wrong(XPM_E_RANGE, "gpu() * 0", "the number is from 1 to 1024");
    assert_wrong(XPM_E_RANGE, "0 * gpu()", "the number is from 1 to");
    assert_wrong(XPM_E_RANGE, "gpu() * 1000 & cuda() * 25", "at most 1024 accelerators");
    assert_wrong(XPM_E_RANGE, "2000 * gpu()", "at most 1024 accelerators");
    assert_wrong(XPM_E_RANGE, "resource(a) * 1000000000 & resource(a)", "and 1000000000 of a");
    char text[4002];
    memset(text, ' ', sizeof text);
    text[4001] = '\0';
    assert_wrong(XPM_E_RANGE, text, "more than 4000 characters");
    for (size_t i = 0; i < 401; i++)
        memcpy(text + 8 * i, "cpu() | ", 8);
    strcpy(text + 8 * 401, "cpu()");
    assert_wrong(XPM_E_RANGE, text, "more than 400 alternatives");
    memset(text, 'a', 100);
    memcpy(text, "resource(", 9);
    strcpy(text + 100, ")");
    assert_wrong(XPM_E_RANGE, text, "a name has less than 64 characters");
}

/* ---- Made and combined ------------------------------------------------------------------------- */

TEST(a_requirement_is_made_of_requests_in_any_order)
{
    xpm_accelerator accelerators[] = {{.kind = XPM_ACCELERATOR_ANY},
                                      {.kind = XPM_ACCELERATOR_CUDA, .memory = 8 * G}};
    xpm_resource resources[] = {{"b", 1}, {"a", 2}};
    xpm_request request = {.seconds = 1.5,
                           .accelerators = accelerators,
                           .accelerator_count = 2,
                           .resources = resources,
                           .resource_count = 2};
    xpm_error err = {0};
    assert_printed(xpm_requirement_new(&request, 1, &err),
                   "duration=2s & cuda(mem=8G) & gpu() & resource(a) * 2 & resource(b)");
    resources[0].count = 0;
    assert_null(xpm_requirement_new(&request, 1, &err));
    assert_error(&err, XPM_E_RANGE, "a resource is out of range");
    accelerators[0].memory = -1;
    assert_null(xpm_requirement_new(&request, 1, &err));
    assert_error(&err, XPM_E_RANGE, "an accelerator is out of range");
    request.cores = -1;
    assert_null(xpm_requirement_new(&request, 1, &err));
    assert_error(&err, XPM_E_RANGE, "the number of cores is out of range");
    request.cores = 0;
    request.memory = 8192 * T;
    assert_null(xpm_requirement_new(&request, 1, &err));
    assert_error(&err, XPM_E_RANGE, "the memory is out of range");
    request.seconds = -1;
    assert_null(xpm_requirement_new(&request, 1, &err));
    assert_error(&err, XPM_E_RANGE, "the duration is out of range");
    assert_null(xpm_requirement_new(&request, 0, &err));
    assert_error(&err, XPM_E_RANGE, "one alternative or more");
}

TEST(both_needs_each_with_each_and_either_needs_all_alternatives)
{
    xpm_requirement *a = parsed("cuda() | gpu() * 2"), *b = parsed("cpu(cores=2) | resource(x)");
    assert_printed(xpm_requirement_and(a, b, NULL),
                   "cuda() & cpu(cores=2) | cuda() & resource(x) | gpu() * 2 & cpu(cores=2) | "
                   "gpu() * 2 & resource(x)");
    assert_printed(xpm_requirement_and(a, a, NULL),
                   "cuda() * 2 | cuda() & gpu() * 2 | cuda() & gpu() * 2 | gpu() * 4");
    assert_printed(xpm_requirement_or(a, b, NULL),
                   "cuda() | gpu() * 2 | cpu(cores=2) | resource(x)");
    assert_printed(a, "cuda() | gpu() * 2");
    assert_printed(b, "cpu(cores=2) | resource(x)");
}

TEST(only_accelerators_and_resources_are_multiplied)
{
    xpm_error err = {0};
    xpm_requirement *a = parsed("cuda(mem=8G) & resource(x) * 2 | gpu() * 3"),
                    *b = parsed("cuda() & cpu(cores=2)"), *c = parsed("cpu()");
    assert_printed(xpm_requirement_times(a, 2, &err),
                   "cuda(mem=8G) * 2 & resource(x) * 4 | gpu() * 6");
    assert_null(xpm_requirement_times(a, 0, &err));
    assert_error(&err, XPM_E_RANGE, "cuda(mem=8G) & resource(x) * 2 cannot be taken 0 times");
    assert_null(xpm_requirement_times(a, INT64_MAX, &err));
    assert_error(&err, XPM_E_RANGE, "too much is asked for");
    assert_null(xpm_requirement_times(b, 2, &err));
    assert_error(&err, XPM_E_RANGE, "only accelerators and resources alone can");
    assert_null(xpm_requirement_times(c, 2, &err));
    xpm_requirement_free(a);
    xpm_requirement_free(b);
    xpm_requirement_free(c);
}

TEST(durations_are_multiplied)
{
    xpm_error err = {0};
    xpm_requirement *a = parsed("duration=1h | cpu() | duration=1s");
    assert_printed(xpm_requirement_stretch(a, 1.5, &err), "duration=90m | cpu() | duration=2s");
    assert_null(xpm_requirement_stretch(a, 0, &err));
    assert_error(&err, XPM_E_RANGE, "a number above 0");
    assert_null(xpm_requirement_stretch(a, 1e300, &err));
    assert_error(&err, XPM_E_RANGE, "the duration is out of range");
    xpm_requirement_free(a);
}

TEST(too_many_alternatives_are_refused)
{
    xpm_error err = {0};
    xpm_requirement *a = parsed("gpu()");
    for (size_t i = 0; i < 5; i++) {
        xpm_requirement *more = xpm_requirement_or(a, a, NULL);
        xpm_requirement_free(a);
        a = more;
    }
    assert_null(xpm_requirement_and(a, a, &err));
    assert_error(&err, XPM_E_RANGE, "400 alternatives");
    xpm_requirement_free(a);
    a = parsed("gpu() * 600");
    assert_null(xpm_requirement_and(a, a, &err));
    assert_error(&err, XPM_E_RANGE, "at most 1024 accelerators");
    xpm_requirement_free(a);
}

/* ---- Machines ---------------------------------------------------------------------------------- */

static bool matches(const xpm_host *host, const char *text)
{
    xpm_requirement *r = parsed(text);
    bool matched = xpm_host_matches(host, xpm_requirement_at(r, 0));
    xpm_requirement_free(r);
    return matched;
}

TEST(a_machine_of_which_nothing_is_known_has_no_accelerators_and_enough_of_the_rest)
{
    xpm_host host = {0};
    assert_true(matches(&host, "duration=99d & cpu(mem=1P, cores=1000)"));
    assert_false(matches(&host, "gpu()"));
    assert_false(matches(&host, "resource(a)"));
}

TEST(a_machine_has_what_it_has)
{
    xpm_resource resources[] = {{"a", 1}, {"b", 3}};
    xpm_host host = {.max_seconds = 3600,
                     .memory = 8 * G,
                     .cores = 4,
                     .resources = resources,
                     .resource_count = 2};
    assert_true(matches(&host, "duration=1h & cpu(mem=8G, cores=4) & resource(b) * 3"));
    assert_true(matches(&host, "cpu()"));
    assert_false(matches(&host, "duration=61m"));
    assert_false(matches(&host, "cpu(mem=9G)"));
    assert_false(matches(&host, "cpu(cores=5)"));
    assert_false(matches(&host, "resource(b) * 4"));
    assert_false(matches(&host, "resource(c)"));
}

TEST(accelerators_are_matched_from_the_largest_down)
{
    xpm_accelerator accelerators[] = {{.kind = XPM_ACCELERATOR_CUDA, .memory = 8 * G},
                                      {.kind = XPM_ACCELERATOR_CUDA, .memory = 24 * G},
                                      {.kind = XPM_ACCELERATOR_CUDA, .memory = 16 * G}};
    xpm_host host = {.accelerators = accelerators, .accelerator_count = 3};
    assert_true(matches(&host, "gpu(mem=24G) & cuda(mem=16G) & gpu(mem=8G)"));
    assert_true(matches(&host, "cuda(mem=8G) * 3"));
    assert_true(matches(&host, "cuda() * 3"));
    assert_false(matches(&host, "cuda(mem=16G) * 3"));
    assert_false(matches(&host, "cuda() * 4"));
    assert_false(matches(&host, "mps()"));
    accelerators[1].memory = 0;
    assert_true(matches(&host, "cuda(mem=99G)"));
}

TEST(those_asked_for_by_kind_come_before_those_of_any)
{
    xpm_accelerator accelerators[] = {{.kind = XPM_ACCELERATOR_CUDA, .memory = 8 * G},
                                      {.kind = XPM_ACCELERATOR_MPS, .memory = 8 * G}};
    xpm_host host = {.accelerators = accelerators, .accelerator_count = 2};
    assert_true(matches(&host, "gpu(mem=8G) & cuda(mem=4G)"));
    assert_true(matches(&host, "gpu(mem=8G) & mps(mem=4G)"));
    assert_false(matches(&host, "cuda() * 2"));
}

TEST(a_machine_may_want_no_small_jobs)
{
    xpm_accelerator accelerators[] = {
        {.kind = XPM_ACCELERATOR_CUDA, .memory = 80 * G, .min_memory = 40 * G},
        {.kind = XPM_ACCELERATOR_CUDA, .memory = 80 * G, .min_memory = 40 * G}};
    xpm_host host = {.accelerators = accelerators,
                     .accelerator_count = 2,
                     .min_accelerators = 1,
                     .min_memory = G};
    assert_true(matches(&host, "cuda(mem=48G) & cpu(mem=1G)"));
    assert_false(matches(&host, "cuda(mem=48G)"));
    assert_false(matches(&host, "cpu(mem=1G)"));
    assert_false(matches(&host, "cuda(mem=8G) & cpu(mem=1G)"));
}

TEST(memory_of_mps_is_the_machine_s)
{
    xpm_accelerator accelerators[] = {{.kind = XPM_ACCELERATOR_MPS}};
    xpm_host host = {.memory = 16 * G, .accelerators = accelerators, .accelerator_count = 1};
    assert_true(matches(&host, "mps(mem=8G) & cpu(mem=8G)"));
    assert_false(matches(&host, "gpu(mem=8G) & cpu(mem=9G)"));
    assert_false(matches(&host, "mps(mem=17G)"));
}

TEST(the_first_alternative_that_matches_is_told)
{
    xpm_host host = {.cores = 4};
    xpm_requirement *r = parsed("cpu(cores=8) | cpu(cores=4) | cpu()"), *none = parsed("gpu()");
    assert_int_equal(xpm_host_match(&host, r), 1);
    assert_int_equal(xpm_host_match(&host, none), -1);
    xpm_requirement_free(r);
    xpm_requirement_free(none);
    xpm_requirement_free(NULL);
    assert_null(xpm__requirement_copy(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_is_documented_is_read),
        cmocka_unit_test(durations_have_units),
        cmocka_unit_test(units_of_memory_are_powers_of_1024),
        cmocka_unit_test(space_and_letters_may_be_any_and_counts_before_or_after),
        cmocka_unit_test(what_is_printed_is_in_one_order_and_reads_as_the_same),
        cmocka_unit_test(of_what_is_said_twice_the_larger_counts),
        cmocka_unit_test(a_text_that_is_none_is_answered_with_what_would_be_right_and_where),
        cmocka_unit_test(the_caret_is_under_the_culprit_in_its_line_whatever_is_around),
        cmocka_unit_test(what_no_machine_has_is_out_of_range),
        cmocka_unit_test(a_requirement_is_made_of_requests_in_any_order),
        cmocka_unit_test(both_needs_each_with_each_and_either_needs_all_alternatives),
        cmocka_unit_test(only_accelerators_and_resources_are_multiplied),
        cmocka_unit_test(durations_are_multiplied),
        cmocka_unit_test(too_many_alternatives_are_refused),
        cmocka_unit_test(
            a_machine_of_which_nothing_is_known_has_no_accelerators_and_enough_of_the_rest),
        cmocka_unit_test(a_machine_has_what_it_has),
        cmocka_unit_test(accelerators_are_matched_from_the_largest_down),
        cmocka_unit_test(those_asked_for_by_kind_come_before_those_of_any),
        cmocka_unit_test(a_machine_may_want_no_small_jobs),
        cmocka_unit_test(memory_of_mps_is_the_machine_s),
        cmocka_unit_test(the_first_alternative_that_matches_is_told),
    };
    return RUN_TESTS(tests);
}
