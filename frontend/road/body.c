/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of requests, shared by the calls of one request and by whoever may have to ask once more.
 * What must stay true: a body goes when the last who holds it lets go. */
#include "road/road.h"

#include <assert.h>
#include <stdlib.h>

struct body {
    struct bytes text;
    size_t holders;
};

struct body *body_new(struct bytes *text)
{
    struct body *body = memory_new(sizeof(*body));

    *body = (struct body){*text, 1};
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
    free(body);
}

struct view body_view(const struct body *body)
{
    return body ? bytes_view(&body->text) : (struct view){0};
}
