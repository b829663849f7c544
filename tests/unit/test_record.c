/* What is written of configurations and read again: params.json, and saved folders. */
#include "base/str.h"
#include "declare/config.h"
#include "declare/equal.h"
#include "declare/value.h"
#include "folder.h"
#include "record/params.h"

/* ---- Classes ----------------------------------------------------------------------------------- */

typedef struct {
    int64_t n;
} leaf;
XPM_CONFIG(leaf, "record.leaf", XPM_INT(n));

typedef struct {
    bool truth;
    int64_t number;
    double real;
    const char *text, *path, *absent;
    const xpm_value *list, *set, *table, *numbers, *any, *pair, *row, *keyed;
    leaf *leaf;
    xpm_objects leaves;
} everything;
static int everything_execute(everything *self, xpm_task *task)
{
    (void)self;
    (void)task;
    return 0;
}
XPM_TASK(everything, "record.everything", everything_execute, XPM_BOOL(truth), XPM_INT(number),
         XPM_FLOAT(real), XPM_STR(text), XPM_PATH(path), XPM_STR(absent, .optional = true),
         XPM_VALUE(list, "list[list[int]]"), XPM_VALUE(set, "set[str]"),
         XPM_VALUE(table, "dict[str,record.leaf]"), XPM_VALUE(numbers, "dict[int,float]"),
         XPM_VALUE(any, "any"), XPM_VALUE(pair, "tuple[int,str]"),
         XPM_VALUE(row, "tuple[float,...]"), XPM_VALUE(keyed, "dict[str,int]"),
         XPM_OBJECT(leaf, "record.leaf"), XPM_OBJECTS(leaves, "record.leaf"));

typedef struct {
    const char *file;
    int64_t n;
} data;
XPM_CONFIG(data, "record.data", XPM_DATA_PATH(file), XPM_INT(n, XPM_IGNORE_DEFAULT(0)));

typedef struct {
    const xpm_value *items;
} holder;
XPM_CONFIG(holder, "record.holder", XPM_VALUE(items, "dict[str,record.data]"));

typedef struct {
    const xpm_value *next;
} chain;
XPM_CONFIG(chain, "record.chain", XPM_VALUE(next, "any", .optional = true));

static xpm_error last;

/* ---- Helpers ----------------------------------------------------------------------------------- */

static xpm_config *new_leaf(int n)
{
    return xpm_new("record.leaf", "n", n);
}

static xpm_value new_set(const char *a, const char *b)
{
    xpm_value set = xpm_set_new();
    xpm_list_append(&set, xpm_str(a));
    xpm_list_append(&set, xpm_str(b));
    return set;
}

/* A task that has a value of every kind; the same leaf at each place. */
static xpm_config *new_everything(void)
{
    xpm_config *shared = new_leaf(4);
    xpm_config *task = xpm_new(
        "record.everything", "truth", true, "number", (long long)INT64_MIN, "real", 0.1, "text",
        "a \"text\"\n\x01é", "path", "/data/x", "list", xpm_list(xpm_list(1, 2), xpm_list()), "set",
        new_set("a", "b"), "table", xpm_dict("k", shared, "type", shared), "numbers",
        xpm_dict(1, 0.5, 2, 1e300), "any", xpm_list(xpm_none(), 2.0, "x"), "pair",
        xpm_tuple(1, "one"), "row", xpm_tuple(1.0, 2.0), "leaf", shared);
    assert_int_equal(xpm_config_set(task, "leaves", xpm_list(shared, new_leaf(5), shared), &last),
                     0);
    assert_int_equal(xpm_config_set(task, "absent", xpm_none(), &last), 0); /* as it is loaded */
    assert_int_equal(xpm_config_set(task, "keyed", xpm_dict("type", 1, "a", 2), &last), 0);
    return xpm_config_ref(task);
}

static void assert_same(const xpm_config *a, const xpm_config *b)
{
    xpm_value left = xpm_object((xpm_config *)a), right = xpm_object((xpm_config *)b);
    assert_true(xpm__value_equal(&left, &right));
    xpm_value_clear(&left);
    xpm_value_clear(&right);
}

