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
 *    these have a list and a bound of their own. Nor do other clients: of what is free, nobody gets the last.
 * 5. What several ask for at once is asked for once, and what was fetched a moment ago not again: a
 *    transfer leads, follows one that leads to the same address, or is told out of the cache.
 */
#include "transfer/outside_private.h"

#include <stdlib.h>
#include <utlist.h>

#include "base/clock.h"

enum {
    RUNNING_MOST = 64,        /* at once; each may look up a name, which is a thread */
    HOST_TIME_MS = 30 * 1000, /* for a host of the operator's */
    PIECE = 16 * 1024,        /* of what is told out of the cache, at once */
};

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

/* States */

static void leave(struct errand *errand)
{
    DL_DELETE(errand->outside->lists[errand->state], &errand->base);
}

static void enter(struct errand *errand, enum errand_state state)
{
    errand->state = state;
    DL_APPEND(errand->outside->lists[state], &errand->base);
}

static void change(struct errand *errand, enum errand_state state)
{
    leave(errand);
    enter(errand, state);
}

/* There is something to tell. */
static void tell_soon(struct outside *outside)
{
    outside->due_ms = 0;
    engine_due(outside->engine);
}

static bool finds_cached(struct errand *errand)
{
    if (errand->url)
        errand->told = cache_find(&errand->outside->cache, view_of(errand->url), clock_ms());
    return errand->told;
}

static bool has_leader(const struct errand *errand)
{
    struct transfer *transfer;

    DL_FOREACH (errand->outside->lists[ERRAND_RUNS], transfer) {
        const struct errand *other = errand_of(transfer);

        if (errand->url && other->url && strcmp(errand->url, other->url) == 0)
            return true;
    }
    return false;
}

static void run(struct errand *errand)
{
    const struct transfer_settings *settings = &errand->outside->engine->settings;

    change(errand, ERRAND_RUNS);
    errand->by_ms = clock_ms() + (errand->is_guarded ? settings->outside_ms : HOST_TIME_MS);
    errand->outside->running_count++;
    if (errand->url)
        errand->gathered = cache_begin(&errand->outside->cache, view_of(errand->url));
    errand_add(errand);
}

static void begin(struct errand *errand)
{
    if (finds_cached(errand)) {
        change(errand, ERRAND_TELLS);
        tell_soon(errand->outside);
    } else if (has_leader(errand)) {
        change(errand, ERRAND_FOLLOWS);
    } else {
        run(errand);
    }
}

static size_t running_of(const struct outside *outside, uint64_t client)
{
    struct transfer *transfer;
    size_t count = 0;

    DL_FOREACH (outside->lists[ERRAND_RUNS], transfer)
        count += errand_of(transfer)->client == client;
    return count;
}

/* The first whose client has no more than what is free: so who comes later finds a place, however slow the others' hosts are. */
static struct errand *next_waiting(const struct outside *outside)
{
    size_t free = RUNNING_MOST - outside->running_count;
    struct transfer *transfer;
    uint64_t passed = 0;
    bool has_passed = false;

    DL_FOREACH (outside->lists[ERRAND_WAITS], transfer) {
        struct errand *errand = errand_of(transfer);

        if (has_passed && errand->client == passed)
            continue;
        if (running_of(outside, errand->client) < free)
            return errand;
        passed = errand->client;
        has_passed = true;
    }
    return NULL;
}

static void begin_waiting(struct outside *outside)
{
    struct errand *errand;

    while (outside->running_count < RUNNING_MOST && (errand = next_waiting(outside)))
        begin(errand);
}

static void start(struct transfer *transfer)
{
    struct errand *errand = errand_of(transfer);
    struct outside *outside = errand->outside;

    outside->cache.most = outside->engine->settings.cache_bytes; /* they change while we run */
    outside->cache.life_ms = outside->engine->settings.cache_ms;
    enter(errand, ERRAND_WAITS);
    begin_waiting(outside);
}

