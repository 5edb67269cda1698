/* SPDX-License-Identifier: Apache-2.0 */
/* Server-sent events to open pages. What must stay true: a reader that does not read costs a bounded
 * amount of memory, and delays nobody. The frontend's h2o takes whatever it is sent, read or not; so a
 * stream has an end, after which a reader that reads goes on with a new one where it was. */
#pragma once

#include "events/backlog.h"
#include "reply.h"

enum {
    EVENTS_READERS_MOST = 64,
    EVENTS_BEHIND_MOST = 256 * 1024, /* bytes that wait for one reader; more: it gets `reset` */
    EVENTS_PING_MS = 15000,
    EVENTS_SENT_MOST =
        512 * 1024, /* bytes of one stream; then it ends, and its reader comes again */
};

struct events {
    struct backlog backlog;
    struct reader *readers;
    size_t count;
};

struct events_wish {
    unsigned topics;   /* bits of enum topic */
    uint64_t last_id;  /* that the reader has seen; 0: it is new */
    struct view first; /* JSON: what it is told of its session at once */
};

/* Turns the request into a stream of events. False: there are too many, and nothing was done. */
bool events_begin(struct events *events, struct reply *reply, const struct events_wish *wish,
                  uint64_t now_ms);

/* To all who want that topic. The data is JSON on one line. */
void events_publish(struct events *events, enum topic topic, struct view json);

/* Whether anybody wants it. */
bool events_are_wanted(const struct events *events, enum topic topic);

/* To be called each second: comments, so that connections are known to live; and readers whose
 * session is over go. `goes_on` is asked of each. */
void events_tick(struct events *events, uint64_t now_ms,
                 bool (*goes_on)(void *owner, uint64_t session_number), void *owner);

/* Ends all streams; browsers come again. */
void events_end(struct events *events);
