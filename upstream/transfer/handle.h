/* SPDX-License-Identifier: Apache-2.0 */
/* One of libcurl's easy handles, with what makes up a request. Used again and again by the
 * transfers. */
#pragma once

#include <curl/curl.h>

#include "base/bytes.h"
#include "transfer/transfer.h"

enum {
    HANDLE_READ_LEN = 16 * 1024, /* bytes that come at once at most */
    HANDLE_LINES = 16,           /* more header lines of an order */
    HANDLE_HEADERS = 8 + HANDLE_LINES,
};

struct handle {
    CURL *easy;
    CURLU *url;            /* parsed; most calls have that of the one before */
    struct bytes url_text; /* of it */
    struct bytes key_line;
    struct bytes type_line;
    struct bytes lines; /* of the order, each with a NUL behind it */
    struct bytes proxy; /* as set */
    struct curl_slist headers[HANDLE_HEADERS];
    struct curl_slist *shared;  /* headers behind those; not ours */
    char said[CURL_ERROR_SIZE]; /* by libcurl, of the last request */
};

/* The struct is zeroed, and must not move until handle_clear. `shared` outlives it. */
void handle_init(struct handle *handle, const struct transfer_settings *settings,
                 struct curl_slist *shared);
void handle_clear(struct handle *handle);

/* Sets where it leads, and nothing else. */
void handle_set_url(struct handle *handle, const char *url);

/* The request is over: its key is wiped. */
void handle_forget(struct handle *handle);

/* How long it has taken until the new connection of its request was there; 0: it goes over a kept one. */
uint64_t handle_connect_us(const struct handle *handle);

/* Sets what differs between requests. */
void handle_set(struct handle *handle, const struct transfer_order *order);
