/* Classes and configurations: what is declared, accepted, refused, sealed, and said. */
#include <float.h>
#include <math.h>

#include "base/mem.h"
#include "declare/class.h"
#include "declare/config.h"
#include "declare/type.h"
#include "demo.h"

/* ---- Classes ---------------------------------------------------------------------------------- */

static xpm_class *declare(const char *name, const char *origin, const xpm_class *extended)
{
    xpm_declaration declaration = {.name = name,
                                   .module = "tests",
                                   .qualname = name,
                                   .origin = origin,
                                   .bases = &extended,
                                   .base_count = extended != NULL,
                                   .language = "c"};
    last = (xpm_error){0};
    return xpm_class_declare(&declaration, &last);
}

static int add(xpm_class *class_, const char *name, const char *type, xpm_value fallback,
               unsigned flags)
{
    xpm_parameter parameter = {
        .name = name, .type = xpm_type_parse(type, NULL), .fallback = fallback, .flags = flags};
    last = (xpm_error){0};
    return xpm_class_add(class_, &parameter, &last);
}

TEST(a_class_is_found_by_its_name_in_any_case)
{
    const xpm_class *found = xpm_class_find("demo.base");
    assert_non_null(found);
    assert_string_equal(xpm_class_name(found), "demo.base");
    assert_ptr_equal(xpm_class_find("Demo.Base"), found);
    assert_null(xpm_class_find("demo"));
    assert_null(xpm__class_require("demo.bas", &last));
    assert_error(&last, XPM_E_UNKNOWN, "is it \"demo.base\"?");
}

TEST(parameters_are_in_order_of_their_names)
{
    const xpm_class *found = xpm_class_find("demo.layer");
    static const char *const names[] = {"bias", "name", "scale", "width"};
    assert_int_equal(xpm_class_count(found), 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(xpm_class_parameter(found, i)->name, names[i]);
        assert_int_equal(xpm_class_index(found, names[i]), i);
    }
    assert_null(xpm_class_parameter(found, 4));
    assert_int_equal(xpm_class_index(found, "absent"), -1);
}

TEST(the_macros_say_where_each_member_is)
{
    const xpm_class *found = xpm_class_find("demo.layer");
    assert_int_equal(xpm_class_parameter(found, 0)->offset, offsetof(layer, bias));
    assert_int_equal(xpm_class_parameter(found, 1)->offset, offsetof(layer, name));
    assert_int_equal(xpm_class_parameter(found, 2)->offset, offsetof(layer, parent.scale));
    assert_int_equal(xpm_class_parameter(found, 3)->offset, offsetof(layer, parent.width));
    assert_string_equal(xpm_class_parameter(found, 1)->help, "Its name.");
    assert_int_equal(xpm_class_parameter(found, 0)->flags, XPM_IGNORED_DEFAULT);
    assert_int_equal(xpm_class_parameter(found, 3)->fallback.as.integer, 3);
    assert_true(xpm_class_is(found, xpm_class_find("demo.base")));
    assert_false(xpm_class_is(xpm_class_find("demo.base"), found));
}

TEST(the_macros_give_groups_files_and_flags)
{
    const xpm_class *found = xpm_class_find("demo.learn");
    const xpm_parameter *epochs = xpm_class_parameter(found, 1);
    assert_int_equal(xpm_class_flags(found), XPM_CLASS_TASK);
    assert_string_equal(epochs->name, "epochs");
    assert_string_equal(epochs->groups[0], "time");
    assert_string_equal(epochs->groups[1], "train");
    assert_null(epochs->groups[2]);
    assert_int_equal(xpm_class_parameter(found, 0)->flags, XPM_META);
    assert_string_equal(xpm_class_parameter(found, 3)->file, "out.txt");
    char *type = xpm_type_text(xpm_class_parameter(xpm_class_find("demo.model"), 2)->type);
    assert_string_equal(type, "dict[str,list[int]]?");
    xpm_free(type);
}

TEST(a_name_taken_by_another_class_is_refused)
{
    assert_non_null(declare("tests.taken", "a.c:1", NULL));
    assert_null(declare("Tests.Taken", "b.c:2", NULL));
    assert_error(&last, XPM_E_CONFLICT, "a.c:1 declares it, and so does b.c:2");
    assert_null(declare("demo.base", "b.c:2", NULL));
    assert_int_equal(last.code, XPM_E_CONFLICT);
}

