/* SPDX-License-Identifier: Apache-2.0 */
/* The writer with a real spool and a fake store: what it does about each trouble, and that a segment
 * goes only when all it held is settled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "settings/options.h"
#include "intake/spool.h"
#include "writer/writer.h"
#include "settings_mine.h"

enum { PUTS_MOST = 500 };

static struct {
    bool is_away;          /* cannot be opened */
    unsigned code;         /* with this reason */
    enum trouble next[10]; /* of the puts to come; then they succeed */
    size_t next_count, put_count;
    uint64_t bad_seq; /* a row that the database will not take */
    uint64_t stored[PUTS_MOST];
    size_t stored_count, opened, skipped, tidied;
    uint64_t napped_ms;
} fake;

bool store_open(struct store *store)
{
    static int connection;

    fake.opened++;
    store->database.code = fake.code;
    bytes_copy(&store->database.reason, VIEW("no server"));
    if (!fake.is_away)
        store->database.mysql = (struct st_mysql *)&connection;
    return !fake.is_away;
}

void store_close(struct store *store)
{
    store->database.mysql = NULL;
}

void store_clear(struct store *store)
{
    store_close(store);
    bytes_clear(&store->database.reason);
}

enum trouble store_put(struct store *store, const struct batch *batch, size_t first, size_t count)
{
    (void)store;
    if (fake.put_count < fake.next_count)
        return fake.next[fake.put_count++];
    for (size_t i = first; i < first + count; i++)
        if (batch->entries[i].seq == fake.bad_seq)
            return TROUBLE_DATA;
    assert_true(fake.stored_count + count <= PUTS_MOST);
    for (size_t i = first; i < first + count; i++)
        fake.stored[fake.stored_count++] = batch->entries[i].seq;
    return TROUBLE_NONE;
}

enum trouble store_skip(struct store *store, const struct batch *batch, size_t index)
{
    (void)store;
    assert_int_equal(batch->entries[index].seq, fake.bad_seq);
    fake.skipped++;
    return TROUBLE_NONE;
}

void retention_step(struct retention *retention, struct database *database, uint64_t now_ms,
                    uint64_t utc_ms)
{
    (void)retention, (void)database, (void)now_ms, (void)utc_ms;
    fake.tidied++;
}

static void nap(uint64_t ms)
{
    fake.napped_ms += ms;
}

static struct writer writer;
static struct spool spool;

static bool on_payload(void *owner, struct view payload)
{
    (void)owner, (void)payload;
    return true;
}

static void on_begin(void *owner, struct spool *of, struct bytes *out)
{
    (void)owner, (void)of, (void)out;
}

static char state_dir[64], spool_path[80];

static int fresh(void **state)
{
    (void)state;
    strcpy(state_dir, "/tmp/writer-test-XXXXXX");
    assert_non_null(mkdtemp(state_dir));
    snprintf(spool_path, sizeof(spool_path), "%s/spool", state_dir);
    settings_mine()->state_dir = state_dir;
    memset(&fake, 0, sizeof(fake));
    writer = (struct writer){.nap = nap, .is_ending = true}; /* so that no batch waits for more */
    spool_open(&spool, spool_path, 4096, on_payload, NULL);
    spool.on_begin = on_begin;
    tail_open(&writer.tail, spool_path);
    return 0;
}

static int clear(void **state)
{
    char command[100];

    (void)state;
    spool_close(&spool);
    writer_clear(&writer);
    snprintf(command, sizeof(command), "rm -r %s", state_dir);
    return system(command); /* NOLINT(cert-env33-c): a name of our own making */
}

static void record(uint64_t seq)
{
    struct msg_record letter = {.sender = 5, .seq = seq, .model = VIEW("m"), .fault = VIEW("none")};
    struct bytes payload = {0};

    message_pack(&payload, MSG_RECORD, &letter);
    spool_add(&spool, bytes_view(&payload));
    bytes_clear(&payload);
    assert_int_equal(spool_write(&spool), 1);
}

static void run(void)
{
    for (int i = 0; i < 100 && writer_step(&writer); i++)
        continue;
}

