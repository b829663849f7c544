/* Names of the past: classes that are deprecated or renamed, parameters that were renamed. */
#include "folder.h"

/* What is: a class, one that had another name, and those that stand for them no more. */

typedef struct {
    double rate;
    const char *label;
} train;
XPM_CONFIG(train, "past.train", XPM_RENAMED_FROM("past.learn"), XPM_RENAMED_FROM("past.fit"),
           XPM_FLOAT(rate, .renamed_from = "lr, speed"), XPM_STR(label, .optional = true));

static int conversions;

static xpm_config *percent_to_train(void *user, xpm_config *percent, xpm_error *err)
{
    const xpm_value *value = xpm_config_get(percent, "percent");
    (void)user;
    conversions++;
    if (value->as.real > 100) {
        *err = (xpm_error){.code = XPM_E_CALLBACK, .message = "more than all"};
        return NULL;
    }
    return xpm_new("past.train", "rate", value->as.real / 100);
}

typedef struct {
    double percent;
} in_percent;
XPM_CONFIG(in_percent, "past.in_percent", XPM_DEPRECATED("past.train", percent_to_train),
           XPM_FLOAT(percent));

/* From deprecated to deprecated. */
static xpm_config *mill_to_percent(void *user, xpm_config *mill, xpm_error *err)
{
    (void)user;
    (void)err;
    return xpm_new("past.in_percent", "percent", xpm_config_get(mill, "mill")->as.real / 10);
}

typedef struct {
    double mill;
} in_mill;
XPM_CONFIG(in_mill, "past.in_mill", XPM_DEPRECATED("past.in_percent", mill_to_percent),
           XPM_FLOAT(mill));

static xpm_config *same_again(void *user, xpm_config *config, xpm_error *err)
{
    (void)user;
    (void)config;
    (void)err;
    return xpm_new("past.circle");
}

typedef struct {
    int64_t n;
} circle;
XPM_CONFIG(circle, "past.circle", XPM_DEPRECATED("past.train", same_again),
           XPM_INT(n, .optional = true));

typedef struct {
    double rate;
} other_train;
XPM_CONFIG(other_train, "past.other_train", XPM_DEPRECATED("past.train", NULL), XPM_FLOAT(rate));

typedef struct {
    const xpm_value *what;
} box;
XPM_CONFIG(box, "past.box", XPM_VALUE(what, "list[any]"));

/* ---- What the tests share --------------------------------------------------------------------- */

static const char *hex_of(xpm_config *config)
{
    static char buffers[4][XPM_HEX_SIZE];
    static unsigned next;
    uint8_t identifier[XPM_IDENTIFIER_SIZE];
    xpm_error err = {0};
    char *hex = buffers[next++ % 4];
    if (xpm_config_identifier(config, identifier, &err) < 0)
        fail_msg("%s", err.message);
    xpm_identifier_hex(identifier, hex);
    xpm_config_unref(xpm_config_ref(config));
    return hex;
}

static xpm_config *boxed(xpm_config *config)
{
    return xpm_new("past.box", "what", xpm_list(config));
}

static char *written(const char *folder, const char *text)
{
    const char *path = path_of("%s/params.json", folder);
    file_put(path, text);
    return strdup(path);
}

#define OBJECT(type, hash, fields)                                                                 \
    "{\"workspace\":\"/w\",\"version\":3,\"objects\":[{\"id\":1,\"module\":\"past\",\"type\":"     \
    "\"" type "\",\"identifier\":\"" hash "\",\"fields\":" fields "}]}"
#define HASH "00000000000000000000000000000000000000000000000000000000000000aa"

/* ---- Renamed ---------------------------------------------------------------------------------- */

TEST(a_class_is_found_by_each_name_that_it_had)
{
    assert_ptr_equal(xpm_class_find("past.learn"), xpm_class_find("past.train"));
    assert_ptr_equal(xpm_class_find("Past.Fit"), xpm_class_find("past.train"));
    assert_string_equal(xpm_class_name(xpm_class_find("past.fit")), "past.train");
}

