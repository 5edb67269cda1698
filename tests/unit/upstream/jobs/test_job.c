/* SPDX-License-Identifier: Apache-2.0 */
/* A whole upstream without sockets: letters go in by the handlers, what is posted is noted, and the
 * test plays provider, balancers, recorder and frontends. */
#include "jobs/jobs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "settings/options.h"
#include "handlers.h"
#include "upstream.h"
#include "trace.h"
#include "settings_mine.h"

static char folder[] = "/tmp/test-job-XXXXXX";
static struct upstream up;
static struct balancer_link balancers[2];
static struct bytes posted; /* the letters, one after another */

enum { F1 = 0xf1, F2 = 0xf2, B1 = 0xb1, B2 = 0xb2 };

const char *options_path(const char *name)
{
    static struct bytes path;

    path.len = 0;
    bytes_printf(&path, "%s/%s", folder, name);
    return bytes_cstr(&path);
}

/* Instead of mailboxes, links and the actor */

static char words[1000];    /* of the last OUTCOME */
static char described[200]; /* by it */

static struct msg_record recorded; /* the newest; its texts are in the journal */

static void note(const char *who, enum message_kind kind, const void *letter)
{
    const union message *msg = letter;

    bytes_printf(&posted, "%s:%s", who, messages[kind].name);
    switch ((int)kind) {
    case MSG_OUTCOME:
        bytes_printf(&posted, "(%d %d.%d %s%s)", (int)msg->outcome.seq, (int)msg->outcome.call,
                     (int)msg->outcome.attempt, fault_facts(msg->outcome.fault)->name,
                     msg->outcome.more ? " more" : "");
        snprintf(described, sizeof(described), "%.*s%s", (int)msg->outcome.names.len,
                 msg->outcome.names.at ? msg->outcome.names.at : "",
                 msg->outcome.gone && msg->outcome.names.len ? " gone" : "");
        snprintf(words, sizeof(words), "%.*s", (int)msg->outcome.words.len,
                 msg->outcome.words.at ? msg->outcome.words.at : "");
        break;
    case MSG_HELD:
        bytes_printf(&posted, "(%d %.*s)", (int)msg->held.call, (int)msg->held.state.len,
                     msg->held.state.at);
        break;
    case MSG_SEES:
        bytes_printf(&posted, "(%x)", (unsigned)msg->sees.peer);
        break;
    case MSG_CHUNK:
        bytes_printf(&posted, "(%d %.*s)", (int)msg->chunk.seq, (int)msg->chunk.data.len,
                     msg->chunk.data.at);
        break;
    case MSG_END:
        bytes_printf(&posted, "(%d)", (int)msg->end.seq);
        break;
    case MSG_FAIL:
        bytes_printf(&posted, "(%d %s %d %.*s)", (int)msg->fail.seq,
                     error_facts(msg->fail.error)->name, (int)msg->fail.status,
                     (int)msg->fail.body.len, msg->fail.body.at ? msg->fail.body.at : "");
        break;
    case MSG_WANT:
        bytes_printf(&posted, "(%d+%d)", (int)msg->want.from, (int)msg->want.len);
        break;
    case MSG_RECORD:
        bytes_printf(&posted, "(%d %.*s)", (int)msg->record.seq, (int)msg->record.fault.len,
                     msg->record.fault.at);
        recorded = msg->record;
        break;
    default:
        break;
    }
    bytes_text(&posted, " ");
}

void mailbox_post(struct mailbox *box, uint64_t to, enum message_kind kind, const void *letter)
{
    (void)box;
    note(to == F1 ? "F1" : "F2", kind, letter);
}

void mailbox_forget(struct mailbox *box, uint64_t to)
{
    (void)box, (void)to;
}

bool link_post(struct link *link, enum message_kind kind, const void *letter)
{
    if (!link->peer)
        return false;
    note(link == &up.recorder ? "R" : link == &balancers[0].link ? "B" : "B'", kind, letter);
    return true;
}

bool link_post_lazily(struct link *link, enum message_kind kind, const void *letter)
{
    return link_post(link, kind, letter);
}

void actor_wake(struct actor *actor, uint64_t at_ms)
{
    (void)actor, (void)at_ms;
}

void trace_point(const char *event)
{
    (void)event;
}

/* Instead of libcurl */

struct transfer {
    const struct transfer_events *events;
    void *owner;
    char url[200], key[64], proxy[64], type[64], wanted[128];
    char method[8];
    struct bytes body;
    const struct transfer_feed *feed;
    uint64_t feed_length;
    bool is_paused, is_fed;
};

static struct transfer *newest; /* the transfer that was started last, NULL once it has ended */
static int started, cancelled, resumed;

static void transfer_drop(struct transfer *transfer)
{
    if (newest == transfer)
        newest = NULL;
    bytes_clear(&transfer->body);
    free(transfer);
}

struct transfer *transfer_start(struct transfers *transfers, const struct transfer_order *order,
                                const struct transfer_events *events, void *owner)
{
    struct transfer *transfer = memory_new(sizeof(*transfer));

    (void)transfers;
    transfer->events = events;
    transfer->owner = owner;
    snprintf(transfer->url, sizeof(transfer->url), "%s", order->url);
    snprintf(transfer->key, sizeof(transfer->key), "%.*s",
             (int)order->authorization.hidden.len - 16, order->authorization.hidden.at + 16);
    snprintf(transfer->method, sizeof(transfer->method), "%s", order->method);
    snprintf(transfer->type, sizeof(transfer->type), "%.*s", (int)order->type.len, order->type.at);
    snprintf(transfer->wanted, sizeof(transfer->wanted), "%.*s", (int)order->wanted.len,
             order->wanted.at);
    snprintf(transfer->proxy, sizeof(transfer->proxy), "%.*s", (int)order->proxy.hidden.len,
             order->proxy.hidden.at);
    bytes_append(&transfer->body, order->body);
    transfer->feed = order->feed;
    transfer->feed_length = order->feed_length;
    started++;
    return newest = transfer;
}

void transfer_resume(struct transfer *transfer)
{
    transfer->is_paused = false;
    resumed++;
}

static struct bytes fed; /* what the newest transfer has taken of its feed */

void transfer_feed(struct transfer *transfer)
{
    bool is_all;
    struct view text;

    while ((text = transfer->feed->look(transfer->owner, &is_all)).len) {
        bytes_append(&fed, text);
        transfer->feed->take(transfer->owner, text.len);
    }
    transfer->is_fed = is_all;
}

void transfer_cancel(struct transfer *transfer)
{
    cancelled++;
    transfer_drop(transfer);
}

uint64_t transfer_connect_us(const struct transfer *transfer)
{
    (void)transfer;
    return 777;
}

bool transfer_is_sent(const struct transfer *transfer)
{
    (void)transfer;
    return true;
}

/* The provider */

static enum transfer_answer provider_says(struct transfer *transfer, const char *text)
{
    return transfer->events->bytes(transfer->owner, view_of(text));
}

static void provider_ends_saying(struct transfer *transfer, enum transfer_end end, const char *why)
{
    const struct transfer_events *events = transfer->events;
    void *owner = transfer->owner;

    transfer_drop(transfer);
    events->done(owner, end, why);
}

static void provider_ends(struct transfer *transfer, enum transfer_end end)
{
    provider_ends_saying(transfer, end, "");
}

