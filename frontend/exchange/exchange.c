/* SPDX-License-Identifier: Apache-2.0 */
/* Runs plans.
 *
 *   calls of the plan -> (forms: endpoint) -> writer -> the client; taken: credit for the calls
 *
 *  1. A run of bytes is credited when what became of it has been taken by the client's socket, or
 *     when it lies in reassembly, which REPLY_LIMIT bounds. So a client that doesn't read fills one
 *     window and no more.
 *  2. When one call fails for good, the request fails and the others end with it.
 *  3. Once the status has gone out, an error is an event in the stream or the last element of the
 *     array, or else a connection that breaks visibly. */
#include "exchange/exchange.h"

#include <assert.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/log.h"
#include "exchange/forms.h"
#include "exchange/pacing.h"
#include "outside.h"
#include "settings/options.h"

enum {
    GRACE_MS = 2000, /* the upstream is to notice a deadline before we do */
    WORK_MS = 1,     /* h2o runs what is due at once in the same turn, again and again */
};

void exchanges_open(struct exchanges *all, struct web *web, struct road *road)
{
    all->web = web;
    all->road = road;
    writers_open(&all->writers, web);
    h2o_timeout_init(web->loop, &all->deadline, settings_now()->time_out_ms + GRACE_MS);
    h2o_timeout_init(web->loop, &all->ping, settings_now()->stream_ping_ms);
    h2o_timeout_init(web->loop, &all->work, WORK_MS);
    pacing_open(all);
    h2o_timeout_init(web->loop, &all->beat, settings_now()->fake_stream_beat_ms);
}

/* Zero is for those that come: a clock without length would never rest. */
static void follow(h2o_timeout_t *clock, uint64_t next_ms)
{
    if (next_ms)
        clock->timeout = next_ms;
}

void exchanges_follow(struct exchanges *all, const struct settings *settings)
{
    follow(&all->deadline, settings->time_out_ms + GRACE_MS);
    follow(&all->ping, settings->stream_ping_ms);
    follow(&all->beat, settings->fake_stream_beat_ms);
    follow(&all->pace, settings->stream_min_delay_ms);
    writers_follow(&all->writers, settings);
}

/* The end of calls */

static void part_close(struct part *part)
{
    if (part->call) {
        struct call_facts facts = call_facts(part->call);

        part->attempts = facts.attempts > part->attempts ? facts.attempts : part->attempts;
        part->upstream = facts.upstream;
    }
    call_free(part->call);
    part->call = NULL;
    if (!part->is_open)
        return;
    part->is_open = false;
    part->exchange->open--;
}

static void stop_waiting(struct exchange *x)
{
    h2o_timeout_unlink(&x->deadline_timer);
    h2o_timeout_unlink(&x->ping_timer);
    h2o_timeout_unlink(&x->work_timer);
}

static void stop_all(struct exchange *x)
{
    for (struct part *part = x->parts; part; part = part->next)
        part_close(part);
    stop_waiting(x);
}

/* The reply ends by an error */

static void fail_before_start(struct exchange *x, const struct complaint *complaint)
{
    struct writer *writer = &x->writer;

    writer->pending.len = 0;
    writer->has_failed = true;
    writer->error = complaint->error;
    writer->is_tried = complaint->is_tried;
    writer->retry_after_ms = complaint->retry_after_ms;
    writer->status = complaint_status(complaint);
    x->shape->write(complaint, &writer->pending);
}

static void fail_in_stream(struct exchange *x, const struct complaint *complaint)
{
    if (!x->at_border)
        bytes_text(&x->writer.pending,
                   "\n\n"); /* ends the event that broke off, so that the next one is read */
    x->shape->write_event(complaint, &x->writer.last_words);
    x->writer.is_broken = x->shape->breaks;
    x->writer.req->http1_is_persistent = 0;
}

/* Where the array could go on. */
static bool may_fail_in_array(const struct exchange *x)
{
    return x->is_array && !x->is_closed && x->at_border && !x->writer.length;
}

/* As Google ends it: the error is the last element. */
static void fail_in_array(struct exchange *x, const struct complaint *complaint)
{
    struct bytes *words = &x->writer.last_words;

    bytes_text(words, "\n,\n");
    x->shape->write(complaint, words);
    bytes_text(words, "]\n");
    x->writer.req->http1_is_persistent = 0;
}

