/* SPDX-License-Identifier: Apache-2.0 */
/* Reads contents; prompt.c calls it, and the routes that count and embed. What must stay true:
 * calls and their responses are paired as Google pairs them, and a signature is asked for only
 * where Google asks for it: with the first call of each step of the current turn. */

#include "turn.h"

#include <stdio.h>
#include <stdlib.h>

#include "media.h"
#include "signature.h"

/* What a content is, by its role and its parts. */
enum turn {
    TURN_USER,
    TURN_MODEL,
    TURN_CALL,     /* of the model, with functionCall parts */
    TURN_RESPONSE, /* of the user, with functionResponse parts */
    TURN_WRONG,
};

/* Walks over the contents. */
struct walk {
    struct prompt *prompt;
    struct violations *v;
    const struct model *model;
    char where[40];
    size_t index;
    size_t count;      /* of contents */
    size_t turn_begin; /* index of the content that began the current turn */
    enum turn before;
    yyjson_val *call; /* the content before, when it was a TURN_CALL */
};

/* Members of Part of which exactly one holds the data. */
static const char *const data_members[] = {
    "text",           "inlineData",          "fileData", "functionCall", "functionResponse",
    "executableCode", "codeExecutionResult", "toolCall", "toolResponse",
};

static bool is_data_member(struct span name)
{
    for (size_t i = 0; i < COUNT(data_members); i++)
        if (schema_name_is(data_members[i], name))
            return true;
    return false;
}

static int count_data(yyjson_val *part)
{
    size_t i;
    size_t count;
    yyjson_val *name;
    yyjson_val *value;
    int found = 0;

    yyjson_obj_foreach(part, i, count, name, value)
    {
        found += !yyjson_is_null(value) && is_data_member(schema_span(name));
    }
    return found;
}

static void check_name(struct walk *w, size_t index, yyjson_val *part, const char *member,
                       const char *snake)
{
    yyjson_val *value = schema_get(part, member);

    if (value != NULL && yyjson_get_len(schema_get(value, "name")) == 0)
        violations_refuse(w->v, "* %s.%s.parts[%zu].%s.name: Name cannot be empty.\n",
                          w->prompt->message, w->where, index, snake);
}

static void check_part(struct walk *w, size_t index, yyjson_val *part)
{
    yyjson_val *text = schema_get(part, "text");
    bool is_signed = schema_get(part, "thoughtSignature") != NULL;
    int count = count_data(part);

    if (count == 0 && !is_signed)
        violations_refuse(w->v,
                          "* %s.%s.parts[%zu].data: required oneof field 'data' must have one "
                          "initialized field\n",
                          w->prompt->message, w->where, index);
    else if (count > 1)
        violations_refuse(
            w->v, "Invalid value at '%s.parts[%zu]' (oneof), oneof field 'data' is already set.\n",
            w->where, index);
    else if (text != NULL && yyjson_get_len(text) == 0 && !is_signed)
        violations_refuse(w->v,
                          "Unable to submit request because it must have a text parameter: "
                          "%s.parts[%zu].text is empty.\n",
                          w->where, index);
    check_name(w, index, part, "functionCall", "function_call");
    check_name(w, index, part, "functionResponse", "function_response");
    media_read(w->prompt, w->v, part, w->model);
}

static void take_text(struct prompt *prompt, struct span text, bool is_user)
{
    prompt->text_bytes += text.len;
    if (!is_user)
        return;
    const char *mark = memmem(text.at, text.len, "#sim {", 6);
    prompt->last_text = text;
    if (mark != NULL && (mark == text.at || mark[-1] == '\n')) {
        const char *end = memchr(mark, '\n', (size_t)(text.at + text.len - mark));
        prompt->script.at = mark + 5;
        prompt->script.len = (size_t)((end != NULL ? end : text.at + text.len) - prompt->script.at);
    }
}

/* Calls and responses cost tokens as their JSON would. */
static void take_json(struct prompt *prompt, yyjson_val *value)
{
    size_t len = 0;
    char *json = value != NULL ? yyjson_val_write(value, 0, &len) : NULL;

    prompt->text_bytes += len;
    free(json);
}

static void read_parts(struct walk *w, yyjson_val *content, bool is_user)
{
    struct schema_list parts = schema_list(schema_get(content, "parts"));
    struct prompt *prompt = w->prompt;
    yyjson_val *part;

    if (parts.count == 0)
        violations_refuse(w->v, "* %s.%s.parts: contents.parts must not be empty.\n",
                          prompt->message, w->where);
    if (is_user) {
        prompt->script.len = 0;
        prompt->last_text.len = 0;
    }
    for (size_t i = 0; (part = schema_next(&parts)) != NULL; i++) {
        check_part(w, i, part);
        if (schema_get(part, "text") != NULL)
            take_text(prompt, schema_span(schema_get(part, "text")), is_user);
        take_json(prompt, schema_get(part, "functionCall"));
        take_json(prompt, schema_get(part, "functionResponse"));
    }
}