TEST(a_name_of_the_past_gives_way_to_a_class_that_has_it)
{
    xpm_declaration declaration = {
        .name = "past.taken", .module = "past", .qualname = "taken", .origin = "here"};
    xpm_class *taken = xpm_class_declare(&declaration, NULL);
    xpm_class_rename_from((xpm_class *)xpm_class_find("past.train"), "past.taken");
    assert_ptr_equal(xpm_class_find("past.taken"), taken);
}

TEST(a_parameter_is_set_by_each_name_that_it_had)
{
    const char *now = hex_of(xpm_new("past.train", "rate", 0.5));
    assert_string_equal(hex_of(xpm_new("past.train", "lr", 0.5)), now);
    assert_string_equal(hex_of(xpm_new("past.train", "speed", 0.5)), now);
    assert_int_equal(xpm_class_renamed(xpm_class_find("past.train"), "pace"), -1);
}

TEST(a_file_of_the_past_loads_under_the_names_of_today)
{
    char *folder = folder_new();
    char *path = written(folder, OBJECT("Learn", HASH, "{\"lr\":0.25,\"label\":null}"));
    xpm_error err = {0};
    xpm_config *config = xpm_params_load(path, NULL, NULL, &err);
    if (config == NULL)
        fail_msg("%s", err.message);
    assert_string_equal(xpm_class_name(xpm_config_class(config)), "past.train");
    assert_true(xpm_config_get(config, "rate")->as.real == 0.25);
    assert_int_equal(strncmp(hex_of(config), "0000", 4), 0); /* as the file says */
    xpm_config_unref(config);
    free(path);
    folder_remove(folder);
}

TEST(a_comparison_tells_the_identifier_of_today_and_what_was_renamed)
{
    char *folder = folder_new();
    char *path = written(folder, OBJECT("Learn", HASH, "{\"lr\":0.25,\"label\":null}"));
    char *answer = xpm_params_compare(path, NULL, NULL);
    assert_non_null(strstr(answer, hex_of(xpm_new("past.train", "rate", 0.25))));
    assert_non_null(strstr(answer, "\"old\":\"" HASH "\""));
    assert_non_null(strstr(answer, "\"type\":\"past.train\""));
    assert_non_null(strstr(answer, "type past.learn is now past.train"));
    assert_non_null(strstr(answer, "parameter lr of past.train is now rate"));
    assert_non_null(strstr(answer, "\"declared\":true"));
    xpm_free(answer);
    free(path);
    folder_remove(folder);
}

TEST(a_comparison_tells_apart_what_no_declaration_explains)
{
    char *folder = folder_new();
    char *path = written(folder, OBJECT("Train", HASH, "{\"rate\":1.0,\"gone\":2}"));
    char *answer = xpm_params_compare(path, NULL, NULL);
    assert_non_null(strstr(answer, "past.train has no parameter gone any more"));
    assert_non_null(strstr(answer, "\"declared\":false"));
    xpm_free(answer);
    free(path);
    folder_remove(folder);
}

TEST(a_comparison_of_what_is_not_understood_is_an_error)
{
    char *folder = folder_new();
    char *path = written(folder, OBJECT("Nothing", HASH, "{}"));
    char *answer = xpm_params_compare(path, NULL, NULL);
    assert_non_null(strstr(answer, "\"error\":\"no class \\\"past.nothing\\\" is declared"));
    xpm_free(answer);
    answer = xpm_params_compare("/nowhere/params.json", NULL, NULL);
    assert_non_null(strstr(answer, "\"error\":"));
    xpm_free(answer);
    free(path);
    folder_remove(folder);
}

/* ---- Deprecated ------------------------------------------------------------------------------- */

TEST(a_deprecated_configuration_is_identified_as_what_it_converts_to)
{
    const char *now = hex_of(xpm_new("past.train", "rate", 0.5));
    assert_string_equal(hex_of(xpm_new("past.in_percent", "percent", 50.0)), now);
    assert_string_equal(hex_of(xpm_new("past.in_mill", "mill", 500.0)), now);
    assert_string_equal(hex_of(boxed(xpm_new("past.in_percent", "percent", 50.0))),
                        hex_of(boxed(xpm_new("past.train", "rate", 0.5))));
}

