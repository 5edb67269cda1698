/* SPDX-License-Identifier: Apache-2.0 */
/* The intake with a real spool and without sockets: what it acknowledges is in the file. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yyjson.h>

#include "actor_fake.h"
#include "intake/intake.h"
#include "intake/report.h"
#include "settings/options.h"
#include "settings_mine.h"

enum { UP = 0x21, ADMIN = 0x11 };

static char folder[64];

static int folder_make(void **state)
{
    static char run[80];

    (void)state;
    strcpy(folder, "/tmp/intake-test-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    strcat(strcpy(run, folder), "/run");
    settings_mine()->state_dir = folder;
    settings_mine()->recorder_endpoint = "";
    settings_mine()->log_level = "ERROR";
    settings_mine()->spool_sync = "second";
    settings_mine()->spool_segment = 1 << 20;
    return mkdir(run, 0700);
}

static int folder_remove(void **state)
{
    char command[100];

    (void)state;
    snprintf(command, sizeof(command), "rm -r %s", folder);
    return system(command); /* NOLINT(cert-env33-c): a name of our own making */
}

static void play(void (*scene)(void))
{
    fake.scene = scene;
    fake_forget();
    assert_int_equal(intake_run(), 0);
    fake_forget();
}

static void hello(uint64_t from, const char *role)
{
    FAKE_HEAR(from, HELLO, hello, .role = view_of(role), .incarnation = from);
}

static void record(uint64_t seq)
{
    FAKE_HEAR(UP, RECORD, record, .sender = UP, .seq = seq, .time_ms = 1, .model = VIEW("m"),
              .operation = VIEW("o"), .fault = VIEW("none"));
}

/* Asks for the status and gives its JSON, to be freed. */
static yyjson_doc *status(const char *name)
{
    struct msg_answer answer;

    FAKE_HEAR(ADMIN, ASK, ask, .number = 5, .name = view_of(name));
    answer = fake_last(ADMIN, MSG_ANSWER).answer;
    assert_int_equal(answer.number, 5);
    return yyjson_read(answer.data.at, answer.data.len, 0);
}

static uint64_t status_number(const char *pointer)
{
    yyjson_doc *doc = status("status");
    uint64_t number = yyjson_get_uint(yyjson_doc_ptr_get(doc, pointer));

    yyjson_doc_free(doc);
    return number;
}

static void take_scene(void)
{
    hello(UP, "upstream");
    assert_int_equal(fake_count(UP, MSG_WELCOME), 1);
    record(1);
    record(2);
    assert_int_equal(fake_count(UP, MSG_RECORDED), 0); /* not in the file yet */
    fake_pass(0);
    assert_int_equal(fake_count(UP, MSG_RECORDED), 1);
    assert_int_equal(fake_last(UP, MSG_RECORDED).recorded.seq, 2);
    record(2);
    fake_pass(0);
    assert_int_equal(fake_count(UP, MSG_RECORDED), 2); /* known already: said again */
    FAKE_HEAR(UP, BEAT, beat, .calls = 0);
    hello(ADMIN, "admin");
    assert_int_equal(status_number("/spool/records"), 2);
    assert_int_equal(status_number("/spool/repeated"), 1);
    assert_int_equal(status_number("/senders"), 1);
    fake.actor->on_dump(fake.actor->owner);
    fake.actor->on_drain(fake.actor->owner);
    assert_true(fake.actor->is_stopped);
}

static void again_scene(void)
{
    hello(UP, "upstream");
    record(4); /* 3 is missing */
    fake_pass(0);
    assert_int_equal(fake_count(UP, MSG_RECORDED), 0);
    assert_int_equal(fake_count(UP, MSG_WELCOME), 2); /* begin again at your first */
    record(5);
    record(2);
    record(3);
    record(4);
    fake_pass(0);
    assert_int_equal(fake_last(UP, MSG_RECORDED).recorded.seq, 4);
    record(9);
    record(9); /* there is none before it */
    fake_pass(0);
    assert_int_equal(fake_last(UP, MSG_RECORDED).recorded.seq, 9);
}

static void a_record_is_acknowledged_when_it_is_in_the_file(void **state)
{
    (void)state;
    play(take_scene);
    play(again_scene); /* on the same folder: it knows how far the sender had come */
}

