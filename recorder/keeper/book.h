/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of what administrators change: read at the start, written in one transaction with the
 * audit. Blocking, in a process that nobody else waits for. */
#pragma once

#include "keeper/audit.h"
#include "keeper/changing.h"

/* For the files of keeper/ that change something. */
struct book;
bool book_begin(struct book *book);
bool book_put_version(struct book *book, const char *what, uint64_t version);
int book_refuse_away(const struct book *book, struct bytes *answer);
void book_lose(struct book *book);

struct book {
    struct database database;
    struct changed settings;
    struct changed clients; /* as CLIENTS tells them */
    bool is_loaded;         /* from the database, which was there then */
};

/* Opens the database if need be, and reads what is not read yet. False: it is away, and
 * `database.reason` says why. */
bool book_open(struct book *book);

/* Changes settings; `answer` gets JSON, and what is returned is HTTP's status. 200: it is written,
 * and `settings` are the new ones. 503: the database is away, or has gone meanwhile; then the
 * settings may be either, and are read again. */
int book_change_settings(struct book *book, struct view asked, const struct actor_name *by,
                         uint64_t utc_ms, struct bytes *answer);

/* Writes a row of the audit. False: the database is away. */
bool book_note(struct book *book, uint64_t utc_ms, const struct actor_name *by,
               const struct audit_note *note);

void book_clear(struct book *book);
