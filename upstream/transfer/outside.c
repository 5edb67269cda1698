/* SPDX-License-Identifier: Apache-2.0 */
/* Transfers to hosts that are not the provider's. What must stay true:
 *
 * 1. Where a client has named the address, no connection is made that the guard has not judged: it
 *    looks at the very number that the socket is about to go to, on each hop, whatever the name was
 *    said to be a moment before. Connections are used once, so none is found that was made for
 *    somebody else.
 * 2. Nothing of ours goes there: no key, no CUSTOM_HEADERS, no cookie, no proxy's password.
 * 3. What comes is bounded: head, body, hops and time. It is not unpacked, so its size is its size.
 * 4. However slow strangers and their name servers are, calls to the provider do not wait for them:
 *    these have a list and a bound of their own.
 */
#include "transfer/outside.h"

#include <stdlib.h>
#include <strings.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/guard.h"
#include "transfer/handle.h"
#include "transfer/lines.h"
#include "transfer/sockets.h"

enum {
    RUNNING_MOST = 64,        /* at once; each may look up a name, which is a thread */
    HOPS_MOST = 5,            /* redirects */
    HEAD_MOST = 64 * 1024,    /* bytes of all heads */
    ASIDE_MOST = 64 * 1024,   /* of a body that nobody wants */
    HOST_TIME_MS = 30 * 1000, /* for a host of the operator's */
    STATUS_OK = 200,
};

struct errand {
    struct transfer base; /* is the first */
    struct outside *outside;
    struct handle handle;
    bool is_guarded; /* a client has named it */
    bool is_running; /* …and not in the list */
    size_t body_len;
    struct view wanted; /* names of header lines */
    uint64_t by_ms;
    unsigned hops;
    size_t head_len, hop_head_len; /* bytes of heads: of all, and of this hop */
    size_t aside, taken;           /* bytes of bodies */
    long status;                   /* of the hop; 0: not yet */
    bool has_head;                 /* it was told */
    bool is_paused, is_stopped;
    const char *refusal;   /* why it is not gone on with; NULL: nothing is against it */
    const char *unreached; /* why an address of the hop's was passed over */
    struct bytes lines, why;
};

struct outside {
    struct engine *engine;
    CURLM *curl;
    struct sockets sockets;
    struct transfer *waiting; /* list */
    size_t running_count;
    uint64_t due_ms;
};

static struct errand *errand_of(struct transfer *transfer)
{
    return (struct errand *)transfer;
}

/* Sockets */

static void after_curl(struct outside *outside);

static void on_ready(void *owner, int fd, int action)
{
    struct outside *outside = owner;
    int running;

    curl_multi_socket_action(outside->curl, fd, action, &running);
    after_curl(outside);
}

static int on_timer(CURLM *curl, long wait_ms, void *data)
{
    struct outside *outside = data;

    (void)curl;
    outside->due_ms = wait_ms < 0 ? UINT64_MAX : wait_ms ? clock_ms() + (uint64_t)wait_ms : 0;
    engine_due(outside->engine);
    return 0;
}

static const char *judge(const struct errand *errand, const struct curl_sockaddr *address)
{
    char *host = NULL;
    const char *refusal;
    struct view name;

    curl_url_get(errand->handle.url, CURLUPART_HOST, &host, 0);
    name = view_of(host);
    if (name.len > 2 && name.at[0] == '[')
        name = (struct view){name.at + 1, name.len - 2};
    refusal = guard_refuses(&errand->outside->engine->settings.guard, name, &address->addr);
    curl_free(host);
    return refusal;
}

