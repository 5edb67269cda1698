/* SPDX-License-Identifier: Apache-2.0 */
/* A flight file: every attempt that this process has begun, until its record is in the recorder's
 * spool. It is mapped and shared, so that it outlives its writer: after a kill the next upstream
 * adopts it and reports what was under way as lost. One file per incarnation, held under flock by
 * the living. No sockets in here; see records.h.
 *
 *   FREE -> BEGUN ----------> ENDED -> FREE   [flight_begin, flight_end, flight_recorded]
 *              \--> HELD ------^^              [flight_hold, flight_end]
 *               \---------------/              [flight_adopt: as lost]
 *
 * What must stay true: a slot's state is written last, so that whatever instruction a kill hits,
 * the file is whole. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "message.h"

#define FLIGHT_NO_SLOT UINT32_MAX

struct flight {
    uint64_t incarnation; /* of the sender of these records */
    char *path;
    int fd; /* -1: there is no file, only memory */
    struct flight_header *header;
    size_t slot_count;
    size_t corrupt; /* slots that could not be believed (adopted files) */

    /* Slots that have ended and are not recorded, in the order of their seq. */
    uint32_t *order;
    size_t order_size; /* a power of two */
    size_t order_head;
    size_t order_count;
    size_t sent_count; /* of them, from the head */

    /* private */
    size_t map_len;
    size_t file_len;     /* bytes that the disk has promised */
    uint64_t *free_bits; /* 1: free */
    size_t free_word;    /* no word below it has a free slot */
    size_t begun_count;
    uint64_t gap; /* attempts not kept since the last record */
    struct flight *next;
};

/* Makes the file `folder`/<incarnation>.flight and holds it. If that can't be (the disk is full),
 * the records live in memory only, an error says so, and a kill loses them: traffic goes on. */
void flight_create(struct flight *flight, const char *folder, uint64_t incarnation,
                   size_t slot_count);

enum adoption {
    ADOPTED,
    ADOPTION_HELD, /* its upstream lives */
    ADOPTION_BAD,  /* it can't be believed; set aside as .bad */
    ADOPTION_GONE, /* it could not be opened */
};

/* Takes over the file of a dead upstream: attempts under way become records with the fault `lost`,
 * their seq in the file before anybody sees them. */
enum adoption flight_adopt(struct flight *flight, const char *path);

/* Notes that the attempt begins (the columns known by now). FLIGHT_NO_SLOT: the file is full;
 * flight_end counts it. */
uint32_t flight_begin(struct flight *flight, const struct msg_record *record);

/* Notes that it has ended; whether it was its call's last, and when its client had all, is still to
 * come by flight_end, which alone sends it on its way. */
void flight_hold(struct flight *flight, uint32_t slot, const struct msg_record *record);

/* Notes that it has ended (the other columns, unless it was held); it gets the next seq and stands at the end of the
 * order. */
void flight_end(struct flight *flight, uint32_t slot, const struct msg_record *record);

/* The record at that place of the order; its texts are borrowed from the file. */
void flight_record(const struct flight *flight, size_t place, struct msg_record *record);

/* The slot at that place of the order. */
uint32_t flight_slot(const struct flight *flight, size_t place);

/* All records up to this seq are safe: their slots are free again. Returns how many were. */
size_t flight_recorded(struct flight *flight, uint64_t seq);

/* Whether nothing is under way and nothing waits to be recorded. */
bool flight_is_empty(const struct flight *flight);

/* Lets go of the file; removes it if it is empty (and nothing in it was corrupt; then it is set
 * aside). */
void flight_close(struct flight *flight);
