/* SPDX-License-Identifier: Apache-2.0 */
/* The life of an answer that takes time; generate.c starts it.
 *
 *   WAITING -> OPEN -> OVER      [on_timer, on_proceed, reply_over]
 *       \________\___> OVER      [on_readable: the client hung up; on_dispose: its connection
 * broke]
 *
 * What must stay true: there is one h2o_send under way at a time, and all of them happen inside of
 * callbacks of the loop; bytes under way do not move; an answer is counted as cancelled or not,
 * once. */
#include "reply.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "wait.h"

#define PIECE_BYTES 65536 /* at most so much goes into one h2o_send */
#define RUNS_MAX 6        /* four of a frame between the two of a chunk */
#define DRAIN_MS 1

enum reply_state {
    REPLY_WAITING,
    REPLY_OPEN,
    REPLY_OVER,
};

struct reply {
    h2o_generator_t super;
    h2o_req_t *req;
    h2o_timeout_entry_t timer;
    enum reply_state state;
    bool is_sending; /* an h2o_send is under way */
    bool is_tapped;
    bool is_cutting;
    bool is_chunked;     /* Transfer-Encoding; h2o's own would not send the header alone */
    bool is_head_only;   /* what is under way is the header alone */
    char chunk_head[24]; /* of the chunk under way */
    struct frame frame;
    uint64_t frame_sent;
    int64_t frames_made;
    int64_t body_sent;
    uint64_t due_ms; /* when the next event is */
    struct plan plan;
};

static void reply_go(struct reply *r);