static const char *provider_headers = "";

static void provider_begins(unsigned status, const char *type)
{
    newest->events->head(newest->owner, status, view_of(type), 0, view_of(provider_headers));
}

#define STOP_EVENT "data: {\"candidates\":[{\"finishReason\":\"STOP\"}]}\n\n"
#define EVENT(text)                                                                                \
    "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"" text "\"}]}}]}\n\n"

static void provider_answers_well(void)
{
    provider_begins(200, "text/event-stream");
    provider_says(newest, EVENT("a"));
    provider_says(newest, STOP_EVENT);
    provider_ends(newest, TRANSFER_CLEAN);
}

static void provider_fails(unsigned status, const char *body)
{
    provider_begins(status, "application/json");
    provider_says(newest, body);
    provider_ends(newest, TRANSFER_CLEAN);
}

/* The others */

static void deliver(letter_handler *const *handlers, void *owner, enum message_kind kind,
                    const void *msg)
{
    struct letter letter = {.kind = kind, .msg = msg};

    assert_non_null(handlers[kind]);
    handlers[kind](owner, &letter);
}

#define FROM_B(kind, ...)                                                                          \
    deliver(balancer_handlers, &balancers[0], kind, &(union message){__VA_ARGS__})
#define FROM_F(kind, ...) deliver(reader_handlers, &up, kind, &(union message){__VA_ARGS__})
#define FROM_R(kind, ...) deliver(recorder_handlers, &up, kind, &(union message){__VA_ARGS__})

static struct msg_job job_of(uint64_t call, uint64_t offer)
{
    return (struct msg_job){
        .balancer = B1,
        .frontend = F1,
        .call = call,
        .offer = offer,
        .attempt = 1,
        .pool = VIEW("gemini"),
        .model = VIEW("m"),
        .operation = VIEW("streamGenerateContent"),
        .path = VIEW("/models/m:streamGenerateContent?alt=sse"),
        .stream = true,
        .left_ms = 60000,
        .body_len = 2,
        .body = VIEW("{}"),
        .key_id = 5,
        .key = {VIEW("key-one")},
    };
}

static void place(uint64_t call, uint64_t offer)
{
    struct msg_job msg = job_of(call, offer);

    FROM_B(MSG_JOB, .job = msg);
}

static void ack(uint64_t call, uint64_t seq)
{
    FROM_F(MSG_ACK, .ack = {.frontend = F1, .call = call, .offer = 1, .seq = seq});
}

static void rekey(uint64_t call, uint64_t attempt)
{
    FROM_B(MSG_REKEY, .rekey = {.frontend = F1,
                                .call = call,
                                .offer = 1,
                                .attempt = attempt,
                                .key_id = 6,
                                .key = {VIEW("key-two")}});
}

static void welcome(size_t slot, uint64_t incarnation)
{
    balancers[slot].link.peer = incarnation;
    balancers[slot].link.on_welcome(&balancers[slot], &balancers[slot].link);
}

static void expect(const char *want)
{
    assert_string_equal(bytes_cstr(&posted), want);
    posted.len = 0;
}

static int set_up(void **state)
{
    (void)state;
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    settings_mine()->base_url = "http://h/v1beta";
    settings_mine()->time_out_ms = 1000;
    settings_mine()->body_limit = 10 * 1024 * 1024;
    settings_mine()->answer_window = 64 * 1024;
    settings_mine()->answer_budget = 64 * 1024 * 1024;
    settings_mine()->log_level = "ERROR";
    log_open("test", settings_mine()->log_level ? settings_mine()->log_level : "INFO");
    started = cancelled = resumed = 0;
    up = (struct upstream){.check_ms = UINT64_MAX, .balancers = balancers, .balancer_count = 2};
    up.outlet.box = &up.answers;
    up.reader_events = &jobs_reader_events;
    for (size_t i = 0; i < 2; i++) {
        balancer_init(&balancers[i], &up);
        balancers[i].link.on_welcome = on_balancer_welcome;
    }
    up.recorder.peer = 0xe1;
    records_open(&up.records, &up.recorder, 0x11, 64);
    reader_subscribed(&up, F1);
    welcome(0, B1);
    posted.len = 0;
    return 0;
}

static int tear_down(void **state)
{
    char command[100];

    (void)state;
    jobs_cancel_all(&up, FAULT_LOST);
    readers_close(&up);
    balancer_clear(&balancers[0]);
    balancer_clear(&balancers[1]);
    records_close(&up.records);
    bytes_clear(&posted);
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command);
}

/* The straight road */

static void a_call_goes_its_way(void **state)
{
    (void)state;
    place(1, 1);
    assert_string_equal(newest->url, "http://h/v1beta/models/m:streamGenerateContent?alt=sse");
    assert_string_equal(newest->key, "key-one");
    assert_string_equal(bytes_cstr(&newest->body), "{}");
    expect("");
    provider_begins(200, "text/event-stream");
    provider_says(newest, EVENT("a"));
    expect("F1:HEAD F1:CHUNK(1 " EVENT("a") ") ");
    provider_says(newest, STOP_EVENT);
    provider_ends(newest, TRANSFER_CLEAN);
    expect("F1:CHUNK(2 " STOP_EVENT ") B:OUTCOME(1 1.1 none) F1:END(3) ");
    ack(1, 2);
    assert_non_null(job_find(&up, F1, 1));
    ack(1, 3);
    assert_null(job_find(&up, F1, 1));
    assert_int_equal(up.outlet.unacked, 0);
    FROM_R(MSG_RECORDED, .recorded = {.sender = 0x11, .seq = 1});
    assert_true(records_are_safe(&up.records));
}

/* A record waits for its client to have all of the answer, but not for ever. */
static void a_record_says_how_long_the_client_has_waited(void **state)
{
    struct msg_job msg = job_of(1, 1);

    (void)state;
    msg.route = VIEW("/v1/chat/completions");
    msg.request = 5;
    msg.asked_ms = 1768460400100;
    msg.wait_us = 70;
    msg.keys = 3;
    msg.chosen_by = VIEW("affinity and more than fits");
    FROM_B(MSG_JOB, .job = msg);
    provider_answers_well();
    FROM_F(MSG_ACK, .ack = {.frontend = F1, .call = 1, .offer = 1, .seq = 3, .reply_us = 4321});
    assert_true(view_equal(recorded.route, VIEW("/v1/chat/completions")));
    assert_int_equal(recorded.request, 5);
    assert_int_equal(recorded.asked_ms, 1768460400100);
    assert_int_equal(recorded.wait_us, 70);
    assert_int_equal(recorded.keys, 3);
    assert_true(view_equal(recorded.chosen_by, VIEW("affinity and mo")));
    assert_int_equal(recorded.connect_us, 777);
    assert_int_equal(recorded.reply_us, 4321);
    assert_true(recorded.last);

    place(2, 1);
    provider_answers_well();
    posted.len = 0;
    jobs_check(&up, clock_ms() + 1);
    expect("");
    jobs_check(&up, clock_ms() + 1001);
    expect("R:RECORD(2 none) ");
    assert_int_equal(recorded.reply_us, 0);
    jobs_check(&up, clock_ms() + 100000);
    ack(2, 3);
    expect("");
}