TEST(a_second_declaration_from_the_same_place_replaces_the_first)
{
    xpm_class *first = declare("tests.again", "a.c:1", NULL);
    assert_int_equal(add(first, "x", "str", xpm_str("a text of its own"), 0), 0);
    xpm_class *second = declare("tests.again", "a.c:1", NULL);
    assert_ptr_not_equal(first, second);
    assert_ptr_equal(xpm_class_find("tests.again"), second);
    assert_int_equal(xpm_class_count(second), 0);
}

TEST(a_name_that_is_no_folder_is_refused)
{
    static const char *const names[] = {"", ".hidden", "a/b", ".."};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_null(declare(names[i], "a.c:1", NULL));
        assert_error(&last, XPM_E_CONFLICT, "cannot name a type");
    }
}

TEST(a_default_must_be_of_the_type)
{
    xpm_class *class_ = declare("tests.defaults", "a.c:1", NULL);
    assert_int_equal(add(class_, "coerced", "int", xpm_str("12"), 0), 0);
    assert_int_equal(xpm_class_parameter(class_, 0)->fallback.as.integer, 12);
    assert_int_equal(add(class_, "wrong", "int", xpm_str("twelve"), 0), -1);
    assert_error(&last, XPM_E_TYPE, "expected int, got str \"twelve\"");
    assert_string_equal(last.path, "default of tests.defaults.wrong");
    assert_int_equal(xpm_class_index(class_, "wrong"), -1);
}

TEST(a_default_of_none_makes_a_parameter_optional)
{
    xpm_class *class_ = declare("tests.none", "a.c:1", NULL);
    assert_int_equal(add(class_, "x", "int", xpm_none(), 0), 0);
    assert_int_equal(xpm_type_kind(xpm_class_parameter(class_, 0)->type), XPM_KIND_OPTIONAL);
}

TEST(a_constant_needs_a_value_and_keeps_it)
{
    xpm_class *class_ = declare("tests.constant", "a.c:1", NULL);
    assert_int_equal(add(class_, "version", "int", (xpm_value){0}, XPM_CONSTANT), -1);
    assert_error(&last, XPM_E_TYPE, "constant version of tests.constant has no value");
    assert_int_equal(add(class_, "version", "int", xpm_int(2), XPM_CONSTANT), 0);
    xpm_config *config = xpm_config_new(class_);
    assert_int_equal(xpm_config_set(config, "version", xpm_int(2), &last), -1);
    assert_error(&last, XPM_E_READONLY, "it is a constant");
    assert_int_equal(xpm_config_get(config, "version")->as.integer, 2);
    xpm_config_unref(config);
}

TEST(an_inherited_parameter_may_become_narrower_and_no_other)
{
    xpm_class *parent = declare("tests.parent", "a.c:1", NULL);
    assert_int_equal(add(parent, "part", "demo.base", (xpm_value){0}, 0), 0);
    assert_int_equal(add(parent, "free", "any", (xpm_value){0}, 0), 0);
    assert_int_equal(add(parent, "maybe", "int?", (xpm_value){0}, 0), 0);
    assert_int_equal(add(parent, "size", "int", xpm_int(1), 0), 0);
    xpm_class *child = declare("tests.child", "a.c:2", parent);
    assert_int_equal(xpm_class_count(child), 4);
    assert_int_equal(add(child, "part", "demo.layer", (xpm_value){0}, 0), 0);
    assert_int_equal(add(child, "free", "list[int]", (xpm_value){0}, 0), 0);
    assert_int_equal(add(child, "maybe", "int", xpm_int(1), 0), 0);
    assert_int_equal(add(child, "size", "int", xpm_int(5), 0), 0);
    assert_int_equal(xpm_class_count(child), 4);
    assert_int_equal(xpm_class_parameter(child, 3)->fallback.as.integer, 5);
    assert_int_equal(xpm_class_parameter(parent, 3)->fallback.as.integer, 1);
    assert_int_equal(add(child, "size", "str", xpm_str("a text that is long"), 0), -1);
    assert_error(&last, XPM_E_TYPE,
                 "size of tests.child is str, and cannot be in place of the "
                 "inherited int");
    xpm_class *other = declare("tests.other", "a.c:3", parent);
    assert_int_equal(add(other, "part", "demo.model", (xpm_value){0}, 0), -1);
    assert_error(&last, XPM_E_TYPE, "inherited demo.base");
}

