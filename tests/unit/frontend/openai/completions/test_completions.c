/* SPDX-License-Identifier: Apache-2.0 */
/* completions: the chats that a request becomes, and the reply that their answers become. */
#include "cases.h"
#include "openai/endpoints.h"
#include "parts/refusal.h"

#include <stdlib.h>

#define MODEL "'model':'gemini-x'"
#define ASK(more) "{" MODEL ",'prompt':'hi'" more "}"
#define BODY(text, more) "{'contents':[{'role':'user','parts':[{'text':'" text "'}]}]" more "}"
#define CONFIG(members) ",'generationConfig':{" members "}"
#define SAID(text, more)                                                                           \
    "{'candidates':[{'content':{'parts':[{'text':'" text "'}]}" more "}],'responseId':'r',"        \
    "'modelVersion':'v','usageMetadata':{'promptTokenCount':2,'candidatesTokenCount':3,"           \
    "'thoughtsTokenCount':1,'totalTokenCount':6}}"
#define STOP ",'finishReason':'STOP'"
#define HEAD                                                                                       \
    "{'id':'cmpl-r','object':'text_completion','created':77,'model':'gemini-x',"                   \
    "'system_fingerprint':'fp_v','choices':["
#define CHOICE(index, text, finish)                                                                \
    "{'index':" index ",'text':'" text "','logprobs':null,'finish_reason':" finish "}"
#define USAGE(prompt, completion, total, reasoning)                                                \
    "],'usage':{'prompt_tokens':" prompt ",'completion_tokens':" completion                        \
    ",'total_tokens':" total ",'prompt_tokens_details':{'cached_tokens':0},"                       \
    "'completion_tokens_details':{'reasoning_tokens':" reasoning "}}}"
#define CHUNK(choice) "data: " HEAD choice "]}\n\n"
#define DONE "data: [DONE]\n\n"

static struct {
    void *state;
    struct plan plan;
    struct refusals refusals;
    struct bytes out;
} it;

static int open_it(void **state)
{
    plain_options(state);
    memset(&it, 0, sizeof(it));
    it.plan.limit = 16;
    it.state = calloc(1, endpoint_completions.state_size);
    return 0;
}

static int close_it(void **state)
{
    (void)state;
    endpoint_completions.clear(it.state);
    plan_clear(&it.plan);
    bytes_clear(&it.out);
    free(it.state);
    return 0;
}

static void again(void)
{
    close_it(NULL);
    open_it(NULL);
}

static enum error begin(const char *text)
{
    struct bytes body = json_of(text);
    struct request request = {.id = 0xab,
                              .client = 7,
                              .utc_ms = 77000,
                              .pool = "gemini",
                              .body = bytes_view(&body),
                              .refusals = &it.refusals};
    enum error error = endpoint_completions.begin(it.state, &request, &it.plan);

    bytes_clear(&body);
    return error;
}

static enum error event(size_t call, const char *text)
{
    struct bytes json = json_of(text);
    enum error error =
        endpoint_completions.event(it.state, &it.plan, call, bytes_view(&json), &it.out);

    bytes_clear(&json);
    return error;
}

static enum error answer(size_t call, const char *text)
{
    struct bytes json = json_of(text);
    struct call_answer whole = {.body = bytes_view(&json)};
    enum error error = endpoint_completions.answer(it.state, &it.plan, call, &whole, &it.out);

    bytes_clear(&json);
    return error;
}

static void expect_out(const char *what, const char *want)
{
    struct bytes json = json_of(want);

    expect_text(what, bytes_cstr(&it.out), json.at);
    bytes_clear(&json);
}

static void expect_body(const char *what, size_t call, const char *want)
{
    struct bytes json = json_of(want), body = {0};

    bytes_append(&body, body_view(it.plan.steps[call]->order.body));
    expect_text(what, bytes_cstr(&body), json.at);
    bytes_clear(&body);
    bytes_clear(&json);
}

