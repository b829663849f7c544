#include "launch/command.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "declare/class.h"
#include "declare/config.h"
#include "record/jobdir.h"
#include "record/warmstart.h"

static const char lock_entry[] = XPM__LOCK_VARIABLE "=3";

static bool is_python(const xpm_class *class_)
{
    return class_->program == NULL && class_->language != NULL &&
           strcmp(class_->language, "python") == 0;
}

/* At least one for any limit, and at most what can be counted, which is three centuries. */
static long long nanoseconds(double seconds)
{
    double count = seconds * 1e9;
    if (!(count > 0))
        return 0;
    return count < 1 ? 1 : count < 9e18 ? (long long)count : (long long)9e18;
}

/* What the runner must know of this attempt, when there is anything. */
static void describe_start(const xpm_job *job, xpm__command *command)
{
    xpm_limits limits = xpm__job_limits(job);
    int nice = job->launcher != NULL ? job->launcher->nice : 0;
    if (limits.seconds > 0 || limits.memory > 0 || job->failures > 0 || nice > 0)
        snprintf(command->start, sizeof command->start, XPM__START_VARIABLE "=%u %lld %lld %d",
                 job->failures, nanoseconds(limits.seconds), (long long)limits.memory, nice);
}

/* The interpreter of Python tasks, where the job runs. */
static const char *interpreter(const xpm_job *job)
{
    const xpm_launcher *launcher = job->launcher;
    return launcher != NULL && launcher->python != NULL ? launcher->python : job->xp->python;
}

int xpm__command_make(const xpm_job *job, xpm__command *command, xpm_error *err)
{
    const xpm_class *class_ = job->config->class_;
    *command = (xpm__command){0};
    if (is_python(class_)) {
        command->program = interpreter(job);
        if (command->program == NULL)
            return xpm__fail(err, XPM_E_STATE, class_->name,
                             "%s is a Python task, and the experiment names no interpreter",
                             class_->name);
        command->language = "python";
        command->argument = xpm__format("%s/%s.py", job->directory, xpm_job_name(job));
        command->argv[1] = command->argument;
    } else {
        command->language = "c";
        command->program = class_->program != NULL ? class_->program : job->xp->program;
        command->argument = xpm__format("%s/params.json", job->directory);
        command->argv[1] = "job";
        command->argv[2] = command->argument;
    }
    command->argv[0] = command->program;
    describe_start(job, command);
    return 0;
}

void xpm__command_clear(xpm__command *command)
{
    xpm_free(command->argument);
    *command = (xpm__command){0};
}

bool xpm__command_warm(const xpm_job *job, const char *words[XPM__COMMAND_WORDS])
{
    const xpm_class *class_ = job->config->class_;
    size_t count = 0;
    if (is_python(class_)) {
        words[count++] = job->xp->python;
        words[count++] = "-c";
        words[count++] = XPM__WARM_CODE;
        words[count++] = class_->module;
        words[count++] = class_->file != NULL ? class_->file : "";
    } else {
        words[count++] = class_->program != NULL ? class_->program : job->xp->program;
        words[count++] = "job";
        words[count++] = XPM__WARM_PARAMS;
    }
    words[count] = NULL;
    return is_python(class_) || class_->language == NULL || strcmp(class_->language, "c") == 0;
}

/* A literal of bytes in Python. */
static void print_bytes(xpm__str *out, const char *text, size_t size)
{
    xpm__str_puts(out, "b\"");
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        bool plain = c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
        xpm__str_printf(out, plain ? "%c" : "\\x%02x", c);
    }
    xpm__str_putc(out, '"');
}

/* A dict of variables, for who starts the script by hand. */
static void print_variables(xpm__str *out, const xpm__variables *variables)
{
    for (size_t i = 0; i < variables->count; i++) {
        const char *entry = variables->entries[i], *equals = strchr(entry, '=');
        xpm__str_puts(out, "\n        ");
        print_bytes(out, entry, (size_t)(equals - entry));
        xpm__str_puts(out, ": ");
        print_bytes(out, equals + 1, strlen(equals + 1));
        xpm__str_putc(out, ',');
    }
}

int xpm__command_write_script(const xpm__command *command, const xpm_job *job, int directory,
                              xpm_error *err)
{
    char file[XPM__NAME_SIZE];
    xpm__str script = {0};
    if (strcmp(command->language, "python") != 0)
        return 0;
    xpm__jobdir_file(xpm_job_name(job), ".py", file);
    xpm__str_printf(&script,
                    "#!%s\n"
                    "# Runs this job. Written by experimaestro when it starts it.\n"
                    "if __name__ == \"__main__\":\n"
                    "    from experimaestro.run import main\n"
                    "    main(__file__, {",
                    command->program);
    print_variables(&script, &job->xp->variables);
    print_variables(&script, &job->variables);
    xpm__str_puts(&script, "\n    })\n");
    int status = xpm__file_write(directory, file, script.data, script.size, 0777);
    xpm__str_free(&script);
    return status < 0 ? xpm__fail_io(err, file, "write the script") : 0;
}

char **xpm__command_environment(const xpm__command *command, const xpm_job *job,
                                const xpm__share *share)
{
    enum { MOST = 16 }; /* that a share adds */
    const char *entries[MOST + 3] = {lock_entry};
    size_t count = 1;
    if (command->start[0] != '\0')
        entries[count++] = command->start;
    const char *const *added = share != NULL ? xpm__share_variables(share) : NULL;
    for (size_t i = 0; added != NULL && added[i] != NULL && i < MOST; i++)
        entries[count++] = added[i];
    return xpm__environment_array(job->environment, &job->variables, entries);
}
