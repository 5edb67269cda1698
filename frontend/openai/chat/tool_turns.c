/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of tools and their results as the provider's turns. Called by messages.c. What must stay
 * true: behind a model's content with calls comes one of the user's with as many results, in the
 * order of the calls; the first call of a step is signed where the model wants it; and no result is
 * lost: that of no call is told as the user's text.
 *
 * A step is a row of messages of the assistant with calls in them. Its results stand before the
 * next step; those behind that are found by their id. */
#include "openai/chat/tool_turns.h"

#include <stdio.h>
#include <stdlib.h>

#include "openai/chat/contents.h"
#include "openai/chat/media.h"
#include "openai/chat/tool_arguments.h"
#include "openai/chat/tool_names.h"
#include "openai/chat/tool_pairs.h"
#include "parts/signatures.h"

enum {
    SIGNATURE_LEAST = 8, /* characters */
};

/* ---- the state ---- */

static struct tool_turns *turns_of(struct chat *chat)
{
    if (!chat->turns) {
        chat->turns = memory_new(sizeof(*chat->turns));
        chat->turns->calls = memory_new(CALLS_MOST * sizeof(*chat->turns->calls));
        tool_pairs_collect(chat->turns, chat->value[F_messages]);
    }
    return chat->turns;
}

void tool_turns_free(struct chat *chat)
{
    if (!chat->turns)
        return;
    free(chat->turns->results);
    free(chat->turns->calls);
    free(chat->turns);
    chat->turns = NULL;
}

/* ---- signatures ---- */

/* Base64 or its url-safe kind; anything else the provider refuses with the whole request. */
static bool is_signature(struct view text)
{
    while (text.len && text.at[text.len - 1] == '=')
        text.len--;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '+' && c != '/' && c != '-' && c != '_')
            return false;
    }
    return text.len >= SIGNATURE_LEAST && text.len % 4 != 1;
}

/* Some gateways hang it on the id; returns the id without it. */
static struct view split_id(struct view id, struct view *signature)
{
    static const char mark[] = "__thought__";
    const char *at = id.len ? memmem(id.at, id.len, mark, sizeof(mark) - 1) : NULL;
    struct view tail = {0};

    if (at)
        tail = view_skip(id, (size_t)(at - id.at) + sizeof(mark) - 1);
    if (!is_signature(tail))
        return id;
    *signature = tail;
    id.len = (size_t)(at - id.at);
    return id;
}

static struct view google_signature(yyjson_val *holder)
{
    yyjson_val *google = json_member(json_member(holder, VIEW("extra_content")), VIEW("google"));

    return json_view(json_member(google, VIEW("thought_signature")));
}

static struct view specific_signature(yyjson_val *holder)
{
    yyjson_val *fields = json_member(holder, VIEW("provider_specific_fields"));

    return json_view(json_member(fields, VIEW("thought_signature")));
}

/* Of the places where clients keep it the first that has one; `hung` came with the id. */
static struct view find_signature(yyjson_val *call, struct view hung, yyjson_val *message)
{
    struct view found[] = {
        google_signature(call),
        specific_signature(call),
        specific_signature(json_member(call, VIEW("function"))),
        hung,
        google_signature(message),
    };

    for (size_t i = 0; i < sizeof(found) / sizeof(found[0]); i++)
        if (is_signature(found[i]))
            return found[i];
    return (struct view){0};
}

struct view tool_turns_signature(yyjson_val *holder, yyjson_val *message)
{
    return find_signature(holder, (struct view){0}, message);
}

/* What was kept when the client was told of the call, where it came back without. */
static struct view kept_signature(struct chat *chat, struct view id, struct bytes *kept)
{
    const struct signature_owner owner = {chat->ask->client, id, bytes_view(&chat->ask->model)};

    if (chat->model->thinking == THINKS_NOT ||
        !signatures_find(chat->ask->signatures, &owner, chat->ask->utc_s, kept) ||
        !is_signature(bytes_view(kept)))
        return (struct view){0};
    return bytes_view(kept);
}

