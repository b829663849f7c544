#include "record/index.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "record/events.h"
#include "record/jobdir.h"
#include "record/sqlite.h"

enum {
    SCHEMA_VERSION = 1,
    BUSY_MS = 5000,  /* another process may be reading many logs */
    HEAD_SIZE = 128, /* the first bytes of a log tell it from another with its inode */
};

/* The time of a folder that was changed longer ago differs from that of its next change. */
static const int64_t settled_ns = 2000000000;

/* A row of `members` is a job in a run: whether the run's jobs.jsonl lists it, what the run's events
 * said last of it and when, and whether it is sure to be done: by the last event of any run. It is
 * new with 0 for `sure`; how many of a run are listed and sure is counted as this changes. */
static const char schema[] =
    "CREATE TABLE runs(id INTEGER PRIMARY KEY, experiment TEXT NOT NULL, run TEXT NOT NULL,"
    " done INTEGER NOT NULL DEFAULT 0, UNIQUE(experiment, run));"
    "CREATE TABLE logs(path TEXT PRIMARY KEY,"
    " run INTEGER REFERENCES runs ON DELETE CASCADE," /* NULL: a live log */
    " inode INTEGER NOT NULL, size INTEGER NOT NULL, modified INTEGER NOT NULL,"
    " offset INTEGER NOT NULL, head BLOB NOT NULL);"
    "CREATE TABLE types(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " modified INTEGER NOT NULL DEFAULT 0);" /* of jobs/NAME, when its markers were looked at */
    "CREATE TABLE jobs(id INTEGER PRIMARY KEY, type INTEGER NOT NULL REFERENCES types,"
    " hash TEXT NOT NULL, UNIQUE(type, hash));"
    "CREATE TABLE members(job INTEGER NOT NULL,"
    " run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,"
    " listed INTEGER NOT NULL DEFAULT 0, sure INTEGER NOT NULL DEFAULT 0,"
    " state INTEGER NOT NULL DEFAULT 0, reason INTEGER NOT NULL DEFAULT 0,"
    " time REAL NOT NULL DEFAULT 0, tags TEXT, PRIMARY KEY(job, run)) WITHOUT ROWID;"
    "CREATE INDEX members_of_run ON members(run, listed, sure);"
    "CREATE TRIGGER count_done AFTER UPDATE OF listed, sure ON members"
    " WHEN (old.listed AND old.sure) <> (new.listed AND new.sure)"
    " BEGIN UPDATE runs SET done = done + (new.listed AND new.sure) - (old.listed AND old.sure)"
    " WHERE id = new.run; END;";

#define STATEMENTS(X)                                                                              \
    X(READ, "BEGIN")                                                                               \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                    \
    X(COMMIT, "COMMIT")                                                                            \
    X(FIND_RUN, "SELECT id FROM runs WHERE experiment = ? AND run = ?")                            \
    X(ADD_RUN, "INSERT INTO runs(experiment, run) VALUES(?, ?)")                                   \
    X(DROP_RUNS, "DELETE FROM runs WHERE experiment = ? AND run <> ?")                             \
    X(DROP_JOBS, "DELETE FROM jobs WHERE id NOT IN (SELECT job FROM members)")                     \
    X(FIND_LOG, "SELECT path, inode, size, modified, offset, head FROM logs"                       \
                " WHERE path = ?1 OR inode = ?2 ORDER BY path = ?1 DESC")                          \
    X(FORGET_LOG, "DELETE FROM logs WHERE path = ?1 OR inode = ?2")                                \
    X(ADD_LOG, "INSERT INTO logs(path, run, inode, size, modified, offset, head)"                  \
               " VALUES(?, ?, ?, ?, ?, ?, ?)")                                                     \
    X(FIND_TYPE, "SELECT id FROM types WHERE name = ?")                                            \
    X(ADD_TYPE, "INSERT INTO types(name) VALUES(?)")                                               \
    X(EACH_TYPE, "SELECT id, name, modified FROM types")                                           \
    X(SET_TYPE, "UPDATE types SET modified = ? WHERE id = ?")                                      \
    X(FIND_JOB, "SELECT id FROM jobs WHERE type = ? AND hash = ?")                                 \
    X(ADD_JOB, "INSERT INTO jobs(type, hash) VALUES(?, ?)")                                        \
    X(LIST, "INSERT INTO members(job, run, listed, tags) VALUES(?, ?, 1, ?)"                       \
            " ON CONFLICT DO UPDATE SET listed = 1, tags = excluded.tags")                         \
    X(SAY, "INSERT INTO members(job, run, state, reason, time) VALUES(?, ?, ?, ?, ?)"              \
           " ON CONFLICT DO UPDATE SET state = excluded.state, reason = excluded.reason,"          \
           " time = excluded.time")                                                                \
    X(SETTLE, "UPDATE members SET sure = NOT sure WHERE job = ?1 AND sure <>"                      \
              " (SELECT state = ?2 FROM members WHERE job = ?1 ORDER BY time DESC LIMIT 1)")       \
    X(SURE_OF_TYPE, "SELECT id, hash FROM jobs JOIN members ON job = id"                           \
                    " WHERE type = ? AND sure = 1")                                                \
    X(DOUBT, "UPDATE members SET sure = 0 WHERE job = ?")                                          \
    X(COUNT, "SELECT done FROM runs WHERE id = ?")                                                 \
    X(EACH_JOB, "SELECT name, hash, tags, sure, state, reason FROM members"                        \
                " JOIN jobs ON jobs.id = job JOIN types ON types.id = type"                        \
                " WHERE run = ? AND listed = 1 AND sure <= ?")

