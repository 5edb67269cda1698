/* SPDX-License-Identifier: Apache-2.0 */
/* Reading. What must stay true: a connection serves another request only if this one and its answer
 * were whole and nothing came behind them.
 *
 * A paused transfer keeps what was read and is not taken, and reads no more. What it finds when it
 * is resumed, its end too, is told then; the end by the loop. */
#include "transfer/reading.h"

#include "base/sse.h"

enum {
    READS_MOST = 4,       /* of one transfer before others have their turn */
    READ_MUCH = 8 * 1024, /* behind a read of so much there is probably more */
};

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
        exchange_end(exchange, is_inside, TRANSFER_STOPPED, "");
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
            exchange_end(exchange, is_inside, TRANSFER_CLEAN, "");
            return false;
        }
        if (sign == RESPONSE_WRONG) {
            exchange_end(exchange, is_inside, TRANSFER_BROKEN, exchange->response.why);
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

    exchange_end(exchange, true, is_whole ? TRANSFER_CLEAN : TRANSFER_BROKEN,
                 is_whole ? "" : exchange->response.why);
}

void reading_go_on(struct exchange *exchange)
{
    struct direct *direct = exchange->direct;

    for (int i = 0; i < READS_MOST; i++) {
        ssize_t len =
            connection_receive(exchange->connection, direct->buffer, sizeof(direct->buffer));

        if (len == CONNECTION_AGAIN)
            return;
        if (len == CONNECTION_BROKEN) {
            exchange_end(exchange, true, TRANSFER_BROKEN, connection_why(exchange->connection));
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
    exchange_make_due(exchange);
}

void reading_resume(struct transfer *transfer)
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
                         exchange_wants_write(exchange) ? LOOP_READ | LOOP_WRITE : LOOP_READ);
        if (connection_holds(exchange->connection))
            exchange_make_due(exchange);
    }
    bytes_clear(&held);
}
