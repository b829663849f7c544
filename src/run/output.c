/* What a task announces while it runs. */
#include "base/error.h"
#include "record/outputs.h"
#include "run/runner.h"

int xpm_task_register_output(xpm_task *task, xpm_config *config, const char *method,
                             const xpm_value *arguments, const xpm_value *named, xpm_error *err)
{
    uint8_t identifier[XPM_IDENTIFIER_SIZE];
    char hex[XPM_HEX_SIZE];
    const xpm_class *class_ = xpm_config_class(xpm_task_config(task));
    if (xpm__outputs_check(class_, err) < 0 || xpm_config_identifier(config, identifier, err) < 0)
        return -1;
    if (task->status == NULL)
        return 0;
    xpm_identifier_hex(identifier, hex);
    return xpm__outputs_append(task->directory, hex, method, arguments, named, err);
}
