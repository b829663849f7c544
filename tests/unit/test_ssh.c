/* What the two ends of an SSH launcher say to each other, and the words by which ssh is started. */
#include <sys/wait.h>

#include "experiment.h"

#include "base/mem.h"
#include "base/process.h"
#include "launch/launcher.h"
#include "launch/ssh_order.h"
#include "launch/ssh_program.h"
#include "launch/wire.h"

/* ---- Lines ------------------------------------------------------------------------------------ */

static void assert_next(xpm__frames *frames, const char *expected)
{
    const char *line;
    ptrdiff_t size = xpm__frames_next(frames, &line);
    if (expected == NULL) {
        assert_int_equal(size, -1);
    } else {
        assert_int_equal(size, strlen(expected));
        assert_memory_equal(line, expected, strlen(expected));
    }
}

TEST(lines_are_read_however_they_come)
{
    static const char text[] = "first\n\nthird one\nrest";
    for (size_t part = 1; part < sizeof text; part++) {
        xpm__frames frames = {0};
        xpm__str seen = {0};
        const char *line;
        ptrdiff_t size;
        for (size_t at = 0; at < sizeof text - 1; at += part) {
            size_t left = sizeof text - 1 - at;
            xpm__frames_add(&frames, text + at, part < left ? part : left);
            while ((size = xpm__frames_next(&frames, &line)) >= 0) {
                xpm__str_add(&seen, line, (size_t)size);
                xpm__str_putc(&seen, '|');
            }
        }
        assert_string_equal(seen.data, "first||third one|");
        xpm__frames_add(&frames, "\n", 1);
        assert_next(&frames, "rest");
        assert_next(&frames, NULL);
        xpm__frames_free(&frames);
        xpm__str_free(&seen);
    }
}

TEST(a_line_without_end_is_too_long)
{
    xpm__frames frames = {0};
    xpm__frames_add(&frames, "12\n345", 6);
    assert_next(&frames, "12");
    assert_next(&frames, NULL);
    assert_false(xpm__frames_overflow(&frames, 3));
    xpm__frames_add(&frames, "6", 1);
    assert_next(&frames, NULL);
    assert_true(xpm__frames_overflow(&frames, 3));
    xpm__frames_free(&frames);
}

/* ---- The shell -------------------------------------------------------------------------------- */

/* What a shell makes of a quoted word, as the one argument that it gives on. New: xpm_free. */
static char *through_shell(const char *word)
{
    static const xpm__patience patience = {.seconds = 30, .size = 1 << 16, .hurry = -1};
    xpm__str script = {0}, out = {0};
    xpm__str_puts(&script, "printf '%s.' ");
    xpm__shell_quote(&script, word);
    const char *argv[] = {"sh", "-c", script.data, NULL};
    char *environment[] = {(char *)"HOME=/home/ada", (char *)"PATH=/usr/bin:/bin", NULL};
    assert_int_equal(xpm__process_read(argv, environment, &patience, &out), 0);
    xpm__str_free(&script);
    return xpm__str_take(&out);
}

TEST(a_shell_reads_a_quoted_word_as_it_is)
{
    static const char *const words[] = {
        "plain",   "two words", "it's",      "''",    "$(id) `id` $HOME", "a\\b\"c", "*?[a]",
        ";&|<>#!", "-n",        "new\nline", "tab\t", "~ada/x",           "a~/b",    "",
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        char *got = through_shell(words[i]);
        char *expected = xpm__format("%s.", words[i]);
        assert_string_equal(got, expected);
        xpm_free(got);
        xpm_free(expected);
    }
    char *home = through_shell("~/bin/it's $x");
    assert_string_equal(home, "/home/ada/bin/it's $x.");
    xpm_free(home);
}

static bool has_word(char **words, const char *word)
{
    for (size_t i = 0; words[i] != NULL; i++)
        if (strcmp(words[i], word) == 0)
            return true;
    return false;
}

TEST(ssh_is_started_without_questions_and_with_the_users_options_first)
{
    const char *const own[] = {"-p", "2222", NULL};
    char **words = xpm__ssh_words(&(xpm_ssh_options){
        .host = "ada@far", .options = own, .command = "/opt/it's/experimaestro"});
    size_t count = 0;
    while (words[count] != NULL)
        count++;
    assert_string_equal(words[0], "ssh");
    assert_string_equal(words[1], "-p");
    assert_true(has_word(words, "BatchMode=yes"));
    assert_string_equal(words[count - 2], "ada@far");
    assert_string_equal(words[count - 1], "exec '/opt/it'\\''s/experimaestro' agent");
    xpm__words_free(words);
}

TEST(connections_are_shared_by_a_socket_that_is_the_users_alone)
{
    char *folder = folder_new();
    xpm_ssh_options options = {.host = "far"};
    setenv("XDG_RUNTIME_DIR", folder, 1);
    char **words = xpm__ssh_words(&options);
    char *path = xpm__format("ControlPath=%s/experimaestro/%%C", folder);
    assert_true(has_word(words, path));
    xpm__words_free(words);
    assert_int_equal(chmod(path_of("%s/experimaestro", folder), 0755), 0);
    words = xpm__ssh_words(&options);
    assert_false(has_word(words, path));
    assert_false(has_word(words, "ControlMaster=auto"));
    xpm__words_free(words);
    xpm_free(path);
    unsetenv("XDG_RUNTIME_DIR");
    folder_remove(folder);
}