static void save(const xpm_value *value, const char *directory)
{
    if (xpm_save(value, directory, NULL, &last) < 0)
        fail_msg("%s: %s", last.path, last.message);
}

static xpm_value load(const char *directory)
{
    xpm_value value;
    if (xpm_load(directory, NULL, &value, &last) < 0)
        fail_msg("%s: %s", last.path, last.message);
    return value;
}

static xpm_value load_text(const char *text, const xpm_load_options *options)
{
    xpm_value value;
    if (xpm_load_text(text, strlen(text), NULL, "it", options, &value, &last) < 0)
        fail_msg("%s: %s", last.path, last.message);
    return value;
}

static void refuse_text(const char *text, xpm_code code, const char *part)
{
    xpm_value value;
    last = (xpm_error){0};
    assert_int_equal(xpm_load_text(text, strlen(text), NULL, "it", NULL, &value, &last), -1);
    assert_int_equal(value.kind, XPM_KIND_UNSET);
    assert_error(&last, code, part);
}

static void hex_of(xpm_config *config, char hex[XPM_HEX_SIZE])
{
    uint8_t identifier[XPM_IDENTIFIER_SIZE];
    assert_int_equal(xpm_config_identifier(config, identifier, &last), 0);
    xpm_identifier_hex(identifier, hex);
}

/* ---- Saved folders ----------------------------------------------------------------------------- */

TEST(a_value_of_every_kind_is_saved_and_loaded)
{
    char *folder = folder_new(), before[XPM_HEX_SIZE], after[XPM_HEX_SIZE];
    xpm_config *task = new_everything();
    xpm_value value = xpm_object(task);
    hex_of(task, before);
    save(&value, folder);
    xpm_value loaded = load(folder);
    assert_int_equal(loaded.kind, XPM_KIND_CONFIG);
    assert_same(task, loaded.as.config);
    assert_true(xpm_config_sealed(loaded.as.config));
    hex_of(loaded.as.config, after);
    assert_string_equal(before, after);
    xpm_value_clear(&loaded);
    xpm_value_clear(&value);
    xpm_config_unref(task);
    folder_remove(folder);
}

TEST(what_is_saved_stays_as_it_was)
{
    xpm_config *config = xpm_config_ref(new_leaf(1));
    xpm_value value = xpm_object(config);
    char *text = xpm_save_text(&value, NULL, NULL, &last), before[XPM_HEX_SIZE],
         after[XPM_HEX_SIZE];
    assert_non_null(text);
    assert_false(xpm_config_sealed(config));
    hex_of(config, before);
    assert_int_equal(xpm_config_set(config, "n", xpm_int(2), &last), 0);
    hex_of(config, after);
    assert_string_not_equal(before, after);
    xpm_free(text);
    xpm_value_clear(&value);
    xpm_config_unref(config);
}

TEST(collections_around_configurations_are_kept_and_tuples_become_lists)
{
    xpm_config *shared = new_leaf(1);
    xpm_value value = xpm_list(shared, xpm_dict("a", shared, "type", 2), xpm_dict(3, xpm_none()),
                               xpm_tuple(1, 2.0), true);
    char *text = xpm_save_text(&value, NULL, NULL, &last);
    xpm_value loaded = load_text(text, NULL);
    const xpm_value *items = loaded.as.items;
    assert_int_equal(loaded.size, 5);
    assert_ptr_equal(items[0].as.config, items[1].as.items[1].as.config);
    assert_string_equal(items[1].as.items[2].as.text, "type");
    assert_int_equal(items[2].as.items[0].as.integer, 3);
    assert_int_equal(items[2].as.items[1].kind, XPM_KIND_NONE);
    assert_int_equal(items[3].kind, XPM_KIND_LIST);
    assert_true(items[3].as.items[1].as.real == 2.0);
    xpm_value_clear(&loaded);
    xpm_value_clear(&value);
    xpm_free(text);
}

