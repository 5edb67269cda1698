/* SPDX-License-Identifier: Apache-2.0 */
/* Direct transfers. What must stay true: a request is sent once, on one connection; that connection
 * serves another one only if this request and its answer were whole and nothing came behind them;
 * and `done` is called from inside the loop alone.
 *
 * 1. An answer may come before the request has left: it counts, and the rest is not sent.
 * 2. A paused transfer keeps what was read and is not taken, and reads no more. What it finds when
 * it is resumed, its end too, is told then; the end by the loop. */
#include "transfer/direct.h"

#include <stdlib.h>
#include <utlist.h>

#include "transfer/connection.h"
#include "transfer/request.h"
#include "transfer/response.h"
#include "base/sse.h"

enum {
    READ_LEN = 32 * 1024,
    JOIN_MOST = 16 * 1024, /* a request up to this leaves as one TLS record */
    HEAD_KEPT = 2 * 1024,  /* bytes of a head's memory that an idle transfer keeps */
    READS_MOST = 4,        /* of one transfer before others have their turn */
    READ_MUCH = 8 * 1024,  /* behind a read of so much there is probably more */
};

struct run {
    struct transfer base; /* is the first */
    struct direct *direct;
    struct bytes origin;
    struct bytes head; /* the key is in it: wiped when it has left */
    bool is_tls;
    const char *refusal; /* why it cannot be sent */
    struct view body;    /* of the order */
    struct connection *connection;
    struct view unsent_head, unsent_body;
    bool is_sent;
    bool is_send_broken; /* what the provider has said to that is still read */
    bool is_paused;
    bool is_stream; /* of events: its connection knows it */
    struct response response;
    struct bytes held; /* paused: a slice, and behind it what is not read yet */
    size_t held_slice; /* bytes of it */
    size_t held_rest;  /* where that begins */
    bool is_due;       /* in the list of those */
    bool has_ended;    /* to be told by the loop: */
    enum transfer_end end;
    struct bytes why;
};

struct direct {
    struct engine *engine;
    struct connections connections;
    struct targets targets;
    struct bytes headers;
    struct transfer *due; /* those that the next turn must look at */
    struct transfer *pool;
    size_t pool_count;
    char buffer[READ_LEN];
};

static struct run *run_of(struct transfer *transfer)
{
    return (struct run *)transfer;
}

/* The pool */

static void wipe_head(struct run *run)
{
    if (run->head.at)
        explicit_bzero(run->head.at, run->head.size);
    run->head.len = 0;
    if (run->head.size > HEAD_KEPT)
        bytes_clear(&run->head);
}

static void run_free(struct run *run)
{
    wipe_head(run);
    bytes_clear(&run->origin);
    bytes_clear(&run->head);
    bytes_clear(&run->held);
    bytes_clear(&run->why);
    free(run);
}

static struct run *run_take(struct direct *direct)
{
    struct transfer *transfer = direct->pool;
    struct run *run;

    if (transfer) {
        LL_DELETE(direct->pool, transfer);
        direct->pool_count--;
        return run_of(transfer);
    }
    run = memory_new(sizeof(*run));
    run->direct = direct;
    return run;
}

static void run_give(struct run *run)
{
    struct direct *direct = run->direct;

    wipe_head(run);
    bytes_clear(&run->held);
    if (direct->pool_count >= ENGINE_POOL_MOST) {
        run_free(run);
        return;
    }
    LL_PREPEND(direct->pool, &run->base);
    direct->pool_count++;
}

static void reset(struct run *run)
{
    run->connection = NULL;
    run->refusal = NULL;
    run->is_sent = run->is_send_broken = run->is_paused = run->is_stream = false;
    run->is_due = run->has_ended = false;
    run->why.len = 0;
    response_init(&run->response);
}

