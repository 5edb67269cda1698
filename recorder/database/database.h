/* SPDX-License-Identifier: Apache-2.0 */
/* A connection to the database server: opening it, running statements with a limit in time, and
 * what an error means. The SQL of the tables is in store.c and schema.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

/* What to do about a statement that failed. */
enum trouble {
    TROUBLE_NONE,
    TROUBLE_AWAY,  /* the server, the network, rights, space: wait and open anew */
    TROUBLE_AGAIN, /* a deadlock or a lock: run it again */
    TROUBLE_DATA,  /* the row */
};

struct database {
    struct st_mysql *mysql; /* NULL: not open; the client library's header is for database.c only */
    enum trouble trouble;   /* of the last statement; TROUBLE_NONE: it went well */
    unsigned code;          /* the server's or client's number for it */
    struct bytes reason;
};

/* Where the server is, by the settings; the texts live as long as the process. */
struct database_place {
    const char *host, *user, *password, *database, *socket;
    unsigned port;
};
void database_place(struct database_place *place);

/* Connects by the settings and makes the database if it is missing and that is permitted. A
 * statement may take `limit_s` seconds. */
bool database_open(struct database *database, unsigned limit_s);
void database_close(struct database *database);

/* Run a statement; false: see `trouble`. */
bool database_run(struct database *database, struct view sql);

/* Asks for one number. NULL counts as 0. */
bool database_ask(struct database *database, struct view sql, uint64_t *number);

/* Asks for rows of two numbers. */
bool database_ask_pairs(struct database *database, struct view sql,
                        void (*on_pair)(void *owner, uint64_t a, uint64_t b), void *owner);

/* Asks for rows of texts; NULL is an empty view whose `at` is NULL. */
bool database_ask_rows(struct database *database, struct view sql,
                       void (*on_row)(void *owner, const struct view *columns), void *owner);

bool database_commit(struct database *database);
void database_rollback(struct database *database);

/* Notes a trouble of our own making; returns false. */
bool database_complain(struct database *database, const char *reason);

/* What an error of the server (code and SQLSTATE) means. */
enum trouble database_judge(unsigned code, const char *state);

/* Appends `text`, which must be UTF-8, in quotes. */
void database_quote(const struct database *database, struct bytes *sql, struct view text);

void database_clear(struct database *database);

/* Frees what the client library holds, at the process's end. */
void database_end(void);
