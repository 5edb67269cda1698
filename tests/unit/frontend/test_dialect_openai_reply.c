/* SPDX-License-Identifier: Apache-2.0 */
/* The provider's replies as chat/completions: whole and streamed. Streams are given as the
 * provider's events, and compared with all that the client gets, its end included. */
#include "dialect_test.h"

#define EVENTS 6

#define WHOLE(choices, usage)                                                                      \
    "{'id':'chatcmpl-r1','object':'chat.completion','created':77,'model':'models/m','choices':"    \
    "[" choices "],'usage':" usage "}"
#define MESSAGE(index, members, finish)                                                            \
    "{'index':" index ",'message':{'role':'assistant'," members                                    \
    ",'annotations':[]},'logprobs':null,'finish_reason':'" finish "'}"
#define USAGE(prompt, completion, total, cached, reasoning)                                        \
    "{'prompt_tokens':" prompt ",'completion_tokens':" completion ",'total_tokens':" total         \
    ",'prompt_tokens_details':{'cached_tokens':" cached                                            \
    ",'audio_tokens':0},'completion_tokens_details':{'reasoning_tokens':" reasoning                \
    ",'audio_tokens':0,'accepted_prediction_tokens':0,'rejected_prediction_tokens':0}}"
#define NO_USAGE USAGE("0", "0", "0", "0", "0")

#define ID ",'responseId':'r1'"
#define PARTS(parts, finish)                                                                       \
    "{'candidates':[{'content':{'parts':[" parts "],'role':'model'},'finishReason':'" finish       \
    "'}]" ID "}"
#define FINISHED(reason) "{'candidates':[{'finishReason':'" reason "'}]" ID "}"

