/* SPDX-License-Identifier: Apache-2.0 */
/* What balancers say. What must stay true: after each WELCOME a balancer hears SEES for each
 * upstream we are connected to, then READY, then new calls. */
#include "road/handlers.h"

#include "road/calls.h"

void handlers_welcome(void *owner, struct link *link)
{
    struct balancer_link *balancer = owner;
    struct road *road = balancer->road;
    static const struct msg_ready ready;
    static const struct msg_leave leave;

    upstreams_tell(road, balancer);
    link_post(link, MSG_READY, &ready);
    if (road->actor->is_draining)
        link_post(link, MSG_LEAVE, &leave);
    if (balancer->welcomed_by == link->peer)
        calls_repeat(road, balancer); /* only the connection broke: what was on its way is lost */
    balancer->welcomed_by = link->peer;
    calls_offer_held(road);
}

static void on_known(void *owner, const struct letter *letter)
{
    struct balancer_link *balancer = owner;

    calls_on_known(balancer->road, balancer, &letter->msg->known);
}

static void on_known_end(void *owner, const struct letter *letter)
{
    struct balancer_link *balancer = owner;

    (void)letter;
    calls_on_known_end(balancer->road, balancer);
}

static void on_refused(void *owner, const struct letter *letter)
{
    struct balancer_link *balancer = owner;

    calls_on_refused(balancer->road, balancer, &letter->msg->refused);
}

static void on_retry(void *owner, const struct letter *letter)
{
    struct balancer_link *balancer = owner;

    calls_on_retry(balancer->road, balancer, &letter->msg->retry);
}

static void on_told(void *owner, const struct letter *letter)
{
    struct balancer_link *balancer = owner;

    calls_on_told(balancer->road, balancer, &letter->msg->told);
}

static void on_peer(void *owner, const struct letter *letter)
{
    struct balancer_link *balancer = owner;

    upstreams_add(balancer->road, letter->msg->peer.upstream, letter->msg->peer.address, balancer);
}

static void on_gone(void *owner, const struct letter *letter)
{
    struct balancer_link *balancer = owner;

    upstreams_gone(balancer->road, letter->msg->gone.upstream, balancer);
}

static void on_status(void *owner, const struct letter *letter)
{
    struct balancer_link *balancer = owner;

    balancer->pool = letter->msg->status;
    balancer->told_ms = balancer->road->actor->now_ms;
}

letter_handler *const handlers_of_balancers[MSG_KINDS] = {
    [MSG_KNOWN] = on_known,   [MSG_KNOWN_END] = on_known_end, [MSG_REFUSED] = on_refused,
    [MSG_RETRY] = on_retry,   [MSG_PEER] = on_peer,           [MSG_GONE] = on_gone,
    [MSG_STATUS] = on_status, [MSG_TOLD] = on_told,
};
