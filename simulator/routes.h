/* SPDX-License-Identifier: Apache-2.0 */
/* Google's routes besides generateContent. */
#pragma once

#include "server.h"

void models_list(struct call *call);
void models_get(struct call *call);
void count_tokens(struct call *call);
void embed_one(struct call *call);
void embed_batch(struct call *call);
void predict(struct call *call);

/* Google's endpoint in OpenAI's language. */
void openai_chat(struct call *call);
void openai_embeddings(struct call *call);
void openai_models(struct call *call);
void openai_model(struct call *call);

/* No such route: Google answers with a page. */
void models_lost(struct call *call);
