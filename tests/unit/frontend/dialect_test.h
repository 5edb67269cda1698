/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the dialects share. JSON in their tables is written with ' for ", to be
 * readable. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "dialect.h"
#include "options.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* A copy with " for '. */
static inline struct bytes json_of(const char *text)
{
    struct bytes json = {0};

    bytes_text(&json, text);
    for (size_t i = 0; i < json.len; i++)
        if (json.at[i] == '\'')
            json.at[i] = '"';
    bytes_cstr(&json);
    return json;
}

/* Compares texts, naming the case in the failure. */
static inline void expect_text(const char *what, const char *got, const char *want)
{
    if (strcmp(got, want) != 0)
        fail_msg("%s:\n  got  %s\n  want %s", what, got, want);
}

/* The settings that the tables assume: nothing added to what the client asks for. Called before
 * each test. */
static inline int plain_options(void **state)
{
    static const char *filtered[] = {"gemini-old"};

    (void)state;
    options = (struct options){0};
    options.safety_settings = "[]";
    options.filtered_models = (struct option_list){filtered, 1};
    return 0;
}

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

        if (dialect_openai.request(bytes_view(&in), &ask, &why, &param) != ERROR_NONE)
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
        enum error error = dialect_openai.request(bytes_view(&in), &ask, &why, &param);

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
