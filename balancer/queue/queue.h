/* SPDX-License-Identifier: Apache-2.0 */
/* Who waits, and who is next. Waiters stand in lines: those of one line need the same, so that one
 * look at its head is enough. Among the heads the one that came first is next. Plain functions, no
 * sockets; time is passed in.
 *
 *   PAUSED -> in line: READY -> (dropped)           [queue_put, queue_next, queue_drop]
 *                     ^    |-> DRY: no key until a known time      [queue_dry; time, queue_wet]
 *                     |____\-> BLOCKED: no upstream has room       [queue_block; queue_unblock] */
#pragma once

#include <stdbool.h>

#include "base/heap.h"
#include "base/view.h"

struct line;

struct waiter {
    struct view model;      /* borrowed while it waits */
    uint64_t frontend;      /* whose upstreams it needs; 0: it has one */
    uint64_t owner;         /* the only key that will do; 0: any */
    uint64_t not_before_ms; /* pauses until then */

    /* private */
    uint64_t number; /* in the order of coming */
    struct heap_item late, pause;
    struct line *line;
    struct waiter *prev, *next;
};

/* Valid zeroed. */
struct queue {
    struct line *lines;
    struct line *blocked; /* list */
    struct heap ready;    /* lines, by the number of their heads */
    struct heap dry;      /* lines, by time */
    struct heap late;     /* waiters, by when they are to be given up */
    struct heap paused;   /* waiters, by when they come into line */
    uint64_t last;
    size_t count;
};

/* Puts it in; it is late from `by_ms` on. */
void queue_put(struct queue *queue, struct waiter *waiter, uint64_t by_ms);
void queue_drop(struct queue *queue, struct waiter *waiter);

/* It is to be given up by then. */
void queue_bound(struct queue *queue, struct waiter *waiter, uint64_t by_ms);

/* Who may go next; NULL: nobody. It stays where it is until it is dropped, or its line dry or
 * blocked. */
struct waiter *queue_next(struct queue *queue, uint64_t now_ms);

/* One that is late; NULL: nobody. It stays until it is dropped. */
struct waiter *queue_late(const struct queue *queue, uint64_t now_ms);

/* For what this one's line needs there is no key until then; nobody in it is to wait beyond
 * `by_ms`. */
void queue_dry(struct queue *queue, const struct waiter *waiter, uint64_t until_ms, uint64_t by_ms);

/* There is no upstream for this one's line. */
void queue_block(struct queue *queue, const struct waiter *waiter);

/* All dry, or blocked, lines are worth a look. */
void queue_wet(struct queue *queue);
void queue_unblock(struct queue *queue);

/* When to look again if nothing happens before; UINT64_MAX: never. */
uint64_t queue_due_ms(const struct queue *queue);

/* All have been dropped. */
void queue_clear(struct queue *queue);
