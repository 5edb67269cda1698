/* SPDX-License-Identifier: Apache-2.0 */
/* Methods about objects; server.c asks here first. What must stay true: what a project has made is refused to every other, in
 * Google's words; and what these methods do not know is no route. */
#include "methods.h"

#include <stdio.h>

#include "objects.h"
#include "routes.h"
#include "methods_private.h"

#define PAGE_SIZE 10
#define PAGE_SIZE_MAX 100

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
    else if (task_has_only(t, root, names) && task_seconds(task_member(root, "ttl")) == 0)
        task_refuse(
            t,
            "Invalid value at 'cached_content.ttl' (type.googleapis.com/google.protobuf.Duration)");
    at = t->w.plan.is_refused ? NULL : memmem(old.at, old.len, ",\"expireTime\"", 13);
    if (at != NULL) {
        struct span rest = {at + 43, old.len - (size_t)(at + 43 - old.at)};
        text_add(&t->out, old.at, (size_t)(at - old.at));
        task_time(&t->out, "expireTime", task_seconds(task_member(root, "ttl")));
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
        task_create(t);
        break;
    case METHOD_REGISTER:
        task_register(t);
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
    if (span_is(t->collection, "files") && span_is(rest, ":register")) {
        t->method = METHOD_REGISTER;
        return span_is(method, "POST");
    }
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
        struct span rest;

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

/* Parameters of these methods alone. */
static bool is_known_parameter(struct span name)
{
    static const char *const names[] = {"updateMask",   "filter",        "force",
                                        "stream",       "last_event_id", "returnPartialSuccess",
                                        "include_input"};

    for (size_t i = 0; i < COUNT(names); i++)
        if (name.at != NULL && span_is(name, names[i]))
            return true;
    return false;
}

bool methods_take(struct call *call, struct span method, struct span path)
{
    struct task t = {.w = {.call = call}};

    if (!skip_version(&path) || !read_path(&t, method, path))
        return false;
    if (is_known_parameter(call->query.unknown))
        call->query.unknown = (struct span){NULL, 0};
    if (!work_begin(&t.w, call, OPERATION_OBJECTS))
        return true;
    t.project = key_project(t.w.plan.key, t.room);
    if (t.method == METHOD_BEGIN)
        work_check_model(&t.w, true);
    if (t.method == METHOD_CREATE || t.method == METHOD_BEGIN || t.method == METHOD_PATCH ||
        t.method == METHOD_REGISTER)
        work_parse(&t.w);
    work_apply_mode(&t.w);
    work_script(&t.w);
    if (!t.w.plan.is_refused)
        run(&t);
    work_answer(&t.w, &t.out);
    return true;
}
