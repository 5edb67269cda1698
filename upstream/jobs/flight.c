/* SPDX-License-Identifier: Apache-2.0 */
/* Flights: which slots are free, and in which order those that have ended go to the recorder. Called
 * by records.c only. What must stay true: a seq is in the file before it is sent. */
#include "jobs/flight.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "fault.h"
#include "jobs/flight_file.h"
#include "trace.h"

/* The order */

static void order_append(struct flight *flight, uint32_t slot)
{
    if (flight->order_count == flight->order_size) {
        size_t size = flight->order_size ? flight->order_size * 2 : 64;
        uint32_t *order = memory_new(size * sizeof(*order));

        for (size_t i = 0; i < flight->order_count; i++)
            order[i] = flight->order[(flight->order_head + i) & (flight->order_size - 1)];
        free(flight->order);
        flight->order = order;
        flight->order_size = size;
        flight->order_head = 0;
    }
    flight->order[(flight->order_head + flight->order_count++) & (flight->order_size - 1)] = slot;
}

static uint32_t order_at(const struct flight *flight, size_t place)
{
    assert(place < flight->order_count);
    return flight->order[(flight->order_head + place) & (flight->order_size - 1)];
}

/* Free slots, the lowest first, so that few pages are ever touched */

static void bits_fill(struct flight *flight)
{
    size_t words = (flight->slot_count + 63) / 64;

    flight->free_bits = memory_new(words * sizeof(*flight->free_bits));
    for (size_t i = 0; i < flight->slot_count; i++)
        flight->free_bits[i / 64] |= UINT64_C(1) << i % 64;
}

static uint32_t bits_take(struct flight *flight)
{
    size_t words = (flight->slot_count + 63) / 64;

    for (; flight->free_word < words; flight->free_word++) {
        uint64_t *word = &flight->free_bits[flight->free_word];
        int bit;

        if (!*word)
            continue;
        bit = __builtin_ctzll(*word);
        *word &= *word - 1;
        return (uint32_t)(flight->free_word * 64 + (size_t)bit);
    }
    return FLIGHT_NO_SLOT;
}

static void bits_give(struct flight *flight, uint32_t slot)
{
    if (!flight->free_bits)
        return; /* an adopted file begins nothing */
    flight->free_bits[slot / 64] |= UINT64_C(1) << slot % 64;
    if (slot / 64 < flight->free_word)
        flight->free_word = slot / 64;
}

void flight_create(struct flight *flight, const char *folder, uint64_t incarnation,
                   size_t slot_count)
{
    struct bytes path = {0}, fresh = {0};

    if (slot_count < 1)
        slot_count = 1;
    if (slot_count > FLIGHT_SLOTS_MOST)
        slot_count = FLIGHT_SLOTS_MOST;
    *flight = (struct flight){.incarnation = incarnation, .slot_count = slot_count};
    bytes_printf(&path, "%s/%llx.flight", folder, (unsigned long long)incarnation);
    bytes_printf(&fresh, "%s/%llx.new", folder, (unsigned long long)incarnation);
    flight->path = memory_text(bytes_view(&path));
    flight_file_make(flight, bytes_cstr(&fresh));
    bits_fill(flight);
    bytes_clear(&path);
    bytes_clear(&fresh);
}

/* An attempt's life */

uint32_t flight_begin(struct flight *flight, const struct msg_record *record)
{
    uint32_t i = bits_take(flight);

    if (i == FLIGHT_NO_SLOT)
        return i;
    if (!flight_file_reach(flight, (size_t)i + 1)) {
        bits_give(flight, i);
        return FLIGHT_NO_SLOT;
    }
    slot_begin(slot_at(flight, i), record);
    flight->begun_count++;
    trace_point("flight.begun");
    return i;
}

void flight_hold(struct flight *flight, uint32_t i, const struct msg_record *record)
{
    if (i == FLIGHT_NO_SLOT)
        return;
    slot_hold(slot_at(flight, i), record);
    trace_point("flight.held");
}

static void end_slot(struct flight *flight, uint32_t i, const struct msg_record *record)
{
    struct flight_header *header = flight->header;
    uint64_t seq = header->last_seq + 1;

    slot_end(slot_at(flight, i), record, seq, flight->gap);
    header->last_seq = seq;
    header->gap = flight->gap = 0;
}

