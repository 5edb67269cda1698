/* SPDX-License-Identifier: Apache-2.0 */
/* What the provider's finishReason means to a chat. Called by dialect_openai.c. What must stay
 * true: what is not known counts as an answer, if there is any content. */
#include "openai/chat/reply.h"

/* The last stands for all that isn't listed: the provider adds some each year. */
static const struct finish finishes[] = {
#define FINISH(reason, with_content, without)                                                      \
    {                                                                                              \
        {reason, sizeof(reason) - 1}, with_content, without                                        \
    }
    FINISH("STOP", "stop", "stop"),
    FINISH("MAX_TOKENS", "length", "length"),
    FINISH("SAFETY", "content_filter", "content_filter"),
    FINISH("RECITATION", "content_filter", "content_filter"),
    FINISH("BLOCKLIST", "content_filter", "content_filter"),
    FINISH("PROHIBITED_CONTENT", "content_filter", "content_filter"),
    FINISH("SPII", "content_filter", "content_filter"),
    FINISH("LANGUAGE", "content_filter", "content_filter"),
    FINISH("IMAGE_SAFETY", "content_filter", "content_filter"),
    FINISH("IMAGE_PROHIBITED_CONTENT", "content_filter", "content_filter"),
    FINISH("IMAGE_RECITATION", "content_filter", "content_filter"),
    FINISH("ESCALATION", "content_filter", "content_filter"),
    FINISH("PUP_LIMITED_DISABLED", "content_filter", "content_filter"),
    FINISH("MALFORMED_FUNCTION_CALL", "stop", NULL),
    FINISH("UNEXPECTED_TOOL_CALL", "stop", NULL),
    FINISH("MALFORMED_RESPONSE", "stop", NULL),
    FINISH("TOO_MANY_TOOL_CALLS", "stop", NULL),
    FINISH("MISSING_THOUGHT_SIGNATURE", "stop", NULL),
    FINISH("", "stop", "content_filter"),
#undef FINISH
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

const struct finish *finish_of(struct view reason)
{
    const struct finish *finish = finishes;

    while (finish < finishes + COUNT_OF(finishes) - 1 && !view_equal(finish->reason, reason))
        finish++;
    return finish;
}

const char *finish_word(const struct reply_choice *choice)
{
    const char *word = choice->has_content ? choice->finish->with_content : choice->finish->without;

    return choice->calls.word && word && strcmp(word, "stop") == 0 ? choice->calls.word : word;
}
