/* SPDX-License-Identifier: Apache-2.0 */
/* One setting's value: from text into a snapshot, copied, compared, written. Called by options.c,
 * rules.c and settings.c. What must stay true: a secret is never written, not even in the complaint
 * about its value. */
#include "settings/option.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

#include "base/bytes.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const struct option option_table[] = {
#define OPTION(name, type, field, value, text)                                                     \
    {#name, TYPE_##type, offsetof(struct settings, field), value, text, __LINE__},
#include "settings/options.def"
};
const size_t option_count = COUNT(option_table);

static const struct {
    const char *name, *heading, *text;
    unsigned line;
} groups[] = {
#define GROUP(name, heading, text) {#name, heading, text, __LINE__},
#include "settings/options.def"
};

static const struct {
    const char *name, *why;
} fixed[] = {
#define FIXED(name, why) {#name, why},
#include "settings/options.def"
};

static char *places[COUNT(option_table)];
static bool was_given[COUNT(option_table)];

static struct {
    option_listener *hear; /* NULL: a complaint ends the process */
    void *owner;
} listener;

enum setting_group option_group(const struct option *option)
{
    size_t group = COUNT(groups) - 1;

    while (group > 0 && groups[group].line > option->line)
        group--;
    return (enum setting_group)group;
}

const char *option_group_name(enum setting_group group)
{
    return groups[group].name;
}

const char *option_group_heading(enum setting_group group)
{
    return groups[group].heading;
}

const char *option_group_text(enum setting_group group)
{
    return groups[group].text;
}

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

void option_comes_from(const struct option *option, char *where)
{
    char **place = &places[option - option_table];

    free(*place);
    *place = where;
}

const char *option_place(const struct option *option)
{
    return places[option - option_table];
}

void option_note_given(const struct option *option, bool is_given)
{
    was_given[option - option_table] = is_given;
}

bool option_was_given(const struct option *option)
{
    return was_given[option - option_table];
}

enum option_source option_source(const struct option *option)
{
    const char *place = option_place(option);

    if (!place)
        return SOURCE_DEFAULT;
    return strncmp(place, ".env", 4) == 0 ? SOURCE_FILE : SOURCE_ENVIRONMENT;
}

const struct option *option_find(struct view name)
{
    for (size_t i = 0; i < COUNT(option_table); i++)
        if (view_equal(name, view_of(option_table[i].name)))
            return &option_table[i];
    return NULL;
}

const char *option_fixed(const struct option *option)
{
    for (size_t i = 0; i < COUNT(fixed); i++)
        if (strcmp(fixed[i].name, option->name) == 0)
            return fixed[i].why;
    return NULL;
}

void option_complain_to(option_listener *hear, void *owner)
{
    listener.hear = hear;
    listener.owner = owner;
}

/* A complaint may be about a part: "PROXIES, number 2". */
static const char *place_of(const char *name)
{
    size_t len = strcspn(name, ",");

    for (size_t i = 0; i < COUNT(option_table); i++)
        if (strncmp(option_table[i].name, name, len) == 0 && !option_table[i].name[len])
            return places[i];
    return NULL;
}

