/* SPDX-License-Identifier: Apache-2.0 */
/* Replies on their way to clients.
 *
 *   pending -> in_flight -> h2o -> proceed: taken
 *
 *  1. h2o_send happens in callbacks of h2o's loop only: on_send_timer, proceed, on_gone,
 *     writer_send; one at a time.
 *  2. Once the status has gone out, an end that is not whole breaks the connection visibly. */
#include "exchange/writer.h"

#include <sys/socket.h>

#include "base/log.h"
#include "exchange/reply_headers.h"
#include "settings/options.h"

enum {
    KEEP_MOST = 64 * 1024, /* buffers above this are not kept for the next run */
    STALL_LOOKS = 8,       /* in CLIENT_STALL, which may be exceeded by one of them */
};

void writers_open(struct writers *all, struct web *web)
{
    all->web = web;
    h2o_timeout_init(web->loop, &all->stall, settings_now()->client_stall_ms / STALL_LOOKS + 1);
}

void writers_follow(struct writers *all, const struct settings *settings)
{
    all->stall.timeout = settings->client_stall_ms / STALL_LOOKS + 1;
}

bool writer_is_idle(const struct writer *writer)
{
    return !writer->is_sending && writer->pending.len == 0;
}

/* The header lines */

static void add_type(h2o_req_t *req, const char *type)
{
    h2o_iovec_t copy = h2o_strdup(&req->pool, type, SIZE_MAX);

    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, copy.base,
                   copy.len);
}

/* Which model serves; it may be another than the client named. */
static void add_model(h2o_req_t *req, struct view model)
{
    h2o_iovec_t copy = h2o_strdup(&req->pool, model.at, model.len);

    web_header(req, "x-gateway-model", (struct view){copy.base, copy.len});
}

static void start_error(struct writer *writer)
{
    writer->req->res.content_length = writer->pending.len;
    add_type(writer->req, "application/json");
    reply_headers_retry(writer->req, writer->error, writer->retry_after_ms, writer->is_tried);
}

/* Of a reply to HEAD, what GET would have had, if that is known. */
static size_t whole_length(const struct writer *writer)
{
    if (!writer->is_head || (!writer->head_length && !writer->length))
        return writer->pending.len;
    return writer->head_length ? writer->head_length : writer->length - 1;
}

static void start_answer(struct writer *writer)
{
    h2o_req_t *req = writer->req;

    writer->status = writer->status ? writer->status : 200;
    if (writer->is_ended && !writer->is_broken && !writer->last_words.len)
        req->res.content_length = whole_length(writer);
    else if (writer->length && !writer->is_sse)
        req->res.content_length = writer->length - 1;
    else if (req->version < 0x101)
        req->http1_is_persistent = 0; /* the end of the connection is the end of the reply */
    add_type(req, writer->type ? writer->type : "application/json");
    reply_headers_lines(req, writer->lines);
    if (writer->status >= 400) /* the provider's own refusal, after as many tries as we make */
        web_header(req, "x-should-retry", VIEW("false"));
    if (writer->is_sse) {
        h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CACHE_CONTROL, NULL,
                       H2O_STRLIT("no-cache"));
        web_header(req, "x-accel-buffering", VIEW("no"));
    }
}

/* Writes the header lines once it is known what they must say. */
static bool start(struct writer *writer)
{
    h2o_req_t *req = writer->req;

    if (!writer->is_ended && (writer->pending.len == 0 || !writer->is_early || writer->is_head))
        return false;
    reply_headers_common(req, writer->id);
    if (writer->model.len)
        add_model(req, writer->model);
    if (writer->is_ended && writer->has_failed)
        start_error(writer);
    else
        start_answer(writer);
    req->res.status = writer->status;
    req->res.reason = web_reason(writer->status);
    if (*writer->all->is_draining)
        req->http1_is_persistent = 0;
    writer->is_started = true;
    h2o_timeout_link(writer->all->web->loop, &writer->all->stall, &writer->stall_timer);
    h2o_start_response(req, &writer->generator);
    return true;
}

/* Sending */

