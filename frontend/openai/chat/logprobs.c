/* SPDX-License-Identifier: Apache-2.0 */
/* Probabilities of tokens, as OpenAI writes them. Called by stream.c and whole.c for a client
 * that has asked for them. What must stay true: the provider's two lists run in step, one entry for each
 * token, and are walked once. */
#include "openai/chat/reply.h"

#include <math.h>

/* {"token":…,"logprob":…,"bytes":[…] without the closing brace */
static void write_token(yyjson_val *token, struct bytes *out)
{
    struct view text = json_view(json_member(token, VIEW("token")));
    yyjson_val *probability = json_member(token, VIEW("logProbability"));
    double number = 0;

    bytes_append(out, VIEW("{\"token\":"));
    json_text(out, text);
    bytes_append(out, VIEW(",\"logprob\":"));
    if (!probability)
        bytes_append(out, VIEW("0"));
    else if (json_number(probability, &number) && isfinite(number))
        bytes_append(out, (struct view){yyjson_get_raw(probability), yyjson_get_len(probability)});
    else
        bytes_append(out, VIEW("-9999.0")); /* OpenAI's word for "hardly ever" */
    bytes_append(out, VIEW(",\"bytes\":["));
    for (size_t i = 0; i < text.len; i++) {
        bytes_append(out, i ? VIEW(",") : VIEW(""));
        json_int(out, (unsigned char)text.at[i]);
    }
    bytes_append(out, VIEW("]"));
}

static void write_others(yyjson_val *top, struct bytes *out)
{
    size_t i, max;
    yyjson_val *other;

    bytes_append(out, VIEW(",\"top_logprobs\":["));
    yyjson_arr_foreach(json_member(top, VIEW("candidates")), i, max, other)
    {
        bytes_append(out, i ? VIEW(",") : VIEW(""));
        write_token(other, out);
        bytes_append(out, VIEW("}"));
    }
    bytes_append(out, VIEW("]}"));
}

void logprobs_write(yyjson_val *result, struct bytes *out)
{
    yyjson_val *chosen = json_member(result, VIEW("chosenCandidates"));
    yyjson_arr_iter tops;
    size_t i, max;
    yyjson_val *token;

    if (!yyjson_is_arr(chosen)) {
        bytes_append(out, VIEW("null"));
        return;
    }
    yyjson_arr_iter_init(json_member(result, VIEW("topCandidates")), &tops);
    bytes_append(out, VIEW("{\"content\":["));
    yyjson_arr_foreach(chosen, i, max, token)
    {
        bytes_append(out, i ? VIEW(",") : VIEW(""));
        write_token(token, out);
        write_others(yyjson_arr_iter_next(&tops), out);
    }
    bytes_append(out, VIEW("],\"refusal\":null}"));
}
