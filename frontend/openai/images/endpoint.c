/* SPDX-License-Identifier: Apache-2.0 */
/* images/generations and images/edits. */
#include "openai/endpoints.h"
#include "openai/images/drawing.h"
#include "openai/images/sources.h"

enum { INLINE_MOST = 100u << 20u /* bytes of base64 that the provider takes */ };

#define MADE "image_generation.completed"
#define EDITED "image_edit.completed"

struct state {
    struct drawing drawing;
    struct bytes parts;     /* pictures that it begins with, until the models are asked */
    struct fetches fetches; /* those that are named by address */
    uint64_t most;          /* bytes of all of them */
    const char *pool;
    uint64_t client;
    struct uploads uploads;
    struct bytes held; /* the reply, while pictures are put at their host */
};

/* What no model here can do. */
static bool check_edit(const struct image_wish *wish, struct inputs *inputs)
{
    static const char *const fidelities[] = {"high", "low", NULL};
    size_t fidelity = 0;

    if (wish->is_imagen)
        return inputs_refuse(inputs, ERROR_NO_MODEL, "model",
                             "Imagen does not edit images here: use one of Gemini's image models.");
    if (inputs_has(inputs, "mask"))
        return inputs_refuse(inputs, ERROR_UNSUPPORTED, "mask",
                             "Unsupported parameter: 'mask'. Say in the prompt what is to change.");
    return inputs_word(inputs, "input_fidelity", fidelities, &fidelity);
}

static bool read_edit(struct state *state, struct inputs *inputs)
{
    const struct image_wish *wish = &state->drawing.wish;

    if (!check_edit(wish, inputs))
        return false;
    state->most = wish->facts->inline_limit ? wish->facts->inline_limit : INLINE_MOST;
    return image_sources_read(inputs, state->most, &state->fetches, &state->parts);
}

/* First what is named by address is fetched. */
static enum error make_plan(struct state *state, const struct request *request, struct plan *plan)
{
    state->pool = request->pool;
    state->client = request->client;
    if (!state->fetches.count)
        return drawing_plan(&state->drawing, bytes_view(&state->parts), request, plan);
    if (fetches_plan(&state->fetches, plan, request->client))
        return ERROR_NONE;
    bytes_text(&plan->why, "Invalid value: 'images' names too many addresses.");
    plan->param = "images";
    return ERROR_BAD_VALUE;
}

/* One of those is there; with the last the models are asked. */
static enum error take_fetched(struct state *state, struct plan *plan, size_t call,
                               const struct call_answer *whole)
{
    struct request request = {.pool = state->pool, .client = state->client};
    size_t inline_len = state->parts.len;
    enum error error = fetches_take(&state->fetches, plan, call, whole);

    if (error != ERROR_NONE || state->fetches.done < state->fetches.count)
        return error;
    error = fetches_fill(&state->fetches, plan, &state->parts, inline_len, state->most);
    if (error == ERROR_NONE)
        error = drawing_plan(&state->drawing, bytes_view(&state->parts), &request, plan);
    bytes_clear(&state->parts);
    return error;
}

/* Where a picture's address is wanted, it is put at the operator's host, if there is one. */
static void open_uploads(struct state *state, const struct request *request)
{
    state->uploads =
        (struct uploads){.id = request->id, .client = request->client, .utc_ms = request->utc_ms};
    if (state->drawing.wish.wants_url && !state->drawing.wish.is_stream && uploads_wanted())
        state->drawing.pictures.uploads = &state->uploads;
}

static enum error begin(struct state *state, const struct request *request, struct plan *plan,
                        const char *event)
{
    bool is_edit = strcmp(event, EDITED) == 0;
    struct inputs inputs;

    state->drawing.pictures = (struct pictures){
        .wish = &state->drawing.wish, .event = event, .created_s = request->utc_ms / 1000};
    if (inputs_open(&inputs, request, plan) == ERROR_NONE &&
        image_wish_read(&state->drawing.wish, &inputs) && is_edit)
        read_edit(state, &inputs);
    inputs_close(&inputs);
    plan->is_sse = state->drawing.wish.is_stream;
    if (inputs.error == ERROR_NONE && !plan->models_wait_ms)
        inputs.error = make_plan(state, request, plan);
    open_uploads(state, request);
    if (!state->fetches.count)
        bytes_clear(&state->parts);
    return inputs.error;
}

static enum error begin_made(void *of, const struct request *request, struct plan *plan)
{
    return begin(of, request, plan, MADE);
}

static enum error begin_edited(void *of, const struct request *request, struct plan *plan)
{
    return begin(of, request, plan, EDITED);
}

/* A picture like another one, without a word on how: nothing at the provider does that. */
static enum error begin_variations(void *of, const struct request *request, struct plan *plan)
{
    (void)of, (void)request;
    bytes_text(&plan->why, "Image variations are not offered: use images/edits with a prompt.");
    return ERROR_BAD_REQUEST;
}

/* What a model has answered; where addresses are to come the reply waits for them. */
static enum error take(struct state *state, struct plan *plan, struct view json, struct bytes *out)
{
    struct bytes *to = state->drawing.pictures.uploads ? &state->held : out;
    enum error error;

    error = drawing_take(&state->drawing, plan, json, to);
    if (error != ERROR_NONE)
        return error;
    uploads_plan(&state->uploads, plan);
    plan->kept = state->uploads.kept + state->held.len;
    return ERROR_NONE;
}

static enum error answer(void *of, struct plan *plan, size_t call, const struct call_answer *whole,
                         struct bytes *out)
{
    struct state *state = of;

    if (fetches_has(plan, call))
        return take_fetched(state, plan, call, whole);
    if (!uploads_has(plan, call))
        return take(state, plan, whole->body, out);
    uploads_take(&state->uploads, plan, call, whole);
    return ERROR_NONE;
}

static bool failed(void *of, struct plan *plan, size_t call, const struct call_failure *failure)
{
    struct state *state = of;

    if (fetches_has(plan, call))
        return fetches_failed(&state->fetches, plan, call, failure);
    if (!uploads_has(plan, call))
        return false;
    uploads_failed(&state->uploads, plan, call, failure);
    return true;
}

static void end(void *of, struct bytes *out)
{
    const struct state *state = of;

    uploads_fill(&state->uploads, bytes_view(&state->held), out);
    pictures_end(&state->drawing.pictures, out);
}

static void clear(void *of)
{
    struct state *state = of;

    drawing_clear(&state->drawing);
    bytes_clear(&state->parts);
    fetches_clear(&state->fetches);
    uploads_clear(&state->uploads);
    bytes_clear(&state->held);
}

#define IMAGES(begins)                                                                             \
    {                                                                                              \
        .name = "openai_images", .state_size = sizeof(struct state),                               \
        .stream = "text/event-stream; charset=utf-8", .begin = (begins), .answer = answer,         \
        .failed = failed, .end = end, .clear = clear                                               \
    }

const struct endpoint endpoint_images = IMAGES(begin_made);
const struct endpoint endpoint_image_edits = IMAGES(begin_edited);
const struct endpoint endpoint_image_variations = {.name = "openai_images",
                                                   .begin = begin_variations};
