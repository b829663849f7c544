/* Types and values: reading a type, checking and coercing a value, with the path of the culprit. */
#include <float.h>
#include <math.h>

#include "base/mem.h"
#include "declare/class.h"
#include "declare/config.h"
#include "declare/type.h"
#include "checked.h"

/* ---- Types ------------------------------------------------------------------------------------ */

TEST(a_type_is_read_back_from_its_text)
{
    static const char *const texts[] = {"int",
                                        "float",
                                        "bool",
                                        "str",
                                        "path",
                                        "any",
                                        "none",
                                        "list[float]",
                                        "set[str]",
                                        "dict[str,list[int]]",
                                        "int|str",
                                        "demo.model?",
                                        "list[demo.base|none]",
                                        "dict[int,dict[str,set[bool]?]]",
                                        "tuple[int,str?]",
                                        "tuple[demo.model,...]",
                                        "tuple[]",
                                        "list[tuple[tuple[int],...]]"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        xpm_error err = {0};
        const xpm_type *type = xpm_type_parse(texts[i], &err);
        assert_string_equal(err.message, "");
        char *text = xpm_type_text(type);
        assert_string_equal(text, texts[i]);
        xpm_free(text);
    }
}

TEST(spaces_and_double_optionals_change_no_type)
{
    char *text = xpm_type_text(xpm_type_parse(" dict[ str , list[int ]? ]?? ", NULL));
    assert_string_equal(text, "dict[str,list[int]?]?");
    xpm_free(text);
    assert_int_equal(xpm_type_kind(xpm_type_parse("demo.model", NULL)), XPM_KIND_CONFIG);
}

