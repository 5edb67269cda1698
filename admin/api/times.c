/* SPDX-License-Identifier: Apache-2.0 */
/* Queries about the ledger. Called by the routes that it answers. */
#include "api/times.h"

#include <inttypes.h>

#include "base/clock.h"
#include "query.h"

enum { SECOND_MS = 1000, FRESH_MS = 5 * SECOND_MS, HOUR_MS = 3600 * SECOND_MS, DAYS_MOST = 366 };

static const struct {
    const char *name;
    uint64_t ms;
} ranges[] = {
    {"1h", HOUR_MS},
    {"24h", 24ull * HOUR_MS},
    {"7d", 7ull * 24 * HOUR_MS},
    {"30d", 30ull * 24 * HOUR_MS},
};

/* 0: it is none. */
static uint64_t range_of(struct view name)
{
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
        if (view_equal(name, view_of(ranges[i].name)))
            return ranges[i].ms;
    return name.len ? 0 : 24ull * HOUR_MS;
}

const char *times_write(struct view query, struct bytes *json)
{
    uint64_t to = clock_utc_ms() / FRESH_MS * FRESH_MS + FRESH_MS, from = 0, length;
    struct bytes range = {0};

    query_text(query, "range", &range);
    length = range_of(bytes_view(&range));
    bytes_clear(&range);
    if (!length)
        return "range";
    if (!query_number(query, "to", 1, INT64_MAX, &to))
        return "to";
    from = to > length ? to - length : 0;
    if (!query_number(query, "from", 0, INT64_MAX, &from))
        return "from";
    if (from >= to || to - from > DAYS_MOST * 24ull * HOUR_MS)
        return "from";
    bytes_printf(json, "\"from_ms\":%" PRIu64 ",\"to_ms\":%" PRIu64, from, to);
    return NULL;
}

void times_write_filter(struct view query, struct bytes *json)
{
    static const char *const names[] = {"result", "model", "client",        "key",
                                        "fault",  "q",     "slower_than_ms"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct bytes value = {0};

        if (query_text(query, names[i], &value) && value.len) {
            bytes_printf(json, ",\"%s\":", names[i]);
            bytes_json(json, bytes_view(&value));
        }
        bytes_clear(&value);
    }
}
