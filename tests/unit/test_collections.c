/* Collections: tuples, sets and dicts, members of enumerations in them; what is in them twice. */
#include <math.h>

#include "checked.h"
#include "declare/config.h"
#include "declare/equal.h"
#include "declare/type.h"
#include "declare/value.h"
#include "declare/walk.h"

/* ---- Tuples ----------------------------------------------------------------------------------- */

TEST(each_item_of_a_tuple_has_its_own_type)
{
    xpm_value tuple = checked("tuple[int,str]", xpm_tuple("3", "3"));
    assert_int_equal(tuple.kind, XPM_KIND_TUPLE);
    assert_int_equal(tuple.size, 2);
    assert_int_equal(tuple.as.items[0].as.integer, 3);
    assert_string_equal(tuple.as.items[1].as.text, "3");
    xpm_value_clear(&tuple);
    assert_refused("tuple[int,str]", xpm_tuple(1, 2), XPM_E_TYPE, "expected str, got int 2");
    assert_string_equal(last.path, "$[1]");
}

TEST(a_tuple_has_as_many_items_as_types)
{
    const char *message = "expected tuple[int,str], got tuple of 1";
    assert_refused("tuple[int,str]", xpm_tuple(1), XPM_E_TYPE, message);
    assert_refused("tuple[int,str]", xpm_tuple(1, "a", 2), XPM_E_TYPE, "got tuple of 3");
    assert_refused("tuple[]", xpm_tuple(1), XPM_E_TYPE, "expected tuple[], got tuple of 1");
    assert_int_equal(checked("tuple[]", xpm_tuple()).kind, XPM_KIND_TUPLE);
}

TEST(a_tuple_of_any_length_has_items_of_one_type)
{
    assert_int_equal(checked("tuple[int,...]", xpm_tuple()).size, 0);
    xpm_value tuple = checked("tuple[float,...]", xpm_tuple(1, "2", 3.0));
    assert_int_equal(tuple.size, 3);
    for (size_t i = 0; i < 3; i++)
        assert_true(tuple.as.items[i].as.real == (double)(i + 1));
    xpm_value_clear(&tuple);
    assert_refused("tuple[int,...]", xpm_tuple(1, "a"), XPM_E_TYPE, "expected int");
}

TEST(a_list_becomes_a_tuple_and_a_tuple_no_list)
{
    xpm_value tuple = checked("tuple[int,int]", xpm_list(1, 2));
    assert_int_equal(tuple.kind, XPM_KIND_TUPLE);
    xpm_value_clear(&tuple);
    assert_refused("list[int]", xpm_tuple(1), XPM_E_TYPE, "expected list[int], got tuple of 1");
    xpm_value set = xpm_set_new();
    xpm_list_append(&set, xpm_int(1));
    assert_refused("tuple[int,...]", set, XPM_E_TYPE, "got set of 1");
}

TEST(tuples_are_equal_item_by_item)
{
    xpm_value a = xpm_tuple(1, xpm_list("x")), same = xpm_tuple(1.0, xpm_list("x"));
    xpm_value shorter = xpm_tuple(1), list = xpm_list(1, xpm_list("x"));
    assert_true(xpm__value_equal(&a, &same));
    assert_false(xpm__value_equal(&a, &shorter));
    assert_false(xpm__value_equal(&a, &list));
    xpm_value_clear(&a);
    xpm_value_clear(&same);
    xpm_value_clear(&shorter);
    xpm_value_clear(&list);
}

TEST(a_copied_tuple_owns_its_items)
{
    xpm_value tuple = xpm_tuple("a", xpm_tuple("b")), copy = xpm_value_copy(&tuple);
    xpm_value_clear(&tuple);
    assert_int_equal(copy.kind, XPM_KIND_TUPLE);
    assert_string_equal(copy.as.items[1].as.items[0].as.text, "b");
    xpm_value_clear(&copy);
}

static int print_path(void *user, xpm_config *config, const xpm__walk *walk)
{
    (void)config;
    xpm__walk_path(walk, user);
    xpm__str_putc(user, ';');
    return XPM__WALK_ON;
}

typedef struct {
    const xpm_value *pair;
} paired;
XPM_CONFIG(paired, "collections.paired",
           XPM_VALUE(pair, "tuple[demo.base,list[demo.base]]", .optional = true));

TEST(configurations_in_a_tuple_are_walked)
{
    xpm_value pair = xpm_tuple(xpm_new("demo.base"), xpm_list(xpm_new("demo.base")));
    xpm_config *config = xpm_config_ref(xpm_new("collections.paired", "pair", pair));
    xpm__str paths = {0};
    xpm__walk_from(config, &(xpm__walker){.enter = print_path, .user = &paths});
    assert_string_equal(paths.data, ";pair/0;pair/1/0;");
    xpm__str_free(&paths);
    assert_int_equal(xpm_config_seal(config, NULL, &last), -1);
    assert_string_equal(last.path, "$.pair[0].scale");
    xpm_config_unref(config);
}

/* ---- Sets and dicts --------------------------------------------------------------------------- */

