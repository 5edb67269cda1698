/* SPDX-License-Identifier: Apache-2.0 */
/* Replies on their way to clients. merge.c adds to them what upstreams send, h2o takes it at the
 * client's pace.
 *
 *   chunks of each leg -> (dialect) -> pending -> in_flight -> h2o -> proceed: acknowledged
 *
 *  1. h2o_send happens in callbacks of h2o's loop only: on_send_timer, proceed, on_gone; one at a
 * time.
 *  2. A run of bytes is acknowledged when what became of it has been taken by the client's socket,
 * or when it lies in reassembly, which REPLY_LIMIT bounds. So a client that doesn't read fills one
 * window and no more.
 *  3. Once the status has gone out, an error is an event in the stream or the last element of the
 * array, or else a connection that breaks visibly. */
#include "exchange/reply.h"

#include <stdio.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "frontend.h"
#include "http/entry.h"
#include "base/log.h"
#include "exchange/merge.h"

enum {
    GRACE_MS = 2000,        /* the upstream is to notice a deadline before we do */
    KEEP_MOST = 64 * 1024,  /* buffers above this are not kept for the next run */
    STALL_LOOKS = 8,        /* in CLIENT_STALL, which may be exceeded by one of them */
    URGENT_MOST = 4 * 1024, /* bytes taken after which an acknowledgement doesn't wait */
};

static void send_now(struct exchange *x);

void reply_open(struct frontend *frontend)
{
    h2o_timeout_init(frontend->web.loop, &frontend->replies.deadline,
                     options.time_out_ms + GRACE_MS);
    h2o_timeout_init(frontend->web.loop, &frontend->replies.ping, options.stream_ping_ms);
    h2o_timeout_init(frontend->web.loop, &frontend->replies.stall,
                     options.client_stall_ms / STALL_LOOKS + 1);
}

/* Acknowledging */

static size_t urgent_bytes(void)
{
    size_t quarter = options.answer_window / 4;

    return quarter < URGENT_MOST ? quarter : URGENT_MOST;
}

/* Notes that all up to `seq` is taken. */
static void taken(struct leg *leg, uint64_t seq, bool is_asked)
{
    bool is_news = !leg->has_acked || seq > leg->acked_seq;

    if (!leg->upstream || (!is_news && !is_asked))
        return;
    leg->has_acked = true;
    leg->acked_seq = seq;
    upstream_ack(leg->upstream, &leg->ack_place, (struct ack){leg->call.id, leg->call.offer, seq},
                 leg->unacked >= urgent_bytes());
    leg->unacked = 0;
}

void reply_ack(struct leg *leg, bool is_asked)
{
    const struct exchange *x = leg->exchange;
    bool is_idle = !x->is_sending && x->pending.len == 0;

    if (leg->call.next_seq == 0)
        return;
    if (is_idle || !x->req || x->error != ERROR_NONE) /* after an error the rest doesn't matter */
        taken(leg, leg->call.next_seq - 1, is_asked);
    else if (is_asked && leg->has_acked)
        taken(leg, leg->acked_seq, true);
}

/* Sending */

static void on_send_timer(h2o_timeout_entry_t *entry)
{
    send_now(H2O_STRUCT_FROM_MEMBER(struct exchange, send_timer, entry));
}

void reply_send_soon(struct exchange *x)
{
    if (x->req && !x->is_sending)
        web_defer(&x->frontend->web, &x->send_timer);
}

/* It looks now and then, so that sending an event costs no timer. */
static void on_stall_timer(h2o_timeout_entry_t *entry)
{
    struct exchange *x = H2O_STRUCT_FROM_MEMBER(struct exchange, stall_timer, entry);
    h2o_loop_t *loop = x->frontend->web.loop;

    h2o_timeout_link(loop, &x->frontend->replies.stall, entry);
    if (!x->is_sending || h2o_now(loop) < x->send_ms + options.client_stall_ms)
        return;
    log_info("client.stalled", F_ID("call", x->id));
    shutdown(x->socket_fd, SHUT_RDWR);
}

static const char *type_of(const struct exchange *x)
{
    if (x->form == FORM_RAW && x->type.len)
        return x->type.at; /* bytes_cstr'd when it came */
    return x->is_sse ? x->dialect->stream_type : "application/json";
}

