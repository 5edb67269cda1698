/* SPDX-License-Identifier: Apache-2.0 */
/* Takes RECORDs from upstreams into the spool. Run by main.c as `recorder`.
 *
 * What must stay true: RECORDED is said only of records that are whole in the spool's file. All
 * records of one turn are written at once: the handlers gather, and the tick that they ask for,
 * which comes before the turn's letters leave, writes and acknowledges. */
#include "intake/intake.h"

#include <stdlib.h>
#include <utlist.h>
#include <yyjson.h>

#include "actor.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "contacts/contacts.h"
#include "settings/changes.h"
#include "settings/options.h"
#include "intake/report.h"
#include "intake/senders.h"
#include "intake/spool.h"
#include "trace.h"

enum {
    SECOND_MS = 1000,
    TELL_AGAIN_MS = 10 * 1000, /* between two lines about the same full disk */
    SENDER_FORGET_MS = 24 * 3600 * 1000,
    WRITE_AT = 256 * 1024, /* bytes gathered that are written before the turn's end */
    MODEL_MOST = 64,
    OPERATION_MOST = 32,
    FAULT_MOST = 32,
    ROUTE_MOST = 48,
    CHOSEN_MOST = 16,
    PROXY_MOST = 64,
    QUOTA_MOST = 64,
    WORDS_MOST = 200,
    BEFORE_MOST = 128,
    BODY_MOST = 8 * 1024,
};

/* A record in the write to come. */
struct entry {
    struct sender *sender;
    uint64_t seq;
};

struct intake {
    struct actor actor;
    struct loop loop;
    struct mailbox box;
    struct spool spool;
    struct senders senders;
    struct sender *waiting; /* those to be told RECORDED */
    struct contacts contacts;
    struct entry *entries; /* one for each record in spool.pending, in order */
    size_t entry_count, entry_size;
    struct bytes payload;
    bool is_blocked;    /* the spool can't be written: nothing is taken */
    uint64_t told_ms;   /* when that was logged last */
    uint64_t second_ms; /* when the next second begins */
    uint64_t refused;   /* records, while blocked */
    uint64_t repeated;
    int last_error; /* errno of the last trouble with the spool */
    uint64_t last_error_utc_ms;
};

/* Peers */

/* Whether the letter's sender has said HELLO; if not it is asked WHO. */
static bool is_known(struct intake *intake, const struct letter *letter)
{
    struct sender *own;

    if (!contacts_know(&intake->contacts, letter))
        return false;
    HASH_FIND(hh, intake->senders.table, &letter->from, sizeof(letter->from), own);
    if (own) /* it lives, though it may have had nothing to record for days */
        own->heard_ms = intake->actor.now_ms;
    return true;
}

static void on_hello(void *owner, const struct letter *letter)
{
    struct intake *intake = owner;

    contacts_greet(&intake->contacts, letter);
}

static void on_beat(void *owner, const struct letter *letter)
{
    is_known(owner, letter);
}

static void on_event(void *owner, struct mailbox *box, enum mailbox_event event, uint64_t id)
{
    struct intake *intake = owner;

    (void)box;
    if (event == MAILBOX_UNREACHABLE)
        contacts_lose(&intake->contacts, id);
}

/* Writing */

static void acknowledge_later(struct intake *intake, struct sender *sender, uint64_t peer)
{
    if (!sender->answer_to)
        LL_PREPEND2(intake->waiting, sender, next_waiting);
    sender->answer_to = peer;
}

static void acknowledge(struct intake *intake)
{
    struct sender *sender, *next;

    LL_FOREACH_SAFE2 (intake->waiting, sender, next, next_waiting) {
        mailbox_post(&intake->box, sender->answer_to, MSG_RECORDED,
                     &(struct msg_recorded){.sender = sender->id, .seq = sender->written});
        sender->answer_to = 0;
    }
    intake->waiting = NULL;
}