/* -- Calls and responses -- */

static size_t count_members(yyjson_val *content, const char *member)
{
    struct schema_list parts = schema_list(schema_get(content, "parts"));
    yyjson_val *part;
    size_t count = 0;

    while ((part = schema_next(&parts)) != NULL)
        count += schema_get(part, member) != NULL;
    return count;
}

/* The n-th part with this member; its value. */
static yyjson_val *nth_member(yyjson_val *content, const char *member, size_t n)
{
    struct schema_list parts = schema_list(schema_get(content, "parts"));
    yyjson_val *part;

    while ((part = schema_next(&parts)) != NULL) {
        yyjson_val *value = schema_get(part, member);
        if (value != NULL && n-- == 0)
            return value;
    }
    return NULL;
}

static bool is_same(yyjson_val *a, yyjson_val *b, const char *member)
{
    yyjson_val *left = schema_get(a, member);
    yyjson_val *right = schema_get(b, member);

    return left == NULL ? right == NULL : yyjson_equals(left, right);
}

/* Newer models want each response's name, and its id if it has one, to be those of a call, older ones the
 * names. */
static void check_pairs(struct walk *w, yyjson_val *responses, size_t count)
{
    bool by_id = model_can(w->model, CAN_SIGN);
    bool was_used[64] = {false};

    for (size_t i = 0; i < count && i < COUNT(was_used); i++) {
        yyjson_val *response = nth_member(responses, "functionResponse", i);
        size_t match = by_id ? 0 : i;
        for (; match < count && match < COUNT(was_used); match++) {
            yyjson_val *call = nth_member(w->call, "functionCall", match);
            if (!was_used[match] && is_same(call, response, "name") &&
                (!by_id || schema_get(response, "id") == NULL || is_same(call, response, "id")))
                break;
            match = by_id ? match : count;
        }
        if (match >= count) {
            violations_refuse(w->v,
                              "* %s.contents[%zu].parts[%zu].function_response: Function response "
                              "`%s` does not match the name%s of any function call of the function "
                              "call turn.\n",
                              w->prompt->message, w->index, i,
                              yyjson_get_str(schema_get(response, "name")),
                              by_id ? " and the id" : "");
            return;
        }
        was_used[match] = true;
    }
}

/* Text between two responses is read as nobody's on newer models. */
static bool has_text_between(yyjson_val *content, size_t responses)
{
    struct schema_list parts = schema_list(schema_get(content, "parts"));
    yyjson_val *part;
    size_t seen = 0;

    while ((part = schema_next(&parts)) != NULL) {
        bool is_response = schema_get(part, "functionResponse") != NULL;
        if (!is_response && seen != responses)
            return true;
        seen += is_response;
    }
    return false;
}

static void check_response(struct walk *w, yyjson_val *content)
{
    size_t count = count_members(content, "functionResponse");

    if (w->before != TURN_CALL) {
        violations_refuse(w->v, "Please ensure that function response turn comes immediately after "
                                "a function call turn.\n");
        return;
    }
    if (count != count_members(w->call, "functionCall"))
        violations_refuse(w->v,
                          "Please ensure that the number of function response parts is equal to "
                          "the number of function call parts of the function call turn.\n");
    else
        check_pairs(w, content, count);
    if (model_can(w->model, CAN_SIGN) && has_text_between(content, count))
        violations_refuse(w->v, "Please ensure that function response parts come before all other "
                                "parts of a function response turn.\n");
}

/* -- Signatures -- */

static void check_signature(struct walk *w, yyjson_val *part, bool is_first_call)
{
    yyjson_val *signature = schema_get(part, "thoughtSignature");
    yyjson_val *call = schema_get(part, "functionCall");
    struct span name = schema_span(schema_get(call, "name"));
    uint64_t subject = call != NULL ? signature_subject_call(name, schema_get(call, "args"))
                                    : SIGNATURE_SUBJECT_TEXT;

    if (signature == NULL && is_first_call && w->index > w->turn_begin)
        violations_refuse(w->v,
                          "Function call `%.*s` in the `%zu.` content block is missing a "
                          "`thought_signature`.\n",
                          (int)name.len, name.at, w->index + 1);
    if (signature == NULL)
        return;
    switch (signature_check(schema_span(signature), subject)) {
    case SIGNATURE_GOOD:
    case SIGNATURE_SKIP:
        return;
    case SIGNATURE_CORRUPTED:
        violations_refuse(w->v, "Corrupted thought signature.\n");
        return;
    case SIGNATURE_FOREIGN:
        violations_refuse(w->v, "Thought signature is not valid\n");
        return;
    }
}

/* Pictures of the model's own, where a conversation goes on about them. */
static void check_pictures(struct walk *w, yyjson_val *content)
{
    struct schema_list parts = schema_list(schema_get(content, "parts"));
    yyjson_val *part;

    while (model_can(w->model, CAN_SIGN_IMAGES) && (part = schema_next(&parts)) != NULL)
        if (schema_get(part, "inlineData") != NULL && schema_get(part, "thoughtSignature") == NULL)
            violations_refuse(w->v,
                              "Image part in the `%zu.` content block is missing a "
                              "`thought_signature`.\n",
                              w->index + 1);
}

