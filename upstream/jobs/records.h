/* SPDX-License-Identifier: Apache-2.0 */
/* Every attempt's record on its way to the recorder: our own flight file, and those of dead
 * upstreams that we have adopted. What must stay true: a record is sent until RECORDED covers it,
 * in the order of its seq, again after each WELCOME. */
#pragma once

#include <uthash.h>

#include "jobs/flight.h"
#include "link.h"

/* A body that goes with a record. It is in memory only: a kill loses it, and nothing else. */
struct record_body {
    struct bytes text;
    uint32_t slot;
    UT_hash_handle hh;
};

enum { RECORD_BODIES_MOST = 4 * 1024 * 1024 }; /* bytes kept; further ones are left out */

struct records {
    struct flight own;
    struct flight *adopted; /* a list */
    struct link *link;      /* to the recorder; borrowed */
    const char *folder;
    uint64_t look_ms;           /* when to look for files of the dead again */
    uint64_t told_ms;           /* when a full file was last complained of */
    size_t in_pipe;             /* sent and not recorded, of all files */
    uint64_t kept_count;        /* attempts begun with a slot, ever */
    struct record_body *bodies; /* of our own, by slot */
    size_t body_bytes;
};

/* Makes our own file and adopts what the dead have left. */
void records_open(struct records *records, struct link *link, uint64_t incarnation,
                  size_t slot_count);

/* Notes that an attempt begins; returns what records_end wants back. */
uint32_t records_begin(struct records *records, const struct msg_record *record);

/* Notes its end (with a body, if it has one), of which something is still to come. */
void records_hold(struct records *records, uint32_t slot, const struct msg_record *record);

/* Notes its end, or the rest of it, and sends the record. */
void records_end(struct records *records, uint32_t slot, const struct msg_record *record);

/* The recorder has welcomed us: everything that is not recorded goes out again. */
void records_welcome(struct records *records);

/* RECORDED has come. */
void records_recorded(struct records *records, uint64_t sender, uint64_t seq);

/* Once a second: looks for files of upstreams that have died meanwhile. */
void records_tick(struct records *records, uint64_t now_ms);

/* Whether no record waits. */
bool records_are_safe(const struct records *records);

/* How many records wait. */
size_t records_waiting(const struct records *records);

/* Removes what is empty and lets go of the rest, for the next upstream to adopt. */
void records_close(struct records *records);
