/* SPDX-License-Identifier: Apache-2.0 */
/* What a request of the former completions asks, and its reply: each prompt is a chat of one message,
 * which the endpoint of chats answers. */
#pragma once

#include "base/json.h"
#include "endpoint/endpoint.h"
#include "openai/chat/ask.h"

struct completion_prompt {
    struct bytes text;
    void *chat;        /* the state of the chat that answers it; NULL: none yet */
    size_t kept;       /* bytes that the chat keeps */
    struct bytes said; /* the chat's reply, where it comes whole */
};

/* Tokens of all prompts together. */
struct completion_usage {
    uint64_t prompt, completion, total, cached, reasoning;
};

/* Valid when zeroed; its endpoint frees it. */
struct completion {
    struct completion_prompt prompts[REPLY_CHOICES];
    size_t count;         /* of prompts */
    size_t choices;       /* of each prompt */
    struct bytes members; /* of each chat's request, beside its messages */
    int64_t best_of;      /* 0: the client does not say */
    int64_t tops;         /* tokens told beside each that was chosen */
    bool is_stream;
    bool echo;           /* each choice begins with its prompt */
    struct bytes owners; /* a byte for each call of the plan: the number of its prompt */

    struct bytes head; /* how the reply, or each chunk of it, begins, once known */
    bool has_begun[REPLY_CHOICES];
    size_t offset[REPLY_CHOICES]; /* of each choice's next token in its text, in characters */
    bool has_usage;
    struct completion_usage usage;
};

/* request.c: reads the client's body. Another value than NONE: `plan->why` and `param` say more. */
enum error completion_read(struct completion *completion, const struct request *request,
                           struct plan *plan);

/* Appends the request of the chat that answers this prompt. */
void completion_chat(const struct completion *completion, size_t prompt, struct bytes *out);

/* reply.c: appends what chunks of a prompt's chat become. One that says nothing becomes nothing, unless
 * it `beats`: it is to be seen. */
void completion_chunks(struct completion *completion, size_t prompt, struct view chunks, bool beats,
                       struct bytes *out);

/* Appends the end of a stream, behind the last chunk of the last chat. */
void completion_end(const struct completion *completion, struct bytes *out);

/* Appends the reply, of what the chats have said. */
void completion_whole(struct completion *completion, struct bytes *out);
