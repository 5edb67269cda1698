/* SPDX-License-Identifier: Apache-2.0 */
/* What methods about objects make; methods.c asks here. What must stay true: what Google would refuse to make is not made, and
 * each name is new. */
#include "methods.h"

#include <stdio.h>
#include <time.h>

#include "methods_private.h"
#include "objects.h"

#define TTL_S 3600
#define FILE_LIFE_S INT64_C(172800) /* 48 hours */

/* -- Small things -- */

void task_time(struct text *out, const char *name, int64_t after_s)
{
    time_t at = time(NULL) + (time_t)after_s;
    struct tm parts;
    char text[40];

    gmtime_r(&at, &parts);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S.000000Z", &parts);
    text_format(out, ",\"%s\":\"%s\"", name, text);
}

void task_text(struct text *out, const char *name, struct span value)
{
    if (value.len == 0)
        return;
    text_format(out, ",\"%s\":\"", name);
    text_escape(out, value);
    text_put(out, "\"");
}

struct span task_member(yyjson_val *object, const char *name)
{
    return schema_span(schema_get(object, name));
}

void task_refuse(struct task *t, const char *words)
{
    work_refuse_with(&t->w, REFUSAL_WRONG_ARGUMENT, span_of(words));
}

/* Only these members may be there; NULL ends the list. */
bool task_has_only(struct task *t, yyjson_val *object, const char *const *names)
{
    char words[300];
    size_t i;
    size_t count;
    yyjson_val *name;
    yyjson_val *value;

    if (!yyjson_is_obj(object)) {
        task_refuse(t, "Invalid JSON payload received. An object is needed.");
        return false;
    }
    yyjson_obj_foreach(object, i, count, name, value)
    {
        const char *const *at = names;
        while (*at != NULL && schema_get(object, *at) != value)
            at++;
        if (*at != NULL)
            continue;
        snprintf(words, sizeof(words),
                 "Invalid JSON payload received. Unknown name \"%.100s\": Cannot find field.",
                 yyjson_get_str(name));
        task_refuse(t, words);
        return false;
    }
    return true;
}

/* "600s"; 0: it is none. */
int64_t task_seconds(struct span text)
{
    int64_t number = 0;

    if (text.len < 2 || text.len > 10 || text.at[text.len - 1] != 's')
        return 0;
    for (size_t i = 0; i + 1 < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return 0;
        number = number * 10 + text.at[i] - '0';
    }
    return number;
}

/* -- Creating -- */

void methods_write_file(struct text *json, struct span name, struct span display, struct span mime,
                        int64_t bytes)
{
    text_format(json, "{\"name\":\"%.*s\"", (int)name.len, name.at);
    task_text(json, "displayName", display);
    task_text(json, "mimeType", mime.len != 0 ? mime : span_of("text/plain"));
    text_format(json, ",\"sizeBytes\":\"%lld\"", (long long)bytes);
    task_time(json, "createTime", 0);
    task_time(json, "updateTime", 0);
    task_time(json, "expirationTime", FILE_LIFE_S);
    text_format(json,
                ",\"sha256Hash\":\"MDAw\",\"uri\":\"https://generativelanguage.googleapis.com/"
                "v1beta/%.*s\","
                "\"state\":\"ACTIVE\",\"source\":\"UPLOADED\"}",
                (int)name.len, name.at);
}

static void create_file(struct task *t, yyjson_val *root, struct text *name, struct text *json)
{
    static const char *const outer[] = {"file", NULL};
    static const char *const inner[] = {"name", "displayName", "mimeType", NULL};
    yyjson_val *file = schema_get(root, "file");
    struct span wanted = task_member(file, "name");

    if (!task_has_only(t, root, outer) || (file != NULL && !task_has_only(t, file, inner)))
        return;
    if (wanted.len != 0 && !span_starts(wanted, "files/")) {
        task_refuse(t, "The name of a file begins with files/.");
        return;
    }
    if (wanted.len != 0)
        text_add(name, wanted.at, wanted.len);
    else
        objects_name(name, t->collection);
    methods_write_file(json, text_span(name), task_member(file, "displayName"),
                       task_member(file, "mimeType"), 0);
}

