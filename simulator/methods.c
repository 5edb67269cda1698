/* SPDX-License-Identifier: Apache-2.0 */
/* Methods about objects; server.c asks here first. What must stay true: what a project has made is refused to every other, in
 * Google's words; and what these methods do not know is no route. */
#include "methods.h"

#include <stdio.h>
#include <time.h>

#include "objects.h"
#include "routes.h"
#include "work.h"

#define PAGE_SIZE 10
#define PAGE_SIZE_MAX 100
#define TTL_S 3600
#define FILE_LIFE_S (48 * 3600)

enum method {
    METHOD_CREATE,
    METHOD_LIST,
    METHOD_GET,
    METHOD_PATCH,
    METHOD_DELETE,
    METHOD_CANCEL,
    METHOD_BEGIN, /* a verb of a model: what it makes is an operation */
};

/* One request about an object. */
struct task {
    struct work w;
    enum method method;
    struct span collection; /* "files" */
    struct span name;       /* "files/x"; empty: the collection */
    char room[LEDGER_KEY_BYTES];
    struct span project;
    struct text out;
};

/* -- Small things -- */

static void write_time(struct text *out, const char *name, int64_t after_s)
{
    time_t at = time(NULL) + (time_t)after_s;
    struct tm parts;
    char text[40];

    gmtime_r(&at, &parts);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S.000000Z", &parts);
    text_format(out, ",\"%s\":\"%s\"", name, text);
}

static void write_text(struct text *out, const char *name, struct span value)
{
    if (value.len == 0)
        return;
    text_format(out, ",\"%s\":\"", name);
    text_escape(out, value);
    text_put(out, "\"");
}

static struct span member(yyjson_val *object, const char *name)
{
    return schema_span(schema_get(object, name));
}

/* 403 where Google hides whether it exists, 404 elsewhere. */
static void refuse_missing(struct task *t)
{
    char words[300];

    if (span_is(t->collection, "files")) {
        snprintf(words, sizeof(words),
                 "You do not have permission to access the File %.*s or it may not exist.",
                 (int)(t->name.len - 6), t->name.at + 6);
        work_refuse_with(&t->w, REFUSAL_NO_CACHE, span_of(words));
    } else {
        work_refuse(&t->w, span_is(t->collection, "cachedContents") ? REFUSAL_NO_CACHE
                                                                    : REFUSAL_NO_ENTITY);
    }
}

static void refuse_bad(struct task *t, const char *words)
{
    work_refuse_with(&t->w, REFUSAL_WRONG_ARGUMENT, span_of(words));
}

/* Only these members may be there; NULL ends the list. */
static bool has_only(struct task *t, yyjson_val *object, const char *const *names)
{
    char words[300];
    size_t i;
    size_t count;
    yyjson_val *name;
    yyjson_val *value;

    if (!yyjson_is_obj(object)) {
        refuse_bad(t, "Invalid JSON payload received. An object is needed.");
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
        refuse_bad(t, words);
        return false;
    }
    return true;
}

/* "600s"; 0: it is none. */
static int64_t seconds_of(struct span text)
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
    write_text(json, "displayName", display);
    write_text(json, "mimeType", mime.len != 0 ? mime : span_of("text/plain"));
    text_format(json, ",\"sizeBytes\":\"%lld\"", (long long)bytes);
    write_time(json, "createTime", 0);
    write_time(json, "updateTime", 0);
    write_time(json, "expirationTime", FILE_LIFE_S);
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
    struct span wanted = member(file, "name");

    if (!has_only(t, root, outer) || (file != NULL && !has_only(t, file, inner)))
        return;
    if (wanted.len != 0 && !span_starts(wanted, "files/")) {
        refuse_bad(t, "The name of a file begins with files/.");
        return;
    }
    if (wanted.len != 0)
        text_add(name, wanted.at, wanted.len);
    else
        objects_name(name, t->collection);
    methods_write_file(json, text_span(name), member(file, "displayName"), member(file, "mimeType"),
                       0);
}

static void create_cache(struct task *t, yyjson_val *root, struct text *name, struct text *json)
{
    static const char *const names[] = {
        "model",      "displayName", "systemInstruction", "contents",   "tools",
        "toolConfig", "ttl",         "expireTime",        "kmsKeyName", NULL};
    struct span model = member(root, "model");
    struct span ttl = member(root, "ttl");

    if (!has_only(t, root, names))
        return;
    if (!span_starts(model, "models/") || model_find(span_from(model, 7)) == NULL) {
        refuse_bad(t, "* CreateCachedContentRequest.cached_content.model: model is required.");
        return;
    }
    if (ttl.len != 0 && seconds_of(ttl) == 0) {
        refuse_bad(
            t,
            "Invalid value at 'cached_content.ttl' (type.googleapis.com/google.protobuf.Duration)");
        return;
    }
    objects_name(name, t->collection);
    text_format(json, "{\"name\":\"%.*s\"", (int)name->len, name->at);
    write_text(json, "model", model);
    write_text(json, "displayName", member(root, "displayName"));
    write_time(json, "createTime", 0);
    write_time(json, "updateTime", 0);
    write_time(json, "expireTime", ttl.len != 0 ? seconds_of(ttl) : TTL_S);
    text_format(json, ",\"usageMetadata\":{\"totalTokenCount\":%zu}}",
                t->w.call->req->entity.len / 4);
}

