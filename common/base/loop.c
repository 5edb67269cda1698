/* SPDX-License-Identifier: Apache-2.0 */
/* The epoll loop of balancer, upstream and recorder. A watch that is removed inside a callback must
 * not be called any more in that turn: watches live in an array by fd, and an event is looked up
 * there when its time comes. */
#include "base/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/log.h"

struct loop_watch {
    loop_callback *call; /* NULL: not watched */
    void *data;
    unsigned events;
    unsigned age; /* tells a reused fd from the one an event was for */
};

void loop_open(struct loop *loop)
{
    *loop = (struct loop){.epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
    if (loop->epoll_fd < 0)
        die("cannot make an epoll: %s", strerror(errno));
}

void loop_close(struct loop *loop)
{
    close(loop->epoll_fd);
    free(loop->watches);
    *loop = (struct loop){.epoll_fd = -1};
}

static struct loop_watch *watch_of(struct loop *loop, int fd)
{
    if (fd >= loop->watch_count) {
        int count = loop->watch_count ? loop->watch_count : 64;
        while (count <= fd)
            count *= 2;
        loop->watches = memory_grow(loop->watches, (size_t)count * sizeof(*loop->watches));
        memset(loop->watches + loop->watch_count, 0,
               (size_t)(count - loop->watch_count) * sizeof(*loop->watches));
        loop->watch_count = count;
    }
    return &loop->watches[fd];
}

void loop_set(struct loop *loop, int fd, unsigned events, loop_callback *call, void *data)
{
    struct loop_watch *watch = watch_of(loop, fd);
    struct epoll_event event = {0};
    bool is_new = !watch->call;

    if (is_new)
        watch->age++;
    watch->call = call;
    watch->data = data;
    if (!is_new && watch->events == events)
        return;
    watch->events = events;
    event.events =
        (events & LOOP_READ ? EPOLLIN | EPOLLRDHUP : 0) | (events & LOOP_WRITE ? EPOLLOUT : 0);
    event.data.u64 = (uint64_t)watch->age << 32 | (uint32_t)fd;
    if (epoll_ctl(loop->epoll_fd, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event) == 0)
        return;
    if (errno == EEXIST || errno == ENOENT) /* the fd was closed and came back unseen */
        epoll_ctl(loop->epoll_fd, is_new ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
}

void loop_remove(struct loop *loop, int fd)
{
    if (fd < 0 || fd >= loop->watch_count || !loop->watches[fd].call)
        return;
    loop->watches[fd].call = NULL;
    epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

int loop_wait(struct loop *loop, uint64_t wait_ms)
{
    struct epoll_event events[LOOP_EVENTS_MOST];
    int count = epoll_wait(loop->epoll_fd, events, LOOP_EVENTS_MOST,
                           wait_ms > 60000 ? 60000 : (int)wait_ms);

    for (int i = 0; i < count; i++) {
        int fd = (int)(uint32_t)events[i].data.u64;
        struct loop_watch *watch = &loop->watches[fd];
        unsigned seen = 0;

        if (!watch->call || watch->age != (unsigned)(events[i].data.u64 >> 32))
            continue;
        if (events[i].events & EPOLLIN)
            seen |= LOOP_READ;
        if (events[i].events & EPOLLOUT)
            seen |= LOOP_WRITE;
        if (events[i].events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP))
            seen |= LOOP_BROKEN;
        watch->call(watch->data, fd, seen);
    }
    return count < 0 ? 0 : count;
}