/* Refused addresses are passed over: a name may have several. */
static curl_socket_t on_open(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct errand *errand = data;
    const char *refusal = NULL;
    int fd;

    (void)purpose;
    if (errand->is_guarded)
        refusal = judge(errand, address);
    if (refusal) {
        errand->unreached = refusal;
        return CURL_SOCKET_BAD;
    }
    fd = sockets_open(&errand->outside->sockets, address);
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

/* What libcurl tells */

static bool is_redirect(const struct errand *errand)
{
    return errand->status >= 300 && errand->status <= 399;
}

static struct view line_of(const struct errand *errand, const char *name)
{
    struct curl_header *header = NULL;

    if (curl_easy_header(errand->handle.easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return VIEW("");
    return view_of(header->value);
}

/* What speaks against an answer of a server that a client has named, before any of its body. */
static const char *look_at_head(const struct errand *errand, curl_off_t length)
{
    struct view coding = line_of(errand, "content-encoding");

    if (errand->status != STATUS_OK)
        return "status";
    if (coding.len && !view_equal(coding, VIEW("identity")))
        return "the answer is compressed, though that was not asked for";
    if (length > 0 && (uint64_t)length > errand->outside->engine->settings.outside_limit)
        return "too large";
    return NULL;
}

static void gather_lines(struct errand *errand)
{
    struct curl_header *header = NULL;

    errand->lines.len = 0;
    while ((header = curl_easy_nextheader(errand->handle.easy, CURLH_HEADER, -1, header)) != NULL)
        if (lines_want(errand->wanted, view_of(header->name)))
            lines_add(&errand->lines, view_of(header->name), view_of(header->value));
}

/* The head of the last hop, told once; false: the answer is none that is wanted. */
static bool give_head(struct errand *errand)
{
    curl_off_t length = -1;
    char *type = NULL;

    if (errand->hop_head_len)
        curl_easy_getinfo(errand->handle.easy, CURLINFO_RESPONSE_CODE, &errand->status);
    if (!errand->status)
        return false; /* it broke before */
    if (errand->is_guarded && is_redirect(errand))
        return false;
    curl_easy_getinfo(errand->handle.easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    if (errand->is_guarded)
        errand->refusal = look_at_head(errand, length);
    if (errand->refusal)
        return false;
    curl_easy_getinfo(errand->handle.easy, CURLINFO_CONTENT_TYPE, &type);
    gather_lines(errand);
    errand->has_head = true;
    errand->base.events->head(errand->base.owner, (unsigned)errand->status, view_of(type),
                              (uint64_t)(length + 1), bytes_view(&errand->lines));
    return true;
}

static size_t on_line(char *at, size_t size, size_t count, void *data)
{
    struct errand *errand = data;

    (void)at;
    errand->head_len += size * count;
    errand->hop_head_len += size * count;
    if (errand->head_len <= HEAD_MOST)
        return size * count;
    errand->refusal = "the head of the answer is too large";
    return 0;
}

/* The body of a redirect is read, a little of it. */
static size_t pass_over(struct errand *errand, size_t len)
{
    errand->aside += len;
    return errand->refusal || errand->aside > ASIDE_MOST ? 0 : len;
}

static size_t on_write(char *at, size_t size, size_t count, void *data)
{
    struct errand *errand = data;
    struct view bytes = {at, size * count};

    if (!errand->has_head && !give_head(errand))
        return pass_over(errand, bytes.len);
    if (errand->is_guarded &&
        errand->taken + bytes.len > errand->outside->engine->settings.outside_limit) {
        errand->refusal = "too large";
        return 0;
    }
    switch (errand->base.events->bytes(errand->base.owner, bytes)) {
    case TRANSFER_TAKEN:
        errand->taken += bytes.len;
        return bytes.len;
    case TRANSFER_LATER:
        errand->is_paused = true;
        return CURL_WRITEFUNC_PAUSE;
    case TRANSFER_STOP:
        errand->is_stopped = true;
        return 0;
    }
    return 0;
}

/* Ends */

static const char *words_of(const struct errand *errand, CURLcode code)
{
    static const struct {
        CURLcode code;
        const char *words;
    } known[] = {
        {CURLE_COULDNT_RESOLVE_HOST, "its name has no address"},
        {CURLE_COULDNT_CONNECT, "no connection"},
        {CURLE_OPERATION_TIMEDOUT, "timeout"},
        {CURLE_PEER_FAILED_VERIFICATION, "its certificate is not accepted"},
        {CURLE_SSL_CACERT_BADFILE, "its certificate cannot be checked"},
        {CURLE_SSL_CONNECT_ERROR, "no TLS handshake"},
        {CURLE_URL_MALFORMAT, "it is no http or https address"},
        {CURLE_PARTIAL_FILE, "the connection broke"},
        {CURLE_RECV_ERROR, "the connection broke"},
        {CURLE_SEND_ERROR, "the connection broke"},
        {CURLE_GOT_NOTHING, "the connection broke"},
    };

    if (errand->refusal)
        return errand->refusal;
    if (errand->unreached && !errand->status)
        return errand->unreached;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (known[i].code == code)
            return known[i].words;
    return "what answers there speaks no HTTP";
}

/* How it ended; the words are for a client where it has named the address. */
static enum transfer_end end_of(struct errand *errand, CURLcode code)
{
    struct bytes *why = &errand->why;

    why->len = 0;
    if (errand->is_stopped)
        return TRANSFER_STOPPED;
    if (code == CURLE_OK && !errand->refusal)
        return TRANSFER_CLEAN;
    if (errand->refusal && strcmp(errand->refusal, "status") == 0)
        bytes_printf(why, "the server answered with status %ld", errand->status);
    else
        bytes_text(why, words_of(errand, code));
    return TRANSFER_OUTSIDE;
}

/* Redirects */

static bool is_secure(const struct errand *errand)
{
    struct view url = bytes_view(&errand->handle.url_text);

    return url.len >= 6 && strncasecmp(url.at, "https:", 6) == 0;
}

/* What speaks against going where the answer points; NULL: its address is in `next`. */
static const char *look_at_redirect(const struct errand *errand, struct bytes *next)
{
    char *there = NULL;

    curl_easy_getinfo(errand->handle.easy, CURLINFO_REDIRECT_URL, &there);
    if (!there)
        return "status";
    if (errand->hops >= HOPS_MOST)
        return "too many redirects";
    if (guard_url_write(view_of(there), next))
        return "it redirects to what is no http or https address";
    if (is_secure(errand) && (next->len < 6 || strncasecmp(next->at, "https:", 6) != 0))
        return "it redirects from https to http";
    return NULL;
}

static void set_time(struct errand *errand)
{
    uint64_t now_ms = clock_ms();
    uint64_t left_ms = errand->by_ms > now_ms ? errand->by_ms - now_ms : 1;

    curl_easy_setopt(errand->handle.easy, CURLOPT_TIMEOUT_MS, (long)left_ms);
}

static void add(struct errand *errand)
{
    set_time(errand);
    errand->status = 0;
    errand->aside = errand->hop_head_len = 0;
    errand->unreached = NULL;
    if (curl_multi_add_handle(errand->outside->curl, errand->handle.easy) != CURLM_OK)
        abort(); /* a handle of ours, and it is in no other multi */
}

/* Goes where the answer points. False: it does not, and the errand has ended. */
static bool follow(struct errand *errand)
{
    struct bytes next = {0};

    if (!errand->is_guarded || errand->has_head || errand->refusal || errand->is_stopped ||
        !is_redirect(errand))
        return false;
    errand->refusal = look_at_redirect(errand, &next);
    if (!errand->refusal) {
        curl_multi_remove_handle(errand->outside->curl, errand->handle.easy);
        errand->hops++;
        handle_set_url(&errand->handle, bytes_cstr(&next));
        add(errand);
    }
    bytes_clear(&next);
    return !errand->refusal;
}

/* Making */

static void set_options(struct errand *errand)
{
    CURL *easy = errand->handle.easy;

    curl_easy_setopt(easy, CURLOPT_PRIVATE, errand);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, errand);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_line);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, errand);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, errand);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, 0L);
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    sockets_close_for(&errand->outside->sockets, easy);
}

