/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of chat/completions as the provider's contents and systemInstruction. Called by
 * openai_chat.c. What must stay true: contents begin with the user's, neighbours differ in role, no
 * part is empty; and text is written once, straight into the body.
 *
 * A new kind of content part has its place in take_part, a new role in role_of_message. */
#include "openai_chat_private.h"

/* Roles as the provider calls them, compared by address. */
static const char USER[] = "user";
static const char MODEL[] = "model";
static const char SYSTEM[] = "system";

/* Appends `text` as one part; the provider refuses a NUL, so it goes. */
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

/* Appends a part to the content of `role`, a new one if another role has spoken last. The first
 * must be the user's. */
static void write_turn(struct chat *chat, const char *role, struct view text)
{
    struct bytes *out = &chat->ask->body;

    if (!chat->role && role == MODEL)
        write_turn(chat, USER, VIEW("."));
    if (chat->role == role) {
        bytes_append(out, VIEW(","));
    } else {
        bytes_append(out, chat->role ? VIEW("]},{\"role\":\"") : VIEW("{\"role\":\""));
        bytes_text(out, role);
        bytes_append(out, VIEW("\",\"parts\":["));
        chat->role = role;
    }
    write_part(chat, text);
}

/* Appends a part to systemInstruction, which is opened by the first. */
static void write_system(struct chat *chat, struct view text)
{
    struct bytes *out = &chat->ask->body;

    bytes_append(out,
                 chat->role == SYSTEM ? VIEW(",") : VIEW(",\"systemInstruction\":{\"parts\":["));
    chat->role = SYSTEM;
    write_part(chat, text);
}

static void write_text(struct chat *chat, const char *role, struct view text)
{
    if (!text.len)
        return;
    if (role == SYSTEM)
        write_system(chat, text);
    else
        write_turn(chat, role, text);
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

static bool take_part(struct chat *chat, const char *role, yyjson_val *part, size_t message,
                      size_t index)
{
    struct view member, type;
    yyjson_val *text;

    if (!yyjson_is_obj(part))
        return chat_refuse_type(chat, chat_param("messages[%zu].content[%zu]", message, index),
                                "an object", part);
    type = json_view(json_member(part, VIEW("type")));
    if (!part_text(part, &member))
        return chat_refuse(chat, ERROR_UNSUPPORTED_VALUE,
                           chat_param("messages[%zu].content[%zu].type", message, index),
                           "Unsupported value: content parts of type '%.*s' are not supported.",
                           type.len < 64 ? (int)type.len : 64, type.at);
    if (!member.len)
        return true;
    text = json_member(part, member);
    if (!yyjson_is_str(text))
        return chat_refuse_type(
            chat, chat_param("messages[%zu].content[%zu].%s", message, index, member.at),
            "a string", text);
    write_text(chat, role, json_view(text));
    return true;
}

static bool take_content(struct chat *chat, const char *role, yyjson_val *content, size_t message)
{
    size_t i, max;
    yyjson_val *part;

    if (yyjson_is_str(content)) {
        write_text(chat, role, json_view(content));
        return true;
    }
    if (content && !yyjson_is_arr(content))
        return chat_refuse_type(chat, chat_param("messages[%zu].content", message),
                                "a string or an array of objects", content);
    yyjson_arr_foreach(content, i, max,
                       part) if (!take_part(chat, role, part, message, i)) return false;
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

/* An assistant's message may also hold a refusal; its calls of tools would be lost, so they are
 * refused. */
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
    return true;
}

/* Writes the messages of `wanted`, SYSTEM or the turns (NULL), as contents of `role` (NULL: their
 * own). */
static bool take_messages(struct chat *chat, const char *wanted, const char *role_written)
{
    size_t i, max;
    yyjson_val *message;

    yyjson_arr_foreach(chat->value[F_messages], i, max, message)
    {
        yyjson_val *said = json_member(message, VIEW("role"));
        const char *role = role_of_message(json_view(said));

        if (!yyjson_is_obj(message))
            return chat_refuse_type(chat, chat_param("messages[%zu]", i), "an object", message);
        if (!role)
            return refuse_role(chat, said, i);
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

bool chat_messages(struct chat *chat)
{
    bool hoists = !chat->model->has_no_system;

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
    if (chat->role == MODEL && chat->model->refuses_prefill)
        return chat_refuse(
            chat, ERROR_UNSUPPORTED_VALUE, "messages",
            "Unsupported value: this model does not take 'messages' that end with one of "
            "the assistant.");
    bytes_append(&chat->ask->body, VIEW("]}]"));
    if (hoists && chat->has_system && !take_messages(chat, SYSTEM, NULL))
        return false;
    if (chat->role == SYSTEM)
        bytes_append(&chat->ask->body, VIEW("]}"));
    return true;
}
