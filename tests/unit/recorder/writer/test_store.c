/* SPDX-License-Identifier: Apache-2.0 */
/* Rows into tables, with a fake database that keeps what it is told: what is settled already is not
 * stored again, and rows and their sender's number change together or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "writer/store.h"

enum { SENDER = 5, OTHER = 6 };

static struct {
    struct bytes said;    /* statements in order, a line each */
    const char *fails;    /* the statement that contains this text fails … */
    enum trouble trouble; /* … with this */
    uint64_t settled;     /* last_seq of SENDER */
    uint64_t migration;   /* the last that was applied */
    int opened, closed, rolled_back;
    bool has_lock;
} db;

/* These stand in for recorder/database/database.c, which then is not linked. */

bool database_open(struct database *database, unsigned limit_s)
{
    (void)limit_s;
    db.opened++;
    database->mysql = (struct st_mysql *)&db;
    return true;
}

void database_close(struct database *database)
{
    db.closed++;
    database->mysql = NULL;
}

void database_clear(struct database *database)
{
    bytes_clear(&database->reason);
}

bool database_complain(struct database *database, const char *reason)
{
    database->trouble = TROUBLE_AWAY;
    bytes_copy(&database->reason, view_of(reason));
    return false;
}

static bool say(struct database *database, struct view sql)
{
    bytes_append(&db.said, sql);
    bytes_text(&db.said, "\n");
    database->trouble = TROUBLE_NONE;
    if (db.fails && memmem(sql.at, sql.len, db.fails, strlen(db.fails)))
        database->trouble = db.trouble;
    return database->trouble == TROUBLE_NONE;
}

bool database_run(struct database *database, struct view sql)
{
    return say(database, sql);
}

bool database_ask(struct database *database, struct view sql, uint64_t *number)
{
    *number = memmem(sql.at, sql.len, "GET_LOCK", 8) ? db.has_lock : db.migration;
    return say(database, sql);
}

bool database_ask_pairs(struct database *database, struct view sql,
                        void (*on_pair)(void *owner, uint64_t a, uint64_t b), void *owner)
{
    if (!say(database, sql))
        return false;
    if (db.settled)
        on_pair(owner, SENDER, db.settled);
    on_pair(owner, 999, 1); /* nobody asked for it */
    return true;
}

bool database_commit(struct database *database)
{
    return say(database, VIEW("COMMIT"));
}

void database_rollback(struct database *database)
{
    (void)database;
    db.rolled_back++;
}

void database_quote(const struct database *database, struct bytes *sql, struct view text)
{
    (void)database;
    bytes_text(sql, "'");
    bytes_append(sql, text);
    bytes_text(sql, "'");
}

/* The scene */

static struct store store;
static struct batch batch;

static int fresh(void **state)
{
    (void)state;
    bytes_clear(&db.said);
    memset(&db, 0, sizeof(db));
    db.migration = 1000;
    db.has_lock = true;
    return 0;
}

static int clear(void **state)
{
    store_clear(&store);
    batch_clear(&batch);
    return fresh(state);
}

static void add(uint64_t sender, uint64_t seq)
{
    struct msg_record record = {.sender = sender,
                                .seq = seq,
                                .time_ms = 1700000000123,
                                .model = VIEW("gemini"),
                                .operation = VIEW("o"),
                                .fault = VIEW("none"),
                                .status = 70000,
                                .gap = 2};
    struct bytes payload = {0};

    message_pack(&payload, MSG_RECORD, &record);
    batch_add(&batch, sender, seq, bytes_view(&payload), 0);
    bytes_clear(&payload);
}

static int count_said(const char *part)
{
    int count = 0;

    for (const char *at = bytes_cstr(&db.said); (at = strstr(at, part)) != NULL; at++)
        count++;
    return count;
}

static void rows_and_their_senders_number_are_one_transaction(void **state)
{
    (void)state;
    add(SENDER, 3);
    add(SENDER, 4);
    add(OTHER, 1);
    assert_int_equal(store_put(&store, &batch, 0, 3), TROUBLE_NONE);
    assert_int_equal(count_said("sender IN (5,6) FOR UPDATE"), 1);
    assert_int_equal(count_said("INSERT INTO attempts"), 1);
    assert_int_equal(count_said("'2023-11-14 22:13:20.123',5,3,"), 1);
    assert_int_equal(count_said("'2023-11-14 22:13:20.123',5,4,"), 1);
    assert_int_equal(count_said(",65535,'none'"), 3); /* no number is too large for its column */
    assert_int_equal(count_said("(5,4,4,0,"), 1);     /* up to 4, two gaps of two */
    assert_int_equal(count_said("(6,1,2,0,"), 1);
    assert_true(strstr(db.said.at, "INSERT INTO senders") < strstr(db.said.at, "COMMIT"));
}