static void fail(struct exchange *x, const struct complaint *complaint)
{
    struct writer *writer = &x->writer;

    stop_all(x);
    if (writer->is_ended || !writer->req)
        return;
    pacing_flush(x);
    writer->is_ended = true;
    x->error = complaint->error;
    if (writer->is_sse && (writer->is_started || writer->pending.len))
        fail_in_stream(x, complaint);
    else if (!writer->is_started)
        fail_before_start(x, complaint);
    else if (may_fail_in_array(x))
        fail_in_array(x, complaint);
    else
        writer->is_broken = true;
    writer_send_soon(writer);
}

/* What the endpoint or the reply's form has against an answer. */
static void fail_here(struct exchange *x, enum error error)
{
    const char *why = x->plan.why.len ? bytes_cstr(&x->plan.why) : NULL;

    fail(x, &(struct complaint){
                .error = error, .text = why, .param = x->plan.param, .is_tried = true});
}

void exchange_fail(struct exchange *x, enum error error, const char *text)
{
    fail(x, &(struct complaint){.error = error, .text = text});
}

void exchanges_fail(struct exchanges *all, enum error error)
{
    struct exchange *x, *next;

    DL_FOREACH_SAFE (all->open, x, next)
        if (x->open)
            fail(x, &(struct complaint){.error = error});
}

/* Running the plan */

static const struct call_events call_events;

static struct part *part_new(struct exchange *x, size_t number)
{
    struct part *part = h2o_mem_alloc_pool(&x->writer.req->pool, sizeof(*part));

    *part = (struct part){
        .exchange = x, .number = number, .pass = x->plan.steps[number]->pass, .is_open = true};
    part->sse.limit = part->elements.limit = settings_now()->reply_limit;
    x->open++;
    x->unheard++;
    LL_APPEND(x->parts, part);
    return part;
}

static h2o_timeout_t *beats(struct exchange *x)
{
    return x->plan.is_gathered ? &x->all->beat : &x->all->ping;
}

/* As long as calls have brought nothing, the client is told that they are on their way. */
static void watch_patience(struct exchange *x)
{
    uint64_t beat_ms =
        x->plan.is_gathered ? settings_now()->fake_stream_beat_ms : settings_now()->stream_ping_ms;

    if (x->writer.is_sse && x->endpoint->beat && beat_ms && x->unheard &&
        !h2o_timeout_is_linked(&x->ping_timer))
        h2o_timeout_link(x->all->web->loop, beats(x), &x->ping_timer);
}

/* Starts the calls that have been added to the plan. False: there is no room, and the request has
 * failed. */
static bool run(struct exchange *x)
{
    while (x->started < x->plan.count) {
        size_t number = x->started++;
        struct part *part = part_new(x, number);

        x->plan.steps[number]->order.asking = x->plan.route ? &x->asking : NULL;
        part->call = call_start(x->all->road, number ? 0 : x->id, &x->plan.steps[number]->order,
                                x->deadline_ms, &call_events, part);
        if (!part->call) {
            fail(x, &(struct complaint){.error = ERROR_NOT_READY,
                                        .text = "The gateway has too many open calls."});
            return false;
        }
        /* Whoever follows one request through the logs finds its further calls by this. */
        if (number)
            log_info("call.added", F_ID("call", call_facts(part->call).id), F_ID("request", x->id),
                     F_NUM("number", number));
    }
    watch_patience(x);
    return true;
}

/* What takes long is done in pieces, so that other requests have their turn. */
static bool work_soon(struct exchange *x)
{
    if (x->plan.has_work && !h2o_timeout_is_linked(&x->work_timer))
        h2o_timeout_link(x->all->web->loop, &x->all->work, &x->work_timer);
    return x->plan.has_work;
}

static void finish(struct exchange *x)
{
    enum error error = forms_answer(x);

    if (error != ERROR_NONE) {
        fail_here(x, error);
        return;
    }
    if (!run(x) || x->open || work_soon(x))
        return;
    stop_waiting(x);
    if (x->endpoint->end)
        x->endpoint->end(x->state, pacing_out(x));
    pacing_take(x);
    if (x->plan.lines.len)
        x->writer.lines = bytes_view(&x->plan.lines);
    pacing_end(x);
}

