/* YAML: what scalars mean, and how files are refused. Expected values are PyYAML's: python/tests/test_settings.py
 * compares with it. */
#include <math.h>

#include "leaks.h"
#include "settings/yaml.h"

/* What a text holds, as JSON; or its error's message. In one buffer. */
static const char *read_text(const char *text)
{
    static char buffer[4096];
    xpm__yaml yaml;
    xpm_error err = {0};
    xpm__str out = {0};
    if (xpm__yaml_parse(&yaml, "f.yaml", text, strlen(text), &err) == 0)
        xpm__yaml_print(yaml.root, &out);
    else
        assert_int_equal(err.code, XPM_E_FORMAT);
    snprintf(buffer, sizeof buffer, "%s", out.data != NULL ? out.data : err.message);
    xpm__str_free(&out);
    xpm__yaml_clear(&yaml);
    return buffer;
}

TEST(a_plain_scalar_means_what_pyyaml_makes_of_it)
{
    static const char *const table[][2] = {
        {"yes", "true"},
        {"Yes", "true"},
        {"YES", "true"},
        {"yEs", "\"yEs\""},
        {"on", "true"},
        {"off", "false"},
        {"No", "false"},
        {"y", "\"y\""},
        {"n", "\"n\""},
        {"True", "true"},
        {"FALSE", "false"},
        {"~", "null"},
        {"", "null"},
        {"Null", "null"},
        {"nUll", "\"nUll\""},
        {"0", "0"},
        {"-0", "0"},
        {"+12", "12"},
        {"-12", "-12"},
        {"010", "8"},
        {"08", "\"08\""},
        {"0_", "0"},
        {"0o7", "\"0o7\""},
        {"0x1F", "31"},
        {"-0x1f", "-31"},
        {"0x", "\"0x\""},
        {"0b101", "5"},
        {"0b1_", "1"},
        {"0b2", "\"0b2\""},
        {"1_000", "1000"},
        {"1_", "1"},
        {"_1", "\"_1\""},
        {"1:30", "90"},
        {"-1:30", "-90"},
        {"1:3", "63"},
        {"1:60", "\"1:60\""},
        {"0:30", "\"0:30\""},
        {"190:20:30", "685230"},
        {"1.5", "1.5"},
        {"1.", "1.0"},
        {".5", "0.5"},
        {"-.5", "\"-.5\""},
        {"+.5", "\"+.5\""},
        {"1e5", "\"1e5\""},
        {"1.0e5", "\"1.0e5\""},
        {"1.0e+5", "100000.0"},
        {"1.5E-2", "0.015"},
        {"1.5e+", "\"1.5e+\""},
        {".", "\".\""},
        {"1:30.5", "90.5"},
        {"00:30.", "30.0"},
        {"1_0.2_5", "10.25"},
        {".inf", "Infinity"},
        {"-.Inf", "-Infinity"},
        {"+.INF", "Infinity"},
        {".iNF", "\".iNF\""},
        {".nan", "NaN"},
        {".NaN", "NaN"},
        {"-.nan", "\"-.nan\""},
        {".Nan", "\".Nan\""},
        {"-0.0", "-0.0"},
        {"2020-01-02", "\"2020-01-02\""},
        {"=", "\"=\""},
        {"1.2.3", "\"1.2.3\""},
        {"9223372036854775807", "9223372036854775807"},
        {"-9223372036854775808", "-9223372036854775808"},
        {"!!str 12", "\"12\""},
        {"!!int '12'", "12"},
        {"!!float 3", "3.0"},
        {"! 12", "12"},
        {"'12'", "\"12\""},
        {"\"yes\"", "\"yes\""},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char text[64], expected[64];
        snprintf(text, sizeof text, "{a: %s}", table[i][0]);
        snprintf(expected, sizeof expected, "{\"a\":%s}", table[i][1]);
        if (strcmp(read_text(text), expected) != 0)
            fail_msg("%s gives %s", text, read_text(text));
    }
}

