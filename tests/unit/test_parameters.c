/* Parameters: the choices that they have, and what may be in place of an inherited one. */
#include "checked.h"
#include "declare/class.h"
#include "declare/config.h"
#include "declare/parameter.h"
#include "declare/type.h"

/* ---- Choices ---------------------------------------------------------------------------------- */

typedef struct {
    const char *loss;
    int64_t bits;
} chosen;
XPM_CONFIG(chosen, "parameters.chosen", XPM_STR(loss, .choices = "square,absolute"),
           XPM_INT(bits, XPM_DEFAULT(16), .choices = "8, 16, 32", .optional = true));

TEST(a_choice_is_accepted_and_another_value_refused)
{
    xpm_config *config = xpm_config_ref(xpm_new("parameters.chosen", "loss", "square"));
    assert_int_equal(xpm_config_set(config, "loss", xpm_str("absolute"), &last), 0);
    assert_int_equal(xpm_config_set(config, "loss", xpm_str("cubic"), &last), -1);
    assert_error(&last, XPM_E_RANGE,
                 "str \"cubic\" is not one of the choices: str \"square\", str \"absolute\"");
    assert_string_equal(last.path, "$.loss");
    assert_string_equal(xpm_text(config, "loss"), "absolute");
    xpm_config_unref(config);
}

TEST(choices_are_compared_after_coercion)
{
    xpm_config *config = xpm_config_ref(xpm_new("parameters.chosen", "bits", "32"));
    assert_int_equal(xpm_config_get(config, "bits")->as.integer, 32);
    assert_int_equal(xpm_config_set(config, "bits", xpm_float(8), &last), 0);
    assert_int_equal(xpm_config_set(config, "bits", xpm_int(64), &last), -1);
    assert_error(&last, XPM_E_RANGE, "int 64 is not one of the choices: int 8, int 16, int 32");
    assert_int_equal(xpm_config_set(config, "bits", xpm_none(), &last), 0);
    xpm_config_unref(config);
}

TEST(the_path_of_a_value_that_is_checked_by_number_is_the_callers)
{
    xpm_config *config = xpm_config_ref(xpm_new("parameters.chosen"));
    xpm_value value = xpm_int(3);
    size_t bits = (size_t)xpm_class_index(config->class_, "bits");
    assert_int_equal(xpm_config_check(config, bits, &value, "given", &last), -1);
    assert_string_equal(last.path, "given");
    assert_int_equal(xpm_config_check(config, bits, &value, NULL, &last), -1);
    assert_string_equal(last.path, "$.bits");
    xpm_config_unref(config);
}

static xpm_class *declare(const char *name, const xpm_class *above)
{
    xpm_declaration declaration = {.name = name,
                                   .module = "",
                                   .qualname = name,
                                   .origin = name,
                                   .language = "c",
                                   .bases = &above,
                                   .base_count = above != NULL};
    return xpm_class_declare(&declaration, &last);
}

static int add(xpm_class *class_, const char *type, xpm_value fallback, const xpm_value *choices,
               size_t count)
{
    xpm_parameter parameter = {.name = "x",
                               .type = xpm_type_parse(type, NULL),
                               .fallback = fallback,
                               .choices = choices,
                               .choice_count = count};
    last = (xpm_error){0};
    return xpm_class_add(class_, &parameter, &last);
}

TEST(a_default_is_one_of_the_choices)
{
    xpm_class *class_ = declare("parameters.fallback", NULL);
    const xpm_value choices[] = {xpm_int(1), xpm_int(2)};
    assert_int_equal(add(class_, "int", xpm_int(3), choices, 2), -1);
    assert_error(&last, XPM_E_RANGE, "int 3 is not one of the choices: int 1, int 2");
    assert_string_equal(last.path, "default of parameters.fallback.x");
    assert_int_equal(add(class_, "int", xpm_int(2), choices, 2), 0);
}

TEST(a_choice_is_a_scalar_of_the_type)
{
    xpm_class *class_ = declare("parameters.choice", NULL);
    const xpm_value number = xpm_int(1);
    xpm_value list = xpm_list(1);
    assert_int_equal(add(class_, "str", (xpm_value){0}, &number, 1), -1);
    assert_error(&last, XPM_E_TYPE, "expected str, got int 1");
    assert_string_equal(last.path, "a choice of parameters.choice.x");
    assert_int_equal(add(class_, "list[int]", (xpm_value){0}, &list, 1), -1);
    assert_error(&last, XPM_E_TYPE, "a choice is a number, a text");
    xpm_value_clear(&list);
}

/* ---- Overriding ------------------------------------------------------------------------------- */

/* Whether a parameter of type `mine` may be in place of an inherited one of type `theirs`. */
static bool overrides(const char *mine, const char *theirs)
{
    return xpm__type_overrides(xpm_type_parse(mine, NULL), xpm_type_parse(theirs, NULL));
}

TEST(a_type_of_the_same_kind_may_be_in_place_of_an_inherited_one)
{
    assert_true(overrides("int", "int"));
    assert_true(overrides("list[str]", "list[int]"));
    assert_true(overrides("int|str", "float|path"));
    assert_true(overrides("tuple[int]", "tuple[str,...]"));
    assert_true(overrides("int", "any"));
    assert_false(overrides("float", "int"));
    assert_false(overrides("bool", "int"));
    assert_false(overrides("str", "path"));
    assert_false(overrides("tuple[int]", "list[int]"));
    assert_false(overrides("int|str", "int"));
    assert_false(overrides("any", "int"));
}

TEST(an_optional_may_become_required_and_the_other_way_round)
{
    assert_true(overrides("int", "int?"));
    assert_true(overrides("int?", "int"));
    assert_true(overrides("demo.layer?", "demo.base"));
    assert_false(overrides("str?", "int?"));
}

TEST(a_class_may_be_in_place_of_one_that_it_extends)
{
    assert_true(overrides("demo.layer", "demo.base"));
    assert_false(overrides("demo.base", "demo.layer"));
    assert_false(overrides("demo.model", "demo.base"));
}

TEST(a_refused_override_names_both_types)
{
    xpm_class *above = declare("parameters.above", NULL);
    assert_int_equal(add(above, "int", (xpm_value){0}, NULL, 0), 0);
    xpm_class *derived = declare("parameters.derived", above);
    assert_int_equal(add(derived, "str", (xpm_value){0}, NULL, 0), -1);
    assert_error(
        &last, XPM_E_TYPE,
        "parameter x of parameters.derived is str, and cannot be in place of the inherited int");
    assert_int_equal(add(derived, "int", xpm_int(2), NULL, 0), 0);
    assert_int_equal(xpm_class_parameter(derived, 0)->fallback.as.integer, 2);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_choice_is_accepted_and_another_value_refused),
        cmocka_unit_test(choices_are_compared_after_coercion),
        cmocka_unit_test(the_path_of_a_value_that_is_checked_by_number_is_the_callers),
        cmocka_unit_test(a_default_is_one_of_the_choices),
        cmocka_unit_test(a_choice_is_a_scalar_of_the_type),
        cmocka_unit_test(a_type_of_the_same_kind_may_be_in_place_of_an_inherited_one),
        cmocka_unit_test(an_optional_may_become_required_and_the_other_way_round),
        cmocka_unit_test(a_class_may_be_in_place_of_one_that_it_extends),
        cmocka_unit_test(a_refused_override_names_both_types),
    };
    return RUN_TESTS(tests);
}
