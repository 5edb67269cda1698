/* SPDX-License-Identifier: Apache-2.0 */
/* Orders of an administrator. Called by handlers.c, for messages of admin only. What must stay true:
 * an order for a key that is not there is said, and hurts nobody. */
#include "orders.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "disabled.h"
#include "pool/sight.h"

enum { ID_DIGITS = 16 };

void orders_look(struct balancer *b, struct view json, struct bytes *answer)
{
    yyjson_doc *doc = yyjson_read(json.at ? json.at : "", json.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    struct sight_look look = {json_member_count(root, "since"),
                              (size_t)json_member_count(root, "from")};

    sight_write(&b->pool, &look, b->actor.now_ms, clock_utc_ms(), answer);
    yyjson_doc_free(doc);
}

static uint64_t id_of(yyjson_val *value)
{
    struct view text = json_view(value);
    char copy[ID_DIGITS + 1] = "", *end;
    uint64_t id;

    if (text.len != ID_DIGITS)
        return 0;
    memcpy(copy, text.at, ID_DIGITS);
    id = strtoull(copy, &end, 16);
    return *end ? 0 : id;
}

/* NULL: it is done; else why not. */
static const char *obey(struct balancer *b, struct view what, uint64_t id)
{
    const struct pool_key *key = pool_find(&b->pool, id);
    uint64_t now_ms = b->actor.now_ms;

    if (!key)
        return "unknown_key";
    if (view_equal(what, VIEW("verify")))
        return probes_ask(&b->probes, (uint32_t)(key - b->pool.keys)) ? NULL : "busy";
    if (view_equal(what, VIEW("end_rest")))
        pool_end_rest(&b->pool, id, now_ms);
    else if (view_equal(what, VIEW("enable")) || view_equal(what, VIEW("disable")))
        pool_turn_off(&b->pool, id, view_equal(what, VIEW("disable")), now_ms);
    else
        return "unknown_order";
    return NULL;
}

void orders_obey(struct balancer *b, struct view json, struct bytes *answer)
{
    yyjson_doc *doc = yyjson_read(json.at ? json.at : "", json.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc), *id;
    struct view what = json_member_text(root, "do");
    size_t i, count, done = 0;

    bytes_text(answer, "{\"refused\":[");
    yyjson_arr_foreach(yyjson_obj_get(root, "ids"), i, count, id)
    {
        const char *why = obey(b, what, id_of(id));

        done += !why;
        if (!why)
            continue;
        bytes_text(answer, answer->at[answer->len - 1] == '[' ? "{\"id\":" : ",{\"id\":");
        bytes_json(answer, json_view(id));
        bytes_printf(answer, ",\"code\":\"%s\"}", why);
    }
    bytes_printf(answer, "],\"done\":%zu}", done);
    if (view_equal(what, VIEW("enable")) || view_equal(what, VIEW("disable")))
        disabled_save(b);
    log_info("keys.ordered", F_VIEW("order", what), F_NUM("keys", done));
    actor_wake(&b->actor, b->actor.now_ms); /* trials begin, and who waits may go on */
    yyjson_doc_free(doc);
}
