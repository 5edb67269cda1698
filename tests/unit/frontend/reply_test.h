/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of chat/completions replies share: the provider's answers and events, and what a
 * client is to get for them. */
#pragma once

#include "frontend/dialect_test.h"

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

#define IMAGE_AT(number, type, data)                                                               \
    "{'type':'image_url','image_url':{'url':'data:" type ";base64," data "'},'index':" number "}"
#define IMAGE(type, data) "{'type':'image_url','image_url':{'url':'data:" type ";base64," data "'}}"

#define ID ",'responseId':'r1'"
#define PARTS(parts, finish)                                                                       \
    "{'candidates':[{'content':{'parts':[" parts "],'role':'model'},'finishReason':'" finish       \
    "'}]" ID "}"
#define FINISHED(reason) "{'candidates':[{'finishReason':'" reason "'}]" ID "}"

/* What the client and the operator have asked for, beside what a table says; of all tables until it
 * is set otherwise. */
static struct given {
    struct reply_style style;
    struct reply_pace pace;
    bool is_search, is_json_told, wants_pcm;
} given;

static inline void give(struct ask *ask, struct reply *reply)
{
    ask->is_search = given.is_search;
    ask->is_json_told = given.is_json_told;
    ask->wants_pcm = given.wants_pcm;
    reply->style = given.style;
    reply->pace = given.pace;
}

struct whole {
    const char *what, *in, *want;
};

static inline void wholes_are(const struct whole *cases, size_t count, bool logprobs)
{
    for (size_t i = 0; i < count; i++) {
        struct bytes in = json_of(cases[i].in), want = json_of(cases[i].want), out = {0};
        struct ask ask = {.thoughts = true, .logprobs = logprobs};
        struct reply reply = {.ask = &ask, .created_s = 77, .id = 0xab};

        give(&ask, &reply);
        bytes_text(&ask.client_model, "models/m");
        if (!chat_whole(&reply, bytes_view(&in), &out))
            fail_msg("%s: refused", cases[i].what);
        expect_text(cases[i].what, bytes_cstr(&out), want.at);
        if (!given.style.think_tags) /* where thoughts are content that is no answer */
            assert_int_equal(reply.has_content,
                             strstr(bytes_cstr(&out), "\"content\":\"\"") == NULL ||
                                 strstr(bytes_cstr(&out), "\"images\":") != NULL);
        reply_clear(&reply);
        ask_clear(&ask);
        bytes_clear(&in);
        bytes_clear(&want);
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
    bool logprobs;
    bool is_broken; /* its end is an error */
};

#define CHUNK_OF(index, delta, finish)                                                             \
    "data: {'id':'chatcmpl-r1','object':'chat.completion.chunk','created':77,'model':'models/m',"  \
    "'choices':[{'index':" index ",'delta':{" delta "},'logprobs':null,'finish_reason':" finish    \
    "}]"
#define CHUNK(delta) CHUNK_OF("0", delta, "null") "}\n\n"
#define CHUNK_LOGPROBS(delta, logprobs)                                                            \
    "data: {'id':'chatcmpl-r1','object':'chat.completion.chunk','created':77,'model':'models/m',"  \
    "'choices':[{'index':0,'delta':{" delta "},'logprobs':" logprobs                               \
    ",'finish_reason':null}]}\n\n"
#define ROLE CHUNK("'role':'assistant','content':'','refusal':null")
#define TEXT(text) CHUNK("'content':'" text "'")
#define FINISH(reason) CHUNK_OF("0", "", "'" reason "'") "}\n\n"
#define DONE "data: [DONE]\n\n"
#define BROKEN(message, code)                                                                      \
    "data: {'error':{'message':'" message "','type':'server_error','param':null,'code':" code      \
    "}}\n\n"

#define MORE(parts)                                                                                \
    "{'candidates':[{'content':{'parts':[" parts "],'role':'model'},'index':0}]" ID "}"

static inline void streams_are(const struct stream *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct stream *stream = &cases[i];
        struct bytes want = json_of(stream->want), out = {0};
        struct ask ask = {.include_usage = stream->include_usage,
                          .thoughts = !stream->hides_thoughts,
                          .logprobs = stream->logprobs};
        struct reply reply = {.ask = &ask, .created_s = 77};

        give(&ask, &reply);
        bytes_text(&ask.client_model, "models/m");
        for (char *at = want.at; (at = strchr(at, '\x01'));)
            *at = '\''; /* an apostrophe in the tables */
        for (size_t k = 0; k < EVENTS && stream->events[k]; k++) {
            struct bytes event = json_of(stream->events[k]);
            if (!chat_event(&reply, bytes_view(&event), &out))
                fail_msg("%s: event %zu refused", stream->what, k);
            bytes_clear(&event);
        }
        assert_int_equal(ends(&reply, &out), !stream->is_broken);
        expect_text(stream->what, bytes_cstr(&out), want.at);
        reply_clear(&reply);
        ask_clear(&ask);
        bytes_clear(&want);
        bytes_clear(&out);
    }
}
