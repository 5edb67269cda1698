/* SPDX-License-Identifier: Apache-2.0 */
/* The rules for answers that are not text; prompt.c calls it. What must stay true: the lists of
 * ratios, sizes and voices are Google's. */
#include "output.h"

#include <stdio.h>

static const char *const ratios[] = {"1:1",  "2:3",  "3:2",  "3:4", "4:3", "4:5", "5:4",
                                     "9:16", "16:9", "21:9", "1:4", "4:1", "1:8", "8:1"};
#define RATIOS_COMMON 10 /* the others are only for models that know sizes */

static const char *const voices[] = {
    "Zephyr",    "Puck",          "Charon",       "Kore",      "Fenrir",     "Leda",
    "Orus",      "Aoede",         "Callirrhoe",   "Autonoe",   "Enceladus",  "Iapetus",
    "Umbriel",   "Algieba",       "Despina",      "Erinome",   "Algenib",    "Rasalgethi",
    "Laomedeia", "Achernar",      "Alnilam",      "Schedar",   "Gacrux",     "Pulcherrima",
    "Achird",    "Zubenelgenubi", "Vindemiatrix", "Sadachbia", "Sadaltager", "Sulafat",
};

bool output_size(struct span ratio, int *width, int *height)
{
    for (size_t i = 0; i < COUNT(ratios); i++) {
        if (!span_is(ratio, ratios[i]))
            continue;
        int x = 1;
        int y = 1;
        sscanf(ratios[i], "%d:%d", &x, &y);
        *width = 64 * x / (x > y ? x : y);
        *height = 64 * y / (x > y ? x : y);
        return true;
    }
    return false;
}

enum {
    WANTS_TEXT = 1,
    WANTS_IMAGE = 2,
    WANTS_AUDIO = 4,
};

static unsigned modality_bit(yyjson_val *modality)
{
    static const char *const names[] = {"TEXT", "IMAGE", "AUDIO"};

    for (size_t i = 0; i < COUNT(names); i++)
        if (yyjson_equals_str(modality, names[i]) ||
            (yyjson_is_int(modality) && yyjson_get_sint(modality) == (int64_t)i + 1))
            return 1u << i;
    return 0;
}

/* What each kind of model answers with: the combinations, and that without a wish. */
static const struct kind {
    unsigned combinations[3];
    unsigned usual;
    const char *list;
} kinds[] = {
    [MODEL_TEXT] = {{WANTS_TEXT}, WANTS_TEXT, "* TEXT\n"},
    [MODEL_IMAGE] = {{WANTS_TEXT | WANTS_IMAGE, WANTS_IMAGE, WANTS_TEXT},
                     WANTS_TEXT | WANTS_IMAGE,
                     "* TEXT, IMAGE\n* IMAGE\n* TEXT\n"},
    [MODEL_SPEECH] = {{WANTS_AUDIO}, WANTS_TEXT, "* AUDIO\n"},
};

static void refuse_modalities(struct violations *v, unsigned wants, const struct model *model)
{
    violations_refuse(v,
                      "The requested combination of response modalities (%s%s%s) is not supported "
                      "by the model. models/%s accepts the following combination of response "
                      "modalities:\n%s",
                      wants & WANTS_TEXT ? "TEXT" : "",
                      wants & WANTS_IMAGE ? (wants & WANTS_TEXT ? ", IMAGE" : "IMAGE") : "",
                      wants & WANTS_AUDIO ? (wants & ~WANTS_AUDIO ? ", AUDIO" : "AUDIO") : "",
                      model->name, kinds[model->kind].list);
}

static void read_modalities(struct prompt *prompt, struct violations *v, yyjson_val *modalities,
                            const struct model *model)
{
    struct schema_list list = schema_list(modalities);
    const struct kind *kind = &kinds[model->kind];
    unsigned wants = list.count == 0 ? kind->usual : 0;
    yyjson_val *one;

    while ((one = schema_next(&list)) != NULL)
        wants |= modality_bit(one);
    prompt->wants_image = (wants & WANTS_IMAGE) != 0;
    for (size_t i = 0; i < COUNT(kind->combinations); i++)
        if (wants == kind->combinations[i] && wants != 0)
            return;
    refuse_modalities(v, wants, model);
}

static void check_image(struct violations *v, yyjson_val *image, const struct model *model)
{
    struct span ratio = schema_span(schema_get(image, "aspectRatio"));
    struct span size = schema_span(schema_get(image, "imageSize"));
    bool has_sizes = model_can(model, CAN_SIZE);
    bool is_found = false;

    if (image == NULL)
        return;
    if (model->kind != MODEL_IMAGE)
        violations_refuse(v, "Image config is not enabled for models/%s\n", model->name);
    for (size_t i = 0; i < (has_sizes ? COUNT(ratios) : RATIOS_COMMON); i++)
        is_found = is_found || span_is(ratio, ratios[i]);
    if (ratio.len != 0 && !is_found)
        violations_refuse(v,
                          "* GenerateContentRequest.generation_config.image_config.aspect_ratio: "
                          "aspect_ratio must be one of '1:1', '2:3', '3:2', '3:4', '4:3', "
                          "'4:5', '5:4', '9:16', '16:9', or '21:9'.\n");
    if (size.len != 0 && !has_sizes)
        violations_refuse(v, "Image size is not enabled for models/%s\n", model->name);
    else if (size.len != 0 && !span_is(size, "512") && !span_is(size, "1K") &&
             !span_is(size, "2K") && !span_is(size, "4K"))
        violations_refuse(v, "* GenerateContentRequest.generation_config.image_config.image_size: "
                             "image_size must be one of '512', '1K', '2K' or '4K'.\n");
}

static void check_voice(struct violations *v, yyjson_val *config)
{
    struct span name =
        schema_span(schema_get(schema_get(config, "prebuiltVoiceConfig"), "voiceName"));

    if (config == NULL)
        return;
    for (size_t i = 0; i < COUNT(voices); i++)
        if (name.len == strlen(voices[i]) && strncasecmp(name.at, voices[i], name.len) == 0)
            return;
    violations_refuse(v, "Voice name %.*s is not supported.\n", (int)span_first(name, 60).len,
                      name.len != 0 ? name.at : "");
}

static void check_speech(struct violations *v, yyjson_val *speech, const struct model *model)
{
    yyjson_val *several = schema_get(speech, "multiSpeakerVoiceConfig");
    struct schema_list speakers = schema_list(schema_get(several, "speakerVoiceConfigs"));
    yyjson_val *speaker;

    if (speech == NULL)
        return;
    if (model->kind != MODEL_SPEECH)
        violations_refuse(v, "Speech config is not enabled for models/%s\n", model->name);
    check_voice(v, schema_get(speech, "voiceConfig"));
    if (several != NULL && speakers.count != 2)
        violations_refuse(v, "* GenerateContentRequest.generation_config.speech_config."
                             "multi_speaker_voice_config: the number of enabled_voices must equal "
                             "2.\n");
    while ((speaker = schema_next(&speakers)) != NULL)
        check_voice(v, schema_get(speaker, "voiceConfig"));
}

void output_read(struct prompt *prompt, struct violations *v, yyjson_val *config,
                 const struct model *model)
{
    prompt->ratio = schema_span(schema_get(schema_get(config, "imageConfig"), "aspectRatio"));
    if (model_generates(model))
        read_modalities(prompt, v, schema_get(config, "responseModalities"), model);
    check_image(v, schema_get(config, "imageConfig"), model);
    check_speech(v, schema_get(config, "speechConfig"), model);
}
