/* SPDX-License-Identifier: Apache-2.0 */
/* What clients name by address, as a provider: it needs no key, and its answers are bytes. The
 * transfers judge them (transfer/outside.c): what is not a whole answer with status 200 never comes
 * here. */
#include "provider/provider.h"

#include "outside.h"

static void authorize(struct secret key, struct bytes *line)
{
    (void)key, (void)line;
}

static enum gate_kind gate(struct view operation)
{
    (void)operation;
    return GATE_BYTES;
}

static void look(struct view text, struct sight *sight)
{
    (void)text;
    *sight = (struct sight){.has_content = true};
}

static void read_error(unsigned status, struct view body, uint64_t utc_ms, struct verdict *verdict)
{
    (void)body, (void)utc_ms;
    verdict->fault = FAULT_OUTSIDE;
    verdict->status = status;
}

const struct provider provider_fetch = {
    .pool = OUTSIDE_FETCH,
    .way = TRANSFER_GUARDED,
    .authorize = authorize,
    .gate = gate,
    .look = look,
    .look_at_end = look,
    .read_error = read_error,
};
