/* SPDX-License-Identifier: Apache-2.0 */
/* usageMetadata and log probabilities; frame.c writes them into its events. What must stay true:
 * the total is the sum of prompt, candidates, thoughts and tools, and each list of details adds up
 * to its count. */
#include "answer.h"

#define THOUGHT_BYTES 40 /* of one thought, for its tokens */

static const char *const modality_names[MODALITIES] = {"TEXT", "IMAGE", "VIDEO", "AUDIO",
                                                       "DOCUMENT"};

static void write_detail(struct json *j, enum modality modality, int64_t tokens)
{
    if (tokens == 0)
        return;
    json_item(j);
    json_open(j, '{');
    json_name_text(j, "modality", span_of(modality_names[modality]));
    json_name_number(j, "tokenCount", tokens);
    json_close(j, '}');
}

static void write_details(struct json *j, const char *name, const int64_t tokens[MODALITIES])
{
    json_name(j, name);
    json_open(j, '[');
    for (int i = 0; i < MODALITIES; i++)
        write_detail(j, (enum modality)i, tokens[i]);
    json_close(j, ']');
}

static void write_count(struct json *j, const char *name, int64_t tokens)
{
    if (tokens != 0)
        json_name_number(j, name, tokens);
}

/* The same for details that are all of one kind. */
static void write_counts(struct json *j, const char *name, enum modality modality, int64_t tokens)
{
    int64_t details[MODALITIES] = {0};

    details[modality] = tokens;
    if (tokens != 0)
        write_details(j, name, details);
}

struct sums {
    int64_t output[MODALITIES];
    int64_t candidates;
    int64_t thoughts;
};

static int64_t call_tokens(const struct answer *a, int64_t count)
{
    int64_t bytes = 0;

    for (int64_t i = 0; i < count; i++)
        bytes += (int64_t)(a->calls[i].name.len + a->calls[i].args.len);
    return answer_tokens(bytes);
}

static struct sums sum_up(const struct answer *a, int64_t events)
{
    enum modality media = a->model->kind == MODEL_SPEECH ? MODALITY_AUDIO : MODALITY_IMAGE;
    struct sums s = {.thoughts = events != 0 ? a->hidden_tokens : 0};

    for (int i = 0; i < a->count && events != 0; i++) {
        struct progress p = answer_progress(a, events, i);
        s.output[MODALITY_TEXT] += answer_tokens(answer_bytes(a, i, p.chunks));
        s.output[MODALITY_TEXT] += call_tokens(a, p.calls);
        s.output[media] +=
            p.media * a->media_tokens / (a->media.len != 0 ? answer_media_events(a) : 1);
        s.thoughts += answer_tokens(p.thoughts * THOUGHT_BYTES);
    }
    for (int i = 0; i < MODALITIES; i++)
        s.candidates += s.output[i];
    return s;
}

static void write_numbers(struct json *j, const struct answer *a, int64_t events)
{
    struct sums s = sum_up(a, events);

    json_open(j, '{');
    json_name_number(j, "promptTokenCount", a->prompt_tokens);
    write_count(j, "cachedContentTokenCount", a->cached_tokens);
    write_count(j, "candidatesTokenCount", s.candidates);
    write_count(j, "toolUsePromptTokenCount", a->tool_tokens);
    json_name_number(j, "totalTokenCount",
                     a->prompt_tokens + s.candidates + s.thoughts + a->tool_tokens);
    write_details(j, "promptTokensDetails", a->input);
    write_counts(j, "cacheTokensDetails", MODALITY_TEXT, a->cached_tokens);
    if (s.candidates != 0)
        write_details(j, "candidatesTokensDetails", s.output);
    write_counts(j, "toolUsePromptTokensDetails", MODALITY_TEXT, a->tool_tokens);
    write_count(j, "thoughtsTokenCount", s.thoughts);
    json_name_text(j, "serviceTier", a->tier);
    json_close(j, '}');
}

void usage_write(struct json *j, const struct answer *a, int64_t events, bool is_last)
{
    if (a->usage_when == USAGE_NONE || (a->usage_when == USAGE_LAST && !is_last))
        return;
    json_name(j, "usageMetadata");
    if (is_last && a->usage.len != 0)
        json_raw(j, a->usage);
    else
        write_numbers(j, a, events);
}

/* -- Log probabilities -- */

/* Tokens are four bytes, or more where a character would be cut. */
static struct span next_token(struct span text)
{
    size_t len = text.len < 4 ? text.len : 4;

    while (len < text.len && ((unsigned char)text.at[len] & 0xc0) == 0x80)
        len++;
    return span_first(text, len);
}

/* Made of the token's bytes, in millionths below zero; each alternative is less probable. */
static int64_t micro_of(struct span token, int rank)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < token.len; i++)
        hash = (hash ^ (unsigned char)token.at[i]) * 16777619u;
    return -(int64_t)(hash % 900000) - (int64_t)1000000 * rank;
}

static void put_micro(struct text *out, int64_t micro)
{
    int64_t part = micro < 0 ? -micro : micro;

    text_format(out, "%s%lld.%06lld", micro < 0 ? "-" : "", (long long)(part / 1000000),
                (long long)(part % 1000000));
}

/* One candidate of a step: the token itself, or its alternative of this rank. */
static void write_token(struct json *j, struct span token, int rank)
{
    struct text name = {0};

    text_add(&name, token.at, token.len);
    if (rank != 0)
        text_format(&name, "~%d", rank);
    json_item(j);
    json_open(j, '{');
    json_name_text(j, "token", text_span(&name));
    json_name_number(j, "tokenId", (micro_of(token, 0) * -7 + rank) % 250000);
    json_name(j, "logProbability");
    put_micro(j->out, micro_of(token, rank));
    json_close(j, '}');
    text_clear(&name);
}

static void write_chosen(struct json *j, struct span text)
{
    json_name(j, "chosenCandidates");
    json_open(j, '[');
    for (struct span rest = text; rest.len != 0; rest = span_from(rest, next_token(rest).len))
        write_token(j, next_token(rest), 0);
    json_close(j, ']');
}

static void write_top(struct json *j, const struct answer *a, struct span text)
{
    json_name(j, "topCandidates");
    json_open(j, '[');
    for (struct span rest = text; rest.len != 0; rest = span_from(rest, next_token(rest).len)) {
        json_item(j);
        json_open(j, '{');
        json_name(j, "candidates");
        json_open(j, '[');
        for (int rank = 0; rank < a->logprobs; rank++)
            write_token(j, next_token(rest), rank);
        json_close(j, ']');
        json_close(j, '}');
    }
    json_close(j, ']');
}

void logprobs_write(struct json *j, const struct answer *a, struct span text)
{
    int64_t sum = 0;
    int64_t count = 0;

    for (struct span rest = text; rest.len != 0; rest = span_from(rest, next_token(rest).len)) {
        sum += micro_of(next_token(rest), 0);
        count++;
    }
    if (count == 0)
        return;
    json_name(j, "avgLogprobs");
    put_micro(j->out, sum / count);
    json_name(j, "logprobsResult");
    json_open(j, '{');
    if (a->logprobs > 0)
        write_top(j, a, text);
    write_chosen(j, text);
    json_name(j, "logProbabilitySum");
    put_micro(j->out, sum);
    json_close(j, '}');
}
