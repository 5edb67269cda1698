/* SPDX-License-Identifier: Apache-2.0 */
/* The spool's file format. What must stay true: a record is believed only if its checksum is right,
 * and a damaged one costs itself and no other: reading goes on at the next good record. */
#include "intake/segment.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static const char magic[8] = {'S', 'P', 'O', 'O', 'L', '-', '1', '\n'};

enum {
    FIRST_AT = 8,
    SALT_AT = 16,
    SUM_AT = 20,
    READ_SIZE = 64 * 1024,
    FRAME_MOST = RECORD_HEADER + PAYLOAD_MOST,
};

static void put_u32(char *at, uint32_t number)
{
    number = htole32(number);
    memcpy(at, &number, sizeof(number));
}

static uint32_t get_u32(const char *at)
{
    uint32_t number;

    memcpy(&number, at, sizeof(number));
    return le32toh(number);
}

static void put_u64(char *at, uint64_t number)
{
    number = htole64(number);
    memcpy(at, &number, sizeof(number));
}

static uint64_t get_u64(const char *at)
{
    uint64_t number;

    memcpy(&number, at, sizeof(number));
    return le64toh(number);
}

static uint32_t sum_of(const char *at, size_t len)
{
    return (uint32_t)crc32(0, (const Bytef *)at, (uInt)len);
}

static uint32_t record_sum(uint32_t salt, const char *record, uint32_t len)
{
    char head[8];
    uLong sum;

    put_u32(head, salt);
    memcpy(head + 4, record, 4);
    sum = crc32(0, (const Bytef *)head, sizeof(head));
    return (uint32_t)crc32(sum, (const Bytef *)record + RECORD_HEADER, len);
}

/* The format */

void segment_begin(struct bytes *out, uint64_t first, uint32_t salt)
{
    char *at = bytes_room(out, SEGMENT_HEADER);

    memcpy(at, magic, sizeof(magic));
    put_u64(at + FIRST_AT, first);
    put_u32(at + SALT_AT, salt);
    put_u32(at + SUM_AT, sum_of(at, SUM_AT));
    out->len += SEGMENT_HEADER;
}

bool segment_is(struct view header, uint64_t *first, uint32_t *salt)
{
    if (header.len < SEGMENT_HEADER || memcmp(header.at, magic, sizeof(magic)) != 0 ||
        get_u32(header.at + SUM_AT) != sum_of(header.at, SUM_AT))
        return false;
    *first = get_u64(header.at + FIRST_AT);
    *salt = get_u32(header.at + SALT_AT);
    return true;
}

void segment_put(struct bytes *out, uint32_t salt, struct view payload)
{
    char *at = bytes_room(out, RECORD_HEADER + payload.len);

    put_u32(at, (uint32_t)payload.len);
    memcpy(at + RECORD_HEADER, payload.at, payload.len);
    put_u32(at + 4, record_sum(salt, at, (uint32_t)payload.len));
    out->len += RECORD_HEADER + payload.len;
}

/* The payload's length if a good record stands at the start of `rest`, else 0. */
static size_t record_at(struct view rest, uint32_t salt)
{
    uint32_t len;

    if (rest.len < RECORD_HEADER)
        return 0;
    len = get_u32(rest.at);
    if (len == 0 || len > PAYLOAD_MOST || len > rest.len - RECORD_HEADER)
        return 0;
    return get_u32(rest.at + 4) == record_sum(salt, rest.at, len) ? len : 0;
}

bool segment_take(struct view *rest, uint32_t salt, struct view *payload, size_t *bad)
{
    for (size_t at = 0; at + RECORD_HEADER < rest->len; at++) {
        size_t len = record_at(view_skip(*rest, at), salt);

        if (!len)
            continue;
        *bad = at;
        *payload = (struct view){rest->at + at + RECORD_HEADER, len};
        *rest = view_skip(*rest, at + RECORD_HEADER + len);
        return true;
    }
    return false;
}

