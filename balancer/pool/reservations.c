/* SPDX-License-Identifier: Apache-2.0 */
/* Reservations: slots used again and again. A number names its slot in the lower half, so that one
 * that is over is not found. Called by pool.c. */
#include "pool/reservations.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum { SIZE_FIRST = 64, SLOT_BITS = 32 };

static void grow(struct reservations *reservations)
{
    size_t size = reservations->size ? reservations->size * 2 : SIZE_FIRST;
    struct reservation *at = memory_new(size * sizeof(*at));

    if (reservations->size)
        memcpy(at, reservations->at, reservations->size * sizeof(*at));
    for (size_t i = size; i-- > reservations->size;) {
        at[i].next_free = reservations->first_free;
        reservations->first_free = i + 1;
    }
    free(reservations->at);
    reservations->at = at;
    reservations->size = size;
}

struct reservation *reservation_make(struct reservations *reservations)
{
    struct reservation *reservation;

    if (!reservations->first_free)
        grow(reservations);
    reservation = &reservations->at[reservations->first_free - 1];
    reservation->number = ++reservations->last << SLOT_BITS | (reservations->first_free - 1);
    reservations->first_free = reservation->next_free;
    return reservation;
}

struct reservation *reservation_find(const struct reservations *reservations, uint64_t number)
{
    size_t slot = number & UINT32_MAX;

    if (!number || slot >= reservations->size || reservations->at[slot].number != number)
        return NULL;
    return &reservations->at[slot];
}

void reservation_end(struct reservations *reservations, struct reservation *reservation)
{
    size_t slot = (size_t)(reservation - reservations->at);

    *reservation = (struct reservation){.next_free = reservations->first_free};
    reservations->first_free = slot + 1;
}

void reservations_clear(struct reservations *reservations)
{
    free(reservations->at);
    *reservations = (struct reservations){0};
}
