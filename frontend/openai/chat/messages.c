/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of chat/completions as the provider's contents and systemInstruction. Called by
 * request.c. What must stay true: contents begin with the user's, neighbours differ in role, no
 * part is empty; and text is written once, straight into the body.
 *
 * A new kind of content part has its place in take_part, a new role in role_of_message. */
#include <stdio.h>

#include "models/suffix.h"
#include "openai/chat/contents.h"
#include "openai/chat/markdown.h"
#include "openai/chat/media.h"
#include "openai/chat/tool_turns.h"
#include "settings/options.h"

/* Newer models want each picture of theirs to be signed; where the client has lost the signature,
 * what Google documents for that goes in its place. */
static void sign_picture(struct chat *chat, yyjson_val *part)
{
    struct view signature = tool_turns_signature(part, NULL);
    struct bytes *out = &chat->ask->body;

    if (!chat->model->signs_images)
        return;
    out->len--; /* the part's brace */
    bytes_append(out, VIEW(",\"thoughtSignature\":\""));
    bytes_append(out, signature.len ? signature : VIEW(REFUSAL_NO_SIGNATURE));
    bytes_append(out, VIEW("\"}"));
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
        if (!media_picture(url, &part))
            continue;
        from.len = (size_t)(before.at + before.len - from.at);
        contents_text(chat, ROLE_MODEL, from);
        contents_open(chat, ROLE_MODEL);
        bytes_append(&chat->ask->body, bytes_view(&part));
        sign_picture(chat, NULL);
        from = text;
        is_taken = media_count(chat, part.len, chat_param("messages[%zu].content", message));
    }
    bytes_clear(&part);
    contents_text(chat, ROLE_MODEL, from);
    return is_taken;
}

