/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of requests, shared by the calls of one request and by whoever may have to ask once more.
 * What must stay true: a body goes when the last who holds it lets go. */
#include "road/flow.h"

#include <assert.h>
#include <stdlib.h>

struct body {
    struct bytes text;
    struct flow *flow; /* NULL: the text is the whole */
    size_t holders;
};

struct body *body_new(struct bytes *text)
{
    struct body *body = memory_new(sizeof(*body));

    *body = (struct body){.text = *text, .holders = 1};
    *text = (struct bytes){0};
    return body;
}

struct body *body_hold(struct body *body)
{
    if (body)
        body->holders++;
    return body;
}

void body_let_go(struct body *body)
{
    if (!body)
        return;
    assert(body->holders);
    if (--body->holders)
        return;
    bytes_clear(&body->text);
    if (body->flow)
        flow_clear(body->flow);
    free(body->flow);
    free(body);
}

struct view body_view(const struct body *body)
{
    return body ? bytes_view(&body->text) : (struct view){0};
}

/* Those that are not there yet */

struct body *body_of_stream(uint64_t length, void (*wanted)(void *owner), void *owner)
{
    struct body *body = memory_new(sizeof(*body));

    body->flow = memory_new(sizeof(*body->flow));
    *body->flow = (struct flow){.length = length, .wanted = wanted, .owner = owner};
    body->holders = 1;
    return body;
}

struct flow *body_flow(const struct body *body)
{
    return body ? body->flow : NULL;
}

size_t body_room(const struct body *body)
{
    return flow_room(body->flow);
}

void body_give(struct body *body, struct view bytes, bool is_last)
{
    flow_give(body->flow, bytes, is_last);
}

void body_close(struct body *body)
{
    body->flow->wanted = NULL;
}
