/* SPDX-License-Identifier: Apache-2.0 */
/* Exchanges: their pool, their end, and the sending of the request. What must stay true: the key in a
 * head is wiped when it has left, and no copy of it stays behind. */
#include "transfer/exchange.h"

#include <stdlib.h>
#include <utlist.h>

enum {
    JOIN_MOST = 16 * 1024, /* a request up to this leaves as one TLS record */
    HEAD_KEPT = 2 * 1024,  /* bytes of a head's memory that an idle transfer keeps */
};

struct exchange *exchange_of(struct transfer *transfer)
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

void exchange_give(struct exchange *exchange)
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

void exchanges_trim(struct direct *direct, size_t most)
{
    while (direct->pool_count > most) {
        struct transfer *transfer = direct->pool;

        LL_DELETE(direct->pool, transfer);
        direct->pool_count--;
        exchange_free(exchange_of(transfer));
    }
}

/* Making */

static void reset(struct exchange *exchange)
{
    exchange->connection = NULL;
    exchange->refusal = NULL;
    exchange->is_sent = exchange->is_send_broken = exchange->is_paused = exchange->is_stream =
        false;
    exchange->is_due = exchange->has_ended = exchange->is_fed = false;
    exchange->has_begun = exchange->has_chunk = false;
    exchange->opening_us = exchange->connect_us = 0;
    exchange->fed_len = 0;
    exchange->unsent_head = exchange->unsent_body = (struct view){0};
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
struct transfer *exchange_make(void *self, const struct transfer_order *order)
{
    struct direct *direct = self;
    const struct target *target = targets_find(&direct->targets, order->url);
    struct exchange *exchange = exchange_take(direct);

    reset(exchange);
    exchange->body = order->body;
    exchange->feed = order->feed;
    exchange->is_chunked = order->feed && !order->feed_length;
    exchange->response.wanted = order->wanted;
    exchange->response.wanted_lens = lines_lengths(order->wanted);
    exchange->response.is_bodiless = strcmp(order->method, "HEAD") == 0;
    if (!target)
        target = targets_find(&direct->targets, "http://url.invalid/");
    write_head(exchange, target, order);
    return &exchange->base;
}

/* What is left for the loop */

void exchange_make_due(struct exchange *exchange)
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
    exchange_make_due(exchange);
}

void exchange_detach(struct exchange *exchange)
{
    if (exchange->is_due)
        DL_DELETE(exchange->direct->due, &exchange->base);
    exchange->is_due = false;
    if (exchange->connection)
        connection_close(exchange->connection);
    exchange->connection = NULL;
    engine_leave(&exchange->base);
}

void exchange_tell_end(struct exchange *exchange)
{
    exchange_detach(exchange);
    exchange->base.events->done(exchange->base.owner, exchange->end, bytes_cstr(&exchange->why));
    exchange_give(exchange);
}

void exchange_end(struct exchange *exchange, bool is_inside, enum transfer_end how, const char *why)
{
    if (!is_inside) {
        end_later(exchange, how, why);
        return;
    }
    exchange->end = how;
    exchange->why.len = 0;
    bytes_text(&exchange->why, why);
    exchange_tell_end(exchange);
}

/* Sending */

static void after_sending(struct exchange *exchange)
{
    exchange->is_sent = true;
    exchange->body = (struct view){0}; /* its owner may free it */
    wipe_head(exchange);
}

bool exchange_wants_write(const struct exchange *exchange)
{
    bool has_some = exchange->unsent_head.len || exchange->unsent_body.len;

    return has_some && !exchange->is_sent && !exchange->is_send_broken;
}

/* The line before a chunk, and the end of the one before; in the memory of the head, which has
 * left. */
static void write_chunk_line(struct exchange *exchange, size_t len)
{
    bytes_printf(&exchange->head, "%s%zx\r\n%s", exchange->has_chunk ? "\r\n" : "", len,
                 len ? "" : "\r\n");
    exchange->has_chunk = true;
    exchange->unsent_head = bytes_view(&exchange->head);
}

/* The next of the feed is to be sent; false: nothing of it is there. */
static bool take_fed(struct exchange *exchange)
{
    const struct transfer_feed *feed = exchange->feed;
    void *owner = exchange->base.owner;

    if (exchange->fed_len)
        feed->take(owner, exchange->fed_len);
    exchange->unsent_body = feed->look(owner, &exchange->is_fed);
    exchange->fed_len = exchange->unsent_body.len;
    if (exchange->fed_len)
        exchange->is_fed = false; /* what is behind it is seen when this has left */
    if (exchange->is_chunked && (exchange->fed_len || exchange->is_fed))
        write_chunk_line(exchange, exchange->fed_len);
    return exchange->fed_len || (exchange->is_fed && exchange->unsent_head.len);
}

/* What there is; 0 means that it has left. */
static int send_all(struct exchange *exchange)
{
    int fault;

    do {
        fault =
            connection_send(exchange->connection, &exchange->unsent_head, &exchange->unsent_body);
        if (fault)
            return fault;
        wipe_head(exchange);
    } while (exchange->feed && !exchange->is_fed && take_fed(exchange));
    return 0;
}

void exchange_send_on(struct exchange *exchange)
{
    unsigned events = LOOP_READ;
    int fault = send_all(exchange);

    if (!fault && (!exchange->feed || exchange->is_fed))
        after_sending(exchange);
    else if (fault == CONNECTION_AGAIN)
        events |= LOOP_WRITE;
    else if (fault)
        exchange->is_send_broken = true; /* reading will show why, perhaps in an answer */
    connection_watch(exchange->connection, exchange->is_paused ? events & ~LOOP_READ : events);
}

void exchange_feed(struct exchange *exchange)
{
    bool is_ready = exchange->has_begun && exchange->connection && !exchange->has_ended;

    if (is_ready && !exchange->is_sent && !exchange->is_send_broken &&
        !exchange_wants_write(exchange))
        exchange_send_on(exchange);
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

void exchange_send_first(struct exchange *exchange)
{
    if (exchange->is_tls && exchange->body.len &&
        exchange->head.len + exchange->body.len <= JOIN_MOST)
        join(exchange);
    exchange->unsent_head = bytes_view(&exchange->head);
    exchange->unsent_body = exchange->body;
    exchange->has_begun = true;
    exchange_send_on(exchange);
}
