/* What programs in C declare: a struct's members of every kind, enumerations, partial identifiers,
 * checks and outputs; and the structs that a task gets. */
#include "folder.h"

#include "declare/instance.h"

typedef enum { RED = 1, GREEN = 4, BLUE = 9 } color;
XPM_ENUMERATION(color, "native.Color", {RED, "RED"}, {GREEN, "GREEN"}, {BLUE, "BLUE"});

typedef enum { SMALL, LARGE } size;
XPM_ENUMERATION(size, "native:Box.Size", {SMALL, "SMALL"}, {LARGE, "LARGE"});

typedef struct {
    int64_t units;
} layer;
XPM_CONFIG(layer, "native.layer", XPM_INT(units));

typedef struct {
    const int64_t *integer;
    const double *real;
    const bool *boolean;
    const char *text;
    const color *color;
} optionals;
XPM_CONFIG(optionals, "native.optionals", XPM_INT(integer), XPM_FLOAT(real, XPM_DEFAULT(0.5)),
           XPM_BOOL(boolean), XPM_STR(text, .optional = true), XPM_ENUM(color, "native.Color"));

typedef struct {
    xpm_ints ints;
    xpm_floats floats;
    xpm_bools bools;
    xpm_texts texts, paths;
    struct {
        size_t count;
        const color *items;
    } colors;
    xpm_ints few;
} arrays;
XPM_CONFIG(arrays, "native.arrays", XPM_INTS(ints, XPM_DEFAULT_JSON("[3, 4]")),
           XPM_FLOATS(floats, .optional = true), XPM_BOOLS(bools, .optional = true),
           XPM_STRS(texts, .optional = true), XPM_PATHS(paths, .optional = true),
           XPM_ARRAY(colors, "list[native.Color]", XPM_IGNORE_DEFAULT_JSON("[\"BLUE\"]")),
           XPM_ARRAY(few, "set[int]", .optional = true));

typedef struct {
    color color;
    size size;
    struct {
        size_t count;
        layer *const *items;
    } layers;
    xpm_named named;
    const xpm_value *either, *counts;
    layer *first;
} objects;
XPM_CONFIG(objects, "native.objects", XPM_ENUM(color, "native.Color", XPM_DEFAULT(GREEN)),
           XPM_ENUM(size, "native:Box.Size", XPM_DEFAULT("LARGE")),
           XPM_OBJECTS(layers, "native.layer", .optional = true),
           XPM_NAMED(named, "native.layer", .optional = true),
           XPM_VALUE(either, "int|native.layer", .optional = true),
           XPM_VALUE(counts, "dict[native.Color,int]", XPM_DEFAULT_JSON("{\"RED\": 7}")),
           XPM_OBJECT(first, "native.layer", .optional = true));

typedef struct {
    bool unused;
} bare;
XPM_CONFIG(bare, "native.bare");

/* ---- Classes whose texts are wrong ------------------------------------------------------------- */

typedef struct {
    int64_t x;
} wrong;
XPM_CONFIG(wrong, "native.unknown", XPM_INT(x, .partial = "none"));
typedef wrong wrong_default;
XPM_CONFIG(wrong_default, "native.wrong_default", XPM_INT(x, XPM_DEFAULT("many")));
typedef struct {
    color c;
} wrong_enum;
XPM_CONFIG(wrong_enum, "native.wrong_enum", XPM_ENUM(c, "native.layer"));
typedef wrong_enum absent_enum;
XPM_CONFIG(absent_enum, "native.absent_enum", XPM_ENUM(c, "native.Colour"));
typedef wrong_enum absent_member;
XPM_CONFIG(absent_member, "native.absent_member", XPM_ENUM(c, "native.Color", XPM_DEFAULT(2)));
typedef struct {
    xpm_ints items;
} wrong_array;
XPM_CONFIG(wrong_array, "native.wrong_array", XPM_ARRAY(items, "list[str]"));
typedef wrong_array not_array;
XPM_CONFIG(not_array, "native.not_array", XPM_ARRAY(items, "int"));
typedef wrong_array bad_json;
XPM_CONFIG(bad_json, "native.bad_json", XPM_INTS(items, XPM_DEFAULT_JSON("[1,")));
typedef struct {
    layer *x;
} wrong_object;
XPM_CONFIG(wrong_object, "native.wrong_object", XPM_OBJECT(x, "int"));

/* ---- What the tests share ---------------------------------------------------------------------- */

static xpm__instances instances;
static xpm_error last;