/* Older models neither give signatures nor want them. */
static void write_signature(struct chat *chat, struct view id, struct view signature, bool is_first)
{
    struct bytes kept = {0};

    if (!signature.len)
        signature = kept_signature(chat, id, &kept);
    if (is_first && !signature.len && chat->model->signs_calls)
        signature = VIEW(REFUSAL_NO_SIGNATURE);
    if (signature.len && chat->model->thinking != THINKS_NOT) {
        bytes_append(&chat->ask->body, VIEW(",\"thoughtSignature\":\""));
        bytes_append(&chat->ask->body, signature);
        bytes_append(&chat->ask->body, VIEW("\""));
    }
    bytes_clear(&kept);
}

/* ---- calls ---- */

/* Where a call stands: messages[message]list, with the number of the call in it. */
struct call_place {
    size_t message, index;
    const char *kind; /* "tool_calls[3].function", without the number "function_call" */
};

static const char *param_of(const struct call_place *place, const char *member)
{
    if (!place->kind[0])
        return chat_param("messages[%zu].function_call%s", place->message, member);
    return chat_param("messages[%zu].tool_calls[%zu]%s%s", place->message, place->index,
                      place->kind, member);
}

/* Opens the part and notes the call; false: refused. */
static bool open_call(struct chat *chat, yyjson_val *function, struct view id, struct view sent,
                      const struct call_place *place)
{
    struct tool_turns *turns = turns_of(chat);
    yyjson_val *name = json_member(function, VIEW("name"));
    struct bytes *out = &chat->ask->body;
    struct tool_call *call;

    if (!yyjson_get_len(name) || !yyjson_is_str(name))
        return chat_refuse(chat, ERROR_MISSING_PARAMETER, param_of(place, ".name"),
                           "Missing required parameter: a call must name its function.");
    if (turns->call_count == CALLS_MOST)
        return chat_refuse(chat, ERROR_BAD_VALUE,
                           chat_param("messages[%zu].tool_calls", place->message),
                           "Invalid value: there may be %d calls in a row at most.", CALLS_MOST);
    call = &turns->calls[turns->call_count++];
    *call = (struct tool_call){.id = id, .name = json_view(name), .first = NONE, .last = NONE};
    snprintf(call->made, sizeof(call->made), "call_%zu_%zu", place->message, place->index);
    contents_open(chat, ROLE_MODEL);
    bytes_append(out, VIEW("{\"functionCall\":{\"id\":"));
    json_text(out, sent.len ? sent : view_of(call->made));
    json_key(out, VIEW("name"));
    bytes_append(out, VIEW("\""));
    tool_name_write(out, json_view(name));
    bytes_append(out, VIEW("\",\"args\":"));
    turns->step = place->message;
    return true;
}

static bool take_call(struct chat *chat, yyjson_val *call, yyjson_val *message,
                      struct call_place place)
{
    yyjson_val *custom = json_member(call, VIEW("custom"));
    yyjson_val *function = custom ? custom : json_member(call, VIEW("function"));
    struct view id = json_view(json_member(call, VIEW("id"))), hung = {0};
    bool is_first = !turns_of(chat)->call_count;
    size_t start = chat->ask->body.len;

    place.kind = custom ? ".custom" : ".function";
    if (!yyjson_is_obj(call) || !yyjson_is_obj(function))
        return chat_refuse_type(chat, param_of(&place, ""), "an object", function);
    if (!open_call(chat, function, id, split_id(id, &hung), &place))
        return false;
    if (custom ? !tool_arguments_text(chat, json_member(custom, VIEW("input")),
                                      param_of(&place, ".input"))
               : !tool_arguments(chat, json_member(function, VIEW("arguments")),
                                 param_of(&place, ".arguments")))
        return false;
    bytes_append(&chat->ask->body, VIEW("}"));
    write_signature(chat, id, find_signature(call, hung, is_first ? message : NULL), is_first);
    bytes_append(&chat->ask->body, VIEW("}"));
    chat->text_size += chat->ask->body.len - start;
    return true;
}

