/* SPDX-License-Identifier: Apache-2.0 */
/* h2o 2.2 keeps one list for each length of time, so that linking is O(1): this makes the lists on
 * demand. reply.c waits with it. What must stay true: the number of lists is bounded, since the
 * loop looks at each of them. */
#include "wait.h"

#include <stdlib.h>

#define EXACT_MS 1024
#define STEP_MS 256 /* longer waits are rounded up to it */
#define STEPS 4096

static h2o_loop_t *wait_loop;
static h2o_timeout_t *exact[EXACT_MS];
static h2o_timeout_t *steps[STEPS + 1];

void wait_open(h2o_loop_t *loop)
{
    wait_loop = loop;
}

static h2o_timeout_t *list_of(h2o_timeout_t **place, uint64_t ms)
{
    if (*place == NULL) {
        *place = calloc(1, sizeof(**place));
        if (*place == NULL)
            abort();
        h2o_timeout_init(wait_loop, *place, ms);
    }
    return *place;
}

void wait_start(h2o_timeout_entry_t *entry, int64_t ms)
{
    if (ms < EXACT_MS) {
        ms = ms < 0 ? 0 : ms;
        h2o_timeout_link(wait_loop, list_of(&exact[ms], (uint64_t)ms), entry);
        return;
    }
    int64_t step = (ms + STEP_MS - 1) / STEP_MS;
    step = step > STEPS ? STEPS : step;
    h2o_timeout_link(wait_loop, list_of(&steps[step], (uint64_t)step * STEP_MS), entry);
}
