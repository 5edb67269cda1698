/* SPDX-License-Identifier: Apache-2.0 */
/* Cool-downs. Called by pool.c and proxies.c. What must stay true: attempts that fail together
 * count as one failure. */
#include "pool/cooldown.h"

uint64_t cooldown_free_ms(const struct cooldown *cooldown, uint64_t now_ms)
{
    if (cooldown->until_ms > now_ms)
        return cooldown->until_ms;
    if (cooldown->is_open || cooldown->probes_left || cooldown->probe_by_ms <= now_ms)
        return now_ms;
    return cooldown->probe_by_ms;
}

void cooldown_take(struct cooldown *cooldown, uint64_t now_ms)
{
    if (cooldown->is_open)
        return;
    if (!cooldown->probes_left) {
        cooldown->probes_left = cooldown->probes ? cooldown->probes : 1;
        cooldown->probe_by_ms = now_ms + PROBE_MS;
    }
    cooldown->probes_left--;
    cooldown->probes++;
    cooldown->is_open = cooldown->probes >= PROBES_MOST;
}

bool cooldown_return(struct cooldown *cooldown, uint64_t begun_ms)
{
    if (cooldown->is_open || !cooldown->probes || begun_ms + PROBE_MS < cooldown->probe_by_ms)
        return false;
    cooldown->probes--;
    cooldown->probes_left++;
    return true;
}

bool cooldown_open(struct cooldown *cooldown, uint64_t now_ms)
{
    bool was_open = cooldown->is_open;

    if (cooldown->until_ms > now_ms)
        return false;
    *cooldown = (struct cooldown){.is_open = true};
    return !was_open;
}

static uint64_t at_most(uint64_t ms, uint64_t most_ms)
{
    return ms < most_ms ? ms : most_ms;
}

/* `cause` is of the same kind as the cool-down before. */
static bool is_again(const struct cooldown *cooldown, const struct cause *cause)
{
    return cooldown->last_ms && cooldown->why == cause->fault;
}

static bool is_stated(const struct cause *cause)
{
    return cause->stated_ms && rule_of(cause->fault)->stated_most_ms;
}

static uint64_t length_of(const struct cooldown *cooldown, const struct cause *cause)
{
    const struct rule *rule = rule_of(cause->fault);

    if (is_stated(cause))
        return at_most(cause->stated_ms, rule->stated_most_ms);
    return is_again(cooldown, cause) ? at_most(cooldown->last_ms * 2ULL, rule->most_ms)
                                     : rule->first_ms;
}

static bool is_old(const struct cooldown *cooldown, const struct cause *cause, uint64_t now_ms)
{
    return cooldown->until_ms > now_ms || (cause->begun_ms && cause->begun_ms < cooldown->since_ms);
}

void cooldown_begin(struct cooldown *cooldown, const struct cause *cause, uint64_t now_ms)
{
    uint64_t until_ms = now_ms + length_of(cooldown, cause);

    if (!is_stated(cause) && is_again(cooldown, cause) && is_old(cooldown, cause, now_ms))
        return;
    if (cooldown->until_ms > now_ms && until_ms <= cooldown->until_ms)
        return;
    *cooldown = (struct cooldown){
        .since_ms = now_ms,
        .until_ms = until_ms,
        .last_ms = is_stated(cause) ? cooldown->last_ms : (uint32_t)(until_ms - now_ms),
        .why = (uint8_t)cause->fault,
    };
}
