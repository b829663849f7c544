/* doctor. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "watch/doctor.h"

enum { SHOWN = 20, KINDS = 64 }; /* findings of a kind that are printed, unless they are repaired */

typedef struct printing {
    bool json, fix;
    struct kind {
        const char *name;
        size_t count;
    } kinds[KINDS];
} printing;

/* How many of its kind were told, this one included. */
static size_t count_kind(printing *p, const char *name)
{
    struct kind *kind = p->kinds;
    while (kind < p->kinds + KINDS - 1 && kind->name != NULL && strcmp(kind->name, name) != 0)
        kind++;
    kind->name = name;
    return ++kind->count;
}

static void print_json(const xpm__finding *f)
{
    static const char *const outcomes[] = {NULL, "repaired", "left"};
    xpm__str out = {0};
    xpm__json_open(&out, '{');
    xpm__json_pair(&out, "kind", f->kind);
    xpm__json_pair(&out, "path", f->path);
    xpm__json_pair(&out, "what", f->what);
    xpm__json_pair(&out, "fix", f->remedy);
    xpm__json_key(&out, "note");
    xpm__json_bool(&out, f->note);
    xpm__json_pair(&out, "outcome", outcomes[f->outcome]);
    xpm__json_pair(&out, "why", f->why);
    xpm__json_close(&out, '}');
    puts(out.data);
    xpm__str_free(&out);
}

static void print_found(printing *p, const xpm__finding *f)
{
    size_t number = count_kind(p, f->kind);
    if (number > SHOWN && !(p->fix && f->remedy != NULL))
        return;
    printf("%s%s: %s: %s\n", f->note ? "note: " : "", f->kind, f->path, f->what);
    if (f->remedy != NULL)
        printf("    %s: %s\n", p->fix ? "fix" : "--fix would", f->remedy);
    fflush(stdout); /* before it is done */
}

static void on_finding(void *user, const xpm__finding *f)
{
    printing *p = user;
    if (p->json) {
        if (f->outcome != XPM__FOUND || f->remedy == NULL || !p->fix)
            print_json(f);
    } else if (f->outcome == XPM__FOUND) {
        print_found(p, f);
    } else {
        printf("    %s%s\n", f->outcome == XPM__REPAIRED ? "done" : "left as it was: ",
               f->why != NULL ? f->why : "");
    }
}

static void print_end(const printing *p, const xpm__doctor_report *r)
{
    for (const struct kind *kind = p->kinds; kind->name != NULL; kind++)
        if (kind->count > SHOWN && !p->fix)
            printf("%s: and %zu more\n", kind->name, kind->count - SHOWN);
    printf("%zu jobs, %zu runs: ", r->jobs, r->runs);
    if (r->findings == 0)
        printf("healthy");
    else if (p->fix)
        printf("%zu findings, %zu repaired, %zu remain", r->findings, r->findings - r->remaining,
               r->remaining);
    else
        printf("%zu findings, of which --fix would repair %zu", r->findings, r->repairable);
    if (r->notes > 0)
        printf("; %zu notes", r->notes);
    putchar('\n');
}

int cmd_doctor(const cli_call *call)
{
    xpm_error err = {0};
    xpm__doctor_report report;
    printing p = {.json = cli_flag(call, "json"), .fix = cli_flag(call, "fix")};
    if (xpm__doctor(cli_workdir(call), p.fix, on_finding, &p, &report, &err) < 0)
        return cli_fail(&err);
    if (!p.json)
        print_end(&p, &report);
    return report.remaining > 0 ? CLI_FAILED : CLI_OK;
}
