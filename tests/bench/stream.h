/* SPDX-License-Identifier: Apache-2.0
 * One stream of the benchmark's client, and what all of them share. */
#pragma once
#include "samples.h"
#include <stdbool.h>

#define LATE_PACES 10 /* a gap longer than so many paces is one too many */

enum state {
    STATE_WAITING, /* for its turn to open */
    STATE_CONNECTING,
    STATE_HEAD,
    STATE_SIZE, /* of a chunk */
    STATE_DATA,
    STATE_DATA_END,
    STATE_TRAILER,
    STATE_DONE,
};

enum outcome { WHOLE, NOT_CONNECTED, REFUSED, CUT, OUT_OF_ORDER, TOO_SHORT, UNFINISHED, OUTCOMES };
struct stream {
    int fd;
    enum state state;
    bool is_chunked, is_late, has_disorder;
    bool is_open;   /* has had its first event */
    bool has_begun; /* a byte of this answer has come */
    bool is_reused; /* its connection carried a stream before */
    int status;
    char line[128]; /* of the head; longer ones lose their end */
    size_t line_len;
    uint64_t chunk_left;
    size_t matched;  /* bytes of the mark */
    bool in_number;  /* behind the mark */
    uint32_t number; /* as far as it is read */
    uint32_t next;   /* the number that must come */
    int64_t asked_us, last_us;
};

struct client {
    int port, poll;
    int64_t events, pace_ms, seconds; /* of each stream; how long another one is begun */
    const char *mark;
    size_t mark_len;
    size_t *fallback; /* of the mark: how much of it still matches when a byte does not */
    char *request;
    size_t request_len;
    int64_t end_us;
    size_t opened, done, never_opened; /* connections: had an event, ended, ended without one */
    uint64_t outcomes[OUTCOMES], late_streams, late_gaps, event_count, bytes;
    struct samples firsts, gaps;
};

void stream_connect(struct client *client, struct stream *s);
void stream_end(struct client *client, struct stream *s, enum outcome outcome);
void stream_on_event(struct client *client, struct stream *s, uint32_t events);
