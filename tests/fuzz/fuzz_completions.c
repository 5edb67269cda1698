/* SPDX-License-Identifier: Apache-2.0 */
/* Completions: a line with the client's body, then what the provider says, an event a line, of which
 * each call takes the next. What is taken becomes chats whose bodies are JSON; and whatever comes of
 * their answers is JSON of completions, in a stream in whole chunks, with choices of this reply. */
/* needs: frontend */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/json.h"
#include "openai/chat/ask.h"
#include "openai/endpoints.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_object(struct view text)
{
    yyjson_doc *doc = yyjson_read(text.at, text.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc), *choice;
    size_t i, max;

    assert(view_equal(json_view(json_member(root, VIEW("object"))), VIEW("text_completion")));
    yyjson_arr_foreach(json_member(root, VIEW("choices")), i, max, choice)
    {
        assert(yyjson_get_uint(yyjson_obj_get(choice, "index")) < REPLY_CHOICES);
        assert(yyjson_is_str(yyjson_obj_get(choice, "text")));
    }
    yyjson_doc_free(doc);
}

static void check_stream(struct view text)
{
    while (text.len) {
        const char *end = memmem(text.at, text.len, "\n\n", 2);
        struct view line = {text.at, end ? (size_t)(end - text.at) : 0};

        assert(view_starts(line, VIEW("data: ")));
        line = view_skip(line, 6);
        if (!view_equal(line, VIEW("[DONE]")))
            check_object(line);
        text = view_skip(text, line.len + 8);
    }
}

static struct view next_line(struct view *text)
{
    const char *newline = text->len ? memchr(text->at, '\n', text->len) : NULL;
    struct view line = {text->at, newline ? (size_t)(newline - text->at) : text->len};

    *text = view_skip(*text, newline ? line.len + 1 : line.len);
    return line;
}

/* Events go to the calls in turn, the last first; then each call ends. */
static enum error run_stream(void *state, struct plan *plan, struct view said, struct bytes *out)
{
    struct call_answer end = {0};
    enum error error = ERROR_NONE;

    endpoint_completions.beat(state, out);
    for (size_t i = 0; said.len && error == ERROR_NONE; i++)
        error = endpoint_completions.event(state, plan, plan->count - 1 - i % plan->count,
                                           next_line(&said), out);
    for (size_t i = 0; i < plan->count && error == ERROR_NONE; i++)
        error = endpoint_completions.answer(state, plan, i, &end, out);
    return error;
}

static enum error run_whole(void *state, struct plan *plan, struct view said, struct bytes *out)
{
    enum error error = ERROR_NONE;

    for (size_t i = 0; i < plan->count && error == ERROR_NONE; i++) {
        struct call_answer answer = {.body = next_line(&said)};

        error = endpoint_completions.answer(state, plan, i, &answer, out);
    }
    assert(!out->len);
    return error;
}

static void run(void *state, struct plan *plan, struct view said)
{
    struct bytes out = {0};
    enum error error;

    for (size_t i = 0; i < plan->count; i++) {
        struct view body = body_view(plan->steps[i]->order.body);
        yyjson_doc *doc = yyjson_read(body.at, body.len, 0);

        assert(yyjson_is_obj(yyjson_doc_get_root(doc)));
        yyjson_doc_free(doc);
    }
    error = plan->is_sse ? run_stream(state, plan, said, &out) : run_whole(state, plan, said, &out);
    if (error == ERROR_NONE)
        endpoint_completions.end(state, &out);
    if (plan->is_sse)
        check_stream(bytes_view(&out));
    else if (error == ERROR_NONE)
        check_object(bytes_view(&out));
    bytes_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view text = {(const char *)data, size};
    struct request request = {.pool = "gemini", .body = next_line(&text)};
    void *state = calloc(1, endpoint_completions.state_size);
    struct plan plan = {.limit = 16};
    enum error error = endpoint_completions.begin(state, &request, &plan);

    assert(error == ERROR_NONE ? plan.count > 0 : plan.why.len > 0);
    if (error == ERROR_NONE)
        run(state, &plan, text);
    endpoint_completions.clear(state);
    plan_clear(&plan);
    free(state);
    return 0;
}
