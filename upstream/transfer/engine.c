/* SPDX-License-Identifier: Apache-2.0 */
/* The list of transfers that wait, and when one may run. Called by transfer.c and by the engines.
 * What must stay true: no more run than there may be connections, and those that wait begin in the
 * order in which they came.
 *
 * Each name look-up is a thread. When the name server is silent only a few calls look up; the others
 * wait in a list. So do those for which there is no connection left. */
#include "transfer/engine.h"

#include <utlist.h>

void engine_due(struct engine *engine)
{
    struct transfers *front = engine->front;
    uint64_t due_ms = engine->due_ms;

    if (!engine->side_count)
        return;
    for (size_t i = 0; i < engine->side_count; i++) {
        uint64_t side_ms = engine->sides[i].kind->due_ms(engine->sides[i].self);

        due_ms = side_ms < due_ms ? side_ms : due_ms;
    }
    front->due_ms = due_ms;
    if (front->wake)
        front->wake(front->owner, front->due_ms);
}

void engine_found(struct transfer *transfer)
{
    if (transfer->is_starting)
        transfer->engine->starting_count--;
    transfer->is_starting = false;
}

void engine_leave(struct transfer *transfer)
{
    engine_found(transfer);
    transfer->engine->running_count--;
    transfer->engine->front->count--;
}

size_t engine_most_beside(const struct engine *engine, const struct engine_kind *kind)
{
    size_t others = 0;

    for (size_t i = 0; i < engine->side_count; i++)
        if (engine->sides[i].kind != kind)
            others += engine->sides[i].kind->connections(engine->sides[i].self);
    return engine->connections_most > others ? engine->connections_most - others : 1;
}

static bool may_run(const struct transfer *transfer)
{
    const struct engine *engine = transfer->engine;
    const struct engine_kind *kind = transfer->kind;

    return engine->running_count < engine->connections_most * kind->streams(transfer) &&
           (engine->starting_count < ENGINE_LOOKUPS_MOST || kind->has_idle(transfer));
}

static void hand_over(struct transfer *transfer)
{
    struct engine *engine = transfer->engine;

    transfer->is_waiting = false;
    transfer->is_starting = true;
    engine->starting_count++;
    engine->running_count++;
    for (size_t i = 0; i < engine->side_count; i++) {
        const struct engine_side *side = &engine->sides[i];

        if (side->kind != transfer->kind && side->kind->make_room)
            side->kind->make_room(side->self, engine_most_beside(engine, side->kind));
    }
    transfer->kind->run(transfer);
}

void engine_hand_over(struct engine *engine)
{
    while (engine->waiting && may_run(engine->waiting)) {
        struct transfer *transfer = engine->waiting;

        DL_DELETE(engine->waiting, transfer);
        hand_over(transfer);
    }
}

void engine_after(struct engine *engine)
{
    struct transfers *front = engine->front;

    engine_hand_over(engine);
    if (front->on_activity)
        front->on_activity(front->owner);
}
