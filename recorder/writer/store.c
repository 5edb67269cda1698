/* SPDX-License-Identifier: Apache-2.0 */
/* Rows into tables. Called by writer.c, in the store process, where waiting for the server is
 * allowed. */
#include "writer/store.h"

#include <stdlib.h>
#include <uthash.h>

#include "actor.h"
#include "database/schema.h"
#include "trace.h"
#include "database/values.h"
#include "writer/sums.h"

enum {
    STATEMENT_LIMIT_S = 10,
    MIGRATION_LIMIT_S = 3600, /* a big table takes long to change */
};

struct mark {
    uint64_t sender;
    uint64_t last_seq; /* settled */
    uint64_t gap, refused;
    uint64_t seen_ms;
    bool is_changed;
    UT_hash_handle hh;
};

/* Opening */

bool store_open(struct store *store)
{
    struct database *database = &store->database;

    if (!database_open(database, STATEMENT_LIMIT_S))
        return false;
    if (schema_is_current(database))
        return true;
    if (database_open(database, MIGRATION_LIMIT_S) && schema_apply(database) &&
        database_open(database, STATEMENT_LIMIT_S))
        return true;
    database_close(database);
    return false;
}

void store_close(struct store *store)
{
    database_close(&store->database);
}

static void marks_clear(struct store *store)
{
    struct mark *mark, *next;

    HASH_ITER (hh, store->marks, mark, next) {
        HASH_DEL(store->marks, mark);
        free(mark);
    }
}

void store_clear(struct store *store)
{
    marks_clear(store);
    rollup_clear(&store->rollup);
    sums_clear(&store->sums);
    bytes_clear(&store->rows);
    bytes_clear(&store->bodies);
    bytes_clear(&store->senders);
    bytes_clear(&store->ask);
    database_clear(&store->database);
}

/* Rows */

/* What it has cost on its way, and why this key. */
static void put_way(struct store *store, const struct msg_record *record)
{
    struct bytes *sql = &store->rows;

    put_text(&store->database, sql, record->route, ROUTE_MOST);
    put_most(sql, record->request, UINT64_MAX);
    put_time_or_null(sql, record->asked_ms);
    put_most(sql, record->read_us, UINT32_MAX);
    put_most(sql, record->translate_us, UINT32_MAX);
    put_most(sql, record->wait_us, UINT64_MAX);
    put_most(sql, record->pick_us, UINT32_MAX);
    put_most(sql, record->keys, UINT32_MAX);
    put_most(sql, record->cooling, UINT32_MAX);
    put_most(sql, record->spent, UINT32_MAX);
    put_most(sql, record->dead, UINT32_MAX);
    put_most(sql, record->off, UINT32_MAX);
    put_most(sql, record->no_room, UINT32_MAX);
    put_text(&store->database, sql, record->chosen_by, CHOSEN_MOST);
    put_text(&store->database, sql, record->proxy, PROXY_MOST);
    put_most(sql, record->connect_us, UINT32_MAX);
}

static void put_failure(struct store *store, const struct msg_record *record)
{
    struct bytes *sql = &store->rows;

    put_most(sql, record->retry_ms, UINT64_MAX);
    put_text(&store->database, sql, record->quota_id, QUOTA_MOST);
    put_most(sql, record->quota_value, UINT64_MAX);
    put_text(&store->database, sql, record->words, WORDS_MOST);
    put_text(&store->database, sql, record->before, EARLIER_MOST);
}

