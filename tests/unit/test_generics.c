/* Type variables: what they stand for in a configuration, in a class, and in what holds both. */
#include "checked.h"
#include "declare/class.h"
#include "declare/config.h"
#include "declare/type.h"

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

static void add(xpm_class *class_, const char *name, const xpm_type *type)
{
    xpm_parameter parameter = {.name = name, .type = type};
    assert_int_equal(xpm_class_add(class_, &parameter, &last), 0);
}

/* box(x: T, y: T), and holder(box: box[T], v: T), in a new set of classes for each test. */
static const xpm_type *T;
static xpm_class *box, *holder;

static int declare_all(void **state)
{
    (void)state;
    T = xpm_type_variable("T", NULL);
    box = declare("generics.box", NULL);
    add(box, "x", T);
    add(box, "y", xpm_type_optional(T));
    holder = declare("generics.holder", NULL);
    add(holder, "box", xpm_type_config_of(box, &T, &T, 1));
    add(holder, "v", T);
    return 0;
}

static int set(xpm_config *config, const char *name, xpm_value value)
{
    last = (xpm_error){0};
    return xpm_config_set(config, name, value, &last);
}

static xpm_config *made(const xpm_class *class_)
{
    return xpm_config_ref(xpm_config_new(class_));
}

/* A box of a value, floating. */
static xpm_value box_of(xpm_value value)
{
    xpm_config *config = xpm_config_new(box);
    assert_int_equal(set(config, "x", value), 0);
    return xpm_object(config);
}

static xpm_value new_base(void)
{
    return xpm_object(xpm_new("demo.base", "scale", 1.0));
}

static xpm_value new_layer(void)
{
    return xpm_object(xpm_new("demo.layer", "scale", 1.0));
}

static xpm_value new_model(void)
{
    return xpm_object(xpm_new("demo.model"));
}

TEST(values_of_a_variable_are_not_coerced)
{
    xpm_config *config = made(box);
    assert_int_equal(set(config, "x", xpm_str("3")), 0);
    assert_int_equal(xpm_config_get(config, "x")->kind, XPM_KIND_STR);
    assert_int_equal(set(config, "y", xpm_none()), 0);
    xpm_config_unref(config);
}

TEST(a_variable_stands_for_one_type_in_a_configuration)
{
    xpm_config *config = made(box);
    assert_int_equal(set(config, "x", xpm_int(1)), 0);
    assert_int_equal(set(config, "y", xpm_str("a")), -1);
    assert_error(&last, XPM_E_TYPE,
                 "type variable T stands for int in parameter x, and for str in parameter y");
    assert_string_equal(last.path, "$.y");
    assert_int_equal(set(config, "y", xpm_bool(true)), 0);
    assert_int_equal(set(config, "y", xpm_none()), 0);
    assert_int_equal(set(config, "x", xpm_str("a")), 0);
    assert_int_equal(set(config, "y", xpm_str("b")), 0);
    xpm_config_unref(config);
}

TEST(the_most_general_class_wins)
{
    xpm_config *config = made(box);
    assert_int_equal(set(config, "x", new_layer()), 0);
    assert_int_equal(set(config, "y", new_base()), 0);
    assert_int_equal(set(config, "y", new_model()), -1);
    assert_error(&last, XPM_E_TYPE, "T stands for demo.layer in parameter x, and for demo.model");
    assert_int_equal(set(config, "x", new_base()), 0);
    assert_int_equal(set(config, "y", new_layer()), 0);
    xpm_config_unref(config);
}

TEST(variables_are_fused_with_those_of_what_is_inside)
{
    xpm_config *config = made(holder);
    assert_int_equal(set(config, "box", box_of(new_base())), 0);
    assert_int_equal(set(config, "v", new_layer()), 0);
    assert_int_equal(set(config, "v", new_model()), -1);
    assert_error(&last, XPM_E_TYPE,
                 "T stands for demo.base in parameter box, and for demo.model in parameter v");
    assert_int_equal(set(config, "box", box_of(xpm_int(1))), -1);
    assert_error(&last, XPM_E_TYPE, "T stands for int in parameter box, and for demo.layer");
    xpm_config_unref(config);
}

