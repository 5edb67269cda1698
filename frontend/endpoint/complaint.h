/* SPDX-License-Identifier: Apache-2.0 */
/* What is said to a client about an error, whatever its language; and how a language says it. */
#pragma once

#include "base/bytes.h"
#include "base/json.h"
#include "error.h"

struct complaint {
    enum error error;
    const char *text;        /* NULL: the text of errors.def */
    const char *param;       /* OpenAI's error.param; NULL: null */
    int status;              /* HTTP status for the client; 0: that of errors.def */
    uint64_t retry_after_ms; /* 0: unknown */
    bool is_tried;           /* the provider was asked, as often as we would */
    struct view body;        /* the provider's error body, keys masked; may be empty */
};

/* The HTTP status that the client gets. */
int complaint_status(const struct complaint *complaint);

/* How one family of clients reads errors. */
struct error_shape {
    const char *name; /* openai, gemini */

    /* Appends the error as a reply's body. */
    void (*write)(const struct complaint *complaint, struct bytes *out);

    /* Appends it as an event of a stream that is under way, which then ends. */
    void (*write_event)(const struct complaint *complaint, struct bytes *out);

    /* …and the connection breaks behind it: these clients take a clean end for a whole answer */
    bool breaks;
};

/* Appends `text` with what looks like a provider's key (AIza…, AQ.…, key=…, api_key:…) made
 * unreadable. */
void complaint_mask(struct bytes *out, struct view text);

/* The provider's error out of a complaint's body. `error` is NULL if there is none that concerns
 * the client: that a key of the pool is bad does not. Borrows `doc`, which is to be freed. */
struct provider_error {
    struct yyjson_doc *doc;
    struct yyjson_val *error;
    struct view message;
    struct view status;   /* "RESOURCE_EXHAUSTED" */
    bool is_about_tokens; /* the quota that is used up counts tokens, not requests */
    uint64_t code;        /* the HTTP status it came with */
};

struct provider_error provider_error_read(const struct complaint *complaint);

/* Appends what the client is to read: the complaint's text, else the provider's message with keys
 * masked, else the text of errors.def. */
void complaint_message(const struct complaint *complaint, const struct provider_error *provider,
                       struct bytes *out);