/* The struct of a configuration. */
static void *made(xpm_config *config)
{
    void *self = NULL;
    last = (xpm_error){0};
    if (xpm_config_seal(config, NULL, &last) == 0)
        self = xpm__instance_make(&instances, config, &last);
    if (self == NULL)
        fail_msg("%s: %s", last.path, last.message);
    return self;
}

static void release(xpm_config *config)
{
    xpm_config_unref(config);
    xpm__instances_free(&instances);
    instances = (xpm__instances){0};
}

static void assert_broken(const char *class_name, xpm_code code, const char *part)
{
    xpm_config *config = xpm_config_ref(xpm_new(class_name));
    xpm_error err = {0};
    assert_int_equal(xpm_config_seal(config, NULL, &err), -1);
    assert_error(&err, code, part);
    xpm_config_unref(config);
}

/* ---- Members ----------------------------------------------------------------------------------- */

TEST(a_class_may_have_no_parameter)
{
    xpm_config *config = xpm_config_ref(xpm_new("native.bare"));
    assert_non_null(made(config));
    release(config);
}

TEST(an_optional_scalar_is_a_pointer_that_none_leaves_null)
{
    xpm_config *config = xpm_config_ref(xpm_new("native.optionals", "real", xpm_none()));
    const optionals *self = made(config);
    assert_null(self->integer);
    assert_null(self->real); /* none was given, and is not the default */
    assert_null(self->boolean);
    assert_null(self->text);
    assert_null(self->color);
    release(config);
}

TEST(an_optional_scalar_points_to_its_value)
{
    xpm_config *config = xpm_config_ref(
        xpm_new("native.optionals", "integer", 0, "boolean", false, "text", "", "color", BLUE));
    const optionals *self = made(config);
    assert_int_equal(*self->integer, 0);
    assert_true(*self->real == 0.5);
    assert_false(*self->boolean);
    assert_string_equal(self->text, "");
    assert_int_equal(*self->color, BLUE);
    release(config);
}

TEST(a_list_is_an_array_of_what_c_calls_its_items)
{
    xpm_config *config = xpm_config_ref(
        xpm_new("native.arrays", "floats", xpm_list(0.5, 2), "bools",
                xpm_list((bool)true, (bool)false), "texts", xpm_list("a", "bc"), "paths",
                xpm_list("/d"), "colors", xpm_list(RED, "GREEN"), "few", xpm_list(5, 5, 6)));
    const arrays *self = made(config);
    assert_int_equal(self->ints.count, 2);
    assert_int_equal(self->ints.items[1], 4);
    assert_int_equal(self->floats.count, 2);
    assert_true(self->floats.items[0] == 0.5 && self->floats.items[1] == 2.0);
    assert_int_equal(self->bools.count, 2);
    assert_true(self->bools.items[0] && !self->bools.items[1]);
    assert_int_equal(self->texts.count, 2);
    assert_string_equal(self->texts.items[1], "bc");
    assert_string_equal(self->paths.items[0], "/d");
    assert_int_equal(self->colors.count, 2);
    assert_int_equal(self->colors.items[0], RED);
    assert_int_equal(self->colors.items[1], GREEN);
    assert_int_equal(self->few.count, 2); /* a set */
    release(config);
}

TEST(a_list_that_is_none_is_empty_and_one_may_have_a_default)
{
    xpm_config *config = xpm_config_ref(xpm_new("native.arrays"));
    const arrays *self = made(config);
    assert_int_equal(self->texts.count, 0);
    assert_int_equal(self->colors.count, 1);
    assert_int_equal(self->colors.items[0], BLUE);
    release(config);
}

TEST(objects_are_found_in_lists_in_dicts_and_in_values)
{
    xpm_config *shared = xpm_new("native.layer", "units", 3);
    xpm_config *config = xpm_config_ref(
        xpm_new("native.objects", "layers", xpm_list(shared, xpm_new("native.layer", "units", 2)),
                "named", xpm_dict("one", shared), "either", shared, "first", shared));
    const objects *self = made(config);
    assert_int_equal(self->layers.count, 2);
    assert_int_equal(self->layers.items[1]->units, 2);
    assert_int_equal(self->named.count, 1);
    assert_string_equal(self->named.names[0], "one");
    assert_ptr_equal(self->named.items[0], self->first);
    assert_ptr_equal(self->layers.items[0], self->first); /* one struct for one configuration */
    assert_ptr_equal(xpm__instance_find(&instances, self->either->as.config), self->first);
    release(config);
}

