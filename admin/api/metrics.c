/* SPDX-License-Identifier: Apache-2.0 */
/* GET /metrics, in Prometheus' text format. What must stay true: names and labels are those of
 * docs/OPERATING.md, and no label has a value that a client can choose. */
#include <inttypes.h>

#include "api/api.h"
#include "base/json.h"

#define TYPE "text/plain; version=0.0.4; charset=utf-8"

static void head(struct bytes *out, const char *name, const char *type, const char *help)
{
    bytes_printf(out, "# HELP gateway_%s %s\n# TYPE gateway_%s %s\n", name, help, name, type);
}

static void gauge(struct bytes *out, const char *name, const char *help, uint64_t value)
{
    head(out, name, "gauge", help);
    bytes_printf(out, "gateway_%s %" PRIu64 "\n", name, value);
}

/* Counters of all balancers together */

struct sums {
    uint64_t calls, failed, tokens[4], first[16], first_sum_ms;
    uint64_t bounds_ms[16];
    size_t buckets;
    struct bytes attempts; /* lines */
};

static const char *const token_names[] = {"tokens_in", "tokens_cached", "tokens_out",
                                          "tokens_thoughts"};

static void add_first(struct sums *sums, yyjson_val *first)
{
    yyjson_val *bounds = yyjson_obj_get(first, "le"), *counts = yyjson_obj_get(first, "count"),
               *one;
    size_t i, count;

    yyjson_arr_foreach(bounds, i, count, one) if (i < 15) sums->bounds_ms[i] = yyjson_get_uint(one);
    yyjson_arr_foreach(counts, i, count, one) if (i < 16) sums->first[i] += yyjson_get_uint(one);
    sums->buckets = yyjson_arr_size(counts) < 16 ? yyjson_arr_size(counts) : 16;
    sums->first_sum_ms += json_member_count(first, "sum");
}

static void add_attempts(struct sums *sums, size_t slot, yyjson_val *attempts)
{
    yyjson_val *name, *value;
    size_t i, count;

    yyjson_obj_foreach(attempts, i, count, name, value) bytes_printf(
        &sums->attempts, "gateway_attempts_total{balancer=\"%zu\",fault=\"%s\"} %" PRIu64 "\n",
        slot, yyjson_get_str(name), yyjson_get_uint(value));
}

static void add_balancer(struct sums *sums, size_t slot, const struct source *balancer)
{
    yyjson_doc *doc =
        yyjson_read(balancer->status.at ? balancer->status.at : "", balancer->status.len, 0);
    yyjson_val *counts = yyjson_obj_get(yyjson_doc_get_root(doc), "counts");

    sums->calls += json_member_count(counts, "calls");
    sums->failed += json_member_count(counts, "failed");
    for (size_t i = 0; i < 4; i++)
        sums->tokens[i] += json_member_count(counts, token_names[i]);
    add_first(sums, yyjson_obj_get(counts, "first_ms"));
    add_attempts(sums, slot, yyjson_obj_get(counts, "attempts"));
    yyjson_doc_free(doc);
}

static void write_first(const struct sums *sums, struct bytes *out)
{
    if (!sums->buckets)
        return;
    head(out, "first_content_seconds", "histogram", "Attempts by the time to their first content.");
    for (size_t i = 0; i + 1 < sums->buckets; i++)
        bytes_printf(out, "gateway_first_content_seconds_bucket{le=\"%g\"} %" PRIu64 "\n",
                     (double)sums->bounds_ms[i] / 1000.0, sums->first[i]);
    bytes_printf(out,
                 "gateway_first_content_seconds_bucket{le=\"+Inf\"} %" PRIu64
                 "\ngateway_first_content_seconds_sum %.3f\n"
                 "gateway_first_content_seconds_count %" PRIu64 "\n",
                 sums->first[sums->buckets - 1], (double)sums->first_sum_ms / 1000.0,
                 sums->first[sums->buckets - 1]);
}

