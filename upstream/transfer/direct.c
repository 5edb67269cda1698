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

struct exchange {
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
    struct bytes lines; /* wanted ones of its head */
    struct bytes held;  /* paused: a slice, and behind it what is not read yet */
    size_t held_slice;  /* bytes of it */
    size_t held_rest;   /* where that begins */
    bool is_due;        /* in the list of those */
    bool has_ended;     /* to be told by the loop: */
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

static struct exchange *exchange_of(struct transfer *transfer)
{
    return (struct exchange *)transfer;
}

/* The pool */

static void wipe_head(struct exchange *exchange)
{
    if (exchange->head.at)
        explicit_bzero(exchange->head.at, exchange->head.size);
    exchange->head.len = 0;
    if (exchange->head.size > HEAD_KEPT)
        bytes_clear(&exchange->head);
}

static void exchange_free(struct exchange *exchange)
{
    wipe_head(exchange);
    bytes_clear(&exchange->origin);
    bytes_clear(&exchange->head);
    bytes_clear(&exchange->held);
    bytes_clear(&exchange->lines);
    bytes_clear(&exchange->why);
    free(exchange);
}

static struct exchange *exchange_take(struct direct *direct)
{
    struct transfer *transfer = direct->pool;
    struct exchange *exchange;

    if (transfer) {
        LL_DELETE(direct->pool, transfer);
        direct->pool_count--;
        return exchange_of(transfer);
    }
    exchange = memory_new(sizeof(*exchange));
    exchange->direct = direct;
    return exchange;
}

static void exchange_give(struct exchange *exchange)
{
    struct direct *direct = exchange->direct;

    wipe_head(exchange);
    bytes_clear(&exchange->held);
    if (direct->pool_count >= ENGINE_POOL_MOST) {
        exchange_free(exchange);
        return;
    }
    LL_PREPEND(direct->pool, &exchange->base);
    direct->pool_count++;
}

static void reset(struct exchange *exchange)
{
    exchange->connection = NULL;
    exchange->refusal = NULL;
    exchange->is_sent = exchange->is_send_broken = exchange->is_paused = exchange->is_stream =
        false;
    exchange->is_due = exchange->has_ended = false;
    exchange->why.len = 0;
    response_init(&exchange->response);
    exchange->lines.len = 0;
    exchange->response.lines = &exchange->lines;
}

static void write_head(struct exchange *exchange, const struct target *target,
                       const struct transfer_order *order)
{
    struct direct *direct = exchange->direct;

    exchange->is_tls = target->is_tls;
    bytes_copy(&exchange->origin, bytes_view(&target->origin));
    if (!request_write(&exchange->head, target, order, bytes_view(&direct->headers)))
        exchange->refusal = "the key cannot be sent: it holds control characters";
}

/* A URL that is none is told as a fault of this transfer: a name that nobody has. */
static struct transfer *make(void *self, const struct transfer_order *order)
{
    struct direct *direct = self;
    const struct target *target = targets_find(&direct->targets, order->url);
    struct exchange *exchange = exchange_take(direct);

