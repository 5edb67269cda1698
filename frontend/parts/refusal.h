/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that the provider refuses for one member that the model does not take: which member that
 * is, the body without it, and which models are known to refuse which. Used by the dialects that
 * translate, and by the frontend for their calls; never for bodies that a client wrote itself. */
#pragma once

#include "base/bytes.h"

/* What may be refused. A set of them is written as bits, 1u << one. */
enum refused {
    REFUSED_PENALTY,
    REFUSED_LOGPROBS,
    REFUSED_MEDIA_RESOLUTION,
    REFUSED_JSON,
    REFUSED_SYSTEM,
    REFUSED_PREFILL,
    REFUSED_LEVEL,
    REFUSED_BUDGET,
    REFUSED_THINKING,
    REFUSED_SIGNATURE,
    REFUSED_SCHEMA,
    REFUSED_COUNT
};

/* What the user says behind an assistant's last word, where the model wants the user's. */
#define REFUSAL_CONTINUE "Continue."

/* What Google documents for a call whose signature is lost. */
#define REFUSAL_NO_SIGNATURE "skip_thought_signature_validator"

struct refusal {
    const char *name;
    enum refused refused;
    bool is_models; /* the model always refuses it, whatever else the request holds */
};

/* Reads the provider's error, or its answer without content; NULL: it complains of something else.
 */
const struct refusal *refusal_read(struct view body);

unsigned refusal_bit(const struct refusal *refusal);

/* Appends the body of a generateContent without the members that are `refused` (bits): a system
 * instruction becomes the user's first words; behind a last turn of the model the user asks it to
 * continue, if CONTINUE_PREFILL says so. False: it holds none of them, and nothing was
 * appended. */
bool refusal_repair(struct view body, unsigned refused, struct bytes *out);

/* Whether what is `refused` (bits) has this member of generationConfig, thinkingConfig or a part in
 * it, for those who write a body. */
bool refusal_takes(unsigned refused, struct view member);

#define REFUSALS_MOST 64       /* models; the one that was refused longest ago makes room */
#define REFUSALS_NAME_MOST 128 /* bytes of a model's name; longer ones are not remembered */

/* Which models refuse what. Valid when zeroed. */
struct refusals {
    struct refusing {
        char model[REFUSALS_NAME_MOST + 1];
        uint64_t until_ms[REFUSED_COUNT];
        uint64_t noted_ms; /* the newest of it */
    } all[REFUSALS_MOST];
    size_t count;
};

/* Remembers it for some hours, if it is the model that refuses. */
void refusals_note(struct refusals *refusals, struct view model, const struct refusal *refusal,
                   uint64_t now_ms);

/* What the model is known to refuse, as bits; of NULL nothing. */
unsigned refusals_known(const struct refusals *refusals, struct view model, uint64_t now_ms);
