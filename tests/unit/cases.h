/* SPDX-License-Identifier: Apache-2.0 */
/* What tests by tables share. JSON in their tables is written with ' for ", to be readable. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "settings/options.h"
#include "settings_mine.h"

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
    *settings_mine() = (struct settings){0};
    settings_mine()->safety_settings = "[]";
    settings_mine()->media_urls = "passthrough";
    settings_mine()->filtered_models = (struct option_list){filtered, 1};
    return 0;
}
