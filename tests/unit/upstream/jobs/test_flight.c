/* SPDX-License-Identifier: Apache-2.0 */
/* Flight files: what is in them after every kind of end. */
#include "jobs/flight.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/test-flight-XXXXXX";

static const struct msg_record sample = {
    .time_ms = 1768460400123,
    .frontend = 0x1122334455667788,
    .call = 7,
    .attempt = 2,
    .client = 99,
    .key_id = 0xfeedface,
    .model = {"gemini-3.5-flash", 16},
    .operation = {"generateContent", 15},
    .stream = true,
    .status = 200,
    .fault = {"none", 4},
    .first_ms = 120,
    .total_ms = 450,
    .tokens_in = 11,
    .tokens_out = 22,
    .tokens_thoughts = 33,
    .tokens_cached = 4,
    .bytes_in = 1000,
    .bytes_out = 2000,
    .route = {"/v1/chat/completions", 20},
    .request = 0xabc,
    .asked_ms = 1768460400100,
    .read_us = 1,
    .translate_us = 2,
    .wait_us = 3,
    .pick_us = 4,
    .keys = 10,
    .cooling = 5,
    .spent = 6,
    .dead = 7,
    .off = 8,
    .no_room = 9,
    .chosen_by = {"only", 4},
    .proxy = {"proxy:8080", 10},
    .connect_us = 11,
    .retry_ms = 36430,
    .quota_id = {"PerDay", 6},
    .quota_value = 250,
    .words = {"no quota", 8},
    .before = {"server empty", 12},
    .reply_us = 12,
    .last = true,
};

static char *path_of(uint64_t incarnation)
{
    static char path[200];

    snprintf(path, sizeof(path), "%s/%llx.flight", folder, (unsigned long long)incarnation);
    return path;
}

/* In a child: begins `begun` attempts, ends the first `ended`, has `recorded` of them recorded, and
 * dies. */
static void live_and_die(uint64_t incarnation, size_t slots, int begun, int ended, int recorded)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        struct flight flight;
        uint32_t slot[64];
        struct msg_record record = sample;

        flight_create(&flight, folder, incarnation, slots);
        for (int i = 0; i < begun; i++) {
            record.call = (uint64_t)i;
            slot[i] = flight_begin(&flight, &record);
        }
        for (int i = 0; i < ended; i++)
            flight_end(&flight, slot[i], &record);
        flight_recorded(&flight, (uint64_t)recorded);
        _exit(0); /* as a kill would: nothing is closed by us */
    }
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
}

static void a_record_comes_out_as_it_went_in(void **state)
{
    struct flight flight;
    struct msg_record seen;
    uint32_t slot;

    (void)state;
    flight_create(&flight, folder, 0xa1, 100);
    slot = flight_begin(&flight, &sample);
    assert_int_equal(slot, 0);
    assert_false(flight_is_empty(&flight));
    flight_end(&flight, slot, &sample);
    assert_int_equal(flight.order_count, 1);
    flight_record(&flight, 0, &seen);
    assert_int_equal(seen.sender, 0xa1);
    assert_int_equal(seen.seq, 1);
    assert_true(view_equal(seen.model, sample.model));
    assert_true(view_equal(seen.operation, sample.operation));
    assert_true(view_equal(seen.fault, sample.fault));
    seen.sender = seen.seq = 0;
    seen.model = sample.model;
    seen.operation = sample.operation;
    seen.fault = sample.fault;
    assert_true(view_equal(seen.route, sample.route));
    assert_true(view_equal(seen.chosen_by, sample.chosen_by));
    assert_true(view_equal(seen.proxy, sample.proxy));
    assert_true(view_equal(seen.quota_id, sample.quota_id));
    assert_true(view_equal(seen.words, sample.words));
    assert_true(view_equal(seen.before, sample.before));
    seen.route = sample.route;
    seen.chosen_by = sample.chosen_by;
    seen.proxy = sample.proxy;
    seen.quota_id = sample.quota_id;
    seen.words = sample.words;
    seen.before = sample.before;
    assert_memory_equal(&seen, &sample, sizeof(seen));
    assert_int_equal(flight_recorded(&flight, 1), 1);
    assert_true(flight_is_empty(&flight));
    flight_close(&flight);
    assert_int_not_equal(access(path_of(0xa1), F_OK), 0);
}