static void a_record_says_what_came_before_and_what_the_provider_said(void **state)
{
    (void)state;
    place(1, 1);
    provider_fails(429, "{\"error\":{\"message\":\"No more, key-one. Please retry in 36.43s.\","
                        "\"details\":[{\"@type\":\"google.rpc.QuotaFailure\",\"violations\":["
                        "{\"quotaId\":\"RequestsPerDay\",\"quotaValue\":\"250\"}]}]}}");
    FROM_B(MSG_REKEY, .rekey = {.frontend = F1,
                                .call = 1,
                                .offer = 1,
                                .attempt = 2,
                                .key_id = 6,
                                .key = {VIEW("key-two")},
                                .wait_us = 90,
                                .spent = 1});
    assert_false(recorded.last);
    assert_int_equal(recorded.retry_ms, 36430);
    assert_int_equal(recorded.quota_value, 250);
    assert_true(view_equal(recorded.quota_id, VIEW("RequestsPerDay")));
    assert_true(view_starts(recorded.words, VIEW("No more, ")));
    assert_null(memmem(recorded.words.at, recorded.words.len, "key-one", 7));
    provider_fails(503, "");
    rekey(1, 3);
    assert_int_equal(recorded.wait_us, 90);
    assert_int_equal(recorded.spent, 1);
    provider_answers_well();
    ack(1, 3);
    assert_true(recorded.last);
    assert_true(view_equal(recorded.before, VIEW("quota_day overloaded")));
}

static void method_type_and_headers_are_obeyed(void **state)
{
    struct msg_job msg = job_of(1, 1);

    (void)state;
    place(2, 1);
    assert_string_equal(newest->method, "POST");
    assert_string_equal(newest->type, "application/json");
    provider_answers_well();
    msg.method = VIEW("PUT");
    msg.type = VIEW("image/png; a=b");
    msg.headers = VIEW("x-goog-upload-url");
    msg.operation = VIEW("upload");
    msg.stream = false;
    FROM_B(MSG_JOB, .job = msg);
    assert_string_equal(newest->method, "PUT");
    assert_string_equal(newest->type, "image/png; a=b");
    assert_non_null(strstr(newest->wanted, ",x-goog-upload-url"));
    posted.len = 0;
    provider_headers = "retry-after: 1\r\nX-Goog-Upload-URL: https://u\r\n";
    provider_begins(200, "text/plain");
    provider_headers = "";
    provider_ends(newest, TRANSFER_CLEAN); /* without a body: it is in the header line */
    assert_string_equal(bytes_cstr(&job_find(&up, F1, 1)->answer.headers),
                        "X-Goog-Upload-URL: https://u\r\n");
    assert_int_equal(job_find(&up, F1, 1)->answer.head.key_id, 5);
    expect("F1:HEAD B:OUTCOME(2 1.1 none) F1:END(1) ");
}

/* Methods about objects */

static void place_method(const char *method, const char *path, bool is_raw)
{
    struct msg_job msg = job_of(1, 1);

    msg.operation = VIEW("objects.files");
    msg.model = VIEW("");
    msg.method = view_of(method);
    msg.path = view_of(path);
    msg.stream = false;
    msg.raw = is_raw;
    msg.owner = 5;
    FROM_B(MSG_JOB, .job = msg);
    posted.len = 0;
    described[0] = '\0';
}

static void forget_job(void)
{
    job_cancel(job_find(&up, F1, 1), FAULT_LOST);
}