static void on_work_timer(h2o_timeout_entry_t *entry)
{
    struct exchange *x = H2O_STRUCT_FROM_MEMBER(struct exchange, work_timer, entry);
    enum error error;

    if (x->writer.is_ended || !x->writer.req)
        return;
    error = x->endpoint->work(x->state, &x->plan, &x->writer.pending);
    if (error == ERROR_NONE && !forms_charge(x))
        error = ERROR_REPLY_TOO_LARGE;
    if (error != ERROR_NONE)
        fail_here(x, error);
    else if (!work_soon(x) && !x->open)
        finish(x);
    writer_send(&x->writer);
}

/* What calls say */

static void credit(struct part *part)
{
    struct exchange *x = part->exchange;

    if (!part->call || !writer_is_idle(&x->writer) || pacing_holds(x))
        return;
    part->sent = call_mark(part->call);
    call_taken(part->call, part->sent);
}

static void heard(struct part *part)
{
    struct exchange *x = part->exchange;

    part->first_ms = clock_ms();
    if (--x->unheard == 0)
        h2o_timeout_unlink(&x->ping_timer);
    if (!x->first_ms)
        x->first_ms = part->first_ms;
}

static void on_head(void *owner, const struct answer_head *head)
{
    struct part *part = owner;
    struct exchange *x = part->exchange;

    heard(part);
    plan_forget_body(&x->plan, part->number);
    x->writer.model = x->plan.steps[part->number]->order.model;
    part->head = (struct answer_head){.status = head->status, .key_id = head->key_id};
    bytes_append(&part->headers, head->headers);
    if (part->pass != STEP_BYTES || x->writer.is_ended || !x->writer.req)
        return;
    if (!x->writer.status) /* a refusal comes so too, if its bytes are the answer */
        x->writer.status = head->status >= 200 && head->status <= 599 ? (int)head->status : 200;
    x->writer.length = head->length;
    x->writer.lines = bytes_view(&part->headers);
    if (head->type.len)
        x->writer.type = h2o_strdup(&x->writer.req->pool, head->type.at, head->type.len).base;
}

static void on_bytes(void *owner, struct view bytes, bool event_end)
{
    struct part *part = owner;
    struct exchange *x = part->exchange;
    enum error error;

    if (x->writer.is_ended || !x->writer.req)
        return;
    error = forms_take(part, bytes, event_end);
    (void)work_soon(x);
    if (error != ERROR_NONE)
        fail_here(x, error);
    else if (x->writer.pending.len)
        writer_send_soon(&x->writer);
    else
        credit(part);
}

/* The answer is whole, and its call over; what became of it may still be on its way. */
static void end(struct part *part)
{
    struct exchange *x = part->exchange;
    enum error error;

    part->is_open = false;
    x->open--;
    if (x->writer.is_ended || !x->writer.req)
        return;
    error = forms_end(part);
    if (error != ERROR_NONE)
        fail_here(x, error);
    else if (x->open == 0)
        finish(x);
    if (x->writer.is_ended || x->writer.pending.len)
        writer_send_soon(&x->writer);
    credit(part);
}

static void on_end(void *owner)
{
    end(owner);
}

/* The provider has answered, again and again, that it has nothing to say: a chat may be told so.
 * The upstream hands on the last such answer. */
static bool take_empty(struct part *part, const struct call_failure *failure)
{
    if (failure->error != ERROR_UPSTREAM_EMPTY || !failure->body.len || part->pass == STEP_BYTES ||
        forms_take(part, failure->body, true) != ERROR_NONE)
        return false;
    if (!part->first_ms)
        heard(part);
    plan_forget_body(&part->exchange->plan, part->number);
    end(part);
    return true;
}

/* The plan goes on with another call in this one's place. While the new body is made there are two
 * of it. */
static bool take_step(struct part *part, const struct call_failure *failure)
{
    struct exchange *x = part->exchange;
    size_t body_len = body_view(x->plan.steps[part->number]->order.body).len;
    bool is_outside = outside_is(view_of(x->plan.steps[part->number]->order.pool));

    if (!x->endpoint->failed || (!is_outside && !road_has_room(x->all->road, body_len, 2)) ||
        !x->endpoint->failed(x->state, &x->plan, part->number, failure))
        return false;
    part->is_answered = true;
    x->unheard -= part->first_ms == 0;
    part_close(part);
    plan_forget_body(&x->plan, part->number);
    if (run(x) && x->open == 0) { /* it goes on without this one */
        finish(x);
        writer_send_soon(&x->writer);
    }
    return true;
}

/* The provider's status is the client's business only where the mistake is its own; what became of
 * our keys is not. */
