/* SPDX-License-Identifier: Apache-2.0 */
/* What hosts outside of the provider answer: bytes that nobody reads here. Called through the tables of
 * fetch.c and image_host.c. */
#include "provider/outside_answer.h"

void outside_authorize(struct secret key, struct bytes *line)
{
    (void)key, (void)line;
}

enum gate_kind outside_gate(struct view operation)
{
    (void)operation;
    return GATE_BYTES;
}

void outside_look(struct view text, struct sight *sight)
{
    (void)text;
    *sight = (struct sight){.has_content = true};
}

void outside_read_error(unsigned status, struct view body, uint64_t utc_ms, struct verdict *verdict)
{
    (void)body, (void)utc_ms;
    verdict->fault = FAULT_OUTSIDE;
    verdict->status = status;
}
