/* SPDX-License-Identifier: Apache-2.0 */
/* Keys: who can serve, why not, until when. Lists are windows of a view, so that live changes move
 * no rows under somebody's hands. */
#include <inttypes.h>
#include <stdlib.h>

#include "api/api.h"
#include "api/dress.h"
#include "api/filter.h"
#include "base/clock.h"
#include "inquiry.h"
#include "live.h"
#include "query.h"

enum { WINDOW = 200, WINDOW_MOST = 1000, KEY_FRESH_MS = 5000 };

/* What a list is asked for. */
struct window {
    struct view_filter filter;
    uint64_t view, offset, limit;
};

static const char *read_window(struct view query, struct window *window)
{
    const char *wrong = filter_read(query, &window->filter);

    *window = (struct window){.filter = window->filter, .limit = WINDOW};
    if (wrong)
        return wrong;
    if (!query_number(query, "view", 0, UINT64_MAX, &window->view))
        return "view";
    if (!query_number(query, "offset", 0, UINT32_MAX, &window->offset))
        return "offset";
    return query_number(query, "limit", 1, WINDOW_MOST, &window->limit) ? NULL : "limit";
}

static void write_rows(const struct admin *admin, const struct key_view *view,
                       const struct window *window, struct bytes *json)
{
    size_t written = 0;

    bytes_text(json, ",\"rows\":[");
    for (size_t i = window->offset; i < view->count && i - window->offset < window->limit; i++) {
        const struct key *key = keys_find(&admin->keys, view->ids[i]);

        if (!key)
            continue; /* it has gone meanwhile */
        bytes_text(json, written++ ? "," : "");
        key_write(key, json);
    }
    bytes_text(json, "]");
}

void api_keys(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    struct window window = {0};
    const char *wrong = read_window(call->query, &window);
    const struct key_view *view;
    struct bytes json = {0};
    uint64_t now_ms = clock_ms();

    if (wrong) {
        reply_fail_field(reply, 400, "bad_parameter", wrong, VIEW("this value is none of those"));
        return;
    }
    view = views_get(&admin->views, &admin->keys, window.view, &window.filter, now_ms);
    bytes_printf(&json,
                 "{\"view\":\"%" PRIu64 "\",\"sorted_at\":%" PRIu64
                 ",\"known\":%s,\"total\":%u,\"matching\":%zu,\"states\":",
                 view->number, clock_utc_ms() - (now_ms - view->made_ms),
                 admin->keys.is_known ? "true" : "false", HASH_COUNT(admin->keys.by_id),
                 view->count);
    keys_write_states(&admin->keys, &json);
    write_rows(admin, view, &window, &json);
    bytes_text(&json, "}");
    reply_json(reply, 200, bytes_view(&json));
    bytes_clear(&json);
}

static void add_key(struct admin *admin, yyjson_mut_doc *doc, yyjson_mut_val *root, void *data)
{
    const struct key *key = keys_find(&admin->keys, key_id_read(*(const struct view *)data));
    struct bytes json = {0};
    yyjson_mut_val *name, *child;
    yyjson_doc *row;
    yyjson_mut_doc *copy;
    size_t i, count;

    if (!key)
        return; /* it has gone meanwhile */
    key_write(key, &json);
    row = yyjson_read(json.at, json.len, 0);
    copy = yyjson_doc_mut_copy(row, NULL);
    yyjson_mut_obj_foreach(yyjson_mut_doc_get_root(copy), i, count, name, child)
    {
        yyjson_mut_obj_add(root, yyjson_mut_val_mut_copy(doc, name),
                           yyjson_mut_val_mut_copy(doc, child));
    }
    yyjson_mut_doc_free(copy);
    yyjson_doc_free(row);
    bytes_clear(&json);
}

static void on_key(struct admin *admin, struct reply *reply, struct view json)
{
    struct bytes out = {0};

    if (!dress_answer(admin, json, add_key, &reply->call.id, &out))
        dress_answer(admin, VIEW("{\"series\":null,\"faults\":[]}"), add_key, &reply->call.id,
                     &out);
    reply_json(reply, 200, bytes_view(&out));
    bytes_clear(&out);
}

/* With its last day, if the ledger is there to tell. */
void api_key(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    struct bytes json = {0};

    if (!keys_find(&admin->keys, key_id_read(call->id))) {
        reply_fail(reply, 404, "unknown_key", VIEW("there is no key of this id"));
        return;
    }
    bytes_text(&json, "{\"key\":");
    bytes_json(&json, call->id);
    bytes_text(&json, "}");
    if (admin->query.peer)
        ask_fresh_then(admin, "key_series", bytes_view(&json), reply, on_key, KEY_FRESH_MS);
    else
        on_key(admin, reply, VIEW(""));
    bytes_clear(&json);
}

/* Jobs */

static struct job *find_job(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    uint64_t number = 0;
    struct job *job;

    for (size_t i = 0; i < call->id.len && i < 18; i++)
        number = call->id.at[i] >= '0' && call->id.at[i] <= '9'
                     ? number * 10 + (uint64_t)(call->id.at[i] - '0')
                     : UINT64_MAX / 20;
    job = jobs_find(&admin->jobs, number);
    if (!job)
        reply_fail(reply, 404, "unknown_job", VIEW("there is no such job, or not any more"));
    return job;
}

static void reply_job(struct reply *reply, const struct job *job)
{
    struct bytes json = {0};

    job_write(job, &json);
    reply_json(reply, 200, bytes_view(&json));
    bytes_clear(&json);
}

void api_job(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    const struct job *job = find_job(admin, call, reply);

    if (job)
        reply_job(reply, job);
}

void api_job_stop(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    struct job *job = find_job(admin, call, reply);

    if (!job)
        return;
    job_stop(job);
    live_push_job(admin, job); /* tells it; a job that has stopped sends nothing more */
    reply_job(reply, job);
}