static void block(struct intake *intake)
{
    uint64_t now_ms = intake->actor.now_ms;

    intake->last_error = intake->spool.error;
    intake->last_error_utc_ms = clock_utc_ms();
    if (!intake->is_blocked || now_ms >= intake->told_ms + TELL_AGAIN_MS) {
        intake->told_ms = now_ms;
        log_error("spool.blocked", F_STR("reason", strerror(intake->spool.error)),
                  F_NUM("refused", intake->refused));
    }
    intake->is_blocked = true;
}

/* The spool can be written again. What was refused meanwhile comes again when its senders are
 * welcomed. */
static void unblock(struct intake *intake)
{
    intake->is_blocked = false;
    log_info("spool.unblocked", F_NUM("refused", intake->refused));
    contacts_welcome_all(&intake->contacts);
}

static void note_written(struct intake *intake, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sender_wrote(intake->entries[i].sender, intake->entries[i].seq);
    intake->entry_count -= count;
    memmove(intake->entries, intake->entries + count,
            intake->entry_count * sizeof(*intake->entries));
}

/* Writes what was gathered and acknowledges what is written. */
static void flush(struct intake *intake)
{
    size_t count = spool_write(&intake->spool);

    if (count) {
        note_written(intake, count);
        trace_point("spool.written");
    }
    acknowledge(intake);
    if (intake->entry_count)
        block(intake);
    else if (intake->is_blocked)
        unblock(intake);
}

/* Records */

static struct view cut(struct view text, size_t most)
{
    if (text.len <= most)
        return text;
    while (most && ((unsigned char)text.at[most] & 0xc0) == 0x80)
        most--;
    return (struct view){text.at, most};
}

static void gather(struct intake *intake, struct sender *sender, const struct msg_record *record)
{
    struct msg_record kept = *record;

    kept.model = cut(record->model, MODEL_MOST);
    kept.operation = cut(record->operation, OPERATION_MOST);
    kept.fault = cut(record->fault, FAULT_MOST);
    kept.route = cut(record->route, ROUTE_MOST);
    kept.chosen_by = cut(record->chosen_by, CHOSEN_MOST);
    kept.proxy = cut(record->proxy, PROXY_MOST);
    kept.quota_id = cut(record->quota_id, QUOTA_MOST);
    kept.words = cut(record->words, WORDS_MOST);
    kept.before = cut(record->before, BEFORE_MOST);
    kept.body = cut(record->body, BODY_MOST);
    intake->payload.len = 0;
    message_pack(&intake->payload, MSG_RECORD, &kept);
    spool_add(&intake->spool, bytes_view(&intake->payload));
    if (intake->entry_count == intake->entry_size) {
        intake->entry_size = intake->entry_size ? 2 * intake->entry_size : 64;
        intake->entries =
            memory_grow(intake->entries, intake->entry_size * sizeof(*intake->entries));
    }
    intake->entries[intake->entry_count++] = (struct entry){sender, record->seq};
}

static void take(struct intake *intake, const struct letter *letter)
{
    const struct msg_record *record = &letter->msg->record;
    struct sender *sender = senders_get(&intake->senders, record->sender, intake->actor.now_ms);

    switch (sender_offer(sender, record->seq)) {
    case SENDERS_JUMP:
        log_warn("sender.jumped", F_ID("sender", sender->id), F_NUM("from", sender->written),
                 F_NUM("to", record->seq));
        gather(intake, sender, record);
        break;
    case SENDERS_NEXT:
        gather(intake, sender, record);
        break;
    case SENDERS_REPEAT:
        intake->repeated++;
        break;
    case SENDERS_QUEUED:
        break;
    case SENDERS_EARLY:
        log_info("sender.early", F_ID("sender", sender->id), F_NUM("written", sender->written),
                 F_NUM("seq", record->seq));
        contacts_welcome(&intake->contacts, letter->from);
        return;
    case SENDERS_LATER:
        return;
    }
    acknowledge_later(intake, sender, letter->from);
}

static void on_record(void *owner, const struct letter *letter)
{
    struct intake *intake = owner;

    if (!is_known(intake, letter))
        return;
    if (intake->is_blocked) {
        intake->refused++;
        return;
    }
    take(intake, letter);
    if (intake->spool.pending.len >= WRITE_AT)
        flush(intake);
    actor_wake(&intake->actor, intake->actor.now_ms); /* at the end of this turn */
}

