/* SPDX-License-Identifier: Apache-2.0 */
/* Settings: shown from memory, changed by the recorder's keeper. What must stay true: nothing of
 * a secret is shown but whether there is one. */
#include "api/settings.h"

#include <stdio.h>

#include "api/api.h"
#include "base/json.h"
#include "inquiry.h"
#include "settings/bounds.h"
#include "settings/changes.h"

/* As the dashboard names them. */
static const char *type_of(const struct option *option)
{
    static const char *const types[] = {
        [TYPE_NUMBER] = "number",   [TYPE_BOOLEAN] = "switch", [TYPE_TEXT] = "text",
        [TYPE_SECRET] = "secret",   [TYPE_LIST] = "list",      [TYPE_SECRETS] = "secret",
        [TYPE_SECONDS] = "seconds", [TYPE_SIZE] = "size",
    };

    return option_choices(option) ? "choice" : types[option->type];
}

/* Milliseconds as seconds, other numbers as they are. */
static void put_number(struct bytes *out, const struct option *option, uint64_t number)
{
    if (option->type == TYPE_SECONDS && number % 1000)
        bytes_printf(out, "%llu.%03u", (unsigned long long)(number / 1000),
                     (unsigned)(number % 1000));
    else
        bytes_printf(out, "%llu",
                     (unsigned long long)(option->type == TYPE_SECONDS ? number / 1000 : number));
}

static void put_list(struct bytes *out, const struct option_list *list)
{
    bytes_text(out, "[");
    for (size_t i = 0; i < list->count; i++) {
        bytes_text(out, i ? "," : "");
        bytes_json(out, view_of(list->at[i]));
    }
    bytes_text(out, "]");
}

static void put_value(struct bytes *out, const struct option *option,
                      const struct settings *settings)
{
    const void *at = (const char *)settings + option->offset;

    switch (option->type) {
    case TYPE_NUMBER:
    case TYPE_SECONDS:
    case TYPE_SIZE:
        put_number(out, option, *(const uint64_t *)at);
        return;
    case TYPE_BOOLEAN:
        bytes_text(out, *(const bool *)at ? "true" : "false");
        return;
    case TYPE_TEXT:
        bytes_json(out, view_of(*(const char *const *)at ? *(const char *const *)at : ""));
        return;
    case TYPE_LIST:
        put_list(out, at);
        return;
    case TYPE_SECRET:
    case TYPE_SECRETS:
        bytes_text(out, "null");
        return;
    }
}

static void put_limits(struct bytes *out, const struct option *option)
{
    const struct option_bounds *bounds = option_bounds(option);
    const struct option_choices *choices = option_choices(option);

    if (bounds && bounds->least) {
        bytes_text(out, ",\"min\":");
        put_number(out, option, bounds->least);
    }
    if (bounds && bounds->most != UINT64_MAX) {
        bytes_text(out, ",\"max\":");
        put_number(out, option, bounds->most);
    }
    if (!choices)
        return;
    bytes_text(out, ",\"choices\":[");
    for (size_t i = 0; choices->words[i]; i++)
        bytes_printf(out, "%s\"%s\"", i ? "," : "", choices->words[i]);
    bytes_text(out, "]");
}

/* Where its value comes from, and what it yields to. */
static void put_source(struct bytes *out, const struct option *option, yyjson_val *change)
{
    static const char *const names[] = {"default", "file", "environment"};
    enum option_source source = option_source(option);
    uint64_t at_ms = json_member_count(change, "at");
    bool is_ours = yyjson_is_str(yyjson_obj_get(change, "value")) && changes_hold(option, at_ms);

    bytes_printf(out, ",\"source\":\"%s\"", is_ours ? "dashboard" : names[source]);
    if (source == SOURCE_ENVIRONMENT)
        bytes_text(out, ",\"shadowed_by\":\"environment\"");
    if (!change)
        return;
    bytes_printf(out, ",\"changed_at\":%llu,\"changed_by\":", (unsigned long long)at_ms);
    bytes_json(out, json_member_text(change, "by"));
}

static void put_text(struct bytes *out, const struct option *option)
{
    bytes_printf(out, ",\"live\":%s",
                 option_fixed(option) || option_is_secret(option) ? "false" : "true");
    if (option_fixed(option)) {
        bytes_text(out, ",\"fixed\":");
        bytes_json(out, view_of(option_fixed(option)));
    }
    put_limits(out, option);
    bytes_text(out, ",\"text\":{\"en\":");
    bytes_json(out, view_of(option->text));
    bytes_text(out, "}}");
}

