#include "declare/walk.h"

#include <string.h>

#include "base/mem.h"
#include "declare/class.h"
#include "declare/config.h"
#include "declare/value.h"

/* Where a configuration is in its parent: not by its parameters, but as what makes it. */
static const uint32_t INIT_TASK = UINT32_MAX - 1, PRODUCER = UINT32_MAX;

/* One to visit, or one that was entered and waits for what it holds, which is above it. */
struct step {
    xpm_config *config;
    size_t parent;      /* its place on the stack */
    uint32_t parameter; /* of the parent that holds it */
    uint32_t ordinal;   /* among the configurations in that parameter's value */
    bool entered;
};

struct xpm__walk {
    const xpm__walker *walker;
    struct step *steps;
    size_t count, capacity;
};

static void push(xpm__walk *walk, struct step step)
{
    if (walk->walker->seen != NULL && xpm__ptrmap_find(walk->walker->seen, step.config) != NULL)
        return;
    walk->steps = xpm__grow(walk->steps, &walk->capacity, walk->count, sizeof *walk->steps);
    walk->steps[walk->count++] = step;
}

/* Pushes the configurations in a value; `step` says where, and counts them. */
static void push_value(xpm__walk *walk, const xpm_value *value, struct step *step)
{
    if (value->kind == XPM_KIND_CONFIG) {
        step->config = value->as.config;
        push(walk, *step);
        step->ordinal++;
    } else if (xpm__value_is_collection(value)) {
        for (size_t i = 0; i < xpm__value_span(value); i++)
            push_value(walk, &value->as.items[i], step);
    }
}

/* The last pushed is visited first. */
static void reverse(struct step *steps, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        struct step swapped = steps[i];
        steps[i] = steps[count - 1 - i];
        steps[count - 1 - i] = swapped;
    }
}

static void push_children(xpm__walk *walk, const xpm_config *config)
{
    struct step step = {.parent = walk->count - 1};
    bool (*passes)(const xpm_config *, size_t) = walk->walker->passes;
    size_t start = walk->count;
    for (; step.parameter < config->class_->count; step.parameter++) {
        const xpm_value *value = xpm_config_at(config, step.parameter);
        step.ordinal = 0;
        if (value != NULL && (passes == NULL || !passes(config, step.parameter)))
            push_value(walk, value, &step);
    }
    step.parameter = INIT_TASK;
    for (step.ordinal = 0; config->extra != NULL && step.ordinal < config->extra->init_count;
         step.ordinal++) {
        step.config = config->extra->init_tasks[step.ordinal];
        push(walk, step);
    }
    step.parameter = PRODUCER;
    step.config = config->task;
    if (walk->walker->tasks && config->task != NULL && config->task != config)
        push(walk, step);
    reverse(walk->steps + start, walk->count - start);
}

/* Visits the step on top. */
static int visit(xpm__walk *walk)
{
    const xpm__walker *walker = walk->walker;
    struct step *top = &walk->steps[walk->count - 1];
    xpm_config *config = top->config;
    int status = XPM__WALK_ON;
    if (top->entered) {
        if (walker->leave != NULL)
            status = walker->leave(walker->user, config, walk);
        walk->count--;
        return status;
    }
    if (walker->seen != NULL && !xpm__ptrmap_add(walker->seen, config, walker->seen->count + 1))
        status = XPM__WALK_PAST;
    else if (walker->enter != NULL)
        status = walker->enter(walker->user, config, walk);
    if (status == XPM__WALK_ON) {
        top->entered = true;
        push_children(walk, config);
    } else {
        walk->count--;
    }
    return status;
}

int xpm__walk_from(xpm_config *root, const xpm__walker *walker)
{
    xpm__walk walk = {.walker = walker};
    int status = XPM__WALK_ON;
    push(&walk, (struct step){.config = root});
    while (walk.count > 0 && status != XPM__WALK_STOP)
        status = visit(&walk);
    xpm_free(walk.steps);
    return status == XPM__WALK_STOP ? -1 : 0;
}

typedef struct visiting {
    xpm_visitor visit;
    void *user;
} visiting;

static int visit_for_user(void *user, xpm_config *config, const xpm__walk *walk)
{
    visiting *v = user;
    (void)walk;
    return v->visit(v->user, config) ? XPM__WALK_ON : XPM__WALK_PAST;
}

void xpm_config_visit(xpm_config *config, xpm_visitor visit_one, void *user)
{
    visiting v = {.visit = visit_one, .user = user};
    xpm__ptrmap seen = {0};
    xpm__walk_from(config, &(xpm__walker){.enter = visit_for_user, .user = &v, .seen = &seen});
    xpm__ptrmap_free(&seen);
}

/* ---- The way ---------------------------------------------------------------------------------- */

/* Appends the way inside a value to its configuration number `*ordinal`, which it counts down.
 * Whether it is there. */
static bool print_inside(const xpm_value *value, uint32_t *ordinal, xpm__str *out)
{
    size_t size = out->size;
    if (value->kind == XPM_KIND_CONFIG)
        return (*ordinal)-- == 0;
    if (!xpm__value_is_collection(value))
        return false;
    for (size_t i = 0; i < value->size; i++) {
        const xpm_value *item = &value->as.items[i];
        xpm__str_putc(out, '/');
        if (value->kind != XPM_KIND_DICT)
            xpm__str_printf(out, "%zu", i);
        else if ((item = &value->as.items[2 * i])->kind == XPM_KIND_STR)
            xpm__str_puts(out, item->as.text);
        else
            xpm__value_describe(item, out);
        if (print_inside(value->kind == XPM_KIND_DICT ? item + 1 : item, ordinal, out))
            return true;
        xpm__str_cut(out, size);
    }
    return false;
}

static void print_step(const xpm__walk *walk, const struct step *step, xpm__str *out)
{
    const xpm_config *parent = walk->steps[step->parent].config;
    uint32_t ordinal = step->ordinal;
    if (step->parameter == INIT_TASK) {
        xpm__str_printf(out, "__init_tasks__/%u", ordinal);
        return;
    }
    xpm__str_puts(out, parent->class_->parameters[step->parameter].name);
    print_inside(xpm_config_at(parent, step->parameter), &ordinal, out);
}

void xpm__walk_path(const xpm__walk *walk, xpm__str *out)
{
    size_t count = 0, at = walk->count - 1;
    for (size_t i = at; i > 0; i = walk->steps[i].parent)
        count += walk->steps[i].parameter != PRODUCER;
    size_t *way = xpm__alloc((count + 1) * sizeof *way);
    for (size_t i = count; i > 0; at = walk->steps[at].parent)
        if (walk->steps[at].parameter != PRODUCER)
            way[--i] = at;
    xpm__str_puts(out, "");
    size_t start = out->size;
    for (size_t i = 0; i < count; i++) {
        if (out->size > start)
            xpm__str_putc(out, '/');
        print_step(walk, &walk->steps[way[i]], out);
    }
    xpm_free(way);
}

/* "layers/2" as an error names it: ".layers[2]". */
static void print_steps(const char *relative, xpm__str *out)
{
    while (*relative != '\0') {
        size_t size = strcspn(relative, "/");
        bool number = strspn(relative, "0123456789") == size;
        xpm__str_puts(out, number ? "[" : ".");
        xpm__str_add(out, relative, size);
        xpm__str_puts(out, number ? "]" : "");
        relative += size + (relative[size] == '/');
    }
}

void xpm__walk_steps(const xpm__walk *walk, xpm__str *out)
{
    xpm__str relative = {0};
    xpm__walk_path(walk, &relative);
    print_steps(relative.data, out);
    xpm__str_free(&relative);
}
