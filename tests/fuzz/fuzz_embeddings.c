/* SPDX-License-Identifier: Apache-2.0 */
/* Embeddings: a line with the client's body, then the provider's answer. What is taken becomes
 * calls whose bodies are JSON, and any answer becomes a list in JSON or none. */
/* needs: frontend */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/json.h"
#include "openai/endpoints.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_json(struct view text)
{
    yyjson_doc *doc = yyjson_read(text.at, text.len, 0);

    assert(yyjson_is_obj(yyjson_doc_get_root(doc)));
    yyjson_doc_free(doc);
}

static void take_answers(void *state, struct plan *plan, struct view answer)
{
    struct call_answer whole = {.body = answer};
    struct bytes out = {0};
    enum error error = ERROR_NONE;

    for (size_t i = 0; i < plan->count && error == ERROR_NONE; i++) {
        check_json(body_view(plan->steps[i]->order.body));
        error = endpoint_embeddings.answer(state, plan, i, &whole, &out);
    }
    if (error == ERROR_NONE) {
        endpoint_embeddings.end(state, &out);
        check_json(bytes_view(&out));
    }
    bytes_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view text = {(const char *)data, size};
    const char *newline = size ? memchr(data, '\n', size) : NULL;
    size_t len = newline ? (size_t)(newline - text.at) : size;
    struct request request = {.pool = "gemini", .body = {text.at, len}};
    void *state = calloc(1, endpoint_embeddings.state_size);
    struct plan plan = {.limit = 3};
    enum error error = endpoint_embeddings.begin(state, &request, &plan);

    assert(error == ERROR_NONE ? plan.count > 0 : plan.why.len > 0);
    if (error == ERROR_NONE)
        take_answers(state, &plan, view_skip(text, newline ? len + 1 : len));
    endpoint_embeddings.clear(state);
    plan_clear(&plan);
    free(state);
    return 0;
}
