/* Identifiers: each rule of docs/identifiers.md, against a stream of bytes written here by hand. */
#include <math.h>

#include "base/sha256.h"
#include "base/str.h"
#include "declare/config.h"
#include "leaks.h"

/* ---- Streams written by hand ------------------------------------------------------------------ */

typedef struct {
    uint8_t bytes[XPM_IDENTIFIER_SIZE];
} digest;

static xpm__str stream; /* what is being written */

static void put_byte(unsigned byte)
{
    xpm__str_putc(&stream, (char)byte);
}

static void put_word(unsigned tag, uint64_t word)
{
    put_byte(tag);
    for (int shift = 56; shift >= 0; shift -= 8)
        put_byte((unsigned)(word >> shift) & 0xff);
}

static void put_double(unsigned tag, double real)
{
    uint64_t word;
    memcpy(&word, &real, sizeof word);
    put_word(tag, word);
}

static void put_text(const char *text)
{
    put_byte(0x03);
    xpm__str_puts(&stream, text);
}

static void put_object(digest identifier)
{
    put_byte(0x00);
    xpm__str_add(&stream, (const char *)identifier.bytes, sizeof identifier.bytes);
}

/* The start of a configuration, and of a parameter of it. */
static void put_class(const char *name)
{
    put_byte(0x00);
    xpm__str_puts(&stream, name);
}

static void put_name(const char *name)
{
    put_text(name);
    put_byte(0x05);
}

/* The digest of what was written, which is forgotten. */
static digest hashed(void)
{
    digest result;
    xpm__sha256 hash;
    xpm__sha256_init(&hash);
    xpm__sha256_add(&hash, stream.data, stream.size);
    xpm__sha256_end(&hash, result.bytes);
    xpm__str_free(&stream);
    return result;
}

static digest identified(xpm_config *config)
{
    digest result = {{0}};
    xpm_error err = {0};
    if (xpm_config_identifier(config, result.bytes, &err) < 0)
        fail_msg("%s: %s", err.path, err.message);
    return result;
}

