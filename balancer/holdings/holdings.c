/* SPDX-License-Identifier: Apache-2.0 */
/* The table of objects. Called by calls.c (who may name what), handlers.c (what answers say) and status. What must stay true:
 * who has an object first keeps it, since the provider never moves one; and no client learns that another's exists. */
#include "holdings/holdings.h"

#include <assert.h>
#include <stdlib.h>
#include <utlist.h>

#include "objects/objects.h"

enum { SWEPT_AT_ONCE = 8, /* expired ones that go with each new one */ };

static struct holding *find(const struct holdings *holdings, struct view name)
{
    struct holding *holding = NULL;

    if (holdings->by_name && name.len)
        HASH_FIND(hh, holdings->by_name, name.at, (unsigned)name.len, holding);
    return holding;
}

/* ---- whose they are ---- */

static void join(struct holdings *holdings, struct holding *holding)
{
    struct holder *holder;

    HASH_FIND(hh, holdings->holders, &holding->client, sizeof(holding->client), holder);
    if (!holder) {
        holder = memory_new(sizeof(*holder));
        holder->client = holding->client;
        HASH_ADD(hh, holdings->holders, client, sizeof(holder->client), holder);
    }
    DL_APPEND(holder->first, holding);
    holder->count++;
}

static void leave(struct holdings *holdings, struct holding *holding)
{
    struct holder *holder;

    HASH_FIND(hh, holdings->holders, &holding->client, sizeof(holding->client), holder);
    assert(holder); /* each holding has one */
    DL_DELETE(holder->first, holding);
    if (--holder->count)
        return;
    HASH_DEL(holdings->holders, holder);
    free(holder);
}

/* ---- coming and going ---- */

static void tell(const struct holdings *holdings, const struct holding *holding, bool is_gone)
{
    if (holdings->changed)
        holdings->changed(holdings->owner, holding, is_gone);
}

static void drop(struct holdings *holdings, struct holding *holding)
{
    tell(holdings, holding, true);
    leave(holdings, holding);
    DL_DELETE2(holdings->all, holding, prev_all, next_all);
    HASH_DEL(holdings->by_name, holding);
    free(holding->name);
    free(holding);
}

/* Of whoever has more than his part the oldest, else the oldest of all. */
static struct holding *least_worth(const struct holdings *holdings, uint64_t client)
{
    size_t count = HASH_COUNT(holdings->by_name), parts = HASH_COUNT(holdings->holders);
    struct holder *holder;

    HASH_FIND(hh, holdings->holders, &client, sizeof(client), holder);
    if (holder && holder->count * parts >= count)
        return holder->first;
    for (holder = holdings->holders; holder; holder = holder->hh.next)
        if (holder->count * parts > count)
            return holder->first;
    return holdings->all;
}

static void make_room(struct holdings *holdings, uint64_t client, uint64_t utc_ms)
{
    size_t most = holdings->most ? holdings->most : HOLDINGS_MOST;

    for (int i = 0; i < SWEPT_AT_ONCE && holdings->all && holdings->all->until_ms <= utc_ms; i++)
        drop(holdings, holdings->all);
    if (HASH_COUNT(holdings->by_name) >= most)
        drop(holdings, least_worth(holdings, client));
}

static struct holding *add(struct holdings *holdings, struct view name, uint64_t client,
                           uint64_t utc_ms)
{
    struct holding *holding = memory_new(sizeof(*holding));

    make_room(holdings, client, utc_ms);
    holding->name = memory_text(name);
    holding->client = client;
    holding->number = ++holdings->last_number;
    HASH_ADD_KEYPTR(hh, holdings->by_name, holding->name, (unsigned)name.len, holding);
    DL_APPEND2(holdings->all, holding, prev_all, next_all);
    join(holdings, holding);
    return holding;
}

const struct holding *holdings_find(struct holdings *holdings, struct view name, uint64_t utc_ms)
{
    struct holding *holding = find(holdings, name);

    if (!holding || holding->until_ms > utc_ms)
        return holding;
    drop(holdings, holding);
    return NULL;
}

/* Clients choose some names themselves, and each key's project has its own: the same name of another key and another client is
 * another object, which must not take the place of the first. */
static bool is_namesake(const struct holding *holding, uint64_t key_id, uint64_t client)
{
    return holding && holding->client && holding->client != client && holding->key_id != key_id;
}

/* Whether that says no more than is known already. What expires by our own reckoning is not put off each time that it is seen. */
static bool is_old_news(const struct holding *holding, uint64_t key_id, uint64_t until_ms,
                        bool is_stated, uint64_t life_ms)
{
    if (!holding || holding->key_id != key_id)
        return false;
    return is_stated ? holding->until_ms == until_ms : holding->until_ms + life_ms / 8 >= until_ms;
}

