/* SPDX-License-Identifier: Apache-2.0 */
/* Records on their way. Called by the job (begin, end), by the recorder's letters and by the tick.
 */
#include "jobs/records.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/log.h"
#include "settings/options.h"
#include "trace.h"

enum {
    PIPE_MOST = 1000, /* records that may be on their way at once; the rest waits in its file */
    LOOK_MS = 10000,  /* between two looks for files of the dead */
    TELL_MS = 1000,   /* between two complaints about the same */
};

static bool has_end(const char *name, const char *end)
{
    size_t len = strlen(name), end_len = strlen(end);

    return len > end_len && strcmp(name + len - end_len, end) == 0;
}

/* Bodies. Slots are used again and again, so what is kept of one goes when its next attempt begins. */

static void body_drop(struct records *records, uint32_t slot)
{
    struct record_body *body;

    HASH_FIND(hh, records->bodies, &slot, sizeof(slot), body);
    if (!body)
        return;
    records->body_bytes -= body->text.len;
    HASH_DEL(records->bodies, body);
    bytes_clear(&body->text);
    free(body);
}

static void body_keep(struct records *records, uint32_t slot, struct view text)
{
    struct record_body *body;

    if (!text.len || slot == FLIGHT_NO_SLOT || records->body_bytes + text.len > RECORD_BODIES_MOST)
        return;
    body_drop(records, slot);
    body = memory_new(sizeof(*body));
    body->slot = slot;
    bytes_append(&body->text, text);
    records->body_bytes += text.len;
    HASH_ADD(hh, records->bodies, slot, sizeof(body->slot), body);
}

static void body_add(struct records *records, const struct flight *flight,
                     struct msg_record *record)
{
    uint32_t slot = flight_slot(flight, flight->sent_count);
    struct record_body *body;

    if (flight != &records->own || !records->bodies)
        return;
    HASH_FIND(hh, records->bodies, &slot, sizeof(slot), body);
    if (body)
        record->body = bytes_view(&body->text);
}

/* Sending */

static void send_from(struct records *records, struct flight *flight)
{
    struct msg_record record;

    while (flight->sent_count < flight->order_count && records->in_pipe < PIPE_MOST) {
        flight_record(flight, flight->sent_count, &record);
        body_add(records, flight, &record);
        if (!link_post_lazily(records->link, MSG_RECORD, &record))
            return;
        flight->sent_count++;
        records->in_pipe++;
    }
}

static void send_all(struct records *records)
{
    struct flight *flight;

    LL_FOREACH (records->adopted, flight)
        send_from(records, flight);
    send_from(records, &records->own);
}

void records_welcome(struct records *records)
{
    struct flight *flight;

    records->in_pipe = records->own.sent_count = 0;
    LL_FOREACH (records->adopted, flight)
        flight->sent_count = 0;
    send_all(records);
}

/* Adopting */

static void adopt(struct records *records, const char *path)
{
    struct flight *flight = memory_new(sizeof(*flight));

    if (flight_adopt(flight, path) != ADOPTED) {
        free(flight);
        return;
    }
    log_info("journal.adopted", F_ID("sender", flight->incarnation),
             F_NUM("records", flight->order_count), F_NUM("corrupt", flight->corrupt));
    if (flight->gap)
        records->own.gap += flight->gap; /* attempts that it could not keep, for our next record */
    if (flight_is_empty(flight)) {
        flight_close(flight);
        free(flight);
        return;
    }
    LL_APPEND(records->adopted, flight);
}

/* A file that never got its name: its maker died while making it. */
static void remove_unfinished(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);

    if (fd < 0)
        return;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        unlink(path);
    close(fd);
}

static void adopt_all(struct records *records)
{
    DIR *folder = opendir(records->folder);
    struct dirent *entry;
    struct bytes path = {0};

    if (!folder)
        return;
    while ((entry = readdir(folder)) != NULL) {
        path.len = 0;
        bytes_printf(&path, "%s/%s", records->folder, entry->d_name);
        if (has_end(entry->d_name, ".flight") && strcmp(bytes_cstr(&path), records->own.path) != 0)
            adopt(records, bytes_cstr(&path));
        else if (has_end(entry->d_name, ".new"))
            remove_unfinished(bytes_cstr(&path));
    }
    closedir(folder);
    bytes_clear(&path);
}

/* What is held by an open file of this very process can't be adopted twice: flock refuses a second
 * descriptor. */
void records_open(struct records *records, struct link *link, uint64_t incarnation,
                  size_t slot_count)
{
    *records = (struct records){.link = link, .folder = options_path("flight")};
    if (mkdir(records->folder, 0700) != 0 && errno != EEXIST)
        log_error("journal.unsafe", F_STR("folder", records->folder),
                  F_STR("why", strerror(errno)));
    flight_create(&records->own, records->folder, incarnation, slot_count);
    adopt_all(records);
    records->look_ms = clock_ms() + LOOK_MS;
}

void records_tick(struct records *records, uint64_t now_ms)
{
    if (now_ms < records->look_ms)
        return;
    records->look_ms = now_ms + LOOK_MS;
    adopt_all(records);
    send_all(records);
}

/* An attempt's life */

static void complain(struct records *records)
{
    uint64_t now_ms = clock_ms();

    if (records->told_ms && now_ms < records->told_ms + TELL_MS)
        return;
    records->told_ms = now_ms;
    log_error("journal.full", F_NUM("waiting", records->own.order_count),
              F_NUM("not_kept", records->own.gap + 1));
}

uint32_t records_begin(struct records *records, const struct msg_record *record)
{
    uint32_t slot = flight_begin(&records->own, record);

    if (slot == FLIGHT_NO_SLOT)
        complain(records);
    else
        records->kept_count++;
    if (records->bodies)
        body_drop(records, slot);
    return slot;
}

void records_hold(struct records *records, uint32_t slot, const struct msg_record *record)
{
    body_keep(records, slot, record->body);
    flight_hold(&records->own, slot, record);
}

void records_end(struct records *records, uint32_t slot, const struct msg_record *record)
{
    body_keep(records, slot, record->body);
    flight_end(&records->own, slot, record);
    send_from(records, &records->own);
}

static struct flight *find(struct records *records, uint64_t sender)
{
    struct flight *flight;

    if (sender == records->own.incarnation)
        return &records->own;
    LL_FOREACH (records->adopted, flight)
        if (flight->incarnation == sender)
            return flight;
    return NULL;
}

void records_recorded(struct records *records, uint64_t sender, uint64_t seq)
{
    struct flight *flight = find(records, sender);
    size_t sent, freed;

    if (!flight)
        return; /* a late one for a file that is gone */
    sent = flight->sent_count;
    freed = flight_recorded(flight, seq);
    records->in_pipe -= freed < sent ? freed : sent;
    if (flight != &records->own && flight_is_empty(flight)) {
        LL_DELETE(records->adopted, flight);
        flight_close(flight);
        free(flight);
        trace_point("flight.removed");
    }
    send_all(records);
}

size_t records_waiting(const struct records *records)
{
    const struct flight *flight;
    size_t count = records->own.order_count;

    LL_FOREACH (records->adopted, flight)
        count += flight->order_count;
    return count;
}

bool records_are_safe(const struct records *records)
{
    return records_waiting(records) == 0;
}

void records_close(struct records *records)
{
    struct flight *flight, *next;

    LL_FOREACH_SAFE (records->adopted, flight, next) {
        flight_close(flight);
        free(flight);
    }
    records->adopted = NULL;
    while (records->bodies)
        body_drop(records, records->bodies->slot);
    flight_close(&records->own);
}
