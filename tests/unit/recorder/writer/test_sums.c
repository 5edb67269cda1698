/* SPDX-License-Identifier: Apache-2.0 */
/* Sums by one thing, with a fake database that keeps what it is told. */
#include "cases.h"

#include "writer/sums.h"

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

static struct sums sums;

static struct msg_record record_at(uint64_t time_ms)
{
    return (struct msg_record){.time_ms = time_ms,
                               .key_id = 7,
                               .client = 8,
                               .attempt = 1,
                               .model = VIEW("gemini-2.5-flash"),
                               .fault = VIEW("none"),
                               .first_ms = 100,
                               .total_ms = 1000,
                               .tokens_in = 10,
                               .tokens_out = 20,
                               .tokens_thoughts = 30,
                               .tokens_cached = 5,
                               .last = true};
}

static const char *written(void)
{
    static struct database database;

    said.len = 0;
    assert_true(sums_write(&sums, &database));
    sums_empty(&sums);
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
    sums_clear(&sums);
    bytes_clear(&said);
    fails = NULL;
    return 0;
}

/* 5 tokens at 0.3 dollars a million, 5 at 0.03, 50 at 2.5: 126.65 millionths. */
#define ONE "'none',1,1,0,0,10,20,30,5,0,0.000126650000"

static void a_row_is_in_the_sums_of_all_its_model_its_client_and_its_key(void **state)
{
    struct msg_record record = record_at(NOON + 61000);
    const char *text;

    (void)state;
    sums_add(&sums, &record);
    text = written();
    assert_int_equal(count(text, "(0,1,'2023-11-15 12:01:00.000',''," ONE), 1);
    assert_int_equal(count(text, "(0,4,'2023-11-15 12:00:00.000',''," ONE), 1);
    assert_int_equal(count(text, "(0,2,'2023-11-15 12:00:00.000',''," ONE), 1);
    assert_int_equal(count(text, "(0,3,'2023-11-15 00:00:00.000',''," ONE), 1);
    assert_int_equal(count(text, "'gemini-2.5-flash'," ONE), 4);
    assert_int_equal(count(text, "(2,1,'2023-11-15 12:01:00.000','0000000000000008'," ONE), 1);
    assert_int_equal(count(text, "'0000000000000007'," ONE), 2); /* hours and days */
    assert_int_equal(count(text, ",'2023-11-15 12:01:01.000','2023-11-15 12:01:01.000')"), 14);
    assert_int_equal(count(text, "(0,1,'2023-11-15 12:01:00.000','',1,26,1)"), 1); /* 100 ms */
    assert_int_equal(count(text, "(0,1,'2023-11-15 12:01:00.000','',2,39,1)"), 1); /* 1000 ms */
    assert_int_equal(count(text, ",26,1)"), 3 * 4);
    assert_int_equal(count(text, "ON DUPLICATE KEY UPDATE"), 2);
}

static void rows_of_one_minute_are_added_up_and_their_times_are_the_outermost(void **state)
{
    struct msg_record record = record_at(NOON + 59999);
    const char *text;

    (void)state;
    sums_add(&sums, &record);
    record.time_ms = NOON + 1;
    record.last = false;
    sums_add(&sums, &record);
    text = written();
    assert_int_equal(count(text, "'none',2,1,0,0,20,40,60,10,0,0.000253300000,'2023-11-15 "
                                 "12:00:00.001','2023-11-15 12:00:59.999')"),
                     14);
}

static void faults_before_an_answer_were_seen_by_nobody(void **state)
{
    struct msg_record record = record_at(NOON);
    const char *text;

    (void)state;
    record.attempt = 4;
    record.before = VIEW("overloaded quota_day overloaded");
    sums_add(&sums, &record);
    record.fault = VIEW("server");
    record.before = VIEW("overloaded");
    sums_add(&sums, &record);
    text = written();
    assert_int_equal(count(text, "'overloaded',0,0,0,2,0,0,0,0,0,0.000000000000"), 12);
    assert_int_equal(count(text, "'quota_day',0,0,0,1,"), 12);
    assert_int_equal(count(text, ",'9999-12-31 23:59:59.999','1970-01-01 00:00:00.000')"), 24);
    assert_int_equal(count(text, "'none',1,1,1,0,"), 14);
    assert_int_equal(count(text, "'server',1,1,0,0,"), 14);
}

static void times_begin_with_the_clients_request(void **state)
{
    struct msg_record record = record_at(NOON);
    const char *text;

    (void)state;
    record.asked_ms = NOON - 924; /* 1024 ms until the first content */
    sums_add(&sums, &record);
    text = written();
    assert_int_equal(count(text, ",1,40,1)"), 3 * 4);
    record.asked_ms = NOON + 1000; /* clocks of two hosts */
    sums_add(&sums, &record);
    text = written();
    assert_int_equal(count(text, ",1,26,1)"), 3 * 4);
}

static void failures_have_no_times_and_an_unknown_price_is_said(void **state)
{
    struct msg_record record = record_at(NOON);
    const char *text;

    (void)state;
    record.model = VIEW("nobody-knows");
    record.fault = VIEW("cut");
    sums_add(&sums, &record);
    text = written();
    assert_null(strstr(text, "sum_times"));
    assert_int_equal(count(text, "'cut',1,1,0,0,10,20,30,5,1,0.000000000000"), 14);
}

static void values_are_clipped_as_in_rows(void **state)
{
    struct msg_record record = record_at(NOON);

    (void)state;
    record.tokens_in = UINT64_MAX;
    sums_add(&sums, &record);
    assert_int_equal(count(written(), "'none',1,1,0,0,4294967295,20,"), 14);
}

static void nothing_is_written_of_nothing_and_trouble_is_told(void **state)
{
    struct msg_record record = record_at(NOON);
    static struct database database;

    (void)state;
    assert_string_equal(written(), "");
    sums_add(&sums, &record);
    fails = "INTO sums";
    assert_false(sums_write(&sums, &database));
    fails = "INTO sum_times";
    assert_false(sums_write(&sums, &database));
}

static void buckets_are_quarters_of_octaves(void **state)
{
    static const struct {
        uint64_t ms;
        unsigned bucket;
    } cases[] = {{0, 0},       {1, 0},       {2, 4},       {3, 6},          {4, 8},     {8, 12},
                 {15, 15},     {16, 16},     {19, 16},     {20, 17},        {1000, 39}, {1024, 40},
                 {220435, 70}, {220437, 71}, {262144, 71}, {UINT64_MAX, 71}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (sums_bucket(cases[i].ms) != cases[i].bucket)
            fail_msg("%llu ms: %u", (unsigned long long)cases[i].ms, sums_bucket(cases[i].ms));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_row_is_in_the_sums_of_all_its_model_its_client_and_its_key,
                                  clear),
        cmocka_unit_test_teardown(rows_of_one_minute_are_added_up_and_their_times_are_the_outermost,
                                  clear),
        cmocka_unit_test_teardown(faults_before_an_answer_were_seen_by_nobody, clear),
        cmocka_unit_test_teardown(times_begin_with_the_clients_request, clear),
        cmocka_unit_test_teardown(failures_have_no_times_and_an_unknown_price_is_said, clear),
        cmocka_unit_test_teardown(values_are_clipped_as_in_rows, clear),
        cmocka_unit_test_teardown(nothing_is_written_of_nothing_and_trouble_is_told, clear),
        cmocka_unit_test(buckets_are_quarters_of_octaves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
