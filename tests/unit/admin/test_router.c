/* SPDX-License-Identifier: Apache-2.0 */
/* Who may what, by the table of routes; and that a question's reply is given once, whatever ends it. */
#include "cases.h"

#include "inquiry.h"
#include "router.h"

/* These stand in for common/web and proto/link.c, which then are not linked. */

static struct {
    int status, sent, linked;
    struct bytes body;
    h2o_timeout_entry_t *entry;
    bool is_welcome;
    struct bytes asked;
    uint64_t number;
} seen;

void web_defer(struct web *web, h2o_timeout_entry_t *entry)
{
    (void)web;
    seen.entry = entry;
    seen.linked++;
}

void web_header(h2o_req_t *req, const char *name, struct view value)
{
    (void)req, (void)name, (void)value;
}

const char *web_reason(int status)
{
    (void)status;
    return "";
}

void web_reply(h2o_req_t *req, int status, const char *type, struct view body)
{
    (void)req;
    assert_string_equal(type, "application/json");
    seen.status = status;
    seen.sent++;
    bytes_copy(&seen.body, body);
}

bool link_post(struct link *link, enum message_kind kind, const void *letter)
{
    const struct msg_ask *ask = letter;

    (void)link;
    assert_int_equal(kind, MSG_ASK);
    if (!seen.is_welcome)
        return false;
    bytes_copy(&seen.asked, ask->name);
    bytes_text(&seen.asked, " ");
    bytes_append(&seen.asked, ask->data);
    seen.number = ask->number;
    return true;
}

void actor_wake(struct actor *actor, uint64_t at_ms)
{
    (void)actor, (void)at_ms;
}

/* Deciding */

enum { NOBODY, OWN, NO_CSRF, FOREIGN, SOCKET };

static const struct {
    const char *method, *path, *authorization, *token;
    int who, status;
    const char *code;
} cases[] = {
    {"GET", "/api/status", "", "", SOCKET, 200, ""},
    {"HEAD", "/api/status", "", "", SOCKET, 200, ""},
    {"GET", "/api/status", "", "secret", NOBODY, 401, "no_session"},
    {"POST", "/api/status", "", "", NOBODY, 405, "method"},
    {"GET", "/api/statuses", "", "", NOBODY, 404, "no_route"},
    {"GET", "/api", "", "", NOBODY, 404, "no_route"},
    {"GET", "/api/attempts", "", "", NOBODY, 403, "no_administrator"},
    {"GET", "/api/attempts", "", "", SOCKET, 403, "no_administrator"},
    {"GET", "/api/attempts", "Bearer ", "", NOBODY, 403, "no_administrator"},
    {"GET", "/api/attempts", "", "secret", NOBODY, 401, "no_session"},
    {"GET", "/api/attempts", "", "secret", SOCKET, 401, "no_session"},
    {"GET", "/api/attempts", "secret", "secret", NOBODY, 401, "no_session"},
    {"GET", "/api/attempts", "Bearer secre", "secret", NOBODY, 401, "wrong_token"},
    {"GET", "/api/attempts", "Bearer secrets", "secret", OWN, 401, "wrong_token"},
    {"GET", "/api/attempts", "bearer  secret ", "secret", NOBODY, 200, ""},
    {"GET", "/api/attempts", "Bearer q1q2q3q4", "q1q2q3q4", NOBODY, 403, "sample_token"},
    {"DELETE", "/api/attempts", "Bearer secret", "secret", NOBODY, 405, "method"},
    {"GET", "/api/attempts/summary", "Bearer secret", "secret", NOBODY, 200, ""},
    {"POST", "/api/admin/session", "", "", NOBODY, 200, ""},
    {"GET", "/api/admin/session", "", "secret", OWN, 200, "by session"},
    {"GET", "/api/admin/session", "", "secret", NO_CSRF, 200, "by session"},
    {"GET", "/api/admin/session", "", "secret", FOREIGN, 200, "by session"},
    {"DELETE", "/api/admin/session", "", "secret", OWN, 200, "by session"},
    {"DELETE", "/api/admin/session", "", "secret", NO_CSRF, 403, "no_csrf"},
    {"DELETE", "/api/admin/session", "", "secret", FOREIGN, 403, "other_site"},
    {"DELETE", "/api/admin/session", "Bearer secret", "secret", FOREIGN, 200, ""},
    {"DELETE", "/api/admin/session", "", "", OWN, 403, "no_administrator"},
};

static void a_request_is_admitted_by_the_table(void **state)
{
    struct session session = {.number = 1, .csrf = "0123456789abcdef0123456789abcdef"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct caller caller = {.is_own_site = cases[i].who == OWN || cases[i].who == NO_CSRF,
                                .is_foreign = cases[i].who == FOREIGN,
                                .is_socket = cases[i].who == SOCKET};
        bool has_session = caller.is_own_site || caller.is_foreign;
        struct decision decision = router_decide(
            &(struct visit){.method = view_of(cases[i].method),
                            .path = view_of(cases[i].path),
                            .authorization = view_of(cases[i].authorization),
                            .csrf = cases[i].who == NO_CSRF ? VIEW("x") : view_of(session.csrf),
                            .caller = &caller,
                            .session = has_session ? &session : NULL,
                            .token = {view_of(cases[i].token)}});

        if (decision.status != cases[i].status)
            fail_msg("case %zu: %d, wanted %d", i, decision.status, cases[i].status);
        expect_text(cases[i].path, decision.is_by_session ? "by session" : decision.code,
                    cases[i].code);
        assert_true(decision.status != 200 || decision.api);
    }
}

