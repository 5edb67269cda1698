/* SPDX-License-Identifier: Apache-2.0 */
/* Pairs results with calls: by id, by name, by order. Called by tool_turns.c. What must stay true: no
 * result is given twice; and the work is bounded, whatever ids a client makes up. */
#include "openai/chat/tool_pairs.h"

enum {
    LOOKS_MOST = 512, /* results that are looked at for a step; what is behind is told as text */
    LATE_MOST = 4096, /* looks at results behind their step, of all steps */
};

static bool is_result(yyjson_val *message)
{
    struct view role = json_view(json_member(message, VIEW("role")));

    return view_equal(role, VIEW("tool")) || view_equal(role, VIEW("function"));
}

static bool has_calls(yyjson_val *message)
{
    return yyjson_arr_size(json_member(message, VIEW("tool_calls"))) ||
           yyjson_is_obj(json_member(message, VIEW("function_call")));
}

void tool_pairs_collect(struct tool_turns *turns, yyjson_val *messages)
{
    size_t i, max, step = NONE;
    yyjson_val *message, *caller = NULL;

    turns->results = memory_new(yyjson_arr_size(messages) * sizeof(*turns->results));
    yyjson_arr_foreach(messages, i, max, message)
    {
        if (has_calls(message)) {
            step = i;
            caller = message;
        }
        if (is_result(message))
            turns->results[turns->result_count++] =
                (struct tool_result){.message = message,
                                     .index = i,
                                     .step = step,
                                     .caller = caller,
                                     .id = json_view(json_member(message, VIEW("tool_call_id"))),
                                     .next = NONE};
    }
}

static void give(struct tool_turns *turns, struct tool_call *call, size_t result)
{
    turns->results[result].is_taken = true;
    if (call->first == NONE)
        call->first = result;
    else
        turns->results[call->last].next = result;
    call->last = result;
}

/* The call of that id without a result, else one that has some; NULL: none has the id. */
static struct tool_call *call_by_id(struct tool_turns *turns, struct view id)
{
    struct tool_call *found = NULL;

    for (size_t i = 0; i < turns->call_count; i++) {
        struct tool_call *call = &turns->calls[i];
        if (!view_equal(call->id, id))
            continue;
        if (call->first == NONE)
            return call;
        found = call;
    }
    return found;
}

/* The first call without a result, of that name if it has one. */
static struct tool_call *call_by_name(struct tool_turns *turns, struct view name)
{
    for (size_t i = 0; i < turns->call_count; i++) {
        struct tool_call *call = &turns->calls[i];
        if (call->first == NONE && (!name.len || view_equal(call->name, name)))
            return call;
    }
    return NULL;
}

/* The results that belong to the step by where they stand. */
struct tool_span {
    size_t first, behind;
};

static struct tool_span span_of(const struct tool_turns *turns)
{
    struct tool_span span = {turns->seen, turns->seen};

    while (span.behind < turns->result_count && turns->results[span.behind].step == turns->step &&
           span.behind - span.first < LOOKS_MOST)
        span.behind++;
    return span;
}

static void pair_by_id(struct tool_turns *turns, struct tool_span span)
{
    for (size_t i = span.first; i < span.behind; i++) {
        struct view id = turns->results[i].id;
        struct tool_call *call = id.len ? call_by_id(turns, id) : NULL;
        if (call)
            give(turns, call, i);
    }
}

static void pair_without_id(struct tool_turns *turns, struct tool_span span)
{
    for (size_t i = span.first; i < span.behind; i++) {
        struct tool_result *result = &turns->results[i];
        struct view name = json_view(json_member(result->message, VIEW("name")));
        struct tool_call *call = result->id.len ? NULL : call_by_name(turns, name);
        if (call)
            give(turns, call, i);
    }
}

/* Whether the step before the result has a call of its id: then it isn't ours. */
static bool is_anothers(const struct tool_result *result)
{
    yyjson_val *call;
    size_t i, max;

    yyjson_arr_foreach(json_member(result->caller, VIEW("tool_calls")), i, max, call)
    {
        if (view_equal(json_view(json_member(call, VIEW("id"))), result->id))
            return true;
    }
    return false;
}

/* Results that come after other calls. */
static void pair_late(struct tool_turns *turns, struct tool_span span)
{
    if (!call_by_name(turns, VIEW("")))
        return;
    for (size_t i = span.behind; i < turns->result_count && turns->late_looks++ < LATE_MOST; i++) {
        struct tool_result *result = &turns->results[i];
        struct tool_call *call = result->id.len ? call_by_id(turns, result->id) : NULL;
        if (call && call->first == NONE && !is_anothers(result))
            give(turns, call, i);
    }
}

/* One call and one result that are left over belong together, whatever the id. */
static void pair_last(struct tool_turns *turns, struct tool_span span)
{
    struct tool_call *call = call_by_name(turns, VIEW(""));
    size_t left = NONE, count = 0;

    for (size_t i = span.first; i < span.behind; i++) {
        if (turns->results[i].is_taken)
            continue;
        left = i;
        count++;
    }
    if (!call || count != 1)
        return;
    give(turns, call, left);
    if (call_by_name(turns, VIEW(""))) { /* there were two calls: it was a guess */
        call->first = call->last = NONE;
        turns->results[left].is_taken = false;
    }
}

void tool_pairs_find(struct tool_turns *turns)
{
    struct tool_span span = span_of(turns);

    pair_by_id(turns, span);
    pair_without_id(turns, span);
    pair_late(turns, span);
    pair_last(turns, span);
}
