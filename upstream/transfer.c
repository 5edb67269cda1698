/* SPDX-License-Identifier: Apache-2.0 */
/* Transfers by libcurl's multi interface on our epoll loop.
 *
 * 1. libcurl sends a request again by itself when a kept connection breaks before the answer, or a
 * stream is refused. The provider may have counted the first; so the second one is stopped, and the
 * caller is told that the connection broke.
 * 2. Each name look-up is a thread. When the name server is silent only a few calls look up; the
 * others wait in a list. So do those for which there is no connection left. */
#include "transfer.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <utlist.h>

#include "bytes.h"
#include "clock.h"
#include "handle.h"
#include "log.h"
#include "sockets.h"
#include "trouble.h"

enum {
    POOL_MOST = 256,          /* idle handles kept */
    POOL_TRIMMED = 16,        /* of them after a trim */
    CONNECTIONS_TRIMMED = 32, /* so many may stay open when nothing is under way */
    LOOKUPS_MOST = 32,        /* transfers that may be without a connection while others wait */
    STREAMS = 100,            /* calls on one HTTP/2 connection: what providers allow */
    FILES_KEPT = 128,         /* descriptors that are not for connections */
    UNAUTHORIZED = 401,       /* statuses */
    PROXY_WANTS_PASSWORD = 407,
};

struct transfer {
    struct engine *engine;
    struct handle handle;
    const struct transfer_events *events;
    void *owner;
    size_t body_len;
    bool is_waiting;  /* in the list, not yet libcurl's */
    bool is_starting; /* no connection yet: perhaps it looks up a name */
    bool is_sent_once;
    bool has_head;
    bool is_paused;
    bool is_stopped;
    bool is_proxy_refusal; /* the answer is the proxy's: it wants a password */
    struct bytes why;
    struct transfer *prev, *next;
};

struct engine {
    struct transfers *front;
    CURLM *multi;
    struct transfer_settings settings;
    struct curl_slist *headers; /* of the settings; shared by all */
    struct sockets sockets;
    size_t connections_most;
    size_t running_most;
    size_t starting_count;
    size_t running_count;
    uint64_t idle_since_ms;   /* nothing is under way since then */
    struct transfer *waiting; /* for others to have found a connection */
    struct transfer *pool;    /* idle, linked by next */
    size_t pool_count;
};

/* Sockets */

static void after_curl(struct engine *engine);

static void on_ready(void *owner, int fd, int action)
{
    struct engine *engine = owner;
    int running;

    curl_multi_socket_action(engine->multi, fd, action, &running);
    after_curl(engine);
    if (engine->front->on_activity)
        engine->front->on_activity(engine->front->owner);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *socket_data)
{
    struct engine *engine = data;

    (void)easy, (void)socket_data;
    sockets_want(&engine->sockets, fd, what);
    return 0;
}

static void end_starting(struct transfer *transfer)
{
    if (!transfer->is_starting)
        return;
    transfer->is_starting = false;
    transfer->engine->starting_count--;
}

static curl_socket_t on_open(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *transfer = data;
    int fd;

    (void)purpose;
    end_starting(transfer); /* its name is looked up */
    fd = sockets_open(&transfer->engine->sockets, address);
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static int on_close(void *data, curl_socket_t fd)
{
    struct engine *engine = data;

    return sockets_close(&engine->sockets, fd);
}

static void set_due(struct engine *engine, uint64_t at_ms)
{
    engine->front->due_ms = at_ms;
    if (engine->front->wake)
        engine->front->wake(engine->front->owner, at_ms);
}

static int on_timer(CURLM *multi, long wait_ms, void *data)
{
    (void)multi;
    if (wait_ms == 0)
        set_due(data, 0);
    else
        set_due(data, wait_ms < 0 ? UINT64_MAX : clock_ms() + (uint64_t)wait_ms);
    return 0;
}

/* What libcurl tells of a transfer */

static int on_request(void *data, char *there, char *here, int there_port, int here_port)
{
    struct transfer *transfer = data;

    (void)there, (void)here, (void)there_port, (void)here_port;
    end_starting(transfer);
    if (transfer->is_sent_once)
        return CURL_PREREQFUNC_ABORT;
    transfer->is_sent_once = true;
    return CURL_PREREQFUNC_OK;
}

/* By a proxy that sees the request, and answers it itself where it does not like it. */
static bool is_forwarded(const struct transfer *transfer)
{
    return view_starts(bytes_view(&transfer->handle.proxy), VIEW("http")) &&
           view_starts(bytes_view(&transfer->handle.url_text), VIEW("http:"));
}

/* Some say 401 with a page; a provider's 401 is JSON. */
static bool is_refusal(long status, struct view type)
{
    return status == PROXY_WANTS_PASSWORD ||
           (status == UNAUTHORIZED && !view_starts(type, VIEW("application/json")));
}

static void give_head(struct transfer *transfer)
{
    long status = 0;
    char *type = NULL;
    curl_off_t length = -1;

    if (transfer->is_sent_once)
        curl_easy_getinfo(transfer->handle.easy, CURLINFO_RESPONSE_CODE, &status);
    if (!status)
        return; /* it broke before */
    transfer->has_head = true;
    curl_easy_getinfo(transfer->handle.easy, CURLINFO_CONTENT_TYPE, &type);
    transfer->is_proxy_refusal = is_forwarded(transfer) && is_refusal(status, view_of(type));
    if (transfer->is_proxy_refusal)
        return;
    curl_easy_getinfo(transfer->handle.easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    transfer->events->head(transfer->owner, (unsigned)status, view_of(type),
                           (uint64_t)(length + 1));
}

static size_t on_write(char *at, size_t size, size_t count, void *data)
{
    struct transfer *transfer = data;
    struct view bytes = {at, size * count};

    if (!transfer->has_head)
        give_head(transfer);
    if (transfer->is_proxy_refusal)
        return bytes.len;
    switch (transfer->events->bytes(transfer->owner, bytes)) {
    case TRANSFER_TAKEN:
        return bytes.len;
    case TRANSFER_LATER:
        transfer->is_paused = true;
        return CURL_WRITEFUNC_PAUSE;
    case TRANSFER_STOP:
        transfer->is_stopped = true;
        return bytes.len + 1; /* a wrong number is an error */
    }
    return 0;
}

/* How it ended, and why in words. */
static enum transfer_end end_of(struct transfer *transfer, CURLcode code)
{
    struct bytes *why = &transfer->why;

    why->len = 0;
    if (transfer->is_stopped)
        return TRANSFER_STOPPED;
    if (transfer->is_proxy_refusal)
        return trouble_password(transfer->handle.url, why);
    if (code == CURLE_OK)
        return TRANSFER_CLEAN;
    if (!transfer->is_sent_once)
        return trouble_read(transfer->handle.easy, transfer->handle.url,
                            bytes_view(&transfer->handle.proxy), code, transfer->handle.said, why);
    bytes_text(why, transfer->handle.said[0] ? transfer->handle.said : curl_easy_strerror(code));
    return TRANSFER_BROKEN;
}

/* The pool */

static void set_callbacks(struct transfer *transfer)
{
    CURL *easy = transfer->handle.easy;

    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_request);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, transfer->engine);
}