static void add_header(h2o_req_t *req, const char *name, size_t name_len, const char *value,
                       size_t value_len)
{
    h2o_add_header_by_str(&req->pool, &req->res.headers, name, name_len, 0, NULL, value, value_len);
}

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {402, "Payment Required"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {409, "Conflict"},
        {413, "Payload Too Large"},
        {429, "Too Many Requests"},
        {499, "Client Closed Request"},
        {500, "Internal Server Error"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
    };

    for (size_t i = 0; i < COUNT(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Unknown";
}

/* Google's headers. Names and values are literals, so they needn't be copied. */
static void write_head(h2o_req_t *req, int status, const char *type)
{
    static const struct {
        const char *name;
        const char *value;
    } headers[] = {
        {"vary", "Origin"},
        {"vary", "X-Origin"},
        {"vary", "Referer"},
        {"server-timing", "gfet4t7; dur=1"},
        {"x-content-type-options", "nosniff"},
        {"x-frame-options", "SAMEORIGIN"},
        {"x-xss-protection", "0"},
    };

    req->res.status = status;
    req->res.reason = reason_of(status);
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, type, strlen(type));
    for (size_t i = 0; i < COUNT(headers); i++)
        add_header(req, headers[i].name, strlen(headers[i].name), headers[i].value,
                   strlen(headers[i].value));
}

static const char *content_type(bool is_page)
{
    return is_page ? "text/html; charset=UTF-8" : "application/json; charset=UTF-8";
}

void reply_now(h2o_req_t *req, int status, struct span body, bool is_page)
{
    write_head(req, status, content_type(is_page));
    req->res.content_length = body.len;
    h2o_send_inline(req, body.at, body.len);
}

/* -- The connection underneath -- */

static h2o_socket_t *socket_of(h2o_req_t *req)
{
    return req->conn->callbacks->get_socket(req->conn);
}

static int fd_of(h2o_req_t *req)
{
    return h2o_socket_get_fd(socket_of(req));
}

/* Sends a RST: the kernel does so when a connected socket is told to have no peer. */
static void reset_socket(h2o_req_t *req)
{
    struct sockaddr nobody = {.sa_family = AF_UNSPEC};

    if (connect(fd_of(req), &nobody, sizeof(nobody)) != 0)
        shutdown(fd_of(req), SHUT_RDWR);
}

/* Has h2o close the connection of a request that nothing was sent for. */
static void close_unanswered(h2o_req_t *req)
{
    req->http1_is_persistent = 0;
    h2o_send_error_generic(req, 500, "Closed", "closed", H2O_SEND_ERROR_HTTP1_CLOSE_CONNECTION);
}

/* Several answers share the connection, and h2o reads on: it needs no tap, and says itself when a
 * client gives one of them up. */
static bool is_multiplexed(const h2o_req_t *req)
{
    return req->version >= 0x200;
}

void reply_reset(h2o_req_t *req)
{
    reset_socket(req);
    close_unanswered(req);
}

/* -- The tap: h2o doesn't read while a request is answered, so it would not notice a hang-up -- */

static void tap_close(struct reply *r)
{
    if (!r->is_tapped)
        return;
    r->is_tapped = false;
    h2o_socket_t *sock = socket_of(r->req);
    h2o_socket_read_stop(sock);
    h2o_socket_dont_read(sock, 0);
    sock->on_close.data = NULL;
}

static void reply_over(struct reply *r)
{
    r->state = REPLY_OVER;
    if (h2o_timeout_is_linked(&r->timer))
        h2o_timeout_unlink(&r->timer);
    tap_close(r);
    ledger_count_open(-1);
}

/* Ends the answer and its connection. The reply may be gone when this returns. */
static void reply_drop(struct reply *r)
{
    h2o_req_t *req = r->req;
    bool was_open = r->state == REPLY_OPEN;

    reply_over(r);
    if (r->is_sending)
        shutdown(fd_of(req), SHUT_RDWR); /* the send fails, and h2o closes */
    else if (was_open)
        h2o_send(req, NULL, 0, H2O_SEND_STATE_ERROR);
    else
        close_unanswered(req);
}

static void on_readable(h2o_socket_t *sock, const char *err)
{
    struct reply *r = sock->on_close.data;
    char byte;

    /* With TLS, which nobody pipelines requests through, these bytes announce the hang-up. */
    ssize_t got = recv(h2o_socket_get_fd(sock), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (err == NULL && got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (err == NULL && got > 0 && sock->ssl == NULL) { /* the next request, early: it must wait */
        tap_close(r);
        return;
    }
    ledger_count_cancelled();
    reply_drop(r);
}

static void tap_open(struct reply *r)
{
    h2o_socket_t *sock = socket_of(r->req);

    if (is_multiplexed(r->req))
        return;
    r->is_tapped = true;
    sock->on_close.data = r;
    h2o_socket_dont_read(sock, 1);
    h2o_socket_read_start(sock, on_readable);
}

/* -- Sending -- */

/* Adds the runs of the next piece behind the first `count`; returns its length. */
static size_t next_piece(const struct reply *r, h2o_iovec_t runs[RUNS_MAX], size_t *count)
{
    uint64_t left = frame_len(&r->frame) - r->frame_sent;
    size_t room =
        r->plan.split > 0 && r->plan.split < PIECE_BYTES ? (size_t)r->plan.split : PIECE_BYTES;
    size_t len = 0;

    if (r->plan.cut_at != UNSET && (uint64_t)(r->plan.cut_at - r->body_sent) < room)
        room = (size_t)(r->plan.cut_at - r->body_sent);
    if (left < room)
        room = (size_t)left;
    for (; *count < RUNS_MAX - 1 && len < room; ++*count) {
        struct span run = span_first(frame_run(&r->frame, r->frame_sent + len), room - len);
        runs[*count] = h2o_iovec_init(run.at, run.len);
        len += run.len;
    }
    return len;
}

static int64_t frames_of(const struct plan *plan)
{
    return plan->is_stream ? plan->events + (plan->ending == ENDING_ERROR) : 1;
}

/* Nothing follows the frame in hand, not even an ending that breaks. */
static bool frame_is_last(const struct reply *r)
{
    return r->frames_made == frames_of(&r->plan) && r->plan.ending != ENDING_CUT &&
           r->plan.ending != ENDING_HANG;
}

static bool frame_has_rest(const struct reply *r)
{
    return r->frame_sent < frame_len(&r->frame);
}

/* Frames a piece as a chunk, and the last one as the end of the body. */
static void frame_chunk(struct reply *r, h2o_iovec_t *runs, size_t *count, size_t len, bool is_end)
{
    if (!r->is_chunked)
        return;
    if (len != 0)
        runs[0] = h2o_iovec_init(r->chunk_head, (size_t)sprintf(r->chunk_head, "%zx\r\n", len));
    if (len != 0)
        runs[(*count)++] = h2o_iovec_init("\r\n0\r\n\r\n", is_end ? 7 : 2);
    else if (is_end)
        runs[(*count)++] = h2o_iovec_init(H2O_STRLIT("0\r\n\r\n"));
}

static void send_piece(struct reply *r)
{
    h2o_iovec_t runs[RUNS_MAX];
    size_t count = r->is_chunked;
    size_t len = next_piece(r, runs, &count);
    h2o_req_t *req = r->req;

    r->frame_sent += len;
    r->body_sent += (int64_t)len;
    bool is_end = !frame_has_rest(r) && frame_is_last(r) && r->body_sent != r->plan.cut_at;
    r->is_sending = true;
    frame_chunk(r, runs, &count, len, is_end);
    if (is_end)
        reply_over(r);
    h2o_send(req, runs, count, is_end ? H2O_SEND_STATE_FINAL : H2O_SEND_STATE_IN_PROGRESS);
}

static void send_head(struct reply *r)
{
    r->is_sending = true;
    r->is_head_only = true;
    h2o_send(r->req, NULL, 0, H2O_SEND_STATE_IN_PROGRESS);
}

/* Breaks the connection when all that was sent has arrived. */
static void reply_cut(struct reply *r)
{
    int unsent = 0;

    r->is_cutting = true;
    if (ioctl(fd_of(r->req), SIOCOUTQ, &unsent) == 0 && unsent > 0) {
        wait_start(&r->timer, DRAIN_MS);
        return;
    }
    if (is_multiplexed(r->req)) {
        reply_drop(r); /* its stream alone is reset */
        return;
    }
    if (r->plan.is_cut_fin)
        shutdown(fd_of(r->req), SHUT_RDWR);
    else
        reset_socket(r->req);
    reply_drop(r);
}

/* All frames are out; those that end cleanly took the end with them, unless there was none. */
static void reply_end(struct reply *r)
{
    h2o_req_t *req = r->req;

    if (r->plan.ending == ENDING_CUT) {
        reply_cut(r);
    } else if (r->plan.ending != ENDING_HANG) {
        h2o_iovec_t run[2];
        size_t count = 0;
        frame_chunk(r, run, &count, 0, true);
        reply_over(r);
        h2o_send(req, run, count, H2O_SEND_STATE_FINAL);
    }
}

static void write_refusal(struct text *out, const struct plan *plan)
{
    bool is_wrapped = plan->answer.framing == FRAMING_ARRAY && !refusal_is_page(plan->refusal);

    if (is_wrapped)
        text_put(out, "[");
    refusal_write(out, plan->refusal, &plan->facts, plan->answer.pretty);
    if (is_wrapped)
        text_put(out, "]\n");
}

/* An answer that is not a stream. */
static void write_reply(struct frame *f, const struct plan *plan)
{
    if (plan->is_refused)
        write_refusal(&f->bytes, plan);
    else if (plan->has_body)
        text_add(&f->bytes, plan->body.at, plan->body.len);
    else
        frame_whole(f, &plan->answer);
}

static void render(struct reply *r)
{
    const struct plan *plan = &r->plan;
    int64_t index = r->frames_made++;
    bool is_last = frame_is_last(r);

    r->frame_sent = 0;
    if (!plan->is_stream)
        write_reply(&r->frame, plan);
    else if (index == plan->events)
        frame_error(&r->frame, &plan->answer, plan->refusal, &plan->facts, index);
    else
        frame_event(&r->frame, &plan->answer, index, is_last);
}

/* Sends what is next. */
static void reply_go(struct reply *r)
{
    if (!frame_has_rest(r)) {
        if (r->frames_made == frames_of(&r->plan)) {
            reply_end(r);
            return;
        }
        render(r);
    }
    send_piece(r);
}

/* Waits until the next event is due, at a steady pace unless the reader is behind. */
static void pace(struct reply *r)
{
    uint64_t now = h2o_now(r->req->conn->ctx->loop);
    uint64_t step = (uint64_t)r->plan.pace_ms;

    r->due_ms = r->due_ms + 2 * step < now ? now : r->due_ms + step;
    if (r->due_ms > now)
        wait_start(&r->timer, (int64_t)(r->due_ms - now));
    else
        reply_go(r);
}

static void on_proceed(h2o_generator_t *super, h2o_req_t *req)
{
    struct reply *r = (struct reply *)super;
    bool was_head = r->is_head_only;

    (void)req;
    r->is_sending = false;
    r->is_head_only = false;
    if (r->state == REPLY_OVER)
        return;
    if (r->body_sent == r->plan.cut_at)
        reply_cut(r);
    else if (was_head && r->plan.is_head_early)
        wait_start(&r->timer, r->plan.first_ms);
    else if (frame_has_rest(r) && !was_head && r->plan.split_ms > 0)
        wait_start(&r->timer, r->plan.split_ms);
    else if (!frame_has_rest(r) && r->plan.pace_ms > 0 && r->frames_made < frames_of(&r->plan))
        pace(r);
    else
        reply_go(r);
}

static void write_tier(h2o_req_t *req, const struct plan *plan)
{
    struct span tier = plan->answer.tier;

    if (!plan->is_refused && tier.len != 0)
        add_header(req, H2O_STRLIT("x-gemini-service-tier"), tier.at, tier.len);
}

static void open_head(struct reply *r)
{
    h2o_req_t *req = r->req;
    const struct plan *plan = &r->plan;
    bool is_sse = plan->is_stream && plan->answer.framing == FRAMING_SSE;
    bool is_page = plan->is_refused && refusal_is_page(plan->refusal);

    ledger_count_answer(plan->key, !plan->is_refused);
    write_head(req, plan->is_refused ? refusal_status(plan->refusal) : 200,
               is_sse                            ? "text/event-stream"
               : plan->type && !plan->is_refused ? plan->type
                                                 : content_type(is_page));
    write_tier(req, plan);
    if (!plan->is_stream && !plan->is_chunked)
        req->res.content_length = frame_len(&r->frame);
    r->is_chunked = req->res.content_length == SIZE_MAX && req->version == 0x101;
    if (r->is_chunked)
        h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_TRANSFER_ENCODING, NULL,
                       H2O_STRLIT("chunked"));
    if (plan->is_last_close || (req->res.content_length == SIZE_MAX && !r->is_chunked))
        req->http1_is_persistent = 0;
    h2o_start_response(req, &r->super);
}

static void reply_open(struct reply *r)
{
    const struct plan *plan = &r->plan;
    bool ends_bare = frames_of(plan) == 0 && plan->ending != ENDING_CLOSE;

    r->state = REPLY_OPEN;
    r->due_ms = h2o_now(r->req->conn->ctx->loop);
    if (!plan->is_stream)
        render(r);
    open_head(r);
    if (plan->is_head_early || plan->cut_at == 0 || ends_bare)
        send_head(r);
    else
        reply_go(r);
}

static void on_timer(h2o_timeout_entry_t *entry)
{
    struct reply *r = H2O_STRUCT_FROM_MEMBER(struct reply, timer, entry);

    if (r->is_cutting)
        reply_cut(r);
    else if (r->state == REPLY_WAITING)
        reply_open(r);
    else
        reply_go(r);
}

/* The request's memory goes: after its end, or because the connection broke. */
static void on_dispose(void *memory)
{
    struct reply *r = memory;

    r->is_tapped = false; /* h2o is closing the socket, or has taken it back */
    if (r->state != REPLY_OVER) {
        ledger_count_cancelled();
        reply_over(r);
    }
    text_clear(&r->frame.bytes);
}

/* -- Ways in -- */

static bool is_plain(const struct plan *plan)
{
    return !plan->is_stream && !plan->is_silent && !plan->is_chunked && !plan->is_head_early &&
           plan->first_ms <= 0 && plan->split <= 0 && plan->cut_at == UNSET &&
           !plan->answer.is_filler;
}

static void answer_plain(h2o_req_t *req, const struct plan *plan)
{
    static struct frame frame;

    frame.bytes.len = 0;
    write_reply(&frame, plan);
    ledger_count_answer(plan->key, !plan->is_refused);
    write_tier(req, plan);
    if (plan->is_last_close)
        req->http1_is_persistent = 0;
    reply_now(req, plan->is_refused ? refusal_status(plan->refusal) : 200, text_span(&frame.bytes),
              plan->is_refused && refusal_is_page(plan->refusal));
}

void reply_start(h2o_req_t *req, const struct plan *plan)
{
    if (is_plain(plan)) {
        answer_plain(req, plan);
        return;
    }
    struct reply *r = h2o_mem_alloc_shared(&req->pool, sizeof(*r), on_dispose);
    *r = (struct reply){
        .super = {on_proceed, NULL}, .req = req, .timer = {.cb = on_timer}, .plan = *plan};
    ledger_count_open(1);
    tap_open(r);
    if (plan->is_silent)
        return;
    if (plan->first_ms > 0 && !plan->is_head_early)
        wait_start(&r->timer, plan->first_ms);
    else
        reply_open(r);
}
