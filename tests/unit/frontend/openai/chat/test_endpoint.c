/* SPDX-License-Identifier: Apache-2.0 */
/* chat/completions as an endpoint: the plan that a request becomes, and what becomes of its calls. */
#include "frontend/dialect_test.h"

#include <stdlib.h>

#include "parts/refusal.h"

#define HI "'model':'gemini-x','messages':[{'role':'user','content':'hi'}]"

static struct {
    void *state;
    struct plan plan;
    struct refusals refusals;
    struct bytes out;
} chat;

static int open_chat(void **state)
{
    plain_options(state);
    memset(&chat, 0, sizeof(chat));
    chat.plan.limit = 16;
    chat.state = calloc(1, endpoint_chat.state_size);
    return 0;
}

static int close_chat(void **state)
{
    (void)state;
    endpoint_chat.clear(chat.state);
    plan_clear(&chat.plan);
    bytes_clear(&chat.out);
    free(chat.state);
    return 0;
}

static enum error begin(const char *text)
{
    struct bytes body = json_of(text);
    struct request request = {.id = 0xab,
                              .client = 7,
                              .now_ms = 1000,
                              .utc_ms = 77000,
                              .pool = "gemini",
                              .body = bytes_view(&body),
                              .refusals = &chat.refusals};
    enum error error = endpoint_chat.begin(chat.state, &request, &chat.plan);

    bytes_clear(&body);
    return error;
}

static enum error event(size_t call, const char *text)
{
    struct bytes json = json_of(text);
    enum error error =
        endpoint_chat.event(chat.state, &chat.plan, call, bytes_view(&json), &chat.out);

    bytes_clear(&json);
    return error;
}

static enum error answer(size_t call, const char *text)
{
    struct bytes json = json_of(text);
    struct call_answer whole = {.body = bytes_view(&json)};
    enum error error = endpoint_chat.answer(chat.state, &chat.plan, call, &whole, &chat.out);

    bytes_clear(&json);
    return error;
}

static bool fails(size_t call, enum error error, const char *text, bool has_begun)
{
    struct bytes json = json_of(text);
    struct call_failure failure = {
        .error = error, .has_begun = has_begun, .body = bytes_view(&json)};
    bool is_mended = endpoint_chat.failed(chat.state, &chat.plan, call, &failure);

    bytes_clear(&json);
    return is_mended;
}

static const struct order *order(size_t call)
{
    return &chat.plan.steps[call]->order;
}

static void the_choices_of_a_request_are_calls_that_share_one_body(void **state)
{
    (void)state;
    assert_int_equal(begin("{" HI ",'n':3}"), ERROR_NONE);
    assert_int_equal(chat.plan.count, 3);
    assert_false(chat.plan.is_sse);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(chat.plan.steps[i]->place, i);
        assert_int_equal(chat.plan.steps[i]->pass, STEP_WHOLE);
        assert_ptr_equal(order(i)->body, order(0)->body);
        expect_text("operation", order(i)->operation, "generateContent");
        expect_text("pool", order(i)->pool, "gemini");
        assert_int_equal(order(i)->client, 7);
        assert_int_equal(order(i)->model.len, strlen("gemini-x"));
        assert_memory_equal(order(i)->model.at, "gemini-x", 8);
    }
    assert_true(body_view(order(0)->body).len > 0);
}

static void a_stream_is_a_plan_of_events(void **state)
{
    (void)state;
    assert_int_equal(begin("{" HI ",'stream':true}"), ERROR_NONE);
    assert_int_equal(chat.plan.count, 1);
    assert_true(chat.plan.is_sse);
    assert_int_equal(chat.plan.steps[0]->pass, STEP_EVENTS);
    assert_true(order(0)->stream);
}

static void a_request_that_is_wrong_says_why_and_asks_nothing(void **state)
{
    (void)state;
    assert_int_equal(begin("{" HI ",'n':0}"), ERROR_BAD_VALUE);
    assert_int_equal(chat.plan.count, 0);
    assert_true(chat.plan.why.len > 0);
    expect_text("param", chat.plan.param, "n");
}

static void more_choices_than_a_plan_takes_are_refused(void **state)
{
    (void)state;
    chat.plan.limit = 2;
    assert_int_equal(begin("{" HI ",'n':3}"), ERROR_BAD_VALUE);
    assert_int_equal(chat.plan.count, 0);
    expect_text("param", chat.plan.param, "n");
    expect_text("why", bytes_cstr(&chat.plan.why), "Invalid value: 'n' must be at most 2.");
}

