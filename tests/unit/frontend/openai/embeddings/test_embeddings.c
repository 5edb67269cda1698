/* SPDX-License-Identifier: Apache-2.0 */
/* embeddings: the calls that a request becomes, and the list that their answers become. */
#include "cases.h"
#include "openai/endpoints.h"

#include <stdlib.h>

#define MODEL "'model':'gemini-embedding-001'"
#define ITEM(text)                                                                                 \
    "{'model':'models/gemini-embedding-001','content':{'parts':[{'text':'" text "'}]}"

static struct {
    void *state;
    struct plan plan;
    struct bytes out;
} embed;

static int open_embed(void **state)
{
    plain_options(state);
    memset(&embed, 0, sizeof(embed));
    embed.plan.limit = 4;
    embed.state = calloc(1, endpoint_embeddings.state_size);
    return 0;
}

static int close_embed(void **state)
{
    (void)state;
    endpoint_embeddings.clear(embed.state);
    plan_clear(&embed.plan);
    bytes_clear(&embed.out);
    free(embed.state);
    return 0;
}

static void again(void)
{
    close_embed(NULL);
    open_embed(NULL);
}

static enum error begin_json(struct view body)
{
    struct request request = {.client = 7, .pool = "gemini", .body = body};

    return endpoint_embeddings.begin(embed.state, &request, &embed.plan);
}

static enum error begin(const char *text)
{
    struct bytes body = json_of(text);
    enum error error = begin_json(bytes_view(&body));

    bytes_clear(&body);
    return error;
}

static enum error answer(size_t call, const char *text)
{
    struct bytes json = json_of(text);
    struct call_answer whole = {.body = bytes_view(&json)};
    enum error error =
        endpoint_embeddings.answer(embed.state, &embed.plan, call, &whole, &embed.out);

    bytes_clear(&json);
    return error;
}

static void replies(const char *what, const char *text)
{
    struct bytes want = json_of(text);

    endpoint_embeddings.end(embed.state, &embed.out);
    expect_text(what, bytes_cstr(&embed.out), want.at);
    bytes_clear(&want);
}

