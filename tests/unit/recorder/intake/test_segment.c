/* SPDX-License-Identifier: Apache-2.0 */
/* The spool's file format: what is believed, and what a damaged byte costs. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "intake/segment.h"

enum { SALT = 0x5a175a17 };

static char folder[] = "/tmp/segment-test-XXXXXX";
static int folder_fd;

static int folder_make(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    folder_fd = open(folder, O_RDONLY | O_DIRECTORY);
    return folder_fd < 0;
}

static int folder_remove(void **state)
{
    (void)state;
    unlinkat(folder_fd, "000000000007.spool", 0);
    close(folder_fd);
    return rmdir(folder);
}

/* Writes the file of segment 7, whole. */
static void file_write(const struct bytes *data)
{
    int fd = openat(folder_fd, "000000000007.spool", O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_int_equal(write(fd, data->at, data->len), data->len);
    close(fd);
}

static void put_numbers(struct bytes *file, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        char text[100];
        int len = snprintf(text, sizeof(text), "record number %u %.*s", i, (int)(i % 50),
                           "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
        segment_put(file, SALT, (struct view){text, (size_t)len});
    }
}

static unsigned number_in(struct view payload)
{
    unsigned number = 0;

    assert_true(view_starts(payload, VIEW("record number ")));
    for (size_t i = 14; i < payload.len && payload.at[i] != ' '; i++)
        number = 10 * number + (unsigned)(payload.at[i] - '0');
    return number;
}

static void a_header_is_known_by_its_sum(void **state)
{
    struct bytes file = {0};
    uint64_t first;
    uint32_t salt;

    (void)state;
    segment_begin(&file, 123456789012345, SALT);
    assert_int_equal(file.len, SEGMENT_HEADER);
    assert_true(segment_is(bytes_view(&file), &first, &salt));
    assert_int_equal(first, 123456789012345);
    assert_int_equal(salt, SALT);
    for (size_t i = 0; i < SEGMENT_HEADER; i++) {
        file.at[i] ^= 4;
        assert_false(segment_is(bytes_view(&file), &first, &salt));
        file.at[i] ^= 4;
    }
    assert_false(segment_is((struct view){file.at, SEGMENT_HEADER - 1}, &first, &salt));
    bytes_clear(&file);
}

static void one_wrong_byte_anywhere_costs_its_record_and_no_other(void **state)
{
    struct bytes file = {0};
    size_t borders[4] = {0};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        put_numbers(&file, i, i + 1);
        borders[i + 1] = file.len;
    }
    for (size_t at = 0; at < file.len; at++) {
        struct view rest = bytes_view(&file), payload;
        size_t bad, all_bad = 0;
        unsigned found = 0;

        file.at[at] ^= 0x21;
        while (segment_take(&rest, SALT, &payload, &bad)) {
            found |= 1u << number_in(payload);
            all_bad += bad;
        }
        file.at[at] ^= 0x21;
        for (unsigned i = 0; i < 3; i++) {
            bool is_hit = at >= borders[i] && at < borders[i + 1];
            assert_int_equal(found >> i & 1, !is_hit);
            if (is_hit && i < 2)
                assert_int_equal(all_bad, borders[i + 1] - borders[i]);
        }
    }
    bytes_clear(&file);
}

static void a_record_inside_another_is_not_believed(void **state)
{
    struct bytes inner = {0}, file = {0};
    struct view rest, payload;
    size_t bad;

    (void)state;
    segment_put(&inner, SALT + 1, VIEW("forged by someone who does not know the salt"));
    segment_put(&file, SALT, bytes_view(&inner));
    file.at[0] ^= 1; /* even where the outer one is damaged */
    rest = bytes_view(&file);
    assert_false(segment_take(&rest, SALT, &payload, &bad));
    assert_int_equal(rest.len, file.len);
    bytes_clear(&inner);
    bytes_clear(&file);
}

static void a_long_file_is_read_in_order_over_all_its_borders(void **state)
{
    struct bytes file = {0};
    struct segment segment;
    struct view payload;

    (void)state;
    segment_begin(&file, 1, SALT);
    put_numbers(&file, 0, 5000);
    assert_true(file.len > 3 * 64 * 1024);
    file_write(&file);
    assert_true(segment_open(&segment, folder_fd, 7, O_RDONLY));
    for (unsigned i = 0; i < 5000; i++) {
        assert_true(segment_next(&segment, &payload));
        assert_int_equal(number_in(payload), i);
    }
    assert_false(segment_next(&segment, &payload));
    assert_int_equal(segment_end(&segment), file.len);
    assert_int_equal(segment.bad, 0);
    segment_close(&segment);
    bytes_clear(&file);
}

