/* SPDX-License-Identifier: Apache-2.0 */
/* Media in and out; turn.c reads with it, generate.c and predict.c make pictures. What must stay
 * true: what is sent as a picture is one, and the same seed gives the same bytes. */
#include "media.h"

#include <math.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <zlib.h>

/* -- What comes in -- */

/* A type by its beginning or, ending in "/", a whole family. A token count is of one picture, one
 * page, one second: how long a recording is, this simulator doesn't know. */
static const struct media_type {
    const char *type;
    enum modality modality;
    int tokens;
    unsigned abilities; /* that the model needs for it */
} types[] = {
    {"image/png", MODALITY_IMAGE, 258, 0},
    {"image/jpeg", MODALITY_IMAGE, 258, 0},
    {"image/webp", MODALITY_IMAGE, 258, 0},
    {"image/heic", MODALITY_IMAGE, 258, 0},
    {"image/heif", MODALITY_IMAGE, 258, 0},
    {"image/gif", MODALITY_IMAGE, 258, CAN_SIGN},
    {"image/avif", MODALITY_IMAGE, 258, CAN_SIGN},
    {"audio/wav", MODALITY_AUDIO, 32, 0},
    {"audio/mp3", MODALITY_AUDIO, 32, 0},
    {"audio/mpeg", MODALITY_AUDIO, 32, 0},
    {"audio/aiff", MODALITY_AUDIO, 32, 0},
    {"audio/aac", MODALITY_AUDIO, 32, 0},
    {"audio/ogg", MODALITY_AUDIO, 32, 0},
    {"audio/flac", MODALITY_AUDIO, 32, 0},
    {"audio/m4a", MODALITY_AUDIO, 32, 0},
    {"audio/opus", MODALITY_AUDIO, 32, 0},
    {"audio/pcm", MODALITY_AUDIO, 32, 0},
    {"audio/webm", MODALITY_AUDIO, 32, 0},
    {"video/mp4", MODALITY_VIDEO, 263, 0},
    {"video/mpeg", MODALITY_VIDEO, 263, 0},
    {"video/mov", MODALITY_VIDEO, 263, 0},
    {"video/avi", MODALITY_VIDEO, 263, 0},
    {"video/x-flv", MODALITY_VIDEO, 263, 0},
    {"video/mpg", MODALITY_VIDEO, 263, 0},
    {"video/webm", MODALITY_VIDEO, 263, 0},
    {"video/wmv", MODALITY_VIDEO, 263, 0},
    {"video/3gpp", MODALITY_VIDEO, 263, 0},
    {"video/quicktime", MODALITY_VIDEO, 263, 0},
    {"application/pdf", MODALITY_DOCUMENT, 258, 0},
    {"application/json", MODALITY_TEXT, 0, 0},
    {"application/xml", MODALITY_TEXT, 0, 0},
    {"application/rtf", MODALITY_TEXT, 0, 0},
    {"application/javascript", MODALITY_TEXT, 0, 0},
    {"application/x-javascript", MODALITY_TEXT, 0, 0},
    {"application/x-python-code", MODALITY_TEXT, 0, 0},
    {"text/", MODALITY_TEXT, 0, 0},
};

static const struct media_type *find_type(struct span mime)
{
    const char *end = mime.len != 0 ? memchr(mime.at, ';', mime.len) : NULL;
    struct span plain = span_first(mime, end != NULL ? (size_t)(end - mime.at) : mime.len);

    for (size_t i = 0; i < COUNT(types); i++) {
        bool is_family = types[i].type[strlen(types[i].type) - 1] == '/';
        if (is_family ? span_starts(plain, types[i].type) : span_is(plain, types[i].type))
            return &types[i];
    }
    return NULL;
}

static void read_type(struct prompt *prompt, struct violations *v, struct span mime, size_t bytes,
                      const struct model *model)
{
    const struct media_type *type = find_type(mime);

    if (type == NULL || !model_can(model, type->abilities)) {
        violations_refuse(v, "Unsupported MIME type: %.*s\n", (int)span_first(mime, 100).len,
                          mime.len != 0 ? mime.at : "");
        return;
    }
    if (type->modality == MODALITY_TEXT)
        prompt->text_bytes += bytes;
    else
        prompt->media[type->modality] += type->tokens;
}

static void read_blob(struct prompt *prompt, struct violations *v, yyjson_val *blob,
                      const struct model *model)
{
    struct span data = schema_span(schema_get(blob, "data"));

    if (blob == NULL)
        return;
    read_type(prompt, v, schema_span(schema_get(blob, "mimeType")), data.len / 4 * 3, model);
    if (data.len == 0)
        violations_refuse(v, "Unable to process input image. The inline_data has no data.\n");
}

#define FILES "https://generativelanguage.googleapis.com/v1beta/files/"

/* Files of the API, YouTube, and on newer models any https URL. Without a MIME type it is guessed
 * from nothing: a picture. */