    reset(exchange);
    exchange->body = order->body;
    exchange->response.wanted = order->wanted;
    exchange->response.is_bodiless = strcmp(order->method, "HEAD") == 0;
    if (!target)
        target = targets_find(&direct->targets, "http://url.invalid/");
    write_head(exchange, target, order);
    return &exchange->base;
}

/* What is left for the loop */

static void make_due(struct exchange *exchange)
{
    if (!exchange->is_due)
        DL_APPEND(exchange->direct->due, &exchange->base);
    exchange->is_due = true;
    engine_due(exchange->direct->engine);
}

static void end_later(struct exchange *exchange, enum transfer_end end, const char *why)
{
    exchange->has_ended = true;
    exchange->end = end;
    exchange->why.len = 0;
    bytes_text(&exchange->why, why);
    make_due(exchange);
}

static void detach(struct exchange *exchange)
{
    if (exchange->is_due)
        DL_DELETE(exchange->direct->due, &exchange->base);
    exchange->is_due = false;
    if (exchange->connection)
        connection_close(exchange->connection);
    exchange->connection = NULL;
    engine_leave(&exchange->base);
}

static void tell_end(struct exchange *exchange)
{
    detach(exchange);
    exchange->base.events->done(exchange->base.owner, exchange->end, bytes_cstr(&exchange->why));
    exchange_give(exchange);
}

/* Sending */

static void after_sending(struct exchange *exchange)
{
    exchange->is_sent = true;
    exchange->body = (struct view){0}; /* its owner may free it */
    wipe_head(exchange);
}

static bool wants_write(const struct exchange *exchange)
{
    return !exchange->is_sent && !exchange->is_send_broken;
}

static void send_on(struct exchange *exchange)
{
    unsigned events = LOOP_READ;
    int fault =
        connection_send(exchange->connection, &exchange->unsent_head, &exchange->unsent_body);

    if (!fault)
        after_sending(exchange);
    else if (fault == CONNECTION_AGAIN)
        events |= LOOP_WRITE;
    else
        exchange->is_send_broken = true; /* reading will show why, perhaps in an answer */
    connection_watch(exchange->connection, events);
}

/* Not by growing the head: that would leave a copy of the key behind. */
static void join(struct exchange *exchange)
{
    struct bytes joined = {0};

    bytes_room(&joined, exchange->head.len + exchange->body.len);
    bytes_append(&joined, bytes_view(&exchange->head));
    bytes_append(&joined, exchange->body);
    wipe_head(exchange);
    bytes_clear(&exchange->head);
    exchange->head = joined;
    exchange->body = (struct view){0};
}

/* The connection is there, and it is the first time. */
static void send_first(struct exchange *exchange)
{
    if (exchange->is_tls && exchange->body.len &&
        exchange->head.len + exchange->body.len <= JOIN_MOST)
        join(exchange);
    exchange->unsent_head = bytes_view(&exchange->head);
    exchange->unsent_body = exchange->body;
    send_on(exchange);
}

/* Reading */

/* The end has come while events are told: at once, or by the loop. */
static void end(struct exchange *exchange, bool is_inside, enum transfer_end how, const char *why)
{
    if (!is_inside) {
        end_later(exchange, how, why);
        return;
    }
    exchange->end = how;
    exchange->why.len = 0;
    bytes_text(&exchange->why, why);
    tell_end(exchange);
}

static void let_go(struct exchange *exchange, size_t left)
{
    if (!exchange->response.may_be_kept || left || !exchange->is_sent)
        return; /* it will be closed */
    connection_keep(exchange->connection);
    exchange->connection = NULL;
}

static void hold(struct exchange *exchange, struct view slice, struct view text)
{
    exchange->is_paused = true;
    exchange->held.len = 0;
    bytes_append(&exchange->held, (struct view){slice.at, (size_t)(text.at + text.len - slice.at)});
    exchange->held_slice = slice.len;
    exchange->held_rest = (size_t)(text.at - slice.at);
    connection_watch(exchange->connection, 0);
}

static void give_head(struct exchange *exchange)
{
    const struct response *response = &exchange->response;

    exchange->base.events->head(exchange->base.owner, response->status, response_type(response),
                                response->length, bytes_view(&exchange->lines));
}

/* False: no more of it can be read now; it may be gone. */
static bool give_bytes(struct exchange *exchange, struct view slice, struct view text,
                       bool is_inside)
{
    switch (exchange->base.events->bytes(exchange->base.owner, slice)) {
    case TRANSFER_TAKEN:
        return true;
    case TRANSFER_LATER:
        hold(exchange, slice, text);
        return false;
    case TRANSFER_STOP:
        end(exchange, is_inside, TRANSFER_STOPPED, "");
        return false;
    }
    return false;
}

/* False: as above. */
static bool give(struct exchange *exchange, struct view text, bool is_inside)
{
    enum response_sign sign;
    struct view slice = {0};

    while ((sign = response_read(&exchange->response, &text, &slice)) != RESPONSE_MORE) {
        if (sign == RESPONSE_HEAD)
            give_head(exchange);
        if (sign == RESPONSE_BYTES && !give_bytes(exchange, slice, text, is_inside))
            return false;
        if (sign == RESPONSE_END) {
            let_go(exchange, text.len);
            end(exchange, is_inside, TRANSFER_CLEAN, "");
            return false;
        }
        if (sign == RESPONSE_WRONG) {
            end(exchange, is_inside, TRANSFER_BROKEN, exchange->response.why);
            return false;
        }
    }
    return true;
}

/* As long as its head is not whole, its type may not be either. */
static void tell_stream(struct exchange *exchange)
{
    const struct response *response = &exchange->response;

    if (exchange->is_stream || !exchange->is_sent || !response->status ||
        !sse_is_type(response_type(response)))
        return;
    exchange->is_stream = true;
    connection_streams(exchange->connection);
}

static void read_end(struct exchange *exchange)
{
    bool is_whole = response_close(&exchange->response) == RESPONSE_END;

    end(exchange, true, is_whole ? TRANSFER_CLEAN : TRANSFER_BROKEN,
        is_whole ? "" : exchange->response.why);
}

/* From inside the loop, which tells of what is left; but a stream's socket may have to wait for
 * that. */
static void read_on(struct exchange *exchange)
{
    struct direct *direct = exchange->direct;

    for (int i = 0; i < READS_MOST; i++) {
        ssize_t len =
            connection_receive(exchange->connection, direct->buffer, sizeof(direct->buffer));

        if (len == CONNECTION_AGAIN)
            return;
        if (len == CONNECTION_BROKEN) {
            end(exchange, true, TRANSFER_BROKEN, connection_why(exchange->connection));
            return;
        }
        if (len == 0) {
            read_end(exchange);
            return;
        }
        if (!give(exchange, (struct view){direct->buffer, (size_t)len}, true))
            return;
        tell_stream(exchange);
        if (!connection_holds(exchange->connection) && len < READ_MUCH)
            return;
    }
    make_due(exchange);
}

static void resume(struct transfer *transfer)
{
    struct exchange *exchange = exchange_of(transfer);
    struct bytes held = exchange->held;
    struct view slice = {held.at, exchange->held_slice};
    struct view text = view_skip(bytes_view(&held), exchange->held_rest);

    if (!exchange->is_paused)
        return;
    exchange->is_paused = false;
    exchange->held = (struct bytes){0};
    if (give_bytes(exchange, slice, text, false) && give(exchange, text, false)) {
        connection_watch(exchange->connection,
                         wants_write(exchange) ? LOOP_READ | LOOP_WRITE : LOOP_READ);
        if (connection_holds(exchange->connection))
            make_due(exchange);
    }
    bytes_clear(&held);
}

/* What connections tell */

static void on_found(void *user)
{
    struct exchange *exchange = user;

    engine_found(&exchange->base);
}

static void on_opened(void *user)
{
    struct exchange *exchange = user;

    engine_found(&exchange->base);
    send_first(exchange);
}

static void on_failed(void *user, enum transfer_end how, const char *why)
{
    struct exchange *exchange = user;

    exchange->connection = NULL;
    end(exchange, true, how, why);
}

static void on_ready(void *user, unsigned events)
{
    struct exchange *exchange = user;

    if (exchange->has_ended)
        return; /* it is due */
    if ((events & LOOP_WRITE) && wants_write(exchange))
        send_on(exchange);
    if (events & (LOOP_READ | LOOP_BROKEN))
        read_on(exchange);
}

static const struct connection_events connection_events = {
    .found = on_found, .opened = on_opened, .failed = on_failed, .ready = on_ready};

/* Running */

static bool has_idle(const struct transfer *transfer)
{
    const struct exchange *exchange = (const struct exchange *)transfer;

    return connections_has_idle(&exchange->direct->connections, bytes_view(&exchange->origin));
}

static void make_room(void *self, size_t most)
{
    struct direct *direct = self;

    while (direct->connections.count >= most && connections_close_oldest(&direct->connections))
        ;
}

static void start(struct transfer *transfer)
{
    struct exchange *exchange = exchange_of(transfer);
    struct connections *connections = &exchange->direct->connections;

    if (exchange->refusal) {
        end_later(exchange, TRANSFER_BROKEN, exchange->refusal);
        return;
    }
    exchange->connection = connection_take(connections, bytes_view(&exchange->origin), exchange);
    if (exchange->connection) {
        engine_found(transfer);
        send_first(exchange);
        return;
    }
    make_room(exchange->direct, engine_most_beside(transfer->engine, transfer->kind));
    exchange->connection =
        connection_open(connections, bytes_view(&exchange->origin), exchange->is_tls, exchange);
}

static bool is_sent(const struct transfer *transfer)
{
    return ((const struct exchange *)transfer)->is_sent;
}

static void cancel(struct transfer *transfer)
{
    struct exchange *exchange = exchange_of(transfer);

    if (!transfer->is_waiting)
        detach(exchange);
    exchange_give(exchange);
}

static uint64_t due_ms(const void *self)
{
    const struct direct *direct = self;

    return direct->due ? 0 : connections_due_ms(&direct->connections);
}

/* As many as are due now: what becomes due meanwhile has its turn later. */
static void turn(void *self, uint64_t now_ms)
{
    struct direct *direct = self;
    struct transfer *transfer;
    size_t count;

    connections_turn(&direct->connections, now_ms);
    DL_COUNT(direct->due, transfer, count);
    while (direct->due && count--) {
        struct exchange *exchange = exchange_of(direct->due);

        DL_DELETE(direct->due, &exchange->base);
        exchange->is_due = false;
        if (exchange->has_ended)
            tell_end(exchange);
        else if (!exchange->is_paused)
            read_on(exchange);
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

static void *open_direct(struct engine *engine)
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
        exchange_free(exchange_of(transfer));
    }
}

static void trim(void *self)
{
    struct direct *direct = self;

    trim_to(direct, ENGINE_POOL_TRIMMED);
    if (!direct->engine->front->count && direct->connections.count > ENGINE_CONNECTIONS_TRIMMED)
        connections_close_idle(&direct->connections);
}

static void close_direct(void *self)
{
    struct direct *direct = self;

    trim_to(direct, 0);
    connections_close(&direct->connections);
    targets_close(&direct->targets);
    if (direct->headers.at)
        explicit_bzero(direct->headers.at, direct->headers.size);
    bytes_clear(&direct->headers);
    free(direct);
}

static size_t connections(const void *self)
{
    const struct direct *direct = self;

    return direct->connections.count;
}

static size_t streams(const struct transfer *transfer)
{
    (void)transfer;
    return 1;
}

static bool takes(const struct engine *engine, const struct transfer_order *order)
{
    return !order->proxy.hidden.len && !engine->settings.is_http2;
}

const struct engine_kind engine_direct = {
    .takes = takes,
    .open = open_direct,
    .close = close_direct,
    .due_ms = due_ms,
    .turn = turn,
    .trim = trim,
    .connections = connections,
    .make_room = make_room,
    .make = make,
    .run = start,
    .resume = resume,
    .cancel = cancel,
    .is_sent = is_sent,
    .has_idle = has_idle,
    .streams = streams,
};
