/* SPDX-License-Identifier: Apache-2.0 */
/* A chat with IMAGEN-chat or CREATE_IMAGE_MODEL-chat as a request for pictures. Called by request.c.
 * What must stay true: only what the user has said last is drawn, and what of it cannot be is
 * refused. */
#include "openai/chat/request_private.h"

static bool append_part(struct chat *chat, yyjson_val *part, size_t message, size_t index,
                        struct bytes *prompt)
{
    struct view type = json_view(json_member(part, VIEW("type")));
    yyjson_val *text = json_member(part, VIEW("text"));

    if (!view_equal(type, VIEW("text")) && !view_equal(type, VIEW("input_text")))
        return chat_refuse(chat, ERROR_UNSUPPORTED_VALUE,
                           chat_param("messages[%zu].content[%zu].type", message, index),
                           "Unsupported value: a model asked as MODEL-chat draws what a text says; "
                           "for pictures out of others use images/edits, or chat with one of "
                           "Gemini's image models.");
    if (!yyjson_is_str(text))
        return chat_refuse_type(chat, chat_param("messages[%zu].content[%zu].text", message, index),
                                "a string", text);
    bytes_append(prompt, prompt->len ? VIEW("\n") : VIEW(""));
    bytes_append(prompt, json_view(text));
    return true;
}

static bool append_content(struct chat *chat, yyjson_val *content, size_t message,
                           struct bytes *prompt)
{
    size_t i, max;
    yyjson_val *part;

    if (yyjson_is_str(content)) {
        bytes_append(prompt, json_view(content));
        return true;
    }
    if (!yyjson_is_arr(content))
        return chat_refuse_type(chat, chat_param("messages[%zu].content", message),
                                "a string or an array", content);
    yyjson_arr_foreach(content, i, max, part)
    {
        if (!append_part(chat, part, message, i, prompt))
            return false;
    }
    return true;
}

/* The user's last message, and its place; NULL: there is none. */
static yyjson_val *last_of_user(yyjson_val *messages, size_t *place)
{
    yyjson_val *message, *last = NULL;
    size_t i, max;

    yyjson_arr_foreach(messages, i, max, message)
    {
        if (!view_equal(json_view(json_member(message, VIEW("role"))), VIEW("user")))
            continue;
        last = message;
        *place = i;
    }
    return last;
}

static bool read_prompt(struct chat *chat, struct bytes *prompt)
{
    size_t place = 0;
    yyjson_val *last = last_of_user(chat->value[F_messages], &place);

    if (!chat->value[F_messages])
        return chat_refuse(chat, ERROR_MISSING_PARAMETER, "messages",
                           "Missing required parameter: 'messages'.");
    if (last && !append_content(chat, json_member(last, VIEW("content")), place, prompt))
        return false;
    return view_trim(bytes_view(prompt)).len ||
           chat_refuse(chat, ERROR_BAD_VALUE, "messages",
                       "Invalid value: 'messages' must have a text of the user's that says what "
                       "is to be drawn.");
}

/* What stands in imageConfig, or for itself. */
static void write_shape(struct chat *chat, struct bytes *out)
{
    yyjson_val *config = chat_native(chat, VIEW("imageConfig"));
    yyjson_val *ratio = chat->aspect_ratio, *size = chat->image_size;

    if (!ratio)
        ratio = chat_either(config, VIEW("aspect_ratio"), VIEW("aspectRatio"));
    if (!size)
        size = chat_either(config, VIEW("image_size"), VIEW("imageSize"));
    if (ratio) {
        json_key(out, VIEW("aspect_ratio"));
        json_value(out, ratio);
    }
    if (size) {
        json_key(out, VIEW("size"));
        json_value(out, size);
    }
}

bool drawn_take(struct chat *chat)
{
    struct bytes prompt = {0}, *out = &chat->ask->drawing;
    bool is_good;

    if (chat_integer(chat->value[F_n], 1) != 1)
        return chat_refuse(chat, ERROR_UNSUPPORTED_VALUE, "n",
                           "Unsupported value: 'n' must be 1 for a model asked as MODEL-chat; "
                           "more pictures are made for {n:2} in the prompt.");
    is_good = read_prompt(chat, &prompt);
    if (is_good) {
        bytes_append(out, VIEW("{\"model\":"));
        json_text(out, bytes_view(&chat->ask->model));
        json_key(out, VIEW("prompt"));
        json_text(out, bytes_view(&prompt));
        write_shape(chat, out);
        bytes_append(out, VIEW("}"));
    }
    chat->ask->is_gathered = true; /* pictures come whole */
    bytes_clear(&prompt);
    return is_good;
}
