/* SPDX-License-Identifier: Apache-2.0 */
/* The mapped file. Called by quota.c and main.c. What must stay true: whatever stands in the file, no
 * slot leads out of it. */
#include "pool/shelf.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COUNT_FIRST = 256, COUNT_MOST = 1 << 20 };

static const char magic[] = "quota books 1";

static bool map(struct shelf *shelf, size_t count)
{
    size_t size = count * sizeof(struct shelf_slot);
    void *at;

    if (ftruncate(shelf->fd, (off_t)size) != 0)
        return false;
    at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, shelf->fd, 0);
    if (at == MAP_FAILED)
        return false;
    if (shelf->slots)
        munmap(shelf->slots, shelf->count * sizeof(struct shelf_slot));
    shelf->slots = at;
    shelf->count = count;
    return true;
}

/* Slots that are in use move to the front; a name is always ended. */
static void tidy(struct shelf *shelf)
{
    shelf->used = 1;
    for (size_t i = 1; i < shelf->count; i++) {
        struct shelf_slot *slot = &shelf->slots[i];

        if (!slot->key_id)
            continue;
        slot->model[SHELF_NAME - 1] = '\0';
        if (i != shelf->used) {
            shelf->slots[shelf->used] = *slot;
            slot->key_id = 0;
        }
        shelf->used++;
    }
    shelf->read = shelf->used;
    shelf->to_restore = shelf->used - 1;
}

static bool is_ours(const struct shelf *shelf)
{
    return memcmp(shelf->slots[0].model, magic, sizeof(magic)) == 0 &&
           shelf->slots[0].told_ms == shelf->part_ms;
}

bool shelf_open(struct shelf *shelf, const char *path, uint64_t window_ms)
{
    struct stat facts;
    size_t count;

    *shelf = (struct shelf){.part_ms = window_ms / (SHELF_PARTS - 1) + 1};
    shelf->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (shelf->fd < 0 || fstat(shelf->fd, &facts) != 0)
        return false;
    count = (size_t)facts.st_size / sizeof(struct shelf_slot);
    if (!map(shelf, count < COUNT_FIRST ? COUNT_FIRST : count > COUNT_MOST ? COUNT_MOST : count)) {
        shelf_close(shelf);
        return false;
    }
    if (!is_ours(shelf))
        memset(shelf->slots, 0, shelf->count * sizeof(struct shelf_slot));
    memcpy(shelf->slots[0].model, magic, sizeof(magic));
    shelf->slots[0].told_ms = shelf->part_ms;
    tidy(shelf);
    return true;
}

void shelf_close(struct shelf *shelf)
{
    if (shelf->slots)
        munmap(shelf->slots, shelf->count * sizeof(struct shelf_slot));
    if (shelf->fd > 0)
        close(shelf->fd);
    *shelf = (struct shelf){0};
}

uint32_t shelf_take(struct shelf *shelf, uint64_t key_id, const char *model)
{
    struct shelf_slot *slot;

    if (!shelf->slots || strlen(model) >= SHELF_NAME ||
        (shelf->used == shelf->count &&
         (shelf->count * 2 > COUNT_MOST || !map(shelf, shelf->count * 2))))
        return 0;
    slot = &shelf->slots[shelf->used];
    *slot = (struct shelf_slot){0};
    memcpy(slot->model, model, strlen(model));
    slot->key_id = key_id;
    return (uint32_t)shelf->used++;
}

struct shelf_slot *shelf_at(const struct shelf *shelf, uint32_t slot)
{
    return &shelf->slots[slot];
}

static uint32_t moved(uint32_t value, int64_t by)
{
    int64_t sum = (int64_t)value + by;

    return sum < 0 ? 0 : sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
}

void shelf_add(const struct shelf *shelf, uint32_t number, uint64_t utc_ms, int64_t requests,
               int64_t tokens)
{
    struct shelf_slot *slot = &shelf->slots[number];
    uint64_t part = utc_ms / shelf->part_ms;

    if (part + SHELF_PARTS <= slot->part)
        return; /* long gone */
    if (part > slot->part + SHELF_PARTS)
        slot->part = part - SHELF_PARTS;
    while (slot->part < part) {
        slot->part++;
        slot->parts[slot->part % SHELF_PARTS].requests = 0;
        slot->parts[slot->part % SHELF_PARTS].tokens = 0;
    }
    slot->parts[part % SHELF_PARTS].requests =
        moved(slot->parts[part % SHELF_PARTS].requests, requests);
    slot->parts[part % SHELF_PARTS].tokens = moved(slot->parts[part % SHELF_PARTS].tokens, tokens);
}
