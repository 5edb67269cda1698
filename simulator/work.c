/* SPDX-License-Identifier: Apache-2.0 */
/* What every method does with a request; generate.c, models.c, count.c, embed.c and predict.c begin
 * and end with it. What must stay true: a request is counted and kept before anything is decided
 * about it, and is answered in Google's order: the key, the query, the body, the model, the quota.
 */
#include "work.h"

#include <stdio.h>
#include <stdlib.h>

#include "journal.h"

#define PARSE_BYTES (1 << 20) /* bodies whose tree fits are parsed without malloc */
#define PARSE_BODY_MAX 50000
#define BODY_BYTES_MAX 104857600 /* as the refusal's text says */

struct span work_copy(struct work *w, struct span s)
{
    h2o_iovec_t copy = h2o_strdup(&w->call->req->pool, s.at, s.len);

    return (struct span){copy.base, copy.len};
}

/* -- The key -- */

static ssize_t find_header(h2o_req_t *req, const char *name)
{
    return h2o_find_header_by_str(&req->headers, name, strlen(name), -1);
}

static struct span header_at(h2o_req_t *req, ssize_t index)
{
    h2o_iovec_t value = index >= 0 ? req->headers.entries[index].value : (h2o_iovec_t){NULL, 0};

    return (struct span){value.base, value.len};
}

/* The same for who is to show it as a Bearer token. */
static enum refusal read_bearer(struct call *call, bool has_header, struct span *name)
{
    h2o_req_t *req = call->req;

    *name = header_at(req, h2o_find_header(&req->headers, H2O_TOKEN_AUTHORIZATION, -1));
    if (has_header || call->query.has_key)
        return REFUSAL_MANY_KEYS;
    if (!span_starts(*name, "Bearer "))
        return REFUSAL_NO_KEY;
    *name = span_from(*name, strlen("Bearer "));
    return REFUSAL_NONE;
}

/* Finds the key; returns what is wrong with how it came. */
static enum refusal read_key(struct call *call, struct span *name)
{
    h2o_req_t *req = call->req;
    ssize_t header = find_header(req, "x-goog-api-key");
    bool has_bearer = h2o_find_header(&req->headers, H2O_TOKEN_AUTHORIZATION, -1) >= 0;

    if (call->is_bearer)
        return read_bearer(call, header >= 0, name);
    *name = header >= 0 ? header_at(req, header) : call->query.key;
    if (has_bearer)
        return REFUSAL_BEARER;
    if (header >= 0 && call->query.has_key)
        return REFUSAL_MANY_KEYS;
    return name->len == 0 ? REFUSAL_NO_KEY : REFUSAL_NONE;
}

void work_refuse(struct work *w, enum refusal refusal)
{
    w->plan.is_refused = true;
    w->plan.refusal = refusal;
}

void work_refuse_with(struct work *w, enum refusal refusal, struct span message)
{
    work_refuse(w, refusal);
    w->plan.facts.message = work_copy(w, message);
}

/* Counts and keeps the request, and refuses it when the key didn't come as it should. */
static void receive(struct work *w)
{
    enum refusal refusal = read_key(w->call, &w->key_name);
    struct plan *plan = &w->plan;

    plan->key = ledger_key(w->key_name);
    if (plan->key == NULL) {
        plan->key = ledger_key((struct span){"(too long, or too many)", 23});
        refusal = REFUSAL_KEY_INVALID;
    }
    if (refusal == REFUSAL_NONE && span_starts(w->key_name, "vertex-") != w->call->is_vertex)
        refusal = REFUSAL_KEY_INVALID;
    ledger_count_request(plan->key, w->operation);
    journal_add(w->call->req, w->key_name);
    plan->facts = (struct refusal_facts){.key = key_span(plan->key),
                                         .model = w->model_name,
                                         .method = span_of(operation_name(w->operation)),
                                         .retry_ms = -1};
    plan->cut_at = UNSET;
    plan->answer.pretty = !w->call->query.is_flat;
    if (refusal != REFUSAL_NONE)
        work_refuse(w, refusal);
}

static void apply_mode(struct work *w, bool before_body)
{
    const struct mode *mode = mode_facts(w->mode);

    if (w->plan.is_refused || mode->act != ACT_REFUSE || mode->before_body != before_body)
        return;
    work_refuse(w, mode->refusal);
    if (w->mode.number >= 0)
        w->plan.facts.retry_ms = w->mode.number * 1000 + 74;
}

void work_apply_mode(struct work *w)
{
    apply_mode(w, false);
}

static bool breaks_at_once(struct work *w)
{
    const struct mode *mode = mode_facts(w->mode);

    if (w->plan.is_refused || (mode->act != ACT_RESET && mode->act != ACT_HANG))
        return false;
    if (mode->act == ACT_RESET) {
        ledger_count_answer(w->plan.key, false);
        reply_reset(w->call->req);
        return true;
    }
    w->plan.is_silent = true;
    reply_start(w->call->req, &w->plan);
    return true;
}

/* -- The query and the body -- */

