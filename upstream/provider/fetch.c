/* SPDX-License-Identifier: Apache-2.0 */
/* What clients name by address, as a provider: it needs no key, and its answers are bytes. The
 * transfers judge them (transfer/outside.c): what is not a whole answer with status 200 never comes
 * here. */
#include "provider/provider.h"

#include "outside.h"
#include "provider/outside_answer.h"

const struct provider provider_fetch = {
    .pool = OUTSIDE_FETCH,
    .way = TRANSFER_GUARDED,
    .authorize = outside_authorize,
    .gate = outside_gate,
    .look = outside_look,
    .look_at_end = outside_look,
    .read_error = outside_read_error,
};
