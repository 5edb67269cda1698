/* SPDX-License-Identifier: Apache-2.0 */
/* predict, for Imagen; server.c routes here. What must stay true: each prediction is a real picture
 * in the aspect ratio that was asked for, and says truly what type it is. */
#include "media.h"
#include "output.h"
#include "routes.h"
#include "work.h"

#define SAMPLES_MAX 4

struct wish {
    struct span prompt;
    int samples;
    int width;
    int height;
    bool wants_reason;
};

static void complain(struct violations *v, const char *name, const char *words)
{
    violations_refuse(v, "* PredictRequest.parameters.%s: %s\n", name, words);
}

/* Parameters that Imagen takes here; the others are Vertex's. */
static void check_names(struct violations *v, yyjson_val *parameters)
{
    static const char *const names[] = {
        "sampleCount",   "aspectRatio",    "personGeneration",        "safetySetting",
        "guidanceScale", "language",       "includeSafetyAttributes", "includeRaiReason",
        "outputOptions", "sampleImageSize"};
    size_t i;
    size_t count;
    yyjson_val *name;
    yyjson_val *value;

    if (!yyjson_is_obj(parameters))
        return;
    yyjson_obj_foreach(parameters, i, count, name, value)
    {
        bool is_known = false;
        for (size_t k = 0; k < COUNT(names); k++)
            is_known = is_known || yyjson_equals_str(name, names[k]);
        if (!is_known)
            violations_refuse(v,
                              "`%s` isn't supported by this model. Remove it or refer to the "
                              "Gemini API documentation for supported usage.\n",
                              yyjson_get_str(name));
    }
}

static bool is_among(yyjson_val *value, const char *const *words)
{
    for (; *words != NULL; words++)
        if (yyjson_equals_str(value, *words))
            return true;
    return value == NULL;
}

static void check_output(struct violations *v, yyjson_val *options)
{
    static const char *const types[] = {"image/png", "image/jpeg", NULL};
    yyjson_val *quality = yyjson_obj_get(options, "compressionQuality");

    if (!is_among(yyjson_obj_get(options, "mimeType"), types))
        complain(v, "outputOptions.mimeType", "must be image/png or image/jpeg.");
    if (quality != NULL && !(yyjson_get_num(quality) >= 0 && yyjson_get_num(quality) <= 100))
        complain(v, "outputOptions.compressionQuality", "must be between 0 and 100.");
}

static void read_parameters(struct wish *wish, struct violations *v, yyjson_val *parameters)
{
    static const char *const persons[] = {"dont_allow", "allow_adult", "allow_all", NULL};
    static const char *const sizes[] = {"1K", "2K", NULL};
    static const char *const ratios[] = {"1:1", "3:4", "4:3", "9:16", "16:9", NULL};
    static const char *const safety[] = {"block_low_and_above", NULL};
    yyjson_val *samples = yyjson_obj_get(parameters, "sampleCount");
    yyjson_val *ratio = yyjson_obj_get(parameters, "aspectRatio");

    check_names(v, parameters);
    wish->samples = samples != NULL ? (int)yyjson_get_num(samples) : SAMPLES_MAX;
    wish->wants_reason = yyjson_is_true(yyjson_obj_get(parameters, "includeRaiReason"));
    wish->width = wish->height = 64;
    if (wish->samples < 1 || wish->samples > SAMPLES_MAX)
        complain(v, "sampleCount", "must be between 1 and 4.");
    if (!is_among(ratio, ratios))
        complain(v, "aspectRatio", "must be one of '1:1', '3:4', '4:3', '9:16' or '16:9'.");
    else if (ratio != NULL)
        output_size(schema_span(ratio), &wish->width, &wish->height);
    if (!is_among(yyjson_obj_get(parameters, "personGeneration"), persons))
        complain(v, "personGeneration", "must be dont_allow, allow_adult or allow_all.");
    if (!is_among(yyjson_obj_get(parameters, "sampleImageSize"), sizes))
        complain(v, "sampleImageSize", "must be '1K' or '2K'.");
    check_output(v, yyjson_obj_get(parameters, "outputOptions"));
    if (!is_among(yyjson_obj_get(parameters, "safetySetting"), safety))
        complain(v, "safetySetting", "Only block_low_and_above is supported for safetySetting.");
}

static void read_wish(struct wish *wish, struct violations *v, yyjson_val *root)
{
    struct schema_list instances = schema_list(schema_get(root, "instances"));
    yyjson_val *parameters = schema_get(root, "parameters");

    schema_check(v, schema_predict_request, root);
    if (v->count != 0)
        return;
    wish->prompt = schema_span(yyjson_obj_get(schema_next(&instances), "prompt"));
    if (instances.count != 1)
        violations_refuse(v, "* PredictRequest.instances: exactly one instance is needed.\n");
    else if (wish->prompt.len == 0)
        violations_refuse(v, "* PredictRequest.instances[0].prompt: Prompt cannot be empty.\n");
    if (parameters != NULL && !yyjson_is_obj(parameters))
        violations_refuse(v, "* PredictRequest.parameters: must be an object.\n");
    read_parameters(wish, v, parameters);
}

static void write_picture(struct json *j, const struct wish *wish, int index)
{
    uint64_t seed = 14695981039346656037u + (uint64_t)index * 0x40503;
    struct text png = {0};

    for (size_t i = 0; i < wish->prompt.len; i++)
        seed = (seed ^ (unsigned char)wish->prompt.at[i]) * 1099511628211u;
    media_put_png(&png, wish->width, wish->height, seed);
    json_item(j);
    json_open(j, '{');
    json_name_text(j, "mimeType", span_of("image/png"));
    json_name_text(j, "bytesBase64Encoded", text_span(&png));
    json_close(j, '}');
    text_clear(&png);
}

static void write_filtered(struct json *j)
{
    json_item(j);
    json_open(j, '{');
    json_name_text(j, "raiFilteredReason",
                   span_of("Unable to show generated images. All images were filtered out because "
                           "they violated Google's Responsible AI practices."));
    json_close(j, '}');
}

/* Pictures; or, when the key blocks, the reason why there is none, if it was asked for. */
static void write_predictions(struct text *body, const struct work *w, const struct wish *wish)
{
    struct json j = {.out = body, .pretty = w->plan.answer.pretty};
    bool is_blocked = mode_facts(w->mode)->act == ACT_BLOCK;

    json_open(&j, '{');
    if (!is_blocked || wish->wants_reason) {
        json_name(&j, "predictions");
        json_open(&j, '[');
        for (int i = 0; i < wish->samples && !is_blocked; i++)
            write_picture(&j, wish, i);
        if (is_blocked)
            write_filtered(&j);
        json_close(&j, ']');
    }
    json_close(&j, '}');
    text_put(body, "\n");
}

void predict(struct call *call)
{
    struct work w = {0};
    struct wish wish = {0};
    struct text body = {0};

    if (!work_begin(&w, call, OPERATION_PREDICT))
        return;
    work_check_model(&w, w.model != NULL && w.model->kind == MODEL_IMAGEN);
    work_parse(&w);
    if (!w.plan.is_refused)
        read_wish(&wish, &w.violations, yyjson_doc_get_root(w.doc));
    work_settle(&w);
    work_apply_mode(&w);
    work_script(&w);
    if (!w.plan.is_refused)
        work_take_quota(&w, QUOTA_PREDICT, 1, answer_tokens((int64_t)wish.prompt.len));
    if (!w.plan.is_refused)
        write_predictions(&body, &w, &wish);
    work_answer(&w, &body);
}