TEST(an_enumeration_has_the_numbers_of_c_and_the_names_of_python)
{
    xpm_config *config = xpm_config_ref(xpm_new("native.objects"));
    const objects *self = made(config);
    const xpm_value *hue = xpm_config_get(config, "color"), *width = xpm_config_get(config, "size");
    assert_int_equal(self->color, GREEN);
    assert_int_equal(self->size, LARGE);
    assert_string_equal(xpm_type_enum_module(hue->as.enum_type), "native");
    assert_string_equal(xpm_type_enum_name(hue->as.enum_type), "Color");
    assert_string_equal(xpm_type_enum_member(hue->as.enum_type, hue->size), "GREEN");
    assert_string_equal(xpm_type_enum_module(width->as.enum_type), "native");
    assert_string_equal(xpm_type_enum_name(width->as.enum_type), "Box.Size");
    assert_int_equal(xpm_dict_at(self->counts, 0)->as.integer, 7);
    release(config);
}

TEST(a_number_or_a_name_that_no_member_has_is_refused)
{
    xpm_config *config = xpm_config_ref(xpm_new("native.objects", "color", 2));
    assert_int_equal(xpm_config_seal(config, NULL, &last), -1);
    assert_error(&last, XPM_E_TYPE, "expected native.Color, got int 2; give a member of it");
    assert_string_equal(last.path, "$.color");
    xpm_config_unref(config);
    config = xpm_config_ref(xpm_new("native.objects", "color", "GREY"));
    assert_int_equal(xpm_config_seal(config, NULL, &last), -1);
    assert_error(&last, XPM_E_TYPE, "got str \"GREY\"");
    xpm_config_unref(config);
}

TEST(what_is_wrong_in_a_text_is_the_error_of_who_uses_the_class)
{
    assert_broken("native.unknown", XPM_E_UNKNOWN, "no partial identifier is called \"none\"");
    assert_broken("native.wrong_default", XPM_E_TYPE, "expected int, got str \"many\"");
    assert_broken("native.wrong_enum", XPM_E_TYPE, "cannot hold values of type native.layer");
    assert_broken("native.absent_enum", XPM_E_UNKNOWN, "no class \"native.Colour\" is declared");
    assert_broken("native.absent_member", XPM_E_TYPE, "got int 2; give a member of it");
    assert_broken("native.wrong_array", XPM_E_TYPE, "cannot hold values of type list[str]");
    assert_broken("native.not_array", XPM_E_TYPE, "cannot hold values of type int");
    assert_broken("native.bad_json", XPM_E_FORMAT, "\"[1,\" is not JSON");
    assert_broken("native.wrong_object", XPM_E_TYPE, "cannot hold values of type int");
}

/* ---- Values ------------------------------------------------------------------------------------ */

TEST(a_value_is_read_from_json_as_its_type_has_it)
{
    xpm_error err = {0};
    xpm_value value;
    const xpm_type *type = xpm_type_parse("dict[str,set[native.Color]]", &err);
    assert_int_equal(xpm_value_parse(type, "{\"a\": [\"RED\", \"RED\"]}", &value, &err), 0);
    assert_int_equal(xpm_dict_get(&value, "a")->kind, XPM_KIND_SET);
    assert_int_equal(xpm_dict_get(&value, "a")->size, 1);
    assert_null(xpm_dict_get(&value, "b"));
    xpm_value_clear(&value);
    assert_int_equal(xpm_value_parse(type, "{\"a\": [\"GREY\"]}", &value, &err), -1);
    assert_error(&err, XPM_E_TYPE, "expected native.Color");
    assert_string_equal(err.path, "$[\"a\"][0]");
    assert_int_equal(value.kind, XPM_KIND_UNSET);
    assert_int_equal(xpm_value_parse(xpm_type_parse("int?", NULL), "null", &value, &err), 0);
    assert_int_equal(value.kind, XPM_KIND_NONE);
}

TEST(collections_are_read_by_index_and_by_key)
{
    xpm_value list = xpm_list(1, "b"), dict = xpm_dict(1, "one", "b", 2), key = xpm_float(1);
    assert_int_equal(xpm_list_at(&list, 0)->as.integer, 1);
    assert_null(xpm_list_at(&list, 2));
    assert_null(xpm_list_at(&dict, 0));
    assert_null(xpm_list_at(NULL, 0));
    assert_string_equal(xpm_dict_key(&dict, 1)->as.text, "b");
    assert_int_equal(xpm_dict_at(&dict, 1)->as.integer, 2);
    assert_null(xpm_dict_at(&dict, 2));
    assert_null(xpm_dict_key(&list, 0));
    assert_string_equal(xpm_dict_find(&dict, &key)->as.text, "one"); /* as in Python */
    assert_true(xpm_value_equal(xpm_dict_key(&dict, 0), &key));
    assert_false(xpm_value_equal(&list, &dict));
    xpm_value_clear(&list);
    xpm_value_clear(&dict);
}