static bool same(digest a, digest b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

/* That a configuration has the identifier of what was written. Releases it. */
static void assert_stream(xpm_config *config)
{
    digest expected = hashed();
    digest got = identified(config);
    xpm_config_unref(config);
    assert_memory_equal(&got, &expected, sizeof got);
}

/* Whether two configurations have the same identifier. Releases both. */
static bool same_identifier(xpm_config *a, xpm_config *b)
{
    bool equal = same(identified(a), identified(b));
    xpm_config_unref(a);
    xpm_config_unref(b);
    return equal;
}

static void assert_same(xpm_config *a, xpm_config *b)
{
    assert_true(same_identifier(a, b));
}

static void assert_differ(xpm_config *a, xpm_config *b)
{
    assert_false(same_identifier(a, b));
}

/* ---- Classes ---------------------------------------------------------------------------------- */

static const xpm_type *color;

static xpm_class *declare(const char *name, unsigned flags)
{
    xpm_declaration declaration = {
        .name = name, .module = "demo", .qualname = name, .origin = name, .flags = flags};
    return xpm_class_declare(&declaration, NULL);
}

static void add(xpm_class *class_, xpm_parameter parameter, const char *type)
{
    xpm_error err = {0};
    if (type != NULL)
        parameter.type = xpm_type_parse(type, NULL);
    if (xpm_class_add(class_, &parameter, &err) < 0)
        fail_msg("%s: %s", err.path, err.message);
}

static int generate_seven(void *user, const xpm_generation *where, xpm_value *value, xpm_error *err)
{
    (void)user;
    (void)where;
    (void)err;
    *value = xpm_int(7);
    return 0;
}

static int declare_all(__attribute__((unused)) void **state)
{
    static const char *const members[] = {"RED", "GREEN"}, *const group[] = {"g", NULL};
    color = xpm_type_enum("demo", "Color", members, 2);

    xpm_class *any = declare("Demo.Any", 0);
    add(any, (xpm_parameter){.name = "x"}, "any");

    xpm_class *leaf = declare("demo.leaf", 0);
    add(leaf, (xpm_parameter){.name = "n"}, "int");

    xpm_class *node = declare("demo.node", 0);
    add(node, (xpm_parameter){.name = "left"}, "demo.node?");
    add(node, (xpm_parameter){.name = "right"}, "demo.node?");
    add(node, (xpm_parameter){.name = "n", .fallback = xpm_int(0)}, "int");
    add(node, (xpm_parameter){.name = "in_set"}, "set[demo.node]?");

    xpm_class *rules = declare("demo.rules", 0);
    add(rules, (xpm_parameter){.name = "constant", .flags = XPM_CONSTANT, .fallback = xpm_int(1)},
        "int");
    add(rules, (xpm_parameter){.name = "counted", .fallback = xpm_int(2)}, "int");
    add(rules, (xpm_parameter){.name = "generated", .generate = generate_seven}, "int");
    add(rules, (xpm_parameter){.name = "file", .file = "f"}, "path");
    add(rules,
        (xpm_parameter){.name = "ignored", .flags = XPM_IGNORED_DEFAULT, .fallback = xpm_int(3)},
        "int");
    add(rules,
        (xpm_parameter){
            .name = "ignored_list", .flags = XPM_IGNORED_DEFAULT, .fallback = xpm_list(1, 2)},
        "any");
    add(rules, (xpm_parameter){.name = "meta", .flags = XPM_META}, "any?");
    add(rules, (xpm_parameter){.name = "optional"}, "int?");
    add(rules, (xpm_parameter){.name = "path"}, "path?");

    xpm_class *task = declare("demo.task", XPM_CLASS_TASK);
    add(task, (xpm_parameter){.name = "n"}, "int");
    xpm_class *light = declare("demo.light", XPM_CLASS_LIGHTWEIGHT);
    add(light, (xpm_parameter){.name = "n"}, "int");

    xpm_class *instance = declare("demo.instance", XPM_CLASS_INSTANCE);
    add(instance, (xpm_parameter){.name = "n"}, "int");

    xpm_class *grouped = declare("demo.grouped", 0);
    add(grouped, (xpm_parameter){.name = "a", .groups = group}, "int");
    add(grouped, (xpm_parameter){.name = "b"}, "int");
    add(grouped, (xpm_parameter){.name = "inner"}, "demo.grouped?");
    xpm_class_add_partial(grouped, "without_g", &(xpm_partial_rule){.exclude = group});
    return 0;
}

/* The stream of demo.any up to the value of its parameter. */
static xpm_config *any(xpm_value value)
{
    put_class("demo.any");
    put_name("x");
    return xpm_new("demo.any", "x", value);
}

static xpm_config *leaf(int n)
{
    return xpm_new("demo.leaf", "n", n);
}

static digest leaf_digest(uint64_t n)
{
    xpm__str outer = stream;
    stream = (xpm__str){0};
    put_class("demo.leaf");
    put_name("n");
    put_word(0x01, n);
    digest result = hashed();
    stream = outer;
    return result;
}

static xpm_config *with_meta(xpm_config *config, int meta)
{
    xpm_config_set_meta(config, meta);
    return config;
}

/* ---- Values ----------------------------------------------------------------------------------- */

TEST(none_is_one_byte)
{
    xpm_config *config = any(xpm_list(xpm_none()));
    put_double(0x07, 1);
    put_byte(0x06);
    assert_stream(config);
}

TEST(a_float_is_its_bits_with_nan_and_negative_zero)
{
    static const double values[] = {0.5, -0.0, NAN, INFINITY, -INFINITY, 5e-324};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        xpm_config *config = any(xpm_float(values[i]));
        put_double(0x02, values[i]);
        assert_stream(config);
    }
    assert_differ(xpm_new("demo.any", "x", 0.0), xpm_new("demo.any", "x", -0.0));
}

TEST(an_int_and_a_bool_are_64_bits_and_are_equal)
{
    static const int64_t values[] = {0, 1, -1, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        xpm_config *config = any(xpm_int(values[i]));
        put_word(0x01, (uint64_t)values[i]);
        assert_stream(config);
    }
    assert_same(xpm_new("demo.any", "x", xpm_bool(true)), xpm_new("demo.any", "x", 1));
    assert_differ(xpm_new("demo.any", "x", 1), xpm_new("demo.any", "x", 1.0));
}

