/* SPDX-License-Identifier: Apache-2.0 */
/* Records on their way to the recorder, those of dead upstreams among them. */
#include "jobs/records.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "settings/options.h"
#include "trace.h"
#include "settings_mine.h"

static char folder[] = "/tmp/test-records-XXXXXX";
static struct link recorder;
static struct records records;
static struct bytes sent; /* (sender seq fault gap), one after another */
static bool is_up;

static const struct msg_record none = {.call = 1, .fault = {"none", 4}};

enum { OWN = 0xb1, DEAD = 0xa1, LOOK_MS = 10001 };

const char *options_path(const char *name)
{
    static struct bytes path;

    path.len = 0;
    bytes_printf(&path, "%s/%s", folder, name);
    return bytes_cstr(&path);
}

bool link_post_lazily(struct link *link, enum message_kind kind, const void *letter)
{
    const struct msg_record *record = letter;

    assert_ptr_equal(link, &recorder);
    assert_int_equal(kind, MSG_RECORD);
    if (is_up)
        bytes_printf(&sent, "(%x %d %.*s %d)", (unsigned)record->sender, (int)record->seq,
                     (int)record->fault.len, record->fault.at, (int)record->gap);
    return is_up;
}

void trace_point(const char *event)
{
    (void)event;
}

static void expect(const char *want)
{
    assert_string_equal(bytes_cstr(&sent), want);
    sent.len = 0;
}

static char *path_of(const char *name)
{
    static char path[200];

    snprintf(path, sizeof(path), "%s/flight/%s", folder, name);
    return path;
}

static bool is_there(const char *name)
{
    return access(path_of(name), F_OK) == 0;
}

/* In a child, which is not let go of: an upstream with so many slots that has begun and ended so many
 * attempts. */
static void live_and_die(size_t slots, int begun, int ended)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        struct flight flight;
        uint32_t slot[8];

        flight_create(&flight, path_of(""), DEAD, slots);
        for (int i = 0; i < begun; i++)
            slot[i] = flight_begin(&flight, &none);
        for (int i = 0; i < ended; i++)
            flight_end(&flight, slot[i], &none);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
}

static void touch(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "w");

    fputs(text, file);
    fclose(file);
}

static int set_up(void **state)
{
    (void)state;
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    settings_mine()->log_level = "ERROR";
    log_open("test", settings_mine()->log_level);
    is_up = true;
    return mkdtemp(folder) && mkdir(path_of(""), 0700) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    char command[100];

    (void)state;
    records_close(&records);
    bytes_clear(&sent);
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command);
}

static void open_records(size_t slots)
{
    records_open(&records, &recorder, OWN, slots);
}

static void attempt(void)
{
    records_end(&records, records_begin(&records, &none), &none);
}

static void what_the_dead_have_left_is_sent_and_its_file_removed(void **state)
{
    (void)state;
    live_and_die(8, 3, 2);
    open_records(8);
    assert_false(records_are_safe(&records));
    records_welcome(&records);
    expect("(a1 1 none 0)(a1 2 none 0)(a1 3 lost 0)");
    attempt();
    expect("(b1 1 none 0)");
    assert_int_equal(records_waiting(&records), 4);
    records_recorded(&records, DEAD, 2);
    assert_true(is_there("a1.flight"));
    records_recorded(&records, DEAD, 3);
    assert_false(is_there("a1.flight"));
    records_recorded(&records, DEAD, 3); /* a late one */
    assert_int_equal(records_waiting(&records), 1);
    records_recorded(&records, OWN, 1);
    assert_true(records_are_safe(&records));
    expect("");
}

static void after_each_welcome_all_that_is_not_recorded_goes_again(void **state)
{
    (void)state;
    live_and_die(8, 2, 2);
    open_records(8);
    is_up = false;
    records_welcome(&records);
    attempt();
    expect("");
    is_up = true;
    records_welcome(&records);
    expect("(a1 1 none 0)(a1 2 none 0)(b1 1 none 0)");
    records_recorded(&records, DEAD, 1);
    records_welcome(&records);
    expect("(a1 2 none 0)(b1 1 none 0)");
}

