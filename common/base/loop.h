/* SPDX-License-Identifier: Apache-2.0 */
/* The epoll loop of the processes that serve no HTTP (balancer, upstream, recorder).
 * Level-triggered. */
#pragma once

#include <stdint.h>

#define LOOP_READ 1u
#define LOOP_WRITE 2u
#define LOOP_BROKEN 4u /* error or hang-up; always reported */

enum { LOOP_EVENTS_MOST = 256 }; /* in one wait; the next one tells of the others */

typedef void loop_callback(void *data, int fd, unsigned events);

struct loop {
    int epoll_fd;
    struct loop_watch *watches; /* indexed by fd */
    int watch_count;
};

void loop_open(struct loop *loop);
void loop_close(struct loop *loop);

/* Watches `fd` for `events` (0 is allowed: only LOOP_BROKEN comes), or changes what it is watched
 * for. */
void loop_set(struct loop *loop, int fd, unsigned events, loop_callback *call, void *data);

/* Stops watching; the fd may be closed already. Safe inside callbacks: later events of this turn
 * for it are dropped. */
void loop_remove(struct loop *loop, int fd);

/* Waits at most `wait_ms` for events and runs their callbacks. Returns how many there were. */
int loop_wait(struct loop *loop, uint64_t wait_ms);