void option_complain(const char *name, const char *value, const char *right)
{
    const char *place = place_of(name);

    if (listener.hear) {
        listener.hear(listener.owner, name, right);
        return;
    }
    if (strchr(value, '\n')) /* of a quote that was forgotten: it may have swallowed a secret */
        value = "…";
    if (place)
        fprintf(stderr, "%s=%s: %s (from %s)\n", name, value, right, place);
    else
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

/* The thousandths behind a decimal point, of which seconds may have some. */
static uint64_t read_thousandths(const struct option *option, const char **rest)
{
    uint64_t number = 0, weight = 100;

    if (option->type != TYPE_SECONDS || **rest != '.' || !isdigit((unsigned char)(*rest)[1]))
        return 0;
    for (++*rest; isdigit((unsigned char)**rest); ++*rest, weight /= 10)
        number += weight * (uint64_t)(**rest - '0');
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
    uint64_t thousandths = read_thousandths(option, &rest);

    for (size_t i = 0; i < COUNT(units); i++) {
        if (units[i].type != option->type || strcmp(units[i].unit, rest) != 0)
            continue;
        if (number > UINT64_MAX / units[i].factor / 2)
            option_complain(option->name, text, "is too large");
        return number * units[i].factor + thousandths * units[i].factor / 1000;
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
    if (item.len >= 2 && (item.at[0] == '"' || item.at[0] == '\'') &&
        item.at[item.len - 1] == item.at[0])
        item = (struct view){item.at + 1, item.len - 2};
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

    if (text[strspn(text, " \t\r\n")] != '[') {
        while (*text) {
            size_t len = strcspn(text, ",\n");
            list_add(option, &list, (struct view){text, len});
            text += len + (text[len] != '\0');
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

static void *value_in(const struct option *option, const struct settings *settings)
{
    return (char *)(uintptr_t)settings + option->offset;
}

void option_store(const struct option *option, struct settings *settings, const char *text)
{
    void *at = value_in(option, settings);

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
        *(const char **)at = memory_text(view_of(text));
        return;
    case TYPE_SECRET:
        ((struct secret *)at)->hidden = view_of(memory_text(view_of(text)));
        return;
    case TYPE_LIST:
        *(struct option_list *)at = read_list(option, text);
        return;
    case TYPE_SECRETS:
        *(struct option_secrets *)at = read_secrets(option, text);
        return;
    }
}

static struct option_list copy_list(struct option_list list)
{
    struct option_list copy = {memory_new(list.count * sizeof(*list.at)), list.count};

    for (size_t i = 0; i < list.count; i++)
        copy.at[i] = memory_text(view_of(list.at[i]));
    return copy;
}

static struct secret copy_secret(struct secret secret)
{
    return (struct secret){secret.hidden.at ? view_of(memory_text(secret.hidden)) : secret.hidden};
}

static struct option_secrets copy_secrets(struct option_secrets secrets)
{
    struct option_secrets copy = {memory_new(secrets.count * sizeof(*secrets.at)), secrets.count};

    for (size_t i = 0; i < secrets.count; i++)
        copy.at[i] = copy_secret(secrets.at[i]);
    return copy;
}

void option_copy(const struct option *option, struct settings *to, const struct settings *from)
{
    const void *old = value_in(option, from);
    void *at = value_in(option, to);

    switch (option->type) {
    case TYPE_NUMBER:
    case TYPE_SECONDS:
    case TYPE_SIZE:
        *(uint64_t *)at = *(const uint64_t *)old;
        return;
    case TYPE_BOOLEAN:
        *(bool *)at = *(const bool *)old;
        return;
    case TYPE_TEXT:
        if (*(const char *const *)old)
            *(const char **)at = memory_text(view_of(*(const char *const *)old));
        return;
    case TYPE_SECRET:
        *(struct secret *)at = copy_secret(*(const struct secret *)old);
        return;
    case TYPE_LIST:
        *(struct option_list *)at = copy_list(*(const struct option_list *)old);
        return;
    case TYPE_SECRETS:
        *(struct option_secrets *)at = copy_secrets(*(const struct option_secrets *)old);
        return;
    }
}

static void clear_secret(struct secret *secret)
{
    char *at = (char *)(uintptr_t)secret->hidden.at;

    if (at)
        secret_wipe(at);
    free(at);
    *secret = (struct secret){{0}};
}

static void clear_list(struct option_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free((char *)(uintptr_t)list->at[i]);
    free(list->at);
    *list = (struct option_list){0};
}

static void clear_secrets(struct option_secrets *secrets)
{
    for (size_t i = 0; i < secrets->count; i++)
        clear_secret(&secrets->at[i]);
    free(secrets->at);
    *secrets = (struct option_secrets){0};
}

void option_clear(const struct option *option, struct settings *settings)
{
    void *at = value_in(option, settings);

    switch (option->type) {
    case TYPE_NUMBER:
    case TYPE_SECONDS:
    case TYPE_SIZE:
        *(uint64_t *)at = 0;
        return;
    case TYPE_BOOLEAN:
        *(bool *)at = false;
        return;
    case TYPE_TEXT:
        free(*(char **)at);
        *(char **)at = NULL;
        return;
    case TYPE_SECRET:
        clear_secret(at);
        return;
    case TYPE_LIST:
        clear_list(at);
        return;
    case TYPE_SECRETS:
        clear_secrets(at);
        return;
    }
}

static bool equal_lists(const struct option_list *one, const struct option_list *other)
{
    if (one->count != other->count)
        return false;
    for (size_t i = 0; i < one->count; i++)
        if (strcmp(one->at[i], other->at[i]) != 0)
            return false;
    return true;
}

static bool equal_secrets(const struct option_secrets *one, const struct option_secrets *other)
{
    if (one->count != other->count)
        return false;
    for (size_t i = 0; i < one->count; i++)
        if (!view_equal(one->at[i].hidden, other->at[i].hidden))
            return false;
    return true;
}

static bool equal_texts(const char *one, const char *other)
{
    return one == other || (one && other && strcmp(one, other) == 0);
}

bool option_equal(const struct option *option, const struct settings *one,
                  const struct settings *other)
{
    const void *a = value_in(option, one), *b = value_in(option, other);

    switch (option->type) {
    case TYPE_NUMBER:
    case TYPE_SECONDS:
    case TYPE_SIZE:
        return *(const uint64_t *)a == *(const uint64_t *)b;
    case TYPE_BOOLEAN:
        return *(const bool *)a == *(const bool *)b;
    case TYPE_TEXT:
        return equal_texts(*(const char *const *)a, *(const char *const *)b);
    case TYPE_SECRET:
        return view_equal(((const struct secret *)a)->hidden, ((const struct secret *)b)->hidden);
    case TYPE_LIST:
        return equal_lists(a, b);
    case TYPE_SECRETS:
        return equal_secrets(a, b);
    }
    return false;
}

void option_write(const struct option *option, const struct settings *settings, const char *between,
                  struct bytes *out)
{
    const void *at = value_in(option, settings);
    const struct option_list *list = at;

    switch (option->type) {
    case TYPE_NUMBER:
    case TYPE_SECONDS:
    case TYPE_SIZE:
        bytes_printf(out, "%llu", (unsigned long long)*(const uint64_t *)at);
        return;
    case TYPE_BOOLEAN:
        bytes_text(out, *(const bool *)at ? "true" : "false");
        return;
    case TYPE_TEXT:
        bytes_text(out, *(const char *const *)at ? *(const char *const *)at : "");
        return;
    case TYPE_SECRET:
        bytes_text(out, ((const struct secret *)at)->hidden.len ? "1" : "0");
        return;
    case TYPE_LIST:
        for (size_t i = 0; i < list->count; i++)
            bytes_printf(out, "%s%s", i ? between : "", list->at[i]);
        return;
    case TYPE_SECRETS:
        bytes_printf(out, "%zu", ((const struct option_secrets *)at)->count);
        return;
    }
}
