/* SPDX-License-Identifier: Apache-2.0 */
/* Who changed what: rows of the table `audit`. */
#pragma once

#include "database/database.h"

/* Who does something, and whence. */
struct actor_name {
    struct view who, address;
};

struct audit_note {
    struct view what, object;
    struct view before, after; /* `at` NULL: none; no secret may be in them */
};

/* Puts a row into the transaction that is open; texts are cut to what their columns hold. False:
 * see the database's trouble. */
bool audit_put(struct database *database, uint64_t utc_ms, const struct actor_name *by,
               const struct audit_note *note);
