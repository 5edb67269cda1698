/* SPDX-License-Identifier: Apache-2.0 */
/* Values into SQL. Called by store.c and rollup.c, which must clip alike, or sums would not agree with rows. */
#include "database/values.h"

#include <time.h>

#define COST_UNIT UINT64_C(1000000000000) /* in a dollar */
#define TIME_MOST_MS 253402300799999u     /* the end of the year 9999, and of DATETIME */

void put_number(struct bytes *sql, uint64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);

    do
        digits[--at] = (char)('0' + number % 10);
    while (number /= 10);
    bytes_append(sql, (struct view){digits + at, sizeof(digits) - at});
}

void put_most(struct bytes *sql, uint64_t number, uint64_t most)
{
    bytes_append(sql, VIEW(","));
    put_number(sql, number < most ? number : most);
}

/* Most times of a batch are of the same second as the one before. */
void put_time(struct bytes *sql, uint64_t time_ms)
{
    static uint64_t second = UINT64_MAX;
    static char date[32];

    if (time_ms > TIME_MOST_MS)
        time_ms = TIME_MOST_MS;
    if (time_ms / 1000 != second) {
        time_t seconds = (time_t)(time_ms / 1000);
        struct tm parts;

        gmtime_r(&seconds, &parts);
        strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &parts);
        second = time_ms / 1000;
    }
    bytes_printf(sql, "'%s.%03u'", date, (unsigned)(time_ms % 1000));
}

void put_time_or_null(struct bytes *sql, uint64_t time_ms)
{
    bytes_append(sql, VIEW(","));
    if (time_ms)
        put_time(sql, time_ms);
    else
        bytes_append(sql, VIEW("NULL"));
}

void put_cost(struct bytes *sql, uint64_t cost)
{
    bytes_printf(sql, ",%llu.%012llu", (unsigned long long)(cost / COST_UNIT),
                 (unsigned long long)(cost % COST_UNIT));
}

void put_text(const struct database *database, struct bytes *sql, struct view text, size_t most)
{
    char clean[4 * WORDS_MOST];
    size_t len = 0;

    for (; text.len && most; most--) {
        size_t step = utf8_length(text);
        memcpy(clean + len, step ? text.at : "\xef\xbf\xbd", step ? step : 3);
        len += step ? step : 3;
        text = view_skip(text, step ? step : 1);
    }
    bytes_append(sql, VIEW(","));
    database_quote(database, sql, (struct view){clean, len});
}

void put_long(const struct database *database, struct bytes *sql, struct view bytes)
{
    struct bytes clean = {0};

    while (bytes.len) {
        size_t step = utf8_length(bytes);

        bytes_append(&clean, step ? (struct view){bytes.at, step} : VIEW("\xef\xbf\xbd"));
        bytes = view_skip(bytes, step ? step : 1);
    }
    bytes_append(sql, VIEW(","));
    database_quote(database, sql, bytes_view(&clean));
    bytes_clear(&clean);
}
