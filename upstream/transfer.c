/* SPDX-License-Identifier: Apache-2.0 */
/* Transfers by libcurl's multi interface on our epoll loop.
 *
 * 1. libcurl says "remove this socket" after each answer and "watch it" for the next one. A
 * connection's socket stays registered instead, and goes only when an event comes that nobody wants
 * (a third of the CPU).
 * 2. Sockets that libcurl makes for itself (its resolver's) it also closes itself, unseen: those
 * are removed at once.
 * 3. libcurl sends a request again by itself when a kept connection breaks before the answer. The
 * provider may have counted the first; so the second one is stopped, and the caller is told that
 * the connection broke.
 * 4. Each name look-up is a thread. When the name server is silent only a few calls look up; the
 * others wait in a list. */
#include "transfer.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "bytes.h"
#include "clock.h"
#include "log.h"

enum {
    POOL_MOST = 256,          /* idle handles kept */
    POOL_TRIMMED = 16,        /* of them after a trim */
    CONNECTIONS_TRIMMED = 32, /* so many may stay open when nothing is under way */
    LOOKUPS_MOST = 32,        /* transfers that may be without a connection while others wait */
    CONNECT_MS = 15000,       /* a connection that takes longer does not come */
    READ_LEN = 16 * 1024,
    FILES_KEPT = 128, /* descriptors that are not for connections */
    HEADER_COUNT = 4,
    EXPECT_LEAST = 1024 * 1024, /* libcurl asks first (100-continue) above this */
};

struct transfer {
    struct engine *engine;
    CURL *easy;
    const struct transfer_events *events;
    void *owner;
    size_t body_len;
    bool is_waiting;  /* in the list, not yet libcurl's */
    bool is_starting; /* no connection yet: perhaps it looks up a name */
    bool is_sent_once;
    bool has_head;
    bool is_paused;
    bool is_stopped;
    bool has_proxy;
    CURLU *url;            /* parsed; most calls have that of the one before */
    struct bytes url_text; /* of it */
    struct bytes key_line;
    struct curl_slist headers[HEADER_COUNT];
    char why[CURL_ERROR_SIZE];
    struct transfer *prev, *next;
};

enum watch_flag {
    WATCHED = 1,    /* registered at the loop */
    CONNECTION = 2, /* opened by us for a connection */
};

struct watch {
    unsigned char flags;
    unsigned char registered; /* LOOP_READ, LOOP_WRITE */
    unsigned char wanted;     /* 0 and registered: kept lazily */
};

struct engine {
    struct transfers *front;
    struct loop *loop;
    CURLM *multi;
    size_t slots;
    struct watch *watches; /* by descriptor */
    size_t watch_count;
    size_t starting_count;
    size_t connection_count; /* open sockets of connections */
    size_t running_count;
    struct transfer *waiting; /* for others to have found a connection */
    struct transfer *pool;    /* idle, linked by next */
    size_t pool_count;
};

/* Sockets */

static struct watch *watch_of(struct engine *engine, int fd)
{
    if ((size_t)fd >= engine->watch_count) {
        size_t count = engine->watch_count ? engine->watch_count : 64;

        while (count <= (size_t)fd)
            count *= 2;
        engine->watches = memory_grow(engine->watches, count * sizeof(*engine->watches));
        memset(engine->watches + engine->watch_count, 0,
               (count - engine->watch_count) * sizeof(*engine->watches));
        engine->watch_count = count;
    }
    return &engine->watches[fd];
}

static void forget(struct engine *engine, int fd)
{
    struct watch *watch = watch_of(engine, fd);

    if (watch->flags & WATCHED)
        loop_remove(engine->loop, fd);
    watch->flags &= (unsigned char)~WATCHED;
    watch->registered = watch->wanted = 0;
}

static void after_curl(struct engine *engine);