TEST(a_text_is_its_bytes)
{
    xpm_config *config = any(xpm_str("h\xc3\xa9llo"));
    put_text("h\xc3\xa9llo");
    assert_stream(config);
    config = any(xpm_str_sized("a\0b", 3));
    put_byte(0x03);
    xpm__str_add(&stream, "a\0b", 3);
    assert_stream(config);
}

TEST(a_list_has_its_count_as_a_double)
{
    xpm_config *config = any(xpm_list(1, "a", xpm_list()));
    put_double(0x07, 3);
    put_word(0x01, 1);
    put_text("a");
    put_double(0x07, 0);
    assert_stream(config);
    assert_differ(xpm_new("demo.any", "x", xpm_list(1, 2)),
                  xpm_new("demo.any", "x", xpm_list(2, 1)));
}

static xpm_value set_of(const int *values, size_t count)
{
    xpm_value set = xpm_set_new();
    for (size_t i = 0; i < count; i++)
        xpm_list_append(&set, xpm_int(values[i]));
    return set;
}

TEST(a_set_has_no_order)
{
    assert_same(xpm_new("demo.any", "x", set_of((int[]){1, 2, 3}, 3)),
                xpm_new("demo.any", "x", set_of((int[]){3, 1, 2}, 3)));
    assert_differ(xpm_new("demo.any", "x", set_of((int[]){1, 2}, 2)),
                  xpm_new("demo.any", "x", set_of((int[]){1, 3}, 2)));
}

TEST(the_elements_of_a_set_are_in_order_of_their_digests)
{
    digest one, two;
    put_word(0x01, 1);
    one = hashed();
    put_word(0x01, 2);
    two = hashed();
    bool first = memcmp(&one, &two, sizeof one) < 0;
    xpm_config *config = any(set_of((int[]){1, 2}, 2));
    put_double(0x0e, 2);
    put_word(0x01, first ? 1 : 2);
    put_word(0x01, first ? 2 : 1);
    assert_stream(config);
}

TEST(a_dict_is_in_order_of_its_keys_and_has_no_count)
{
    xpm_config *config = any(xpm_dict("b", 2, "a", 1, "ab", 3));
    put_byte(0x09);
    put_text("a");
    put_word(0x01, 1);
    put_text("ab");
    put_word(0x01, 3);
    put_text("b");
    put_word(0x01, 2);
    assert_stream(config);
    config = any(xpm_dict(10, "ten", 9, "nine", -1, "minus")); /* numbers as numbers */
    put_byte(0x09);
    put_word(0x01, (uint64_t)-1);
    put_text("minus");
    put_word(0x01, 9);
    put_text("nine");
    put_word(0x01, 10);
    put_text("ten");
    assert_stream(config);
}

TEST(an_enum_is_named_in_full)
{
    xpm_config *config = any(xpm_enum(color, 1));
    put_byte(0x0a);
    xpm__str_puts(&stream, "demo.Color:GREEN");
    assert_stream(config);
}

TEST(a_configuration_inside_is_its_identifier)
{
    xpm_config *config = any(xpm_object(leaf(3)));
    put_object(leaf_digest(3));
    assert_stream(config);
}

TEST(a_path_in_a_list_is_refused_and_named)
{
    static xpm_error err;
    uint8_t bytes[XPM_IDENTIFIER_SIZE];
    xpm_config *config = xpm_new("demo.any", "x", xpm_list(xpm_path("/a")));
    assert_int_equal(xpm_config_identifier(config, bytes, &err), -1);
    assert_error(&err, XPM_E_TYPE, "a path inside a list, tuple, set or dict cannot be identified");
    assert_string_equal(err.path, "demo.any.x");
    assert_int_equal(xpm_config_identifier(config, bytes, NULL), -1);
    xpm_config_unref(config);
    config = xpm_new("demo.any", "x",
                     xpm_object(xpm_new("demo.any", "x", xpm_dict("k", xpm_path("/a")))));
    assert_int_equal(xpm_config_identifier(config, bytes, &err), -1);
    assert_string_equal(err.path, "demo.any.x > demo.any.x");
    xpm_config_unref(config);
}

/* ---- What counts ------------------------------------------------------------------------------ */

