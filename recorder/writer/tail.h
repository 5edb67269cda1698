/* SPDX-License-Identifier: Apache-2.0 */
/* The spool as its reader, the store, sees it: payloads in order, over all segments, while the
 * intake appends. What must stay true: a segment is deleted only when the reader says that all it
 * held is settled, and never the newest one. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "intake/segment.h"

struct tail {
    int folder_fd;
    struct segment segment;
    bool is_open;     /* `segment` is */
    bool is_finished; /* the intake has begun another one, so nothing more comes in this */
};

enum tail_state {
    TAIL_PAYLOAD,
    TAIL_WAIT, /* nothing for now */
    TAIL_END,  /* the segment is read: settle what it held, then call tail_pass */
};

/* Opens the folder, made if it is missing; ends the process if it can't be used. */
void tail_open(struct tail *tail, const char *path);
void tail_close(struct tail *tail);

/* `payload` is borrowed until the next call. */
enum tail_state tail_next(struct tail *tail, struct view *payload);

/* Deletes the segment that has been read and goes on to the next. One that was damaged is kept as
 * "N.bad". */
void tail_pass(struct tail *tail);