/* Reading a file */

void segment_name(char name[SEGMENT_NAME], uint64_t number, const char *ending)
{
    snprintf(name, SEGMENT_NAME, "%012llu.%s", (unsigned long long)number, ending);
}

bool segment_open(struct segment *segment, int folder_fd, uint64_t number, int flags)
{
    char name[SEGMENT_NAME], header[SEGMENT_HEADER];
    ssize_t count;

    *segment = (struct segment){.number = number, .offset = SEGMENT_HEADER};
    segment_name(name, number, "spool");
    segment->fd = openat(folder_fd, name, flags | O_CLOEXEC);
    if (segment->fd < 0)
        return false;
    count = pread(segment->fd, header, sizeof(header), 0);
    segment->is_good = count == SEGMENT_HEADER && segment_is((struct view){header, sizeof(header)},
                                                             &segment->first, &segment->salt);
    return true;
}

void segment_close(struct segment *segment)
{
    if (segment->fd >= 0)
        close(segment->fd);
    bytes_clear(&segment->buffer);
    *segment = (struct segment){.fd = -1};
}

static void step(struct segment *segment, size_t count)
{
    bytes_drop(&segment->buffer, segment->used + count);
    segment->offset += segment->used + count;
    segment->used = 0;
}

/* Reads on behind what the buffer holds. False at the file's end: then what is left is no whole
 * record, and it is forgotten, since its writer may yet take it back and put something else there.
 */
static bool fill(struct segment *segment)
{
    ssize_t count;

    step(segment, 0);
    if (segment->buffer.len >= FRAME_MOST) { /* no record begins in front of the last few bytes */
        size_t bad = segment->buffer.len - (FRAME_MOST - 1);
        segment->bad += bad;
        step(segment, bad);
    }
    do
        count = pread(segment->fd, bytes_room(&segment->buffer, READ_SIZE), READ_SIZE,
                      (off_t)(segment->offset + segment->buffer.len));
    while (count < 0 && errno == EINTR);
    if (count <= 0) {
        segment->buffer.len = 0;
        return false;
    }
    segment->buffer.len += (size_t)count;
    return true;
}

bool segment_next(struct segment *segment, struct view *payload)
{
    if (!segment->is_good)
        return false;
    for (;;) {
        struct view rest = bytes_view(&segment->buffer);
        size_t bad;

        if (rest.len)
            rest = view_skip(rest, segment->used);
        if (rest.len && segment_take(&rest, segment->salt, payload, &bad)) {
            segment->bad += bad;
            segment->used = segment->buffer.len - rest.len;
            return true;
        }
        if (!fill(segment))
            return false;
    }
}

uint64_t segment_end(const struct segment *segment)
{
    return segment->offset + segment->used;
}

/* Finding files */

static uint64_t number_of(const char *name)
{
    char *end;
    unsigned long long number = strtoull(name, &end, 10);

    return end == name + 12 && strcmp(end, ".spool") == 0 ? number : 0;
}

/* Goes through the folder; `best` is 0 or the number chosen so far. */
static uint64_t find(int folder_fd, uint64_t from, bool (*is_better)(uint64_t, uint64_t))
{
    int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    uint64_t best = 0;

    if (!folder) {
        if (fd >= 0)
            close(fd);
        return 0;
    }
    while ((entry = readdir(folder)) != NULL) {
        uint64_t number = number_of(entry->d_name);
        if (number && number >= from && (!best || is_better(number, best)))
            best = number;
    }
    closedir(folder);
    return best;
}

static bool is_smaller(uint64_t a, uint64_t b)
{
    return a < b;
}

static bool is_larger(uint64_t a, uint64_t b)
{
    return a > b;
}

uint64_t segment_find(int folder_fd, uint64_t from)
{
    return find(folder_fd, from, is_smaller);
}

uint64_t segment_find_last(int folder_fd)
{
    return find(folder_fd, 1, is_larger);
}
