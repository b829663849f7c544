/* Where two configurations differ, and which finished job is nearest. */
#include "base/file.h"
#include "declare/config.h"
#include "folder.h"
#include "record/nearest.h"
#include "record/params.h"

/* ---- Classes ----------------------------------------------------------------------------------- */

typedef struct {
    double gamma;
    int64_t layers;
} model;
XPM_CONFIG(model, "explain.model", XPM_FLOAT(gamma), XPM_INT(layers, XPM_IGNORE_DEFAULT(2)));

typedef struct {
    model *model;
    int64_t epochs, verbosity;
    const char *path;
} learn;
static int learn_execute(learn *self, xpm_task *task)
{
    (void)self;
    (void)task;
    return 0;
}
XPM_TASK(learn, "explain.learn", learn_execute, XPM_OBJECT(model, "explain.model"), XPM_INT(epochs),
         XPM_INT(verbosity, .flags = XPM_META), XPM_PATH(path, .optional = true));

typedef struct {
    learn *learn;
    int64_t size;
} evaluate;
static int evaluate_execute(evaluate *self, xpm_task *task)
{
    (void)self;
    (void)task;
    return 0;
}
XPM_TASK(evaluate, "explain.evaluate", evaluate_execute, XPM_OBJECT(learn, "explain.learn"),
         XPM_INT(size));

/* ---- Helpers ----------------------------------------------------------------------------------- */

/* An object of a document: `more` is what follows its identifier. */
#define OBJECT(id, type, identifier, more)                                                         \
    "{\"id\":" #id ",\"typename\":\"" type "\",\"identifier\":\"" identifier "\"" more "}"
#define DOCUMENT(objects) "{\"version\":3,\"workspace\":\"/w\",\"objects\":[" objects "]}"

static xpm__node *read_text(xpm__graph *graph, const char *text)
{
    xpm_error err = {0};
    xpm__node *node = xpm__graph_read(graph, text, strlen(text), "params.json", &err);
    if (node == NULL)
        fail_msg("%s", err.message);
    return node;
}

/* "PATH FROM TO;" for each difference. New: xpm_free. */
static char *print_differences(const xpm__differences *differences)
{
    xpm__str out = {0};
    for (size_t i = 0; i < differences->count; i++) {
        const struct xpm__difference *each = &differences->items[i];
        xpm__str_printf(&out, "%s %s %s;", each->path, each->from != NULL ? each->from : "none",
                        each->to != NULL ? each->to : "none");
    }
    return xpm__str_take(&out);
}

static void assert_nodes_differ(xpm__graph *graph, xpm__node *from, xpm__node *to, size_t depth,
                                const char *expected)
{
    xpm__differences differences = {0};
    xpm__differences_add(&differences, graph, from, to, depth);
    char *text = print_differences(&differences);
    assert_string_equal(text, expected);
    assert_int_equal(xpm__graph_distance(graph, from, to, depth, 100), differences.count);
    xpm_free(text);
    xpm__differences_free(&differences);
}

static void assert_differ(const char *from, const char *to, const char *expected)
{
    xpm__graph graph = {0};
    xpm__node *a = read_text(&graph, from), *b = read_text(&graph, to);
    assert_nodes_differ(&graph, a, b, 100, expected);
    xpm__graph_free(&graph);
}

/* ---- Differences ------------------------------------------------------------------------------- */

TEST(values_differ_by_their_paths)
{
    (void)state;
    assert_differ(DOCUMENT(OBJECT(1, "m.T", "a1", ",\"fields\":{\"x\":1,\"y\":0.5,\"z\":null}")),
                  DOCUMENT(OBJECT(1, "m.T", "b1", ",\"fields\":{\"x\":2,\"y\":5e-1,\"w\":null}")),
                  "$.x 1 2;");
}

