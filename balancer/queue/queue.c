/* SPDX-License-Identifier: Apache-2.0 */
/* The queue. Called by calls/. What must stay true: no call costs a walk over those that wait; a
 * line is in one heap or list, or gone when it is empty. */
#include "queue/queue.h"

#include <assert.h>
#include <stdlib.h>
#include <uthash.h>
#include <utlist.h>

#include "base/bytes.h"

enum line_state { LINE_READY, LINE_DRY, LINE_BLOCKED };

struct line {
    struct heap_item place; /* first: in the heap of its state */
    enum line_state state;
    struct waiter *waiters; /* list, by number */
    struct bytes name;      /* what they need */
    struct line *prev, *next;
    UT_hash_handle hh;
};

#define WAITER_OF(item, member) ((struct waiter *)((char *)(item)-offsetof(struct waiter, member)))

/* Lines */

static void leave_state(struct queue *queue, struct line *line)
{
    switch (line->state) {
    case LINE_READY:
        heap_drop(&queue->ready, &line->place);
        break;
    case LINE_DRY:
        heap_drop(&queue->dry, &line->place);
        break;
    case LINE_BLOCKED:
        DL_DELETE(queue->blocked, line);
        break;
    }
}

static void make_ready(struct queue *queue, struct line *line)
{
    if (line->state != LINE_READY)
        leave_state(queue, line);
    line->state = LINE_READY;
    heap_put(&queue->ready, &line->place, line->waiters->number);
}

static void write_name(struct bytes *name, const struct waiter *waiter)
{
    bytes_append(name, (struct view){(const char *)&waiter->frontend, sizeof(waiter->frontend)});
    bytes_append(name, (struct view){(const char *)&waiter->owner, sizeof(waiter->owner)});
    bytes_append(name, waiter->model);
}

static struct line *line_make(struct queue *queue, const struct waiter *waiter)
{
    struct bytes name = {0};
    struct line *line = NULL;

    write_name(&name, waiter);
    HASH_FIND(hh, queue->lines, name.at, name.len, line);
    if (line) {
        bytes_clear(&name);
        return line;
    }
    line = memory_new(sizeof(*line));
    line->name = name;
    HASH_ADD_KEYPTR(hh, queue->lines, line->name.at, line->name.len, line);
    return line;
}

static void line_free(struct queue *queue, struct line *line)
{
    leave_state(queue, line);
    HASH_DEL(queue->lines, line);
    bytes_clear(&line->name);
    free(line);
}

/* Behind all that came before it: nearly always at the end. */
static void stand_in_line(struct queue *queue, struct waiter *waiter)
{
    struct line *line = line_make(queue, waiter);
    struct waiter *before = line->waiters ? line->waiters->prev : NULL;

    waiter->line = line;
    while (before && before->number > waiter->number)
        before = before == line->waiters ? NULL : before->prev;
    if (before)
        DL_APPEND_ELEM(line->waiters, before, waiter);
    else
        DL_PREPEND(line->waiters, waiter);
    if (line->state == LINE_READY)
        make_ready(queue, line);
}

/* Waiters */

void queue_put(struct queue *queue, struct waiter *waiter, uint64_t by_ms)
{
    waiter->number = ++queue->last;
    waiter->line = NULL;
    waiter->late = waiter->pause = (struct heap_item){0};
    queue->count++;
    heap_put(&queue->late, &waiter->late, by_ms);
    if (waiter->not_before_ms)
        heap_put(&queue->paused, &waiter->pause, waiter->not_before_ms);
    else
        stand_in_line(queue, waiter);
}

void queue_drop(struct queue *queue, struct waiter *waiter)
{
    struct line *line = waiter->line;

    assert(waiter->late.place);
    heap_drop(&queue->late, &waiter->late);
    heap_drop(&queue->paused, &waiter->pause);
    queue->count--;
    waiter->line = NULL;
    if (!line)
        return;
    DL_DELETE(line->waiters, waiter);
    if (!line->waiters)
        line_free(queue, line);
    else if (line->state == LINE_READY)
        make_ready(queue, line);
}

void queue_bound(struct queue *queue, struct waiter *waiter, uint64_t by_ms)
{
    heap_put(&queue->late, &waiter->late, by_ms);
}

struct waiter *queue_late(const struct queue *queue, uint64_t now_ms)
{
    struct heap_item *item = heap_first(&queue->late);

    return item && item->at <= now_ms ? WAITER_OF(item, late) : NULL;
}

static void end_pauses(struct queue *queue, uint64_t now_ms)
{
    struct heap_item *item;

    while ((item = heap_first(&queue->paused)) && item->at <= now_ms) {
        heap_drop(&queue->paused, item);
        stand_in_line(queue, WAITER_OF(item, pause));
    }
}

static void end_dryness(struct queue *queue, uint64_t now_ms)
{
    struct heap_item *item;

    while ((item = heap_first(&queue->dry)) && item->at <= now_ms)
        make_ready(queue, (struct line *)item);
}

struct waiter *queue_next(struct queue *queue, uint64_t now_ms)
{
    struct heap_item *item;

    end_pauses(queue, now_ms);
    end_dryness(queue, now_ms);
    item = heap_first(&queue->ready);
    return item ? ((struct line *)item)->waiters : NULL;
}

void queue_dry(struct queue *queue, const struct waiter *waiter, uint64_t until_ms, uint64_t by_ms)
{
    struct waiter *other;

    DL_FOREACH (waiter->line->waiters, other)
        if (other->late.at > by_ms)
            heap_put(&queue->late, &other->late, by_ms);
    leave_state(queue, waiter->line);
    waiter->line->state = LINE_DRY;
    heap_put(&queue->dry, &waiter->line->place, until_ms);
}

void queue_block(struct queue *queue, const struct waiter *waiter)
{
    leave_state(queue, waiter->line);
    waiter->line->state = LINE_BLOCKED;
    DL_APPEND(queue->blocked, waiter->line);
}

void queue_wet(struct queue *queue)
{
    end_dryness(queue, UINT64_MAX);
}

void queue_unblock(struct queue *queue)
{
    while (queue->blocked)
        make_ready(queue, queue->blocked);
}

static uint64_t first_at(const struct heap *heap)
{
    const struct heap_item *item = heap_first(heap);

    return item ? item->at : UINT64_MAX;
}

uint64_t queue_due_ms(const struct queue *queue)
{
    uint64_t due_ms = first_at(&queue->late);

    if (first_at(&queue->paused) < due_ms)
        due_ms = first_at(&queue->paused);
    return first_at(&queue->dry) < due_ms ? first_at(&queue->dry) : due_ms;
}

void queue_clear(struct queue *queue)
{
    heap_clear(&queue->ready);
    heap_clear(&queue->dry);
    heap_clear(&queue->late);
    heap_clear(&queue->paused);
    *queue = (struct queue){0};
}
