#include "run/native.h"

#include "base/error.h"
#include "declare/class.h"
#include "declare/config.h"
#include "declare/instance.h"
#include "run/runner.h"

static int execute(xpm__instances *instances, xpm_config *config, xpm_task *task, xpm_error *err)
{
    void *self = xpm__instance_make(instances, config, err);
    if (self == NULL)
        return 1;
    if (config->class_->native->execute == NULL) {
        xpm__fail(err, XPM_E_TYPE, config->class_->name, "%s has nothing to execute",
                  config->class_->name);
        return 1;
    }
    return config->class_->native->execute(self, task);
}

int xpm__native_execute(void *user, xpm_task *task, xpm_error *err)
{
    xpm__instances instances = {0};
    xpm_config *config = xpm_task_config(task), *init;
    int code = 0;
    (void)user;
    task->instances = &instances;
    for (size_t i = 0; code == 0 && (init = xpm_config_init_task(config, i)) != NULL; i++)
        code = execute(&instances, init, task, err);
    if (code == 0)
        code = execute(&instances, config, task, err);
    task->instances = NULL;
    xpm__instances_free(&instances);
    return code;
}

void *xpm_task_object(const xpm_task *task, const xpm_config *config)
{
    return task->instances != NULL ? xpm__instance_find(task->instances, config) : NULL;
}