static void an_upstream_that_dies_later_is_found_by_looking_now_and_then(void **state)
{
    struct flight living;
    uint64_t now_ms;

    (void)state;
    flight_create(&living, path_of(""), DEAD, 8);
    flight_end(&living, flight_begin(&living, &none), &none);
    open_records(8);
    now_ms = records.look_ms;
    records_welcome(&records);
    records_tick(&records, now_ms);
    expect("");
    assert_true(is_there("a1.flight"));
    flight_close(&living);
    records_tick(&records, now_ms + 1); /* not yet time */
    expect("");
    records_tick(&records, now_ms + LOOK_MS);
    expect("(a1 1 none 0)");
    records_tick(&records, now_ms + 3 * LOOK_MS); /* held by us now */
    expect("");
}

static void the_empty_file_of_a_dead_one_is_removed_at_once(void **state)
{
    (void)state;
    live_and_die(8, 0, 0);
    assert_true(is_there("a1.flight"));
    open_records(8);
    assert_false(is_there("a1.flight"));
    assert_true(records_are_safe(&records));
}

static void a_file_that_is_none_is_set_aside(void **state)
{
    (void)state;
    touch("c1.flight", "no flight");
    open_records(8);
    assert_false(is_there("c1.flight"));
    assert_true(is_there("c1.flight.bad"));
    assert_true(records_are_safe(&records));
}

static void a_file_that_was_never_finished_goes_unless_somebody_makes_it(void **state)
{
    int fd;

    (void)state;
    touch("c1.new", "");
    touch("c2.new", "");
    touch("other", "");
    fd = open(path_of("c2.new"), O_RDWR);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    open_records(8);
    assert_false(is_there("c1.new"));
    assert_true(is_there("c2.new") && is_there("other"));
    close(fd);
}

static void what_a_full_file_could_not_keep_is_counted_in_the_next_record(void **state)
{
    (void)state;
    open_records(1);
    records_welcome(&records);
    attempt();
    expect("(b1 1 none 0)");
    attempt();
    attempt();
    expect("");
    assert_int_equal(records.kept_count, 1);
    records_recorded(&records, OWN, 1);
    attempt();
    expect("(b1 2 none 2)");
}

static void what_a_dead_one_could_not_keep_is_counted_in_a_record_of_ours(void **state)
{
    (void)state;
    live_and_die(1, 3, 3); /* the last two had no slot */
    open_records(8);
    records_welcome(&records);
    attempt();
    expect("(a1 1 none 0)(b1 1 none 2)");
}

static void without_a_folder_records_live_in_memory(void **state)
{
    char command[100];

    (void)state;
    snprintf(command, sizeof(command), "rmdir %s/flight && touch %s/flight", folder, folder);
    assert_int_equal(system(command), 0);
    open_records(8);
    records_welcome(&records);
    attempt();
    expect("(b1 1 none 0)");
    records_tick(&records, records.look_ms);
    records_recorded(&records, OWN, 1);
    assert_true(records_are_safe(&records));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_the_dead_have_left_is_sent_and_its_file_removed),
        TEST(after_each_welcome_all_that_is_not_recorded_goes_again),
        TEST(an_upstream_that_dies_later_is_found_by_looking_now_and_then),
        TEST(the_empty_file_of_a_dead_one_is_removed_at_once),
        TEST(a_file_that_is_none_is_set_aside),
        TEST(a_file_that_was_never_finished_goes_unless_somebody_makes_it),
        TEST(what_a_full_file_could_not_keep_is_counted_in_the_next_record),
        TEST(what_a_dead_one_could_not_keep_is_counted_in_a_record_of_ours),
        TEST(without_a_folder_records_live_in_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
