/* SPDX-License-Identifier: Apache-2.0 */
/* A request over HTTP/1.1, written as bytes: where it goes, and its head. Called by the direct
 * transfers; no sockets in here. */
#pragma once

#include <curl/curl.h>

#include "base/bytes.h"
#include "transfer/transfer.h"

enum { TARGETS = 8 };

/* Where a URL leads. */
struct target {
    struct bytes url;    /* the whole */
    struct bytes origin; /* scheme://host:port */
    struct bytes lines;  /* what follows the method, up to the end of Host */
    bool is_tls;
};

/* The last ones: most calls ask for few. */
struct targets {
    struct target known[TARGETS];
    size_t oldest;
    CURLU *parser;
};

void targets_open(struct targets *targets);
void targets_close(struct targets *targets);

/* Good until the next look-up. NULL: a URL that is wrong, or that cannot stand in a request. */
const struct target *targets_find(struct targets *targets, const char *url);

/* The settings' headers as lines, with Accept and User-Agent unless they are among them. */
void request_headers(struct bytes *lines, const struct transfer_settings *settings);

/* Appends the head of an order to `head`. False: its key or type cannot stand in a header. */
bool request_write(struct bytes *head, const struct target *target,
                   const struct transfer_order *order, struct view headers);
