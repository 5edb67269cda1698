/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer has cost. Called by dialect_openai.c. What must stay true: it is the newest that
 * the provider has said, never a sum over events; and the total is at least its parts. */
#include "openai_reply.h"

/* The tokens of one kind in a list [{modality, tokenCount}]. */
static uint64_t tokens_of(yyjson_val *details, struct view modality)
{
    uint64_t count = 0;
    size_t i, max;
    yyjson_val *detail;

    yyjson_arr_foreach(details, i, max, detail)
    {
        if (view_equal(json_view(json_member(detail, VIEW("modality"))), modality))
            count += json_count(json_member(detail, VIEW("tokenCount")));
    }
    return count;
}

/* As OpenAI calls it; NULL: unknown. */
static const char *tier_of(struct view tier)
{
    static const struct {
        const char *theirs, *ours;
    } tiers[] = {{"standard", "default"}, {"flex", "flex"}, {"priority", "priority"}};

    for (size_t i = 0; i < sizeof(tiers) / sizeof(tiers[0]); i++)
        if (view_equal(view_of(tiers[i].theirs), tier))
            return tiers[i].ours;
    return NULL;
}

static void note_details(struct reply *reply, yyjson_val *usage)
{
    yyjson_val *prompt = json_member(usage, VIEW("promptTokensDetails"));
    yyjson_val *answer = json_member(usage, VIEW("candidatesTokensDetails"));

    reply->usage.prompt_audio = tokens_of(prompt, VIEW("AUDIO"));
    reply->usage.prompt_images = tokens_of(prompt, VIEW("IMAGE"));
    reply->usage.prompt_text = tokens_of(prompt, VIEW("TEXT"));
    reply->usage.answer_audio = tokens_of(answer, VIEW("AUDIO"));
    reply->usage.answer_images = tokens_of(answer, VIEW("IMAGE"));
}

/* Frames repeat it with growing numbers; some send zeros as a placeholder. */
void usage_note(struct reply *reply, yyjson_val *usage)
{
    uint64_t prompt = json_count(json_member(usage, VIEW("promptTokenCount")));
    uint64_t candidates = json_count(json_member(usage, VIEW("candidatesTokenCount")));
    uint64_t thoughts = json_count(json_member(usage, VIEW("thoughtsTokenCount")));
    uint64_t total = json_count(json_member(usage, VIEW("totalTokenCount")));
    struct view tier = json_view(json_member(usage, VIEW("serviceTier")));

    if (!reply->tier && tier.len)
        reply->tier = tier_of(tier);
    if (!prompt && !candidates && !thoughts && !total)
        return;
    reply->usage.prompt = prompt;
    reply->usage.candidates = candidates;
    reply->usage.thoughts = thoughts;
    reply->usage.total = total;
    reply->usage.cached = json_count(json_member(usage, VIEW("cachedContentTokenCount")));
    reply->usage.tool_use = json_count(json_member(usage, VIEW("toolUsePromptTokenCount")));
    if (!reply->ask->stream || reply->ask->include_usage) /* else nobody will see them */
        note_details(reply, usage);
}

static void write_count(struct bytes *out, struct view before, uint64_t count)
{
    bytes_append(out, before);
    json_int(out, (int64_t)count);
}

/* OpenAI's own API has no such member in a chat: it stands there only if there is something to
 * count. */
static void write_some(struct bytes *out, struct view before, uint64_t count)
{
    if (count)
        write_count(out, before, count);
}

void usage_write(const struct reply *reply, struct bytes *out)
{
    uint64_t prompt = reply->usage.prompt + reply->usage.tool_use;
    uint64_t completion = reply->usage.candidates + reply->usage.thoughts;
    uint64_t total = reply->usage.total;

    if (total < prompt + completion)
        total = prompt + completion;
    write_count(out, VIEW("{\"prompt_tokens\":"), prompt);
    write_count(out, VIEW(",\"completion_tokens\":"), completion);
    write_count(out, VIEW(",\"total_tokens\":"), total);
    write_count(out, VIEW(",\"prompt_tokens_details\":{\"cached_tokens\":"), reply->usage.cached);
    write_count(out, VIEW(",\"audio_tokens\":"), reply->usage.prompt_audio);
    write_some(out, VIEW(",\"text_tokens\":"), reply->usage.prompt_text);
    write_some(out, VIEW(",\"image_tokens\":"), reply->usage.prompt_images);
    write_count(out, VIEW("},\"completion_tokens_details\":{\"reasoning_tokens\":"),
                reply->usage.thoughts);
    write_count(out, VIEW(",\"audio_tokens\":"), reply->usage.answer_audio);
    write_some(out, VIEW(",\"image_tokens\":"), reply->usage.answer_images);
    bytes_append(out, VIEW(",\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}"));
}
