/* SPDX-License-Identifier: Apache-2.0 */
/* Bounds and choices of settings. Called by rules.c, which checks, and by whoever shows settings. */
#include "settings/bounds.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct option_bounds bounds[] = {
    {"PORT", 0, 65535, "at most 65535"},
    {"ADMIN_PORT", 0, 65535, "at most 65535"},
    {"ADMIN_SESSION_EXPIRE", 1000, 30ull * 24 * 3600 * 1000, "from 1 second to 30 days"},
    {"TIME_OUT", 1, UINT64_MAX, "at least 1"},
    {"CONNECT_TIME_OUT", 1, UINT64_MAX, "at least 1ms"},
    {"MEDIA_FETCH_TIME_OUT", 1, UINT64_MAX, "at least 1ms"},
    {"UPSTREAM_IDLE", 1000, UINT64_MAX, "at least 1s"},
    {"FRONTENDS", 1, 64, "1 to 64"},
    {"UPSTREAMS", 1, 64, "1 to 64"},
    {"FLIGHT_SLOTS", 16, 1u << 20, "16 to 1048576"},
    {"ANSWER_WINDOW", 16384, UINT64_MAX, "at least 16KiB"},
    {"SPOOL_SEGMENT", 4096, UINT64_MAX, "at least 4KiB"},
    {"QUOTA_MINUTE", 100, 3600000, "100ms to 1h"},
    {"QUOTA_SPREAD", 0, 60000, "at most 60s"},
    {"AUTO_DELETE_REQUEST_LOGS_DAYS", 1, 36500, "from 1 to 36500"},
};

static const struct option_choices choices[] = {
    {"MEDIA_URLS", {"fetch", "passthrough", "off"}, "fetch, passthrough or off"},
    {"TTS_SPEED", {"slow", "normal", "fast"}, "slow, normal or fast"},
    {"SPOOL_SYNC", {"second", "always"}, "second or always"},
    {"LOG_LEVEL", {"ERROR", "WARNING", "INFO", "TRACE"}, NULL},
    {"UPLOAD_PROVIDER", {"smms", "picgo", "cloudflare_imgbed", "aliyun_oss"}, NULL},
};

const struct option_bounds *option_bounds(const struct option *option)
{
    for (size_t i = 0; i < COUNT(bounds); i++)
        if (strcmp(bounds[i].name, option->name) == 0)
            return &bounds[i];
    return NULL;
}

const struct option_choices *option_choices(const struct option *option)
{
    for (size_t i = 0; i < COUNT(choices); i++)
        if (strcmp(choices[i].name, option->name) == 0)
            return &choices[i];
    return NULL;
}

static void complain_of(const struct option *option, const char *value, const char *right)
{
    char should[80];

    snprintf(should, sizeof(should), "should be %s", right);
    option_complain(option->name, value, should);
}

static void check_bound(const struct option *option, const struct settings *settings)
{
    const struct option_bounds *its = option_bounds(option);
    uint64_t number;
    char value[24];

    if (!its)
        return;
    memcpy(&number, (const char *)settings + option->offset, sizeof(number));
    if (number >= its->least && number <= its->most)
        return;
    snprintf(value, sizeof(value), number && option->type == TYPE_SECONDS ? "%llums" : "%llu",
             (unsigned long long)number);
    complain_of(option, value, its->right);
}

static void check_choice(const struct option *option, const struct settings *settings)
{
    const struct option_choices *its = option_choices(option);
    const char *text;

    if (!its || !its->right)
        return;
    memcpy(&text, (const char *)settings + option->offset, sizeof(text));
    for (size_t i = 0; its->words[i]; i++)
        if (strcmp(its->words[i], text) == 0)
            return;
    complain_of(option, text, its->right);
}

void option_bounds_check(const struct settings *settings)
{
    for (size_t i = 0; i < option_count; i++) {
        check_bound(&option_table[i], settings);
        check_choice(&option_table[i], settings);
    }
}