static void garbage_longer_than_any_record_is_passed_over(void **state)
{
    struct bytes file = {0};
    struct segment segment;
    struct view payload;
    size_t garbage = 200 * 1000;

    (void)state;
    segment_begin(&file, 1, SALT);
    put_numbers(&file, 0, 1);
    for (size_t i = 0; i < garbage; i++)
        *bytes_room(&file, 1) = (char)(i * i >> 3), file.len++;
    put_numbers(&file, 1, 2);
    file_write(&file);
    assert_true(segment_open(&segment, folder_fd, 7, O_RDONLY));
    assert_true(segment_next(&segment, &payload));
    assert_true(segment_next(&segment, &payload));
    assert_int_equal(number_in(payload), 1);
    assert_int_equal(segment.bad, garbage);
    assert_false(segment_next(&segment, &payload));
    segment_close(&segment);
    bytes_clear(&file);
}

static void a_record_that_is_being_written_is_waited_for_even_if_it_changes(void **state)
{
    struct bytes file = {0};
    struct segment segment;
    struct view payload;
    size_t whole;

    (void)state;
    segment_begin(&file, 1, SALT);
    put_numbers(&file, 0, 3);
    whole = file.len;
    put_numbers(&file, 3, 4);
    for (size_t cut = whole; cut < file.len; cut++) {
        struct bytes half = {0};

        bytes_append(&half, (struct view){file.at, cut});
        file_write(&half);
        assert_true(segment_open(&segment, folder_fd, 7, O_RDONLY));
        for (int i = 0; i < 3; i++)
            assert_true(segment_next(&segment, &payload));
        assert_false(segment_next(&segment, &payload));
        assert_int_equal(segment_end(&segment), whole);
        half.len = whole; /* the writer took the half record back and wrote another */
        put_numbers(&half, 77, 79);
        file_write(&half);
        assert_true(segment_next(&segment, &payload));
        assert_int_equal(number_in(payload), 77);
        assert_true(segment_next(&segment, &payload));
        assert_int_equal(segment.bad, 0);
        segment_close(&segment);
        bytes_clear(&half);
    }
    bytes_clear(&file);
}

static void a_file_with_a_bad_header_opens_and_holds_nothing(void **state)
{
    struct bytes file = {0};
    struct segment segment;
    struct view payload;

    (void)state;
    segment_begin(&file, 1, SALT);
    put_numbers(&file, 0, 3);
    file.at[0] = 'X';
    file_write(&file);
    assert_true(segment_open(&segment, folder_fd, 7, O_RDONLY));
    assert_false(segment.is_good);
    assert_false(segment_next(&segment, &payload));
    segment_close(&segment);
    assert_false(segment_open(&segment, folder_fd, 8, O_RDONLY));
    bytes_clear(&file);
}

static void files_are_found_by_their_numbers(void **state)
{
    static const char *const names[] = {"000000000003.spool",
                                        "000000000012.spool",
                                        "000000000001.bad",
                                        "000000000020.spool.tmp",
                                        "new.tmp",
                                        "refused.jsonl"};

    (void)state;
    unlinkat(folder_fd, "000000000007.spool", 0);
    assert_int_equal(segment_find(folder_fd, 1), 0);
    assert_int_equal(segment_find_last(folder_fd), 0);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        close(openat(folder_fd, names[i], O_WRONLY | O_CREAT, 0600));
    assert_int_equal(segment_find(folder_fd, 1), 3);
    assert_int_equal(segment_find(folder_fd, 3), 3);
    assert_int_equal(segment_find(folder_fd, 4), 12);
    assert_int_equal(segment_find(folder_fd, 13), 0);
    assert_int_equal(segment_find_last(folder_fd), 12);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        unlinkat(folder_fd, names[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_is_known_by_its_sum),
        cmocka_unit_test(one_wrong_byte_anywhere_costs_its_record_and_no_other),
        cmocka_unit_test(a_record_inside_another_is_not_believed),
        cmocka_unit_test(a_long_file_is_read_in_order_over_all_its_borders),
        cmocka_unit_test(garbage_longer_than_any_record_is_passed_over),
        cmocka_unit_test(a_record_that_is_being_written_is_waited_for_even_if_it_changes),
        cmocka_unit_test(a_file_with_a_bad_header_opens_and_holds_nothing),
        cmocka_unit_test(files_are_found_by_their_numbers),
    };

    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
