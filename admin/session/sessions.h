/* SPDX-License-Identifier: Apache-2.0 */
/* Who is logged in. Plain functions; time is passed in (milliseconds of a clock that only goes
 * forward). What must stay true: nothing of a session can be guessed, and one that has ended never
 * comes back. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/secret.h"

enum {
    SESSIONS_MOST = 64, /* one more ends the one that was used longest ago */
    SESSION_TEXT = 33,  /* 128 random bits in hex, with a zero */
    SESSION_HASH = 32,
    SESSION_LONGEST_MS =
        24 * 60 * 60 * 1000, /* however busy it is, unless the idle time is longer */
};

struct session {
    uint64_t number;                   /* for logs and for whoever watches it; 0: none */
    char id[SESSION_TEXT];             /* what its cookie says */
    char csrf[SESSION_TEXT];           /* what its changing calls say */
    unsigned char token[SESSION_HASH]; /* of the token that it was begun with */
    uint64_t begun_ms, seen_ms;
};

struct sessions {
    struct session at[SESSIONS_MOST];
    uint64_t number;
};

/* A new one, always with a new id. Borrowed from the table. */
struct session *sessions_begin(struct sessions *sessions, struct secret token, uint64_t now_ms);

/* The session of that id, which was now used; NULL: there is none, its time is over, or the
 * administrator's token is another one now. */
struct session *sessions_find(struct sessions *sessions, struct view id, struct secret token,
                              uint64_t idle_ms, uint64_t now_ms);

/* Whether the session of that number goes on; does not count as using it. */
bool sessions_has(const struct sessions *sessions, uint64_t number, struct secret token,
                  uint64_t idle_ms, uint64_t now_ms);

/* When it ends unless it is used. */
uint64_t session_until_ms(const struct session *session, uint64_t idle_ms);

/* The cookie that holds its id. Under TLS browsers keep a name with this prefix to this very host. */
const char *session_cookie_name(bool is_tls);

bool session_knows_csrf(const struct session *session, struct view csrf);
void session_end(struct session *session);
