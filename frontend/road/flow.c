/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies that are passed on as they come. What must stay true: no more is taken from the client than
 * the upstream has asked for, and each byte is posted in its place. */
#include "road/flow.h"

#include "road/private.h"

enum { BODY_MOST = 64 * 1024 /* bytes of one BODY */ };

static void post(struct flow *flow, struct view data, bool is_last)
{
    const struct call *call = flow->call;
    struct msg_body letter = {.frontend = call->road->actor->incarnation,
                              .call = call->life.id,
                              .offer = call->life.offer,
                              .from = flow->sent,
                              .data = data,
                              .last = is_last};

    mailbox_post(&call->upstream->box, 0, MSG_BODY, &letter);
    flow->sent += data.len;
    flow->is_told |= is_last;
}

static uint64_t end_of(const struct flow *flow)
{
    return flow->base + flow->kept.len;
}

/* What may go goes. */
static void post_all(struct flow *flow)
{
    uint64_t end = end_of(flow) < flow->credit ? end_of(flow) : flow->credit;

    if (!flow->call || !flow->call->upstream)
        return;
    while (flow->sent < end || (flow->is_whole && !flow->is_told && flow->sent == end_of(flow))) {
        struct view data = view_skip(bytes_view(&flow->kept), (size_t)(flow->sent - flow->base));

        if (data.len > end - flow->sent)
            data.len = (size_t)(end - flow->sent);
        if (data.len > BODY_MOST)
            data.len = BODY_MOST;
        post(flow, data, flow->is_whole && flow->sent + data.len == end_of(flow));
    }
}

size_t flow_room(const struct flow *flow)
{
    bool is_open = flow->call && !flow->is_whole && flow->credit > end_of(flow);

    return is_open ? (size_t)(flow->credit - end_of(flow)) : 0;
}

void flow_give(struct flow *flow, struct view bytes, bool is_last)
{
    if (!flow->call || flow->is_whole)
        return; /* nobody needs it */
    bytes_append(&flow->kept, bytes);
    flow->is_whole = is_last;
    post_all(flow);
}

void flow_want(struct flow *flow, uint64_t from, uint64_t len, uint64_t gone)
{
    if (gone > flow->sent || from < gone || from > flow->credit || len > UINT32_MAX)
        return; /* that cannot be: not a letter of an upstream's */
    if (gone > flow->base) {
        bytes_drop(&flow->kept, (size_t)(gone - flow->base));
        flow->base = gone;
    }
    if (from < flow->sent) {
        flow->sent = from; /* it was lost */
        flow->is_told = false;
    }
    if (from + len > flow->credit)
        flow->credit = from + len;
    post_all(flow);
    if (flow->wanted && flow_room(flow))
        flow->wanted(flow->owner);
}

bool flow_rewind(struct flow *flow)
{
    if (flow->base)
        return false;
    flow->sent = flow->credit = 0;
    flow->is_told = false;
    return true;
}

void flow_clear(struct flow *flow)
{
    bytes_clear(&flow->kept);
}
