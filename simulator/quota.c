/* SPDX-License-Identifier: Apache-2.0 */
/* Counts and refuses by quotas; work.c takes from it, admin.c sets it up. What must stay true: a
 * request is taken from all limits or from none, by one lock for each project and model; a minute
 * slides in steps of a sixtieth and is never shorter than a minute. */
#include "quota.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "base/pacific.h"
#include "script.h"

#define RULES_MAX 256
#define COUNTERS_MAX (1u << 16)
#define STEPS 61 /* the one that runs and the sixty before */
#define MISLEADING_MS 12500

struct named_rule {
    bool is_used;
    uint32_t project_len;
    uint32_t model_len;
    char project[QUOTA_NAME_BYTES];
    char model[QUOTA_NAME_BYTES];
    struct quota_rule rule;
};

struct step {
    int64_t number; /* of the step, since 1970 */
    int64_t requests;
    int64_t tokens;
};

/* What one project used of one model. Found by its two names; never removed, only emptied. */
struct counter {
    _Atomic uint64_t hash; /* 0: free */
    atomic_flag lock;
    uint32_t project_len;
    uint32_t model_len;
    char project[QUOTA_NAME_BYTES];
    char model[QUOTA_NAME_BYTES];
    int64_t day; /* when the day that is counted ends, ms since 1970 */
    int64_t day_requests;
    int64_t step_ms; /* what the steps' numbers count */
    struct step steps[STEPS];
};

static struct quotas {
    _Atomic int rule_count;
    _Atomic int64_t clock_offset_ms;
    _Atomic int64_t clock_stopped_ms; /* 0: it runs */
    atomic_flag lock;                 /* of the rules and of adding counters */
    struct named_rule rules[RULES_MAX];
    struct counter counters[COUNTERS_MAX];
} * quotas;

