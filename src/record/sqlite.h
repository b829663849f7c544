/* SQLite, loaded when the index is first used (base/library.h): the processes that run jobs never read
 * the index. Where the library cannot be loaded there is no index, and files are read. */
#ifndef XPM_RECORD_SQLITE_H
#define XPM_RECORD_SQLITE_H

#include <stdbool.h>

#include <sqlite3.h>

#define XPM__SQLITE_FUNCTIONS(X)                                                                   \
    X(bind_blob)                                                                                   \
    X(bind_double)                                                                                 \
    X(bind_int64)                                                                                  \
    X(bind_null)                                                                                   \
    X(bind_text)                                                                                   \
    X(busy_timeout)                                                                                \
    X(changes)                                                                                     \
    X(close)                                                                                       \
    X(column_blob)                                                                                 \
    X(column_bytes)                                                                                \
    X(column_int)                                                                                  \
    X(column_int64)                                                                                \
    X(column_text)                                                                                 \
    X(db_config)                                                                                   \
    X(exec)                                                                                        \
    X(finalize)                                                                                    \
    X(last_insert_rowid)                                                                           \
    X(open_v2)                                                                                     \
    X(prepare_v3)                                                                                  \
    X(reset)                                                                                       \
    X(step)

/* sqlite3_NAME is the member NAME. */
typedef struct xpm__sqlite {
#define XPM__SQLITE_MEMBER(name) __typeof__(&sqlite3_##name) name;
    XPM__SQLITE_FUNCTIONS(XPM__SQLITE_MEMBER)
#undef XPM__SQLITE_MEMBER
} xpm__sqlite;

/* Whether it could be loaded; then its functions are in xpm__sql. */
bool xpm__sqlite_load(void);
extern const xpm__sqlite *xpm__sql;

#endif