static bool take_text(struct chat *chat, const char *role, struct view text, size_t message)
{
    if (role == ROLE_MODEL && chat->makes_images)
        return take_drawn(chat, text, message);
    contents_text(chat, role, text);
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

/* A model that makes no pictures is told that there was one: the provider takes them, and all else
 * that is no text, from the user only. */
static bool take_medium(struct chat *chat, const char *role, yyjson_val *part, const char *word,
                        const struct place *place)
{
    bool is_picture = strcmp(word, "image") == 0;
    char mention[16];

    if (role == ROLE_SYSTEM)
        return chat_refuse(
            chat, ERROR_UNSUPPORTED_VALUE,
            chat_param("messages[%zu].%s[%zu].type", place->message, place->list, place->index),
            "Unsupported value: messages of role 'system' or 'developer' are text only.");
    if (role == ROLE_MODEL && !(chat->makes_images && is_picture)) {
        snprintf(mention, sizeof(mention), "[%s]", word);
        contents_text(chat, role, view_of(mention));
        return true;
    }
    contents_open(chat, role);
    if (!media_part(chat, part, place))
        return false;
    if (role == ROLE_MODEL)
        sign_picture(chat, part);
    return true;
}

static bool take_part(struct chat *chat, const char *role, yyjson_val *part,
                      const struct place *place)
{
    struct view member, type;
    const char *word;
    yyjson_val *text;

    if (!yyjson_is_obj(part))
        return chat_refuse_type(
            chat, chat_param("messages[%zu].%s[%zu]", place->message, place->list, place->index),
            "an object", part);
    type = json_view(json_member(part, VIEW("type")));
    word = media_word(type);
    if (word)
        return take_medium(chat, role, part, word, place);
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
        return ROLE_USER;
    if (view_equal(role, VIEW("assistant")) || view_equal(role, VIEW("model")))
        return ROLE_MODEL;
    if (view_equal(role, VIEW("system")) || view_equal(role, VIEW("developer")))
        return ROLE_SYSTEM;
    if (view_equal(role, VIEW("tool")) || view_equal(role, VIEW("function")))
        return ROLE_RESULTS;
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
    return chat_refuse(
        chat, ERROR_BAD_VALUE, param,
        "Invalid value: '%.*s'. A role is 'system', 'developer', 'user', 'assistant' or 'tool'.",
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
        if (!take_medium(chat, ROLE_MODEL, image, "image", &place))
            return false;
    }
    return true;
}

/* An assistant's message may also hold a refusal, pictures and calls. */
static bool take_assistant(struct chat *chat, yyjson_val *message, size_t index)
{
    yyjson_val *refusal = json_member(message, VIEW("refusal"));

    contents_text(chat, ROLE_MODEL, json_view(refusal));
    return take_images(chat, json_member(message, VIEW("images")), index) &&
           tool_turns_calls(chat, message, index);
}

static bool take_message(struct chat *chat, const char *role, yyjson_val *message, size_t index)
{
    if (role == ROLE_RESULTS)
        return tool_turns_result(chat);
    if (role == ROLE_USER && !tool_turns_answer(chat))
        return false;
    return take_content(chat, role, json_member(message, VIEW("content")), index) &&
           (role != ROLE_MODEL || take_assistant(chat, message, index));
}

/* Writes the messages of `wanted`, ROLE_SYSTEM or the turns (NULL), as contents of `role` (NULL: their
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
        if (role == ROLE_SYSTEM && is_late && settings_now()->keep_late_system)
            role = ROLE_USER;
        is_late = is_late || role != ROLE_SYSTEM;
        chat->has_system = chat->has_system || role == ROLE_SYSTEM;
        if ((role == ROLE_SYSTEM) != (wanted == ROLE_SYSTEM))
            continue;
        if (!take_message(chat, role_written ? role_written : role, message, i))
            return false;
    }
    return true;
}

/* Results stand right behind their calls, whatever the messages have between them. */
static bool take_turns(struct chat *chat)
{
    bool is_good = take_messages(chat, NULL, NULL) && tool_turns_answer(chat);

    tool_turns_free(chat);
    return is_good;
}

/* The system's words, and those for an answer in JSON where the model isn't told otherwise. */
static bool take_system(struct chat *chat, const char *role)
{
    if (!take_messages(chat, ROLE_SYSTEM, role))
        return false;
    contents_text(chat, role ? role : ROLE_SYSTEM, bytes_view(&chat->format.note));
    return true;
}

/* The last turn must be the user's with some models. */
static bool end_turns(struct chat *chat)
{
    if (chat->role != ROLE_MODEL ||
        !(chat->model->refuses_prefill || chat_is_refused(chat, REFUSED_PREFILL)))
        return true;
    if (!settings_now()->continue_prefill)
        return chat_refuse(
            chat, ERROR_UNSUPPORTED_VALUE, "messages",
            "Unsupported value: this model does not take 'messages' that end with one of "
            "the assistant.");
    contents_open(chat, ROLE_USER);
    contents_part(chat, VIEW(REFUSAL_CONTINUE));
    return true;
}

bool chat_messages(struct chat *chat)
{
    bool hoists = !chat->model->has_no_system && !chat_is_refused(chat, REFUSED_SYSTEM) &&
                  !chat->cached.len && !(chat->suffix & SUFFIX_IMAGE);

    if (!chat->value[F_messages])
        return chat_refuse(chat, ERROR_MISSING_PARAMETER, "messages",
                           "Missing required parameter: 'messages'.");
    bytes_append(&chat->ask->body, VIEW("{\"contents\":["));
    if (!hoists && !take_system(chat, ROLE_USER))
        return false;
    if (!take_turns(chat))
        return false;
    if (!chat->role && chat->has_system) { /* the provider wants at least one content */
        hoists = false;
        if (!take_system(chat, ROLE_USER))
            return false;
    }
    if (!chat->role)
        return chat_refuse(chat, ERROR_BAD_VALUE, "messages",
                           "Invalid value: 'messages' must have at least one with content.");
    if (!end_turns(chat))
        return false;
    bytes_append(&chat->ask->body, VIEW("]}]"));
    if (hoists && (chat->has_system || chat->format.note.len) && !take_system(chat, NULL))
        return false;
    if (chat->role == ROLE_SYSTEM)
        bytes_append(&chat->ask->body, VIEW("]}"));
    return true;
}
