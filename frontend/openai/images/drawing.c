/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures being made. Called by the endpoints of images and of chat. Imagen makes up to four in a
 * call and edits none, Gemini's models make one. */
#include "openai/images/drawing.h"

enum {
    IMAGEN_MOST = 4, /* pictures of a call */
};

static enum error add_step(const struct drawing *drawing, const struct request *request,
                           struct plan *plan, struct body *body)
{
    const struct image_wish *wish = &drawing->wish;
    const char *operation = wish->is_imagen ? "predict" : "generateContent";
    struct step step = {.order = {.pool = request->pool,
                                  .operation = operation,
                                  .body = body,
                                  .tokens = wish->prompt.len / 4,
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
enum error drawing_plan(struct drawing *drawing, struct view parts, const struct request *request,
                        struct plan *plan)
{
    const struct image_wish *wish = &drawing->wish;
    int64_t most = wish->is_imagen ? IMAGEN_MOST : 1, written = 0;
    size_t first = plan->count;
    enum error error = ERROR_NONE;
    struct body *body = NULL;

    for (int64_t left = wish->count; left && error == ERROR_NONE;) {
        int64_t count = left < most ? left : most;

        if (count != written) {
            struct bytes text = {0};

            if (wish->is_imagen)
                image_wish_write_predict(wish, count, &text);
            else
                image_wish_write_content(wish, parts, &text);
            body_let_go(body);
            body = body_new(&text);
            written = count;
        }
        error = add_step(drawing, request, plan, body);
        left -= count;
    }
    body_let_go(body);
    drawing->calls = plan->count - first;
    return error;
}

/* No answer holds a picture: the model's filter has refused it, or the model in its own words. */
static enum error refuse(const struct drawing *drawing, struct plan *plan)
{
    bytes_text(&plan->why, error_facts(ERROR_CONTENT_POLICY)->text);
    if (drawing->pictures.why.len) {
        bytes_text(&plan->why, " It says: ");
        bytes_append(&plan->why, bytes_view(&drawing->pictures.why));
    }
    return ERROR_CONTENT_POLICY;
}

enum error drawing_take(struct drawing *drawing, struct plan *plan, struct view json,
                        struct bytes *out)
{
    if (!pictures_take(&drawing->pictures, json, out))
        return ERROR_UPSTREAM;
    drawing->answered++;
    if (drawing_is_whole(drawing) && !drawing->pictures.count)
        return refuse(drawing, plan);
    return ERROR_NONE;
}

enum error drawing_ask(struct drawing *drawing, const struct request *request, struct plan *plan)
{
    struct inputs inputs;

    drawing->pictures = (struct pictures){.wish = &drawing->wish, .is_content = true};
    if (inputs_open(&inputs, request, plan) == ERROR_NONE)
        image_wish_read(&drawing->wish, &inputs);
    inputs_close(&inputs);
    if (inputs.error != ERROR_NONE || plan->models_wait_ms)
        return inputs.error;
    return drawing_plan(drawing, VIEW(""), request, plan);
}

void drawing_clear(struct drawing *drawing)
{
    image_wish_clear(&drawing->wish);
    pictures_clear(&drawing->pictures);
}