TEST(a_call_takes_as_many_values_as_sixty_four)
{
    xpm_value list =
        xpm_list(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23,
                 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44,
                 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64);
    xpm_value none = xpm_list(), one = xpm_set(1);
    assert_int_equal(list.size, 64);
    assert_int_equal(xpm_list_at(&list, 63)->as.integer, 64);
    assert_int_equal(none.size, 0);
    assert_int_equal(one.size, 1);
    xpm_value_clear(&list);
    xpm_value_clear(&one);
}

TEST(a_type_tells_what_it_is_made_of)
{
    const xpm_type *dict = xpm_type_parse("dict[str,list[native.layer]]", NULL);
    const xpm_type *tuple = xpm_type_parse("tuple[int,str]", NULL);
    const xpm_type *either = xpm_type_parse("int|str", NULL);
    assert_int_equal(xpm_type_kind(xpm_type_key(dict)), XPM_KIND_STR);
    assert_int_equal(xpm_type_kind(xpm_type_item(dict, 0)), XPM_KIND_LIST);
    assert_ptr_equal(xpm_type_class(xpm_type_item(xpm_type_item(dict, 0), 5)),
                     xpm_class_find("native.layer"));
    assert_int_equal(xpm_type_kind(xpm_type_item(tuple, 1)), XPM_KIND_STR);
    assert_null(xpm_type_item(tuple, 2));
    assert_int_equal(xpm_type_kind(xpm_type_item(either, 1)), XPM_KIND_STR);
    assert_null(xpm_type_item(either, 2));
    assert_null(xpm_type_key(either));
}

/* ---- Saved --------------------------------------------------------------------------------------- */

typedef struct {
    layer *layer;
    const char *weights;
    color color;
} saved;
XPM_CONFIG(saved, "native.saved", XPM_OBJECT(layer, "native.layer"),
           XPM_PATH(weights, .flags = XPM_DATA), XPM_ENUM(color, "native.Color"));

TEST(what_was_saved_is_loaded_as_structs_with_its_data)
{
    char *folder = folder_new();
    char *model = strdup(path_of("%s/model", folder)), text[16] = "";
    const char *weights = path_of("%s/weights.txt", folder);
    file_put(weights, "0.5");
    xpm_value value =
        xpm_object(xpm_new("native.saved", "layer", xpm_new("native.layer", "units", 3), "weights",
                           xpm_path(weights), "color", BLUE));
    if (xpm_save(&value, model, NULL, &last) < 0)
        fail_msg("%s: %s", last.path, last.message);
    xpm_value_clear(&value);
    if (xpm_load(model, NULL, &value, &last) < 0)
        fail_msg("%s: %s", last.path, last.message);
    xpm_instances *structs = xpm_instances_new();
    const saved *self = xpm_instances_make(structs, value.as.config, &last);
    assert_int_equal(self->layer->units, 3);
    assert_int_equal(self->color, BLUE);
    assert_ptr_equal(xpm_instances_make(structs, value.as.config, &last), self);
    assert_int_equal(strncmp(self->weights, model, strlen(model)), 0); /* the copy */
    FILE *file = fopen(self->weights, "r");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof text, file));
    assert_string_equal(text, "0.5");
    fclose(file);
    xpm_instances_free(structs);
    xpm_instances_free(NULL);
    xpm_value_clear(&value);
    free(model);
    folder_remove(folder);
}

/* ---- Checks ------------------------------------------------------------------------------------ */

static int checks;

typedef struct {
    double low, high;
    const char *out;
} range;

static int range_check(const void *object, xpm_error *err)
{
    const range *self = object;
    checks++;
    assert_null(self->out); /* not generated yet */
    if (self->low > self->high)
        return xpm_fail(err, XPM_E_RANGE, NULL, "low %g is above high %g", self->low, self->high);
    return self->high > 100 ? -1 : 0;
}
XPM_CONFIG(range, "native.range", XPM_VALIDATE(range_check), XPM_FLOAT(low), XPM_FLOAT(high),
           XPM_FILE(out, "out.txt", .flags = XPM_META));

