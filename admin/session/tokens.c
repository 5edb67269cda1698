/* SPDX-License-Identifier: Apache-2.0 */
/* Called by the router and by the login. */
#include "session/tokens.h"

#include <strings.h>

struct view token_of_bearer(struct view authorization)
{
    if (authorization.len < 7 || strncasecmp(authorization.at, "Bearer ", 7) != 0)
        return VIEW("");
    return view_trim(view_skip(authorization, 7));
}

bool token_is_sample(struct secret token)
{
    static const char *const samples[] = {"q1q2q3q4", "sk-123456"};

    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
        if (view_equal(token.hidden, view_of(samples[i])))
            return true;
    return false;
}