/* The only call of a message from before there were tools. */
static bool take_legacy(struct chat *chat, yyjson_val *function, yyjson_val *message, size_t index)
{
    struct call_place place = {.message = index, .kind = ""};
    bool is_first = !turns_of(chat)->call_count;
    struct view nothing = {0};

    if (!yyjson_is_obj(function))
        return chat_refuse_type(chat, param_of(&place, ""), "an object", function);
    if (!open_call(chat, function, nothing, nothing, &place) ||
        !tool_arguments(chat, json_member(function, VIEW("arguments")),
                        param_of(&place, ".arguments")))
        return false;
    bytes_append(&chat->ask->body, VIEW("}"));
    write_signature(chat, nothing, find_signature(function, nothing, is_first ? message : NULL),
                    is_first);
    bytes_append(&chat->ask->body, VIEW("}"));
    return true;
}

bool tool_turns_calls(struct chat *chat, yyjson_val *message, size_t index)
{
    yyjson_val *calls = json_member(message, VIEW("tool_calls")), *call;
    yyjson_val *legacy = json_member(message, VIEW("function_call"));
    size_t i, max;

    if (calls && !yyjson_is_arr(calls))
        return chat_refuse_type(chat, chat_param("messages[%zu].tool_calls", index), "an array",
                                calls);
    yyjson_arr_foreach(calls, i, max, call)
    {
        if (!take_call(chat, call, message, (struct call_place){index, i, ""}))
            return false;
    }
    return !legacy || yyjson_arr_size(calls) || take_legacy(chat, legacy, message, index);
}

/* ---- results ---- */

/* Appends the text of a result; of pictures and files, which stand apart, nothing. */
static bool read_text(struct chat *chat, const struct tool_result *result, struct bytes *text)
{
    yyjson_val *content = json_member(result->message, VIEW("content")), *part;
    size_t i, max;

    if (yyjson_is_obj(content))
        json_value(text, content);
    else if (content && !yyjson_is_arr(content) && !yyjson_is_str(content))
        return chat_refuse_type(chat, chat_param("messages[%zu].content", result->index),
                                "a string or an array of objects", content);
    else
        bytes_append(text, json_view(content));
    yyjson_arr_foreach(content, i, max, part)
    {
        struct view type = json_view(json_member(part, VIEW("type")));
        yyjson_val *said = json_member(part, VIEW("text"));
        if (said && !yyjson_is_str(said))
            return chat_refuse_type(chat,
                                    chat_param("messages[%zu].content[%zu].text", result->index, i),
                                    "a string", said);
        if (!said && !media_word(type) && !view_equal(type, VIEW("text")))
            return chat_refuse(chat, ERROR_UNSUPPORTED_VALUE,
                               chat_param("messages[%zu].content[%zu].type", result->index, i),
                               "Unsupported value: results of tools are texts, images and files.");
        bytes_append(text, json_view(said));
    }
    return true;
}

/* Appends the text as the provider wants a result; a JSON value is told as it is, unless it stands
 * for itself as text. */
static void write_value(struct bytes *out, struct view text, bool is_bare)
{
    struct view trimmed = view_trim(text);
    bool may_be = trimmed.len && (trimmed.at[0] == '{' || trimmed.at[0] == '[');
    const char *why;
    yyjson_doc *doc = may_be ? json_read_request(trimmed, &why) : NULL;
    yyjson_val *root = yyjson_doc_get_root(doc);
    bool is_wrapped = !is_bare && !yyjson_is_obj(root);

    bytes_append(out, is_wrapped ? VIEW("{\"result\":") : VIEW(""));
    if (root) {
        json_value(out, root);
    } else {
        bytes_append(out, VIEW("\""));
        json_said(out, text);
        bytes_append(out, VIEW("\""));
    }
    bytes_append(out, is_wrapped ? VIEW("}") : VIEW(""));
    yyjson_doc_free(doc);
}

/* Several results of one call are told as a list. */
static bool write_response(struct chat *chat, const struct tool_call *call)
{
    const struct tool_result *results = chat->turns->results;
    bool is_list = call->first != call->last;
    struct bytes text = {0};
    bool is_good = true;

    if (call->first == NONE)
        bytes_append(&chat->ask->body, VIEW("{\"error\":\"no result was provided\"}"));
    for (size_t i = call->first; is_good && i != NONE; i = results[i].next) {
        text.len = 0;
        is_good = read_text(chat, &results[i], &text);
        if (is_list)
            bytes_append(&chat->ask->body, i == call->first ? VIEW("{\"result\":[") : VIEW(","));
        write_value(&chat->ask->body, bytes_view(&text), is_list);
    }
    if (is_list)
        bytes_append(&chat->ask->body, VIEW("]}"));
    bytes_clear(&text);
    return is_good;
}

