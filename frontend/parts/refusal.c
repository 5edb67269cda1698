/* SPDX-License-Identifier: Apache-2.0 */
/* What a provider refuses for a model. Called when a call has failed, and before one begins. What
 * must stay true: only the beginning of the provider's message counts, since further on it may
 * quote what a client wrote; and a body loses nothing but what was refused. What no body of ours
 * holds has no line here. */
#include "parts/refusal.h"

#include <stdlib.h>
#include <strings.h>

#include "base/json.h"
#include "settings/options.h"

enum { REMEMBER_MS = 4 * 3600 * 1000 };

/* ---- which member ---- */

/* The subject at the beginning of the message, up to "is not enabled", "are not supported" and the
 * like; those that end with a dot are messages of another form, and taken as they begin. */
static const struct {
    const char *subject;
    struct refusal refusal;
} refusals[] = {
    {"Penalty", {"penalty", REFUSED_PENALTY, true}},
    {"Presence penalty", {"penalty", REFUSED_PENALTY, true}},
    {"Frequency penalty", {"penalty", REFUSED_PENALTY, true}},
    {"Logprobs", {"logprobs", REFUSED_LOGPROBS, true}},
    {"Media resolution", {"media_resolution", REFUSED_MEDIA_RESOLUTION, true}},
    {"JSON mode", {"json", REFUSED_JSON, true}},
    {"Developer instruction", {"system", REFUSED_SYSTEM, true}},
    {"System instruction", {"system", REFUSED_SYSTEM, true}},
    {"Requests ending with a model turn", {"prefill", REFUSED_PREFILL, true}},
    {"Thinking level", {"thinking_level", REFUSED_LEVEL, true}},
    {"Thinking budget", {"thinking_budget", REFUSED_BUDGET, true}},
    {"Thinking", {"thinking", REFUSED_THINKING, true}},
};

/* Complaints about one request: another one with the same member may be taken. */
static const struct {
    const char *beginning, *later; /* both must be there */
    struct refusal refusal;
} others[] = {
    {"Budget", "invalid", {"thinking_budget", REFUSED_BUDGET, false}},
    {"The thinking budget", "invalid", {"thinking_budget", REFUSED_BUDGET, false}},
};

static const struct refusal no_signature = {"signature", REFUSED_SIGNATURE, false};
static const struct refusal no_schema = {"schema", REFUSED_SCHEMA, false};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Steps over `words` at the beginning of `text`, whatever their case. */
static bool step(struct view *text, const char *words)
{
    size_t len = strlen(words);

    if (text->len < len || strncasecmp(text->at, words, len) != 0)
        return false;
    *text = view_skip(*text, len);
    return true;
}

static bool is_not_taken(struct view rest)
{
    static const char *const verbs[] = {
        " is not enabled",        " is not supported", " are not enabled",
        " are not supported",     " is unsupported",   " config is not supported",
        " config is not enabled",
    };

    for (size_t i = 0; i < COUNT_OF(verbs); i++)
        if (step(&rest, verbs[i]))
            return true;
    return false;
}

static bool holds(struct view text, const char *words)
{
    for (; text.len >= strlen(words); text = view_skip(text, 1))
        if (view_starts(text, view_of(words)))
            return true;
    return false;
}

/* Whatever the words: it is not remembered, so a client's own text in it does no harm. */
static bool mentions_signature(struct view message)
{
    return holds(message, "thought_signature") || holds(message, "hought signature");
}

/* The schema of an answer; those of functions are none of it. Likewise not remembered. */
static bool mentions_schema(struct view message)
{
    static const char *const words[] = {"schema", "Schema", "constraint that has"};
    bool is_meant = false;

    for (size_t i = 0; i < COUNT_OF(words); i++)
        is_meant |= holds(message, words[i]);
    return is_meant && !holds(message, "function_declarations") &&
           !holds(message, "functionDeclarations") && !holds(message, "arameters");
}

