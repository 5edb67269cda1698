/* SPDX-License-Identifier: Apache-2.0 */
/* Paced events. Called by pacing.c for a stream whose text is to flow. */
#include "exchange/pacer.h"

struct paced {
    size_t len;
    uint64_t delay_ms;
};

bool pacer_is_empty(const struct pacer *pacer)
{
    return pacer->begin == pacer->queue.len;
}

size_t pacer_len(const struct pacer *pacer)
{
    return pacer->queue.len - pacer->begin;
}

static struct paced first(const struct pacer *pacer)
{
    struct paced head;

    memcpy(&head, pacer->queue.at + pacer->begin, sizeof(head));
    return head;
}

static void pop(struct pacer *pacer, struct bytes *out)
{
    struct paced head = first(pacer);

    bytes_append(out, (struct view){pacer->queue.at + pacer->begin + sizeof(head), head.len});
    pacer->begin += sizeof(head) + head.len;
    pacer->waiting_ms -= head.delay_ms;
    if (pacer_is_empty(pacer))
        pacer->queue.len = pacer->begin = 0;
    if (pacer->begin <= PACER_MOST)
        return;
    bytes_drop(&pacer->queue, pacer->begin);
    pacer->begin = 0;
}

static void let_go(struct pacer *pacer, struct bytes *out)
{
    while (!pacer_is_empty(pacer)) {
        uint64_t delay_ms = first(pacer).delay_ms;

        if (delay_ms > pacer->due_ms && pacer_len(pacer) <= PACER_MOST)
            return;
        pacer->due_ms -= delay_ms < pacer->due_ms ? delay_ms : pacer->due_ms;
        pop(pacer, out);
    }
}

static void push(struct pacer *pacer, struct view event, uint64_t delay_ms)
{
    struct paced head = {event.len, delay_ms};

    bytes_append(&pacer->queue, (struct view){(const char *)&head, sizeof(head)});
    bytes_append(&pacer->queue, event);
    pacer->waiting_ms += delay_ms;
}

void pacer_put(struct pacer *pacer, struct view events, uint64_t delay_ms, struct bytes *out)
{
    while (events.len) {
        const char *end = memmem(events.at, events.len, "\n\n", 2);
        size_t len = end ? (size_t)(end - events.at) + 2 : events.len;

        if (!pacer->is_running) /* nothing was seen lately */
            pacer->due_ms = delay_ms;
        pacer->is_running = true;
        push(pacer, (struct view){events.at, len}, delay_ms);
        let_go(pacer, out);
        events = view_skip(events, len);
    }
}

void pacer_pass(struct pacer *pacer, uint64_t passed_ms, struct bytes *out)
{
    if (pacer_is_empty(pacer)) {
        pacer->is_running = false;
        return;
    }
    pacer->due_ms += passed_ms * (1 + pacer->waiting_ms / PACER_LAG_MS);
    let_go(pacer, out);
    if (pacer_is_empty(pacer))
        pacer->due_ms = 0;
}

void pacer_flush(struct pacer *pacer, struct bytes *out)
{
    while (!pacer_is_empty(pacer))
        pop(pacer, out);
    pacer->due_ms = 0;
}

void pacer_clear(struct pacer *pacer)
{
    bytes_clear(&pacer->queue);
    *pacer = (struct pacer){0};
}
