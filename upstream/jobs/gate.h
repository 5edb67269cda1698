/* SPDX-License-Identifier: Apache-2.0 */
/* The gate between the provider and the client: until the first content is there nothing leaves, so
 * that a fault can move the call to another key unseen; from then on bytes pass untouched, and the
 * gate only watches whether the answer ends as it should. Pure: bytes in, bytes out through `out`,
 * a fault at the end. Called by the job.
 *
 * What leaves never holds an error that came inside an answer: it is cut off at the border before
 * it, and told as a fault with its text in `gate_error`. Who wants its event asks for that. */
#pragma once

#include "base/elements.h"
#include "provider/provider.h"
#include "base/sse.h"

enum framing {
    FRAMING_NONE,   /* before the head */
    FRAMING_EVENTS, /* server-sent events */
    FRAMING_ARRAY,  /* a JSON array that grows */
    FRAMING_WHOLE,  /* one JSON object */
    FRAMING_BYTES,  /* whatever it is */
    FRAMING_ERROR,  /* the body of an HTTP error */
};

struct gate {
    const struct provider *provider;
    enum gate_kind kind;
    bool is_stream; /* an array is read element by element */
    bool thoughts;  /* thoughts count as content */
    bool is_raw;    /* the client reads the provider's own answers, however little they say */

    /* Where bytes go that may leave; `is_end`: they end at the border of an event. The first call
     * is the opening. */
    void (*out)(void *owner, struct view bytes, bool is_end);
    void *owner;

    /* What is known; good to read at any time. */
    enum framing framing;
    unsigned status;   /* HTTP */
    uint64_t retry_ms; /* what the head of an error says; for gate_end */
    bool is_open;
    bool has_thought;
    bool is_blocked;
    bool has_finish;
    enum fault finish;      /* of an empty answer */
    struct usage usage;     /* the newest */
    struct verdict verdict; /* of an error; .fault NONE: there was none */

    /* private */
    bool is_over;  /* an error came: the rest is not looked at */
    bool is_held;  /* FRAMING_BYTES: until the end, as long as it is small */
    bool is_event; /* …as an event, whose bytes are `held` */
    struct sse sse;
    struct elements elements;
    struct bytes held;  /* shut: everything so far; open: what may yet turn out to be an error */
    struct bytes tail;  /* open and WHOLE: the last bytes */
    struct bytes error; /* the error's text, if it came inside an answer */
};

/* Whether nothing of the answer is looked at: an operation that has failed is a good answer, with an error inside. */
static inline bool gate_is_blind(const struct gate *gate)
{
    return gate->kind == GATE_OBJECT || gate->kind == GATE_BYTES;
}

/* The head is there. `type` is the Content-Type. */
void gate_head(struct gate *gate, unsigned status, struct view type);

/* The head says something that makes the answer useless, whatever its bytes are. */
void gate_refuse(struct gate *gate);

/* Takes bytes of the body; `hold_most` is how many a whole answer may keep before it has to open.
 * Returns false if an error came: the rest of the answer is not worth reading. */
bool gate_feed(struct gate *gate, struct view bytes, size_t hold_most);

/* The answer has ended; `is_clean`: as HTTP says it should. `utc_ms` is for waits that end at
 * midnight. Lets out what may still leave and returns how it went; the verdict says more. */
enum fault gate_end(struct gate *gate, bool is_clean, uint64_t utc_ms);

/* The error's text, as the provider sent it; empty if there is none. Good until gate_clear. */
struct view gate_error(const struct gate *gate);

/* The event of it, to its border: for a client that reads the provider's own events. Empty: the
 * error was no event, or nothing has left before it. Good until gate_clear. */
struct view gate_error_event(const struct gate *gate);

/* Bytes kept at the moment. */
size_t gate_held(const struct gate *gate);

/* Frees what is held; everything else stays readable. */
void gate_clear(struct gate *gate);
