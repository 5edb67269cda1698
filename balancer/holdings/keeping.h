/* SPDX-License-Identifier: Apache-2.0 */
/* Holdings on disk: a file of lines that outlives the balancer, each change behind the others. A torn end costs its line; a
 * disk that is full costs what comes meanwhile, and a warning. */
#pragma once

#include "holdings/holdings.h"

struct keeping {
    struct holdings *holdings;
    char *path;
    int fd;          /* -1: none could be opened */
    size_t lines;    /* in the file */
    bool has_failed; /* and it has been said */
    bool is_due;     /* to be written anew */
};

/* Reads the file of that path (if there is one) into the holdings, and keeps their changes there from now on. */
void keeping_open(struct keeping *keeping, struct holdings *holdings, const char *path,
                  uint64_t utc_ms);

/* Each second: writes the file anew if it has grown too long, or could not be written to. */
void keeping_turn(struct keeping *keeping);
void keeping_close(struct keeping *keeping);
