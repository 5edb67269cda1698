/* SPDX-License-Identifier: Apache-2.0 */
/* Writing the spool: what counts as written is there after a restart, whatever the disk did. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "recorder/spool_test.h"

enum { RECORD_SIZE = 8 + 100, HEADER = 24 };

static uint32_t last_read, heads_read;
static int syncs_to_fail;

/* In place of libc's: a disk that fails as often as it is told to. */
int fdatasync(int fd)
{
    if (syncs_to_fail > 0) {
        syncs_to_fail--;
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

/* Numbers must come in order; a head is a payload of 5 bytes. */
static bool on_payload(void *owner, struct view payload)
{
    (void)owner;
    if (payload.len == 5) {
        heads_read++;
        return false;
    }
    assert_int_equal(spool_number(payload), last_read + 1);
    last_read++;
    return true;
}

static void on_begin(void *owner, struct spool *spool, struct bytes *out)
{
    (void)owner;
    spool_note(spool, out, VIEW("heads"));
}

static void start(struct spool *spool, uint64_t limit, uint32_t last_known)
{
    last_read = last_known;
    heads_read = 0;
    spool_open(spool, spool_folder, limit, on_payload, NULL);
    spool->on_begin = on_begin;
}

static void write_numbers(struct spool *spool, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i <= to; i++)
        spool_add_number(spool, i);
    assert_int_equal(spool_write(spool), to - from + 1);
}

static uint64_t file_size(const char *name)
{
    char path[200];
    struct stat facts;

    snprintf(path, sizeof(path), "%s/%s", spool_folder, name);
    assert_int_equal(stat(path, &facts), 0);
    return (uint64_t)facts.st_size;
}

/* No file may grow beyond this: a write that would ends short, like one on a full disk. */
static void limit_files(rlim_t size)
{
    struct rlimit limit;

    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = size;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void nothing_is_made_before_the_first_record(void **state)
{
    struct spool spool;

    (void)state;
    start(&spool, 1000, 0);
    assert_int_equal(spool_write(&spool), 0);
    assert_true(spool_sync(&spool));
    assert_string_equal(spool_folder_list(), "");
    spool_close(&spool);
}

static void what_was_written_is_read_at_the_next_start(void **state)
{
    struct spool spool;

    (void)state;
    start(&spool, 1 << 20, 0);
    write_numbers(&spool, 1, 10);
    write_numbers(&spool, 11, 12);
    assert_int_equal(spool.records, 12);
    spool_close(&spool);
    start(&spool, 1 << 20, 0);
    assert_int_equal(last_read, 12);
    assert_int_equal(heads_read, 1);
    assert_int_equal(spool.records, 12);
    assert_string_equal(spool_folder_list(), "000000000001.spool ");
    write_numbers(&spool, 13, 13);
    assert_string_equal(spool_folder_list(), "000000000001.spool 000000000002.spool ");
    assert_int_equal(spool_bytes(&spool),
                     file_size("000000000001.spool") + file_size("000000000002.spool"));
    spool_close(&spool);
}

static void a_segment_that_is_full_is_followed_by_one_with_a_head(void **state)
{
    struct spool spool;

    (void)state;
    start(&spool, HEADER + 13 + 3 * RECORD_SIZE, 0);
    for (uint32_t i = 1; i <= 7; i++)
        write_numbers(&spool, i, i);
    assert_string_equal(spool_folder_list(),
                        "000000000001.spool 000000000002.spool 000000000003.spool ");
    assert_int_equal(file_size("000000000001.spool"), HEADER + 13 + 3 * RECORD_SIZE);
    spool_close(&spool);
    start(&spool, 1 << 20,
          6); /* the newest holds the seventh only, and its header says what came before */
    assert_int_equal(last_read, 7);
    assert_int_equal(spool.records, 7);
    assert_int_equal(heads_read, 1);
    spool_close(&spool);
}

/* Or one segment could fill a disk, which its store never deletes while it is the newest. */
static void what_is_written_at_once_goes_into_as_many_segments_as_it_fills(void **state)
{
    struct spool spool;

    (void)state;
    start(&spool, HEADER + 13 + 3 * RECORD_SIZE, 0);
    write_numbers(&spool, 1, 7);
    assert_string_equal(spool_folder_list(),
                        "000000000001.spool 000000000002.spool 000000000003.spool ");
    assert_int_equal(file_size("000000000002.spool"), HEADER + 13 + 3 * RECORD_SIZE);
    assert_int_equal(file_size("000000000003.spool"), HEADER + 13 + RECORD_SIZE);
    spool_close(&spool);
    start(&spool, HEADER, 6); /* not even a record fits, and so each has its own */
    write_numbers(&spool, 8, 9);
    assert_string_equal(
        spool_folder_list(),
        "000000000001.spool 000000000002.spool 000000000003.spool 000000000004.spool "
        "000000000005.spool ");
    spool_close(&spool);
}

static void a_torn_end_of_any_length_is_cut(void **state)
{
    (void)state;
    for (off_t cut = 1; cut < RECORD_SIZE; cut += 7) {
        struct spool spool;
        void *none = NULL;
        char path[200];

        start(&spool, 1 << 20, 0);
        write_numbers(&spool, 1, 4);
        spool_close(&spool);
        snprintf(path, sizeof(path), "%s/000000000001.spool", spool_folder);
        assert_int_equal(truncate(path, (off_t)file_size("000000000001.spool") - cut), 0);
        start(&spool, 1 << 20, 0);
        assert_int_equal(last_read, 3);
        assert_int_equal(spool.records, 3);
        assert_int_equal(file_size("000000000001.spool"), HEADER + 13 + 3 * RECORD_SIZE);
        spool_close(&spool);
        assert_int_equal(spool_folder_remove(&none), 0);
        assert_int_equal(spool_folder_make(&none), 0);
    }
}

static void a_short_write_keeps_whole_records_and_leaves_no_half(void **state)
{
    struct spool spool;
    uint64_t whole = HEADER + 13 + 5 * RECORD_SIZE;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    for (rlim_t more = 0; more < RECORD_SIZE; more += 9) {
        void *none = NULL;

        start(&spool, 1 << 20, 0);
        write_numbers(&spool, 1, 3);
        for (uint32_t i = 4; i <= 9; i++)
            spool_add_number(&spool, i);
        limit_files(whole + more);
        assert_int_equal(spool_write(&spool), 2);
        assert_int_equal(spool.error, EFBIG);
        assert_int_equal(spool.pending_count, 4);
        assert_int_equal(file_size("000000000001.spool"), whole);
        assert_int_equal(spool_write(&spool), 0);
        assert_int_equal(file_size("000000000001.spool"), whole);
        limit_files(RLIM_INFINITY);
        assert_int_equal(spool_write(&spool), 4);
        assert_int_equal(spool.error, 0);
        spool_close(&spool);
        start(&spool, 1 << 20, 0);
        assert_int_equal(last_read, 9);
        spool_close(&spool);
        assert_int_equal(spool_folder_remove(&none), 0);
        assert_int_equal(spool_folder_make(&none), 0);
    }
}

static void a_segment_that_can_not_be_begun_leaves_nothing_behind(void **state)
{
    struct spool spool;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    start(&spool, 1 << 20, 0);
    spool_add_number(&spool, 1);
    limit_files(HEADER + 2);
    assert_int_equal(spool_write(&spool), 0);
    assert_int_equal(spool.error, EFBIG);
    assert_string_equal(spool_folder_list(), "");
    limit_files(RLIM_INFINITY);
    assert_int_equal(spool_write(&spool), 1);
    assert_string_equal(spool_folder_list(), "000000000001.spool ");
    spool_close(&spool);
}

static void a_newest_segment_with_a_bad_header_is_passed_over(void **state)
{
    struct spool spool;
    char path[200];
    FILE *file;

    (void)state;
    start(&spool, 1 << 20, 0);
    write_numbers(&spool, 1, 5);
    spool_close(&spool);
    snprintf(path, sizeof(path), "%s/000000000002.spool", spool_folder);
    file = fopen(path, "w");
    fputs("this is no segment, whatever its name says", file);
    fclose(file);
    start(&spool, 1 << 20, 0);
    assert_int_equal(last_read, 5);
    write_numbers(&spool, 6, 6);
    assert_string_equal(spool_folder_list(),
                        "000000000001.spool 000000000002.spool 000000000003.spool ");
    spool_close(&spool);
}

/* From now on the disk has no room for more of this file. */
static void fill_disk(struct spool *spool)
{
    int full = open("/dev/full", O_RDWR | O_CLOEXEC);

    assert_true(full >= 0);
    assert_int_equal(dup2(full, spool->fd), spool->fd);
    close(full);
}

static void a_full_disk_gets_the_reserves_room_for_another_segment(void **state)
{
    struct spool spool;

    (void)state;
    start(&spool, 1 << 20, 0);
    write_numbers(&spool, 1, 2);
    assert_true(spool.has_reserve);
    fill_disk(&spool);
    write_numbers(&spool, 3, 4);
    assert_false(spool.has_reserve);
    assert_string_equal(spool_folder_list(), "000000000001.spool 000000000002.spool ");
    spool_reserve(&spool);
    assert_true(spool.has_reserve);
    assert_int_equal(file_size("reserve"), 64 * 1024);
    spool_close(&spool);
    start(&spool, 1 << 20, 2);
    assert_int_equal(last_read, 4);
    assert_int_equal(spool.records, 4);
    assert_true(spool.has_reserve);
    spool_close(&spool);
}

static void with_no_reserve_left_records_wait(void **state)
{
    struct spool spool;

    (void)state;
    start(&spool, 1 << 20, 0);
    write_numbers(&spool, 1, 2);
    spool.has_reserve = false;
    fill_disk(&spool);
    spool_add_number(&spool, 3);
    assert_int_equal(spool_write(&spool), 0);
    assert_int_equal(spool.error, ENOSPC);
    assert_int_equal(spool.pending_count, 1);
    assert_int_equal(spool.records, 2);
    spool_close(&spool);
}

static void what_the_disk_does_not_take_for_good_goes_into_another_segment(void **state)
{
    struct spool spool;

    (void)state;
    start(&spool, 1 << 20, 0);
    spool.syncs_always = true;
    write_numbers(&spool, 1, 1);
    spool_add_number(&spool, 2);
    syncs_to_fail = 1;
    assert_int_equal(spool_write(&spool), 0);
    assert_int_equal(spool.error, EIO);
    assert_int_equal(spool.pending_count, 1);
    assert_int_equal(spool_write(&spool), 1);
    assert_string_equal(spool_folder_list(), "000000000001.spool 000000000002.spool ");
    spool_close(&spool);
    start(&spool, 1 << 20, 1);
    assert_int_equal(last_read, 2);
    spool_close(&spool);
}

static void a_sync_that_fails_is_told_once(void **state)
{
    struct spool spool;

    (void)state;
    start(&spool, HEADER + 13 + RECORD_SIZE, 0);
    write_numbers(&spool, 1, 1);
    syncs_to_fail = 1;
    assert_false(spool_sync(&spool));
    assert_int_equal(spool.error, EIO);
    assert_true(spool_sync(&spool));
    write_numbers(&spool, 2, 2);
    syncs_to_fail = 1; /* at the end of a segment that is full it costs nothing but its word */
    write_numbers(&spool, 3, 3);
    assert_string_equal(spool_folder_list(),
                        "000000000001.spool 000000000002.spool 000000000003.spool ");
    spool_close(&spool);
    syncs_to_fail = 0;
}

static bool on_any(void *owner, struct view payload)
{
    (void)owner;
    if (payload.len == 5)
        return false;
    last_read = spool_number(payload);
    return true;
}

static void a_damaged_record_costs_only_itself(void **state)
{
    struct spool spool;
    char path[200];
    int fd;

    (void)state;
    start(&spool, 1 << 20, 0);
    write_numbers(&spool, 1, 4);
    spool_close(&spool);
    snprintf(path, sizeof(path), "%s/000000000001.spool", spool_folder);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "x", 1, HEADER + 13 + RECORD_SIZE + 50), 1);
    close(fd);
    spool_open(&spool, spool_folder, 1 << 20, on_any, NULL);
    assert_int_equal(last_read, 4);
    assert_int_equal(spool.records, 3);
    spool_close(&spool);
}

