/* SPDX-License-Identifier: Apache-2.0 */
/* Requests for pictures. Called by the endpoints of images. What must stay true: what would change
 * the picture is translated or refused by name; what is a hint only is checked and left to the
 * model. */
#include "openai/images/wish.h"

#include "models/model.h"
#include "settings/options.h"

enum {
    PROMPT_MOST = 32000, /* characters */
    COUNT_MOST = 10,
    HINT_MOST = 12, /* bytes of a hint's value */
};

static const char *const qualities[] = {"auto", "low", "medium", "high", "hd", "standard", NULL};
static const char *const formats[] = {"png", "jpeg", "webp", NULL};

/* ---- the model ---- */

/* OpenAI's own models are asked for by programs that know no others. */
static bool is_openais(struct view model)
{
    static const struct view heads[] = {{"dall-e", 6}, {"gpt-image", 9}, {"chatgpt-image", 13}};

    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        if (view_starts(model, heads[i]))
            return true;
    return false;
}

static bool read_model(struct image_wish *wish, struct inputs *inputs)
{
    struct view asked = {0}, name;
    int shown;

    if (!inputs_asked(inputs, &asked))
        return false;
    if (!asked.len || is_openais(asked))
        asked = view_of(settings_now()->create_image_model);
    shown = asked.len < 128 ? (int)asked.len : 128;
    if (!inputs_model(inputs, asked, &name))
        return false;
    wish->facts = model_facts(name);
    wish->is_imagen = view_starts(name, VIEW("imagen-"));
    if (!wish->is_imagen && !wish->facts->makes_images)
        return inputs_refuse(inputs, ERROR_NO_MODEL, "model",
                             "The model '%.*s' does not make images.", shown, asked.at);
    bytes_copy(&wish->model, name);
    return true;
}

/* ---- size and shape ---- */

static enum ratio_set ratios_of(const struct image_wish *wish)
{
    if (wish->is_imagen)
        return RATIOS_IMAGEN;
    return wish->facts->has_wide_ratios ? RATIOS_GEMINI_WIDE : RATIOS_GEMINI;
}

/* Google's own word for the shape, which some clients add, is taken if the model has it. */
static bool read_ratio(struct image_wish *wish, struct inputs *inputs, const char *name)
{
    struct view text = {0};

    if (!inputs_text(inputs, name, &text))
        return false;
    if (!text.len || view_equal(text, VIEW("auto")))
        return true;
    wish->ratio = ratio_find(ratios_of(wish), text);
    return wish->ratio ||
           inputs_refuse(inputs, ERROR_BAD_VALUE, name,
                         "Invalid value: '%s' is no shape that this model has.", name);
}

static bool read_size(struct image_wish *wish, struct inputs *inputs, bool is_high)
{
    struct view text = {0};
    struct image_size size;

    if (!inputs_text(inputs, "size", &text))
        return false;
    if (!image_size_read(view_trim(text), &size))
        return inputs_refuse(inputs, ERROR_BAD_VALUE, "size",
                             "Invalid value: 'size' may be 'auto', WIDTHxHEIGHT as in '1024x1536', "
                             "or a shape as in '16:9'.");
    if (size.width)
        wish->ratio = ratio_nearest(ratios_of(wish), size.width, size.height);
    is_high = is_high && settings_now()->image_quality_larger;
    if (wish->facts->has_image_sizes && (size.longest || is_high))
        wish->size_word = image_size_word(size.longest ? size.longest : 1024, is_high,
                                          wish->facts->has_wide_ratios);
    return read_ratio(wish, inputs, "aspect_ratio") && read_ratio(wish, inputs, "aspectRatio");
}

/* ---- hints in the prompt ---- */

/* The value of a hint that `text` begins with, `{name:value}`; empty: it begins with none. */
static struct view hint_value(struct view text, struct view name)
{
    const char *end;

