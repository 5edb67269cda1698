/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures, sound, videos and files in the messages of chat/completions. Called by messages.c and
 * tool_turns.c, which have opened the content that they go into. What must stay true: an address is
 * judged in one place, write_address; and what is written is of a type that the client or the data
 * names.
 *
 * A new kind of part is a line in `kinds`, and a reader if it holds its data in another way. */
#include "openai/chat/media.h"

#include "objects/objects.h"
#include "parts/address.h"
#include "parts/data_url.h"
#include "settings/settings.h"

enum {
    IMAGE_TOKENS = 258,        /* what a picture or a page costs, about */
    INLINE_MOST = 100u << 20u, /* bytes of base64 in one request */
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* What a part says of its data, wherever it says so. */
struct medium {
    struct view address; /* may be base64 alone if may_be_bare */
    bool may_be_bare;
    struct view type;    /* as the client calls it; may be empty */
    const char *assumed; /* type of data that says none and shows none; NULL: there is none such */
    const char *family;  /* of which `type` is a format: audio/ of wav; NULL: it is whole */
    bool is_file;        /* of any type */
    yyjson_val *detail, *video;
    const char *param; /* of the address */
};

/* ---- where parts say it ---- */

static const char *param_of(const struct place *place, const char *member, const char *inner)
{
    return chat_param("messages[%zu].%s[%zu].%s%s%s", place->message, place->list, place->index,
                      member, *member && *inner ? "." : "", inner);
}

static bool refuse_missing(struct chat *chat, const char *param)
{
    return chat_refuse(chat, ERROR_MISSING_PARAMETER, param, "Missing required parameter: '%s'.",
                       param);
}

/* The member's text; false: it is there and no text, or it is not there and must be. */
static bool take_text(struct chat *chat, yyjson_val *value, const char *param, bool must,
                      struct view *text)
{
    *text = json_view(value);
    if (!value)
        return !must || refuse_missing(chat, param);
    return yyjson_is_str(value) || chat_refuse_type(chat, param, "a string", value);
}

static yyjson_val *any_of(yyjson_val *object, const char *const names[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        yyjson_val *value = json_member(object, view_of(names[i]));
        if (value)
            return value;
    }
    return NULL;
}

/* What may stand in the part or in the object with its data. */
static void take_common(yyjson_val *part, yyjson_val *holder, struct medium *medium)
{
    static const char *const videos[] = {"video_metadata", "videoMetadata"};
    static const char *const types[] = {"mime_type", "mimeType", "media_type"};
    yyjson_val *detail = json_member(holder, VIEW("detail"));
    yyjson_val *video = any_of(holder, videos, COUNT_OF(videos));
    yyjson_val *type = any_of(holder, types, COUNT_OF(types));

    medium->detail = detail ? detail : json_member(part, VIEW("detail"));
    medium->video = video ? video : any_of(part, videos, COUNT_OF(videos));
    medium->type = json_view(type);
}

/* {type: image_url, image_url: {url}}, or the address in place of the object. */
static bool read_url(struct chat *chat, yyjson_val *part, const char *member,
                     const struct place *place, struct medium *medium)
{
    yyjson_val *holder = json_member(part, view_of(member));
    yyjson_val *file = json_member(part, VIEW("file_id"));
    bool is_object = yyjson_is_obj(holder);

    take_common(part, is_object ? holder : NULL, medium);
    if (!holder && file) { /* an input_image may name a file instead */
        medium->param = param_of(place, "file_id", "");
        return take_text(chat, file, medium->param, true, &medium->address);
    }
    medium->param = param_of(place, member, is_object ? "url" : "");
    return take_text(chat, is_object ? json_member(holder, VIEW("url")) : holder, medium->param,
                     true, &medium->address);
}

/* {type: input_audio, input_audio: {data, format}}; some write an address for data. */
static bool read_data(struct chat *chat, yyjson_val *part, const char *member,
                      const struct place *place, struct medium *medium)
{
    yyjson_val *holder = json_member(part, view_of(member));
    struct view format;

    take_common(part, holder, medium);
    medium->may_be_bare = true;
    medium->param = param_of(place, member, "");
    if (!holder)
        return refuse_missing(chat, medium->param);
    if (!yyjson_is_obj(holder))
        return chat_refuse_type(chat, medium->param, "an object", holder);
    medium->param = param_of(place, member, "format");
    if (!take_text(chat, json_member(holder, VIEW("format")), medium->param, false, &format))
        return false;
    if (format.len)
        medium->type = format;
    if (format.len && !memchr(format.at, '/', format.len))
        medium->family = member[6] == 'a' ? "audio/" : "video/";
    medium->param = param_of(place, member, "data");
    return take_text(chat, json_member(holder, VIEW("data")), medium->param, true,
                     &medium->address);
}

/* The member of a file that has its data or says where it is; the first, if none is there. */
static const char *source_of(yyjson_val *holder)
{
    static const char *const sources[] = {"file_data", "file_id", "file_url", "url"};

    for (size_t i = 0; i < COUNT_OF(sources); i++)
        if (json_member(holder, view_of(sources[i])))
            return sources[i];
    return sources[0];
}

/* {type: file, file: {file_data | file_id | file_url, filename}}; an input_file has it all beside
 * its type. */
static bool read_file(struct chat *chat, yyjson_val *part, const char *member,
                      const struct place *place, struct medium *medium)
{
    yyjson_val *holder = *member ? json_member(part, view_of(member)) : part;
    const char *source = source_of(holder);
    struct view format = json_view(json_member(holder, VIEW("format")));

    take_common(part, holder, medium);
    medium->param = param_of(place, member, "");
    if (!holder)
        return refuse_missing(chat, medium->param);
    if (!yyjson_is_obj(holder))
        return chat_refuse_type(chat, medium->param, "an object", holder);
    if (format.len)
        medium->type = format;
    medium->may_be_bare = strcmp(source, "file_data") == 0;
    medium->assumed = address_type(json_view(json_member(holder, VIEW("filename"))));
    if (!medium->assumed && medium->may_be_bare)
        medium->assumed = "application/pdf";
    medium->param = param_of(place, member, source);
    return take_text(chat, json_member(holder, view_of(source)), medium->param, true,
                     &medium->address);
}

static const struct kind {
    const char *type, *word, *member;
    bool (*read)(struct chat *chat, yyjson_val *part, const char *member, const struct place *place,
                 struct medium *medium);
} kinds[] = {
    {"image_url", "image", "image_url", read_url},
    {"input_image", "image", "image_url", read_url},
    {"input_audio", "audio", "input_audio", read_data},
    {"audio_url", "audio", "audio_url", read_url},
    {"video_url", "video", "video_url", read_url},
    {"input_video", "video", "input_video", read_data},
    {"file", "file", "file", read_file},
    {"input_file", "file", "", read_file},
    {"file_url", "file", "file_url", read_url},
};

static const struct kind *kind_of(struct view type)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (view_equal(type, view_of(kinds[i].type)))
            return &kinds[i];
    return NULL;
}

