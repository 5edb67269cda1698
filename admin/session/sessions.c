/* SPDX-License-Identifier: Apache-2.0 */
/* The table of sessions. Called by the router and by the routes that begin and end them. What must
 * stay true: how long a comparison takes says nothing of what is right. */
#include "session/sessions.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdio.h>

#include "base/log.h"

static void write_random(char text[SESSION_TEXT])
{
    unsigned char bits[(SESSION_TEXT - 1) / 2];

    if (RAND_bytes(bits, sizeof(bits)) != 1)
        die("there are no random numbers to be had");
    for (size_t i = 0; i < sizeof(bits); i++)
        snprintf(text + 2 * i, 3, "%02x", bits[i]);
}

static void hash_token(struct secret token, unsigned char hash[SESSION_HASH])
{
    SHA256((const unsigned char *)token.hidden.at, token.hidden.len, hash);
}

static bool is_text(const char text[SESSION_TEXT], struct view candidate)
{
    return candidate.len == SESSION_TEXT - 1 &&
           CRYPTO_memcmp(text, candidate.at, SESSION_TEXT - 1) == 0;
}

static bool is_good(const struct session *session, struct secret token, uint64_t idle_ms,
                    uint64_t now_ms)
{
    unsigned char hash[SESSION_HASH];

    hash_token(token, hash);
    return token.hidden.len && now_ms < session_until_ms(session, idle_ms) &&
           CRYPTO_memcmp(hash, session->token, SESSION_HASH) == 0;
}

/* A free one, or the one that was used longest ago. */
static struct session *place(struct sessions *sessions)
{
    struct session *oldest = &sessions->at[0];

    for (size_t i = 0; i < SESSIONS_MOST; i++) {
        if (!sessions->at[i].number)
            return &sessions->at[i];
        if (sessions->at[i].seen_ms < oldest->seen_ms)
            oldest = &sessions->at[i];
    }
    return oldest;
}

struct session *sessions_begin(struct sessions *sessions, struct secret token, uint64_t now_ms)
{
    struct session *session = place(sessions);

    session_end(session);
    write_random(session->id);
    write_random(session->csrf);
    hash_token(token, session->token);
    session->number = ++sessions->number;
    session->begun_ms = now_ms;
    session->seen_ms = now_ms;
    return session;
}

struct session *sessions_find(struct sessions *sessions, struct view id, struct secret token,
                              uint64_t idle_ms, uint64_t now_ms)
{
    struct session *found = NULL;

    for (size_t i = 0; i < SESSIONS_MOST; i++)
        if (sessions->at[i].number && is_text(sessions->at[i].id, id))
            found = &sessions->at[i];
    if (!found)
        return NULL;
    if (!is_good(found, token, idle_ms, now_ms)) {
        session_end(found);
        return NULL;
    }
    found->seen_ms = now_ms;
    return found;
}

bool sessions_has(const struct sessions *sessions, uint64_t number, struct secret token,
                  uint64_t idle_ms, uint64_t now_ms)
{
    for (size_t i = 0; i < SESSIONS_MOST; i++)
        if (number && sessions->at[i].number == number)
            return is_good(&sessions->at[i], token, idle_ms, now_ms);
    return false;
}

uint64_t session_until_ms(const struct session *session, uint64_t idle_ms)
{
    uint64_t longest_ms = idle_ms > SESSION_LONGEST_MS ? idle_ms : SESSION_LONGEST_MS;
    uint64_t idle_end_ms = session->seen_ms + idle_ms;
    uint64_t end_ms = session->begun_ms + longest_ms;

    return idle_end_ms < end_ms ? idle_end_ms : end_ms;
}

const char *session_cookie_name(bool is_tls)
{
    return is_tls ? "__Host-gateway_session" : "gateway_session";
}

bool session_knows_csrf(const struct session *session, struct view csrf)
{
    return is_text(session->csrf, csrf);
}

void session_end(struct session *session)
{
    OPENSSL_cleanse(session, sizeof(*session));
}