typedef enum statement {
#define STATEMENT_ENUM(name, sql) name,
    STATEMENTS(STATEMENT_ENUM)
#undef STATEMENT_ENUM
        STATEMENT_COUNT
} statement;

static const char *const texts[] = {
#define STATEMENT_TEXT(name, sql) sql,
    STATEMENTS(STATEMENT_TEXT)
#undef STATEMENT_TEXT
};

struct xpm__index {
    sqlite3 *db;
    int lock;                                  /* of the file beside the index */
    sqlite3_stmt *statements[STATEMENT_COUNT]; /* each prepared when it is needed first */
    int problem;                               /* SQLite's first, SQLITE_OK when there was none */
    int dir;                                   /* of the workspace; borrowed */
    const char *wanted; /* the experiment whose logs must be read; NULL for all */
    bool writing;       /* else it is only looked for what is new */
    bool stale;         /* there is something new */
    bool dropped;       /* a run was, whose jobs may be of no other */
    struct {            /* the log that is read, and the names found last */
        const char *experiment, *run;
        int64_t run_id, type_id;
        char *type;
    } at;
    int status; /* -1 when a log that must be read was not */
    xpm_error *err;
};

/* ---- SQLite ----------------------------------------------------------------------------------- */

static void note(xpm__index *index, int code)
{
    if (index->problem == SQLITE_OK && code != SQLITE_OK && code != SQLITE_ROW &&
        code != SQLITE_DONE)
        index->problem = code & 0xff;
}

/* A statement with its parameters: 't' a text, 'i' an int64_t, 'd' a double. NULL after a problem. */
static sqlite3_stmt *bind(xpm__index *index, statement which, const char *kinds, ...)
{
    sqlite3_stmt **place = &index->statements[which];
    if (index->problem == SQLITE_OK && *place == NULL)
        note(index, xpm__sql->prepare_v3(index->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT,
                                         place, NULL));
    if (index->problem != SQLITE_OK)
        return NULL;
    va_list values;
    va_start(values, kinds);
    for (int i = 1; kinds[i - 1] != '\0'; i++) {
        if (kinds[i - 1] == 't')
            note(index,
                 xpm__sql->bind_text(*place, i, va_arg(values, const char *), -1, SQLITE_STATIC));
        else if (kinds[i - 1] == 'd')
            note(index, xpm__sql->bind_double(*place, i, va_arg(values, double)));
        else
            note(index, xpm__sql->bind_int64(*place, i, va_arg(values, int64_t)));
    }
    va_end(values);
    return *place;
}

/* The next row; false past the last one, or after a problem: then the statement is ready again. */
static bool step(xpm__index *index, sqlite3_stmt *bound)
{
    int code = bound != NULL ? xpm__sql->step(bound) : SQLITE_DONE;
    note(index, code);
    if (code == SQLITE_ROW && index->problem == SQLITE_OK)
        return true;
    xpm__sql->reset(bound);
    return false;
}

/* A statement without rows. */
static void run(xpm__index *index, sqlite3_stmt *bound)
{
    while (step(index, bound))
        continue;
}