static int status_for_client(enum error error, uint64_t provider)
{
    int ours = error_facts(error)->status;
    bool is_clients = ours >= 400 && ours <= 499 && ours != 429;

    return is_clients && provider >= 400 && provider <= 499 ? (int)provider : 0;
}

static void on_failed(void *owner, const struct call_failure *failure)
{
    struct part *part = owner;
    const char *why = NULL;

    part->attempts = failure->is_tried;
    if (part->exchange->writer.is_ended || take_empty(part, failure) || take_step(part, failure))
        return;
    if (part->exchange->plan.why.len) /* the endpoint knows more */
        why = bytes_cstr(&part->exchange->plan.why);
    fail(part->exchange,
         &(struct complaint){.error = failure->error,
                             .text = why,
                             .param = why ? part->exchange->plan.param : NULL,
                             .status = status_for_client(failure->error, failure->status),
                             .retry_after_ms = failure->retry_after_ms,
                             .is_tried = failure->is_tried,
                             .body = failure->body});
}

static const struct call_events call_events = {
    .head = on_head, .bytes = on_bytes, .end = on_end, .failed = on_failed};

/* What the writer says */

static void on_sending(void *owner)
{
    struct exchange *x = owner;

    for (struct part *part = x->parts; part; part = part->next)
        if (part->call && !pacing_holds(x))
            part->sent = call_mark(part->call);
}

static void on_taken(void *owner)
{
    struct exchange *x = owner;

    if (x->writer.is_early && !x->is_bytes)
        (void)forms_charge(x); /* it has become less */
    if (pacing_holds(x))
        return;
    for (struct part *part = x->parts; part; part = part->next)
        if (part->call)
            call_taken(part->call, x->writer.pending.len ? part->sent : call_mark(part->call));
}

static void on_gone(void *owner)
{
    struct exchange *x = owner;

    if (!x->writer.is_ended)
        x->error = ERROR_CLIENT_GONE;
    stop_all(x);
}

static const struct writer_events writer_events = {
    .sending = on_sending, .taken = on_taken, .gone = on_gone};

/* Waiting for the first content */

/* The first part that has had its time: without a HEAD, or silent although its client reads. */
static struct part *late_part(struct exchange *x)
{
    bool is_client_slow = !writer_is_idle(&x->writer);
    uint64_t now_ms = clock_ms();

    for (struct part *part = x->parts; part; part = part->next) {
        uint64_t heard_ms = part->call ? call_facts(part->call).heard_ms : 0;
        uint64_t moved_ms = heard_ms > x->body_ms ? heard_ms : x->body_ms;
        bool is_fresh = now_ms - (moved_ms ? moved_ms : x->began_ms) < settings_now()->time_out_ms;
        bool is_moving = part->first_ms ? is_client_slow || is_fresh : x->body_ms && is_fresh;

        if (part->is_open && !is_moving)
            return part;
    }
    return NULL;
}

static void on_deadline_timer(h2o_timeout_entry_t *entry)
{
    struct exchange *x = H2O_STRUCT_FROM_MEMBER(struct exchange, deadline_timer, entry);
    static const struct call_failure too_late = {.error = ERROR_TIMEOUT};
    struct part *late;
    bool is_unheard;

    while ((late = late_part(x)) && take_step(late, &too_late))
        continue;
    is_unheard = late && call_facts(late->call).is_unheard;
    if (late)
        fail(x, &(struct complaint){.error = is_unheard ? ERROR_NOT_READY : ERROR_TIMEOUT});
    else if (!x->is_answered)
        h2o_timeout_link(x->all->web->loop, &x->all->deadline, entry);
}

static void on_ping_timer(h2o_timeout_entry_t *entry)
{
    struct exchange *x = H2O_STRUCT_FROM_MEMBER(struct exchange, ping_timer, entry);

    h2o_timeout_link(x->all->web->loop, beats(x), entry);
    if (x->writer.is_sending)
        return;
    x->endpoint->beat(x->state, &x->writer.pending);
    writer_send(&x->writer);
}

/* The end of the exchange */

/* The first call to the provider; what was only fetched for it says less. */
static const struct order *first_order(const struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        if (!outside_is(view_of(plan->steps[i]->order.pool)))
            return &plan->steps[i]->order;
    return &plan->steps[0]->order;
}