static void check_query(struct work *w)
{
    const struct query *q = &w->call->query;
    char words[400];

    if (w->plan.is_refused || (q->unknown.at == NULL && q->unknown_alt.at == NULL))
        return;
    if (q->unknown.at != NULL)
        snprintf(words, sizeof(words),
                 "Invalid JSON payload received. Unknown name \"%.*s\": Cannot bind query "
                 "parameter. Field '%.*s' "
                 "could not be found in request message.",
                 (int)span_first(q->unknown, 100).len, q->unknown.at,
                 (int)span_first(q->unknown, 100).len, q->unknown.at);
    else
        snprintf(words, sizeof(words), "Invalid value \"%.*s\" for the query parameter 'alt'.",
                 (int)span_first(q->unknown_alt, 100).len, q->unknown_alt.at);
    work_refuse_with(w, REFUSAL_WRONG_ARGUMENT, span_of(words));
}

bool work_begin(struct work *w, struct call *call, enum operation operation)
{
    w->call = call;
    w->operation = operation;
    w->model_name = call->path;
    if (span_starts(w->model_name, "models/"))
        w->model_name = span_from(w->model_name, strlen("models/"));
    receive(w);
    w->mode = key_behave(w->plan.key);
    if (breaks_at_once(w))
        return false;
    w->model = model_find(w->model_name);
    if (w->model != NULL)
        w->plan.facts.model = model_counted(w->model);
    apply_mode(w, true);
    check_query(w);
    return true;
}

/* Parses the body; small ones into memory that is used again for the next. */
void work_parse(struct work *w)
{
    static char room[PARSE_BYTES];
    h2o_iovec_t body = w->call->req->entity;
    yyjson_read_err err = {0};
    yyjson_alc pool;
    char words[400];
    bool is_small = body.len <= PARSE_BODY_MAX && yyjson_alc_pool_init(&pool, room, sizeof(room));

    if (!w->plan.is_refused && body.len > BODY_BYTES_MAX)
        work_refuse(w, REFUSAL_TOO_LARGE);
    if (w->plan.is_refused)
        return;
    w->doc = yyjson_read_opts(body.base, body.len, 0, is_small ? &pool : NULL, &err);
    if (w->doc != NULL)
        return;
    snprintf(words, sizeof(words), "Invalid JSON payload received. %s at byte %zu.\n%.*s\n^",
             err.msg != NULL ? err.msg : "Unexpected end of string", err.pos,
             err.pos < body.len ? (int)(body.len - err.pos > 40 ? 40 : body.len - err.pos) : 0,
             err.pos < body.len ? body.base + err.pos : "");
    work_refuse_with(w, REFUSAL_WRONG_ARGUMENT, span_of(words));
}

void work_settle(struct work *w)
{
    if (w->plan.is_refused || w->violations.count == 0)
        return;
    work_refuse_with(w, REFUSAL_WRONG_ARGUMENT, text_span(&w->violations.message));
    w->plan.facts.violations = work_copy(w, text_span(&w->violations.elements));
}

/* -- The model and the quota -- */

void work_check_model(struct work *w, bool is_able)
{
    if (w->plan.is_refused)
        return;
    if (w->model == NULL || !is_able) {
        w->plan.facts.model = w->model_name;
        work_refuse(w, REFUSAL_NO_MODEL);
    } else if (model_can(w->model, IS_GONE)) {
        work_refuse(w, REFUSAL_OLD_MODEL);
    }
}

void work_take_quota(struct work *w, enum quota_kind kind, int64_t requests, int64_t tokens)
{
    char room[LEDGER_KEY_BYTES];
    struct quota_failure failure;

    if (w->plan.is_refused || !quota_is_on())
        return;
    struct quota_use use = {kind, key_project(w->plan.key, room), model_counted(w->model), requests,
                            tokens};
    if (quota_take(&use, &failure))
        return;
    struct quota_failure *kept = h2o_mem_alloc_pool(&w->call->req->pool, sizeof(*kept));
    *kept = failure;
    w->plan.facts.quota = kept;
    w->plan.facts.message.len = 0; /* a script's, for another error */
    work_refuse(w, REFUSAL_QUOTA);
}

void work_script(struct work *w)
{
    struct script script;

    if (w->plan.is_refused || !ledger_script(&script, w->model_name, w->key_name))
        return;
    w->plan.first_ms = script.first_ms != UNSET ? script.first_ms : 0;
    w->plan.is_last_close = script.is_last_close;
    if (script.error_status == UNSET)
        return;
    work_refuse(w, refusal_of_status((int)script.error_status));
    if (script.error_message.len != 0)
        w->plan.facts.message = work_copy(w, script.error_message);
}

/* -- The end -- */

void work_end(struct work *w)
{
    yyjson_doc_free(w->doc);
    violations_clear(&w->violations);
}

void work_answer(struct work *w, struct text *body)
{
    const struct mode *mode = mode_facts(w->mode);

    w->plan.body = work_copy(w, text_span(body));
    w->plan.has_body = true;
    if (mode->act == ACT_SLOW)
        w->plan.first_ms += w->mode.number;
    reply_start(w->call->req, &w->plan);
    work_end(w);
    text_clear(body);
}
