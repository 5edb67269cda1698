/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures of requests. Called by the endpoint of images. */
#include "openai/images/sources.h"

#include <openssl/evp.h>

#include "parts/data_url.h"
#include "parts/media_type.h"
#include "settings/settings.h"

enum { IMAGES_MOST = 16 };

static bool write_file(struct inputs *inputs, const struct form_part *file, struct bytes *parts)
{
    const char *type = media_type_picture(file->body, file->file_name, file->type);
    size_t len = (file->body.len + 2) / 3 * 4;

    if (!file->body.len)
        return inputs_refuse(inputs, ERROR_BAD_VALUE, "image", "Invalid value: 'image' is empty.");
    if (!type)
        return inputs_refuse(inputs, ERROR_BAD_VALUE, "image",
                             "Invalid image file or mode: PNG, JPEG, WebP and HEIC are taken.");
    bytes_printf(parts, "{\"inlineData\":{\"mimeType\":\"%s\",\"data\":\"", type);
    EVP_EncodeBlock((unsigned char *)bytes_room(parts, len + 1),
                    (const unsigned char *)file->body.at, (int)file->body.len);
    parts->len += len;
    bytes_append(parts, VIEW("\"}},"));
    return true;
}

/* Writes what is at the address, or the place that is kept for it. Returns NULL, or what is wrong. */
static const char *write_medium(struct view url, struct fetches *fetches, struct bytes *parts)
{
    bool is_data = data_url_is(url);
    struct fetch_wish wish = {.url = url, .param = "images"};

    if (!is_data && strcmp(settings_now()->media_urls, "fetch") != 0)
        return "this gateway fetches no addresses, it must be a data URL (data:image/png;base64,…)";
    return is_data ? data_url_write(url, parts) : fetches_add(fetches, &wish, parts);
}

/* {"image_url": "data:…"} or {"image_url": {"url": "https://…"}} */
static bool write_url(struct inputs *inputs, yyjson_val *image, struct fetches *fetches,
                      struct bytes *parts)
{
    yyjson_val *holder = json_member(image, VIEW("image_url"));
    struct view url = json_view(yyjson_is_obj(holder) ? json_member(holder, VIEW("url")) : holder);
    const char *fault;

    if (!url.len)
        return inputs_refuse(inputs, ERROR_UNSUPPORTED_VALUE, "images",
                             "Unsupported value: 'images' must hold data URLs or addresses as "
                             "'image_url'.");
    bytes_append(parts, VIEW("{\"inlineData\":{"));
    fault = write_medium(url, fetches, parts);
    if (fault)
        return inputs_refuse(inputs, ERROR_BAD_VALUE, "images",
                             "Invalid value: 'images' holds no good address: %s.", fault);
    bytes_append(parts, VIEW("}},"));
    return true;
}

/* How many there are; SIZE_MAX: one of them is refused. */
static size_t write_files(struct inputs *inputs, struct bytes *parts)
{
    const struct form_part *file;
    size_t count = 0;

    while (count <= IMAGES_MOST && (file = inputs_file(inputs, "image", count))) {
        if (!write_file(inputs, file, parts))
            return SIZE_MAX;
        count++;
    }
    return count;
}

static size_t write_urls(struct inputs *inputs, struct fetches *fetches, struct bytes *parts)
{
    yyjson_val *images = json_member(inputs->root, VIEW("images")), *image;
    size_t i, max;

    yyjson_arr_foreach(images, i, max, image)
    {
        if (i > IMAGES_MOST)
            break;
        if (!write_url(inputs, image, fetches, parts))
            return SIZE_MAX;
    }
    return yyjson_arr_size(images);
}

bool image_sources_read(struct inputs *inputs, uint64_t most_bytes, struct fetches *fetches,
                        struct bytes *parts)
{
    const char *name = inputs->root ? "images" : "image";
    size_t count = inputs->root ? write_urls(inputs, fetches, parts) : write_files(inputs, parts);

    if (count == SIZE_MAX)
        return false;
    if (count == 0)
        return inputs_refuse(inputs, ERROR_MISSING_PARAMETER, name,
                             "Missing required parameter: '%s'.", name);
    if (count > IMAGES_MOST)
        return inputs_refuse(inputs, ERROR_BAD_VALUE, name,
                             "Invalid value: there may be %d images at most.", IMAGES_MOST);
    if (parts->len > most_bytes)
        return inputs_refuse(inputs, ERROR_TOO_LARGE, name,
                             "The images of the request are too large: this model takes %llu MiB "
                             "of them at most.",
                             (unsigned long long)(most_bytes >> 20));
    return true;
}