TEST(a_class_in_use_takes_no_more_parameters)
{
    xpm_class *class_ = declare("tests.used", "a.c:1", NULL);
    xpm_config_unref(xpm_config_new(class_));
    assert_int_equal(add(class_, "late", "str", xpm_str("a default of its own"), 0), -1);
    assert_error(&last, XPM_E_STATE, "of which configurations exist");
}

TEST(flags_are_inherited)
{
    xpm_class *child = declare("tests.learner", "a.c:1", xpm_class_find("demo.learn"));
    assert_int_equal(xpm_class_flags(child) & XPM_CLASS_TASK, XPM_CLASS_TASK);
}

TEST(an_unknown_parameter_names_the_nearest)
{
    xpm_config *config = xpm_config_new(xpm_class_find("demo.learn"));
    assert_int_equal(xpm_config_set(config, "epoch", xpm_str("given away"), &last), -1);
    assert_error(&last, XPM_E_UNKNOWN, "epoch is not a parameter of demo.learn; is it epochs?");
    assert_string_equal(last.path, "$.epoch");
    assert_int_equal(xpm_config_set(config, "temperature", xpm_int(1), &last), -1);
    assert_string_equal(
        last.message,
        "temperature is not a parameter of demo.learn, which has data, epochs, model, out");
    xpm_config_unref(config);
}

/* ---- Configurations --------------------------------------------------------------------------- */

TEST(a_value_is_given_back_else_the_default_else_nothing)
{
    xpm_config *config = xpm_config_new(xpm_class_find("demo.base"));
    assert_int_equal(xpm_config_get(config, "width")->as.integer, 3);
    assert_null(xpm_config_get(config, "scale"));
    assert_null(xpm_config_get(config, "absent"));
    assert_int_equal(xpm_config_set(config, "width", xpm_str("8"), NULL), 0);
    assert_int_equal(xpm_config_get(config, "width")->as.integer, 8);
    assert_int_equal(xpm_config_set(config, "width", xpm_str("eight"), &last), -1);
    assert_string_equal(last.path, "$.width");
    assert_int_equal(xpm_config_get(config, "width")->as.integer, 8);
    xpm_config_unref(config);
}

TEST(a_text_is_given_of_texts_and_paths_alone)
{
    xpm_config *task = xpm_new("demo.learn", "data", "/d", "epochs", 3);
    assert_string_equal(xpm_text(task, "data"), "/d");
    assert_null(xpm_text(task, "epochs"));
    assert_null(xpm_text(task, "absent"));
    xpm_config_unref(task);
}

TEST(what_takes_hold_of_a_new_configuration_owns_it)
{
    xpm_config *part = xpm_new("demo.base", "scale", 1.0);
    xpm_config *whole = xpm_new("demo.model", "layers", xpm_list(part), "first", part);
    assert_int_equal(part->refs, 2);
    assert_int_equal(xpm_config_set(whole, "layers", xpm_list_new(), NULL), 0);
    assert_int_equal(part->refs, 1);
    xpm_config_unref(whole);
    xpm_config_unref(NULL);
}

TEST(a_cycle_is_broken_by_clearing_it)
{
    xpm_class *class_ = declare("tests.node", "a.c:1", NULL);
    assert_int_equal(add(class_, "next", "tests.node?", (xpm_value){0}, 0), 0);
    xpm_config *a = xpm_config_ref(xpm_config_new(class_)), *b = xpm_config_new(class_);
    assert_int_equal(xpm_config_set(a, "next", xpm_object(b), NULL), 0);
    assert_int_equal(xpm_config_set(b, "next", xpm_object(a), NULL), 0);
    assert_int_equal(a->refs, 2);
    xpm_config_clear(a); /* which releases b, which releases a */
    assert_int_equal(a->refs, 1);
    xpm_config_unref(a);
}

