/* SPDX-License-Identifier: Apache-2.0 */
/* What of the books is written down. Called by quota.c. What must stay true: it is written before the
 * letter leaves. */
#include "pool/keep.h"

uint64_t keep_utc(const struct quotas *quotas, uint64_t ms)
{
    int64_t utc_ms = (int64_t)ms + quotas->calendar.ahead_ms;

    return utc_ms > 0 ? (uint64_t)utc_ms : 0;
}

static uint32_t narrow(uint64_t number)
{
    return number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
}

void keep_spend(const struct quotas *quotas, const struct account *account, uint64_t stamp_ms,
                int64_t requests, int64_t tokens)
{
    struct shelf_slot *slot;

    if (!account->slot)
        return;
    slot = shelf_at(&quotas->shelf, account->slot);
    slot->day = account->book.day;
    slot->day_requests = narrow(account->book.day_requests);
    slot->early = narrow(account->book.early);
    shelf_add(&quotas->shelf, account->slot, keep_utc(quotas, stamp_ms), requests, tokens);
}

static void write_limits(uint32_t to[3], const struct allowance *limits)
{
    to[0] = narrow(limits->requests);
    to[1] = narrow(limits->tokens);
    to[2] = narrow(limits->day);
}

void keep_limits(const struct pool *pool, const struct account *account, enum tier tier)
{
    struct shelf_slot *slot;

    if (!account->slot)
        return;
    slot = shelf_at(&pool->quotas.shelf, account->slot);
    write_limits(slot->own, &account->own);
    write_limits(slot->told, &account->told);
    slot->told_ms = account->told_ms ? keep_utc(&pool->quotas, account->told_ms) : 0;
    slot->tier = (uint8_t)tier;
}
