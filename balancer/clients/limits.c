/* SPDX-License-Identifier: Apache-2.0 */
/* Clients' limits. Called by the balancer's handlers. What must stay true: a call is counted once,
 * and what one client uses never counts for another. */
#include "clients/limits.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

#define DAY_MS 86400000u

static struct client_use *use_of(struct limits *limits, uint64_t client, uint64_t utc_ms)
{
    struct client_use *use = NULL;

    HASH_FIND(hh, limits->by_id, &client, sizeof(client), use);
    if (!use) {
        use = memory_new(sizeof(*use));
        use->id = client;
        HASH_ADD(hh, limits->by_id, id, sizeof(use->id), use);
    }
    if (use->day != utc_ms / DAY_MS) {
        use->day = utc_ms / DAY_MS;
        use->tokens = use->cost = 0;
    }
    return use;
}

/* Seconds that have gone since the last call are empty. A clock that is put back changes nothing. */
static void turn(struct client_use *use, uint64_t second)
{
    if (second >= use->second + WINDOW_SECONDS)
        memset(use->calls, 0, sizeof(use->calls));
    else
        for (uint64_t s = use->second + 1; s <= second; s++)
            use->calls[s % WINDOW_SECONDS] = 0;
    if (second > use->second)
        use->second = second;
}

static uint64_t calls_of(const struct client_use *use)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < WINDOW_SECONDS; i++)
        sum += use->calls[i];
    return sum;
}

/* Until enough of the oldest calls of the minute are over. */
static uint64_t minute_wait_ms(const struct client_use *use, uint64_t rpm, uint64_t utc_ms)
{
    uint64_t sum = calls_of(use), second = use->second + 1;

    for (uint64_t ahead = 0; ahead < WINDOW_SECONDS; ahead++, second++) {
        sum -= use->calls[second % WINDOW_SECONDS];
        if (sum < rpm)
            return second * 1000 > utc_ms ? second * 1000 - utc_ms : 1;
    }
    return (uint64_t)WINDOW_SECONDS * 1000;
}

enum error limits_admit(struct limits *limits, uint64_t client, uint64_t utc_ms, uint64_t *wait_ms)
{
    const struct client_terms *terms = terms_find(&limits->terms, client);
    struct client_use *use;

    if (!terms)
        return ERROR_NONE;
    use = use_of(limits, client, utc_ms);
    turn(use, utc_ms / 1000);
    *wait_ms = DAY_MS - utc_ms % DAY_MS;
    if (terms->tokens_per_day && use->tokens >= terms->tokens_per_day)
        return ERROR_CLIENT_TOKENS;
    if (terms->cost_per_day && use->cost >= terms->cost_per_day)
        return ERROR_CLIENT_COST;
    if (terms->rpm && calls_of(use) >= terms->rpm) {
        *wait_ms = minute_wait_ms(use, terms->rpm, utc_ms);
        return ERROR_CLIENT_RATE;
    }
    use->calls[use->second % WINDOW_SECONDS]++;
    return ERROR_NONE;
}

void limits_spend(struct limits *limits, uint64_t client, uint64_t tokens, uint64_t cost,
                  uint64_t utc_ms)
{
    struct client_use *use;

    if (!terms_find(&limits->terms, client) || !(tokens + cost))
        return;
    use = use_of(limits, client, utc_ms);
    use->tokens += tokens;
    use->cost += cost;
    limits->is_changed = true;
}

void limits_load(struct limits *limits, const char *path)
{
    FILE *file = fopen(path, "re");
    uint64_t id, day, tokens, cost;

    while (file && fscanf(file, "%" SCNx64 " %" SCNu64 " %" SCNu64 " %" SCNu64, &id, &day, &tokens,
                          &cost) == 4) {
        struct client_use *use = use_of(limits, id, day * DAY_MS);

        use->tokens = tokens;
        use->cost = cost;
    }
    if (file)
        fclose(file);
}

static bool write_sums(const struct limits *limits, FILE *file)
{
    const struct client_use *use, *next;

    HASH_ITER (hh, limits->by_id, use, next)
        if (use->tokens || use->cost)
            fprintf(file, "%016" PRIx64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", use->id, use->day,
                    use->tokens, use->cost);
    return fclose(file) == 0;
}

void limits_save(struct limits *limits, const char *path)
{
    struct bytes fresh = {0};
    FILE *file;

    if (!limits->is_changed)
        return;
    bytes_printf(&fresh, "%s.new", path);
    file = fopen(bytes_cstr(&fresh), "we");
    if (!file || !write_sums(limits, file) || rename(bytes_cstr(&fresh), path) != 0)
        log_warn("limits.unsaved", F_STR("path", path));
    limits->is_changed = false;
    bytes_clear(&fresh);
}

void limits_clear(struct limits *limits)
{
    struct client_use *use, *next;

    HASH_ITER (hh, limits->by_id, use, next) {
        HASH_DEL(limits->by_id, use);
        free(use);
    }
    terms_clear(&limits->terms);
}
