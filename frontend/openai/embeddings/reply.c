/* SPDX-License-Identifier: Apache-2.0 */
/* The provider's vectors as OpenAI's list of them. What must stay true: where nothing is computed,
 * numbers keep the provider's spelling. */
#include "openai/embeddings/embed.h"

#include "base/json.h"
#include "parts/vector.h"

/* The model's full size is of length 1; what is cut from it is not. */
static bool normalises(const struct embed *embed, yyjson_val *values)
{
    return embed->normalises && yyjson_arr_size(values) < 3072;
}

static bool write_computed(const struct embed *embed, yyjson_val *values, struct bytes *out)
{
    struct vector vector;
    bool is_vector = vector_read(&vector, values);

    if (is_vector && normalises(embed, values))
        vector_normalise(&vector);
    if (is_vector && !embed->is_base64)
        vector_write_numbers(&vector, out);
    if (is_vector && embed->is_base64) {
        bytes_text(out, "\"");
        vector_write_base64(&vector, out);
        bytes_text(out, "\"");
    }
    vector_clear(&vector);
    return is_vector;
}

static bool is_computed(const struct embed *embed)
{
    return embed->is_base64 || embed->normalises;
}

static bool take_vector(struct embed *embed, yyjson_val *embedding)
{
    yyjson_val *values = json_member(embedding, VIEW("values"));
    struct bytes *out = &embed->list;

    bytes_text(out, out->len ? "," : "");
    bytes_printf(out, "{\"object\":\"embedding\",\"index\":%zu,\"embedding\":", embed->index++);
    if (!(is_computed(embed) ? write_computed(embed, values, out) : vector_write_raw(values, out)))
        return false;
    bytes_text(out, "}");
    return true;
}

static bool take_vectors(struct embed *embed, yyjson_val *list, size_t inputs)
{
    size_t i, max;
    yyjson_val *embedding;

    if (yyjson_arr_size(list) != inputs)
        return false;
    yyjson_arr_foreach(list, i, max, embedding)
    {
        if (!take_vector(embed, embedding))
            return false;
    }
    return true;
}

static uint64_t tokens_of(yyjson_val *root, uint64_t estimate)
{
    yyjson_val *count =
        json_member(json_member(root, VIEW("usageMetadata")), VIEW("promptTokenCount"));

    return count ? json_count(count) : estimate;
}

bool embed_take(struct embed *embed, struct view json, size_t inputs, uint64_t estimate)
{
    yyjson_doc *doc = json_open(json, is_computed(embed) ? 0 : YYJSON_READ_NUMBER_AS_RAW);
    yyjson_val *root = yyjson_doc_get_root(doc);
    bool is_good = embed->is_list
                       ? take_vectors(embed, json_member(root, VIEW("embeddings")), inputs)
                       : take_vector(embed, json_member(root, VIEW("embedding")));

    if (is_good)
        embed->tokens += tokens_of(root, estimate);
    json_close(doc);
    return is_good;
}

void embed_write(const struct embed *embed, struct bytes *out)
{
    bytes_text(out, "{\"object\":\"list\",\"data\":[");
    bytes_append(out, bytes_view(&embed->list));
    bytes_text(out, "],\"model\":");
    json_text(out, bytes_view(&embed->client_model));
    bytes_printf(out, ",\"usage\":{\"prompt_tokens\":%llu,\"total_tokens\":%llu}}",
                 (unsigned long long)embed->tokens, (unsigned long long)embed->tokens);
}
