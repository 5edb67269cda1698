/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/admin/logs: the last lines of all processes. */
#include "api/api.h"
#include "logs.h"
#include "query.h"
#include "settings/options.h"

enum { LIMIT = 200 };

/* -1: there is no such level. */
static int level_of(struct view name)
{
    static const char *const levels[] = {"error", "warn", "info"};

    for (int i = 0; i < 3; i++)
        if (view_equal(name, view_of(levels[i])))
            return i;
    return !name.len || view_equal(name, VIEW("debug")) ? 2 : -1;
}

static void reply_logs(struct reply *reply, const struct logs_wish *wish)
{
    struct bytes json = {0};

    bytes_text(&json, "{\"rows\":");
    if (logs_write(options_path("log"), wish, &json)) {
        bytes_text(&json, "}");
        reply_json(reply, 200, bytes_view(&json));
    } else {
        reply_fail(reply, 404, "no_logs", VIEW("the processes write their lines elsewhere"));
    }
    bytes_clear(&json);
}

void api_logs(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    struct bytes process = {0}, role = {0}, level = {0}, text = {0};
    struct logs_wish wish = {.limit = LIMIT};
    const char *wrong = NULL;

    (void)admin;
    query_text(call->query, "process", &process);
    query_text(call->query, "role", &role);
    query_text(call->query, "level", &level);
    query_text(call->query, "q", &text);
    wish.process = bytes_view(&process);
    wish.role = bytes_view(&role);
    wish.text = bytes_view(&text);
    wish.level = level_of(bytes_view(&level));
    if (wish.level < 0)
        wrong = "level";
    else if (!query_number(call->query, "limit", 1, LOGS_MOST, &wish.limit))
        wrong = "limit";
    if (wrong)
        reply_fail_field(reply, 400, "bad_parameter", wrong, VIEW("this value is none of those"));
    else
        reply_logs(reply, &wish);
    bytes_clear(&process);
    bytes_clear(&role);
    bytes_clear(&level);
    bytes_clear(&text);
}
