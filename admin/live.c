/* SPDX-License-Identifier: Apache-2.0 */
/* News. Called by sources.c and main.c. What must stay true: what nobody looks at costs next to
 * nothing, and what was told once is not told again. */
#include "live.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"
#include "settings/settings.h"

enum {
    SILENT_MS = 3000, /* a balancer that has told nothing for so long */
    SHORT_ID = 6,     /* digits of an incarnation that are shown */
    ROWS_MOST = 200,  /* of keys in one event */
    TROUBLE_LAG_MS = 1000,
};

/* Processes */

static void see(struct admin *admin, struct process *one, struct view id)
{
    snprintf(one->id, sizeof(one->id), "%.*s", (int)(id.len < SHORT_ID ? id.len : SHORT_ID),
             id.len ? id.at : "");
    processes_see(&admin->processes, one, admin->actor.now_ms, clock_utc_ms());
}

static void see_told(struct admin *admin, yyjson_val *told)
{
    struct view role = json_member_text(told, "role");
    struct process one = {.open = json_member_count(told, "calls"),
                          .rss_bytes = json_member_count(told, "memory"),
                          .lag_ms = json_member_count(told, "lag_ms")};
    bool is_silent = json_member_count(told, "silent_ms") >= SILENT_MS;

    snprintf(one.role, sizeof(one.role), "%.*s", (int)role.len, role.len ? role.at : "");
    one.state = is_silent || one.lag_ms >= TROUBLE_LAG_MS ? PROCESS_TROUBLE : PROCESS_UP;
    if (one.state == PROCESS_TROUBLE)
        snprintf(one.code, sizeof(one.code), "%s", is_silent ? "silent" : "slow");
    see(admin, &one, json_member_text(told, "incarnation"));
}

static void see_link(struct admin *admin, const struct link *link, const char *role)
{
    struct process one = {.state = PROCESS_UP};
    char id[20];

    if (!link->peer)
        return;
    snprintf(one.role, sizeof(one.role), "%s", role);
    snprintf(id, sizeof(id), "%016" PRIx64, link->peer);
    see(admin, &one, view_of(id));
}

/* The store says by the recorder's report whether it has the database. */
static void see_store(struct admin *admin)
{
    yyjson_doc *doc = yyjson_read(admin->recorder.status.at ? admin->recorder.status.at : "",
                                  admin->recorder.status.len, 0);
    yyjson_val *store = yyjson_obj_get(yyjson_doc_get_root(doc), "store");
    struct process one = {.role = "store", .state = PROCESS_UP};

    if (store && admin->recorder.link.peer) {
        if (!yyjson_get_bool(yyjson_obj_get(store, "is_open"))) {
            one.state = PROCESS_TROUBLE;
            snprintf(one.code, sizeof(one.code), "database_away");
        }
        see(admin, &one, VIEW(""));
    }
    yyjson_doc_free(doc);
}

/* What one balancer says of itself and of its peers. */
static void see_balancer(struct admin *admin, struct source *balancer, struct pace *pace)
{
    yyjson_doc *doc =
        yyjson_read(balancer->status.at ? balancer->status.at : "", balancer->status.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc), *peer;
    bool is_alive = balancer->link.peer && balancer->told_ms &&
                    admin->actor.now_ms < balancer->told_ms + SILENT_MS;
    size_t i, count;

    if (is_alive) {
        see_told(admin, yyjson_obj_get(root, "balancer"));
        yyjson_arr_foreach(yyjson_obj_get(root, "peers"), i, count, peer)
        {
            see_told(admin, peer);
            if (view_equal(json_member_text(peer, "role"), VIEW("frontend")))
                pace->open += json_member_count(peer, "calls");
        }
        pace->waiting += json_member_count(root, "waiting");
    }
    balancer->ended = json_member_count(yyjson_obj_get(root, "counts"), "calls");
    pace->ended += balancer->ended;
    yyjson_doc_free(doc);
}

static void take_pace(struct pace *pace, const struct pace *now)
{
    uint64_t passed_ms = now->at_ms - pace->at_ms;
    bool is_next = pace->at_ms && passed_ms && now->ended >= pace->ended;

    *pace = (struct pace){.ended = now->ended,
                          .at_ms = now->at_ms,
                          .open = now->open,
                          .waiting = now->waiting,
                          .calls_per_s = is_next ? (double)(now->ended - pace->ended) * 1000.0 /
                                                       (double)passed_ms
                                                 : 0};
}

static void look_at_processes(struct admin *admin, uint64_t now_ms)
{
    struct pace pace = {.at_ms = now_ms};
    char id[20];
    struct process own = {.role = "admin",
                          .rss_bytes = admin->actor.memory,
                          .lag_ms = admin->actor.lag_ms,
                          .state = PROCESS_UP};

    for (size_t i = 0; i < admin->balancer_count; i++)
        see_balancer(admin, &admin->balancers[i], &pace);
    see_link(admin, &admin->recorder.link, "recorder");
    see_link(admin, &admin->query, "query");
    see_store(admin);
    snprintf(id, sizeof(id), "%016" PRIx64, admin->actor.incarnation);
    see(admin, &own, view_of(id));
    processes_end_look(&admin->processes, now_ms, clock_utc_ms());
    take_pace(&admin->pace, &pace);
}