    if (!view_starts(text, name))
        return VIEW("");
    text = view_skip(text, name.len);
    end = text.len ? memchr(text.at, '}', text.len < HINT_MOST ? text.len : HINT_MOST) : NULL;
    return end ? (struct view){text.at, (size_t)(end - text.at)} : VIEW("");
}

static bool is_made_of(struct view text, const char *characters)
{
    for (size_t i = 0; i < text.len; i++)
        if (!text.at[i] || !strchr(characters, text.at[i]))
            return false;
    return text.len > 0;
}

static bool take_count(struct image_wish *wish, struct inputs *inputs, struct view value)
{
    int64_t count = 0;

    for (size_t i = 0; i < value.len; i++)
        count = count * 10 + (value.at[i] - '0');
    if (count < 1 || count > COUNT_MOST)
        return inputs_refuse(inputs, ERROR_BAD_VALUE, "prompt",
                             "Invalid value: {n:%.*s} in the prompt must be between 1 and %d.",
                             (int)value.len, value.at, COUNT_MOST);
    wish->count = count;
    return true;
}

static bool take_ratio(struct image_wish *wish, struct inputs *inputs, struct view value)
{
    wish->ratio = ratio_find(ratios_of(wish), value);
    return wish->ratio ||
           inputs_refuse(inputs, ERROR_BAD_VALUE, "prompt",
                         "Invalid value: {ratio:%.*s} in the prompt is no shape that this model "
                         "has.",
                         (int)value.len, value.at);
}

/* Takes a hint that the text begins with; `*len` is how long it is, 0: none. */
static bool take_hint(struct image_wish *wish, struct inputs *inputs, struct view text, size_t *len)
{
    struct view count = hint_value(text, VIEW("{n:")), ratio = hint_value(text, VIEW("{ratio:"));

    *len = 0;
    if (is_made_of(count, "0123456789")) {
        *len = count.len + 4;
        return take_count(wish, inputs, count);
    }
    if (is_made_of(ratio, "0123456789:")) {
        *len = ratio.len + 8;
        return take_ratio(wish, inputs, ratio);
    }
    return true;
}

/* Hints win over the members of the request, and the model does not see them. */
static bool read_prompt(struct image_wish *wish, struct inputs *inputs)
{
    struct view text = {0}, left;
    size_t len;

    if (!inputs_needed(inputs, "prompt", PROMPT_MOST, &text))
        return false;
    while (text.len) {
        const char *brace = memchr(text.at, '{', text.len);
        size_t plain = brace ? (size_t)(brace - text.at) : text.len;

        bytes_append(&wish->prompt, (struct view){text.at, plain});
        text = view_skip(text, plain);
        if (!take_hint(wish, inputs, text, &len))
            return false;
        if (!len && text.len) {
            bytes_append(&wish->prompt, VIEW("{"));
            len = 1;
        }
        text = view_skip(text, len);
    }
    left = view_trim(bytes_view(&wish->prompt));
    return left.len || inputs_refuse(inputs, ERROR_MISSING_PARAMETER, "prompt",
                                     "Missing required parameter: 'prompt'.");
}

/* ---- the rest ---- */

/* What is not to be seen in the picture, or has no counterpart: it must be right all the same. */
static bool check_hints(struct inputs *inputs)
{
    static const char *const styles[] = {"vivid", "natural", NULL};
    static const char *const moderations[] = {"auto", "low", NULL};
    static const char *const grounds[] = {"auto", "opaque", "transparent", NULL};
    size_t which = 0, ground = 0;
    int64_t partial = 0;

    if (!inputs_word(inputs, "style", styles, &which) ||
        !inputs_word(inputs, "moderation", moderations, &which) ||
        !inputs_word(inputs, "background", grounds, &ground) ||
        !inputs_integer(inputs, "partial_images", 0, 3, &partial))
        return false;
    return ground < 2 || inputs_refuse(inputs, ERROR_UNSUPPORTED_VALUE, "background",
                                       "Unsupported value: 'background' may be 'auto' or "
                                       "'opaque': these models make no transparent images.");
}

