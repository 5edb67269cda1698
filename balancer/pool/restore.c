/* SPDX-License-Identifier: Apache-2.0 */
/* What a killed process knew. Called by choosing.c and settling.c. What must stay true: after a start a
 * book has at least what was sent, never less. */
#include "pool/restore.h"

#include <string.h>

#include "pool/keep.h"

/* 0: before this clock began. */
static uint64_t ms_of(const struct quotas *quotas, uint64_t utc_ms)
{
    int64_t ms = (int64_t)utc_ms - quotas->calendar.ahead_ms;

    return ms > 0 ? (uint64_t)ms : 0;
}

void restore_later(struct pool *pool, struct model *model, uint32_t key)
{
    struct account *account = quota_account(pool, model, key);
    struct shelf_slot *slot;

    if (!account || !account->slot || !model->lane)
        return;
    slot = shelf_at(&pool->quotas.shelf, account->slot);
    slot->rest_until_ms = keep_utc(&pool->quotas, model->lane->keys[key].cooldown.until_ms);
    slot->rest_why = model->lane->keys[key].cooldown.why;
}

static struct allowance read_limits(const uint32_t from[3])
{
    return (struct allowance){from[0], from[1], from[2]};
}

/* A part counts as if all of it had been sent at its end. */
static void restore_parts(const struct pool *pool, struct account *account,
                          const struct shelf_slot *slot)
{
    const struct quotas *quotas = &pool->quotas;

    for (uint64_t part = slot->part - SHELF_PARTS + 1; part <= slot->part; part++) {
        uint32_t requests = slot->parts[part % SHELF_PARTS].requests;
        uint64_t end_ms = (part + 1) * quotas->shelf.part_ms;

        if (requests && end_ms + quota_window_ms(quotas) > keep_utc(quotas, quotas->begun_ms))
            book_restore(&account->book, ms_of(quotas, end_ms), requests,
                         slot->parts[part % SHELF_PARTS].tokens);
    }
}

static void restore_rest(struct pool *pool, struct model *model, uint32_t key,
                         const struct shelf_slot *slot)
{
    uint64_t until_ms = ms_of(&pool->quotas, slot->rest_until_ms);
    struct lane *lane;
    uint32_t i = key;

    if (until_ms <= pool->quotas.begun_ms || slot->rest_why >= FAULT_COUNT)
        return;
    lane = model_lane_make(&pool->models, model);
    if (!lane)
        return;
    do {
        lane->keys[i].cooldown = (struct cooldown){
            .since_ms = pool->quotas.begun_ms, .until_ms = until_ms, .why = slot->rest_why};
        i = pool->keys[i].next_of_project;
    } while (i != key);
}

static bool has_limits(const struct shelf_slot *slot)
{
    return slot->own[0] || slot->own[1] || slot->own[2];
}

static void restore_one(struct pool *pool, struct model *model, uint32_t key, uint32_t number)
{
    struct shelf_slot slot = *shelf_at(&pool->quotas.shelf, number);
    struct account *account = quota_account(pool, model, key);

    if (!account)
        return;
    account->book.day = slot.day;
    account->book.day_requests = slot.day_requests;
    account->book.early = slot.early;
    account->own = read_limits(slot.own);
    account->told = read_limits(slot.told);
    account->told_ms = slot.told_ms ? ms_of(&pool->quotas, slot.told_ms) + 1 : 0;
    if (slot.tier < TIER_COUNT && slot.tier != TIER_UNKNOWN)
        pool->keys[pool->keys[key].project].tier = (enum tier)slot.tier;
    restore_parts(pool, account, &slot);
    restore_rest(pool, model, key, &slot);
    if (account->slot)
        *shelf_at(&pool->quotas.shelf, account->slot) = slot; /* it goes on there… */
    if (has_limits(&slot))
        quota_restored(pool, model, account, key);
}

void restore_model(struct pool *pool, struct model *model)
{
    struct shelf *shelf = &pool->quotas.shelf;

    for (uint32_t i = 1; i < shelf->read && shelf->to_restore; i++) {
        struct shelf_slot *slot = shelf_at(shelf, i);
        const struct pool_key *key = slot->key_id ? pool_find(pool, slot->key_id) : NULL;

        if (!slot->key_id || strcmp(slot->model, model->name) != 0)
            continue;
        shelf->to_restore--;
        if (key)
            restore_one(pool, model, (uint32_t)(key - pool->keys), i);
        shelf_at(shelf, i)->key_id = 0; /* …and not here; one of a key that is gone is free */
    }
}