static bool explains(int status, const char *errors, const char *part)
{
    char message[512];
    bool hopeless = xpm__ssh_explain(&(xpm_ssh_options){.host = "far"}, status, errors, message,
                                     sizeof message);
    if (strstr(message, part) == NULL || strstr(message, "far") == NULL)
        fail_msg("\"%s\" is not in: %s", part, message);
    return hopeless;
}

TEST(the_end_of_ssh_is_explained)
{
    assert_true(
        explains(127, "bash: experimaestro: not found\r\n", "Install experimaestro on that"));
    assert_true(explains(255, "x\nada@far: Permission denied (publickey).\n", "ssh-copy-id"));
    assert_true(explains(255, "Host key verification failed.\n", "accept it"));
    assert_false(explains(255, "ssh: connect to host far: Connection refused\n",
                          "cannot be reached: ssh: connect to host far: Connection refused"));
    assert_false(explains(-1, "", "the connection ended"));
    assert_true(explains(1, "experimaestro: unknown command agent\nTry --help.\n", "Try --help."));
}

/* ---- The launcher ----------------------------------------------------------------------------- */

static void assert_refused(xpm_ssh_options options, const char *part)
{
    xpm_error err = {0};
    assert_null(xpm_launcher_ssh(&options, &err));
    assert_error(&err, XPM_E_RANGE, part);
}

TEST(a_host_is_no_option_of_ssh)
{
    assert_refused((xpm_ssh_options){.host = "-oProxyCommand=id"}, "is no host for ssh");
    assert_refused((xpm_ssh_options){.host = ""}, "is no host for ssh");
    assert_refused((xpm_ssh_options){.host = NULL}, "is no host for ssh");
    assert_refused((xpm_ssh_options){.host = "a b"}, "is no host for ssh");
    assert_refused((xpm_ssh_options){.host = "far", .slots = -1}, "slots must be 0");
    assert_refused((xpm_ssh_options){.host = "far", .patience = -1}, "patience must be 0");
}

TEST(a_host_is_found_again_by_what_pid_files_say)
{
    const char *const own[] = {"-p", "2222", NULL};
    xpm_error err = {0};
    xpm__pid far = {.launcher = "ssh", .id = "far"}, other = {.launcher = "ssh", .id = "other"};
    xpm_launcher *launcher = xpm_launcher_ssh(
        &(xpm_ssh_options){.host = "far", .options = own, .python = "/opt/python"}, &err);
    assert_string_equal(xpm_launcher_name(launcher), "ssh");
    xpm__site *site = launcher->table->open(launcher, &err);
    assert_true(launcher->table->has(site, &far));
    assert_false(launcher->table->has(site, &other));
    launcher->table->destroy(site);
    xpm_launcher *named = xpm__launcher_named(&far);
    assert_string_not_equal(named->table->place(named), launcher->table->place(launcher));
    site = named->table->open(named, &err);
    assert_true(named->table->has(site, &far));
    named->table->destroy(site);
    xpm_launcher_unref(named);
    xpm_launcher_unref(launcher);
}

/* ---- Orders and answers ------------------------------------------------------------------------ */

#define JOB "\"token\":\"t\",\"type\":\"demo.learn\",\"hash\":\"3f\",\"name\":\"learn\""
#define START "{\"do\":\"start\"," JOB ",\"params\":\"{}\",\"argv\":[\"/bin/true\",\"job\"]"

static int read_order(const char *text)
{
    const char *problem;
    xpm__order order;
    xpm_error err = {0};
    json_object *json = xpm__json_parse(text, strlen(text), &problem);
    int status = xpm__order_read(json, &order, &err);
    assert_true(status == 0 || err.code == XPM_E_FORMAT);
    json_object_put(json);
    return status;
}

