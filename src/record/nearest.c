#include "record/nearest.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "record/jobdir.h"

/* How deep two jobs are compared to say which is nearer, how deep hashes follow what is new, and how
 * many bytes are read of one type: in a long chain, each job's file has all those before it. */
enum { COMPARE_DEPTH = 16, FOLLOW_DEPTH = 500, BYTES_MOST = 256 << 20, NOT_FOUND = 0 };

/* ---- Which are finished ----------------------------------------------------------------------- */

/* The jobs of one type. */
typedef struct listing {
    xpm__finished *f;
    int folder;
    char done[XPM__NAME_SIZE]; /* their marker */
} listing;

static void add_job(void *user, const char *hash)
{
    const listing *l = user;
    xpm__finished *f = l->f;
    struct stat info;
    char *path = xpm__format("%s/%s", hash, l->done);
    if (fstatat(l->folder, path, &info, 0) == 0) {
        f->jobs = xpm__grow(f->jobs, &f->capacity, f->count, sizeof *f->jobs);
        f->jobs[f->count++] = (struct xpm__finished_job){
            .hash = xpm__strdup(hash),
            .done = (double)info.st_mtim.tv_sec + (double)info.st_mtim.tv_nsec / 1e9};
    }
    xpm_free(path);
}

static void list_jobs(xpm__finished *f, int folder, const char *type)
{
    char name[XPM__NAME_SIZE];
    listing l = {.f = f, .folder = folder};
    char *path = xpm__format("%s/", type);
    xpm__jobdir_name(path, name);
    xpm__jobdir_file(name, ".done", l.done);
    xpm_free(path);
    xpm__file_each_visible(folder, ".", add_job, &l);
}

static int compare_times(const void *a, const void *b)
{
    const struct xpm__finished_job *left = a, *right = b;
    if (left->done != right->done)
        return left->done > right->done ? -1 : 1;
    return strcmp(left->hash, right->hash);
}

/* ---- Hashes ----------------------------------------------------------------------------------- */

/* A sum, so that one leaf can be taken out and another put in. */
static uint64_t hash_node(const xpm__node *node)
{
    uint64_t hash = 0x9e3779b97f4a7c15u;
    for (const char *c = node->type; *c != '\0'; c++)
        hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
    for (size_t i = 0; i < node->count; i++)
        if (!node->leaves[i].ignored)
            hash += node->leaves[i].hash;
    return hash;
}

static const void *key_of(uint64_t hash)
{
    return (const void *)(uintptr_t)(hash | 1);
}

/* The first that is added stays: the latest. */
static void add_hashes(xpm__ptrmap *map, const xpm__node *node, size_t place)
{
    uint64_t hash = hash_node(node);
    xpm__ptrmap_add(map, key_of(hash), place);
    for (size_t i = 0; i < node->count; i++)
        if (!node->leaves[i].ignored)
            xpm__ptrmap_add(map, key_of(hash - node->leaves[i].hash), place);
}

static size_t find_hash(const xpm__ptrmap *map, uint64_t hash)
{
    const size_t *place = xpm__ptrmap_find(map, key_of(hash));
    return place != NULL ? *place : NOT_FOUND;
}

/* Enters what a finished job holds, deepest first, on a list of its own: it may be a long chain. */
static void add_parts(xpm__finished *f, xpm__node *root)
{
    if (root->finished)
        return;
    size_t next = f->part_count;
    root->finished = true;
    f->parts = xpm__grow(f->parts, &f->part_capacity, f->part_count, sizeof(xpm__node *));
    f->parts[f->part_count++] = root;
    while (next < f->part_count) {
        xpm__node *node = f->parts[next++];
        add_hashes(&f->part_hashes, node, next);
        for (size_t i = 0; i < node->count; i++) {
            xpm__node *held = node->leaves[i].node;
            if (held == NULL || held->finished)
                continue;
            held->finished = true;
            f->parts = xpm__grow(f->parts, &f->part_capacity, f->part_count, sizeof(xpm__node *));
            f->parts[f->part_count++] = held;
        }
    }
}

/* ---- Reading ---------------------------------------------------------------------------------- */

static size_t read_job(xpm__finished *f, int folder, struct xpm__finished_job *job)
{
    xpm__str text = {0};
    char *path = xpm__format("%s/params.json", job->hash);
    if (xpm__file_read(folder, path, &text) == 0)
        job->node = xpm__graph_read(f->graph, text.data, text.size, path, NULL);
    size_t size = text.size;
    xpm__str_free(&text);
    xpm_free(path);
    return size;
}

/* Reads the latest of those that were listed, and forgets the others. */
static void read_jobs(xpm__finished *f, int folder, size_t first)
{
    size_t kept = first, bytes = 0;
    for (size_t i = first; i < f->count; i++) {
        struct xpm__finished_job *job = &f->jobs[i];
        if (kept - first < f->most && bytes < BYTES_MOST)
            bytes += read_job(f, folder, job);
        if (job->node == NULL) {
            xpm_free(job->hash);
            continue;
        }
        f->jobs[kept++] = *job;
        add_hashes(&f->job_hashes, f->jobs[kept - 1].node, kept);
        add_parts(f, f->jobs[kept - 1].node);
    }
    f->count = kept;
}

