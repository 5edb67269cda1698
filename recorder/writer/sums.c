/* SPDX-License-Identifier: Apache-2.0 */
/* Sums by one thing. Called by store.c, once for each row that it stores. What must stay true: what is
 * added is clipped as in the row, so that a sum is the sum of its rows, to the token and the last digit of
 * the cost. */
#include "writer/sums.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

#include "database/values.h"
#include "models/prices.h"

enum { PART_ALL, PART_MODEL, PART_CLIENT, PART_KEY, PARTS };
enum { KIND_FIRST = 1, KIND_TOTAL = 2 };

#define MINUTE_MS UINT64_C(60000)

/* The finest first; those of keys begin at `of_keys`. */
static const struct step {
    uint64_t ms;
    unsigned number; /* in the tables */
    bool of_keys;
} steps[] = {
    {MINUTE_MS, 1, false},
    {MINUTE_MS * 10, 4, false},
    {MINUTE_MS * 60, 2, true},
    {MINUTE_MS * 60 * 24, 3, true},
};

enum { STEPS = sizeof(steps) / sizeof(steps[0]) };

/* All bytes of a key are compared, so texts are filled up with zeros. */
struct sum_key {
    uint64_t minute_ms;
    uint32_t part, name_len;
    char name[MODEL_MOST], fault[WORD_MOST];
};

enum {
    SUM_ATTEMPTS,
    SUM_CALLS,
    SUM_RESCUED,
    SUM_UNSEEN,
    SUM_TOKENS_IN,
    SUM_TOKENS_OUT,
    SUM_TOKENS_THOUGHTS,
    SUM_TOKENS_CACHED,
    SUM_UNPRICED,
    SUMS
};

static const char *const sum_names[SUMS] = {
    "attempts",   "calls",           "rescued",       "unseen",   "tokens_in",
    "tokens_out", "tokens_thoughts", "tokens_cached", "unpriced",
};

struct sum {
    struct sum_key key;
    uint64_t values[SUMS];
    uint64_t cost;
    uint64_t first_ms, last_ms;
    UT_hash_handle hh;
};

struct count_key {
    uint64_t minute_ms;
    uint32_t part, kind, bucket, name_len;
    char name[MODEL_MOST];
};

struct sum_count {
    struct count_key key;
    uint64_t attempts;
    UT_hash_handle hh;
};