static void log_done(struct exchange *x)
{
    const struct writer *writer = &x->writer;
    const struct order *first = first_order(&x->plan);
    bool is_whole =
        writer->is_ended && !writer->is_broken && x->error == ERROR_NONE && writer->is_last;
    bool is_gone = x->error == ERROR_CLIENT_GONE || (!writer->is_ended && !x->error);
    uint64_t attempts = 0;

    assert(x->parts); /* a plan has a step */
    for (struct part *part = x->parts; part; part = part->next)
        attempts += part->attempts;
    log_info("call.done", F_ID("call", x->id), F_STR("dialect", x->endpoint->name),
             F_STR("operation", first->operation), F_VIEW("model", first->model),
             F_NUM("status", is_gone ? 499 : writer->status),
             F_STR("error", is_whole                 ? "none"
                            : x->error != ERROR_NONE ? error_facts(x->error)->name
                                                     : "client_gone"),
             F_NUM("ms", clock_ms() - x->began_ms),
             F_NUM("first_ms", x->first_ms ? x->first_ms - x->began_ms : 0),
             F_NUM("bytes", writer->sent_bytes), F_NUM("calls", x->plan.count),
             F_NUM("attempts", attempts), F_ID("upstream", x->parts->upstream));
}

static void on_disposed(void *data)
{
    struct exchange *x = data;
    struct exchanges *all = x->all;

    x->writer.is_last = !x->writer.req;
    stop_all(x);
    log_done(x);
    forms_clear(x);
    pacing_clear(x);
    writer_clear(&x->writer);
    if (x->endpoint->clear)
        x->endpoint->clear(x->state);
    plan_clear(&x->plan);
    DL_DELETE(all->open, x);
    if (--all->count == 0)
        all->on_idle(all->owner);
}

/* h2o has looked at the calendar's clock when the request's first byte came. */
static struct asking asking_of(const h2o_req_t *req, const struct plan *plan, uint64_t id)
{
    const struct timeval *first = &req->timestamps.request_begin_at;
    uint64_t utc_us = clock_utc_ms() * 1000;
    uint64_t first_us = (uint64_t)first->tv_sec * 1000000 + (uint64_t)first->tv_usec;
    uint64_t passed_us = clock_us() - plan->read_at_us; /* since it was there */
    uint64_t since_us = first->tv_sec && utc_us > first_us ? utc_us - first_us : 0;
    uint64_t read_us = since_us > passed_us ? since_us - passed_us : 0;

    return (struct asking){.route = plan->route,
                           .request = id,
                           .begun_us = plan->read_at_us - read_us,
                           .asked_ms = (utc_us - passed_us - read_us) / 1000,
                           .read_us = read_us,
                           .read_at_us = plan->read_at_us};
}

/* What a client allows can only make it shorter. */
static uint64_t time_out_of(uint64_t clients_ms)
{
    uint64_t ours_ms = settings_now()->time_out_ms;

    return clients_ms && clients_ms < ours_ms ? clients_ms : ours_ms;
}

struct exchange *exchange_begin(struct exchanges *all, h2o_req_t *req,
                                const struct endpoint *endpoint, const struct error_shape *shape,
                                void *state, struct plan *plan, uint64_t id)
{
    struct exchange *x = h2o_mem_alloc_shared(&req->pool, sizeof(*x), on_disposed);

    *x = (struct exchange){.all = all,
                           .endpoint = endpoint,
                           .shape = shape,
                           .state = state,
                           .plan = *plan,
                           .id = id,
                           .began_ms = clock_ms(),
                           .at_border = true};
    if (plan->route)
        x->asking = asking_of(req, plan, id);
    *plan = (struct plan){0};
    x->deadline_ms = x->began_ms + time_out_of(x->plan.time_out_ms);
    x->deadline_timer.cb = on_deadline_timer;
    x->ping_timer.cb = on_ping_timer;
    pacing_begin(x);
    x->work_timer.cb = on_work_timer;
    x->is_bytes = x->plan.steps[0]->pass == STEP_BYTES;
    writer_open(&x->writer, &all->writers, req, id, &writer_events, x);
    x->writer.model = x->plan.steps[0]->order.model;
    x->writer.is_sse = x->plan.is_sse;
    x->writer.is_early = x->plan.is_sse || x->is_bytes || x->plan.is_early;
    x->writer.type = x->plan.is_sse ? endpoint->stream : x->plan.type;
    all->count++;
    DL_APPEND(all->open, x);
    h2o_timeout_link(all->web->loop, &all->deadline, &x->deadline_timer);
    run(x);
    return x;
}
