/* The user's settings: what a file says, how it is wrong, and which workspace is chosen. */
#include "base/file.h"
#include "folder.h"
#include "settings/schema.h"

static char *folder; /* of the user's files */
static xpm_error err;

static int set_folder(void **state)
{
    (void)state;
    folder = folder_new();
    setenv("XPM_CONFIG_DIR", folder, 1);
    setenv("HOME", "/home/me", 1);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    folder_remove(folder);
    return 0;
}

static xpm_settings *load(const char *text)
{
    err = (xpm_error){0};
    const char *path = path_of("%s/settings.yaml", folder);
    assert_int_equal(xpm__file_write(AT_FDCWD, path, text, strlen(text), 0644), 0);
    return xpm_settings_load(NULL, &err);
}

static xpm_settings *loaded(const char *text)
{
    xpm_settings *settings = load(text);
    if (settings == NULL)
        fail_msg("%s", err.message);
    return settings;
}

static const char *value_of(const xpm_setting_variables *variables, const char *name)
{
    for (size_t i = 0; i < variables->count; i++)
        if (strcmp(variables->items[i].name, name) == 0)
            return variables->items[i].value;
    return NULL;
}

TEST(a_file_says_what_each_workspace_is)
{
    xpm_settings *settings = loaded("history: {max_done: 5, max_failed: 2}\n"
                                    "workspaces:\n"
                                    "- id: one\n"
                                    "  path: ~/one//./x/\n"
                                    "  triggers: 'a-*'\n"
                                    "  max_retries: 0\n"
                                    "  dirty_git: error\n"
                                    "  history: {max_done: 0}\n"
                                    "  folders: {use: [~/b, /c], move: /d}\n"
                                    "- {id: far, path: ~/far, ssh: {host: there}, triggers: ~}\n");
    const xpm_workspace_settings *one = xpm_settings_find(settings, "one");
    assert_int_equal(settings->workspace_count, 2);
    assert_string_equal(one->path, "/home/me/one/x");
    assert_false(one->remote);
    assert_int_equal(one->triggers.count, 1);
    assert_string_equal(one->triggers.items[0], "a-*");
    assert_int_equal(one->max_retries, 0);
    assert_int_equal(one->dirty_git, XPM_DIRTY_ERROR);
    assert_int_equal(one->history.max_done, 0);
    assert_int_equal(one->history.max_failed, 2);
    assert_string_equal(one->use.items[0], "/home/me/b");
    assert_string_equal(one->use.items[1], "/c");
    assert_string_equal(one->move.items[0], "/d");
    assert_int_equal(one->backup.count, 0);
    const xpm_workspace_settings *far = &settings->workspaces[1];
    assert_true(far->remote);
    assert_string_equal(far->path, "~/far");
    assert_int_equal(far->max_retries, -1);
    assert_null(xpm_settings_find(settings, "two"));
    xpm_settings_free(settings);
}

TEST(what_a_workspace_says_becomes_options_that_are_open)
{
    xpm_workspace_settings workspace = {.max_retries = 0, .dirty_git = XPM_DIRTY_WARN};
    workspace.history = (xpm_history_settings){.max_done = 0, .max_failed = 3};
    xpm_experiment_options options = {0}, given = {.max_retries = 7, .history_max_done = 1};
    xpm_workspace_settings_apply(&workspace, &options);
    assert_int_equal(options.max_retries, -1);
    assert_int_equal(options.dirty_git, XPM_DIRTY_WARN);
    assert_int_equal(options.history_max_done, -1);
    assert_int_equal(options.history_max_failed, 3);
    xpm_workspace_settings_apply(&workspace, &given);
    assert_int_equal(given.max_retries, 7);
    assert_int_equal(given.history_max_done, 1);
    assert_int_equal(given.history_max_failed, 0);
    workspace = (xpm_workspace_settings){.max_retries = -1, .dirty_git = -1, .history = {-1, -1}};
    options = (xpm_experiment_options){0};
    xpm_workspace_settings_apply(&workspace, &options);
    assert_int_equal(options.max_retries, 0);
    assert_int_equal(options.dirty_git, XPM_DIRTY_IGNORE);
    assert_int_equal(options.history_max_done, 0);
}

