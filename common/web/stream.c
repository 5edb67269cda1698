/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies as they come. h2o 2.2.5 hands a request over when its body is whole, however long that is; so
 * the line of the head that says how long it is gets another name before h2o reads it, and the body is
 * read here. What must stay true: exactly the bytes of the body are taken off the connection, or it ends
 * with this request; and none is read before somebody has room for it.
 *
 *   early.c: stream_judge -> h2o -> refusal.c: stream_begin -> a route: web_stream_open -> on_tap:
 *   on_readable -> … -> refusal.c, when the request is disposed of: stream_clear */
#include "web/stream.h"

#include <errno.h>
#include <sys/socket.h>

#include "settings/options.h"
#include "web/client.h"
#include "web/head.h"

enum { READ_MOST = 64 * 1024 };

ssize_t phr_decode_chunked(struct phr_chunked_decoder *decoder, char *at, size_t *len);

static const struct client_reader reader;

/* Hiding it */

static void rename_line(char *at, size_t len)
{
    static const char prefix[] = "x-hidden";

    for (size_t i = 0; i < len; i++)
        at[i] = i < sizeof(prefix) - 1 ? prefix[i] : '-';
}

void stream_judge(struct client *client, const struct head_body *body)
{
    struct web *web = client->web;
    struct stream *stream = &client->stream;

    *stream = (struct stream){0};
    if (!body || !web->streams ||
        !web->streams(web, body->method, head_origin(body->target), body->length))
        return;
    rename_line(client->socket->input->bytes + body->line_at, body->line_name_len);
    client->reader = &reader;
    stream->is_on = true;
    stream->is_chunked = body->is_chunked;
    stream->decoder.consume_trailer = 1;
    stream->wants_continue = body->wants_continue;
    stream->length = stream->left = body->length;
    stream->head_len = body->head_len;
}

/* What follows a body of known length is the next request's. */
void stream_begin(struct client *client)
{
    h2o_buffer_t *input = client->socket->input;
    struct stream *stream = &client->stream;
    size_t len = input->size - stream->head_len;
    char *at = input->bytes + stream->head_len;

    if (!stream->is_chunked && len > stream->length)
        len = (size_t)stream->length;
    bytes_append(&stream->front, (struct view){at, len});
    memmove(at, at + len, input->size - stream->head_len - len);
    input->size -= len;
}

/* Giving it */

static void stop(struct client *client)
{
    struct stream *stream = &client->stream;

    stream->events = NULL;
    h2o_timeout_unlink(&stream->front_timer);
    h2o_timeout_unlink(&stream->stall_timer);
}

static void fail(struct client *client, enum web_stream_fault fault)
{
    const struct web_stream_events *events = client->stream.events;

    stop(client);
    events->failed(client->stream.owner, fault);
}

static void give(struct client *client, struct view text, bool is_last)
{
    struct stream *stream = &client->stream;
    const struct web_stream_events *events = stream->events;

    stream->is_whole = is_last;
    if (is_last)
        stop(client);
    events->bytes(stream->owner, text, is_last);
}

static void give_plain(struct client *client, struct view text)
{
    client->stream.left -= text.len;
    give(client, text, client->stream.left == 0);
}

/* Decoded where it lies. */
static void give_chunked(struct client *client, char *at, size_t len)
{
    ssize_t rest = phr_decode_chunked(&client->stream.decoder, at, &len);

    if (rest == -1)
        fail(client, WEB_STREAM_MALFORMED);
    else if (len || rest >= 0)
        give(client, (struct view){at, len}, rest >= 0);
}

/* Where the next bytes may be read from the socket. */
static void wait_for_more(struct client *client)
{
    struct stream *stream = &client->stream;

    if (!stream->events && client->on_gone)
        client_listen(client); /* for a hang-up */
    if (!stream->events)
        return;
    h2o_timeout_unlink(&stream->stall_timer);
    if (!stream->events->room(stream->owner)) {
        client_rest(client);
        return;
    }
    h2o_timeout_link(client->web->loop, &client->web->stall, &stream->stall_timer);
    client_listen(client);
}

