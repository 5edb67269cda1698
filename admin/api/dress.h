/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger knows keys and clients by their hashes: for people each gets what it is known by, a
 * key's last characters and a client's name. */
#pragma once

#include <yyjson.h>

#include "admin.h"

/* May add to the answer what admin knows. */
typedef void dress_more(struct admin *admin, yyjson_mut_doc *doc, yyjson_mut_val *root, void *data);

/* Gives the object with the `id` of a client its `name`. */
void dress_client(yyjson_mut_doc *doc, yyjson_mut_val *object);

/* Appends the answer, dressed. False: it is an error or no object, and nothing was appended. */
bool dress_answer(struct admin *admin, struct view json, dress_more *more, void *data,
                  struct bytes *out);
