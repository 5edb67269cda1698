/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of chat/completions as the provider's contents and systemInstruction. Called by
 * openai_chat.c. What must stay true: contents begin with the user's, neighbours differ in role, no
 * part is empty; and text is written once, straight into the body.
 *
 * A new kind of content part has its place in take_part, a new role in role_of_message. */
#include "openai/chat/request_private.h"
#include "openai/chat/markdown.h"
#include "settings/options.h"

/* Roles as the provider calls them, compared by address. */
static const char USER[] = "user";
static const char MODEL[] = "model";
static const char SYSTEM[] = "system";

/* Appends `text`, which is not empty, as one part; the provider refuses a NUL, so it goes. */
static void write_part(struct chat *chat, struct view text)
{
    struct bytes *out = &chat->ask->body;

    bytes_append(out, VIEW("{\"text\":\""));
    chat->text_size += text.len;
    for (const char *nul; (nul = text.len ? memchr(text.at, 0, text.len) : NULL);) {
        size_t len = (size_t)(nul - text.at);
        json_escape(out, (struct view){text.at, len});
        text = view_skip(text, len + 1);
    }
    json_escape(out, text);
    bytes_append(out, VIEW("\"}"));
}

/* Opens systemInstruction, or goes on in it. */
static void open_system(struct chat *chat)
{
    bytes_append(&chat->ask->body,
                 chat->role == SYSTEM ? VIEW(",") : VIEW(",\"systemInstruction\":{\"parts\":["));
    chat->role = SYSTEM;
}

/* Opens the content of `role`, or goes on in it if that role has spoken last. */
static void open_turn(struct chat *chat, const char *role)
{
    struct bytes *out = &chat->ask->body;

    if (chat->role == role) {
        bytes_append(out, VIEW(","));
        return;
    }
    bytes_append(out, chat->role ? VIEW("]},{\"role\":\"") : VIEW("{\"role\":\""));
    bytes_text(out, role);
    bytes_append(out, VIEW("\",\"parts\":["));
    chat->role = role;
}

/* Goes to where a part of `role` is to be written, and one will be. The first turn must be the
 * user's. */
static void open_part(struct chat *chat, const char *role)
{
    if (role == SYSTEM) {
        open_system(chat);
        return;
    }
    if (!chat->role && role == MODEL) {
        open_turn(chat, USER);
        write_part(chat, VIEW("."));
    }
    open_turn(chat, role);
}

static void write_text(struct chat *chat, const char *role, struct view text)
{
    while (text.len && !text.at[0]) /* nothing but NULs is nothing */
        text = view_skip(text, 1);
    if (!text.len)
        return;
    open_part(chat, role);
    write_part(chat, text);
}

/* What a model that makes pictures has said, and drawn as some programs keep it: in Markdown. What
 * only looks like a picture stays text. */
static bool take_drawn(struct chat *chat, struct view text, size_t message)
{
    struct view from = text, before, url; /* `from`: what is not written yet */
    struct bytes part = {0};
    bool is_taken = true;

    while (is_taken && markdown_picture(&text, &before, &url)) {
        part.len = 0;
        if (!chat_picture(url, &part))
            continue;
        from.len = (size_t)(before.at + before.len - from.at);
        write_text(chat, MODEL, from);
        open_part(chat, MODEL);
        bytes_append(&chat->ask->body, bytes_view(&part));
        from = text;
        is_taken = chat_count_picture(chat, part.len, chat_param("messages[%zu].content", message));
    }
    bytes_clear(&part);
    write_text(chat, MODEL, from);
    return is_taken;
}

static bool take_text(struct chat *chat, const char *role, struct view text, size_t message)
{
    if (role == MODEL && chat->model->makes_images)
        return take_drawn(chat, text, message);
    write_text(chat, role, text);
    return true;
}

/* Which member of a content part holds its text, by the part's type; empty: there is none to send.
 */
static bool part_text(yyjson_val *part, struct view *member)
{
    static const struct {
        const char *type, *member;
    } known[] = {
        {"text", "text"},       {"input_text", "text"},    {"output_text", "text"},
        {"refusal", "refusal"}, {"thinking", ""},          {"reasoning", ""},
        {"", "text"},           {"redacted_thinking", ""},
    };
    struct view type = json_view(json_member(part, VIEW("type")));

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (view_equal(type, view_of(known[i].type))) {
            *member = view_of(known[i].member);
            return true;
        }
    }
    return false;
}

