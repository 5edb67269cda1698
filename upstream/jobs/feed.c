/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies that come piece by piece. What must stay true: what has come is kept in order and without
 * a gap, and never more of it than FEED_WINDOW. */
#include "jobs/feed.h"

#include <assert.h>
#include <stdlib.h>

enum {
    WANT_LEAST = FEED_WINDOW / 4, /* a smaller window is not worth a letter */
    PIECE_LEAST = 4 * 1024,       /* of memory: a client may send byte by byte */
};

struct feed_piece {
    struct feed_piece *next;
    size_t len, size;
    char data[];
};

size_t feed_want(struct feed *feed)
{
    uint64_t room = feed->gone + FEED_WINDOW - feed->asked;
    uint64_t rest = feed->length ? feed->length - 1 - feed->asked : UINT64_MAX;

    if (feed->is_whole || (room < WANT_LEAST && room < rest))
        return 0;
    room = room < rest ? room : rest;
    feed->asked += room;
    return (size_t)room;
}

void feed_ask_again(struct feed *feed)
{
    feed->asked = feed->come;
}

static struct feed_piece *add_piece(struct feed *feed, size_t len)
{
    size_t size = len < PIECE_LEAST ? PIECE_LEAST : len;
    struct feed_piece *piece = malloc(sizeof(*piece) + size);

    if (!piece)
        abort();
    *piece = (struct feed_piece){.size = size};
    if (feed->last)
        feed->last->next = piece;
    else
        feed->first = piece;
    return feed->last = piece;
}

static void append(struct feed *feed, struct view data)
{
    struct feed_piece *piece = feed->last;

    if (!piece || piece->size - piece->len < data.len)
        piece = add_piece(feed, data.len);
    memcpy(piece->data + piece->len, data.at, data.len);
    piece->len += data.len;
}

bool feed_take(struct feed *feed, uint64_t from, struct view data, bool is_last)
{
    if (from != feed->come || feed->is_whole || data.len > feed->asked - feed->come)
        return false;
    if (data.len)
        append(feed, data);
    feed->come += data.len;
    feed->is_whole = feed->length ? feed->come == feed->length - 1 : is_last;
    return true;
}

struct view feed_look(const struct feed *feed)
{
    const struct feed_piece *piece = feed->first;

    return piece ? (struct view){piece->data + feed->used, piece->len - feed->used}
                 : (struct view){0};
}

static void drop(struct feed *feed)
{
    struct feed_piece *piece = feed->first;

    feed->first = piece->next;
    if (!feed->first)
        feed->last = NULL;
    feed->used = 0;
    free(piece);
}

void feed_gone(struct feed *feed, size_t bytes)
{
    assert(feed->first && bytes <= feed->first->len - feed->used);
    feed->used += bytes;
    feed->gone += bytes;
    if (feed->used == feed->first->len)
        drop(feed);
}

void feed_clear(struct feed *feed)
{
    while (feed->first)
        drop(feed);
}