/* The stream of demo.rules as it is without values. */
static void put_rules(void)
{
    put_class("demo.rules");
    put_name("constant");
    put_word(0x01, 1);
    put_name("counted");
    put_word(0x01, 2);
}

TEST(a_default_and_a_constant_count_and_what_is_generated_does_not)
{
    xpm_config *config = xpm_new("demo.rules");
    put_rules();
    assert_stream(config);
    assert_same(xpm_new("demo.rules", "counted", 2), xpm_new("demo.rules"));
    assert_differ(xpm_new("demo.rules", "counted", 4), xpm_new("demo.rules"));
}

TEST(what_is_generated_does_not_count_after_sealing_either)
{
    xpm_config *config = xpm_new("demo.rules");
    assert_int_equal(xpm_config_seal(config, "/job", NULL), 0);
    assert_int_equal(xpm_config_get(config, "generated")->as.integer, 7);
    put_rules();
    assert_stream(config);
}

TEST(an_ignored_default_does_not_count_and_another_value_does)
{
    assert_same(xpm_new("demo.rules", "ignored", 3), xpm_new("demo.rules"));
    assert_differ(xpm_new("demo.rules", "ignored", 4), xpm_new("demo.rules"));
    assert_same(xpm_new("demo.rules", "ignored_list", xpm_list(1, 2)), xpm_new("demo.rules"));
    assert_same(xpm_new("demo.rules", "ignored_list", xpm_list(1.0, 2)), xpm_new("demo.rules"));
    assert_differ(xpm_new("demo.rules", "ignored_list", xpm_list(2, 1)), xpm_new("demo.rules"));
}

TEST(an_ignored_default_is_compared_without_meta_configurations)
{
    xpm_value list = xpm_list(1, with_meta(leaf(1), 1), 2, with_meta(leaf(2), 1));
    assert_same(xpm_new("demo.rules", "ignored_list", list), xpm_new("demo.rules"));
    list = xpm_list(1, leaf(1), 2);
    assert_differ(xpm_new("demo.rules", "ignored_list", list), xpm_new("demo.rules"));
}

TEST(an_optional_none_does_not_count)
{
    assert_same(xpm_new("demo.rules", "optional", xpm_none()), xpm_new("demo.rules"));
    assert_differ(xpm_new("demo.rules", "optional", 0), xpm_new("demo.rules"));
}

TEST(a_path_does_not_count)
{
    assert_same(xpm_new("demo.rules", "path", "/a"), xpm_new("demo.rules", "path", "/b"));
    assert_same(xpm_new("demo.rules", "path", "/a"), xpm_new("demo.rules"));
}

TEST(a_meta_parameter_does_not_count_unless_its_value_says_so)
{
    assert_same(xpm_new("demo.rules", "meta", 5), xpm_new("demo.rules"));
    assert_same(xpm_new("demo.rules", "meta", leaf(1)), xpm_new("demo.rules"));
    assert_same(xpm_new("demo.rules", "meta", with_meta(leaf(1), 1)), xpm_new("demo.rules"));
    xpm_config *config = xpm_new("demo.rules", "meta", with_meta(leaf(1), 0));
    put_rules();
    put_name("meta");
    put_object(leaf_digest(1));
    assert_stream(config);
}

TEST(a_meta_configuration_does_not_count_anywhere)
{
    xpm_config *config = any(xpm_list(with_meta(leaf(1), 1), 5));
    put_double(0x07, 1);
    put_word(0x01, 5);
    assert_stream(config);
    config = any(xpm_dict("a", with_meta(leaf(1), 1), "b", 5));
    put_byte(0x09);
    put_text("b");
    put_word(0x01, 5);
    assert_stream(config);
    config = xpm_new("demo.any", "x", with_meta(leaf(1), 1));
    put_class("demo.any");
    assert_stream(config);
    xpm_value set = set_of((int[]){5}, 1);
    xpm_list_append(&set, xpm_object(with_meta(leaf(1), 1)));
    config = any(set);
    put_double(0x0e, 1);
    put_word(0x01, 5);
    assert_stream(config);
}

TEST(meta_false_changes_nothing_where_it_counts_anyway)
{
    assert_same(xpm_new("demo.any", "x", with_meta(leaf(1), 0)), xpm_new("demo.any", "x", leaf(1)));
}

