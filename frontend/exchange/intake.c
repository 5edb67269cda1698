/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies on their way up. What must stay true: what is read from the client's socket goes to the road at
 * once, and nothing is read that the road has no room for. */
#include "exchange/intake.h"

#include "base/clock.h"

struct intake {
    h2o_req_t *req;
    struct body *body;
    struct exchange *exchange; /* NULL: it does not run yet */
};

/* Called where letters are read, or for a body that nobody runs yet. */
static void on_wanted(void *owner)
{
    struct intake *intake = owner;

    if (intake->exchange)
        web_stream_go_on(intake->req);
}

static size_t on_room(void *owner)
{
    struct intake *intake = owner;

    return body_room(intake->body);
}

static void on_bytes(void *owner, struct view bytes, bool is_last)
{
    struct intake *intake = owner;

    intake->exchange->body_ms = clock_ms();
    body_give(intake->body, bytes, is_last);
}

static void on_failed(void *owner, enum web_stream_fault fault)
{
    struct intake *intake = owner;

    switch (fault) {
    case WEB_STREAM_STALLED:
        exchange_fail(intake->exchange, ERROR_BODY_LATE, NULL);
        return;
    case WEB_STREAM_MALFORMED:
        exchange_fail(intake->exchange, ERROR_BAD_REQUEST, "The chunks of the body are malformed.");
        return;
    }
}

static const struct web_stream_events events = {
    .room = on_room, .bytes = on_bytes, .failed = on_failed};

static void on_disposed(void *data)
{
    struct intake *intake = data;

    body_close(intake->body);
    body_let_go(intake->body);
}

struct intake *intake_open(h2o_req_t *req)
{
    struct intake *intake;
    uint64_t length;

    if (!web_stream_length(req, &length))
        return NULL;
    intake = h2o_mem_alloc_shared(&req->pool, sizeof(*intake), on_disposed);
    *intake = (struct intake){.req = req, .body = body_of_stream(length, on_wanted, intake)};
    return intake;
}

struct body *intake_body(const struct intake *intake)
{
    return intake ? intake->body : NULL;
}

void intake_begin(struct intake *intake, struct exchange *exchange)
{
    exchange->body_ms = exchange->began_ms;
    intake->exchange = exchange;
    web_stream_open(intake->req, &events, intake);
}
