/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures for clients. Called by the endpoints of images. What must stay true: what a picture is
 * said to be is what the provider says it is; a picture out of a thought is none. */
#include "openai/images/pictures.h"

/* A picture of an answer. */
struct picture {
    struct view type; /* image/png */
    struct view base64;
    struct view prompt; /* what the model made of the prompt, or said beside it */
};

enum { WHY_MOST = 500 };

/* ---- what the provider says ---- */

static void note_reason(struct pictures *pictures, struct view reason)
{
    if (!reason.len || pictures->why.len)
        return;
    if (reason.len > WHY_MOST)
        reason.len = WHY_MOST;
    bytes_copy(&pictures->why, reason);
}

static yyjson_val *either(yyjson_val *object, struct view camel, struct view snake)
{
    yyjson_val *value = json_member(object, camel);

    return value ? value : json_member(object, snake);
}

static uint64_t pictures_in(yyjson_val *details)
{
    uint64_t count = 0;
    size_t i, max;
    yyjson_val *detail;

    yyjson_arr_foreach(details, i, max, detail)
    {
        if (view_equal(json_view(json_member(detail, VIEW("modality"))), VIEW("IMAGE")))
            count += json_count(json_member(detail, VIEW("tokenCount")));
    }
    return count;
}

/* The prompt of several calls is one, and counts once. */
static void note_usage(struct pictures *pictures, yyjson_val *usage)
{
    if (!yyjson_is_obj(usage))
        return;
    if (!pictures->prompt) {
        pictures->prompt = json_member_count(usage, "promptTokenCount");
        pictures->prompt_images = pictures_in(json_member(usage, VIEW("promptTokensDetails")));
    }
    pictures->has_usage = true;
    pictures->answer += json_member_count(usage, "candidatesTokenCount") +
                        json_member_count(usage, "thoughtsTokenCount");
    pictures->answer_images += pictures_in(json_member(usage, VIEW("candidatesTokensDetails")));
}

/* ---- for the client ---- */

/* image/png → png; the reply says what the picture is, whatever was asked for. */
static const char *format_of(struct view type)
{
    static const struct {
        struct view type;
        const char *format;
    } known[] = {
        {{"image/png", 9}, "png"}, {{"image/jpeg", 10}, "jpeg"}, {{"image/webp", 10}, "webp"}};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (view_equal(type, known[i].type))
            return known[i].format;
    return "png";
}

/* Where a made picture becomes the text of `url`: at the operator's host, or in the reply itself. */
static void write_url(const struct pictures *pictures, const struct picture *picture,
                      struct bytes *out)
{
    struct view place = pictures->uploads
                            ? uploads_add(pictures->uploads, picture->type, picture->base64)
                            : VIEW("");

    if (place.len) {
        json_text(out, place);
        return;
    }
    bytes_append(out, VIEW("\"data:"));
    json_escape(out, picture->type);
    bytes_append(out, VIEW(";base64,"));
    json_escape(out, picture->base64);
    bytes_append(out, VIEW("\""));
}

static void write_element(const struct pictures *pictures, const struct picture *picture,
                          struct bytes *out)
{
    if (pictures->count)
        bytes_append(out, VIEW(","));
    else
        json_int_after(out, VIEW("{\"created\":"), pictures->created_s);
    bytes_append(out, pictures->count ? VIEW("{") : VIEW(",\"data\":[{"));
    if (pictures->wish->wants_url) {
        bytes_append(out, VIEW("\"url\":"));
        write_url(pictures, picture, out);
    } else {
        bytes_append(out, VIEW("\"b64_json\":"));
        json_text(out, picture->base64);
    }
    if (picture->prompt.len) {
        bytes_append(out, VIEW(",\"revised_prompt\":"));
        json_text(out, picture->prompt);
    }
    bytes_append(out, VIEW("}"));
}

static void write_usage(const struct pictures *pictures, struct bytes *out)
{
    uint64_t prompt = pictures->prompt, answer = pictures->answer;
    uint64_t images = pictures->prompt_images < prompt ? pictures->prompt_images : prompt;
    uint64_t made = pictures->answer_images < answer ? pictures->answer_images : answer;

    json_int_after(out, VIEW("{\"input_tokens\":"), prompt);
    json_int_after(out, VIEW(",\"output_tokens\":"), answer);
    json_int_after(out, VIEW(",\"total_tokens\":"), prompt + answer);
    json_int_after(out, VIEW(",\"input_tokens_details\":{\"text_tokens\":"), prompt - images);
    json_int_after(out, VIEW(",\"image_tokens\":"), images);
    json_int_after(out, VIEW("},\"output_tokens_details\":{\"text_tokens\":"), answer - made);
    json_int_after(out, VIEW(",\"image_tokens\":"), made);
    bytes_append(out, VIEW("}}"));
}

static void write_event(const struct pictures *pictures, const struct picture *picture,
                        struct bytes *out)
{
    bytes_printf(out, "event: %s\ndata: {\"type\":\"%s\",\"b64_json\":", pictures->event,
                 pictures->event);
    json_text(out, picture->base64);
    json_int_after(out, VIEW(",\"created_at\":"), pictures->created_s);
    bytes_printf(out,
                 ",\"size\":\"auto\",\"quality\":\"%s\",\"background\":\"opaque\","
                 "\"output_format\":\"%s\",\"usage\":",
                 pictures->wish->quality, format_of(picture->type));
    write_usage(pictures, out);
    bytes_append(out, VIEW("}\n\n"));
}

