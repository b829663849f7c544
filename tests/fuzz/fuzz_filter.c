/* Any text may be given as a filter: it is refused with a message, or it filters, and leaks nothing. */
#include "base/mem.h"
#include "watch/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char tags[] = "{\"model\":\"a\",\"rate\":0.1,\"list\":[1,null],\"none\":null}";
    static xpm__job_view jobs[] = {
        {.key = (char *)"demo.learn/3f", .type = (char *)"demo.learn", .hash = (char *)"3f"},
        {.type = (char *)"learn", .hash = (char *)"00", .tags = tags, .experiment = (char *)"x"}};
    xpm_error err = {0};
    char *text = xpm__strndup((const char *)data, size);
    xpm__filter *filter = xpm__filter_parse(text, &err);
    if (filter == NULL && err.code != XPM_E_FORMAT)
        __builtin_trap();
    for (size_t i = 0; filter != NULL && i < sizeof jobs / sizeof *jobs; i++)
        xpm__filter_matches(filter, &jobs[i]);
    xpm__filter_free(filter);
    xpm_free(text);
    return 0;
}