static void read_type(xpm__finished *f, xpm__finished_type *type)
{
    char *path = xpm__format("jobs/%s", type->name);
    int folder = openat(f->workspace, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    xpm_free(path);
    if (folder < 0)
        return;
    list_jobs(f, folder, type->name);
    type->total = f->count - type->first;
    if (type->total > 0)
        qsort(f->jobs + type->first, type->total, sizeof *f->jobs, compare_times);
    read_jobs(f, folder, type->first);
    type->count = f->count - type->first;
    close(folder);
}

const xpm__finished_type *xpm__finished_read(xpm__finished *finished, const char *type)
{
    for (size_t i = 0; i < finished->type_count; i++)
        if (strcmp(finished->types[i].name, type) == 0)
            return &finished->types[i];
    finished->types = xpm__grow(finished->types, &finished->type_capacity, finished->type_count,
                                sizeof *finished->types);
    xpm__finished_type *added = &finished->types[finished->type_count++];
    *added = (xpm__finished_type){.name = xpm__strdup(type), .first = finished->count};
    read_type(finished, added);
    return added;
}

/* ---- The nearest ------------------------------------------------------------------------------ */

typedef struct candidates {
    xpm__finished *finished;
    xpm__node *node;
    size_t best, distance; /* place of the best, NOT_FOUND when none */
    bool roots;            /* jobs are looked for, and no parts of them */
} candidates;

static xpm__node *node_at(const candidates *c, size_t place)
{
    return c->roots ? c->finished->jobs[place - 1].node : c->finished->parts[place - 1];
}

/* Of as near ones the latest stays, which has the lowest place. */
static void consider(candidates *c, size_t place)
{
    if (place == NOT_FOUND || place == c->best || node_at(c, place) == c->node)
        return;
    size_t distance = xpm__graph_distance(c->finished->graph, node_at(c, place), c->node,
                                          COMPARE_DEPTH, c->distance + 1);
    if (distance < c->distance || (distance == c->distance && place < c->best)) {
        c->best = place;
        c->distance = distance;
    }
}

static void consider_hash(candidates *c, uint64_t hash)
{
    consider(c, find_hash(c->roots ? &c->finished->job_hashes : &c->finished->part_hashes, hash));
}

static xpm__node *nearest_part(xpm__finished *f, xpm__node *node, size_t depth);

/* Those that lack one leaf of the node, or have another in its place; in place of a configuration,
 * above all the one that is nearest to it. */
static void consider_hashes(candidates *c, size_t depth)
{
    const xpm__node *node = c->node;
    uint64_t hash = hash_node(node), replaced = hash;
    consider_hash(c, hash);
    for (size_t i = 0; i < node->count; i++) {
        const xpm__leaf *leaf = &node->leaves[i];
        if (leaf->ignored)
            continue;
        consider_hash(c, hash - leaf->hash);
        xpm__node *near =
            leaf->node != NULL ? nearest_part(c->finished, leaf->node, depth + 1) : NULL;
        if (near == NULL || near == leaf->node)
            continue;
        uint64_t change = xpm__leaf_hash(leaf->path, near) - leaf->hash;
        replaced += change;
        consider_hash(c, hash + change);
    }
    consider_hash(c, replaced);
}

/* Of what finished jobs hold, that which is nearest to a configuration; NULL when none is near. */
static xpm__node *nearest_part(xpm__finished *f, xpm__node *node, size_t depth)
{
    if (node->finished)
        return node;
    if (!node->searched && depth < FOLLOW_DEPTH) {
        candidates c = {.finished = f, .node = node, .distance = XPM__DIFFERENCES_MOST};
        node->searched = true;
        consider_hashes(&c, depth);
        node->nearest = c.best != NOT_FOUND ? node_at(&c, c.best) : NULL;
    }
    return node->nearest;
}

const struct xpm__finished_job *xpm__finished_nearest(xpm__finished *finished,
                                                      const xpm__finished_type *type,
                                                      xpm__node *task, size_t scan)
{
    candidates c = {
        .finished = finished, .node = task, .distance = XPM__DIFFERENCES_MOST, .roots = true};
    consider_hashes(&c, 0);
    if (c.distance > 1 || type->count <= scan)
        for (size_t i = 0; i < type->count && i < scan; i++)
            consider(&c, type->first + i + 1);
    return c.best != NOT_FOUND ? &finished->jobs[c.best - 1] : NULL;
}

void xpm__finished_free(xpm__finished *finished)
{
    for (size_t i = 0; i < finished->count; i++)
        xpm_free(finished->jobs[i].hash);
    for (size_t i = 0; i < finished->type_count; i++)
        xpm_free(finished->types[i].name);
    xpm_free(finished->jobs);
    xpm_free(finished->types);
    xpm_free(finished->parts);
    xpm__ptrmap_free(&finished->part_hashes);
    xpm__ptrmap_free(&finished->job_hashes);
    *finished = (xpm__finished){.graph = NULL};
}