typedef struct {
    struct {
        size_t count;
        range **items;
    } ranges;
} ranges;

static int ranges_check(const void *object, xpm_error *err)
{
    const ranges *self = object;
    (void)err;
    assert_int_equal(checks, self->ranges.count); /* what it holds was checked first */
    return 0;
}
XPM_CONFIG(ranges, "native.ranges", XPM_OBJECTS(ranges, "native.range"),
           XPM_VALIDATE(ranges_check));

static xpm_config *new_range(double low, double high)
{
    return xpm_new("native.range", "low", low, "high", high);
}

TEST(a_check_is_made_when_it_is_sealed_of_what_it_holds_first)
{
    xpm_config *config = xpm_config_ref(
        xpm_new("native.ranges", "ranges", xpm_list(new_range(0, 1), new_range(2, 3))));
    checks = 0;
    if (xpm_config_seal(config, "/tmp", &last) < 0)
        fail_msg("%s", last.message);
    assert_int_equal(checks, 2);
    assert_int_equal(xpm_config_seal(config, "/tmp", &last), 0);
    assert_int_equal(checks, 2); /* it is not sealed again */
    xpm_config_unref(config);
}

TEST(a_check_that_fails_names_what_it_refused_and_leaves_it_open)
{
    xpm_config *config = xpm_config_ref(
        xpm_new("native.ranges", "ranges", xpm_list(new_range(0, 1), new_range(3, 2))));
    assert_int_equal(xpm_config_seal(config, "/tmp", &last), -1);
    assert_error(&last, XPM_E_RANGE, "low 3 is above high 2");
    assert_string_equal(last.path, "$.ranges[1]");
    assert_false(xpm_config_sealed(config));
    assert_int_equal(xpm_config_seal(config, "/tmp", NULL), -1);
    xpm_config_unref(config);
    config = xpm_config_ref(new_range(0, 101));
    assert_int_equal(xpm_config_seal(config, "/tmp", &last), -1);
    assert_error(&last, XPM_E_CALLBACK, "native.range is not valid");
    xpm_config_unref(config);
}

/* ---- Partial identifiers ----------------------------------------------------------------------- */

typedef struct {
    int64_t epochs, seed;
    const char *last, *own;
} train;

static int no_execute(train *self, xpm_task *task)
{
    (void)self;
    (void)task;
    return 0;
}

typedef struct {
    const char *path;
} weights;
XPM_CONFIG(weights, "native.weights", XPM_PATH(path));

static bool no_output;

static xpm_config *train_outputs(xpm_config *task, xpm_error *err)
{
    (void)err;
    if (no_output)
        return NULL;
    return xpm_dep(task, xpm_new("native.weights", "path", xpm_path(xpm_text(task, "own"))));
}
XPM_TASK(train, "native.train", no_execute, XPM_INT(epochs, .groups = "iterations"), XPM_INT(seed),
         XPM_FILE(last, "last.txt", .partial = "checkpoints"), XPM_FILE(own, "own.txt"),
         XPM_PARTIAL("checkpoints", .exclude = "iterations"), XPM_OUTPUT(train_outputs));

typedef struct {
    bool quick;
} prepare;

static int prepare_execute(prepare *self, xpm_task *task)
{
    (void)self;
    (void)task;
    return 0;
}
XPM_LIGHTWEIGHT(prepare, "native.prepare", prepare_execute, XPM_BOOL(quick));

static xpm_experiment *open_dry(void)
{
    xpm_experiment_options options = {.mode = XPM_DRY_RUN};
    xpm_experiment *xp = xpm_experiment_open("/nowhere", "test", &options, &last);
    assert_non_null(xp);
    return xp;
}

TEST(a_file_of_a_partial_identifier_is_shared_by_those_that_differ_in_a_group)
{
    xpm_experiment *xp = open_dry();
    xpm_config *one = xpm_new("native.train", "epochs", 1, "seed", 1);
    xpm_config *two = xpm_new("native.train", "epochs", 2, "seed", 1);
    xpm_config *other = xpm_new("native.train", "epochs", 1, "seed", 2);
    assert_non_null(xpm_submit(xp, one, &last));
    assert_non_null(xpm_submit(xp, two, &last));
    assert_non_null(xpm_submit(xp, other, &last));
    assert_string_equal(xpm_text(one, "last"), xpm_text(two, "last"));
    assert_string_not_equal(xpm_text(one, "last"), xpm_text(other, "last"));
    assert_string_not_equal(xpm_text(one, "own"), xpm_text(two, "own"));
    xpm_experiment_close(xp, false, NULL);
}