const char *media_word(struct view type)
{
    const struct kind *kind = kind_of(type);

    return kind ? kind->word : NULL;
}

bool media_is_inline(yyjson_val *part)
{
    static const char *const names[] = {"url", "data", "file_data", "file_id", "file_url"};
    const struct kind *kind = kind_of(json_view(json_member(part, VIEW("type"))));
    yyjson_val *holder = part;
    enum address_kind address;

    if (kind && *kind->member && json_member(part, view_of(kind->member)))
        holder = json_member(part, view_of(kind->member));
    if (yyjson_is_obj(holder))
        holder = any_of(holder, names, COUNT_OF(names));
    address = address_kind(json_view(holder));
    return address == ADDRESS_DATA || address == ADDRESS_OTHER;
}

/* ---- as the provider takes it ---- */

/* The type that the client has given, whole, into `type`. */
static void write_type(const struct medium *medium, struct bytes *type)
{
    const char *known;

    if (!medium->family) {
        bytes_append(type, medium->type);
        return;
    }
    bytes_text(type, medium->family);
    bytes_append(type, medium->type);
    type->at[5] = '.';
    known = medium->family[0] == 'v' ? address_type(bytes_view(type)) : NULL;
    type->at[5] = '/';
    if (!known)
        return;
    type->len = 0;
    bytes_text(type, known);
}

static bool write_data(struct chat *chat, const struct medium *medium, bool is_url)
{
    struct bytes *out = &chat->ask->body, type = {0};
    const char *fault;

    bytes_append(out, VIEW("{\"inlineData\":{"));
    write_type(medium, &type);
    fault = is_url ? data_url_write_as(medium->address, medium->assumed, out)
                   : data_base64_write(medium->address, bytes_view(&type), medium->assumed, out);
    bytes_clear(&type);
    bytes_append(out, VIEW("}"));
    return !fault ||
           chat_refuse(chat, ERROR_BAD_VALUE, medium->param, "Invalid value: '%s' is not %s: %s.",
                       medium->param, is_url ? "a good data URL" : "good base64", fault);
}

