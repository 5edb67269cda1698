/* SPDX-License-Identifier: Apache-2.0 */
/* The spool as its writer, the intake, sees it: records are added, then written with one write(2),
 * and count as kept once they are in the file. What must stay true: a record that was reported as
 * written is whole in the file, and no half record stays behind it. Segments are begun lazily and
 * deleted by the store. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

struct spool {
    int folder_fd;
    int fd;          /* of the segment being written; -1: the next write begins one */
    uint64_t number; /* of the newest segment; 0: there is none */
    uint64_t size;   /* bytes of it */
    uint64_t limit;  /* at which the next one is begun */
    uint32_t salt;
    uint64_t records;     /* ever written to this spool */
    struct bytes pending; /* records added and not yet written */
    size_t pending_count;
    bool is_unsynced;
    bool syncs_always; /* records count as written only when the disk has them */
    bool has_reserve;  /* a file that gives its room when there is none */
    int error;         /* errno of the last write that failed; 0: it went well */

    /* Appends by spool_note what the next segment begins with. */
    void (*on_begin)(void *owner, struct spool *spool, struct bytes *out);
    void *owner;
};

/* Opens the folder (made if it is missing) and reads the newest segment that can be read:
 * `on_payload` gets all that is in it, and what it returns says whether that was a record. Cuts a
 * torn end off. Ends the process if the folder can't be used. */
void spool_open(struct spool *spool, const char *path, uint64_t limit,
                bool (*on_payload)(void *owner, struct view payload), void *owner);
void spool_close(struct spool *spool);

/* Adds a record to what the next write writes. */
void spool_add(struct spool *spool, struct view payload);

/* For on_begin: appends a payload that is no record. */
void spool_note(const struct spool *spool, struct bytes *out, struct view payload);

/* Writes what was added. Returns how many records, from the first on, are in the file now. If not
 * all are, `error` says why and the others stay added. */
size_t spool_write(struct spool *spool);

/* Forces what was written to the disk; false if that failed (`error`): then the next write begins a
 * new segment. */
bool spool_sync(struct spool *spool);

/* Sets room aside again, if it was needed. To be called now and then while writing goes well. */
void spool_reserve(struct spool *spool);

/* Bytes of all segments. */
uint64_t spool_bytes(const struct spool *spool);
