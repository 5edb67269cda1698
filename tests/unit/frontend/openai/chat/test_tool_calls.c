/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of functions in replies of chat/completions, whole and streamed. */
#include "frontend/reply_test.h"

#include "base/json.h"

#define CALL(name, args) "{'functionCall':{'name':'" name "','args':" args "}}"

/* The reply to an answer, with the names that the request had. */
static struct bytes answer(const struct tool_names *names, const char *text)
{
    struct bytes in = json_of(text), out = {0};
    struct ask ask = {.tools = *names};
    struct reply reply = {.ask = &ask, .created_s = 77, .id = 0xab};

    bytes_text(&ask.client_model, "models/m");
    assert_true(chat_whole(&reply, bytes_view(&in), &out));
    reply_clear(&reply);
    bytes_clear(&ask.client_model);
    bytes_clear(&in);
    return out;
}

static struct bytes stream(const struct tool_names *names, const char *const *events, size_t count)
{
    struct bytes out = {0}, why = {0};
    struct ask ask = {.tools = *names, .legs = 1};
    struct reply reply = {.ask = &ask, .created_s = 77, .ended = 1};

    bytes_text(&ask.client_model, "models/m");
    for (size_t i = 0; i < count; i++) {
        struct bytes event = json_of(events[i]);
        assert_true(chat_event(&reply, bytes_view(&event), &out));
        bytes_clear(&event);
    }
    assert_true(chat_end(&reply, &out, &why));
    bytes_clear(&why);
    reply_clear(&reply);
    bytes_clear(&ask.client_model);
    return out;
}

/* Puts #0, #1, … in the place of the ids, which are to be as long as they must and to differ. */
static void number_ids(struct bytes *out)
{
    struct bytes plain = {0}, ids = {0};
    struct view rest = {bytes_cstr(out), out->len};
    const char *at;

    while (rest.len && (at = memmem(rest.at, rest.len, "call_", 5))) {
        struct view id = {at, 5 + 24};
        assert_true(strspn(at + 5, "0123456789abcdef") == 24 && at[29] == '"');
        assert_true(!ids.len || !memmem(ids.at, ids.len, id.at, id.len));
        bytes_append(&plain, (struct view){rest.at, (size_t)(at - rest.at)});
        bytes_printf(&plain, "#%zu", ids.len / id.len);
        bytes_append(&ids, id);
        rest = view_skip(rest, (size_t)(at - rest.at) + id.len);
    }
    bytes_append(&plain, rest);
    bytes_copy(out, bytes_view(&plain));
    bytes_clear(&plain);
    bytes_clear(&ids);
}

static void expect_out(const char *what, struct bytes *out, const char *wanted)
{
    struct bytes want = json_of(wanted);

    number_ids(out);
    expect_text(what, bytes_cstr(out), want.at);
    bytes_clear(&want);
    bytes_clear(out);
}

#define ENTRY(id, name, args)                                                                      \
    "{'id':'" id "','type':'function','function':{'name':'" name "','arguments':'" args "'}}"

/* The first chunk of a stream that begins with a call. */
#define CALLER CHUNK("'role':'assistant','content':null,'refusal':null")

static const struct tool_names none;

static void calls_are_told_whole(void **state)
{
    static const struct whole cases[] = {
        {"two, and no text", PARTS(CALL("f", "{'x':5}") "," CALL("f", "{'x':6}"), "STOP"),
         WHOLE(MESSAGE("0",
                       "'content':null,'tool_calls':[" ENTRY("#0", "f", "{\\'x\\':5}") "," ENTRY(
                           "#1", "f", "{\\'x\\':6}") "],'refusal':null",
                       "tool_calls"),
               NO_USAGE)},
        {"with text, without arguments",
         PARTS("{'text':'Look.'},{'functionCall':{'name':'f','id':'x'}}", "STOP"),
         WHOLE(MESSAGE("0",
                       "'content':'Look.','tool_calls':[" ENTRY("#0", "f", "{}") "],'refusal':null",
                       "tool_calls"),
               NO_USAGE)},
        {"a signature",
         PARTS("{'functionCall':{'name':'f','args':{}},'thoughtSignature':'c2ln'}", "STOP"),
         WHOLE(MESSAGE("0",
                       "'content':null,'tool_calls':[{'id':'#0','type':'function','function':{"
                       "'name':'f','arguments':'{}'},'extra_content':{'google':{"
                       "'thought_signature':'c2ln'}}}],'refusal':null",
                       "tool_calls"),
               NO_USAGE)},
        {"whole numbers",
         PARTS(CALL("f", "{'a':5.0,'b':5.50,'c':[1.00],'d':'5.0 \\' 5.0,','e':-0.0,'f':1.0e5}"),
               "STOP"),
         WHOLE(MESSAGE("0",
                       "'content':null,'tool_calls':[" ENTRY(
                           "#0", "f",
                           "{\\'a\\':5,\\'b\\':5.50,\\'c\\':[1],\\'d\\':\\'5.0 \\\\\\' "
                           "5.0,\\',\\'e\\':-0,\\'f\\':1.0e5}") "],'refusal':null",
                       "tool_calls"),
               NO_USAGE)},
        {"the limit wins", PARTS(CALL("f", "{}"), "MAX_TOKENS"),
         WHOLE(MESSAGE("0",
                       "'content':null,'tool_calls':[" ENTRY("#0", "f", "{}") "],'refusal':null",
                       "length"),
               NO_USAGE)},
        {"a filter wins", PARTS(CALL("f", "{}"), "SAFETY"),
         WHOLE(MESSAGE("0",
                       "'content':null,'tool_calls':[" ENTRY("#0", "f", "{}") "],'refusal':null",
                       "content_filter"),
               NO_USAGE)},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes out = answer(&none, cases[i].in);
        expect_out(cases[i].what, &out, cases[i].want);
    }
}

