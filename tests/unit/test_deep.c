/* Graphs that nest deeper than any stack: whatever visits them keeps its place on the heap. */
#include "base/str.h"
#include "declare/config.h"
#include "declare/walk.h"
#include "identify/identifier.h"
#include "leaks.h"
#include "record/params.h"

enum { SIZE = 100000 };

typedef struct node {
    int64_t n;
    struct node *left, *right;
    const char *file;
} node;
XPM_CONFIG(node, "deep.node", XPM_INT(n), XPM_OBJECT(left, "deep.node", .optional = true),
           XPM_OBJECT(right, "deep.node", .optional = true), XPM_FILE(file, "node.txt"));

static xpm_error last;

/* Diamonds in a row: each node is held twice, by the next one. */
static xpm_config *chain(int size)
{
    xpm_config *top = xpm_new("deep.node", "n", 0);
    for (int i = 1; i < size; i++)
        top = xpm_new("deep.node", "n", i, "left", top, "right", top);
    return top;
}

static void assert_identifier(xpm_config *config, const uint8_t expected[XPM_IDENTIFIER_SIZE])
{
    uint8_t bytes[XPM_IDENTIFIER_SIZE];
    assert_int_equal(xpm_config_identifier(config, bytes, &last), 0);
    assert_memory_equal(bytes, expected, sizeof bytes);
}

/* A chain that is sealed while it is made is identified link by link. */
static void identify_links(int size, uint8_t bytes[XPM_IDENTIFIER_SIZE])
{
    xpm_config *top = NULL;
    for (int i = 0; i < size; i++) {
        top = i == 0 ? xpm_new("deep.node", "n", i)
                     : xpm_new("deep.node", "n", i, "left", top, "right", top);
        assert_int_equal(xpm_config_seal(top, "/job", &last), 0);
        assert_int_equal(xpm_config_identifier(top, bytes, &last), 0);
    }
    xpm_config_unref(top);
}

TEST(a_chain_of_any_length_is_identified)
{
    static const int sizes[] = {999, 1000, 1001, 1002, SIZE};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint8_t expected[XPM_IDENTIFIER_SIZE];
        identify_links(sizes[i], expected);
        xpm_config *top = chain(sizes[i]);
        assert_identifier(top, expected);
        xpm_config_unref(top);
    }
}

TEST(a_cycle_that_is_too_long_is_refused)
{
    xpm_config *first = xpm_config_ref(xpm_new("deep.node", "n", 0)), *top = first;
    for (int i = 1; i < 5000; i++)
        top = xpm_new("deep.node", "n", i, "left", top);
    assert_int_equal(xpm_config_set(first, "left", xpm_object(top), &last), 0);
    uint8_t bytes[XPM_IDENTIFIER_SIZE];
    assert_int_equal(xpm_config_identifier(first, bytes, &last), -1);
    assert_non_null(strstr(last.message, "in a cycle of more than"));
    xpm_config_clear(first);
    xpm_config_unref(first);
}

TEST(what_is_missing_far_below_is_named)
{
    xpm_config *top = xpm_new("deep.node");
    for (int i = 1; i < SIZE; i++)
        top = xpm_new("deep.node", "n", i, "left", top);
    assert_int_equal(xpm_config_seal(top, "/job", &last), -1);
    assert_int_equal(last.code, XPM_E_MISSING);
    assert_int_equal(strncmp(last.path, "$.left.left.left", 16), 0);
    assert_false(xpm_config_sealed(top));
    xpm_config_unref(top);
}

TEST(tags_are_gathered_from_any_depth)
{
    xpm_config *top = xpm_new("deep.node", "n", 0);
    xpm_value one = xpm_int(1);
    xpm_config_tag(top, "bottom", &one);
    for (int i = 1; i < SIZE; i++)
        top = xpm_new("deep.node", "n", i, "left", top, "right", top);
    xpm_value tags = xpm_config_tags(top);
    assert_int_equal(tags.size, 1);
    xpm_value_clear(&tags);
    xpm_config_unref(top);
}

TEST(a_graph_of_any_depth_is_written_each_object_once)
{
    xpm_config *top = chain(2000);
    xpm__str out = {0};
    xpm__params_context context = {.workspace = "/ws", .directory = "/job"};
    xpm_value tags = xpm_dict_new();
    assert_int_equal(xpm_config_seal(top, "/job", &last), 0);
    assert_int_equal(xpm__identify_all(top, &last), 0);
    xpm__params_write(top, &tags, &context, &out);
    size_t objects = 0;
    for (const char *at = out.data; (at = strstr(at, "\"id\":")) != NULL; at++)
        objects++;
    assert_int_equal(objects, 2000);
    xpm__str_free(&out);
    xpm_config_unref(top);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_of_any_length_is_identified),
        cmocka_unit_test(a_cycle_that_is_too_long_is_refused),
        cmocka_unit_test(what_is_missing_far_below_is_named),
        cmocka_unit_test(tags_are_gathered_from_any_depth),
        cmocka_unit_test(a_graph_of_any_depth_is_written_each_object_once),
    };
    return RUN_TESTS(tests);
}
