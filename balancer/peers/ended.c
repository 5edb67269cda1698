/* SPDX-License-Identifier: Apache-2.0 */
/* The ring of calls that ended last at an upstream. What must stay true: it never holds more than
 * ENDED_MOST. */
#include "peers/ended.h"

#include <assert.h>
#include <stdlib.h>

#include "base/bytes.h"

enum {
    ENDED_FIRST = 64,
    ENDED_MOST = 8192, /* a second's worth under the highest load; the way to the frontend takes a
                          millisecond */
};

const struct ended_call *ended_at(const struct ended *ended, size_t i)
{
    assert(i < ended->count);
    return &ended->calls[(ended->first + i) & (ended->size - 1)];
}

static void grow(struct ended *ended)
{
    size_t size = ended->size ? ended->size * 2 : ENDED_FIRST;
    struct ended_call *calls = memory_new(size * sizeof(*calls));

    for (size_t i = 0; i < ended->count; i++)
        calls[i] = *ended_at(ended, i);
    free(ended->calls);
    ended->calls = calls;
    ended->size = size;
    ended->first = 0;
}

void ended_note(struct ended *ended, const struct ended_call *call)
{
    if (ended->count == ended->size && ended->size < ENDED_MOST)
        grow(ended);
    if (ended->count == ended->size) {
        ended->first = (ended->first + 1) & (ended->size - 1);
        ended->count--;
    }
    ended->calls[(ended->first + ended->count++) & (ended->size - 1)] = *call;
}

bool ended_has(const struct ended *ended, uint64_t frontend, uint64_t call, uint64_t offer)
{
    for (size_t i = 0; i < ended->count; i++) {
        const struct ended_call *known = ended_at(ended, i);

        if (known->frontend == frontend && known->call == call && known->offer == offer)
            return true;
    }
    return false;
}

void ended_forget(struct ended *ended, uint64_t frontend)
{
    size_t kept = 0;

    for (size_t i = 0; i < ended->count; i++) {
        struct ended_call call = *ended_at(ended, i);

        if (frontend && call.frontend != frontend)
            ended->calls[(ended->first + kept++) & (ended->size - 1)] = call;
    }
    ended->count = kept;
}

void ended_clear(struct ended *ended)
{
    free(ended->calls);
    *ended = (struct ended){0};
}