static void check_signatures(struct walk *w, yyjson_val *content)
{
    struct schema_list parts = schema_list(schema_get(content, "parts"));
    bool is_first = true;
    yyjson_val *part;

    if (!model_can(w->model, CAN_SIGN))
        return;
    while ((part = schema_next(&parts)) != NULL) {
        bool is_call = schema_get(part, "functionCall") != NULL;
        check_signature(w, part, is_call && is_first);
        is_first = is_first && !is_call;
    }
}

/* -- Turns -- */

static enum turn turn_of(yyjson_val *content, bool is_alone, const struct model *model)
{
    yyjson_val *role = schema_get(content, "role");
    bool is_response = count_members(content, "functionResponse") != 0;

    if (yyjson_equals_str(role, "user") || (role == NULL && is_alone))
        return is_response ? TURN_RESPONSE : TURN_USER;
    if (yyjson_equals_str(role, "model"))
        return count_members(content, "functionCall") != 0 ? TURN_CALL : TURN_MODEL;
    if (is_response && model_can(model, CAN_OLD_ROLES) &&
        (yyjson_equals_str(role, "function") || yyjson_equals_str(role, "tool")))
        return TURN_RESPONSE;
    return TURN_WRONG;
}

static void check_turn(struct walk *w, yyjson_val *content, enum turn turn)
{
    bool is_call_misplaced =
        turn == TURN_CALL && w->before != TURN_USER && w->before != TURN_RESPONSE;

    if (turn == TURN_WRONG)
        violations_refuse(w->v, "Please use a valid role: user, model.\n");
    if (w->index == 0 && (turn == TURN_MODEL || turn == TURN_CALL))
        violations_refuse(w->v, "Please ensure that multiturn requests begin with a user turn.\n");
    if (is_call_misplaced || (turn == TURN_USER && count_members(content, "functionCall") != 0))
        violations_refuse(w->v, "Please ensure that function call turn comes immediately after a "
                                "user turn or after a function response turn.\n");
    if (w->before == TURN_CALL && turn != TURN_RESPONSE)
        violations_refuse(w->v,
                          "Please ensure that the number of function response parts is equal to "
                          "the number of function call parts of the function call turn.\n");
    if (turn == TURN_RESPONSE)
        check_response(w, content);
    if (turn == TURN_CALL || turn == TURN_MODEL)
        check_signatures(w, content);
    if (turn == TURN_MODEL)
        check_pictures(w, content);
}

static void check_end(struct walk *w, enum turn last)
{
    if ((last == TURN_MODEL || last == TURN_CALL) && !model_can(w->model, CAN_PREFILL))
        violations_refuse(w->v,
                          "Requests ending with a model turn are not supported for models/%s.\n",
                          w->model->name);
    else if (last == TURN_CALL)
        violations_refuse(w->v,
                          "Please ensure that the number of function response parts is equal to "
                          "the number of function call parts of the function call turn.\n");
}

/* The index of the last content that begins a turn: a user's that brings no results. */
static size_t find_turn(yyjson_val *contents, const struct model *model)
{
    struct schema_list list = schema_list(contents);
    size_t begin = 0;
    yyjson_val *content;

    for (size_t i = 0; (content = schema_next(&list)) != NULL; i++)
        if (turn_of(content, list.count == 1, model) == TURN_USER)
            begin = i;
    return begin;
}

void turn_read(struct prompt *prompt, struct violations *v, yyjson_val *contents,
               const struct model *model)
{
    struct schema_list list = schema_list(contents);
    struct walk w = {.prompt = prompt, .v = v, .model = model, .count = list.count};
    enum turn turn = TURN_USER;
    yyjson_val *content;

    if (list.count == 0)
        violations_refuse(v, "* %s.contents: contents is not specified\n", prompt->message);
    w.turn_begin = find_turn(contents, model);
    for (; (content = schema_next(&list)) != NULL; w.index++) {
        snprintf(w.where, sizeof(w.where), "contents[%zu]", w.index);
        turn = turn_of(content, w.count == 1, model);
        read_parts(&w, content, turn == TURN_USER || turn == TURN_RESPONSE);
        check_turn(&w, content, turn);
        w.before = turn;
        w.call = turn == TURN_CALL ? content : NULL;
        prompt->response =
            turn == TURN_RESPONSE ? nth_member(content, "functionResponse", 0) : NULL;
    }
    check_end(&w, turn);
}

void turn_read_alone(struct prompt *prompt, struct violations *v, yyjson_val *content,
                     const char *where, const struct model *model)
{
    struct walk w = {.prompt = prompt, .v = v, .model = model, .count = 1};

    snprintf(w.where, sizeof(w.where), "%s", where);
    read_parts(&w, content, false);
}