TEST(a_parameter_that_is_not_there_is_none)
{
    (void)state;
    assert_differ(DOCUMENT(OBJECT(1, "m.T", "a1", ",\"fields\":{\"x\":1}")),
                  DOCUMENT(OBJECT(1, "m.T", "b1", ",\"fields\":{\"y\":\"new\"}")),
                  "$.x 1 none;$.y none \"new\";");
}

TEST(what_the_identifier_leaves_out_does_not_differ)
{
    (void)state;
    assert_differ(
        DOCUMENT(OBJECT(1, "m.T", "a1",
                        ",\"ignored\":[\"m\",\"d\"],\"fields\":{\"x\":1,\"m\":1,\"d\":5,"
                        "\"p\":{\"type\":\"path\",\"value\":\"/a\"}}")),
        DOCUMENT(OBJECT(1, "m.T", "b1",
                        ",\"ignored\":[\"m\",\"n\"],\"fields\":{\"x\":2,\"m\":2,\"d\":6,\"n\":1,"
                        "\"p\":{\"type\":\"path\",\"value\":\"/b\"}}")),
        "$.d 5 6;$.x 1 2;");
}

TEST(collections_differ_in_their_elements)
{
    (void)state;
    assert_differ(
        DOCUMENT(OBJECT(1, "m.T", "a1",
                        ",\"fields\":{\"l\":[1,2],\"d\":{\"k\":1},\"e\":[],"
                        "\"s\":{\"type\":\"set\",\"items\":[3,4]},"
                        "\"p\":{\"type\":\"dict\",\"items\":[[1,\"a\"],[2,\"b\"]]}}")),
        DOCUMENT(OBJECT(1, "m.T", "b1",
                        ",\"fields\":{\"l\":[1,5,6],\"d\":{\"k\":2},\"e\":[],"
                        "\"s\":{\"type\":\"set\",\"items\":[5,4]},"
                        "\"p\":{\"type\":\"dict\",\"items\":[[2,\"c\"],[1,\"a\"]]}}")),
        "$.d.k 1 2;$.l[1] 2 5;$.l[2] none 6;$.p[2] \"b\" \"c\";$.s{3} 3 none;$.s{5} none 5;");
}

TEST(only_objects_of_other_identifiers_are_looked_into)
{
    (void)state;
    assert_differ(DOCUMENT(OBJECT(1, "m.A", "aa", ",\"fields\":{\"x\":1}") "," OBJECT(
                      2, "m.A", "ab",
                      ",\"fields\":{\"x\":1}") "," OBJECT(3, "m.T", "ac",
                                                          ",\"fields\":{\"a\":{\"type\":"
                                                          "\"python\",\"value\":1},\"b\":{"
                                                          "\"type\":\"python\",\"value\":2}}")),
                  DOCUMENT(OBJECT(7, "m.A", "aa", ",\"fields\":{\"x\":9}") "," OBJECT(
                      8, "m.A", "bb",
                      ",\"fields\":{\"x\":2}") "," OBJECT(9, "m.T", "bc",
                                                          ",\"fields\":{\"a\":{\"type\":"
                                                          "\"python\",\"value\":7},\"b\":{"
                                                          "\"type\":\"python\",\"value\":8}}")),
                  "$.b.x 1 2;");
}

