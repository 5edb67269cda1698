/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that wait for the list of models. Called by entry.c. What must stay true: one whose
 * client has gone is forgotten, and what is sent is sent in a callback of h2o's loop. */
#include "http/parked.h"

#include "base/clock.h"

/* A request that waits, in its own memory. */
struct parked {
    struct visit visit;
    struct bytes body; /* decoded; empty: the body is h2o's */
    struct catalog_waiter waiter;
    h2o_timeout_entry_t timer;
    int (*again)(struct visit *visit, bool may_wait);
};

static void on_parked_gone(void *data)
{
    struct parked *parked = data;

    catalog_leave(&parked->visit.frontend->models, &parked->waiter);
    h2o_timeout_unlink(&parked->timer);
    bytes_clear(&parked->body);
}

static void on_unpark(h2o_timeout_entry_t *entry)
{
    struct parked *parked = H2O_STRUCT_FROM_MEMBER(struct parked, timer, entry);

    parked->again(&parked->visit, false);
}

static void on_list(struct catalog_waiter *waiter)
{
    struct parked *parked = H2O_STRUCT_FROM_MEMBER(struct parked, waiter, waiter);

    web_defer(&parked->visit.frontend->web, &parked->timer);
}

/* A view into the path goes where the path goes. */
static struct view moved(struct view view, const struct route *from, const struct route *to)
{
    return view.len ? (struct view){to->path + (view.at - from->path), view.len} : VIEW("");
}

/* What the visit has views into goes with it: the route's path, and the body if it was decoded. */
void parked_wait(const struct visit *visit, uint64_t wait_ms,
                 int (*again)(struct visit *visit, bool may_wait))
{
    struct parked *parked =
        h2o_mem_alloc_shared(&visit->req->pool, sizeof(*parked), on_parked_gone);
    struct route *route = &parked->visit.route;

    *parked = (struct parked){
        .visit = *visit, .again = again, .timer.cb = on_unpark, .waiter.ready = on_list};
    route->model = moved(visit->route.model, &visit->route, route);
    route->clean = moved(visit->route.clean, &visit->route, route);
    if (visit->body.at != visit->req->entity.base) {
        bytes_append(&parked->body, visit->body);
        parked->visit.body = bytes_view(&parked->body);
    }
    parked->waiter.until_ms = clock_ms() + wait_ms;
    catalog_wait(&visit->frontend->models, &parked->waiter, clock_ms());
}