/* What has failed for the one that led fails for those that followed; else they look again for themselves. */
static void release_followers(struct errand *errand, enum transfer_end end)
{
    struct outside *outside = errand->outside;
    struct transfer *transfer, *next;
    bool has_failed = end == TRANSFER_OUTSIDE;

    DL_FOREACH_SAFE (outside->lists[ERRAND_FOLLOWS], transfer, next) {
        struct errand *other = errand_of(transfer);

        if (!errand->url || strcmp(other->url, errand->url) != 0)
            continue;
        bytes_copy(&other->why, bytes_view(&errand->why));
        change(other, has_failed ? ERRAND_FAILS : ERRAND_WAITS);
    }
    if (outside->lists[ERRAND_FAILS])
        tell_soon(outside);
}

/* It is in no list any more, and nobody waits for it. */
static void take_back(struct errand *errand, enum transfer_end end)
{
    struct outside *outside = errand->outside;

    leave(errand);
    outside->engine->front->count--;
    if (errand->told)
        cache_leave(&outside->cache, errand->told);
    errand->told = NULL;
    if (errand->state == ERRAND_RUNS) {
        curl_multi_remove_handle(outside->curl, errand->handle.easy);
        outside->running_count--;
        release_followers(errand, end);
    }
    begin_waiting(outside);
}

static void conclude(struct errand *errand, enum transfer_end end)
{
    take_back(errand, end);
    errand->base.events->done(errand->base.owner, end, bytes_cstr(&errand->why));
    errand_free(errand);
}

static void finish(struct errand *errand, CURLcode code)
{
    enum transfer_end end;

    if (!errand->has_head && !errand->refusal)
        errand_give_head(errand);
    if (errand_follow(errand))
        return;
    end = errand_end(errand, code);
    if (end == TRANSFER_CLEAN && errand->gathered) {
        cache_end(&errand->outside->cache, errand->gathered, clock_ms());
        errand->gathered = NULL;
    }
    conclude(errand, end);
}

/* Telling out of the cache */

/* False: it has to wait. */
static bool tell(struct errand *errand, enum transfer_end *end)
{
    const struct cached *told = errand->told;

    if (!errand->has_head)
        errand->base.events->head(errand->base.owner, STATUS_OK, bytes_view(&told->type),
                                  told->body.len + 1, bytes_view(&told->lines));
    errand->has_head = true;
    *end = TRANSFER_CLEAN;
    while (errand->told_len < told->body.len) {
        struct view piece = view_skip(bytes_view(&told->body), errand->told_len);

        piece.len = piece.len < PIECE ? piece.len : PIECE;
        switch (errand->base.events->bytes(errand->base.owner, piece)) {
        case TRANSFER_TAKEN:
            errand->told_len += piece.len;
            break;
        case TRANSFER_LATER:
            errand->is_paused = true;
            return false;
        case TRANSFER_STOP:
            *end = TRANSFER_STOPPED;
            return true;
        }
    }
    return true;
}

static struct errand *next_told(const struct outside *outside)
{
    struct transfer *transfer;

    DL_FOREACH (outside->lists[ERRAND_TELLS], transfer)
        if (!errand_of(transfer)->is_paused)
            return errand_of(transfer);
    return NULL;
}

static void tell_all(struct outside *outside)
{
    struct errand *errand;
    enum transfer_end end;

    while (outside->lists[ERRAND_FAILS])
        conclude(errand_of(outside->lists[ERRAND_FAILS]), TRANSFER_OUTSIDE);
    while ((errand = next_told(outside)))
        if (tell(errand, &end))
            conclude(errand, end);
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
    if (errand->state == ERRAND_TELLS)
        tell_soon(errand->outside);
    else
        curl_easy_pause(errand->handle.easy, CURLPAUSE_CONT);
}

static void cancel(struct transfer *transfer)
{
    struct errand *errand = errand_of(transfer);

    take_back(errand, TRANSFER_STOPPED);
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

static struct transfer *make(void *self, const struct transfer_order *order)
{
    return &errand_make(self, order)->base;
}

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
    cache_clear(&outside->cache);
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
    tell_all(outside);
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
