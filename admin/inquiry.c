/* SPDX-License-Identifier: Apache-2.0 */
/* Open questions. What must stay true: each ends once: by its answer, its deadline, the end of the
 * connection or the end of its request. */
#include "inquiry.h"

#include <stdlib.h>
#include <utlist.h>

#include "base/json.h"
#include "base/log.h"

enum { INQUIRIES_MOST = 64 };

struct inquiry {
    struct admin *admin;
    const struct link *link; /* by which it went */
    uint64_t number, by_ms;
    struct reply *reply;
    answer_handler *on_answer;
    struct bytes name; /* of the answer in the cache; empty: it is not kept */
    uint64_t fresh_ms;
    struct inquiry *prev, *next;
};

/* Takes it off the list, and gives the reply that it was for. */
static struct reply *drop(struct inquiry *inquiry)
{
    struct reply *reply = inquiry->reply;

    DL_DELETE(inquiry->admin->inquiries, inquiry);
    inquiry->admin->inquiry_count--;
    reply->on_gone = NULL;
    bytes_clear(&inquiry->name);
    free(inquiry);
    return reply;
}

static void on_gone(void *owner)
{
    drop(owner);
}

static void put_last(struct admin *admin, const struct link *link, struct reply *reply,
                     answer_handler *on_answer, uint64_t by_ms)
{
    struct inquiry *inquiry = memory_new(sizeof(*inquiry));

    *inquiry = (struct inquiry){.admin = admin,
                                .link = link,
                                .number = admin->number,
                                .by_ms = by_ms,
                                .reply = reply,
                                .on_answer = on_answer};
    reply->on_gone = on_gone;
    reply->owner = inquiry;
    DL_APPEND(admin->inquiries, inquiry);
    admin->inquiry_count++;
    actor_wake(&admin->actor, by_ms);
}

/* Asks, or gives the reply that says why not. */
static void ask(struct admin *admin, struct link *link, struct msg_ask *ask, struct reply *reply,
                answer_handler *on_answer, uint64_t by_ms, const char *away)
{
    ask->number = admin->number + 1;
    if (admin->inquiry_count >= INQUIRIES_MOST) {
        reply_fail(reply, 503, "busy", VIEW("too many questions wait"));
        return;
    }
    if (!link || !link_post(link, MSG_ASK, ask)) {
        reply_fail(reply, 503, away,
                   strcmp(away, "balancer_away") == 0
                       ? VIEW("no balancer is there")
                       : VIEW("the recorder's process for questions is away"));
        return;
    }
    admin->number++;
    put_last(admin, link, reply, on_answer, by_ms);
}

/* Who asks, for the audit, unless `who` says so already. */
static struct msg_change change_of(const struct reply *reply, const char *what, struct secret data,
                                   struct bytes *who)
{
    if (!who->len && reply->call.session_number)
        bytes_printf(who, "session %llu", (unsigned long long)reply->call.session_number);
    else if (!who->len)
        bytes_text(who, "token");
    return (struct msg_change){.what = view_of(what),
                               .who = bytes_view(who),
                               .address = view_of(reply->call.caller.address),
                               .data = data};
}

void change_then(struct admin *admin, const char *what, struct secret data, struct reply *reply,
                 answer_handler *on_answer)
{
    struct bytes who = {0};
    struct msg_change change = change_of(reply, what, data, &who);

    change.number = admin->number + 1;
    if (admin->inquiry_count >= INQUIRIES_MOST) {
        reply_fail(reply, 503, "busy", VIEW("too many questions wait"));
    } else if (!link_post(&admin->news.link, MSG_CHANGE, &change)) {
        reply_fail(reply, 503, "recorder_away",
                   VIEW("the recorder's process for changes is away: nothing was changed"));
    } else {
        admin->number++;
        put_last(admin, &admin->news.link, reply, on_answer, admin->actor.now_ms + CHANGE_LIMIT_MS);
    }
    bytes_clear(&who);
}

void audit_note(struct admin *admin, const struct reply *reply, const char *by, const char *what,
                struct view on, struct view after)
{
    struct bytes who = {0}, note = {0};
    struct msg_change change;