/* The number in its first row; -1 when there is none. */
static int64_t number(xpm__index *index, sqlite3_stmt *bound)
{
    int64_t found = step(index, bound) ? xpm__sql->column_int64(bound, 0) : -1;
    xpm__sql->reset(bound);
    return found;
}

static const char *text(sqlite3_stmt *bound, int column)
{
    return (const char *)xpm__sql->column_text(bound, column);
}

/* ---- Rows ------------------------------------------------------------------------------------- */

static int64_t find_run(xpm__index *index, const char *experiment, const char *name)
{
    return number(index, bind(index, FIND_RUN, "tt", experiment, name));
}

static int64_t need_run(xpm__index *index, const char *experiment, const char *name)
{
    int64_t id = find_run(index, experiment, name);
    if (id >= 0)
        return id;
    run(index, bind(index, ADD_RUN, "tt", experiment, name));
    return xpm__sql->last_insert_rowid(index->db);
}

/* Jobs of a type follow one another. */
static int64_t need_type(xpm__index *index, const char *name)
{
    if (index->at.type != NULL && strcmp(index->at.type, name) == 0)
        return index->at.type_id;
    int64_t id = number(index, bind(index, FIND_TYPE, "t", name));
    if (id < 0) {
        run(index, bind(index, ADD_TYPE, "t", name));
        id = xpm__sql->last_insert_rowid(index->db);
    }
    xpm_free(index->at.type);
    index->at.type = xpm__strdup(name);
    index->at.type_id = id;
    return id;
}

static int64_t need_job(xpm__index *index, const char *type, const char *hash)
{
    int64_t type_id = need_type(index, type);
    int64_t id = number(index, bind(index, FIND_JOB, "it", type_id, hash));
    if (id >= 0)
        return id;
    run(index, bind(index, ADD_JOB, "it", type_id, hash));
    return xpm__sql->last_insert_rowid(index->db);
}

static void on_listed(void *user, json_object *line)
{
    xpm__index *index = user;
    const char *type, *hash;
    json_object *tags = xpm__json_get(line, "tags");
    if (!xpm__event_job(line, &type, &hash))
        return;
    const char *plain =
        tags != NULL ? json_object_to_json_string_ext(tags, JSON_C_TO_STRING_PLAIN) : NULL;
    int64_t job = need_job(index, type, hash);
    run(index, bind(index, LIST, "iit", job, index->at.run_id, plain));
}

/* The run is known or not: `current` may name it only after it was read. */
static void on_event(void *user, json_object *line)
{
    xpm__index *index = user;
    xpm__event event;
    if (!xpm__event_parse(line, &event))
        return;
    const char *experiment = event.experiment != NULL ? event.experiment : index->at.experiment;
    const char *name = event.run != NULL ? event.run : index->at.run;
    if (name == NULL)
        return;
    int64_t job = need_job(index, event.type, event.hash);
    int64_t run_id = need_run(index, experiment, name);
    run(index, bind(index, SAY, "iiiid", job, run_id, (int64_t)event.state, (int64_t)event.reason,
                    event.time));
    run(index, bind(index, SETTLE, "ii", job, (int64_t)XPM_JOB_DONE));
}

/* ---- Logs ------------------------------------------------------------------------------------- */

/* A log, as the index knows it and as it is. */
typedef struct log_state {
    int64_t inode, size, modified, offset;
    uint8_t head[HEAD_SIZE];
    size_t head_size;
    bool renamed;
} log_state;

static void look_at(const struct stat *info, log_state *log)
{
    *log = (log_state){.inode = (int64_t)info->st_ino,
                       .size = (int64_t)info->st_size,
                       .modified = (int64_t)info->st_mtim.tv_sec * 1000000000 +
                                   (int64_t)info->st_mtim.tv_nsec};
}

/* What is known of the log by its name, else by its inode: it may have been renamed. */
static bool find_log(xpm__index *index, const char *path, int64_t inode, log_state *known)
{
    sqlite3_stmt *bound = bind(index, FIND_LOG, "ti", path, inode);
    bool found = step(index, bound) && text(bound, 0) != NULL;
    if (found) {
        const void *head = xpm__sql->column_blob(bound, 5);
        int size = xpm__sql->column_bytes(bound, 5);
        *known = (log_state){.inode = xpm__sql->column_int64(bound, 1),
                             .size = xpm__sql->column_int64(bound, 2),
                             .modified = xpm__sql->column_int64(bound, 3),
                             .offset = xpm__sql->column_int64(bound, 4),
                             .head_size = size <= HEAD_SIZE ? (size_t)size : 0,
                             .renamed = strcmp(text(bound, 0), path) != 0};
        if (known->head_size > 0)
            memcpy(known->head, head, known->head_size);
    }
    xpm__sql->reset(bound);
    return found;
}

