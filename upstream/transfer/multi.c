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
#include <utlist.h>

#include "base/clock.h"
#include "transfer/handle.h"
#include "transfer/sockets.h"
#include "transfer/trouble.h"

enum {
    STREAMS = 100,      /* calls on one HTTP/2 connection: what providers allow */
    UNAUTHORIZED = 401, /* statuses */
    PROXY_WANTS_PASSWORD = 407,
};

struct run {
    struct transfer base; /* is the first */
    struct multi *multi;
    struct handle handle;
    size_t body_len;
    bool is_sent_once;
    bool has_head;
    bool is_paused;
    bool is_stopped;
    bool is_proxy_refusal; /* the answer is the proxy's: it wants a password */
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

static struct run *run_of(struct transfer *transfer)
{
    return (struct run *)transfer;
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
    struct run *run = data;
    int fd;

    (void)purpose;
    engine_found(&run->base);
    fd = sockets_open(&run->multi->sockets, address);
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
    struct run *run = data;

    (void)there, (void)here, (void)there_port, (void)here_port;
    engine_found(&run->base);
    if (run->is_sent_once)
        return CURL_PREREQFUNC_ABORT;
    run->is_sent_once = true;
    return CURL_PREREQFUNC_OK;
}

/* By a proxy that sees the request, and answers it itself where it does not like it. */
static bool is_forwarded(const struct run *run)
{
    return view_starts(bytes_view(&run->handle.proxy), VIEW("http")) &&
           view_starts(bytes_view(&run->handle.url_text), VIEW("http:"));
}

/* Some say 401 with a page; a provider's 401 is JSON. */
static bool is_refusal(long status, struct view type)
{
    return status == PROXY_WANTS_PASSWORD ||
           (status == UNAUTHORIZED && !view_starts(type, VIEW("application/json")));
}

/* Scheme, host and port. */
static struct view origin_of(const struct run *run)
{
    struct view url = bytes_view(&run->handle.url_text);
    size_t len = 0;

    for (int slashes = 0; len < url.len; len++)
        if (url.at[len] == '/' && ++slashes == 3)
            break;
    return (struct view){url.at, len};
}

static void learn_version(struct run *run)
{
    struct multi *multi = run->multi;
    long version = CURL_HTTP_VERSION_NONE;

    curl_easy_getinfo(run->handle.easy, CURLINFO_HTTP_VERSION, &version);
    if (version == CURL_HTTP_VERSION_2_0)
        bytes_copy(&multi->http2_origin, origin_of(run));
    else if (view_equal(bytes_view(&multi->http2_origin), origin_of(run)))
        multi->http2_origin.len = 0;
}

static void give_head(struct run *run)
{
    long status = 0;
    char *type = NULL;
    curl_off_t length = -1;

    if (run->is_sent_once)
        curl_easy_getinfo(run->handle.easy, CURLINFO_RESPONSE_CODE, &status);
    if (!status)
        return; /* it broke before */
    run->has_head = true;
    if (run->multi->engine->settings.is_http2)
        learn_version(run);
    curl_easy_getinfo(run->handle.easy, CURLINFO_CONTENT_TYPE, &type);
    run->is_proxy_refusal = is_forwarded(run) && is_refusal(status, view_of(type));
    if (run->is_proxy_refusal)
        return;
    curl_easy_getinfo(run->handle.easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    run->base.events->head(run->base.owner, (unsigned)status, view_of(type),
                           (uint64_t)(length + 1));
}

static size_t on_write(char *at, size_t size, size_t count, void *data)
{
    struct run *run = data;
    struct view bytes = {at, size * count};

    if (!run->has_head)
        give_head(run);
    if (run->is_proxy_refusal)
        return bytes.len;
    switch (run->base.events->bytes(run->base.owner, bytes)) {
    case TRANSFER_TAKEN:
        return bytes.len;
    case TRANSFER_LATER:
        run->is_paused = true;
        return CURL_WRITEFUNC_PAUSE;
    case TRANSFER_STOP:
        run->is_stopped = true;
        return bytes.len + 1; /* a wrong number is an error */
    }
    return 0;
}

/* How it ended, and why in words. */
static enum transfer_end end_of(struct run *run, CURLcode code)
{
    struct bytes *why = &run->why;

    why->len = 0;
    if (run->is_stopped)
        return TRANSFER_STOPPED;
    if (run->is_proxy_refusal)
        return trouble_password(run->handle.url, why);
    if (code == CURLE_OK)
        return TRANSFER_CLEAN;
    if (!run->is_sent_once)
        return trouble_read(run->handle.easy, run->handle.url, bytes_view(&run->handle.proxy), code,
                            run->handle.said, why);
    bytes_text(why, run->handle.said[0] ? run->handle.said : curl_easy_strerror(code));
    return TRANSFER_BROKEN;
}

/* The pool */

static void set_callbacks(struct run *run)
{
    CURL *easy = run->handle.easy;

    curl_easy_setopt(easy, CURLOPT_PRIVATE, run);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, run);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_request);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, run);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, run);
    sockets_close_for(&run->multi->sockets, easy);
}