static void create_store(struct task *t, yyjson_val *root, struct text *name, struct text *json)
{
    static const char *const names[] = {"displayName", NULL};

    if (!has_only(t, root, names))
        return;
    objects_name(name, t->collection);
    text_format(json, "{\"name\":\"%.*s\"", (int)name->len, name->at);
    write_text(json, "displayName", member(root, "displayName"));
    write_time(json, "createTime", 0);
    text_put(json, "}");
}

/* A batch or a long-running operation: it is done at once. */
static void begin_operation(struct task *t, yyjson_val *root, struct text *name, struct text *json)
{
    static const char *const batch[] = {"batch", "model", NULL};
    static const char *const video[] = {"instances", "parameters", NULL};
    bool is_batch = span_is(t->collection, "batches");

    if (!has_only(t, root, is_batch ? batch : video))
        return;
    if (schema_get(root, is_batch ? "batch" : "instances") == NULL) {
        refuse_bad(t, is_batch ? "* BatchGenerateContentRequest.batch: batch is required."
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
        write_text(json, "displayName", member(schema_get(root, "batch"), "displayName"));
        write_time(json, "createTime", 0);
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
    write_text(json, "model", model);
    write_time(json, "created", 0);
    write_time(json, "updated", 0);
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
    struct span before = member(root, "previous_interaction_id");
    struct text full = {0}, found = {0};
    struct span id;

    if (schema_get(root, "input") == NULL ||
        (member(root, "model").len == 0 && member(root, "agent").len == 0)) {
        refuse_bad(t, "An interaction needs input, and a model or an agent.");
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
    write_interaction(json, id, member(root, "model"));
    if (yyjson_is_true(yyjson_obj_get(root, "stream")))
        write_events(t, id, text_span(json));
}

static void create(struct task *t)
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

/* -- The others -- */

static void get(struct task *t)
{
    if (!objects_get(t->project, t->name, &t->out))
        refuse_missing(t);
    text_put(&t->out, "\n");
}

/* Replaces the time that a cache lives. */
static void patch(struct task *t)
{
    static const char *const names[] = {"ttl", "expireTime", NULL};
    yyjson_val *root = yyjson_doc_get_root(t->w.doc);
    struct text old = {0};
    char *at;

    if (!objects_get(t->project, t->name, &old))
        refuse_missing(t);
    else if (has_only(t, root, names) && seconds_of(member(root, "ttl")) == 0)
        refuse_bad(
            t,
            "Invalid value at 'cached_content.ttl' (type.googleapis.com/google.protobuf.Duration)");
    at = t->w.plan.is_refused ? NULL : memmem(old.at, old.len, ",\"expireTime\"", 13);
    if (at != NULL) {
        struct span rest = {at + 43, old.len - (size_t)(at + 43 - old.at)};
        text_add(&t->out, old.at, (size_t)(at - old.at));
        write_time(&t->out, "expireTime", seconds_of(member(root, "ttl")));
        text_add(&t->out, rest.at, rest.len);
        objects_put(t->project, t->name, text_span(&t->out));
        text_put(&t->out, "\n");
    }
    text_clear(&old);
}

static size_t number_of(struct span s, size_t otherwise)
{
    size_t number = 0;

    for (size_t i = 0; i < s.len && i < 9; i++)
        number = number * 10 + (size_t)(s.at[i] - '0') % 10;
    return s.len != 0 ? number : otherwise;
}

static void list(struct task *t)
{
    const struct query *q = &t->w.call->query;
    size_t begin =
        span_starts(q->page_token, "page-") ? number_of(span_from(q->page_token, 5), 0) : 0;
    size_t size = number_of(q->page_size, PAGE_SIZE);
    struct text items = {0};
    bool is_operations = span_is(t->collection, "batches");

    size = size > PAGE_SIZE_MAX ? PAGE_SIZE_MAX : size;
    size_t all = objects_list(t->project, t->collection, begin, size, &items);
    text_put(&t->out, "{");
    if (items.len != 0)
        text_format(&t->out, "\"%.*s\":[%.*s]", is_operations ? 10 : (int)t->collection.len,
                    is_operations ? "operations" : t->collection.at, (int)items.len, items.at);
    if (begin + size < all)
        text_format(&t->out, "%s\"nextPageToken\":\"page-%zu\"", items.len != 0 ? "," : "",
                    begin + size);
    text_put(&t->out, "}\n");
    text_clear(&items);
}

static void delete (struct task *t)
{
    if (!objects_delete(t->project, t->name))
        refuse_missing(t);
    text_put(&t->out, "{}\n");
}

static void run(struct task *t)
{
    switch (t->method) {
    case METHOD_CREATE:
    case METHOD_BEGIN:
        create(t);
        break;
    case METHOD_LIST:
        list(t);
        break;
    case METHOD_GET:
        get(t);
        break;
    case METHOD_PATCH:
        patch(t);
        break;
    case METHOD_DELETE:
        delete (t);
        break;
    case METHOD_CANCEL:
        get(t);
        break;
    }
}

/* -- Which method it is -- */

static const struct {
    const char *name;
    bool can_create;
    bool can_list;
    bool can_patch;
} collections[] = {
    {"files", true, true, false},
    {"cachedContents", true, true, true},
    {"batches", false, true, false},
    {"operations", false, false, false},
    {"fileSearchStores", true, true, false},
    {"interactions", true, false, false},
};

static bool ends_with(struct span s, const char *tail)
{
    size_t len = strlen(tail);

    return s.len >= len && memcmp(s.at + s.len - len, tail, len) == 0;
}

/* models/m:verb and models/m/operations/o. */
static bool read_model_path(struct task *t, struct span method, struct span path)
{
    const char *operations = memmem(path.at, path.len, "/operations/", 12);
    bool is_batch =
        ends_with(path, ":batchGenerateContent") || ends_with(path, ":asyncBatchEmbedContent");
    const char *colon = path.len != 0 ? memchr(path.at, ':', path.len) : NULL;

    if (span_is(method, "GET") && operations != NULL) {
        t->method = METHOD_GET;
        t->name = path;
        t->collection = span_of("operations");
        return true;
    }
    if (!span_is(method, "POST") || colon == NULL ||
        (!is_batch && !ends_with(path, ":predictLongRunning")))
        return false;
    t->method = METHOD_BEGIN;
    t->w.call->path = (struct span){path.at + 7, (size_t)(colon - path.at) - 7};
    t->collection = span_of("batches");
    if (!is_batch) {
        static char room[OBJECT_NAME_BYTES];
        int len = snprintf(room, sizeof(room), "%.*s/operations", (int)(colon - path.at), path.at);
        t->collection =
            (struct span){room, (size_t)len < sizeof(room) ? (size_t)len : sizeof(room) - 1};
    }
    return true;
}

static bool read_method(struct task *t, struct span method, size_t which, struct span rest)
{
    bool is_cancel = ends_with(rest, ":cancel") || ends_with(rest, "/cancel");

    if (is_cancel)
        rest.len -= 7;
    if (rest.len == 0) {
        t->method = span_is(method, "POST") ? METHOD_CREATE : METHOD_LIST;
        return (span_is(method, "POST") && collections[which].can_create) ||
               (span_is(method, "GET") && collections[which].can_list);
    }
    if (rest.at[0] != '/' || memchr(rest.at + 1, '/', rest.len - 1) != NULL ||
        memchr(rest.at, ':', rest.len) != NULL)
        return false;
    t->method = is_cancel                  ? METHOD_CANCEL
                : span_is(method, "GET")   ? METHOD_GET
                : span_is(method, "PATCH") ? METHOD_PATCH
                                           : METHOD_DELETE;
    return is_cancel ? span_is(method, "POST")
                     : span_is(method, "GET") || span_is(method, "DELETE") ||
                           (span_is(method, "PATCH") && collections[which].can_patch);
}

static bool read_path(struct task *t, struct span method, struct span path)
{
    for (size_t i = 0; i < COUNT(collections); i++) {
        struct span rest = path;

        if (!span_starts(path, collections[i].name))
            continue;
        t->collection = span_of(collections[i].name);
        rest = span_from(path, t->collection.len);
        t->name = path;
        if (ends_with(rest, ":cancel") || ends_with(rest, "/cancel"))
            t->name.len -= 7;
        return read_method(t, method, i, rest);
    }
    return span_starts(path, "models/") && read_model_path(t, method, path);
}

static bool skip_version(struct span *path)
{
    static const char *const versions[] = {"/v1beta/", "/v1alpha/", "/v1/"};

    for (size_t i = 0; i < COUNT(versions); i++) {
        if (!span_starts(*path, versions[i]))
            continue;
        *path = span_from(*path, strlen(versions[i]));
        return true;
    }
    return false;
}

bool methods_take(struct call *call, struct span method, struct span path)
{
    struct task t = {.w = {.call = call}};

    if (!skip_version(&path) || !read_path(&t, method, path))
        return false;
    if (!work_begin(&t.w, call, OPERATION_OBJECTS))
        return true;
    t.project = key_project(t.w.plan.key, t.room);
    if (t.method == METHOD_BEGIN)
        work_check_model(&t.w, true);
    if (t.method == METHOD_CREATE || t.method == METHOD_BEGIN || t.method == METHOD_PATCH)
        work_parse(&t.w);
    work_apply_mode(&t.w);
    work_script(&t.w);
    if (!t.w.plan.is_refused)
        run(&t);
    work_answer(&t.w, &t.out);
    return true;
}