TEST(what_changed_inside_is_found_when_sealing)
{
    xpm_config *inner = made(box), *config = made(holder), *root;
    xpm_class *rooted = declare("generics.rooted", NULL);
    add(rooted, "holder", xpm_type_config(holder));
    root = made(rooted);
    assert_int_equal(set(config, "box", xpm_object(inner)), 0);
    assert_int_equal(set(config, "v", xpm_int(1)), 0);
    assert_int_equal(set(inner, "x", xpm_str("a")), 0);
    assert_int_equal(set(root, "holder", xpm_object(config)), 0);
    assert_int_equal(xpm_config_seal(root, NULL, &last), -1);
    assert_error(&last, XPM_E_TYPE, "T stands for str in parameter box, and for int");
    assert_string_equal(last.path, "$.holder");
    assert_int_equal(set(inner, "x", xpm_int(2)), 0);
    assert_int_equal(xpm_config_seal(root, NULL, &last), 0);
    xpm_config_unref(inner);
    xpm_config_unref(config);
    xpm_config_unref(root);
}

TEST(a_class_says_what_a_variable_stands_for)
{
    xpm_class *ints = declare("generics.ints", box);
    xpm_class_bind(ints, T, xpm_type_scalar(XPM_KIND_INT));
    xpm_config *config = made(ints);
    assert_int_equal(set(config, "x", xpm_str("a")), -1);
    assert_error(&last, XPM_E_TYPE, "expected T: int, got str \"a\"");
    assert_int_equal(set(config, "x", xpm_str("1")), 0);
    assert_int_equal(xpm_config_get(config, "x")->kind, XPM_KIND_STR);
    xpm_config *outer = made(holder);
    assert_int_equal(set(outer, "v", xpm_float(1)), 0);
    assert_int_equal(set(outer, "box", xpm_object(config)), -1);
    assert_error(&last, XPM_E_TYPE, "T stands for int in parameter box, and for float");
    xpm_config_unref(outer);
    xpm_config_unref(config);
}

TEST(what_a_class_says_goes_through_the_variables_of_those_between)
{
    const xpm_type *U = xpm_type_variable("U", NULL);
    xpm_class *between = declare("generics.between", box);
    xpm_class_bind(between, T, U);
    xpm_class *below = declare("generics.below", between);
    xpm_class_bind(below, U, xpm_type_parse("demo.base", NULL));
    xpm_config *config = made(below);
    assert_int_equal(set(config, "x", new_model()), -1);
    assert_error(&last, XPM_E_TYPE, "expected U: demo.base, got demo.model");
    assert_int_equal(set(config, "x", new_layer()), 0);
    xpm_config *outer = made(holder);
    assert_int_equal(set(outer, "box", xpm_object(config)), 0);
    assert_int_equal(set(outer, "v", new_model()), -1);
    assert_error(&last, XPM_E_TYPE, "T stands for demo.base in parameter box");
    xpm_config_unref(config);
    xpm_config_unref(outer);
    config = made(between);
    assert_int_equal(set(config, "x", xpm_int(1)), 0);
    assert_int_equal(set(config, "y", xpm_str("a")), -1);
    assert_error(&last, XPM_E_TYPE, "type variable U stands for int");
    xpm_config_unref(config);
}