TEST(an_object_of_the_wrong_class_names_its_place)
{
    xpm_config *config = xpm_config_new(xpm_class_find("demo.model"));
    assert_int_equal(
        xpm_config_set(config, "layers",
                       xpm_list(xpm_new("demo.base"), xpm_new("demo.layer"), xpm_new("demo.model")),
                       &last),
        -1);
    assert_string_equal(last.path, "$.layers[2]");
    assert_error(&last, XPM_E_TYPE, "expected demo.base, got demo.model");
    xpm_config_unref(config);
}

TEST(a_task_must_be_submitted_before_it_is_given)
{
    xpm_config *task = xpm_config_ref(xpm_new("demo.learn"));
    xpm_config *user = xpm_config_new(xpm_class_find("demo.use"));
    assert_int_equal(xpm_config_set(user, "learned", xpm_object(task), &last), -1);
    assert_error(&last, XPM_E_STATE, "must be submitted before giving it");
    task->submitted = true; /* as xpm_job_new does */
    assert_int_equal(xpm_config_set(user, "learned", xpm_object(task), &last), 0);
    xpm_config_unref(user);
    xpm_config_unref(task);
}

TEST(a_generated_value_cannot_be_given)
{
    xpm_config *task = xpm_config_new(xpm_class_find("demo.learn"));
    assert_int_equal(xpm_config_set(task, "out", xpm_str("mine.txt"), &last), -1);
    assert_error(&last, XPM_E_READONLY, "its value is generated");
    xpm_config_unref(task);
}

/* ---- Sealing ---------------------------------------------------------------------------------- */

TEST(a_missing_value_is_named_with_its_place_and_seals_nothing)
{
    xpm_config *config = xpm_new(
        "demo.model", "layers", xpm_list(xpm_new("demo.base", "scale", 1.0), xpm_new("demo.base")));
    last = (xpm_error){0};
    assert_int_equal(xpm_config_seal(config, NULL, &last), -1);
    assert_error(&last, XPM_E_MISSING,
                 "value scale is required but missing when building demo.base"
                 ": give it a value of type float");
    assert_string_equal(last.path, "$.layers[1].scale");
    assert_false(xpm_config_sealed(config));
    assert_false(xpm_config_sealed(config->values[1].as.items[0].as.config));
    xpm_config_unref(config);
}

TEST(a_missing_value_deep_down_is_named_with_its_place)
{
    xpm_config *task =
        xpm_new("demo.learn", "model",
                xpm_new("demo.model", "layers",
                        xpm_list(xpm_new("demo.base", "scale", 1), xpm_new("demo.base", "scale", 1),
                                 xpm_new("demo.layer"))));
    assert_int_equal(xpm_config_seal(task, "/job", &last), -1);
    assert_string_equal(last.path, "$.model.layers[2].scale");
    xpm_config_unref(task);
}

TEST(what_is_sealed_is_read_only)
{
    xpm_config *part = xpm_new("demo.base", "scale", 1.0);
    xpm_config *config = xpm_new("demo.model", "layers", xpm_list(part));
    assert_int_equal(xpm_config_seal(config, NULL, &last), 0);
    assert_true(xpm_config_sealed(part));
    assert_int_equal(xpm_config_set(part, "scale", xpm_float(2), &last), -1);
    assert_error(&last, XPM_E_READONLY, "object is read-only");
    assert_true(xpm_config_get(part, "scale")->as.real == 1.0);
    assert_int_equal(xpm_config_seal(config, NULL, &last), 0);
    xpm_config_clear(config); /* changes nothing */
    assert_non_null(xpm_config_get(config, "layers"));
    xpm_config_unref(config);
}

TEST(the_files_of_nested_objects_have_folders_of_their_own)
{
    xpm_class *inner = declare("tests.inner", "a.c:2", NULL);
    xpm_parameter file = {.name = "file", .type = xpm_type_scalar(XPM_KIND_PATH), .file = "f.bin"};
    assert_int_equal(xpm_class_add(inner, &file, &last), 0);
    xpm_class *outer = declare("tests.outer", "a.c:1", NULL);
    assert_int_equal(xpm_class_add(outer, &file, &last), 0);
    assert_int_equal(add(outer, "parts", "list[tests.inner]", (xpm_value){0}, 0), 0);
    xpm_config *part = xpm_config_new(inner);
    xpm_config *config = xpm_config_new(outer);
    assert_int_equal(xpm_config_set(config, "parts", xpm_list(xpm_config_new(inner), part), NULL),
                     0);
    assert_int_equal(xpm_config_seal(config, "/job", &last), 0);
    assert_string_equal(xpm_text(config, "file"), "/job/f.bin");
    assert_string_equal(xpm_text(part, "file"), "/job/out/parts/1/f.bin");
    xpm_config_unref(config);
}

