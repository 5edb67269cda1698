/* SPDX-License-Identifier: Apache-2.0 */
/* Several answers of the provider as one reply of chat/completions: each is a choice of it. */
#include "frontend/dialect_test.h"

enum { LEGS = 3 };

#define ANSWER(text, usage)                                                                        \
    "{'candidates':[{'content':{'parts':[{'text':'" text                                           \
    "'}]},'finishReason':'STOP'}],'usageMetadata':{" usage "},'responseId':'r1'}"
#define TOKENS(prompt, candidates, thoughts, total)                                                \
    "'promptTokenCount':" prompt ",'candidatesTokenCount':" candidates                             \
    ",'thoughtsTokenCount':" thoughts ",'totalTokenCount':" total
#define CHOICE(index, text)                                                                        \
    "{'index':" index ",'message':{'role':'assistant','content':'" text                            \
    "','refusal':null,'annotations':[]},'logprobs':null,'finish_reason':'stop'}"
#define USAGE(prompt, completion, total, reasoning)                                                \
    "{'prompt_tokens':" prompt ",'completion_tokens':" completion ",'total_tokens':" total         \
    ",'prompt_tokens_details':{'cached_tokens':0,'audio_tokens':0},'completion_tokens_details':{"  \
    "'reasoning_tokens':" reasoning                                                                \
    ",'audio_tokens':0,'accepted_prediction_tokens':0,'rejected_prediction_tokens':0}}"

static struct ask ask;
static struct reply reply;
static struct bytes out;

static int begin(void **state)
{
    (void)state;
    ask = (struct ask){.legs = LEGS, .include_usage = true};
    bytes_text(&ask.client_model, "m");
    reply = (struct reply){.ask = &ask, .created_s = 77};
    return 0;
}

static int end(void **state)
{
    (void)state;
    reply_clear(&reply);
    ask_clear(&ask);
    bytes_clear(&out);
    return 0;
}

static bool whole(size_t leg, const char *answer)
{
    struct bytes json = json_of(answer);
    bool is_good;

    reply.leg = leg;
    is_good = chat_whole(&reply, bytes_view(&json), &out);
    bytes_clear(&json);
    return is_good;
}

static void event(size_t leg, const char *answer)
{
    struct bytes json = json_of(answer);

    reply.leg = leg;
    assert_true(chat_event(&reply, bytes_view(&json), &out));
    bytes_clear(&json);
}

static bool end_leg(size_t leg)
{
    reply.leg = leg;
    reply.ended++;
    return ends(&reply, &out);
}

static void expect_out(const char *what, const char *text)
{
    struct bytes want = json_of(text);

    expect_text(what, bytes_cstr(&out), bytes_cstr(&want));
    bytes_clear(&want);
    out.len = 0;
}

static void whole_answers_are_choices_and_their_prompt_counts_once(void **state)
{
    (void)state;
    assert_true(whole(0, ANSWER("a", TOKENS("10", "1", "4", "15"))));
    assert_true(whole(1, ANSWER("b", TOKENS("10", "2", "0", "12"))));
    assert_true(whole(2, ANSWER("c", TOKENS("10", "3", "5", "18"))));
    expect_out("three", "{'id':'chatcmpl-r1','object':'chat.completion','created':77,'model':'m',"
                        "'choices':[" CHOICE("0", "a") "," CHOICE("1", "b") "," CHOICE(
                            "2", "c") "],'usage':" USAGE("10", "15", "25", "9") "}");
}

static void a_prompt_that_the_first_answer_does_not_count_is_the_next_ones(void **state)
{
    (void)state;
    assert_true(whole(0, ANSWER("a", "")));
    assert_true(whole(1, ANSWER("b", TOKENS("7", "2", "0", "9"))));
    assert_true(whole(2, ANSWER("c", "")));
    assert_non_null(strstr(bytes_cstr(&out), "\"prompt_tokens\":7,\"completion_tokens\":2,"));
}

