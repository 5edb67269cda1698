/* SPDX-License-Identifier: Apache-2.0 */
/* Paced streams: the pacer with a clock and a client. */
#include "exchange/pacing.h"

#include "settings/options.h"

void pacing_open(struct exchanges *all)
{
    uint64_t tick_ms = settings_now()->stream_min_delay_ms;

    h2o_timeout_init(all->web->loop, &all->pace, tick_ms ? tick_ms : 1);
}

static void on_pace_timer(h2o_timeout_entry_t *entry)
{
    struct exchange *x = H2O_STRUCT_FROM_MEMBER(struct exchange, pace_timer, entry);

    pacer_pass(&x->pacer, x->all->pace.timeout, &x->writer.pending);
    if (x->pacer.is_running)
        h2o_timeout_link(x->all->web->loop, &x->all->pace, entry);
    if (x->is_answered && !pacing_holds(x))
        x->writer.is_ended = true;
    if (x->writer.is_ended || x->writer.pending.len)
        writer_send(&x->writer);
}

void pacing_begin(struct exchange *x)
{
    x->pace_timer.cb = on_pace_timer;
}

struct bytes *pacing_out(struct exchange *x)
{
    return x->plan.is_paced ? &x->fresh : &x->writer.pending;
}

void pacing_take(struct exchange *x)
{
    if (!x->fresh.len)
        return;
    pacer_put(&x->pacer, bytes_view(&x->fresh), x->plan.pace_ms, &x->writer.pending);
    x->fresh.len = 0;
    if (!h2o_timeout_is_linked(&x->pace_timer))
        h2o_timeout_link(x->all->web->loop, &x->all->pace, &x->pace_timer);
}

void pacing_end(struct exchange *x)
{
    x->is_answered = true;
    x->writer.is_ended = !pacing_holds(x);
}

void pacing_flush(struct exchange *x)
{
    h2o_timeout_unlink(&x->pace_timer);
    pacer_flush(&x->pacer, &x->writer.pending);
}

void pacing_clear(struct exchange *x)
{
    h2o_timeout_unlink(&x->pace_timer);
    pacer_clear(&x->pacer);
    bytes_clear(&x->fresh);
}
