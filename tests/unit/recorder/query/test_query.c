/* SPDX-License-Identifier: Apache-2.0 */
/* The process for questions with a fake connection: every ASK gets one ANSWER in time. */
#include "actor_fake.h"
#include "query/query.h"
#include "query/reader.h"
#include "question.h"
#include "settings/options.h"
#include "settings_mine.h"

enum { ADMIN = 0x11, OTHER = 0x12 };

static struct {
    reader_callback *on_end;
    void *owner;
    struct bytes sql;
    int asked, stopped;
} reader_fake;

void reader_open(struct reader *reader, struct loop *loop, unsigned limit_ms,
                 reader_callback *on_end, void *owner)
{
    (void)reader, (void)loop;
    assert_int_equal(limit_ms, QUESTION_LIMIT_MS);
    reader_fake.on_end = on_end;
    reader_fake.owner = owner;
    reader_fake.asked = reader_fake.stopped = 0;
}

void reader_ask(struct reader *reader, struct view sql)
{
    (void)reader;
    bytes_copy(&reader_fake.sql, sql);
    reader_fake.asked++;
}

void reader_tick(struct reader *reader, uint64_t now_ms)
{
    (void)reader, (void)now_ms;
}

void reader_stop(struct reader *reader)
{
    (void)reader;
    reader_fake.stopped++;
}

void reader_close(struct reader *reader)
{
    (void)reader;
}

static void play(void (*scene)(void))
{
    settings_mine()->state_dir = "/nowhere";
    settings_mine()->recorder_endpoint = "";
    settings_mine()->log_level = "ERROR";
    fake.scene = scene;
    fake_forget();
    assert_int_equal(query_run(), 0);
    bytes_clear(&reader_fake.sql);
    fake_forget();
}

static void hello(uint64_t from)
{
    FAKE_HEAR(from, HELLO, hello, .role = VIEW("admin"), .incarnation = from);
}

static void ask(uint64_t number, const char *name, const char *json)
{
    FAKE_HEAR(ADMIN, ASK, ask, .number = number, .name = view_of(name), .data = view_of(json));
}

static void end(enum reader_end how, const char *text)
{
    reader_fake.on_end(reader_fake.owner, how, view_of(text));
}

static void expect_answer(uint64_t number, const char *json)
{
    struct msg_answer answer = fake_last(ADMIN, MSG_ANSWER).answer;

    assert_int_equal(answer.number, number);
    if (!view_equal(answer.data, view_of(json)))
        fail_msg("got %.*s, wanted %s", (int)answer.data.len, answer.data.at, json);
}

static void rows_scene(void)
{
    hello(ADMIN);
    assert_int_equal(fake_last(ADMIN, MSG_WELCOME).welcome.incarnation, FAKE_INCARNATION);
    ask(1, "attempts_summary", "{\"minutes\":5}");
    ask(2, "attempts_recent", "");
    fake_pass(0);
    assert_int_equal(reader_fake.asked, 1);
    assert_non_null(strstr(bytes_cstr(&reader_fake.sql), "INTERVAL 5 MINUTE"));
    fake_pass(10);
    assert_int_equal(reader_fake.asked, 1); /* one at a time */
    end(READER_ROWS, "[{}]");
    expect_answer(1, "{\"rows\":[{}]}");
    fake_pass(0);
    assert_int_equal(reader_fake.asked, 2);
    assert_non_null(
        strstr(bytes_cstr(&reader_fake.sql), "INTERVAL 24 HOUR ORDER BY time DESC LIMIT 50"));
    end(READER_ROWS, "[]");
    expect_answer(2, "{\"rows\":[]}");
    assert_int_equal(fake_count(ADMIN, MSG_ANSWER), 2);
}

static void one_question_is_asked_after_the_other(void **state)
{
    (void)state;
    play(rows_scene);
}

static void filters_scene(void)
{
    hello(ADMIN);
    ask(1, "attempts_recent",
        "{\"model\":\"a'b\",\"fault\":\"cut\",\"status\":\"200\",\"limit\":7,\"hours\":1}");
    fake_pass(0);
    assert_null(strstr(bytes_cstr(&reader_fake.sql), "a'b"));
    assert_non_null(strstr(reader_fake.sql.at,
                           "INTERVAL 1 HOUR AND model = _utf8mb4 x'612762' AND fault = _utf8mb4 "
                           "x'637574' AND status = 200 ORDER BY time DESC LIMIT 7"));
}

