/* SPDX-License-Identifier: Apache-2.0 */
/* Takes change sets from admin, writes them down, tells every process. Run by main.c as `recorder
 * keeper`, a process of its own: it alone may wait for the database, and while it does, nobody
 * lacks anything but changes.
 *
 * What must stay true: what is told is what the database holds, or held when it was last there;
 * while it is away nothing is changed, and who asks is told why. */
#include "keeper/keeper.h"

#include <stdlib.h>
#include <utlist.h>

#include "actor.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/loop.h"
#include "contacts/contacts.h"
#include "keeper/book.h"
#include "keeper/clients.h"
#include "keeper/waits.h"
#include "models/model.h"
#include "settings/changes.h"
#include "settings/kept.h"
#include "settings/options.h"

enum {
    PAUSE_FIRST_MS = 200, /* between two tries to reach the database */
    PAUSE_MOST_MS = 5000,
    TAKEN_MS = 1000, /* how long an answer waits for the processes */
    NOTES_MOST = 1000,
};

/* A row of the audit that waits for the database. */
struct note {
    uint64_t utc_ms;
    struct bytes who, address, json;
    struct note *prev, *next;
};

struct keeper {
    struct actor actor;
    struct loop loop;
    struct mailbox box;
    struct contacts contacts;
    struct book book;
    struct changed told;         /* what the processes know */
    struct changed told_clients; /* the same of clients */
    struct wait_taken *waits;
    struct note *notes;
    size_t note_count;
    uint64_t lost_notes;
    uint64_t pause_ms, retry_ms;
    bool is_away; /* the database, and that has been said */
};

/* Telling */

static void tell(struct keeper *keeper, uint64_t to)
{
    mailbox_post(&keeper->box, to, MSG_SETTINGS,
                 &(struct msg_settings){.version = keeper->told.version,
                                        .changes = bytes_view(&keeper->told.json)});
}

static void tell_clients(struct keeper *keeper, uint64_t to)
{
    mailbox_post(&keeper->box, to, MSG_CLIENTS,
                 &(struct msg_clients){.version = keeper->told_clients.version,
                                       .list = bytes_view(&keeper->told_clients.json)});
}

/* An upstream has no business with them. */
static void tell_clients_to_all(struct keeper *keeper)
{
    struct contact *contact, *next;

    HASH_ITER (hh, keeper->contacts.table, contact, next)
        if (contact->is_welcome && !contact->is_gone && contact->role != ROLE_UPSTREAM)
            tell_clients(keeper, contact->id);
}

static void tell_all(struct keeper *keeper)
{
    struct contact *contact, *next;

    HASH_ITER (hh, keeper->contacts.table, contact, next)
        if (contact->is_welcome && !contact->is_gone)
            tell(keeper, contact->id);
}

/* What the book holds becomes what everybody is told. */
static void adopt(struct keeper *keeper)
{
    const struct changed *settings = &keeper->book.settings;
    struct bytes why = {0};

    if (settings->version == keeper->told.version &&
        view_equal(bytes_view(&settings->json), bytes_view(&keeper->told.json)))
        return;
    keeper->told.version = settings->version;
    bytes_copy(&keeper->told.json, bytes_view(&settings->json));
    if (!changes_take(settings->version, bytes_view(&settings->json), &why))
        log_error("settings.refused", F_NUM("version", settings->version),
                  F_VIEW("why", bytes_view(&why)));
    (void)changes_save(settings->version, bytes_view(&settings->json));
    tell_all(keeper);
    bytes_clear(&why);
}

static void keep_clients(const struct changed *clients)
{
    struct bytes text = {0};

    bytes_printf(&text, "{\"version\":%llu,\"list\":", (unsigned long long)clients->version);
    bytes_append(&text, bytes_view(&clients->json));
    bytes_text(&text, "}\n");
    (void)kept_write(options_path("clients.json"), bytes_view(&text));
    bytes_clear(&text);
}

static void adopt_clients(struct keeper *keeper)
{
    const struct changed *clients = &keeper->book.clients;

    if (clients->version == keeper->told_clients.version &&
        view_equal(bytes_view(&clients->json), bytes_view(&keeper->told_clients.json)))
        return;
    keeper->told_clients.version = clients->version;
    bytes_copy(&keeper->told_clients.json, bytes_view(&clients->json));
    keep_clients(clients);
    tell_clients_to_all(keeper);
}

static void adopt_all(struct keeper *keeper)
{
    adopt(keeper);
    adopt_clients(keeper);
}

/* Answers */

static void answer(struct keeper *keeper, uint64_t to, uint64_t number, int status,
                   struct view body)
{
    struct bytes json = {0};

    bytes_printf(&json, "{\"status\":%d,\"body\":", status);
    bytes_append(&json, body);
    bytes_text(&json, "}");
    mailbox_post(&keeper->box, to, MSG_ANSWER,
                 &(struct msg_answer){.number = number, .data = bytes_view(&json)});
    bytes_clear(&json);
}