TEST(what_a_set_holds_twice_once_coerced_it_holds_once)
{
    xpm_value set = xpm_set_new();
    for (int i = 0; i < 100; i++) {
        xpm_list_append(&set, xpm_int(i % 10));
        xpm_list_append(&set, xpm_str("7"));
        xpm_list_append(&set, xpm_float(3));
    }
    set = checked("set[int]", set);
    assert_int_equal(set.size, 10);
    for (size_t i = 0; i < 10; i++) {
        xpm_list_append(&set, xpm_int((int64_t)i));
        xpm_list_append(&set, xpm_int(-1 - (int64_t)i));
    }
    set = checked("set[int]", set);
    assert_int_equal(set.size, 20);
    xpm_value_clear(&set);
}

TEST(items_that_only_look_alike_stay_in_a_set)
{
    xpm_value set = xpm_set_new();
    xpm_list_append(&set, xpm_float((double)NAN));
    xpm_list_append(&set, xpm_float((double)NAN));
    xpm_list_append(&set, xpm_str("1"));
    xpm_list_append(&set, xpm_int(1));
    xpm_list_append(&set, xpm_tuple(1, "a"));
    xpm_list_append(&set, xpm_tuple(1, "b"));
    xpm_list_append(&set, xpm_none());
    set = checked("set[any]", set);
    assert_int_equal(set.size, 7);
    xpm_value_clear(&set);
}

TEST(a_set_holds_a_configuration_once_and_two_equal_ones)
{
    xpm_value set = xpm_set_new();
    xpm_config *one = xpm_new("demo.base", "scale", 1.0);
    xpm_list_append(&set, xpm_object(one));
    xpm_list_append(&set, xpm_object(one));
    xpm_list_append(&set, xpm_object(xpm_new("demo.base", "scale", 1.0)));
    set = checked("set[demo.base]", set);
    assert_int_equal(set.size, 2);
    xpm_value_clear(&set);
}

TEST(of_two_keys_that_become_equal_the_last_value_stays)
{
    xpm_value dict = checked("dict[int,str]", xpm_dict("1", "first", 2, "other", 1, "last"));
    assert_int_equal(dict.size, 2);
    assert_int_equal(dict.as.items[0].as.integer, 2);
    assert_string_equal(dict.as.items[3].as.text, "last");
    xpm_dict_append(&dict, xpm_int(4), xpm_str("more"));
    assert_int_equal(dict.size, 3);
    xpm_value_clear(&dict);
}

/* ---- Enumerations ----------------------------------------------------------------------------- */

static const xpm_type *size_type(void)
{
    static const char *const members[] = {"SMALL", "LARGE"};
    xpm_value values[] = {xpm_str("small"), xpm_str("large")};
    const xpm_type *type = xpm_type_enum_mixed("demo", "Size", members, values, 2);
    xpm_value_clear(&values[0]);
    xpm_value_clear(&values[1]);
    return type;
}

TEST(a_member_that_is_a_text_stays_a_member_where_one_is_wanted)
{
    xpm_value member = xpm_enum(size_type(), 1), text = xpm_str("large");
    assert_int_equal(xpm_check(size_type(), &member, NULL, &last), 0);
    assert_int_equal(member.kind, XPM_KIND_ENUM);
    assert_true(xpm__value_equal(&member, &text));
    assert_int_equal(xpm_check(size_type(), &text, NULL, &last), -1);
    assert_error(&last, XPM_E_TYPE, "expected demo.Size, got str \"large\"; give a member of it");
    xpm_value_clear(&text);
}

TEST(a_member_that_is_a_text_is_one_where_a_text_is_wanted)
{
    xpm_value text = checked("str", xpm_enum(size_type(), 0));
    assert_int_equal(text.kind, XPM_KIND_STR);
    assert_string_equal(text.as.text, "small");
    xpm_value_clear(&text);
    assert_int_equal(checked("any", xpm_enum(size_type(), 0)).kind, XPM_KIND_ENUM);
    assert_refused("int", xpm_enum(size_type(), 0), XPM_E_TYPE, "expected int, got str \"small\"");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_item_of_a_tuple_has_its_own_type),
        cmocka_unit_test(a_tuple_has_as_many_items_as_types),
        cmocka_unit_test(a_tuple_of_any_length_has_items_of_one_type),
        cmocka_unit_test(a_list_becomes_a_tuple_and_a_tuple_no_list),
        cmocka_unit_test(tuples_are_equal_item_by_item),
        cmocka_unit_test(a_copied_tuple_owns_its_items),
        cmocka_unit_test(configurations_in_a_tuple_are_walked),
        cmocka_unit_test(what_a_set_holds_twice_once_coerced_it_holds_once),
        cmocka_unit_test(items_that_only_look_alike_stay_in_a_set),
        cmocka_unit_test(a_set_holds_a_configuration_once_and_two_equal_ones),
        cmocka_unit_test(of_two_keys_that_become_equal_the_last_value_stays),
        cmocka_unit_test(a_member_that_is_a_text_stays_a_member_where_one_is_wanted),
        cmocka_unit_test(a_member_that_is_a_text_is_one_where_a_text_is_wanted),
    };
    return RUN_TESTS(tests);
}
