/* JSON: a writer that appends to a text, with doubles that read back bit for bit, and json-c to
 * read (docs of both formats: docs/formats.md). NaN and Infinity are written as those words. */
#ifndef XPM_BASE_JSON_H
#define XPM_BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include <json-c/json.h>

#include "base/str.h"

/* Each adds what it says. A comma is written before an item that follows another, from the last
 * character written: so items and keys are just written one after another. */
void xpm__json_open(xpm__str *out, char bracket); /* '{' or '[' */
void xpm__json_close(xpm__str *out, char bracket);
void xpm__json_key(xpm__str *out, const char *key);
void xpm__json_null(xpm__str *out);
void xpm__json_bool(xpm__str *out, bool value);
void xpm__json_int(xpm__str *out, int64_t value);
void xpm__json_double(xpm__str *out, double value);
void xpm__json_text(xpm__str *out, const char *text); /* NULL gives null */
void xpm__json_text_sized(xpm__str *out, const char *text, size_t size);
/* A key and its value. */
void xpm__json_pair(xpm__str *out, const char *key, const char *text);
void xpm__json_pair_int(xpm__str *out, const char *key, int64_t value);
void xpm__json_pair_double(xpm__str *out, const char *key, double value);
/* A time, in seconds since 1970, with microseconds. */
void xpm__json_pair_time(xpm__str *out, const char *key, double seconds);

/* Parses exactly one document. New: json_object_put. NULL, with `problem` set to a borrowed phrase,
 * when it is not one. */
json_object *xpm__json_parse(const char *text, size_t size, const char **problem);
/* The document that a file is (base/file.h). New: json_object_put. NULL with errno: EBADMSG when the
 * file was read and is not one. */
json_object *xpm__json_read(int dir, const char *path);
/* Member `key` of an object, NULL when there is none (or it is null, or `object` is no object). */
json_object *xpm__json_get(json_object *object, const char *key);
/* Its text, NULL when it is none. Borrowed from the object. */
const char *xpm__json_get_text(json_object *object, const char *key);

#endif