/* ---- Tasks ------------------------------------------------------------------------------------ */

TEST(the_output_of_a_task_begins_with_it)
{
    xpm_config *task = xpm_config_ref(xpm_new("demo.task", "n", 1));
    put_class("demo.task");
    put_name("n");
    put_word(0x01, 1);
    digest of_task = hashed();
    assert_true(same(identified(task), of_task));
    xpm_config *output = xpm_dep(task, leaf(2));
    put_byte(0x00);
    put_byte(0x08);
    put_object(of_task);
    xpm__str_puts(&stream, "demo.leaf");
    put_name("n");
    put_word(0x01, 2);
    assert_stream(output);
    task->task = task; /* a submitted task is its own */
    task->submitted = true;
    assert_true(same(identified(task), of_task));
    xpm_config_unref(task);
}

static xpm_config *task_with(int first, int second)
{
    xpm_config *task = xpm_new("demo.task", "n", 1);
    assert_int_equal(xpm_config_add_init_task(task, xpm_new("demo.light", "n", first), NULL), 0);
    assert_int_equal(xpm_config_add_init_task(task, xpm_new("demo.light", "n", second), NULL), 0);
    return task;
}

TEST(init_tasks_count_in_their_order)
{
    put_class("demo.light");
    put_name("n");
    put_word(0x01, 1);
    digest one = hashed();
    put_class("demo.light");
    put_name("n");
    put_word(0x01, 2);
    digest two = hashed();
    put_class("demo.task");
    put_name("n");
    put_word(0x01, 1);
    put_byte(0x0c);
    put_object(one);
    put_object(two);
    assert_stream(task_with(1, 2));
    assert_differ(task_with(1, 2), task_with(2, 1));
    assert_differ(task_with(1, 2), xpm_new("demo.task", "n", 1));
}

/* ---- Cycles ----------------------------------------------------------------------------------- */

static void set(xpm_config *config, const char *name, xpm_value value)
{
    xpm_error err = {0};
    if (xpm_config_set(config, name, value, &err) < 0)
        fail_msg("%s", err.message);
}

/* The start of a demo.node whose `left` follows. */
static void put_node(void)
{
    put_class("demo.node");
    put_name("left");
    put_byte(0x00);
}

static void put_n(uint64_t n)
{
    put_name("n");
    put_word(0x01, n);
}

TEST(a_cycle_is_the_distance_up_the_path)
{
    xpm_config *a = xpm_config_ref(xpm_new("demo.node", "n", 1));
    set(a, "left", xpm_object(a));
    put_node();
    put_word(0x0b, 1); /* itself: its own direct parent */
    put_n(1);
    digest expected = hashed();
    assert_true(same(identified(a), expected));
    xpm_config_clear(a);
    xpm_config_unref(a);

    a = xpm_config_ref(xpm_new("demo.node", "n", 1));
    xpm_config *b = xpm_new("demo.node", "n", 2, "left", a);
    set(a, "left", xpm_object(b));
    put_node();
    put_word(0x0b, 2);
    put_n(2);
    digest of_b = hashed();
    put_class("demo.node");
    put_name("left");
    put_object(of_b);
    put_n(1);
    expected = hashed();
    assert_true(same(identified(a), expected));
    xpm_config_clear(a);
    xpm_config_unref(a);
}

TEST(an_identifier_with_a_cycle_is_the_same_from_every_start_and_when_sealed)
{
    xpm_config *a = xpm_config_ref(xpm_new("demo.node", "n", 1));
    xpm_config *b = xpm_config_ref(xpm_new("demo.node", "n", 2, "left", a));
    xpm_config *c = xpm_config_ref(xpm_new("demo.node", "n", 3, "left", a, "right", b));
    set(a, "left", xpm_object(b));
    digest of_b = identified(b), of_c = identified(c), of_a = identified(a);
    assert_true(same(identified(b), of_b)); /* whatever was computed before */
    assert_int_equal(xpm_config_seal(c, NULL, NULL), 0);
    assert_true(same(identified(c), of_c));
    assert_true(same(identified(a), of_a));
    assert_true(same(identified(b), of_b));
    a->sealed = false;
    xpm_config_clear(a);
    xpm_config_unref(a);
    xpm_config_unref(b);
    xpm_config_unref(c);
}