TEST(variables_are_texts_as_python_spells_them)
{
    xpm_settings *settings =
        loaded("env: {A: yes, B: 010, C: 1_000, D: 1.50, E: '', F: 1:30, G: 1e3,\n"
               "  H: 2020-01-02, on: x, I: -.inf}\n");
    static const char *const expected[][2] = {
        {"A", "True"}, {"B", "8"},   {"C", "1000"},       {"D", "1.5"}, {"E", ""},
        {"F", "90"},   {"G", "1e3"}, {"H", "2020-01-02"}, {"on", "x"},  {"I", "-inf"}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_string_equal(value_of(&settings->env, expected[i][0]), expected[i][1]);
    xpm_settings_free(settings);
}

TEST(variables_of_the_environment_are_put_in_once_and_unknown_ones_stay)
{
    setenv("XPM_TEST_NAME", "${env:HOME}", 1);
    unsetenv("XPM_TEST_NONE");
    xpm_settings *settings =
        loaded("env:\n"
               "  A: &a 'x${env:XPM_TEST_NAME}${oc.env:HOME}y'\n"
               "  B: ${env:XPM_TEST_NONE}/${env:HOME\n"
               "  C: *a\n"
               "workspaces: [{id: one, path: '${env:HOME}/one', env: {D: '$HOME ${HOME}'}}]\n");
    assert_string_equal(value_of(&settings->env, "A"), "x${env:HOME}/home/mey");
    assert_string_equal(value_of(&settings->env, "B"), "${env:XPM_TEST_NONE}/${env:HOME");
    assert_string_equal(value_of(&settings->env, "C"), "x${env:HOME}/home/mey");
    assert_string_equal(settings->workspaces[0].path, "/home/me/one");
    assert_string_equal(value_of(&settings->workspaces[0].env, "D"), "$HOME ${HOME}");
    char *json = xpm_settings_json(settings);
    assert_non_null(strstr(json, "\"path\":\"/home/me/one\""));
    xpm_free(json);
    xpm_settings_free(settings);
}

TEST(each_mistake_is_told_with_its_line_and_what_would_be_right)
{
    static const char *const table[][2] = {
        {"\nworkspace:\n", "2: unknown key \"workspace\", did you mean \"workspaces\"?"},
        {"xyzzyxyzzyxyzzy: 1\n", "1: unknown key \"xyzzyxyzzyxyzzy\": it may have env, workspaces, "
                                 "history, imports, server, carbon"},
        {"workspaces:\n- id: a\n  pth: /a\n",
         "3: unknown key \"pth\" in \"workspaces\", did you mean \"path\"?"},
        {"history: {max_don: 1}\n",
         "1: unknown key \"max_don\" in \"history\", did you mean \"max_done\"?"},
        {"workspaces:\n- path: /a\n", "2: \"id\" is missing in \"workspaces\""},
        {"workspaces:\n- id: a\n", "2: \"path\" is missing in \"workspaces\""},
        {"workspaces:\n- {id: 2024, path: /a}\n",
         "2: \"id\" must be a text, and not the number 2024: write it in quotes"},
        {"workspaces:\n- {id: '', path: /a}\n", "2: \"id\" is empty"},
        {"workspaces: {id: a}\n",
         "1: \"workspaces\" must be a list of maps, and not a map of names"},
        {"workspaces: [5]\n", "1: \"workspaces\" must be a list of maps, and not the number 5"},
        {"workspaces:\n- {id: a, path: /a}\n- {id: a, path: /b}\n",
         "3: two workspaces have the id \"a\", the first one in line 2"},
        {"workspaces:\n- id: a\n  path: /a\n  max_retries: many\n",
         "4: \"max_retries\" must be a whole number, 0 or more, and not the text \"many\""},
        {"workspaces:\n- {id: a, path: /a, max_retries: -1}\n",
         "2: \"max_retries\" must be a whole number, 0 or more, and not the number -1"},
        {"workspaces:\n- {id: a, path: /a, dirty_git: wran}\n",
         "2: \"dirty_git\" must be ignore, warn or error, and not the text \"wran\""},
        {"workspaces:\n- {id: a, path: /a, triggers: [a, [b]]}\n",
         "2: \"triggers\" must be a list of texts, or one, and not a list"},
        {"workspaces:\n- {id: a, path: /a, triggers: [no]}\n",
         "2: \"triggers\" must be a list of texts, or one, and not the truth value no: write it in "
         "quotes"},
        {"workspaces:\n- {id: a, path: /a, ssh: there}\n",
         "2: \"ssh\" must be a map, and not the text \"there\""},
        {"env: 5\n", "1: \"env\" must be a map of names to texts, and not the number 5"},
        {"env: {A: [1]}\n",
         "1: the variable A must be a text, a number or a truth value, and not a list"},
        {"env:\n  A:\n", "2: the variable A has no value: write \"\" for an empty text"},
        {"env: {a=b: 1}\n",
         "1: \"a=b\" cannot name a variable: the name must not be empty or hold ="},
        {"- a\n", "1: settings are a map, as `workspaces: [...]`, and not a list"},
        {"env: {A: 1}\nenv: {B: 1}\n", "2: \"env\" is there twice, first in line 1"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        xpm_settings *settings = load(table[i][0]);
        const char *expected = path_of("%s/settings.yaml:%s", folder, table[i][1]);
        xpm_settings_free(settings);
        if (settings != NULL || err.code != XPM_E_FORMAT)
            fail_msg("no error of format: %s", table[i][0]);
        if (strncmp(err.message, expected, strlen(expected)) != 0)
            fail_msg("expected: %s\ngot: %s", expected, err.message);
        assert_string_equal(err.path, path_of("%s/settings.yaml", folder));
    }
}

TEST(without_a_file_there_are_no_settings_and_one_that_is_named_must_be_there)
{
    unlink(path_of("%s/settings.yaml", folder));
    xpm_settings *settings = xpm_settings_load(NULL, &err);
    assert_non_null(settings);
    assert_null(settings->file);
    assert_int_equal(settings->workspace_count, 0);
    char *json = xpm_settings_json(settings);
    assert_string_equal(json, "{}");
    xpm_free(json);
    xpm_settings_free(settings);
    assert_null(xpm_settings_load(path_of("%s/none.yaml", folder), &err));
    assert_error(&err, XPM_E_IO, "none.yaml");
    assert_null(xpm_settings_load(folder, &err));
    assert_error(&err, XPM_E_IO, folder);
}

/* "ID PATH" of what is chosen; the message of the error. */
static const char *chosen(xpm_settings *settings, const char *id, const char *workdir,
                          const char *experiment)
{
    xpm_workspace_settings workspace;
    if (xpm_settings_select(settings, id, workdir, experiment, &workspace, &err) < 0)
        return err.message;
    return path_of("%s %s", workspace.id, workspace.path);
}

TEST(an_id_comes_before_a_folder_before_triggers_before_the_first_that_is_here)
{
    xpm_settings *settings = loaded("workspaces:\n"
                                    "- {id: far, path: /far, ssh: {host: there}, triggers: ['*']}\n"
                                    "- {id: one, path: /one}\n"
                                    "- {id: two, path: /two, triggers: [none, 'digits-[!x]?*']}\n"
                                    "- {id: three, path: /three, triggers: ['digits-*']}\n");
    assert_string_equal(chosen(settings, NULL, NULL, NULL), "one /one");
    assert_string_equal(chosen(settings, NULL, NULL, "other"), "one /one");
    assert_string_equal(chosen(settings, NULL, NULL, "digits-32"), "two /two");
    assert_string_equal(chosen(settings, NULL, NULL, "digits-x2"), "three /three");
    assert_string_equal(chosen(settings, "three", NULL, "digits-32"), "three /three");
    assert_string_equal(chosen(settings, "three", "/other/", "digits-32"), "three /other");
    assert_string_equal(chosen(settings, "far", NULL, NULL), "far /far");
    assert_string_equal(chosen(settings, NULL, "/two/.", "digits-x2"), "two /two");
    assert_string_equal(chosen(settings, NULL, "/other", "digits-32"), " /other");
    assert_string_equal(chosen(settings, NULL, "/far", NULL), " /far");
    assert_string_equal(chosen(settings, "four", NULL, NULL),
                        "no workspace has the id four: the settings have far, one, two, three");
    xpm_settings_free(settings);
    settings = loaded("workspaces: [{id: far, path: /far, ssh: {}}]\n");
    assert_string_equal(chosen(settings, NULL, NULL, NULL),
                        path_of("no workspace: name a folder, or list workspaces in "
                                "%s/settings.yaml",
                                folder));
    xpm_settings_free(settings);
}

TEST(the_folder_of_the_users_files_may_be_in_three_places)
{
    char *found[3];
    setenv("XPM_CONFIG_DIR", "~/own", 1);
    found[0] = xpm_config_folder();
    setenv("XPM_CONFIG_DIR", "", 1);
    setenv("XDG_CONFIG_HOME", "/xdg", 1);
    found[1] = xpm_config_folder();
    unsetenv("XDG_CONFIG_HOME");
    found[2] = xpm_config_folder();
    setenv("XPM_CONFIG_DIR", folder, 1);
    assert_string_equal(found[0], "/home/me/own");
    assert_string_equal(found[1], "/xdg/experimaestro");
    assert_string_equal(found[2], "/home/me/.config/experimaestro");
    for (int i = 0; i < 3; i++)
        xpm_free(found[i]);
}

TEST(the_manual_has_the_table)
{
    xpm__str page = {0}, table = {0};
    assert_int_equal(
        xpm__file_read(AT_FDCWD, path_of("%s/docs/settings.md", getenv("XPM_SOURCE")), &page), 0);
    xpm__settings_print_table(&table);
    if (strstr(page.data, table.data) == NULL)
        fail_msg("docs/settings.md must have:\n%s", table.data);
    xpm__str_free(&table);
    xpm__str_free(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_says_what_each_workspace_is),
        cmocka_unit_test(what_a_workspace_says_becomes_options_that_are_open),
        cmocka_unit_test(variables_are_texts_as_python_spells_them),
        cmocka_unit_test(variables_of_the_environment_are_put_in_once_and_unknown_ones_stay),
        cmocka_unit_test(each_mistake_is_told_with_its_line_and_what_would_be_right),
        cmocka_unit_test(without_a_file_there_are_no_settings_and_one_that_is_named_must_be_there),
        cmocka_unit_test(an_id_comes_before_a_folder_before_triggers_before_the_first_that_is_here),
        cmocka_unit_test(the_folder_of_the_users_files_may_be_in_three_places),
        cmocka_unit_test(the_manual_has_the_table),
    };
    xpm_set_allocator(leaks_allocator);
    return leaks_check(cmocka_run_group_tests(tests, set_folder, remove_folder));
}
