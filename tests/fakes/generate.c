/* SPDX-License-Identifier: Apache-2.0 */
/* generateContent, streamGenerateContent and models; server.c routes here. What must stay true: a
 * request is counted and kept before anything is decided about it, and is answered in Google's
 * order: the key, the query, the body, the model, the quota. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memmem */
#endif

#include "generate.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "journal.h"
#include "ledger.h"
#include "model.h"
#include "prompt.h"
#include "reply.h"

#define PARSE_BYTES (1 << 20) /* bodies whose tree fits are parsed without malloc */
#define PARSE_BODY_MAX 50000
#define BODY_BYTES_MAX 104857600 /* as the refusal's text says */
#define ECHO_BYTES 200
#define DEFAULT_CHUNKS 3
#define USAGE_BYTES 4096
#define PAGE_SIZE 50
#define PAGE_SIZE_MAX 1000

/* One request on its way to an answer. */
struct work {
    struct call *call;
    struct span key_name;
    struct span model_name;
    struct prompt prompt;
    struct mode_use mode;
    yyjson_doc *doc;
    yyjson_doc *script_doc;
    struct violations violations;
    struct plan plan;
};

static struct span span_copy(h2o_req_t *req, struct span s)
{
    h2o_iovec_t copy = h2o_strdup(&req->pool, s.at, s.len);

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

/* Finds the key; returns what is wrong with how it came. */
static enum refusal read_key(struct call *call, struct span *name)
{
    h2o_req_t *req = call->req;
    ssize_t header = find_header(req, "x-goog-api-key");
    bool has_bearer = h2o_find_header(&req->headers, H2O_TOKEN_AUTHORIZATION, -1) >= 0;

    *name = header >= 0 ? header_at(req, header) : call->query.key;
    if (has_bearer)
        return REFUSAL_BEARER;
    if (header >= 0 && call->query.has_key)
        return REFUSAL_MANY_KEYS;
    return name->len == 0 ? REFUSAL_NO_KEY : REFUSAL_NONE;
}

static void refuse(struct plan *plan, enum refusal refusal)
{
    plan->is_refused = true;
    plan->refusal = refusal;
}

static void refuse_with(struct work *w, enum refusal refusal, struct span message)
{
    refuse(&w->plan, refusal);
    w->plan.facts.message = span_copy(w->call->req, message);
}

/* Counts and keeps the request, and refuses it when the key didn't come as it should. */
static void receive(struct work *w, enum operation operation)
{
    enum refusal refusal = read_key(w->call, &w->key_name);
    struct plan *plan = &w->plan;

    plan->key = ledger_key(w->key_name);
    if (plan->key == NULL) {
        plan->key = ledger_key((struct span){"(too long, or too many)", 23});
        refusal = REFUSAL_KEY_INVALID;
    }
    ledger_count_request(plan->key, operation);
    journal_add(w->call->req, w->key_name);
    plan->facts = (struct refusal_facts){.key = key_span(plan->key), .retry_ms = -1};
    plan->cut_at = UNSET;
    plan->answer.pretty = !w->call->query.is_flat;
    if (refusal != REFUSAL_NONE)
        refuse(plan, refusal);
}

/* Refuses by the key's mode when it is one of the kind that comes before the body is looked at, or
 * after. */
static void apply_mode(struct work *w, bool before_body)
{
    const struct mode *mode = mode_facts(w->mode);

    if (w->plan.is_refused || mode->act != ACT_REFUSE || mode->before_body != before_body)
        return;
    refuse(&w->plan, mode->refusal);
    if (w->mode.number >= 0)
        w->plan.facts.retry_ms = w->mode.number * 1000 + 74;
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
    refuse_with(w, REFUSAL_WRONG_ARGUMENT, span_of(words));
}

static void check_size(struct work *w)
{
    if (!w->plan.is_refused && w->call->req->entity.len > BODY_BYTES_MAX)
        refuse(&w->plan, REFUSAL_TOO_LARGE);
}

/* Parses the body; small ones into memory that is used again for the next. */
static void parse_body(struct work *w)
{
    static char room[PARSE_BYTES];
    h2o_iovec_t body = w->call->req->entity;
    yyjson_read_err err = {0};
    yyjson_alc pool;
    char words[400];
    bool is_small = body.len <= PARSE_BODY_MAX && yyjson_alc_pool_init(&pool, room, sizeof(room));

    w->doc = yyjson_read_opts(body.base, body.len, 0, is_small ? &pool : NULL, &err);
    if (w->doc != NULL)
        return;
    snprintf(words, sizeof(words), "Invalid JSON payload received. %s at byte %zu.\n%.*s\n^",
             err.msg != NULL ? err.msg : "Unexpected end of string", err.pos,
             err.pos < body.len ? (int)(body.len - err.pos > 40 ? 40 : body.len - err.pos) : 0,
             err.pos < body.len ? body.base + err.pos : "");
    refuse_with(w, REFUSAL_WRONG_ARGUMENT, span_of(words));
}

static void check_body(struct work *w, const struct model *model)
{
    prompt_read(&w->prompt, &w->violations, yyjson_doc_get_root(w->doc), model);
    if (w->violations.count == 0)
        return;
    refuse_with(w, REFUSAL_WRONG_ARGUMENT, text_span(&w->violations.message));
    w->plan.facts.violations = span_copy(w->call->req, text_span(&w->violations.elements));
}

/* The model in the path; one that isn't there is refused after the body was checked. */
static const struct model *find_model(struct work *w)
{
    struct span name = w->call->path;

    if (span_starts(name, "models/"))
        name = span_from(name, strlen("models/"));
    w->model_name = name;
    w->plan.facts.model = name;
    return model_find(name);
}

static void check_model(struct work *w, const struct model *model)
{
    if (w->plan.is_refused)
        return;
    if (model == NULL || !model->generates)
        refuse(&w->plan, REFUSAL_NO_MODEL);
    else if (model->is_gone)
        refuse(&w->plan, REFUSAL_OLD_MODEL);
}

/* -- The script -- */

static bool read_prompt_script(struct work *w, struct script *script)
{
    static char usage[USAGE_BYTES];
    struct span s = w->prompt.script;
    const char *wrong = "Simulator: the script behind #sim is not JSON.";

    if (s.len == 0)
        return false;
    w->script_doc = yyjson_read(s.at, s.len, 0);
    if (w->script_doc != NULL)
        wrong = script_read(script, yyjson_doc_get_root(w->script_doc), NULL, usage, sizeof(usage));
    if (wrong != NULL)
        refuse_with(w, REFUSAL_WRONG_ARGUMENT, span_of(wrong));
    return wrong == NULL;
}

static void choose_script(struct work *w, struct script *script)
{
    if (read_prompt_script(w, script) || w->plan.is_refused)
        return;
    if (!ledger_script(script, w->model_name, w->key_name))
        *script = script_default();
}

static int64_t first_set(int64_t a, int64_t b)
{
    return a != UNSET ? a : b;
}

/* -- What the answer says -- */

/* The last user text without the script's line. */
static struct span echo_of(const struct prompt *prompt)
{
    struct span text = prompt->last_text;
    const char *end = text.at + text.len;