static void what_is_settled_is_not_stored_again(void **state)
{
    (void)state;
    db.settled = 3;
    add(SENDER, 2);
    add(SENDER, 3);
    assert_int_equal(store_put(&store, &batch, 0, 2), TROUBLE_NONE);
    assert_int_equal(count_said("INSERT"), 0);
    assert_int_equal(count_said("COMMIT"), 1);
    add(SENDER, 4);
    assert_int_equal(store_put(&store, &batch, 0, 3), TROUBLE_NONE);
    assert_int_equal(count_said(",5,4,"), 1);
    assert_int_equal(count_said(",5,3,"), 0);
}

static void trouble_rolls_back_and_says_which(void **state)
{
    static const struct {
        const char *fails;
        enum trouble trouble, want;
        int rolled_back;
    } cases[] = {
        {"FOR UPDATE", TROUBLE_AGAIN, TROUBLE_AGAIN, 1},
        {"INTO attempts", TROUBLE_DATA, TROUBLE_DATA, 1},
        {"INTO senders", TROUBLE_AGAIN, TROUBLE_AGAIN, 1},
        {"INTO attempts", TROUBLE_AWAY, TROUBLE_AWAY, 0},
        {"COMMIT", TROUBLE_AWAY, TROUBLE_AWAY, 0},
        {"COMMIT", TROUBLE_DATA, TROUBLE_AWAY, 0}, /* of unknown fate: never the row's fault */
    };

    (void)state;
    add(SENDER, 1);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fresh(NULL);
        db.fails = cases[i].fails;
        db.trouble = cases[i].trouble;
        assert_int_equal(store_put(&store, &batch, 0, 1), cases[i].want);
        assert_int_equal(db.rolled_back, cases[i].rolled_back);
    }
}

static void a_record_set_aside_counts_as_settled(void **state)
{
    (void)state;
    add(SENDER, 1);
    assert_int_equal(store_skip(&store, &batch, 0), TROUBLE_NONE);
    assert_int_equal(count_said("INTO attempts"), 0);
    assert_int_equal(count_said("(5,1,2,1,"), 1);
    db.settled = 1;
    assert_int_equal(store_skip(&store, &batch, 0), TROUBLE_NONE);
    assert_int_equal(count_said("INTO senders"), 1);
    db.fails = "FOR UPDATE";
    db.trouble = TROUBLE_AWAY;
    assert_int_equal(store_skip(&store, &batch, 0), TROUBLE_AWAY);
}

static void a_schema_that_is_current_is_left_alone(void **state)
{
    (void)state;
    assert_true(store_open(&store));
    assert_int_equal(db.opened, 1);
    assert_int_equal(count_said("CREATE"), 0);
    store_close(&store);
    assert_null(store.database.mysql);
}

static void what_is_missing_is_applied_under_a_lock(void **state)
{
    (void)state;
    db.migration = 0;
    assert_true(store_open(&store));
    assert_int_equal(count_said("CREATE TABLE IF NOT EXISTS attempts"), 1);
    assert_int_equal(count_said("INSERT INTO migrations (number, name) VALUES (1,"), 1);
    assert_true(strstr(db.said.at, "GET_LOCK") < strstr(db.said.at, "CREATE"));
    assert_int_equal(count_said("RELEASE_LOCK"), 1);
}

static void a_schema_that_cannot_be_changed_closes_the_connection(void **state)
{
    (void)state;
    db.migration = 0;
    db.has_lock = false;
    assert_false(store_open(&store));
    assert_null(store.database.mysql);
    assert_string_equal(bytes_cstr(&store.database.reason),
                        "another process is changing the schema");
    db.has_lock = true;
    db.fails = "CREATE TABLE IF NOT EXISTS senders";
    db.trouble = TROUBLE_AWAY;
    assert_false(store_open(&store));
    assert_int_equal(count_said("INSERT INTO migrations"), 0); /* nothing counts as applied */
}

#define STORE(test) cmocka_unit_test_setup_teardown(test, fresh, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE(rows_and_their_senders_number_are_one_transaction),
        STORE(what_is_settled_is_not_stored_again),
        STORE(trouble_rolls_back_and_says_which),
        STORE(a_record_set_aside_counts_as_settled),
        STORE(a_schema_that_is_current_is_left_alone),
        STORE(what_is_missing_is_applied_under_a_lock),
        STORE(a_schema_that_cannot_be_changed_closes_the_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
