/* SPDX-License-Identifier: Apache-2.0 */
/* What an administrator does with many keys at once. Trials become a job; other orders go to the
 * balancer in batches, one after the other, and the reply says what has become of all. */
#include <inttypes.h>
#include <stdlib.h>

#include "api/api.h"
#include "api/filter.h"
#include "base/json.h"
#include "base/log.h"
#include "inquiry.h"
#include "live.h"

enum { BATCH = 1000, BATCH_WAIT_MS = 10000 };

/* An order under way; lives as long as its request. */
struct order {
    char what[16];
    uint64_t *ids;
    size_t count, next, done;
    struct bytes refused;
};

static void on_disposed(void *data)
{
    struct order *order = data;

    free(order->ids);
    bytes_clear(&order->refused);
}

static void on_batch(struct admin *admin, struct reply *reply, struct view json);

static void post_batch(struct admin *admin, struct reply *reply, struct order *order)
{
    struct bytes json = {0};

    bytes_printf(&json, "{\"do\":\"%s\",\"ids\":[", order->what);
    for (size_t i = 0; i < BATCH && order->next < order->count; i++)
        bytes_printf(&json, "%s\"%016" PRIx64 "\"", i ? "," : "", order->ids[order->next++]);
    bytes_text(&json, "]}");
    ask_balancer_then(admin, "order", bytes_view(&json), reply, on_batch,
                      admin->actor.now_ms + BATCH_WAIT_MS);
    bytes_clear(&json);
}

static void reply_order(struct reply *reply, const struct order *order)
{
    struct bytes json = {0};

    bytes_printf(&json, "{\"done\":%zu,\"refused\":[", order->done);
    bytes_append(&json, bytes_view(&order->refused));
    bytes_text(&json, "]}");
    reply_json(reply, 200, bytes_view(&json));
    bytes_clear(&json);
}

static void take_batch(struct order *order, struct view json)
{
    yyjson_doc *doc = yyjson_read(json.at ? json.at : "", json.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc), *one;
    size_t i, count;

    order->done += json_member_count(root, "done");
    yyjson_arr_foreach(yyjson_obj_get(root, "refused"), i, count, one)
    {
        bytes_text(&order->refused, order->refused.len ? "," : "");
        json_value(&order->refused, one);
    }
    yyjson_doc_free(doc);
}

static void on_batch(struct admin *admin, struct reply *reply, struct view json)
{
    struct order *order = reply->work;

    take_batch(order, json);
    if (order->next < order->count)
        post_batch(admin, reply, order);
    else
        reply_order(reply, order);
}

static void begin_order(struct admin *admin, struct reply *reply, struct view what, uint64_t *ids,
                        size_t count)
{
    struct order *order = h2o_mem_alloc_shared(&reply->req->pool, sizeof(*order), on_disposed);

    *order = (struct order){.ids = ids, .count = count};
    memcpy(order->what, what.at, what.len);
    reply->work = order;
    if (count)
        post_batch(admin, reply, order);
    else
        reply_order(reply, order);
}

static void begin_job(struct admin *admin, struct reply *reply, uint64_t *ids, size_t count)
{
    struct job *job = jobs_begin(&admin->jobs, &ids, count);
    struct bytes json = {0};

    if (!job) {
        reply_fail(reply, 503, "busy", VIEW("too many jobs are under way"));
        return;
    }
    bytes_printf(&json, "{\"done\":0,\"refused\":[],\"job\":\"%" PRIu64 "\"}", job->number);
    live_push_job(admin, job);
    reply_json(reply, 200, bytes_view(&json));
    bytes_clear(&json);
}

/* One key by its last characters, or its id if it is too short for that; of many, how many. */
static void note(struct admin *admin, const struct reply *reply, struct view what,
                 const uint64_t *ids, size_t count)
{
    const struct key *key = count == 1 ? keys_find(&admin->keys, ids[0]) : NULL;
    struct bytes word = {0}, on = {0};

    bytes_text(&word, "keys.");
    bytes_append(&word, what);
    if (key && *key->tail)
        bytes_text(&on, key->tail);
    else if (count == 1)
        bytes_printf(&on, "#%016llx", (unsigned long long)ids[0]);
    else
        bytes_printf(&on, "%zu keys", count);
    audit_note(admin, reply, NULL, bytes_cstr(&word), bytes_view(&on), VIEW(""));
    bytes_clear(&word);
    bytes_clear(&on);
}

static bool is_order(struct view what)
{
    return view_equal(what, VIEW("end_rest")) || view_equal(what, VIEW("enable")) ||
           view_equal(what, VIEW("disable"));
}

static void act(struct admin *admin, struct reply *reply, yyjson_val *root)
{
    struct view what = json_member_text(root, "do");
    bool is_trial = view_equal(what, VIEW("verify"));
    uint64_t *ids = NULL;
    size_t count = 0;
    const char *wrong = is_trial || is_order(what) ? NULL : "do";

    if (!wrong)
        wrong = filter_ids(&admin->keys, root, &ids, &count);
    if (wrong) {
        reply_fail_field(reply, 400, "bad_parameter", wrong, VIEW("this value is none of those"));
        return;
    }
    log_info("admin.acted", F_VIEW("what", what), F_NUM("keys", count),
             F_STR("from", reply->call.caller.address),
             F_NUM("session", reply->call.session_number));
    if (count)
        note(admin, reply, what, ids, count);
    if (is_trial)
        begin_job(admin, reply, ids, count);
    else
        begin_order(admin, reply, what, ids, count);
}

void api_keys_actions(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    yyjson_doc *doc = yyjson_read(call->body.at ? call->body.at : "", call->body.len, 0);

    if (yyjson_is_obj(yyjson_doc_get_root(doc)))
        act(admin, reply, yyjson_doc_get_root(doc));
    else
        reply_fail(reply, 400, "bad_request", VIEW("the body should be a JSON object"));
    yyjson_doc_free(doc);
}