static struct transfer *transfer_take(struct engine *engine)
{
    struct transfer *transfer = engine->pool;

    if (transfer) {
        LL_DELETE(engine->pool, transfer);
        engine->pool_count--;
        return transfer;
    }
    transfer = memory_new(sizeof(*transfer));
    transfer->engine = engine;
    handle_init(&transfer->handle, &engine->settings, engine->headers);
    set_callbacks(transfer);
    return transfer;
}

static void transfer_free(struct transfer *transfer)
{
    handle_clear(&transfer->handle);
    bytes_clear(&transfer->why);
    free(transfer);
}

static void transfer_give(struct transfer *transfer)
{
    struct engine *engine = transfer->engine;

    engine->front->count--;
    if (engine->pool_count >= POOL_MOST) {
        transfer_free(transfer);
        return;
    }
    LL_PREPEND(engine->pool, transfer);
    engine->pool_count++;
}

/* Running */

static void hand_over(struct transfer *transfer)
{
    struct engine *engine = transfer->engine;

    transfer->is_waiting = false;
    transfer->is_starting = true;
    engine->starting_count++;
    engine->running_count++;
    if (curl_multi_add_handle(engine->multi, transfer->handle.easy) != CURLM_OK)
        abort(); /* a handle of ours, and it is in no other multi */
}

/* Those that wait, when others have found their connection. A kept connection needs no look-up. */
static void hand_over_waiting(struct engine *engine)
{
    while (engine->waiting) {
        struct transfer *transfer = engine->waiting;
        bool has_idle = engine->sockets.connections > engine->running_count;

        if (engine->running_count >= engine->running_most)
            return;
        if (engine->starting_count >= LOOKUPS_MOST && !has_idle)
            return;
        DL_DELETE(engine->waiting, transfer);
        hand_over(transfer);
    }
}

static void take_back(struct transfer *transfer)
{
    struct engine *engine = transfer->engine;

    curl_multi_remove_handle(engine->multi, transfer->handle.easy);
    end_starting(transfer);
    if (--engine->running_count == 0)
        engine->idle_since_ms = clock_ms();
}

static void finish(struct transfer *transfer, CURLcode code)
{
    enum transfer_end end;

    if (!transfer->has_head)
        give_head(transfer);
    end = end_of(transfer, code);
    take_back(transfer);
    transfer->events->done(transfer->owner, end, bytes_cstr(&transfer->why));
    transfer_give(transfer);
}

static void after_curl(struct engine *engine)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(engine->multi, &left)) != NULL) {
        CURLcode code = message->data.result;
        struct transfer *transfer = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        finish(transfer, code);
    }
    hand_over_waiting(engine);
}

