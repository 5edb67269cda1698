/* SPDX-License-Identifier: Apache-2.0 */
/* chat/completions as an endpoint: one call for each choice, and one more where the model refuses a
 * field. */
#include "endpoint/endpoint.h"

#include "base/log.h"
#include "openai/chat/chat.h"
#include "openai/chat/request.h"
#include "parts/refusal.h"

struct state {
    struct ask ask;
    struct reply reply;
    struct refusals *refusals;
    uint64_t id, client, now_ms;
};

static struct step step_of(const struct state *state, const struct request *request,
                           struct body *body)
{
    const struct ask *ask = &state->ask;
    struct step step = {.order = {.pool = request->pool,
                                  .operation = ask->operation,
                                  .body = body,
                                  .stream = ask->stream,
                                  .thoughts = ask->thoughts,
                                  .tokens = ask->estimate,
                                  .affinity = ask->affinity,
                                  .client = request->client},
                        .pass = ask->stream ? STEP_EVENTS : STEP_WHOLE};

    bytes_append(&step.model, bytes_view(&ask->model));
    bytes_append(&step.path, bytes_view(&ask->path));
    return step;
}

/* A choice each; all of them or none, since the reply promises each. */
static enum error add_steps(struct state *state, const struct request *request, struct plan *plan)
{
    struct body *body;

    state->ask.legs = state->ask.legs ? state->ask.legs : 1;
    if (state->ask.legs > plan->limit) {
        bytes_printf(&plan->why, "Invalid value: 'n' must be at most %zu.", plan->limit);
        plan->param = "n";
        return ERROR_BAD_VALUE;
    }
    body = body_new(&state->ask.body);
    for (size_t place = 0; place < state->ask.legs; place++) {
        struct step step = step_of(state, request, body);

        step.place = place;
        plan_add(plan, &step);
    }
    body_let_go(body);
    plan->is_sse = state->ask.stream;
    return ERROR_NONE;
}

static enum error begin(void *of, const struct request *request, struct plan *plan)
{
    struct state *state = of;
    enum error error;

    state->ask = (struct ask){.refusals = request->refusals, .now_ms = request->now_ms};
    state->refusals = request->refusals;
    state->id = request->id;
    state->now_ms = request->now_ms;
    error = openai_chat_request(request->body, &state->ask, &plan->why, &plan->param);
    if (error == ERROR_NONE)
        error = add_steps(state, request, plan);
    if (error != ERROR_NONE)
        return error;
    state->reply.ask = &state->ask;
    state->reply.id = request->id;
    state->reply.created_s = request->utc_ms / 1000;
    return ERROR_NONE;
}

static enum error told(const struct state *state, bool is_good)
{
    if (is_good)
        return ERROR_NONE;
    return state->reply.fault == ERROR_NONE ? ERROR_UPSTREAM : state->reply.fault;
}

static enum error event(void *of, struct plan *plan, size_t call, struct view json,
                        struct bytes *out)
{
    struct state *state = of;
    bool is_good;

    state->reply.leg = plan->steps[call]->place;
    is_good = chat_event(&state->reply, json, out);
    plan->kept = state->reply.kept;
    return told(state, is_good);
}

static enum error answer(void *of, struct plan *plan, size_t call, const struct call_answer *whole,
                         struct bytes *out)
{
    struct state *state = of;

    state->reply.leg = plan->steps[call]->place;
    if (!state->ask.stream)
        return told(state, chat_whole(&state->reply, whole->body, out));
    state->reply.ended++;
    return told(state, chat_end(&state->reply, out, &plan->why));
}

/* The call is made once more without the field that the model refuses: by a new number, since the
 * old one is over for everybody. */
static bool failed(void *of, struct plan *plan, size_t call, const struct call_failure *failure)
{
    struct state *state = of;
    const struct step *step = plan->steps[call];
    const struct refusal *refusal =
        failure->error == ERROR_BAD_REQUEST ? refusal_read(failure->body) : NULL;
    struct bytes body = {0};
    bool is_mended;

    if (!refusal || failure->has_begun || step->tries)
        return false;
    is_mended = refusal_repair(body_view(step->order.body), refusal_bit(refusal), &body) &&
                plan_again(plan, call, &body) != SIZE_MAX;
    bytes_clear(&body);
    if (!is_mended)
        return false;
    log_info("call.field_dropped", F_ID("call", state->id),
             F_VIEW("model", bytes_view(&state->ask.model)), F_STR("refused", refusal->name));
    refusals_note(state->refusals, bytes_view(&state->ask.model), refusal, state->now_ms);
    return true;
}

static void beat(void *of, struct bytes *out)
{
    struct state *state = of;

    chat_beat(&state->reply, out);
}

static void clear(void *of)
{
    struct state *state = of;

    reply_clear(&state->reply);
    ask_clear(&state->ask);
}

const struct endpoint endpoint_chat = {
    .name = "openai",
    .state_size = sizeof(struct state),
    .stream = "text/event-stream; charset=utf-8",
    .begin = begin,
    .event = event,
    .answer = answer,
    .failed = failed,
    .beat = beat,
    .clear = clear,
};
