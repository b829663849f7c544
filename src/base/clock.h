/* Time, as it is written on disk. */
#ifndef XPM_BASE_CLOCK_H
#define XPM_BASE_CLOCK_H

#include <stddef.h>

/* "2026-11-23T10:20:30.123456" and NUL. */
enum { XPM__TIME_SIZE = 32 };

/* Seconds since 1970, with microseconds. */
double xpm__clock_now(void);
/* Local ISO-8601 of such a time. */
void xpm__clock_iso(double seconds, char text[XPM__TIME_SIZE]);
/* Back from it; negative when the text is not one. */
double xpm__clock_parse(const char *text);
/* Local "YYYYmmdd_HHMMSS", as runs are named. */
void xpm__clock_compact(double seconds, char text[XPM__TIME_SIZE]);

/* Seconds of "1-02:03:04", "02:03" (minutes and seconds) or "2-03" (days and hours); 0 for a text that
 * is none. */
double xpm__clock_span(const char *text);

#endif
