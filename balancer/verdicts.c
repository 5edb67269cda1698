/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts on keys. Called by handlers.c, after attempts of calls, and by probing.c. */
#include "verdicts.h"

#include "base/log.h"
#include "pool/report.h"

static void log_cooled(const struct balancer *b, const struct pool *pool,
                       const struct cooled *cooled, const struct verdict *verdict)
{
    const char *fault = fault_facts(verdict->fault)->name;
    uint64_t ms = cooled->until_ms - b->actor.now_ms;
    char tail[TAIL_SIZE] = "";

    if (cooled->key)
        key_tail(cooled->key->key, tail);
    switch (cooled->scope) {
    case COOL_NOTHING:
        break;
    case COOL_KEY_MODEL:
    case COOL_KEY:
        LOG_AT(cooled->scope == COOL_KEY ? LOG_WARN : LOG_INFO, "key.cooling_down",
               F_ID("key", verdict->key_id), F_STR("tail", tail), F_VIEW("model", verdict->model),
               F_STR("fault", fault), F_NUM("ms", ms), F_VIEW("words", verdict->words));
        break;
    case COOL_MODEL:
        log_info("model.cooling_down", F_VIEW("model", verdict->model), F_STR("fault", fault),
                 F_NUM("ms", ms));
        break;
    case COOL_EXIT:
        log_warn("proxy.cooling_down", F_ID("proxy", cooled->proxy->id),
                 F_NUM("number", pool_way_number(pool, cooled->proxy)), F_STR("fault", fault),
                 F_NUM("ms", ms), F_VIEW("words", verdict->words));
        break;
    }
}

bool settle_attempt(struct balancer *b, uint64_t reservation, const struct verdict *verdict)
{
    struct pool *pool = pool_find(&b->vertex, verdict->key_id) ? &b->vertex : &b->pool;
    struct cooled cooled = pool_settle(pool, reservation, verdict, b->actor.now_ms);
    bool has_cooled = cooled.until_ms > b->actor.now_ms;

    if (has_cooled)
        log_cooled(b, pool, &cooled, verdict);
    return has_cooled;
}
