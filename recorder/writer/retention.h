/* SPDX-License-Identifier: Apache-2.0 */
/* What is too old goes, a little at a time, so that nobody waits for it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "database/database.h"

struct retention {
    uint64_t due_ms; /* of a clock that only goes forward */
    size_t at;       /* which of the rules is next */
};

/* Deletes some rows if it is time; `utc_ms` tells which are too old. */
void retention_step(struct retention *retention, struct database *database, uint64_t now_ms,
                    uint64_t utc_ms);