static const struct refusal *find(struct view message)
{
    struct view text = message;

    step(&text, "Unable to submit request because ");
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        struct view rest = text;
        if (step(&rest, refusals[i].subject) && is_not_taken(rest))
            return &refusals[i].refusal;
    }
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        struct view rest = text;
        if (step(&rest, others[i].beginning) && holds(rest, others[i].later))
            return &others[i].refusal;
    }
    if (mentions_signature(message))
        return &no_signature;
    return mentions_schema(message) ? &no_schema : NULL;
}

/* An answer without content that ends so, instead of an error. */
static const struct refusal *find_in_answer(yyjson_val *root)
{
    yyjson_val *candidate = yyjson_arr_get_first(json_member(root, VIEW("candidates")));
    struct view reason = json_view(json_member(candidate, VIEW("finishReason")));

    return view_equal(reason, VIEW("MISSING_THOUGHT_SIGNATURE")) ? &no_signature : NULL;
}

/* Of events the first. */
static struct view first_object(struct view body)
{
    const char *end;

    if (!view_starts(body, VIEW("data:")))
        return body;
    body = view_skip(body, 5);
    end = body.len ? memchr(body.at, '\n', body.len) : NULL;
    return end ? (struct view){body.at, (size_t)(end - body.at)} : body;
}

const struct refusal *refusal_read(struct view body)
{
    yyjson_doc *doc = json_read_reply(first_object(body));
    yyjson_val *root = yyjson_doc_get_root(doc);
    const struct refusal *refusal;

    if (yyjson_is_arr(root)) /* streams without alt=sse wrap it */
        root = yyjson_arr_get_first(root);
    refusal = find(json_view(json_member(json_member(root, VIEW("error")), VIEW("message"))));
    if (!refusal)
        refusal = find_in_answer(root);
    yyjson_doc_free(doc);
    return refusal;
}

unsigned refusal_bit(const struct refusal *refusal)
{
    return 1u << refusal->refused;
}

/* ---- the body without it ---- */

/* Where a member stands that goes. */
enum place_of_member { IN_CONFIG, IN_THINKING, IN_PARTS };

static const struct {
    enum refused refused;
    enum place_of_member place;
    const char *name;
} members[] = {
    {REFUSED_PENALTY, IN_CONFIG, "presencePenalty"},
    {REFUSED_PENALTY, IN_CONFIG, "frequencyPenalty"},
    {REFUSED_LOGPROBS, IN_CONFIG, "responseLogprobs"},
    {REFUSED_LOGPROBS, IN_CONFIG, "logprobs"},
    {REFUSED_MEDIA_RESOLUTION, IN_CONFIG, "mediaResolution"},
    {REFUSED_MEDIA_RESOLUTION, IN_PARTS, "mediaResolution"},
    {REFUSED_JSON, IN_CONFIG, "responseMimeType"},
    {REFUSED_JSON, IN_CONFIG, "responseJsonSchema"},
    {REFUSED_JSON, IN_CONFIG, "responseSchema"},
    {REFUSED_SCHEMA, IN_CONFIG, "responseJsonSchema"},
    {REFUSED_SCHEMA, IN_CONFIG, "responseSchema"},
    {REFUSED_LEVEL, IN_THINKING, "thinkingLevel"},
    {REFUSED_BUDGET, IN_THINKING, "thinkingBudget"},
    {REFUSED_THINKING, IN_CONFIG, "thinkingConfig"},
};

bool refusal_takes(unsigned refused, struct view member)
{
    for (size_t i = 0; refused && i < COUNT_OF(members); i++)
        if (refused & 1u << members[i].refused && view_equal(view_of(members[i].name), member))
            return true;
    return false;
}

/* Whether it is worth reading the body: the text may hold such a word too, and then reading finds
 * nothing. */
static bool may_hold(struct view body, unsigned refused)
{
    for (size_t i = 0; i < COUNT_OF(members); i++) {
        const char *name = members[i].name;
        if (refused & 1u << members[i].refused && memmem(body.at, body.len, name, strlen(name)))
            return true;
    }
    return (refused & 1u << REFUSED_SYSTEM &&
            memmem(body.at, body.len, "systemInstruction", strlen("systemInstruction"))) ||
           (refused & 1u << REFUSED_SIGNATURE &&
            memmem(body.at, body.len, "functionCall", strlen("functionCall"))) ||
           refused & 1u << REFUSED_PREFILL;
}

