/* SPDX-License-Identifier: Apache-2.0 */
/* Transfers by libcurl's multi interface on our epoll loop. What must stay true: a request is sent
 * once.
 *
 * 1. libcurl sends a request again by itself when a kept connection breaks before the answer, or a
 * stream is refused. The provider may have counted the first; so the second one is stopped, and the
 * caller is told that the connection broke.
 * 2. What waits for a connection inside libcurl is timed as if it were connecting. So it gets no
 * more than have room, and of HTTP/2's streams only those of a provider that is known to have them.
 */
#include "transfer/multi.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/clock.h"
#include "transfer/handle.h"
#include "transfer/lines.h"
#include "transfer/sockets.h"
#include "transfer/trouble.h"

enum {
    STREAMS = 100,      /* calls on one HTTP/2 connection: what providers allow */
    UNAUTHORIZED = 401, /* statuses */
    PROXY_WANTS_PASSWORD = 407,
};

struct ride {
    struct transfer base; /* is the first */
    struct multi *multi;
    struct handle handle;
    size_t body_len;
    const struct transfer_feed *feed; /* NULL: none */
    bool is_fed;                      /* its last byte has left */
    bool is_hungry;                   /* libcurl waits for more of it */
    bool is_sent_once;
    bool has_head;
    bool is_paused;
    bool is_stopped;
    bool is_proxy_refusal; /* the answer is the proxy's: it wants a password */
    struct view wanted;
    struct bytes lines; /* of those that the answer has */
    struct bytes why;
};

struct multi {
    struct engine *engine;
    CURLM *curl;
    struct curl_slist *headers; /* of the settings; shared by all */
    struct sockets sockets;
    size_t running_count;
    uint64_t due_ms;
    uint64_t idle_since_ms;    /* nothing is under way since then */
    struct bytes http2_origin; /* whose last answer came over HTTP/2 */
    struct transfer *pool;     /* idle, linked by next */
    size_t pool_count;
};

static struct ride *ride_of(struct transfer *transfer)
{
    return (struct ride *)transfer;
}

/* Sockets */

static void after_curl(struct multi *multi);

static void on_ready(void *owner, int fd, int action)
{
    struct multi *multi = owner;
    int running;

    curl_multi_socket_action(multi->curl, fd, action, &running);
    after_curl(multi);
}

