/* SPDX-License-Identifier: Apache-2.0 */
/* Contents and systemInstruction, written straight into the body. Called by messages.c and
 * tool_turns.c. What must stay true: contents begin with the user's, neighbours differ in role, and
 * results of tools follow the model's content that has called them. */
#include "openai/chat/contents.h"

const char ROLE_USER[] = "user";
const char ROLE_RESULTS[] = "user";
const char ROLE_MODEL[] = "model";
const char ROLE_SYSTEM[] = "system";

/* Appends `text`, which is not empty, as one part. */
void contents_part(struct chat *chat, struct view text)
{
    struct bytes *out = &chat->ask->body;

    bytes_append(out, VIEW("{\"text\":\""));
    chat->text_size += text.len;
    json_said(out, text);
    bytes_append(out, VIEW("\"}"));
}

/* Opens systemInstruction, or goes on in it. */
static void open_system(struct chat *chat)
{
    bytes_append(&chat->ask->body, chat->role == ROLE_SYSTEM
                                       ? VIEW(",")
                                       : VIEW(",\"systemInstruction\":{\"parts\":["));
    chat->role = ROLE_SYSTEM;
}

/* Whether the content that is open takes parts of `role`. What the user says behind results is with
 * older models a part among them, with newer ones the beginning of a turn. */
static bool is_open(const struct chat *chat, const char *role)
{
    return chat->role == role ||
           (chat->role == ROLE_RESULTS && role == ROLE_USER && !chat->model->signs_calls);
}

/* Opens the content of `role`, or goes on in it if that role has spoken last. */
static void open_turn(struct chat *chat, const char *role)
{
    struct bytes *out = &chat->ask->body;

    if (is_open(chat, role)) {
        bytes_append(out, VIEW(","));
        return;
    }
    bytes_append(out, chat->role ? VIEW("]},{\"role\":\"") : VIEW("{\"role\":\""));
    bytes_text(out, role);
    bytes_append(out, VIEW("\",\"parts\":["));
    chat->role = role;
}

/* The first turn must be the user's. */
void contents_open(struct chat *chat, const char *role)
{
    if (role == ROLE_SYSTEM) {
        open_system(chat);
        return;
    }
    if (!chat->role && role == ROLE_MODEL) {
        open_turn(chat, ROLE_USER);
        contents_part(chat, VIEW("."));
    }
    open_turn(chat, role);
}

void contents_text(struct chat *chat, const char *role, struct view text)
{
    while (text.len && !text.at[0]) /* nothing but NULs is nothing */
        text = view_skip(text, 1);
    if (!text.len)
        return;
    contents_open(chat, role);
    contents_part(chat, text);
}