TEST(data_is_copied_and_found_where_the_folder_is)
{
    char *folder = folder_new();
    file_put(path_of("%s/one", folder), "one");
    mkdir(path_of("%s/many", folder), 0777);
    file_put(path_of("%s/many/two", folder), "two");
    xpm_config *one = xpm_new("record.data", "file", path_of("%s/one", folder));
    xpm_config *many = xpm_new("record.data", "file", path_of("%s/many", folder));
    xpm_value value = xpm_object(xpm_new("record.holder", "items", xpm_dict("a", one, "b", many)));
    save(&value, path_of("%s/saved", folder));
    save(&value, path_of("%s/saved", folder)); /* again, in place of the first */
    assert_true(file_holds(path_of("%s/saved/items/a/file", folder), "one"));
    assert_true(file_holds(path_of("%s/saved/items/b/file/two", folder), "two"));
    assert_int_equal(rename(path_of("%s/saved", folder), path_of("%s/moved", folder)), 0);
    xpm_value loaded = load(path_of("%s/moved", folder));
    const xpm_value *items = xpm_config_get(loaded.as.config, "items");
    assert_string_equal(xpm_text(items->as.items[1].as.config, "file"),
                        path_of("%s/moved/items/a/file", folder));
    xpm_value_clear(&loaded);
    xpm_value_clear(&value);
    folder_remove(folder);
}

TEST(data_that_cannot_be_copied_is_refused)
{
    char *folder = folder_new();
    file_put(path_of("%s/one", folder), "one");
    xpm_config *one = xpm_new("record.data", "file", path_of("%s/one", folder), "n", 1);
    xpm_config *other = xpm_new("record.data", "file", path_of("%s/one", folder), "n", 2);
    xpm_config *absent = xpm_new("record.data", "file", path_of("%s/absent", folder));
    xpm_config *around = xpm_new("record.data", "file", folder);
    xpm_value same = xpm_dict("a", xpm_dict("b", one), "a/b", other);
    xpm_value outside = xpm_dict("..", one), none = xpm_object(absent), all = xpm_object(around);
    assert_int_equal(xpm_save(&same, path_of("%s/saved", folder), NULL, &last), -1);
    assert_error(&last, XPM_E_CONFLICT, "two files would be saved as a/b/file");
    assert_int_equal(xpm_save(&outside, path_of("%s/saved", folder), NULL, &last), -1);
    assert_error(&last, XPM_E_RANGE, "\"../file\" is no name inside the folder");
    assert_int_equal(xpm_save(&none, path_of("%s/saved", folder), NULL, &last), -1);
    assert_error(&last, XPM_E_IO, "absent");
    assert_int_equal(xpm_save(&all, path_of("%s/saved", folder), NULL, &last), -1);
    assert_error(&last, XPM_E_CONFLICT, "one is inside the other");
    assert_false(file_is_there(path_of("%s/saved/experimaestro.json", folder)));
    xpm_value_clear(&same);
    xpm_value_clear(&outside);
    xpm_value_clear(&none);
    xpm_value_clear(&all);
    folder_remove(folder);
}

TEST(a_missing_value_is_refused_where_it_is)
{
    xpm_value value = xpm_dict("k", xpm_list(xpm_new("record.leaf")));
    assert_null(xpm_save_text(&value, NULL, NULL, &last));
    assert_error(&last, XPM_E_MISSING, "value n is required but missing");
    assert_string_equal(last.path, "k/0");
    xpm_value_clear(&value);
}

TEST(the_task_of_an_output_is_loaded_unless_it_is_left_out)
{
    xpm_load_options partial = {.partial = true}, anew = {.anew = true};
    char hex[XPM_HEX_SIZE], again[XPM_HEX_SIZE], task_hex[XPM_HEX_SIZE];
    xpm_config *task = new_everything(), *output = new_leaf(7);
    xpm_value value = xpm_object(output);
    assert_int_equal(xpm_config_set_task(output, task, &last), 0);
    hex_of(output, hex);
    hex_of(task, task_hex);
    char *text = xpm_save_text(&value, NULL, NULL, &last);
    xpm_value whole = load_text(text, NULL), part = load_text(text, &partial);
    xpm_value computed = load_text(text, &anew);
    assert_same(xpm_config_task(whole.as.config), task);
    assert_null(xpm_config_task_type(whole.as.config));
    assert_null(xpm_config_task(part.as.config));
    assert_string_equal(xpm_config_task_type(part.as.config), "record.everything");
    assert_string_equal(xpm_config_task_identifier(part.as.config), task_hex);
    hex_of(part.as.config, again);
    assert_string_equal(again, hex);
    hex_of(computed.as.config, again);
    assert_string_equal(again, hex);
    xpm_value_clear(&whole);
    xpm_value_clear(&part);
    xpm_value_clear(&computed);
    xpm_value_clear(&value);
    xpm_free(text);
    xpm_config_unref(task);
}