/* A model that makes no pictures is told that there was one: the provider takes them from the user
 * only. */
static bool take_image(struct chat *chat, const char *role, yyjson_val *part,
                       const struct place *place)
{
    if (role == SYSTEM)
        return chat_refuse(
            chat, ERROR_UNSUPPORTED_VALUE,
            chat_param("messages[%zu].%s[%zu].type", place->message, place->list, place->index),
            "Unsupported value: messages of role 'system' or 'developer' are text only.");
    if (role == MODEL && !chat->model->makes_images) {
        write_text(chat, role, VIEW("[image]"));
        return true;
    }
    open_part(chat, role);
    return chat_image(chat, part, place);
}

static bool is_image(struct view type)
{
    return view_equal(type, VIEW("image_url")) || view_equal(type, VIEW("input_image"));
}

static bool take_part(struct chat *chat, const char *role, yyjson_val *part,
                      const struct place *place)
{
    struct view member, type;
    yyjson_val *text;

    if (!yyjson_is_obj(part))
        return chat_refuse_type(
            chat, chat_param("messages[%zu].%s[%zu]", place->message, place->list, place->index),
            "an object", part);
    type = json_view(json_member(part, VIEW("type")));
    if (is_image(type))
        return take_image(chat, role, part, place);
    if (!part_text(part, &member))
        return chat_refuse(
            chat, ERROR_UNSUPPORTED_VALUE,
            chat_param("messages[%zu].%s[%zu].type", place->message, place->list, place->index),
            "Unsupported value: content parts of type '%.*s' are not supported.",
            type.len < 64 ? (int)type.len : 64, type.at);
    if (!member.len)
        return true;
    text = yyjson_obj_getn(part, member.at, member.len);
    if (yyjson_is_null(text))
        return true;
    if (!yyjson_is_str(text))
        return chat_refuse_type(chat,
                                chat_param("messages[%zu].%s[%zu].%s", place->message, place->list,
                                           place->index, member.at),
                                "a string", text);
    return take_text(chat, role, json_view(text), place->message);
}

static bool take_content(struct chat *chat, const char *role, yyjson_val *content, size_t message)
{
    size_t i, max;
    yyjson_val *part;

    if (yyjson_is_str(content))
        return take_text(chat, role, json_view(content), message);
    if (content && !yyjson_is_arr(content))
        return chat_refuse_type(chat, chat_param("messages[%zu].content", message),
                                "a string or an array of objects", content);
    yyjson_arr_foreach(content, i, max, part)
    {
        struct place place = {message, "content", i};
        if (!take_part(chat, role, part, &place))
            return false;
    }
    return true;
}

/* The provider's role for that of a message; NULL: it is unknown or not supported. */
static const char *role_of_message(struct view role)
{
    if (view_equal(role, VIEW("user")))
        return USER;
    if (view_equal(role, VIEW("assistant")))
        return MODEL;
    if (view_equal(role, VIEW("system")) || view_equal(role, VIEW("developer")))
        return SYSTEM;
    return NULL;
}

static bool refuse_role(struct chat *chat, yyjson_val *role, size_t index)
{
    const char *param = chat_param("messages[%zu].role", index);
    struct view word = json_view(role);

    if (!role)
        return chat_refuse(chat, ERROR_MISSING_PARAMETER, param,
                           "Missing required parameter: '%s'.", param);
    if (!yyjson_is_str(role))
        return chat_refuse_type(chat, param, "a string", role);
    if (view_equal(word, VIEW("tool")) || view_equal(word, VIEW("function")))
        return chat_refuse(chat, ERROR_UNSUPPORTED_VALUE, param,
                           "Unsupported value: messages of role '%s' are not supported.", word.at);
    return chat_refuse(
        chat, ERROR_BAD_VALUE, param,
        "Invalid value: '%.*s'. A role is 'system', 'developer', 'user' or 'assistant'.",
        word.len < 64 ? (int)word.len : 64, word.at);
}