/* What is held has no seq, and so does not go out; of a dead process it does, as it ended. */
static void what_is_held_waits_for_the_rest(void **state)
{
    struct msg_record rest = {.reply_us = 99, .last = true}, seen;
    struct flight flight, dead;
    uint32_t first, second;
    pid_t pid = fork();
    int status;

    (void)state;
    if (pid == 0) {
        flight_create(&dead, folder, 0xd1, 10);
        first = flight_begin(&dead, &sample);
        flight_hold(&dead, first, &sample);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    assert_int_equal(flight_adopt(&dead, path_of(0xd1)), ADOPTED);
    assert_int_equal(dead.order_count, 1);
    flight_record(&dead, 0, &seen);
    assert_true(view_equal(seen.fault, sample.fault));
    assert_int_equal(seen.tokens_out, 22);
    assert_int_equal(seen.reply_us, 0);
    assert_true(seen.last);
    flight_recorded(&dead, 1);
    flight_close(&dead);

    flight_create(&flight, folder, 0xd2, 10);
    first = flight_begin(&flight, &sample);
    second = flight_begin(&flight, &sample);
    flight_hold(&flight, first, &sample);
    flight_hold(&flight, FLIGHT_NO_SLOT, &sample);
    assert_int_equal(flight.order_count, 0);
    flight_end(&flight, second, &sample);
    flight_end(&flight, first, &rest);
    assert_int_equal(flight.order_count, 2);
    flight_record(&flight, 1, &seen);
    assert_int_equal(seen.seq, 2);
    assert_int_equal(seen.reply_us, 99);
    assert_int_equal(seen.total_ms, 450);
    flight_recorded(&flight, 2);
    flight_close(&flight);
}

static void seq_is_given_at_the_end_and_slots_are_used_again(void **state)
{
    struct flight flight;
    struct msg_record seen;
    uint32_t first, second, third;

    (void)state;
    flight_create(&flight, folder, 0xa2, 100);
    first = flight_begin(&flight, &sample);
    second = flight_begin(&flight, &sample);
    flight_end(&flight, second, &sample);
    flight_end(&flight, first, &sample);
    flight_record(&flight, 0, &seen);
    assert_int_equal(seen.seq, 1);
    assert_int_equal(flight_recorded(&flight, 1), 1);
    third = flight_begin(&flight, &sample);
    assert_int_equal(third, second);
    flight_end(&flight, third, &sample);
    assert_int_equal(flight_recorded(&flight, 3), 2);
    assert_int_equal(flight_recorded(&flight, 3), 0);
    for (int i = 0; i < 1000; i++) {
        uint32_t slot = flight_begin(&flight, &sample);
        assert_int_equal(slot, 0);
        flight_end(&flight, slot, &sample);
        flight_recorded(&flight, UINT64_MAX);
    }
    assert_true(flight.file_len <= 128 * 1024);
    flight_close(&flight);
}

static void a_full_file_counts_what_it_could_not_keep(void **state)
{
    struct flight flight;
    struct msg_record seen;
    uint32_t slots[3];

    (void)state;
    flight_create(&flight, folder, 0xa3, 3);
    for (int i = 0; i < 3; i++)
        slots[i] = flight_begin(&flight, &sample);
    assert_int_equal(flight_begin(&flight, &sample), FLIGHT_NO_SLOT);
    flight_end(&flight, FLIGHT_NO_SLOT, &sample);
    flight_end(&flight, FLIGHT_NO_SLOT, &sample);
    flight_end(&flight, slots[0], &sample);
    flight_end(&flight, slots[1], &sample);
    flight_record(&flight, 0, &seen);
    assert_int_equal(seen.gap, 2);
    assert_int_equal(seen.seq, 1);
    flight_record(&flight, 1, &seen);
    assert_int_equal(seen.gap, 0);
    assert_int_equal(seen.seq, 2);
    flight_end(&flight, slots[2], &sample);
    flight_recorded(&flight, 3);
    flight_close(&flight);
}

static void the_living_are_not_adopted(void **state)
{
    struct flight flight, other;

    (void)state;
    flight_create(&flight, folder, 0xa4, 100);
    assert_int_equal(flight_adopt(&other, path_of(0xa4)), ADOPTION_HELD);
    flight_close(&flight);
    assert_int_equal(flight_adopt(&other, path_of(0xa4)), ADOPTION_GONE);
}

static void the_dead_are_adopted_and_what_was_under_way_is_lost(void **state)
{
    struct flight flight;
    struct msg_record seen;

    (void)state;
    live_and_die(0xb1, 100, 10, 6, 4);
    assert_int_equal(flight_adopt(&flight, path_of(0xb1)), ADOPTED);
    assert_int_equal(flight.incarnation, 0xb1);
    assert_int_equal(flight.order_count, 6);
    assert_int_equal(flight.corrupt, 0);
    for (size_t i = 0; i < 6; i++) {
        flight_record(&flight, i, &seen);
        assert_int_equal(seen.seq, i + 5);
        assert_true(view_equal(seen.fault, i < 2 ? VIEW("none") : VIEW("lost")));
        assert_int_equal(seen.sender, 0xb1);
    }
    assert_int_equal(seen.status, 0);
    assert_int_equal(seen.call, 9);
    assert_true(view_equal(seen.model, sample.model));
    assert_int_equal(flight_recorded(&flight, 7), 3);
    flight_close(&flight); /* not all are recorded: the file stays */
    assert_int_equal(flight_adopt(&flight, path_of(0xb1)), ADOPTED);
    assert_int_equal(flight.order_count, 3);
    flight_record(&flight, 0, &seen);
    assert_int_equal(seen.seq, 8);
    flight_recorded(&flight, 10);
    flight_close(&flight);
    assert_int_equal(flight_adopt(&flight, path_of(0xb1)), ADOPTION_GONE);
}

static void lost_ones_never_get_a_seq_that_was_given(void **state)
{
    struct flight flight;
    struct msg_record seen;

    (void)state;
    live_and_die(0xb2, 100, 6, 5, 5); /* all five records are gone from the file */
    assert_int_equal(flight_adopt(&flight, path_of(0xb2)), ADOPTED);
    assert_int_equal(flight.order_count, 1);
    flight_record(&flight, 0, &seen);
    assert_int_equal(seen.seq, 6);
    flight_recorded(&flight, 6);
    flight_close(&flight);
}

static void change(uint64_t incarnation, long offset, const char *with, size_t len)
{
    int fd = open(path_of(incarnation), O_RDWR);

    assert_int_equal(pwrite(fd, with, len, offset), len);
    close(fd);
}

static void corrupt_files_are_set_aside(void **state)
{
    struct flight flight;
    char aside[220];

    (void)state;
    live_and_die(0xc1, 100, 3, 1, 0);
    change(0xc1, 0, "X", 1);
    assert_int_equal(flight_adopt(&flight, path_of(0xc1)), ADOPTION_BAD);
    assert_int_equal(flight_adopt(&flight, path_of(0xc1)), ADOPTION_GONE);
    snprintf(aside, sizeof(aside), "%s.bad", path_of(0xc1));
    assert_int_equal(access(aside, F_OK), 0);
}

static void a_file_cut_short_is_set_aside(void **state)
{
    struct flight flight;

    (void)state;
    live_and_die(0xc3, 100, 3, 1, 0);
    assert_int_equal(truncate(path_of(0xc3), 100), 0);
    assert_int_equal(flight_adopt(&flight, path_of(0xc3)), ADOPTION_BAD);
    live_and_die(0xc4, 100, 3, 1, 0);
    assert_int_equal(truncate(path_of(0xc4), 4096 + 1024 + 100), 0);
    assert_int_equal(flight_adopt(&flight, path_of(0xc4)), ADOPTED);
    assert_int_equal(flight.order_count, 1);
    flight_recorded(&flight, UINT64_MAX);
    flight_close(&flight);
}

static void corrupt_slots_are_left_out_and_the_file_is_kept(void **state)
{
    struct flight flight;
    char aside[220];

    (void)state;
    live_and_die(0xc5, 100, 4, 2, 0);
    change(0xc5, 4096 + 0 * 1024 + 40, "XXXX", 4);  /* an ended one */
    change(0xc5, 4096 + 3 * 1024 + 40, "XXXX", 4);  /* one under way */
    change(0xc5, 4096 + 7 * 1024, "\x09\0\0\0", 4); /* no state at all */
    assert_int_equal(flight_adopt(&flight, path_of(0xc5)), ADOPTED);
    assert_int_equal(flight.corrupt, 3);
    assert_int_equal(flight.order_count, 2);
    flight_recorded(&flight, UINT64_MAX);
    flight_close(&flight);
    snprintf(aside, sizeof(aside), "%s.bad", path_of(0xc5));
    assert_int_equal(access(aside, F_OK), 0);
}

static void a_kill_between_slot_and_header_gives_no_seq_twice(void **state)
{
    struct flight flight;
    struct msg_record seen;

    (void)state;
    live_and_die(0xc6, 100, 4, 3, 0);
    change(0xc6, 8 + 4 + 4 + 8 + 8 + 4 + 4, "\x02\0\0\0\0\0\0\0", 8); /* last_seq: one behind */
    assert_int_equal(flight_adopt(&flight, path_of(0xc6)), ADOPTED);
    assert_int_equal(flight.order_count, 4);
    flight_record(&flight, 3, &seen);
    assert_int_equal(seen.seq, 4);
    flight_recorded(&flight, UINT64_MAX);
    flight_close(&flight);
}

static void many_records_keep_their_order(void **state)
{
    struct flight flight;
    struct msg_record seen;
    uint32_t slots[1000];
    uint64_t recorded = 0;

    (void)state;
    flight_create(&flight, folder, 0xd1, 5000);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 1000; i++)
            slots[i] = flight_begin(&flight, &sample);
        for (int i = 999; i >= 0; i--)
            flight_end(&flight, slots[i], &sample);
        recorded += 700 + (uint64_t)round;
        flight_recorded(&flight, recorded);
        flight_record(&flight, 0, &seen);
        assert_int_equal(seen.seq, recorded + 1);
        flight_record(&flight, flight.order_count - 1, &seen);
        assert_int_equal(seen.seq, 1000 * (round + 1));
        if (flight.order_count > 3900)
            break;
    }
    flight_recorded(&flight, UINT64_MAX);
    flight_close(&flight);
}