static void stranger_scene(void)
{
    record(1);
    assert_int_equal(fake_count(UP, MSG_WHO), 1);
    FAKE_HEAR(UP, HELLO, hello, .role = VIEW("upstream"), .incarnation = 7);
    assert_int_equal(fake_count(UP, MSG_WELCOME), 0);
    hello(UP, "upstream");
    fake.box->watcher(fake.box->owner, fake.box, MAILBOX_UNREACHABLE, UP);
    fake_pass(1000);
    FAKE_HEAR(UP, BEAT, beat, .calls = 0); /* forgotten */
    assert_int_equal(fake_count(UP, MSG_WHO), 2);
    hello(UP, "upstream");
    fake_pass(61 * 1000);
    FAKE_HEAR(UP, BEAT, beat, .calls = 0); /* after a minute of silence too */
    assert_int_equal(fake_count(UP, MSG_WHO), 3);
    hello(UP, "upstream");
    record(1);
    fake_pass(25 * 3600 * 1000);
    fake_pass(25 * 3600 * 1000);
    hello(ADMIN, "admin");
    assert_int_equal(status_number("/senders"), 0);
}

static void strangers_are_asked_and_the_silent_forgotten(void **state)
{
    (void)state;
    play(stranger_scene);
}

static void questions_scene(void)
{
    struct report report = {.is_open = false, .stored = 1, .error_ms = 3};
    yyjson_doc *doc;

    hello(UP, "upstream");
    record(1);
    record(2);
    fake_pass(0);
    hello(ADMIN, "admin");
    doc = status("nothing");
    assert_non_null(yyjson_obj_get(yyjson_doc_get_root(doc), "error"));
    yyjson_doc_free(doc);
    doc = status("status");
    assert_null(yyjson_obj_get(yyjson_doc_get_root(doc), "store"));
    yyjson_doc_free(doc);
    bytes_text(&report.error, "no server");
    report_write(&report);
    report_clear(&report);
    assert_int_equal(status_number("/unstored"), 1);
    doc = status("status");
    assert_string_equal(yyjson_get_str(yyjson_doc_ptr_get(doc, "/store/error")), "no server");
    yyjson_doc_free(doc);
}

/* The store's report has its path for the process's life: so this scene is the only one with it. */
static void the_status_says_that_records_wait(void **state)
{
    (void)state;
    play(questions_scene);
}

/* A limit on the size of files stands in for a full disk. */
static void space(rlim_t bytes)
{
    struct rlimit limit;

    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    setrlimit(RLIMIT_FSIZE, &limit);
}

static void blocked_scene(void)
{
    hello(UP, "upstream");
    record(1);
    fake_pass(0);
    space(1);
    record(2);
    fake_pass(0);
    assert_int_equal(fake_last(UP, MSG_RECORDED).recorded.seq, 1);
    record(3); /* not taken, and not acknowledged */
    hello(ADMIN, "admin");
    assert_int_equal(status_number("/spool/refused"), 1);
    space(RLIM_INFINITY);
    fake_pass(1000);
    assert_int_equal(fake_count(UP, MSG_WELCOME), 2); /* send again what was refused */
    record(2);
    record(3);
    fake_pass(0);
    assert_int_equal(fake_last(UP, MSG_RECORDED).recorded.seq, 3);
}

static void a_full_disk_refuses_until_there_is_room(void **state)
{
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    play(blocked_scene);
    space(RLIM_INFINITY);
}

static void many_scene(void)
{
    hello(UP, "upstream");
    for (uint64_t seq = 1; seq <= 100; seq++)
        record(seq);
    fake_pass(0);
    assert_int_equal(fake_last(UP, MSG_RECORDED).recorded.seq, 100);
}

static void long_texts_scene(void)
{
    char text[200];

    memset(text, 'x', sizeof(text));
    memcpy(text + 62, "\xc3\xa9\xc3\xa9", 4); /* a letter of two bytes across the limit at 64 */
    text[61] = 'y';
    hello(UP, "upstream");
    FAKE_HEAR(UP, RECORD, record, .sender = UP, .seq = 101, .model = {text, 65},
              .operation = {text, sizeof(text)}, .fault = {text, sizeof(text)});
    fake_pass(0);
    assert_int_equal(fake_last(UP, MSG_RECORDED).recorded.seq, 101);
}

static void many_records_and_long_texts_are_taken(void **state)
{
    (void)state;
    settings_mine()->spool_segment = 4096; /* several files */
    settings_mine()->spool_sync = "always";
    play(many_scene);
    play(long_texts_scene);
}

#define INTAKE(test) cmocka_unit_test_setup_teardown(test, folder_make, folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        INTAKE(the_status_says_that_records_wait),
        INTAKE(a_record_is_acknowledged_when_it_is_in_the_file),
        INTAKE(strangers_are_asked_and_the_silent_forgotten),
        INTAKE(a_full_disk_refuses_until_there_is_room),
        INTAKE(many_records_and_long_texts_are_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
