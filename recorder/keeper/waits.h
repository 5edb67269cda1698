/* SPDX-License-Identifier: Apache-2.0 */
/* Change sets that are written, and whose answer waits until the processes have taken them. */
#pragma once

#include "contacts/contacts.h"

struct wait_taken {
    uint64_t from, number; /* of the CHANGE */
    uint64_t version, begun_ms, by_ms;
    struct wait_taken *prev, *next;
};

/* Whether everybody who is there has said TAKEN of this version. */
bool taken_by_all(const struct contacts *contacts, uint64_t version, uint64_t now_ms);

/* Appends {"applied_by": {process: ms}, "refused_by": [process, …]}, without the outer braces; a
 * process that has said nothing is in neither. */
void taken_write(const struct contacts *contacts, const struct wait_taken *wait, struct bytes *out);
