/* SPDX-License-Identifier: Apache-2.0 */
/* What comes first: a binary heap of items that live inside the caller's structs. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Valid zeroed: in no heap. */
struct heap_item {
    uint64_t at;  /* what the heap is ordered by: a time */
    size_t place; /* in the heap, from 1; 0: in none */
};

/* Valid zeroed. Borrows its items. */
struct heap {
    struct heap_item **items;
    size_t count, size;
};

/* Puts the item in, or moves it if it is in this heap already. */
void heap_put(struct heap *heap, struct heap_item *item, uint64_t at);

/* Takes the item out; nothing if it is in no heap. */
void heap_drop(struct heap *heap, struct heap_item *item);

/* The item with the lowest time, or NULL. */
struct heap_item *heap_first(const struct heap *heap);

void heap_clear(struct heap *heap);