TEST(a_type_may_say_what_variables_stand_for)
{
    const xpm_type *base_type = xpm_type_parse("demo.base", NULL);
    const xpm_type *layer_type = xpm_type_parse("demo.layer", NULL);
    const xpm_type *box_of_base = xpm_type_config_of(box, &T, &base_type, 1);
    const xpm_type *box_of_layer = xpm_type_config_of(box, &T, &layer_type, 1);
    char *text = xpm_type_text(box_of_base);
    assert_string_equal(text, "generics.box[demo.base]");
    xpm_free(text);
    xpm_class *bases = declare("generics.bases", box);
    xpm_class_bind(bases, T, base_type);
    xpm_value of_bases = xpm_object(xpm_config_new(bases)), of_layer = box_of(new_layer()),
              of_base = box_of(new_base()), of_model = box_of(new_model());
    assert_int_equal(xpm_check(box_of_base, &of_bases, NULL, &last), 0);
    assert_int_equal(xpm_check(box_of_base, &of_layer, NULL, &last), 0);
    assert_int_equal(xpm_check(box_of_layer, &of_base, NULL, &last), 0);
    assert_int_equal(xpm_check(box_of_base, &of_model, NULL, &last), -1);
    assert_error(&last, XPM_E_TYPE,
                 "expected generics.box[demo.base], got generics.box of demo.model");
    assert_int_equal(xpm_check(box_of_layer, &of_bases, NULL, &last), -1);
    assert_error(&last, XPM_E_TYPE, "got generics.bases of demo.base");
    xpm_value_clear(&of_bases);
    xpm_value_clear(&of_layer);
    xpm_value_clear(&of_base);
    xpm_value_clear(&of_model);
}

TEST(a_variable_may_have_a_bound)
{
    const xpm_type *bounded = xpm_type_variable("B", xpm_type_parse("demo.base", NULL));
    xpm_class *class_ = declare("generics.bounded", NULL);
    add(class_, "x", bounded);
    add(class_, "all", xpm_type_optional(xpm_type_list(bounded)));
    xpm_config *config = made(class_);
    assert_int_equal(set(config, "x", new_layer()), 0);
    assert_int_equal(set(config, "x", new_model()), -1);
    assert_error(&last, XPM_E_TYPE, "expected B: demo.base, got demo.model");
    assert_int_equal(set(config, "all", xpm_list(new_base(), new_model())), -1);
    assert_string_equal(last.path, "$.all[1]");
    xpm_config_unref(config);
}

TEST(items_of_a_collection_may_differ)
{
    xpm_class *class_ = declare("generics.list", NULL);
    add(class_, "all", xpm_type_list(T));
    xpm_config *config = made(class_);
    assert_int_equal(set(config, "all", xpm_list(1, "a", new_base())), 0);
    xpm_config_unref(config);
}

TEST(a_variable_inside_a_type_is_resolved_too)
{
    static const char *const kinds[] = {"list[T: int]",      "set[T: int]",
                                        "dict[str,T: int]",  "tuple[T: int,...]",
                                        "tuple[str,T: int]", "T: int|str"};
    const xpm_type *str = xpm_type_scalar(XPM_KIND_STR), *number = xpm_type_scalar(XPM_KIND_INT);
    const xpm_type *types[] = {
        xpm_type_list(T),
        xpm_type_set(T),
        xpm_type_dict(str, T),
        xpm_type_tuple_of(T),
        xpm_type_tuple((const xpm_type *[]){str, T}, 2),
        xpm_type_union((const xpm_type *[]){T, str}, 2),
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        xpm_class *above = declare("generics.above", NULL), *below;
        add(above, "x", types[i]);
        below = declare("generics.beneath", above);
        xpm_class_bind(below, T, number);
        char *text = xpm_type_text(xpm_class_parameter(below, 0)->type);
        assert_string_equal(text, kinds[i]);
        xpm_free(text);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(values_of_a_variable_are_not_coerced, declare_all),
        cmocka_unit_test_setup(a_variable_stands_for_one_type_in_a_configuration, declare_all),
        cmocka_unit_test_setup(the_most_general_class_wins, declare_all),
        cmocka_unit_test_setup(variables_are_fused_with_those_of_what_is_inside, declare_all),
        cmocka_unit_test_setup(what_changed_inside_is_found_when_sealing, declare_all),
        cmocka_unit_test_setup(a_class_says_what_a_variable_stands_for, declare_all),
        cmocka_unit_test_setup(what_a_class_says_goes_through_the_variables_of_those_between,
                               declare_all),
        cmocka_unit_test_setup(a_type_may_say_what_variables_stand_for, declare_all),
        cmocka_unit_test_setup(a_variable_may_have_a_bound, declare_all),
        cmocka_unit_test_setup(items_of_a_collection_may_differ, declare_all),
        cmocka_unit_test_setup(a_variable_inside_a_type_is_resolved_too, declare_all),
    };
    return RUN_TESTS(tests);
}
