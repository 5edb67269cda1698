/* SPDX-License-Identifier: Apache-2.0 */
/* The database's schema: the files of recorder/schema/, built into the program, applied once each
 * and in order. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "database/database.h"
#include "base/view.h"

struct migration {
    unsigned number;
    const char *name; /* the file's */
    const char *sql;
};

/* All of them, in order; the last has number 0. */
extern const struct migration migrations[];

/* Takes the first statement off `*sql`, comments and all; false when nothing is left. */
bool schema_statement(struct view *sql, struct view *statement);

/* Whether the database lacks none of the migrations. False if it does, or on trouble. */
bool schema_is_current(struct database *database);

/* Applies what is missing, under a lock of the server, so that two processes don't do it at once.
 * False on trouble: nothing is marked as applied that is not. */
bool schema_apply(struct database *database);