static void on_ready(void *data, int fd, unsigned events)
{
    struct engine *engine = data;
    struct watch *watch = watch_of(engine, fd);
    int running, action = 0;

    if (!watch->wanted) {
        forget(engine, fd);
        return;
    }
    if (events & LOOP_READ)
        action |= CURL_CSELECT_IN;
    if (events & LOOP_WRITE)
        action |= CURL_CSELECT_OUT;
    if (events & LOOP_BROKEN)
        action |= watch->wanted & LOOP_READ ? CURL_CSELECT_IN : CURL_CSELECT_ERR;
    curl_multi_socket_action(engine->multi, fd, action, &running);
    after_curl(engine);
    if (engine->front->on_activity)
        engine->front->on_activity(engine->front->owner);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *socket_data)
{
    struct engine *engine = data;
    struct watch *watch = watch_of(engine, fd);
    unsigned char wanted = 0;

    (void)easy, (void)socket_data;
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
        wanted |= LOOP_READ;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
        wanted |= LOOP_WRITE;
    if (what == CURL_POLL_REMOVE && !(watch->flags & CONNECTION)) {
        forget(engine, fd);
        return 0;
    }
    watch->wanted = wanted;
    if (!wanted || ((watch->flags & WATCHED) && watch->registered == wanted))
        return 0;
    loop_set(engine->loop, fd, wanted, on_ready, engine);
    watch->flags |= WATCHED;
    watch->registered = wanted;
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
    fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd < 0)
        return CURL_SOCKET_BAD;
    *watch_of(transfer->engine, fd) = (struct watch){.flags = CONNECTION};
    transfer->engine->connection_count++;
    return fd;
}

static int on_close(void *data, curl_socket_t fd)
{
    struct engine *engine = data;

    forget(engine, fd);
    watch_of(engine, fd)->flags = 0;
    engine->connection_count--;
    return close(fd);
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

static void give_head(struct transfer *transfer)
{
    long status = 0;
    char *type = NULL;
    curl_off_t length = -1;

    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    if (!status)
        return; /* it broke before */
    transfer->has_head = true;
    curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_TYPE, &type);
    curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    transfer->events->head(transfer->owner, (unsigned)status, view_of(type),
                           (uint64_t)(length + 1));
}

static size_t on_write(char *at, size_t size, size_t count, void *data)
{
    struct transfer *transfer = data;
    struct view bytes = {at, size * count};

    if (!transfer->has_head)
        give_head(transfer);
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

static enum transfer_end end_of(const struct transfer *transfer, CURLcode code)
{
    if (transfer->is_stopped)
        return TRANSFER_STOPPED;
    if (code == CURLE_OK)
        return TRANSFER_CLEAN;
    return transfer->is_sent_once ? TRANSFER_BROKEN : TRANSFER_NO_CONNECTION;
}

/* Handles */

static void set_options(struct transfer *transfer)
{
    CURL *easy = transfer->easy;

    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_CURLU, transfer->url);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* a look-up under way is left behind */
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)READ_LEN);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    /* Debian's libcurl knows a folder of certificates besides their bundle. With a folder it reads
     * the bundle anew for each connection (25 ms of CPU), without it once a day. */
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->why);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_request);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, transfer->engine);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
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
    transfer->easy = curl_easy_init();
    transfer->url = curl_url();
    if (!transfer->easy || !transfer->url)
        abort();
    set_options(transfer);
    return transfer;
}

static void transfer_free(struct transfer *transfer)
{
    curl_easy_cleanup(transfer->easy);
    curl_url_cleanup(transfer->url);
    bytes_clear(&transfer->url_text);
    if (transfer->key_line.at)
        explicit_bzero(transfer->key_line.at, transfer->key_line.size);
    bytes_clear(&transfer->key_line);
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

/* The list stays ours: libcurl only reads it, and looks through it many times, so it is short. */
static void set_headers(struct transfer *transfer, const struct transfer_order *order)
{
    const char *lines[HEADER_COUNT] = {NULL, "Accept-Encoding: identity"};
    size_t count = 2;

    transfer->key_line.len = 0;
    bytes_text(&transfer->key_line, order->key_header);
    bytes_append(&transfer->key_line, order->key.hidden);
    lines[0] = bytes_cstr(&transfer->key_line);
    if (order->body.len)
        lines[count++] = "Content-Type: application/json";
    if (order->body.len >= EXPECT_LEAST)
        lines[count++] = "Expect:";
    for (size_t i = 0; i < count; i++) {
        transfer->headers[i].data = (char *)(uintptr_t)lines[i];
        transfer->headers[i].next = i + 1 < count ? &transfer->headers[i + 1] : NULL;
    }
}

static void set_url(struct transfer *transfer, const char *url)
{
    if (transfer->url_text.len && view_equal(bytes_view(&transfer->url_text), view_of(url)))
        return;
    bytes_copy(&transfer->url_text, view_of(url));
    if (curl_url_set(transfer->url, CURLUPART_URL, url, 0) != CURLUE_OK) {
        /* To be told as a fault of this transfer: a name that nobody has. */
        transfer->url_text.len = 0;
        curl_url_set(transfer->url, CURLUPART_URL, "http://url.invalid/", 0);
    }
}

static void set_proxy(struct transfer *transfer, struct view proxy)
{
    char *text;

    if (!proxy.len && !transfer->has_proxy)
        return;
    transfer->has_proxy = proxy.len;
    text = memory_text(proxy);
    curl_easy_setopt(transfer->easy, CURLOPT_PROXY, text);
    curl_easy_setopt(transfer->easy, CURLOPT_NOPROXY, proxy.len ? "" : "*");
    free(text);
}

static void set_request(struct transfer *transfer, const struct transfer_order *order)
{
    CURL *easy = transfer->easy;

    set_url(transfer, order->url);
    if (order->body.len) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)order->body.len);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, order->body.at);
    } else {
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    }
    set_headers(transfer, order);
    set_proxy(transfer, order->proxy);
}

