/* SPDX-License-Identifier: Apache-2.0 */
/* What chats have said as completions. Called by endpoint.c. What must stay true: all chunks of a
 * reply have one head; choices count on over the prompts; and what a completion has no place for
 * (thoughts, pictures, why an answer was withheld) is left out. */
#include "openai/completions/completion.h"

#include "openai/inputs.h"

/* ---- head and usage ---- */

/* {"id":…,…,"choices":[, out of the first that a chat says. */
static void note_head(struct completion *completion, yyjson_val *root)
{
    static const char *const kept[] = {"created", "model", "system_fingerprint"};
    struct bytes *head = &completion->head;
    struct view id = json_view(json_member(root, VIEW("id")));

    if (head->len)
        return;
    bytes_text(head, "{\"id\":\"cmpl-");
    json_escape(head, view_starts(id, VIEW("chatcmpl-")) ? view_skip(id, 9) : id);
    bytes_text(head, "\",\"object\":\"text_completion\"");
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        yyjson_val *value = json_member(root, view_of(kept[i]));

        if (!value)
            continue;
        json_key(head, view_of(kept[i]));
        json_value(head, value);
    }
    bytes_text(head, ",\"choices\":[");
}

static void note_usage(struct completion *completion, yyjson_val *usage)
{
    struct completion_usage *sum = &completion->usage;
    yyjson_val *prompt = json_member(usage, VIEW("prompt_tokens_details"));
    yyjson_val *answer = json_member(usage, VIEW("completion_tokens_details"));

    completion->has_usage = completion->has_usage || usage;
    sum->prompt += json_count(json_member(usage, VIEW("prompt_tokens")));
    sum->completion += json_count(json_member(usage, VIEW("completion_tokens")));
    sum->total += json_count(json_member(usage, VIEW("total_tokens")));
    sum->cached += json_count(json_member(prompt, VIEW("cached_tokens")));
    sum->reasoning += json_count(json_member(answer, VIEW("reasoning_tokens")));
}

static void write_usage(const struct completion *completion, struct bytes *out)
{
    const struct completion_usage *sum = &completion->usage;

    json_int_after(out, VIEW("],\"usage\":{\"prompt_tokens\":"), sum->prompt);
    json_int_after(out, VIEW(",\"completion_tokens\":"), sum->completion);
    json_int_after(out, VIEW(",\"total_tokens\":"), sum->total);
    json_int_after(out, VIEW(",\"prompt_tokens_details\":{\"cached_tokens\":"), sum->cached);
    json_int_after(out, VIEW("},\"completion_tokens_details\":{\"reasoning_tokens\":"),
                   sum->reasoning);
    bytes_text(out, "}}}");
}

/* ---- probabilities: OpenAI's chats tell them token by token, completions in lists ---- */

static void write_list(struct bytes *out, const char *name, yyjson_val *tokens, struct view member)
{
    size_t i, max;
    yyjson_val *token;

    json_key(out, view_of(name));
    bytes_text(out, "[");
    yyjson_arr_foreach(tokens, i, max, token)
    {
        bytes_text(out, i ? "," : "");
        json_value(out, yyjson_obj_getn(token, member.at, member.len));
    }
    bytes_text(out, "]");
}

static void write_probability(struct bytes *out, yyjson_val *token)
{
    bytes_text(out, out->at[out->len - 1] == '{' ? "" : ",");
    json_text(out, json_view(json_member(token, VIEW("token"))));
    bytes_text(out, ":");
    json_value(out, yyjson_obj_get(token, "logprob"));
}

/* The likeliest by their names, and the one that was chosen, if it is none of them. */
static void write_tops(struct bytes *out, yyjson_val *token)
{
    struct view chosen = json_view(json_member(token, VIEW("token")));
    bool has_chosen = false;
    size_t i, max;
    yyjson_val *other;

    bytes_text(out, "{");
    yyjson_arr_foreach(json_member(token, VIEW("top_logprobs")), i, max, other)
    {
        write_probability(out, other);
        has_chosen = has_chosen || view_equal(json_view(json_member(other, VIEW("token"))), chosen);
    }
    if (!has_chosen)
        write_probability(out, token);
    bytes_text(out, "}");
}

static void write_offsets(struct bytes *out, yyjson_val *tokens, size_t *offset)
{
    size_t i, max;
    yyjson_val *token;

    bytes_text(out, ",\"text_offset\":[");
    yyjson_arr_foreach(tokens, i, max, token)
    {
        json_int_after(out, i ? VIEW(",") : VIEW(""), *offset);
        *offset += inputs_characters(json_view(json_member(token, VIEW("token"))));
    }
    bytes_text(out, "]");
}

static void write_logprobs(struct completion *completion, size_t index, yyjson_val *logprobs,
                           struct bytes *out)
{
    yyjson_val *tokens = json_member(logprobs, VIEW("content"));
    size_t i, max;
    yyjson_val *token;

    if (!tokens) {
        bytes_text(out, "null");
        return;
    }
    bytes_text(out, "{");
    write_list(out, "tokens", tokens, VIEW("token"));
    write_list(out, "token_logprobs", tokens, VIEW("logprob"));
    bytes_text(out, completion->tops ? ",\"top_logprobs\":[" : ",\"top_logprobs\":null");
    if (completion->tops) {
        yyjson_arr_foreach(tokens, i, max, token)
        {
            bytes_text(out, i ? "," : "");
            write_tops(out, token);
        }
        bytes_text(out, "]");
    }
    write_offsets(out, tokens, &completion->offset[index]);
    bytes_text(out, "}");
}