static void on_front(h2o_timeout_entry_t *entry)
{
    struct client *client = H2O_STRUCT_FROM_MEMBER(struct client, stream.front_timer, entry);
    struct stream *stream = &client->stream;
    size_t len = stream->front.len - stream->front_at;
    size_t room = stream->events ? stream->events->room(stream->owner) : 0;

    len = len < room ? len : room;
    if (len) {
        char *at = stream->front.at + stream->front_at;

        stream->front_at += len;
        if (stream->is_chunked)
            give_chunked(client, at, len);
        else
            give_plain(client, (struct view){at, len});
    }
    if (stream->front_at < stream->front.len)
        return; /* until there is room again */
    bytes_clear(&stream->front);
    stream->front_at = 0;
    wait_for_more(client);
}

static void on_stall(h2o_timeout_entry_t *entry)
{
    struct client *client = H2O_STRUCT_FROM_MEMBER(struct client, stream.stall_timer, entry);

    if (client->stream.events)
        fail(client, WEB_STREAM_STALLED);
}

/* Reading it */

static size_t read_most(const struct client *client)
{
    const struct stream *stream = &client->stream;
    size_t room = stream->events->room(stream->owner);

    room = room < READ_MOST ? room : READ_MOST;
    return stream->is_chunked || room < stream->left ? room : (size_t)stream->left;
}

static bool on_readable(struct client *client)
{
    static char buffer[READ_MOST];
    struct stream *stream = &client->stream;
    size_t most = stream->events && !stream->front.len ? read_most(client) : 0;
    ssize_t len;

    if (!most)
        return false;
    len = recv(h2o_socket_get_fd(client->socket), buffer, most, MSG_DONTWAIT);
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (len <= 0)
        return false;
    if (stream->is_chunked)
        give_chunked(client, buffer, (size_t)len);
    else
        give_plain(client, (struct view){buffer, (size_t)len});
    wait_for_more(client);
    return true;
}

/* For routes */

bool web_stream_length(const h2o_req_t *req, uint64_t *length)
{
    const struct stream *stream = &client_of(req)->stream;

    *length = stream->is_chunked ? 0 : stream->length + 1;
    return stream->is_on;
}

void web_stream_open(h2o_req_t *req, const struct web_stream_events *events, void *owner)
{
    struct client *client = client_of(req);

    client->stream.events = events;
    client->stream.owner = owner;
    client->stream.front_timer.cb = on_front;
    client->stream.stall_timer.cb = on_stall;
    client_rest(client); /* hang-ups are looked for until there is room */
}

/* Nothing of the reply is on its way yet, so it finds room in the kernel. */
static void say_continue(struct client *client)
{
    static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";

    if (client->stream.wants_continue && !client->stream.front.len)
        (void)!send(h2o_socket_get_fd(client->socket), line, sizeof(line) - 1,
                    MSG_DONTWAIT | MSG_NOSIGNAL);
    client->stream.wants_continue = false;
}

void web_stream_go_on(h2o_req_t *req)
{
    struct client *client = client_of(req);

    if (!client->stream.events)
        return;
    say_continue(client);
    if (!h2o_timeout_is_linked(&client->stream.front_timer))
        h2o_timeout_link(client->web->loop, &client->web->context.zero_timeout,
                         &client->stream.front_timer);
}

void web_stream_close(h2o_req_t *req)
{
    struct client *client = client_of(req);

    if (client->stream.events)
        stop(client);
}

/* The rest */

bool stream_is_unread(const struct client *client)
{
    return client->stream.is_on && (!client->stream.is_whole || client->stream.is_chunked);
}

void stream_clear(struct client *client)
{
    if (!client->stream.is_on)
        return;
    stop(client);
    bytes_clear(&client->stream.front);
    client->stream.is_on = false;
}

static const struct client_reader reader = {
    .readable = on_readable, .stop = stop, .clear = stream_clear};
