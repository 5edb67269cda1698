/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of reasons; mode.c finds them in keys, generate.c answers with them. What must stay
 * true: a reason is one line of reasons.def. */
#include "reason.h"

static const struct reason finishes[] = {
#define FINISH(name, has_content, message) {#name, has_content, message},
#include "reasons.def"
};

static const struct reason blocks[] = {
#define BLOCK(name) {#name, false, ""},
#include "reasons.def"
};

const struct reason *reason_at(enum reason_list list, int index)
{
    size_t count = list == REASON_FINISH ? COUNT(finishes) : COUNT(blocks);

    if (index < 0 || (size_t)index >= count)
        return NULL;
    return list == REASON_FINISH ? &finishes[index] : &blocks[index];
}

int reason_find(enum reason_list list, struct span s)
{
    const struct reason *reason;
    size_t best_len = 0;
    int best = -1;

    for (int i = 0; (reason = reason_at(list, i)) != NULL; i++) {
        size_t len = strlen(reason->name);
        if (len > best_len && span_starts(s, reason->name)) {
            best = i;
            best_len = len;
        }
    }
    return best;
}
