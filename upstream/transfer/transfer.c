/* SPDX-License-Identifier: Apache-2.0 */
/* Transfers: which engine runs one. What must stay true: nothing but the table says which there
 * are; the first that takes an order has it.
 *
 * What does not go to the provider is outside.c's. What goes straight to it over HTTP/1.1 is run by
 * direct.c; proxies and HTTP/2 are libcurl's, in multi.c. */
#include "transfer/transfer.h"

#include <assert.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <utlist.h>

#include "base/log.h"
#include "transfer/direct.h"
#include "transfer/multi.h"
#include "transfer/outside.h"

enum { FILES_KEPT = 128 }; /* descriptors that are not for connections */

/* The last one takes all. */
static const struct engine_kind *const kinds[] = {&engine_outside, &engine_direct, &engine_multi};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

_Static_assert((int)KINDS <= (int)ENGINE_SIDES_MOST, "room for each");

static const struct engine_side *side_for(const struct engine *engine,
                                          const struct transfer_order *order)
{
    const struct engine_side *side = engine->sides;

    while (!side->kind->takes(engine, order))
        side++;
    return side;
}

struct transfer *transfer_start(struct transfers *transfers, const struct transfer_order *order,
                                const struct transfer_events *events, void *owner)
{
    struct engine *engine = transfers->engine;
    const struct engine_side *side = side_for(engine, order);
    struct transfer *transfer = side->kind->make(side->self, order);

    transfer->engine = engine;
    transfer->kind = side->kind;
    transfer->events = events;
    transfer->owner = owner;
    transfer->is_waiting = !side->kind->is_apart;
    transfer->is_starting = false;
    transfers->count++;
    if (side->kind->is_apart) {
        side->kind->run(transfer);
        return transfer;
    }
    DL_APPEND(engine->waiting, transfer);
    engine_hand_over(engine);
    return transfer;
}

void transfer_resume(struct transfer *transfer)
{
    transfer->kind->resume(transfer);
}

void transfer_feed(struct transfer *transfer)
{
    if (!transfer->is_waiting && transfer->kind->feed)
        transfer->kind->feed(transfer);
}

bool transfer_is_sent(const struct transfer *transfer)
{
    return transfer->kind->is_sent(transfer);
}

uint64_t transfer_connect_us(const struct transfer *transfer)
{
    return transfer->kind->connect_us(transfer);
}

void transfer_cancel(struct transfer *transfer)
{
    struct engine *engine = transfer->engine;

    if (transfer->is_waiting) {
        DL_DELETE(engine->waiting, transfer);
        engine->front->count--;
    }
    transfer->kind->cancel(transfer);
    if (!engine->waiting)
        return;
    engine->due_ms = 0; /* one of those may start */
    engine_due(engine);
}

void transfers_turn(struct transfers *transfers, uint64_t now_ms)
{
    struct engine *engine = transfers->engine;

    engine->due_ms = UINT64_MAX;
    for (size_t i = 0; i < engine->side_count; i++)
        engine->sides[i].kind->turn(engine->sides[i].self, now_ms);
    engine_hand_over(engine);
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
    for (size_t i = 0; i < KINDS; i++)
        engine->sides[i] = (struct engine_side){kinds[i], kinds[i]->open(engine)};
    engine->side_count = KINDS;
}

void transfers_follow(struct transfers *transfers, const struct transfer_settings *settings)
{
    struct transfer_settings *own = &transfers->engine->settings;

    own->connect_ms = settings->connect_ms;
    own->idle_ms = settings->idle_ms;
    own->ca_bundle = settings->ca_bundle;
    own->guard = settings->guard;
    own->outside_limit = settings->outside_limit;
    own->outside_ms = settings->outside_ms;
    own->cache_bytes = settings->cache_bytes;
    own->cache_ms = settings->cache_ms;
}

void transfers_trim(struct transfers *transfers)
{
    struct engine *engine = transfers->engine;

    for (size_t i = 0; i < engine->side_count; i++)
        engine->sides[i].kind->trim(engine->sides[i].self);
}

void transfers_close(struct transfers *transfers)
{
    struct engine *engine = transfers->engine;

    assert(transfers->count == 0);
    engine->side_count = 0;
    for (size_t i = KINDS; i-- > 0;)
        engine->sides[i].kind->close(engine->sides[i].self);
    curl_global_cleanup();
    free(engine);
    transfers->engine = NULL;
}
