/* SPDX-License-Identifier: Apache-2.0 */
/* A binary heap. What must stay true: each item's `place` is where the heap has it. */
#include "base/heap.h"

#include <assert.h>
#include <stdlib.h>

#include "base/bytes.h"

enum { SIZE_FIRST = 16 };

static void set(struct heap *heap, size_t place, struct heap_item *item)
{
    heap->items[place - 1] = item;
    item->place = place;
}

static void rise(struct heap *heap, struct heap_item *item)
{
    while (item->place > 1 && heap->items[item->place / 2 - 1]->at > item->at) {
        size_t place = item->place;

        set(heap, place, heap->items[place / 2 - 1]);
        set(heap, place / 2, item);
    }
}

static void sink(struct heap *heap, struct heap_item *item)
{
    for (;;) {
        size_t place = item->place, child = place * 2;

        if (child < heap->count && heap->items[child]->at < heap->items[child - 1]->at)
            child++;
        if (child > heap->count || heap->items[child - 1]->at >= item->at)
            return;
        set(heap, place, heap->items[child - 1]);
        set(heap, child, item);
    }
}

static void append(struct heap *heap, struct heap_item *item)
{
    if (heap->count == heap->size) {
        struct heap_item **items;

        heap->size = heap->size ? heap->size * 2 : SIZE_FIRST;
        items = memory_new(heap->size * sizeof(struct heap_item *));
        for (size_t i = 0; i < heap->count; i++)
            items[i] = heap->items[i];
        free(heap->items);
        heap->items = items;
    }
    set(heap, ++heap->count, item);
}

void heap_put(struct heap *heap, struct heap_item *item, uint64_t at)
{
    if (!item->place)
        append(heap, item);
    assert(heap->items[item->place - 1] == item);
    item->at = at;
    rise(heap, item);
    sink(heap, item);
}

void heap_drop(struct heap *heap, struct heap_item *item)
{
    struct heap_item *last;

    if (!item->place)
        return;
    assert(heap->items[item->place - 1] == item);
    last = heap->items[--heap->count];
    if (last != item) {
        set(heap, item->place, last);
        rise(heap, last);
        sink(heap, last);
    }
    item->place = 0;
}

struct heap_item *heap_first(const struct heap *heap)
{
    return heap->count ? heap->items[0] : NULL;
}

void heap_clear(struct heap *heap)
{
    free(heap->items);
    *heap = (struct heap){0};
}
