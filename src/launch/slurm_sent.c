/* What comes of a batch that was sent: Slurm has it, or nobody knows, or it is sent again, smaller or
 * later, or never. */
#include <string.h>

#include "base/mem.h"
#include "launch/slurm.h"

/* Seconds: one sbatch comes not too soon after another; how long what Slurm takes no more of waits, and
 * how long is believed how much it takes. */
static const double SEND_GAP = 0.2, HELD = 30, LIMIT_KEPT = 60;

void xpm__slurm_taken(xpm__slurm_site *site, xpm__slurm_batch *batch)
{
    double now = xpm__slurm_now(site);
    batch->sent = XPM__SLURM_QUEUED;
    site->locks -= batch->count;
    for (size_t i = 0; i < batch->count; i++) {
        xpm__slurm_run *run = batch->runs[i];
        if (run == NULL)
            continue;
        xpm__slurm_element_id(batch, i, run->id);
        xpm__slurm_token(batch, i, run->token);
        run->heard = now;
        site->base.events->named(&run->base);
    }
    xpm__slurm_look_soon(site);
}

void xpm__slurm_divide(xpm__slurm_batch *batch, size_t count)
{
    xpm__slurm_batch *rest = xpm__slurm_batch_cut(batch, count);
    rest->next = batch->next;
    batch->next = rest;
}

/* All of its runs end so. The last of them takes the batch with it. */
static void refuse(xpm__slurm_site *site, xpm__slurm_batch *batch, const char *words)
{
    xpm__str asked = {0};
    size_t count = batch->count;
    for (size_t at = 0; at < batch->argument_size; at += strlen(batch->arguments + at) + 1)
        xpm__str_printf(&asked, " %s", batch->arguments + at);
    xpm__slurm_batch_unlock(batch);
    site->locks -= count;
    batch->sent = XPM__SLURM_SENDING; /* nothing is added to it */
    for (size_t i = 0; i < count; i++)
        xpm__slurm_end_as(batch->runs[i], XPM_REASON_FAILED, "%s%s%s", words,
                          asked.size > 0 ? "; it was asked for" : "",
                          asked.size > 0 ? asked.data : "");
    xpm__str_free(&asked);
}

/* What waits, waits for jobs that are not this experiment's. */
static void tell_full(xpm__slurm_site *site, const xpm__slurm_batch *batch, const char *words)
{
    if (site->told_full)
        return;
    site->told_full = true;
    char *message = xpm__format("Slurm takes no more jobs now: %s. It is tried again", words);
    xpm__job_warn(batch->runs[0]->base.job, message);
    xpm_free(message);
}

/* Too many jobs are queued: half of them now, and one alone when others have ended. */
static void hold_back(xpm__slurm_site *site, xpm__slurm_batch *batch, const char *words)
{
    size_t queued = site->run_count - site->locks;
    double now = xpm__slurm_now(site);
    batch->sent = XPM__SLURM_GATHERED;
    if (batch->count > 1) {
        xpm__slurm_divide(batch, batch->count / 2);
        return;
    }
    site->held_until = now + HELD;
    if (queued == 0)
        tell_full(site, batch, words);
    site->limit = queued;
    site->limit_until = now + LIMIT_KEPT;
}

void xpm__slurm_was_sent(xpm__slurm_site *site)
{
    xpm__slurm_batch *batch = site->sending;
    const char *words = site->answer.words.size > 0 ? site->answer.words.data : "";
    xpm__slurm_refusal refusal = site->answer.refusal;
    site->sending = NULL;
    site->send_at =
        xpm__slurm_now(site) + (xpm__slurm_gap(site) > SEND_GAP ? xpm__slurm_gap(site) : SEND_GAP);
    if (site->answer.taken) {
        xpm__slurm_taken(site, batch);
        site->base.events->freed(site->base.user);
    } else if (refusal == XPM__SLURM_DOWN) {
        batch->sent = XPM__SLURM_UNKNOWN;
        batch->unseen = 0;
        xpm__slurm_warn(site, "sbatch", words);
        xpm__slurm_look_soon(site);
    } else if (refusal == XPM__SLURM_ARRAY && batch->count > 1) {
        batch->sent = XPM__SLURM_GATHERED;
        site->array_size = batch->count / 2;
    } else if (refusal == XPM__SLURM_FULL ||
               (refusal == XPM__SLURM_POLICY &&
                (batch->count > 1 || site->run_count > site->locks))) {
        hold_back(site, batch, words);
    } else {
        refuse(site, batch, words);
    }
}
