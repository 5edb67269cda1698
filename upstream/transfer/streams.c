/* SPDX-License-Identifier: Apache-2.0 */
/* Streams' sockets. What must stay true: only sockets of streams ever rest. A rest begins when
 * events come twice within a millisecond, as even a few streams may do by chance; another one
 * follows only if enough came in it, a thousand a second.
 *
 * A turn of the loop, the frame that it sends and the wake-ups of whom it sends it to cost as much
 * as several events. */
#include "transfer/streams.h"

#include <stdbool.h>

#include "base/clock.h"

enum {
    REST_MS = 4,
    BUSY_US = 1000, /* events that come so soon after others begin the rests */
    BUSY_LEAST = 4, /* events in a rest, for another one to follow */
};

static void on_inner(void *data, int fd, unsigned events);

static void listen_on(struct streams *streams)
{
    streams->due_ms = UINT64_MAX;
    loop_set(streams->loop, streams->inner.epoll_fd, LOOP_READ, on_inner, streams);
}

/* Not if there were so many that others are still waiting. */
static void rest(struct streams *streams, int count)
{
    streams->due_ms = clock_ms() + (count < LOOP_EVENTS_MOST ? REST_MS : 0);
    loop_set(streams->loop, streams->inner.epoll_fd, 0, on_inner, streams);
    streams->wake(streams->owner);
}

static void on_inner(void *data, int fd, unsigned events)
{
    struct streams *streams = data;
    bool is_busy = clock_us() < streams->last_us + BUSY_US;
    int count = loop_wait(&streams->inner, 0);

    (void)fd, (void)events;
    streams->last_us = clock_us();
    if (is_busy)
        rest(streams, count);
}

void streams_turn(struct streams *streams, uint64_t now_ms)
{
    int count;

    if (now_ms < streams->due_ms)
        return;
    count = loop_wait(&streams->inner, 0);
    if (count < BUSY_LEAST) {
        listen_on(streams);
        return;
    }
    streams->last_us = clock_us();
    rest(streams, count);
}

void streams_open(struct streams *streams)
{
    loop_open(&streams->inner);
    listen_on(streams);
}

void streams_close(struct streams *streams)
{
    loop_remove(streams->loop, streams->inner.epoll_fd);
    loop_close(&streams->inner);
}
