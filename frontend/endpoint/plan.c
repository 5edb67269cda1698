/* SPDX-License-Identifier: Apache-2.0 */
/* Plans. What must stay true: a step stays where it is until the plan is cleared, since a call
 * borrows its order. */
#include "endpoint/plan.h"

#include <stdlib.h>

size_t plan_add(struct plan *plan, struct step *step)
{
    struct step *own;

    if (plan->count >= plan->limit)
        return SIZE_MAX;
    if (!plan->steps)
        plan->steps = memory_new(plan->limit * sizeof(struct step *));
    own = memory_new(sizeof(*own));
    *own = *step;
    step->model = step->path = step->names = step->lines = (struct bytes){0};
    own->order.model = bytes_view(&own->model);
    own->order.path = bytes_view(&own->path);
    own->order.names = bytes_view(&own->names);
    if (own->lines.len)
        own->order.lines = bytes_view(&own->lines);
    own->order.body = body_hold(own->order.body);
    plan->steps[plan->count] = own;
    return plan->count++;
}

size_t plan_again(struct plan *plan, size_t call, struct bytes *body)
{
    const struct step *old = plan->steps[call];
    struct step step = *old;
    size_t added;

    step.model = step.path = step.names = step.lines = (struct bytes){0};
    bytes_append(&step.model, bytes_view(&old->model));
    bytes_append(&step.path, bytes_view(&old->path));
    bytes_append(&step.names, bytes_view(&old->names));
    bytes_append(&step.lines, bytes_view(&old->lines));
    step.order.body = body_new(body);
    step.tries = old->tries + 1;
    added = plan_add(plan, &step);
    body_let_go(step.order.body);
    bytes_clear(&step.model);
    bytes_clear(&step.path);
    bytes_clear(&step.names);
    bytes_clear(&step.lines);
    return added;
}

void plan_forget_body(struct plan *plan, size_t call)
{
    body_let_go(plan->steps[call]->order.body);
    plan->steps[call]->order.body = NULL;
}

void plan_clear(struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        plan_forget_body(plan, i);
        bytes_clear(&plan->steps[i]->model);
        bytes_clear(&plan->steps[i]->path);
        bytes_clear(&plan->steps[i]->names);
        bytes_clear(&plan->steps[i]->lines);
        free(plan->steps[i]);
    }
    free(plan->steps);
    bytes_clear(&plan->lines);
    bytes_clear(&plan->why);
    *plan = (struct plan){0};
}
