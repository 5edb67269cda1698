/* SPDX-License-Identifier: Apache-2.0 */
/* What OpenAI's routes do. */
#pragma once

#include "endpoint/endpoint.h"

extern const struct endpoint endpoint_chat;        /* …/chat/completions */
extern const struct endpoint endpoint_completions; /* …/completions */
extern const struct endpoint endpoint_embeddings;  /* …/embeddings */
extern const struct endpoint endpoint_moderations; /* …/moderations */
extern const struct endpoint endpoint_models;      /* GET …/models */
extern const struct endpoint endpoint_relay;       /* /openai/v1/… */
extern const struct endpoint endpoint_model;       /* GET …/models/{model} */

/* images and audio */
extern const struct endpoint endpoint_images;           /* …/images/generations */
extern const struct endpoint endpoint_image_edits;      /* …/images/edits */
extern const struct endpoint endpoint_image_variations; /* …/images/variations */
extern const struct endpoint endpoint_speech;           /* …/audio/speech */
extern const struct endpoint endpoint_transcription;    /* …/audio/transcriptions */
extern const struct endpoint endpoint_translation;      /* …/audio/translations */
