/* What a task announces while it runs: the lines of .experimaestro/task-outputs.jsonl in its job's
 * folder, which its process appends and the experiment's reads. */
#ifndef XPM_RECORD_OUTPUTS_H
#define XPM_RECORD_OUTPUTS_H

#include <experimaestro.h>

#include "base/str.h"

#define XPM__OUTPUTS_FILE ".experimaestro/task-outputs.jsonl"

/* Refuses a class whose tasks would start again, after an interruption, from what they have not
 * announced. Errors: TYPE. */
int xpm__outputs_check(const xpm_class *class_, xpm_error *err);

/* Makes the file where there is none, and appends a line: one that was torn by the death of its writer
 * is ended first. `arguments` is a list, `named` a dict with texts as keys; NULL for none. Errors:
 * TYPE (a value that is not plain JSON), IO. */
int xpm__outputs_append(const char *directory, const char *hex, const char *method,
                        const xpm_value *arguments, const xpm_value *named, xpm_error *err);
/* Makes the file where there is none. 0, or -1 with errno. */
int xpm__outputs_make(const char *directory);

/* Reads what follows `*offset`, up to the last line that is whole, and moves `*offset` behind it. 0, or
 * -1 with errno; a file that is not there has nothing. */
int xpm__outputs_read(const char *directory, size_t *offset, xpm__str *lines);
/* Puts a line, without its end, into the fields of a notice of which it is. False when it is not
 * understood. */
bool xpm__outputs_parse(const char *line, size_t size, xpm_notice *notice);

#endif