TEST(a_type_that_cannot_be_read_says_what_was_expected)
{
    static const struct {
        const char *text, *part;
        xpm_code code;
    } cases[] = {
        {"", "the name of a type", XPM_E_FORMAT},
        {"list", "expected [", XPM_E_FORMAT},
        {"list[int", "expected ]", XPM_E_FORMAT},
        {"list[int]]", "expected the end at \"]\"", XPM_E_FORMAT},
        {"dict[str]", "expected ,", XPM_E_FORMAT},
        {"dict[list[int],str]", "expected a scalar as the type of keys", XPM_E_FORMAT},
        {"tuple", "expected [", XPM_E_FORMAT},
        {"tuple[int", "expected ]", XPM_E_FORMAT},
        {"tuple[...]", "no class \"...\" is declared", XPM_E_UNKNOWN},
        {"tuple[int,..]", "expected ...]", XPM_E_FORMAT},
        {"tuple[int,str,...]", "no class \"...\" is declared", XPM_E_UNKNOWN},
        {"tuple[int,int,int,int,int,int,int,int,int,int,int,int,int,int,int,int,int]",
         "fewer items", XPM_E_FORMAT},
        {"int|", "the name of a type", XPM_E_FORMAT},
        {"|int", "the name of a type", XPM_E_FORMAT},
        {"int int", "the end at \"int\"", XPM_E_FORMAT},
        {"demo.absent", "no class \"demo.absent\" is declared", XPM_E_UNKNOWN},
        {"list[demo.absent]", "no class \"demo.absent\" is declared", XPM_E_UNKNOWN},
        {"int|int|int|int|int|int|int|int|int|int|int|int|int|int|int|int|int",
         "fewer alternatives", XPM_E_FORMAT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        xpm_error err = {0};
        assert_null(xpm_type_parse(cases[i].text, &err));
        assert_error(&err, cases[i].code, cases[i].part);
    }
}

TEST(a_type_nested_too_deep_is_refused)
{
    char text[8 * 200 + 1] = "";
    for (int i = 0; i < 200; i++)
        memcpy(text + 5 * i, "list[", 6);
    xpm_error err = {0};
    assert_null(xpm_type_parse(text, &err));
    assert_error(&err, XPM_E_FORMAT, "fewer nested types");
}

TEST(an_enumeration_knows_its_members)
{
    static const char *const members[] = {"RED", "GREEN"};
    const xpm_type *type = xpm_type_enum("demo", "Color", members, 2);
    assert_string_equal(xpm_type_enum_module(type), "demo");
    assert_string_equal(xpm_type_enum_name(type), "Color");
    assert_string_equal(xpm_type_enum_member(type, 1), "GREEN");
    assert_null(xpm_type_enum_member(type, 2));
    assert_null(xpm_type_enum_member(xpm_type_scalar(XPM_KIND_INT), 0));
    assert_null(xpm_type_scalar(XPM_KIND_LIST));
}

/* ---- Coercions -------------------------------------------------------------------------------- */

static void assert_int(const char *type, xpm_value value, int64_t expected)
{
    xpm_value got = checked(type, value);
    assert_string_equal(last.message, "");
    assert_int_equal(got.kind, XPM_KIND_INT);
    assert_true(got.as.integer == expected);
}

static void assert_float(const char *type, xpm_value value, double expected)
{
    xpm_value got = checked(type, value);
    assert_string_equal(last.message, "");
    assert_int_equal(got.kind, XPM_KIND_FLOAT);
    assert_memory_equal(&got.as.real, &expected, sizeof expected);
}

static void assert_bool(const char *type, xpm_value value, bool expected)
{
    xpm_value got = checked(type, value);
    assert_string_equal(last.message, "");
    assert_int_equal(got.kind, XPM_KIND_BOOL);
    assert_int_equal(got.as.boolean, expected);
}

TEST(what_reads_as_an_int_becomes_one)
{
    assert_int("int", xpm_int(3), 3);
    assert_int("int", xpm_str("3"), 3);
    assert_int("int", xpm_str(" -12 "), -12);
    assert_int("int", xpm_str("+7"), 7);
    assert_int("int", xpm_str("3.00"), 3);
    assert_int("int", xpm_str("1_000"), 1000);
    assert_int("int", xpm_str("007"), 7);
    assert_int("int", xpm_float(2.0), 2);
    assert_int("int", xpm_float(-0.0), 0);
    assert_int("int", xpm_bool(true), 1);
}

TEST(what_does_not_read_as_an_int_is_refused)
{
    assert_refused("int", xpm_float(1.5), XPM_E_TYPE, "expected int, got float 1.5");
    static const char *const texts[] = {"3.5", "3.", "1__0", "_1", "1_", "1e3", "- 3", "inf", "."};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_refused("int", xpm_str(texts[i]), XPM_E_TYPE, "expected int, got str \"");
    assert_refused("int", xpm_str(""), XPM_E_TYPE, "got str \"\"");
    assert_refused("int", xpm_str("3 4"), XPM_E_TYPE, "got str \"3 4\"");
    assert_refused("int", xpm_str("0x10"), XPM_E_TYPE, "got str \"0x10\"");
    assert_refused("int", xpm_str_sized("3\0004", 3), XPM_E_TYPE, "got str");
    assert_refused("int", xpm_float(NAN), XPM_E_TYPE, "got float");
    assert_refused("int", xpm_none(), XPM_E_TYPE, "got none");
    assert_refused("int", xpm_list_new(), XPM_E_TYPE, "got list of 0");
    assert_refused("int", xpm_path("3"), XPM_E_TYPE, "got path \"3\"");
}

TEST(an_int_is_of_64_bits)
{
    assert_int("int", xpm_str("9223372036854775807"), INT64_MAX);
    assert_int("int", xpm_str("-9223372036854775808"), INT64_MIN);
    assert_int("int", xpm_float(-0x1p63), INT64_MIN);
    assert_refused("int", xpm_str("9223372036854775808"), XPM_E_RANGE, "64 bits");
    assert_refused("int", xpm_str("-9223372036854775809"), XPM_E_RANGE, "64 bits");
    assert_refused("int", xpm_float(0x1p63), XPM_E_RANGE, "64 bits");
    assert_refused("int", xpm_float(-0x1.0000000000001p63), XPM_E_RANGE, "64 bits");
    assert_refused("int", xpm_float(INFINITY), XPM_E_RANGE, "64 bits");
}

TEST(what_reads_as_a_float_becomes_one)
{
    assert_float("float", xpm_float(-0.0), -0.0);
    assert_float("float", xpm_int(3), 3.0);
    assert_float("float", xpm_bool(true), 1.0);
    assert_float("float", xpm_str("1e-3"), 1e-3);
    assert_float("float", xpm_str(" .5 "), 0.5);
    assert_float("float", xpm_str("inf"), INFINITY);
    assert_true(isnan(checked("float", xpm_str("nan")).as.real));
    assert_float("float", xpm_str("-Infinity"), -INFINITY);
    assert_float("float", xpm_str("+1_0.5E+2"), 1050.0);
    assert_float("float", xpm_str("5."), 5.0);
    assert_float("float", xpm_str("1e400"), INFINITY);
    static const char *const texts[] = {"0x10", "nan()", "infinit", "1,5", "e3", ".", "1e", "1__0"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_refused("float", xpm_str(texts[i]), XPM_E_TYPE, "expected float, got str \"");
    assert_refused("float", xpm_str("one"), XPM_E_TYPE, "expected float, got str \"one\"");
    assert_refused("float", xpm_str(""), XPM_E_TYPE, "expected float");
    assert_refused("float", xpm_none(), XPM_E_TYPE, "got none");
}

TEST(a_bool_is_read_from_words_and_from_0_and_1)
{
    static const char *const yes[] = {"true", "True", "TRUE", "t", "yes", "Y", "on", "1"};
    static const char *const no[] = {"false", "False", "F", "no", "n", "OFF", "0"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        assert_bool("bool", xpm_str(yes[i]), true);
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        assert_bool("bool", xpm_str(no[i]), false);
    assert_bool("bool", xpm_bool(true), true);
    assert_bool("bool", xpm_int(1), true);
    assert_bool("bool", xpm_int(0), false);
    assert_bool("bool", xpm_float(1.0), true);
    assert_refused("bool", xpm_int(2), XPM_E_TYPE, "expected bool, got int 2");
    assert_refused("bool", xpm_float(0.5), XPM_E_TYPE, "expected bool");
    assert_refused("bool", xpm_str("maybe"), XPM_E_TYPE, "got str \"maybe\"");
    assert_refused("bool", xpm_str(""), XPM_E_TYPE, "expected bool");
}

TEST(a_str_is_a_text_and_nothing_else)
{
    xpm_value text = checked("str", xpm_str("3"));
    assert_int_equal(text.kind, XPM_KIND_STR);
    xpm_value_clear(&text);
    assert_refused("str", xpm_int(3), XPM_E_TYPE, "expected str, got int 3");
    assert_refused("str", xpm_bool(true), XPM_E_TYPE, "expected str, got bool true");
    assert_refused("str", xpm_path("a"), XPM_E_TYPE, "expected str, got path");
    assert_refused("str", xpm_none(), XPM_E_TYPE, "expected str, got none");
}

TEST(a_path_is_made_from_a_text)
{
    xpm_value path = checked("path", xpm_str("/data"));
    assert_int_equal(path.kind, XPM_KIND_PATH);
    assert_string_equal(path.as.text, "/data");
    xpm_value_clear(&path);
    assert_refused("path", xpm_int(3), XPM_E_TYPE, "expected path, got int 3");
}

TEST(an_optional_accepts_none_and_what_it_holds)
{
    assert_int_equal(checked("int?", xpm_none()).kind, XPM_KIND_NONE);
    assert_int("int?", xpm_str("4"), 4);
    assert_refused("int?", xpm_str("x"), XPM_E_TYPE, "expected int, got str \"x\"");
    assert_refused("none", xpm_int(0), XPM_E_TYPE, "expected none, got int 0");
}

TEST(the_first_alternative_of_a_union_that_accepts_wins)
{
    assert_int("int|str", xpm_str("3"), 3);
    xpm_value text = checked("str|int", xpm_str("3"));
    assert_int_equal(text.kind, XPM_KIND_STR);
    xpm_value_clear(&text);
    text = checked("int|str", xpm_str("three"));
    assert_int_equal(text.kind, XPM_KIND_STR);
    xpm_value_clear(&text);
    assert_float("int|float", xpm_float(1.5), 1.5);
    assert_int("int|float", xpm_float(2.0), 2);
    assert_refused("int|bool", xpm_str("x"), XPM_E_TYPE, "expected int|bool, got str \"x\"");
}

TEST(an_alternative_that_fails_half_way_changes_nothing)
{
    xpm_value list = checked("list[int]|list[str]", xpm_list("1", "two"));
    assert_int_equal(list.as.items[0].kind, XPM_KIND_STR);
    assert_string_equal(list.as.items[0].as.text, "1");
    xpm_value_clear(&list);
}

TEST(anything_is_any)
{
    assert_int_equal(checked("any", xpm_none()).kind, XPM_KIND_NONE);
    xpm_value text = checked("any", xpm_str("3"));
    assert_int_equal(text.kind, XPM_KIND_STR);
    xpm_value_clear(&text);
}

TEST(items_are_coerced_in_place)
{
    xpm_value list = checked("list[list[int]]", xpm_list(xpm_list("1", 2.0), xpm_list_new()));
    assert_int_equal(list.as.items[0].as.items[0].as.integer, 1);
    assert_int_equal(list.as.items[0].as.items[1].as.integer, 2);
    xpm_value_clear(&list);
    xpm_value dict = checked("dict[int,float]", xpm_dict("1", 2, "3", "4.5"));
    assert_int_equal(dict.as.items[0].as.integer, 1);
    assert_true(dict.as.items[3].as.real == 4.5);
    xpm_value_clear(&dict);
    assert_refused("list[int]", xpm_set_new(), XPM_E_TYPE, "expected list[int], got set of 0");
    assert_refused("set[int]", xpm_list_new(), XPM_E_TYPE, "expected set[int], got list of 0");
    assert_refused("dict[str,int]", xpm_list_new(), XPM_E_TYPE, "got list of 0");
}

TEST(an_error_names_the_place_of_the_culprit)
{
    assert_refused("list[int]", xpm_list(1, "x", 3), XPM_E_TYPE, "expected int");
    assert_string_equal(last.path, "$[1]");
    assert_refused("dict[str,list[int]]", xpm_dict("a", xpm_list(1, 2, xpm_none())), XPM_E_TYPE,
                   "got none");
    assert_string_equal(last.path, "$[\"a\"][2]");
    assert_refused("dict[int,int]", xpm_dict(7, "x"), XPM_E_TYPE, "got str");
    assert_string_equal(last.path, "$[7]");
    assert_refused("int", xpm_str("x"), XPM_E_TYPE, "expected int");
    assert_string_equal(last.path, "$");
    xpm_value value = xpm_list("x");
    assert_int_equal(xpm_check(xpm_type_parse("list[int]", NULL), &value, "$.model.layers", &last),
                     -1);
    assert_string_equal(last.path, "$.model.layers[0]");
    xpm_value_clear(&value);
}

TEST(a_member_of_another_enumeration_is_refused)
{
    static const char *const members[] = {"RED", "GREEN"};
    const xpm_type *color = xpm_type_enum("demo", "Color", members, 2);
    const xpm_type *again = xpm_type_enum("demo", "Color", members, 2);
    const xpm_type *other = xpm_type_enum("demo", "Shade", members, 2);
    xpm_value value = xpm_enum(color, 1);
    assert_int_equal(xpm_check(again, &value, NULL, &last), 0);
    assert_int_equal(xpm_check(other, &value, NULL, &last), -1);
    assert_error(&last, XPM_E_TYPE, "expected demo.Shade, got demo.Color.GREEN");
    value = xpm_str("RED");
    assert_int_equal(xpm_check(color, &value, NULL, &last), -1);
    assert_error(&last, XPM_E_TYPE, "expected demo.Color, got str \"RED\"");
    xpm_value_clear(&value);
}

TEST(a_class_accepts_those_that_extend_it)
{
    xpm_config *extended = xpm_config_ref(xpm_config_new(xpm_class_find("demo.layer")));
    xpm_value value = checked("demo.base", xpm_object(extended));
    assert_int_equal(value.kind, XPM_KIND_CONFIG);
    xpm_value_clear(&value);
    assert_refused("demo.model", xpm_object(extended), XPM_E_TYPE,
                   "expected demo.model, got demo.layer");
    xpm_config_unref(extended);
}

/* ---- Values ----------------------------------------------------------------------------------- */

TEST(a_copy_owns_what_it_points_to)
{
    xpm_config *shared = xpm_config_ref(xpm_config_new(xpm_class_find("demo.base")));
    xpm_value value = xpm_list("a", xpm_dict("k", shared), xpm_list_new(), 1.5);
    for (int i = 0; i < 20; i++)
        xpm_list_append(&value, xpm_int(i));
    xpm_value copy = xpm_value_copy(&value);
    assert_ptr_not_equal(copy.as.items, value.as.items);
    assert_ptr_not_equal(copy.as.items[0].as.text, value.as.items[0].as.text);
    assert_ptr_equal(copy.as.items[1].as.items[1].as.config, shared);
    xpm_value_clear(&value);
    assert_int_equal(value.kind, XPM_KIND_UNSET);
    for (int i = 20; i < 40; i++)
        xpm_list_append(&copy, xpm_int(i)); /* a copy grows too */
    assert_int_equal(copy.size, 44);
    assert_string_equal(copy.as.items[0].as.text, "a");
    assert_int_equal(copy.as.items[43].as.integer, 39);
    assert_int_equal(shared->refs, 2);
    xpm_value_clear(&copy);
    assert_int_equal(shared->refs, 1);
    xpm_config_unref(shared);
}

TEST(nothing_becomes_none)
{
    assert_int_equal(xpm_str(NULL).kind, XPM_KIND_NONE);
    assert_int_equal(xpm_path(NULL).kind, XPM_KIND_NONE);
    assert_int_equal(xpm_object(NULL).kind, XPM_KIND_NONE);
}

TEST(the_macros_build_values_of_each_c_type)
{
    xpm_value list =
        xpm_list((bool)true, 1, 2L, 3LL, 4u, 1.5f, 2.5, "text", xpm_none(), xpm_list());
    static const xpm_kind kinds[] = {XPM_KIND_BOOL, XPM_KIND_INT,   XPM_KIND_INT,   XPM_KIND_INT,
                                     XPM_KIND_INT,  XPM_KIND_FLOAT, XPM_KIND_FLOAT, XPM_KIND_STR,
                                     XPM_KIND_NONE, XPM_KIND_LIST};
    assert_int_equal(list.size, 10);
    for (size_t i = 0; i < list.size; i++)
        assert_int_equal(list.as.items[i].kind, kinds[i]);
    xpm_value_clear(&list);
    xpm_value odd = xpm_dict("a", 1, "without a value");
    assert_int_equal(odd.size, 1);
    xpm_value_clear(&odd);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_type_is_read_back_from_its_text),
        cmocka_unit_test(spaces_and_double_optionals_change_no_type),
        cmocka_unit_test(a_type_that_cannot_be_read_says_what_was_expected),
        cmocka_unit_test(a_type_nested_too_deep_is_refused),
        cmocka_unit_test(an_enumeration_knows_its_members),
        cmocka_unit_test(what_reads_as_an_int_becomes_one),
        cmocka_unit_test(what_does_not_read_as_an_int_is_refused),
        cmocka_unit_test(an_int_is_of_64_bits),
        cmocka_unit_test(what_reads_as_a_float_becomes_one),
        cmocka_unit_test(a_bool_is_read_from_words_and_from_0_and_1),
        cmocka_unit_test(a_str_is_a_text_and_nothing_else),
        cmocka_unit_test(a_path_is_made_from_a_text),
        cmocka_unit_test(an_optional_accepts_none_and_what_it_holds),
        cmocka_unit_test(the_first_alternative_of_a_union_that_accepts_wins),
        cmocka_unit_test(an_alternative_that_fails_half_way_changes_nothing),
        cmocka_unit_test(anything_is_any),
        cmocka_unit_test(items_are_coerced_in_place),
        cmocka_unit_test(an_error_names_the_place_of_the_culprit),
        cmocka_unit_test(a_member_of_another_enumeration_is_refused),
        cmocka_unit_test(a_class_accepts_those_that_extend_it),
        cmocka_unit_test(a_copy_owns_what_it_points_to),
        cmocka_unit_test(nothing_becomes_none),
        cmocka_unit_test(the_macros_build_values_of_each_c_type),
    };
    return RUN_TESTS(tests);
}