static void write_head(struct run *run, const struct target *target,
                       const struct transfer_order *order)
{
    struct direct *direct = run->direct;

    run->is_tls = target->is_tls;
    bytes_copy(&run->origin, bytes_view(&target->origin));
    if (!request_write(&run->head, target, order, bytes_view(&direct->headers)))
        run->refusal = "the key cannot be sent: it holds control characters";
}

/* A URL that is none is told as a fault of this transfer: a name that nobody has. */
struct transfer *direct_new(struct direct *direct, const struct transfer_order *order)
{
    const struct target *target = targets_find(&direct->targets, order->url);
    struct run *run = run_take(direct);

    reset(run);
    run->body = order->body;
    if (!target)
        target = targets_find(&direct->targets, "http://url.invalid/");
    write_head(run, target, order);
    return &run->base;
}

/* What is left for the loop */

static void make_due(struct run *run)
{
    if (!run->is_due)
        DL_APPEND(run->direct->due, &run->base);
    run->is_due = true;
    engine_due(run->direct->engine);
}

static void end_later(struct run *run, enum transfer_end end, const char *why)
{
    run->has_ended = true;
    run->end = end;
    run->why.len = 0;
    bytes_text(&run->why, why);
    make_due(run);
}

static void detach(struct run *run)
{
    if (run->is_due)
        DL_DELETE(run->direct->due, &run->base);
    run->is_due = false;
    if (run->connection)
        connection_close(run->connection);
    run->connection = NULL;
    engine_leave(&run->base);
}

static void tell_end(struct run *run)
{
    detach(run);
    run->base.events->done(run->base.owner, run->end, bytes_cstr(&run->why));
    run_give(run);
}

/* Sending */

static void after_sending(struct run *run)
{
    run->is_sent = true;
    run->body = (struct view){0}; /* its owner may free it */
    wipe_head(run);
}

static bool wants_write(const struct run *run)
{
    return !run->is_sent && !run->is_send_broken;
}

static void send_on(struct run *run)
{
    unsigned events = LOOP_READ;
    int fault = connection_send(run->connection, &run->unsent_head, &run->unsent_body);

    if (!fault)
        after_sending(run);
    else if (fault == CONNECTION_AGAIN)
        events |= LOOP_WRITE;
    else
        run->is_send_broken = true; /* reading will show why, perhaps in an answer */
    connection_watch(run->connection, events);
}

/* Not by growing the head: that would leave a copy of the key behind. */
static void join(struct run *run)
{
    struct bytes joined = {0};

    bytes_room(&joined, run->head.len + run->body.len);
    bytes_append(&joined, bytes_view(&run->head));
    bytes_append(&joined, run->body);
    wipe_head(run);
    bytes_clear(&run->head);
    run->head = joined;
    run->body = (struct view){0};
}

/* The connection is there, and it is the first time. */
static void send_first(struct run *run)
{
    if (run->is_tls && run->body.len && run->head.len + run->body.len <= JOIN_MOST)
        join(run);
    run->unsent_head = bytes_view(&run->head);
    run->unsent_body = run->body;
    send_on(run);
}

/* Reading */

/* The end has come while events are told: at once, or by the loop. */
static void end(struct run *run, bool is_inside, enum transfer_end how, const char *why)
{
    if (!is_inside) {
        end_later(run, how, why);
        return;
    }
    run->end = how;
    run->why.len = 0;
    bytes_text(&run->why, why);
    tell_end(run);
}

static void let_go(struct run *run, size_t left)
{
    if (!run->response.may_be_kept || left || !run->is_sent)
        return; /* it will be closed */
    connection_keep(run->connection);
    run->connection = NULL;
}

static void hold(struct run *run, struct view slice, struct view text)
{
    run->is_paused = true;
    run->held.len = 0;
    bytes_append(&run->held, (struct view){slice.at, (size_t)(text.at + text.len - slice.at)});
    run->held_slice = slice.len;
    run->held_rest = (size_t)(text.at - slice.at);
    connection_watch(run->connection, 0);
}

