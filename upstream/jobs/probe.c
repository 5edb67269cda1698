/* SPDX-License-Identifier: Apache-2.0 */
/* Probes. Called by handlers.c and main.c. What must stay true: as with an attempt the journal knows
 * of it before the provider can; what a key is told here means the same as in a call. */
#include "jobs/probe.h"

#include <stdlib.h>
#include <utlist.h>

#include "base/clock.h"
#include "jobs/failure.h"
#include "jobs/gate.h"
#include "jobs/records.h"
#include "objects/objects.h"
#include "provider/mask.h"
#include "settings/options.h"
#include "transfer/lines.h"
#include "upstream.h"

enum { WAIT_MS = 10000, HOLD_MOST = 64 * 1024, WORDS_MOST = 200 };

struct probe {
    struct upstream *upstream;
    struct balancer_link *balancer;
    uint64_t asked_by; /* the balancer's incarnation */
    uint64_t number, key_id;
    char *secret, *proxy;
    char *path; /* behind the provider's address */
    struct transfer *transfer;
    struct gate gate;
    uint32_t slot; /* in the journal */
    uint64_t begun_ms, begun_utc_ms, by_ms;
    uint64_t first_ms, bytes_out;
    struct probe *prev, *next;
};

static void probe_free(struct probe *probe)
{
    DL_DELETE(probe->upstream->probes, probe);
    gate_clear(&probe->gate);
    explicit_bzero(probe->secret, strlen(probe->secret));
    explicit_bzero(probe->proxy, strlen(probe->proxy));
    free(probe->secret);
    free(probe->proxy);
    free(probe->path);
    free(probe);
}

/* Records */

static struct msg_record record_of(const struct probe *probe)
{
    return (struct msg_record){
        .time_ms = probe->begun_utc_ms,
        .call = probe->number,
        .attempt = 1,
        .key_id = probe->key_id,
        .operation = VIEW("probe"),
    };
}

static void record_end(struct probe *probe, enum fault fault)
{
    struct msg_record record = record_of(probe);

    record.status = probe->gate.status;
    record.fault = view_of(fault_facts(fault)->name);
    record.first_ms = probe->first_ms;
    record.total_ms = clock_ms() - probe->begun_ms;
    record.bytes_out = probe->bytes_out;
    records_end(&probe->upstream->records, probe->slot, &record);
}

/* The end */

static void tell(struct probe *probe, enum fault fault, struct view words)
{
    struct msg_probed msg = {
        .balancer = probe->asked_by,
        .number = probe->number,
        .key_id = probe->key_id,
        .status = probe->gate.status,
        .fault = fault,
        .retry_ms = probe->gate.verdict.retry_ms,
        .words = words,
    };

    if (msg.words.len > WORDS_MOST)
        for (msg.words.len = WORDS_MOST;
             msg.words.len && (msg.words.at[msg.words.len] & 0xc0) == 0x80;)
            msg.words.len--;
    link_post(&probe->balancer->link, MSG_PROBED, &msg);
}

/* `why`: what kept the request from the provider; empty: its answer says how it went. */
static void end(struct probe *probe, enum fault fault, struct view why)
{
    struct secret key = {view_of(probe->secret)};
    struct bytes body = {0};
    yyjson_doc *doc = NULL;

    record_end(probe, fault);
    if (!why.len && fault != FAULT_NONE) {
        mask_keys(&body, gate_error(&probe->gate), key);
        why = failure_words(bytes_view(&body), &doc);
    }
    tell(probe, fault, why);
    yyjson_doc_free(doc);
    bytes_clear(&body);
    probe_free(probe);
}

/* The transfer's side */

static void on_head(void *owner, unsigned status, struct view type, uint64_t length,
                    struct view headers)
{
    struct probe *probe = owner;

    (void)length;
    gate_head(&probe->gate, status, type);
    probe->gate.retry_ms = lines_retry_ms(headers, clock_utc_ms());
}

static enum transfer_answer on_bytes(void *owner, struct view bytes)
{
    struct probe *probe = owner;

    probe->bytes_out += bytes.len;
    return gate_feed(&probe->gate, bytes, HOLD_MOST) ? TRANSFER_TAKEN : TRANSFER_STOP;
}