    if (prompt->script.len == 0 || prompt->script.at < text.at || prompt->script.at > end)
        return text;
    struct span before = {text.at, (size_t)(prompt->script.at - text.at) - strlen("#sim ")};
    struct span after = {prompt->script.at + prompt->script.len, 0};
    after.len = (size_t)(end - after.at);
    while (before.len != 0 && before.at[before.len - 1] == '\n')
        before.len--;
    while (after.len != 0 && after.at[0] == '\n')
        after = span_from(after, 1);
    return before.len != 0 ? before : after;
}

/* Cut at a character. */
static struct span cut_text(struct span s, size_t len)
{
    if (s.len <= len)
        return s;
    while (len > 0 && ((unsigned char)s.at[len] & 0xc0) == 0x80)
        len--;
    return span_first(s, len);
}

static struct span make_echo(struct work *w)
{
    struct span said = cut_text(echo_of(&w->prompt), ECHO_BYTES);
    static const char begin[] = "You said: ";
    size_t begin_len = sizeof(begin) - 1;
    char *to = h2o_mem_alloc_pool(&w->call->req->pool, begin_len + said.len);

    memcpy(to, begin, begin_len);
    if (said.len != 0)
        memcpy(to + begin_len, said.at, said.len);
    return (struct span){to, begin_len + said.len};
}

static void apply_stops(const struct prompt *prompt, struct span *text)
{
    for (int i = 0; i < prompt->stop_count; i++) {
        const char *found = memmem(text->at, text->len, prompt->stops[i].at, prompt->stops[i].len);
        if (found != NULL)
            text->len = (size_t)(found - text->at);
    }
}

static void apply_limit(const struct prompt *prompt, struct answer *a)
{
    if (prompt->max_output < 0)
        return;
    int64_t bytes = prompt->max_output * 4;
    if ((int64_t)a->text.len <= bytes)
        return;
    a->text = cut_text(a->text, (size_t)bytes);
    a->finish = span_of("MAX_TOKENS");
}

static bool wants_filler(const struct script *s)
{
    return s->text.at == NULL &&
           (s->chunks != UNSET || s->chunk_bytes != UNSET || s->event_bytes != UNSET ||
            s->reply_bytes != UNSET || s->is_numbered);
}

static void plan_filler(struct answer *a, const struct script *s)
{
    bool is_sized = s->chunk_bytes != UNSET || s->event_bytes != UNSET || s->reply_bytes != UNSET;

    a->is_filler = true;
    a->is_numbered = s->is_numbered || !is_sized;
    a->chunks = first_set(s->chunks,
                          s->event_bytes != UNSET || s->reply_bytes != UNSET ? 1 : DEFAULT_CHUNKS);
    a->text_bytes = first_set(s->event_bytes, first_set(s->chunk_bytes, 0));
    if (s->reply_bytes != UNSET && a->chunks > 0)
        a->text_bytes = s->reply_bytes / a->chunks;
}

static void plan_text(struct work *w, const struct script *s)
{
    struct answer *a = &w->plan.answer;

    if (wants_filler(s)) {
        plan_filler(a, s);
        return;
    }
    a->chunks = first_set(s->chunks, DEFAULT_CHUNKS);
    a->text = s->text.at != NULL ? span_copy(w->call->req, s->text) : make_echo(w);
    apply_stops(&w->prompt, &a->text);
    apply_limit(&w->prompt, a);
}

static void make_id(char id[24])
{
    static uint64_t counter;

    if (counter == 0)
        counter = (uint64_t)getpid() << 40;
    snprintf(id, 24, "sim%016llx", (unsigned long long)++counter);
}

static void plan_answer(struct work *w, const struct script *s, const struct model *model)
{
    struct answer *a = &w->plan.answer;
    h2o_req_t *req = w->call->req;

    a->model = model;
    a->has_finish = true;
    a->finish = span_of("STOP");
    a->prompt_tokens = frame_tokens((int64_t)w->prompt.text_bytes);
    a->usage_when = s->usage_when;
    a->usage = span_copy(req, s->usage);
    a->line_end = span_copy(req, s->line_end);
    a->blocked = span_copy(req, s->blocked);
    a->is_error_data = s->is_error_data;
    a->is_empty = s->is_empty || mode_facts(w->mode)->act == ACT_EMPTY;
    plan_text(w, s);
    a->thoughts = first_set(s->thoughts, w->prompt.includes_thoughts && !wants_filler(s) ? 1 : 0);
    if (a->is_empty || a->blocked.len != 0) {
        a->chunks = 1;
        a->thoughts = 0;
    }
    if (a->chunks < 1)
        a->chunks = 1;
    if (s->finish.len != 0)
        a->finish = span_copy(req, s->finish);
    make_id(a->id);
}

/* -- How the answer goes -- */

static void end_after(struct plan *plan, enum ending ending, int64_t events)
{
    if (events == UNSET || events > plan->events)
        return;
    plan->ending = ending;
    plan->events = events;
    plan->answer.has_finish = false;
}

static void plan_ending(struct plan *plan, const struct script *s)
{
    plan->events = answer_events(&plan->answer);
    plan->ending = ENDING_FINISH;
    end_after(plan, ENDING_CLOSE, s->close_after_events);
    end_after(plan, ENDING_ERROR, s->error_after_events);
    end_after(plan, ENDING_CUT, s->cut_after_events);
    end_after(plan, ENDING_HANG, s->hang_after_events);
    if (plan->ending == ENDING_ERROR)
        plan->refusal = refusal_of_status((int)first_set(s->error_status, 503));
}

static void plan_times(struct work *w, const struct script *s)
{
    struct plan *plan = &w->plan;
    const struct mode *mode = mode_facts(w->mode);

    plan->first_ms = first_set(s->first_ms, 0) + (mode->act == ACT_SLOW ? w->mode.number : 0);
    plan->pace_ms = first_set(s->pace_ms, 0);
    plan->split = first_set(s->split, 0);
    plan->split_ms = first_set(s->split_ms, 0);
    plan->cut_at = s->cut_at_byte;
    plan->is_chunked = s->is_chunked;
    plan->is_head_early = s->is_head_early;
    plan->is_last_close = s->is_last_close;
    plan->is_cut_fin = s->is_cut_fin;
}

static void plan_script(struct work *w, const struct script *s, const struct model *model)
{
    plan_times(w, s);
    if (s->error_message.len != 0)
        w->plan.facts.message = span_copy(w->call->req, s->error_message);
    if (s->error_status != UNSET && s->error_after_events == UNSET) {
        refuse(&w->plan, refusal_of_status((int)s->error_status));
        w->plan.is_stream = false;
        return;
    }
    plan_answer(w, s, model);
    if (w->plan.is_stream)
        plan_ending(&w->plan, s);
}

/* -- The two methods -- */

static void decide(struct work *w)
{
    struct script script = script_default();
    const struct model *model = find_model(w);
    static const struct model any = {.name = "any", .output_tokens = INT32_MAX};

    apply_mode(w, true);
    check_query(w);
    check_size(w);
    if (!w->plan.is_refused)
        parse_body(w);
    if (!w->plan.is_refused)
        check_body(w, model != NULL ? model : &any);
    check_model(w, model);
    apply_mode(w, false);
    if (!w->plan.is_refused)
        choose_script(w, &script);
    if (!w->plan.is_refused)
        plan_script(w, &script, model);
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

static void generate(struct call *call, bool is_stream)
{
    struct work w = {.call = call};

    receive(&w, is_stream ? OPERATION_STREAM : OPERATION_GENERATE);
    w.mode = key_behave(w.plan.key);
    if (breaks_at_once(&w))
        return;
    w.plan.is_stream = is_stream;
    if (is_stream)
        w.plan.answer.framing = call->query.is_sse ? FRAMING_SSE : FRAMING_ARRAY;
    decide(&w);
    if (w.plan.is_refused)
        w.plan.is_stream = false;
    reply_start(call->req, &w.plan);
    yyjson_doc_free(w.doc);
    yyjson_doc_free(w.script_doc);
    violations_clear(&w.violations);
}

void generate_whole(struct call *call)
{
    generate(call, false);
}

void generate_stream(struct call *call)
{
    generate(call, true);
}

/* -- Models -- */

/* Receives a request about models; true when it was answered already. */
static bool is_refused_early(struct work *w, struct call *call)
{
    w->call = call;
    receive(w, OPERATION_MODELS);
    w->mode = key_behave(w->plan.key);
    if (breaks_at_once(w))
        return true;
    apply_mode(w, true);
    check_query(w);
    if (w->plan.is_refused)
        reply_start(call->req, &w->plan);
    return w->plan.is_refused;
}

static size_t number_of(struct span s, size_t when_absent)
{
    size_t number = 0;

    if (s.len == 0)
        return when_absent;
    for (size_t i = 0; i < s.len && i < 9; i++)
        number = number * 10 + (size_t)(s.at[i] >= '0' && s.at[i] <= '9' ? s.at[i] - '0' : 0);
    return number;
}

static void answer_ok(struct work *w, struct text *body)
{
    ledger_count_answer(w->plan.key, true);
    reply_now(w->call->req, 200, text_span(body), false);
}

void generate_models(struct call *call)
{
    struct work w = {0};
    struct span token = call->query.page_token;
    struct text body = {0};

    if (is_refused_early(&w, call))
        return;
    size_t size = number_of(call->query.page_size, PAGE_SIZE);
    size = size == 0 ? PAGE_SIZE : size > PAGE_SIZE_MAX ? PAGE_SIZE_MAX : size;
    if (token.len != 0 && !span_starts(token, "page-")) {
        refuse_with(&w, REFUSAL_WRONG_ARGUMENT, span_of("page_token is invalid."));
        reply_start(call->req, &w.plan);
        return;
    }
    model_write_list(&body, token.len != 0 ? number_of(span_from(token, 5), 0) : 0, size,
                     !call->query.is_flat);
    answer_ok(&w, &body);
    text_clear(&body);
}

void generate_model(struct call *call)
{
    struct work w = {0};
    struct text body = {0};

    if (is_refused_early(&w, call))
        return;
    const struct model *model = find_model(&w);
    if (model == NULL || model->is_gone) {
        refuse(&w.plan, REFUSAL_NO_MODEL);
        reply_start(call->req, &w.plan);
        return;
    }
    model_write(&body, model, !call->query.is_flat);
    answer_ok(&w, &body);
    text_clear(&body);
}

void generate_lost(struct call *call)
{
    struct text body = {0};

    refusal_write(&body, REFUSAL_NO_ROUTE, &(struct refusal_facts){0}, true);
    reply_now(call->req, 404, text_span(&body), true);
    text_clear(&body);
}