TEST(an_order_that_leads_out_of_the_workspace_is_none)
{
    assert_int_equal(
        read_order("{\"do\":\"open\",\"version\":1,\"workspace\":\"/w\",\"probe\":\"p\"}"), 0);
    assert_int_equal(read_order(START ",\"variables\":[\"A=b\"],\"needs\":[\"jobs/a/b/c.done\"],"
                                      "\"partials\":[{\"name\":\"p\",\"folder\":\"a/b\"}]}"),
                     0);
    assert_int_equal(read_order("{\"do\":\"adopt\"," JOB "}"), 0);
    assert_int_equal(read_order("{\"do\":\"cancel\",\"token\":\"t\"}"), 0);
    static const char *const wrong[] = {
        "[]",
        "{}",
        "{\"do\":\"format\"}",
        "{\"do\":\"open\",\"workspace\":\"w\",\"probe\":\"p\"}",
        "{\"do\":\"open\",\"workspace\":\"/w\",\"probe\":\"../p\"}",
        "{\"do\":\"cancel\"}",
        "{\"do\":\"adopt\",\"token\":\"t\",\"type\":\"a/b\",\"hash\":\"3f\",\"name\":\"learn\"}",
        "{\"do\":\"adopt\",\"token\":\"t\",\"type\":\"a\",\"hash\":\"..\",\"name\":\"learn\"}",
        "{\"do\":\"start\"," JOB ",\"params\":\"{}\",\"argv\":[]}",
        "{\"do\":\"start\"," JOB ",\"params\":\"{}\",\"argv\":[1]}",
        "{\"do\":\"start\"," JOB ",\"argv\":[\"x\"]}",
        START ",\"variables\":[\"A\"]}",
        START ",\"variables\":[\"=A\"]}",
        START ",\"variables\":{\"A\":\"b\"}}",
        START ",\"needs\":[\"/etc/passwd\"]}",
        START ",\"needs\":[\"jobs/../../x\"]}",
        START ",\"partials\":[{\"name\":\"p\",\"folder\":\"..\"}]}",
        START ",\"partials\":[\"p\"]}",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (read_order(wrong[i]) == 0)
            fail_msg("%s is taken for an order", wrong[i]);
}

TEST(an_answer_is_read_as_it_was_printed)
{
    xpm__answer read, ended = {.kind = XPM__ANSWER_ENDED,
                               .token = "t",
                               .message = "it's \"so\"",
                               .end = {.known = true, .code = 3, .peak_memory = 1LL << 40},
                               .state = XPM_JOB_ERROR,
                               .reason = XPM_REASON_TIMEOUT,
                               .code = 15,
                               .status = "{}\n",
                               .last_words = "a\nb"};
    const char *problem;
    xpm_error err = {0};
    xpm__str out = {0};
    xpm__answer_print(&ended, &out);
    assert_ptr_equal(strchr(out.data, '\n'), out.data + out.size - 1);
    json_object *json = xpm__json_parse(out.data, out.size - 1, &problem);
    assert_int_equal(xpm__answer_read(json, &read, &err), 0);
    assert_int_equal(read.kind, XPM__ANSWER_ENDED);
    assert_string_equal(read.token, "t");
    assert_string_equal(read.message, ended.message);
    assert_true(read.end.known && read.end.code == 3 && read.end.signal == 0 && !read.end.memory);
    assert_true(read.end.peak_memory == ended.end.peak_memory);
    assert_int_equal(read.state, XPM_JOB_ERROR);
    assert_int_equal(read.reason, XPM_REASON_TIMEOUT);
    assert_int_equal(read.code, 15);
    assert_string_equal(read.status, "{}\n");
    assert_string_equal(read.last_words, "a\nb");
    json_object_put(json);
    xpm__str_free(&out);
}

typedef struct {
    int64_t n;
} learn;

static int learn_execute(learn *self, xpm_task *task)
{
    (void)task;
    return (int)self->n;
}
XPM_TASK(learn, "far.learn", learn_execute, XPM_INT(n));

TEST(an_order_that_is_too_long_for_an_agent_is_not_given)
{
    char *folder = folder_new();
    xpm_experiment *xp = open_in(folder, XPM_GENERATE_ONLY);
    xpm_job *job = submit(xp, xpm_new("far.learn", "n", 0));
    xpm_error err = {0};
    xpm__str out = {0};
    const char *argv[] = {"/bin/true", NULL};
    char *word = xpm__zalloc(XPM__ORDER_MAX + 1),
         *wrapper[] = {memset(word, 'x', XPM__ORDER_MAX), NULL};
    xpm__start start = {.job = job, .name = xpm_job_name(job), .argv = argv};
    start.directory = open(xpm_job_directory(job), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(xpm__order_start(&out, &start, NULL, "t", &err), 0);
    assert_int_equal(out.data[out.size - 1], '\n');
    assert_int_equal(xpm__order_start(&out, &start, wrapper, "t", &err), -1);
    assert_error(&err, XPM_E_RANGE, "what is to be sent");
    close(start.directory);
    xpm__str_free(&out);
    xpm_free(word);
    xpm_job_unref(job);
    xpm_experiment_close(xp, false, NULL);
    folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_read_however_they_come),
        cmocka_unit_test(a_line_without_end_is_too_long),
        cmocka_unit_test(a_shell_reads_a_quoted_word_as_it_is),
        cmocka_unit_test(ssh_is_started_without_questions_and_with_the_users_options_first),
        cmocka_unit_test(connections_are_shared_by_a_socket_that_is_the_users_alone),
        cmocka_unit_test(the_end_of_ssh_is_explained),
        cmocka_unit_test(a_host_is_no_option_of_ssh),
        cmocka_unit_test(a_host_is_found_again_by_what_pid_files_say),
        cmocka_unit_test(an_order_that_leads_out_of_the_workspace_is_none),
        cmocka_unit_test(an_answer_is_read_as_it_was_printed),
        cmocka_unit_test(an_order_that_is_too_long_for_an_agent_is_not_given),
    };
    return RUN_TESTS(tests);
}