/* `usual` holds the defaults. */
static void put_row(struct bytes *out, const struct option *option, const struct settings *usual,
                    yyjson_val *change)
{
    bytes_printf(out, "{\"name\":\"%s\",\"group\":\"%s\",\"type\":\"%s\"", option->name,
                 option_group_name(option_group(option)), type_of(option));
    if (option_is_secret(option)) {
        bytes_printf(out, ",\"is_set\":%s,\"default\":null",
                     option_was_given(option) ? "true" : "false");
    } else {
        bytes_text(out, ",\"value\":");
        put_value(out, option, settings_now());
        bytes_text(out, ",\"default\":");
        put_value(out, option, usual);
    }
    put_source(out, option, change);
    put_text(out, option);
}

void settings_write(struct bytes *out)
{
    struct view json = changes_json();
    yyjson_doc *doc = yyjson_read(json.at, json.len, 0);
    struct settings usual = {0};

    for (size_t i = 0; i < option_count; i++)
        option_store(&option_table[i], &usual, option_table[i].value);
    bytes_printf(out, "{\"etag\":\"%llu\",\"rows\":[", (unsigned long long)changes_version());
    for (size_t i = 0; i < option_count; i++) {
        bytes_text(out, i ? "," : "");
        put_row(out, &option_table[i], &usual,
                yyjson_obj_get(yyjson_doc_get_root(doc), option_table[i].name));
    }
    bytes_text(out, "]}");
    for (size_t i = 0; i < option_count; i++)
        option_clear(&option_table[i], &usual);
    yyjson_doc_free(doc);
}

static void add_etag(struct reply *reply, uint64_t version)
{
    char etag[24];

    snprintf(etag, sizeof(etag), "\"%llu\"", (unsigned long long)version);
    reply_header(reply, "etag", view_of(etag));
}

void api_settings(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    struct bytes out = {0};

    (void)admin, (void)call;
    settings_write(&out);
    add_etag(reply, changes_version());
    reply_json(reply, 200, bytes_view(&out));
    bytes_clear(&out);
}

bool settings_etag_read(struct view line, uint64_t *version)
{
    line = view_trim(line);
    if (view_starts(line, VIEW("W/")))
        line = view_skip(line, 2);
    if (line.len >= 2 && line.at[0] == '"' && line.at[line.len - 1] == '"')
        line = (struct view){line.at + 1, line.len - 2};
    *version = 0;
    if (!line.len || line.len > 18)
        return false;
    for (size_t i = 0; i < line.len; i++) {
        if (line.at[i] < '0' || line.at[i] > '9')
            return false;
        *version = *version * 10 + (uint64_t)(line.at[i] - '0');
    }
    return true;
}

/* The new version, for the next If-Match. */
static void on_changed(struct admin *admin, struct reply *reply, struct view json)
{
    yyjson_doc *doc = yyjson_read(json.at ? json.at : "", json.len, 0);
    struct view etag = json_member_text(yyjson_obj_get(yyjson_doc_get_root(doc), "body"), "etag");
    uint64_t version;

    if (settings_etag_read(etag, &version))
        add_etag(reply, version);
    yyjson_doc_free(doc);
    change_answer(admin, reply, json);
}

void api_settings_change(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    yyjson_doc *doc = yyjson_read(call->body.at ? call->body.at : "", call->body.len, 0);
    yyjson_val *changes = yyjson_obj_get(yyjson_doc_get_root(doc), "changes");
    bool is_any = !call->if_match.len || view_equal(view_trim(call->if_match), VIEW("*"));
    struct bytes data = {0};
    uint64_t version;

    if (!yyjson_is_obj(changes) || !yyjson_obj_size(changes)) {
        reply_fail_field(reply, 400, "bad_request", "changes",
                         VIEW("give {\"changes\": {\"NAME\": value}}"));
    } else if (!is_any && !settings_etag_read(call->if_match, &version)) {
        reply_fail_field(reply, 400, "bad_request", "If-Match",
                         VIEW("should be the etag that these settings were read with"));
    } else {
        bytes_text(&data, "{");
        if (!is_any)
            bytes_printf(&data, "\"if_version\":%llu,", (unsigned long long)version);
        bytes_text(&data, "\"changes\":");
        json_value(&data, changes);
        bytes_text(&data, "}");
        change_then(admin, "settings", (struct secret){bytes_view(&data)}, reply, on_changed);
    }
    bytes_clear(&data);
    yyjson_doc_free(doc);
}
