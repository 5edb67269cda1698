/* SPDX-License-Identifier: Apache-2.0 */
/* Sums. Called by store.c, once for each row that it stores. What must stay true: what is added is
 * clipped as in the row, so that a sum is the sum of its rows, to the token. */
#include "writer/rollup.h"

#include <stdlib.h>
#include <uthash.h>

#include "database/values.h"
#include "writer/sums.h"

enum { STEPS = 3 };

#define MINUTE_MS UINT64_C(60000)

static const uint64_t step_ms[STEPS] = {MINUTE_MS, MINUTE_MS * 60, MINUTE_MS * 60 * 24};

/* All bytes of a key are compared, so texts are filled up with zeros. */
struct sum_key {
    uint64_t minute_ms, key_id, client;
    char model[MODEL_MOST], fault[WORD_MOST];
};

enum {
    SUM_ATTEMPTS,
    SUM_CALLS,
    SUM_RESCUED,
    SUM_TOTAL_MS,
    SUM_TOKENS_IN,
    SUM_TOKENS_OUT,
    SUM_TOKENS_THOUGHTS,
    SUM_TOKENS_CACHED,
    SUM_BYTES_IN,
    SUM_BYTES_OUT,
    SUMS
};

static const char *const sum_names[SUMS] = {
    "attempts",   "calls",           "rescued",       "total_ms", "tokens_in",
    "tokens_out", "tokens_thoughts", "tokens_cached", "bytes_in", "bytes_out",
};

struct rollup_sum {
    struct sum_key key;
    uint64_t values[SUMS];
    UT_hash_handle hh;
};

static uint64_t most(uint64_t number, uint64_t limit)
{
    return number < limit ? number : limit;
}

static void copy_text(char *to, size_t size, struct view text)
{
    if (text.len)
        memcpy(to, text.at, text.len < size ? text.len : size);
}

static struct view text_of(const char *at, size_t size)
{
    return (struct view){at, strnlen(at, size)};
}

/* Adding */

static struct rollup_sum *sum_of(struct rollup *rollup, const struct sum_key *key)
{
    struct rollup_sum *sum;

    HASH_FIND(hh, rollup->sums, key, sizeof(*key), sum);
    if (sum)
        return sum;
    sum = memory_new(sizeof(*sum));
    sum->key = *key;
    HASH_ADD(hh, rollup->sums, key, sizeof(sum->key), sum);
    return sum;
}

void rollup_add(struct rollup *rollup, const struct msg_record *record)
{
    struct sum_key key;
    uint64_t *values;

    memset(&key, 0, sizeof(key));
    key.minute_ms = record->time_ms - record->time_ms % MINUTE_MS;
    key.key_id = record->key_id;
    key.client = record->client;
    copy_text(key.model, sizeof(key.model), record->model);
    copy_text(key.fault, sizeof(key.fault), record->fault);
    values = sum_of(rollup, &key)->values;
    values[SUM_ATTEMPTS]++;
    values[SUM_CALLS] += record->attempt <= 1;
    values[SUM_RESCUED] += record->attempt > 1 && ledger_is_good(record);
    values[SUM_TOTAL_MS] += most(record->total_ms, UINT32_MAX);
    values[SUM_TOKENS_IN] += most(record->tokens_in, UINT32_MAX);
    values[SUM_TOKENS_OUT] += most(record->tokens_out, UINT32_MAX);
    values[SUM_TOKENS_THOUGHTS] += most(record->tokens_thoughts, UINT32_MAX);
    values[SUM_TOKENS_CACHED] += most(record->tokens_cached, UINT32_MAX);
    values[SUM_BYTES_IN] += record->bytes_in;
    values[SUM_BYTES_OUT] += record->bytes_out;
}

/* Writing */

/* Begins a row of a table: its step, and when that begins. */
static void put_step(struct bytes *sql, unsigned step, uint64_t minute_ms)
{
    bytes_text(sql, sql->at[sql->len - 1] == ')' ? ",(" : "(");
    put_number(sql, step + 1);
    bytes_text(sql, ",");
    put_time(sql, minute_ms - minute_ms % step_ms[step]);
}

static void put_sum(struct bytes *sql, const struct database *database,
                    const struct rollup_sum *sum, unsigned step)
{
    const struct sum_key *key = &sum->key;

    put_step(sql, step, key->minute_ms);
    put_text(database, sql, text_of(key->model, sizeof(key->model)), MODEL_MOST);
    put_most(sql, key->key_id, UINT64_MAX);
    put_most(sql, key->client, UINT64_MAX);
    put_text(database, sql, text_of(key->fault, sizeof(key->fault)), WORD_MOST);
    for (int i = 0; i < SUMS; i++)
        put_most(sql, sum->values[i], UINT64_MAX);
    bytes_text(sql, ")");
}

static bool write_sums(struct rollup *rollup, struct database *database)
{
    struct bytes *sql = &rollup->sql;
    struct rollup_sum *sum, *next;

    bytes_copy(sql, VIEW("INSERT INTO rollups (step, time, model, key_id, client, fault"));
    for (int i = 0; i < SUMS; i++)
        bytes_printf(sql, ", %s", sum_names[i]);
    bytes_text(sql, ") VALUES ");
    HASH_ITER (hh, rollup->sums, sum, next)
        for (unsigned step = 0; step < STEPS; step++)
            put_sum(sql, database, sum, step);
    bytes_text(sql, " ON DUPLICATE KEY UPDATE ");
    for (int i = 0; i < SUMS; i++)
        bytes_printf(sql, "%s%s = %s + VALUES(%s)", i ? ", " : "", sum_names[i], sum_names[i],
                     sum_names[i]);
    return database_run(database, bytes_view(sql));
}

bool rollup_write(struct rollup *rollup, struct database *database)
{
    return !rollup->sums || write_sums(rollup, database);
}

void rollup_empty(struct rollup *rollup)
{
    struct rollup_sum *sum, *next_sum;

    HASH_ITER (hh, rollup->sums, sum, next_sum) {
        HASH_DEL(rollup->sums, sum);
        free(sum);
    }
}

void rollup_clear(struct rollup *rollup)
{
    rollup_empty(rollup);
    bytes_clear(&rollup->sql);
}
