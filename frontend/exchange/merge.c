/* SPDX-License-Identifier: Apache-2.0 */
/* What the answers of an exchange's legs become: one reply. Called by answers.c for each letter of
 * an answer. What must stay true: events go out as they come, whichever leg's they are; whole
 * answers are translated in the order of the legs, when all are there; what is kept until then is
 * charged to the process's budget. */
#include "exchange/merge.h"

#include "frontend.h"

void merge_head(struct leg *leg, const struct msg_head *head)
{
    struct exchange *x = leg->exchange;

    leg->first_ms = x->frontend->actor.now_ms;
    if (++x->legs_heard == x->leg_count)
        h2o_timeout_unlink(&x->ping_timer);
    if (!x->first_ms)
        x->first_ms = leg->first_ms;
    if (x->form != FORM_RAW)
        return;
    if (!x->status)
        x->status = head->status >= 200 && head->status <= 299 ? (int)head->status : 200;
    bytes_copy(&x->type, head->type);
    bytes_cstr(&x->type);
    x->length = head->length;
}

/* Charges the process's budget `now` bytes in place of `*held`. */
static bool charge(struct exchange *x, size_t *held, size_t now)
{
    struct calls *calls = &x->frontend->calls;

    calls->gather_bytes = calls->gather_bytes - *held + now;
    *held = now;
    return calls->gather_bytes <= options.body_budget;
}

static bool charge_leg(struct leg *leg, size_t now)
{
    return charge(leg->exchange, &leg->gathered, now) && now <= options.reply_limit;
}

bool merge_charge(struct exchange *x)
{
    return charge(x, &x->merged, x->pending.len + x->in_flight.len + x->reply.kept);
}

/* Whether the provider, or what stands in front of it, gives an array although events were asked
 * for, as some pass no query on; or one object, which is taken for an array's only element. */
static void look_at_beginning(struct leg *leg, struct view data)
{
    struct view text = view_trim(data), open = VIEW("["), element;
    bool is_object = view_starts(text, VIEW("{")), is_broken;

    if (!text.len)
        return;
    leg->has_begun = true;
    leg->is_array = is_object || view_starts(text, open);
    if (is_object)
        (void)elements_feed(&leg->elements, &open, &element, &is_broken);
}

static bool next_event(struct leg *leg, struct view *data, struct view *event, bool *is_broken)
{
    return leg->is_array ? elements_feed(&leg->elements, data, event, is_broken)
                         : sse_feed(&leg->sse, data, event, is_broken);
}

static size_t half_event(const struct leg *leg)
{
    return leg->sse.data.len + leg->sse.line.len + leg->elements.data.len;
}

static bool translate(struct leg *leg, struct view data, enum error *error)
{
    struct exchange *x = leg->exchange;
    struct view event;
    bool is_broken = false;

    x->reply.leg = leg->index;
    if (!leg->has_begun)
        look_at_beginning(leg, data);
    while (next_event(leg, &data, &event, &is_broken)) {
        if (x->dialect->event(&x->reply, event, &x->pending))
            continue;
        *error = x->reply.fault == ERROR_NONE ? ERROR_UPSTREAM : x->reply.fault;
        return false;
    }
    *error = ERROR_REPLY_TOO_LARGE;
    return !is_broken && charge_leg(leg, half_event(leg)) && merge_charge(x);
}

static bool gather(struct leg *leg, struct view data, enum error *error)
{
    *error = ERROR_REPLY_TOO_LARGE;
    if (!charge_leg(leg, leg->gather.len + data.len))
        return false;
    bytes_append(&leg->gather, data);
    return true;
}

/* A stream that the client did not ask for as events. */
static void watch_array(struct exchange *x, struct view data, bool event_end)
{
    struct view text = view_trim(data);

    if (!x->relayed)
        x->is_array = view_starts(text, VIEW("["));
    if (text.len)
        x->is_closed = event_end && text.at[text.len - 1] == ']';
}

static void relay(struct exchange *x, struct view data, bool event_end)
{
    if (x->ask.stream && !x->is_sse)
        watch_array(x, data, event_end);
    if (!x->is_head)
        bytes_append(&x->pending, data);
    x->relayed += data.len;
    x->at_border = event_end;
}

static bool take_run(struct leg *leg, struct view data, bool event_end, enum error *error)
{
    switch (leg->exchange->form) {
    case FORM_RAW:
        relay(leg->exchange, data, event_end);
        return true;
    case FORM_EVENTS:
        return translate(leg, data, error);
    case FORM_WHOLE:
        return gather(leg, data, error);
    }
    return false;
}

bool merge_chunk(struct leg *leg, struct view data, bool event_end, enum error *error)
{
    struct exchange *x = leg->exchange;
    bool is_told;

    if (x->is_ended || !x->req)
        return true;
    is_told = take_run(leg, data, event_end, error);
    leg->unacked += data.len;
    if (!is_told)
        return false;
    if (x->pending.len)
        reply_send_soon(x);
    else
        reply_ack(leg, false);
    return true;
}

/* All answers are there. */
static bool end_whole(struct exchange *x, enum error *error)
{
    LEGS_OF (x, leg) {
        x->reply.leg = leg->index;
        if (!x->dialect->whole(&x->reply, bytes_view(&leg->gather), &x->pending)) {
            *error = x->reply.fault == ERROR_NONE ? ERROR_UPSTREAM : x->reply.fault;
            return false;
        }
        bytes_clear(&leg->gather);
        charge_leg(leg, 0);
    }
    *error = ERROR_REPLY_TOO_LARGE; /* it is held until the client has read it */
    return charge(x, &x->merged, x->pending.len) &&
           x->pending.len / x->leg_count <= options.reply_limit;
}

static bool end_events(struct leg *leg, enum error *error)
{
    struct exchange *x = leg->exchange;

    /* A provider may leave out the empty line behind its last event. */
    if (!sse_is_between(&leg->sse) && !translate(leg, VIEW("\n\n"), error))
        return false;
    x->reply.leg = leg->index;
    x->reply.ended++;
    if (x->dialect->end(&x->reply, &x->pending))
        return true;
    /* The dialect has written the error itself; on this connection nothing follows it. */
    x->is_ended = true;
    x->error = x->reply.fault;
    x->req->http1_is_persistent = 0;
    calls_abandon(x); /* the other legs */
    return true;
}

bool merge_end(struct leg *leg, enum error *error)
{
    struct exchange *x = leg->exchange;
    bool is_told = true;

    if (x->is_ended || !x->req)
        return true;
    switch (x->form) {
    case FORM_RAW:
        x->is_broken = x->length && x->relayed != x->length - 1;
        break;
    case FORM_EVENTS:
        is_told = end_events(leg, error);
        break;
    case FORM_WHOLE:
        is_told = x->legs_open || end_whole(x, error);
        break;
    }
    if (!is_told)
        return false;
    x->is_ended |= x->legs_open == 0;
    if (x->is_ended || x->pending.len)
        reply_send_soon(x);
    return true;
}

void merge_clear(struct exchange *x)
{
    LEGS_OF (x, leg) {
        charge_leg(leg, 0);
        sse_clear(&leg->sse);
        elements_clear(&leg->elements);
        bytes_clear(&leg->gather);
    }
    charge(x, &x->merged, 0);
}