static void a_whole_answer_becomes_a_completion(void **state)
{
    static const struct {
        const char *what, *in, *want;
    } cases[] = {
        {"text", PARTS("{'text':'Hi'}", "STOP"),
         WHOLE(MESSAGE("0", "'content':'Hi','refusal':null", "stop"), NO_USAGE)},
        {"several text parts are one",
         PARTS("{'text':'H'},{'text':'i'},{'inlineData':{}},{'text':'!'}", "STOP"),
         WHOLE(MESSAGE("0", "'content':'Hi!','refusal':null", "stop"), NO_USAGE)},
        {"thoughts stand apart",
         PARTS("{'text':'Hm','thought':true},{'text':'Hi','thought':false},{'text':'.','thought':"
               "true}",
               "STOP"),
         WHOLE(MESSAGE("0", "'content':'Hi','reasoning_content':'Hm.','refusal':null", "stop"),
               NO_USAGE)},
        {"escapes", PARTS("{'text':'\\u0000\\n\\\\ \\u00e9\\ud83d\\ude00'}", "STOP"),
         WHOLE(MESSAGE("0", "'content':'\\u0000\\n\\\\ \xc3\xa9\xf0\x9f\x98\x80','refusal':null",
                       "stop"),
               NO_USAGE)},
        {"cut at the limit", PARTS("{'text':'Hi'}", "MAX_TOKENS"),
         WHOLE(MESSAGE("0", "'content':'Hi','refusal':null", "length"), NO_USAGE)},
        {"cut at the limit before any content", FINISHED("MAX_TOKENS"),
         WHOLE(MESSAGE("0", "'content':'','refusal':null", "length"), NO_USAGE)},
        {"cut at the limit, content without parts",
         "{'candidates':[{'content':{'role':'model'},'finishReason':'MAX_TOKENS','index':0}]" ID
         "}",
         WHOLE(MESSAGE("0", "'content':'','refusal':null", "length"), NO_USAGE)},
        {"an empty answer", FINISHED("STOP"),
         WHOLE(MESSAGE("0", "'content':'','refusal':null", "stop"), NO_USAGE)},
        {"filtered", FINISHED("SAFETY"),
         WHOLE(MESSAGE("0", "'content':'','refusal':'The answer was withheld: SAFETY'",
                       "content_filter"),
               NO_USAGE)},
        {"filtered, with a reason",
         "{'candidates':[{'finishReason':'RECITATION','finishMessage':'Too close.'}]" ID "}",
         WHOLE(MESSAGE("0", "'content':'','refusal':'Too close.'", "content_filter"), NO_USAGE)},
        {"filtered after some content", PARTS("{'text':'Hi'}", "PROHIBITED_CONTENT"),
         WHOLE(MESSAGE("0", "'content':'Hi','refusal':null", "content_filter"), NO_USAGE)},
        {"an unknown reason after some content", PARTS("{'text':'Hi'}", "NEW_REASON"),
         WHOLE(MESSAGE("0", "'content':'Hi','refusal':null", "stop"), NO_USAGE)},
        {"an unknown reason", FINISHED("NEW_REASON"),
         WHOLE(MESSAGE("0", "'content':'','refusal':'The answer was withheld: NEW_REASON'",
                       "content_filter"),
               NO_USAGE)},
        {"malformed after some content", PARTS("{'text':'Hi'}", "MALFORMED_FUNCTION_CALL"),
         WHOLE(MESSAGE("0", "'content':'Hi','refusal':null", "stop"), NO_USAGE)},
        {"no reason", "{'candidates':[{'content':{'parts':[{'text':'Hi'}]}}]" ID "}",
         WHOLE(MESSAGE("0", "'content':'Hi','refusal':null", "stop"), NO_USAGE)},
        {"a blocked prompt",
         "{'promptFeedback':{'blockReason':'PROHIBITED_CONTENT'},'usageMetadata':{'"
         "promptTokenCount':4,'totalTokenCount':4}" ID "}",
         WHOLE(MESSAGE("0", "'content':'','refusal':'The prompt was blocked: PROHIBITED_CONTENT'",
                       "content_filter"),
               USAGE("4", "0", "4", "0", "0"))},
        {"feedback that blocks nothing",
         "{'promptFeedback':{'safetyRatings':[]},'candidates':[{'content':{'parts':[{'text':'Hi'}]}"
         ",'finishReason':'STOP'}]" ID "}",
         WHOLE(MESSAGE("0", "'content':'Hi','refusal':null", "stop"), NO_USAGE)},
        {"two candidates",
         "{'candidates':[{'content':{'parts':[{'text':'A'}]},'finishReason':'STOP'},"
         "{'content':{'parts':[{'text':'B'}]},'finishReason':'MAX_TOKENS','index':1}]" ID "}",
         WHOLE(MESSAGE("0", "'content':'A','refusal':null",
                       "stop") "," MESSAGE("1", "'content':'B','refusal':null", "length"),
               NO_USAGE)},
        {"usage",
         "{'candidates':[{'finishReason':'STOP'}],'usageMetadata':{'promptTokenCount':100,"
         "'cachedContentTokenCount':60,'toolUsePromptTokenCount':5,'candidatesTokenCount':20,"
         "'thoughtsTokenCount':30,'totalTokenCount':155}" ID "}",
         WHOLE(MESSAGE("0", "'content':'','refusal':null", "stop"),
               USAGE("105", "50", "155", "60", "30"))},
        {"usage without a total, in strings",
         "{'candidates':[{'finishReason':'STOP'}],'usageMetadata':{'promptTokenCount':'3','"
         "candidatesTokenCount':4.0}" ID "}",
         WHOLE(MESSAGE("0", "'content':'','refusal':null", "stop"),
               USAGE("3", "4", "7", "0", "0"))},
        {"without an id", "{'candidates':[{'finishReason':'STOP'}]}",
         "{'id':'chatcmpl-00000000000000ab','object':'chat.completion','created':77,'model':'"
         "models/m','choices':[" MESSAGE("0", "'content':'','refusal':null",
                                         "stop") "],'usage':" NO_USAGE "}"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes in = json_of(cases[i].in), want = json_of(cases[i].want), out = {0};
        struct ask ask = {.thoughts = true};
        struct reply reply = {.ask = &ask, .created_s = 77, .id = 0xab};

        bytes_text(&ask.client_model, "models/m");
        if (!dialect_openai.whole(&reply, bytes_view(&in), &out))
            fail_msg("%s: refused", cases[i].what);
        expect_text(cases[i].what, bytes_cstr(&out), want.at);
        assert_int_equal(reply.has_content, strstr(bytes_cstr(&out), "\"content\":\"\"") == NULL);
        reply_clear(&reply);
        ask_clear(&ask);
        bytes_clear(&in);
        bytes_clear(&want);
        bytes_clear(&out);
    }
}

static void what_is_no_answer_is_refused_and_leaves_nothing(void **state)
{
    static const struct {
        const char *what, *in;
    } cases[] = {
        {"nothing", ""},
        {"no JSON", "<html>"},
        {"half of it", "{'candidates':[{'finishReason':"},
        {"no object", "[]"},
        {"no candidates", "{}"},
        {"an empty list of candidates", "{'candidates':[]}"},
        {"candidates of a wrong type", "{'candidates':[1]}"},
        {"an index that is none", "{'candidates':[{'index':99999,'finishReason':'STOP'}]}"},
        {"an error", "{'candidates':[{'finishReason':'STOP'}],'error':{'code':500}}"},
        {"a malformed call", FINISHED("MALFORMED_FUNCTION_CALL")},
        {"a missing signature", FINISHED("MISSING_THOUGHT_SIGNATURE")},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes in = json_of(cases[i].in), out = {0};
        struct ask ask = {0};
        struct reply reply = {.ask = &ask};

        bytes_text(&out, "before");
        if (dialect_openai.whole(&reply, bytes_view(&in), &out))
            fail_msg("%s: taken", cases[i].what);
        expect_text(cases[i].what, bytes_cstr(&out), "before");
        reply_clear(&reply);
        bytes_clear(&in);
        bytes_clear(&out);
    }
}

/* ---- streams ---- */

struct stream {
    const char *what;
    const char *events[EVENTS];
    const char *want; /* with CHUNK */
    bool include_usage;
    bool hides_thoughts;
    bool is_broken; /* its end is an error */
};

#define CHUNK_OF(index, delta, finish)                                                             \
    "data: {'id':'chatcmpl-r1','object':'chat.completion.chunk','created':77,'model':'models/m',"  \
    "'choices':[{'index':" index ",'delta':{" delta "},'logprobs':null,'finish_reason':" finish    \
    "}]"
#define CHUNK(delta) CHUNK_OF("0", delta, "null") "}\n\n"
#define ROLE CHUNK("'role':'assistant','content':'','refusal':null")
#define TEXT(text) CHUNK("'content':'" text "'")
#define FINISH(reason) CHUNK_OF("0", "", "'" reason "'") "}\n\n"
#define DONE "data: [DONE]\n\n"
#define BROKEN(message, code)                                                                      \
    "data: {'error':{'message':'" message "','type':'server_error','param':null,'code':" code      \
    "}}\n\n"

#define MORE(parts)                                                                                \
    "{'candidates':[{'content':{'parts':[" parts "],'role':'model'},'index':0}]" ID "}"

static const struct
    stream
        streams
            [] =
                {
                    {.what = "text in two events",
                     .events = {MORE("{'text':'He'}"), PARTS("{'text':'y'}", "STOP")},
                     .want = ROLE TEXT("He") TEXT("y") FINISH("stop") DONE},
                    {.what = "several parts of an event share a chunk",
                     .events = {PARTS("{'text':'H'},{'text':''},{'text':'i'}", "STOP")},
                     .want = ROLE TEXT("Hi") FINISH("stop") DONE},
                    {.what = "thoughts, then text",
                     .events = {MORE("{'text':'Hm','thought':true}"),
                                PARTS("{'text':'.','thought':true},{'text':'Hi'}", "STOP")},
                     .want = ROLE CHUNK("'reasoning_content':'Hm'") CHUNK("'reasoning_content':'.'")
                         TEXT("Hi") FINISH("stop") DONE},
                    {.what = "hidden thoughts",
                     .hides_thoughts = true,
                     .events = {MORE("{'text':'Hm','thought':true}"),
                                PARTS("{'text':'Hi'}", "STOP")},
                     .want = ROLE TEXT("Hi") FINISH("stop") DONE},
                    {.what = "thoughts and no room for an answer",
                     .events = {PARTS("{'text':'Hm','thought':true}", "MAX_TOKENS")},
                     .want = ROLE CHUNK("'reasoning_content':'Hm'") FINISH("length") DONE},
                    {.what = "no content at the limit",
                     .events = {FINISHED("MAX_TOKENS")},
                     .want = ROLE FINISH("length") DONE},
                    {.what = "an empty answer",
                     .events = {FINISHED("STOP")},
                     .want = ROLE FINISH("stop") DONE},
                    {.what = "a signature comes last",
                     .events = {MORE("{'text':'Hi'}"),
                                PARTS("{'text':'','thoughtSignature':'Eg=='}", "STOP")},
                     .want = ROLE TEXT("Hi") FINISH("stop") DONE},
                    {.what = "events after the finish",
                     .events = {PARTS("{'text':'Hi'}", "STOP"), MORE("{'text':'!'}"),
                                "{'usageMetadata':{}}"},
                     .want = ROLE TEXT("Hi") TEXT("!") FINISH("stop") DONE},
                    {.what = "a finish on every event",
                     .events = {PARTS("{'text':'H'}", "STOP"), PARTS("{'text':'i'}", "STOP")},
                     .want = ROLE TEXT("H") TEXT("i") FINISH("stop") DONE},
                    {.what = "filtered half-way",
                     .events = {MORE("{'text':'Hi'}"), FINISHED("SAFETY")},
                     .want = ROLE TEXT("Hi") FINISH("content_filter") DONE},
                    {.what = "filtered at once",
                     .events = {FINISHED("SPII")},
                     .want = ROLE
                         CHUNK("'refusal':'The answer was withheld: SPII'")
                             FINISH("content_filter") DONE},
                    {.what = "a blocked prompt",
                     .events = {"{'promptFeedback':{'blockReason':'SAFETY'}" ID "}"},
                     .want = ROLE
                         CHUNK("'refusal':'The prompt was blocked: SAFETY'")
                             FINISH("content_filter") DONE},
                    {.what = "usage asked for, the newest counts, zeros do not",
                     .include_usage = true,
                     .events = {"{'candidates':[{'content':{'parts':[{'text':'Hi'}]}}],'"
                                "usageMetadata':{'promptTokenCount':3,'totalTokenCount':3}" ID "}",
                                "{'candidates':[{'finishReason':'STOP'}],'usageMetadata':{'"
                                "promptTokenCount':3,'candidatesTokenCount':2,'thoughtsTokenCount':"
                                "1,'totalTokenCount':6}}",
                                "{'usageMetadata':{'promptTokenCount':0}}"},
                     .want = CHUNK_OF("0", "'role':'assistant','content':'','refusal':null", "null") ",'usage':null}\n\n" CHUNK_OF(
                         "0", "'content':'Hi'",
                         "null") ",'usage':null}\n\n" CHUNK_OF("0", "",
                                                               "'stop'") ",'usage':null}\n\n"
                                                                         "data: "
                                                                         "{'id':'chatcmpl-r1','"
                                                                         "object':'chat.completion."
                                                                         "chunk','created':77,'"
                                                                         "model':'models/"
                                                                         "m','choices':[],'usage'"
                                                                         ":" USAGE(
                                                                             "3", "3", "6", "0",
                                                                             "1") "}\n\n" DONE},
                    {.what = "usage not asked for",
                     .events = {"{'candidates':[{'content':{'parts':[{'text':'Hi'}]},'finishReason'"
                                ":'STOP'}],'usageMetadata':{'promptTokenCount':3}" ID "}"},
                     .want = ROLE TEXT("Hi") FINISH("stop") DONE},
                    {.what = "the id stays",
                     .events = {MORE("{'text':'H'}"),
                                "{'candidates':[{'content':{'parts':[{'text':'i'}]},'finishReason':"
                                "'STOP'}],'responseId':'r2'}"},
                     .want = ROLE TEXT("H") TEXT("i") FINISH("stop") DONE},
                    {.what = "two candidates",
                     .events = {"{'candidates':[{'content':{'parts':[{'text':'A'}]}},{'index':1,'"
                                "content':{'parts':[{'text':'B'}]}}]" ID "}",
                                "{'candidates':[{'index':1,'finishReason':'MAX_TOKENS'}]}",
                                "{'candidates':[{'finishReason':'STOP'}]}"},
                     .want = ROLE TEXT("A")
                         CHUNK_OF("1", "'role':'assistant','content':'','refusal':null",
                                  "null") "}\n\n" CHUNK_OF("1", "'content':'B'",
                                                           "null") "}\n\n" FINISH("stop")
                             CHUNK_OF("1", "", "'length'") "}\n\n" DONE},
                    {.what = "escapes",
                     .events = {PARTS("{'text':'\\n\\\\\\u2028'}", "STOP")},
                     .want = ROLE TEXT("\\n\\\\\xe2\x80\xa8") FINISH("stop") DONE},
                    {.what = "cut",
                     .events = {MORE("{'text':'Hi'}")},
                     .is_broken = true,
                     .want = ROLE TEXT("Hi")
                         BROKEN("The provider\x01s answer ended prematurely.", "'stream_cut'")},
                    {.what = "nothing at all",
                     .events = {NULL},
                     .is_broken = true,
                     .want = BROKEN("The provider\x01s answer ended prematurely.", "'stream_cut'")},
                    {.what = "one of two candidates cut",
                     .is_broken = true,
                     .events = {"{'candidates':[{'content':{'parts':[{'text':'A'}]},'finishReason':"
                                "'STOP'},{'index':1,'content':{'parts':[{'text':'B'}]}}]" ID "}"},
                     .want = ROLE TEXT("A") CHUNK_OF(
                         "1", "'role':'assistant','content':'','refusal':null",
                         "null") "}\n\n" CHUNK_OF("1", "'content':'B'",
                                                  "null") "}\n\n" BROKEN("The provider\x01s answer "
                                                                         "ended prematurely.",
                                                                         "'stream_cut'")},
                    {.what = "a malformed call",
                     .events = {FINISHED("MALFORMED_FUNCTION_CALL")},
                     .is_broken = true,
                     .want = BROKEN("The model\x01s answer was malformed: MALFORMED_FUNCTION_CALL",
                                    "null")},
};

static void streams_become_chunks(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(streams); i++) {
        const struct stream *stream = &streams[i];
        struct bytes want = json_of(stream->want), out = {0};
        struct ask ask = {.include_usage = stream->include_usage,
                          .thoughts = !stream->hides_thoughts};
        struct reply reply = {.ask = &ask, .created_s = 77};

        bytes_text(&ask.client_model, "models/m");
        for (char *at = want.at; (at = strchr(at, '\x01'));)
            *at = '\''; /* an apostrophe in the tables */
        for (size_t k = 0; k < EVENTS && stream->events[k]; k++) {
            struct bytes event = json_of(stream->events[k]);
            if (!dialect_openai.event(&reply, bytes_view(&event), &out))
                fail_msg("%s: event %zu refused", stream->what, k);
            bytes_clear(&event);
        }
        assert_int_equal(dialect_openai.end(&reply, &out), !stream->is_broken);
        expect_text(stream->what, bytes_cstr(&out), want.at);
        reply_clear(&reply);
        ask_clear(&ask);
        bytes_clear(&want);
        bytes_clear(&out);
    }
}