static curl_socket_t on_open(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct ride *ride = data;
    int fd;

    (void)purpose;
    engine_found(&ride->base);
    fd = sockets_open(&ride->multi->sockets, address);
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static int on_timer(CURLM *curl, long wait_ms, void *data)
{
    struct multi *multi = data;

    (void)curl;
    multi->due_ms = wait_ms < 0 ? UINT64_MAX : wait_ms ? clock_ms() + (uint64_t)wait_ms : 0;
    engine_due(multi->engine);
    return 0;
}

/* What libcurl tells of a transfer */

static int on_request(void *data, char *there, char *here, int there_port, int here_port)
{
    struct ride *ride = data;

    (void)there, (void)here, (void)there_port, (void)here_port;
    engine_found(&ride->base);
    if (ride->is_sent_once)
        return CURL_PREREQFUNC_ABORT;
    ride->is_sent_once = true;
    return CURL_PREREQFUNC_OK;
}

/* By a proxy that sees the request, and answers it itself where it does not like it. */
static bool is_forwarded(const struct ride *ride)
{
    return view_starts(bytes_view(&ride->handle.proxy), VIEW("http")) &&
           view_starts(bytes_view(&ride->handle.url_text), VIEW("http:"));
}

/* Some say 401 with a page; a provider's 401 is JSON. */
static bool is_refusal(long status, struct view type)
{
    return status == PROXY_WANTS_PASSWORD ||
           (status == UNAUTHORIZED && !view_starts(type, VIEW("application/json")));
}

/* Scheme, host and port. */
static struct view origin_of(const struct ride *ride)
{
    struct view url = bytes_view(&ride->handle.url_text);
    size_t len = 0;

    for (int slashes = 0; len < url.len; len++)
        if (url.at[len] == '/' && ++slashes == 3)
            break;
    return (struct view){url.at, len};
}

static void learn_version(struct ride *ride)
{
    struct multi *multi = ride->multi;
    long version = CURL_HTTP_VERSION_NONE;

    curl_easy_getinfo(ride->handle.easy, CURLINFO_HTTP_VERSION, &version);
    if (version == CURL_HTTP_VERSION_2_0)
        bytes_copy(&multi->http2_origin, origin_of(ride));
    else if (view_equal(bytes_view(&multi->http2_origin), origin_of(ride)))
        multi->http2_origin.len = 0;
}

static void gather_lines(struct ride *ride)
{
    struct curl_header *header = NULL;

    ride->lines.len = 0;
    while ((header = curl_easy_nextheader(ride->handle.easy, CURLH_HEADER, -1, header)) != NULL)
        if (lines_want(ride->wanted, view_of(header->name)))
            lines_add(&ride->lines, view_of(header->name), view_of(header->value));
}

static void give_head(struct ride *ride)
{
    long status = 0;
    char *type = NULL;
    curl_off_t length = -1;

    if (ride->is_sent_once)
        curl_easy_getinfo(ride->handle.easy, CURLINFO_RESPONSE_CODE, &status);
    if (!status)
        return; /* it broke before */
    ride->has_head = true;
    if (ride->multi->engine->settings.is_http2)
        learn_version(ride);
    curl_easy_getinfo(ride->handle.easy, CURLINFO_CONTENT_TYPE, &type);
    ride->is_proxy_refusal = is_forwarded(ride) && is_refusal(status, view_of(type));
    if (ride->is_proxy_refusal)
        return;
    gather_lines(ride);
    curl_easy_getinfo(ride->handle.easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    ride->base.events->head(ride->base.owner, (unsigned)status, view_of(type),
                            (uint64_t)(length + 1), bytes_view(&ride->lines));
}

static size_t on_write(char *at, size_t size, size_t count, void *data)
{
    struct ride *ride = data;
    struct view bytes = {at, size * count};

    if (!ride->has_head)
        give_head(ride);
    if (ride->is_proxy_refusal)
        return bytes.len;
    switch (ride->base.events->bytes(ride->base.owner, bytes)) {
    case TRANSFER_TAKEN:
        return bytes.len;
    case TRANSFER_LATER:
        ride->is_paused = true;
        return CURL_WRITEFUNC_PAUSE;
    case TRANSFER_STOP:
        ride->is_stopped = true;
        return bytes.len + 1; /* a wrong number is an error */
    }
    return 0;
}

static size_t on_read(char *at, size_t size, size_t count, void *data)
{
    struct ride *ride = data;
    struct view text = ride->feed->look(ride->base.owner, &ride->is_fed);
    size_t len = text.len < size * count ? text.len : size * count;

    ride->is_fed = ride->is_fed && !text.len;
    ride->is_hungry = !text.len && !ride->is_fed;
    if (ride->is_hungry)
        return CURL_READFUNC_PAUSE;
    if (len) {
        memcpy(at, text.at, len);
        ride->feed->take(ride->base.owner, len);
    }
    return len;
}

/* libcurl 7.88 stops sending when a refusal comes before the end of a body, but waits for ever if it has
 * just been told that more of that body would come later. */
static size_t on_line(char *at, size_t size, size_t count, void *data)
{
    struct ride *ride = data;
    bool is_last = size * count <= 2; /* the empty line */

    (void)at;
    if (is_last && ride->is_hungry) {
        ride->is_hungry = false;
        curl_easy_pause(ride->handle.easy, ride->is_paused ? CURLPAUSE_RECV : CURLPAUSE_CONT);
    }
    return size * count;
}

/* How it ended, and why in words. */
static enum transfer_end end_of(struct ride *ride, CURLcode code)
{
    struct bytes *why = &ride->why;

    why->len = 0;
    if (ride->is_stopped)
        return TRANSFER_STOPPED;
    if (ride->is_proxy_refusal)
        return trouble_password(ride->handle.url, why);
    if (code == CURLE_OK)
        return TRANSFER_CLEAN;
    if (!ride->is_sent_once)
        return trouble_read(ride->handle.easy, ride->handle.url, bytes_view(&ride->handle.proxy),
                            code, ride->handle.said, why);
    bytes_text(why, ride->handle.said[0] ? ride->handle.said : curl_easy_strerror(code));
    return TRANSFER_BROKEN;
}

/* The pool */

static void set_callbacks(struct ride *ride)
{
    CURL *easy = ride->handle.easy;

    curl_easy_setopt(easy, CURLOPT_PRIVATE, ride);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, ride);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(easy, CURLOPT_READDATA, ride);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_request);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, ride);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, ride);
    sockets_close_for(&ride->multi->sockets, easy);
}

static struct ride *ride_take(struct multi *multi)
{
    struct transfer *transfer = multi->pool;
    struct ride *ride;

