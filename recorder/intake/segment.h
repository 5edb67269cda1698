/* SPDX-License-Identifier: Apache-2.0 */
/* One file of the spool: its format, and reading it. The intake writes segments through spool.h;
 * the store reads them through tail.h; both read with this.
 *
 *   file    = header record*
 *   header  = "SPOOL-1\n", u64 records written to the spool before this file, u32 salt, u32 CRC-32
 * of these 20 bytes record  = u32 length, u32 CRC-32 of salt, length and payload, payload
 *
 * Numbers are little endian. A payload is one letter: RECORD, or RECORDED at the head of a file,
 * which says how far each sender had come when the file was begun. The salt is random, so that no
 * client can put a record into a model's name. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

enum {
    SEGMENT_HEADER = 24,
    RECORD_HEADER = 8,
    PAYLOAD_MOST = 12 * 1024,
    SEGMENT_NAME = 32, /* room for a file's name */
};

/* Appends a file's header. */
void segment_begin(struct bytes *out, uint64_t first, uint32_t salt);

/* Whether `header` is one; sets what it says. */
bool segment_is(struct view header, uint64_t *first, uint32_t *salt);

/* Appends a record. The payload is 1 to PAYLOAD_MOST bytes. */
void segment_put(struct bytes *out, uint32_t salt, struct view payload);

/* Takes the first good record off `*rest`: true, its payload (borrowed) and how many bytes before
 * it were no record. False if there is none; `*rest` is as it was. */
bool segment_take(struct view *rest, uint32_t salt, struct view *payload, size_t *bad);

/* A segment being read; another process may be appending to it. */
struct segment {
    int fd;
    uint64_t number;
    uint64_t first; /* records before this file */
    uint32_t salt;
    bool is_good;    /* its header is one */
    uint64_t bad;    /* bytes before `offset` that were no record */
    uint64_t offset; /* of the buffer in the file */
    struct bytes buffer;
    size_t used; /* bytes of the buffer that are behind us */
};

/* "000000000042.spool" */
void segment_name(char name[SEGMENT_NAME], uint64_t number, const char *ending);

/* Opens segment `number` in the folder; false if that can't be done (errno). A file with a bad
 * header opens, but holds no records. */
bool segment_open(struct segment *segment, int folder_fd, uint64_t number, int flags);
void segment_close(struct segment *segment);

/* The next record's payload, borrowed until the next call. False: nothing whole is there for now.
 */
bool segment_next(struct segment *segment, struct view *payload);

/* Where the last record that segment_next gave ends. */
uint64_t segment_end(const struct segment *segment);

/* The smallest segment number in the folder that is at least `from`; 0: there is none. */
uint64_t segment_find(int folder_fd, uint64_t from);

/* The largest; 0: there is none. */
uint64_t segment_find_last(int folder_fd);