/* For a chat: what Gemini's models say beside a picture belongs to the answer. */
static void write_part(const struct pictures *pictures, const struct picture *picture,
                       struct bytes *out)
{
    bytes_append(out,
                 pictures->count ? VIEW(",") : VIEW("{\"candidates\":[{\"content\":{\"parts\":["));
    if (picture->prompt.len && !pictures->wish->is_imagen) {
        bytes_append(out, VIEW("{\"text\":"));
        json_text(out, picture->prompt);
        bytes_append(out, VIEW("},"));
    }
    bytes_append(out, VIEW("{\"inlineData\":{\"mimeType\":"));
    json_text(out, picture->type);
    bytes_append(out, VIEW(",\"data\":"));
    json_text(out, picture->base64);
    bytes_append(out, VIEW("}}"));
}

static void write_tokens(const char *name, uint64_t count, uint64_t images, struct bytes *out)
{
    images = images < count ? images : count;
    bytes_printf(out, "\"%sTokenCount\":%llu,\"%sTokensDetails\":[", name,
                 (unsigned long long)count, name);
    json_int_after(out, VIEW("{\"modality\":\"TEXT\",\"tokenCount\":"), count - images);
    json_int_after(out, VIEW("},{\"modality\":\"IMAGE\",\"tokenCount\":"), images);
    bytes_append(out, VIEW("}]"));
}

static void end_content(const struct pictures *pictures, struct bytes *out)
{
    bytes_append(out, VIEW("]},\"finishReason\":\"STOP\"}]"));
    if (pictures->has_usage) {
        bytes_append(out, VIEW(",\"usageMetadata\":{"));
        write_tokens("prompt", pictures->prompt, pictures->prompt_images, out);
        bytes_append(out, VIEW(","));
        write_tokens("candidates", pictures->answer, pictures->answer_images, out);
        bytes_append(out, VIEW("}"));
    }
    bytes_append(out, VIEW("}"));
}

static void give(struct pictures *pictures, const struct picture *picture, struct bytes *out)
{
    if (pictures->is_content)
        write_part(pictures, picture, out);
    else if (pictures->wish->is_stream)
        write_event(pictures, picture, out);
    else
        write_element(pictures, picture, out);
    if (!pictures->count++)
        pictures->format = format_of(picture->type);
}

/* ---- answers ---- */

static void take_prediction(struct pictures *pictures, yyjson_val *prediction, struct bytes *out)
{
    struct picture picture = {
        .type = json_view(json_member(prediction, VIEW("mimeType"))),
        .base64 = json_view(json_member(prediction, VIEW("bytesBase64Encoded"))),
        .prompt = json_view(json_member(prediction, VIEW("prompt"))),
    };

    if (!picture.type.len)
        picture.type = VIEW("image/png");
    if (picture.base64.len)
        give(pictures, &picture, out);
    else
        note_reason(pictures, json_view(json_member(prediction, VIEW("raiFilteredReason"))));
}

static void take_predictions(struct pictures *pictures, yyjson_val *predictions, struct bytes *out)
{
    size_t i, max;
    yyjson_val *prediction;

    yyjson_arr_foreach(predictions, i, max, prediction) take_prediction(pictures, prediction, out);
}

/* The first picture, and what is said beside it. */
static struct picture picture_of(yyjson_val *parts)
{
    struct picture picture = {0};
    size_t i, max;
    yyjson_val *part;

    yyjson_arr_foreach(parts, i, max, part)
    {
        yyjson_val *data = either(part, VIEW("inlineData"), VIEW("inline_data"));
        struct view type = json_view(either(data, VIEW("mimeType"), VIEW("mime_type")));

        if (yyjson_is_true(json_member(part, VIEW("thought"))))
            continue;
        if (!picture.prompt.len)
            picture.prompt = view_trim(json_view(json_member(part, VIEW("text"))));
        if (!picture.base64.len && view_starts(type, VIEW("image/"))) {
            picture.base64 = json_view(json_member(data, VIEW("data")));
            picture.type = type;
        }
    }
    return picture;
}

static void take_candidate(struct pictures *pictures, yyjson_val *root, struct bytes *out)
{
    yyjson_val *candidate = yyjson_arr_get_first(json_member(root, VIEW("candidates")));
    yyjson_val *content = json_member(candidate, VIEW("content"));
    struct picture picture = picture_of(json_member(content, VIEW("parts")));
    struct view finish = json_view(json_member(candidate, VIEW("finishReason")));

    note_usage(pictures, json_member(root, VIEW("usageMetadata")));
    if (picture.base64.len) {
        give(pictures, &picture, out);
        return;
    }
    note_reason(pictures, picture.prompt);
    note_reason(pictures, json_view(json_member(candidate, VIEW("finishMessage"))));
    if (!view_equal(finish, VIEW("STOP")))
        note_reason(pictures, finish);
    note_reason(pictures, json_view(json_member(json_member(root, VIEW("promptFeedback")),
                                                VIEW("blockReason"))));
}

bool pictures_take(struct pictures *pictures, struct view json, struct bytes *out)
{
    yyjson_doc *doc = json_read_reply(json);
    yyjson_val *root = yyjson_doc_get_root(doc);
    bool is_object = yyjson_is_obj(root);

    if (pictures->wish->is_imagen)
        take_predictions(pictures, json_member(root, VIEW("predictions")), out);
    else
        take_candidate(pictures, root, out);
    yyjson_doc_free(doc);
    return is_object;
}

void pictures_end(const struct pictures *pictures, struct bytes *out)
{
    if (pictures->is_content)
        end_content(pictures, out);
    if (pictures->is_content || pictures->wish->is_stream)
        return;
    bytes_printf(out, "],\"background\":\"opaque\",\"output_format\":\"%s\"", pictures->format);
    if (pictures->has_usage) {
        bytes_append(out, VIEW(",\"usage\":"));
        write_usage(pictures, out);
    }
    bytes_append(out, VIEW("}"));
}

void pictures_clear(struct pictures *pictures)
{
    bytes_clear(&pictures->why);
}