void holdings_note(struct holdings *holdings, struct view name, uint64_t key_id, uint64_t client,
                   uint64_t until_ms, uint64_t utc_ms)
{
    struct holding *holding;
    uint64_t life_ms = object_life_ms(name);
    bool is_stated = until_ms != 0;

    if (!key_id || !object_is_name(name))
        return;
    holding = (struct holding *)holdings_find(holdings, name, utc_ms);
    until_ms = is_stated ? until_ms : utc_ms + life_ms;
    if (until_ms <= utc_ms || is_namesake(holding, key_id, client) ||
        is_old_news(holding, key_id, until_ms, is_stated, life_ms))
        return;
    if (!holding)
        holding = add(holdings, name, client, utc_ms);
    holding->key_id = key_id;
    holding->until_ms = until_ms;
    tell(holdings, holding, false);
}

void holdings_restore(struct holdings *holdings, const struct holding *kept, uint64_t utc_ms)
{
    struct holding *holding = find(holdings, view_of(kept->name));

    if (holding && holding->client != kept->client) {
        drop(holdings, holding);
        holding = NULL;
    }
    if (!kept->key_id || kept->until_ms <= utc_ms || !object_is_name(view_of(kept->name)))
        return;
    if (!holding)
        holding = add(holdings, view_of(kept->name), kept->client, utc_ms);
    holding->key_id = kept->key_id;
    holding->until_ms = kept->until_ms;
    holding->number = kept->number > holding->number ? kept->number : holding->number;
    holdings->last_number =
        holding->number > holdings->last_number ? holding->number : holdings->last_number;
}

void holdings_forget(struct holdings *holdings, struct view name)
{
    struct holding *holding = find(holdings, name);

    if (holding)
        drop(holdings, holding);
}

size_t holdings_sweep(struct holdings *holdings, uint64_t utc_ms, size_t most)
{
    struct holding *holding, *next;
    size_t count = 0;

    DL_FOREACH_SAFE2(holdings->all, holding, next, next_all)
    {
        if (holding->until_ms > utc_ms)
            continue;
        drop(holdings, holding);
        if (++count == most)
            break;
    }
    return count;
}

size_t holdings_count(const struct holdings *holdings)
{
    return HASH_COUNT(holdings->by_name);
}

void holdings_clear(struct holdings *holdings)
{
    holdings->changed = NULL;
    while (holdings->all)
        drop(holdings, holdings->all);
}

/* ---- asking ---- */

static bool may_name(const struct holding *holding, const struct claim *claim)
{
    return claim->any_client || !holding->client || holding->client == claim->client;
}

/* Nobody knew whose it is: now it is his. */
static void adopt(struct holdings *holdings, struct holding *holding, const struct claim *claim)
{
    if (holding->client || claim->any_client || !claim->client)
        return;
    leave(holdings, holding);
    DL_DELETE2(holdings->all, holding, prev_all, next_all);
    holding->client = claim->client;
    holding->number = ++holdings->last_number; /* lists are in the order of numbers */
    DL_APPEND2(holdings->all, holding, prev_all, next_all);
    join(holdings, holding);
    tell(holdings, holding, false);
}

enum finding holdings_resolve(struct holdings *holdings, const struct claim *claim, uint64_t utc_ms,
                              uint64_t *key_id, struct view *name)
{
    struct view names = claim->names, next;
    enum finding finding = FINDING_NONE;

    while (object_next(&names, &next)) {
        struct holding *holding = (struct holding *)holdings_find(holdings, next, utc_ms);

        *name = next;
        if (!holding && object_is_known(*name))
            return FINDING_UNKNOWN;
        if (!holding)
            continue;
        if (!may_name(holding, claim))
            return FINDING_FOREIGN;
        if (finding == FINDING_KEY && holding->key_id != *key_id)
            return FINDING_APART;
        adopt(holdings, holding, claim);
        *key_id = holding->key_id;
        finding = FINDING_KEY;
    }
    return finding;
}

static bool is_listed(const struct holding *holding, struct view collection, uint64_t before,
                      uint64_t utc_ms)
{
    return (!before || holding->number < before) && holding->until_ms > utc_ms &&
           view_equal(object_collection(view_of(holding->name)), collection);
}

/* The newest that the claimant may see; and the one before another. */
static const struct holding *newest(const struct holdings *holdings, const struct claim *claim)
{
    struct holder *holder;

    if (claim->any_client)
        return holdings->all ? holdings->all->prev_all : NULL;
    HASH_FIND(hh, holdings->holders, &claim->client, sizeof(claim->client), holder);
    return holder ? holder->first->prev : NULL;
}

static const struct holding *older(const struct holding *holding, const struct claim *claim)
{
    const struct holding *before = claim->any_client ? holding->prev_all : holding->prev;
    const struct holding *after = claim->any_client ? before->next_all : before->next;

    return after ? before : NULL; /* utlist: the first one's prev is the last */
}

uint64_t holdings_list(const struct holdings *holdings, struct view collection,
                       const struct claim *claim, uint64_t before, size_t most, uint64_t utc_ms,
                       struct bytes *json)
{
    uint64_t last = 0;
    size_t count = 0;

    for (const struct holding *holding = newest(holdings, claim); holding;
         holding = older(holding, claim)) {
        if (!is_listed(holding, collection, before, utc_ms))
            continue;
        if (count == most)
            return last;
        bytes_text(json, count++ ? "," : "");
        bytes_json(json, view_of(holding->name));
        last = holding->number;
    }
    return 0;
}