TEST(without_a_directory_nothing_is_generated)
{
    xpm_config *task = xpm_new("demo.learn");
    assert_int_equal(xpm_config_seal(task, NULL, &last), -1);
    assert_error(&last, XPM_E_PLACE, "is generated in a directory, and there is none");
    xpm_config_unref(task);
}

static int refuse_to_generate(void *user, const xpm_generation *where, xpm_value *value,
                              xpm_error *err)
{
    (void)value;
    *err = (xpm_error){.code = XPM_E_CALLBACK, .message = "not today"};
    *(const xpm_config **)user = where->config;
    return -1;
}

TEST(the_error_of_a_generator_is_passed_on)
{
    const xpm_config *seen = NULL;
    xpm_class *class_ = declare("tests.generated", "a.c:1", NULL);
    xpm_parameter parameter = {.name = "x",
                               .type = xpm_type_scalar(XPM_KIND_INT),
                               .generate = refuse_to_generate,
                               .generate_user = &seen};
    assert_int_equal(xpm_class_add(class_, &parameter, &last), 0);
    xpm_config *config = xpm_config_new(class_);
    assert_int_equal(xpm_config_seal(config, "/job", &last), -1);
    assert_error(&last, XPM_E_CALLBACK, "not today");
    assert_ptr_equal(seen, config);
    xpm_config_unref(config);
}

TEST(a_default_that_is_a_configuration_is_not_shared)
{
    xpm_class *class_ = declare("tests.sharing", "a.c:1", NULL);
    assert_int_equal(
        add(class_, "part", "demo.base", xpm_object(xpm_new("demo.base", "scale", 2.0)), 0), 0);
    xpm_config *a = xpm_config_new(class_), *b = xpm_config_new(class_);
    assert_int_equal(xpm_config_seal(a, NULL, &last), 0);
    assert_int_equal(xpm_config_seal(b, NULL, &last), 0);
    const xpm_value *left = xpm_config_get(a, "part"), *right = xpm_config_get(b, "part");
    assert_ptr_not_equal(left->as.config, right->as.config);
    assert_true(xpm_config_get(left->as.config, "scale")->as.real == 2.0);
    xpm_config_unref(a);
    xpm_config_unref(b);
}

/* ---- Errors kept by xpm_new ------------------------------------------------------------------- */

static void assert_kept(xpm_config *config, xpm_code code, const char *part)
{
    last = (xpm_error){0};
    assert_non_null(config);
    assert_int_equal(xpm_config_seal(config, "/job", &last), -1);
    assert_error(&last, code, part);
    xpm_config_unref(config);
}

TEST(an_error_of_xpm_new_is_given_when_the_configuration_is_used)
{
    assert_kept(xpm_new("demo.bace", "scale", "a text"), XPM_E_UNKNOWN, "is it \"demo.base\"?");
    assert_kept(xpm_new("demo.base", "scal", 1.0), XPM_E_UNKNOWN, "is it scale?");
    assert_kept(xpm_new("demo.base", "scale", "wide", "width", "a text"), XPM_E_TYPE,
                "expected float, got str \"wide\"");
    assert_kept(xpm_new("demo.base", 3, "scale"), XPM_E_TYPE, "a name must be a text");
    assert_kept(xpm_new("demo.base", "scale"), XPM_E_TYPE, "got none");
    assert_kept(xpm_new("demo.broken"), XPM_E_UNKNOWN, "no class \"demo.absent\" is declared");
}

TEST(an_error_inside_is_the_error_of_the_whole)
{
    assert_kept(xpm_new("demo.model", "first", xpm_new("demo.bace")), XPM_E_UNKNOWN, "demo.bace");
    assert_kept(xpm_new("demo.model", "layers", xpm_list(xpm_new("demo.base", "scale", "wide"))),
                XPM_E_TYPE, "got str \"wide\"");
    assert_kept(xpm_new("demo.model", "layers", xpm_list(xpm_new("demo.bace"))), XPM_E_UNKNOWN,
                "no class \"demo.bace\" is declared");
}