    if (transfer) {
        LL_DELETE(multi->pool, transfer);
        multi->pool_count--;
        return ride_of(transfer);
    }
    ride = memory_new(sizeof(*ride));
    ride->multi = multi;
    handle_init(&ride->handle, &multi->engine->settings, multi->headers);
    set_callbacks(ride);
    return ride;
}

static void ride_free(struct ride *ride)
{
    handle_clear(&ride->handle);
    bytes_clear(&ride->lines);
    bytes_clear(&ride->why);
    free(ride);
}

static void ride_give(struct ride *ride)
{
    struct multi *multi = ride->multi;

    handle_forget(&ride->handle);
    if (multi->pool_count >= ENGINE_POOL_MOST) {
        ride_free(ride);
        return;
    }
    LL_PREPEND(multi->pool, &ride->base);
    multi->pool_count++;
}

static struct transfer *make(void *self, const struct transfer_order *order)
{
    struct multi *multi = self;
    struct ride *ride = ride_take(multi);

    ride->body_len = order->body.len;
    ride->feed = order->feed;
    ride->is_fed = ride->is_hungry = false;
    ride->wanted = order->wanted;
    ride->is_sent_once = ride->has_head = ride->is_paused = false;
    ride->is_stopped = ride->is_proxy_refusal = false;
    handle_set(&ride->handle, order);
    /* Data without a function would send the lines to on_write. */
    curl_easy_setopt(ride->handle.easy, CURLOPT_HEADERFUNCTION, order->feed ? on_line : NULL);
    curl_easy_setopt(ride->handle.easy, CURLOPT_HEADERDATA, order->feed ? ride : NULL);
    return &ride->base;
}

/* Running */

static void start(struct transfer *transfer)
{
    struct ride *ride = ride_of(transfer);
    struct multi *multi = ride->multi;

    multi->running_count++;
    if (curl_multi_add_handle(multi->curl, ride->handle.easy) != CURLM_OK)
        abort(); /* a handle of ours, and it is in no other multi */
}

/* A kept connection needs no look-up. */
static bool has_idle(const struct transfer *transfer)
{
    const struct multi *multi = ((const struct ride *)transfer)->multi;

    return multi->sockets.connections > multi->running_count;
}

/* Each proxy has connections of its own: there nothing is known beforehand. */
static size_t streams(const struct transfer *transfer)
{
    const struct ride *ride = (const struct ride *)transfer;
    struct view known = bytes_view(&ride->multi->http2_origin);

    if (ride->handle.proxy.len)
        return 1;
    return known.len && view_equal(known, origin_of(ride)) ? STREAMS : 1;
}

static void take_back(struct ride *ride)
{
    struct multi *multi = ride->multi;

    curl_multi_remove_handle(multi->curl, ride->handle.easy);
    engine_leave(&ride->base);
    if (--multi->running_count == 0)
        multi->idle_since_ms = clock_ms();
}

static void finish(struct ride *ride, CURLcode code)
{
    enum transfer_end end;

    if (!ride->has_head)
        give_head(ride);
    end = end_of(ride, code);
    take_back(ride);
    ride->base.events->done(ride->base.owner, end, bytes_cstr(&ride->why));
    ride_give(ride);
}

static void after_curl(struct multi *multi)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(multi->curl, &left)) != NULL) {
        CURLcode code = message->data.result;
        struct ride *ride = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&ride);
        finish(ride, code);
    }
    engine_after(multi->engine);
}

static void resume(struct transfer *transfer)
{
    struct ride *ride = ride_of(transfer);

    if (!ride->is_paused)
        return;
    ride->is_paused = false;
    curl_easy_pause(ride->handle.easy, ride->is_hungry ? CURLPAUSE_SEND : CURLPAUSE_CONT);
}

static void feed(struct transfer *transfer)
{
    struct ride *ride = ride_of(transfer);

    if (!ride->is_hungry)
        return;
    ride->is_hungry = false;
    curl_easy_pause(ride->handle.easy, ride->is_paused ? CURLPAUSE_RECV : CURLPAUSE_CONT);
}

static void cancel(struct transfer *transfer)
{
    struct ride *ride = ride_of(transfer);

    if (!transfer->is_waiting)
        take_back(ride);
    ride_give(ride);
}

static uint64_t connect_us(const struct transfer *transfer)
{
    return handle_connect_us(&((const struct ride *)transfer)->handle);
}