static struct transfer *make(void *self, const struct transfer_order *order)
{
    struct outside *outside = self;
    struct errand *errand = memory_new(sizeof(*errand));
    bool is_guarded = order->way == TRANSFER_GUARDED;

    errand->outside = outside;
    errand->is_guarded = is_guarded;
    errand->body_len = order->body.len;
    errand->wanted = order->wanted;
    handle_init(&errand->handle, &outside->engine->settings, NULL);
    set_options(errand);
    handle_set(&errand->handle, order);
    return &errand->base;
}

static void errand_free(struct errand *errand)
{
    handle_clear(&errand->handle);
    bytes_clear(&errand->lines);
    bytes_clear(&errand->why);
    free(errand);
}

/* Running */

static void begin(struct errand *errand)
{
    const struct transfer_settings *settings = &errand->outside->engine->settings;

    errand->by_ms = clock_ms() + (errand->is_guarded ? settings->outside_ms : HOST_TIME_MS);
    errand->is_running = true;
    errand->outside->running_count++;
    add(errand);
}

static void begin_waiting(struct outside *outside)
{
    while (outside->waiting && outside->running_count < RUNNING_MOST) {
        struct transfer *transfer = outside->waiting;

        DL_DELETE(outside->waiting, transfer);
        begin(errand_of(transfer));
    }
}

