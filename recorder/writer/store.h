/* SPDX-License-Identifier: Apache-2.0 */
/* The tables `attempts` and `senders`: all SQL about them. What must stay true: rows, their sums, and the
 * number up to which their sender's records are settled change in one transaction, and a record that is
 * not newer than that number is skipped. So whatever is stored again, after a kill or a commit of
 * unknown fate, changes nothing. */
#pragma once

#include "writer/batch.h"
#include "database/database.h"
#include "writer/rollup.h"
#include "writer/sums.h"

struct store {
    struct database database;
    struct bytes rows, bodies, senders, ask; /* statements being put together */
    struct mark *marks;                      /* how far each sender of this batch has come */
    struct rollup rollup;                    /* what the rows of this batch add to the sums… */
    struct sums sums;                        /* …and to those by one thing */
};

/* Connects and brings the schema up to date; false on trouble (store->database says which). */
bool store_open(struct store *store);
void store_close(struct store *store);
void store_clear(struct store *store);

/* Stores `count` entries of the batch from `first` on, all or none. */
enum trouble store_put(struct store *store, const struct batch *batch, size_t first, size_t count);

/* Counts one entry as settled without a row: it has been set aside. */
enum trouble store_skip(struct store *store, const struct batch *batch, size_t index);
