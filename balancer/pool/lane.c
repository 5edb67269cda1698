/* SPDX-License-Identifier: Apache-2.0 */
/* Lanes. Called by pool.c. */
#include "pool/lane.h"

#include <assert.h>
#include <stdlib.h>

#include "base/bytes.h"

struct lane *lane_new(size_t count)
{
    struct lane *lane = memory_new(sizeof(*lane));

    lane->count = lane->waiting = count;
    lane->keys = memory_new((count + 1) * sizeof(*lane->keys));
    lane->keys[count].cooldown.is_open = true;
    lane->turn = memory_new(count * sizeof(*lane->turn));
    for (size_t i = 0; i < count; i++) {
        lane->turn[i] = (uint32_t)i;
        lane->keys[i].cooldown.is_open = true;
    }
    return lane;
}

void lane_free(struct lane *lane)
{
    heap_clear(&lane->hopeful);
    heap_clear(&lane->hopeless);
    free(lane->turn);
    free(lane->keys);
    free(lane);
}

static struct heap *heap_of(struct lane *lane, bool is_hopeless)
{
    return is_hopeless ? &lane->hopeless : &lane->hopeful;
}

static uint32_t index_of(const struct lane *lane, const struct heap_item *item)
{
    const struct lane_key *key = (const struct lane_key *)item; /* its first member */

    return (uint32_t)(key - lane->keys);
}

void lane_put_first(struct lane *lane, uint32_t key)
{
    assert(lane->waiting < lane->count);
    lane->first = (lane->first + lane->count - 1) % lane->count;
    lane->turn[lane->first] = key;
    lane->waiting++;
}

void lane_put_last(struct lane *lane, uint32_t key)
{
    assert(lane->waiting < lane->count);
    lane->turn[(lane->first + lane->waiting++) % lane->count] = key;
}

void lane_sleep(struct lane *lane, uint32_t key, uint64_t until_ms, bool is_hopeless)
{
    struct lane_key *sleeper = &lane->keys[key];

    if (sleeper->is_hopeless != is_hopeless)
        heap_drop(heap_of(lane, sleeper->is_hopeless), &sleeper->sleep);
    sleeper->is_hopeless = is_hopeless;
    heap_put(heap_of(lane, is_hopeless), &sleeper->sleep, until_ms);
}

bool lane_is_asleep(const struct lane *lane, uint32_t key)
{
    return lane->keys[key].sleep.place > 0;
}

void lane_rouse(struct lane *lane, uint32_t key)
{
    struct lane_key *sleeper = &lane->keys[key];

    if (!lane_is_asleep(lane, key))
        return;
    heap_drop(heap_of(lane, sleeper->is_hopeless), &sleeper->sleep);
    lane_put_last(lane, key);
}

uint32_t lane_first(const struct lane *lane, bool is_hopeless)
{
    const struct heap_item *item = heap_first(is_hopeless ? &lane->hopeless : &lane->hopeful);

    return item ? index_of(lane, item) : LANE_NONE;
}

static void wake(struct lane *lane, bool is_hopeless, uint64_t now_ms)
{
    struct heap_item *item;

    while ((item = heap_first(heap_of(lane, is_hopeless))) && item->at <= now_ms)
        lane_rouse(lane, index_of(lane, item));
}

uint32_t lane_next(struct lane *lane, uint64_t now_ms)
{
    uint32_t key;

    wake(lane, false, now_ms);
    wake(lane, true, now_ms);
    if (!lane->waiting)
        return LANE_NONE;
    key = lane->turn[lane->first];
    lane->first = (lane->first + 1) % lane->count;
    lane->waiting--;
    return key;
}
