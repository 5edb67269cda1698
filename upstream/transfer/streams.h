/* SPDX-License-Identifier: Apache-2.0 */
/* The sockets of event streams, in an epoll of their own within the process's: when events come by
 * the thousand a second, they are taken together a few milliseconds apart, as a network card
 * gathers packets. Else most are taken when they come: see streams.c. Called by the connections. */
#pragma once

#include "base/loop.h"

struct streams {
    struct loop *loop;         /* of the process */
    struct loop inner;         /* of the streams */
    uint64_t last_us;          /* when events were taken last */
    uint64_t due_ms;           /* while it rests: when streams_turn must be called */
    void (*wake)(void *owner); /* due_ms has changed */
    void *owner;
};

/* The struct is zeroed but for `loop`, `wake` and `owner`, and does not move any more. */
void streams_open(struct streams *streams);
void streams_close(struct streams *streams);

void streams_turn(struct streams *streams, uint64_t now_ms);
