/* SPDX-License-Identifier: Apache-2.0 */
/* The life of what a chat asks. */
#include "openai/chat/ask.h"

void ask_clear(struct ask *ask)
{
    bytes_clear(&ask->model);
    bytes_clear(&ask->client_model);
    bytes_clear(&ask->path);
    bytes_clear(&ask->body);
    bytes_clear(&ask->tools.list);
    bytes_clear(&ask->names);
    bytes_clear(&ask->drawing);
    fetches_clear(&ask->fetches);
    *ask = (struct ask){0};
}

void ask_path(struct ask *ask)
{
    bool in_events = ask->stream && !ask->is_gathered;

    if (!ask->operation)
        ask->operation = in_events ? "streamGenerateContent" : "generateContent";
    bytes_copy(&ask->path, VIEW("/models/"));
    bytes_append(&ask->path, bytes_view(&ask->model));
    bytes_append(&ask->path, VIEW(":"));
    bytes_text(&ask->path, ask->operation);
    if (in_events)
        bytes_append(&ask->path, VIEW("?alt=sse"));
}
