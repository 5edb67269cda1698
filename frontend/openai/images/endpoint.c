/* SPDX-License-Identifier: Apache-2.0 */
/* images/generations and images/edits: Imagen makes up to four pictures in a call and edits none,
 * Gemini's models make one. */
#include "openai/endpoints.h"
#include "openai/images/pictures.h"
#include "openai/images/sources.h"

enum {
    IMAGEN_MOST = 4,           /* pictures of a call */
    PICTURE_TOKENS = 1290,     /* what one costs, about */
    INLINE_MOST = 100u << 20u, /* bytes of base64 that the provider takes */
};

#define MADE "image_generation.completed"
#define EDITED "image_edit.completed"

struct state {
    struct image_wish wish;
    struct bytes parts; /* pictures that it begins with, while the request is read */
    struct pictures pictures;
    size_t calls, answered; /* of models */
    struct uploads uploads;
    struct bytes held; /* the reply, while pictures are put at their host */
};

static enum error add_step(const struct state *state, const struct request *request,
                           struct plan *plan, struct body *body, int64_t count)
{
    const struct image_wish *wish = &state->wish;
    const char *operation = wish->is_imagen ? "predict" : "generateContent";
    struct step step = {.order = {.pool = request->pool,
                                  .operation = operation,
                                  .body = body,
                                  .tokens = wish->prompt.len / 4 + (uint64_t)count * PICTURE_TOKENS,
                                  .client = request->client},
                        .pass = STEP_WHOLE,
                        .place = plan->count};
    bool is_added;

    bytes_append(&step.model, bytes_view(&wish->model));
    bytes_printf(&step.path, "/models/%.*s:%s", (int)wish->model.len, wish->model.at, operation);
    is_added = plan_add(plan, &step) != SIZE_MAX;
    bytes_clear(&step.model);
    bytes_clear(&step.path);
    if (is_added)
        return ERROR_NONE;
    bytes_printf(&plan->why, "Invalid value: 'n' must be at most %zu.", plan->limit);
    plan->param = "n";
    return ERROR_BAD_VALUE;
}

/* As many calls as are needed for all pictures; equal ones share a body. */
static enum error add_steps(const struct state *state, const struct request *request,
                            struct plan *plan)
{
    const struct image_wish *wish = &state->wish;
    int64_t most = wish->is_imagen ? IMAGEN_MOST : 1, written = 0;
    enum error error = ERROR_NONE;
    struct body *body = NULL;

    for (int64_t left = wish->count; left && error == ERROR_NONE;) {
        int64_t count = left < most ? left : most;

        if (count != written) {
            struct bytes text = {0};

            if (wish->is_imagen)
                image_wish_write_predict(wish, count, &text);
            else
                image_wish_write_content(wish, bytes_view(&state->parts), &text);
            body_let_go(body);
            body = body_new(&text);
            written = count;
        }
        error = add_step(state, request, plan, body, count);
        left -= count;
    }
    body_let_go(body);
    return error;
}

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
    const struct image_wish *wish = &state->wish;

    return check_edit(wish, inputs) &&
           image_sources_read(inputs,
                              wish->facts->inline_limit ? wish->facts->inline_limit : INLINE_MOST,
                              &state->parts);
}

/* Where a picture's address is wanted, it is put at the operator's host, if there is one. */
static void open_uploads(struct state *state, const struct request *request)
{
    state->uploads =
        (struct uploads){.id = request->id, .client = request->client, .utc_ms = request->utc_ms};
    if (state->wish.wants_url && !state->wish.is_stream && uploads_wanted())
        state->pictures.uploads = &state->uploads;
}

static enum error begin(struct state *state, const struct request *request, struct plan *plan,
                        const char *event)
{
    bool is_edit = strcmp(event, EDITED) == 0;
    struct inputs inputs;

    state->pictures = (struct pictures){
        .wish = &state->wish, .event = event, .created_s = request->utc_ms / 1000};
    if (inputs_open(&inputs, request, plan) == ERROR_NONE &&
        image_wish_read(&state->wish, &inputs) && is_edit)
        read_edit(state, &inputs);
    inputs_close(&inputs);
    plan->is_sse = state->wish.is_stream;
    if (inputs.error == ERROR_NONE && !plan->models_wait_ms)
        inputs.error = add_steps(state, request, plan);
    state->calls = plan->count;
    open_uploads(state, request);
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

/* No answer holds a picture: the model's filter has refused it, or the model in its own words. */
static enum error refuse(const struct state *state, struct plan *plan)
{
    bytes_text(&plan->why, error_facts(ERROR_CONTENT_POLICY)->text);
    if (state->pictures.why.len) {
        bytes_text(&plan->why, " It says: ");
        bytes_append(&plan->why, bytes_view(&state->pictures.why));
    }
    return ERROR_CONTENT_POLICY;
}

/* What a model has answered; where addresses are to come the reply waits for them. */
static enum error take(struct state *state, struct plan *plan, struct view json, struct bytes *out)
{
    struct bytes *to = state->pictures.uploads ? &state->held : out;

    if (!pictures_take(&state->pictures, json, to))
        return ERROR_UPSTREAM;
    uploads_plan(&state->uploads, plan);
    plan->kept = state->uploads.kept + state->held.len;
    if (++state->answered == state->calls && !state->pictures.count)
        return refuse(state, plan);
    return ERROR_NONE;
}

static enum error answer(void *of, struct plan *plan, size_t call, const struct call_answer *whole,
                         struct bytes *out)
{
    struct state *state = of;

    if (!uploads_has(plan, call))
        return take(state, plan, whole->body, out);
    uploads_take(&state->uploads, plan, call, whole);
    return ERROR_NONE;
}

static bool failed(void *of, struct plan *plan, size_t call, const struct call_failure *failure)
{
    struct state *state = of;

    if (!uploads_has(plan, call))
        return false;
    uploads_failed(&state->uploads, plan, call, failure);
    return true;
}

static void end(void *of, struct bytes *out)
{
    const struct state *state = of;

    uploads_fill(&state->uploads, bytes_view(&state->held), out);
    pictures_end(&state->pictures, out);
}

static void clear(void *of)
{
    struct state *state = of;

    image_wish_clear(&state->wish);
    bytes_clear(&state->parts);
    pictures_clear(&state->pictures);
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
