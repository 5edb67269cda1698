/* SPDX-License-Identifier: Apache-2.0 */
/* Request bodies that h2o does not see. For the files of this folder only; others: web.h. */
#pragma once

#include "web/web.h"

/* picohttpparser's, which is part of h2o's library; no header of it is installed. */
struct phr_chunked_decoder {
    size_t bytes_left_in_chunk;
    char consume_trailer;
    char _hex_count;
    char _state;
};

struct client;
struct head_body;

struct stream {
    bool is_on;    /* the request under way has a body of this kind */
    bool is_whole; /* all of it has been given */
    bool is_chunked;
    bool wants_continue; /* the client waits for word before it sends */
    uint64_t length;     /* bytes of the whole, if it is not chunked */
    uint64_t left;       /* of them, not yet given */
    size_t head_len;     /* of the request, as h2o has it */
    struct bytes front;  /* came together with the head… */
    size_t front_at;     /* …of which so much was given */
    struct phr_chunked_decoder decoder;
    const struct web_stream_events *events; /* NULL: nobody reads it */
    void *owner;
    h2o_timeout_entry_t front_timer, stall_timer;
};

/* The head of a request is whole, and h2o has not seen it: hides its body from h2o, if there is one (not NULL) and
 * the process wants it so. */
void stream_judge(struct client *client, const struct head_body *body);

/* h2o has the request: what came of its body goes out of h2o's buffer. */
void stream_begin(struct client *client);

/* A reply goes out before the body was read: nothing can follow on this connection. */
bool stream_is_unread(const struct client *client);

/* The request is over. */
void stream_clear(struct client *client);