TEST(meta_is_kept)
{
    xpm_config *never = new_leaf(1), *always = new_leaf(2), *open = new_leaf(3);
    xpm_config_set_meta(never, 1);
    xpm_config_set_meta(always, 0);
    xpm_value value = xpm_list(never, always, open);
    char *text = xpm_save_text(&value, NULL, NULL, &last);
    xpm_value loaded = load_text(text, NULL);
    for (int i = 0; i < 3; i++)
        assert_int_equal(xpm_config_meta(loaded.as.items[i].as.config), i == 2 ? -1 : 1 - i);
    xpm_value_clear(&loaded);
    xpm_value_clear(&value);
    xpm_free(text);
}

TEST(a_chain_of_100000_is_saved_and_loaded)
{
    xpm_config *end = xpm_config_ref(xpm_new("record.chain"));
    for (int i = 0; i < 100000; i++) {
        xpm_config *next = xpm_config_ref(xpm_new("record.chain", "next", end));
        xpm_config_unref(end);
        end = next;
    }
    xpm_value value = xpm_object(end);
    char *text = xpm_save_text(&value, NULL, NULL, &last);
    assert_non_null(text);
    xpm_value loaded = load_text(text, NULL);
    const xpm_value *next = &loaded;
    int count = 0;
    while ((next = xpm_config_get(next->as.config, "next")) != NULL && next->kind != XPM_KIND_NONE)
        count++;
    assert_int_equal(count, 100000);
    xpm_value_clear(&loaded);
    xpm_value_clear(&value);
    xpm_config_unref(end);
    xpm_free(text);
}

#define OBJECT                                                                                     \
    "{\"id\":1,\"module\":\"record\",\"type\":\"leaf\",\"typename\":\"record.leaf\","              \
    "\"identifier\":"                                                                              \
    "\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\",\"fields\":{\"n\":1}}"