/* Questions */

static void answer(struct intake *intake, const struct letter *letter, yyjson_mut_doc *doc)
{
    size_t len = 0;
    char *json = yyjson_mut_write(doc, 0, &len);

    mailbox_post(&intake->box, letter->from, MSG_ANSWER,
                 &(struct msg_answer){.number = letter->msg->ask.number, .data = {json, len}});
    free(json);
    yyjson_mut_doc_free(doc);
}

static void describe_spool(struct intake *intake, yyjson_mut_doc *doc, yyjson_mut_val *root)
{
    yyjson_mut_val *spool = yyjson_mut_obj_add_obj(doc, root, "spool");

    yyjson_mut_obj_add_uint(doc, spool, "bytes", spool_bytes(&intake->spool));
    yyjson_mut_obj_add_uint(doc, spool, "records", intake->spool.records);
    yyjson_mut_obj_add_uint(doc, spool, "segment", intake->spool.number);
    yyjson_mut_obj_add_bool(doc, spool, "is_blocked", intake->is_blocked);
    yyjson_mut_obj_add_uint(doc, spool, "refused", intake->refused);
    yyjson_mut_obj_add_uint(doc, spool, "repeated", intake->repeated);
    if (intake->last_error) {
        yyjson_mut_obj_add_strcpy(doc, spool, "error", strerror(intake->last_error));
        yyjson_mut_obj_add_uint(doc, spool, "error_ms", intake->last_error_utc_ms);
    }
}

/* What the store process last said of itself, in its own words; it says so in a file, for it has no
 * mailbox. */
static void describe_store(struct intake *intake, yyjson_mut_doc *doc, yyjson_mut_val *root)
{
    struct report report;

    if (!report_read(&report))
        return;
    yyjson_mut_obj_add_uint(
        doc, root, "unstored",
        intake->spool.records > report.stored ? intake->spool.records - report.stored : 0);
    yyjson_mut_obj_add_val(doc, root, "store", report_describe(&report, doc));
    report_clear(&report);
}

static void on_ask(void *owner, const struct letter *letter)
{
    struct intake *intake = owner;
    yyjson_mut_doc *doc;
    yyjson_mut_val *root;

    if (!is_known(intake, letter))
        return;
    doc = yyjson_mut_doc_new(NULL);
    root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    if (view_equal(letter->msg->ask.name, VIEW("status"))) {
        describe_spool(intake, doc, root);
        describe_store(intake, doc, root);
        yyjson_mut_obj_add_uint(doc, root, "peers", HASH_COUNT(intake->contacts.table));
        yyjson_mut_obj_add_uint(doc, root, "senders", HASH_COUNT(intake->senders.table));
        yyjson_mut_obj_add_uint(doc, root, "memory", actor_memory());
    } else {
        yyjson_mut_obj_add_str(doc, root, "error", "no such question");
    }
    answer(intake, letter, doc);
}

/* The spool's callbacks */

static bool on_payload(void *owner, struct view payload)
{
    struct intake *intake = owner;
    union message letter;
    enum message_kind kind;
    const char *wrong = message_unpack(&payload, &kind, &letter);

    if (!wrong && kind == MSG_RECORDED)
        sender_wrote(senders_get(&intake->senders, letter.recorded.sender, intake->actor.now_ms),
                     letter.recorded.seq);
    if (!wrong && kind == MSG_RECORD)
        sender_wrote(senders_get(&intake->senders, letter.record.sender, intake->actor.now_ms),
                     letter.record.seq);
    return !wrong && kind == MSG_RECORD;
}

/* A segment's head says how far each sender had come, so that older segments may be deleted. */
static void on_begin(void *owner, struct spool *spool, struct bytes *out)
{
    struct intake *intake = owner;
    struct sender *sender, *next;

    HASH_ITER (hh, intake->senders.table, sender, next) {
        struct msg_recorded recorded = {.sender = sender->id, .seq = sender->written};

        if (!sender->written)
            continue;
        intake->payload.len = 0;
        message_pack(&intake->payload, MSG_RECORDED, &recorded);
        spool_note(spool, out, bytes_view(&intake->payload));
    }
}

