/* SPDX-License-Identifier: Apache-2.0 */
/* One setting's value: from text into `options`, and printed. Called by options.c. What must stay
 * true: a secret is never printed, not even in the complaint about its value. */
#include "settings/option.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

#include "base/bytes.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

bool option_is_secret(const struct option *option)
{
    return option->type == TYPE_SECRET || option->type == TYPE_SECRETS;
}

const char *option_type_name(enum option_type type)
{
    static const char *const names[] = {"number", "true or false", "text",    "secret",
                                        "list",   "secrets",       "seconds", "size"};

    return names[type];
}

void option_complain(const char *name, const char *value, const char *right)
{
    fprintf(stderr, "%s=%s: %s\n", name, value, right);
    exit(2);
}

static uint64_t read_number(const struct option *option, const char *text, const char **rest)
{
    char *end;
    unsigned long long number = strtoull(text, &end, 10);

    if (!isdigit((unsigned char)text[strspn(text, " \t")])) /* strtoull takes a sign */
        option_complain(option->name, text, "should be a number that is not negative");
    *rest = end;
    return number;
}

static uint64_t read_unit(const struct option *option, const char *text)
{
    static const struct {
        enum option_type type;
        const char *unit;
        uint64_t factor;
    } units[] = {
        {TYPE_NUMBER, "", 1},         {TYPE_SECONDS, "", 1000},   {TYPE_SECONDS, "s", 1000},
        {TYPE_SECONDS, "ms", 1},      {TYPE_SECONDS, "m", 60000}, {TYPE_SECONDS, "h", 3600000},
        {TYPE_SIZE, "", 1},           {TYPE_SIZE, "KiB", 1024},   {TYPE_SIZE, "MiB", 1u << 20},
        {TYPE_SIZE, "GiB", 1u << 30},
    };
    const char *rest;
    uint64_t number = read_number(option, text, &rest);

    for (size_t i = 0; i < COUNT(units); i++) {
        if (units[i].type != option->type || strcmp(units[i].unit, rest) != 0)
            continue;
        if (number > UINT64_MAX / units[i].factor / 2)
            option_complain(option->name, text, "is too large");
        return number * units[i].factor;
    }
    option_complain(option->name, text,
                    option->type == TYPE_SECONDS ? "should be seconds, or like 250ms, 10s, 5m"
                    : option->type == TYPE_SIZE  ? "should be bytes, or like 64KiB, 10MiB"
                                                 : "should be a number");
    return 0;
}

static bool read_boolean(const struct option *option, const char *text)
{
    static const char *const yes[] = {"true", "1", "yes", "on"}, *const no[] = {"false", "0", "no",
                                                                                "off", ""};

    for (size_t i = 0; i < COUNT(yes); i++)
        if (strcasecmp(text, yes[i]) == 0)
            return true;
    for (size_t i = 0; i < COUNT(no); i++)
        if (strcasecmp(text, no[i]) == 0)
            return false;
    option_complain(option->name, text, "should be true or false");
    return false;
}

static bool is_control(struct view item)
{
    for (size_t i = 0; i < item.len; i++)
        if ((unsigned char)item.at[i] < ' ' || item.at[i] == 0x7f)
            return true;
    return false;
}

/* Items become parts of headers and of addresses. */
static void list_add(const struct option *option, struct option_list *list, struct view item)
{
    while (item.len && isspace((unsigned char)item.at[0]))
        item = view_skip(item, 1);
    while (item.len && isspace((unsigned char)item.at[item.len - 1]))
        item.len--;
    if (!item.len)
        return;
    if (is_control(item))
        option_complain(option->name, "…", "should hold no control characters");
    list->at = memory_grow(list->at, (list->count + 1) * sizeof(*list->at));
    list->at[list->count++] = memory_text(item);
}

static struct option_list read_list(const struct option *option, const char *text)
{
    struct option_list list = {0};
    yyjson_doc *doc;
    yyjson_val *item;
    size_t i, count;

    if (text[strspn(text, " \t")] != '[') {
        while (*text) {
            size_t len = strcspn(text, ",");
            list_add(option, &list, (struct view){text, len});
            text += len + (text[len] == ',');
        }
        return list;
    }
    doc = yyjson_read(text, strlen(text), 0);
    if (!doc || !yyjson_is_arr(yyjson_doc_get_root(doc)))
        option_complain(option->name, option_is_secret(option) ? "…" : text,
                        "should be a JSON list of texts, or texts with commas between them");
    yyjson_arr_foreach(yyjson_doc_get_root(doc), i, count, item)
    {
        if (!yyjson_is_str(item))
            option_complain(option->name, option_is_secret(option) ? "…" : text,
                            "should hold texts only");
        list_add(option, &list, (struct view){yyjson_get_str(item), yyjson_get_len(item)});
    }
    yyjson_doc_free(doc);
    return list;
}

static struct option_secrets read_secrets(const struct option *option, const char *text)
{
    struct option_list list = read_list(option, text);
    struct option_secrets secrets = {memory_new(list.count * sizeof(*secrets.at)), list.count};

    for (size_t i = 0; i < list.count; i++)
        secrets.at[i].hidden = view_of(list.at[i]);
    free(list.at);
    return secrets;
}

void option_store(const struct option *option, const char *text)
{
    char *at = (char *)&options + option->offset;

    switch (option->type) {
    case TYPE_NUMBER:
    case TYPE_SECONDS:
    case TYPE_SIZE:
        *(uint64_t *)at = read_unit(option, text);
        return;
    case TYPE_BOOLEAN:
        *(bool *)at = read_boolean(option, text);
        return;
    case TYPE_TEXT:
        *(const char **)at = text;
        return;
    case TYPE_SECRET:
        ((struct secret *)at)->hidden = view_of(text);
        return;
    case TYPE_LIST:
        *(struct option_list *)at = read_list(option, text);
        return;
    case TYPE_SECRETS:
        *(struct option_secrets *)at = read_secrets(option, text);
        return;
    }
}

void option_print(const struct option *option)
{
    const char *at = (const char *)&options + option->offset;

    switch (option->type) {
    case TYPE_NUMBER:
    case TYPE_SECONDS:
    case TYPE_SIZE:
        printf("%llu\n", (unsigned long long)*(const uint64_t *)at);
        return;
    case TYPE_BOOLEAN:
        puts(*(const bool *)at ? "true" : "false");
        return;
    case TYPE_TEXT:
        puts(*(const char *const *)at);
        return;
    case TYPE_SECRET:
        puts(((const struct secret *)at)->hidden.len ? "1" : "0");
        return;
    case TYPE_LIST:
        for (size_t i = 0; i < ((const struct option_list *)at)->count; i++)
            puts(((const struct option_list *)at)->at[i]);
        return;
    case TYPE_SECRETS:
        printf("%zu\n", ((const struct option_secrets *)at)->count);
        return;
    }
}
