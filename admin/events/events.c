/* SPDX-License-Identifier: Apache-2.0 */
/* Readers of events. Called by the route, and by whoever has news. Texts are gathered between two
 * rounds of the loop and go out in its next one. */
#include "events/events.h"

#include <utlist.h>

struct reader {
    h2o_generator_t generator; /* first: h2o hands it back */
    struct events *events;
    struct web *web;
    h2o_req_t *req;
    h2o_timeout_entry_t later;
    unsigned topics;
    uint64_t session_number;
    uint64_t ping_ms;
    size_t sent;                 /* bytes */
    struct bytes waiting, going; /* the second is h2o's until it asks for more */
    bool is_going, must_end, is_behind;
    struct reader *prev, *next;
};

static void send_more(struct reader *reader)
{
    struct bytes swap = reader->going;
    bool is_last = reader->must_end || reader->sent + reader->waiting.len > EVENTS_SENT_MOST;
    h2o_iovec_t part;

    reader->going = reader->waiting;
    reader->waiting = swap;
    reader->waiting.len = 0;
    reader->sent += reader->going.len;
    reader->is_going = true;
    reader->is_behind = false;
    part = h2o_iovec_init(reader->going.at, reader->going.len);
    if (is_last)
        web_untap(reader->req);
    h2o_send(reader->req, &part, part.len ? 1 : 0,
             is_last ? H2O_SEND_STATE_FINAL : H2O_SEND_STATE_IN_PROGRESS);
}

static bool has_more(const struct reader *reader)
{
    return !reader->is_going && (reader->waiting.len || reader->must_end);
}

static void on_later(h2o_timeout_entry_t *entry)
{
    struct reader *reader = H2O_STRUCT_FROM_MEMBER(struct reader, later, entry);

    if (has_more(reader))
        send_more(reader);
}

static void on_proceed(h2o_generator_t *generator, h2o_req_t *req)
{
    struct reader *reader = (struct reader *)generator;

    (void)req;
    reader->is_going = false;
    if (has_more(reader))
        send_more(reader);
}

static void on_gone(void *data)
{
    struct reader *reader = data;

    web_break(reader->req);
}

static void on_disposed(void *data)
{
    struct reader *reader = data;

    DL_DELETE(reader->events->readers, reader);
    reader->events->count--;
    reader->web->replies--;
    h2o_timeout_unlink(&reader->later);
    bytes_clear(&reader->waiting);
    bytes_clear(&reader->going);
}

static void wake(struct reader *reader)
{
    if (has_more(reader))
        web_defer(reader->web, &reader->later);
}

/* One that is too far behind has to ask for everything anew, once. */
static void append(struct reader *reader, struct view text)
{
    if (reader->is_behind)
        return;
    if (reader->waiting.len + text.len > EVENTS_BEHIND_MOST) {
        reader->waiting.len = 0;
        reader->is_behind = true;
        text = VIEW("event: reset\ndata: {}\n\n");
    }
    bytes_append(&reader->waiting, text);
    wake(reader);
}

static void start(struct reader *reader)
{
    h2o_req_t *req = reader->req;

    req->res.status = 200;
    req->res.reason = web_reason(200);
    req->res.content_length = SIZE_MAX;
    web_header(req, "content-type", VIEW("text/event-stream; charset=utf-8"));
    web_header(req, "cache-control", VIEW("no-store"));
    web_header(req, "x-accel-buffering", VIEW("no"));
    h2o_start_response(req, &reader->generator);
    web_tap(req, on_gone, reader);
}

bool events_begin(struct events *events, struct reply *reply, const struct events_wish *wish,
                  uint64_t now_ms)
{
    struct reader *reader;

    if (events->count >= EVENTS_READERS_MOST)
        return false;
    reader = h2o_mem_alloc_shared(&reply->req->pool, sizeof(*reader), on_disposed);
    *reader = (struct reader){.generator = {on_proceed, NULL},
                              .events = events,
                              .web = reply->web,
                              .req = reply->req,
                              .later = {.cb = on_later},
                              .topics = wish->topics,
                              .session_number = reply->call.session_number,
                              .ping_ms = now_ms + EVENTS_PING_MS};
    DL_APPEND(events->readers, reader);
    events->count++;
    reader->web->replies++;
    reply->status = 200; /* it is given: what comes is the reader's */
    bytes_text(&reader->waiting, "retry: 2000\n\nevent: session\ndata: ");
    bytes_append(&reader->waiting, wish->first);
    bytes_text(&reader->waiting, "\n\n");
    if (wish->last_id &&
        !backlog_since(&events->backlog, wish->last_id, wish->topics, &reader->waiting))
        bytes_text(&reader->waiting, "event: reset\ndata: {}\n\n");
    start(reader);
    wake(reader);
    return true;
}

void events_publish(struct events *events, enum topic topic, struct view json)
{
    const struct event *event = backlog_put(&events->backlog, topic, json);
    struct reader *reader;

    DL_FOREACH (events->readers, reader)
        if (reader->topics & topic)
            append(reader, bytes_view(&event->text));
}

bool events_are_wanted(const struct events *events, enum topic topic)
{
    const struct reader *reader;

    DL_FOREACH (events->readers, reader)
        if (reader->topics & topic)
            return true;
    return false;
}

static void end(struct reader *reader)
{
    reader->must_end = true;
    wake(reader);
}

void events_tick(struct events *events, uint64_t now_ms,
                 bool (*goes_on)(void *owner, uint64_t session_number), void *owner)
{
    struct reader *reader, *next;

    DL_FOREACH_SAFE (events->readers, reader, next) {
        if (!goes_on(owner, reader->session_number)) {
            append(reader, VIEW("event: session\ndata: {\"ended\":true}\n\n"));
            end(reader);
        } else if (now_ms >= reader->ping_ms) {
            reader->ping_ms = now_ms + EVENTS_PING_MS;
            append(reader, VIEW(":\n\n"));
        }
    }
}

void events_end(struct events *events)
{
    struct reader *reader, *next;

    DL_FOREACH_SAFE (events->readers, reader, next)
        end(reader);
}
