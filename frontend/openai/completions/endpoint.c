/* SPDX-License-Identifier: Apache-2.0 */
/* completions as an endpoint: the chats of its prompts, whose calls share one plan. What must stay
 * true: a call is known to belong to one chat, and that chat alone hears of it. */
#include "openai/endpoints.h"

#include <stdlib.h>

#include "openai/completions/completion.h"

static enum error refuse(struct plan *plan, enum error error, const char *param)
{
    plan->param = param;
    return error;
}

/* The chats' choices are those of one reply; how many a prompt has is known when the first chat has
 * planned its calls. */
static enum error check_choices(struct completion *completion, struct plan *plan)
{
    size_t most = plan->limit < REPLY_CHOICES ? plan->limit : REPLY_CHOICES;

    completion->choices = plan->count;
    if (completion->best_of && (size_t)completion->best_of != completion->choices) {
        bytes_text(&plan->why, "Unsupported value: 'best_of' must be the same as 'n'.");
        return refuse(plan, ERROR_UNSUPPORTED_VALUE, "best_of");
    }
    if (completion->choices * completion->count <= most)
        return ERROR_NONE;
    bytes_printf(&plan->why, "Invalid value: 'n' times the number of prompts must be at most %zu.",
                 most);
    return refuse(plan, ERROR_BAD_VALUE, completion->count > most ? "prompt" : "n");
}

/* The calls that a chat has added are its own; what it keeps is charged beside what others keep. */
static void note_calls(struct completion *completion, size_t number, struct plan *plan)
{
    char owner = (char)number;
    size_t kept = 0;

    while (completion->owners.len < plan->count)
        bytes_append(&completion->owners, (struct view){&owner, 1});
    completion->prompts[number].kept = plan->kept;
    for (size_t i = 0; i < completion->count; i++)
        kept += completion->prompts[i].kept + completion->prompts[i].said.len;
    plan->kept = kept;
}

static enum error begin_chat(struct completion *completion, size_t number,
                             const struct request *request, struct plan *plan)
{
    struct completion_prompt *prompt = &completion->prompts[number];
    struct request asked = *request;
    struct bytes body = {0};
    enum error error;

    completion_chat(completion, number, &body);
    asked.body = bytes_view(&body);
    prompt->chat = memory_new(endpoint_chat.state_size);
    error = endpoint_chat.begin(prompt->chat, &asked, plan);
    bytes_clear(&body);
    if (error == ERROR_NONE && !number && !plan->models_wait_ms)
        error = check_choices(completion, plan);
    note_calls(completion, number, plan);
    if (!completion->echo)
        bytes_clear(&prompt->text);
    return error;
}

static enum error begin(void *of, const struct request *request, struct plan *plan)
{
    struct completion *completion = of;
    enum error error = completion_read(completion, request, plan);

    for (size_t i = 0; error == ERROR_NONE && i < completion->count && !plan->models_wait_ms; i++)
        error = begin_chat(completion, i, request, plan);
    completion->is_stream = plan->is_sse;
    return error;
}

/* Whose chat is to hear of a call; the plan says then what that chat keeps, as it does for a chat
 * that has a plan of its own. */
static size_t turn_of(const struct completion *completion, struct plan *plan, size_t call)
{
    size_t number = (size_t)completion->owners.at[call];

    plan->kept = completion->prompts[number].kept;
    return number;
}

static enum error event(void *of, struct plan *plan, size_t call, struct view json,
                        struct bytes *out)
{
    struct completion *completion = of;
    size_t number = turn_of(completion, plan, call);
    struct bytes chunks = {0};
    enum error error =
        endpoint_chat.event(completion->prompts[number].chat, plan, call, json, &chunks);

    completion_chunks(completion, number, bytes_view(&chunks), false, out);
    note_calls(completion, number, plan);
    bytes_clear(&chunks);
    return error;
}

/* What comes whole is written when all chats are at their end. */
static enum error answer(void *of, struct plan *plan, size_t call, const struct call_answer *whole,
                         struct bytes *out)
{
    struct completion *completion = of;
    size_t number = turn_of(completion, plan, call);
    struct completion_prompt *prompt = &completion->prompts[number];
    struct bytes chunks = {0};
    enum error error = endpoint_chat.answer(prompt->chat, plan, call, whole,
                                            plan->is_sse ? &chunks : &prompt->said);

    completion_chunks(completion, number, bytes_view(&chunks), false, out);
    note_calls(completion, number, plan);
    bytes_clear(&chunks);
    return error;
}

static bool failed(void *of, struct plan *plan, size_t call, const struct call_failure *failure)
{
    struct completion *completion = of;
    size_t number = turn_of(completion, plan, call);
    bool goes_on = endpoint_chat.failed(completion->prompts[number].chat, plan, call, failure);

    note_calls(completion, number, plan);
    return goes_on;
}

/* What the chats have held back, and the end of all of it. */
static void end(void *of, struct bytes *out)
{
    struct completion *completion = of;
    struct bytes chunks = {0};

    for (size_t i = 0; i < completion->count; i++) {
        struct completion_prompt *prompt = &completion->prompts[i];

        chunks.len = 0;
        endpoint_chat.end(prompt->chat, completion->is_stream ? &chunks : &prompt->said);
        completion_chunks(completion, i, bytes_view(&chunks), false, out);
    }
    bytes_clear(&chunks);
    if (completion->is_stream)
        completion_end(completion, out);
    else
        completion_whole(completion, out);
}

static void beat(void *of, struct bytes *out)
{
    struct completion *completion = of;
    struct bytes chunks = {0};

    endpoint_chat.beat(completion->prompts[0].chat, &chunks);
    completion_chunks(completion, 0, bytes_view(&chunks), true, out);
    bytes_clear(&chunks);
}

static void clear(void *of)
{
    struct completion *completion = of;

    for (size_t i = 0; i < REPLY_CHOICES; i++) {
        struct completion_prompt *prompt = &completion->prompts[i];

        if (prompt->chat)
            endpoint_chat.clear(prompt->chat);
        free(prompt->chat);
        bytes_clear(&prompt->text);
        bytes_clear(&prompt->said);
    }
    bytes_clear(&completion->members);
    bytes_clear(&completion->owners);
    bytes_clear(&completion->head);
}

const struct endpoint endpoint_completions = {
    .name = "openai_completions",
    .state_size = sizeof(struct completion),
    .stream = "text/event-stream; charset=utf-8",
    .begin = begin,
    .event = event,
    .answer = answer,
    .failed = failed,
    .end = end,
    .beat = beat,
    .clear = clear,
};