static void create_cache(struct task *t, yyjson_val *root, struct text *name, struct text *json)
{
    static const char *const names[] = {
        "model",      "displayName", "systemInstruction", "contents",   "tools",
        "toolConfig", "ttl",         "expireTime",        "kmsKeyName", NULL};
    struct span model = task_member(root, "model");
    struct span ttl = task_member(root, "ttl");

    if (!task_has_only(t, root, names))
        return;
    if (!span_starts(model, "models/") || model_find(span_from(model, 7)) == NULL) {
        task_refuse(t, "* CreateCachedContentRequest.cached_content.model: model is required.");
        return;
    }
    if (ttl.len != 0 && task_seconds(ttl) == 0) {
        task_refuse(
            t,
            "Invalid value at 'cached_content.ttl' (type.googleapis.com/google.protobuf.Duration)");
        return;
    }
    objects_name(name, t->collection);
    text_format(json, "{\"name\":\"%.*s\"", (int)name->len, name->at);
    task_text(json, "model", model);
    task_text(json, "displayName", task_member(root, "displayName"));
    task_time(json, "createTime", 0);
    task_time(json, "updateTime", 0);
    task_time(json, "expireTime", ttl.len != 0 ? task_seconds(ttl) : TTL_S);
    text_format(json, ",\"usageMetadata\":{\"totalTokenCount\":%zu}}",
                t->w.call->req->entity.len / 4);
}

static void create_store(struct task *t, yyjson_val *root, struct text *name, struct text *json)
{
    static const char *const names[] = {"displayName", NULL};

    if (!task_has_only(t, root, names))
        return;
    objects_name(name, t->collection);
    text_format(json, "{\"name\":\"%.*s\"", (int)name->len, name->at);
    task_text(json, "displayName", task_member(root, "displayName"));
    task_time(json, "createTime", 0);
    text_put(json, "}");
}

/* A batch or a long-running operation: it is done at once. */
static void begin_operation(struct task *t, yyjson_val *root, struct text *name, struct text *json)
{
    static const char *const batch[] = {"batch", "model", NULL};
    static const char *const video[] = {"instances", "parameters", NULL};
    bool is_batch = span_is(t->collection, "batches");

    if (!task_has_only(t, root, is_batch ? batch : video))
        return;
    if (schema_get(root, is_batch ? "batch" : "instances") == NULL) {
        task_refuse(t, is_batch ? "* BatchGenerateContentRequest.batch: batch is required."
                                : "* PredictLongRunningRequest.instances: instances are required.");
        return;
    }
    objects_name(name, t->collection);
    text_format(json, "{\"name\":\"%.*s\"", (int)name->len, name->at);
    if (is_batch) {
        text_put(
            json,
            ",\"metadata\":{\"@type\":\"type.googleapis.com/google.ai.generativelanguage.v1main."
            "GenerateContentBatch\",\"model\":\"models/");
        text_escape(json, t->w.model_name);
        text_format(json, "\",\"name\":\"%.*s\",\"state\":\"BATCH_STATE_SUCCEEDED\"",
                    (int)name->len, name->at);
        task_text(json, "displayName", task_member(schema_get(root, "batch"), "displayName"));
        task_time(json, "createTime", 0);
        text_put(json,
                 "},\"done\":true,\"response\":{\"inlinedResponses\":{\"inlinedResponses\":[]}}}");
        return;
    }
    text_put(
        json,
        ",\"done\":true,\"error\":{\"code\":3,\"message\":\"The simulator makes no videos.\"}}");
}

static void write_interaction(struct text *json, struct span id, struct span model)
{
    text_format(json, "{\"id\":\"%.*s\",\"status\":\"completed\",\"object\":\"interaction\"",
                (int)id.len, id.at);
    task_text(json, "model", model);
    task_time(json, "created", 0);
    task_time(json, "updated", 0);
    text_put(
        json,
        ",\"role\":\"model\",\"outputs\":[{\"type\":\"text\",\"text\":\"Simulated.\"}],\"usage\":{"
        "\"total_tokens\":3,\"total_input_tokens\":1,\"total_output_tokens\":2}}");
}