static bool drop(yyjson_mut_val *object, const char *name)
{
    return yyjson_mut_obj_remove_key(object, name) != NULL;
}

static bool drop_in_parts(yyjson_mut_val *root, const char *name)
{
    yyjson_mut_val *content, *part;
    size_t i, max, k, count;
    bool is_changed = false;

    yyjson_mut_arr_foreach(yyjson_mut_obj_get(root, "contents"), i, max, content)
    {
        yyjson_mut_val *parts = yyjson_mut_obj_get(content, "parts");
        yyjson_mut_arr_foreach(parts, k, count, part) is_changed |= drop(part, name);
    }
    return is_changed;
}

static bool drop_members(yyjson_mut_val *root, unsigned refused)
{
    yyjson_mut_val *config = yyjson_mut_obj_get(root, "generationConfig");
    yyjson_mut_val *thinking = yyjson_mut_obj_get(config, "thinkingConfig");
    bool is_changed = false;

    for (size_t i = 0; i < COUNT_OF(members); i++) {
        const char *name = members[i].name;
        if (!(refused & 1u << members[i].refused))
            continue;
        is_changed |= members[i].place == IN_PARTS
                          ? drop_in_parts(root, name)
                          : drop(members[i].place == IN_THINKING ? thinking : config, name);
    }
    if (thinking && yyjson_mut_obj_size(thinking) == 0)
        drop(config, "thinkingConfig");
    if (config && yyjson_mut_obj_size(config) == 0)
        drop(root, "generationConfig");
    return is_changed;
}

/* The parts of the first turn, which is made the user's if it isn't. */
static yyjson_mut_val *first_parts(yyjson_mut_doc *doc, yyjson_mut_val *root)
{
    yyjson_mut_val *contents = yyjson_mut_obj_get(root, "contents");
    yyjson_mut_val *first = yyjson_mut_arr_get_first(contents);
    const char *role = yyjson_mut_get_str(yyjson_mut_obj_get(first, "role"));

    if (!role || strcmp(role, "user") != 0) {
        first = yyjson_mut_obj(doc);
        yyjson_mut_obj_add_str(doc, first, "role", "user");
        yyjson_mut_obj_add_arr(doc, first, "parts");
        yyjson_mut_arr_prepend(contents, first);
    }
    return yyjson_mut_obj_get(first, "parts");
}

/* In the order of `from`, behind what `to` has. */
static void move_parts(yyjson_mut_val *from, yyjson_mut_val *to)
{
    yyjson_mut_val *part;

    while ((part = yyjson_mut_arr_remove_first(from)) != NULL)
        yyjson_mut_arr_append(to, part);
}

static bool move_system(yyjson_mut_doc *doc, yyjson_mut_val *root)
{
    yyjson_mut_val *system = yyjson_mut_obj_remove_key(root, "systemInstruction");
    yyjson_mut_val *said = yyjson_mut_obj_get(system, "parts"), *parts;

    if (!system)
        return false;
    parts = first_parts(doc, root);
    move_parts(parts, said); /* yyjson finds the first part at once, the last by a walk */
    move_parts(said, parts);
    return true;
}

static bool is_models(yyjson_mut_val *content)
{
    return yyjson_mut_equals_str(yyjson_mut_obj_get(content, "role"), "model");
}

static bool continue_prefill(yyjson_mut_doc *doc, yyjson_mut_val *root)
{
    yyjson_mut_val *contents = yyjson_mut_obj_get(root, "contents"), *turn, *part;

    if (!settings_now()->continue_prefill || !is_models(yyjson_mut_arr_get_last(contents)))
        return false;
    turn = yyjson_mut_arr_add_obj(doc, contents);
    yyjson_mut_obj_add_str(doc, turn, "role", "user");
    part = yyjson_mut_arr_add_obj(doc, yyjson_mut_obj_add_arr(doc, turn, "parts"));
    yyjson_mut_obj_add_str(doc, part, "text", REFUSAL_CONTINUE);
    return true;
}

/* The first call of a content gets the value that Google documents for a lost signature, all else
 * loses its own: of what model or key they were is not known. */
