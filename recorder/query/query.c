/* SPDX-License-Identifier: Apache-2.0 */
/* Answers the questions of questions.def. Run by main.c as `recorder query`, a process of its own,
 * so that no question ever keeps a record from being taken or stored.
 *
 * What must stay true: every ASK gets one ANSWER within QUESTION_LIMIT_MS (rows, or an error), and
 * no more than INQUIRIES_MOST wait. */
#include "query/query.h"

#include <stdlib.h>
#include <utlist.h>

#include "actor.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/priority.h"
#include "contacts/contacts.h"
#include "database/database.h"
#include "query/attempts.h"
#include "query/reader.h"
#include "settings/changes.h"
#include "settings/options.h"

enum { INQUIRIES_MOST = 64 };

/* A question that waits for its answer; the first of the list is being asked. */
struct inquiry {
    uint64_t from, number;
    uint64_t by_ms;
    struct study study;
    size_t at; /* which of its SELECTs is asked next */
    struct inquiry *prev, *next;
};

struct query {
    struct actor actor;
    struct loop loop;
    struct mailbox box;
    struct contacts contacts;
    struct reader reader;
    struct inquiry *inquiries;
    size_t count;
    bool is_asking;
    bool is_away; /* the database, and that has been said */
};

/* Answers */

static void answer(struct query *query, uint64_t to, uint64_t number, struct view json)
{
    mailbox_post(&query->box, to, MSG_ANSWER, &(struct msg_answer){.number = number, .data = json});
}

static void refuse(struct query *query, uint64_t to, uint64_t number, const char *code,
                   struct view message)
{
    struct bytes json = {0};

    bytes_printf(&json, "{\"error\":{\"code\":\"%s\",\"message\":", code);
    bytes_json(&json, message);
    bytes_text(&json, "}}");
    answer(query, to, number, bytes_view(&json));
    bytes_clear(&json);
}

static void drop(struct query *query, struct inquiry *inquiry)
{
    DL_DELETE(query->inquiries, inquiry);
    query->count--;
    study_clear(&inquiry->study);
    free(inquiry);
}

/* The next question is asked at the turn's tick, not inside the last one's callback. */
static void ask_next(struct query *query)
{
    struct inquiry *inquiry = query->inquiries;

    if (query->is_asking || !inquiry)
        return;
    query->is_asking = true;
    reader_ask(&query->reader, bytes_view(&inquiry->study.sql[inquiry->at]));
}

static void tell_away(struct query *query, struct view why)
{
    if (!query->is_away)
        log_warn("query.away", F_VIEW("reason", why));
    query->is_away = true;
}

static void tell_back(struct query *query)
{
    if (query->is_away)
        log_info("query.back");
    query->is_away = false;
}

static void answer_rows(struct query *query, const struct inquiry *inquiry, struct view rows)
{
    struct bytes json = {0};

    bytes_text(&json, "{\"rows\":");
    bytes_append(&json, rows);
    bytes_text(&json, "}");
    answer(query, inquiry->from, inquiry->number, bytes_view(&json));
    bytes_clear(&json);
}

/* Returns whether a SELECT is left to be asked. */
static bool keep_rows(struct inquiry *inquiry, struct view rows)
{
    struct study *study = &inquiry->study;
    void (*more)(struct study * study) = study->more;

    study->rows[inquiry->at++] = yyjson_read(rows.at, rows.len, 0);
    if (inquiry->at == study->count && more) {
        study->more = NULL;
        more(study);
    }
    return inquiry->at < study->count;
}

static void answer_study(struct query *query, const struct inquiry *inquiry)
{
    struct bytes json = {0};

    inquiry->study.write(&inquiry->study, &json);
    answer(query, inquiry->from, inquiry->number, bytes_view(&json));
    bytes_clear(&json);
}

/* True: the question has been answered. */
static bool take_rows(struct query *query, struct inquiry *inquiry, struct view rows)
{
    if (!inquiry->study.write) {
        answer_rows(query, inquiry, rows);
        return true;
    }
    if (keep_rows(inquiry, rows))
        return false;
    answer_study(query, inquiry);
    return true;
}

static void on_end(void *owner, enum reader_end end, struct view text)
{
    struct query *query = owner;
    struct inquiry *inquiry = query->inquiries;
    bool is_over = true;

    if (end == READER_AWAY)
        tell_away(query, text);
    else
        tell_back(query);
    switch (end) {
    case READER_ROWS:
        is_over = take_rows(query, inquiry, text);
        break;
    case READER_AWAY:
        refuse(query, inquiry->from, inquiry->number, "database_away", text);
        break;
    case READER_SLOW:
        refuse(query, inquiry->from, inquiry->number, "timeout", text);
        break;
    case READER_FAULT:
        log_warn("query.failed", F_VIEW("reason", text));
        refuse(query, inquiry->from, inquiry->number, "database", text);
        break;
    }
    query->is_asking = false;
    if (is_over)
        drop(query, inquiry);
    actor_wake(&query->actor, query->actor.now_ms);
}

