/* SPDX-License-Identifier: Apache-2.0 */
/* Logging in and out. What must stay true: the cookie is never the token, and a login always makes a
 * new one. */
#include "api/api.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "inquiry.h"
#include "pages.h"
#include "session/tokens.h"
#include "settings/settings.h"

/* What there is to ask for: pages that live from a route that is not there show themselves nowhere. */
static void write_routes(struct bytes *out)
{
    bytes_text(out, ",\"routes\":[");
#define API(method, pattern, needs, handler, text)                                                 \
    bytes_printf(out, "%s\"%s %s\"", out->at[out->len - 1] == '[' ? "" : ",", #method, pattern);
#include "api/api.def"
    bytes_text(out, "]");
}

/* of a session, or (NULL) for who shows the token. */
static void write_session(struct bytes *out, const struct session *session)
{
    uint64_t until_ms;

    if (session) {
        until_ms =
            clock_utc_ms() + session_until_ms(session, settings_now()->session_ms) - clock_ms();
        bytes_printf(out, "{\"until\":%llu,\"csrf\":\"%s\"", (unsigned long long)until_ms,
                     session->csrf);
    } else {
        bytes_text(out, "{\"until\":null,\"csrf\":null");
    }
    bytes_printf(out, ",\"version\":\"%s\"", pages_version());
    write_routes(out);
    bytes_text(out, "}");
}

static void reply_session(struct reply *reply, const struct session *session)
{
    struct bytes json = {0};

    write_session(&json, session);
    reply_json(reply, 200, bytes_view(&json));
    bytes_clear(&json);
}

/* `id` empty: the cookie goes. */
static void set_cookie(struct reply *reply, const char *id)
{
    bool is_tls = reply->call.caller.is_tls;
    struct bytes line = {0};

    bytes_printf(&line, "%s=%s; Path=/; HttpOnly; SameSite=Strict%s%s", session_cookie_name(is_tls),
                 id, is_tls ? "; Secure" : "", *id ? "" : "; Max-Age=0");
    reply_header(reply, "set-cookie", bytes_view(&line));
    bytes_clear(&line);
}

static void refuse(struct admin *admin, struct reply *reply, int status, const char *code,
                   const char *text)
{
    struct view address = view_of(reply->call.caller.address);

    /* Only what guesses.h slows down is written into the audit: nobody fills it from outside. */
    if (strcmp(code, "wrong_token") == 0) {
        guesses_wrong(&admin->guesses, GUESS_LOGIN, address, clock_ms());
        audit_note(admin, reply, "nobody", "login.refused", VIEW(""), view_of(code));
    }
    log_warn("login.refused", F_VIEW("from", address), F_STR("why", code));
    reply_fail(reply, status, code, view_of(text));
}

static void begin(struct admin *admin, struct reply *reply, struct secret token)
{
    struct view address = view_of(reply->call.caller.address);
    struct session *session = sessions_begin(&admin->sessions, token, clock_ms());

    guesses_right(&admin->guesses, GUESS_LOGIN, address, clock_ms());
    log_info("login.done", F_VIEW("from", address), F_NUM("session", session->number));
    reply->call.session_number = session->number;
    audit_note(admin, reply, NULL, "login", VIEW(""), VIEW(""));
    set_cookie(reply, session->id);
    reply_session(reply, session);
}

static void try_token(struct admin *admin, struct reply *reply, struct secret candidate)
{
    struct secret token = settings_now()->auth_token;
    bool is_right = token.hidden.len && secret_equal(candidate, token);

    if (!token.hidden.len)
        refuse(admin, reply, 403, "no_administrator", "AUTH_TOKEN is not set");
    else if (!is_right)
        refuse(admin, reply, 401, "wrong_token", "this is not AUTH_TOKEN");
    else if (token_is_sample(token) && !reply->call.caller.is_local)
        refuse(admin, reply, 403, "sample_token",
               "AUTH_TOKEN is one that everybody knows: it is good on this host only");
    else
        begin(admin, reply, candidate);
}

/* A page of another site could log its visitor in as somebody else. */
void api_session_begin(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    uint64_t wait_ms =
        guesses_wait_ms(&admin->guesses, GUESS_LOGIN, view_of(call->caller.address), clock_ms());
    yyjson_doc *doc = yyjson_read(call->body.at ? call->body.at : "", call->body.len, 0);
    struct view token = json_member_text(yyjson_doc_get_root(doc), "token");

    if (call->caller.is_foreign) {
        refuse(admin, reply, 403, "other_site", "a login must come from the dashboard's own pages");
    } else if (wait_ms) {
        log_warn("login.refused", F_STR("from", call->caller.address),
                 F_STR("why", "too_many_tries"));
        reply_fail_wait(reply, wait_ms);
    } else if (!token.len) {
        reply_fail_field(reply, 400, "bad_request", "token", VIEW("give {\"token\": \"…\"}"));
    } else {
        if (call->session)
            session_end(call->session);
        try_token(admin, reply, (struct secret){token});
    }
    yyjson_doc_free(doc);
}

void api_session_look(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    (void)admin;
    reply_session(reply, call->session_number ? call->session : NULL);
}

void api_session_end(struct admin *admin, const struct api_call *call, struct reply *reply)
{
    (void)admin;
    if (call->session) {
        log_info("login.ended", F_STR("from", call->caller.address),
                 F_NUM("session", call->session->number));
        session_end(call->session);
    }
    set_cookie(reply, "");
    reply_empty(reply, 204);
}