#define PICTURE(url) "{'type':'image_url','image_url':{'url':'" url "'}}"
#define LOOK(url, more)                                                                            \
    "{'model':'gemini-x','messages':[{'role':'user','content':[{'type':'text','text':'hi'}"        \
    "," PICTURE(url) "]}]" more "}"

static enum error fetched(size_t call, const char *text)
{
    struct call_answer whole = {.body = view_of(text),
                                .headers = VIEW("content-type: image/png\r\n")};

    return endpoint_chat.answer(chat.state, &chat.plan, call, &whole, &chat.out);
}

static void what_is_named_by_address_is_fetched_before_the_choices_are_asked_for(void **state)
{
    (void)state;
    settings_mine()->media_urls = "fetch";
    assert_int_equal(begin(LOOK("https://host/a.png", ",'n':2,'stream':true")), ERROR_NONE);
    assert_int_equal(chat.plan.count, 1);
    assert_true(chat.plan.is_sse);
    expect_text("pool", order(0)->pool, "fetch");
    assert_int_equal(fetched(0, "abc"), ERROR_NONE);
    assert_int_equal(chat.plan.count, 3);
    assert_ptr_equal(order(1)->body, order(2)->body);
    expect_text("pool", order(2)->pool, "gemini");
    assert_int_equal(chat.plan.steps[2]->place, 1);
    bytes_append(&chat.out, body_view(order(1)->body));
    assert_non_null(strstr(bytes_cstr(&chat.out),
                           "{\"inlineData\":{\"data\":\"YWJj\",\"mimeType\":\"image/png\"}}"));
    assert_int_equal(chat.plan.kept, 0);
}

static void what_cannot_be_fetched_fails_the_request_by_name(void **state)
{
    (void)state;
    settings_mine()->media_urls = "fetch";
    assert_int_equal(begin(LOOK("https://host/a.png?secret", "")), ERROR_NONE);
    assert_false(fails(0, ERROR_FETCH, "{'error':{'message':'timeout.'}}", false));
    expect_text("why", bytes_cstr(&chat.plan.why),
                "Invalid value: 'messages[0].content[1].image_url.url': could not fetch "
                "https://host/a.png: timeout.");
    expect_text("param", chat.plan.param, "messages[0].content[1].image_url.url");
}

static void an_address_that_is_none_is_refused_before_anything_is_asked(void **state)
{
    (void)state;
    settings_mine()->media_urls = "fetch";
    assert_int_equal(begin(LOOK("https://user:pass@host/", "")), ERROR_BAD_VALUE);
    expect_text("param", chat.plan.param, "messages[0].content[1].image_url.url");
    assert_int_equal(chat.plan.count, 0);
}

static void nothing_is_fetched_where_that_is_off(void **state)
{
    (void)state;
    settings_mine()->media_urls = "off";
    assert_int_equal(begin(LOOK("https://host/", "")), ERROR_UNSUPPORTED_VALUE);
    expect_text("param", chat.plan.param, "messages[0].content[1].image_url.url");
}

static void choices_and_addresses_share_the_plans_room(void **state)
{
    (void)state;
    settings_mine()->media_urls = "fetch";
    chat.plan.limit = 2;
    assert_int_equal(begin(LOOK("https://host/", ",'n':2")), ERROR_BAD_VALUE);
    expect_text("why", bytes_cstr(&chat.plan.why), "Invalid value: 'n' must be at most 1.");
}

#define REFUSED(message)                                                                           \
    "{'error':{'code':400,'message':'" message "','status':'INVALID_ARGUMENT'}}"
#define PENALTY REFUSED("Penalty is not enabled for this model")
#define THINKING REFUSED("Thinking budget is not supported for this model.")

static bool has_penalty(size_t call)
{
    struct view body = body_view(order(call)->body);

    return memmem(body.at, body.len, "Penalty", 7) != NULL;
}

static void a_field_that_the_model_refuses_is_left_out_once(void **state)
{
    (void)state;
    begin("{" HI ",'n':2,'presence_penalty':1,'frequency_penalty':1}");
    assert_true(fails(0, ERROR_BAD_REQUEST, PENALTY, false));
    assert_int_equal(chat.plan.count, 3);
    assert_int_equal(chat.plan.steps[2]->place, 0);
    assert_false(has_penalty(2));
    assert_true(has_penalty(1));
    assert_int_equal(refusals_known(&chat.refusals, VIEW("gemini-x"), 2000), 1u << REFUSED_PENALTY);
    assert_false(fails(2, ERROR_BAD_REQUEST, PENALTY, false));
    assert_true(
        fails(1, ERROR_BAD_REQUEST, PENALTY, false)); /* the other choice's own first time */
    assert_int_equal(chat.plan.count, 4);
    assert_int_equal(chat.plan.steps[3]->place, 1);
}

