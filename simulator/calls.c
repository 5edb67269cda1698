/* SPDX-License-Identifier: Apache-2.0 */
/* Plans function calls; content.c asks. What must stay true: the first call of a step carries the
 * signature, the others none, and a scripted call is made whatever was declared. */
#include <stdio.h>
#include <stdlib.h>

#include "generate.h"
#include "signature.h"
#include "tool.h"

#define CALLS_MAX 64

struct span calls_sign(struct generation *g, uint64_t subject, const struct script *script)
{
    struct text signature = {0};

    signature_put(&signature, subject,
                  script->signature_bytes != UNSET && script->signature_bytes < (1 << 18)
                      ? (size_t)script->signature_bytes
                      : 0);
    struct span kept = work_copy(&g->work, text_span(&signature));
    text_clear(&signature);
    return kept;
}

/* Newer models name each call. */
static struct span make_id(struct generation *g, int64_t index)
{
    char id[48];

    if (!model_can(g->work.model, CAN_SIGN))
        return (struct span){"", 0};
    snprintf(id, sizeof(id), "%.20s-%lld", g->work.plan.answer.id, (long long)index);
    return work_copy(&g->work, span_of(id));
}

static struct span print(struct generation *g, yyjson_val *value)
{
    char *json = value != NULL ? yyjson_val_write(value, 0, NULL) : NULL;
    struct span kept = work_copy(&g->work, span_of(json != NULL ? json : "{}"));

    free(json);
    return kept;
}

static void plan_scripted(struct generation *g, struct answer_call *call, yyjson_val *value,
                          int64_t index)
{
    yyjson_val *id = yyjson_obj_get(value, "id");

    call->name = work_copy(&g->work, schema_span(yyjson_obj_get(value, "name")));
    call->args = print(g, yyjson_obj_get(value, "args"));
    call->id = id != NULL ? work_copy(&g->work, schema_span(id)) : make_id(g, index);
}

/* Calls a declared function with arguments that its schema allows. */
static void plan_declared(struct generation *g, struct answer_call *call, yyjson_val *function,
                          int64_t index)
{
    yyjson_val *parameters = schema_get(function, "parameters");
    struct text args = {0};

    if (parameters == NULL)
        parameters = schema_get(function, "parametersJsonSchema");
    if (parameters != NULL)
        tool_put_example(&args, parameters);
    else
        text_put(&args, "{}");
    call->name = work_copy(&g->work, schema_span(schema_get(function, "name")));
    call->args = work_copy(&g->work, text_span(&args));
    call->id = make_id(g, index);
    text_clear(&args);
}

static int64_t plan_list(struct generation *g, struct answer_call *calls, struct span json)
{
    yyjson_doc *doc = yyjson_read(json.at, json.len, 0);
    size_t i;
    size_t count;
    yyjson_val *value;
    int64_t made = 0;

    yyjson_arr_foreach(yyjson_doc_get_root(doc), i, count, value)
    {
        if (made < CALLS_MAX)
            plan_scripted(g, &calls[made], value, made);
        made += made < CALLS_MAX;
    }
    yyjson_doc_free(doc);
    return made;
}

/* So many calls of what may be called, the functions in turn. */
static int64_t plan_count(struct generation *g, struct answer_call *calls, int64_t count)
{
    size_t functions = 0;
    int64_t made = 0;

    while (functions < CALLS_MAX && tool_function(&g->prompt, functions) != NULL)
        functions++;
    for (; functions != 0 && made < count && made < CALLS_MAX; made++)
        plan_declared(g, &calls[made], tool_function(&g->prompt, (size_t)made % functions), made);
    return made;
}

static void sign_first(struct generation *g, struct answer_call *call, const struct script *script)
{
    yyjson_doc *args = yyjson_read(call->args.at, call->args.len, 0);
    bool has_functions = tool_function(&g->prompt, 0) != NULL;

    if (model_can(g->work.model, CAN_SIGN) ||
        (g->work.model->thinking == THINKS_BUDGET && has_functions))
        call->signature =
            calls_sign(g, signature_subject_call(call->name, yyjson_doc_get_root(args)), script);
    yyjson_doc_free(args);
}

bool calls_plan(struct generation *g, const struct script *script)
{
    struct answer *a = &g->work.plan.answer;
    bool is_forced = g->prompt.call_mode == CALL_ANY;
    int64_t count = script->calls_count != UNSET ? script->calls_count : is_forced;

    if (script->calls.len == 0 && (count == 0 || g->prompt.call_mode == CALL_NONE))
        return false;
    struct answer_call *calls =
        h2o_mem_alloc_pool(&g->work.call->req->pool, CALLS_MAX * sizeof(*calls));
    memset(calls, 0, CALLS_MAX * sizeof(*calls));
    a->calls = calls;
    a->call_count =
        script->calls.len != 0 ? plan_list(g, calls, script->calls) : plan_count(g, calls, count);
    if (a->call_count != 0)
        sign_first(g, &calls[0], script);
    return a->call_count != 0;
}
