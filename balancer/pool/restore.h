/* SPDX-License-Identifier: Apache-2.0 */
/* What of a model's books a former process has kept, and what the next one is to know of rests. */
#pragma once

#include "pool/pool.h"

/* A model's books have just been made. */
void restore_model(struct pool *pool, struct model *model);

/* The key rests for the model: a successor is to know. */
void restore_later(struct pool *pool, struct model *model, uint32_t key);
