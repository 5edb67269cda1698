/* SPDX-License-Identifier: Apache-2.0 */
/* The table of models; every route looks models up, models.c lists them. What must stay true:
 * adding a model is one line of models.def. */
#include "model.h"

/* What groups of models have in common. */
#define OLDER                                                                                      \
    (CAN_SYSTEM | CAN_JSON | CAN_CALL | CAN_PENALTY | CAN_LOGPROBS | CAN_CHOOSE | CAN_PREFILL |    \
     CAN_OLD_ROLES | CAN_ANY_TOP_K)
#define TWO_FIVE                                                                                   \
    (CAN_SYSTEM | CAN_JSON | CAN_CALL | CAN_CHOOSE | CAN_PREFILL | CAN_URLS | CAN_EMPTY_OBJECTS)
#define THREE                                                                                      \
    (CAN_SYSTEM | CAN_JSON | CAN_CALL | CAN_CALL_IN_JSON | CAN_MIX_TOOLS | CAN_RESOLUTION |        \
     CAN_URLS | CAN_SIGN | CAN_NAME_FREELY | CAN_ANY_TOP_K | CAN_EMPTY_OBJECTS)
#define LOW_UP (LEVEL_LOW | LEVEL_MEDIUM | LEVEL_HIGH)
#define MINIMAL_UP (LEVEL_MINIMAL | LOW_UP)

static const struct model models[] = {
#define MODEL(name, title, version, in, out, kind, thinking, low, high, levels, abilities,         \
              counted_as)                                                                          \
    {name, title, version, in,        out,       MODEL_##kind, THINKS_##thinking,                  \
     low,  high,  levels,  abilities, counted_as},
#include "models.def"
};

const struct model *model_find(struct span name)
{
    for (size_t i = 0; i < COUNT(models); i++)
        if (span_is(name, models[i].name))
            return &models[i];
    return NULL;
}

const struct model *model_at(size_t index)
{
    return index < COUNT(models) ? &models[index] : NULL;
}

static const char *const *methods_of(enum model_kind kind)
{
    static const char *const generating[] = {"generateContent", "countTokens",
                                             "createCachedContent", "batchGenerateContent", NULL};
    static const char *const plain[] = {"generateContent", "countTokens", "batchGenerateContent",
                                        NULL};
    static const char *const embedding[] = {"embedContent", "countTextTokens",
                                            "asyncBatchEmbedContent", NULL};
    static const char *const predicting[] = {"predict", NULL};
    static const char *const *const methods[] = {
        [MODEL_TEXT] = generating,     [MODEL_IMAGE] = plain,       [MODEL_SPEECH] = plain,
        [MODEL_EMBEDDING] = embedding, [MODEL_IMAGEN] = predicting,
    };

    return methods[kind];
}

static void write_methods(struct json *j, const struct model *model)
{
    json_name(j, "supportedGenerationMethods");
    json_open(j, '[');
    for (const char *const *name = methods_of(model->kind); *name != NULL; name++) {
        json_item(j);
        json_text(j, span_of(*name));
    }
    json_close(j, ']');
}

static void write_sampling(struct json *j)
{
    json_name_number(j, "temperature", 1);
    json_name(j, "topP");
    text_put(j->out, "0.95");
    json_name_number(j, "topK", 64);
    json_name_number(j, "maxTemperature", 2);
}

static void write_model(struct json *j, const struct model *model)
{
    struct text name = {0};

    text_format(&name, "models/%s", model->name);
    json_open(j, '{');
    json_name_text(j, "name", text_span(&name));
    json_name_text(j, "version", span_of(model->version));
    json_name_text(j, "displayName", span_of(model->title));
    json_name_text(j, "description", span_of("A simulated model."));
    json_name_number(j, "inputTokenLimit", model->input_tokens);
    json_name_number(j, "outputTokenLimit", model->output_tokens);
    write_methods(j, model);
    if (model_generates(model))
        write_sampling(j);
    if (model->thinking != THINKS_NOT) {
        json_name(j, "thinking");
        text_put(j->out, "true");
    }
    json_close(j, '}');
    text_clear(&name);
}

void model_write(struct text *out, const struct model *model, bool pretty)
{
    struct json j = {.out = out, .pretty = pretty};

    write_model(&j, model);
    text_put(out, "\n");
}

void model_write_list(struct text *out, size_t begin, size_t size, bool pretty)
{
    struct json j = {.out = out, .pretty = pretty};
    size_t shown = 0;
    size_t index = 0;

    json_open(&j, '{');
    json_name(&j, "models");
    json_open(&j, '[');
    for (size_t i = 0; i < COUNT(models); i++) {
        if (model_can(&models[i], IS_GONE) || index++ < begin || shown == size)
            continue;
        json_item(&j);
        write_model(&j, &models[i]);
        shown++;
    }
    json_close(&j, ']');
    if (begin + shown < index) {
        json_name(&j, "nextPageToken");
        text_format(out, "\"page-%zu\"", begin + shown);
    }
    json_close(&j, '}');
    text_put(out, "\n");
}