static void expect_stored(size_t count)
{
    assert_int_equal(fake.stored_count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(fake.stored[i], i + 1);
}

static void records_are_stored_in_order_and_counted(void **state)
{
    (void)state;
    for (uint64_t seq = 1; seq <= 5; seq++)
        record(seq);
    run();
    expect_stored(5);
    assert_int_equal(writer.report.stored, 5);
    assert_true(writer.report.is_open);
    assert_false(writer_step(&writer)); /* nothing more */
}

static void few_records_wait_for_company(void **state)
{
    (void)state;
    writer.is_ending = false;
    record(1);
    assert_false(writer_step(&writer));
    expect_stored(0);
    writer.is_ending = true;
    assert_true(writer_step(&writer));
    expect_stored(1);
}

static void a_database_away_keeps_the_batch_and_is_tried_with_growing_pauses(void **state)
{
    (void)state;
    record(1);
    fake.is_away = true;
    fake.code = 2002;
    for (int i = 0; i < 10; i++) {
        fake.code = i % 2 ? 2002 : 2013; /* two reasons in turn: each is said once */
        assert_true(writer_step(&writer));
    }
    assert_int_equal(fake.opened, 10);
    assert_int_equal(fake.napped_ms, 100 + 200 + 400 + 800 + 1600 + 3200 + 4 * 5000);
    assert_int_equal(writer.told_count, 2);
    assert_false(writer.report.is_open);
    assert_string_equal(bytes_cstr(&writer.report.error), "no server");
    assert_true(writer.report.error_ms > 0);
    for (unsigned code = 3000; code < 3020; code++) { /* the list of reasons is bounded */
        fake.code = code;
        writer_step(&writer);
    }
    assert_int_equal(writer.told_count, REASONS_MOST);
    fake.is_away = false;
    run();
    expect_stored(1);
    assert_true(writer.report.is_open);
}

static void a_connection_that_breaks_stores_the_same_batch_again(void **state)
{
    (void)state;
    record(1);
    record(2);
    fake.next[0] = TROUBLE_AWAY;
    fake.next_count = 1;
    run();
    assert_int_equal(fake.opened, 2);
    expect_stored(2);
}

static void a_lock_is_waited_for(void **state)
{
    (void)state;
    record(1);
    fake.next[0] = fake.next[1] = TROUBLE_AGAIN;
    fake.next_count = 2;
    run();
    assert_int_equal(fake.opened, 1);
    assert_int_equal(fake.napped_ms, 2 * 20);
    expect_stored(1);
}

static void a_row_that_is_refused_is_found_and_set_aside(void **state)
{
    char path[100];
    struct stat facts;

    (void)state;
    for (uint64_t seq = 1; seq <= 7; seq++)
        record(seq);
    fake.bad_seq = 5;
    run();
    assert_int_equal(fake.skipped, 1);
    assert_int_equal(fake.stored_count, 6);
    assert_int_equal(writer.report.refused, 1);
    assert_int_equal(writer.report.stored, 7);
    snprintf(path, sizeof(path), "%s/refused.jsonl", spool_path);
    assert_int_equal(stat(path, &facts), 0);
    assert_true(facts.st_size > 0);
}

static void a_segment_goes_when_all_it_held_is_settled(void **state)
{
    char path[120];

    (void)state;
    fake.is_away = true;
    for (uint64_t seq = 1; spool.number < 2; seq++)
        record(seq);
    snprintf(path, sizeof(path), "ls %s/*.spool | wc -l | grep -qx 2", spool_path);
    for (int i = 0; i < 5; i++)
        writer_step(&writer);
    assert_int_equal(system(path), 0); /* NOLINT(cert-env33-c) */
    fake.is_away = false;
    run();
    assert_int_equal(writer.report.stored, spool.records);
    snprintf(path, sizeof(path), "ls %s/*.spool | wc -l | grep -qx 1", spool_path);
    assert_int_equal(system(path), 0); /* NOLINT(cert-env33-c) */
}

static void what_is_no_record_is_passed(void **state)
{
    (void)state;
    spool_add(&spool, VIEW("no record"));
    assert_int_equal(spool_write(&spool), 1);
    record(1);
    run();
    expect_stored(1);
    assert_int_equal(writer.report.stored, 2);
}

static void the_report_is_written_once_a_second(void **state)
{
    (void)state;
    record(1);
    run();
    assert_true(writer.is_report_due);
    writer_report(&writer, 5000);
    assert_false(writer.is_report_due);
    writer.is_report_due = true;
    writer_report(&writer, 5999);
    assert_true(writer.is_report_due);
    writer_report(&writer, 6000);
    assert_false(writer.is_report_due);
}

#define WRITER(test) cmocka_unit_test_setup_teardown(test, fresh, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WRITER(records_are_stored_in_order_and_counted),
        WRITER(few_records_wait_for_company),
        WRITER(a_database_away_keeps_the_batch_and_is_tried_with_growing_pauses),
        WRITER(a_connection_that_breaks_stores_the_same_batch_again),
        WRITER(a_lock_is_waited_for),
        WRITER(a_row_that_is_refused_is_found_and_set_aside),
        WRITER(a_segment_goes_when_all_it_held_is_settled),
        WRITER(what_is_no_record_is_passed),
        WRITER(the_report_is_written_once_a_second),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