static void on_done(void *owner, enum transfer_end how, const char *why)
{
    struct probe *probe = owner;
    enum fault fault = failure_on_the_way(how);

    probe->transfer = NULL;
    if (fault != FAULT_NONE)
        end(probe, fault, view_of(why));
    else
        end(probe, gate_end(&probe->gate, how == TRANSFER_CLEAN, clock_utc_ms()), VIEW(""));
}

/* Nobody reads the answer. */
static void on_out(void *owner, struct view bytes, bool is_end)
{
    struct probe *probe = owner;

    (void)bytes, (void)is_end;
    if (!probe->first_ms)
        probe->first_ms = clock_ms() - probe->begun_ms;
}

static const struct transfer_events events = {.head = on_head, .bytes = on_bytes, .done = on_done};

/* The beginning */

static void start_transfer(struct probe *probe)
{
    struct bytes url = {0}, line = {0};
    struct transfer_order order = {.method = "GET",
                                   .wanted = VIEW("retry-after,retry-after-ms"),
                                   .proxy = {view_of(probe->proxy)}};

    bytes_printf(&url, "%s%s", probe->gate.provider->address(settings_now()), probe->path);
    order.url = bytes_cstr(&url);
    probe->gate.provider->authorize((struct secret){view_of(probe->secret)}, &line);
    order.authorization.hidden = bytes_view(&line);
    probe->transfer = transfer_start(&probe->upstream->transfers, &order, &events, probe);
    if (line.at)
        explicit_bzero(line.at, line.size);
    bytes_clear(&line);
    bytes_clear(&url);
}

static struct probe *probe_new(struct balancer_link *balancer, const struct msg_probe *msg)
{
    struct probe *probe = memory_new(sizeof(*probe));

    *probe = (struct probe){
        .upstream = balancer->upstream,
        .balancer = balancer,
        .asked_by = msg->balancer,
        .number = msg->number,
        .key_id = msg->key_id,
        .secret = memory_text(msg->key.hidden),
        .proxy = memory_text(msg->proxy.hidden),
        .path = memory_text(msg->path.len ? msg->path : VIEW("/models?pageSize=1")),
        .gate = {.provider = provider_find(VIEW("gemini")),
                 .kind = msg->path.len ? GATE_BYTES : GATE_JSON,
                 .out = on_out},
        .begun_ms = clock_ms(),
        .begun_utc_ms = clock_utc_ms(),
    };
    probe->gate.owner = probe;
    probe->by_ms = probe->begun_ms + WAIT_MS;
    DL_APPEND(probe->upstream->probes, probe);
    return probe;
}

/* None, or the name of an object. */
static bool is_path(struct view path)
{
    return !path.len || (path.at[0] == '/' && object_is_name(view_skip(path, 1)));
}

void probe_take(struct balancer_link *balancer, const struct msg_probe *msg)
{
    struct upstream *upstream = balancer->upstream;
    struct msg_record record;
    struct probe *probe;

    if (!balancer->link.peer || msg->balancer != balancer->link.peer ||
        upstream->actor.is_draining || !is_path(msg->path))
        return;
    probe = probe_new(balancer, msg);
    record = record_of(probe);
    probe->slot = records_begin(&upstream->records, &record);
    start_transfer(probe);
    actor_wake(&upstream->actor, probe->by_ms);
}

static void cancel(struct probe *probe)
{
    transfer_cancel(probe->transfer);
    probe->transfer = NULL;
}

void probes_check(struct upstream *upstream, uint64_t now_ms)
{
    struct probe *probe, *next;

    DL_FOREACH_SAFE (upstream->probes, probe, next) {
        if (now_ms < probe->by_ms) {
            actor_wake(&upstream->actor, probe->by_ms);
            continue;
        }
        cancel(probe);
        end(probe, FAULT_TIMEOUT, VIEW("no answer in time"));
    }
}

void probes_cancel_all(struct upstream *upstream)
{
    struct probe *probe, *next;

    DL_FOREACH_SAFE (upstream->probes, probe, next) {
        cancel(probe);
        record_end(probe, FAULT_LOST);
        probe_free(probe);
    }
}
