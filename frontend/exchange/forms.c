/* SPDX-License-Identifier: Apache-2.0 */
/* The three ways of an answer into the reply: as bytes, event by event, or whole. What must stay
 * true: events go out as they come, whichever part's they are; whole answers are translated in the
 * order of their places, when all are there; what is kept until then is charged to the process's
 * budget. */
#include "exchange/forms.h"

#include "exchange/pacing.h"
#include "settings/options.h"

/* The budget */

static bool charge(struct exchange *x, size_t *held, size_t now)
{
    x->all->gathered = x->all->gathered - *held + now;
    *held = now;
    return x->all->gathered <= settings_now()->body_budget;
}

static bool charge_part(struct part *part, size_t now)
{
    return charge(part->exchange, &part->gathered, now) && now <= settings_now()->reply_limit;
}

bool forms_charge(struct exchange *x)
{
    return charge(x, &x->merged,
                  x->writer.pending.len + x->writer.in_flight.len + pacer_len(&x->pacer) +
                      x->plan.kept);
}

/* Events */

/* Whether the provider, or what stands in front of it, gives an array although events were asked
 * for, as some pass no query on; or one object, which is taken for an array's only element. */
static void look_at_beginning(struct part *part, struct view data)
{
    struct view text = view_trim(data), open = VIEW("["), element;
    bool is_object = view_starts(text, VIEW("{")), is_broken;

    if (!text.len)
        return;
    part->has_begun = true;
    part->is_array = is_object || view_starts(text, open);
    if (is_object)
        (void)elements_feed(&part->elements, &open, &element, &is_broken);
}

static bool next_event(struct part *part, struct view *data, struct view *event, bool *is_broken)
{
    return part->is_array ? elements_feed(&part->elements, data, event, is_broken)
                          : sse_feed(&part->sse, data, event, is_broken);
}

static size_t half_event(const struct part *part)
{
    return part->sse.data.len + part->sse.line.len + part->elements.data.len;
}

static enum error translate(struct part *part, struct view data)
{
    struct exchange *x = part->exchange;
    bool is_broken = false;
    struct view event;
    enum error error;

    if (!part->has_begun)
        look_at_beginning(part, data);
    while (next_event(part, &data, &event, &is_broken)) {
        if (sse_is_sentinel(event))
            continue; /* whether an answer is whole is known by its finish */
        error = x->endpoint->event(x->state, &x->plan, part->number, event, pacing_out(x));
        pacing_take(x);
        if (error != ERROR_NONE)
            return error;
    }
    if (is_broken || !charge_part(part, half_event(part)) || !forms_charge(x))
        return ERROR_REPLY_TOO_LARGE;
    return ERROR_NONE;
}

/* Whole answers */

static enum error gather(struct part *part, struct view data)
{
    if (!charge_part(part, part->gather.len + data.len))
        return ERROR_REPLY_TOO_LARGE;
    bytes_append(&part->gather, data);
    return ERROR_NONE;
}

/* Bytes */

/* A stream that the client did not ask for as events. */
static void watch_array(struct exchange *x, struct view data, bool event_end)
{
    struct view text = view_trim(data);

    if (!x->writer.head_length)
        x->is_array = view_starts(text, VIEW("["));
    if (text.len)
        x->is_closed = event_end && text.at[text.len - 1] == ']';
}

static void pass(struct part *part, struct view data, bool event_end)
{
    struct exchange *x = part->exchange;

    if (x->plan.steps[part->number]->order.stream && !x->writer.is_sse)
        watch_array(x, data, event_end);
    if (!x->writer.is_head)
        bytes_append(&x->writer.pending, data);
    x->writer.head_length += data.len;
    x->at_border = event_end;
}

enum error forms_take(struct part *part, struct view data, bool event_end)
{
    switch (part->pass) {
    case STEP_BYTES:
        pass(part, data, event_end);
        return ERROR_NONE;
    case STEP_EVENTS:
        return translate(part, data);
    case STEP_WHOLE:
        return gather(part, data);
    }
    return ERROR_INTERNAL;
}

/* The end */

enum { REPLY_MORE = 512 /* that a reply may have more than the answer it is made of, mostly */ };

static enum error answer(struct part *part)
{
    struct exchange *x = part->exchange;
    struct call_answer whole = {.body = bytes_view(&part->gather),
                                .headers = bytes_view(&part->headers),
                                .key_id = part->head.key_id};
    enum error error;

    part->is_answered = true;
    if (whole.body.len) /* at once what would grow in five steps */
        bytes_room(pacing_out(x), whole.body.len + REPLY_MORE);
    error = x->endpoint->answer(x->state, &x->plan, part->number, &whole, pacing_out(x));
    pacing_take(x);
    return error;
}

static enum error end_events(struct part *part)
{
    enum error error = ERROR_NONE;

    /* A provider may leave out the empty line behind its last event. */
    if (!sse_is_between(&part->sse))
        error = translate(part, VIEW("\n\n"));
    return error == ERROR_NONE ? answer(part) : error;
}

enum error forms_end(struct part *part)
{
    struct writer *writer = &part->exchange->writer;

    switch (part->pass) {
    case STEP_BYTES:
        part->is_answered = true;
        writer->is_broken =
            writer->length && writer->head_length != writer->length - 1 && !writer->is_head;
        return ERROR_NONE;
    case STEP_EVENTS:
        return end_events(part);
    case STEP_WHOLE:
        return ERROR_NONE;
    }
    return ERROR_INTERNAL;
}

static struct part *next_answer(struct exchange *x)
{
    struct part *found = NULL;

    for (struct part *part = x->parts; part; part = part->next)
        if (!part->is_answered &&
            (!found || x->plan.steps[part->number]->place < x->plan.steps[found->number]->place))
            found = part;
    return found;
}

enum error forms_answer(struct exchange *x)
{
    size_t calls = x->plan.count, wholes = 0;
    enum error error = ERROR_NONE;
    struct part *part;

    while (error == ERROR_NONE && x->plan.count == calls && (part = next_answer(x))) {
        error = answer(part);
        bytes_clear(&part->gather);
        charge_part(part, 0);
        wholes++;
    }
    if (error != ERROR_NONE || !wholes)
        return error;
    /* It is held until the client has read it. */
    if (!forms_charge(x) || x->writer.pending.len / calls > settings_now()->reply_limit)
        return ERROR_REPLY_TOO_LARGE;
    return ERROR_NONE;
}

void forms_clear(struct exchange *x)
{
    for (struct part *part = x->parts; part; part = part->next) {
        charge_part(part, 0);
        sse_clear(&part->sse);
        elements_clear(&part->elements);
        bytes_clear(&part->gather);
        bytes_clear(&part->headers);
    }
    charge(x, &x->merged, 0);
}