struct transfer *transfer_start(struct transfers *transfers, const struct transfer_order *order,
                                const struct transfer_events *events, void *owner)
{
    struct engine *engine = transfers->engine;
    struct transfer *transfer = transfer_take(engine);

    transfer->events = events;
    transfer->owner = owner;
    transfer->body_len = order->body.len;
    transfer->is_sent_once = transfer->has_head = transfer->is_paused = false;
    transfer->is_stopped = transfer->is_starting = transfer->is_proxy_refusal = false;
    transfer->is_waiting = true;
    handle_set(&transfer->handle, order);
    transfers->count++;
    DL_APPEND(engine->waiting, transfer);
    hand_over_waiting(engine);
    return transfer;
}

void transfer_resume(struct transfer *transfer)
{
    if (!transfer->is_paused)
        return;
    transfer->is_paused = false;
    curl_easy_pause(transfer->handle.easy, CURLPAUSE_CONT);
}

void transfer_cancel(struct transfer *transfer)
{
    struct engine *engine = transfer->engine;

    if (transfer->is_waiting)
        DL_DELETE(engine->waiting, transfer);
    else
        take_back(transfer);
    if (engine->waiting)
        set_due(engine, 0); /* one of those may start */
    transfer_give(transfer);
}

bool transfer_is_sent(const struct transfer *transfer)
{
    curl_off_t sent = 0;

    curl_easy_getinfo(transfer->handle.easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    return (uint64_t)sent >= transfer->body_len;
}

static void multi_open(struct engine *engine);

/* libcurl closes connections that have idled too long when it starts a transfer. While it starts
 * none, it is done here. */
static void close_idle(struct engine *engine, uint64_t now_ms)
{
    if (engine->running_count || !engine->sockets.connections ||
        now_ms < engine->idle_since_ms + engine->settings.idle_ms)
        return;
    curl_multi_cleanup(engine->multi);
    multi_open(engine);
}

void transfers_turn(struct transfers *transfers, uint64_t now_ms)
{
    struct engine *engine = transfers->engine;
    int running;

    close_idle(engine, now_ms);
    if (now_ms < transfers->due_ms)
        return;
    transfers->due_ms = UINT64_MAX;
    curl_multi_socket_action(engine->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    after_curl(engine);
}

/* Opening and closing */

static size_t connections_most(const struct transfer_settings *settings)
{
    struct rlimit files;
    size_t most = settings->connections ? settings->connections : settings->slots;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != RLIM_INFINITY &&
        most + FILES_KEPT > files.rlim_cur)
        most = files.rlim_cur > 2UL * FILES_KEPT ? files.rlim_cur - FILES_KEPT : FILES_KEPT;
    return most;
}

static void multi_open(struct engine *engine)
{
    const struct transfer_settings *settings = &engine->settings;
    CURLM *multi = engine->multi = curl_multi_init();

    if (!multi)
        abort();
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, engine);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, engine);
    curl_multi_setopt(multi, CURLMOPT_PIPELINING,
                      (long)(settings->is_http2 ? CURLPIPE_MULTIPLEX : CURLPIPE_NOTHING));
    curl_multi_setopt(multi, CURLMOPT_MAX_CONCURRENT_STREAMS, (long)STREAMS);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)engine->connections_most);
    if (settings->connections)
        curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)engine->connections_most);
}

void transfers_open(struct transfers *transfers, struct loop *loop,
                    const struct transfer_settings *settings)
{
    struct engine *engine = memory_new(sizeof(*engine));

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        die("libcurl cannot be used");
    transfers->loop = loop;
    transfers->due_ms = UINT64_MAX;
    transfers->engine = engine;
    engine->front = transfers;
    engine->settings = *settings;
    engine->sockets = (struct sockets){.loop = loop, .on_ready = on_ready, .owner = engine};
    engine->connections_most = connections_most(settings);
    engine->running_most = engine->connections_most * (settings->is_http2 ? STREAMS : 1);
    for (size_t i = settings->header_count; i-- > 0;) {
        struct curl_slist *line = memory_new(sizeof(*line));

        *line = (struct curl_slist){.data = settings->headers[i], .next = engine->headers};
        engine->headers = line;
    }
    multi_open(engine);
}

static void headers_free(struct engine *engine)
{
    while (engine->headers) {
        struct curl_slist *line = engine->headers;

        engine->headers = line->next;
        free(line);
    }
}

static void trim_to(struct engine *engine, size_t most)
{
    while (engine->pool_count > most) {
        struct transfer *transfer = engine->pool;

        LL_DELETE(engine->pool, transfer);
        engine->pool_count--;
        transfer_free(transfer);
    }
}

/* libcurl keeps a connection until the provider closes it, and with TLS that is 100 KB each. When
 * nothing is under way and there are many of them, all go. */
void transfers_trim(struct transfers *transfers)
{
    struct engine *engine = transfers->engine;

    trim_to(engine, POOL_TRIMMED);
    if (transfers->count || engine->sockets.connections <= CONNECTIONS_TRIMMED)
        return;
    curl_multi_cleanup(engine->multi);
    multi_open(engine);
}

void transfers_close(struct transfers *transfers)
{
    struct engine *engine = transfers->engine;

    assert(transfers->count == 0);
    trim_to(engine, 0);
    curl_multi_cleanup(engine->multi);
    curl_global_cleanup();
    headers_free(engine);
    sockets_clear(&engine->sockets);
    free(engine);
    transfers->engine = NULL;
}