static void other_failures_are_not_mended(void **state)
{
    static const struct {
        const char *what;
        enum error error;
        const char *body;
        bool has_begun;
    } cases[] = {
        {"another error", ERROR_UPSTREAM, PENALTY, false},
        {"another mistake", ERROR_BAD_REQUEST, REFUSED("The input is too long"), false},
        {"a field that is not there", ERROR_BAD_REQUEST, THINKING, false},
        {"an answer that had begun", ERROR_BAD_REQUEST, PENALTY, true},
        {"no word", ERROR_BAD_REQUEST, "", false},
    };

    (void)state;
    begin("{" HI ",'presence_penalty':1}");
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (fails(0, cases[i].error, cases[i].body, cases[i].has_begun))
            fail_msg("%s was mended", cases[i].what);
    assert_int_equal(chat.plan.count, 1);
    assert_int_equal(chat.refusals.count, 0);
    chat.plan.limit = 1;
    assert_false(fails(0, ERROR_BAD_REQUEST, PENALTY, false)); /* the plan is full */
}

static void a_whole_answer_becomes_a_choice(void **state)
{
    (void)state;
    begin("{" HI ",'n':2}");
    assert_int_equal(answer(0, "{'candidates':[{'content':{'parts':[{'text':'a'}]},"
                               "'finishReason':'STOP'}],'responseId':'r'}"),
                     ERROR_NONE);
    assert_null(strstr(bytes_cstr(&chat.out), "\"usage\""));
    assert_int_equal(answer(1, "{'candidates':[{'content':{'parts':[{'text':'b'}]},"
                               "'finishReason':'STOP'}],'responseId':'s'}"),
                     ERROR_NONE);
    assert_non_null(strstr(bytes_cstr(&chat.out), "\"index\":0,\"message\":"));
    assert_non_null(strstr(chat.out.at, "\"index\":1,\"message\":"));
    assert_non_null(strstr(chat.out.at, "\"id\":\"chatcmpl-r\""));
    assert_non_null(strstr(chat.out.at, "\"created\":77,"));
}

static void what_is_no_answer_is_an_error(void **state)
{
    (void)state;
    begin("{" HI "}");
    assert_int_equal(answer(0, "nonsense"), ERROR_UPSTREAM);
}

static void what_is_no_event_is_an_error(void **state)
{
    (void)state;
    begin("{" HI ",'stream':true}");
    assert_int_equal(event(0, "nonsense"), ERROR_UPSTREAM);
}

static void a_stream_that_ends_by_a_malformed_call_is_one(void **state)
{
    (void)state;
    begin("{" HI ",'stream':true}");
    event(0, "{'candidates':[{'finishReason':'MALFORMED_FUNCTION_CALL'}],'responseId':'r'}");
    assert_int_equal(answer(0, ""), ERROR_MALFORMED);
    assert_true(chat.plan.why.len > 0);
}

static void a_stream_that_has_no_end_is_an_error(void **state)
{
    (void)state;
    begin("{" HI ",'stream':true}");
    event(0, "{'candidates':[{'content':{'parts':[{'text':'a'}]}}],'responseId':'r'}");
    assert_int_not_equal(answer(0, ""), ERROR_NONE);
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;

    for (; (text = strstr(text, part)); text += strlen(part))
        count++;
    return count;
}

static void beats_and_content_are_of_one_reply(void **state)
{
    (void)state;
    begin("{" HI ",'stream':true}");
    endpoint_chat.beat(chat.state, &chat.out);
    endpoint_chat.beat(chat.state, &chat.out);
    event(0, "{'candidates':[{'content':{'parts':[{'text':'a'}]},'finishReason':'STOP'}],"
             "'responseId':'r'}");
    assert_int_equal(answer(0, ""), ERROR_NONE);
    bytes_cstr(&chat.out);
    assert_int_equal(count_of(chat.out.at, "\"id\":\"chatcmpl-"), 4);
    assert_int_equal(count_of(chat.out.at, "\"id\":\"chatcmpl-r\""), 0); /* nobody knew it then */
    assert_int_equal(count_of(chat.out.at, "\"content\":\"a\""), 1);
    assert_int_equal(count_of(chat.out.at, "data: [DONE]"), 1);
}