/* Events */

static void publish(struct admin *admin, enum topic topic, struct bytes *json)
{
    events_publish(&admin->events, topic, bytes_view(json));
    bytes_clear(json);
}

static void tell_tick(struct admin *admin)
{
    struct bytes json = {0};

    bytes_printf(&json, "{\"calls_per_s\":%.1f,\"open\":%" PRIu64 ",\"waiting\":%" PRIu64 "}",
                 admin->pace.calls_per_s, admin->pace.open, admin->pace.waiting);
    publish(admin, TOPIC_TICK, &json);
}

static void tell_processes(struct admin *admin)
{
    struct bytes json = {0};

    if (admin->told_processes == admin->processes.changes)
        return;
    admin->told_processes = admin->processes.changes;
    bytes_text(&json, "{\"rows\":");
    processes_write(&admin->processes, &json);
    bytes_text(&json, "}");
    publish(admin, TOPIC_PROCESSES, &json);
}

static void tell_pool(struct admin *admin)
{
    struct bytes json = {0};

    bytes_printf(&json, "{\"total\":%u,\"states\":", HASH_COUNT(admin->keys.by_id));
    keys_write_states(&admin->keys, &json);
    bytes_text(&json, "}");
    publish(admin, TOPIC_POOL, &json);
}

/* Changed rows; of very many only how many, and the page asks anew. */
static void tell_keys(struct admin *admin)
{
    struct bytes json = {0};
    struct key *key, *next;
    size_t rows = 0, more = 0;

    bytes_text(&json, "{\"rows\":[");
    HASH_ITER (hh, admin->keys.by_id, key, next) {
        if (!key->is_changed)
            continue;
        key->is_changed = false;
        if (rows == ROWS_MOST) {
            more++;
            continue;
        }
        bytes_text(&json, rows++ ? "," : "");
        key_write(key, &json);
    }
    bytes_printf(&json, "],\"more\":%zu}", more);
    if (rows)
        publish(admin, TOPIC_KEYS, &json);
    bytes_clear(&json);
}

static void tell_job(struct admin *admin, struct job *job)
{
    struct bytes json = {0};

    if (!job->is_changed)
        return;
    job->is_changed = false;
    job_write(job, &json);
    publish(admin, TOPIC_JOB, &json);
}

/* Jobs: the ids of one order at a time are on their way. */

void live_push_job(struct admin *admin, struct job *job)
{
    struct bytes json = {0};
    struct msg_ask ask = {.name = VIEW("order")};
    struct link *link = admin->balancer_count ? &admin->balancers[0].link : NULL;

    if (!admin->job_ask && link && link->peer &&
        job_write_next(job, &admin->keys, admin->actor.now_ms, &json)) {
        ask.number = ++admin->number;
        ask.data = bytes_view(&json);
        admin->job_number = job->number;
        admin->job_ask = link_post(link, MSG_ASK, &ask) ? ask.number : 0;
    }
    bytes_clear(&json);
    tell_job(admin, job);
}

static void push_jobs(struct admin *admin)
{
    for (size_t i = 0; i < JOBS_MOST; i++) {
        struct job *job = &admin->jobs.at[i];

        if (!job->number)
            continue;
        job_look(job, &admin->keys, admin->actor.now_ms);
        live_push_job(admin, job);
    }
}

void live_take_order(struct admin *admin, struct view json)
{
    yyjson_doc *doc = yyjson_read(json.at ? json.at : "", json.len, 0);
    struct job *job = jobs_find(&admin->jobs, admin->job_number);
    yyjson_val *one;
    size_t i, count;

    admin->job_ask = 0;
    yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(doc), "refused"), i, count, one)
    {
        if (job)
            job_refused(job, key_id_read(json_member_text(one, "id")),
                        json_member_text(one, "code"));
    }
    yyjson_doc_free(doc);
}

void live_take_keys(struct admin *admin)
{
    if (admin->told_changes != admin->keys.changes) {
        admin->told_changes = admin->keys.changes;
        tell_pool(admin);
        tell_keys(admin);
    }
    push_jobs(admin);
}

static bool goes_on(void *owner, uint64_t session_number)
{
    const struct admin *admin = owner;

    return !session_number ||
           sessions_has(&admin->sessions, session_number, settings_now()->auth_token,
                        settings_now()->session_ms, clock_ms());
}

void live_tick(struct admin *admin, uint64_t now_ms)
{
    if (!admin->balancers[0].link.peer)
        admin->job_ask = 0; /* its answer will not come */
    look_at_processes(admin, now_ms);
    tell_processes(admin);
    tell_tick(admin);
    events_tick(&admin->events, now_ms, goes_on, admin);
}