    bytes_text(&who, by ? by : "");
    bytes_printf(&note, "{\"what\":\"%s\",\"on\":", what);
    bytes_json(&note, on);
    if (after.len) {
        bytes_text(&note, ",\"after\":");
        bytes_json(&note, after);
    }
    bytes_text(&note, "}");
    change = change_of(reply, "audit", (struct secret){bytes_view(&note)}, &who);
    if (!link_post(&admin->news.link, MSG_CHANGE, &change))
        log_warn("audit.lost", F_NUM("rows", 1));
    bytes_clear(&who);
    bytes_clear(&note);
}

void change_answer(struct admin *admin, struct reply *reply, struct view json)
{
    yyjson_doc *doc = yyjson_read(json.at ? json.at : "", json.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    uint64_t status = json_member_count(root, "status");
    struct bytes body = {0};

    (void)admin;
    if (status) {
        json_value(&body, yyjson_obj_get(root, "body"));
        reply_json(reply, (int)status, bytes_view(&body));
    } else {
        reply_fail(reply, 502, "bad_answer", VIEW("the recorder's answer cannot be read"));
    }
    bytes_clear(&body);
    yyjson_doc_free(doc);
}

void ask_then(struct admin *admin, enum question question, struct view parameters,
              struct reply *reply, answer_handler *on_answer, uint64_t by_ms)
{
    struct msg_ask letter = {.name = view_of(questions[question].name), .data = parameters};

    ask(admin, &admin->query, &letter, reply, on_answer, by_ms, "recorder_away");
}

void ask_fresh_then(struct admin *admin, const char *question, struct view parameters,
                    struct reply *reply, answer_handler *on_answer, uint64_t fresh_ms)
{
    struct msg_ask letter = {.name = view_of(question), .data = parameters};
    struct bytes name = {0};
    size_t before = admin->inquiry_count;
    struct view known;

    bytes_printf(&name, "%s ", question);
    bytes_append(&name, parameters);
    if (cache_find(&admin->cache, bytes_view(&name), admin->actor.now_ms, &known)) {
        on_answer(admin, reply, known);
    } else {
        ask(admin, &admin->query, &letter, reply, on_answer, admin->actor.now_ms + ANSWER_LIMIT_MS,
            "recorder_away");
        if (admin->inquiry_count > before) {
            bytes_copy(&admin->inquiries->prev->name, bytes_view(&name)); /* the last of the list */
            admin->inquiries->prev->fresh_ms = fresh_ms;
        }
    }
    bytes_clear(&name);
}

void ask_balancer_then(struct admin *admin, const char *name, struct view parameters,
                       struct reply *reply, answer_handler *on_answer, uint64_t by_ms)
{
    struct msg_ask letter = {.name = view_of(name), .data = parameters};
    struct link *link = NULL;

    for (size_t i = 0; i < admin->balancer_count && !link; i++)
        if (admin->balancers[i].link.peer)
            link = &admin->balancers[i].link;
    ask(admin, link, &letter, reply, on_answer, by_ms, "balancer_away");
}

void inquiry_answer(struct admin *admin, uint64_t number, struct view json)
{
    struct inquiry *inquiry;

    DL_SEARCH_SCALAR(admin->inquiries, inquiry, number, number);
    if (inquiry) { /* else its request is gone, or its time was up */
        answer_handler *on_answer = inquiry->on_answer;

        if (inquiry->name.len && !view_starts(json, VIEW("{\"error\"")))
            cache_keep(&admin->cache, bytes_view(&inquiry->name), json,
                       admin->actor.now_ms + inquiry->fresh_ms);

        on_answer(admin, drop(inquiry), json);
    }
}

void inquiries_expire(struct admin *admin, uint64_t now_ms)
{
    struct inquiry *inquiry, *next;

    DL_FOREACH_SAFE (admin->inquiries, inquiry, next) {
        if (now_ms >= inquiry->by_ms)
            reply_fail(drop(inquiry), 504, "timeout", VIEW("no answer came in time"));
        else
            actor_wake(&admin->actor, inquiry->by_ms);
    }
}

void inquiries_lose(struct admin *admin, const struct link *link)
{
    struct inquiry *inquiry, *next;

    DL_FOREACH_SAFE (admin->inquiries, inquiry, next)
        if (inquiry->link == link)
            reply_fail(drop(inquiry), 503, "recorder_away",
                       VIEW("the recorder's process that was asked has gone"));
}
