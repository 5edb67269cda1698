/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors of embeddings: out of a provider's JSON, and as clients want them. */
#pragma once

#include <yyjson.h>

#include "base/bytes.h"

struct vector {
    float *at;
    size_t count;
};

/* Reads an array of numbers, which are not raw; false: it is none, or it is empty. vector_clear
 * frees it either way. */
bool vector_read(struct vector *vector, yyjson_val *numbers);
void vector_clear(struct vector *vector);

/* Gives it the length 1; one of nothing but zeros stays. */
void vector_normalise(struct vector *vector);

/* Appends the base64 of its numbers as little-endian floats of 32 bits, without quotes. */
void vector_write_base64(const struct vector *vector, struct bytes *out);

/* Appends it as a JSON array of numbers, so many digits that they are read as the same floats. */
void vector_write_numbers(const struct vector *vector, struct bytes *out);

/* Appends an array of raw numbers in the provider's own spelling; false: it is none, or it is
 * empty. */
bool vector_write_raw(yyjson_val *numbers, struct bytes *out);