static void write_sums(const struct sums *sums, struct bytes *out)
{
    static const char *const kinds[] = {"in", "cached", "out", "thoughts"};

    head(out, "calls_total", "counter", "Calls that have ended, by how.");
    bytes_printf(out,
                 "gateway_calls_total{result=\"answered\"} %" PRIu64
                 "\ngateway_calls_total{result=\"failed\"} %" PRIu64 "\n",
                 sums->calls - sums->failed, sums->failed);
    head(out, "attempts_total", "counter", "Requests to the provider, by how they ended.");
    bytes_append(out, bytes_view(&sums->attempts));
    head(out, "tokens_total", "counter",
         "Tokens that the provider has counted; cached ones are among those in.");
    for (size_t i = 0; i < 4; i++)
        bytes_printf(out, "gateway_tokens_total{kind=\"%s\"} %" PRIu64 "\n", kinds[i],
                     sums->tokens[i]);
    write_first(sums, out);
}

/* What is now */

static void write_keys(const struct keys *keys, struct bytes *out)
{
    head(out, "keys", "gauge", "Keys by their state.");
    for (int state = 0; state < KEY_STATES; state++)
        bytes_printf(out, "gateway_keys{state=\"%s\"} %zu\n", key_state_name((enum key_state)state),
                     keys->states[state]);
}

static void write_process_figures(const struct processes *processes, const char *name,
                                  const char *help, size_t offset, struct bytes *out)
{
    head(out, name, "gauge", help);
    for (size_t i = 0; i < PROCESSES_MOST; i++) {
        const struct process *one = &processes->at[i];
        uint64_t value;

        if (!one->seen_ms || one->state == PROCESS_AWAY)
            continue;
        memcpy(&value, (const char *)one + offset, sizeof(value));
        bytes_printf(out, "gateway_%s{role=\"%s\",process=\"%s\"} %" PRIu64 "\n", name, one->role,
                     one->id, value);
    }
}

static void write_processes(const struct processes *processes, struct bytes *out)
{
    static const char *const roles[] = {"frontend", "balancer", "upstream", "recorder",
                                        "store",    "query",    "admin"};

    head(out, "processes", "gauge", "Processes that are there, by what they are.");
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
        bytes_printf(out, "gateway_processes{role=\"%s\"} %zu\n", roles[i],
                     processes_count(processes, roles[i], PROCESS_UP) +
                         processes_count(processes, roles[i], PROCESS_TROUBLE));
    write_process_figures(processes, "process_open_calls", "Open calls of a process.",
                          offsetof(struct process, open), out);
    write_process_figures(processes, "process_resident_bytes", "Memory of a process.",
                          offsetof(struct process, rss_bytes), out);
    write_process_figures(processes, "process_lag_milliseconds",
                          "The longest turn of a process's loop since its last report.",
                          offsetof(struct process, lag_ms), out);
}

static void write_recorder(const struct source *recorder, struct bytes *out)
{
    yyjson_doc *doc =
        yyjson_read(recorder->status.at ? recorder->status.at : "", recorder->status.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc), *store = yyjson_obj_get(root, "store");

    if (root) {
        gauge(out, "database_up", "Whether the ledger's database can be reached.",
              yyjson_get_bool(yyjson_obj_get(store, "is_open")));
        gauge(out, "records_waiting", "Records that wait for the database.",
              json_member_count(root, "unstored"));
        gauge(out, "spool_bytes", "Bytes of the recorder's files.",
              json_member_count(yyjson_obj_get(root, "spool"), "bytes"));
    }
    yyjson_doc_free(doc);
}

void api_metrics(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    struct bytes out = {0};
    struct sums sums = {0};

    (void)call;
    for (size_t i = 0; i < admin->balancer_count; i++)
        add_balancer(&sums, i, &admin->balancers[i]);
    write_sums(&sums, &out);
    write_keys(&admin->keys, &out);
    gauge(&out, "calls_open", "Calls that are open at the frontends.", admin->pace.open);
    gauge(&out, "calls_waiting", "Calls that wait for a key.", admin->pace.waiting);
    write_processes(&admin->processes, &out);
    write_recorder(&admin->recorder, &out);
    gauge(&out, "dashboard_readers", "Open streams of events.", admin->events.count);
    reply_bytes(reply, 200, TYPE, bytes_view(&out));
    bytes_clear(&sums.attempts);
    bytes_clear(&out);
}