/* The operator wants it so: nothing is seen of the answer before its end. */
static void a_gathered_stream_asks_for_the_whole_and_tells_it_in_chunks(void **state)
{
    static const char *const texts[] = {"'content':'ab'", "'finish_reason':'stop'", "data: [DONE]"};
    const char *at;

    (void)state;
    settings_mine()->fake_stream = true;
    assert_int_equal(begin("{" HI ",'stream':true}"), ERROR_NONE);
    assert_true(chat.plan.is_sse && chat.plan.is_gathered);
    assert_int_equal(chat.plan.steps[0]->pass, STEP_WHOLE);
    assert_false(order(0)->stream);
    expect_text("operation", order(0)->operation, "generateContent");
    assert_null(memchr(order(0)->path.at, '?', order(0)->path.len));
    assert_int_equal(answer(0, "{'candidates':[{'content':{'parts':[{'text':'a'},{'text':'b'}]},"
                               "'finishReason':'STOP'}],'responseId':'r'}"),
                     ERROR_NONE);
    at = bytes_cstr(&chat.out);
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct bytes text = json_of(texts[i]);
        assert_non_null(at = strstr(at, text.at));
        bytes_clear(&text);
    }
}

static void what_is_no_gathered_answer_is_an_error(void **state)
{
    (void)state;
    settings_mine()->fake_stream = true;
    begin("{" HI ",'stream':true}");
    assert_int_equal(answer(0, "nonsense"), ERROR_UPSTREAM);
    assert_int_equal(answer(0, "{'candidates':[{'content':{'parts':[{'text':'a'}]}}]}"),
                     ERROR_UPSTREAM_CUT);
}

static void who_wants_no_stream_is_not_gathered(void **state)
{
    (void)state;
    settings_mine()->fake_stream = true;
    assert_int_equal(begin("{" HI "}"), ERROR_NONE);
    assert_false(chat.plan.is_sse || chat.plan.is_gathered);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_gathered_stream_asks_for_the_whole_and_tells_it_in_chunks,
                                        open_chat, close_chat),
        cmocka_unit_test_setup_teardown(what_is_no_gathered_answer_is_an_error, open_chat,
                                        close_chat),
        cmocka_unit_test_setup_teardown(who_wants_no_stream_is_not_gathered, open_chat, close_chat),
        cmocka_unit_test_setup_teardown(the_choices_of_a_request_are_calls_that_share_one_body,
                                        open_chat, close_chat),
        cmocka_unit_test_setup_teardown(a_stream_is_a_plan_of_events, open_chat, close_chat),
        cmocka_unit_test_setup_teardown(a_request_that_is_wrong_says_why_and_asks_nothing,
                                        open_chat, close_chat),
        cmocka_unit_test_setup_teardown(more_choices_than_a_plan_takes_are_refused, open_chat,
                                        close_chat),
        cmocka_unit_test_setup_teardown(
            what_is_named_by_address_is_fetched_before_the_choices_are_asked_for, open_chat,
            close_chat),
        cmocka_unit_test_setup_teardown(what_cannot_be_fetched_fails_the_request_by_name, open_chat,
                                        close_chat),
        cmocka_unit_test_setup_teardown(an_address_that_is_none_is_refused_before_anything_is_asked,
                                        open_chat, close_chat),
        cmocka_unit_test_setup_teardown(nothing_is_fetched_where_that_is_off, open_chat,
                                        close_chat),
        cmocka_unit_test_setup_teardown(choices_and_addresses_share_the_plans_room, open_chat,
                                        close_chat),

        cmocka_unit_test_setup_teardown(a_field_that_the_model_refuses_is_left_out_once, open_chat,
                                        close_chat),
        cmocka_unit_test_setup_teardown(other_failures_are_not_mended, open_chat, close_chat),
        cmocka_unit_test_setup_teardown(a_whole_answer_becomes_a_choice, open_chat, close_chat),
        cmocka_unit_test_setup_teardown(what_is_no_answer_is_an_error, open_chat, close_chat),
        cmocka_unit_test_setup_teardown(what_is_no_event_is_an_error, open_chat, close_chat),
        cmocka_unit_test_setup_teardown(a_stream_that_ends_by_a_malformed_call_is_one, open_chat,
                                        close_chat),
        cmocka_unit_test_setup_teardown(a_stream_that_has_no_end_is_an_error, open_chat,
                                        close_chat),
        cmocka_unit_test_setup_teardown(beats_and_content_are_of_one_reply, open_chat, close_chat),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
