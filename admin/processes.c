/* SPDX-License-Identifier: Apache-2.0 */
/* The table of processes. Fed by sources.c each second. */
#include "processes.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { FORGET_MS = 60 * 60 * 1000 };

static const char *const states[] = {"up", "trouble", "away"};
static const char *const roles[] = {"frontend", "balancer", "upstream", "recorder",
                                    "store",    "query",    "admin"};

static struct process *find(struct processes *processes, const struct process *like)
{
    for (size_t i = 0; i < PROCESSES_MOST; i++) {
        struct process *one = &processes->at[i];

        if (one->seen_ms && strcmp(one->role, like->role) == 0 && strcmp(one->id, like->id) == 0)
            return one;
    }
    return NULL;
}

/* A free place; or of one that is away. NULL: all are there. */
static struct process *place(struct processes *processes)
{
    struct process *away = NULL;

    for (size_t i = 0; i < PROCESSES_MOST; i++) {
        struct process *one = &processes->at[i];

        if (!one->seen_ms)
            return one;
        if (one->state == PROCESS_AWAY && (!away || one->seen_ms < away->seen_ms))
            away = one;
    }
    return away;
}

/* The one that has been away longest makes room for its successor. */
static void replace(struct processes *processes, const char *role)
{
    struct process *oldest = NULL;

    for (size_t i = 0; i < PROCESSES_MOST; i++) {
        struct process *one = &processes->at[i];

        if (one->seen_ms && one->state == PROCESS_AWAY && strcmp(one->role, role) == 0 &&
            (!oldest || one->seen_ms < oldest->seen_ms))
            oldest = one;
    }
    if (oldest)
        oldest->seen_ms = 0;
}

static void enter(struct processes *processes, struct process *one, enum process_state state,
                  uint64_t utc_ms)
{
    if (one->state == state && one->since_at)
        return;
    one->state = state;
    one->since_at = utc_ms;
    processes->changes++;
}

void processes_see(struct processes *processes, const struct process *now, uint64_t now_ms,
                   uint64_t utc_ms)
{
    struct process *one = find(processes, now);
    uint64_t since_at = one ? one->since_at : 0;
    enum process_state state = one ? one->state : PROCESS_UP;

    if (!one) {
        replace(processes, now->role);
        one = place(processes);
    }
    if (!one)
        return;
    *one = *now;
    one->since_at = since_at;
    one->state = state;
    one->seen_ms = now_ms;
    enter(processes, one, now->state, utc_ms);
}

void processes_end_look(struct processes *processes, uint64_t now_ms, uint64_t utc_ms)
{
    for (size_t i = 0; i < PROCESSES_MOST; i++) {
        struct process *one = &processes->at[i];

        if (!one->seen_ms || one->seen_ms == now_ms)
            continue;
        if (now_ms - one->seen_ms > FORGET_MS) {
            one->seen_ms = 0;
            continue;
        }
        if (one->state != PROCESS_AWAY) {
            one->open = one->rss_bytes = one->lag_ms = 0;
            snprintf(one->code, sizeof(one->code), "process_down");
        }
        enter(processes, one, PROCESS_AWAY, utc_ms);
    }
}

size_t processes_count(const struct processes *processes, const char *role,
                       enum process_state state)
{
    size_t count = 0;

    for (size_t i = 0; i < PROCESSES_MOST; i++) {
        const struct process *one = &processes->at[i];

        count += one->seen_ms && one->state == state && (!role || strcmp(one->role, role) == 0);
    }
    return count;
}

static void write_one(const struct process *one, const char *host, struct bytes *json)
{
    bytes_printf(json, "%s{\"role\":", json->at[json->len - 1] == '[' ? "" : ",");
    bytes_json(json, view_of(one->role));
    bytes_text(json, ",\"id\":");
    bytes_json(json, view_of(one->id));
    bytes_text(json, ",\"host\":");
    bytes_json(json, view_of(host));
    bytes_printf(json, ",\"state\":\"%s\",\"since\":%" PRIu64, states[one->state], one->since_at);
    if (one->code[0]) {
        bytes_text(json, ",\"code\":");
        bytes_json(json, view_of(one->code));
    }
    bytes_printf(json,
                 ",\"open\":%" PRIu64 ",\"waiting\":null,\"cpu\":null,\"rss_bytes\":%" PRIu64
                 ",\"lag_ms\":%" PRIu64 "}",
                 one->open, one->rss_bytes, one->lag_ms);
}

void processes_write(const struct processes *processes, struct bytes *json)
{
    char host[64] = "";

    gethostname(host, sizeof(host) - 1);
    bytes_text(json, "[");
    for (size_t role = 0; role < sizeof(roles) / sizeof(roles[0]); role++)
        for (size_t i = 0; i < PROCESSES_MOST; i++)
            if (processes->at[i].seen_ms && strcmp(processes->at[i].role, roles[role]) == 0)
                write_one(&processes->at[i], host, json);
    bytes_text(json, "]");
}
