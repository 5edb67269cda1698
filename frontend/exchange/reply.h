/* SPDX-License-Identifier: Apache-2.0 */
/* The way of a reply to its client: into h2o, and the acknowledgements back. */
#pragma once

#include "exchange/exchange.h"
#include "message.h"

/* What all replies share. */
struct replies {
    h2o_timeout_t deadline; /* TIME_OUT and some more: the upstream is to notice first */
    h2o_timeout_t ping;     /* STREAM_PING */
    h2o_timeout_t stall;    /* between two looks whether the client has stopped reading */
    uint64_t open;          /* exchanges whose requests are not disposed of */
};

void reply_open(struct frontend *frontend);

/* Makes the exchange of a request. What it asks (`*ask`) is taken over. */
struct exchange *reply_begin(struct frontend *frontend, h2o_req_t *req,
                             const struct dialect *dialect, struct ask *ask, bool is_sse,
                             uint64_t id, uint64_t client);

/* What has been added to `pending` is to go out. */
void reply_send_soon(struct exchange *exchange);

/* The reply ends by an error: as such if nothing has gone out, else inside the stream. */
void reply_fail(struct exchange *exchange, const struct complaint *complaint);

/* Says to the leg's upstream what has been taken, if that is news or `is_asked`. */
void reply_ack(struct leg *leg, bool is_asked);

/* Starts the timers that wait for the first content; stops them. */
void reply_wait(struct exchange *exchange);
void reply_waited(struct exchange *exchange);
