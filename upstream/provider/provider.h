/* SPDX-License-Identifier: Apache-2.0 */
/* What differs between providers: how the key is sent, what an error body means, what one JSON
 * object of an answer says. Pure functions over bytes. A new provider is one file and one
 * line in provider.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fault.h"
#include "base/bytes.h"
#include "base/secret.h"
#include "settings/options.h"
#include "transfer/transfer.h"

struct usage {
    uint64_t tokens_in;
    uint64_t tokens_out; /* without thoughts */
    uint64_t tokens_thoughts;
    uint64_t tokens_cached;
};

/* What one JSON object of an answer says. */
struct sight {
    bool is_json;
    bool is_error;    /* an error object instead of an answer */
    bool has_content; /* something that a client sees, apart from thoughts */
    bool has_thought; /* thoughts that are not empty */
    bool is_blocked;  /* the prompt was refused: an answer, though an empty one */
    bool has_finish;  /* the provider says that it has finished */
    enum fault
        finish; /* what finishing so means where no content came; NONE: an answer without content */
    bool
        is_vague; /* …though the provider gives no reason that we know: another key may do better */
    struct usage usage;
};

enum { QUOTA_ID_MOST = 64 };

/* Limits of the key's project for the model that an error body names; 0: not that. */
struct named_limits {
    uint64_t requests, tokens; /* in a minute; tokens of input */
    uint64_t day;              /* requests */
    bool is_free;              /* the free tier's */
};

/* What an error body says. */
struct verdict {
    enum fault fault;
    uint64_t retry_ms;    /* how long to leave it; 0: it doesn't say. Before: what the head said */
    unsigned status;      /* HTTP; for an error inside a 200, the status that it stands for */
    uint64_t exact_ms;    /* the wait in its own words, before anything was made of it; 0: none */
    uint64_t quota_value; /* of the quota that it names first */
    char quota_id[QUOTA_ID_MOST + 1]; /* empty: it names none */
    struct named_limits limits;       /* of all quotas that it names */
};

enum gate_kind {
    GATE_JSON,      /* one object or a list */
    GATE_GENERATED, /* content with a finish: held back until the first of it */
    GATE_OBJECT,    /* whatever it is, but small ones are held until they are whole */
    GATE_BYTES,     /* media, uploads: status and length are all there is to judge */
};

/* A request to a host that has its own way of being addressed. */
struct provider_ask {
    struct view path; /* as in JOB */
    struct view type; /* of its body */
    uint64_t utc_ms;
};

struct provider_place {
    struct bytes *url;
    struct bytes *lines; /* of the head, with line ends between */
};

struct provider {
    const char *pool; /* as in JOB */
    enum transfer_way way;

    /* Where it is: a URL without the slash at its end, to which a JOB's path is added. NULL: the
     * path is the whole address. */
    const char *(*address)(const struct settings *settings);

    /* Appends the header line that shows the key, without its end, and leaves no copy of the key
     * behind; nothing for a pool without keys. */
    void (*authorize)(struct secret key, struct bytes *line);

    /* Appends where a request goes and what shows that it may, in place of `address` and
     * `authorize`. NULL: these say it. */
    void (*compose)(const struct settings *settings, const struct provider_ask *ask,
                    struct provider_place *place);

    /* What answers to this operation are. */
    enum gate_kind (*gate)(struct view operation);

    /* Looks at one whole JSON object (or an array of one) of an answer. */
    void (*look)(struct view json, struct sight *sight);

    /* Looks at the last bytes of an object that was too large to keep. */
    void (*look_at_end)(struct view text, struct sight *sight);

    /* Reads an error body that came with `status`; 200 if it came inside an answer. */
    void (*read_error)(unsigned status, struct view body, uint64_t utc_ms, struct verdict *verdict);
};

/* The provider of that pool, or NULL. */
const struct provider *provider_find(struct view pool);

/* Appends the whole URL of a JOB's path. Uploads and downloads have their version behind theirs, so they
 * stand beside the version of the address: https://host/v1beta and /upload/v1beta/files become
 * https://host/upload/v1beta/files. */
void provider_url(const struct provider *provider, const struct settings *settings,
                  struct view path, struct bytes *out);

extern const struct provider provider_gemini;
extern const struct provider provider_vertex;
extern const struct provider provider_relay;
extern const struct provider provider_fetch;
extern const struct provider provider_image_host;