static h2o_send_state_t state_of(const struct writer *writer)
{
    if (!writer->is_ended || writer->last_words.len)
        return H2O_SEND_STATE_IN_PROGRESS;
    return writer->is_broken ? H2O_SEND_STATE_ERROR : H2O_SEND_STATE_FINAL;
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

void writer_send(struct writer *writer)
{
    h2o_req_t *req = writer->req;
    h2o_send_state_t state;
    h2o_iovec_t buf;

    if (!req || writer->is_sending || (!writer->is_started && !start(writer)))
        return;
    if (writer->pending.len == 0)
        swap(&writer->pending, &writer->last_words);
    state = state_of(writer);
    if (state == H2O_SEND_STATE_IN_PROGRESS && writer->pending.len == 0)
        return;
    swap(&writer->pending, &writer->in_flight);
    buf = h2o_iovec_init(writer->in_flight.at, writer->in_flight.len);
    writer->sent_bytes += buf.len;
    writer->events->sending(writer->owner);
    writer->is_sending = true;
    writer->send_ms = h2o_now(writer->all->web->loop);
    if (state != H2O_SEND_STATE_IN_PROGRESS) {
        web_untap(req);
        writer->req = NULL; /* h2o may dispose of all this before h2o_send returns */
    }
    h2o_send(req, &buf, buf.len && !writer->is_head ? 1 : 0, state);
}

static void on_send_timer(h2o_timeout_entry_t *entry)
{
    writer_send(H2O_STRUCT_FROM_MEMBER(struct writer, send_timer, entry));
}

void writer_send_soon(struct writer *writer)
{
    if (writer->req && !writer->is_sending)
        web_defer(writer->all->web, &writer->send_timer);
}

static void on_proceed(h2o_generator_t *generator, h2o_req_t *req)
{
    struct writer *writer = H2O_STRUCT_FROM_MEMBER(struct writer, generator, generator);

    (void)req;
    writer->is_sending = false;
    empty(&writer->in_flight);
    if (writer->pending.len == 0)
        swap(&writer->pending, &writer->in_flight); /* one buffer that is used again beats two */
    writer->events->taken(writer->owner);
    writer_send(writer);
}

/* Clients that stop reading, or go */

/* It looks now and then, so that sending an event costs no timer. */
static void on_stall_timer(h2o_timeout_entry_t *entry)
{
    struct writer *writer = H2O_STRUCT_FROM_MEMBER(struct writer, stall_timer, entry);
    h2o_loop_t *loop = writer->all->web->loop;

    h2o_timeout_link(loop, &writer->all->stall, entry);
    if (!writer->is_sending || h2o_now(loop) < writer->send_ms + settings_now()->client_stall_ms)
        return;
    log_info("client.stalled", F_ID("call", writer->id));
    shutdown(writer->socket_fd, SHUT_RDWR);
}

static void on_gone(void *data)
{
    struct writer *writer = data;
    h2o_req_t *req = writer->req;

    writer->events->gone(writer->owner);
    writer->is_ended = true;
    writer->pending.len = writer->last_words.len = 0;
    writer->has_failed = true;
    writer->is_broken = writer->is_started;
    if (writer->is_sending) {
        shutdown(writer->socket_fd, SHUT_RDWR); /* h2o finds out when it writes on */
        return;
    }
    if (!writer->is_started)
        writer->status = error_facts(ERROR_CLIENT_GONE)->status;
    req->http1_is_persistent = 0;
    writer_send(writer);
}

void writer_open(struct writer *writer, struct writers *all, h2o_req_t *req, uint64_t id,
                 const struct writer_events *events, void *owner)
{
    writer->all = all;
    writer->req = req;
    writer->id = id;
    writer->events = events;
    writer->owner = owner;
    writer->socket_fd = h2o_socket_get_fd(req->conn->callbacks->get_socket(req->conn));
    writer->is_head = web_is_head(req);
    writer->generator.proceed = on_proceed;
    writer->send_timer.cb = on_send_timer;
    writer->stall_timer.cb = on_stall_timer;
    web_tap(req, on_gone, writer);
}

void writer_clear(struct writer *writer)
{
    h2o_timeout_unlink(&writer->send_timer);
    h2o_timeout_unlink(&writer->stall_timer);
    writer->req = NULL;
    bytes_clear(&writer->pending);
    bytes_clear(&writer->in_flight);
    bytes_clear(&writer->last_words);
}