static void when_all_that_is_left_is_bad_it_begins_behind_it(void **state)
{
    struct spool spool;
    char path[200];
    FILE *file;

    (void)state;
    snprintf(path, sizeof(path), "%s/000000000007.spool", spool_folder);
    file = fopen(path, "w");
    fputs("bad", file);
    fclose(file);
    start(&spool, 1 << 20, 0);
    assert_int_equal(spool.records, 0);
    write_numbers(&spool, 1, 1);
    assert_string_equal(spool_folder_list(), "000000000007.spool 000000000008.spool ");
    spool_close(&spool);
}

static void a_folder_that_is_none_ends_the_process(void **state)
{
    char path[200];
    pid_t child;
    int status;

    (void)state;
    snprintf(path, sizeof(path), "%s/file", spool_folder);
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    child = fork();
    if (child == 0) {
        struct spool spool;

        if (!freopen("/dev/null", "w", stderr))
            exit(9);
        spool_open(&spool, path, 1 << 20, on_payload, NULL);
        exit(0);
    }
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
}

int main(void)
{
#define IN_FOLDER(test)                                                                            \
    cmocka_unit_test_setup_teardown(test, spool_folder_make, spool_folder_remove)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(nothing_is_made_before_the_first_record),
        IN_FOLDER(what_was_written_is_read_at_the_next_start),
        IN_FOLDER(a_segment_that_is_full_is_followed_by_one_with_a_head),
        IN_FOLDER(what_is_written_at_once_goes_into_as_many_segments_as_it_fills),
        IN_FOLDER(a_torn_end_of_any_length_is_cut),
        IN_FOLDER(a_short_write_keeps_whole_records_and_leaves_no_half),
        IN_FOLDER(a_segment_that_can_not_be_begun_leaves_nothing_behind),
        IN_FOLDER(a_newest_segment_with_a_bad_header_is_passed_over),
        IN_FOLDER(a_full_disk_gets_the_reserves_room_for_another_segment),
        IN_FOLDER(with_no_reserve_left_records_wait),
        IN_FOLDER(what_the_disk_does_not_take_for_good_goes_into_another_segment),
        IN_FOLDER(a_sync_that_fails_is_told_once),
        IN_FOLDER(a_damaged_record_costs_only_itself),
        IN_FOLDER(when_all_that_is_left_is_bad_it_begins_behind_it),
        IN_FOLDER(a_folder_that_is_none_ends_the_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
