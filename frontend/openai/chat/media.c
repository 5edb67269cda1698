/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures in the messages of chat/completions. Called by openai_messages.c, which has opened the
 * part that they go into. What must stay true: nothing is fetched: a picture that isn't in the
 * request is refused. */
#include "parts/data_url.h"
#include "openai/chat/request_private.h"

enum {
    IMAGE_TOKENS = 258,        /* what one costs, about */
    INLINE_MOST = 100u << 20u, /* bytes of base64 in one request */
};

/* An image part may hold its URL in an object or as it is, and `detail` beside the one or the
 * other. */
struct image {
    yyjson_val *url;
    yyjson_val *detail;
    const char *param; /* of the URL */
};

static struct image image_of(yyjson_val *part, const struct place *place)
{
    yyjson_val *holder = json_member(part, VIEW("image_url"));
    bool is_object = yyjson_is_obj(holder);
    struct image image = {.url = holder, .detail = json_member(part, VIEW("detail"))};

    if (is_object) {
        image.url = json_member(holder, VIEW("url"));
        if (json_member(holder, VIEW("detail")))
            image.detail = json_member(holder, VIEW("detail"));
    }
    image.param = chat_param("messages[%zu].%s[%zu].image_url%s", place->message, place->list,
                             place->index, is_object ? ".url" : "");
    return image;
}

static bool check_image(struct chat *chat, const struct image *image)
{
    struct view url = json_view(image->url);

    if (!image->url)
        return chat_refuse(chat, ERROR_MISSING_PARAMETER, image->param,
                           "Missing required parameter: '%s'.", image->param);
    if (!yyjson_is_str(image->url))
        return chat_refuse_type(chat, image->param, "a string", image->url);
    if (!data_url_is(url))
        return chat_refuse(chat, ERROR_UNSUPPORTED_VALUE, image->param,
                           "Unsupported value: '%s' must be a data URL with the image in base64 "
                           "(data:image/png;base64,…); other URLs are not fetched.",
                           image->param);
    return true;
}

/* How closely the model is to look, where it lets itself be told. */
static bool write_detail(struct chat *chat, const struct image *image, const struct place *place)
{
    static const struct {
        const char *detail;
        struct view level;
    } levels[] = {
        {"auto", {"", 0}}, {"low", {"LOW", 3}}, {"high", {"HIGH", 4}}, {"original", {"", 0}}};
    struct bytes *out = &chat->ask->body;
    const char *param;

    if (!image->detail)
        return true;
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (!view_equal(json_view(image->detail), view_of(levels[i].detail)))
            continue;
        if (levels[i].level.len && chat->model->takes_resolution &&
            !chat_is_refused(chat, REFUSED_MEDIA_RESOLUTION)) {
            bytes_append(out, VIEW(",\"mediaResolution\":{\"level\":\"MEDIA_RESOLUTION_"));
            bytes_append(out, levels[i].level);
            bytes_append(out, VIEW("\"}"));
        }
        return true;
    }
    param = chat_param("messages[%zu].%s[%zu].image_url.detail", place->message, place->list,
                       place->index);
    if (!yyjson_is_str(image->detail))
        return chat_refuse_type(chat, param, "a string", image->detail);
    return chat_refuse(chat, ERROR_BAD_VALUE, param,
                       "Invalid value: '%s' may be 'auto', 'low' or 'high'.", param);
}

bool chat_picture(struct view url, struct bytes *out)
{
    bytes_append(out, VIEW("{\"inlineData\":{"));
    if (data_url_write(url, out))
        return false;
    bytes_append(out, VIEW("}}"));
    return true;
}

bool chat_count_picture(struct chat *chat, size_t len, const char *param)
{
    uint64_t most = chat->model->inline_limit ? chat->model->inline_limit : INLINE_MOST;

    chat->text_size += 4ULL * IMAGE_TOKENS;
    chat->inline_size += len;
    if (chat->inline_size <= most)
        return true;
    return chat_refuse(chat, ERROR_TOO_LARGE, param,
                       "The images of the request are too large: this model takes %llu MiB of "
                       "them at most.",
                       (unsigned long long)(most >> 20));
}

bool chat_image(struct chat *chat, yyjson_val *part, const struct place *place)
{
    struct bytes *out = &chat->ask->body;
    size_t start = out->len;
    struct image image = image_of(part, place);
    const char *fault;

    if (!check_image(chat, &image))
        return false;
    bytes_append(out, VIEW("{\"inlineData\":{"));
    fault = data_url_write(json_view(image.url), out);
    if (fault)
        return chat_refuse(chat, ERROR_BAD_VALUE, image.param,
                           "Invalid value: '%s' is not a good data URL: %s.", image.param, fault);
    bytes_append(out, VIEW("}"));
    if (!chat_count_picture(chat, out->len - start, image.param) ||
        !write_detail(chat, &image, place))
        return false;
    bytes_append(out, VIEW("}"));
    return true;
}
