/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the dialects share. */
#pragma once

#include "cases.h"
#include "gemini/endpoints.h"
#include "gemini/shape.h"
#include "openai/chat/chat.h"
#include "openai/chat/request.h"
#include "openai/endpoints.h"
#include "openai/shape.h"

/* A chat/completions request and what it becomes. */
struct translation {
    const char *what;
    const char *in;   /* what the client sends */
    const char *want; /* what the provider gets */
};

static inline void translates(const struct translation *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct bytes in = json_of(cases[i].in), want = json_of(cases[i].want), why = {0};
        struct ask ask = {0};
        const char *param = NULL;

        if (openai_chat_request(bytes_view(&in), &ask, &why, &param) != ERROR_NONE)
            fail_msg("%s: refused: %s", cases[i].what, bytes_cstr(&why));
        expect_text(cases[i].what, bytes_cstr(&ask.body), want.at);
        ask_clear(&ask);
        bytes_clear(&in);
        bytes_clear(&want);
        bytes_clear(&why);
    }
}

/* A chat/completions request and how it is refused. */
struct refusal_case {
    const char *what;
    const char *in;
    enum error error;
    const char *param; /* NULL: null */
};

static inline void refuses(const struct refusal_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct bytes in = json_of(cases[i].in), why = {0};
        struct ask ask = {0};
        const char *param = "untouched";
        enum error error = openai_chat_request(bytes_view(&in), &ask, &why, &param);

        if (error != cases[i].error)
            fail_msg("%s: %s, wanted %s (%s)", cases[i].what, error_facts(error)->name,
                     error_facts(cases[i].error)->name, bytes_cstr(&why));
        expect_text(cases[i].what, param ? param : "null",
                    cases[i].param ? cases[i].param : "null");
        assert_true(why.len > 0);
        ask_clear(&ask);
        bytes_clear(&in);
        bytes_clear(&why);
    }
}

/* A table of cases, written where it is checked. */
#define TRANSLATES(...)                                                                            \
    do {                                                                                           \
        static const struct translation cases[] = {__VA_ARGS__};                                   \
        translates(cases, COUNT_OF(cases));                                                        \
    } while (0)
#define REFUSES(...)                                                                               \
    do {                                                                                           \
        static const struct refusal_case cases[] = {__VA_ARGS__};                                  \
        refuses(cases, COUNT_OF(cases));                                                           \
    } while (0)

/* The end of a leg's answer, or the error in its place. */
static inline bool ends(struct reply *reply, struct bytes *out)
{
    struct bytes why = {0};
    bool is_good = chat_end(reply, out, &why);

    if (!is_good)
        shape_openai.write_event(
            &(struct complaint){.error = reply->fault, .text = why.len ? bytes_cstr(&why) : NULL},
            out);
    bytes_clear(&why);
    return is_good;
}
