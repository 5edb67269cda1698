/* SPDX-License-Identifier: Apache-2.0 */
/* embeddings as an endpoint: a call for each hundred inputs, and their answers in one list. If one
 * of them fails, so does the request: half a list is of no use to anybody. */
#include "openai/endpoints.h"

#include "openai/embeddings/embed.h"

static enum error begin(void *state, const struct request *request, struct plan *plan)
{
    return embed_read(state, request, plan);
}

static size_t inputs_of(const struct embed *embed, size_t place)
{
    size_t rest = embed->count - place * EMBED_BATCH;

    return rest < EMBED_BATCH ? rest : EMBED_BATCH;
}

static enum error answer(void *state, struct plan *plan, size_t call,
                         const struct call_answer *whole, struct bytes *out)
{
    struct embed *embed = state;
    const struct step *step = plan->steps[call];

    (void)out; /* `end` writes all of them */
    if (!embed_take(embed, whole->body, inputs_of(embed, step->place), step->order.tokens)) {
        bytes_text(&plan->why, "The provider's answer has not a vector for each input.");
        return ERROR_UPSTREAM;
    }
    plan->kept = embed->list.len;
    return ERROR_NONE;
}

static void end(void *state, struct bytes *out)
{
    embed_write(state, out);
}

void embed_clear(struct embed *embed)
{
    bytes_clear(&embed->client_model);
    bytes_clear(&embed->model);
    bytes_clear(&embed->list);
}

static void clear(void *state)
{
    embed_clear(state);
}

const struct endpoint endpoint_embeddings = {
    .name = "openai_embeddings",
    .state_size = sizeof(struct embed),
    .stream = "application/json",
    .begin = begin,
    .answer = answer,
    .end = end,
    .clear = clear,
};
