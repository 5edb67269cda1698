/* SPDX-License-Identifier: Apache-2.0 */
/* What the provider's finishReason means to a chat. Called by chat.c, stream.c and whole.c. What must stay
 * true: what is not known counts as an answer, if there is any content. */
#include "openai/chat/reply.h"

/* The last stands for all that isn't listed: the provider adds some each year. */
static const struct finish finishes[] = {
#define FINISH(reason, with_content, without)                                                      \
    {                                                                                              \
        {reason, sizeof(reason) - 1}, with_content, without, false                                 \
    }
#define WITHHELD(reason)                                                                           \
    {                                                                                              \
        {reason, sizeof(reason) - 1}, "content_filter", "content_filter", true                     \
    }
    FINISH("STOP", "stop", "stop"),
    FINISH("MAX_TOKENS", "length", "length"),
    WITHHELD("SAFETY"),
    WITHHELD("RECITATION"),
    WITHHELD("BLOCKLIST"),
    WITHHELD("PROHIBITED_CONTENT"),
    WITHHELD("SPII"),
    WITHHELD("LANGUAGE"),
    WITHHELD("IMAGE_SAFETY"),
    WITHHELD("IMAGE_PROHIBITED_CONTENT"),
    WITHHELD("IMAGE_RECITATION"),
    WITHHELD("ESCALATION"),
    WITHHELD("PUP_LIMITED_DISABLED"),
    FINISH("MALFORMED_FUNCTION_CALL", "stop", NULL),
    FINISH("UNEXPECTED_TOOL_CALL", "stop", NULL),
    FINISH("MALFORMED_RESPONSE", "stop", NULL),
    FINISH("TOO_MANY_TOOL_CALLS", "stop", NULL),
    FINISH("MISSING_THOUGHT_SIGNATURE", "stop", NULL),
    {{"", 0}, "stop", "stop", true}, /* that it was a filter would be a guess */
#undef WITHHELD
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