/* ---- choices ---- */

/* The prompt, where the choice begins and is to repeat it. */
static struct view echo_of(struct completion *completion, size_t prompt, size_t index)
{
    struct view text = bytes_view(&completion->prompts[prompt].text);

    if (!completion->echo || completion->has_begun[index])
        return VIEW("");
    completion->offset[index] = inputs_characters(text);
    return text;
}

/* `said` has the choice's content. */
static void write_choice(struct completion *completion, size_t prompt, size_t index,
                         yyjson_val *choice, yyjson_val *said, struct bytes *out)
{
    json_int_after(out, VIEW("{\"index\":"), index);
    bytes_text(out, ",\"text\":\"");
    json_escape(out, echo_of(completion, prompt, index));
    json_escape(out, json_view(json_member(said, VIEW("content"))));
    bytes_text(out, "\",\"logprobs\":");
    write_logprobs(completion, index, json_member(choice, VIEW("logprobs")), out);
    bytes_text(out, ",\"finish_reason\":");
    json_value(out, yyjson_obj_get(choice, "finish_reason"));
    bytes_text(out, "}");
    completion->has_begun[index] = true;
}

/* The number of a chat's choice among all. False: nobody has asked for it, whatever the provider
 * says. */
static bool take_index(const struct completion *completion, size_t prompt, yyjson_val *choice,
                       size_t *index)
{
    uint64_t own = json_count(json_member(choice, VIEW("index")));

    *index = prompt * completion->choices + own;
    return own < completion->choices;
}

static bool has_something(const struct completion *completion, size_t index, yyjson_val *choice)
{
    yyjson_val *delta = json_member(choice, VIEW("delta"));

    return json_view(json_member(delta, VIEW("content"))).len ||
           json_member(choice, VIEW("finish_reason")) || json_member(choice, VIEW("logprobs")) ||
           (completion->echo && !completion->has_begun[index]);
}

/* A chat that is asked for usage says in each chunk that it comes later. */
static void take_chunk(struct completion *completion, size_t prompt, yyjson_val *root, bool beats,
                       struct bytes *out)
{
    size_t i, max;
    yyjson_val *choice;

    note_head(completion, root);
    note_usage(completion, json_member(root, VIEW("usage")));
    yyjson_arr_foreach(json_member(root, VIEW("choices")), i, max, choice)
    {
        size_t index;

        if (!take_index(completion, prompt, choice, &index) ||
            (!beats && !has_something(completion, index, choice)))
            continue;
        bytes_text(out, "data: ");
        bytes_append(out, bytes_view(&completion->head));
        write_choice(completion, prompt, index, choice, json_member(choice, VIEW("delta")), out);
        bytes_text(out, yyjson_obj_get(root, "usage") ? "],\"usage\":null}\n\n" : "]}\n\n");
    }
}

/* Each chunk is "data: …" and an empty line; the last is no JSON, and all chats' end is ours to write. */
void completion_chunks(struct completion *completion, size_t prompt, struct view chunks, bool beats,
                       struct bytes *out)
{
    static const size_t before = 6;
    const char *end;

    while (chunks.len && (end = memmem(chunks.at, chunks.len, "\n\n", 2))) {
        size_t len = (size_t)(end - chunks.at);
        yyjson_doc *doc =
            json_open((struct view){chunks.at + before, len - before}, YYJSON_READ_NUMBER_AS_RAW);

        if (yyjson_is_obj(yyjson_doc_get_root(doc)))
            take_chunk(completion, prompt, yyjson_doc_get_root(doc), beats, out);
        json_close(doc);
        chunks = view_skip(chunks, len + 2);
    }
}

void completion_end(const struct completion *completion, struct bytes *out)
{
    if (completion->has_usage) {
        bytes_text(out, "data: ");
        bytes_append(out, bytes_view(&completion->head));
        write_usage(completion, out);
        bytes_text(out, "\n\n");
    }
    bytes_text(out, "data: [DONE]\n\n");
}

static void take_whole(struct completion *completion, size_t prompt, yyjson_val *root,
                       struct bytes *out)
{
    size_t i, max;
    yyjson_val *choice;

    note_head(completion, root);
    note_usage(completion, json_member(root, VIEW("usage")));
    if (!prompt)
        bytes_append(out, bytes_view(&completion->head));
    yyjson_arr_foreach(json_member(root, VIEW("choices")), i, max, choice)
    {
        size_t index;

        if (!take_index(completion, prompt, choice, &index))
            continue;
        bytes_text(out, out->at[out->len - 1] == '[' ? "" : ",");
        write_choice(completion, prompt, index, choice, json_member(choice, VIEW("message")), out);
    }
}

void completion_whole(struct completion *completion, struct bytes *out)
{
    for (size_t i = 0; i < completion->count; i++) {
        yyjson_doc *doc =
            json_open(bytes_view(&completion->prompts[i].said), YYJSON_READ_NUMBER_AS_RAW);

        take_whole(completion, i, yyjson_doc_get_root(doc), out);
        json_close(doc);
    }
    write_usage(completion, out);
}
