/* SPDX-License-Identifier: Apache-2.0 */
/* Seeking. Called by claims.c (what is to be sought) and seeking.c (which asks). What must stay true: each seek ends, since each
 * question does and keys are asked once each. */
#include "holdings/seeks.h"

#include <assert.h>
#include <stdlib.h>
#include <utlist.h>

/* FNV-1a: a miss is remembered by it, and lasts half a minute. */
static uint64_t hash_of(struct view name)
{
    uint64_t hash = 0xcbf29ce484222325;

    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char)name.at[i]) * 0x100000001b3;
    return hash;
}

bool seeks_missed(const struct seeks *seeks, struct view name, uint64_t now_ms)
{
    uint64_t hash = hash_of(name);

    for (size_t i = 0; i < SEEKS_MISSED; i++)
        if (seeks->missed[i].hash == hash && seeks->missed[i].until_ms > now_ms)
            return true;
    return false;
}

static void note_missed(struct seeks *seeks, struct view name, uint64_t now_ms)
{
    size_t i = seeks->missed_at++ % SEEKS_MISSED;

    seeks->missed[i].hash = hash_of(name);
    seeks->missed[i].until_ms = now_ms + SEEKS_MISSED_MS;
}

bool seeks_begin(struct seeks *seeks, struct view name)
{
    struct seek *seek;

    DL_FOREACH (seeks->list, seek)
        if (!seek->is_over && view_equal(view_of(seek->name), name))
            return true;
    if (seeks->count >= SEEKS_MOST)
        return false;
    seek = memory_new(sizeof(*seek));
    seek->name = memory_text(name);
    DL_APPEND(seeks->list, seek);
    seeks->count++;
    return true;
}

static bool has_more(const struct seek *seek, size_t keys)
{
    return !seek->is_over && seek->next_key < keys && seek->asked < SEEKS_KEYS_MOST;
}

static struct seek_question *find(const struct seeks *seeks, uint64_t number)
{
    for (size_t i = 0; i < SEEKS_AT_ONCE; i++)
        if (seeks->questions[i].number == number)
            return (struct seek_question *)&seeks->questions[i];
    return NULL;
}

/* Whoever has the fewest questions under way, so that one that takes long holds up none. */
struct seek *seeks_next(const struct seeks *seeks, size_t keys, uint64_t now_ms)
{
    struct seek *seek, *best = NULL;

    if (now_ms < seeks->next_ms || !find(seeks, 0))
        return NULL;
    DL_FOREACH (seeks->list, seek)
        if (has_more(seek, keys) && (!best || seek->under_way < best->under_way))
            best = seek;
    return best;
}

struct seek_question *seeks_ask(struct seeks *seeks, struct seek *seek, uint64_t upstream,
                                uint64_t now_ms)
{
    struct seek_question *question = find(seeks, 0);

    assert(question);
    *question = (struct seek_question){.number = ++seeks->last_number,
                                       .upstream = upstream,
                                       .by_ms = now_ms + SEEKS_WAIT_MS,
                                       .seek = seek};
    seek->next_key++;
    seek->asked++;
    seek->under_way++;
    seeks->next_ms = now_ms + SEEKS_GAP_MS;
    return question;
}

void seeks_pass(struct seek *seek)
{
    seek->next_key++;
}

static void end(struct seek_question *question)
{
    question->number = 0;
    question->seek->under_way--;
}

const struct seek_question *seeks_answer(struct seeks *seeks, uint64_t number, bool is_found)
{
    struct seek_question *question = number ? find(seeks, number) : NULL;

    if (!question)
        return NULL;
    end(question);
    question->seek->is_over |= is_found;
    return question;
}

const struct seek_question *seeks_lost(struct seeks *seeks, uint64_t upstream, uint64_t now_ms)
{
    for (size_t i = 0; i < SEEKS_AT_ONCE; i++) {
        struct seek_question *question = &seeks->questions[i];

        if (!question->number ||
            ((!upstream || question->upstream != upstream) && question->by_ms > now_ms))
            continue;
        end(question);
        return question;
    }
    return NULL;
}

/* It has become known, by an answer or by a call meanwhile. */
static bool is_known(const struct holdings *holdings, const struct seek *seek)
{
    struct holding *holding = NULL;

    if (holdings->by_name)
        HASH_FIND(hh, holdings->by_name, seek->name, (unsigned)strlen(seek->name), holding);
    return holding != NULL;
}

bool seeks_settle(struct seeks *seeks, size_t keys, const struct holdings *holdings,
                  uint64_t now_ms)
{
    bool has_ended = false;
    struct seek *seek, *next;

    DL_FOREACH_SAFE (seeks->list, seek, next) {
        bool is_found = seek->is_over || is_known(holdings, seek);
        bool is_over = is_found || (!has_more(seek, keys) && !seek->under_way);

        has_ended |= is_over;
        seek->is_over |= is_over;
        if (is_over && !is_found)
            note_missed(seeks, view_of(seek->name), now_ms);
        if (!is_over || seek->under_way)
            continue;
        DL_DELETE(seeks->list, seek);
        seeks->count--;
        free(seek->name);
        free(seek);
    }
    return has_ended;
}

uint64_t seeks_due_ms(const struct seeks *seeks, size_t keys)
{
    uint64_t due_ms = UINT64_MAX;
    const struct seek *seek;

    DL_FOREACH (seeks->list, seek)
        if (has_more(seek, keys) && find(seeks, 0))
            due_ms = seeks->next_ms;
    for (size_t i = 0; i < SEEKS_AT_ONCE; i++)
        if (seeks->questions[i].number && seeks->questions[i].by_ms < due_ms)
            due_ms = seeks->questions[i].by_ms;
    return due_ms;
}

void seeks_clear(struct seeks *seeks)
{
    struct seek *seek, *next;

    DL_FOREACH_SAFE (seeks->list, seek, next) {
        DL_DELETE(seeks->list, seek);
        free(seek->name);
        free(seek);
    }
    *seeks = (struct seeks){0};
}