void flight_end(struct flight *flight, uint32_t i, const struct msg_record *record)
{
    if (i == FLIGHT_NO_SLOT) {
        flight->header->gap = ++flight->gap;
        return;
    }
    end_slot(flight, i, record);
    flight->begun_count--;
    order_append(flight, i);
    trace_point("flight.ended");
}

uint32_t flight_slot(const struct flight *flight, size_t place)
{
    return order_at(flight, place);
}

void flight_record(const struct flight *flight, size_t place, struct msg_record *record)
{
    *record = slot_record(slot_at(flight, order_at(flight, place)));
    record->sender = flight->incarnation;
}

size_t flight_recorded(struct flight *flight, uint64_t seq)
{
    size_t count = 0;

    while (flight->order_count) {
        uint32_t i = order_at(flight, 0);
        struct slot *slot = slot_at(flight, i);

        if (slot->seq > seq)
            break;
        slot_enter(slot, SLOT_FREE);
        bits_give(flight, i);
        flight->order_head = (flight->order_head + 1) & (flight->order_size - 1);
        flight->order_count--;
        if (flight->sent_count)
            flight->sent_count--;
        count++;
        trace_point("flight.freed");
    }
    return count;
}

bool flight_is_empty(const struct flight *flight)
{
    return !flight->begun_count && !flight->order_count;
}

/* Adopting */

static const struct flight *sorting; /* qsort has no room for it */

static int by_seq(const void *a, const void *b)
{
    uint64_t first = slot_at(sorting, *(const uint32_t *)a)->seq;
    uint64_t second = slot_at(sorting, *(const uint32_t *)b)->seq;

    return first < second ? -1 : first > second;
}

/* Puts the ended ones in order and says what seq was the last. */
static void sort_ended(struct flight *flight)
{
    uint64_t last = flight->header->last_seq;

    sorting = flight;
    if (flight->order_count > 1)
        qsort(flight->order, flight->order_count, sizeof(*flight->order), by_seq);
    if (flight->order_count) {
        uint64_t newest = slot_at(flight, order_at(flight, flight->order_count - 1))->seq;
        if (newest > last) /* the kill came between the slot and the header */
            last = newest;
    }
    flight->header->last_seq = last;
}

/* Of a held one the end is there: it has only no number yet. */
static void lose(struct flight *flight, uint32_t i)
{
    struct msg_record record = {.fault = view_of(fault_facts(FAULT_LOST)->name), .last = true};

    end_slot(flight, i, &record);
    order_append(flight, i);
    trace_point("flight.lost");
}

static void take_slots(struct flight *flight)
{
    size_t count = flight->slot_count;

    for (uint32_t i = 0; i < count; i++) {
        struct slot *slot = slot_at(flight, i);

        if (slot->state == SLOT_FREE)
            continue;
        if (!slot_is_good(slot))
            flight->corrupt++;
        else if (slot->state == SLOT_ENDED)
            order_append(flight, i);
    }
    sort_ended(flight);
    for (uint32_t i = 0; i < count; i++)
        if ((slot_at(flight, i)->state == SLOT_BEGUN || slot_at(flight, i)->state == SLOT_HELD) &&
            slot_is_good(slot_at(flight, i)))
            lose(flight, i);
}

static void let_go(struct flight *flight)
{
    flight_file_let_go(flight);
    free(flight->order);
    free(flight->free_bits);
    *flight = (struct flight){.fd = -1};
}

enum adoption flight_adopt(struct flight *flight, const char *path)
{
    *flight = (struct flight){.fd = open(path, O_RDWR | O_CLOEXEC)};
    if (flight->fd < 0)
        return ADOPTION_GONE;
    flight->path = memory_text(view_of(path));
    if (flock(flight->fd, LOCK_EX | LOCK_NB) != 0) {
        let_go(flight);
        return ADOPTION_HELD;
    }
    if (!flight_file_open(flight)) {
        flight_file_set_aside(flight);
        let_go(flight);
        return ADOPTION_BAD;
    }
    take_slots(flight);
    return ADOPTED;
}

void flight_close(struct flight *flight)
{
    if (flight->fd >= 0 && flight->corrupt)
        flight_file_set_aside(flight);
    else if (flight->fd >= 0 && flight_is_empty(flight))
        unlink(flight->path);
    let_go(flight);
}
