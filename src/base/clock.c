#include "base/clock.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/str.h"

double xpm__clock_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct tm local_time(double seconds)
{
    time_t whole = (time_t)seconds;
    struct tm parts;
    localtime_r(&whole, &parts);
    return parts;
}

void xpm__clock_iso(double seconds, char text[XPM__TIME_SIZE])
{
    long long micros = (long long)(seconds * 1e6 + 0.5);
    struct tm parts = local_time((double)(micros / 1000000));
    size_t size = strftime(text, XPM__TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text + size, XPM__TIME_SIZE - size, ".%06d", (int)(micros % 1000000));
}

double xpm__clock_parse(const char *text)
{
    struct tm parts = {.tm_isdst = -1};
    int at = 0;
    if (sscanf(text, "%d-%d-%dT%d:%d:%n", &parts.tm_year, &parts.tm_mon, &parts.tm_mday,
               &parts.tm_hour, &parts.tm_min, &at) != 5 ||
        at == 0 || !isdigit((unsigned char)text[at]))
        return -1;
    double seconds = xpm__real_parse(text + at);
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    return (double)mktime(&parts) + seconds;
}

void xpm__clock_compact(double seconds, char text[XPM__TIME_SIZE])
{
    struct tm parts = local_time(seconds);
    strftime(text, XPM__TIME_SIZE, "%Y%m%d_%H%M%S", &parts);
}

double xpm__clock_span(const char *text)
{
    double total = 0;
    char *end;
    const char *dash = strchr(text, '-');
    int parts = 0;
    if (!isdigit((unsigned char)text[0]))
        return 0;
    if (dash != NULL) {
        total = (double)strtoul(text, &end, 10) * 24;
        if (end != dash)
            return 0;
        text = dash + 1;
    }
    for (;; text = end + 1) {
        if (!isdigit((unsigned char)text[0]) || ++parts > 3)
            return 0;
        total = (parts == 1 ? total : total * 60) + (double)strtoul(text, &end, 10);
        if (*end != ':')
            break;
    }
    /* "D-HH", "D-HH:MM"; without days the last are seconds. */
    for (; dash != NULL && parts < 3; parts++)
        total *= 60;
    return *end == '\0' ? total : 0;
}
