/* SPDX-License-Identifier: Apache-2.0 */
/* The incremental parser of server-sent events, for the upstream's gate and the frontend's
 * translation. It is fed any split of the bytes and gives whole events. Accepts \n, \r\n and \r, a
 * byte order mark at the start, comments, `data:` with or without its space, several data lines.
 * Lines that are no field at all (a provider's raw JSON error between events) are gathered as
 * `stray`. Valid when zeroed. What must stay true: how the bytes were split changes nothing. */
#pragma once

#include "base/bytes.h"

struct sse {
    struct bytes data; /* of the event being read, if it is split over feeds */
    struct bytes
        line; /* the line being read, if it is split over feeds and not yet known to be data */
    struct bytes stray; /* lines without a known field name, joined by \n; cleared when an event
                           follows them */
    bool has_data;
    bool is_in_data;    /* inside a data line; its bytes go straight into `data` */
    bool skips_newline; /* the last byte was \r: a \n that follows belongs to it */
    bool is_over; /* the event being read has passed the limit: only its last bytes are kept */
    unsigned char marks; /* bytes seen of the byte order mark; 3: past it, or there is none */
    size_t limit;        /* bytes of one event at most; 0: no limit */
};

/* Feeds from `*more` until one event is complete or the bytes are used up; `*more` becomes what is
 * left behind the event. Returns true with the event's data in `*event` (borrowed until the next
 * call; it may point into what was fed). `event` ends at the byte before the new `more->at`. Sets
 * `*is_broken` while the event is larger than the limit: whoever can do without its beginning goes
 * on, and gets its last bytes (the limit, or less) when it ends. */
bool sse_feed(struct sse *sse, struct view *more, struct view *event, bool *is_broken);

/* Whether nothing is pending: the bytes fed so far end at an event's border. */
bool sse_is_between(const struct sse *sse);

void sse_clear(struct sse *sse);

/* Whether an event is no data but says that there is no more ("[DONE]", "DONE"): relays put it
 * behind what the provider sent. */
bool sse_is_sentinel(struct view event);

/* Whether that content type, with or without parameters, is that of such events. */
bool sse_is_type(struct view type);