static void add_type(struct exchange *x, const char *type)
{
    h2o_iovec_t copy = h2o_strdup(&x->req->pool, type, SIZE_MAX);

    h2o_add_header(&x->req->pool, &x->req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, copy.base,
                   copy.len);
}

static void start_error(struct exchange *x)
{
    x->req->res.content_length = x->pending.len;
    add_type(x, "application/json");
    http_retry(x->req, x->error, x->retry_after_ms);
}

static void start_answer(struct exchange *x)
{
    h2o_req_t *req = x->req;

    x->status = x->status ? x->status : 200;
    if (x->is_ended && !x->is_broken && !x->last_words.len)
        req->res.content_length = x->is_head && x->form == FORM_RAW ? x->relayed : x->pending.len;
    else if (x->form == FORM_RAW && x->length && !x->is_sse)
        req->res.content_length = x->length - 1;
    else if (req->version < 0x101)
        req->http1_is_persistent = 0; /* the end of the connection is the end of the reply */
    add_type(x, type_of(x));
    if (x->is_sse) {
        h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CACHE_CONTROL, NULL,
                       H2O_STRLIT("no-cache"));
        web_header(req, "x-accel-buffering", VIEW("no"));
    }
}

/* Writes the header lines once it is known what they must say. */
static bool start(struct exchange *x)
{
    bool is_failed = x->is_ended && x->has_failed;

    if (!x->is_ended && (x->pending.len == 0 || x->form == FORM_WHOLE || x->is_head))
        return false;
    http_common(x->req, x->id);
    if (is_failed)
        start_error(x);
    else
        start_answer(x);
    x->req->res.status = x->status;
    x->req->res.reason = web_reason(x->status);
    if (x->frontend->actor.is_draining)
        x->req->http1_is_persistent = 0;
    x->is_started = true;
    h2o_timeout_link(x->frontend->web.loop, &x->frontend->replies.stall, &x->stall_timer);
    h2o_start_response(x->req, &x->generator);
    return true;
}

static h2o_send_state_t state_of(const struct exchange *x)
{
    if (!x->is_ended || x->last_words.len)
        return H2O_SEND_STATE_IN_PROGRESS;
    return x->is_broken ? H2O_SEND_STATE_ERROR : H2O_SEND_STATE_FINAL;
}

static void swap(struct bytes *a, struct bytes *b)
{
    struct bytes c = *a;

    *a = *b;
    *b = c;
}

static void empty(struct bytes *bytes)
{
    bytes->len = 0;
    if (bytes->size > KEEP_MOST)
        bytes_clear(bytes);
}

static void send_now(struct exchange *x)
{
    h2o_req_t *req = x->req;
    h2o_send_state_t state;
    h2o_iovec_t buf;

    if (!req || x->is_sending || (!x->is_started && !start(x)))
        return;
    if (x->pending.len == 0)
        swap(&x->pending, &x->last_words);
    state = state_of(x);
    if (state == H2O_SEND_STATE_IN_PROGRESS && x->pending.len == 0)
        return;
    swap(&x->pending, &x->in_flight);
    buf = h2o_iovec_init(x->in_flight.at, x->in_flight.len);
    x->sent_bytes += buf.len;
    LEGS_OF (x, leg)
        leg->in_flight_seq = leg->call.next_seq ? leg->call.next_seq - 1 : 0;
    x->is_sending = true;
    x->send_ms = h2o_now(x->frontend->web.loop);
    if (state != H2O_SEND_STATE_IN_PROGRESS) {
        web_untap(req);
        x->req = NULL; /* h2o may dispose of all this before h2o_send returns */
    }
    h2o_send(req, &buf, buf.len && !x->is_head ? 1 : 0, state);
}

static void on_proceed(h2o_generator_t *generator, h2o_req_t *req)
{
    struct exchange *x = H2O_STRUCT_FROM_MEMBER(struct exchange, generator, generator);

    (void)req;
    x->is_sending = false;
    empty(&x->in_flight);
    if (x->pending.len == 0)
        swap(&x->pending, &x->in_flight); /* one buffer that is used again beats two */
    if (x->form == FORM_EVENTS)
        (void)merge_charge(x); /* it has become less */
    LEGS_OF (x, leg) {
        if (leg->call.next_seq && x->pending.len)
            taken(leg, leg->in_flight_seq, false);
        else
            reply_ack(leg, false);
    }
    send_now(x);
}