static void put_row(struct store *store, const struct msg_record *record)
{
    struct bytes *sql = &store->rows;
    uint64_t cost;

    bytes_text(sql, sql->at[sql->len - 1] == ')' ? ",(" : "(");
    put_time(sql, record->time_ms);
    put_most(sql, record->sender, UINT64_MAX);
    put_most(sql, record->seq, UINT64_MAX);
    bytes_append(sql, VIEW(","));
    put_time(sql, record->time_ms);
    put_most(sql, record->frontend, UINT64_MAX);
    put_most(sql, record->call, UINT64_MAX);
    put_most(sql, record->attempt, UINT32_MAX);
    put_most(sql, record->client, UINT64_MAX);
    put_most(sql, record->key_id, UINT64_MAX);
    put_text(&store->database, sql, record->model, MODEL_MOST);
    put_text(&store->database, sql, record->operation, WORD_MOST);
    put_most(sql, record->stream, 1);
    put_most(sql, record->status, UINT16_MAX);
    put_text(&store->database, sql, record->fault, WORD_MOST);
    put_most(sql, record->first_ms, UINT32_MAX);
    put_most(sql, record->total_ms, UINT32_MAX);
    put_most(sql, record->tokens_in, UINT32_MAX);
    put_most(sql, record->tokens_out, UINT32_MAX);
    put_most(sql, record->tokens_thoughts, UINT32_MAX);
    put_most(sql, record->tokens_cached, UINT32_MAX);
    put_most(sql, record->bytes_in, UINT64_MAX);
    put_most(sql, record->bytes_out, UINT64_MAX);
    put_way(store, record);
    put_failure(store, record);
    put_most(sql, record->reply_us, UINT64_MAX);
    put_most(sql, record->last, 1);
    if (ledger_cost(record, &cost))
        put_cost(sql, cost);
    else
        bytes_append(sql, VIEW(",NULL"));
    bytes_append(sql, VIEW(")"));
}

/* Bodies. A statement has no more than a server of before takes at once. */

enum { BODIES_MOST = 1024 * 1024 };

static bool write_bodies(struct store *store)
{
    bool is_good = !store->bodies.len || database_run(&store->database, bytes_view(&store->bodies));

    store->bodies.len = 0;
    return is_good;
}

static bool put_body(struct store *store, const struct msg_record *record)
{
    struct bytes *sql = &store->bodies;

    if (!record->body.len)
        return true;
    if (!sql->len)
        bytes_text(sql, "INSERT INTO error_bodies (day, sender, seq, time, body) VALUES (");
    else
        bytes_text(sql, ",(");
    put_time(sql, record->time_ms);
    put_most(sql, record->sender, UINT64_MAX);
    put_most(sql, record->seq, UINT64_MAX);
    bytes_text(sql, ",");
    put_time(sql, record->time_ms);
    put_long(&store->database, sql, record->body);
    bytes_text(sql, ")");
    return sql->len < BODIES_MOST || write_bodies(store);
}

/* Marks */

static struct mark *mark_find(struct store *store, uint64_t sender)
{
    struct mark *mark;

    HASH_FIND(hh, store->marks, &sender, sizeof(sender), mark);
    return mark;
}

static void mark_make(struct store *store, uint64_t sender)
{
    struct mark *mark = mark_find(store, sender);

    if (mark)
        return;
    mark = memory_new(sizeof(*mark));
    mark->sender = sender;
    HASH_ADD(hh, store->marks, sender, sizeof(mark->sender), mark);
    bytes_text(&store->ask, HASH_COUNT(store->marks) > 1 ? "," : "");
    put_number(&store->ask, sender);
}

static void on_mark(void *owner, uint64_t sender, uint64_t last_seq)
{
    struct mark *mark = mark_find(owner, sender);

    if (mark)
        mark->last_seq = last_seq;
}

/* Reads, and locks until the transaction's end, how far the senders of these entries have come. A
 * transaction of ours that a broken connection left behind holds that lock until its fate is
 * decided, and so we see what became of it. */
static bool marks_read(struct store *store, const struct batch *batch, size_t first, size_t count)
{
    marks_clear(store);
    bytes_copy(&store->ask, VIEW("SELECT sender, last_seq FROM senders WHERE sender IN ("));
    for (size_t i = first; i < first + count; i++)
        mark_make(store, batch->entries[i].sender);
    bytes_append(&store->ask, VIEW(") FOR UPDATE"));
    return database_ask_pairs(&store->database, bytes_view(&store->ask), on_mark, store);
}