TEST(the_first_error_is_the_one_that_is_kept)
{
    assert_kept(xpm_new("demo.base", "wrong1", 1, "scale", "wide"), XPM_E_UNKNOWN, "wrong1");
}

TEST(an_output_of_two_tasks_is_refused)
{
    xpm_config *one = xpm_config_ref(xpm_new("demo.learn"));
    xpm_config *two = xpm_config_ref(xpm_new("demo.learn"));
    xpm_config *output = xpm_config_ref(xpm_new("demo.base", "scale", 1.0));
    assert_ptr_equal(xpm_dep(one, output), output);
    assert_ptr_equal(xpm_config_task(output), one);
    assert_int_equal(xpm_config_set_task(output, one, &last), 0);
    assert_int_equal(xpm_config_set_task(output, two, &last), -1);
    assert_error(&last, XPM_E_STATE, "is an output of demo.learn already");
    assert_int_equal(xpm_config_set_task(one, one, &last), 0);
    assert_int_equal(xpm_config_set_task(one, two, &last), -1);
    assert_error(&last, XPM_E_STATE, "a task is its own output");
    xpm_dep(two, output);
    assert_kept(output, XPM_E_STATE, "is an output of demo.learn already");
    xpm_config_unref(one);
    xpm_config_unref(two);
}

TEST(only_a_lightweight_task_can_be_an_init_task)
{
    xpm_declaration declaration = {.name = "tests.light",
                                   .module = "tests",
                                   .qualname = "light",
                                   .origin = "a.c:1",
                                   .flags = XPM_CLASS_LIGHTWEIGHT};
    xpm_config *init = xpm_config_new(xpm_class_declare(&declaration, NULL));
    xpm_config *task = xpm_config_new(xpm_class_find("demo.learn"));
    xpm_config *plain = xpm_config_new(xpm_class_find("demo.base"));
    assert_int_equal(xpm_config_add_init_task(task, init, &last), 0);
    assert_ptr_equal(xpm_config_init_task(task, 0), init);
    assert_null(xpm_config_init_task(task, 1));
    assert_null(xpm_config_init_task(plain, 0));
    assert_int_equal(xpm_config_add_init_task(task, plain, &last), -1);
    assert_error(&last, XPM_E_TYPE, "is not a lightweight task");
    assert_int_equal(xpm_config_seal(task, "/job", &last), 0);
    assert_int_equal(xpm_config_add_init_task(task, init, &last), -1);
    assert_error(&last, XPM_E_READONLY, "its init tasks cannot change");
    xpm_config_unref(task);
    xpm_config_unref(plain);
}

/* ---- Tags ------------------------------------------------------------------------------------- */

static void tag(xpm_config *config, const char *name, xpm_value value)
{
    xpm_config_tag(config, name, &value);
    xpm_value_clear(&value);
}