static void give_head(struct run *run)
{
    const struct response *response = &run->response;

    run->base.events->head(run->base.owner, response->status, response_type(response),
                           response->length);
}

/* False: no more of it can be read now; the run may be gone. */
static bool give_bytes(struct run *run, struct view slice, struct view text, bool is_inside)
{
    switch (run->base.events->bytes(run->base.owner, slice)) {
    case TRANSFER_TAKEN:
        return true;
    case TRANSFER_LATER:
        hold(run, slice, text);
        return false;
    case TRANSFER_STOP:
        end(run, is_inside, TRANSFER_STOPPED, "");
        return false;
    }
    return false;
}

/* False: as above. */
static bool give(struct run *run, struct view text, bool is_inside)
{
    enum response_sign sign;
    struct view slice = {0};

    while ((sign = response_read(&run->response, &text, &slice)) != RESPONSE_MORE) {
        if (sign == RESPONSE_HEAD)
            give_head(run);
        if (sign == RESPONSE_BYTES && !give_bytes(run, slice, text, is_inside))
            return false;
        if (sign == RESPONSE_END) {
            let_go(run, text.len);
            end(run, is_inside, TRANSFER_CLEAN, "");
            return false;
        }
        if (sign == RESPONSE_WRONG) {
            end(run, is_inside, TRANSFER_BROKEN, run->response.why);
            return false;
        }
    }
    return true;
}

/* As long as its head is not whole, its type may not be either. */
static void tell_stream(struct run *run)
{
    const struct response *response = &run->response;

    if (run->is_stream || !run->is_sent || !response->status ||
        !sse_is_type(response_type(response)))
        return;
    run->is_stream = true;
    connection_streams(run->connection);
}

static void read_end(struct run *run)
{
    bool is_whole = response_close(&run->response) == RESPONSE_END;

    end(run, true, is_whole ? TRANSFER_CLEAN : TRANSFER_BROKEN, is_whole ? "" : run->response.why);
}

/* From inside the loop, which tells of what is left; but a stream's socket may have to wait for
 * that. */
static void read_on(struct run *run)
{
    struct direct *direct = run->direct;

    for (int i = 0; i < READS_MOST; i++) {
        ssize_t len = connection_receive(run->connection, direct->buffer, sizeof(direct->buffer));

        if (len == CONNECTION_AGAIN)
            return;
        if (len == CONNECTION_BROKEN) {
            end(run, true, TRANSFER_BROKEN, connection_why(run->connection));
            return;
        }
        if (len == 0) {
            read_end(run);
            return;
        }
        if (!give(run, (struct view){direct->buffer, (size_t)len}, true))
            return;
        tell_stream(run);
        if (!connection_holds(run->connection) && len < READ_MUCH)
            return;
    }
    make_due(run);
}

void direct_resume(struct transfer *transfer)
{
    struct run *run = run_of(transfer);
    struct bytes held = run->held;
    struct view slice = {held.at, run->held_slice};
    struct view text = view_skip(bytes_view(&held), run->held_rest);

    if (!run->is_paused)
        return;
    run->is_paused = false;
    run->held = (struct bytes){0};
    if (give_bytes(run, slice, text, false) && give(run, text, false)) {
        connection_watch(run->connection, wants_write(run) ? LOOP_READ | LOOP_WRITE : LOOP_READ);
        if (connection_holds(run->connection))
            make_due(run);
    }
    bytes_clear(&held);
}

/* What connections tell */

static void on_found(void *user)
{
    struct run *run = user;

    engine_found(&run->base);
}

static void on_opened(void *user)
{
    struct run *run = user;

    engine_found(&run->base);
    send_first(run);
}

static void on_failed(void *user, enum transfer_end how, const char *why)
{
    struct run *run = user;

    run->connection = NULL;
    end(run, true, how, why);
}