/* The provider keeps it for one key, which then is the only one that will do. */
static bool note_file(struct chat *chat, const struct medium *medium, struct view uri)
{
    struct view object = object_of_text(uri);

    return !object.len || object_add(&chat->ask->names, object) ||
           chat_refuse(chat, ERROR_BAD_VALUE, medium->param,
                       "Invalid value: the request names too many files.");
}

/* The provider gets it by itself. The type is the client's word, else `known`, which may be NULL. */
static bool write_uri(struct chat *chat, const struct medium *medium, const char *known)
{
    struct bytes *out = &chat->ask->body, text = {0};
    bool is_good;

    address_write(medium->address, &text);
    is_good = note_file(chat, medium, bytes_view(&text));
    bytes_append(out, VIEW("{\"fileData\":{\"fileUri\":"));
    json_text(out, bytes_view(&text));
    text.len = 0;
    if (medium->type.len)
        write_type(medium, &text);
    else
        bytes_text(&text, known ? known : "");
    if (text.len) {
        json_key(out, VIEW("mimeType"));
        json_text(out, bytes_view(&text));
    }
    bytes_append(out, VIEW("}"));
    bytes_clear(&text);
    return is_good;
}

static bool refuse_address(struct chat *chat, const struct medium *medium)
{
    return chat_refuse(chat, ERROR_UNSUPPORTED_VALUE, medium->param,
                       "Unsupported value: '%s' must be a data URL (data:image/png;base64,…), an "
                       "http(s) address, that of a YouTube video, or a file of the provider's "
                       "(files/…).",
                       medium->param);
}

/* We fetch it, and what comes takes the place that is kept for it here. */
static bool write_fetched(struct chat *chat, const struct medium *medium)
{
    struct bytes *out = &chat->ask->body, type = {0};
    const char *by_name = address_type(medium->address);
    struct fetch_wish wish = {.url = medium->address,
                              .assumed = by_name ? by_name : medium->assumed,
                              .is_file = medium->is_file,
                              .param = medium->param};
    const char *fault;

    write_type(medium, &type);
    wish.type = bytes_view(&type);
    bytes_append(out, VIEW("{\"inlineData\":{"));
    fault = fetches_add(&chat->ask->fetches, &wish, out);
    bytes_clear(&type);
    bytes_append(out, VIEW("}"));
    return !fault ||
           chat_refuse(chat, ERROR_BAD_VALUE, medium->param,
                       "Invalid value: '%s' cannot be fetched: %s.", medium->param, fault);
}

static bool write_web(struct chat *chat, const struct medium *medium)
{
    const char *type = address_type(medium->address), *way = settings_now()->media_urls;

    if (strcmp(way, "fetch") == 0)
        return write_fetched(chat, medium);
    if (strcmp(way, "off") == 0)
        return chat_refuse(chat, ERROR_UNSUPPORTED_VALUE, medium->param,
                           "Unsupported value: '%s' must be a data URL: this gateway fetches "
                           "nothing.",
                           medium->param);
    if (chat->model->has_no_urls)
        return chat_refuse(chat, ERROR_UNSUPPORTED_VALUE, medium->param,
                           "Unsupported value: '%s' must be a data URL: this model does not get "
                           "what is at an address.",
                           medium->param);
    return write_uri(chat, medium, type ? type : medium->assumed);
}

/* The one place where an address is judged. */
static bool write_address(struct chat *chat, const struct medium *medium)
{
    switch (address_kind(medium->address)) {
    case ADDRESS_DATA:
        return write_data(chat, medium, true);
    case ADDRESS_FILE:
        return write_uri(chat, medium, medium->assumed);
    case ADDRESS_YOUTUBE:
        return write_uri(chat, medium, NULL);
    case ADDRESS_WEB:
        return write_web(chat, medium);
    case ADDRESS_OTHER:
        break;
    }
    return medium->may_be_bare ? write_data(chat, medium, false) : refuse_address(chat, medium);
}

/* ---- how it is to be looked at ---- */