static void an_answer_about_an_object_leaves_when_it_is_whole(void **state)
{
    static const struct {
        const char *method, *path, *body, *described;
    } cases[] = {
        {"POST", "/cachedContents", "{\"name\":\"cachedContents/a\"}", "cachedContents/a"},
        {"GET", "/files/a", "{\"name\":\"files/a\",\"error\":{\"code\":3}}", "files/a"},
        {"DELETE", "/files/a", "{}", "files/a gone"},
        {"DELETE", "/fileSearchStores/s/documents/d", "{}", ""},
        {"POST", "/v1alpha/interactions", "{\"id\":\"i\"}", "interactions/i"},
        {"POST", "/files:register", "{}", ""},
        {"POST", "/files:register", "{\"files\":[{\"name\":\"files/a\"},{\"name\":\"files/b\"}]}",
         "files/a files/b"},
        {"GET", "/files", "{\"files\":[{\"name\":\"files/a\"}]}", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        place_method(cases[i].method, cases[i].path, true);
        provider_begins(200, "application/json");
        provider_says(newest, cases[i].body);
        assert_int_equal(posted.len, 0);
        provider_ends(newest, TRANSFER_CLEAN);
        assert_non_null(strstr(bytes_cstr(&posted), cases[i].body));
        assert_string_equal(described, cases[i].described);
        forget_job();
    }
}

static void events_about_an_object_leave_as_they_come(void **state)
{
    (void)state;
    place_method("POST", "/interactions", true);
    provider_begins(200, "text/event-stream");
    provider_says(newest, "data: {\"interaction\":{\"id\":\"i\"}}\n\n");
    assert_non_null(strstr(bytes_cstr(&posted), "CHUNK(1 data:"));
    provider_ends(newest, TRANSFER_CLEAN);
    assert_string_equal(described, "interactions/i");
}

static void a_refusal_of_a_method_is_its_answer(void **state)
{
    static const struct {
        unsigned status;
        const char *body;
        bool is_raw, passes;
    } cases[] = {
        {400, "{\"error\":{\"message\":\"Bad.\"}}", true, true},
        {400, "{\"error\":{\"message\":\"Bad.\"}}", false,
         false}, /* who puts answers together reads it himself */
        {401, "{\"error\":{\"message\":\"Expected OAuth 2 access token\"}}", true,
         true}, /* no fault of the key */
        {403, "{\"error\":{\"message\":\"Requests to this API method are blocked.\"}}", true, true},
        {404, "{\"error\":{\"message\":\"models/x is not found\"}}", true, true},
        {404, "<html>", true, true},
        {400, "{\"error\":{\"message\":\"API key not valid\"}}", true, false},
        {429, "{}", true, false},
        {500, "{}", true, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bytes head = {0};

        place_method("POST", "/files", cases[i].is_raw);
        provider_fails(cases[i].status, cases[i].body);
        bytes_printf(&head, "F1:HEAD F1:CHUNK(1 %s) F1:END(2)", cases[i].body);
        if ((strstr(bytes_cstr(&posted), bytes_cstr(&head)) != NULL) != cases[i].passes)
            fail_msg("%u %s: %s", cases[i].status, cases[i].body, bytes_cstr(&posted));
        if (cases[i].passes)
            assert_int_equal(job_find(&up, F1, 1)->answer.head.status, cases[i].status);
        bytes_clear(&head);
        forget_job();
    }
}

static void what_its_own_key_does_not_have_is_gone(void **state)
{
    (void)state;
    place_method("GET", "/files/a", true);
    provider_fails(403,
                   "{\"error\":{\"message\":\"You do not have permission to access the File a\"}}");
    assert_string_equal(described, "files/a gone");
    forget_job();
    place_method("POST", "/files/a:x", true);
    provider_fails(404, "{\"error\":{\"message\":\"No.\"}}");
    assert_string_equal(described, "");
    forget_job();
}

static void heads_that_nobody_may_send_are_refused(void **state)
{
    static const struct view methods[] = {VIEW("TRACE"), VIEW("post"),
                                          VIEW("GET / HTTP/1.1\r\nX:")};
    static const struct view types[] = {VIEW("a/b\r\nX: y"), VIEW("a\nb"), VIEW("a\0b")};
    int before = started;

    (void)state;
    for (size_t i = 0; i < 7; i++) {
        struct msg_job msg = job_of(i + 1, 1);

        if (i < 3)
            msg.method = methods[i];
        else if (i < 6)
            msg.type = types[i - 3];
        else
            msg.headers = VIEW("a\r\nb");
        FROM_B(MSG_JOB, .job = msg);
        assert_int_equal(job_find(&up, F1, i + 1)->fault, FAULT_BAD_REQUEST);
    }
    assert_int_equal(started, before);
}

static void the_heads_wait_is_the_keys(void **state)
{
    (void)state;
    place(1, 1);
    provider_headers = "Retry-After: 3\r\n";
    provider_fails(429, "{}");
    provider_headers = "";
    assert_int_equal(job_find(&up, F1, 1)->fault, FAULT_QUOTA_MINUTE);
    assert_int_equal(job_find(&up, F1, 1)->retry_ms, 3000);
    rekey(1, 2);
    provider_fails(429, "{}");
    assert_int_equal(job_find(&up, F1, 1)->retry_ms, 0);
}

static void an_answer_that_is_compressed_is_told_as_that(void **state)
{
    (void)state;
    place(1, 1);
    provider_headers = "content-encoding: gzip\r\n";
    provider_begins(200, "text/event-stream");
    provider_headers = "";
    assert_int_equal(provider_says(newest, "\x1f\x8b"), TRANSFER_STOP);
    provider_ends(newest, TRANSFER_STOPPED);
    assert_int_equal(job_find(&up, F1, 1)->fault, FAULT_MALFORMED);
    assert_non_null(strstr(bytes_cstr(&job_find(&up, F1, 1)->fail_body), "compressed"));
    expect("B:OUTCOME(1 1.1 malformed more) ");
}

static void what_a_client_does_not_want_to_see_is_not_missed(void **state)
{
    struct msg_job msg = job_of(1, 1);

    (void)state;
    msg.path = VIEW("/models/m:streamGenerateContent?alt=sse&fields=candidates.content");
    FROM_B(MSG_JOB, .job = msg);
    provider_begins(200, "text/event-stream");
    provider_says(newest, EVENT("a"));
    provider_ends(newest, TRANSFER_CLEAN);
    expect("F1:HEAD F1:CHUNK(1 " EVENT("a") ") B:OUTCOME(1 1.1 none) F1:END(2) ");
}

static void a_fault_moves_to_the_next_key_unseen(void **state)
{
    (void)state;
    place(1, 1);
    provider_fails(503, "{\"error\":{\"code\":503}}");
    expect("B:OUTCOME(1 1.1 overloaded more) ");
    assert_int_equal(job_find(&up, F1, 1)->state, JOB_WAITING);
    rekey(1, 2);
    assert_string_equal(newest->key, "key-two");
    assert_string_equal(bytes_cstr(&newest->body), "{}");
    provider_begins(200, "text/event-stream");
    provider_says(newest, STOP_EVENT); /* empty, so again */
    provider_ends(newest, TRANSFER_CLEAN);
    expect("R:RECORD(1 overloaded) B:OUTCOME(2 1.2 empty more) "); /* the first was not the last */
    rekey(1, 3);
    provider_answers_well();
    expect("R:RECORD(2 empty) F1:HEAD F1:CHUNK(1 " EVENT("a") ") F1:CHUNK(2 " STOP_EVENT
                                                              ") B:OUTCOME(3 1.3 none) F1:END(3) ");
    ack(1, 3);
    expect("R:RECORD(3 none) ");
}

static void a_key_that_is_none_is_not_sent(void **state)
{
    (void)state;
    place(1, 1);
    provider_fails(503, "{\"error\":{}}");
    posted.len = 0;
    FROM_B(MSG_REKEY, .rekey = {.frontend = F1,
                                .call = 1,
                                .offer = 1,
                                .attempt = 2,
                                .key_id = 6,
                                .key = {VIEW("key\r\nx: y")}});
    assert_int_equal(started, 1);
    expect("B:OUTCOME(2 1.2 bad_request) F1:FAIL(0 BAD_REQUEST 0 ) ");
}

static void without_another_key_the_last_fault_is_told_with_keys_masked(void **state)
{
    (void)state;
    place(1, 1);
    provider_fails(429, "{\"error\":{\"message\":\"key-one is out\"}}");
    posted.len = 0;
    FROM_B(MSG_STOP, .stop = {.frontend = F1, .call = 1, .offer = 1});
    expect("F1:FAIL(0 NO_QUOTA 429 {\"error\":{\"message\":\"[key] is out\"}}) ");
    ack(1, 0);
    assert_null(job_find(&up, F1, 1));
}

/* At most 200 bytes of them, the last character whole. */
static void the_providers_words_about_a_failure_go_to_the_balancer_without_keys(void **state)
{
    char body[1000] = "{\"error\":{\"message\":\"key-one is bad ";

    (void)state;
    for (int i = 0; i < 100; i++)
        strcat(body, "\u00fc"); /* two bytes */
    strcat(body, "\"}}");
    place(1, 1);
    provider_fails(400, body);
    assert_int_equal(strncmp(words, "[key] is bad \u00fc", 15), 0);
    assert_int_equal(strlen(words), 199);
}

static void an_error_of_the_balancer_goes_without_the_providers_words(void **state)
{
    (void)state;
    place(1, 1);
    provider_fails(503, "{\"error\":{\"code\":503}}");
    posted.len = 0;
    FROM_B(MSG_STOP, .stop = {.frontend = F1, .call = 1, .offer = 1, .error = ERROR_NO_QUOTA});
    expect("F1:FAIL(0 NO_QUOTA 0 ) ");
}

static void a_clients_mistake_is_told_at_once(void **state)
{
    (void)state;
    place(1, 1);
    provider_fails(400, "{\"error\":{}}");
    expect("B:OUTCOME(1 1.1 bad_request) F1:FAIL(0 BAD_REQUEST 400 "
           "{\"error\":{}}) ");
}

static void behind_the_first_content_a_fault_is_an_error(void **state)
{
    (void)state;
    place(1, 1);
    provider_begins(200, "text/event-stream");
    provider_says(newest, EVENT("a"));
    posted.len = 0;
    provider_ends(newest, TRANSFER_BROKEN);
    expect("B:OUTCOME(1 1.1 cut) F1:FAIL(2 UPSTREAM_CUT 0 ) ");
}

#define ERROR_EVENT(who)                                                                           \
    "data: {\"error\":{\"code\":503,\"message\":\"" who " rests\",\"status\":\"UNAVAILABLE\"}}"    \
    "\n\n"

static void place_and_break(bool is_raw)
{
    struct msg_job msg = job_of(1, 1);

    msg.raw = is_raw;
    FROM_B(MSG_JOB, .job = msg);
    provider_begins(200, "text/event-stream");
    provider_says(newest, EVENT("a"));
    posted.len = 0;
    assert_int_equal(provider_says(newest, ERROR_EVENT("key-one")), TRANSFER_STOP);
    provider_ends(newest, TRANSFER_STOPPED);
}

static void who_reads_the_providers_events_has_its_error_as_it_came(void **state)
{
    (void)state;
    place_and_break(true);
    expect("F1:CHUNK(2 " ERROR_EVENT("[key]") ") B:OUTCOME(1 1.1 overloaded) F1:END(3) ");
    ack(1, 3);
    assert_null(job_find(&up, F1, 1));
}

static void for_others_an_error_event_is_an_error(void **state)
{
    (void)state;
    place_and_break(false);
    expect("B:OUTCOME(1 1.1 overloaded) F1:FAIL(2 OVERLOADED 503 "
           "{\"error\":{\"code\":503,\"message\":\"[key] rests\",\"status\":\"UNAVAILABLE\"}}) ");
}

static void without_a_connection_another_key_may_help(void **state)
{
    (void)state;
    place(1, 1);
    provider_ends(newest, TRANSFER_NO_CONNECTION);
    expect("B:OUTCOME(1 1.1 connect more) ");
}

static void what_kept_a_request_from_the_provider_is_told_in_its_words(void **state)
{
    static const struct {
        enum transfer_end end;
        const char *fault, *error;
    } cases[] = {
        {TRANSFER_NO_NAME, "name more", "UNREACHABLE"},
        {TRANSFER_NO_CONNECTION, "connect more", "UNREACHABLE"},
        {TRANSFER_NO_TLS, "tls more", "UNREACHABLE"},
        {TRANSFER_NO_PROXY, "proxy more", "PROXY"},
        {TRANSFER_UNTRUSTED, "certificate", "CERTIFICATE"},
    };
    char want[200];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool may_ask = strstr(cases[i].fault, " more");
        uint64_t call = i + 1;

        place(call, 1);
        posted.len = 0;
        provider_ends_saying(newest, cases[i].end, "No \"way\" to host:1");
        snprintf(want, sizeof(want), "B:OUTCOME(%d %d.1 %s) ", (int)call, (int)call,
                 cases[i].fault);
        assert_non_null(strstr(bytes_cstr(&posted), want));
        if (may_ask) {
            FROM_B(MSG_STOP, .stop = {.frontend = F1, .call = call, .offer = 1});
        }
        snprintf(want, sizeof(want),
                 "F1:FAIL(0 %s 0 {\"error\":{\"message\":\"No \\\"way\\\" to host:1.\"}}) ",
                 cases[i].error);
        assert_non_null(strstr(bytes_cstr(&posted), want));
        ack(call, 0);
    }
    posted.len = 0;
}

static void a_job_goes_by_the_proxy_of_its_key(void **state)
{
    struct msg_job msg = job_of(1, 1);

    (void)state;
    msg.proxy.hidden = VIEW("http://u:word@10.0.0.1:3128");
    FROM_B(MSG_JOB, .job = msg);
    assert_string_equal(newest->proxy, "http://u:word@10.0.0.1:3128");
    provider_ends(newest, TRANSFER_NO_PROXY);
    FROM_B(MSG_REKEY, .rekey = {.frontend = F1,
                                .call = 1,
                                .offer = 1,
                                .attempt = 2,
                                .key_id = 2,
                                .key = {VIEW("key-two")},
                                .proxy = {VIEW("socks5://10.0.0.2:1080")}});
    assert_string_equal(newest->proxy, "socks5://10.0.0.2:1080");
    provider_answers_well();
    posted.len = 0;
}

/* Who may place, and what */

static void jobs_of_strangers_are_dropped(void **state)
{
    struct msg_job msg = job_of(1, 1);

    (void)state;
    msg.balancer = B2;
    FROM_B(MSG_JOB, .job = msg);
    msg = job_of(1, 1);
    msg.frontend = F2; /* not subscribed */
    FROM_B(MSG_JOB, .job = msg);
    balancers[0].link.peer = 0; /* nobody has welcomed us */
    place(1, 1);
    assert_int_equal(started, 0);
    expect("");
}

static void the_newest_offer_counts(void **state)
{
    (void)state;
    place(1, 2);
    place(1, 2);
    place(1, 1);
    assert_int_equal(started, 1);
    place(1, 3);
    assert_int_equal(started, 2);
    assert_int_equal(cancelled, 1);
    expect("R:RECORD(1 client_gone) B:OUTCOME(1 1.1 client_gone) ");
    assert_int_equal(job_find(&up, F1, 1)->offer, 3);
}

static void an_old_offers_letters_change_nothing(void **state)
{
    (void)state;
    place(1, 2);
    provider_begins(200, "text/event-stream");
    provider_says(newest, EVENT("a"));
    posted.len = 0;
    FROM_F(MSG_ACK, .ack = {.frontend = F1, .call = 1, .offer = 1, .seq = 1});
    FROM_F(MSG_CANCEL, .cancel = {.frontend = F1, .call = 1, .offer = 1});
    FROM_F(MSG_RESUME, .resume = {.frontend = F1, .call = 1, .offer = 1, .seq = 0});
    FROM_B(MSG_STOP, .stop = {.frontend = F1, .call = 1, .offer = 1});
    FROM_F(MSG_CANCEL, .cancel = {.frontend = F2, .call = 1, .offer = 9});
    expect("");
    assert_int_equal(job_find(&up, F1, 1)->answer.unacked, strlen(EVENT("a")));
}

static void what_nobody_meant_is_not_sent(void **state)
{
    struct msg_job msg = job_of(1, 1);

    (void)state;
    msg.path = VIEW("/models/m HTTP/1.1\r\nX: y");
    FROM_B(MSG_JOB, .job = msg);
    expect("B:OUTCOME(1 1.1 bad_request) F1:FAIL(0 BAD_REQUEST 0 ) ");
    msg = job_of(2, 1);
    msg.body_len = UINT64_MAX / 2;
    msg.body = (struct view){0};
    FROM_B(MSG_JOB, .job = msg);
    msg = job_of(3, 1);
    msg.key.hidden = VIEW("a\r\nb");
    FROM_B(MSG_JOB, .job = msg);
    msg = job_of(4, 1);
    msg.pool = VIEW("other");
    FROM_B(MSG_JOB, .job = msg);
    assert_int_equal(started, 0);
}

/* Cancelling */

static void a_cancelled_call_is_broken_off_and_recorded(void **state)
{
    (void)state;
    place(1, 1);
    FROM_F(MSG_CANCEL, .cancel = {.frontend = F1, .call = 1, .offer = 1});
    expect("R:RECORD(1 client_gone) B:OUTCOME(1 1.1 client_gone) ");
    assert_int_equal(cancelled, 1);
    assert_null(job_find(&up, F1, 1));
    place(2, 1);
    posted.len = 0;
    FROM_B(MSG_CANCEL, .cancel = {.frontend = F1, .call = 2, .offer = 4});
    assert_null(job_find(&up, F1, 2));
}

static void cancelled_while_it_waits_nothing_is_recorded_twice(void **state)
{
    (void)state;
    place(1, 1);
    provider_fails(503, "");
    posted.len = 0;
    FROM_F(MSG_CANCEL, .cancel = {.frontend = F1, .call = 1, .offer = 1});
    expect("B:OUTCOME(2 1.1 client_gone) R:RECORD(1 overloaded) ");
    rekey(1, 2); /* it was on its way: the key is given back */
    expect("B:OUTCOME(3 1.2 client_gone) ");
    assert_int_equal(started, 1);
}

static void a_frontend_that_is_gone_takes_its_calls_along(void **state)
{
    (void)state;
    place(1, 1);
    place(2, 1);
    provider_answers_well();
    posted.len = 0;
    reader_unsubscribed(&up, F1);
    expect("B:UNSEES R:RECORD(1 client_gone) B:OUTCOME(2 1.1 client_gone) R:RECORD(2 none) ");
    assert_null(up.jobs);
    assert_int_equal(up.outlet.unacked, 0);
}

static void when_the_process_ends_its_calls_may_move(void **state)
{
    (void)state;
    place(1, 1);
    place(2, 1);
    provider_fails(503, "");
    posted.len = 0;
    jobs_cancel_all(&up, FAULT_LOST);
    expect(
        "R:RECORD(1 lost) R:RECORD(2 overloaded) "); /* and no OUTCOME, or the balancer would take them for done */
}

/* Bodies */

static void a_long_body_is_asked_for_in_pieces(void **state)
{
    static char part[256 * 1024];
    struct msg_job msg = job_of(1, 1);
    uint64_t from = 0;

    (void)state;
    msg.body = (struct view){0};
    msg.body_len = 1500000;
    FROM_B(MSG_JOB, .job = msg);
    expect(
        "F1:WANT(0+262144) F1:WANT(262144+262144) F1:WANT(524288+262144) F1:WANT(786432+262144) ");
    FROM_F(MSG_BODY,
           .body = {.frontend = F1, .call = 1, .offer = 1, .from = 7, .data = {part, 10}});
    expect("");
    for (; from + sizeof(part) <= 1500000; from += sizeof(part))
        FROM_F(
            MSG_BODY,
            .body = {
                .frontend = F1, .call = 1, .offer = 1, .from = from, .data = {part, sizeof(part)}});
    expect("F1:WANT(1048576+262144) F1:WANT(1310720+189280) ");
    FROM_F(
        MSG_BODY,
        .body = {
            .frontend = F1, .call = 1, .offer = 1, .from = from, .data = {part, 1500001 - from}});
    assert_int_equal(started, 0); /* a byte too many */
    FROM_F(
        MSG_BODY,
        .body = {
            .frontend = F1, .call = 1, .offer = 1, .from = from, .data = {part, 1500000 - from}});
    assert_int_equal(started, 1);
    assert_int_equal(newest->body.len, 1500000);
}

/* Windows */

static void a_full_window_pauses_and_an_acknowledgement_resumes(void **state)
{
    static char event[16 * 1024 + 1];
    int taken = 0;

    (void)state;
    snprintf(event, sizeof(event),
             "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"%0*d\"}]}}]}\n\n", 16000,
             0);
    place(1, 1);
    provider_begins(200, "text/event-stream");
    while (provider_says(newest, event) == TRANSFER_TAKEN)
        taken++;
    assert_int_equal(taken, 5); /* the fifth begins inside the window */
    assert_int_equal(provider_says(newest, event), TRANSFER_LATER);
    ack(1, 2);
    assert_int_equal(resumed, 0);
    ack(1, 3);
    assert_int_equal(resumed, 1);
    assert_int_equal(provider_says(newest, event), TRANSFER_TAKEN);
}

/* Deadlines */

static void without_content_in_time_it_fails(void **state)
{
    (void)state;
    place(1, 1);
    jobs_check(&up, job_find(&up, F1, 1)->deadline_ms - 1);
    expect("");
    jobs_check(&up, job_find(&up, F1, 1)->deadline_ms);
    expect("R:RECORD(1 timeout) B:OUTCOME(1 1.1 timeout) F1:FAIL(0 TIMEOUT 0 ) ");
    assert_int_equal(cancelled, 1);
}

static void silence_is_limited_but_not_while_we_do_not_listen(void **state)
{
    struct job *job;

    (void)state;
    place(1, 1);
    job = job_find(&up, F1, 1);
    provider_begins(200, "text/event-stream");
    provider_says(newest, EVENT("a"));
    posted.len = 0;
    job->is_paused = true;
    up.check_ms = 0;
    jobs_check(&up, job->heard_ms + 100000000);
    expect("");
    job->is_paused = false;
    up.check_ms = 0;
    jobs_check(&up, job->heard_ms + 999);
    expect("");
    jobs_check(&up, job->heard_ms + 1020);
    expect("R:RECORD(1 timeout) B:OUTCOME(1 1.1 timeout) F1:FAIL(2 TIMEOUT 0 ) ");
}

static void when_the_process_ends_only_streams_that_have_begun_are_told_so(void **state)
{
    (void)state;
    place(1, 1);
    provider_begins(200, "text/event-stream");
    provider_says(newest, EVENT("a"));
    place(2, 1);
    posted.len = 0;
    jobs_stop_open(&up);
    expect("R:RECORD(1 stopped) B:OUTCOME(1 1.1 stopped) F1:FAIL(2 STOPPING 0 ) ");
    assert_int_equal(cancelled, 1);
    jobs_stop_open(&up);
    jobs_cancel_all(&up, FAULT_LOST); /* the balancer has the other one offered again */
    expect("R:RECORD(2 lost) ");
}

/* Its fault was told before, and a key's rest must not begin anew. */
static void one_that_waits_for_a_key_in_vain_tells_no_fault_twice(void **state)
{
    (void)state;
    place(1, 1);
    provider_fails(429, "{\"error\":{}}");
    expect("B:OUTCOME(1 1.1 quota_unknown more) ");
    jobs_check(&up, job_find(&up, F1, 1)->deadline_ms);
    expect("B:OUTCOME(2 1.1 timeout) F1:FAIL(0 NO_QUOTA 429 {\"error\":{}}) ");
}

static void without_a_balancer_the_last_fault_is_told_in_the_end(void **state)
{
    (void)state;
    place(1, 1);
    provider_fails(503, "{\"error\":{}}");
    balancers[0].link.peer = 0;
    posted.len = 0;
    jobs_check(&up, job_find(&up, F1, 1)->deadline_ms);
    expect("F1:FAIL(0 OVERLOADED 503 {\"error\":{}}) ");
}

/* Recovery */

static void a_new_balancer_hears_everything_in_order(void **state)
{
    (void)state;
    place(1, 1); /* will have ended, unacknowledged */
    provider_answers_well();
    place(2, 1); /* will wait for a key */
    provider_fails(503, "");
    place(3, 1); /* under way */
    balancers[0].link.peer = 0;
    posted.len = 0;
    welcome(0, B2);
    expect("B:SEES(f1) B:HELD(1 ended) B:HELD(2 waiting) B:HELD(3 running) B:OUTCOME(1 1.1 none) "
           "B:OUTCOME(2 2.1 overloaded more) B:READY ");
    place(4, 1); /* of the dead one */
    assert_null(job_find(&up, F1, 4));
    FROM_B(MSG_SETTLED, .settled = {.seq = 2});
    posted.len = 0;
    ack(1, 3);
    posted.len = 0;
    welcome(0, B2);
    expect("B:SEES(f1) B:HELD(2 waiting) B:HELD(3 running) B:OUTCOME(3 2.1 overloaded more) "
           "B:READY ");
}

static void each_balancer_hears_of_its_own_calls(void **state)
{
    struct msg_job msg = job_of(2, 1);

    (void)state;
    place(1, 1);
    welcome(1, B2);
    expect("B':SEES(f1) B':READY ");
    msg.balancer = B2;
    deliver(balancer_handlers, &balancers[1], MSG_JOB, &(union message){.job = msg});
    welcome(1, B2);
    expect("B':SEES(f1) B':HELD(2 running) B':READY ");
    reader_subscribed(&up, F2);
    expect("B:SEES(f2) B':SEES(f2) ");
}

static void a_frontend_that_comes_back_resumes(void **state)
{
    (void)state;
    up.resume_ms = 2000;
    place(1, 1);
    provider_begins(200, "text/event-stream");
    provider_says(newest, EVENT("a"));
    posted.len = 0;
    reader_unsubscribed(&up, F1);
    provider_says(newest, EVENT("b"));
    expect("");
    reader_subscribed(&up, F1);
    provider_says(newest, EVENT("c"));
    expect("");
    FROM_F(MSG_RESUME, .resume = {.frontend = F1, .call = 1, .offer = 1, .seq = 2});
    expect("F1:CHUNK(2 " EVENT("b") ") F1:CHUNK(3 " EVENT("c") ") ");
    provider_says(newest, EVENT("d"));
    expect("F1:CHUNK(4 " EVENT("d") ") ");
}

static void what_a_frontend_does_not_know_of_is_sent_again(void **state)
{
    static char part[100];
    struct msg_job msg = job_of(2, 1);

    (void)state;
    up.resume_ms = 2000;
    msg.body = (struct view){0};
    msg.body_len = 100;
    place(1, 1);
    FROM_B(MSG_JOB, .job = msg);
    reader_unsubscribed(&up, F1);
    provider_answers_well();
    posted.len = 0;
    reader_subscribed(&up, F1);
    expect("F1:WANT(0+100) ");
    readers_tick(&up, reader_find(&up, F1)->resend_ms);
    expect("F1:HEAD F1:CHUNK(1 " EVENT("a") ") F1:CHUNK(2 " STOP_EVENT ") F1:END(3) ");
    FROM_F(MSG_BODY, .body = {.frontend = F1, .call = 2, .offer = 1, .data = {part, 100}});
    assert_int_equal(started, 2);
}

static void a_frontend_that_stays_away_is_given_up(void **state)
{
    (void)state;
    up.resume_ms = 2000;
    place(1, 1);
    reader_unsubscribed(&up, F1);
    assert_int_equal(readers_tick(&up, up.actor.now_ms + 1999), up.actor.now_ms + 2000);
    expect("");
    readers_tick(&up, up.actor.now_ms + 2000);
    expect("B:UNSEES R:RECORD(1 client_gone) B:OUTCOME(1 1.1 client_gone) ");
    assert_null(reader_find(&up, F1));
    reader_subscribed(&up, F1);
    posted.len = 0;
    FROM_F(MSG_RESUME, .resume = {.frontend = F1, .call = 1, .offer = 1, .seq = 0});
    expect(""); /* nothing was seen of it: it is offered again */
    FROM_F(MSG_RESUME, .resume = {.frontend = F1, .call = 1, .offer = 1, .seq = 3});
    expect("F1:FAIL(3 UPSTREAM_LOST 0 ) ");
}

/* A body that is passed on as it comes */

static void place_flow(uint64_t call, uint64_t len)
{
    struct msg_job job = job_of(call, 1);

    fed.len = 0;
    job.operation = VIEW("upload");
    job.path = VIEW("/upload/v1beta/files");
    job.stream = false;
    job.body = VIEW("");
    job.body_len = len;
    job.flow = true;
    job.lines = VIEW("x-goog-upload-offset: 0\r\n");
    FROM_B(MSG_JOB, .job = job);
}

static void body(uint64_t from, struct view data)
{
    FROM_F(MSG_BODY, .body = {.frontend = F1, .call = 1, .offer = 1, .from = from, .data = data});
}

static void a_body_that_is_passed_on_is_asked_for_in_windows(void **state)
{
    static char part[256 * 1024];

    (void)state;
    place_flow(1, 300000);
    expect("F1:WANT(0+262144) ");
    assert_int_equal(newest->feed_length, 300001);
    assert_string_equal(newest->url, "http://h/upload/v1beta/files");
    body(0, (struct view){part, 100000});
    expect("F1:WANT(262144+37856) ");
    body(0, (struct view){part, 100000}); /* once more */
    body(100000, (struct view){part, 162144});
    body(262144, (struct view){part, 37856});
    expect("");
    assert_int_equal(fed.len, 300000);
    assert_true(newest->is_fed);
    provider_begins(200, "application/json");
    provider_says(newest, "{}");
    provider_ends(newest, TRANSFER_CLEAN);
    expect("F1:HEAD F1:CHUNK(1 {}) B:OUTCOME(1 1.1 none) F1:END(2) ");
}

static void before_any_of_it_has_left_another_key_may_have_it(void **state)
{
    (void)state;
    place_flow(1, 300000);
    posted.len = 0;
    provider_ends_saying(newest, TRANSFER_NO_CONNECTION, "no way");
    expect("B:OUTCOME(1 1.1 connect more) ");
}

static void what_has_left_is_not_sent_to_another_key(void **state)
{
    (void)state;
    place_flow(1, 300000);
    body(0, VIEW("abcdef"));
    posted.len = 0;
    provider_ends(newest, TRANSFER_BROKEN);
    expect(
        "B:OUTCOME(1 1.1 reset) F1:FAIL(0 UPSTREAM 0 "
        "{\"error\":{\"message\":\"The connection to the provider broke when 6 bytes of the body "
        "had "
        "been sent, and they are not kept here: send the request again. A resumable upload goes on "
        "from the offset that the command query tells.\"}}) ");
}

static void a_body_that_moves_has_time(void **state)
{
    struct job *job;

    (void)state;
    place_flow(1, 300000);
    job = job_find(&up, F1, 1);
    job->deadline_ms = 1;
    assert_int_equal(job_due_ms(job), job->fed_ms + settings_now()->time_out_ms);
    job->fed_ms = 5;
    body(0, VIEW("abcdef"));
    assert_true(job->fed_ms > 5);
}

static void after_a_break_it_goes_on_from_what_has_come(void **state)
{
    (void)state;
    up.resume_ms = 2000;
    place_flow(1, 300000);
    body(0, VIEW("abcdef"));
    posted.len = 0;
    reader_unsubscribed(&up, F1);
    reader_subscribed(&up, F1);
    expect("F1:WANT(6+262144) ");
}

/* Whatever host the provider names, the key goes to none but its own. */
static void a_download_that_is_sent_on_is_followed_at_the_same_place(void **state)
{
    struct msg_job job = job_of(1, 1);

    (void)state;
    job.operation = VIEW("download");
    job.path = VIEW("/files/a:download?alt=media");
    job.headers = VIEW("location");
    job.stream = false;
    job.body = VIEW("");
    job.body_len = 0;
    FROM_B(MSG_JOB, .job = job);
    provider_headers = "location: https://elsewhere/download/v1beta/files/a:download?alt=media\r\n";
    provider_begins(302, "text/html");
    provider_ends(newest, TRANSFER_CLEAN);
    assert_string_equal(newest->url, "http://h/download/v1beta/files/a:download?alt=media");
    provider_headers = "";
    provider_begins(200, "video/mp4");
    provider_says(newest, "abc");
    provider_ends(newest, TRANSFER_CLEAN);
    expect("F1:HEAD F1:CHUNK(1 abc) B:OUTCOME(1 1.1 none) F1:END(2) ");
}

static void a_download_that_is_sent_round_in_a_circle_ends(void **state)
{
    struct msg_job job = job_of(1, 1);

    (void)state;
    job.operation = VIEW("download");
    job.path = VIEW("/files/a:download?alt=media");
    job.stream = false;
    job.body = VIEW("");
    job.body_len = 0;
    started = 0;
    FROM_B(MSG_JOB, .job = job);
    provider_headers = "location: /download/v1beta/files/a:download\r\n";
    for (int i = 0; newest && i < 10; i++) {
        provider_begins(302, "text/html");
        provider_ends(newest, TRANSFER_CLEAN);
    }
    provider_headers = "";
    assert_null(newest);
    assert_int_equal(started, 4);
}

static void lines_that_nobody_may_send_are_refused(void **state)
{
    struct msg_job job = job_of(1, 1);

    (void)state;
    job.lines = VIEW("x-goog-api-key: mine\r\n");
    FROM_B(MSG_JOB, .job = job);
    assert_null(newest);
    expect("B:OUTCOME(1 1.1 bad_request) F1:FAIL(0 BAD_REQUEST 0 ) ");
}

static void what_was_acknowledged_cannot_be_asked_for_again(void **state)
{
    (void)state;
    place(1, 1);
    provider_begins(200, "text/event-stream");
    provider_says(newest, EVENT("a"));
    ack(1, 1);
    posted.len = 0;
    FROM_F(MSG_RESUME, .resume = {.frontend = F1, .call = 1, .offer = 1, .seq = 1});
    expect("F1:FAIL(1 UPSTREAM_LOST 0 ) R:RECORD(1 client_gone) B:OUTCOME(1 1.1 client_gone) ");
    assert_null(job_find(&up, F1, 1));
}

/* Records */

static void records_go_again_until_they_are_safe(void **state)
{
    (void)state;
    up.recorder.peer = 0;
    for (uint64_t call = 1; call <= 3; call++) {
        place(call, 1);
        provider_answers_well();
        ack(call, 3);
    }
    posted.len = 0;
    up.recorder.peer = 0xe1;
    records_welcome(&up.records);
    expect("R:RECORD(1 none) R:RECORD(2 none) R:RECORD(3 none) ");
    FROM_R(MSG_RECORDED, .recorded = {.sender = 0x11, .seq = 2});
    FROM_R(MSG_RECORDED, .recorded = {.sender = 0x99, .seq = 3});
    records_welcome(&up.records);
    expect("R:RECORD(3 none) ");
}

static void the_pipe_to_the_recorder_is_bounded(void **state)
{
    size_t lines = 0;

    (void)state;
    records_close(&up.records);
    records_open(&up.records, &up.recorder, 0x12, 4096);
    up.recorder.peer = 0;
    for (uint64_t call = 1; call <= 2500; call++) {
        place(call, 1);
        provider_answers_well();
        ack(call, 3);
    }
    posted.len = 0;
    up.recorder.peer = 0xe1;
    records_welcome(&up.records);
    for (const char *at = bytes_cstr(&posted); (at = strstr(at, "R:RECORD")); at++)
        lines++;
    assert_int_equal(lines, 1000);
    posted.len = 0;
    FROM_R(MSG_RECORDED, .recorded = {.sender = 0x12, .seq = 1});
    expect("R:RECORD(1001 none) ");
    FROM_R(MSG_RECORDED, .recorded = {.sender = 0x12, .seq = 1001});
    FROM_R(MSG_RECORDED, .recorded = {.sender = 0x12, .seq = 2001});
    posted.len = 0;
    FROM_R(MSG_RECORDED, .recorded = {.sender = 0x12, .seq = 2500});
    expect("");
    assert_true(records_are_safe(&up.records));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_call_goes_its_way),
        TEST(a_record_says_how_long_the_client_has_waited),
        TEST(a_record_says_what_came_before_and_what_the_provider_said),
        TEST(method_type_and_headers_are_obeyed),
        TEST(an_answer_about_an_object_leaves_when_it_is_whole),
        TEST(events_about_an_object_leave_as_they_come),
        TEST(a_refusal_of_a_method_is_its_answer),
        TEST(what_its_own_key_does_not_have_is_gone),
        TEST(heads_that_nobody_may_send_are_refused),
        TEST(the_heads_wait_is_the_keys),
        TEST(an_answer_that_is_compressed_is_told_as_that),
        TEST(what_a_client_does_not_want_to_see_is_not_missed),
        TEST(a_fault_moves_to_the_next_key_unseen),
        TEST(a_key_that_is_none_is_not_sent),
        TEST(without_another_key_the_last_fault_is_told_with_keys_masked),
        TEST(the_providers_words_about_a_failure_go_to_the_balancer_without_keys),
        TEST(an_error_of_the_balancer_goes_without_the_providers_words),
        TEST(a_clients_mistake_is_told_at_once),
        TEST(behind_the_first_content_a_fault_is_an_error),
        TEST(without_a_connection_another_key_may_help),
        TEST(who_reads_the_providers_events_has_its_error_as_it_came),
        TEST(for_others_an_error_event_is_an_error),
        TEST(what_kept_a_request_from_the_provider_is_told_in_its_words),
        TEST(a_job_goes_by_the_proxy_of_its_key),
        TEST(jobs_of_strangers_are_dropped),
        TEST(the_newest_offer_counts),
        TEST(an_old_offers_letters_change_nothing),
        TEST(what_nobody_meant_is_not_sent),
        TEST(a_cancelled_call_is_broken_off_and_recorded),
        TEST(cancelled_while_it_waits_nothing_is_recorded_twice),
        TEST(a_frontend_that_is_gone_takes_its_calls_along),
        TEST(when_the_process_ends_its_calls_may_move),
        TEST(a_long_body_is_asked_for_in_pieces),
        TEST(a_body_that_is_passed_on_is_asked_for_in_windows),
        TEST(before_any_of_it_has_left_another_key_may_have_it),
        TEST(what_has_left_is_not_sent_to_another_key),
        TEST(a_body_that_moves_has_time),
        TEST(after_a_break_it_goes_on_from_what_has_come),
        TEST(a_download_that_is_sent_on_is_followed_at_the_same_place),
        TEST(a_download_that_is_sent_round_in_a_circle_ends),
        TEST(lines_that_nobody_may_send_are_refused),
        TEST(a_full_window_pauses_and_an_acknowledgement_resumes),
        TEST(without_content_in_time_it_fails),
        TEST(silence_is_limited_but_not_while_we_do_not_listen),
        TEST(when_the_process_ends_only_streams_that_have_begun_are_told_so),
        TEST(one_that_waits_for_a_key_in_vain_tells_no_fault_twice),
        TEST(without_a_balancer_the_last_fault_is_told_in_the_end),
        TEST(a_new_balancer_hears_everything_in_order),
        TEST(each_balancer_hears_of_its_own_calls),
        TEST(a_frontend_that_comes_back_resumes),
        TEST(what_a_frontend_does_not_know_of_is_sent_again),
        TEST(a_frontend_that_stays_away_is_given_up),
        TEST(what_was_acknowledged_cannot_be_asked_for_again),
        TEST(records_go_again_until_they_are_safe),
        TEST(the_pipe_to_the_recorder_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
