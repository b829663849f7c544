/* Filters of jobs: what they match, and what they say of a text that is none. */
#include "checked.h"
#include "leaks.h"
#include "watch/filter.h"

static bool filters(const char *text)
{
    xpm__job_view job = {.type = (char *)"demo.learn",
                         .hash = (char *)"3fa2",
                         .experiment = (char *)"digits",
                         .tags =
                             (char *)"{\"model\":\"a b\",\"rate\":0.1,\"deep\":true,\"none\":null}",
                         .state = {.state = XPM_JOB_ERROR}};
    xpm_error err = {0};
    xpm__filter *filter = xpm__filter_parse(text, &err);
    if (filter == NULL)
        fail_msg("%s", err.message);
    bool matched = xpm__filter_matches(filter, &job);
    xpm__filter_free(filter);
    return matched;
}

TEST(a_comparison_is_of_the_job_or_of_a_tag)
{
    assert_true(filters("@state = \"ERROR\""));
    assert_true(filters("@state == error"));
    assert_false(filters("@state != 'error'"));
    assert_true(filters("@name = demo.learn and @job ~ '3f' and @experiment = digits"));
    assert_true(filters("model = 'a b'"));
    assert_true(filters("rate = 0.1 and deep = true and none = null"));
    assert_false(filters("rate = 0.10"));
    assert_false(filters("missing = ''"));
    assert_true(filters("missing != ''"));
    assert_true(filters("\"model\" = \"a b\""));
}

TEST(a_match_is_from_the_start_and_need_not_be_whole)
{
    assert_true(filters("model ~ 'a'"));
    assert_false(filters("model ~ 'b'"));
    assert_true(filters("model ~ '.*b$'"));
    assert_true(filters("model ~ 'x|a'"));
    assert_false(filters("missing ~ '.*'"));
}

TEST(a_list_has_the_value_or_has_not)
{
    assert_true(filters("model in [\"a b\", c]"));
    assert_false(filters("model in []"));
    assert_true(filters("model not in [c]"));
    assert_true(filters("missing not in [c,]"));
    assert_true(filters("@state in [done, ERROR]"));
}

TEST(not_binds_closest_then_and_then_or)
{
    assert_true(filters("deep = true or deep = true and model = x"));
    assert_false(filters("(deep = true or deep = true) and model = x"));
    assert_true(filters("model = x and model = x or deep = true"));
    assert_true(filters("not model = x and deep = true"));
    assert_false(filters("not (model = x or deep = true)"));
    assert_true(filters("not not deep = true"));
}

static void assert_wrong(const char *text, const char *message)
{
    xpm_error err = {0};
    assert_null(xpm__filter_parse(text, &err));
    assert_int_equal(err.code, XPM_E_FORMAT);
    if (strstr(err.message, message) == NULL)
        fail_msg("%s", err.message);
}

TEST(a_text_that_is_no_filter_is_answered_with_what_is_expected_and_where)
{
    assert_wrong("", "@state, @name, @job, @experiment, or a tag's name, is expected");
    assert_wrong("a", "one of =, !=, ~, in, not in is expected in the filter:\n  a\n   ^");
    assert_wrong("a = b c", "and, or, or the end is expected in the filter:\n  a = b c\n        ^");
    assert_wrong("@stat = x", "one of @state, @name, @job, @experiment is expected");
    assert_wrong("a in b", "a list such as");
    assert_wrong("a in [b", "a comma or ]");
    assert_wrong("(a = b", "and, or, or )");
    assert_wrong("a = 'b", "a text between quotes");
    assert_wrong("a = 'b", "(these quotes have no end)");
    assert_wrong("a ~ .*b", "goes between quotes)");
    assert_wrong("a = b and", "or a tag's name,");
    assert_wrong("a ~ '('", "a regular expression (POSIX, extended)");
    assert_wrong("a ~ 'x{9}'", "without {");
    assert_wrong("a ~ '((x+)y)+'", "repetitions in repetitions");
    assert_wrong("a ~ 'x++'", "repetitions in repetitions");
    assert_true(filters("model ~ '(a|[+*]x)+ \\+?b'"));
    assert_wrong("a & b", "one of =");
}

TEST(a_state_that_does_not_exist_is_told_and_not_taken_for_one_that_no_job_has)
{
    xpm_error err = {0};
    assert_null(xpm__filter_parse("@name = a or @state in [done, runing]", &err));
    assert_int_equal(err.code, XPM_E_UNKNOWN);
    assert_non_null(strstr(err.message, "no state is named \"runing\"; did you mean running?"));
    assert_wrong("@state != 'done,error'", "one state, or `in` and a list,");
    assert_true(filters("@state ~ err"));
}

TEST(depth_and_length_are_bounded)
{
    char text[4100];
    memset(text, '(', sizeof text);
    text[300] = '\0';
    assert_wrong(text, "less depth");
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    assert_wrong(text, "more than 4000 characters");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_comparison_is_of_the_job_or_of_a_tag),
        cmocka_unit_test(a_match_is_from_the_start_and_need_not_be_whole),
        cmocka_unit_test(a_list_has_the_value_or_has_not),
        cmocka_unit_test(not_binds_closest_then_and_then_or),
        cmocka_unit_test(a_text_that_is_no_filter_is_answered_with_what_is_expected_and_where),
        cmocka_unit_test(a_state_that_does_not_exist_is_told_and_not_taken_for_one_that_no_job_has),
        cmocka_unit_test(depth_and_length_are_bounded),
    };
    return RUN_TESTS(tests);
}
