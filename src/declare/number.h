/* Numbers in texts, read as Python users write them: spaces around, single underscores between
 * digits, no hexadecimal. */
#ifndef XPM_DECLARE_NUMBER_H
#define XPM_DECLARE_NUMBER_H

#include <stddef.h>
#include <stdint.h>

typedef enum xpm__reading {
    XPM__READ,
    XPM__NOT_A_NUMBER,
    XPM__TOO_LARGE, /* for 64 bits */
} xpm__reading;

/* A fraction of zeros is none: "3.0" is 3. */
xpm__reading xpm__read_int(const char *text, size_t size, int64_t *integer);
/* "nan", "inf" and "infinity" too, in any case. What is too large is infinite. */
xpm__reading xpm__read_float(const char *text, size_t size, double *real);

#endif