static void an_event_that_is_none_is_refused_and_leaves_nothing(void **state)
{
    static const char *const events[] = {
        "",
        "[DONE]",
        "{'candidates':",
        "[]",
        "null",
        "{'error':{'code':503,'message':'overloaded'}}",
        "[{'error':{'code':503}}]",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(events); i++) {
        struct bytes event = json_of(events[i]), out = {0};
        struct ask ask = {0};
        struct reply reply = {.ask = &ask};

        if (dialect_openai.event(&reply, bytes_view(&event), &out))
            fail_msg("%s: taken", events[i]);
        assert_int_equal(out.len, 0);
        reply_clear(&reply);
        bytes_clear(&event);
    }
}

static void events_of_odd_shapes_do_no_harm(void **state)
{
    static const char *const events[] = {
        "{}",
        "{'candidates':{}}",
        "{'candidates':[null,1,'x',[]]}",
        "{'candidates':[{'content':[]}]}",
        "{'candidates':[{'content':{'parts':{}}}]}",
        "{'candidates':[{'content':{'parts':[1,null,[]]}}]}",
        "{'candidates':[{'content':{'parts':[{'text':5}]}}]}",
        "{'candidates':[{'index':-1,'finishReason':7}]}",
        "{'candidates':[{'index':8,'content':{'parts':[{'text':'x'}]}}]}",
        "{'usageMetadata':[]}",
        "{'usageMetadata':{'promptTokenCount':-5,'totalTokenCount':1e300}}",
        "{'promptFeedback':1,'responseId':2}",
    };
    struct ask ask = {0};
    struct reply reply = {.ask = &ask};
    struct bytes out = {0};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(events); i++) {
        struct bytes event = json_of(events[i]);
        assert_true(dialect_openai.event(&reply, bytes_view(&event), &out));
        bytes_clear(&event);
    }
    assert_int_equal(out.len, 0);
    assert_false(reply.has_content);
    assert_false(reply.has_finish);
    reply_clear(&reply);
}