static struct run *run_take(struct multi *multi)
{
    struct transfer *transfer = multi->pool;
    struct run *run;

    if (transfer) {
        LL_DELETE(multi->pool, transfer);
        multi->pool_count--;
        return run_of(transfer);
    }
    run = memory_new(sizeof(*run));
    run->multi = multi;
    handle_init(&run->handle, &multi->engine->settings, multi->headers);
    set_callbacks(run);
    return run;
}

static void run_free(struct run *run)
{
    handle_clear(&run->handle);
    bytes_clear(&run->why);
    free(run);
}

static void run_give(struct run *run)
{
    struct multi *multi = run->multi;

    handle_forget(&run->handle);
    if (multi->pool_count >= ENGINE_POOL_MOST) {
        run_free(run);
        return;
    }
    LL_PREPEND(multi->pool, &run->base);
    multi->pool_count++;
}

struct transfer *multi_new(struct multi *multi, const struct transfer_order *order)
{
    struct run *run = run_take(multi);

    run->body_len = order->body.len;
    run->is_sent_once = run->has_head = run->is_paused = false;
    run->is_stopped = run->is_proxy_refusal = false;
    handle_set(&run->handle, order);
    return &run->base;
}

/* Running */

void multi_run(struct transfer *transfer)
{
    struct run *run = run_of(transfer);
    struct multi *multi = run->multi;

    multi->running_count++;
    if (curl_multi_add_handle(multi->curl, run->handle.easy) != CURLM_OK)
        abort(); /* a handle of ours, and it is in no other multi */
}

/* A kept connection needs no look-up. */
bool multi_has_idle(const struct transfer *transfer)
{
    const struct multi *multi = ((const struct run *)transfer)->multi;

    return multi->sockets.connections > multi->running_count;
}

/* Each proxy has connections of its own: there nothing is known beforehand. */
size_t multi_streams(const struct transfer *transfer)
{
    const struct run *run = (const struct run *)transfer;
    struct view known = bytes_view(&run->multi->http2_origin);

    if (run->handle.proxy.len)
        return 1;
    return known.len && view_equal(known, origin_of(run)) ? STREAMS : 1;
}

static void take_back(struct run *run)
{
    struct multi *multi = run->multi;

    curl_multi_remove_handle(multi->curl, run->handle.easy);
    engine_leave(&run->base);
    if (--multi->running_count == 0)
        multi->idle_since_ms = clock_ms();
}

static void finish(struct run *run, CURLcode code)
{
    enum transfer_end end;

    if (!run->has_head)
        give_head(run);
    end = end_of(run, code);
    take_back(run);
    run->base.events->done(run->base.owner, end, bytes_cstr(&run->why));
    run_give(run);
}

static void after_curl(struct multi *multi)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(multi->curl, &left)) != NULL) {
        CURLcode code = message->data.result;
        struct run *run = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&run);
        finish(run, code);
    }
    engine_after(multi->engine);
}

void multi_resume(struct transfer *transfer)
{
    struct run *run = run_of(transfer);

    if (!run->is_paused)
        return;
    run->is_paused = false;
    curl_easy_pause(run->handle.easy, CURLPAUSE_CONT);
}

void multi_cancel(struct transfer *transfer)
{
    struct run *run = run_of(transfer);

    if (!transfer->is_waiting)
        take_back(run);
    run_give(run);
}

bool multi_is_sent(const struct transfer *transfer)
{
    const struct run *run = (const struct run *)transfer;
    curl_off_t sent = 0;

    curl_easy_getinfo(run->handle.easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    return (uint64_t)sent >= run->body_len;
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

uint64_t multi_due_ms(const struct multi *multi)
{
    return multi->due_ms;
}

void multi_turn(struct multi *multi, uint64_t now_ms)
{
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

struct multi *multi_open(struct engine *engine)
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

size_t multi_connections(const struct multi *multi)
{
    return multi->sockets.connections;
}

static void trim_to(struct multi *multi, size_t most)
{
    while (multi->pool_count > most) {
        struct transfer *transfer = multi->pool;

        LL_DELETE(multi->pool, transfer);
        multi->pool_count--;
        run_free(run_of(transfer));
    }
}

/* libcurl keeps a connection until the provider closes it, and with TLS that is 100 KB each. When
 * nothing is under way and there are many of them, all go. */
void multi_trim(struct multi *multi)
{
    trim_to(multi, ENGINE_POOL_TRIMMED);
    if (!multi->running_count && multi->sockets.connections > ENGINE_CONNECTIONS_TRIMMED)
        reopen(multi);
}

void multi_close(struct multi *multi)
{
    trim_to(multi, 0);
    curl_multi_cleanup(multi->curl);
    headers_free(multi);
    sockets_clear(&multi->sockets);
    bytes_clear(&multi->http2_origin);
    free(multi);
}
