/* SPDX-License-Identifier: Apache-2.0 */
/* The provider's replies as chat/completions: whole and streamed. Streams are given as the
 * provider's events, and compared with all that the client gets, its end included. */
#include "frontend/reply_test.h"

static void a_whole_answer_becomes_a_completion(void **state)
{
    static const struct whole cases[] = {
        {"text", PARTS("{'text':'Hi'}", "STOP"),
         WHOLE(MESSAGE("0", "'content':'Hi','refusal':null", "stop"), NO_USAGE)},
        {"half an emoji", PARTS("{'text':'Hi \\ud83d!'}", "STOP"),
         WHOLE(MESSAGE("0", "'content':'Hi \xef\xbf\xbd!','refusal':null", "stop"), NO_USAGE)},
        {"several text parts are one",
         PARTS("{'text':'H'},{'text':'i'},{'inlineData':{}},{'text':'!'}", "STOP"),
         WHOLE(MESSAGE("0", "'content':'Hi!','refusal':null", "stop"), NO_USAGE)},
        {"thoughts stand apart",
         PARTS("{'text':'Hm','thought':true},{'text':'Hi','thought':false},{'text':'.','thought':"
               "true}",
               "STOP"),
         WHOLE(MESSAGE("0", "'content':'Hi','reasoning_content':'Hm.','refusal':null", "stop"),
               NO_USAGE)},
        {"pictures",
         PARTS("{'text':'Look:'},{'inlineData':{'mimeType':'image/png','data':'QUJD'}},"
               "{'inlineData':{'mimeType':'image/jpeg','data':'QQ=='}}",
               "STOP"),
         WHOLE(MESSAGE("0",
                       "'content':'Look:','images':[" IMAGE("image/png", "QUJD") "," IMAGE(
                           "image/jpeg", "QQ==") "],'refusal':null",
                       "stop"),
               NO_USAGE)},
        {"sketches of a picture, a film and a picture of no type are not shown",
         PARTS("{'text':'Hi'},{'thought':true,'inlineData':{'mimeType':'image/png','data':'QUJD'}},"
               "{'inlineData':{'mimeType':'video/mp4','data':'QUJD'}},{'inlineData':{'data':'QUJD'}"
               "},{'inlineData':{'mimeType':'image/png'}},{'fileData':{'mimeType':'video/mp4',"
               "'fileUri':'u'}}",
               "STOP"),
         WHOLE(MESSAGE("0", "'content':'Hi','refusal':null", "stop"), NO_USAGE)},
        {"programs and what they say",
         PARTS("{'text':'So:'},{'executableCode':{'language':'PYTHON','code':'print(1)\\n'}},"
               "{'codeExecutionResult':{'outcome':'OUTCOME_OK','output':'1'}},{'text':'One.'},"
               "{'codeExecutionResult':{'outcome':'OUTCOME_OK'}}",
               "STOP"),
         WHOLE(MESSAGE("0",
                       "'content':'So:\\n```python\\nprint(1)\\n```\\n\\n```\\n1\\n```\\nOne."
                       "','refusal':null",
                       "stop"),
               NO_USAGE)},
        {"what the provider's own tools do is not shown",
         PARTS("{'text':'Hi'},{'toolCall':{'id':'1'}},{'toolResponse':{'id':'1'}}", "STOP"),
         WHOLE(MESSAGE("0", "'content':'Hi','refusal':null", "stop"), NO_USAGE)},
        {"tokens by modality, and the tier",
         "{'candidates':[{'finishReason':'STOP'}],'usageMetadata':{'promptTokenCount':560,"
         "'candidatesTokenCount':1300,'totalTokenCount':1860,'promptTokensDetails':[{'modality':"
         "'TEXT','tokenCount':12},{'modality':'IMAGE','tokenCount':516},{'modality':'AUDIO',"
         "'tokenCount':32},{'modality':'VIDEO'}],'candidatesTokensDetails':[{'modality':'IMAGE',"
         "'tokenCount':1290},{'modality':'AUDIO','tokenCount':4}],'serviceTier':'standard'}" ID "}",
         "{'id':'chatcmpl-r1','object':'chat.completion','created':77,'model':'models/m',"
         "'service_tier':'default','choices':[" MESSAGE(
             "0", "'content':'','refusal':null",
             "stop") "],'usage':{'prompt_tokens':560,'completion_tokens':1300,'total_tokens':1860,"
                     "'prompt_tokens_details':{'cached_tokens':0,'audio_tokens':32,'text_tokens':"
                     "12,"
                     "'image_tokens':516},'completion_tokens_details':{'reasoning_tokens':0,'audio_"
                     "tokens':4,"
                     "'image_tokens':1290,'accepted_prediction_tokens':0,'rejected_prediction_"
                     "tokens':0}}}"},
        {"an unknown tier",
         "{'candidates':[{'finishReason':'STOP'}],'usageMetadata':{'serviceTier':'gold'}" ID "}",
         WHOLE(MESSAGE("0", "'content':'','refusal':null", "stop"), NO_USAGE)},
        {"probabilities nobody asked for",
         "{'candidates':[{'finishReason':'STOP','logprobsResult':{'chosenCandidates':[]}}]" ID "}",
         WHOLE(MESSAGE("0", "'content':'','refusal':null", "stop"), NO_USAGE)},
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
         WHOLE(MESSAGE("0", "'content':'','refusal':'The answer was withheld: NEW_REASON'", "stop"),
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
        {"a blocked prompt, and why",
         "{'promptFeedback':{'blockReason':'OTHER','blockReasonMessage':'No.'}" ID "}",
         WHOLE(MESSAGE("0", "'content':'','refusal':'The prompt was blocked: OTHER: No.'",
                       "content_filter"),
               NO_USAGE)},
        {"the model's version",
         "{'candidates':[{'finishReason':'STOP'}],'modelVersion':'gemini-2.5-flash'" ID "}",
         "{'id':'chatcmpl-r1','object':'chat.completion','created':77,'model':'models/m',"
         "'system_fingerprint':'fp_gemini-2.5-flash','choices':[" MESSAGE(
             "0", "'content':'','refusal':null", "stop") "],'usage':" NO_USAGE "}"},
        {"a picture by its address",
         PARTS("{'fileData':{'mimeType':'image/png','fileUri':'https://x.example/a'}}", "STOP"),
         WHOLE(MESSAGE("0",
                       "'content':'','images':[{'type':'image_url','image_url':{'url':"
                       "'https://x.example/a'}}],'refusal':null",
                       "stop"),
               NO_USAGE)},
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
    wholes_are(cases, COUNT_OF(cases), false);
}

#define LOGPROBS                                                                                   \
    "'logprobsResult':{'chosenCandidates':[{'token':'H\xc3\xa9','tokenId':7,'logProbability':"     \
    "-0.10},{'token':'\\n'}],'topCandidates':[{'candidates':[{'token':'H\xc3\xa9','"               \
    "logProbability':-0.10},{'token':'Ha','logProbability':-1e999}]}]}"
#define TOKENS                                                                                     \
    "{'content':[{'token':'H\xc3\xa9','logprob':-0.10,'bytes':[72,195,169],'top_logprobs':[{"      \
    "'token':'H\xc3\xa9','logprob':-0.10,'bytes':[72,195,169]},{'token':'Ha','logprob':-9999.0,"   \
    "'bytes':[72,97]}]},{'token':'\\n','logprob':0,'bytes':[10],'top_logprobs':[]}],"              \
    "'refusal':null}"

static void probabilities_of_tokens_are_passed_on(void **state)
{
    static const struct whole cases[] = {
        {"asked for and given",
         "{'candidates':[{'content':{'parts':[{'text':'H\xc3\xa9\\n'}]},'finishReason':'STOP'"
         "," LOGPROBS "}]" ID "}",
         WHOLE("{'index':0,'message':{'role':'assistant','content':'H\xc3\xa9\\n','refusal':null,"
               "'annotations':[]},'logprobs':" TOKENS ",'finish_reason':'stop'}",
               NO_USAGE)},
        {"asked for and not given", PARTS("{'text':'Hi'}", "STOP"),
         WHOLE(MESSAGE("0", "'content':'Hi','refusal':null", "stop"), NO_USAGE)},
        {"of a wrong shape", "{'candidates':[{'finishReason':'STOP','logprobsResult':[1]}]" ID "}",
         WHOLE(MESSAGE("0", "'content':'','refusal':null", "stop"), NO_USAGE)},
    };
    static const struct stream chunks[] = {
        {.what = "with the text they belong to",
         .logprobs = true,
         .events = {"{'candidates':[{'content':{'parts':[{'text':'hm','thought':true},{'text':"
                    "'H\xc3\xa9\\n'}]}," LOGPROBS "}]" ID "}",
                    FINISHED("STOP")},
         .want = ROLE CHUNK("'reasoning_content':'hm'")
             CHUNK_LOGPROBS("'content':'H\xc3\xa9\\n'", TOKENS) FINISH("stop") DONE},
        {.what = "without a text",
         .logprobs = true,
         .events = {"{'candidates':[{'finishReason':'STOP'," LOGPROBS "}]" ID "}"},
         .want = ROLE CHUNK_LOGPROBS("", TOKENS) FINISH("stop") DONE},
    };

    (void)state;
    wholes_are(cases, COUNT_OF(cases), true);
    streams_are(chunks, COUNT_OF(chunks));
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
        if (chat_whole(&reply, bytes_view(&in), &out))
            fail_msg("%s: taken", cases[i].what);
        expect_text(cases[i].what, bytes_cstr(&out), "before");
        reply_clear(&reply);
        bytes_clear(&in);
        bytes_clear(&out);
    }
}

/* ---- streams ---- */

static const struct
    stream
        streams
            [] =
                {
                    {.what = "text in two events",
                     .events = {MORE("{'text':'He'}"), PARTS("{'text':'y'}", "STOP")},
                     .want = ROLE TEXT("He") TEXT("y") FINISH("stop") DONE},
                    {.what = "half an emoji at first and at last",
                     .events = {MORE("{'text':'\\ud83d'}"), PARTS("{'text':'\\ude00'}", "STOP")},
                     .want = ROLE TEXT("\xef\xbf\xbd") TEXT("\xef\xbf\xbd") FINISH("stop") DONE},
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
                     .events = {PARTS("{'text':'Hi'}", "STOP"),
                                MORE("{'text':'!'}"), "{'usageMetadata':{}}"},
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
                    {.what = "pictures between texts",
                     .events = {MORE("{'text':'a'},{'inlineData':{'mimeType':'image/png','data':"
                                     "'QUJD'}},{'inlineData':{'mimeType':'image/png','data':'QQ=='"
                                     "}},{'text':'b'}"),
                                FINISHED("STOP")},
                     .want = ROLE TEXT("a") CHUNK("'images':[" IMAGE_AT(
                         "0", "image/png", "QUJD") "," IMAGE_AT("1", "image/png", "QQ==") "]")
                         TEXT("b") FINISH("stop") DONE},
                    {.what = "a picture and nothing else is content",
                     .events = {PARTS("{'inlineData':{'mimeType':'image/png','data':'QUJD'}}",
                                      "IMAGE_OTHER")},
                     .want = ROLE CHUNK("'images':[" IMAGE_AT("0", "image/png", "QUJD") "]")
                         FINISH("stop") DONE},
                    {.what = "programs",
                     .events = {PARTS("{'executableCode':{'code':'1'}},{'text':'One.'}", "STOP")},
                     .want = ROLE TEXT("\\n```python\\n1\\n```\\nOne.") FINISH("stop") DONE},
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
                                    "'upstream_malformed_response'")},
};