TEST(a_file_that_is_not_understood_is_an_error_that_says_why)
{
    static const struct {
        const char *text, *part;
        xpm_code code;
    } bad[] = {
        {"", "is empty", XPM_E_FORMAT},
        {"{\"objects\": [", "is truncated", XPM_E_FORMAT},
        {"[]", "is no JSON object", XPM_E_FORMAT},
        {"{\"data\":1}", "has no objects", XPM_E_FORMAT},
        {"{\"objects\":[]}", "has no data", XPM_E_FORMAT},
        {"{\"objects\":[{}],\"data\":1}", "an object without a number", XPM_E_FORMAT},
        {"{\"objects\":[],\"data\":{\"type\":\"python\",\"value\":3}}",
         "refers to an object that it does not have", XPM_E_FORMAT},
        {"{\"objects\":[],\"data\":{\"type\":\"what\"}}", "unknown kind of value \"what\"",
         XPM_E_FORMAT},
        {"{\"objects\":[],\"data\":{\"type\":\"path.serialized\",\"value\":\"x\"}}",
         "no folder was given", XPM_E_STATE},
        {"{\"objects\":[],\"data\":{\"type\":\"path\",\"value\":\"x\",\"base\":\"job\"}}",
         "a path of a job", XPM_E_FORMAT},
        {"{\"version\":4,\"objects\":[],\"data\":1}", "upgrade it", XPM_E_VERSION},
        {"{\"objects\":[{\"id\":1,\"module\":\"record\",\"type\":\"gone\",\"fields\":{}}],"
         "\"data\":{\"type\":\"python\",\"value\":1}}",
         "record.gone", XPM_E_UNKNOWN},
        {"{\"objects\":[{\"id\":1,\"module\":\"record\",\"type\":\"leaf\",\"fields\":{}}],"
         "\"data\":{\"type\":\"python\",\"value\":1}}",
         "without identifier", XPM_E_FORMAT},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refuse_text(bad[i].text, bad[i].code, bad[i].part);
}

TEST(what_nothing_refers_to_is_not_looked_for)
{
    xpm_value value = load_text(
        "{\"objects\":[{\"id\":2,\"module\":\"record\",\"type\":\"gone\",\"fields\":{}}," OBJECT
        "],\"data\":[{\"type\":\"python\",\"value\":1},null]}",
        NULL);
    assert_int_equal(value.size, 2);
    xpm_value_clear(&value);
}

TEST(an_older_name_is_read_and_a_folder_without_any_is_an_error)
{
    char *folder = folder_new();
    xpm_value value;
    assert_int_equal(xpm_load(folder, NULL, &value, &last), -1);
    assert_error(&last, XPM_E_IO, "nothing was saved there");
    file_put(path_of("%s/definition.json", folder),
             "{\"objects\":[" OBJECT "],\"data\":{\"type\":\"python\",\"value\":1}}");
    value = load(folder);
    assert_int_equal(xpm_config_get(value.as.config, "n")->as.integer, 1);
    xpm_value_clear(&value);
    folder_remove(folder);
}

/* ---- A job's parameters, a run's objects -------------------------------------------------------- */

TEST(a_value_of_every_kind_goes_through_params_json)
{
    xpm__str text = {0};
    xpm__params params;
    xpm_config *task = new_everything();
    xpm__params_context context = {.workspace = "/data", .directory = "/data/job"};
    assert_int_equal(xpm_config_seal(task, "/data/job", &last), 0);
    char hex[XPM_HEX_SIZE];
    hex_of(task, hex);
    hex_of(xpm_config_get(task, "leaves")->as.items[1].as.config, hex);
    xpm_value tags = xpm_dict("a", 1, "b", 0.5);
    xpm__params_write(task, &tags, &context, &text);
    if (xpm__params_parse(text.data, text.size, "/data/job/params.json", NULL, NULL, &params,
                          &last) < 0)
        fail_msg("%s", last.message);
    assert_same(task, params.task);
    assert_true(xpm__value_equal(&tags, &params.tags));
    assert_string_equal(params.workspace, "/data");
    xpm__params_clear(&params);
    xpm__str_free(&text);
    xpm_value_clear(&tags);
    xpm_config_unref(task);
}

TEST(the_objects_of_a_run_are_shared_and_a_torn_line_is_passed_over)
{
    char *folder = folder_new();
    char hex[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    file_put(path_of("%s/objects.jsonl", folder), OBJECT "\nnonsense\n{\"id\":2,\"modu");
    xpm_value value;
    assert_int_equal(xpm_load_objects(path_of("%s/objects.jsonl", folder), NULL, &value, &last), 0);
    assert_int_equal(value.size, 1);
    assert_string_equal(value.as.items[0].as.text, hex);
    xpm_value_clear(&value);
    assert_int_equal(xpm_load_objects(path_of("%s/absent", folder), NULL, &value, &last), -1);
    assert_error(&last, XPM_E_IO, "absent");
    folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_of_every_kind_is_saved_and_loaded),
        cmocka_unit_test(what_is_saved_stays_as_it_was),
        cmocka_unit_test(collections_around_configurations_are_kept_and_tuples_become_lists),
        cmocka_unit_test(data_is_copied_and_found_where_the_folder_is),
        cmocka_unit_test(data_that_cannot_be_copied_is_refused),
        cmocka_unit_test(a_missing_value_is_refused_where_it_is),
        cmocka_unit_test(the_task_of_an_output_is_loaded_unless_it_is_left_out),
        cmocka_unit_test(meta_is_kept),
        cmocka_unit_test(a_chain_of_100000_is_saved_and_loaded),
        cmocka_unit_test(a_file_that_is_not_understood_is_an_error_that_says_why),
        cmocka_unit_test(what_nothing_refers_to_is_not_looked_for),
        cmocka_unit_test(an_older_name_is_read_and_a_folder_without_any_is_an_error),
        cmocka_unit_test(a_value_of_every_kind_goes_through_params_json),
        cmocka_unit_test(the_objects_of_a_run_are_shared_and_a_torn_line_is_passed_over),
    };
    return RUN_TESTS(tests);
}