static void without_a_place_for_the_file_records_live_in_memory(void **state)
{
    struct flight flight;
    struct msg_record seen;
    uint32_t slots[600];

    (void)state;
    flight_create(&flight, "/nowhere/at/all", 0xe1, 1000);
    for (int i = 0; i < 600; i++)
        slots[i] = flight_begin(&flight, &sample);
    for (int i = 0; i < 600; i++)
        flight_end(&flight, slots[i], &sample);
    flight_record(&flight, 599, &seen);
    assert_int_equal(seen.seq, 600);
    assert_true(view_equal(seen.model, sample.model));
    assert_int_equal(flight_recorded(&flight, 600), 600);
    flight_close(&flight);
}

/* A file may not grow beyond RLIMIT_FSIZE, which is the nearest to a full disk that needs no mount.
 */
static void a_full_disk_is_a_full_file(void **state)
{
    pid_t pid = fork();
    int status;

    (void)state;
    if (pid == 0) {
        struct rlimit limit = {128 * 1024, 128 * 1024};
        struct flight flight;
        int kept = 0;

        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        flight_create(&flight, folder, 0xe2, 10000);
        while (flight_begin(&flight, &sample) != FLIGHT_NO_SLOT)
            kept++;
        flight_end(&flight, FLIGHT_NO_SLOT, &sample);
        _exit(kept == (128 * 1024 - 4096) / 1024 && flight.gap == 1 ? 0 : 1);
    }
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
}

static int folder_make(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int folder_remove(void **state)
{
    char command[200];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_comes_out_as_it_went_in),
        cmocka_unit_test(what_is_held_waits_for_the_rest),
        cmocka_unit_test(seq_is_given_at_the_end_and_slots_are_used_again),
        cmocka_unit_test(a_full_file_counts_what_it_could_not_keep),
        cmocka_unit_test(the_living_are_not_adopted),
        cmocka_unit_test(the_dead_are_adopted_and_what_was_under_way_is_lost),
        cmocka_unit_test(lost_ones_never_get_a_seq_that_was_given),
        cmocka_unit_test(corrupt_files_are_set_aside),
        cmocka_unit_test(a_file_cut_short_is_set_aside),
        cmocka_unit_test(corrupt_slots_are_left_out_and_the_file_is_kept),
        cmocka_unit_test(a_kill_between_slot_and_header_gives_no_seq_twice),
        cmocka_unit_test(many_records_keep_their_order),
        cmocka_unit_test(without_a_place_for_the_file_records_live_in_memory),
        cmocka_unit_test(a_full_disk_is_a_full_file),
    };

    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
