/* SPDX-License-Identifier: Apache-2.0 */
/* generateContent and streamGenerateContent, and what they share with the files that plan answers.
 */
#pragma once

#include "work.h"

struct generation {
    struct work work;
    struct prompt prompt;
    yyjson_doc *script_doc;
};

void generate_whole(struct call *call);
void generate_stream(struct call *call);

/* Plans what the answer says, by the prompt, the script and the key's mode. */
void content_plan(struct generation *g, const struct script *script);

/* Plans the calls of functions; true when there are any. */
bool calls_plan(struct generation *g, const struct script *script);

/* A new signature that lives as long as the request. */
struct span calls_sign(struct generation *g, uint64_t subject, const struct script *script);
