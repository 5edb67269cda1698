/* SPDX-License-Identifier: Apache-2.0 */
/* The quota books on disk: a mapped file of slots, one a project and model, written as the books are,
 * so that it outlives a kill at any moment. Coarser than the books: what it keeps of a minute counts
 * somewhat longer after a restart. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHELF_NAME = 64, SHELF_PARTS = 16 };

/* Times are milliseconds since 1970. */
struct shelf_slot {
    uint64_t key_id; /* that leads the project; 0: free */
    char model[SHELF_NAME];
    uint64_t day;
    uint32_t day_requests, early;
    uint64_t told_ms, rest_until_ms;
    uint32_t own[3], told[3]; /* limits: requests, tokens, day */
    uint8_t tier, rest_why;
    uint8_t unused[6];
    uint64_t part; /* number of the newest part of the window since 1970 */
    struct {
        uint32_t requests, tokens;
    } parts[SHELF_PARTS]; /* by number */
};

/* Valid zeroed: nothing is kept. */
struct shelf {
    int fd;
    struct shelf_slot *slots; /* the first is the file's head */
    size_t count, used;       /* with the head */
    size_t to_restore;        /* slots of before that nobody has asked for */
    size_t read;              /* so many are of before */
    uint64_t part_ms;         /* of a window */
};

/* Takes what the file of that path has; makes it if there is none, or none that can be read. False:
 * it cannot be made, errno says why. */
bool shelf_open(struct shelf *shelf, const char *path, uint64_t window_ms);
void shelf_close(struct shelf *shelf);

/* A free slot, by number; 0: there is none. */
uint32_t shelf_take(struct shelf *shelf, uint64_t key_id, const char *model);

/* Good until the next shelf_take. */
struct shelf_slot *shelf_at(const struct shelf *shelf, uint32_t slot);

/* So much was sent at that time; negative: taken back. */
void shelf_add(const struct shelf *shelf, uint32_t slot, uint64_t utc_ms, int64_t requests,
               int64_t tokens);
