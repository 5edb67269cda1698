/* SPDX-License-Identifier: Apache-2.0 */
/* The figures that pages show, out of rows and into JSON. No sockets. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <yyjson.h>

#include "base/bytes.h"

/* Whose fault it is that a call was not answered, as a list for SQL: its client's; and what is an answer. */
#define CLIENT_FAULTS "'bad_request', 'context_length', 'forbidden', 'client_gone'"
#define GOOD_FAULTS "'none', 'blocked'"

/* Whose: key, provider, network or client. Static. */
const char *fault_side(struct view fault);

/* The columns of a tally, of the table `sums`. */
#define TALLY_COLUMNS                                                                              \
    "SUM(attempts) AS attempts, SUM(calls) AS calls, "                                             \
    "SUM(IF(fault IN (" GOOD_FAULTS "), calls, 0)) AS answered, "                                  \
    "SUM(IF(fault IN (" CLIENT_FAULTS "), calls, 0)) AS client_fault, "                            \
    "SUM(rescued) AS rescued, SUM(unseen) AS unseen, SUM(tokens_in) AS tokens_in, "                \
    "SUM(tokens_cached) AS tokens_cached, SUM(tokens_out) AS tokens_out, "                         \
    "SUM(tokens_thoughts) AS tokens_thoughts, CAST(SUM(cost) AS CHAR) AS cost, "                   \
    "SUM(unpriced) AS unpriced"

enum tally_value {
    TALLY_ATTEMPTS,
    TALLY_CALLS, /* that have ended */
    TALLY_ANSWERED,
    TALLY_CLIENT_FAULT,
    TALLY_RESCUED,
    TALLY_UNSEEN,
    TALLY_TOKENS_IN,
    TALLY_TOKENS_CACHED,
    TALLY_TOKENS_OUT,
    TALLY_TOKENS_THOUGHTS,
    TALLY_UNPRICED,
    TALLY_VALUES
};

struct tally {
    uint64_t values[TALLY_VALUES];
    uint64_t cost; /* 10^-12 dollars */
};

/* Adds a row with TALLY_COLUMNS; NULL: nothing. */
void tally_add(struct tally *tally, yyjson_val *row);

uint64_t tally_lost(const struct tally *tally);

/* Appends its members without braces: calls, answered, client_fault, lost, unseen, rescued, success, tokens…,
 * cost_usd. */
void tally_write(const struct tally *tally, struct bytes *json);

/* Dollars as text, and back: "0.00012665". */
void cost_write(struct bytes *json, uint64_t cost);
uint64_t cost_read(struct view text);

/* Takes digits off the front, and the byte behind them. */
uint64_t view_take_number(struct view *text);

enum { HISTOGRAM_BUCKETS = 72 };

/* How long answers took: each bucket 2^(1/4) times the one before, from 1 ms on. */
struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t count;
};

/* Adds "26:1,39:5": counts by buckets, as GROUP_CONCAT makes them. */
void histogram_add(struct histogram *histogram, struct view text);

/* The time below which so many of a hundred are, in the middle of its bucket; 0: there are none. */
double histogram_percentile(const struct histogram *histogram, unsigned percent);

/* Appends {"p50":…,"p95":…}; nulls if there are none. */
void histogram_write(const struct histogram *histogram, struct bytes *json);

/* The same number, or null. */
void percentile_write(const struct histogram *histogram, unsigned percent, struct bytes *json);