static void answer_taken(struct keeper *keeper, struct wait_taken *wait)
{
    struct bytes body = {0};

    bytes_printf(&body, "{\"etag\":\"%llu\",", (unsigned long long)wait->version);
    taken_write(&keeper->contacts, wait, &body);
    bytes_text(&body, "}");
    answer(keeper, wait->from, wait->number, 200, bytes_view(&body));
    DL_DELETE(keeper->waits, wait);
    free(wait);
    bytes_clear(&body);
}

static void answer_those_due(struct keeper *keeper, uint64_t now_ms)
{
    struct wait_taken *wait, *next;

    DL_FOREACH_SAFE (keeper->waits, wait, next) {
        if (now_ms >= wait->by_ms || taken_by_all(&keeper->contacts, wait->version, now_ms))
            answer_taken(keeper, wait);
        else
            actor_wake(&keeper->actor, wait->by_ms);
    }
}

static void wait_taken(struct keeper *keeper, uint64_t from, uint64_t number)
{
    struct wait_taken *wait = memory_new(sizeof(*wait));
    uint64_t now_ms = clock_ms();

    *wait = (struct wait_taken){.from = from,
                                .number = number,
                                .version = keeper->told.version,
                                .begun_ms = now_ms,
                                .by_ms = now_ms + TAKEN_MS};
    DL_APPEND(keeper->waits, wait);
    actor_wake(&keeper->actor, wait->by_ms);
}

/* Changes */

static void change_settings(struct keeper *keeper, const struct letter *letter)
{
    const struct msg_change *change = &letter->msg->change;
    struct bytes body = {0};
    int status = book_change_settings(&keeper->book, change->data.hidden,
                                      &(struct actor_name){change->who, change->address},
                                      clock_utc_ms(), &body);

    if (keeper->book.is_loaded)
        adopt_all(keeper);
    if (status == 200)
        wait_taken(keeper, letter->from, change->number);
    else
        answer(keeper, letter->from, change->number, status, bytes_view(&body));
    if (status == 200)
        log_info("settings.changed", F_NUM("version", keeper->told.version),
                 F_VIEW("who", change->who), F_VIEW("from", change->address));
    bytes_clear(&body);
}

static void change_client(struct keeper *keeper, const struct letter *letter)
{
    const struct msg_change *change = &letter->msg->change;
    struct bytes body = {0};
    int status = book_change_client(&keeper->book, change->what, change->data.hidden,
                                    &(struct actor_name){change->who, change->address},
                                    clock_utc_ms(), &body);

    if (keeper->book.is_loaded)
        adopt_all(keeper);
    answer(keeper, letter->from, change->number, status, bytes_view(&body));
    if (status == 200)
        log_info("client.changed", F_VIEW("what", change->what), F_VIEW("who", change->who),
                 F_VIEW("from", change->address));
    bytes_clear(&body);
}

/* Notes of what others do */

static void note_drop(struct keeper *keeper, struct note *note)
{
    DL_DELETE(keeper->notes, note);
    keeper->note_count--;
    bytes_clear(&note->who);
    bytes_clear(&note->address);
    bytes_clear(&note->json);
    free(note);
}

static struct view member_or_none(yyjson_val *object, const char *name)
{
    yyjson_val *value = yyjson_obj_get(object, name);

    return (struct view){yyjson_get_str(value), yyjson_get_len(value)};
}

