/* SPDX-License-Identifier: Apache-2.0 */
/* A body that comes piece by piece while its request is under way: asked for in windows, kept until
 * it has left for the provider. Called by the job; no sockets in here.
 *
 *    gone <= come <= asked <= gone + FEED_WINDOW
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

enum { FEED_WINDOW = 256 * 1024 /* bytes asked for that have not left */ };

struct feed_piece;

struct feed {
    uint64_t length; /* bytes of the whole + 1; 0: nobody knows */
    uint64_t asked, come, gone;
    bool is_whole; /* the last byte has come */
    struct feed_piece *first, *last;
    size_t used; /* bytes of the first that have left */
};

/* How much is to be asked for now, from `asked` on; 0: nothing. Counts as asked for. */
size_t feed_want(struct feed *feed);

/* What was asked for and has not come is lost: it is to be asked for again. */
void feed_ask_again(struct feed *feed);

/* Takes the bytes at that offset. False, and nothing taken: others are due, or more than there can
 * be. */
bool feed_take(struct feed *feed, uint64_t from, struct view data, bool is_last);

/* The first piece, of which so much is there; it stays where it is until it is gone. */
struct view feed_look(const struct feed *feed);
void feed_gone(struct feed *feed, size_t bytes);

void feed_clear(struct feed *feed);