/* Questions */

static void (*const writers[QUESTIONS])(const struct question_values *, struct study *) = {
#define QUESTION(name, text, ...) [QUESTION_##name] = question_##name,
#include "questions.def"
};

static void put_last(struct query *query, const struct letter *letter, enum question question,
                     const struct question_values *values)
{
    struct inquiry *inquiry = memory_new(sizeof(*inquiry));

    inquiry->from = letter->from;
    inquiry->number = letter->msg->ask.number;
    inquiry->by_ms = query->actor.now_ms + QUESTION_LIMIT_MS;
    inquiry->study.now_ms = clock_utc_ms();
    writers[question](values, &inquiry->study);
    DL_APPEND(query->inquiries, inquiry);
    query->count++;
    actor_wake(&query->actor, query->actor.now_ms);
}

static void on_ask(void *owner, const struct letter *letter)
{
    struct query *query = owner;
    const struct msg_ask *ask = &letter->msg->ask;
    enum question question = question_find(ask->name);
    struct question_values values = {0};
    struct bytes why = {0};

    if (!contacts_know(&query->contacts, letter))
        return;
    if (question == QUESTIONS)
        refuse(query, letter->from, ask->number, "unknown_question", VIEW("no such question"));
    else if (query->count >= INQUIRIES_MOST)
        refuse(query, letter->from, ask->number, "busy", VIEW("too many questions wait"));
    else if (!question_read(question, ask->data, &values, &why))
        refuse(query, letter->from, ask->number, "bad_parameter", bytes_view(&why));
    else
        put_last(query, letter, question, &values);
    question_clear(&values);
    bytes_clear(&why);
}

static void on_hello(void *owner, const struct letter *letter)
{
    struct query *query = owner;

    contacts_greet(&query->contacts, letter);
}

static void on_beat(void *owner, const struct letter *letter)
{
    struct query *query = owner;

    contacts_know(&query->contacts, letter);
}

static void on_event(void *owner, struct mailbox *box, enum mailbox_event event, uint64_t id)
{
    struct query *query = owner;

    (void)box;
    if (event == MAILBOX_UNREACHABLE)
        contacts_lose(&query->contacts, id);
}

/* Life */

static void give_up(struct query *query, uint64_t now_ms)
{
    struct inquiry *inquiry, *next;

    DL_FOREACH_SAFE (query->inquiries, inquiry, next) {
        if (now_ms < inquiry->by_ms)
            break; /* they stand in the order of their times */
        if (inquiry == query->inquiries && query->is_asking) {
            reader_stop(&query->reader);
            query->is_asking = false;
        }
        refuse(query, inquiry->from, inquiry->number, "timeout",
               VIEW("the database did not answer in time"));
        drop(query, inquiry);
    }
}

static void on_tick(void *owner, uint64_t now_ms)
{
    struct query *query = owner;

    changes_watch(now_ms);
    reader_tick(&query->reader, now_ms);
    give_up(query, now_ms);
    ask_next(query);
    contacts_forget(&query->contacts, now_ms);
    if (query->inquiries)
        actor_wake(&query->actor, query->inquiries->by_ms);
}

static letter_handler *const handlers[MSG_KINDS] = {
    [MSG_HELLO] = on_hello,
    [MSG_BEAT] = on_beat,
    [MSG_ASK] = on_ask,
};

static void query_clear(struct query *query)
{
    struct inquiry *inquiry, *next;

    reader_close(&query->reader);
    DL_FOREACH_SAFE (query->inquiries, inquiry, next)
        drop(query, inquiry);
    contacts_clear(&query->contacts);
    loop_close(&query->loop);
    database_end();
}

int query_run(void)
{
    struct query query = {0};
    int status;

    query.contacts.box = &query.box;
    log_open("recorder-query", settings_now()->log_level);
    priority_waits();
    actor_open(&query.actor, ROLE_RECORDER, "recorder-query", &query);
    actor_lock(&query.actor, "recorder-query");
    query.actor.on_tick = on_tick;
    mailbox_open(&query.box, &query.actor, MAILBOX_ROUTER, "questions", options_query(), handlers,
                 on_event, &query);
    loop_open(&query.loop);
    reader_open(&query.reader, &query.loop, QUESTION_LIMIT_MS, on_end, &query);
    log_info("query.ready");
    actor_run(&query.actor, &query.loop);
    status = actor_close(&query.actor);
    query_clear(&query);
    return status;
}