static void streams_become_chunks(void **state)
{
    (void)state;
    streams_are(streams, COUNT_OF(streams));
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

        if (chat_event(&reply, bytes_view(&event), &out))
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
        "{'candidates':[{'content':{'parts':[{'inlineData':1},{'executableCode':[]},{"
        "'codeExecutionResult':{'output':{}}}]}}]}",
        "{'usageMetadata':{'promptTokensDetails':{},'serviceTier':1,'candidatesTokensDetails':[1]}"
        "}",
    };
    struct ask ask = {0};
    struct reply reply = {.ask = &ask};
    struct bytes out = {0};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(events); i++) {
        struct bytes event = json_of(events[i]);
        assert_true(chat_event(&reply, bytes_view(&event), &out));
        bytes_clear(&event);
    }
    assert_int_equal(out.len, 0);
    assert_false(reply.has_content);
    assert_false(reply.has_finish);
    reply_clear(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_answer_becomes_a_completion),
        cmocka_unit_test(probabilities_of_tokens_are_passed_on),
        cmocka_unit_test(what_is_no_answer_is_refused_and_leaves_nothing),
        cmocka_unit_test(streams_become_chunks),
        cmocka_unit_test(an_event_that_is_none_is_refused_and_leaves_nothing),
        cmocka_unit_test(events_of_odd_shapes_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
