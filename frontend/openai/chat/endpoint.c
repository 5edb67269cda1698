/* SPDX-License-Identifier: Apache-2.0 */
/* chat/completions as an endpoint: one call for each choice, and one more where the model refuses a
 * field. */
#include "endpoint/endpoint.h"

#include "base/log.h"
#include "openai/chat/chat.h"
#include "openai/chat/request.h"
#include "openai/images/drawing.h"
#include "parts/catalog.h"
#include "parts/refusal.h"
#include "parts/upload.h"
#include "settings/settings.h"

struct state {
    struct ask ask;
    struct reply reply;
    struct drawing drawing; /* of a model that is asked for pictures */
    struct bytes drawn;     /* what it becomes: an answer as from a model that chats */
    struct refusals *refusals;
    const char *pool; /* of the route */
    size_t first;     /* place of its calls: others' may stand before them */
    uint64_t id, client, now_ms;
    bool any_client;
    struct uploads uploads; /* pictures that are put at a host */
    struct bytes held;      /* of the reply, from the first of those on */
};

static struct step step_of(const struct state *state, struct body *body)
{
    const struct ask *ask = &state->ask;
    bool in_events = ask->stream && !ask->is_gathered;
    struct step step = {.order = {.pool = state->pool,
                                  .operation = ask->operation,
                                  .body = body,
                                  .stream = in_events,
                                  .thoughts = ask->thoughts,
                                  .tokens = ask->estimate,
                                  .affinity = ask->affinity,
                                  .client = state->client,
                                  .any_client = state->any_client},
                        .pass = in_events ? STEP_EVENTS : STEP_WHOLE};

    bytes_append(&step.model, bytes_view(&ask->model));
    bytes_append(&step.path, bytes_view(&ask->path));
    bytes_append(&step.names, bytes_view(&ask->names));
    return step;
}

/* All calls or none, since the reply promises each choice. */
static enum error check_room(struct state *state, struct plan *plan)
{
    size_t fetches = state->ask.fetches.count, room = plan->limit - plan->count;

    state->ask.legs = state->ask.legs ? state->ask.legs : 1;
    if (fetches < room && state->ask.legs <= room - fetches)
        return ERROR_NONE;
    bytes_printf(&plan->why, "Invalid value: 'n' must be at most %zu.",
                 fetches < room ? room - fetches : 0);
    plan->param = "n";
    return ERROR_BAD_VALUE;
}

/* A call for each choice. */
static void add_steps(struct state *state, struct plan *plan)
{
    struct body *body = body_new(&state->ask.body);

    for (size_t place = 0; place < state->ask.legs; place++) {
        struct step step = step_of(state, body);

        step.place = state->first + place;
        plan_add(plan, &step);
    }
    body_let_go(body);
}

/* Pictures are made by the keys that images/generations has. */
static enum error plan_drawing(struct state *state, const struct request *request,
                               struct plan *plan)
{
    struct request drawn = *request;
    enum error error;

    if (strcmp(request->pool, "vertex") != 0)
        drawn.pool = "paid";
    drawn.body = bytes_view(&state->ask.drawing);
    drawn.header = NULL;
    error = drawing_ask(&state->drawing, &drawn, plan);
    if (plan->param && strcmp(plan->param, "prompt") == 0)
        plan->param = "messages";
    return error;
}

/* First what is named by address is fetched; the choices' calls come when all of it is there. */
static enum error make_plan(struct state *state, const struct request *request, struct plan *plan)
{
    enum error error = check_room(state, plan);

    if (error != ERROR_NONE)
        return error;
    plan->is_sse = state->ask.stream;
    plan->is_gathered = state->ask.is_gathered && plan->is_sse;
    if (state->ask.drawing.len)
        return plan_drawing(state, request, plan);
    if (state->ask.fetches.count)
        (void)fetches_plan(&state->ask.fetches, plan, state->client); /* there is room */
    else
        add_steps(state, plan);
    return ERROR_NONE;
}

/* Something that was fetched is there. */
static enum error take_fetched(struct state *state, struct plan *plan, size_t call,
                               const struct call_answer *whole)
{
    struct ask *ask = &state->ask;
    enum error error = fetches_take(&ask->fetches, plan, call, whole);

    if (error != ERROR_NONE || ask->fetches.done < ask->fetches.count)
        return error;
    error = fetches_fill(&ask->fetches, plan, &ask->body, ask->inline_len, ask->inline_most);
    if (error == ERROR_NONE)
        add_steps(state, plan);
    return error;
}

static enum error begin(void *of, const struct request *request, struct plan *plan)
{
    struct state *state = of;
    enum error error;