/* Pictures that a reply of ours has brought come back beside the content. */
static bool take_images(struct chat *chat, yyjson_val *images, size_t message)
{
    size_t i, max;
    yyjson_val *image;

    yyjson_arr_foreach(images, i, max, image)
    {
        struct place place = {message, "images", i};
        if (!yyjson_is_obj(image))
            return chat_refuse_type(chat, chat_param("messages[%zu].images[%zu]", message, i),
                                    "an object", image);
        if (!take_image(chat, MODEL, image, &place))
            return false;
    }
    return true;
}

/* An assistant's message may also hold a refusal and pictures; its calls of tools would be lost, so
 * they are refused. */
static bool take_assistant(struct chat *chat, yyjson_val *message, size_t index)
{
    yyjson_val *refusal = json_member(message, VIEW("refusal"));
    yyjson_val *calls = json_member(message, VIEW("tool_calls"));

    if (calls && !(yyjson_is_arr(calls) && yyjson_arr_size(calls) == 0))
        return chat_refuse(chat, ERROR_UNSUPPORTED, chat_param("messages[%zu].tool_calls", index),
                           "Unsupported parameter: calls of tools are not supported.");
    if (json_member(message, VIEW("function_call")))
        return chat_refuse(chat, ERROR_UNSUPPORTED,
                           chat_param("messages[%zu].function_call", index),
                           "Unsupported parameter: calls of functions are not supported.");
    write_text(chat, MODEL, json_view(refusal));
    return take_images(chat, json_member(message, VIEW("images")), index);
}

/* Writes the messages of `wanted`, SYSTEM or the turns (NULL), as contents of `role` (NULL: their
 * own). */
static bool take_messages(struct chat *chat, const char *wanted, const char *role_written)
{
    size_t i, max;
    yyjson_val *message;
    bool is_late = false;

    yyjson_arr_foreach(chat->value[F_messages], i, max, message)
    {
        yyjson_val *said = json_member(message, VIEW("role"));
        const char *role = role_of_message(json_view(said));

        if (!yyjson_is_obj(message))
            return chat_refuse_type(chat, chat_param("messages[%zu]", i), "an object", message);
        if (!role)
            return refuse_role(chat, said, i);
        if (role == SYSTEM && is_late && options.keep_late_system)
            role = USER;
        is_late = is_late || role != SYSTEM;
        chat->has_system = chat->has_system || role == SYSTEM;
        if ((role == SYSTEM) != (wanted == SYSTEM))
            continue;
        if (!take_content(chat, role_written ? role_written : role,
                          json_member(message, VIEW("content")), i))
            return false;
        if (role == MODEL && !take_assistant(chat, message, i))
            return false;
    }
    return true;
}

/* The last turn must be the user's with some models. */
static bool end_turns(struct chat *chat)
{
    if (chat->role != MODEL ||
        !(chat->model->refuses_prefill || chat_is_refused(chat, REFUSED_PREFILL)))
        return true;
    if (!options.continue_prefill)
        return chat_refuse(
            chat, ERROR_UNSUPPORTED_VALUE, "messages",
            "Unsupported value: this model does not take 'messages' that end with one of "
            "the assistant.");
    open_part(chat, USER);
    write_part(chat, VIEW(REFUSAL_CONTINUE));
    return true;
}

bool chat_messages(struct chat *chat)
{
    bool hoists = !chat->model->has_no_system && !chat_is_refused(chat, REFUSED_SYSTEM);

    if (!chat->value[F_messages])
        return chat_refuse(chat, ERROR_MISSING_PARAMETER, "messages",
                           "Missing required parameter: 'messages'.");
    bytes_append(&chat->ask->body, VIEW("{\"contents\":["));
    if (!hoists && !take_messages(chat, SYSTEM, USER))
        return false;
    if (!take_messages(chat, NULL, NULL))
        return false;
    if (!chat->role && chat->has_system) { /* the provider wants at least one content */
        hoists = false;
        if (!take_messages(chat, SYSTEM, USER))
            return false;
    }
    if (!chat->role)
        return chat_refuse(chat, ERROR_BAD_VALUE, "messages",
                           "Invalid value: 'messages' must have at least one with content.");
    if (!end_turns(chat))
        return false;
    bytes_append(&chat->ask->body, VIEW("]}]"));
    if (hoists && chat->has_system && !take_messages(chat, SYSTEM, NULL))
        return false;
    if (chat->role == SYSTEM)
        bytes_append(&chat->ask->body, VIEW("]}"));
    return true;
}
