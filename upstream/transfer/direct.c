/* SPDX-License-Identifier: Apache-2.0 */
/* Direct transfers. What must stay true: a request is sent once, on one connection.
 *
 * An answer may come before the request has left: it counts, and the rest is not sent. */
#include "transfer/direct.h"

#include <stdlib.h>
#include <utlist.h>

#include "base/clock.h"
#include "transfer/reading.h"

/* What connections tell */

static void on_found(void *user)
{
    struct exchange *exchange = user;

    engine_found(&exchange->base);
}

static void on_opened(void *user)
{
    struct exchange *exchange = user;

    exchange->connect_us = clock_us() - exchange->opening_us;
    engine_found(&exchange->base);
    exchange_send_first(exchange);
}

static void on_failed(void *user, enum transfer_end how, const char *why)
{
    struct exchange *exchange = user;

    exchange->connection = NULL;
    exchange_end(exchange, true, how, why);
}

static void on_ready(void *user, unsigned events)
{
    struct exchange *exchange = user;

    if (exchange->has_ended)
        return; /* it is due */
    if ((events & LOOP_WRITE) && exchange_wants_write(exchange))
        exchange_send_on(exchange);
    if (events & (LOOP_READ | LOOP_BROKEN))
        reading_go_on(exchange);
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
        exchange_end(exchange, false, TRANSFER_BROKEN, exchange->refusal);
        return;
    }
    exchange->connection = connection_take(connections, bytes_view(&exchange->origin), exchange);
    if (exchange->connection) {
        engine_found(transfer);
        exchange_send_first(exchange);
        return;
    }
    make_room(exchange->direct, engine_most_beside(transfer->engine, transfer->kind));
    exchange->opening_us = clock_us();
    exchange->connection =
        connection_open(connections, bytes_view(&exchange->origin), exchange->is_tls, exchange);
}

static void feed(struct transfer *transfer)
{
    exchange_feed(exchange_of(transfer));
}

static bool is_sent(const struct transfer *transfer)
{
    return ((const struct exchange *)transfer)->is_sent;
}

static uint64_t connect_us(const struct transfer *transfer)
{
    return ((const struct exchange *)transfer)->connect_us;
}

static void cancel(struct transfer *transfer)
{
    struct exchange *exchange = exchange_of(transfer);

    if (!transfer->is_waiting)
        exchange_detach(exchange);
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
            exchange_tell_end(exchange);
        else if (!exchange->is_paused)
            reading_go_on(exchange);
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

static void trim(void *self)
{
    struct direct *direct = self;

    exchanges_trim(direct, ENGINE_POOL_TRIMMED);
    if (!direct->engine->front->count && direct->connections.count > ENGINE_CONNECTIONS_TRIMMED)
        connections_close_idle(&direct->connections);
}

static void close_direct(void *self)
{
    struct direct *direct = self;

    exchanges_trim(direct, 0);
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
    .make = exchange_make,
    .run = start,
    .resume = reading_resume,
    .feed = feed,
    .cancel = cancel,
    .is_sent = is_sent,
    .connect_us = connect_us,
    .has_idle = has_idle,
    .streams = streams,
};