static void start(struct transfer *transfer)
{
    struct outside *outside = errand_of(transfer)->outside;

    DL_APPEND(outside->waiting, transfer);
    begin_waiting(outside);
}

static void take_back(struct errand *errand)
{
    struct outside *outside = errand->outside;

    if (errand->is_running) {
        curl_multi_remove_handle(outside->curl, errand->handle.easy);
        outside->running_count--;
    } else {
        DL_DELETE(outside->waiting, &errand->base);
    }
    outside->engine->front->count--;
    begin_waiting(outside);
}

static void finish(struct errand *errand, CURLcode code)
{
    enum transfer_end end;

    if (!errand->has_head && !errand->refusal)
        give_head(errand);
    if (follow(errand))
        return;
    end = end_of(errand, code);
    take_back(errand);
    errand->base.events->done(errand->base.owner, end, bytes_cstr(&errand->why));
    errand_free(errand);
}

static void after_curl(struct outside *outside)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(outside->curl, &left)) != NULL) {
        CURLcode code = message->data.result;
        struct errand *errand = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&errand);
        finish(errand, code);
    }
    engine_after(outside->engine);
}

static void resume(struct transfer *transfer)
{
    struct errand *errand = errand_of(transfer);

    if (!errand->is_paused)
        return;
    errand->is_paused = false;
    curl_easy_pause(errand->handle.easy, CURLPAUSE_CONT);
}

static void cancel(struct transfer *transfer)
{
    struct errand *errand = errand_of(transfer);

    take_back(errand);
    errand_free(errand);
}

static uint64_t connect_us(const struct transfer *transfer)
{
    return handle_connect_us(&((const struct errand *)transfer)->handle);
}

static bool is_sent(const struct transfer *transfer)
{
    const struct errand *errand = (const struct errand *)transfer;
    curl_off_t sent = 0;

    curl_easy_getinfo(errand->handle.easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    return (uint64_t)sent >= errand->body_len;
}

/* No connection is kept. */
static bool has_idle(const struct transfer *transfer)
{
    (void)transfer;
    return false;
}

static size_t streams(const struct transfer *transfer)
{
    (void)transfer;
    return 1;
}

/* Opening and closing */

static void *open_outside(struct engine *engine)
{
    struct outside *outside = memory_new(sizeof(*outside));

    outside->engine = engine;
    outside->due_ms = UINT64_MAX;
    outside->sockets =
        (struct sockets){.loop = engine->front->loop, .on_ready = on_ready, .owner = outside};
    outside->curl = curl_multi_init();
    if (!outside->curl)
        abort();
    sockets_serve(&outside->sockets, outside->curl);
    curl_multi_setopt(outside->curl, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(outside->curl, CURLMOPT_TIMERDATA, outside);
    return outside;
}

static void close_outside(void *self)
{
    struct outside *outside = self;

    curl_multi_cleanup(outside->curl);
    sockets_clear(&outside->sockets);
    free(outside);
}

static uint64_t due_ms(const void *self)
{
    return ((const struct outside *)self)->due_ms;
}

static void turn(void *self, uint64_t now_ms)
{
    struct outside *outside = self;
    int running;

    if (now_ms < outside->due_ms)
        return;
    outside->due_ms = UINT64_MAX;
    curl_multi_socket_action(outside->curl, CURL_SOCKET_TIMEOUT, 0, &running);
    after_curl(outside);
}

static void trim(void *self)
{
    (void)self; /* nothing is pooled */
}

static size_t connections(const void *self)
{
    return ((const struct outside *)self)->sockets.connections;
}

static bool takes(const struct engine *engine, const struct transfer_order *order)
{
    (void)engine;
    return order->way != TRANSFER_TO_PROVIDER;
}

const struct engine_kind engine_outside = {
    .takes = takes,
    .open = open_outside,
    .close = close_outside,
    .due_ms = due_ms,
    .turn = turn,
    .trim = trim,
    .connections = connections,
    .is_apart = true,
    .make = make,
    .run = start,
    .resume = resume,
    .cancel = cancel,
    .is_sent = is_sent,
    .connect_us = connect_us,
    .has_idle = has_idle,
    .streams = streams,
};