static size_t read_head(int fd, uint8_t head[HEAD_SIZE], int64_t upto)
{
    ssize_t size = pread(fd, head, upto < HEAD_SIZE ? (size_t)upto : HEAD_SIZE, 0);
    return size > 0 ? (size_t)size : 0;
}

/* Whether an open log goes on from where the known one was left. */
static bool goes_on(int fd, const log_state *log, const log_state *known)
{
    uint8_t head[HEAD_SIZE];
    return known->inode == log->inode && known->offset > 0 && known->offset <= log->size &&
           known->head_size > 0 &&
           read_head(fd, head, (int64_t)known->head_size) == known->head_size &&
           memcmp(head, known->head, known->head_size) == 0;
}

static void remember(xpm__index *index, const char *path, const log_state *log)
{
    bool live = index->at.run == NULL;
    run(index, bind(index, FORGET_LOG, "ti", path, log->inode));
    sqlite3_stmt *bound = bind(index, ADD_LOG, "tiiiii", path, index->at.run_id, log->inode,
                               log->size, log->modified, log->offset);
    if (bound == NULL)
        return;
    if (live)
        note(index, xpm__sql->bind_null(bound, 2));
    note(index, xpm__sql->bind_blob(bound, 7, log->head, (int)log->head_size, SQLITE_STATIC));
    run(index, bound);
}

/* Who asks for another experiment is not told that a log of this one cannot be read. */
static void refuse(xpm__index *index, const xpm_error *err)
{
    if (index->status < 0 ||
        (index->wanted != NULL && strcmp(index->wanted, index->at.experiment) != 0))
        return;
    index->status = -1;
    if (index->err != NULL)
        *index->err = *err;
}

static void read_new(xpm__index *index, const char *path, int fd, const log_state *known,
                     xpm__on_line callback)
{
    struct stat info;
    log_state log;
    xpm__lines lines;
    xpm_error err = {0};
    if (fstat(fd, &info) < 0)
        return;
    look_at(&info, &log);
    off_t from = known != NULL && goes_on(fd, &log, known) ? (off_t)known->offset : 0;
    if (xpm__events_read(fd, path, from, callback, index, &lines, &err) < 0) {
        refuse(index, &err);
        return;
    }
    log.offset = (int64_t)lines.end;
    log.head_size = read_head(fd, log.head, log.offset);
    remember(index, path, &log);
}

static void update_log(xpm__index *index, const char *path, xpm__on_line callback)
{
    struct stat info;
    log_state log, known;
    xpm_error err = {0};
    if (index->problem != SQLITE_OK || fstatat(index->dir, path, &info, 0) < 0)
        return;
    look_at(&info, &log);
    bool found = find_log(index, path, log.inode, &known);
    if (found && !known.renamed && known.inode == log.inode && known.size == log.size &&
        known.modified == log.modified)
        return;
    index->stale = true;
    if (!index->writing)
        return;
    int fd = openat(index->dir, path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        read_new(index, path, fd, found ? &known : NULL, callback);
        close(fd);
    } else if (errno != ENOENT) {
        xpm__fail_io(&err, path, "read");
        refuse(index, &err);
    }
}

