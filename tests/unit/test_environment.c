/* What is captured of a run's surroundings: programs that are asked, git, environment.json. */
#include <errno.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "folder.h"

#include "base/json.h"
#include "base/process.h"
#include "record/environment.h"
#include "record/git.h"

static const xpm__patience patient = {.seconds = 30, .size = 1 << 20, .hurry = -1};

/* ---- Programs that are asked --------------------------------------------------------------------- */

static int ask(const char *script, const xpm__patience *patience, xpm__str *out)
{
    const char *argv[] = {"sh", "-c", script, NULL};
    return xpm__process_read(argv, environ, patience, out);
}

TEST(a_program_is_read_and_gives_its_status)
{
    xpm__str out = {0};
    assert_int_equal(ask("echo said; echo lost >&2; exit 3", &patient, &out), 3);
    assert_string_equal(out.data, "said\n");
    xpm__str_free(&out);
}

TEST(a_program_that_is_not_there_is_told)
{
    const char *argv[] = {"no-such-program-xpm", NULL};
    xpm__str out = {0};
    assert_int_equal(xpm__process_read(argv, environ, &patient, &out), -1);
    assert_int_equal(errno, ENOENT);
    xpm__str_free(&out);
}

TEST(a_program_that_takes_too_long_or_says_too_much_is_ended)
{
    xpm__patience hasty = {.seconds = 0.05, .size = 100, .hurry = -1};
    xpm__str out = {0};
    assert_int_equal(ask("exec cat /dev/zero | tail", &hasty, &out), -1);
    assert_int_equal(errno, ETIMEDOUT);
    hasty.seconds = 30;
    assert_int_equal(ask("exec cat /dev/zero", &hasty, &out), -1);
    assert_int_equal(errno, EFBIG);
    assert_int_equal(ask("kill -9 $$", &patient, &out), -1);
    assert_int_equal(errno, EINTR);
    xpm__str_free(&out);
}

TEST(a_program_has_a_moment_left_when_there_is_hurry)
{
    xpm__patience hurried = {.seconds = 30, .size = 100, .hurry = eventfd(1, EFD_CLOEXEC)};
    xpm__str out = {0};
    assert_int_equal(ask("echo quick", &hurried, &out), 0);
    assert_int_equal(ask("exec tail -f /dev/null", &hurried, &out), -1);
    assert_int_equal(errno, ETIMEDOUT);
    assert_string_equal(out.data, "quick\n");
    close(hurried.hurry);
    xpm__str_free(&out);
}

