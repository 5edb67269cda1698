/* SPDX-License-Identifier: Apache-2.0 */
/* Trials of keys. Called by probing.c. What must stay true: a key is tried once, and once more only
 * if nobody can say what became of that. */
#include "pool/probes.h"

#include <assert.h>
#include <stdlib.h>

#include "base/bytes.h"

void probes_open(struct probes *probes, size_t key_count)
{
    *probes =
        (struct probes){.count = key_count < PROBES_TRIED_MOST ? key_count : PROBES_TRIED_MOST};
}

void probes_close(struct probes *probes)
{
    free(probes->asked);
    *probes = (struct probes){0};
}

bool probes_ask(struct probes *probes, uint32_t key)
{
    if (probes->asked_count == PROBES_ASKED_MOST)
        return false;
    if (!probes->asked) {
        probes->asked_size = PROBES_ASKED_MOST;
        probes->asked = memory_new(PROBES_ASKED_MOST * sizeof(*probes->asked));
    }
    probes->asked[(probes->asked_first + probes->asked_count++) % probes->asked_size] = key;
    return true;
}

static uint32_t take_asked(struct probes *probes)
{
    uint32_t key = probes->asked[probes->asked_first];

    probes->asked_first = (probes->asked_first + 1) % probes->asked_size;
    probes->asked_count--;
    return key;
}

bool probes_next_is_asked(const struct probes *probes)
{
    return probes->again_count ? probes->again_asked[probes->again_count - 1]
                               : probes->asked_count > 0;
}

static struct probe *find(struct probes *probes, uint64_t number)
{
    for (size_t i = 0; i < PROBES_AT_ONCE; i++)
        if (probes->under_way[i].number == number)
            return &probes->under_way[i];
    return NULL;
}

static bool has_room(const struct probes *probes)
{
    for (size_t i = 0; i < PROBES_AT_ONCE; i++)
        if (!probes->under_way[i].number)
            return true;
    return false;
}

static bool has_more(const struct probes *probes)
{
    return probes->again_count || probes->asked_count || probes->next < probes->count;
}

bool probes_next(const struct probes *probes, uint64_t now_ms, uint32_t *key)
{
    if (!has_more(probes) || !has_room(probes) || now_ms < probes->next_ms)
        return false;
    *key = probes->again_count   ? probes->again[probes->again_count - 1]
           : probes->asked_count ? probes->asked[probes->asked_first]
                                 : (uint32_t)probes->next;
    return true;
}

struct probe *probes_begin(struct probes *probes, uint64_t upstream, uint64_t now_ms)
{
    struct probe *probe = find(probes, 0);
    bool is_again = probes->again_count > 0, is_asked = probes_next_is_asked(probes);

    assert(probe && has_more(probes));
    *probe = (struct probe){
        .number = ++probes->last_number,
        .upstream = upstream,
        .by_ms = now_ms + PROBES_WAIT_MS,
        .key = is_again   ? probes->again[--probes->again_count]
               : is_asked ? take_asked(probes)
                          : (uint32_t)probes->next++,
        .is_again = is_again,
        .is_asked = is_asked,
    };
    probes->next_ms = now_ms + PROBES_GAP_MS;
    return probe;
}

static void count(struct probes *probes, bool answers)
{
    probes->tried++;
    probes->answer += answers;
}

void probes_skip(struct probes *probes, bool answers)
{
    if (probes->again_count)
        probes->again_count--;
    else
        probes->next++;
    count(probes, answers);
}

const struct probe *probes_end(struct probes *probes, uint64_t number, bool answers)
{
    struct probe *probe = number ? find(probes, number) : NULL;

    if (!probe)
        return NULL;
    probe->number = 0;
    if (!probe->is_asked)
        count(probes, answers);
    return probe;
}

static bool is_lost(const struct probe *probe, uint64_t upstream, uint64_t now_ms)
{
    return probe->number && ((upstream && probe->upstream == upstream) || probe->by_ms <= now_ms);
}

const struct probe *probes_lost(struct probes *probes, uint64_t upstream, uint64_t now_ms)
{
    for (size_t i = 0; i < PROBES_AT_ONCE; i++) {
        struct probe *probe = &probes->under_way[i];

        if (!is_lost(probe, upstream, now_ms))
            continue;
        probe->number = 0;
        if (!probe->is_again) {
            assert(probes->again_count < PROBES_AT_ONCE);
            probes->again_asked[probes->again_count] = probe->is_asked;
            probes->again[probes->again_count++] = probe->key;
        } else if (!probe->is_asked) {
            count(probes, false);
        }
        return probe;
    }
    return NULL;
}

bool probes_are_done(const struct probes *probes)
{
    return probes->tried == probes->count;
}

uint64_t probes_due_ms(const struct probes *probes)
{
    uint64_t due_ms = has_more(probes) && has_room(probes) ? probes->next_ms : UINT64_MAX;

    for (size_t i = 0; i < PROBES_AT_ONCE; i++)
        if (probes->under_way[i].number && probes->under_way[i].by_ms < due_ms)
            due_ms = probes->under_way[i].by_ms;
    return due_ms;
}