static void the_methods_of_a_path_are_told(void **state)
{
    struct bytes methods = {0};

    (void)state;
    router_write_methods(VIEW("/api/admin/session"), &methods);
    expect_text("allow", bytes_cstr(&methods), "POST, GET, HEAD, DELETE");
    bytes_clear(&methods);
}

/* Asking */

static struct admin admin;
static h2o_req_t req;

static struct reply *request(const char *query)
{
    struct decision decision = router_decide(&(struct visit){.method = VIEW("GET"),
                                                             .path = VIEW("/api/attempts"),
                                                             .authorization = VIEW("Bearer secret"),
                                                             .caller = &(struct caller){0},
                                                             .token = {VIEW("secret")}});
    struct reply *reply;

    h2o_mem_init_pool(&req.pool);
    reply = reply_new(&admin.web, &req);
    reply->call.query = view_of(query);
    decision.api->on(&admin, &reply->call, reply);
    return reply;
}

/* What the loop's next round does: sends, and ends the request. */
static void expect_reply(int status, const char *part)
{
    assert_non_null(seen.entry);
    seen.entry->cb(seen.entry);
    assert_int_equal(seen.status, status);
    if (!strstr(bytes_cstr(&seen.body), part))
        fail_msg("no %s in %s", part, seen.body.at);
    h2o_mem_clear_pool(&req.pool);
}

static int fresh(void **state)
{
    (void)state;
    bytes_clear(&seen.body);
    bytes_clear(&seen.asked);
    memset(&seen, 0, sizeof(seen));
    seen.is_welcome = true;
    admin = (struct admin){0};
    return 0;
}

static int clear(void **state)
{
    (void)state;
    assert_null(admin.inquiries);
    assert_int_equal(admin.web.replies, 0);
    return fresh(state);
}

static void an_answer_becomes_the_reply(void **state)
{
    (void)state;
    request("limit=7&model=a%22b+c&&=x&status");
    expect_text("asked", bytes_cstr(&seen.asked),
                "attempts_recent {\"limit\":\"7\",\"model\":\"a\\\"b c\",\"status\":\"\"}");
    inquiry_answer(&admin, seen.number + 1, VIEW("{}")); /* another's */
    assert_int_equal(seen.linked, 0);
    inquiry_answer(&admin, seen.number, VIEW("{\"rows\":[]}"));
    inquiry_answer(&admin, seen.number, VIEW("{\"rows\":[1]}"));
    expect_reply(200, "{\"rows\":[]}");
    assert_int_equal(seen.linked, 1);
}

static void errors_of_the_recorder_have_a_status(void **state)
{
    static const struct {
        const char *answer;
        int status;
    } answers[] = {
        {"{\"error\":{\"code\":\"bad_parameter\"}}", 400},
        {"{\"error\":{\"code\":\"busy\"}}", 503},
        {"{\"error\":{\"code\":\"database_away\"}}", 503},
        {"{\"error\":{\"code\":\"timeout\"}}", 504},
        {"{\"error\":{\"code\":\"database\"}}", 500},
        {"{\"error\":7}", 500},
        {"[]", 500},
        {"", 500},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        request("");
        inquiry_answer(&admin, seen.number, view_of(answers[i].answer));
        expect_reply(answers[i].status, "error");
    }
}

static void without_an_answer_the_deadline_is_one(void **state)
{
    (void)state;
    request("");
    inquiries_expire(&admin, QUESTION_LIMIT_MS);
    assert_int_equal(seen.linked, 0);
    inquiries_expire(&admin, QUESTION_LIMIT_MS + 60 * 1000);
    inquiry_answer(&admin, seen.number, VIEW("{}")); /* too late */
    expect_reply(504, "timeout");
}

static void nobody_to_ask_is_said_at_once_and_when_it_goes(void **state)
{
    (void)state;
    seen.is_welcome = false;
    request("");
    expect_reply(503, "recorder_away");
    seen.is_welcome = true;
    request("");
    inquiries_lose(&admin, &admin.query);
    expect_reply(503, "recorder_away");
}

static void a_request_that_goes_takes_its_question_along(void **state)
{
    (void)state;
    request("");
    h2o_mem_clear_pool(&req.pool);
    assert_null(admin.inquiries);
    inquiry_answer(&admin, seen.number, VIEW("{}"));
    inquiries_expire(&admin, UINT64_MAX);
    assert_int_equal(seen.linked, 0);
}

static void open_questions_are_bounded(void **state)
{
    (void)state;
    admin.inquiry_count = 64;
    request("");
    expect_reply(503, "busy");
    admin.inquiry_count = 0;
}

#define ASKING(test) cmocka_unit_test_setup_teardown(test, fresh, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_admitted_by_the_table),
        cmocka_unit_test(the_methods_of_a_path_are_told),
        ASKING(an_answer_becomes_the_reply),
        ASKING(errors_of_the_recorder_have_a_status),
        ASKING(without_an_answer_the_deadline_is_one),
        ASKING(nobody_to_ask_is_said_at_once_and_when_it_goes),
        ASKING(a_request_that_goes_takes_its_question_along),
        ASKING(open_questions_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
