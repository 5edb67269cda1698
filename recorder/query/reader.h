/* SPDX-License-Identifier: Apache-2.0 */
/* A read-only connection to the database that never makes its process wait. One statement at a
 * time; the connection is made when the first one comes, and kept. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/loop.h"

enum reader_end {
    READER_ROWS,  /* `text`: the rows as a JSON list of objects */
    READER_AWAY,  /* no connection; `text`: why */
    READER_SLOW,  /* the server has stopped the statement at its limit in time */
    READER_FAULT, /* the statement; `text`: what the server says */
};

typedef void reader_callback(void *owner, enum reader_end end, struct view text);

struct reader {
    struct loop *loop;
    reader_callback *on_end;
    void *owner;
    unsigned limit_ms; /* of a statement */

    /* private */
    struct st_mysql *mysql;         /* NULL: not connected */
    const struct reader_step *step; /* that waits for the server; NULL: none does */
    int fd;                         /* watched; -1: none is */
    uint64_t due_ms; /* when the client library wants to be woken; UINT64_MAX: never */
    size_t prepared; /* statements of the connection's beginning that have run */
    bool is_fresh;   /* the connection has been made for this statement */
    bool is_good;    /* the last step's outcome */
    struct bytes sql, json;
    struct st_mysql_res *result;
};

void reader_open(struct reader *reader, struct loop *loop, unsigned limit_ms,
                 reader_callback *on_end, void *owner);

/* Runs a SELECT; on_end tells the end of it, perhaps before this returns. */
void reader_ask(struct reader *reader, struct view sql);

/* Wakes the client library where it waits in vain. */
void reader_tick(struct reader *reader, uint64_t now_ms);

/* Gives the statement up, without on_end; its connection goes. */
void reader_stop(struct reader *reader);
void reader_close(struct reader *reader);