/* Running */

static void hand_over(struct transfer *transfer)
{
    struct engine *engine = transfer->engine;

    transfer->is_waiting = false;
    transfer->is_starting = true;
    engine->starting_count++;
    engine->running_count++;
    if (curl_multi_add_handle(engine->multi, transfer->easy) != CURLM_OK)
        abort(); /* a handle of ours, and it is in no other multi */
}

/* Those that wait, when others have found their connection. A kept connection needs no look-up. */
static void hand_over_waiting(struct engine *engine)
{
    while (engine->waiting) {
        struct transfer *transfer = engine->waiting;
        bool has_idle = engine->connection_count > engine->running_count;

        if (engine->starting_count >= LOOKUPS_MOST && !has_idle)
            return;
        DL_DELETE(engine->waiting, transfer);
        hand_over(transfer);
    }
}

static void finish(struct transfer *transfer, CURLcode code)
{
    struct engine *engine = transfer->engine;
    enum transfer_end end = end_of(transfer, code);

    if (!transfer->has_head)
        give_head(transfer);
    if (!transfer->why[0] && code != CURLE_OK)
        snprintf(transfer->why, sizeof(transfer->why), "%s", curl_easy_strerror(code));
    curl_multi_remove_handle(engine->multi, transfer->easy);
    end_starting(transfer);
    engine->running_count--;
    transfer->events->done(transfer->owner, end, transfer->why);
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
    transfer->is_stopped = transfer->is_starting = false;
    transfer->is_waiting = true;
    transfer->why[0] = '\0';
    set_request(transfer, order);
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
    curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
}

void transfer_cancel(struct transfer *transfer)
{
    struct engine *engine = transfer->engine;

    if (transfer->is_waiting) {
        DL_DELETE(engine->waiting, transfer);
    } else {
        curl_multi_remove_handle(engine->multi, transfer->easy);
        end_starting(transfer);
        engine->running_count--;
        if (engine->waiting)
            set_due(engine, 0); /* one of those may start */
    }
    transfer_give(transfer);
}

bool transfer_is_sent(const struct transfer *transfer)
{
    curl_off_t sent = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    return (uint64_t)sent >= transfer->body_len;
}

void transfers_turn(struct transfers *transfers, uint64_t now_ms)
{
    struct engine *engine = transfers->engine;
    int running;

    if (now_ms < transfers->due_ms)
        return;
    transfers->due_ms = UINT64_MAX;
    curl_multi_socket_action(engine->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    after_curl(engine);
}

/* Opening and closing */

static long connections_most(size_t slots)
{
    struct rlimit files;
    size_t most = slots;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != RLIM_INFINITY &&
        most + FILES_KEPT > files.rlim_cur)
        most = files.rlim_cur > 2 * FILES_KEPT ? files.rlim_cur - FILES_KEPT : FILES_KEPT;
    return (long)most;
}

static void multi_open(struct engine *engine)
{
    engine->multi = curl_multi_init();
    if (!engine->multi)
        abort();
    curl_multi_setopt(engine->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(engine->multi, CURLMOPT_SOCKETDATA, engine);
    curl_multi_setopt(engine->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(engine->multi, CURLMOPT_TIMERDATA, engine);
    curl_multi_setopt(engine->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    curl_multi_setopt(engine->multi, CURLMOPT_MAXCONNECTS, connections_most(engine->slots));
}

void transfers_open(struct transfers *transfers, struct loop *loop, size_t slots)
{
    struct engine *engine = memory_new(sizeof(*engine));

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        die("libcurl cannot be used");
    transfers->loop = engine->loop = loop;
    transfers->due_ms = UINT64_MAX;
    transfers->engine = engine;
    engine->front = transfers;
    engine->slots = slots;
    multi_open(engine);
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
    if (transfers->count || engine->connection_count <= CONNECTIONS_TRIMMED)
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
    free(engine->watches);
    free(engine);
    transfers->engine = NULL;
}
