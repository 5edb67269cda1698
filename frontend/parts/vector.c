/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors. Called for each embedding of a reply. What must stay true: base64 holds the floats that
 * the same vector has as numbers. */
#include "parts/vector.h"

#include <endian.h>
#include <float.h>
#include <math.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

enum { NUMBER_MOST = 24 /* characters of a float with nine digits, and a comma */ };

bool vector_read(struct vector *vector, yyjson_val *numbers)
{
    size_t i, max;
    yyjson_val *number;

    *vector = (struct vector){0};
    if (!yyjson_is_arr(numbers) || !yyjson_arr_size(numbers))
        return false;
    vector->at = memory_new(yyjson_arr_size(numbers) * sizeof(float));
    yyjson_arr_foreach(numbers, i, max, number)
    {
        if (!yyjson_is_num(number) || !(fabs(yyjson_get_num(number)) <= (double)FLT_MAX))
            return false;
        vector->at[vector->count++] = (float)yyjson_get_num(number);
    }
    return true;
}

void vector_clear(struct vector *vector)
{
    free(vector->at);
    *vector = (struct vector){0};
}

void vector_normalise(struct vector *vector)
{
    double sum = 0;

    for (size_t i = 0; i < vector->count; i++)
        sum += (double)vector->at[i] * (double)vector->at[i];
    if (!(sum > 0))
        return;
    for (size_t i = 0; i < vector->count; i++)
        vector->at[i] = (float)((double)vector->at[i] / sqrt(sum));
}

void vector_write_base64(const struct vector *vector, struct bytes *out)
{
    size_t len = vector->count * sizeof(uint32_t);
    uint32_t *words = memory_new(len);
    char *to = bytes_room(out, (len + 2) / 3 * 4 + 1);

    memcpy(words, vector->at, len);
    for (size_t i = 0; i < vector->count; i++)
        words[i] = htole32(words[i]);
    out->len += (size_t)EVP_EncodeBlock((unsigned char *)to, (unsigned char *)words, (int)len);
    free(words);
}

void vector_write_numbers(const struct vector *vector, struct bytes *out)
{
    const char *before = "[";

    for (size_t i = 0; i < vector->count; i++) {
        char *to = bytes_room(out, NUMBER_MOST);

        out->len += (size_t)snprintf(to, NUMBER_MOST, "%s%.9g", before, (double)vector->at[i]);
        before = ",";
    }
    bytes_text(out, "]");
}

bool vector_write_raw(yyjson_val *numbers, struct bytes *out)
{
    const char *before = "[";
    size_t i, max;
    yyjson_val *number;

    if (!yyjson_is_arr(numbers) || !yyjson_arr_size(numbers))
        return false;
    yyjson_arr_foreach(numbers, i, max, number)
    {
        if (!yyjson_is_raw(number))
            return false;
        bytes_text(out, before);
        bytes_append(out, (struct view){yyjson_get_raw(number), yyjson_get_len(number)});
        before = ",";
    }
    bytes_text(out, "]");
    return true;
}
