/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/admin/events: news for open pages; and GET /api/admin/processes. */
#include <stdlib.h>

#include "api/api.h"
#include "base/clock.h"
#include "pages.h"
#include "query.h"

static const char all_topics[] = "tick,pool,keys,calls,processes,job,settings,session";

void api_events(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    struct bytes topics = {0}, last = {0}, first = {0};
    struct events_wish wish = {0};

    if (!query_text(call->query, "topics", &topics))
        bytes_text(&topics, all_topics);
    wish.topics = topics_read(bytes_view(&topics));
    /* A page that was away says it in its address: only the browser itself writes the header. */
    if (call->last_event_id.len)
        bytes_append(&last, call->last_event_id);
    else
        query_text(call->query, "last_event_id", &last);
    wish.last_id = strtoull(bytes_cstr(&last), NULL, 10);
    bytes_printf(&first, "{\"version\":\"%s\"}", pages_version());
    wish.first = bytes_view(&first);
    if (!wish.topics)
        reply_fail_field(reply, 400, "bad_parameter", "topics", VIEW("there is no such topic"));
    else if (view_equal(call->method, VIEW("HEAD")))
        reply_bytes(reply, 200, "text/event-stream; charset=utf-8", VIEW(""));
    else if (!events_begin(&admin->events, reply, &wish, clock_ms()))
        reply_fail(reply, 503, "busy", VIEW("too many pages are open"));
    bytes_clear(&first);
    bytes_clear(&topics);
    bytes_clear(&last);
}

void api_processes(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    struct bytes json = {0};

    (void)call;
    bytes_text(&json, "{\"rows\":");
    processes_write(&admin->processes, &json);
    bytes_text(&json, "}");
    reply_json(reply, 200, bytes_view(&json));
    bytes_clear(&json);
}