static bool note_write(struct keeper *keeper, const struct note *note)
{
    yyjson_doc *doc = yyjson_read(note->json.at ? note->json.at : "", note->json.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    bool is_done =
        book_note(&keeper->book, note->utc_ms,
                  &(struct actor_name){bytes_view(&note->who), bytes_view(&note->address)},
                  &(struct audit_note){.what = json_member_text(root, "what"),
                                       .object = json_member_text(root, "on"),
                                       .before = member_or_none(root, "before"),
                                       .after = member_or_none(root, "after")});

    yyjson_doc_free(doc);
    return is_done;
}

static void notes_write(struct keeper *keeper)
{
    while (keeper->notes && keeper->book.is_loaded && note_write(keeper, keeper->notes))
        note_drop(keeper, keeper->notes);
    if (keeper->lost_notes && !keeper->notes) {
        log_error("audit.lost", F_NUM("rows", keeper->lost_notes));
        keeper->lost_notes = 0;
    }
}

static void take_note(struct keeper *keeper, const struct msg_change *change)
{
    struct note *note = memory_new(sizeof(*note));

    if (keeper->note_count >= NOTES_MOST) {
        keeper->lost_notes++;
        note_drop(keeper, keeper->notes);
    }
    note->utc_ms = clock_utc_ms();
    bytes_copy(&note->who, change->who);
    bytes_copy(&note->address, change->address);
    bytes_copy(&note->json, change->data.hidden);
    DL_APPEND(keeper->notes, note);
    keeper->note_count++;
    notes_write(keeper);
}

/* Letters */

static void on_change(void *owner, const struct letter *letter)
{
    struct keeper *keeper = owner;
    const struct msg_change *change = &letter->msg->change;

    if (!contacts_know(&keeper->contacts, letter))
        return;
    if (view_equal(change->what, VIEW("settings")))
        change_settings(keeper, letter);
    else if (view_starts(change->what, VIEW("client.")))
        change_client(keeper, letter);
    else if (view_equal(change->what, VIEW("audit")))
        take_note(keeper, change);
    else
        answer(keeper, letter->from, change->number, 400,
               VIEW("{\"error\":{\"code\":\"bad_request\",\"message\":\"no such change\"}}"));
}

static void on_hello(void *owner, const struct letter *letter)
{
    struct keeper *keeper = owner;

    contacts_greet(&keeper->contacts, letter);
    tell(keeper, letter->from);
    if (keeper->told_clients.json.len && role_of(letter->msg->hello.role) != ROLE_UPSTREAM)
        tell_clients(keeper, letter->from);
}

static void on_beat(void *owner, const struct letter *letter)
{
    struct keeper *keeper = owner;

    contacts_know(&keeper->contacts, letter);
}

static void on_taken(void *owner, const struct letter *letter)
{
    struct keeper *keeper = owner;
    struct contact *contact;

    if (!contacts_know(&keeper->contacts, letter))
        return;
    HASH_FIND(hh, keeper->contacts.table, &letter->from, sizeof(letter->from), contact);
    if (!contact)
        return;
    contact->taken = letter->msg->taken.version;
    contact->took_ms = clock_ms();
    contact->has_refused = letter->msg->taken.why.len > 0;
    if (contact->has_refused)
        log_error("settings.not_taken", F_ID("peer", letter->from),
                  F_NUM("version", contact->taken), F_VIEW("why", letter->msg->taken.why));
    answer_those_due(keeper, keeper->actor.now_ms);
}

static void on_event(void *owner, struct mailbox *box, enum mailbox_event event, uint64_t id)
{
    struct keeper *keeper = owner;

    (void)box;
    if (event == MAILBOX_UNREACHABLE)
        contacts_lose(&keeper->contacts, id);
}

static letter_handler *const handlers[MSG_KINDS] = {
    [MSG_HELLO] = on_hello,
    [MSG_BEAT] = on_beat,
    [MSG_TAKEN] = on_taken,
    [MSG_CHANGE] = on_change,
};

/* Life */

static void tell_away(struct keeper *keeper)
{
    if (!keeper->is_away)
        log_warn("keeper.away", F_VIEW("reason", bytes_view(&keeper->book.database.reason)));
    keeper->is_away = true;
    keeper->pause_ms = keeper->pause_ms ? 2 * keeper->pause_ms : PAUSE_FIRST_MS;
    if (keeper->pause_ms > PAUSE_MOST_MS)
        keeper->pause_ms = PAUSE_MOST_MS;
    keeper->retry_ms = clock_ms() + keeper->pause_ms;
    actor_wake(&keeper->actor, keeper->retry_ms);
}

static void tell_back(struct keeper *keeper)
{
    if (keeper->is_away)
        log_info("keeper.back");
    keeper->is_away = false;
    keeper->pause_ms = 0;
}

/* Until what the database holds has been read. */
static void look(struct keeper *keeper, uint64_t now_ms)
{
    if (keeper->book.is_loaded || now_ms < keeper->retry_ms)
        return;
    if (book_open(&keeper->book)) {
        tell_back(keeper);
        adopt_all(keeper);
    } else {
        tell_away(keeper);
    }
}

static void on_tick(void *owner, uint64_t now_ms)
{
    struct keeper *keeper = owner;

    look(keeper, now_ms);
    notes_write(keeper);
    answer_those_due(keeper, now_ms);
    contacts_forget(&keeper->contacts, now_ms);
}

static void keeper_clear(struct keeper *keeper)
{
    struct wait_taken *wait, *next;

    DL_FOREACH_SAFE (keeper->waits, wait, next)
        free(wait);
    while (keeper->notes)
        note_drop(keeper, keeper->notes);
    contacts_clear(&keeper->contacts);
    bytes_clear(&keeper->told.json);
    bytes_clear(&keeper->told_clients.json);
    book_clear(&keeper->book);
    loop_close(&keeper->loop);
    database_end();
}

static void begin(struct keeper *keeper)
{
    keeper->contacts.box = &keeper->box;
    log_open("recorder-keeper", settings_now()->log_level);
    actor_open(&keeper->actor, ROLE_RECORDER, "recorder-keeper", keeper);
    actor_lock(&keeper->actor, "recorder-keeper");
    settings_read_by(&model_facts_reader);
    keeper->actor.on_tick = on_tick;
    keeper->told.version = changes_version(); /* until the database is there: those of the file */
    bytes_copy(&keeper->told.json, changes_json());
    mailbox_open(&keeper->box, &keeper->actor, MAILBOX_ROUTER, "changes", options_keeper(),
                 handlers, on_event, keeper);
    loop_open(&keeper->loop);
    log_info("keeper.ready", F_NUM("version", keeper->told.version));
}

int keeper_run(void)
{
    struct keeper keeper = {0};
    int status;

    begin(&keeper);
    actor_run(&keeper.actor, &keeper.loop);
    status = actor_close(&keeper.actor);
    keeper_clear(&keeper);
    return status;
}
