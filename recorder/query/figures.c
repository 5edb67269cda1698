/* SPDX-License-Identifier: Apache-2.0 */
/* Figures. Called by the questions' `write`. What must stay true: money is whole numbers throughout, and what is
 * not known is null. */
#include "query/figures.h"

#include <math.h>
#include <stdlib.h>

#include "base/json.h"

#define COST_UNIT UINT64_C(1000000000000)

enum { COST_DIGITS = 12 };

/* Tallies */

static const char *const names[TALLY_VALUES] = {
    "attempts",  "calls",         "answered",   "client_fault",    "rescued",  "unseen",
    "tokens_in", "tokens_cached", "tokens_out", "tokens_thoughts", "unpriced",
};

void tally_add(struct tally *tally, yyjson_val *row)
{
    for (size_t i = 0; i < TALLY_VALUES; i++)
        tally->values[i] += json_member_count(row, names[i]);
    tally->cost += cost_read(json_member_text(row, "cost"));
}

uint64_t tally_lost(const struct tally *tally)
{
    uint64_t told = tally->values[TALLY_ANSWERED] + tally->values[TALLY_CLIENT_FAULT];

    return tally->values[TALLY_CALLS] > told ? tally->values[TALLY_CALLS] - told : 0;
}

/* Of what was asked rightly. */
static void write_success(const struct tally *tally, struct bytes *json)
{
    uint64_t answered = tally->values[TALLY_ANSWERED], all = answered + tally_lost(tally);

    if (all)
        bytes_printf(json, ",\"success\":%.6f", (double)answered / (double)all);
    else
        bytes_text(json, ",\"success\":null");
}

/* Where no price is known, neither is the cost. */
static void write_cost(const struct tally *tally, struct bytes *json)
{
    bytes_text(json, ",\"cost_usd\":");
    if (!tally->cost && tally->values[TALLY_UNPRICED]) {
        bytes_text(json, "null");
        return;
    }
    bytes_text(json, "\"");
    cost_write(json, tally->cost);
    bytes_text(json, "\"");
}

void tally_write(const struct tally *tally, struct bytes *json)
{
    const uint64_t *values = tally->values;

    for (size_t i = 0; i < TALLY_VALUES; i++) {
        bytes_printf(json, "%s\"%s\":", i ? "," : "", names[i]);
        json_int_after(json, VIEW(""), values[i]);
    }
    json_int_after(json, VIEW(",\"lost\":"), tally_lost(tally));
    json_int_after(json, VIEW(",\"tokens\":"),
                   values[TALLY_TOKENS_IN] + values[TALLY_TOKENS_OUT] +
                       values[TALLY_TOKENS_THOUGHTS]);
    write_success(tally, json);
    write_cost(tally, json);
}

void cost_write(struct bytes *json, uint64_t cost)
{
    bytes_printf(json, "%llu.%012llu", (unsigned long long)(cost / COST_UNIT),
                 (unsigned long long)(cost % COST_UNIT));
    while (json->at[json->len - 1] == '0')
        json->len--;
    if (json->at[json->len - 1] == '.')
        json->len--;
}

uint64_t cost_read(struct view text)
{
    uint64_t cost = 0;
    int decimals = -1;

    for (size_t i = 0; i < text.len && decimals < COST_DIGITS; i++) {
        if (text.at[i] == '.' && decimals < 0)
            decimals = 0;
        else if (text.at[i] < '0' || text.at[i] > '9')
            return 0;
        else {
            cost = cost * 10 + (uint64_t)(text.at[i] - '0');
            decimals += decimals >= 0;
        }
    }
    for (decimals = decimals < 0 ? 0 : decimals; decimals < COST_DIGITS; decimals++)
        cost *= 10;
    return cost;
}

/* Histograms */

uint64_t view_take_number(struct view *text)
{
    uint64_t number = 0;

    while (text->len && *text->at >= '0' && *text->at <= '9') {
        number = number * 10 + (uint64_t)(*text->at - '0');
        *text = view_skip(*text, 1);
    }
    if (text->len)
        *text = view_skip(*text, 1);
    return number;
}

void histogram_add(struct histogram *histogram, struct view text)
{
    while (text.len) {
        uint64_t bucket = view_take_number(&text), count = view_take_number(&text);

        if (bucket >= HISTOGRAM_BUCKETS)
            continue;
        histogram->counts[bucket] += count;
        histogram->count += count;
    }
}

double histogram_percentile(const struct histogram *histogram, unsigned percent)
{
    uint64_t wanted = (histogram->count * percent + 99) / 100, seen = 0;

    for (unsigned i = 0; i < HISTOGRAM_BUCKETS && histogram->count; i++) {
        seen += histogram->counts[i];
        if (seen >= wanted)
            return exp2((i + 0.5) / 4);
    }
    return 0;
}

void percentile_write(const struct histogram *histogram, unsigned percent, struct bytes *json)
{
    if (histogram->count)
        bytes_printf(json, "%.1f", histogram_percentile(histogram, percent));
    else
        bytes_text(json, "null");
}

void histogram_write(const struct histogram *histogram, struct bytes *json)
{
    bytes_text(json, "{\"p50\":");
    percentile_write(histogram, 50, json);
    bytes_text(json, ",\"p95\":");
    percentile_write(histogram, 95, json);
    bytes_text(json, "}");
}
