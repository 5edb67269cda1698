/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer has cost. Called by chat.c. What must stay true: of each call it is the
 * newest that the provider has said, never a sum over events; and the total is at least its parts.
 */
#include "openai/chat/reply.h"

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

static void note_details(struct reply_usage *noted, yyjson_val *usage)
{
    yyjson_val *prompt = json_member(usage, VIEW("promptTokensDetails"));
    yyjson_val *answer = json_member(usage, VIEW("candidatesTokensDetails"));

    noted->prompt_audio = tokens_of(prompt, VIEW("AUDIO"));
    noted->prompt_images = tokens_of(prompt, VIEW("IMAGE"));
    noted->prompt_text = tokens_of(prompt, VIEW("TEXT"));
    noted->answer_audio = tokens_of(answer, VIEW("AUDIO"));
    noted->answer_images = tokens_of(answer, VIEW("IMAGE"));
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
    reply->usage[reply->leg] = (struct reply_usage){
        .prompt = prompt,
        .candidates = candidates,
        .thoughts = thoughts,
        .total = total,
        .cached = json_count(json_member(usage, VIEW("cachedContentTokenCount"))),
        .tool_use = json_count(json_member(usage, VIEW("toolUsePromptTokenCount"))),
    };
    if (!reply->ask->stream || reply->ask->include_usage) /* else nobody will see them */
        note_details(&reply->usage[reply->leg], usage);
}

/* Of several legs: their prompt is one, and counts once; what they said is added up. */
static struct reply_usage usage_of(const struct reply *reply)
{
    struct reply_usage all = {0};

    for (size_t i = 0; i < ask_legs(reply->ask); i++) {
        const struct reply_usage *one = &reply->usage[i];
        struct reply_usage said = all;

        if (!all.prompt)
            all = *one;
        all.candidates = said.candidates + one->candidates;
        all.thoughts = said.thoughts + one->thoughts;
        all.answer_images = said.answer_images + one->answer_images;
        all.answer_audio = said.answer_audio + one->answer_audio;
    }
    if (ask_legs(reply->ask) > 1)
        all.total = 0;
    return all;
}

/* OpenAI's own API has no such member in a chat: it stands there only if there is something to
 * count. */
static void write_some(struct bytes *out, struct view before, uint64_t count)
{
    if (count)
        json_int_after(out, before, count);
}

void usage_write(const struct reply *reply, struct bytes *out)
{
    struct reply_usage usage = usage_of(reply);
    uint64_t prompt = usage.prompt + usage.tool_use;
    uint64_t completion = usage.candidates + usage.thoughts;
    uint64_t total = usage.total;

    if (total < prompt + completion)
        total = prompt + completion;
    json_int_after(out, VIEW("{\"prompt_tokens\":"), prompt);
    json_int_after(out, VIEW(",\"completion_tokens\":"), completion);
    json_int_after(out, VIEW(",\"total_tokens\":"), total);
    json_int_after(out, VIEW(",\"prompt_tokens_details\":{\"cached_tokens\":"), usage.cached);
    json_int_after(out, VIEW(",\"audio_tokens\":"), usage.prompt_audio);
    write_some(out, VIEW(",\"text_tokens\":"), usage.prompt_text);
    write_some(out, VIEW(",\"image_tokens\":"), usage.prompt_images);
    json_int_after(out, VIEW("},\"completion_tokens_details\":{\"reasoning_tokens\":"),
                   usage.thoughts);
    json_int_after(out, VIEW(",\"audio_tokens\":"), usage.answer_audio);
    write_some(out, VIEW(",\"image_tokens\":"), usage.answer_images);
    bytes_append(out, VIEW(",\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}"));
}
