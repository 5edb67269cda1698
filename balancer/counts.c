/* SPDX-License-Identifier: Apache-2.0 */
/* Counters for who watches the gateway. Fed by handlers.c, told by status.c. */
#include "counts.h"

#include <inttypes.h>

static const unsigned bounds_ms[COUNTS_BUCKETS] = {50,   100,   200,   500,   1000,  2000,
                                                   5000, 10000, 20000, 30000, 60000, 120000};

static size_t bucket_of(uint64_t ms)
{
    size_t i = 0;

    while (i < COUNTS_BUCKETS && ms > bounds_ms[i])
        i++;
    return i;
}

void counts_note(struct counts *counts, const struct msg_outcome *outcome)
{
    uint64_t fault = outcome->fault < FAULT_COUNT ? outcome->fault : FAULT_SERVER;

    counts->attempts[fault]++;
    counts->tokens_in += outcome->tokens_in;
    counts->tokens_cached += outcome->tokens_cached;
    counts->tokens_out += outcome->tokens_out;
    counts->tokens_thoughts += outcome->tokens_thoughts;
    if (outcome->first_ms) {
        counts->first[bucket_of(outcome->first_ms)]++;
        counts->first_sum_ms += outcome->first_ms;
    }
    if (outcome->more)
        return;
    counts->calls++;
    counts->failed += fault != FAULT_NONE && fault != FAULT_BLOCKED;
}

static void write_first(const struct counts *counts, struct bytes *json)
{
    uint64_t below = 0;

    bytes_text(json, ",\"first_ms\":{\"le\":[");
    for (size_t i = 0; i < COUNTS_BUCKETS; i++)
        bytes_printf(json, "%s%u", i ? "," : "", bounds_ms[i]);
    bytes_text(json, "],\"count\":[");
    for (size_t i = 0; i <= COUNTS_BUCKETS; i++) {
        below += counts->first[i];
        bytes_printf(json, "%s%" PRIu64, i ? "," : "", below);
    }
    bytes_printf(json, "],\"sum\":%" PRIu64 "}", counts->first_sum_ms);
}

void counts_write(const struct counts *counts, struct bytes *json)
{
    const char *comma = "";

    bytes_printf(json, "{\"calls\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"attempts\":{",
                 counts->calls, counts->failed);
    for (size_t i = 0; i < FAULT_COUNT; i++) {
        if (!counts->attempts[i])
            continue;
        bytes_printf(json, "%s\"%s\":%" PRIu64, comma, fault_facts(i)->name, counts->attempts[i]);
        comma = ",";
    }
    bytes_printf(json,
                 "},\"tokens_in\":%" PRIu64 ",\"tokens_cached\":%" PRIu64 ",\"tokens_out\":%" PRIu64
                 ",\"tokens_thoughts\":%" PRIu64,
                 counts->tokens_in, counts->tokens_cached, counts->tokens_out,
                 counts->tokens_thoughts);
    write_first(counts, json);
    bytes_text(json, "}");
}