static bool marks_write(struct store *store)
{
    struct bytes *sql = &store->senders;
    struct mark *mark, *next;

    bytes_copy(sql, VIEW("INSERT INTO senders (sender, last_seq, gap, refused, seen) VALUES "));
    HASH_ITER (hh, store->marks, mark, next) {
        if (!mark->is_changed)
            continue;
        bytes_text(sql, sql->at[sql->len - 1] == ')' ? ",(" : "(");
        put_number(sql, mark->sender);
        put_most(sql, mark->last_seq, UINT64_MAX);
        put_most(sql, mark->gap, UINT32_MAX);
        put_most(sql, mark->refused, UINT32_MAX);
        bytes_append(sql, VIEW(","));
        put_time(sql, mark->seen_ms);
        bytes_append(sql, VIEW(")"));
    }
    bytes_append(sql, VIEW(" ON DUPLICATE KEY UPDATE last_seq = VALUES(last_seq), "
                           "gap = gap + VALUES(gap), refused = refused + VALUES(refused), "
                           "seen = VALUES(seen)"));
    return database_run(&store->database, bytes_view(sql));
}

/* Whether the record is newer than what its sender has settled; then it counts as settled. */
static bool mark_settle(struct store *store, const struct msg_record *record)
{
    struct mark *mark = mark_find(store, record->sender);

    if (record->seq <= mark->last_seq)
        return false;
    mark->last_seq = record->seq;
    mark->gap += record->gap;
    mark->seen_ms = record->time_ms;
    mark->is_changed = true;
    return true;
}

/* Storing */

/* Ends the transaction: the changes count, or nothing does. */
static enum trouble settle(struct store *store, bool is_good)
{
    enum trouble trouble = store->database.trouble;
    unsigned code = store->database.code;

    if (is_good) {
        trace_point("store.committing");
        if (database_commit(&store->database)) {
            trace_point("store.committed");
            return TROUBLE_NONE;
        }
        return store->database.trouble == TROUBLE_DATA ? TROUBLE_AWAY : store->database.trouble;
    }
    if (trouble != TROUBLE_AWAY)
        database_rollback(&store->database);
    store->database.trouble = trouble;
    store->database.code = code;
    return trouble;
}

enum trouble store_put(struct store *store, const struct batch *batch, size_t first, size_t count)
{
    size_t fresh = 0;
    bool is_good = true;

    store->bodies.len = 0;
    if (!marks_read(store, batch, first, count))
        return settle(store, false);
    bytes_copy(&store->rows,
               VIEW("INSERT INTO attempts (day, sender, seq, time, frontend, call_id, attempt, "
                    "client, key_id, model, operation, stream, status, fault, first_ms, total_ms, "
                    "tokens_in, tokens_out, tokens_thoughts, tokens_cached, bytes_in, bytes_out, "
                    "route, request, asked, read_us, translate_us, wait_us, pick_us, keys_seen, "
                    "keys_cooling, keys_spent, keys_dead, keys_off, keys_full, chosen_by, proxy, "
                    "connect_us, retry_ms, quota_id, quota_value, words, earlier, reply_us, "
                    "is_last, cost) VALUES "));
    for (size_t i = first; i < first + count && is_good; i++) {
        struct msg_record record;

        batch_record(batch, i, &record);
        if (!mark_settle(store, &record))
            continue;
        put_row(store, &record);
        rollup_add(&store->rollup, &record);
        sums_add(&store->sums, &record);
        is_good = put_body(store, &record);
        fresh++;
    }
    is_good = is_good && write_bodies(store);
    is_good =
        is_good && (!fresh || (database_run(&store->database, bytes_view(&store->rows)) &&
                               rollup_write(&store->rollup, &store->database) &&
                               sums_write(&store->sums, &store->database) && marks_write(store)));
    rollup_empty(&store->rollup);
    sums_empty(&store->sums);
    return settle(store, is_good);
}

enum trouble store_skip(struct store *store, const struct batch *batch, size_t index)
{
    struct msg_record record;

    if (!marks_read(store, batch, index, 1))
        return settle(store, false);
    batch_record(batch, index, &record);
    if (!mark_settle(store, &record))
        return settle(store, true);
    mark_find(store, record.sender)->refused = 1;
    return settle(store, marks_write(store));
}