static void every_finish_reason_has_a_word(void **state)
{
    static const struct {
        const char *reason, *with_content, *without; /* NULL: refused */
    } cases[] = {
        {"STOP", "stop", "stop"},
        {"MAX_TOKENS", "length", "length"},
        {"SAFETY", "content_filter", "content_filter"},
        {"RECITATION", "content_filter", "content_filter"},
        {"LANGUAGE", "content_filter", "content_filter"},
        {"BLOCKLIST", "content_filter", "content_filter"},
        {"PROHIBITED_CONTENT", "content_filter", "content_filter"},
        {"SPII", "content_filter", "content_filter"},
        {"IMAGE_SAFETY", "content_filter", "content_filter"},
        {"IMAGE_PROHIBITED_CONTENT", "content_filter", "content_filter"},
        {"IMAGE_RECITATION", "content_filter", "content_filter"},
        {"ESCALATION", "content_filter", "content_filter"},
        {"PUP_LIMITED_DISABLED", "content_filter", "content_filter"},
        {"MALFORMED_FUNCTION_CALL", "stop", NULL},
        {"UNEXPECTED_TOOL_CALL", "stop", NULL},
        {"MALFORMED_RESPONSE", "stop", NULL},
        {"TOO_MANY_TOOL_CALLS", "stop", NULL},
        {"MISSING_THOUGHT_SIGNATURE", "stop", NULL},
        {"OTHER", "stop", "content_filter"},
        {"FINISH_REASON_UNSPECIFIED", "stop", "content_filter"},
        {"NO_IMAGE", "stop", "content_filter"},
        {"IMAGE_OTHER", "stop", "content_filter"},
        {"STOPPED", "stop", "content_filter"},
    };

    (void)state;
    for (size_t i = 0; i < 2 * COUNT_OF(cases); i++) {
        bool has_content = i % 2;
        const char *word = has_content ? cases[i / 2].with_content : cases[i / 2].without;
        struct bytes event = {0}, out = {0}, want = {0};
        struct ask ask = {0};
        struct reply reply = {.ask = &ask};

        bytes_printf(&event,
                     "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"%s\"}]},"
                     "\"finishReason\":\"%s\"}]}",
                     has_content ? "Hi" : "", cases[i / 2].reason);
        bytes_printf(&want, "\"finish_reason\":\"%s\"", word ? word : "");
        assert_int_equal(dialect_openai.whole(&reply, bytes_view(&event), &out), word != NULL);
        if (word && !strstr(bytes_cstr(&out), bytes_cstr(&want)))
            fail_msg("%s: %s", cases[i / 2].reason, bytes_cstr(&out));
        reply_clear(&reply);
        bytes_clear(&event);
        bytes_clear(&out);
        bytes_clear(&want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_answer_becomes_a_completion),
        cmocka_unit_test(what_is_no_answer_is_refused_and_leaves_nothing),
        cmocka_unit_test(streams_become_chunks),
        cmocka_unit_test(an_event_that_is_none_is_refused_and_leaves_nothing),
        cmocka_unit_test(events_of_odd_shapes_do_no_harm),
        cmocka_unit_test(every_finish_reason_has_a_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