static void on_ready(void *user, unsigned events)
{
    struct run *run = user;

    if (run->has_ended)
        return; /* it is due */
    if ((events & LOOP_WRITE) && wants_write(run))
        send_on(run);
    if (events & (LOOP_READ | LOOP_BROKEN))
        read_on(run);
}

static const struct connection_events connection_events = {
    .found = on_found, .opened = on_opened, .failed = on_failed, .ready = on_ready};

/* Running */

bool direct_has_idle(const struct transfer *transfer)
{
    const struct run *run = (const struct run *)transfer;

    return connections_has_idle(&run->direct->connections, bytes_view(&run->origin));
}

void direct_run(struct transfer *transfer)
{
    struct run *run = run_of(transfer);
    struct connections *connections = &run->direct->connections;

    if (run->refusal) {
        end_later(run, TRANSFER_BROKEN, run->refusal);
        return;
    }
    run->connection = connection_take(connections, bytes_view(&run->origin), run);
    if (run->connection) {
        engine_found(transfer);
        send_first(run);
        return;
    }
    direct_make_room(run->direct, engine_direct_most(run->direct->engine));
    run->connection = connection_open(connections, bytes_view(&run->origin), run->is_tls, run);
}

bool direct_is_sent(const struct transfer *transfer)
{
    return ((const struct run *)transfer)->is_sent;
}

void direct_cancel(struct transfer *transfer)
{
    struct run *run = run_of(transfer);

    if (!transfer->is_waiting)
        detach(run);
    run_give(run);
}

uint64_t direct_due_ms(const struct direct *direct)
{
    return direct->due ? 0 : connections_due_ms(&direct->connections);
}

/* As many as are due now: what becomes due meanwhile has its turn later. */
void direct_turn(struct direct *direct, uint64_t now_ms)
{
    struct transfer *transfer;
    size_t count;

    connections_turn(&direct->connections, now_ms);
    DL_COUNT(direct->due, transfer, count);
    while (direct->due && count--) {
        struct run *run = run_of(direct->due);

        DL_DELETE(direct->due, &run->base);
        run->is_due = false;
        if (run->has_ended)
            tell_end(run);
        else if (!run->is_paused)
            read_on(run);
    }
}

/* Opening and closing */

static void on_wake(void *owner)
{
    struct direct *direct = owner;

    engine_due(direct->engine);
}

static void on_after(void *owner)
{
    struct direct *direct = owner;

    engine_after(direct->engine);
}

struct direct *direct_open(struct engine *engine)
{
    struct direct *direct = memory_new(sizeof(*direct));

    direct->engine = engine;
    direct->connections = (struct connections){
        .loop = engine->front->loop,
        .settings = &engine->settings,
        .events = &connection_events,
        .wake = on_wake,
        .after = on_after,
        .owner = direct,
    };
    connections_open(&direct->connections);
    targets_open(&direct->targets);
    request_headers(&direct->headers, &engine->settings);
    return direct;
}

static void trim_to(struct direct *direct, size_t most)
{
    while (direct->pool_count > most) {
        struct transfer *transfer = direct->pool;

        LL_DELETE(direct->pool, transfer);
        direct->pool_count--;
        run_free(run_of(transfer));
    }
}

void direct_make_room(struct direct *direct, size_t most)
{
    while (direct->connections.count >= most && connections_close_oldest(&direct->connections))
        ;
}

void direct_trim(struct direct *direct)
{
    trim_to(direct, ENGINE_POOL_TRIMMED);
    if (!direct->engine->front->count && direct->connections.count > ENGINE_CONNECTIONS_TRIMMED)
        connections_close_idle(&direct->connections);
}

void direct_close(struct direct *direct)
{
    trim_to(direct, 0);
    connections_close(&direct->connections);
    targets_close(&direct->targets);
    if (direct->headers.at)
        explicit_bzero(direct->headers.at, direct->headers.size);
    bytes_clear(&direct->headers);
    free(direct);
}
