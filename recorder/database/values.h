/* SPDX-License-Identifier: Apache-2.0 */
/* Values of records as the tables hold them, written into SQL: clipped to what their columns take. */
#pragma once

#include <stdint.h>

#include "base/bytes.h"
#include "database/database.h"

/* Characters of: a model's name, an operation or fault, … */
enum {
    MODEL_MOST = 64,
    WORD_MOST = 32,
    ROUTE_MOST = 48,
    CHOSEN_MOST = 16,
    PROXY_MOST = 64,
    QUOTA_MOST = 64,
    EARLIER_MOST = 128,
    WORDS_MOST = 200, /* the longest */
};

void put_number(struct bytes *sql, uint64_t number);

/* A comma, and the number or the largest that its column holds. */
void put_most(struct bytes *sql, uint64_t number, uint64_t most);

/* In quotes, to the millisecond, UTC; at most the year 9999. */
void put_time(struct bytes *sql, uint64_t time_ms);

/* A comma, and the same; 0: NULL. */
void put_time_or_null(struct bytes *sql, uint64_t time_ms);

/* A comma, and 10^-12 dollars as dollars. */
void put_cost(struct bytes *sql, uint64_t cost);

/* A comma, and the bytes in quotes, whatever their length, with what is no UTF-8 replaced. */
void put_long(const struct database *database, struct bytes *sql, struct view bytes);

/* A comma, and the text in quotes, with what is no UTF-8 replaced, cut to the `most` characters
 * (WORDS_MOST at most) that its column holds. */
void put_text(const struct database *database, struct bytes *sql, struct view text, size_t most);
