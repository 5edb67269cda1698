/* SPDX-License-Identifier: Apache-2.0 */
/* The list of providers. Asked when a JOB comes. */
#include "provider/provider.h"

#include <stddef.h>

static const struct provider *const providers[] = {
    &provider_gemini,
    &provider_fetch,
};

const struct provider *provider_find(struct view pool)
{
    for (size_t i = 0; i < sizeof(providers) / sizeof(providers[0]); i++)
        if (view_equal(pool, view_of(providers[i]->pool)))
            return providers[i];
    return NULL;
}