/* Waiting for the first content */

/* The first leg that has had its time: without a HEAD, or silent although its client reads. */
static const struct leg *late_leg(struct exchange *x)
{
    bool is_client_slow = x->is_sending || x->pending.len;
    uint64_t now_ms = clock_ms();

    LEGS_OF (x, leg) {
        bool is_fresh = now_ms - leg->heard_ms < options.time_out_ms;

        if (leg->call.state != CALL_DONE && !(leg->first_ms && (is_client_slow || is_fresh)))
            return leg;
    }
    return NULL;
}

static void on_deadline_timer(h2o_timeout_entry_t *entry)
{
    struct exchange *x = H2O_STRUCT_FROM_MEMBER(struct exchange, deadline_timer, entry);
    const struct leg *late = late_leg(x);
    bool is_unheard = late && late->call.state == CALL_HELD_BACK && late->call.offer == 1;

    if (!late)
        h2o_timeout_link(x->frontend->web.loop, &x->frontend->replies.deadline, entry);
    else
        calls_fail(x, &(struct complaint){.error = is_unheard ? ERROR_NOT_READY : ERROR_TIMEOUT});
}

static void on_ping_timer(h2o_timeout_entry_t *entry)
{
    struct exchange *x = H2O_STRUCT_FROM_MEMBER(struct exchange, ping_timer, entry);

    h2o_timeout_link(x->frontend->web.loop, &x->frontend->replies.ping, entry);
    if (x->is_sending)
        return;
    bytes_text(&x->pending, ": keep-alive\n\n");
    send_now(x);
}

void reply_wait(struct exchange *x)
{
    struct frontend *frontend = x->frontend;

    h2o_timeout_link(frontend->web.loop, &frontend->replies.deadline, &x->deadline_timer);
    if (x->is_sse && options.stream_ping_ms)
        h2o_timeout_link(frontend->web.loop, &frontend->replies.ping, &x->ping_timer);
}

void reply_waited(struct exchange *x)
{
    h2o_timeout_unlink(&x->deadline_timer);
    h2o_timeout_unlink(&x->ping_timer);
}

/* The reply ends by an error */

static void fail_before_start(struct exchange *x, const struct complaint *complaint)
{
    x->pending.len = 0;
    x->has_failed = true;
    x->status = complaint->status ? complaint->status : error_facts(complaint->error)->status;
    x->dialect->error(complaint, &x->pending);
}

static void fail_in_stream(struct exchange *x, const struct complaint *complaint)
{
    if (!x->at_border)
        bytes_text(&x->pending,
                   "\n\n"); /* ends the event that broke off, so that the next one is read */
    x->dialect->stream_error(complaint, &x->last_words);
    x->req->http1_is_persistent = 0;
}

/* Where the array could go on. */
static bool may_fail_in_array(const struct exchange *x)
{
    return x->is_array && !x->is_closed && x->at_border && !x->length;
}

/* As Google ends it: the error is the last element. */
static void fail_in_array(struct exchange *x, const struct complaint *complaint)
{
    bytes_text(&x->last_words, "\n,\n");
    x->dialect->stream_error(complaint, &x->last_words);
    bytes_text(&x->last_words, "]\n");
    x->req->http1_is_persistent = 0;
}

void reply_fail(struct exchange *x, const struct complaint *complaint)
{
    if (x->is_ended || !x->req)
        return;
    x->is_ended = true;
    x->error = complaint->error;
    x->retry_after_ms = complaint->retry_after_ms;
    if (x->is_sse && (x->is_started || x->pending.len))
        fail_in_stream(x, complaint);
    else if (!x->is_started)
        fail_before_start(x, complaint);
    else if (may_fail_in_array(x))
        fail_in_array(x, complaint);
    else
        x->is_broken = true;
    reply_send_soon(x);
}

/* The client hangs up */

