/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the list of models. Called by the routes that need it. What must stay true: it is asked
 * for once at a time, whoever waits; a list that was good stays until a newer one is whole. */
#include "parts/catalog_reader.h"

#include <utlist.h>

#include "actor.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/url.h"

enum { PAGE_MOST = 16 << 20 /* bytes of a page: of a thousand models it is half a megabyte */ };

static const struct call_events events;

/* ---- the end ---- */

static void wake(struct catalog_reader *reader, struct catalog_waiter *waiter)
{
    catalog_leave(reader, waiter);
    waiter->ready(waiter);
}

/* Each of them may leave or come while another is woken. */
static void wake_all(struct catalog_reader *reader)
{
    while (reader->waiters)
        wake(reader, reader->waiters);
}

static void note_list(struct catalog_reader *reader, uint64_t now_ms)
{
    struct catalog *catalog = reader->catalog;
    struct bytes old = catalog->names;

    catalog->names = reader->names;
    reader->names = old;
    catalog->read_ms = now_ms;
    catalog->failed_ms = 0;
    log_info("models.read", F_NUM("count", catalog_count(catalog)));
}

static void finish(struct catalog_reader *reader)
{
    uint64_t now_ms = clock_ms();

    if (reader->has_page)
        note_list(reader, now_ms);
    else
        reader->catalog->failed_ms = now_ms;
    reader->names.len = 0;
    wake_all(reader);
}

static void close_lookup(struct catalog_lookup *lookup)
{
    struct catalog_reader *reader = lookup->reader;

    call_free(lookup->call);
    bytes_clear(&lookup->path);
    bytes_clear(&lookup->page);
    bytes_clear(&lookup->token);
    *lookup = (struct catalog_lookup){0};
    reader->open--;
}

static void note_failure(struct catalog_reader *reader, const struct call_failure *failure)
{
    struct catalog_failure *note = &reader->catalog->failure;

    note->error = failure->error;
    note->status = failure->status;
    note->retry_after_ms = failure->retry_after_ms;
    note->is_tried = failure->is_tried;
    bytes_copy(&note->body, failure->body);
}

static void fail(struct catalog_lookup *lookup, const struct call_failure *failure)
{
    struct catalog_reader *reader = lookup->reader;

    note_failure(reader, failure);
    close_lookup(lookup);
    if (!reader->open)
        finish(reader);
}

/* ---- pages ---- */

static void ask(struct catalog_lookup *lookup)
{
    struct catalog_reader *reader = lookup->reader;

    bytes_copy(&lookup->path, VIEW("/models?pageSize=1000"));
    if (lookup->token.len) {
        bytes_text(&lookup->path, "&pageToken=");
        url_escape(&lookup->path, bytes_view(&lookup->token));
    }
    call_free(lookup->call);
    lookup->order = (struct order){.pool = "gemini",
                                   .operation = "models",
                                   .owner = lookup->key_id,
                                   .path = bytes_view(&lookup->path)};
    lookup->page.len = 0;
    lookup->pages++;
    lookup->call =
        call_start(reader->road, 0, &lookup->order, reader->deadline_ms, &events, lookup);
    if (!lookup->call)
        fail(lookup, &(struct call_failure){.error = ERROR_NOT_READY});
}

static void on_head(void *owner, const struct answer_head *head)
{
    struct catalog_lookup *lookup = owner;

    lookup->key_id = head->key_id;
}

static void on_bytes(void *owner, struct view bytes, bool event_end)
{
    struct catalog_lookup *lookup = owner;

    (void)event_end;
    call_taken(lookup->call, call_mark(lookup->call));
    if (lookup->page.len + bytes.len > PAGE_MOST)
        fail(lookup, &(struct call_failure){.error = ERROR_REPLY_TOO_LARGE, .is_tried = true});
    else
        bytes_append(&lookup->page, bytes);
}

static void on_end(void *owner)
{
    struct catalog_lookup *lookup = owner;
    struct catalog_reader *reader = lookup->reader;

    if (!catalog_read_page(&reader->names, bytes_view(&lookup->page), &lookup->token)) {
        fail(lookup, &(struct call_failure){.error = ERROR_UPSTREAM, .is_tried = true});
        return;
    }
    reader->has_page = true;
    if (lookup->token.len && lookup->pages < CATALOG_PAGES) {
        ask(lookup);
        return;
    }
    close_lookup(lookup);
    if (!reader->open)
        finish(reader);
}

static void on_failed(void *owner, const struct call_failure *failure)
{
    fail(owner, failure);
}

static const struct call_events events = {
    .head = on_head, .bytes = on_bytes, .end = on_end, .failed = on_failed};

/* ---- the beginning ---- */

/* Without an owner calls take the keys in turn: so many keys are asked as calls begin. */
static void begin(struct catalog_reader *reader, uint64_t now_ms)
{
    struct road_sight sight = road_look(reader->road, now_ms);
    size_t count = sight.keys.available < CATALOG_KEYS ? sight.keys.available : CATALOG_KEYS;

    reader->has_page = false;
    reader->deadline_ms = now_ms + CATALOG_LIST_MS;
    reader->open = count ? count : 1;
    actor_wake(reader->actor, reader->deadline_ms);
    for (size_t i = 0; i < (count ? count : 1); i++) {
        reader->lookups[i].reader = reader;
        ask(&reader->lookups[i]);
    }
}

void catalog_wait(struct catalog_reader *reader, struct catalog_waiter *waiter, uint64_t now_ms)
{
    bool is_reading = reader->open;

    waiter->is_waiting = true;
    DL_APPEND(reader->waiters, waiter);
    actor_wake(reader->actor, waiter->until_ms);
    if (!is_reading)
        begin(reader, now_ms);
}

void catalog_leave(struct catalog_reader *reader, struct catalog_waiter *waiter)
{
    if (!waiter->is_waiting)
        return;
    waiter->is_waiting = false;
    DL_DELETE(reader->waiters, waiter);
}

void catalog_tick(struct catalog_reader *reader, uint64_t now_ms)
{
    struct catalog_waiter *waiter, *next;

    for (size_t i = 0; i < CATALOG_KEYS && reader->open && now_ms >= reader->deadline_ms; i++)
        if (reader->lookups[i].call)
            fail(&reader->lookups[i], &(struct call_failure){.error = ERROR_TIMEOUT});
    if (reader->open)
        actor_wake(reader->actor, reader->deadline_ms);
    DL_FOREACH_SAFE (reader->waiters, waiter, next) {
        if (now_ms >= waiter->until_ms)
            wake(reader, waiter);
        else
            actor_wake(reader->actor, waiter->until_ms);
    }
}

void catalog_stop(struct catalog_reader *reader)
{
    note_failure(reader, &(struct call_failure){.error = ERROR_STOPPING});
    wake_all(reader);
}