static void a_prompt_is_a_chat_of_one_message(void **state)
{
    static const struct {
        const char *what, *in, *want;
    } cases[] = {
        {"a text", ASK(""), BODY("hi", "")},
        {"a list of one", "{" MODEL ",'prompt':['hi']}", BODY("hi", "")},
        {"the parameters",
         ASK(",'max_tokens':5,'temperature':0.50,'top_p':0.9,'stop':['a','b'],'seed':3,"
             "'presence_penalty':1.5,'frequency_penalty':-1,'user':'u','best_of':1,'suffix':''"),
         BODY("hi", CONFIG("'temperature':0.50,'topP':0.9,'maxOutputTokens':5,"
                           "'stopSequences':['a','b'],'seed':3,'presencePenalty':1.5,"
                           "'frequencyPenalty':-1"))},
        {"probabilities", ASK(",'logprobs':2"),
         BODY("hi", CONFIG("'responseLogprobs':true,'logprobs':2"))},
        {"those of what was chosen alone", ASK(",'logprobs':0"),
         BODY("hi", CONFIG("'responseLogprobs':true"))},
        {"null is nothing",
         ASK(",'logprobs':null,'suffix':null,'best_of':null,'echo':null,'n':null,'stop':null"),
         BODY("hi", "")},
        {"members of chats", ASK(",'messages':[],'tools':[{}],'extra_body':{'n':2}"),
         BODY("hi", "")},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        again();
        if (begin(cases[i].in) != ERROR_NONE)
            fail_msg("%s: refused: %s", cases[i].what, bytes_cstr(&it.plan.why));
        assert_int_equal(it.plan.count, 1);
        expect_body(cases[i].what, 0, cases[i].want);
    }
}