static void a_blocked_prompt_is_so_in_each_choice(void **state)
{
    static const char blocked[] = "{'promptFeedback':{'blockReason':'SAFETY'}}";

    (void)state;
    for (size_t i = 0; i < LEGS; i++)
        assert_true(whole(i, blocked));
    for (size_t i = 0; i < LEGS; i++) {
        char mark[32];
        snprintf(mark, sizeof(mark), "{\"index\":%zu,", i);
        assert_non_null(strstr(bytes_cstr(&out), mark));
    }
}

static void a_whole_answer_that_is_none_is_refused(void **state)
{
    (void)state;
    assert_true(whole(0, ANSWER("a", "")));
    assert_false(whole(1, "{'candidates':[]}"));
    out.len = 0;
}

#define CHUNK(index, delta, finish)                                                                \
    "data: {'id':'chatcmpl-r1','object':'chat.completion.chunk','created':77,'model':'m',"         \
    "'choices':[{'index':" index ",'delta':{" delta "},'logprobs':null,'finish_reason':" finish    \
    "}],'usage':null}\n\n"
#define ROLE(index) CHUNK(index, "'role':'assistant','content':'','refusal':null", "null")
#define TEXT(index, text) CHUNK(index, "'content':'" text "'", "null")
#define FINISH(index) CHUNK(index, "", "'stop'")

static void chunks_of_all_legs_go_out_as_they_come(void **state)
{
    (void)state;
    event(1, "{'candidates':[{'content':{'parts':[{'text':'b'}]}}],'responseId':'r1'}");
    event(0, "{'candidates':[{'content':{'parts':[{'text':'a'}]}}],'responseId':'r0'}");
    event(1, ANSWER("B", TOKENS("10", "2", "0", "12")));
    expect_out("interleaved", ROLE("1") TEXT("1", "b") ROLE("0") TEXT("0", "a") TEXT("1", "B"));
    assert_true(end_leg(1));
    expect_out("the first end", FINISH("1"));
    event(2, ANSWER("c", TOKENS("10", "3", "0", "13")));
    assert_true(end_leg(2));
    expect_out("the second end", ROLE("2") TEXT("2", "c") FINISH("2"));
    event(0, ANSWER("A", TOKENS("10", "1", "0", "11")));
    out.len = 0;
    assert_true(end_leg(0));
    expect_out("the last end",
               FINISH("0") "data: {'id':'chatcmpl-r1','object':'chat.completion.chunk','created':"
                           "77,'model':'m','choices':[],'usage':" USAGE(
                               "10", "6", "16", "0") "}\n\ndata: [DONE]\n\n");
}

static void a_leg_that_ends_without_a_reason_is_an_error_though_others_had_one(void **state)
{
    (void)state;
    event(0, ANSWER("a", ""));
    assert_true(end_leg(0));
    event(1, "{'candidates':[{'content':{'parts':[{'text':'b'}]}}]}");
    out.len = 0;
    assert_false(end_leg(1));
    assert_non_null(strstr(bytes_cstr(&out), "\"error\""));
    assert_null(strstr(bytes_cstr(&out), "[DONE]"));
    out.len = 0;
    assert_false(end_leg(2)); /* nothing came of it at all */
    assert_null(strstr(bytes_cstr(&out), "[DONE]"));
}

static void a_second_candidate_of_a_leg_is_nobodys_choice(void **state)
{
    (void)state;
    event(1, "{'candidates':[{'index':1,'content':{'parts':[{'text':'x'}]}}],'responseId':'r1'}");
    expect_out("nothing", "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(whole_answers_are_choices_and_their_prompt_counts_once),
        TEST(a_prompt_that_the_first_answer_does_not_count_is_the_next_ones),
        TEST(a_blocked_prompt_is_so_in_each_choice),
        TEST(a_whole_answer_that_is_none_is_refused),
        TEST(chunks_of_all_legs_go_out_as_they_come),
        TEST(a_leg_that_ends_without_a_reason_is_an_error_though_others_had_one),
        TEST(a_second_candidate_of_a_leg_is_nobodys_choice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
