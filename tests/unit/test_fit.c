/* What this machine can give of a requirement that is too much for it. The nvidia-smi of these tests is
 * a script of theirs. */
#include <sys/stat.h>

#include "folder.h"

#include "launch/machine.h"

static char *tools; /* the folder of the script, first in PATH */

static void have(const char *accelerators, const char *parts, int status)
{
    xpm_reset(); /* nvidia-smi is asked once by a process */
    file_put(path_of("%s/nvidia-smi", tools),
             path_of("#!/bin/sh\n[ \"$1\" = -L ] && echo '%s' || echo '%s'\nexit %d\n", parts,
                     accelerators, status));
    chmod(path_of("%s/nvidia-smi", tools), 0755);
}

/* What is given, and what is said to be lacking; "" for nothing, else a part of it. */
static void assert_fits(const char *asked, const char *given, const char *lacking)
{
    xpm_error err = {0};
    char *lacks;
    xpm_requirement *requirement = xpm_requirement_parse(asked, &err);
    xpm_requirement *fitted = xpm_requirement_fit(requirement, &lacks, &err);
    if (fitted == NULL)
        fail_msg("%s", err.message);
    char *text = xpm_requirement_print(fitted);
    assert_string_equal(text, given);
    assert_int_equal(lacks != NULL, lacking[0] != '\0');
    if (lacks != NULL && strstr(lacks, lacking) == NULL)
        fail_msg("%s: %s", asked, lacks);
    xpm_launcher *launcher = xpm_launcher_local(NULL, &err);
    assert_int_equal(xpm_launcher_require(launcher, fitted, &err), 0);
    xpm_launcher_unref(launcher);
    xpm_free(text);
    xpm_free(lacks);
    xpm_requirement_free(fitted);
    xpm_requirement_free(requirement);
}

TEST(what_the_machine_can_give_stays)
{
    have("0, GPU-a, 8192", "", 0);
    assert_fits("duration=2h & cpu(mem=1M, cores=1)", "duration=2h & cpu(mem=1M, cores=1)", "");
    assert_fits("cuda(mem=80G) | cuda(mem=4G)", "cuda(mem=80G) | cuda(mem=4G)", "");
}

TEST(of_the_first_alternative_there_is_as_much_as_there_is)
{
    have("", "", 0);
    setenv("SLURM_JOB_ID", "1", 1);
    setenv("SLURM_CPUS_ON_NODE", "1", 1);
    setenv("SLURM_MEM_PER_NODE", "64", 1);
    setenv("XPM_RESOURCES", "licence=2", 1);
    assert_fits("duration=2h & cuda(mem=4G) & cpu(cores=1)", "duration=2h & cpu(cores=1)",
                "1 CUDA accelerator is asked for (4 GiB), and this machine has none");
    assert_fits("cpu(mem=4G, cores=2) & resource(licence) * 3 & resource(disk) | cuda()",
                "cpu(mem=64M, cores=1) & resource(licence) * 2",
                "2 cores are asked for, and this machine has 1 for this process; 4 GiB of memory");
    assert_fits("mps(mem=4G)", "cpu()", "1 MPS accelerator is asked for");
    unsetenv("SLURM_JOB_ID");
    unsetenv("SLURM_CPUS_ON_NODE");
    unsetenv("SLURM_MEM_PER_NODE");
    unsetenv("XPM_RESOURCES");
}

TEST(an_accelerator_that_is_too_small_is_had_whole)
{
    have("0, GPU-a, 8192\n1, GPU-b, 16384", "", 0);
    assert_fits("cuda(mem=80G) * 3", "cuda() * 2", "3 CUDA accelerators are asked for");
    assert_fits("cuda(mem=12G) * 2", "cuda(mem=12G) & cuda()", "(12 GiB, 12 GiB)");
    assert_fits("mps(mem=32G) & gpu(mem=12G)", "gpu(mem=12G)", "2 MPS accelerators");
}

TEST(of_the_parts_of_a_divided_accelerator_there_is_one)
{
    have("0, GPU-a, 81920",
         "GPU 0: NVIDIA A100 (UUID: GPU-a)\n  MIG 3g.40gb Device  0: (UUID: MIG-1)\n"
         "  MIG 3g.40gb Device  1: (UUID: MIG-2)",
         0);
    assert_fits("cuda(mem=4G) * 2", "cuda(mem=4G)", "one part of a divided one");
}

TEST(an_nvidia_smi_that_fails_counts_as_no_accelerators)
{
    have("no driver", "", 9);
    assert_fits("cuda() | cpu(cores=1) | gpu() | cpu()", "cpu(cores=1) | cpu()", "no driver");
    have("no driver", "", 9);
    assert_fits("cuda() & cpu(cores=1)", "cpu(cores=1)", "no driver");
    have("no driver", "", 9);
    assert_fits("cpu(cores=1)", "cpu(cores=1)", "");
}

TEST(resources_that_make_no_sense_are_an_error)
{
    xpm_error err = {0};
    char *lacks;
    have("", "", 0);
    setenv("XPM_RESOURCES", "licence", 1);
    xpm_requirement *requirement = xpm_requirement_parse("resource(licence) | cpu()", &err);
    assert_null(xpm_requirement_fit(requirement, &lacks, &err));
    assert_null(lacks);
    assert_error(&err, XPM_E_SYNTAX, "XPM_RESOURCES is \"licence\"");
    assert_null(xpm_requirement_fit(requirement, &lacks, NULL));
    xpm_requirement_free(requirement);
    unsetenv("XPM_RESOURCES");
}

static int make_tools(void **state)
{
    (void)state;
    tools = folder_new();
    unsetenv("CUDA_VISIBLE_DEVICES");
    unsetenv("XPM_RESOURCES");
    unsetenv("SLURM_JOB_ID");
    setenv("PATH", path_of("%s:%s", tools, getenv("PATH")), 1);
    return 0;
}

static int remove_tools(void **state)
{
    (void)state;
    folder_remove(tools);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_machine_can_give_stays),
        cmocka_unit_test(of_the_first_alternative_there_is_as_much_as_there_is),
        cmocka_unit_test(an_accelerator_that_is_too_small_is_had_whole),
        cmocka_unit_test(of_the_parts_of_a_divided_accelerator_there_is_one),
        cmocka_unit_test(an_nvidia_smi_that_fails_counts_as_no_accelerators),
        cmocka_unit_test(resources_that_make_no_sense_are_an_error),
    };
    xpm_set_allocator(leaks_allocator);
    return leaks_check(cmocka_run_group_tests(tests, make_tools, remove_tools));
}