TEST(tags_are_gathered_in_order_of_name_the_outer_ones_last)
{
    xpm_config *part = xpm_new("demo.base", "scale", 1.0);
    xpm_config *config = xpm_new("demo.model", "layers", xpm_list(part), "first", part);
    xpm_config *task = xpm_config_ref(xpm_new("demo.learn"));
    tag(task, "epochs", xpm_int(9));
    tag(part, "scale", xpm_float(1));
    tag(part, "lr", xpm_str("to be replaced"));
    tag(config, "lr", xpm_str("high"));
    tag(config, "a", xpm_bool(false));
    tag(config, "a", xpm_bool(true));
    xpm_dep(task, part);
    xpm_value tags = xpm_config_tags(config);
    static const char *const names[] = {"a", "epochs", "lr", "scale"};
    assert_int_equal(tags.size, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(tags.as.items[2 * i].as.text, names[i]);
    assert_true(tags.as.items[1].as.boolean);
    assert_int_equal(tags.as.items[3].as.integer, 9);
    assert_string_equal(tags.as.items[5].as.text, "high");
    xpm_value_clear(&tags);
    xpm_config_unref(config);
    xpm_config_unref(task);
}

TEST(a_partial_leaves_out_the_groups_that_it_excludes)
{
    static const char *const time[] = {"time", NULL}, *const other[] = {"other", NULL};
    xpm_class *class_ = (xpm_class *)xpm_class_find("demo.learn");
    const xpm_parameter *grouped = xpm_class_parameter(class_, 1);
    const xpm_parameter *ungrouped = xpm_class_parameter(class_, 2);
    const struct {
        xpm_partial_rule rule;
        bool grouped, ungrouped;
    } cases[] = {
        {{.exclude = time}, true, false},
        {{.exclude = other}, false, false},
        {{.exclude_all = true}, true, true},
        {{.exclude_all = true, .include = time}, false, true},
        {{.exclude_no_group = true}, false, true},
        {{.exclude = time, .include = time}, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const xpm_partial *partial = xpm_class_add_partial(class_, "p", &cases[i].rule);
        assert_ptr_equal(xpm_class_partial(class_, "p"), partial);
        assert_int_equal(xpm__partial_excludes(partial, grouped), cases[i].grouped);
        assert_int_equal(xpm__partial_excludes(partial, ungrouped), cases[i].ungrouped);
    }
    xpm_class *child = declare("tests.partial", "a.c:1", class_);
    assert_non_null(xpm_class_partial(child, "p"));
    assert_null(xpm_class_partial(child, "q"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_class_is_found_by_its_name_in_any_case),
        cmocka_unit_test(parameters_are_in_order_of_their_names),
        cmocka_unit_test(the_macros_say_where_each_member_is),
        cmocka_unit_test(the_macros_give_groups_files_and_flags),
        cmocka_unit_test(a_name_taken_by_another_class_is_refused),
        cmocka_unit_test(a_second_declaration_from_the_same_place_replaces_the_first),
        cmocka_unit_test(a_name_that_is_no_folder_is_refused),
        cmocka_unit_test(a_default_must_be_of_the_type),
        cmocka_unit_test(a_default_of_none_makes_a_parameter_optional),
        cmocka_unit_test(a_constant_needs_a_value_and_keeps_it),
        cmocka_unit_test(an_inherited_parameter_may_become_narrower_and_no_other),
        cmocka_unit_test(a_class_in_use_takes_no_more_parameters),
        cmocka_unit_test(flags_are_inherited),
        cmocka_unit_test(an_unknown_parameter_names_the_nearest),
        cmocka_unit_test(a_value_is_given_back_else_the_default_else_nothing),
        cmocka_unit_test(a_text_is_given_of_texts_and_paths_alone),
        cmocka_unit_test(what_takes_hold_of_a_new_configuration_owns_it),
        cmocka_unit_test(a_cycle_is_broken_by_clearing_it),
        cmocka_unit_test(an_object_of_the_wrong_class_names_its_place),
        cmocka_unit_test(a_task_must_be_submitted_before_it_is_given),
        cmocka_unit_test(a_generated_value_cannot_be_given),
        cmocka_unit_test(a_missing_value_is_named_with_its_place_and_seals_nothing),
        cmocka_unit_test(a_missing_value_deep_down_is_named_with_its_place),
        cmocka_unit_test(what_is_sealed_is_read_only),
        cmocka_unit_test(the_files_of_nested_objects_have_folders_of_their_own),
        cmocka_unit_test(without_a_directory_nothing_is_generated),
        cmocka_unit_test(the_error_of_a_generator_is_passed_on),
        cmocka_unit_test(a_default_that_is_a_configuration_is_not_shared),
        cmocka_unit_test(an_error_of_xpm_new_is_given_when_the_configuration_is_used),
        cmocka_unit_test(an_error_inside_is_the_error_of_the_whole),
        cmocka_unit_test(the_first_error_is_the_one_that_is_kept),
        cmocka_unit_test(an_output_of_two_tasks_is_refused),
        cmocka_unit_test(only_a_lightweight_task_can_be_an_init_task),
        cmocka_unit_test(tags_are_gathered_in_order_of_name_the_outer_ones_last),
        cmocka_unit_test(a_partial_leaves_out_the_groups_that_it_excludes),
    };
    return RUN_TESTS(tests);
}