static bool is_sent(const struct transfer *transfer)
{
    const struct ride *ride = (const struct ride *)transfer;
    curl_off_t sent = 0;

    if (ride->feed)
        return ride->is_fed;
    curl_easy_getinfo(ride->handle.easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    return (uint64_t)sent >= ride->body_len;
}

/* Opening and closing */

static void curl_open(struct multi *multi)
{
    const struct engine *engine = multi->engine;
    bool is_http2 = engine->settings.is_http2;
    CURLM *curl = multi->curl = curl_multi_init();

    if (!curl)
        abort();
    sockets_serve(&multi->sockets, curl);
    curl_multi_setopt(curl, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(curl, CURLMOPT_TIMERDATA, multi);
    curl_multi_setopt(curl, CURLMOPT_PIPELINING,
                      (long)(is_http2 ? CURLPIPE_MULTIPLEX : CURLPIPE_NOTHING));
    curl_multi_setopt(curl, CURLMOPT_MAX_CONCURRENT_STREAMS, (long)STREAMS);
    curl_multi_setopt(curl, CURLMOPT_MAXCONNECTS, (long)engine->connections_most);
    if (engine->settings.connections)
        curl_multi_setopt(curl, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)engine->connections_most);
}

/* All connections, when nothing is under way. */
static void reopen(struct multi *multi)
{
    curl_multi_cleanup(multi->curl);
    curl_open(multi);
}

/* libcurl closes connections that have idled too long when it starts a transfer. While it starts
 * none, it is done here. */
static void close_idle(struct multi *multi, uint64_t now_ms)
{
    if (!multi->running_count && multi->sockets.connections &&
        now_ms >= multi->idle_since_ms + multi->engine->settings.idle_ms)
        reopen(multi);
}

static uint64_t due_ms(const void *self)
{
    const struct multi *multi = self;

    return multi->due_ms;
}

static void turn(void *self, uint64_t now_ms)
{
    struct multi *multi = self;
    int running;

    close_idle(multi, now_ms);
    if (now_ms < multi->due_ms)
        return;
    multi->due_ms = UINT64_MAX;
    curl_multi_socket_action(multi->curl, CURL_SOCKET_TIMEOUT, 0, &running);
    after_curl(multi);
}

static void headers_make(struct multi *multi)
{
    const struct transfer_settings *settings = &multi->engine->settings;

    for (size_t i = settings->header_count; i-- > 0;) {
        struct curl_slist *line = memory_new(sizeof(*line));

        *line = (struct curl_slist){.data = settings->headers[i], .next = multi->headers};
        multi->headers = line;
    }
}

static void headers_free(struct multi *multi)
{
    while (multi->headers) {
        struct curl_slist *line = multi->headers;

        multi->headers = line->next;
        free(line);
    }
}

static void *open_multi(struct engine *engine)
{
    struct multi *multi = memory_new(sizeof(*multi));

    multi->engine = engine;
    multi->due_ms = UINT64_MAX;
    multi->sockets =
        (struct sockets){.loop = engine->front->loop, .on_ready = on_ready, .owner = multi};
    headers_make(multi);
    curl_open(multi);
    return multi;
}

static size_t connections(const void *self)
{
    const struct multi *multi = self;

    return multi->sockets.connections;
}

static void trim_to(struct multi *multi, size_t most)
{
    while (multi->pool_count > most) {
        struct transfer *transfer = multi->pool;

        LL_DELETE(multi->pool, transfer);
        multi->pool_count--;
        ride_free(ride_of(transfer));
    }
}

/* libcurl keeps a connection until the provider closes it, and with TLS that is 100 KB each. When
 * nothing is under way and there are many of them, all go. */
static void trim(void *self)
{
    struct multi *multi = self;

    trim_to(multi, ENGINE_POOL_TRIMMED);
    if (!multi->running_count && multi->sockets.connections > ENGINE_CONNECTIONS_TRIMMED)
        reopen(multi);
}

static void close_multi(void *self)
{
    struct multi *multi = self;

    trim_to(multi, 0);
    curl_multi_cleanup(multi->curl);
    headers_free(multi);
    sockets_clear(&multi->sockets);
    bytes_clear(&multi->http2_origin);
    free(multi);
}

static bool takes(const struct engine *engine, const struct transfer_order *order)
{
    (void)engine, (void)order;
    return true;
}

const struct engine_kind engine_multi = {
    .takes = takes,
    .open = open_multi,
    .close = close_multi,
    .due_ms = due_ms,
    .turn = turn,
    .trim = trim,
    .connections = connections,
    .make = make,
    .run = start,
    .resume = resume,
    .feed = feed,
    .cancel = cancel,
    .is_sent = is_sent,
    .connect_us = connect_us,
    .has_idle = has_idle,
    .streams = streams,
};
