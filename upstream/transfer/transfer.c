/* SPDX-License-Identifier: Apache-2.0 */
/* Transfers: which engine runs one, and when it may. What must stay true: no more run than there
 * may be connections, and those that wait begin in the order in which they came.
 *
 * 1. What goes straight to the provider over HTTP/1.1 is run by direct.c; proxies and HTTP/2 are
 * libcurl's, in multi.c.
 * 2. Each name look-up is a thread. When the name server is silent only a few calls look up; the
 * others wait in a list. So do those for which there is no connection left. */
#include "transfer/transfer.h"

#include <assert.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <utlist.h>

#include "transfer/direct.h"
#include "base/log.h"
#include "transfer/multi.h"

enum { FILES_KEPT = 128 }; /* descriptors that are not for connections */

/* What the engines tell */

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void engine_due(struct engine *engine)
{
    struct transfers *front = engine->front;

    if (!engine->multi || !engine->direct)
        return; /* it is being opened or closed */
    front->due_ms = earlier(engine->due_ms,
                            earlier(multi_due_ms(engine->multi), direct_due_ms(engine->direct)));
    if (front->wake)
        front->wake(front->owner, front->due_ms);
}

void engine_found(struct transfer *transfer)
{
    if (transfer->is_starting)
        transfer->engine->starting_count--;
    transfer->is_starting = false;
}

void engine_leave(struct transfer *transfer)
{
    engine_found(transfer);
    transfer->engine->running_count--;
    transfer->engine->front->count--;
}

size_t engine_direct_most(const struct engine *engine)
{
    size_t others = multi_connections(engine->multi);

    return engine->connections_most > others ? engine->connections_most - others : 1;
}

/* Running */

static size_t running_most(const struct transfer *transfer)
{
    size_t streams = transfer->is_direct ? 1 : multi_streams(transfer);

    return transfer->engine->connections_most * streams;
}

static bool has_idle(const struct transfer *transfer)
{
    return transfer->is_direct ? direct_has_idle(transfer) : multi_has_idle(transfer);
}

static bool may_run(const struct transfer *transfer)
{
    const struct engine *engine = transfer->engine;

    return engine->running_count < running_most(transfer) &&
           (engine->starting_count < ENGINE_LOOKUPS_MOST || has_idle(transfer));
}

static void hand_over(struct transfer *transfer)
{
    struct engine *engine = transfer->engine;

    transfer->is_waiting = false;
    transfer->is_starting = true;
    engine->starting_count++;
    engine->running_count++;
    if (transfer->is_direct) {
        direct_run(transfer);
        return;
    }
    direct_make_room(engine->direct, engine_direct_most(engine));
    multi_run(transfer);
}

static void hand_over_waiting(struct engine *engine)
{
    while (engine->waiting && may_run(engine->waiting)) {
        struct transfer *transfer = engine->waiting;

        DL_DELETE(engine->waiting, transfer);
        hand_over(transfer);
    }
}

void engine_after(struct engine *engine)
{
    struct transfers *front = engine->front;

    hand_over_waiting(engine);
    if (front->on_activity)
        front->on_activity(front->owner);
}

/* Libcurl's own exchange is for what a connection of ours cannot do. */
static bool is_direct(const struct engine *engine, const struct transfer_order *order)
{
    return !order->proxy.hidden.len && !engine->settings.is_http2;
}

struct transfer *transfer_start(struct transfers *transfers, const struct transfer_order *order,
                                const struct transfer_events *events, void *owner)
{
    struct engine *engine = transfers->engine;
    bool goes_direct = is_direct(engine, order);
    struct transfer *transfer =
        goes_direct ? direct_new(engine->direct, order) : multi_new(engine->multi, order);

    transfer->engine = engine;
    transfer->events = events;
    transfer->owner = owner;
    transfer->is_direct = goes_direct;
    transfer->is_waiting = true;
    transfer->is_starting = false;
    transfers->count++;
    DL_APPEND(engine->waiting, transfer);
    hand_over_waiting(engine);
    return transfer;
}

void transfer_resume(struct transfer *transfer)
{
    if (transfer->is_direct)
        direct_resume(transfer);
    else
        multi_resume(transfer);
}

bool transfer_is_sent(const struct transfer *transfer)
{
    return transfer->is_direct ? direct_is_sent(transfer) : multi_is_sent(transfer);
}

void transfer_cancel(struct transfer *transfer)
{
    struct engine *engine = transfer->engine;

    if (transfer->is_waiting) {
        DL_DELETE(engine->waiting, transfer);
        engine->front->count--;
    }
    if (transfer->is_direct)
        direct_cancel(transfer);
    else
        multi_cancel(transfer);
    if (!engine->waiting)
        return;
    engine->due_ms = 0; /* one of those may start */
    engine_due(engine);
}

void transfers_turn(struct transfers *transfers, uint64_t now_ms)
{
    struct engine *engine = transfers->engine;

    engine->due_ms = UINT64_MAX;
    multi_turn(engine->multi, now_ms);
    direct_turn(engine->direct, now_ms);
    hand_over_waiting(engine);
    engine_due(engine);
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
    engine->due_ms = UINT64_MAX;
    engine->connections_most = connections_most(settings);
    engine->multi = multi_open(engine);
    engine->direct = direct_open(engine);
}

void transfers_trim(struct transfers *transfers)
{
    multi_trim(transfers->engine->multi);
    direct_trim(transfers->engine->direct);
}

void transfers_close(struct transfers *transfers)
{
    struct engine *engine = transfers->engine;
    struct multi *multi = engine->multi;
    struct direct *direct = engine->direct;

    assert(transfers->count == 0);
    engine->multi = NULL;
    engine->direct = NULL;
    multi_close(multi);
    direct_close(direct);
    curl_global_cleanup();
    free(engine);
    transfers->engine = NULL;
}