static void what_a_client_gave_stands_in_hex(void **state)
{
    (void)state;
    play(filters_scene);
}

static void wrong_scene(void)
{
    ask(1, "attempts_recent", "");
    assert_int_equal(fake_count(ADMIN, MSG_WHO), 1); /* nobody has said HELLO */
    FAKE_HEAR(OTHER, HELLO, hello, .role = VIEW("admin"), .incarnation = ADMIN);
    assert_int_equal(fake_count(OTHER, MSG_WELCOME), 0);
    hello(ADMIN);
    FAKE_HEAR(ADMIN, BEAT, beat, .calls = 0);
    ask(2, "nothing", "");
    expect_answer(2,
                  "{\"error\":{\"code\":\"unknown_question\",\"message\":\"no such question\"}}");
    ask(3, "attempts_recent", "{\"limit\":501}");
    expect_answer(3, "{\"error\":{\"code\":\"bad_parameter\",\"message\":"
                     "\"limit should be a number from 1 to 500\"}}");
    fake_pass(0);
    assert_int_equal(reader_fake.asked, 0);
}

static void what_is_wrong_is_said_and_not_asked(void **state)
{
    (void)state;
    play(wrong_scene);
}

static void ends_scene(void)
{
    static const struct {
        enum reader_end end;
        const char *want;
    } ends[] = {
        {READER_AWAY, "{\"error\":{\"code\":\"database_away\",\"message\":\"why\"}}"},
        {READER_SLOW, "{\"error\":{\"code\":\"timeout\",\"message\":\"why\"}}"},
        {READER_FAULT, "{\"error\":{\"code\":\"database\",\"message\":\"why\"}}"},
    };

    hello(ADMIN);
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        ask(i, "attempts_summary", "");
        fake_pass(0);
        end(ends[i].end, "why");
        expect_answer(i, ends[i].want);
    }
}

static void trouble_of_the_database_is_an_answer(void **state)
{
    (void)state;
    play(ends_scene);
}

static void slow_scene(void)
{
    hello(ADMIN);
    ask(1, "attempts_summary", "");
    fake_pass(1000);
    ask(2, "attempts_summary", "");
    fake_pass(QUESTION_LIMIT_MS - 1001);
    assert_int_equal(fake_count(ADMIN, MSG_ANSWER), 0);
    fake_pass(1);
    expect_answer(1, "{\"error\":{\"code\":\"timeout\",\"message\":"
                     "\"the database did not answer in time\"}}");
    assert_int_equal(reader_fake.stopped, 1);
    assert_int_equal(reader_fake.asked,
                     2); /* the next has its turn, for what is left of its time */
    fake_pass(1000);
    assert_int_equal(fake_count(ADMIN, MSG_ANSWER), 2);
    assert_int_equal(reader_fake.stopped, 2);
}

static void a_question_ends_at_its_deadline_whatever_the_server_does(void **state)
{
    (void)state;
    play(slow_scene);
}

static void many_scene(void)
{
    hello(ADMIN);
    for (uint64_t i = 0; i < 64; i++)
        ask(i, "attempts_summary", "");
    assert_int_equal(fake_count(ADMIN, MSG_ANSWER), 0);
    ask(64, "attempts_summary", "");
    expect_answer(64, "{\"error\":{\"code\":\"busy\",\"message\":\"too many questions wait\"}}");
    fake.box->watcher(fake.box->owner, fake.box, MAILBOX_UNREACHABLE, ADMIN);
    fake_pass(0);
    ask(65, "attempts_summary", ""); /* forgotten: it has to say HELLO again */
    assert_int_equal(fake_count(ADMIN, MSG_WHO), 1);
}

static void questions_that_wait_are_bounded(void **state)
{
    (void)state;
    play(many_scene);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_question_is_asked_after_the_other),
        cmocka_unit_test(what_a_client_gave_stands_in_hex),
        cmocka_unit_test(what_is_wrong_is_said_and_not_asked),
        cmocka_unit_test(trouble_of_the_database_is_an_answer),
        cmocka_unit_test(a_question_ends_at_its_deadline_whatever_the_server_does),
        cmocka_unit_test(questions_that_wait_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