static void write_events(struct task *t, struct span id, struct span interaction)
{
    text_format(&t->out,
                "event: interaction.created\ndata: "
                "{\"event_type\":\"interaction.created\",\"interaction\":{\"id\":"
                "\"%.*s\",\"status\":\"in_progress\"}}\n\n",
                (int)id.len, id.at);
    text_put(&t->out, "event: step.delta\ndata: "
                      "{\"event_type\":\"step.delta\",\"index\":0,\"delta\":{\"type\":\"text\","
                      "\"text\":\"Simulated.\"}}\n\n");
    text_put(&t->out, "event: interaction.completed\ndata: "
                      "{\"event_type\":\"interaction.completed\",\"interaction\":");
    text_add(&t->out, interaction.at, interaction.len);
    text_put(&t->out, "}\n\nevent: done\ndata: [DONE]\n\n");
    t->w.plan.type = "text/event-stream";
    t->w.plan.is_chunked = true;
}

static void create_interaction(struct task *t, yyjson_val *root, struct text *name,
                               struct text *json)
{
    struct span before = task_member(root, "previous_interaction_id");
    struct text full = {0}, found = {0};
    struct span id;

    if (schema_get(root, "input") == NULL ||
        (task_member(root, "model").len == 0 && task_member(root, "agent").len == 0)) {
        task_refuse(t, "An interaction needs input, and a model or an agent.");
        return;
    }
    text_put(&full, "interactions/");
    text_add(&full, before.at, before.len);
    if (before.len != 0 && !objects_get(t->project, text_span(&full), &found))
        work_refuse(&t->w, REFUSAL_NO_ENTITY);
    text_clear(&full);
    text_clear(&found);
    if (t->w.plan.is_refused)
        return;
    objects_name(name, t->collection);
    id = span_from(text_span(name), t->collection.len + 1);
    write_interaction(json, id, task_member(root, "model"));
    if (yyjson_is_true(yyjson_obj_get(root, "stream")))
        write_events(t, id, text_span(json));
}

static void register_one(struct task *t, struct span uri, size_t index)
{
    struct text name = {0}, json = {0};

    if (!span_starts(uri, "gs://")) {
        task_refuse(t, "* RegisterFilesRequest.uris: an address begins with gs://.");
        return;
    }
    objects_name(&name, t->collection);
    methods_write_file(&json, text_span(&name), uri, (struct span){"", 0}, 1);
    objects_put(t->project, text_span(&name), text_span(&json));
    text_format(&t->out, "%s%.*s", index != 0 ? "," : "{\"files\":[", (int)json.len, json.at);
    text_clear(&name);
    text_clear(&json);
}

void task_register(struct task *t)
{
    static const char *const names[] = {"uris", NULL};
    yyjson_val *root = yyjson_doc_get_root(t->w.doc), *uris, *uri;
    size_t i, count;

    if (!task_has_only(t, root, names))
        return;
    uris = schema_get(root, "uris");
    if (yyjson_arr_size(uris) == 0)
        task_refuse(t, "* RegisterFilesRequest.uris: uris are required.");
    yyjson_arr_foreach(uris, i, count, uri)
    {
        if (!t->w.plan.is_refused)
            register_one(t, schema_span(uri), i);
    }
    text_put(&t->out, "]}\n");
}

void task_create(struct task *t)
{
    struct text name = {0}, json = {0};
    yyjson_val *root = yyjson_doc_get_root(t->w.doc);

    if (t->method == METHOD_BEGIN)
        begin_operation(t, root, &name, &json);
    else if (span_is(t->collection, "files"))
        create_file(t, root, &name, &json);
    else if (span_is(t->collection, "cachedContents"))
        create_cache(t, root, &name, &json);
    else if (span_is(t->collection, "interactions"))
        create_interaction(t, root, &name, &json);
    else
        create_store(t, root, &name, &json);
    if (!t->w.plan.is_refused && !objects_put(t->project, text_span(&name), text_span(&json)))
        work_refuse(&t->w, REFUSAL_ALREADY);
    if (t->out.len == 0 && span_is(t->collection, "files"))
        text_format(&t->out, "{\"file\":%.*s}\n", (int)json.len, json.at);
    else if (t->out.len == 0)
        text_format(&t->out, "%.*s\n", (int)json.len, json.at);
    text_clear(&name);
    text_clear(&json);
}