/* Where the pictures and files of a result go. */
enum spot {
    INSIDE, /* the result, which takes only those whose bytes are in the request */
    BEHIND, /* all results: those that could not go inside */
    APART,  /* there is no result that they could be inside of: all of them */
};

/* Appends the pictures and files of a result, each behind a comma, but `first` before the first of
 * all. */
static bool write_media(struct chat *chat, const struct tool_result *result, enum spot spot,
                        struct view first, size_t *written)
{
    yyjson_val *content = json_member(result->message, VIEW("content")), *part;
    size_t i, max;

    yyjson_arr_foreach(content, i, max, part)
    {
        struct place place = {result->index, "content", i};
        if (!media_word(json_view(json_member(part, VIEW("type")))) ||
            (spot != APART && media_is_inline(part) != (spot == INSIDE)))
            continue;
        bytes_append(&chat->ask->body, (*written)++ ? VIEW(",") : first);
        if (!(spot == INSIDE ? media_result_part : media_part)(chat, part, &place))
            return false;
    }
    return true;
}

static bool write_media_of(struct chat *chat, const struct tool_call *call, enum spot spot,
                           struct view first, size_t *written)
{
    const struct tool_result *results = chat->turns->results;

    for (size_t i = call->first; i != NONE; i = results[i].next)
        if (!write_media(chat, &results[i], spot, first, written))
            return false;
    return true;
}

static bool write_result(struct chat *chat, const struct tool_call *call)
{
    struct bytes *out = &chat->ask->body;
    struct view hung = {0}, id = split_id(call->id, &hung);
    size_t pictures = 0, start = out->len;

    contents_open(chat, ROLE_RESULTS);
    bytes_append(out, VIEW("{\"functionResponse\":{\"id\":"));
    json_text(out, id.len ? id : view_of(call->made));
    json_key(out, VIEW("name"));
    bytes_append(out, VIEW("\""));
    tool_name_write(out, call->name);
    bytes_append(out, VIEW("\",\"response\":"));
    if (!write_response(chat, call))
        return false;
    chat->text_size += out->len - start;
    if (chat->model->signs_calls &&
        !write_media_of(chat, call, INSIDE, VIEW(",\"parts\":["), &pictures))
        return false;
    bytes_append(out, pictures ? VIEW("]}}") : VIEW("}}"));
    return true;
}

/* Older models have no place for pictures in a result: they stand behind all of them, as what is at
 * an address does with newer ones. */
static bool write_results(struct chat *chat)
{
    struct tool_turns *turns = chat->turns;
    enum spot spot = chat->model->signs_calls ? BEHIND : APART;
    size_t pictures = 1; /* there are results in front */

    for (size_t i = 0; i < turns->call_count; i++)
        if (!write_result(chat, &turns->calls[i]))
            return false;
    for (size_t i = 0; i < turns->call_count; i++)
        if (!write_media_of(chat, &turns->calls[i], spot, VIEW(","), &pictures))
            return false;
    return true;
}

bool tool_turns_answer(struct chat *chat)
{
    struct tool_turns *turns = chat->turns;
    bool is_good;

    if (!turns || !turns->call_count)
        return true;
    tool_pairs_find(turns);
    is_good = write_results(chat);
    turns->call_count = 0;
    return is_good;
}

bool tool_turns_result(struct chat *chat)
{
    struct tool_turns *turns = turns_of(chat);
    struct bytes text = {0};
    struct tool_result *result;
    size_t pictures = 0;
    bool is_good = tool_turns_answer(chat);

    result = &turns->results[turns->seen++];
    if (!is_good || result->is_taken)
        return is_good;
    bytes_append(&text, VIEW("Tool result: "));
    is_good = read_text(chat, result, &text);
    if (is_good)
        contents_text(chat, ROLE_USER, bytes_view(&text));
    bytes_clear(&text);
    return is_good && write_media(chat, result, APART, VIEW(","), &pictures);
}