/* ---- Planning ---------------------------------------------------------------------------------- */

TEST(a_task_gives_what_its_output_function_makes)
{
    xpm_experiment *xp = open_dry();
    xpm_config *task = xpm_new("native.train", "epochs", 1, "seed", 1);
    xpm_config *output = xpm_submit(xp, task, &last);
    assert_string_equal(xpm_class_name(xpm_config_class(output)), "native.weights");
    assert_ptr_equal(xpm_config_task(output), task);
    assert_string_equal(xpm_text(output, "path"), xpm_text(task, "own"));
    no_output = true;
    assert_null(xpm_submit(xp, xpm_new("native.train", "epochs", 3, "seed", 1), &last));
    assert_error(&last, XPM_E_CALLBACK, "native.train has no output");
    no_output = false;
    xpm_experiment_close(xp, false, NULL);
}

TEST(tags_and_init_tasks_are_given_in_one_line)
{
    xpm_config *init = xpm_new("native.prepare", "quick", (bool)true);
    xpm_config *task = xpm_config_ref(xpm_init_tasks(
        xpm_tag(xpm_tag(xpm_new("native.train", "epochs", 1, "seed", 1), "epochs", 1), "by", "me"),
        init, xpm_new("native.prepare", "quick", (bool)false)));
    xpm_value tags = xpm_config_tags(task);
    assert_int_equal(tags.size, 2);
    assert_string_equal(xpm_dict_get(&tags, "by")->as.text, "me");
    assert_ptr_equal(xpm_config_init_task(task, 0), init);
    assert_non_null(xpm_config_init_task(task, 1));
    assert_null(xpm_config_init_task(task, 2));
    xpm_value_clear(&tags);
    xpm_config_unref(task);
}

TEST(an_init_task_that_is_none_or_is_broken_is_the_error_of_the_task)
{
    xpm_config *task = xpm_config_ref(xpm_init_tasks(
        xpm_new("native.train", "epochs", 1, "seed", 1), xpm_new("native.prepare", "quik", 1)));
    assert_int_equal(xpm_config_seal(task, NULL, &last), -1);
    assert_error(&last, XPM_E_UNKNOWN, "is it quick?");
    xpm_config_unref(task);
    xpm_config *no_task = xpm_config_ref(xpm_new("native.bare"));
    task = xpm_config_ref(xpm_init_tasks(xpm_new("native.train", "epochs", 1, "seed", 1), no_task));
    assert_int_equal(xpm_config_seal(task, NULL, &last), -1);
    assert_error(&last, XPM_E_TYPE, "native.bare is not a lightweight task");
    xpm_config_unref(task);
    xpm_config_unref(no_task);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_class_may_have_no_parameter),
        cmocka_unit_test(an_optional_scalar_is_a_pointer_that_none_leaves_null),
        cmocka_unit_test(an_optional_scalar_points_to_its_value),
        cmocka_unit_test(a_list_is_an_array_of_what_c_calls_its_items),
        cmocka_unit_test(a_list_that_is_none_is_empty_and_one_may_have_a_default),
        cmocka_unit_test(objects_are_found_in_lists_in_dicts_and_in_values),
        cmocka_unit_test(an_enumeration_has_the_numbers_of_c_and_the_names_of_python),
        cmocka_unit_test(a_number_or_a_name_that_no_member_has_is_refused),
        cmocka_unit_test(what_is_wrong_in_a_text_is_the_error_of_who_uses_the_class),
        cmocka_unit_test(a_value_is_read_from_json_as_its_type_has_it),
        cmocka_unit_test(collections_are_read_by_index_and_by_key),
        cmocka_unit_test(a_call_takes_as_many_values_as_sixty_four),
        cmocka_unit_test(a_type_tells_what_it_is_made_of),
        cmocka_unit_test(what_was_saved_is_loaded_as_structs_with_its_data),
        cmocka_unit_test(a_check_is_made_when_it_is_sealed_of_what_it_holds_first),
        cmocka_unit_test(a_check_that_fails_names_what_it_refused_and_leaves_it_open),
        cmocka_unit_test(a_file_of_a_partial_identifier_is_shared_by_those_that_differ_in_a_group),
        cmocka_unit_test(a_task_gives_what_its_output_function_makes),
        cmocka_unit_test(tags_and_init_tasks_are_given_in_one_line),
        cmocka_unit_test(an_init_task_that_is_none_or_is_broken_is_the_error_of_the_task),
    };
    return RUN_TESTS(tests);
}
