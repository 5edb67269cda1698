/* SPDX-License-Identifier: Apache-2.0 */
/* generateContent and streamGenerateContent; server.c routes here. What must stay true: the
 * prompt's script wins over the admin's, and what is answered is the same whichever process
 * answers. */
#include "generate.h"

#include <stdio.h>
#include <stdlib.h>

#include "objects.h"

#define SCRIPT_ROOM 8192

/* -- The script -- */

static bool read_prompt_script(struct generation *g, struct script *script)
{
    static char room[SCRIPT_ROOM];
    struct span s = g->prompt.script;
    const char *wrong = "Simulator: the script behind #sim is not JSON.";

    if (s.len == 0)
        return false;
    g->script_doc = yyjson_read(s.at, s.len, 0);
    if (g->script_doc != NULL)
        wrong = script_read(script, yyjson_doc_get_root(g->script_doc), NULL, room, sizeof(room));
    if (wrong != NULL)
        work_refuse_with(&g->work, REFUSAL_WRONG_ARGUMENT, span_of(wrong));
    return wrong == NULL;
}

static void choose_script(struct generation *g, struct script *script)
{
    if (read_prompt_script(g, script) || g->work.plan.is_refused)
        return;
    if (!ledger_script(script, g->work.model_name, g->work.key_name))
        *script = script_default();
}

static int64_t first_set(int64_t a, int64_t b)
{
    return a != UNSET ? a : b;
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

static void check_input(struct generation *g, const struct script *s)
{
    int64_t limit = first_set(s->input_limit, g->work.model->input_tokens);
    int64_t tokens = prompt_tokens(&g->prompt);
    char words[200];

    if (tokens <= limit)
        return;
    snprintf(words, sizeof(words),
             "The input token count (%lld) exceeds the maximum number of tokens allowed (%lld).",
             (long long)tokens, (long long)limit);
    work_refuse_with(&g->work, REFUSAL_WRONG_ARGUMENT, span_of(words));
}

static void plan_script(struct generation *g, const struct script *s)
{
    struct work *w = &g->work;

    plan_times(w, s);
    if (s->error_message.len != 0)
        w->plan.facts.message = work_copy(w, s->error_message);
    if (s->error_status != UNSET && s->error_after_events == UNSET) {
        work_refuse(w, refusal_of_status((int)s->error_status));
        return;
    }
    check_input(g, s);
    work_take_quota(w, QUOTA_GENERATE, 1, prompt_tokens(&g->prompt));
    if (w->plan.is_refused)
        return;
    content_plan(g, s);
    if (w->plan.is_stream)
        plan_ending(&w->plan, s);
}

/* -- The two methods -- */

/* What a body is checked by when there is no such model: none of the rules that differ. */
static const struct model any = {
    .name = "any",
    .input_tokens = INT32_MAX,
    .output_tokens = INT32_MAX,
    .thinking = THINKS_LEVEL,
    .budget_low = -1,
    .budget_high = INT32_MAX,
    .levels = LEVEL_MINIMAL | LEVEL_LOW | LEVEL_MEDIUM | LEVEL_HIGH,
    .abilities = ~(unsigned)(CAN_SIGN | IS_GONE),
};

static bool has_object(struct work *w, struct span name)
{
    char room[LEDGER_KEY_BYTES];
    struct text json = {0};
    bool has_one = objects_get(key_project(w->plan.key, room), name, &json);

    text_clear(&json);
    return has_one;
}

/* What the prompt names must be of the key's project. Files only where any was ever made: without uploads nobody has one. */
static void check_objects(struct work *w, struct span cache, struct span file)
{
    char words[300];

    if (cache.len != 0 && !has_object(w, cache)) {
        work_refuse(w, REFUSAL_NO_CACHE);
    } else if (file.len != 0 && objects_any(span_of("files")) && !has_object(w, file)) {
        snprintf(words, sizeof(words),
                 "You do not have permission to access the File %.*s or it may not exist.",
                 (int)span_first(file, 200).len - 6, file.at + 6);
        work_refuse_with(w, REFUSAL_NO_CACHE, span_of(words));
    }
}

static void check_body(struct generation *g, bool is_able)
{
    struct work *w = &g->work;
    yyjson_val *root = yyjson_doc_get_root(w->doc);

    if (w->plan.is_refused)
        return;
    prompt_read(&g->prompt, &w->violations, root, is_able ? w->model : &any);
    work_settle(w);
    work_check_model(w, is_able);
    if (!w->plan.is_refused)
        check_objects(w, schema_span(schema_get(root, "cachedContent")), g->prompt.file);
}

static void decide(struct generation *g)
{
    struct work *w = &g->work;
    struct script script = script_default();

    work_parse(w);
    check_body(g, w->model != NULL && model_generates(w->model));
    work_apply_mode(w);
    if (!w->plan.is_refused)
        choose_script(g, &script);
    if (!w->plan.is_refused)
        plan_script(g, &script);
}

static void generate(struct call *call, bool is_stream)
{
    struct generation g = {0};
    struct plan *plan = &g.work.plan;

    plan->is_stream = is_stream;
    if (is_stream)
        plan->answer.framing = call->query.is_sse ? FRAMING_SSE : FRAMING_ARRAY;
    if (!work_begin(&g.work, call, is_stream ? OPERATION_STREAM : OPERATION_GENERATE))
        return;
    decide(&g);
    if (plan->is_refused)
        plan->is_stream = false;
    reply_start(call->req, plan);
    yyjson_doc_free(g.script_doc);
    work_end(&g.work);
}

void generate_whole(struct call *call)
{
    generate(call, false);
}

void generate_stream(struct call *call)
{
    generate(call, true);
}