#define DELTA(index, id, name, args)                                                               \
    CHUNK("'tool_calls':[{'index':" index ",'id':'" id                                             \
          "','type':'function','function':{'name':'" name "','arguments':'" args "'}}]")

static void streamed_calls_have_an_index_each(void **state)
{
    static const char *const apart[] = {MORE(CALL("f", "{'x':1}")),
                                        MORE("{'text':'and'}," CALL("g", "{}")),
                                        MORE(CALL("f", "{'x':2}")), PARTS("{'text':''}", "STOP")};
    static const char *const together[] = {PARTS(CALL("f", "{}") "," CALL("g", "{}"), "STOP")};
    struct bytes out = stream(&none, apart, COUNT_OF(apart));

    (void)state;
    expect_out("in events of their own", &out,
               CALLER DELTA("0", "#0", "f", "{\\'x\\':1}") TEXT("and") DELTA("1", "#1", "g", "{}")
                   DELTA("2", "#2", "f", "{\\'x\\':2}") FINISH("tool_calls") DONE);
    out = stream(&none, together, COUNT_OF(together));
    expect_out("in one event", &out,
               CALLER DELTA("0", "#0", "f", "{}") DELTA("1", "#1", "g", "{}") FINISH("tool_calls")
                   DONE);
}

static void who_knows_function_call_gets_one(void **state)
{
    static const struct tool_names legacy = {.is_legacy = true};
    static const char *const events[] = {MORE(CALL("f", "{}")), PARTS(CALL("g", "{}"), "STOP")};
    struct bytes out = answer(&legacy, PARTS(CALL("f", "{}") "," CALL("g", "{}"), "STOP"));

    (void)state;
    expect_out("whole", &out,
               WHOLE(MESSAGE("0",
                             "'content':null,'function_call':{'name':'f','arguments':'{}'},"
                             "'refusal':null",
                             "function_call"),
                     NO_USAGE));
    out = stream(&legacy, events, COUNT_OF(events));
    expect_out("streamed", &out,
               CALLER CHUNK("'function_call':{'name':'f','arguments':'{}'}") FINISH("function_call")
                   DONE);
}

static void tools_come_back_by_the_clients_names(void **state)
{
    struct tool_names names = {0};
    struct bytes called = {0}, in = {0}, out;

    (void)state;
    tool_names_note(&names, VIEW("a/b"), false);
    tool_names_note(&names, VIEW("text"), true);
    tool_name_write(&called, VIEW("a/b"));
    bytes_printf(&in,
                 "{'candidates':[{'content':{'parts':[{'functionCall':{'name':'%s'}},{"
                 "'functionCall':{'name':'text','args':{'input':'x y'}}}]},'finishReason':'STOP'}],"
                 "'responseId':'r1'}",
                 bytes_cstr(&called));
    out = answer(&names, bytes_cstr(&in));
    expect_out("both", &out,
               WHOLE(MESSAGE("0",
                             "'content':null,'tool_calls':[" ENTRY(
                                 "#0", "a/b", "{}") ",{'id':'#1','type':'custom','custom':{"
                                                    "'name':'text','input':'x y'}}],'refusal':null",
                             "tool_calls"),
                     NO_USAGE));
    bytes_clear(&names.list);
    bytes_clear(&called);
    bytes_clear(&in);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, plain_options)
    const struct CMUnitTest tests[] = {
        TEST(calls_are_told_whole),
        TEST(streamed_calls_have_an_index_each),
        TEST(who_knows_function_call_gets_one),
        TEST(tools_come_back_by_the_clients_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