static void what_is_wrong_is_refused_by_name(void **state)
{
    static const struct {
        const char *what, *in;
        enum error error;
        const char *param; /* NULL: null */
    } cases[] = {
        {"no JSON", "nonsense", ERROR_BAD_JSON, NULL},
        {"no object", "[]", ERROR_BAD_JSON, NULL},
        {"no prompt", "{" MODEL "}", ERROR_MISSING_PARAMETER, "prompt"},
        {"null", "{" MODEL ",'prompt':null}", ERROR_MISSING_PARAMETER, "prompt"},
        {"a number", "{" MODEL ",'prompt':5}", ERROR_BAD_TYPE, "prompt"},
        {"an object", "{" MODEL ",'prompt':{}}", ERROR_BAD_TYPE, "prompt"},
        {"an empty text", "{" MODEL ",'prompt':''}", ERROR_BAD_VALUE, "prompt"},
        {"a text of NULs", "{" MODEL ",'prompt':'\\u0000\\u0000'}", ERROR_BAD_VALUE, "prompt"},
        {"an empty list", "{" MODEL ",'prompt':[]}", ERROR_BAD_VALUE, "prompt"},
        {"an empty text among others", "{" MODEL ",'prompt':['a','']}", ERROR_BAD_VALUE, "prompt"},
        {"token ids", "{" MODEL ",'prompt':[1,2]}", ERROR_UNSUPPORTED_VALUE, "prompt"},
        {"lists of them", "{" MODEL ",'prompt':[[1,2]]}", ERROR_UNSUPPORTED_VALUE, "prompt"},
        {"texts and token ids", "{" MODEL ",'prompt':['a',[1]]}", ERROR_UNSUPPORTED_VALUE,
         "prompt"},
        {"a list of something else", "{" MODEL ",'prompt':[true]}", ERROR_BAD_TYPE, "prompt"},
        {"many prompts", "{" MODEL ",'prompt':['1','2','3','4','5','6','7','8','9']}",
         ERROR_BAD_VALUE, "prompt"},
        {"many choices", "{" MODEL ",'prompt':['1','2','3'],'n':3}", ERROR_BAD_VALUE, "n"},
        {"pictures", "{'model':'imagen-4.0-generate-001-chat','prompt':'a'}", ERROR_NO_MODEL,
         "model"},
        {"a suffix", ASK(",'suffix':'x'"), ERROR_UNSUPPORTED, "suffix"},
        {"a suffix that is none", ASK(",'suffix':1"), ERROR_BAD_TYPE, "suffix"},
        {"the best of several", ASK(",'best_of':2"), ERROR_UNSUPPORTED_VALUE, "best_of"},
        {"the best of fewer", ASK(",'n':2,'best_of':1"), ERROR_UNSUPPORTED_VALUE, "best_of"},
        {"echo", ASK(",'echo':'x'"), ERROR_BAD_TYPE, "echo"},
        {"probabilities as in chats", ASK(",'logprobs':true"), ERROR_BAD_TYPE, "logprobs"},
        {"many probabilities", ASK(",'logprobs':6"), ERROR_BAD_VALUE, "logprobs"},
        {"no choices", ASK(",'n':0"), ERROR_BAD_VALUE, "n"},
        {"no tokens", ASK(",'max_tokens':0"), ERROR_BAD_VALUE, "max_tokens"},
        {"a temperature", ASK(",'temperature':'x'"), ERROR_BAD_TYPE, "temperature"},
        {"no model", "{'prompt':'hi'}", ERROR_MISSING_PARAMETER, "model"},
        {"a model that is hidden", "{'model':'gemini-old','prompt':'hi'}", ERROR_NO_MODEL, "model"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        enum error error;

        again();
        error = begin(cases[i].in);
        if (error != cases[i].error)
            fail_msg("%s: %s (%s)", cases[i].what, error_facts(error)->name,
                     bytes_cstr(&it.plan.why));
        expect_text(cases[i].what, it.plan.param ? it.plan.param : "null",
                    cases[i].param ? cases[i].param : "null");
        assert_true(it.plan.why.len > 0);
    }
}

static void prompts_and_choices_share_the_plans_room(void **state)
{
    (void)state;
    it.plan.limit = 3;
    assert_int_equal(begin("{" MODEL ",'prompt':['a','b'],'n':2}"), ERROR_BAD_VALUE);
    expect_text("why", bytes_cstr(&it.plan.why),
                "Invalid value: 'n' times the number of prompts must be at most 3.");
}

static void each_prompt_has_calls_of_its_own_in_order(void **state)
{
    (void)state;
    assert_int_equal(begin("{" MODEL ",'prompt':['a','b'],'n':2,'best_of':2}"), ERROR_NONE);
    assert_int_equal(it.plan.count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(it.plan.steps[i]->place, i);
        assert_int_equal(it.plan.steps[i]->pass, STEP_WHOLE);
        expect_body("body", i, i < 2 ? BODY("a", "") : BODY("b", ""));
    }
}

static void whole_answers_become_one_reply(void **state)
{
    (void)state;
    begin("{" MODEL ",'prompt':['a','b'],'n':2}");
    assert_int_equal(answer(0, SAID("A", STOP)), ERROR_NONE);
    assert_int_equal(answer(1, SAID("B\\n", ",'finishReason':'MAX_TOKENS'")), ERROR_NONE);
    assert_int_equal(answer(2, SAID("", ",'finishReason':'SAFETY'")), ERROR_NONE);
    assert_int_equal(answer(3, SAID("D", STOP)), ERROR_NONE);
    assert_int_equal(it.out.len, 0);
    assert_true(it.plan.kept > 0);
    endpoint_completions.end(it.state, &it.out);
    expect_out("whole",
               HEAD CHOICE("0", "A", "'stop'") "," CHOICE("1", "B\\n", "'length'") "," CHOICE(
                   "2", "", "'content_filter'") "," CHOICE("3", "D", "'stop'")
                   USAGE("4", "16", "20", "4"));
}

static void an_echo_begins_each_choice(void **state)
{
    (void)state;
    begin("{" MODEL ",'prompt':['a','b'],'echo':true}");
    answer(0, SAID("A", STOP));
    answer(1, SAID("B", STOP));
    endpoint_completions.end(it.state, &it.out);
    expect_out("echo", HEAD CHOICE("0", "aA", "'stop'") "," CHOICE("1", "bB", "'stop'")
                           USAGE("4", "8", "12", "2"));
}

static void what_is_no_answer_is_an_error(void **state)
{
    (void)state;
    begin(ASK(""));
    assert_int_equal(answer(0, "nonsense"), ERROR_UPSTREAM);
    again();
    begin(ASK(",'stream':true"));
    assert_int_equal(event(0, SAID("A", "")), ERROR_NONE);
    assert_int_equal(answer(0, ""), ERROR_UPSTREAM_CUT);
}

static void choices_that_nobody_asked_for_are_left_out(void **state)
{
    static const char more[] = "{'candidates':[{'index':0,'content':{'parts':[{'text':'A'}]}" STOP
                               "},{'index':7,'content':{'parts':[{'text':'B'}]}" STOP
                               "}],'responseId':'r','modelVersion':'v'}";
    static const char eight[] = "{" MODEL ",'prompt':['1','2','3','4','5','6','7','8']%s}";
    char text[128];

    (void)state;
    snprintf(text, sizeof(text), eight, ",'stream':true");
    assert_int_equal(begin(text), ERROR_NONE);
    assert_int_equal(event(7, more), ERROR_NONE);
    expect_out("stream", CHUNK(CHOICE("7", "A", "null")));
    again();
    snprintf(text, sizeof(text), eight, "");
    begin(text);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(answer(i, more), ERROR_NONE);
    endpoint_completions.end(it.state, &it.out);
    assert_null(strstr(bytes_cstr(&it.out), "\"B\""));
    assert_non_null(strstr(it.out.at, "{\"index\":7,\"text\":\"A\""));
}

static void streams_of_prompts_come_as_one(void **state)
{
    (void)state;
    assert_int_equal(begin("{" MODEL ",'prompt':['a','b'],'stream':true}"), ERROR_NONE);
    assert_true(it.plan.is_sse);
    assert_int_equal(it.plan.steps[1]->pass, STEP_EVENTS);
    event(1, SAID("B", ""));
    event(0, SAID("A", STOP));
    assert_int_equal(answer(0, ""), ERROR_NONE);
    event(1, SAID("C", STOP));
    assert_int_equal(answer(1, ""), ERROR_NONE);
    endpoint_completions.end(it.state, &it.out);
    expect_out("stream", CHUNK(CHOICE("1", "B", "null")) CHUNK(CHOICE("0", "A", "null"))
                             CHUNK(CHOICE("0", "", "'stop'")) CHUNK(CHOICE("1", "C", "null"))
                                 CHUNK(CHOICE("1", "", "'stop'")) DONE);
}

static void a_stream_echoes_and_tells_usage_once(void **state)
{
    (void)state;
    begin("{" MODEL ",'prompt':['a','b'],'echo':true,'stream':true,"
          "'stream_options':{'include_usage':true}}");
    for (size_t i = 0; i < 2; i++) {
        event(i, SAID("A", STOP));
        assert_int_equal(answer(i, ""), ERROR_NONE);
    }
    endpoint_completions.end(it.state, &it.out);
    expect_out(
        "stream",
        "data: " HEAD CHOICE(
            "0", "a",
            "null") "],'usage':null}\n\n"
                    "data: " HEAD CHOICE(
                        "0", "A",
                        "null") "],'usage':null}\n\n"
                                "data: " HEAD CHOICE(
                                    "0", "",
                                    "'stop'") "],'usage':null}\n\n"
                                              "data: " HEAD CHOICE(
                                                  "1", "b",
                                                  "null") "],'usage':null}\n\n"
                                                          "data: " HEAD CHOICE(
                                                              "1", "A",
                                                              "null") "],'usage':null}\n\n"
                                                                      "data: " HEAD CHOICE(
                                                                          "1", "",
                                                                          "'stop'") "],'usage':"
                                                                                    "null}\n\n"
                                                                                    "data: " HEAD USAGE(
                                                                                        "4", "8",
                                                                                        "12",
                                                                                        "2") "\n"
                                                                                             "\n" DONE);
}

static void a_beat_is_a_piece_of_nothing(void **state)
{
    (void)state;
    begin(ASK(",'stream':true"));
    event(0, SAID("A", ""));
    it.out.len = 0;
    endpoint_completions.beat(it.state, &it.out);
    expect_out("beat", CHUNK(CHOICE("0", "", "null")));
}

#define TOKEN(text, number) "{'token':'" text "','tokenId':1,'logProbability':" number "}"
#define TOKENS                                                                                     \
    ",'logprobsResult':{'chosenCandidates':[" TOKEN("\xc3\xa9", "-0.5") "," TOKEN(                 \
        "b\\n", "-1") "],'topCandidates':[{'candidates':[" TOKEN("\xc3\xa9",                       \
                                                                 "-0.5") "]},"                     \
                                                                         "{'candidates':[" TOKEN(  \
                                                                             "c", "-0.25") "]}]}"
#define LISTS(tops, first, second)                                                                 \
    "'logprobs':{'tokens':['\xc3\xa9','b\\n'],'token_logprobs':[-0.5,-1],'top_logprobs':" tops     \
    ",'text_offset':[" first "," second "]}"

static void probabilities_are_lists_over_the_tokens(void **state)
{
    static const struct {
        const char *what, *in, *text, *lists;
    } cases[] = {
        {"one beside", ASK(",'logprobs':1"),
         "\xc3\xa9"
         "b\\n",
         LISTS("[{'\xc3\xa9':-0.5},{'c':-0.25,'b\\n':-1}]", "0", "1")},
        {"none beside", ASK(",'logprobs':0"),
         "\xc3\xa9"
         "b\\n",
         LISTS("null", "0", "1")},
        {"behind an echo", ASK(",'logprobs':0,'echo':true"),
         "hi\xc3\xa9"
         "b\\n",
         LISTS("null", "2", "3")},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes want = {0};

        again();
        begin(cases[i].in);
        answer(0, SAID("\xc3\xa9"
                       "b\\n",
                       STOP TOKENS));
        endpoint_completions.end(it.state, &it.out);
        bytes_printf(&want,
                     HEAD
                     "{'index':0,'text':'%s',%s,'finish_reason':'stop'}" USAGE("2", "4", "6", "1"),
                     cases[i].text, cases[i].lists);
        expect_out(cases[i].what, bytes_cstr(&want));
        bytes_clear(&want);
    }
}

static void offsets_go_on_through_a_stream(void **state)
{
    (void)state;
    begin(ASK(",'logprobs':0,'stream':true"));
    event(0, SAID("\xc3\xa9"
                  "b\\n",
                  TOKENS));
    it.out.len = 0;
    event(0, SAID("\xc3\xa9"
                  "b\\n",
                  TOKENS));
    expect_out("offsets", CHUNK("{'index':0,'text':'\xc3\xa9"
                                "b\\n'," LISTS("null", "3", "4") ",'finish_reason':null}"));
}

static void a_field_that_the_model_refuses_is_left_out_of_its_own_chat(void **state)
{
    struct bytes json = json_of("{'error':{'code':400,'message':'Penalty is not enabled for this "
                                "model','status':'INVALID_ARGUMENT'}}");
    struct call_failure failure = {.error = ERROR_BAD_REQUEST, .body = bytes_view(&json)};

    (void)state;
    begin("{" MODEL ",'prompt':['a','b'],'presence_penalty':1}");
    assert_true(endpoint_completions.failed(it.state, &it.plan, 1, &failure));
    assert_int_equal(it.plan.count, 3);
    assert_int_equal(it.plan.steps[2]->place, 1);
    expect_body("again", 2, BODY("b", ""));
    answer(0, SAID("A", STOP));
    assert_int_equal(answer(2, SAID("B", STOP)), ERROR_NONE);
    endpoint_completions.end(it.state, &it.out);
    expect_out("reply", HEAD CHOICE("0", "A", "'stop'") "," CHOICE("1", "B", "'stop'")
                            USAGE("4", "8", "12", "2"));
    bytes_clear(&json);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_it, close_it)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_prompt_is_a_chat_of_one_message),
        TEST(what_is_wrong_is_refused_by_name),
        TEST(prompts_and_choices_share_the_plans_room),
        TEST(each_prompt_has_calls_of_its_own_in_order),
        TEST(whole_answers_become_one_reply),
        TEST(an_echo_begins_each_choice),
        TEST(what_is_no_answer_is_an_error),
        TEST(choices_that_nobody_asked_for_are_left_out),
        TEST(streams_of_prompts_come_as_one),
        TEST(a_stream_echoes_and_tells_usage_once),
        TEST(a_beat_is_a_piece_of_nothing),
        TEST(probabilities_are_lists_over_the_tokens),
        TEST(offsets_go_on_through_a_stream),
        TEST(a_field_that_the_model_refuses_is_left_out_of_its_own_chat),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