/* How closely the model is to look, where it lets itself be told. */
static bool write_detail(struct chat *chat, yyjson_val *detail, const struct place *place)
{
    static const struct {
        const char *detail, *level; /* "": as the model likes */
    } levels[] = {{"auto", ""},     {"low", "LOW"},   {"medium", "MEDIUM"},
                  {"high", "HIGH"}, {"original", ""}, {"ultra_high", "ULTRA_HIGH"}};
    const char *param;

    if (!detail)
        return true;
    for (size_t i = 0; i < COUNT_OF(levels); i++) {
        if (!view_equal(json_view(detail), view_of(levels[i].detail)))
            continue;
        if (*levels[i].level && chat->model->takes_resolution &&
            !chat_is_refused(chat, REFUSED_MEDIA_RESOLUTION))
            bytes_printf(&chat->ask->body,
                         ",\"mediaResolution\":{\"level\":\"MEDIA_RESOLUTION_%s\"}",
                         levels[i].level);
        return true;
    }
    param = param_of(place, "image_url", "detail");
    if (!yyjson_is_str(detail))
        return chat_refuse_type(chat, param, "a string", detail);
    return chat_refuse(chat, ERROR_BAD_VALUE, param,
                       "Invalid value: '%s' may be 'auto', 'low' or 'high'.", param);
}

/* Which frames of a video: {fps, start_offset, end_offset}, an offset as "12s" or a number. */
static bool write_video(struct chat *chat, yyjson_val *video, const struct place *place)
{
    static const char *const names[][3] = {{"fps", "fps", "fps"},
                                           {"startOffset", "start_offset", "startOffset"},
                                           {"endOffset", "end_offset", "endOffset"}};
    struct bytes *out = &chat->ask->body;

    if (!video)
        return true;
    if (!yyjson_is_obj(video))
        return chat_refuse_type(chat, param_of(place, "video_metadata", ""), "an object", video);
    bytes_append(out, VIEW(",\"videoMetadata\":{"));
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        yyjson_val *value = any_of(video, names[i] + 1, 2);
        if (!value)
            continue;
        json_key(out, view_of(names[i][0]));
        bytes_text(out, i && yyjson_is_raw(value) ? "\"" : "");
        json_value(out, value);
        bytes_text(out, i && yyjson_is_raw(value) ? "s\"" : "");
    }
    bytes_append(out, VIEW("}"));
    return true;
}

/* ---- all of it ---- */

bool media_picture(struct view url, struct bytes *out)
{
    bytes_append(out, VIEW("{\"inlineData\":{"));
    if (data_url_write(url, out))
        return false;
    bytes_append(out, VIEW("}}"));
    return true;
}

uint64_t media_most(const struct chat *chat)
{
    return chat->model->inline_limit ? chat->model->inline_limit : INLINE_MOST;
}

bool media_count(struct chat *chat, size_t len, const char *param)
{
    uint64_t most = media_most(chat);

    chat->text_size += 4ULL * IMAGE_TOKENS;
    chat->inline_size += len;
    if (chat->inline_size <= most)
        return true;
    return chat_refuse(chat, ERROR_TOO_LARGE, param,
                       "The images and files of the request are too large: this model takes %llu "
                       "MiB of them at most.",
                       (unsigned long long)(most >> 20));
}

static bool read_and_write(struct chat *chat, yyjson_val *part, const struct place *place,
                           struct medium *medium)
{
    const struct kind *kind = kind_of(json_view(json_member(part, VIEW("type"))));
    size_t start = chat->ask->body.len;

    kind = kind ? kind : &kinds[0]; /* of a list of images */
    medium->is_file = strcmp(kind->word, "file") == 0;
    return kind->read(chat, part, kind->member, place, medium) && write_address(chat, medium) &&
           media_count(chat, chat->ask->body.len - start, medium->param);
}

bool media_part(struct chat *chat, yyjson_val *part, const struct place *place)
{
    struct medium medium = {0};

    if (!read_and_write(chat, part, place, &medium) || !write_detail(chat, medium.detail, place) ||
        !write_video(chat, medium.video, place))
        return false;
    bytes_append(&chat->ask->body, VIEW("}"));
    return true;
}

bool media_result_part(struct chat *chat, yyjson_val *part, const struct place *place)
{
    struct medium medium = {0};

    if (!read_and_write(chat, part, place, &medium))
        return false;
    bytes_append(&chat->ask->body, VIEW("}"));
    return true;
}
