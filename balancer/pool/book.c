/* SPDX-License-Identifier: Apache-2.0 */
/* Books. Called by quota.c. What must stay true: the sums are those of the ring; a stamp is never
 * earlier than what it stands for. */
#include "pool/book.h"

#include <stdlib.h>

#include "base/bytes.h"

enum { SIZE_FIRST = 4 };

void book_clear(struct book *book)
{
    free(book->ring);
    *book = (struct book){0};
}

static struct stamp *stamp_at(const struct book *book, size_t i)
{
    return &book->ring[(book->first + i) % book->size];
}

static void grow(struct book *book)
{
    size_t size = book->size ? book->size * 2 : SIZE_FIRST;
    struct stamp *ring = memory_new(size * sizeof(*ring));

    for (size_t i = 0; i < book->count; i++)
        ring[i] = *stamp_at(book, i);
    free(book->ring);
    book->ring = ring;
    book->size = size;
    book->first = 0;
}

void book_turn(struct book *book, uint64_t window_ms, uint64_t day, uint64_t now_ms)
{
    while (book->count && stamp_at(book, 0)->ms + window_ms <= now_ms) {
        book->requests -= stamp_at(book, 0)->requests;
        book->tokens -= stamp_at(book, 0)->tokens;
        book->first = (book->first + 1) % book->size;
        book->count--;
    }
    if (day <= book->day)
        return;
    book->day = day;
    book->day_requests = book->early;
    book->early = 0;
}

static uint64_t excess_of(uint64_t used, uint64_t wanted, uint64_t limit)
{
    return limit && used + wanted > limit ? used + wanted - limit : 0;
}

uint64_t book_free_ms(const struct book *book, const struct allowance *limits, uint64_t tokens,
                      uint64_t window_ms, uint64_t now_ms)
{
    uint64_t requests = excess_of(book->requests, 1, limits->requests);
    uint64_t more = excess_of(book->tokens, tokens, limits->tokens);
    uint64_t free_ms = now_ms;

    if (limits->tokens && tokens > limits->tokens)
        return UINT64_MAX;
    for (size_t i = 0; i < book->count && (requests || more); i++) {
        const struct stamp *stamp = stamp_at(book, i);

        requests -= stamp->requests < requests ? stamp->requests : requests;
        more -= stamp->tokens < more ? stamp->tokens : more;
        free_ms = stamp->ms + window_ms;
    }
    return free_ms > now_ms ? free_ms : now_ms;
}

bool book_day_is_spent(const struct book *book, const struct allowance *limits)
{
    return limits->day && book->day_requests >= limits->day;
}

static struct stamp *stamp_for(struct book *book, uint64_t ms)
{
    struct stamp *last = book->count ? stamp_at(book, book->count - 1) : NULL;

    if (last && last->ms >= ms)
        return last;
    if (book->count == book->size)
        grow(book);
    last = stamp_at(book, book->count++);
    *last = (struct stamp){.ms = ms};
    return last;
}

uint64_t book_take(struct book *book, const struct spend *spend, uint64_t now_ms)
{
    uint64_t grain_ms = spend->grain_ms ? spend->grain_ms : 1;
    struct stamp *stamp = stamp_for(book, (now_ms + grain_ms - 1) / grain_ms * grain_ms);

    stamp->requests++;
    stamp->tokens += spend->tokens;
    book->requests++;
    book->tokens += spend->tokens;
    book->day_requests++;
    book->early += spend->is_late;
    return stamp->ms;
}

void book_restore(struct book *book, uint64_t ms, uint64_t requests, uint64_t tokens)
{
    struct stamp *stamp = stamp_for(book, ms);

    stamp->requests += requests;
    stamp->tokens += tokens;
    book->requests += requests;
    book->tokens += tokens;
}

/* NULL: it is out of the window. */
static struct stamp *find(const struct book *book, uint64_t ms)
{
    size_t low = 0, high = book->count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (stamp_at(book, middle)->ms < ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low < book->count && stamp_at(book, low)->ms == ms ? stamp_at(book, low) : NULL;
}

void book_settle(struct book *book, uint64_t stamp_ms, uint64_t taken, uint64_t tokens)
{
    struct stamp *stamp = find(book, stamp_ms);

    if (!stamp)
        return;
    stamp->tokens += tokens - taken;
    book->tokens += tokens - taken;
}

void book_undo(struct book *book, uint64_t stamp_ms, const struct spend *spend, uint64_t day)
{
    struct stamp *stamp = find(book, stamp_ms);

    if (stamp) {
        stamp->requests--;
        stamp->tokens -= spend->tokens;
        book->requests--;
        book->tokens -= spend->tokens;
    }
    if (day == book->day && book->day_requests) {
        book->day_requests--;
        book->early -= spend->is_late && book->early;
    }
}
