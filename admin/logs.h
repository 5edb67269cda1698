/* SPDX-License-Identifier: Apache-2.0 */
/* The last lines that processes of this host have written to STATE_DIR/log. */
#pragma once

#include <stdint.h>

#include "base/bytes.h"

enum { LOGS_MOST = 1000 /* lines in one answer */ };

struct logs_wish {
    struct view process,
        role;         /* only of this one or of those of this name, of this kind; empty: all */
    struct view text; /* only with this in it */
    int level;        /* 0: errors only, 1: warnings as well, 2: all */
    uint64_t limit;
};

/* Appends a JSON list of {at, process, role, level, event, text}, the newest first; of each process no
 * more than its last 64 KiB are looked at. False: there is no such folder. */
bool logs_write(const char *folder, const struct logs_wish *wish, struct bytes *json);