/* ---- Folders ---------------------------------------------------------------------------------- */

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* The names in a folder, in order: event-2 comes before event-10. */
static void each_name(xpm__index *index, const char *path,
                      void (*callback)(xpm__index *index, const char *name))
{
    struct dirent **entries = NULL;
    int count = scandirat(index->dir, path, &entries, is_visible, versionsort);
    for (int i = 0; i < count; i++) {
        if (index->problem == SQLITE_OK && (index->writing || !index->stale))
            callback(index, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

static void on_log(xpm__index *index, const char *name)
{
    char *path =
        xpm__format("experiments/%s/%s/events/%s", index->at.experiment, index->at.run, name);
    update_log(index, path, on_event);
    xpm_free(path);
}

static void update_run(xpm__index *index)
{
    char *folder = xpm__format("experiments/%s/%s", index->at.experiment, index->at.run);
    char *jobs = xpm__format("%s/jobs.jsonl", folder), *events = xpm__format("%s/events", folder);
    update_log(index, jobs, on_listed);
    each_name(index, events, on_log);
    xpm_free(folder);
    xpm_free(jobs);
    xpm_free(events);
}

/* Its latest run takes the place of the one before. */
static void on_experiment(xpm__index *index, const char *name)
{
    char latest[XPM__NAME_SIZE], *link = xpm__format("experiments/%s/current", name);
    ssize_t size = readlinkat(index->dir, link, latest, sizeof latest - 1);
    xpm_free(link);
    if (size <= 0)
        return;
    latest[size] = '\0';
    int64_t id = find_run(index, name, latest);
    index->stale = index->stale || id < 0;
    if (index->writing) {
        id = need_run(index, name, latest);
        run(index, bind(index, DROP_RUNS, "tt", name, latest));
        index->dropped = index->dropped || xpm__sql->changes(index->db) > 0;
    }
    index->at.experiment = name;
    index->at.run = latest;
    index->at.run_id = id;
    update_run(index);
    index->at.run = NULL;
}

/* ID-N.jsonl, the log of a run that goes on, or crashed. */
static void on_live_log(xpm__index *index, const char *name)
{
    const char *dash = strrchr(name, '-');
    if (dash == NULL || dash == name)
        return;
    char *experiment = xpm__strndup(name, (size_t)(dash - name));
    char *path = xpm__format(".events/experiments/%s", name);
    index->at.experiment = experiment;
    update_log(index, path, on_event);
    xpm_free(experiment);
    xpm_free(path);
}

/* ---- Markers ---------------------------------------------------------------------------------- */

static bool is_done(const xpm__index *index, const char *type, const char *hash)
{
    char name[XPM__NAME_SIZE], *folder = xpm__format("jobs/%s/%s", type, hash);
    xpm__jobdir_name(folder, name);
    char *marker = xpm__format("%s/%s.done", folder, name);
    bool there = xpm__file_exists(index->dir, marker);
    xpm_free(folder);
    xpm_free(marker);
    return there;
}

/* Looks for the marker of each job of a type that is held to be done. */
static void check_type(xpm__index *index, int64_t type, const char *name)
{
    int64_t *doubtful = NULL;
    size_t count = 0, capacity = 0;
    sqlite3_stmt *bound = bind(index, SURE_OF_TYPE, "i", type);
    while (step(index, bound)) {
        const char *hash = text(bound, 1);
        if (hash != NULL && is_done(index, name, hash))
            continue;
        doubtful = xpm__grow(doubtful, &capacity, count, sizeof *doubtful);
        doubtful[count++] = xpm__sql->column_int64(bound, 0);
    }
    for (size_t i = 0; i < count; i++)
        run(index, bind(index, DOUBT, "i", doubtful[i]));
    xpm_free(doubtful);
}

/* Removing a job, to have it run again, changes the time of the folder of its type. */
static void on_type(xpm__index *index, int64_t type, const char *name, int64_t known)
{
    struct stat info;
    char *folder = xpm__format("jobs/%s", name);
    int64_t now = (int64_t)(xpm__clock_now() * 1e9);
    int64_t modified = fstatat(index->dir, folder, &info, 0) == 0
                           ? (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec
                           : 0;
    xpm_free(folder);
    if (modified == known && modified != 0)
        return;
    index->stale = true;
    if (!index->writing)
        return;
    check_type(index, type, name);
    run(index, bind(index, SET_TYPE, "ii", modified < now - settled_ns ? modified : 0, type));
}

typedef struct type_row {
    int64_t id, modified;
    char *name;
} type_row;

static void check_types(xpm__index *index)
{
    type_row *types = NULL;
    size_t count = 0, capacity = 0;
    sqlite3_stmt *bound = bind(index, EACH_TYPE, "");
    while (step(index, bound)) {
        if (text(bound, 1) == NULL) {
            note(index, SQLITE_CORRUPT);
            continue;
        }
        types = xpm__grow(types, &capacity, count, sizeof *types);
        types[count++] = (type_row){.id = xpm__sql->column_int64(bound, 0),
                                    .name = xpm__strdup(text(bound, 1)),
                                    .modified = xpm__sql->column_int64(bound, 2)};
    }
    for (size_t i = 0; i < count; i++) {
        on_type(index, types[i].id, types[i].name, types[i].modified);
        xpm_free(types[i].name);
    }
    xpm_free(types);
}

/* ---- Bringing it up to date ------------------------------------------------------------------- */

static void look(xpm__index *index)
{
    index->stale = index->dropped = false;
    each_name(index, "experiments", on_experiment);
    each_name(index, ".events/experiments", on_live_log);
    if (index->writing || !index->stale)
        check_types(index);
    if (index->dropped)
        run(index, bind(index, DROP_JOBS, ""));
}

/* Most often nothing is new, and then nothing is locked. */
static void update(xpm__index *index)
{
    look(index);
    if (!index->stale)
        return;
    run(index, bind(index, BEGIN, ""));
    index->writing = true;
    look(index);
    index->writing = false;
    run(index, bind(index, COMMIT, ""));
}

/* ---- The file --------------------------------------------------------------------------------- */

/* Where indexes are, on this node. New: xpm_free. NULL when there is no place. */
static char *cache_folder(void)
{
    const char *own = getenv("XPM_INDEX_DIR"), *cache = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    if (own != NULL && own[0] != '\0')
        return xpm__strdup(own);
    if (cache != NULL && cache[0] == '/')
        return xpm__format("%s/experimaestro", cache);
    return home != NULL && home[0] == '/' ? xpm__format("%s/.cache/experimaestro", home) : NULL;
}

/* The node is in the name, as a home folder may be shared between some, and SQLite's files must not;
 * what tells the folder from one that had its path before is, too. New: xpm_free. */
static char *file_name(const char *workspace, int dir)
{
    struct statx info;
    char host[256] = "", hex[2 * 16 + 1];
    uint8_t digest[SHA256_DIGEST_SIZE];
    xpm__sha256 hash;
    if (statx(dir, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &info) < 0)
        return NULL;
    bool born = (info.stx_mask & STATX_BTIME) != 0;
    gethostname(host, sizeof host - 1);
    char *key =
        xpm__format("%s\n%s\n%u:%u\n%llu\n%lld.%u", host, workspace, info.stx_dev_major,
                    info.stx_dev_minor, (unsigned long long)info.stx_ino,
                    born ? (long long)info.stx_btime.tv_sec : 0, born ? info.stx_btime.tv_nsec : 0);
    xpm__sha256_init(&hash);
    xpm__sha256_add(&hash, key, strlen(key));
    xpm__sha256_end(&hash, digest);
    for (int i = 0; i < 16; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    xpm_free(key);
    return xpm__format("%s.sqlite", hex);
}

static char *file_path(const char *workspace, int dir)
{
    char *folder = cache_folder(), *name = NULL, *path = NULL;
    if (folder != NULL && xpm__file_mkdirs(folder, NULL) == 0)
        name = file_name(workspace, dir);
    if (name != NULL)
        path = xpm__format("%s/%s", folder, name);
    xpm_free(folder);
    xpm_free(name);
    return path;
}

static void execute(xpm__index *index, const char *sql)
{
    if (index->problem == SQLITE_OK)
        note(index, xpm__sql->exec(index->db, sql, NULL, NULL, NULL));
}

static int on_number(void *user, int columns, char **values, char **names)
{
    (void)names;
    if (columns > 0 && values[0] != NULL)
        *(long *)user = strtol(values[0], NULL, 10);
    return 0;
}

static long user_version(xpm__index *index)
{
    long version = 0;
    if (index->problem == SQLITE_OK)
        note(index, xpm__sql->exec(index->db, "PRAGMA user_version", on_number, &version, NULL));
    return version;
}

/* Makes the tables of a file that is empty; another process may be at it. A file that is neither
 * empty nor an index of this version is a problem. */
static void prepare(xpm__index *index)
{
    char *version = xpm__format("PRAGMA user_version = %d", SCHEMA_VERSION);
    execute(
        index,
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
        "PRAGMA foreign_keys = ON; PRAGMA cache_size = -65536"); /* KiB, when many logs are read */
    if (user_version(index) != SCHEMA_VERSION) {
        execute(index, "BEGIN IMMEDIATE");
        if (user_version(index) != SCHEMA_VERSION) {
            execute(index, schema);
            execute(index, version);
        }
        execute(index, "COMMIT");
    }
    xpm_free(version);
}

static void finalize(xpm__index *index)
{
    for (size_t i = 0; i < STATEMENT_COUNT; i++) {
        xpm__sql->finalize(index->statements[i]);
        index->statements[i] = NULL;
    }
    xpm_free(index->at.type);
    index->at.type = NULL;
}

/* Whether a problem is with the content, and not with the place or with who else is there. */
static bool is_broken(const xpm__index *index)
{
    switch (index->problem) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR: /* other tables than ours */
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
        return true;
    default:
        return false;
    }
}

/* Empties the file, as SQLite has it done while others may have it open. */
static void throw_away(xpm__index *index)
{
    finalize(index);
    index->problem = SQLITE_OK;
    xpm__sql->exec(index->db, "ROLLBACK", NULL, NULL, NULL);
    xpm__sql->db_config(index->db, SQLITE_DBCONFIG_RESET_DATABASE, 1, 0);
    execute(index, "VACUUM");
    xpm__sql->db_config(index->db, SQLITE_DBCONFIG_RESET_DATABASE, 0, 0);
}

static void fill(xpm__index *index)
{
    prepare(index);
    update(index);
}

/* One process at a time: each is done in some milliseconds, but for the first one, and SQLITE_BUSY is
 * also what those get that open the file while the last connection of others is being closed. */
static int lock_file(xpm__index *index, const char *file)
{
    char *path = xpm__format("%s.lock", file);
    index->lock = xpm__file_lock(AT_FDCWD, path, true);
    xpm_free(path);
    return index->lock;
}

int xpm__index_open(const char *path, int dir, const char *experiment, xpm__index **result,
                    xpm_error *err)
{
    *result = NULL;
    if (!xpm__sqlite_load())
        return 0;
    xpm__index *index = xpm__zalloc(sizeof *index);
    char *file = file_path(path, dir);
    int status = 0;
    index->dir = dir;
    index->wanted = experiment;
    index->err = err;
    index->lock = -1;
    if (file == NULL || lock_file(index, file) < 0)
        goto done;
    note(index,
         xpm__sql->open_v2(file, &index->db,
                           SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL));
    xpm__sql->busy_timeout(index->db, BUSY_MS);
    fill(index);
    if (is_broken(index)) {
        throw_away(index);
        fill(index);
    }
    status = index->status;
    if (status == 0 && index->problem == SQLITE_OK) {
        *result = index;
        index = NULL;
    }
done:
    xpm__index_close(index);
    xpm_free(file);
    return status;
}

void xpm__index_close(xpm__index *index)
{
    if (index == NULL)
        return;
    finalize(index);
    xpm__sql->close(index->db);
    if (index->lock >= 0)
        close(index->lock);
    xpm_free(index);
}

/* ---- Questions -------------------------------------------------------------------------------- */

static bool read_job(sqlite3_stmt *bound, xpm__index_job *job)
{
    int state = xpm__sql->column_int(bound, 4), reason = xpm__sql->column_int(bound, 5);
    *job = (xpm__index_job){.type = text(bound, 0),
                            .hash = text(bound, 1),
                            .tags = text(bound, 2),
                            .done = xpm__sql->column_int(bound, 3) == 1,
                            .state = (xpm_job_state)state,
                            .reason = (xpm_reason)reason};
    return job->type != NULL && job->hash != NULL && state >= XPM_JOB_UNSCHEDULED &&
           state <= XPM_JOB_ERROR && reason >= XPM_REASON_NONE && reason < XPM_REASON_COUNT;
}

int xpm__index_jobs(xpm__index *index, const char *experiment, const char *name, bool all,
                    xpm__on_index_job callback, void *user, size_t *done)
{
    xpm__index_job job;
    run(index, bind(index, READ, ""));
    int64_t id = find_run(index, experiment, name);
    int64_t count = number(index, bind(index, COUNT, "i", id));
    sqlite3_stmt *bound = bind(index, EACH_JOB, "ii", id, (int64_t)all);
    while (step(index, bound)) {
        if (read_job(bound, &job))
            callback(user, &job);
        else
            note(index, SQLITE_CORRUPT);
    }
    run(index, bind(index, COMMIT, ""));
    *done = count > 0 ? (size_t)count : 0;
    if (is_broken(index))
        throw_away(index);
    else if (index->problem == SQLITE_OK && id >= 0)
        return 0;
    return -1;
}
