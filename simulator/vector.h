/* SPDX-License-Identifier: Apache-2.0 */
/* Embeddings without a model: texts that share words lie near each other. */
#pragma once

#include "span.h"

#define VECTOR_SIZE 3072

/* Zeroes it; then words are added, then it is brought to length 1. */
void vector_clear(float vector[VECTOR_SIZE]);
void vector_add(float vector[VECTOR_SIZE], struct span text, float weight);
void vector_unit(float *vector, int size);