static void read_file(struct prompt *prompt, struct violations *v, yyjson_val *file,
                      const struct model *model)
{
    struct span uri = schema_span(schema_get(file, "fileUri"));
    struct span mime = schema_span(schema_get(file, "mimeType"));
    bool is_known = span_starts(uri, "https://generativelanguage.googleapis.com/") ||
                    span_starts(uri, "https://www.youtube.com/") ||
                    span_starts(uri, "https://youtu.be/");
    bool is_url = span_starts(uri, "https://") || span_starts(uri, "http://");

    if (file == NULL)
        return;
    if (span_starts(uri, FILES))
        prompt->file = span_from(uri, strlen(FILES) - strlen("files/"));
    if (!is_known && !(is_url && model_can(model, CAN_URLS)))
        violations_refuse(v, "Unsupported file uri: %.*s\n", (int)span_first(uri, 200).len,
                          uri.len != 0 ? uri.at : "");
    read_type(prompt, v, mime.len != 0 ? mime : span_of("image/png"), 0, model);
}

static void check_video(struct violations *v, yyjson_val *video, yyjson_val *part)
{
    yyjson_val *fps = schema_get(video, "fps");
    double rate = schema_number(fps);

    if (video == NULL)
        return;
    if (fps != NULL && !(rate > 0 && rate <= 24))
        violations_refuse(
            v, "* GenerateContentRequest.contents.parts.video_metadata.fps: fps must be in the "
               "range (0.0, 24.0].\n");
    if (schema_get(part, "inlineData") == NULL && schema_get(part, "fileData") == NULL)
        violations_refuse(v, "Video metadata is set on a part that has no video data.\n");
}

void media_read(struct prompt *prompt, struct violations *v, yyjson_val *part,
                const struct model *model)
{
    yyjson_val *response = schema_get(part, "functionResponse");
    struct schema_list blobs = schema_list(schema_get(response, "parts"));
    yyjson_val *blob;

    read_blob(prompt, v, schema_get(part, "inlineData"), model);
    read_file(prompt, v, schema_get(part, "fileData"), model);
    while ((blob = schema_next(&blobs)) != NULL)
        read_blob(prompt, v, schema_get(blob, "inlineData"), model);
    check_video(v, schema_get(part, "videoMetadata"), part);
    if (schema_get(part, "mediaResolution") != NULL && !model_can(model, CAN_RESOLUTION))
        violations_refuse(v, "Media resolution is not enabled for models/%s\n", model->name);
}

/* -- What goes out -- */

static void put_base64(struct text *out, const struct text *bytes)
{
    unsigned char *to = (unsigned char *)text_room(out, (bytes->len + 2) / 3 * 4 + 1);

    out->len += (size_t)EVP_EncodeBlock(to, (const unsigned char *)bytes->at, (int)bytes->len);
}

static void put_u32(struct text *out, uint32_t number)
{
    char bytes[4] = {(char)(number >> 24), (char)(number >> 16), (char)(number >> 8), (char)number};

    text_add(out, bytes, sizeof(bytes));
}

static void put_chunk(struct text *png, const char *type, struct span data)
{
    put_u32(png, (uint32_t)data.len);
    size_t begin = png->len;
    text_add(png, type, 4);
    text_add(png, data.at, data.len);
    put_u32(png, (uint32_t)crc32_z(0, (const unsigned char *)png->at + begin, png->len - begin));
}

/* Rows of RGB pixels, each with the filter "none" before it: a gradient. */
static void put_rows(struct text *rows, int width, int height, uint64_t seed)
{
    for (int y = 0; y < height; y++) {
        text_add(rows, "", 1);
        for (int x = 0; x < width; x++) {
            char pixel[3] = {(char)(seed + (uint64_t)(x * 255 / width)),
                             (char)(seed >> 8 ^ (uint64_t)(y * 255 / height)), (char)(seed >> 16)};
            text_add(rows, pixel, sizeof(pixel));
        }
    }
}

void media_put_png(struct text *out, int width, int height, uint64_t seed)
{
    struct text png = {0};
    struct text rows = {0};
    struct text head = {0};

    put_rows(&rows, width, height, seed);
    uLongf len = compressBound(rows.len);
    unsigned char *packed = malloc(len);
    if (packed == NULL ||
        compress2(packed, &len, (const unsigned char *)rows.at, rows.len, 6) != Z_OK)
        abort();
    put_u32(&head, (uint32_t)width);
    put_u32(&head, (uint32_t)height);
    text_add(&head, "\x08\x02\0\0\0", 5); /* 8 bits, RGB */
    text_add(&png, "\x89PNG\r\n\x1a\n", 8);
    put_chunk(&png, "IHDR", text_span(&head));
    put_chunk(&png, "IDAT", (struct span){(char *)packed, len});
    put_chunk(&png, "IEND", (struct span){"", 0});
    put_base64(out, &png);
    free(packed);
    text_clear(&rows);
    text_clear(&head);
    text_clear(&png);
}

void media_put_tone(struct text *out, int ms, uint64_t seed)
{
    struct text samples = {0};
    double step = 2 * 3.14159265358979 * (220 + (double)(seed % 440)) / 24000;

    for (int i = 0; i < ms * 24; i++) {
        int value = (int)(8000 * sin(step * i));
        char bytes[2] = {(char)value, (char)(value >> 8)};
        text_add(&samples, bytes, sizeof(bytes));
    }
    put_base64(out, &samples);
    text_clear(&samples);
}