/* Life */

static void each_second(struct intake *intake, uint64_t now_ms)
{
    if (!spool_sync(&intake->spool)) {
        intake->last_error = intake->spool.error;
        intake->last_error_utc_ms = clock_utc_ms();
        log_error("spool.unsynced", F_STR("reason", strerror(intake->spool.error)));
    }
    if (!intake->is_blocked)
        spool_reserve(&intake->spool);
    changes_watch(now_ms);
    contacts_forget(&intake->contacts, now_ms);
    if (now_ms > SENDER_FORGET_MS)
        senders_forget(&intake->senders, now_ms - SENDER_FORGET_MS);
}

static void on_tick(void *owner, uint64_t now_ms)
{
    struct intake *intake = owner;
    bool is_second = now_ms >= intake->second_ms;

    if (is_second)
        intake->second_ms = now_ms + SECOND_MS;
    if (!intake->is_blocked || is_second) /* a full disk is tried once a second */
        flush(intake);
    if (is_second)
        each_second(intake, now_ms);
}

/* Nothing here takes long to end, and a kill would lose nothing: what is gathered is written, and
 * that is all. */
static void on_drain(void *owner)
{
    struct intake *intake = owner;

    flush(intake);
    spool_sync(&intake->spool);
    actor_stop(&intake->actor);
}

static void on_dump(void *owner)
{
    struct intake *intake = owner;
    struct sender *sender, *next;

    contacts_dump(&intake->contacts);
    HASH_ITER (hh, intake->senders.table, sender, next)
        log_info("dump.sender", F_ID("sender", sender->id), F_NUM("written", sender->written),
                 F_NUM("queued", sender->queued), F_NUM("ahead", sender->ahead));
    log_info("dump.spool", F_NUM("segment", intake->spool.number),
             F_NUM("records", intake->spool.records), F_NUM("is_blocked", intake->is_blocked),
             F_NUM("refused", intake->refused), F_NUM("repeated", intake->repeated));
}

static letter_handler *const handlers[MSG_KINDS] = {
    [MSG_HELLO] = on_hello,
    [MSG_BEAT] = on_beat,
    [MSG_RECORD] = on_record,
    [MSG_ASK] = on_ask,
};

static bool reads_always(void)
{
    if (strcmp(settings_now()->spool_sync, "always") == 0)
        return true;
    if (strcmp(settings_now()->spool_sync, "second") != 0)
        die("SPOOL_SYNC=%s: should be second or always", settings_now()->spool_sync);
    return false;
}

static void intake_clear(struct intake *intake)
{
    contacts_clear(&intake->contacts);
    spool_close(&intake->spool);
    senders_clear(&intake->senders);
    bytes_clear(&intake->payload);
    free(intake->entries);
}

int intake_run(void)
{
    struct intake intake = {0};
    bool syncs_always = reads_always();
    int status;

    intake.contacts.box = &intake.box;
    log_open("recorder", settings_now()->log_level);
    actor_open(&intake.actor, ROLE_RECORDER, "recorder", &intake);
    actor_lock(&intake.actor, "recorder");
    intake.actor.on_tick = on_tick;
    intake.actor.on_drain = on_drain;
    intake.actor.on_dump = on_dump;
    spool_open(&intake.spool, options_path("spool"), settings_now()->spool_segment, on_payload,
               &intake);
    intake.spool.on_begin = on_begin;
    intake.spool.syncs_always = syncs_always;
    mailbox_open(&intake.box, &intake.actor, MAILBOX_ROUTER, "records", options_recorder(),
                 handlers, on_event, &intake);
    loop_open(&intake.loop);
    log_info("recorder.ready", F_NUM("segment", intake.spool.number),
             F_NUM("records", intake.spool.records),
             F_NUM("senders", HASH_COUNT(intake.senders.table)));
    actor_run(&intake.actor, &intake.loop);
    status = actor_close(&intake.actor);
    loop_close(&intake.loop);
    intake_clear(&intake);
    return status;
}
