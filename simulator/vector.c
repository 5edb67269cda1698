/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors of hashed words; embed.c asks. What must stay true: the same text gives the same vector
 * on every machine, so that nothing but plain float arithmetic is used. */
#include "vector.h"

#include <math.h>
#include <stdint.h>

void vector_clear(float vector[VECTOR_SIZE])
{
    memset(vector, 0, VECTOR_SIZE * sizeof(*vector));
}

static void add_word(float *vector, struct span word, float weight)
{
    uint64_t state = 14695981039346656037u;

    for (size_t i = 0; i < word.len; i++) {
        unsigned char c = (unsigned char)word.at[i];
        state = (state ^ (c >= 'A' && c <= 'Z' ? c + 32u : c)) * 1099511628211u;
    }
    state |= 1;
    for (int i = 0; i < VECTOR_SIZE; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        vector[i] += weight * ((float)(state >> 40) / 8388608.0f - 1.0f);
    }
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

void vector_add(float vector[VECTOR_SIZE], struct span text, float weight)
{
    size_t begin = 0;

    for (size_t i = 0; i <= text.len; i++) {
        if (i < text.len && !is_space(text.at[i]))
            continue;
        if (i > begin)
            add_word(vector, (struct span){text.at + begin, i - begin}, weight);
        begin = i + 1;
    }
}

void vector_unit(float *vector, int size)
{
    double sum = 0;

    for (int i = 0; i < size; i++)
        sum += (double)vector[i] * vector[i];
    for (int i = 0; i < size && sum > 0; i++)
        vector[i] = (float)(vector[i] / sqrt(sum));
}