TEST(an_element_of_a_set_does_not_see_what_is_above_it_when_it_is_sorted)
{
    /* Two elements, one of which points back at the holder: the order comes from a fresh path. */
    xpm_config *holder = xpm_config_ref(xpm_new("demo.node", "n", 1));
    xpm_config *back = xpm_new("demo.node", "n", 2, "left", holder);
    xpm_value elements = xpm_set_new();
    xpm_list_append(&elements, xpm_object(xpm_new("demo.node", "n", 3)));
    xpm_list_append(&elements, xpm_object(back));
    xpm_error err = {0};
    uint8_t bytes[XPM_IDENTIFIER_SIZE];
    set(holder, "in_set", elements);
    assert_int_equal(xpm_config_identifier(holder, bytes, &err), -1);
    assert_error(&err, XPM_E_TYPE, "hold themselves in a set");
    xpm_config_clear(holder);
    xpm_config_unref(holder);
}

TEST(a_graph_that_shares_at_each_of_60_levels_is_walked_once)
{
    xpm_config *node = xpm_new("demo.node", "n", 0);
    for (int level = 1; level <= 60; level++) /* 2^60 paths, 61 objects */
        node = xpm_new("demo.node", "n", level, "left", node, "right", node);
    digest unsealed = identified(node);
    xpm_value tags = xpm_config_tags(node);
    xpm_value_clear(&tags);
    assert_int_equal(xpm_config_seal(node, NULL, NULL), 0);
    assert_true(same(identified(node), unsealed));
    xpm_config_unref(node);
}

TEST(a_shared_object_is_as_two_equal_ones)
{
    xpm_config *shared = leaf(1);
    assert_same(xpm_new("demo.any", "x", xpm_list(shared, shared)),
                xpm_new("demo.any", "x", xpm_list(leaf(1), leaf(1))));
}

TEST(an_identifier_that_is_not_sealed_is_computed_again)
{
    xpm_config *config = leaf(1);
    digest before = identified(config);
    set(config, "n", xpm_int(2));
    assert_false(same(identified(config), before));
    set(config, "n", xpm_int(1));
    assert_true(same(identified(config), before));
    xpm_config_unref(config);
}

TEST(what_changes_inside_changes_the_whole)
{
    xpm_config *inner = leaf(1);
    xpm_config *outer = xpm_new("demo.any", "x", xpm_list(inner));
    digest before = identified(outer);
    set(inner, "n", xpm_int(2));
    assert_false(same(identified(outer), before));
    xpm_config_unref(outer);
}

/* ---- Instances -------------------------------------------------------------------------------- */

static xpm_config *instance(int n)
{
    return xpm_new("demo.instance", "n", n);
}

static digest instance_digest(uint64_t n)
{
    put_class("demo.instance");
    put_name("n");
    put_word(0x01, n);
    return hashed();
}

TEST(equal_instances_are_told_apart_by_their_order)
{
    digest one = instance_digest(1), two = instance_digest(2);
    xpm_config *a = instance(1), *b = instance(1), *c = instance(1), *other = instance(2);
    xpm_config *config = any(xpm_list(a, b, other, a, c, b));
    put_double(0x07, 6);
    put_object(one);
    put_object(one);
    put_word(0x0d, 1);
    put_object(two);
    put_object(one);
    put_object(one);
    put_word(0x0d, 2);
    put_object(one);
    put_word(0x0d, 1);
    assert_stream(config);
}

TEST(the_same_instance_twice_is_not_two_equal_ones)
{
    xpm_config *shared = instance(1);
    assert_differ(xpm_new("demo.any", "x", xpm_list(shared, shared)),
                  xpm_new("demo.any", "x", xpm_list(instance(1), instance(1))));
}

/* ---- Partial identifiers ---------------------------------------------------------------------- */

static digest partially(xpm_config *config)
{
    digest result = {{0}};
    const xpm_partial *partial = xpm_class_partial(xpm_class_find("demo.grouped"), "without_g");
    assert_int_equal(xpm_config_partial_identifier(config, partial, result.bytes, NULL), 0);
    return result;
}

