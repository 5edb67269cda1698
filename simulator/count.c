/* SPDX-License-Identifier: Apache-2.0 */
/* countTokens; server.c routes here. What must stay true: a request counts as many tokens here as
 * generateContent says that it has. No quota counts it. */
#include "routes.h"
#include "turn.h"
#include "work.h"

static void read_prompt(struct work *w, struct prompt *prompt, yyjson_val *root,
                        const struct model *model)
{
    struct violations *v = &w->violations;
    yyjson_val *request = schema_get(root, "generateContentRequest");

    *prompt = (struct prompt){.message = "CountTokensRequest", .max_output = -1};
    schema_check(v, schema_count_tokens_request, root);
    if (v->count != 0)
        return;
    if (request != NULL && schema_get(root, "contents") != NULL)
        violations_refuse(v, "* CountTokensRequest: only one of contents and "
                             "generate_content_request may be set.\n");
    else if (request != NULL && schema_get(request, "model") == NULL)
        violations_refuse(v, "* CountTokensRequest.generate_content_request.model: model is "
                             "required.\n");
    else if (request != NULL)
        prompt_read_request(prompt, v, request, model);
    else
        turn_read(prompt, v, schema_get(root, "contents"), model);
}

static void write_count(struct text *out, const struct prompt *prompt, bool pretty)
{
    static const char *const names[MODALITIES] = {"TEXT", "IMAGE", "VIDEO", "AUDIO", "DOCUMENT"};
    struct json j = {.out = out, .pretty = pretty};
    int64_t tokens[MODALITIES];

    memcpy(tokens, prompt->media, sizeof(tokens));
    tokens[MODALITY_TEXT] = answer_tokens((int64_t)prompt->text_bytes);
    json_open(&j, '{');
    json_name_number(&j, "totalTokens", prompt_tokens(prompt));
    json_name(&j, "promptTokensDetails");
    json_open(&j, '[');
    for (int i = 0; i < MODALITIES; i++) {
        if (tokens[i] == 0)
            continue;
        json_item(&j);
        json_open(&j, '{');
        json_name_text(&j, "modality", span_of(names[i]));
        json_name_number(&j, "tokenCount", tokens[i]);
        json_close(&j, '}');
    }
    json_close(&j, ']');
    json_close(&j, '}');
    text_put(out, "\n");
}

void count_tokens(struct call *call)
{
    struct work w = {0};
    struct prompt prompt = {0};
    struct text body = {0};

    if (!work_begin(&w, call, OPERATION_COUNT))
        return;
    work_check_model(&w, w.model != NULL && model_generates(w.model));
    work_parse(&w);
    if (!w.plan.is_refused)
        read_prompt(&w, &prompt, yyjson_doc_get_root(w.doc), w.model);
    work_settle(&w);
    work_apply_mode(&w);
    work_script(&w);
    if (!w.plan.is_refused)
        write_count(&body, &prompt, w.plan.answer.pretty);
    work_answer(&w, &body);
}
