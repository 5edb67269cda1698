/* SPDX-License-Identifier: Apache-2.0 */
/* The balancer's answer to ASK status: liveness, counts and what keeps keys; of a key no more than
 * its last four characters. */
#include "status.h"

#include "pool/report.h"

static void write_process(struct bytes *out, const char *role, uint64_t id,
                          const struct msg_beat *beat, uint64_t silent_ms)
{
    bytes_printf(out,
                 "{\"role\":\"%s\",\"incarnation\":\"%016llx\",\"calls\":%llu,\"memory\":%llu,"
                 "\"lag_ms\":%llu,\"silent_ms\":%llu}",
                 role, (unsigned long long)id, (unsigned long long)beat->calls,
                 (unsigned long long)beat->memory, (unsigned long long)beat->lag_ms,
                 (unsigned long long)silent_ms);
}

static void write_keys(const struct balancer *b, struct bytes *out)
{
    bytes_printf(out, "],\"keys\":{\"total\":%zu,\"fit\":%zu", b->pool.count,
                 pool_state(&b->pool, b->actor.now_ms).available);
    if (b->probes.count)
        bytes_printf(out, ",\"to_try\":%zu,\"tried\":%zu,\"answer\":%zu", b->probes.count,
                     b->probes.tried, b->probes.answer);
    bytes_text(out, "}");
}

void status_write(const struct balancer *b, struct bytes *out)
{
    struct msg_beat own = {
        .calls = calls_count(&b->calls), .memory = b->actor.memory, .lag_ms = b->actor.lag_ms};
    struct peer *peer, *next;
    const char *comma = "";

    bytes_text(out, "{\"balancer\":");
    write_process(out, "balancer", b->actor.incarnation, &own, 0);
    bytes_text(out, ",\"peers\":[");
    HASH_ITER (hh, b->peers.by_id, peer, next) {
        bytes_text(out, comma);
        write_process(out, role_name(peer->role), peer->id, &peer->beat,
                      b->actor.now_ms - peer->heard_ms);
        comma = ",";
    }
    write_keys(b, out);
    bytes_printf(out, ",\"waiting\":%zu,\"objects\":%zu,\"cooling\":", b->calls.queue.count,
                 holdings_count(&b->holdings));
    pool_report(&b->pool, b->actor.now_ms, out);
    bytes_text(out, ",\"counts\":");
    counts_write(&b->counts, out);
    bytes_text(out, "}");
}
