/* The parser of command lines, over a table of its own: what the commands of today do not use as well. */
#include "cli/cli.h"
#include "leaks.h"

static char heard[512]; /* what the command was called with */

static int hear(const cli_call *call)
{
    static const char *const names[] = {"conf", "env", "force", "quick"};
    size_t size = (size_t)snprintf(heard, sizeof heard, "%s:", call->command->name);
    for (size_t i = 0; i < 4; i++)
        for (const cli_given *given = NULL; (given = cli_next(call, names[i], given)) != NULL;)
            size += (size_t)snprintf(heard + size, sizeof heard - size, " %s(%s%s%s)", names[i],
                                     given->value, given->second != NULL ? "," : "",
                                     given->second != NULL ? given->second : "");
    for (size_t i = 0; i < call->argument_count; i++)
        size += (size_t)snprintf(heard + size, sizeof heard - size, " [%s]", call->arguments[i]);
    return 7;
}

int cmd_version(const cli_call *call)
{
    (void)call;
    return CLI_OK;
}

const cli_option cli_globals[] = {
    {.name = "help", .letter = 'h', .help = "help"},
    {.name = NULL},
};
const cli_command cli_commands[] = {
    {.name = "plan", .help = "plans"},
    {
        .name = "plan run",
        .help = "runs a plan",
        .run = hear,
        .arguments = {{.name = "YAML"}, {.name = "ARGS", .many = true}},
        .options =
            {{.name = "conf", .letter = 'c', .value = "KEY=VALUE", .help = "c", .repeats = true},
             {.name = "env", .value = "NAME VALUE", .help = "e", .repeats = true},
             {.name = "force", .letter = 'f', .help = "f"},
             {.name = "quick", .letter = 'q', .help = "q"}},
    },
    {.name = "plan run-all", .help = "runs all", .run = hear},
    {.name = NULL},
};

static int call(const char *const *words)
{
    char *argv[16] = {(char *)"experimaestro"};
    int count = 1;
    for (; words[count - 1] != NULL; count++)
        argv[count] = (char *)words[count - 1];
    heard[0] = '\0';
    return cli_main(count, argv);
}

#define CALL(...) call((const char *const[]){__VA_ARGS__, NULL})

TEST(an_option_that_repeats_is_heard_each_time_in_order)
{
    assert_int_equal(CALL("plan", "run", "-c", "a=1", "p.yaml", "--conf=b=2", "-cc=3"), 7);
    assert_string_equal(heard, "plan run: conf(a=1) conf(b=2) conf(c=3) [p.yaml]");
}

TEST(an_option_may_take_two_words)
{
    assert_int_equal(CALL("plan", "run", "--env", "A", "1", "--env=B", "-2", "p"), 7);
    assert_string_equal(heard, "plan run: env(A,1) env(B,-2) [p]");
    assert_int_equal(CALL("plan", "run", "p", "--env", "A"), CLI_USAGE);
    assert_int_equal(CALL("plan", "run", "p", "--env=A"), CLI_USAGE);
    assert_string_equal(heard, "");
}

TEST(letters_go_together_and_the_last_may_take_a_value)
{
    assert_int_equal(CALL("plan", "run", "-fqca=1", "p"), 7);
    assert_string_equal(heard, "plan run: conf(a=1) force() quick() [p]");
    assert_int_equal(CALL("plan", "run", "-fqc", "a=1", "p", "-"), 7);
    assert_string_equal(heard, "plan run: conf(a=1) force() quick() [p] [-]");
    assert_int_equal(CALL("plan", "run", "p", "-fx"), CLI_USAGE);
    assert_int_equal(CALL("plan", "run", "p", "-fc"), CLI_USAGE);
    assert_int_equal(CALL("plan", "run", "p", "-fh"), CLI_OK);
    assert_string_equal(heard, "");
}

TEST(the_last_argument_may_be_many_or_none)
{
    assert_int_equal(CALL("plan", "run", "p", "a", "b", "c", "d", "e", "--", "-f", "--"), 7);
    assert_string_equal(heard, "plan run: [p] [a] [b] [c] [d] [e] [-f] [--]");
    assert_int_equal(CALL("plan", "run"), CLI_USAGE);
    assert_int_equal(CALL("plan", "run-all"), 7);
    assert_int_equal(CALL("plan", "run-all", "p"), CLI_USAGE);
}

TEST(what_is_no_command_line_ends_with_2)
{
    assert_int_equal(CALL("plan"), CLI_USAGE);
    assert_int_equal(CALL("plan", "--help"), CLI_OK);
    assert_int_equal(CALL("plan", "--force"), CLI_USAGE);
    assert_int_equal(CALL(""), CLI_USAGE);
    assert_int_equal(CALL("--"), CLI_USAGE);
    assert_int_equal(
        CALL("plan", "a word that is longer than the name of any command in this table is"),
        CLI_USAGE);
    assert_int_equal(CALL("plan run", "p"), CLI_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_option_that_repeats_is_heard_each_time_in_order),
        cmocka_unit_test(an_option_may_take_two_words),
        cmocka_unit_test(letters_go_together_and_the_last_may_take_a_value),
        cmocka_unit_test(the_last_argument_may_be_many_or_none),
        cmocka_unit_test(what_is_no_command_line_ends_with_2),
    };
    return RUN_TESTS(tests);
}