unsigned sums_bucket(uint64_t ms)
{
    unsigned bucket = ms > 1 ? (unsigned)(4 * log2((double)ms)) : 0;

    return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

/* Records */

static uint64_t most(uint64_t number, uint64_t limit)
{
    return number < limit ? number : limit;
}

bool ledger_is_good(const struct msg_record *record)
{
    return view_equal(record->fault, VIEW("none")) || view_equal(record->fault, VIEW("blocked"));
}

static struct price_tokens tokens_of(const struct msg_record *record)
{
    return (struct price_tokens){.in = most(record->tokens_in, UINT32_MAX),
                                 .out = most(record->tokens_out, UINT32_MAX),
                                 .thoughts = most(record->tokens_thoughts, UINT32_MAX),
                                 .cached = most(record->tokens_cached, UINT32_MAX)};
}

static bool has_tokens(const struct msg_record *record)
{
    return record->tokens_in || record->tokens_out || record->tokens_thoughts;
}

bool ledger_cost(const struct msg_record *record, uint64_t *cost)
{
    struct price_tokens tokens = tokens_of(record);
    struct price price;

    *cost = 0;
    if (!has_tokens(record))
        return true;
    if (!price_of(record->model, &price))
        return false;
    *cost = price_cost(&price, &tokens);
    return true;
}

/* Since the client's request began, if that is known: it does not care how many attempts it took. */
static uint64_t since_asked(const struct msg_record *record, uint64_t ms)
{
    bool is_sound = record->asked_ms && record->asked_ms <= record->time_ms;

    return ms + (is_sound ? record->time_ms - record->asked_ms : 0);
}

/* Adding */

static uint32_t copy_text(char *to, size_t size, struct view text)
{
    size_t len = text.len < size ? text.len : size;

    if (len)
        memcpy(to, text.at, len);
    return (uint32_t)len;
}

/* Returns its length. */
static uint32_t name_of(const struct msg_record *record, unsigned part, char name[MODEL_MOST])
{
    if (part == PART_MODEL)
        return copy_text(name, MODEL_MOST, record->model);
    if (part == PART_ALL)
        return 0;
    snprintf(name, MODEL_MOST, "%016llx",
             (unsigned long long)(part == PART_KEY ? record->key_id : record->client));
    return 16;
}

static struct sum *sum_of(struct sums *sums, const struct msg_record *record, unsigned part,
                          struct view fault)
{
    struct sum_key key;
    struct sum *sum;

    memset(&key, 0, sizeof(key));
    key.minute_ms = record->time_ms - record->time_ms % MINUTE_MS;
    key.part = part;
    key.name_len = name_of(record, part, key.name);
    copy_text(key.fault, sizeof(key.fault), fault);
    HASH_FIND(hh, sums->all, &key, sizeof(key), sum);
    if (!sum) {
        sum = memory_new(sizeof(*sum));
        sum->key = key;
        sum->first_ms = UINT64_MAX; /* no attempt yet */
        HASH_ADD(hh, sums->all, key, sizeof(sum->key), sum);
    }
    return sum;
}

/* What a record adds beside what it says. */
struct worth {
    uint64_t cost;
    bool is_priced;
};

static void add_sum(struct sums *sums, const struct msg_record *record, unsigned part,
                    const struct worth *worth)
{
    struct sum *sum = sum_of(sums, record, part, record->fault);
    uint64_t *values = sum->values;

    if (record->time_ms < sum->first_ms)
        sum->first_ms = record->time_ms;
    if (record->time_ms > sum->last_ms)
        sum->last_ms = record->time_ms;
    values[SUM_ATTEMPTS]++;
    values[SUM_CALLS] += record->last;
    values[SUM_RESCUED] += record->attempt > 1 && ledger_is_good(record);
    values[SUM_TOKENS_IN] += most(record->tokens_in, UINT32_MAX);
    values[SUM_TOKENS_OUT] += most(record->tokens_out, UINT32_MAX);
    values[SUM_TOKENS_THOUGHTS] += most(record->tokens_thoughts, UINT32_MAX);
    values[SUM_TOKENS_CACHED] += most(record->tokens_cached, UINT32_MAX);
    values[SUM_UNPRICED] += !worth->is_priced;
    sum->cost += worth->cost;
}

/* Each of the faults that the call has had before it was answered was seen by nobody. Which key had it,
 * its own row says. */
static void add_unseen(struct sums *sums, const struct msg_record *record, unsigned part)
{
    struct view rest = record->before;

    while (rest.len) {
        const char *end = memchr(rest.at, ' ', rest.len);
        struct view fault = {rest.at, end ? (size_t)(end - rest.at) : rest.len};

        sum_of(sums, record, part, fault)->values[SUM_UNSEEN]++;
        rest = view_skip(rest, end ? fault.len + 1 : rest.len);
    }
}

static void add_time(struct sums *sums, const struct msg_record *record, unsigned part,
                     uint32_t kind, uint64_t ms)
{
    struct sum_count *count;
    struct count_key key;

    memset(&key, 0, sizeof(key));
    key.minute_ms = record->time_ms - record->time_ms % MINUTE_MS;
    key.part = part;
    key.kind = kind;
    key.bucket = sums_bucket(ms);
    key.name_len = name_of(record, part, key.name);
    HASH_FIND(hh, sums->times, &key, sizeof(key), count);
    if (!count) {
        count = memory_new(sizeof(*count));
        count->key = key;
        HASH_ADD(hh, sums->times, key, sizeof(count->key), count);
    }
    count->attempts++;
}

static void add_answer(struct sums *sums, const struct msg_record *record, unsigned part)
{
    add_unseen(sums, record, part);
    if (record->first_ms)
        add_time(sums, record, part, KIND_FIRST, since_asked(record, record->first_ms));
    add_time(sums, record, part, KIND_TOTAL, since_asked(record, record->total_ms));
}

void sums_add(struct sums *sums, const struct msg_record *record)
{
    struct worth worth;

    worth.is_priced = ledger_cost(record, &worth.cost);
    for (unsigned part = PART_ALL; part < PARTS; part++) {
        add_sum(sums, record, part, &worth);
        if (part != PART_KEY && ledger_is_good(record))
            add_answer(sums, record, part);
    }
}

/* Writing */

static struct view text_of(const char *at, size_t size)
{
    return (struct view){at, strnlen(at, size)};
}

/* Begins a row of a table. */
static void put_step(struct bytes *sql, uint32_t part, const struct step *step, uint64_t minute_ms)
{
    bytes_text(sql, sql->at[sql->len - 1] == ')' ? ",(" : "(");
    put_number(sql, part);
    bytes_text(sql, ",");
    put_number(sql, step->number);
    bytes_text(sql, ",");
    put_time(sql, minute_ms - minute_ms % step->ms);
}

static void put_sum(struct bytes *sql, const struct database *database, const struct sum *sum,
                    const struct step *step)
{
    const struct sum_key *key = &sum->key;

    put_step(sql, key->part, step, key->minute_ms);
    put_text(database, sql, (struct view){key->name, key->name_len}, MODEL_MOST);
    put_text(database, sql, text_of(key->fault, sizeof(key->fault)), WORD_MOST);
    for (int i = 0; i < SUMS; i++)
        put_most(sql, sum->values[i], UINT64_MAX);
    put_cost(sql, sum->cost);
    bytes_text(sql, ",");
    put_time(sql, sum->first_ms);
    bytes_text(sql, ",");
    put_time(sql, sum->last_ms);
    bytes_text(sql, ")");
}

static void put_count(struct bytes *sql, const struct database *database,
                      const struct sum_count *count, const struct step *step)
{
    const struct count_key *key = &count->key;

    put_step(sql, key->part, step, key->minute_ms);
    put_text(database, sql, (struct view){key->name, key->name_len}, MODEL_MOST);
    put_most(sql, key->kind, UINT8_MAX);
    put_most(sql, key->bucket, UINT8_MAX);
    put_most(sql, count->attempts, UINT64_MAX);
    bytes_text(sql, ")");
}

static void begin_sums(struct bytes *sql)
{
    bytes_copy(sql, VIEW("INSERT INTO sums (part, step, time, name, fault"));
    for (int i = 0; i < SUMS; i++)
        bytes_printf(sql, ", %s", sum_names[i]);
    bytes_text(sql, ", cost, first, last) VALUES ");
}

static bool write_sums(struct sums *sums, struct database *database)
{
    struct bytes *sql = &sums->sql;
    struct sum *sum, *next;

    begin_sums(sql);
    HASH_ITER (hh, sums->all, sum, next)
        for (unsigned step = 0; step < STEPS; step++)
            if (sum->key.part != PART_KEY || steps[step].of_keys)
                put_sum(sql, database, sum, &steps[step]);
    bytes_text(sql, " ON DUPLICATE KEY UPDATE ");
    for (int i = 0; i < SUMS; i++)
        bytes_printf(sql, "%s = %s + VALUES(%s), ", sum_names[i], sum_names[i], sum_names[i]);
    bytes_text(sql, "cost = cost + VALUES(cost), first = LEAST(first, VALUES(first)), "
                    "last = GREATEST(last, VALUES(last))");
    return database_run(database, bytes_view(sql));
}

static bool write_times(struct sums *sums, struct database *database)
{
    struct bytes *sql = &sums->sql;
    struct sum_count *count, *next;

    if (!sums->times)
        return true;
    bytes_copy(sql, VIEW("INSERT INTO sum_times (part, step, time, name, kind, bucket, attempts) "
                         "VALUES "));
    HASH_ITER (hh, sums->times, count, next)
        for (unsigned step = 0; step < STEPS; step++)
            put_count(sql, database, count, &steps[step]);
    bytes_text(sql, " ON DUPLICATE KEY UPDATE attempts = attempts + VALUES(attempts)");
    return database_run(database, bytes_view(sql));
}

bool sums_write(struct sums *sums, struct database *database)
{
    return !sums->all || (write_sums(sums, database) && write_times(sums, database));
}

void sums_empty(struct sums *sums)
{
    struct sum *sum, *next_sum;
    struct sum_count *count, *next_count;

    HASH_ITER (hh, sums->all, sum, next_sum) {
        HASH_DEL(sums->all, sum);
        free(sum);
    }
    HASH_ITER (hh, sums->times, count, next_count) {
        HASH_DEL(sums->times, count);
        free(count);
    }
}

void sums_clear(struct sums *sums)
{
    sums_empty(sums);
    bytes_clear(&sums->sql);
}
