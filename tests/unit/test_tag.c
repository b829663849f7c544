/* Tags: where they go, which is kept of two, and what is told of them. */
#include "demo.h"

static void tag_at(xpm_config *config, const char *name, int64_t value, const char *file, int line)
{
    xpm_value integer = xpm_int(value);
    xpm_config_tag_at(config, name, &integer, file, line);
}

static char told[1024];
static int told_count;

static void tell(void *user, const char *message)
{
    assert_string_equal(user, "user");
    snprintf(told, sizeof told, "%s", message);
    told_count++;
}

static xpm_value tags_of(const xpm_config *config)
{
    told_count = 0;
    told[0] = '\0';
    return xpm_config_tags_telling(config, tell, (char[]){"user"});
}

static void assert_tag(const xpm_value *tags, size_t at, const char *name, int64_t value)
{
    assert_true(at < tags->size);
    assert_string_equal(tags->as.items[2 * at].as.text, name);
    assert_int_equal(tags->as.items[2 * at + 1].as.integer, value);
}

static size_t parameter_of(const xpm_config *config, const char *name)
{
    return (size_t)xpm_class_index(xpm_config_class(config), name);
}

TEST(a_conflict_names_both_places)
{
    xpm_config *part = xpm_new("demo.base", "scale", 1.0);
    xpm_config *config = xpm_new("demo.model", "layers", xpm_list(part));
    tag_at(part, "lr", 1, "a.c", 3);
    tag_at(config, "lr", 2, "b.c", 4);
    xpm_value tags = tags_of(config);
    assert_int_equal(tags.size, 1);
    assert_tag(&tags, 0, "lr", 2);
    assert_int_equal(told_count, 1);
    assert_string_equal(told, "tag lr has two values for demo.model: int 1 (set at a.c:3), and "
                              "int 2 (set at b.c:4), which is kept");
    xpm_value_clear(&tags);
    xpm_config_unref(config);
}

TEST(what_gathers_many_is_told_once_for_each_tag)
{
    xpm_value parts = xpm_list_new();
    for (int i = 0; i < 100; i++) {
        xpm_config *part = xpm_new("demo.base", "scale", 1.0);
        tag_at(part, "lr", i % 2, "a.c", i);
        tag_at(part, "size", i, "a.c", i);
        xpm_list_append(&parts, xpm_object(part));
    }
    xpm_config *config = xpm_new("demo.model", "layers", parts);
    xpm_value tags = tags_of(config);
    assert_tag(&tags, 1, "size", 99);
    assert_int_equal(told_count, 2);
    assert_string_equal(told, "tag size has 100 values in turn for demo.model: first int 0 (set at "
                              "a.c:0), and at last int 99 (set at a.c:99), which is kept");
    xpm_value_clear(&tags);
    xpm_config_unref(config);
}

TEST(equal_values_and_a_tag_that_is_set_again_are_no_conflict)
{
    xpm_config *part = xpm_new("demo.base", "scale", 1.0);
    xpm_config *config = xpm_new("demo.model", "layers", xpm_list(part));
    tag_at(part, "lr", 1, "a.c", 3);
    tag_at(part, "lr", 2, "a.c", 4);
    tag_at(config, "lr", 2, NULL, 0);
    xpm_value tags = tags_of(config);
    assert_tag(&tags, 0, "lr", 2);
    assert_int_equal(told_count, 0);
    xpm_value_clear(&tags);
    xpm_config_unref(config);
}

TEST(tags_that_are_stopped_reach_the_root_by_another_way_alone)
{
    xpm_config *part = xpm_new("demo.base", "scale", 1.0);
    xpm_config *config = xpm_new("demo.model", "layers", xpm_list(part), "first", part);
    tag_at(part, "lr", 1, "a.c", 3);
    xpm_config_stop_tags(config, parameter_of(config, "first"), true);
    xpm_value tags = tags_of(config);
    assert_int_equal(tags.size, 1);
    xpm_value_clear(&tags);
    xpm_config_stop_tags(config, parameter_of(config, "layers"), true);
    tags = tags_of(config);
    assert_int_equal(tags.size, 0);
    xpm_value_clear(&tags);
    assert_int_equal(xpm_config_set(config, "first", xpm_object(part), &last), 0);
    tags = tags_of(config);
    assert_int_equal(tags.size, 1);
    xpm_value_clear(&tags);
    xpm_config_unref(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_conflict_names_both_places),
        cmocka_unit_test(what_gathers_many_is_told_once_for_each_tag),
        cmocka_unit_test(equal_values_and_a_tag_that_is_set_again_are_no_conflict),
        cmocka_unit_test(tags_that_are_stopped_reach_the_root_by_another_way_alone),
    };
    return RUN_TESTS(tests);
}
