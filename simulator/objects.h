/* SPDX-License-Identifier: Apache-2.0 */
/* What projects have made: files, cached contents, batches, operations, stores, interactions. Shared by all processes of one
 * simulator, in memory mapped before the fork; bounded: the oldest goes. What is read is copied, since another process may change it
 * at any time. */
#pragma once

#include <stdint.h>

#include "text.h"

#define OBJECT_NAME_BYTES 128
#define OBJECT_JSON_BYTES 4000
#define OBJECTS_MAX 4096

/* Before the fork. */
void objects_open(void);
void objects_reset(void);

/* A name that none has had: "files/sim-000000000001". */
void objects_name(struct text *out, struct span collection);

/* Adds the object, or replaces it if it is the project's. False: too large, or the name is another project's. */
bool objects_put(struct span project, struct span name, struct span json);

/* Appends its JSON. False: there is none, or not in this project. */
bool objects_get(struct span project, struct span name, struct text *json);

bool objects_delete(struct span project, struct span name);

/* Appends the JSON of the project's objects of a collection, the oldest first, with commas, from index `begin` on, `size` at most.
 * Returns how many there are in all. */
size_t objects_list(struct span project, struct span collection, size_t begin, size_t size,
                    struct text *json);

/* Whether any project has one in this collection. */
bool objects_any(struct span collection);
