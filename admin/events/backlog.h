/* SPDX-License-Identifier: Apache-2.0 */
/* The last events, for readers that come back. Plain, no sockets. */
#pragma once

#include <stdint.h>

#include "base/bytes.h"

enum topic {
    TOPIC_TICK = 1,
    TOPIC_POOL = 2,
    TOPIC_KEYS = 4,
    TOPIC_CALLS = 8,
    TOPIC_PROCESSES = 16,
    TOPIC_JOB = 32,
    TOPIC_SETTINGS = 64,
    TOPIC_SESSION = 128,
};

enum {
    BACKLOG_ROOM = 256 * 1024, /* bytes of all texts */
    BACKLOG_MOST = 1024,       /* events */
};

struct event {
    uint64_t id;
    enum topic topic;
    struct bytes text; /* as it goes out */
};

struct backlog {
    struct event at[BACKLOG_MOST]; /* a ring */
    size_t first, count, bytes;
    uint64_t last_id;
};

/* The bits of the names, with commas between; 0: one is not known. */
unsigned topics_read(struct view list);

/* `first_id` grows from start to start, so that a reader of before is known to have missed some. */
void backlog_open(struct backlog *backlog, uint64_t first_id);

/* Keeps an event and returns it; borrowed until the next. The data is JSON, without a line's end. */
const struct event *backlog_put(struct backlog *backlog, enum topic topic, struct view data);

/* Appends what a reader of those topics has missed since that event. False: nobody knows. */
bool backlog_since(const struct backlog *backlog, uint64_t id, unsigned topics, struct bytes *out);
void backlog_clear(struct backlog *backlog);