#define TASK(id, identifier, value)                                                                \
    OBJECT(id, "m.Data", identifier, ",\"task\":" #id ",\"fields\":{\"x\":" value "}")
#define OUTPUT(id, task, identifier)                                                               \
    OBJECT(id, "m.Out", identifier, ",\"task\":" #task ",\"fields\":{}")
#define USER(id, out, identifier)                                                                  \
    OBJECT(id, "m.Use", identifier,                                                                \
           ",\"fields\":{\"a\":{\"type\":\"python\",\"value\":" #out "},"                          \
           "\"b\":{\"type\":\"python\",\"value\":" #out "}},\"init-tasks\":[" #out "]")

TEST(the_task_that_made_it_is_looked_into_once)
{
    (void)state;
    assert_differ(DOCUMENT(TASK(1, "a1", "1") "," OUTPUT(2, 1, "a2") "," USER(3, 2, "a3")),
                  DOCUMENT(TASK(1, "b1", "2") "," OUTPUT(2, 1, "b2") "," USER(3, 2, "b3")),
                  "$.(init tasks)[0].(task).x 1 2;");
}

TEST(a_class_of_another_name_differs_and_keeps_its_parameters)
{
    (void)state;
    assert_differ(DOCUMENT(OBJECT(1, "m.Old", "a1", ",\"fields\":{\"x\":1}")),
                  DOCUMENT(OBJECT(1, "m.New", "b1", ",\"fields\":{\"x\":2}")),
                  "$ m.old m.new;$.x 1 2;");
    assert_differ(DOCUMENT(OBJECT(1, "m.Old", "a1", ",\"fields\":{\"x\":1}")),
                  DOCUMENT(OBJECT(1, "m.New", "b1", ",\"xpmid\":\"m.old\",\"fields\":{\"x\":2}")),
                  "$.x 1 2;");
    assert_differ(DOCUMENT(OBJECT(1, "m.Old", "a1", ",\"fields\":{\"x\":1}")),
                  DOCUMENT(OBJECT(1, "m.New", "b1", ",\"fields\":{\"y\":2}")), "$ m.old m.new;");
}

TEST(what_no_value_explains_is_named)
{
    (void)state;
    assert_differ(DOCUMENT(OBJECT(1, "m.T", "aaaaaaaaaa", ",\"fields\":{\"x\":1}")),
                  DOCUMENT(OBJECT(1, "m.T", "bbbbbbbbbb", ",\"fields\":{\"x\":1}")),
                  "$ m.t/aaaaaaaa m.t/bbbbbbbb;");
}

TEST(a_cycle_ends)
{
    (void)state;
#define LOOP(one, two, x)                                                                          \
    DOCUMENT(                                                                                      \
        OBJECT(1, "m.A", one, ",\"fields\":{\"o\":{\"type\":\"python\",\"value\":2}}") "," OBJECT( \
            2, "m.B", two, ",\"fields\":{\"o\":{\"type\":\"python\",\"value\":1},\"x\":" x "}"))
    assert_differ(LOOP("a1", "a2", "1"), LOOP("b1", "b2", "2"), "$.x 1 2;");
}

TEST(what_is_no_document_is_refused)
{
    xpm__graph graph = {0};
    xpm_error err;
    (void)state;
    static const char *const wrong[] = {"", "{", "[]", "{\"objects\":[]}", "{\"objects\":[1]}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        err = (xpm_error){0};
        assert_null(xpm__graph_read(&graph, wrong[i], strlen(wrong[i]), "p.json", &err));
        assert_non_null(strstr(err.message, "p.json is not a parameters file"));
    }
    xpm__graph_free(&graph);
}

/* ---- In memory --------------------------------------------------------------------------------- */

static xpm_config *new_learn(double gamma, int epochs, int verbosity)
{
    return xpm_new("explain.learn", "model", xpm_new("explain.model", "gamma", gamma), "epochs",
                   epochs, "verbosity", verbosity);
}

static xpm_config *new_evaluate(double gamma, int epochs, int size)
{
    xpm_config *task = new_learn(gamma, epochs, 0);
    task->submitted = true;
    task->task = task;
    return xpm_new("explain.evaluate", "learn", task, "size", size);
}

/* Makes it what it is in a plan. Takes the configuration. */
static xpm_config *identified(xpm_config *task)
{
    uint8_t identifier[XPM_IDENTIFIER_SIZE];
    xpm_error err = {0};
    xpm_config_ref(task);
    if (xpm_config_seal(task, "/nowhere", &err) < 0 ||
        xpm_config_identifier(task, identifier, &err) < 0)
        fail_msg("%s", err.message);
    return task;
}

TEST(tasks_in_memory_differ_as_files_do)
{
    (void)state;
    xpm__graph graph = {0};
    xpm_config *a = identified(new_learn(0.1, 10, 1)), *b = identified(new_learn(0.5, 10, 2));
    assert_nodes_differ(&graph, xpm__graph_add(&graph, a), xpm__graph_add(&graph, b), 100,
                        "$.model.gamma 0.1 0.5;");
    xpm__graph_free(&graph);
    xpm_config_unref(a);
    xpm_config_unref(b);
}

/* ---- The nearest ------------------------------------------------------------------------------- */

/* A finished job, as the workspace has it. Takes the task. */
static void finish(const char *workspace, const char *name, xpm_config *task, time_t when)
{
    char hex[XPM_HEX_SIZE];
    xpm__str text = {0};
    xpm__params_context context = {.workspace = workspace};
    xpm_value tags = xpm_dict_new();
    identified(task);
    xpm_identifier_hex(task->identifier, hex);
    const char *folder = path_of("%s/jobs/explain.%s/%s", workspace, name, hex);
    assert_int_equal(xpm__file_mkdirs(folder, NULL), 0);
    xpm__params_write(task, &tags, &context, &text);
    file_put(path_of("%s/params.json", folder), text.data);
    const char *done = path_of("%s/%s.done", folder, name);
    file_put(done, "");
    struct timespec times[2] = {{.tv_sec = when}, {.tv_sec = when}};
    assert_int_equal(utimensat(AT_FDCWD, done, times, 0), 0);
    xpm__str_free(&text);
    xpm_value_clear(&tags);
    xpm_config_unref(task);
}

typedef struct {
    char *workspace;
    xpm__graph graph;
    xpm__finished finished;
    xpm_config *asked[8]; /* the graph knows them by their addresses */
    size_t asked_count;
} past;

static past open_past(size_t most)
{
    past p = {.workspace = folder_new()};
    p.finished = (xpm__finished){.workspace = -1, .most = most};
    return p;
}

/* What the nearest job differs by, when `scan` are compared. Takes the task. New: xpm_free. */
static char *nearest(past *p, const char *type, xpm_config *task, size_t scan)
{
    xpm__differences differences = {0};
    if (p->finished.workspace < 0)
        p->finished.workspace = open(p->workspace, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    p->finished.graph = &p->graph;
    p->asked[p->asked_count++] = identified(task);
    xpm__node *node = xpm__graph_add(&p->graph, task);
    const xpm__finished_type *of = xpm__finished_read(&p->finished, type);
    const struct xpm__finished_job *job = xpm__finished_nearest(&p->finished, of, node, scan);
    if (job != NULL)
        xpm__differences_add(&differences, &p->graph, job->node, node, 100);
    char *text = job != NULL ? print_differences(&differences) : NULL;
    xpm__differences_free(&differences);
    return text;
}

static void close_past(past *p)
{
    xpm__finished_free(&p->finished);
    close(p->finished.workspace);
    xpm__graph_free(&p->graph);
    for (size_t i = 0; i < p->asked_count; i++)
        xpm_config_unref(p->asked[i]);
    folder_remove(p->workspace);
}

static void assert_nearest(past *p, const char *type, xpm_config *task, size_t scan,
                           const char *expected)
{
    char *text = nearest(p, type, task, scan);
    if (expected == NULL)
        assert_null(text);
    else
        assert_string_equal(text != NULL ? text : "nothing", expected);
    xpm_free(text);
}

TEST(the_finished_job_with_the_fewest_differences_is_nearest)
{
    (void)state;
    past p = open_past(100);
    finish(p.workspace, "learn", new_learn(0.1, 10, 0), 100);
    finish(p.workspace, "learn", new_learn(0.5, 20, 0), 300);
    for (size_t scan = 0; scan <= 10; scan += 10) {
        assert_nearest(&p, "explain.learn", new_learn(0.1, 30, 1), scan, "$.epochs 10 30;");
        assert_nearest(&p, "explain.learn", new_learn(0.7, 20, 0), scan, "$.model.gamma 0.5 0.7;");
    }
    assert_nearest(&p, "explain.learn", new_learn(0.9, 90, 0), 10,
                   "$.epochs 20 90;$.model.gamma 0.5 0.9;");
    assert_nearest(&p, "explain.evaluate", new_evaluate(0.1, 1, 1), 10, NULL);
    close_past(&p);
}

TEST(of_as_near_ones_the_latest_is_taken)
{
    (void)state;
    past p = open_past(100);
    finish(p.workspace, "learn", new_learn(0.1, 10, 0), 100);
    finish(p.workspace, "learn", new_learn(0.1, 30, 0), 300);
    finish(p.workspace, "learn", new_learn(0.1, 20, 0), 200);
    assert_nearest(&p, "explain.learn", new_learn(0.1, 40, 0), 0, "$.epochs 30 40;");
    assert_nearest(&p, "explain.learn", new_learn(0.1, 50, 0), 10, "$.epochs 30 50;");
    close_past(&p);
}

TEST(a_difference_deep_in_a_producing_task_is_found_without_comparing)
{
    (void)state;
    past p = open_past(100);
    for (int i = 0; i < 20; i++)
        finish(p.workspace, "evaluate", new_evaluate(i, 10, i % 2), i);
    assert_nearest(&p, "explain.evaluate", new_evaluate(5, 20, 1), 0, "$.learn.epochs 10 20;");
    assert_nearest(&p, "explain.evaluate", new_evaluate(6, 20, 0), 0, "$.learn.epochs 10 20;");
    close_past(&p);
}

TEST(no_more_than_the_latest_are_read)
{
    (void)state;
    past p = open_past(2);
    for (int i = 1; i <= 5; i++)
        finish(p.workspace, "learn", new_learn(0.1, i, 0), i);
    assert_nearest(&p, "explain.learn", new_learn(0.1, 9, 0), 10, "$.epochs 5 9;");
    const xpm__finished_type *type = xpm__finished_read(&p.finished, "explain.learn");
    assert_int_equal(type->count, 2);
    assert_int_equal(type->total, 5);
    close_past(&p);
}

TEST(a_job_whose_parameters_cannot_be_read_is_passed_over)
{
    (void)state;
    past p = open_past(100);
    finish(p.workspace, "learn", new_learn(0.1, 10, 0), 100);
    assert_int_equal(xpm__file_mkdirs(path_of("%s/jobs/explain.learn/ff", p.workspace), NULL), 0);
    file_put(path_of("%s/jobs/explain.learn/ff/learn.done", p.workspace), "");
    file_put(path_of("%s/jobs/explain.learn/ff/params.json", p.workspace), "{\"objects\":[{\"id\"");
    assert_nearest(&p, "explain.learn", new_learn(0.1, 20, 0), 10, "$.epochs 10 20;");
    close_past(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_differ_by_their_paths),
        cmocka_unit_test(a_parameter_that_is_not_there_is_none),
        cmocka_unit_test(what_the_identifier_leaves_out_does_not_differ),
        cmocka_unit_test(collections_differ_in_their_elements),
        cmocka_unit_test(only_objects_of_other_identifiers_are_looked_into),
        cmocka_unit_test(the_task_that_made_it_is_looked_into_once),
        cmocka_unit_test(a_class_of_another_name_differs_and_keeps_its_parameters),
        cmocka_unit_test(what_no_value_explains_is_named),
        cmocka_unit_test(a_cycle_ends),
        cmocka_unit_test(what_is_no_document_is_refused),
        cmocka_unit_test(tasks_in_memory_differ_as_files_do),
        cmocka_unit_test(the_finished_job_with_the_fewest_differences_is_nearest),
        cmocka_unit_test(of_as_near_ones_the_latest_is_taken),
        cmocka_unit_test(a_difference_deep_in_a_producing_task_is_found_without_comparing),
        cmocka_unit_test(no_more_than_the_latest_are_read),
        cmocka_unit_test(a_job_whose_parameters_cannot_be_read_is_passed_over),
    };
    return RUN_TESTS(tests);
}
