/* SPDX-License-Identifier: Apache-2.0 */
/* Retention with a fake database: what is deleted when, and how much at a time. */
#include "cases.h"

#include "writer/retention.h"

enum { RULES = 21 }; /* that delete sums */

#define NOON 1700049600000u /* 2023-11-15 12:00:00 */

static struct {
    struct bytes said; /* statements in order, a line each */
    uint64_t deleted;  /* that each says it has */
    const char *fails;
    enum trouble trouble;
    int committed, rolled_back;
} db;

/* These stand in for recorder/database/database.c, which then is not linked. */

bool database_run(struct database *database, struct view sql)
{
    bytes_append(&db.said, sql);
    bytes_text(&db.said, "\n");
    database->trouble =
        db.fails && memmem(sql.at, sql.len, db.fails, strlen(db.fails)) ? db.trouble : TROUBLE_NONE;
    return database->trouble == TROUBLE_NONE;
}

bool database_ask(struct database *database, struct view sql, uint64_t *number)
{
    (void)database;
    assert_true(view_equal(sql, VIEW("SELECT ROW_COUNT()")));
    *number = db.deleted;
    return true;
}

bool database_commit(struct database *database)
{
    (void)database;
    db.committed++;
    return true;
}

void database_rollback(struct database *database)
{
    (void)database;
    db.rolled_back++;
}

void database_quote(const struct database *database, struct bytes *sql, struct view text)
{
    (void)database, (void)sql, (void)text;
    fail();
}

static struct retention retention;
static struct database database;

static int fresh(void **state)
{
    (void)state;
    bytes_clear(&db.said);
    memset(&db, 0, sizeof(db));
    retention = (struct retention){0};
    *settings_mine() = (struct settings){.delete_attempts_days = 30};
    return 0;
}

/* Steps of a second each; returns what was said. */
static const char *pass(uint64_t from_ms, int seconds)
{
    db.said.len = 0;
    for (int i = 0; i < seconds; i++)
        retention_step(&retention, &database, from_ms + (uint64_t)i * 1000, NOON);
    return bytes_cstr(&db.said);
}

static void sums_of_minutes_and_hours_go_and_rows_stay(void **state)
{
    const char *text = pass(1000, 60);

    (void)state;
    assert_non_null(strstr(text, "DELETE FROM rollups WHERE step = 1 AND time < '2023-11-13 "
                                 "12:00:00.000' ORDER BY time LIMIT 5000\n"
                                 "DELETE FROM rollups WHERE step = 2 AND time < '2023-08-07 "
                                 "12:00:00.000' ORDER BY time LIMIT 5000\n"));
    assert_non_null(strstr(text, "DELETE FROM sums WHERE part = 0 AND step = 4 AND time < "
                                 "'2023-11-07 12:00:00.000' ORDER BY time LIMIT 5000\n"));
    assert_non_null(strstr(text, "DELETE FROM sum_times WHERE part = 2 AND step = 1 AND time < "
                                 "'2023-11-13 12:00:00.000' ORDER BY time LIMIT 5000\n"));
    assert_null(strstr(text, "attempts"));
    assert_null(strstr(text, "step = 3")); /* days stay */
    assert_int_equal(db.committed, RULES);
}

static void bodies_of_errors_go_after_their_own_time(void **state)
{
    (void)state;
    settings_mine()->delete_bodies = true;
    settings_mine()->delete_bodies_days = 2;
    assert_non_null(strstr(pass(1000, 60), "DELETE FROM error_bodies WHERE time < '2023-11-13 "
                                           "12:00:00.000' ORDER BY time LIMIT 5000\n"));
}

static void rows_go_if_the_owner_wants_it(void **state)
{
    (void)state;
    settings_mine()->delete_attempts = true;
    settings_mine()->delete_attempts_days = 7;
    assert_non_null(strstr(
        pass(1000, 60),
        "DELETE FROM attempts WHERE time < '2023-11-08 12:00:00.000' ORDER BY time LIMIT 5000\n"));
}

static void a_full_step_is_followed_by_another_of_the_same(void **state)
{
    (void)state;
    db.deleted = 5000;
    pass(1000, 3);
    assert_int_equal(db.committed, 3);
    assert_null(strstr(db.said.at, "step = 2"));
    db.deleted = 4999;
    assert_non_null(strstr(pass(4000, 2), "step = 2"));
}

static void a_round_comes_once_a_minute(void **state)
{
    (void)state;
    pass(1000, RULES + 1);
    assert_string_equal(pass((RULES + 2) * 1000, 58), "");
    assert_non_null(strstr(pass((RULES + 62) * 1000, 1), "DELETE"));
}

static void trouble_is_left_to_the_next_round(void **state)
{
    (void)state;
    db.fails = "DELETE";
    db.trouble = TROUBLE_AGAIN;
    pass(1000, 1);
    assert_int_equal(db.committed, 0);
    assert_int_equal(db.rolled_back, 1);
    db.trouble = TROUBLE_AWAY; /* nobody is there to be told */
    pass(2000, 1);
    assert_int_equal(db.rolled_back, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sums_of_minutes_and_hours_go_and_rows_stay, fresh, fresh),
        cmocka_unit_test_setup_teardown(bodies_of_errors_go_after_their_own_time, fresh, fresh),
        cmocka_unit_test_setup_teardown(rows_go_if_the_owner_wants_it, fresh, fresh),
        cmocka_unit_test_setup_teardown(a_full_step_is_followed_by_another_of_the_same, fresh,
                                        fresh),
        cmocka_unit_test_setup_teardown(a_round_comes_once_a_minute, fresh, fresh),
        cmocka_unit_test_setup_teardown(trouble_is_left_to_the_next_round, fresh, fresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