void quota_open(void)
{
    quotas = mmap(NULL, sizeof(*quotas), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (quotas == MAP_FAILED) {
        perror("simulator: cannot map the quotas");
        exit(1);
    }
}

static void lock(atomic_flag *flag)
{
    while (atomic_flag_test_and_set_explicit(flag, memory_order_acquire))
        sched_yield();
}

static void unlock(atomic_flag *flag)
{
    atomic_flag_clear_explicit(flag, memory_order_release);
}

bool quota_is_on(void)
{
    return atomic_load_explicit(&quotas->rule_count, memory_order_relaxed) != 0;
}

/* -- The clock -- */

static int64_t real_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t quota_now_ms(void)
{
    int64_t stopped = atomic_load(&quotas->clock_stopped_ms);

    return stopped != 0 ? stopped : real_ms() + atomic_load(&quotas->clock_offset_ms);
}

void quota_clock_set(int64_t now_ms)
{
    atomic_store(&quotas->clock_offset_ms, now_ms - real_ms());
    if (atomic_load(&quotas->clock_stopped_ms) != 0)
        atomic_store(&quotas->clock_stopped_ms, now_ms);
}

void quota_clock_move(int64_t ms)
{
    quota_clock_set(quota_now_ms() + ms);
}

void quota_clock_stop(bool is_stopped)
{
    int64_t now = quota_now_ms();

    atomic_store(&quotas->clock_stopped_ms, is_stopped ? now : 0);
    if (!is_stopped)
        quota_clock_set(now);
}

/* -- Rules -- */

static bool is_name(const char *name, uint32_t len, struct span s)
{
    return len == s.len && (len == 0 || memcmp(name, s.at, len) == 0);
}

static struct named_rule *find_place(struct span project, struct span model)
{
    struct named_rule *place = NULL;

    for (int i = RULES_MAX - 1; i >= 0; i--) {
        struct named_rule *r = &quotas->rules[i];
        if (r->is_used && is_name(r->project, r->project_len, project) &&
            is_name(r->model, r->model_len, model))
            return r;
        if (!r->is_used)
            place = r;
    }
    return place;
}

static uint32_t keep(char *to, struct span s)
{
    if (s.len != 0)
        memcpy(to, s.at, s.len);
    return (uint32_t)s.len;
}

bool quota_set(const struct quota_rule *rule, struct span project, struct span model)
{
    if (project.len > QUOTA_NAME_BYTES || model.len > QUOTA_NAME_BYTES)
        return false;
    lock(&quotas->lock);
    struct named_rule *place = find_place(project, model);
    if (place != NULL) {
        atomic_fetch_add(&quotas->rule_count, !place->is_used);
        place->project_len = keep(place->project, project);
        place->model_len = keep(place->model, model);
        place->rule = *rule;
        place->is_used = true;
    }
    unlock(&quotas->lock);
    return place != NULL;
}

static bool find_rule(struct span project, struct span model, struct quota_rule *rule)
{
    int best = -1;

    lock(&quotas->lock);
    for (int i = 0; i < RULES_MAX; i++) {
        const struct named_rule *r = &quotas->rules[i];
        int rank = (r->project_len != 0) * 2 + (r->model_len != 0);
        if (!r->is_used || rank <= best ||
            (r->project_len != 0 && !is_name(r->project, r->project_len, project)) ||
            (r->model_len != 0 && !is_name(r->model, r->model_len, model)))
            continue;
        best = rank;
        *rule = r->rule;
    }
    unlock(&quotas->lock);
    return best >= 0;
}

/* -- Counters -- */

static uint64_t hash_of(struct span project, struct span model)
{
    uint64_t hash = 14695981039346656037u;

    for (size_t i = 0; i < project.len; i++)
        hash = (hash ^ (unsigned char)project.at[i]) * 1099511628211u;
    hash = (hash ^ 0x100) * 1099511628211u;
    for (size_t i = 0; i < model.len; i++)
        hash = (hash ^ (unsigned char)model.at[i]) * 1099511628211u;
    return (hash ^ hash >> 29) | 1;
}

static bool is_counter(const struct counter *c, uint64_t hash, struct span project,
                       struct span model)
{
    return atomic_load_explicit(&c->hash, memory_order_acquire) == hash &&
           is_name(c->project, c->project_len, project) && is_name(c->model, c->model_len, model);
}

/* The pair's counter or the free place for it; NULL when all places are taken. */
static struct counter *look_up(uint64_t hash, struct span project, struct span model)
{
    for (uint32_t i = 0; i < COUNTERS_MAX; i++) {
        struct counter *c = &quotas->counters[(hash + i) % COUNTERS_MAX];
        if (atomic_load(&c->hash) == 0 || is_counter(c, hash, project, model))
            return c;
    }
    return NULL;
}

static struct counter *find_counter(struct span project, struct span model)
{
    uint64_t hash = hash_of(project, model);
    struct counter *c = look_up(hash, project, model);

    if (c == NULL || atomic_load(&c->hash) != 0)
        return c;
    lock(&quotas->lock);
    c = look_up(hash, project, model);
    if (c != NULL && atomic_load(&c->hash) == 0) {
        c->project_len = keep(c->project, project);
        c->model_len = keep(c->model, model);
        atomic_store_explicit(&c->hash, hash, memory_order_release);
    }
    unlock(&quotas->lock);
    return c;
}

/* -- Windows; the counter is locked -- */

static void roll_day(struct counter *c, int64_t now)
{
    int64_t ends = now + (int64_t)pacific_midnight_ms((uint64_t)now);

    if (c->day != ends) /* another day, perhaps because the clock was set back */
        c->day_requests = 0;
    c->day = ends;
}

static void roll_minute(struct counter *c, int64_t now, int64_t step_ms)
{
    int64_t number = now / step_ms;

    for (int i = 0; i < STEPS; i++) {
        struct step *s = &c->steps[i];
        bool is_past = s->number + STEPS <= number || s->number > number;
        if (is_past || c->step_ms != step_ms)
            *s = (struct step){0};
    }
    c->step_ms = step_ms;
}

static void sum_minute(const struct counter *c, int64_t *requests, int64_t *tokens)
{
    *requests = 0;
    *tokens = 0;
    for (int i = 0; i < STEPS; i++) {
        *requests += c->steps[i].requests;
        *tokens += c->steps[i].tokens;
    }
}

/* How long until so much of the minute's use is over. */
static int64_t wait_for(const struct counter *c, int64_t now, int64_t excess, bool of_tokens)
{
    int64_t number = now / c->step_ms;

    for (int64_t n = number - STEPS + 1; n <= number; n++) {
        const struct step *s = &c->steps[(uint64_t)n % STEPS];
        if (s->number != n)
            continue;
        excess -= of_tokens ? s->tokens : s->requests;
        if (excess <= 0)
            return (n + STEPS) * c->step_ms - now;
    }
    return STEPS * c->step_ms; /* it asks for more than there ever is */
}

/* -- Refusing -- */

enum window {
    WINDOW_REQUESTS,
    WINDOW_TOKENS,
    WINDOW_DAY,
    WINDOWS,
};

/* By kind, tier and window. What Google says of embedding tokens and of predict was never seen:
 * those are made after the pattern of the others. */
static const struct quota_violation names[QUOTA_KINDS][2][WINDOWS] = {
    [QUOTA_GENERATE] =
        {{{"generate_content_free_tier_requests",
           "GenerateRequestsPerMinutePerProjectPerModel-FreeTier", 0},
          {"generate_content_free_tier_input_token_count",
           "GenerateContentInputTokensPerModelPerMinute-FreeTier", 0},
          {"generate_content_free_tier_requests",
           "GenerateRequestsPerDayPerProjectPerModel-FreeTier", 0}},
         {{"generate_requests_per_model", "GenerateRequestsPerMinutePerProjectPerModel", 0},
          {"generate_content_paid_tier_input_token_count",
           "GenerateContentPaidTierInputTokensPerModelPerMinute", 0},
          {"generate_requests_per_model_per_day", "GenerateRequestsPerDayPerProjectPerModel", 0}}},
    [QUOTA_EMBED] = {{{"embed_content_free_tier_requests",
                       "EmbedContentRequestsPerMinutePerUserPerProjectPerModel-FreeTier", 0},
                      {"embed_content_free_tier_input_token_count",
                       "EmbedContentInputTokensPerMinutePerUserPerProjectPerModel-FreeTier", 0},
                      {"embed_content_free_tier_requests",
                       "EmbedContentRequestsPerDayPerUserPerProjectPerModel-FreeTier", 0}},
                     {{"embed_content_paid_tier_requests",
                       "EmbedContentRequestsPerMinutePerProjectPerModel", 0},
                      {"embed_content_paid_tier_input_token_count",
                       "EmbedContentInputTokensPerMinutePerProjectPerModel", 0},
                      {"embed_content_paid_tier_requests_per_day",
                       "EmbedContentRequestsPerDayPerProjectPerModel", 0}}},
    [QUOTA_PREDICT] =
        {{{"predict_free_tier_requests", "PredictRequestsPerMinutePerProjectPerModel-FreeTier", 0},
          {"predict_free_tier_input_token_count", "PredictInputTokensPerModelPerMinute-FreeTier",
           0},
          {"predict_free_tier_requests", "PredictRequestsPerDayPerProjectPerModel-FreeTier", 0}},
         {{"predict_requests_per_model", "PredictRequestsPerMinutePerProjectPerModel", 0},
          {"predict_input_token_count", "PredictInputTokensPerModelPerMinute", 0},
          {"predict_requests_per_model_per_day", "PredictRequestsPerDayPerProjectPerModel", 0}}},
};

static void add_violation(struct quota_failure *failure, const struct quota_use *use,
                          const struct quota_rule *rule, enum window window, int64_t limit,
                          int64_t wait_ms)
{
    struct quota_violation *v = &failure->violations[failure->count++];

    *v = names[use->kind][rule->is_paid][window];
    v->value = limit;
    if (wait_ms > failure->retry_ms)
        failure->retry_ms = wait_ms;
}

static bool is_over(int64_t used, int64_t wanted, int64_t limit)
{
    return limit != UNSET && used + wanted > limit;
}

/* Names every limit that the use would pass. On the free tier the delay for a day misleads, as
 * Google's does. */
static void find_violations(const struct counter *c, const struct quota_use *use,
                            const struct quota_rule *rule, int64_t now,
                            struct quota_failure *failure)
{
    int64_t requests;
    int64_t tokens;

    *failure = (struct quota_failure){0};
    sum_minute(c, &requests, &tokens);
    if (is_over(requests, use->requests, rule->rpm))
        add_violation(failure, use, rule, WINDOW_REQUESTS, rule->rpm,
                      wait_for(c, now, requests + use->requests - rule->rpm, false));
    if (is_over(tokens, use->tokens, rule->tpm))
        add_violation(failure, use, rule, WINDOW_TOKENS, rule->tpm,
                      wait_for(c, now, tokens + use->tokens - rule->tpm, true));
    if (is_over(c->day_requests, use->requests, rule->rpd))
        add_violation(failure, use, rule, WINDOW_DAY, rule->rpd,
                      rule->is_paid ? c->day - now : MISLEADING_MS);
}

static void charge(struct counter *c, const struct quota_use *use, int64_t now)
{
    int64_t number = now / c->step_ms;
    struct step *s = &c->steps[(uint64_t)number % STEPS];

    s->number = number;
    s->requests += use->requests;
    s->tokens += use->tokens;
    c->day_requests += use->requests;
}

bool quota_take(const struct quota_use *use, struct quota_failure *failure)
{
    struct quota_rule rule = {0};

    if (!quota_is_on() || !find_rule(use->project, use->model, &rule))
        return true;
    struct counter *c = find_counter(use->project, use->model);
    if (c == NULL) {
        fprintf(stderr, "simulator: more than %u pairs of project and model\n", COUNTERS_MAX);
        abort();
    }
    lock(&c->lock);
    int64_t now = quota_now_ms();
    roll_day(c, now);
    roll_minute(c, now, rule.minute_ms / 60 > 0 ? rule.minute_ms / 60 : 1);
    find_violations(c, use, &rule, now, failure);
    if (failure->count == 0)
        charge(c, use, now);
    unlock(&c->lock);
    return failure->count == 0;
}

void quota_reset(void)
{
    lock(&quotas->lock);
    for (int i = 0; i < RULES_MAX; i++)
        quotas->rules[i].is_used = false;
    for (uint32_t i = 0; atomic_load(&quotas->rule_count) != 0 && i < COUNTERS_MAX; i++) {
        struct counter *c = &quotas->counters[i];
        if (atomic_load(&c->hash) == 0)
            continue;
        lock(&c->lock);
        memset(c->steps, 0, sizeof(c->steps));
        c->day_requests = 0;
        unlock(&c->lock);
    }
    atomic_store(&quotas->rule_count, 0);
    unlock(&quotas->lock);
    atomic_store(&quotas->clock_offset_ms, 0);
    atomic_store(&quotas->clock_stopped_ms, 0);
}

/* -- Telling -- */

static void write_names(struct json *j, const char *project, uint32_t project_len,
                        const char *model, uint32_t model_len)
{
    json_item(j);
    json_open(j, '{');
    json_name_text(j, "project", (struct span){project, project_len});
    json_name_text(j, "model", (struct span){model, model_len});
}

static void write_rule(struct json *j, const struct named_rule *r)
{
    const struct quota_rule *rule = &r->rule;

    write_names(j, r->project, r->project_len, r->model, r->model_len);
    if (rule->rpm != UNSET)
        json_name_number(j, "rpm", rule->rpm);
    if (rule->tpm != UNSET)
        json_name_number(j, "tpm", rule->tpm);
    if (rule->rpd != UNSET)
        json_name_number(j, "rpd", rule->rpd);
    json_name_number(j, "minute_ms", rule->minute_ms);
    json_name_text(j, "tier", span_of(rule->is_paid ? "paid" : "free"));
    json_close(j, '}');
}

static void write_use(struct json *j, struct counter *c)
{
    int64_t requests;
    int64_t tokens;

    lock(&c->lock);
    int64_t now = quota_now_ms();
    if (c->step_ms != 0) {
        roll_day(c, now);
        roll_minute(c, now, c->step_ms);
    }
    sum_minute(c, &requests, &tokens);
    int64_t day = c->day_requests;
    unlock(&c->lock);
    if (requests == 0 && tokens == 0 && day == 0)
        return;
    write_names(j, c->project, c->project_len, c->model, c->model_len);
    json_name_number(j, "rpm", requests);
    json_name_number(j, "tpm", tokens);
    json_name_number(j, "rpd", day);
    json_close(j, '}');
}

void quota_write(struct text *out)
{
    struct json j = {.out = out};

    json_open(&j, '{');
    json_name(&j, "quotas");
    json_open(&j, '[');
    lock(&quotas->lock);
    for (int i = 0; i < RULES_MAX; i++)
        if (quotas->rules[i].is_used)
            write_rule(&j, &quotas->rules[i]);
    unlock(&quotas->lock);
    json_close(&j, ']');
    json_name(&j, "used");
    json_open(&j, '[');
    for (uint32_t i = 0; quota_is_on() && i < COUNTERS_MAX; i++)
        if (atomic_load(&quotas->counters[i].hash) != 0)
            write_use(&j, &quotas->counters[i]);
    json_close(&j, ']');
    json_name_number(&j, "now_ms", quota_now_ms());
    json_close(&j, '}');
}
