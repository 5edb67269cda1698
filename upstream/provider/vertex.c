/* SPDX-License-Identifier: Apache-2.0 */
/* Vertex AI in express mode: Gemini's language at another address, with keys of its own. What must stay
 * true: what its answers say is judged as Gemini's are. */
#include "provider/provider.h"

static const char *address(const struct settings *settings)
{
    return settings->vertex_url;
}

static void authorize(struct secret key, struct bytes *line)
{
    provider_gemini.authorize(key, line);
}

static enum gate_kind gate(struct view operation)
{
    return provider_gemini.gate(operation);
}

static void look(struct view json, struct sight *sight)
{
    provider_gemini.look(json, sight);
}

static void look_at_end(struct view text, struct sight *sight)
{
    provider_gemini.look_at_end(text, sight);
}

static void read_error(unsigned status, struct view body, uint64_t utc_ms, struct verdict *verdict)
{
    provider_gemini.read_error(status, body, utc_ms, verdict);
}

const struct provider provider_vertex = {
    .pool = "vertex",
    .address = address,
    .authorize = authorize,
    .gate = gate,
    .look = look,
    .look_at_end = look_at_end,
    .read_error = read_error,
};
