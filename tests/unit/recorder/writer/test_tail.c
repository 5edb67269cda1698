/* SPDX-License-Identifier: Apache-2.0 */
/* Following the spool while it is written: order, and when files go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "recorder/spool_test.h"
#include "writer/tail.h"

enum { RECORD_SIZE = 8 + 100, HEADER = 24 };

static bool on_payload(void *owner, struct view payload)
{
    (void)owner, (void)payload;
    return true;
}

static void start(struct spool *spool, uint64_t records_in_segment)
{
    spool_open(spool, spool_folder, HEADER + records_in_segment * RECORD_SIZE, on_payload, NULL);
}

static void write_number(struct spool *spool, uint32_t number)
{
    spool_add_number(spool, number);
    assert_int_equal(spool_write(spool), 1);
}

static void expect_number(struct tail *tail, uint32_t number)
{
    struct view payload;

    assert_int_equal(tail_next(tail, &payload), TAIL_PAYLOAD);
    assert_int_equal(spool_number(payload), number);
}

static void expect(struct tail *tail, enum tail_state state)
{
    struct view payload;

    assert_int_equal(tail_next(tail, &payload), state);
}

static void it_waits_for_the_first_segment_and_for_more_in_it(void **state)
{
    struct spool spool;
    struct tail tail;

    (void)state;
    tail_open(&tail, spool_folder);
    expect(&tail, TAIL_WAIT);
    start(&spool, 100);
    expect(&tail, TAIL_WAIT);
    for (uint32_t i = 1; i <= 20; i++) {
        write_number(&spool, i);
        expect_number(&tail, i);
        expect(&tail, TAIL_WAIT);
    }
    spool_close(&spool);
    tail_close(&tail);
}

static void a_segment_goes_when_it_is_passed_and_the_newest_stays(void **state)
{
    struct spool spool;
    struct tail tail;

    (void)state;
    start(&spool, 2);
    for (uint32_t i = 1; i <= 5; i++)
        write_number(&spool, i);
    tail_open(&tail, spool_folder);
    for (uint32_t i = 1; i <= 5; i++) {
        expect_number(&tail, i);
        if (i % 2)
            continue;
        expect(&tail, TAIL_END);
        expect(&tail, TAIL_END);
        assert_int_equal(tail.segment.first, i - 2);
        tail_pass(&tail);
    }
    expect(&tail, TAIL_WAIT);
    assert_string_equal(spool_folder_list(), "000000000003.spool ");
    write_number(&spool, 6);
    expect_number(&tail, 6);
    expect(&tail, TAIL_WAIT);
    spool_close(&spool);
    tail_close(&tail);
}

static void what_was_not_passed_is_read_again(void **state)
{
    struct spool spool;
    struct tail tail;

    (void)state;
    start(&spool, 2);
    for (uint32_t i = 1; i <= 5; i++)
        write_number(&spool, i);
    spool_close(&spool);
    for (int turn = 0; turn < 2; turn++) {
        tail_open(&tail, spool_folder);
        expect_number(&tail, 1);
        expect_number(&tail, 2);
        expect(&tail, TAIL_END);
        tail_close(&tail);
    }
    assert_string_equal(spool_folder_list(),
                        "000000000001.spool 000000000002.spool 000000000003.spool ");
}

/* Flips a bit of a file. */
static void damage(const char *name, long at)
{
    char path[200];
    FILE *file;
    int byte;

    snprintf(path, sizeof(path), "%s/%s", spool_folder, name);
    file = fopen(path, "r+");
    fseek(file, at, SEEK_SET);
    byte = fgetc(file);
    fseek(file, at, SEEK_SET);
    fputc(byte ^ 8, file);
    fclose(file);
}

static void a_damaged_segment_is_kept_under_another_name(void **state)
{
    struct spool spool;
    struct tail tail;

    (void)state;
    start(&spool, 4);
    for (uint32_t i = 1; i <= 13; i++)
        write_number(&spool, i);
    damage("000000000001.spool", HEADER + RECORD_SIZE + 50);     /* the second record */
    damage("000000000002.spool", HEADER + 3 * RECORD_SIZE + 50); /* the last one */
    damage("000000000003.spool", 3);                             /* the header */
    tail_open(&tail, spool_folder);
    expect_number(&tail, 1);
    expect_number(&tail, 3);
    expect_number(&tail, 4);
    expect(&tail, TAIL_END);
    tail_pass(&tail);
    for (uint32_t i = 5; i <= 7; i++)
        expect_number(&tail, i);
    expect(&tail, TAIL_END);
    tail_pass(&tail);
    expect(&tail, TAIL_END);
    tail_pass(&tail);
    expect_number(&tail, 13);
    assert_string_equal(spool_folder_list(), "000000000001.bad 000000000002.bad 000000000003.bad "
                                             "000000000004.spool ");
    spool_close(&spool);
    tail_close(&tail);
}

static void a_folder_emptied_by_hand_is_begun_anew(void **state)
{
    struct spool spool;
    struct tail tail;
    char path[200];

    (void)state;
    start(&spool, 100);
    write_number(&spool, 1);
    tail_open(&tail, spool_folder);
    expect_number(&tail, 1);
    spool_close(&spool);
    snprintf(path, sizeof(path), "%s/000000000001.spool", spool_folder);
    assert_int_equal(unlink(path), 0);
    start(&spool, 100);
    write_number(&spool, 2); /* in a file of the same name */
    expect(&tail, TAIL_END);
    tail_pass(&tail);
    expect_number(&tail, 2);
    assert_string_equal(spool_folder_list(), "000000000001.spool ");
    spool_close(&spool);
    tail_close(&tail);
}

int main(void)
{
#define IN_FOLDER(test)                                                                            \
    cmocka_unit_test_setup_teardown(test, spool_folder_make, spool_folder_remove)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(it_waits_for_the_first_segment_and_for_more_in_it),
        IN_FOLDER(a_segment_goes_when_it_is_passed_and_the_newest_stays),
        IN_FOLDER(what_was_not_passed_is_read_again),
        IN_FOLDER(a_damaged_segment_is_kept_under_another_name),
        IN_FOLDER(a_folder_emptied_by_hand_is_begun_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