TEST(a_number_is_spelt_as_python_does)
{
    static const struct {
        double value;
        const char *text;
    } table[] = {
        {1, "1.0"},
        {0.1, "0.1"},
        {1e15, "1000000000000000.0"},
        {1e16, "1e+16"},
        {123456789012345680.0, "1.2345678901234568e+17"},
        {12345678901234568.0, "1.2345678901234568e+16"},
        {-12345678901234568.0, "-1.2345678901234568e+16"},
        {1234567890123456.0, "1234567890123456.0"},
        {0.0001, "0.0001"},
        {0.00001, "1e-05"},
        {-0.0, "-0.0"},
        {1.0 / 3, "0.3333333333333333"},
        {1e22, "1e+22"},
        {9007199254740993.0, "9007199254740992.0"},
        {5e-324, "5e-324"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {(double)INFINITY, "inf"},
        {-(double)INFINITY, "-inf"},
        {(double)NAN, "nan"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        xpm__yaml_scalar scalar = {XPM__YAML_FLOAT, {.real = table[i].value}};
        xpm__str out = {0};
        xpm__yaml_spell(&scalar, &out);
        assert_string_equal(out.data, table[i].text);
        xpm__str_free(&out);
    }
}

TEST(lists_maps_texts_and_aliases_are_read)
{
    assert_string_equal(read_text(""), "null");
    assert_string_equal(read_text("# nothing\n---\n"), "null");
    assert_string_equal(read_text("- a\n- [b, {c: d}]\n-\n"), "[\"a\",[\"b\",{\"c\":\"d\"}],null]");
    assert_string_equal(read_text("a: |\n  x\n  y\nb: >-\n  x\n  y\n"),
                        "{\"a\":\"x\\ny\\n\",\"b\":\"x y\"}");
    assert_string_equal(read_text("a: &x [1]\nb: *x\n"), "{\"a\":[1],\"b\":[1]}");
    assert_string_equal(read_text("no: 1\n010: 2\n"), "{\"no\":1,\"010\":2}");
}

TEST(merged_keys_are_those_that_are_not_there)
{
    assert_string_equal(read_text("- &a {x: 1, y: 2}\n- {<<: *a, y: 3}\n"),
                        "[{\"x\":1,\"y\":2},{\"y\":3,\"x\":1}]");
    assert_string_equal(read_text("- &a {x: 1}\n- &b {x: 2, z: 4}\n- <<: [*a, *b]\n"),
                        "[{\"x\":1},{\"x\":2,\"z\":4},{\"x\":1,\"z\":4}]");
    assert_string_equal(read_text("'<<': 1\n"), "{\"<<\":1}");
}

TEST(what_cannot_be_read_is_told_with_its_line)
{
    static const char *const table[][2] = {
        {"a: 1\nb: 2\na: 3\n", "f.yaml:3: \"a\" is there twice, first in line 1"},
        {"a: &x [*x]\n", "f.yaml:1: *x is inside what it stands for, of line 1"},
        {"a: 1\nb: *x\n", "f.yaml:2: *x stands for nothing: there is no &x before it"},
        {"a: &x 1\nb: &x 2\n", "f.yaml:2: the anchor &x is there twice, first in line 1"},
        {"a:\n  <<: 3\n", "f.yaml:2: << takes a map, as *NAME, or a list of maps"},
        {"\n[1]: 2\n", "f.yaml:2: a key must be a text, and not a list"},
        {"a: 9223372036854775808\n", "f.yaml:1: the whole number 9223372036854775808 does not fit "
                                     "into 64 bits: write it in quotes"},
        {"a: \"x\\0\"\n", "f.yaml:1: a text cannot have the character 0"},
        {"a: 1\n---\nb: 2\n", "f.yaml:2: a second document begins here: there may be one"},
        {"a: !thing 1\n", "f.yaml:1: the tag !thing means nothing here"},
        {"a: !!int x\n", "f.yaml:1: the value is not of its tag, !!int"},
        {"a: [1\n", "f.yaml:1: did not find expected ',' or ']', while parsing a flow sequence "
                    "that begins in line 1"},
        {"a: @b\n", "f.yaml:1: a value cannot begin with this character (a tab, @, ` or %): write "
                    "it in quotes"},
        {"a: 1\n b: 2\n", "f.yaml:2: mapping values are not allowed in this context"},
        {"a:\n  - b\n\t- c\n", "f.yaml:3: found a tab character that violates indentation"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strncmp(read_text(table[i][0]), table[i][1], strlen(table[i][1])) != 0)
            fail_msg("%s gives: %s", table[i][0], read_text(table[i][0]));
}

TEST(what_is_too_much_is_refused)
{
    xpm__str text = {0};
    for (int i = 0; i <= XPM__YAML_DEPTH; i++)
        xpm__str_putc(&text, '[');
    assert_non_null(strstr(read_text(text.data), "in one another more than 64 times"));
    xpm__str_clear(&text);
    xpm__str_puts(&text, "- &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 9; i++)
        xpm__str_printf(&text, "- &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i,
                        i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    assert_non_null(strstr(read_text(text.data), "more than 100000 values, with what aliases"));
    xpm__str_clear(&text);
    xpm__str_putc(&text, '[');
    for (int i = 0; i <= XPM__YAML_VALUES; i++)
        xpm__str_puts(&text, "1,");
    xpm__str_putc(&text, ']');
    assert_non_null(strstr(read_text(text.data), "f.yaml:1: there are more than 100000 values"));
    xpm__str_clear(&text);
    for (int i = 0; i <= XPM__YAML_SIZE; i++)
        xpm__str_putc(&text, '#');
    assert_string_equal(read_text(text.data), "f.yaml has more than 1048576 bytes");
    xpm__str_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_scalar_means_what_pyyaml_makes_of_it),
        cmocka_unit_test(a_number_is_spelt_as_python_does),
        cmocka_unit_test(lists_maps_texts_and_aliases_are_read),
        cmocka_unit_test(merged_keys_are_those_that_are_not_there),
        cmocka_unit_test(what_cannot_be_read_is_told_with_its_line),
        cmocka_unit_test(what_is_too_much_is_refused),
    };
    return RUN_TESTS(tests);
}