static void a_request_becomes_a_call(void **state)
{
    static const struct {
        const char *what, *in, *operation, *want;
    } cases[] = {
        {"a text", "{" MODEL ",'input':'hi'}", "embedContent", ITEM("hi") "}"},
        {"a list of one", "{" MODEL ",'input':['hi']}", "batchEmbedContents",
         "{'requests':[" ITEM("hi") "}]}"},
        {"a list", "{" MODEL ",'input':['a','b'],'user':'u'}", "batchEmbedContents",
         "{'requests':[" ITEM("a") "}," ITEM("b") "}]}"},
        {"a size", "{" MODEL ",'input':'a','dimensions':768}", "embedContent",
         ITEM("a") ",'outputDimensionality':768}"},
        {"a size in text", "{" MODEL ",'input':'a','dimensions':'768'}", "embedContent",
         ITEM("a") ",'outputDimensionality':768}"},
        {"a size in Google's words",
         "{" MODEL ",'input':'a','google':{'output_dimensionality':256}}", "embedContent",
         ITEM("a") ",'outputDimensionality':256}"},
        {"a task", "{" MODEL ",'input':'a','task_type':'retrieval_query'}", "embedContent",
         ITEM("a") ",'taskType':'RETRIEVAL_QUERY'}"},
        {"a task and a title in extra_body",
         "{" MODEL
         ",'input':'a','extra_body':{'google':{'task_type':'RETRIEVAL_DOCUMENT','title':'t'}}}",
         "embedContent", ITEM("a") ",'taskType':'RETRIEVAL_DOCUMENT','title':'t'}"},
        {"…twice in it",
         "{" MODEL ",'input':'a','extra_body':{'extra_body':{'google':{'taskType':'CLUSTERING'}}}}",
         "embedContent", ITEM("a") ",'taskType':'CLUSTERING'}"},
        {"nulls",
         "{" MODEL ",'input':'a','dimensions':null,'encoding_format':null,'task_type':null,'extra_"
         "body':null}",
         "embedContent", ITEM("a") "}"},
        {"a prefix", "{'model':'models/gemini-embedding-001','input':'a'}", "embedContent",
         ITEM("a") "}"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes want = json_of(cases[i].want), path = {0};
        const struct step *step;

        assert_int_equal(begin(cases[i].in), ERROR_NONE);
        assert_int_equal(embed.plan.count, 1);
        step = embed.plan.steps[0];
        bytes_printf(&path, "/models/gemini-embedding-001:%s", cases[i].operation);
        expect_text(cases[i].what, step->order.operation, cases[i].operation);
        assert_true(view_equal(step->order.path, bytes_view(&path)));
        assert_true(view_equal(step->order.model, VIEW("gemini-embedding-001")));
        if (!view_equal(body_view(step->order.body), bytes_view(&want)))
            fail_msg("%s: %.*s", cases[i].what, (int)body_view(step->order.body).len,
                     body_view(step->order.body).at);
        bytes_clear(&want);
        bytes_clear(&path);
        again();
    }
}

static void a_request_is_refused(void **state)
{
    static const struct {
        const char *what, *in;
        enum error error;
        const char *param;
    } cases[] = {
        {"no JSON", "{", ERROR_BAD_JSON, NULL},
        {"no object", "[]", ERROR_BAD_JSON, NULL},
        {"no model", "{'input':'a'}", ERROR_MISSING_PARAMETER, "model"},
        {"an empty model", "{'model':'','input':'a'}", ERROR_MISSING_PARAMETER, "model"},
        {"a model of another type", "{'model':5,'input':'a'}", ERROR_BAD_TYPE, "model"},
        {"a path", "{'model':'../x','input':'a'}", ERROR_NO_MODEL, "model"},
        {"a filtered model", "{'model':'gemini-old','input':'a'}", ERROR_NO_MODEL, "model"},
        {"a chat model", "{'model':'gemini-2.5-flash','input':'a'}", ERROR_NO_MODEL, "model"},
        {"no input", "{" MODEL "}", ERROR_MISSING_PARAMETER, "input"},
        {"an empty text", "{" MODEL ",'input':''}", ERROR_BAD_VALUE, "input"},
        {"an empty list", "{" MODEL ",'input':[]}", ERROR_BAD_VALUE, "input"},
        {"an empty text in a list", "{" MODEL ",'input':['a','']}", ERROR_BAD_VALUE, "input"},
        {"tokens", "{" MODEL ",'input':[1,2,3]}", ERROR_UNSUPPORTED_VALUE, "input"},
        {"lists of tokens", "{" MODEL ",'input':[[1,2],[3]]}", ERROR_UNSUPPORTED_VALUE, "input"},
        {"a number", "{" MODEL ",'input':5}", ERROR_UNSUPPORTED_VALUE, "input"},
        {"an object", "{" MODEL ",'input':{}}", ERROR_BAD_TYPE, "input"},
        {"an object in a list", "{" MODEL ",'input':['a',{}]}", ERROR_BAD_TYPE, "input"},
        {"null in a list", "{" MODEL ",'input':['a',null]}", ERROR_BAD_TYPE, "input"},
        {"no size", "{" MODEL ",'input':'a','dimensions':0}", ERROR_BAD_VALUE, "dimensions"},
        {"half a size", "{" MODEL ",'input':'a','dimensions':1.5}", ERROR_BAD_TYPE, "dimensions"},
        {"a form", "{" MODEL ",'input':'a','encoding_format':'hex'}", ERROR_UNSUPPORTED_VALUE,
         "encoding_format"},
        {"a form of another type", "{" MODEL ",'input':'a','encoding_format':1}", ERROR_BAD_TYPE,
         "encoding_format"},
        {"a task of another type", "{" MODEL ",'input':'a','task_type':1}", ERROR_BAD_TYPE,
         "task_type"},
        {"Google's unknown word", "{" MODEL ",'input':'a','google':{'speed':1}}", ERROR_UNSUPPORTED,
         "google"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        enum error error = begin(cases[i].in);

        if (error != cases[i].error)
            fail_msg("%s: %s", cases[i].what, error_facts(error)->name);
        expect_text(cases[i].what, embed.plan.param ? embed.plan.param : "",
                    cases[i].param ? cases[i].param : "");
        assert_true(embed.plan.why.len > 0);
        assert_int_equal(embed.plan.count, 0);
        again();
    }
}

/* `count` inputs "0", "1", … */
static enum error begin_many(size_t count)
{
    struct bytes body = {0};
    enum error error;

    bytes_text(&body, "{\"model\":\"gemini-embedding-001\",\"input\":");
    for (size_t i = 0; i < count; i++)
        bytes_printf(&body, "%s\"%zu\"", i ? "," : "[", i);
    bytes_text(&body, "]}");
    error = begin_json(bytes_view(&body));
    bytes_clear(&body);
    return error;
}

static size_t occurrences(struct view text, struct view part)
{
    size_t count = 0;
    const char *at;

    while ((at = memmem(text.at, text.len, part.at, part.len)) != NULL) {
        text = view_skip(text, (size_t)(at - text.at) + part.len);
        count++;
    }
    return count;
}

static void a_long_list_becomes_calls_of_a_hundred(void **state)
{
    static const struct {
        size_t count, calls, last;
    } cases[] = {{99, 1, 99}, {100, 1, 100}, {101, 2, 1}, {250, 3, 50}, {400, 4, 100}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct view last;

        assert_int_equal(begin_many(cases[i].count), ERROR_NONE);
        assert_int_equal(embed.plan.count, cases[i].calls);
        last = body_view(embed.plan.steps[cases[i].calls - 1]->order.body);
        assert_int_equal(occurrences(last, VIEW("\"parts\"")), cases[i].last);
        again();
    }
    assert_int_equal(begin_many(401), ERROR_BAD_VALUE);
    assert_string_equal(embed.plan.param, "input");
}

static void answers(size_t call, size_t count, size_t first)
{
    struct bytes json = {0};
    struct call_answer whole;

    bytes_text(&json, "{\"embeddings\":");
    for (size_t i = 0; i < count; i++)
        bytes_printf(&json, "%s{\"values\":[%zu]}", i ? "," : "[", first + i);
    bytes_text(&json, "]}");
    whole = (struct call_answer){.body = bytes_view(&json)};
    assert_int_equal(endpoint_embeddings.answer(embed.state, &embed.plan, call, &whole, &embed.out),
                     ERROR_NONE);
    bytes_clear(&json);
}

static void answers_become_one_list_in_order(void **state)
{
    struct bytes want = json_of("{'object':'list','data':[");

    (void)state;
    assert_int_equal(begin_many(102), ERROR_NONE);
    answers(0, 100, 0);
    answers(1, 2, 100);
    endpoint_embeddings.end(embed.state, &embed.out);
    for (size_t i = 0; i < 102; i++)
        bytes_printf(&want, "%s{\"object\":\"embedding\",\"index\":%zu,\"embedding\":[%zu]}",
                     i ? "," : "", i, i);
    bytes_text(&want, "],\"model\":\"gemini-embedding-001\",\"usage\":");
    assert_true(view_starts(bytes_view(&embed.out), bytes_view(&want)));
    bytes_clear(&want);
}

static void vectors_take_the_form_that_was_asked_for(void **state)
{
    static const struct {
        const char *what, *in, *answer, *want;
    } cases[] = {
        {"numbers keep their spelling", "'input':'a'", "[0.10,-1e-3,1.0]", "[0.10,-1e-3,1.0]"},
        {"…also if floats are asked for", "'input':'a','encoding_format':'float'", "[0.10]",
         "[0.10]"},
        {"base64: little-endian floats", "'input':'a','encoding_format':'base64'", "[1,-2,0.5]",
         "'AACAPwAAAMAAAAA/'"},
        {"shortened ones get the length 1", "'input':'a','dimensions':2", "[3,4]",
         "[0.600000024,0.800000012]"},
        {"…in base64 too", "'input':'a','dimensions':2,'encoding_format':'base64'", "[3,4]",
         "'mpkZP83MTD8='"},
        {"nothing stays nothing", "'input':'a','dimensions':2", "[0,0]", "[0,0]"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes in = {0}, json = {0}, want = {0};

        bytes_printf(&in, "{" MODEL ",%s}", cases[i].in);
        bytes_printf(&json, "{'embedding':{'values':%s},'usageMetadata':{'promptTokenCount':3}}",
                     cases[i].answer);
        bytes_printf(&want,
                     "{'object':'list','data':[{'object':'embedding','index':0,'embedding':%s}],"
                     "'model':'gemini-embedding-001','usage':{'prompt_tokens':3,'total_tokens':3}}",
                     cases[i].want);
        assert_int_equal(begin(bytes_cstr(&in)), ERROR_NONE);
        assert_int_equal(answer(0, bytes_cstr(&json)), ERROR_NONE);
        replies(cases[i].what, bytes_cstr(&want));
        bytes_clear(&in);
        bytes_clear(&json);
        bytes_clear(&want);
        again();
    }
}

static void a_model_that_gives_units_is_left_alone(void **state)
{
    (void)state;
    assert_int_equal(begin("{'model':'gemini-embedding-2','input':'a','dimensions':2}"),
                     ERROR_NONE);
    assert_int_equal(answer(0, "{'embedding':{'values':[3,4.00]}}"), ERROR_NONE);
    replies("spelling", "{'object':'list','data':[{'object':'embedding','index':0,'embedding':[3,"
                        "4.00]}],'model':'gemini-embedding-2','usage':{'prompt_tokens':1,'total_"
                        "tokens':1}}");
}

static void an_answer_that_is_none_is_refused(void **state)
{
    static const char *const replies[] = {
        "",
        "{",
        "[]",
        "{}",
        "{'embeddings':{}}",
        "{'embeddings':[{'values':[1]}]}",
        "{'embeddings':[{'values':[1]},{'values':[]}]}",
        "{'embeddings':[{'values':[1]},{'values':['1']}]}",
        "{'embeddings':[{'values':[1]},{}]}",
        "{'embeddings':[{'values':[1]},{'values':{'a':1e300}}]}",
        "{'embeddings':[{'values':[1]},{'values':[1]},{'values':[1]}]}",
    };

    (void)state;
    for (size_t i = 0; i < 2 * COUNT_OF(replies); i++) {
        const char *form = i % 2 ? "base64" : "float";
        struct bytes in = {0};

        bytes_printf(&in, "{" MODEL ",'input':['a','b'],'encoding_format':'%s'}", form);
        assert_int_equal(begin(bytes_cstr(&in)), ERROR_NONE);
        assert_int_equal(answer(0, replies[i / 2]), ERROR_UPSTREAM);
        assert_int_equal(embed.out.len, 0);
        bytes_clear(&in);
        again();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_request_becomes_a_call, open_embed, close_embed),
        cmocka_unit_test_setup_teardown(a_request_is_refused, open_embed, close_embed),
        cmocka_unit_test_setup_teardown(a_long_list_becomes_calls_of_a_hundred, open_embed,
                                        close_embed),
        cmocka_unit_test_setup_teardown(answers_become_one_list_in_order, open_embed, close_embed),
        cmocka_unit_test_setup_teardown(vectors_take_the_form_that_was_asked_for, open_embed,
                                        close_embed),
        cmocka_unit_test_setup_teardown(a_model_that_gives_units_is_left_alone, open_embed,
                                        close_embed),
        cmocka_unit_test_setup_teardown(an_answer_that_is_none_is_refused, open_embed, close_embed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
