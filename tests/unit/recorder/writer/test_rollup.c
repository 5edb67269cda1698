/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of a batch, with a fake database that keeps what it is told. */
#include "cases.h"

#include "writer/rollup.h"

#define NOON 1700049600000u /* 2023-11-15 12:00:00 */

static struct bytes said;
static const char *fails; /* the statement that contains this text fails */

/* These stand in for recorder/database/database.c, which then is not linked. */

bool database_run(struct database *database, struct view sql)
{
    (void)database;
    bytes_append(&said, sql);
    bytes_text(&said, "\n");
    return !fails || !memmem(sql.at, sql.len, fails, strlen(fails));
}

void database_quote(const struct database *database, struct bytes *sql, struct view text)
{
    (void)database;
    bytes_text(sql, "'");
    bytes_append(sql, text);
    bytes_text(sql, "'");
}

static struct rollup rollup;

static struct msg_record record_at(uint64_t time_ms)
{
    return (struct msg_record){.time_ms = time_ms,
                               .key_id = 7,
                               .client = 8,
                               .attempt = 1,
                               .model = VIEW("m"),
                               .fault = VIEW("none"),
                               .first_ms = 100,
                               .total_ms = 1000,
                               .tokens_in = 10,
                               .tokens_out = 20,
                               .tokens_thoughts = 30,
                               .tokens_cached = 5,
                               .bytes_in = 40,
                               .bytes_out = 50};
}

static const char *written(void)
{
    static struct database database;

    said.len = 0;
    assert_true(rollup_write(&rollup, &database));
    rollup_empty(&rollup);
    return bytes_cstr(&said);
}

static int count(const char *text, const char *part)
{
    int found = 0;

    for (; (text = strstr(text, part)) != NULL; text++)
        found++;
    return found;
}

static int clear(void **state)
{
    (void)state;
    rollup_clear(&rollup);
    bytes_clear(&said);
    fails = NULL;
    return 0;
}

static void rows_of_a_minute_become_a_row_a_step(void **state)
{
    struct msg_record record = record_at(NOON + 61000);
    const char *text;

    (void)state;
    rollup_add(&rollup, &record);
    record.time_ms = NOON + 119999;
    rollup_add(&rollup, &record);
    text = written();
    assert_int_equal(
        count(text, "(1,'2023-11-15 12:01:00.000','m',7,8,'none',2,2,0,2000,20,40,60,10,80,100)"),
        1);
    assert_int_equal(count(text, "(2,'2023-11-15 12:00:00.000','m',7,8,'none',2,2,0,2000,"), 1);
    assert_int_equal(count(text, "(3,'2023-11-15 00:00:00.000','m',7,8,'none',2,2,0,2000,"), 1);
    assert_int_equal(count(text, "ON DUPLICATE KEY UPDATE"), 1);
    assert_non_null(strstr(text, "tokens_in = tokens_in + VALUES(tokens_in)"));
}

static void what_differs_is_a_row_of_its_own(void **state)
{
    struct msg_record record = record_at(NOON);
    const char *text;

    (void)state;
    rollup_add(&rollup, &record);
    record.time_ms = NOON + 60000;
    rollup_add(&rollup, &record);
    record.key_id = 9;
    rollup_add(&rollup, &record);
    record.client = 9;
    rollup_add(&rollup, &record);
    record.model = VIEW("n");
    rollup_add(&rollup, &record);
    record.fault = VIEW("quota_day");
    rollup_add(&rollup, &record);
    text = written();
    assert_int_equal(count(text, "(1,'2023-11-15 12:0"), 6);
}

static void what_follows_a_failure_is_rescued(void **state)
{
    struct msg_record record = record_at(NOON);
    const char *text;

    (void)state;
    record.fault = VIEW("quota_minute");
    rollup_add(&rollup, &record);
    record.fault = VIEW("none");
    record.attempt = 2;
    record.first_ms = 0;
    rollup_add(&rollup, &record);
    text = written();
    assert_int_equal(count(text, "'quota_minute',1,1,0,"), 3);
    assert_int_equal(count(text, "'none',1,0,1,"), 3);
}

static void values_are_clipped_as_in_rows(void **state)
{
    struct msg_record record = record_at(NOON);

    (void)state;
    record.tokens_in = UINT64_MAX;
    rollup_add(&rollup, &record);
    assert_int_equal(count(written(), "'none',1,1,0,1000,4294967295,20,"), 3);
}

static void nothing_is_written_of_nothing_and_trouble_is_told(void **state)
{
    struct msg_record record = record_at(NOON);
    static struct database database;

    (void)state;
    assert_string_equal(written(), "");
    rollup_add(&rollup, &record);
    fails = "INTO rollups";
    assert_false(rollup_write(&rollup, &database));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(rows_of_a_minute_become_a_row_a_step, clear),
        cmocka_unit_test_teardown(what_differs_is_a_row_of_its_own, clear),
        cmocka_unit_test_teardown(what_follows_a_failure_is_rescued, clear),
        cmocka_unit_test_teardown(values_are_clipped_as_in_rows, clear),
        cmocka_unit_test_teardown(nothing_is_written_of_nothing_and_trouble_is_told, clear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