    state->ask = (struct ask){.refusals = request->refusals,
                              .catalog = request->catalog,
                              .may_wait = request->may_wait,
                              .deployment = request->model,
                              .now_ms = request->now_ms,
                              .signatures = request->signatures,
                              .client = request->client,
                              .utc_s = request->utc_ms / 1000,
                              .is_gathered = settings_now()->fake_stream};
    state->refusals = request->refusals;
    state->pool = request->pool;
    state->first = plan->count ? plan->steps[plan->count - 1]->place + 1 : 0;
    state->id = request->id;
    state->client = request->client;
    state->any_client = request->any_client;
    state->now_ms = request->now_ms;
    bytes_room(&state->ask.body, request->body.len); /* at once what would grow in steps */
    error = openai_chat_request(request->body, &state->ask, &plan->why, &plan->param);
    if (state->ask.awaits_models) {
        plan->models_wait_ms = CATALOG_CHOICE_MS;
        return ERROR_NONE;
    }
    if (error == ERROR_NONE)
        error = make_plan(state, request, plan);
    if (error != ERROR_NONE)
        return error;
    state->reply.ask = &state->ask;
    state->reply.id = request->id;
    state->reply.created_s = request->utc_ms / 1000;
    state->reply.style = (struct reply_style){
        .think_tags = settings_now()->think_tags,
        .image_links = settings_now()->image_links,
        .search_links = settings_now()->show_search_link,
        .signature_ids = settings_now()->signature_ids,
    };
    state->reply.pace = (struct reply_pace){
        .is_on = settings_now()->stream_optimizer,
        .least_ms = settings_now()->stream_min_delay_ms,
        .most_ms = settings_now()->stream_max_delay_ms,
        .short_most = settings_now()->stream_short_text,
        .long_least = settings_now()->stream_long_text,
        .piece = settings_now()->stream_chunk_size,
    };
    plan->is_paced = plan->is_sse && state->reply.pace.is_on;
    state->uploads.id = request->id;
    state->uploads.client = request->client;
    state->uploads.utc_ms = request->utc_ms;
    if (uploads_wanted())
        state->reply.style.uploads = &state->uploads;
    return ERROR_NONE;
}

static enum error told(const struct state *state, bool is_good)
{
    if (is_good)
        return ERROR_NONE;
    return state->reply.fault == ERROR_NONE ? ERROR_UPSTREAM : state->reply.fault;
}

/* From the first place that is kept for an address on the reply waits, from `start` in `out`, until
 * the pictures are at their host. */
static void hold_back(struct state *state, struct plan *plan, struct bytes *out, size_t start)
{
    if (state->uploads.count) {
        bytes_append(&state->held, view_skip(bytes_view(out), start));
        out->len = start;
        uploads_plan(&state->uploads, plan);
    }
    plan->kept = state->reply.kept + state->uploads.kept + state->held.len;
}

static enum error event(void *of, struct plan *plan, size_t call, struct view json,
                        struct bytes *out)
{
    struct state *state = of;
    size_t start = out->len;
    bool is_good;

    state->reply.leg = plan->steps[call]->place - state->first;
    is_good = chat_event(&state->reply, json, out);
    hold_back(state, plan, out, start);
    plan->pace_ms = state->reply.pause_ms;
    return told(state, is_good);
}

/* A whole answer, as if it had come as one event. */
static bool take_gathered(struct state *state, struct view json, struct bytes *out)
{
    return !state->ask.is_gathered || chat_event(&state->reply, json, out);
}

static bool take_answer(struct state *state, struct plan *plan, const struct call_answer *whole,
                        struct bytes *out)
{
    if (!state->ask.stream)
        return chat_whole(&state->reply, whole->body, out);
    state->reply.pause_ms = 0;
    if (!take_gathered(state, whole->body, out))
        return false;
    plan->pace_ms = state->reply.pause_ms;
    state->reply.ended++;
    return chat_end(&state->reply, out, &plan->why);
}

static enum error reply_by(struct state *state, struct plan *plan, const struct call_answer *whole,
                           struct bytes *out)
{
    size_t start = out->len;
    bool is_good = take_answer(state, plan, whole, out);

    hold_back(state, plan, out, start);
    return told(state, is_good);
}

/* The last picture, or what stands for it, makes the reply. */
static enum error take_drawn(struct state *state, struct plan *plan, struct view json,
                             struct bytes *out)
{
    enum error error = drawing_take(&state->drawing, plan, json, &state->drawn);
    struct call_answer whole;

    plan->kept = state->drawn.len;
    if (error != ERROR_NONE || !drawing_is_whole(&state->drawing))
        return error;
    pictures_end(&state->drawing.pictures, &state->drawn);
    whole = (struct call_answer){.body = bytes_view(&state->drawn)};
    error = reply_by(state, plan, &whole, out);
    bytes_clear(&state->drawn);
    return error;
}

static enum error answer(void *of, struct plan *plan, size_t call, const struct call_answer *whole,
                         struct bytes *out)
{
    struct state *state = of;

    if (fetches_has(plan, call))
        return take_fetched(state, plan, call, whole);
    if (uploads_has(plan, call)) {
        uploads_take(&state->uploads, plan, call, whole);
        return ERROR_NONE;
    }
    if (state->ask.drawing.len)
        return take_drawn(state, plan, whole->body, out);
    state->reply.leg = plan->steps[call]->place - state->first;
    return reply_by(state, plan, whole, out);
}

static void end(void *of, struct bytes *out)
{
    const struct state *state = of;

    uploads_fill(&state->uploads, bytes_view(&state->held), out);
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

    if (uploads_has(plan, call)) {
        uploads_failed(&state->uploads, plan, call, failure);
        return true;
    }
    if (fetches_has(plan, call))
        return fetches_failed(&state->ask.fetches, plan, call, failure);
    if (!refusal || failure->has_begun || step->tries ||
        (refusal->refused == REFUSED_SCHEMA && state->ask.is_strict))
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
    drawing_clear(&state->drawing);
    bytes_clear(&state->drawn);
    uploads_clear(&state->uploads);
    bytes_clear(&state->held);
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
    .end = end,
    .beat = beat,
    .clear = clear,
};