static bool read_reply_wishes(struct image_wish *wish, struct inputs *inputs)
{
    static const char *const replies[] = {"b64_json", "url", NULL};
    size_t reply = 0, format = 0;

    if (!inputs_word(inputs, "response_format", replies, &reply) ||
        !inputs_word(inputs, "output_format", formats, &format) ||
        !inputs_integer(inputs, "output_compression", 0, 100, &wish->compression) ||
        !inputs_flag(inputs, "stream", &wish->is_stream))
        return false;
    wish->wants_url = reply == 1;
    wish->format = formats[format];
    return true;
}

bool image_wish_read(struct image_wish *wish, struct inputs *inputs)
{
    size_t quality = 0;

    wish->count = 1;
    wish->compression = 100;
    if (!read_model(wish, inputs) || !inputs_integer(inputs, "n", 1, COUNT_MOST, &wish->count) ||
        !inputs_word(inputs, "quality", qualities, &quality) ||
        !read_size(wish, inputs, quality == 3 || quality == 4) || !read_prompt(wish, inputs))
        return false;
    wish->quality = qualities[quality];
    return read_reply_wishes(wish, inputs) && check_hints(inputs);
}

void image_wish_clear(struct image_wish *wish)
{
    bytes_clear(&wish->model);
    bytes_clear(&wish->prompt);
}

/* ---- for the provider ---- */

/* Imagen takes one strictness of its filter, and says with the reason what it has left out. */
void image_wish_write_predict(const struct image_wish *wish, int64_t count, struct bytes *out)
{
    bool is_jpeg = strcmp(wish->format, "jpeg") == 0;

    bytes_append(out, VIEW("{\"instances\":[{\"prompt\":"));
    bytes_json(out, view_trim(bytes_view(&wish->prompt)));
    json_int_after(out, VIEW("}],\"parameters\":{\"sampleCount\":"), (uint64_t)count);
    if (wish->ratio)
        bytes_printf(out, ",\"aspectRatio\":\"%s\"", wish->ratio);
    bytes_append(out, VIEW(",\"personGeneration\":\"allow_adult\",\"safetySetting\":"
                           "\"block_low_and_above\",\"includeRaiReason\":true,"
                           "\"outputOptions\":{\"mimeType\":\"image/"));
    bytes_text(out, is_jpeg ? "jpeg\"" : "png\"");
    if (is_jpeg)
        json_int_after(out, VIEW(",\"compressionQuality\":"), (uint64_t)wish->compression);
    bytes_append(out, VIEW("}}}"));
}

static void write_config(const struct image_wish *wish, struct bytes *out)
{
    bytes_append(out, VIEW(",\"generationConfig\":{\"responseModalities\":[\"TEXT\",\"IMAGE\"]"));
    if (wish->ratio || wish->size_word) {
        bytes_append(out, VIEW(",\"imageConfig\":{"));
        if (wish->ratio)
            bytes_printf(out, "\"aspectRatio\":\"%s\"", wish->ratio);
        if (wish->size_word)
            bytes_printf(out, "%s\"imageSize\":\"%s\"", wish->ratio ? "," : "", wish->size_word);
        bytes_append(out, VIEW("}"));
    }
    bytes_append(out, VIEW("}"));
}

void image_wish_write_content(const struct image_wish *wish, struct view parts, struct bytes *out)
{
    struct view safety = view_of(settings_now()->safety_settings);

    bytes_append(out, VIEW("{\"contents\":[{\"role\":\"user\",\"parts\":["));
    bytes_append(out, parts);
    bytes_append(out, VIEW("{\"text\":"));
    bytes_json(out, view_trim(bytes_view(&wish->prompt)));
    bytes_append(out, VIEW("}]}]"));
    if (safety.len > 2) { /* [] */
        bytes_append(out, VIEW(",\"safetySettings\":"));
        bytes_append(out, safety);
    }
    write_config(wish, out);
    bytes_append(out, VIEW("}"));
}