TEST(without_conversion_it_has_the_name_of_the_other_and_its_own_parameters)
{
    const xpm_class *class_ = xpm_class_find("past.other_train");
    assert_string_equal(xpm_class_name(class_), "past.train");
    assert_ptr_equal(xpm_class_deprecated_by(class_), xpm_class_find("past.train"));
    assert_null(xpm_class_deprecated_by(xpm_class_find("past.train")));
    assert_string_equal(hex_of(xpm_new("past.other_train", "rate", 0.5)),
                        hex_of(xpm_new("past.train", "rate", 0.5)));
}

TEST(a_conversion_is_made_once_when_it_is_sealed_and_anew_before)
{
    xpm_config *config = xpm_config_ref(xpm_new("past.in_percent", "percent", 50.0));
    hex_of(config);
    assert_int_equal(xpm_config_set(config, "percent", xpm_float(25), NULL), 0);
    assert_string_equal(hex_of(config), hex_of(xpm_new("past.train", "rate", 0.25)));
    assert_int_equal(xpm_config_seal(config, NULL, NULL), 0);
    conversions = 0;
    hex_of(config);
    hex_of(config);
    hex_of(boxed(config));
    assert_in_range(conversions, 0, 1);
    xpm_config_unref(config);
}

TEST(a_conversion_that_fails_is_the_error_of_the_identifier)
{
    uint8_t identifier[XPM_IDENTIFIER_SIZE];
    xpm_error err = {0};
    xpm_config *config = boxed(xpm_new("past.in_percent", "percent", 101.0));
    assert_int_equal(xpm_config_identifier(config, identifier, &err), -1);
    assert_error(&err, XPM_E_CALLBACK, "more than all");
    xpm_config_unref(xpm_config_ref(config));
}

TEST(a_conversion_to_itself_is_refused)
{
    uint8_t identifier[XPM_IDENTIFIER_SIZE];
    xpm_error err = {0};
    xpm_config *config = xpm_new("past.circle");
    assert_int_equal(xpm_config_identifier(config, identifier, &err), -1);
    assert_error(&err, XPM_E_STATE, "without end");
    xpm_config_unref(xpm_config_ref(config));
}

TEST(a_class_that_is_used_cannot_become_deprecated)
{
    xpm_error err = {0};
    xpm_class *class_ = (xpm_class *)xpm_class_find("past.train");
    assert_int_equal(xpm_class_deprecate(class_, xpm_class_find("past.box"), NULL, NULL, &err), -1);
    assert_error(&err, XPM_E_STATE, "configurations of it exist");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_class_is_found_by_each_name_that_it_had),
        cmocka_unit_test(a_name_of_the_past_gives_way_to_a_class_that_has_it),
        cmocka_unit_test(a_parameter_is_set_by_each_name_that_it_had),
        cmocka_unit_test(a_file_of_the_past_loads_under_the_names_of_today),
        cmocka_unit_test(a_comparison_tells_the_identifier_of_today_and_what_was_renamed),
        cmocka_unit_test(a_comparison_tells_apart_what_no_declaration_explains),
        cmocka_unit_test(a_comparison_of_what_is_not_understood_is_an_error),
        cmocka_unit_test(a_deprecated_configuration_is_identified_as_what_it_converts_to),
        cmocka_unit_test(without_conversion_it_has_the_name_of_the_other_and_its_own_parameters),
        cmocka_unit_test(a_conversion_is_made_once_when_it_is_sealed_and_anew_before),
        cmocka_unit_test(a_conversion_that_fails_is_the_error_of_the_identifier),
        cmocka_unit_test(a_conversion_to_itself_is_refused),
        cmocka_unit_test(a_class_that_is_used_cannot_become_deprecated),
    };
    return RUN_TESTS(tests);
}