TEST(a_partial_identifier_leaves_its_groups_out_of_the_configuration_alone)
{
    xpm_config *inner = xpm_new("demo.grouped", "a", 5, "b", 6);
    digest of_inner = identified(inner);
    xpm_config *config = xpm_new("demo.grouped", "a", 1, "b", 2, "inner", inner);
    digest whole = identified(config);
    put_class("demo.grouped");
    put_name("b");
    put_word(0x01, 2);
    put_name("inner");
    put_object(of_inner);
    digest expected = hashed();
    assert_true(same(partially(config), expected));
    assert_true(same(identified(config), whole)); /* which the partial one does not replace */
    set(config, "a", xpm_int(9));
    assert_true(same(partially(config), expected));
    set(config, "b", xpm_int(9));
    assert_false(same(partially(config), expected));
    xpm_config_unref(config);
}

TEST(a_name_is_hashed_in_lower_case_and_an_identifier_is_written_in_hexadecimal)
{
    static const uint8_t bytes[XPM_IDENTIFIER_SIZE] = {0x00, 0x1f, 0xa0, 0xff};
    char hex[XPM_HEX_SIZE];
    xpm_identifier_hex(bytes, hex);
    assert_int_equal(strlen(hex), 64);
    assert_memory_equal(hex, "001fa0ff00", 10);
    xpm_config *config = any(xpm_int(1)); /* declared as Demo.Any */
    put_word(0x01, 1);
    assert_stream(config);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_is_one_byte),
        cmocka_unit_test(a_float_is_its_bits_with_nan_and_negative_zero),
        cmocka_unit_test(an_int_and_a_bool_are_64_bits_and_are_equal),
        cmocka_unit_test(a_text_is_its_bytes),
        cmocka_unit_test(a_list_has_its_count_as_a_double),
        cmocka_unit_test(a_set_has_no_order),
        cmocka_unit_test(the_elements_of_a_set_are_in_order_of_their_digests),
        cmocka_unit_test(a_dict_is_in_order_of_its_keys_and_has_no_count),
        cmocka_unit_test(an_enum_is_named_in_full),
        cmocka_unit_test(a_configuration_inside_is_its_identifier),
        cmocka_unit_test(a_path_in_a_list_is_refused_and_named),
        cmocka_unit_test(a_default_and_a_constant_count_and_what_is_generated_does_not),
        cmocka_unit_test(what_is_generated_does_not_count_after_sealing_either),
        cmocka_unit_test(an_ignored_default_does_not_count_and_another_value_does),
        cmocka_unit_test(an_ignored_default_is_compared_without_meta_configurations),
        cmocka_unit_test(an_optional_none_does_not_count),
        cmocka_unit_test(a_path_does_not_count),
        cmocka_unit_test(a_meta_parameter_does_not_count_unless_its_value_says_so),
        cmocka_unit_test(a_meta_configuration_does_not_count_anywhere),
        cmocka_unit_test(meta_false_changes_nothing_where_it_counts_anyway),
        cmocka_unit_test(the_output_of_a_task_begins_with_it),
        cmocka_unit_test(init_tasks_count_in_their_order),
        cmocka_unit_test(a_cycle_is_the_distance_up_the_path),
        cmocka_unit_test(an_identifier_with_a_cycle_is_the_same_from_every_start_and_when_sealed),
        cmocka_unit_test(an_element_of_a_set_does_not_see_what_is_above_it_when_it_is_sorted),
        cmocka_unit_test(a_graph_that_shares_at_each_of_60_levels_is_walked_once),
        cmocka_unit_test(a_shared_object_is_as_two_equal_ones),
        cmocka_unit_test(an_identifier_that_is_not_sealed_is_computed_again),
        cmocka_unit_test(what_changes_inside_changes_the_whole),
        cmocka_unit_test(equal_instances_are_told_apart_by_their_order),
        cmocka_unit_test(the_same_instance_twice_is_not_two_equal_ones),
        cmocka_unit_test(a_partial_identifier_leaves_its_groups_out_of_the_configuration_alone),
        cmocka_unit_test(
            a_name_is_hashed_in_lower_case_and_an_identifier_is_written_in_hexadecimal),
    };
    return RUN_TESTS_WITH(tests, declare_all);
}
