/* SPDX-License-Identifier: Apache-2.0 */
/* The table of models; generate.c looks models up and lists them. What must stay true: adding a
 * model is one line. */
#include "model.h"

#define FLASH 1048576, 65536
#define OLD 1048576, 8192

/* name, title, version, tokens in and out, thinks, refuses a last model turn, generates, is gone */
static const struct model models[] = {
    {"gemini-2.5-flash", "Gemini 2.5 Flash", "001", FLASH, true, false, true, false},
    {"gemini-2.5-pro", "Gemini 2.5 Pro", "2.5", FLASH, true, false, true, false},
    {"gemini-2.5-flash-lite", "Gemini 2.5 Flash-Lite", "001", FLASH, true, false, true, false},
    {"gemini-2.0-flash", "Gemini 2.0 Flash", "2.0", OLD, false, false, true, false},
    {"gemini-2.0-flash-exp", "Gemini 2.0 Flash Experimental", "2.0", OLD, false, false, true,
     false},
    {"gemini-2.0-flash-lite", "Gemini 2.0 Flash-Lite", "2.0", OLD, false, false, true, false},
    {"gemini-1.5-flash", "Gemini 1.5 Flash", "001", OLD, false, false, true, false},
    {"gemini-1.5-flash-8b", "Gemini 1.5 Flash-8B", "001", OLD, false, false, true, false},
    {"gemini-1.5-pro", "Gemini 1.5 Pro", "001", 2097152, 8192, false, false, true, false},
    {"gemini-3-flash-preview", "Gemini 3 Flash Preview", "3-preview", FLASH, true, false, true,
     false},
    {"gemini-3.1-pro-preview", "Gemini 3.1 Pro Preview", "3.1-preview", FLASH, true, false, true,
     false},
    {"gemini-3.1-flash-lite", "Gemini 3.1 Flash-Lite", "3.1", FLASH, true, false, true, false},
    {"gemini-3.5-flash", "Gemini 3.5 Flash", "3.5", FLASH, true, false, true, false},
    {"gemini-3.5-flash-lite", "Gemini 3.5 Flash-Lite", "3.5", FLASH, true, true, true, false},
    {"gemini-3.6-flash", "Gemini 3.6 Flash", "3.6", FLASH, true, true, true, false},
    {"gemini-3.7-flash", "Gemini 3.7 Flash", "3.7", FLASH, true, true, true, false},
    {"gemini-3.8-flash", "Gemini 3.8 Flash", "3.8", FLASH, true, true, true, false},
    {"gemini-flash-latest", "Gemini Flash Latest", "3.8", FLASH, true, true, true, false},
    {"gemini-flash-lite-latest", "Gemini Flash-Lite Latest", "3.5", FLASH, true, true, true, false},
    {"gemma-4-31b-it", "Gemma 4 31B", "001", 262144, 32768, false, false, true, false},
    {"gemini-embedding-001", "Gemini Embedding 001", "001", 2048, 1, false, false, false, false},
    {"gemini-1.0-pro", "Gemini 1.0 Pro", "001", 30720, 2048, false, false, true, true},
    {"gemini-3-pro-preview", "Gemini 3 Pro Preview", "3-preview", FLASH, true, false, true, true},
};

const struct model *model_find(struct span name)
{
    for (size_t i = 0; i < COUNT(models); i++)
        if (span_is(name, models[i].name))
            return &models[i];
    return NULL;
}

static void write_methods(struct json *j, const struct model *model)
{
    static const char *const generating[] = {"generateContent", "countTokens",
                                             "createCachedContent", "batchGenerateContent", NULL};
    static const char *const embedding[] = {"embedContent", "countTextTokens",
                                            "asyncBatchEmbedContent", NULL};

    json_name(j, "supportedGenerationMethods");
    json_open(j, '[');
    for (const char *const *name = model->generates ? generating : embedding; *name != NULL;
         name++) {
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
    if (model->generates)
        write_sampling(j);
    if (model->thinks) {
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
        if (models[i].is_gone || index++ < begin || shown == size)
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