static void on_gone(void *data)
{
    struct exchange *x = data;
    h2o_req_t *req = x->req;

    if (!x->is_ended)
        x->error = ERROR_CLIENT_GONE;
    x->is_ended = true;
    calls_abandon(x);
    x->pending.len = x->last_words.len = 0;
    x->has_failed = true;
    x->is_broken = x->is_started;
    if (x->is_sending) {
        shutdown(x->socket_fd, SHUT_RDWR); /* h2o finds out when it writes on */
        return;
    }
    x->status = x->is_started ? x->status : error_facts(ERROR_CLIENT_GONE)->status;
    req->http1_is_persistent = 0;
    send_now(x);
}

/* The end of the exchange */

static uint64_t attempts_of(struct exchange *x)
{
    uint64_t count = 0;

    LEGS_OF (x, leg)
        count += leg->call.attempts + leg->is_repaired;
    return count;
}

static void log_done(struct exchange *x)
{
    uint64_t now_ms = clock_ms();
    bool is_whole = x->is_ended && !x->is_broken && x->error == ERROR_NONE && !x->req;
    int status = x->error == ERROR_CLIENT_GONE || (!x->is_ended && !x->error) ? 499 : x->status;

    log_info("call.done", F_ID("call", x->id), F_STR("dialect", x->dialect->name),
             F_STR("operation", x->ask.operation), F_VIEW("model", bytes_view(&x->ask.model)),
             F_NUM("status", status),
             F_STR("error", is_whole                 ? "none"
                            : x->error != ERROR_NONE ? error_facts(x->error)->name
                                                     : "client_gone"),
             F_NUM("ms", now_ms - x->began_ms),
             F_NUM("first_ms", x->first_ms ? x->first_ms - x->began_ms : 0),
             F_NUM("bytes", x->sent_bytes), F_NUM("legs", x->leg_count),
             F_NUM("attempts", attempts_of(x)), F_ID("upstream", x->legs[0].call.upstream));
}

static void on_disposed(void *data)
{
    struct exchange *x = data;

    h2o_timeout_unlink(&x->send_timer);
    h2o_timeout_unlink(&x->stall_timer);
    x->req = NULL;
    calls_abandon(x);
    log_done(x);
    merge_clear(x);
    if (--x->frontend->replies.open == 0 && x->frontend->actor.is_draining)
        actor_wake(&x->frontend->actor, 0);
    ask_clear(&x->ask);
    reply_clear(&x->reply);
    bytes_clear(&x->pending);
    bytes_clear(&x->in_flight);
    bytes_clear(&x->last_words);
    bytes_clear(&x->type);
}

static void init_legs(struct exchange *x)
{
    memset(x->legs, 0, x->leg_count * sizeof(struct leg));
    LEGS_OF (x, leg) {
        leg->exchange = x;
        leg->index = (size_t)(leg - x->legs);
        leg->heard_ms = x->began_ms;
        leg->sse.limit = leg->elements.limit = options.reply_limit;
    }
}

struct exchange *reply_begin(struct frontend *frontend, h2o_req_t *req,
                             const struct dialect *dialect, struct ask *ask, bool is_sse,
                             uint64_t id, uint64_t client)
{
    size_t count = ask_legs(ask);
    struct exchange *x =
        h2o_mem_alloc_shared(&req->pool, sizeof(*x) + count * sizeof(struct leg), on_disposed);

    *x = (struct exchange){.id = id,
                           .frontend = frontend,
                           .dialect = dialect,
                           .ask = *ask,
                           .client = client,
                           .began_ms = clock_ms(),
                           .leg_count = count,
                           .req = req,
                           .socket_fd =
                               h2o_socket_get_fd(req->conn->callbacks->get_socket(req->conn)),
                           .is_sse = is_sse,
                           .is_head = web_is_head(req),
                           .at_border = true};
    *ask = (struct ask){0};
    x->deadline_ms = x->began_ms + options.time_out_ms;
    x->form = dialect->is_raw ? FORM_RAW : x->ask.stream ? FORM_EVENTS : FORM_WHOLE;
    x->generator.proceed = on_proceed;
    x->send_timer.cb = on_send_timer;
    x->deadline_timer.cb = on_deadline_timer;
    x->ping_timer.cb = on_ping_timer;
    x->stall_timer.cb = on_stall_timer;
    x->reply.ask = &x->ask;
    x->reply.id = id;
    x->reply.created_s = clock_utc_ms() / 1000;
    init_legs(x);
    frontend->replies.open++;
    web_tap(req, on_gone, x);
    return x;
}