TEST(a_program_is_asked_and_its_errors_read_and_it_keeps_a_lock_as_long_as_it_lives)
{
    char *folder = folder_new();
    const char *argv[] = {"sh", "-c", "flock -n lock true || echo held; echo wrong >&2; exit 3",
                          NULL};
    const char *many[] = {"sh", "-c", "head -c 200000 /dev/zero >&2; echo end", NULL};
    xpm__str out = {0}, errors = {0};
    char *here = getcwd(NULL, 0);
    assert_int_equal(chdir(folder), 0);
    int lock = open("lock", O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    assert_int_equal(flock(lock, LOCK_EX), 0);
    assert_int_equal(xpm__process_ask(argv, environ, &patient, lock, &out, &errors), 3);
    assert_string_equal(out.data, "held\n");
    assert_string_equal(errors.data, "wrong\n");
    close(lock);
    xpm__str_clear(&errors);
    assert_int_equal(xpm__process_ask(many, environ, &patient, -1, &out, &errors), 0);
    assert_string_equal(out.data, "held\nend\n"); /* neither stream is waited for alone */
    assert_int_equal(errors.size, 200000);
    assert_int_equal(chdir(here), 0);
    free(here);
    xpm__str_free(&out);
    xpm__str_free(&errors);
    folder_remove(folder);
}

/* ---- Git ----------------------------------------------------------------------------------------- */

__attribute__((format(printf, 1, 2))) static void shell(const char *format, ...)
{
    char command[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    xpm__str out = {0};
    if (ask(command, &patient, &out) != 0)
        fail_msg("%s", command);
    xpm__str_free(&out);
}

/* As it is asked of the environment that the test has now. */
static bool add_tree(xpm__gits *gits, const char *path, const char *except)
{
    return xpm__gits_add(gits, path, except, &(xpm__asking){environ, patient});
}

/* A working tree with one commit, of one file. */
static void make_tree(const char *path)
{
    shell("mkdir -p %s && cd %s && git init -q -b main && echo 1 >a && git add a && "
          "git -c user.name=a -c user.email=a@b commit -qm first",
          path, path);
}

TEST(git_tells_the_commit_the_branch_and_what_has_changed)
{
    char *folder = folder_new();
    make_tree(folder);
    shell("cd %s && mkdir sub ws && echo 2 >a && git mv a b && touch 'sub/new one' ws/mine",
          folder);
    xpm__gits gits = {0};
    assert_true(add_tree(&gits, path_of("%s/sub", folder), path_of("%s/ws", folder)));
    assert_int_equal(gits.count, 1);
    const xpm__git *git = gits.items;
    assert_string_equal(git->toplevel, folder);
    assert_int_equal(strlen(git->commit), 40);
    assert_string_equal(git->branch, "main");
    assert_true(git->known);
    assert_int_equal(git->changed_count, 2); /* the old path of what was renamed is no change */
    assert_string_equal(git->changed[0], "b");
    assert_string_equal(git->changed[1], "sub/");
    xpm__gits_free(&gits);
    folder_remove(folder);
}

TEST(a_tree_is_told_once_and_a_folder_outside_of_any_is_none)
{
    char *folder = folder_new();
    make_tree(path_of("%s/tree", folder));
    shell("git -C %s/tree checkout -q --detach", folder);
    shell("mkdir %s/plain %s/tree/sub && git init -q %s/empty", folder, folder, folder);
    xpm__gits gits = {0};
    assert_false(add_tree(&gits, path_of("%s/plain", folder), NULL));
    assert_false(add_tree(&gits, path_of("%s/nowhere", folder), NULL));
    assert_true(add_tree(&gits, path_of("%s/tree/sub", folder), NULL));
    assert_true(add_tree(&gits, path_of("%s/tree", folder), NULL));
    assert_true(add_tree(&gits, path_of("%s/empty", folder), NULL));
    assert_int_equal(gits.count, 2);
    assert_null(gits.items[0].branch);
    assert_int_equal(gits.items[0].changed_count, 0);
    assert_null(gits.items[1].commit);
    xpm__gits_free(&gits);
    folder_remove(folder);
}

TEST(of_many_changes_the_first_are_kept_and_all_are_counted)
{
    char *folder = folder_new();
    make_tree(folder);
    shell("cd %s && for i in $(seq 150); do : >f$i; done", folder);
    xpm__gits gits = {0};
    xpm__str out = {0};
    assert_true(add_tree(&gits, folder, NULL));
    assert_int_equal(gits.items[0].changed_count, 150);
    xpm__gits_print(&gits, &out);
    const char *problem;
    json_object *json = xpm__json_parse(out.data, out.size, &problem);
    json_object *git = json_object_array_get_idx(json, 0);
    assert_int_equal(json_object_array_length(xpm__json_get(git, "changed")), XPM__GIT_CHANGED);
    assert_true(json_object_get_boolean(xpm__json_get(git, "dirty")));
    json_object_put(json);
    xpm__str_free(&out);
    xpm__gits_free(&gits);
    folder_remove(folder);
}

TEST(without_git_there_is_no_tree)
{
    char *folder = folder_new(), *path = strdup(getenv("PATH"));
    make_tree(folder);
    xpm__gits gits = {0};
    setenv("PATH", "/nowhere", 1);
    assert_false(add_tree(&gits, folder, NULL));
    setenv("PATH", path, 1);
    setenv("GIT_DIR", "/nowhere", 1); /* as in one of git's own hooks */
    assert_true(add_tree(&gits, folder, NULL));
    unsetenv("GIT_DIR");
    xpm__gits_free(&gits);
    free(path);
    folder_remove(folder);
}

/* ---- environment.json ---------------------------------------------------------------------------- */

static json_object *read_environment(const char *run)
{
    char *text = file_text(path_of("%s/environment.json", run));
    const char *problem;
    json_object *json = xpm__json_parse(text, strlen(text), &problem);
    free(text);
    assert_non_null(json);
    return json;
}

TEST(a_run_has_its_environment_once_it_is_closed)
{
    char *folder = folder_new();
    make_tree(path_of("%s/tree", folder));
    const char *projects[] = {path_of("%s/tree", folder), NULL};
    xpm_experiment_options options = {.projects = projects};
    xpm_error err = {0};
    xpm_experiment *xp = xpm_experiment_open(path_of("%s/ws", folder), "test", &options, &err);
    assert_non_null(xp);
    char *run = strdup(xpm_experiment_run_directory(xp));
    assert_int_equal(xpm_experiment_close(xp, false, &err), 0);
    json_object *json = read_environment(run);
    json_object *git = json_object_array_get_idx(xpm__json_get(json, "projects"), 0);
    assert_int_equal(json_object_get_int(xpm__json_get(json, "version")), 1);
    assert_string_equal(xpm__json_get_text(json, "experimaestro"), xpm_version());
    assert_non_null(xpm__json_get_text(json, "user"));
    assert_non_null(strstr(xpm__json_get_text(json, "program"), "test_environment"));
    assert_int_equal(json_object_array_length(xpm__json_get(json, "command")), 1);
    assert_string_equal(xpm__json_get_text(git, "branch"), "main");
    assert_false(json_object_get_boolean(xpm__json_get(git, "dirty")));
    json_object_put(json);
    free(run);
    folder_remove(folder);
}

TEST(a_git_that_does_not_answer_holds_a_run_for_a_moment_only)
{
    char *folder = folder_new(), *path = strdup(getenv("PATH"));
    file_put(path_of("%s/git", folder), "#!/bin/sh\nexec tail -f /dev/null\n");
    chmod(path_of("%s/git", folder), 0755);
    setenv("PATH", path_of("%s:%s", folder, path), 1);
    xpm_experiment *xp = xpm_experiment_open(path_of("%s/ws", folder), "test", NULL, NULL);
    char *run = strdup(xpm_experiment_run_directory(xp));
    assert_int_equal(xpm_experiment_close(xp, false, NULL), 0);
    setenv("PATH", path, 1);
    json_object *json = read_environment(run);
    assert_int_equal(json_object_array_length(xpm__json_get(json, "projects")), 0);
    json_object_put(json);
    free(run);
    free(path);
    folder_remove(folder);
}

TEST(a_command_captures_in_the_place_of_the_library)
{
    char *folder = folder_new();
    const char *script = "printf '%s' \"$1\" >\"$0/new\"; mv \"$0/new\" \"$0/environment.json\"";
    const char *command[] = {"sh", "-c", script, NULL};
    xpm_experiment_options options = {.capture = command};
    xpm_experiment *xp = xpm_experiment_open(folder, "test", &options, NULL);
    char *run = strdup(xpm_experiment_run_directory(xp));
    file_await(run, "environment.json", "\"run_id\"");
    xpm_experiment_close(xp, false, NULL);
    json_object *json = read_environment(run);
    assert_null(xpm__json_get(json, "projects"));
    const char *const projects[] = {folder, NULL};
    const char *known = json_object_to_json_string(json);
    assert_int_equal(xpm_environment_capture(run, known, projects, "{\"more\": 1}", NULL), 0);
    json_object_put(json);
    json = read_environment(run);
    assert_int_equal(json_object_get_int(xpm__json_get(json, "more")), 1);
    assert_non_null(xpm__json_get_text(json, "started_at"));
    json_object_put(json);
    free(run);
    folder_remove(folder);
}

/* ---- Dirty sources ------------------------------------------------------------------------------- */

static void keep_message(void *user, const char *message)
{
    snprintf(user, 1024, "%s", message);
}

TEST(sources_with_changes_are_passed_over_warned_about_or_refused)
{
    char *folder = folder_new(), warning[1024] = "";
    make_tree(folder);
    const char *projects[] = {folder, NULL};
    xpm_experiment_options options = {.projects = projects, .warn = keep_message, .user = warning};
    for (options.dirty_git = XPM_DIRTY_IGNORE; options.dirty_git <= XPM_DIRTY_ERROR;
         options.dirty_git++) {
        xpm_error err = {0};
        const char *workspace = path_of("%s/ws", folder); /* in the tree: no change of it */
        xpm_experiment *xp = xpm_experiment_open(workspace, "test", &options, &err);
        assert_non_null(xp);
        xpm_experiment_close(xp, false, NULL);
        assert_string_equal(warning, "");
    }
    file_put(path_of("%s/new", folder), "");
    options.dirty_git = XPM_DIRTY_WARN;
    xpm_experiment_close(xpm_experiment_open(path_of("%s/ws", folder), "test", &options, NULL),
                         false, NULL);
    assert_non_null(strstr(warning, "has changes that are not committed: new"));
    options.dirty_git = XPM_DIRTY_ERROR;
    xpm_error err = {0};
    assert_null(xpm_experiment_open(path_of("%s/ws", folder), "other", &options, &err));
    assert_error(&err, XPM_E_DIRTY, "has changes that are not committed: new");
    assert_false(file_is_there(path_of("%s/ws/experiments/other", folder)));
    folder_remove(folder);
}

int main(void)
{
    setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_is_read_and_gives_its_status),
        cmocka_unit_test(a_program_that_is_not_there_is_told),
        cmocka_unit_test(a_program_that_takes_too_long_or_says_too_much_is_ended),
        cmocka_unit_test(a_program_has_a_moment_left_when_there_is_hurry),
        cmocka_unit_test(
            a_program_is_asked_and_its_errors_read_and_it_keeps_a_lock_as_long_as_it_lives),
        cmocka_unit_test(git_tells_the_commit_the_branch_and_what_has_changed),
        cmocka_unit_test(a_tree_is_told_once_and_a_folder_outside_of_any_is_none),
        cmocka_unit_test(of_many_changes_the_first_are_kept_and_all_are_counted),
        cmocka_unit_test(without_git_there_is_no_tree),
        cmocka_unit_test(a_run_has_its_environment_once_it_is_closed),
        cmocka_unit_test(a_git_that_does_not_answer_holds_a_run_for_a_moment_only),
        cmocka_unit_test(a_command_captures_in_the_place_of_the_library),
        cmocka_unit_test(sources_with_changes_are_passed_over_warned_about_or_refused),
    };
    return RUN_TESTS(tests);
}
