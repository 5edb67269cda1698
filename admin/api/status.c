/* SPDX-License-Identifier: Apache-2.0 */
/* Who is alive, as far as balancers and the recorder have said. Everybody may read it. */
#include "api/api.h"
#include "api/report.h"
#include "base/clock.h"

enum { SILENT_MS = 5000 };

static const char *truth(bool is_true)
{
    return is_true ? "true" : "false";
}

static void write_balancer(const struct source *source, uint64_t now_ms, struct bytes *out)
{
    bool is_alive = source->link.peer && source->told_ms && now_ms < source->told_ms + SILENT_MS;

    bytes_printf(out, "{\"alive\":%s,\"age_ms\":%llu,\"status\":", truth(is_alive),
                 (unsigned long long)(source->told_ms ? now_ms - source->told_ms : 0));
    report_status(out, bytes_view(&source->status));
    bytes_text(out, "}");
}

static void write_recorder(const struct admin *admin, struct bytes *out)
{
    bytes_printf(out,
                 "{\"alive\":%s,\"questions\":%s,\"records\":", truth(admin->recorder.link.peer),
                 truth(admin->query.peer));
    report_records(out, bytes_view(&admin->recorder.status));
    bytes_text(out, "}");
}

void api_status(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    struct bytes out = {0};
    uint64_t now_ms = clock_ms();

    (void)call;
    bytes_printf(&out, "{\"admin\":{\"memory\":%llu,\"lag_ms\":%llu},\"balancers\":[",
                 (unsigned long long)admin->actor.memory, (unsigned long long)admin->actor.lag_ms);
    for (size_t i = 0; i < admin->balancer_count; i++) {
        bytes_text(&out, i ? "," : "");
        write_balancer(&admin->balancers[i], now_ms, &out);
    }
    bytes_text(&out, "],\"recorder\":");
    write_recorder(admin, &out);
    bytes_text(&out, "}");
    reply_json(reply, 200, bytes_view(&out));
    bytes_clear(&out);
}