static bool skip_signatures(yyjson_mut_doc *doc, yyjson_mut_val *parts)
{
    yyjson_mut_val *part;
    size_t i, max;
    bool has_call = false, is_changed = false;

    yyjson_mut_arr_foreach(parts, i, max, part)
    {
        yyjson_mut_val *signature = yyjson_mut_obj_get(part, "thoughtSignature");
        bool is_first = !has_call && yyjson_mut_obj_get(part, "functionCall");

        has_call = has_call || is_first;
        if (!is_first) {
            is_changed |= drop(part, "thoughtSignature");
        } else if (!yyjson_mut_equals_str(signature, REFUSAL_NO_SIGNATURE)) {
            drop(part, "thoughtSignature");
            is_changed |=
                yyjson_mut_obj_add_str(doc, part, "thoughtSignature", REFUSAL_NO_SIGNATURE);
        }
    }
    return is_changed;
}

static bool skip_all_signatures(yyjson_mut_doc *doc, yyjson_mut_val *root)
{
    yyjson_mut_val *content;
    size_t i, max;
    bool is_changed = false;

    yyjson_mut_arr_foreach(yyjson_mut_obj_get(root, "contents"), i, max, content)
    {
        is_changed |= skip_signatures(doc, yyjson_mut_obj_get(content, "parts"));
    }
    return is_changed;
}

static bool change(yyjson_mut_doc *doc, unsigned refused)
{
    yyjson_mut_val *root = yyjson_mut_doc_get_root(doc);
    bool is_changed = drop_members(root, refused);

    if (refused & 1u << REFUSED_SYSTEM)
        is_changed |= move_system(doc, root);
    if (refused & 1u << REFUSED_PREFILL)
        is_changed |= continue_prefill(doc, root);
    if (refused & 1u << REFUSED_SIGNATURE)
        is_changed |= skip_all_signatures(doc, root);
    return is_changed;
}

bool refusal_repair(struct view body, unsigned refused, struct bytes *out)
{
    const char *why;
    yyjson_doc *read = may_hold(body, refused) ? json_read_request(body, &why) : NULL;
    yyjson_mut_doc *doc = read ? yyjson_doc_mut_copy(read, NULL) : NULL;
    bool is_changed = doc && change(doc, refused);
    size_t len = 0;
    char *text = is_changed ? yyjson_mut_write(doc, 0, &len) : NULL;

    if (text)
        bytes_append(out, (struct view){text, len});
    free(text);
    yyjson_mut_doc_free(doc);
    yyjson_doc_free(read);
    return text != NULL;
}

/* ---- what is remembered ---- */

static struct refusing *find_model(struct refusals *all, struct view model)
{
    for (size_t i = 0; i < all->count; i++)
        if (view_equal(view_of(all->all[i].model), model))
            return &all->all[i];
    return NULL;
}

static struct refusing *make_room(struct refusals *all)
{
    struct refusing *oldest = all->all;

    if (all->count < REFUSALS_MOST)
        return &all->all[all->count++];
    for (size_t i = 1; i < all->count; i++)
        if (all->all[i].noted_ms < oldest->noted_ms)
            oldest = &all->all[i];
    return oldest;
}

void refusals_note(struct refusals *all, struct view model, const struct refusal *refusal,
                   uint64_t now_ms)
{
    struct refusing *one = find_model(all, model);

    if (!refusal->is_models || !model.len || model.len > REFUSALS_NAME_MOST)
        return;
    if (!one) {
        one = make_room(all);
        *one = (struct refusing){0};
        memcpy(one->model, model.at, model.len);
    }
    one->noted_ms = now_ms;
    one->until_ms[refusal->refused] = now_ms + REMEMBER_MS;
}

unsigned refusals_known(const struct refusals *all, struct view model, uint64_t now_ms)
{
    unsigned known = 0;

    for (size_t i = 0; all && i < all->count; i++) {
        const struct refusing *one = &all->all[i];
        if (!view_equal(view_of(one->model), model))
            continue;
        for (size_t refused = 0; refused < REFUSED_COUNT; refused++)
            known |= now_ms < one->until_ms[refused] ? 1u << refused : 0;
    }
    return known;
}
