/* SPDX-License-Identifier: Apache-2.0 */
/* Flight files on the disk. */
#include "jobs/flight_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "actor.h"
#include "base/log.h"
#include "trace.h"

enum {
    VERSION = 2,
    HEADER_LEN = 4096,
    SLOT_LEN = 1024,
    STEP_LEN = 64 * 1024, /* the file grows by so much */
    SEQ_BITS = 56,        /* a last_seq beyond is no number of ours */
};

_Static_assert(sizeof(struct slot) == SLOT_LEN, "a slot must not cross pages");
_Static_assert(sizeof(struct flight_header) <= HEADER_LEN, "the header is one page");

static const char magic[8] = "FLIGHT\n";

/* Slots */

struct slot *slot_at(const struct flight *flight, size_t i)
{
    return (struct slot *)((char *)flight->header + HEADER_LEN + i * SLOT_LEN);
}

static uint32_t sum_on(uint32_t sum, const void *at, size_t len)
{
    return (uint32_t)crc32(sum, at, (uInt)len);
}

/* From one member up to another. */
#define SUM(slot, from, to)                                                                        \
    sum_on(1, (const char *)(slot) + offsetof(struct slot, from),                                  \
           offsetof(struct slot, to) - offsetof(struct slot, from))

static uint32_t begun_sum(const struct slot *slot)
{
    uint32_t sum = SUM(slot, time_ms, before);

    return sum_on(sum_on(sum, slot->before, slot->before_len), slot->proxy, slot->proxy_len);
}

static uint32_t ended_sum(const struct slot *slot)
{
    return sum_on(SUM(slot, bytes_out, words), slot->words, slot->words_len);
}

static uint32_t late_sum(const struct slot *slot)
{
    return SUM(slot, seq, rest);
}

void slot_enter(struct slot *slot, enum slot_state state)
{
    __atomic_store_n(&slot->state, (uint32_t)state, __ATOMIC_SEQ_CST);
}

static uint32_t u32_of(uint64_t number)
{
    return number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
}

static uint8_t copy_text(char *to, size_t most, struct view text)
{
    size_t len = text.len < most ? text.len : most;

    memset(to, 0, most);
    if (len)
        memcpy(to, text.at, len);
    return (uint8_t)len;
}

static void begin_times(struct slot *slot, const struct msg_record *record)
{
    slot->read_us = u32_of(record->read_us);
    slot->translate_us = u32_of(record->translate_us);
    slot->wait_us = u32_of(record->wait_us);
    slot->pick_us = u32_of(record->pick_us);
    slot->keys = u32_of(record->keys);
    slot->cooling = u32_of(record->cooling);
    slot->spent = u32_of(record->spent);
    slot->dead = u32_of(record->dead);
    slot->off = u32_of(record->off);
    slot->no_room = u32_of(record->no_room);
}

void slot_begin(struct slot *slot, const struct msg_record *record)
{
    slot->time_ms = record->time_ms;
    slot->frontend = record->frontend;
    slot->call = record->call;
    slot->client = record->client;
    slot->key_id = record->key_id;
    slot->bytes_in = record->bytes_in;
    slot->request = record->request;
    slot->asked_ms = record->asked_ms;
    slot->attempt = u32_of(record->attempt);
    slot->is_stream = record->stream;
    begin_times(slot, record);
    slot->model_len = copy_text(slot->model, FLIGHT_MODEL_MOST, record->model);
    slot->operation_len = copy_text(slot->operation, FLIGHT_OPERATION_MOST, record->operation);
    slot->route_len = copy_text(slot->route, FLIGHT_ROUTE_MOST, record->route);
    slot->chosen_len = copy_text(slot->chosen_by, FLIGHT_CHOSEN_MOST, record->chosen_by);
    slot->before_len = copy_text(slot->before, FLIGHT_BEFORE_MOST, record->before);
    slot->proxy_len = copy_text(slot->proxy, FLIGHT_PROXY_MOST, record->proxy);
    slot->begun_sum = begun_sum(slot);
    slot_enter(slot, SLOT_BEGUN);
}

static void write_end(struct slot *slot, const struct msg_record *record)
{
    slot->bytes_out = record->bytes_out;
    slot->retry_ms = record->retry_ms;
    slot->quota_value = record->quota_value;
    slot->first_ms = u32_of(record->first_ms);
    slot->total_ms = u32_of(record->total_ms);
    slot->tokens_in = u32_of(record->tokens_in);
    slot->tokens_out = u32_of(record->tokens_out);
    slot->tokens_thoughts = u32_of(record->tokens_thoughts);
    slot->tokens_cached = u32_of(record->tokens_cached);
    slot->connect_us = u32_of(record->connect_us);
    slot->status = (uint16_t)record->status;
    slot->fault_len = copy_text(slot->fault, FLIGHT_FAULT_MOST, record->fault);
    slot->quota_len = copy_text(slot->quota_id, FLIGHT_QUOTA_MOST, record->quota_id);
    slot->words_len = copy_text(slot->words, FLIGHT_WORDS_MOST, record->words);
    slot->ended_sum = ended_sum(slot);
}

void slot_hold(struct slot *slot, const struct msg_record *record)
{
    write_end(slot, record);
    slot_enter(slot, SLOT_HELD);
}

void slot_end(struct slot *slot, const struct msg_record *record, uint64_t seq, uint64_t gap)
{
    if (slot->state != SLOT_HELD)
        write_end(slot, record);
    slot->seq = seq;
    slot->gap = u32_of(gap);
    slot->reply_us = record->reply_us;
    slot->is_last = record->last;
    slot->late_sum = late_sum(slot);
    trace_point("flight.ending");
    slot_enter(slot, SLOT_ENDED);
}

struct msg_record slot_record(const struct slot *slot)
{
    return (struct msg_record){
        .seq = slot->seq,
        .time_ms = slot->time_ms,
        .frontend = slot->frontend,
        .call = slot->call,
        .attempt = slot->attempt,
        .client = slot->client,
        .key_id = slot->key_id,
        .model = {slot->model, slot->model_len},
        .operation = {slot->operation, slot->operation_len},
        .stream = slot->is_stream,
        .status = slot->status,
        .fault = {slot->fault, slot->fault_len},
        .first_ms = slot->first_ms,
        .total_ms = slot->total_ms,
        .tokens_in = slot->tokens_in,
        .tokens_out = slot->tokens_out,
        .tokens_thoughts = slot->tokens_thoughts,
        .tokens_cached = slot->tokens_cached,
        .bytes_in = slot->bytes_in,
        .bytes_out = slot->bytes_out,
        .gap = slot->gap,
        .route = {slot->route, slot->route_len},
        .request = slot->request,
        .asked_ms = slot->asked_ms,
        .read_us = slot->read_us,
        .translate_us = slot->translate_us,
        .wait_us = slot->wait_us,
        .pick_us = slot->pick_us,
        .keys = slot->keys,
        .cooling = slot->cooling,
        .spent = slot->spent,
        .dead = slot->dead,
        .off = slot->off,
        .no_room = slot->no_room,
        .chosen_by = {slot->chosen_by, slot->chosen_len},
        .proxy = {slot->proxy, slot->proxy_len},
        .connect_us = slot->connect_us,
        .retry_ms = slot->retry_ms,
        .quota_id = {slot->quota_id, slot->quota_len},
        .quota_value = slot->quota_value,
        .words = {slot->words, slot->words_len},
        .before = {slot->before, slot->before_len},
        .reply_us = slot->reply_us,
        .last = slot->is_last,
    };
}

/* Lengths are looked at before anything is read by them. */
static bool begun_is_good(const struct slot *slot)
{
    return slot->model_len <= FLIGHT_MODEL_MOST && slot->operation_len <= FLIGHT_OPERATION_MOST &&
           slot->route_len <= FLIGHT_ROUTE_MOST && slot->chosen_len <= FLIGHT_CHOSEN_MOST &&
           slot->before_len <= FLIGHT_BEFORE_MOST && slot->proxy_len <= FLIGHT_PROXY_MOST &&
           slot->begun_sum == begun_sum(slot);
}

static bool ended_is_good(const struct slot *slot)
{
    return slot->fault_len <= FLIGHT_FAULT_MOST && slot->quota_len <= FLIGHT_QUOTA_MOST &&
           slot->words_len <= FLIGHT_WORDS_MOST && slot->ended_sum == ended_sum(slot);
}

bool slot_is_good(const struct slot *slot)
{
    switch (slot->state) {
    case SLOT_BEGUN:
        return begun_is_good(slot);
    case SLOT_HELD:
        return begun_is_good(slot) && ended_is_good(slot);
    case SLOT_ENDED:
        return begun_is_good(slot) && ended_is_good(slot) && slot->late_sum == late_sum(slot) &&
               slot->seq;
    default:
        return false; /* the disk may say anything */
    }
}

/* Making */

static bool reach(struct flight *flight, size_t len)
{
    size_t wanted = (len + STEP_LEN - 1) / STEP_LEN * STEP_LEN;
    int error;

    if (len <= flight->file_len || flight->fd < 0)
        return true;
    if (wanted > flight->map_len)
        wanted = flight->map_len;
    error = posix_fallocate(flight->fd, 0, (off_t)wanted);
    if (error) {
        errno = error;
        return false;
    }
    flight->file_len = wanted;
    return true;
}

bool flight_file_reach(struct flight *flight, size_t slots)
{
    return reach(flight, HEADER_LEN + slots * SLOT_LEN);
}

static uint32_t header_sum(const struct flight_header *header)
{
    return (uint32_t)crc32(1, (const Bytef *)header, offsetof(struct flight_header, sum));
}

static void header_write(struct flight *flight)
{
    struct flight_header *header = flight->header;

    memcpy(header->magic, magic, sizeof(magic));
    header->version = VERSION;
    header->slot_len = SLOT_LEN;
    header->slot_count = flight->slot_count;
    header->incarnation = flight->incarnation;
    header->sum = header_sum(header);
}

/* Another upstream that starts now may take our file for one whose maker died, and lock it for an
 * instant or remove it before it is locked by us: then it is made again. */
static int fresh_file(const char *path)
{
    for (;;) {
        int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        struct stat file;

        if (fd < 0 || flock(fd, LOCK_EX) != 0 || fstat(fd, &file) != 0 || file.st_nlink)
            return fd;
        close(fd);
    }
}

/* The file gets its name only when it is held and whole: others find it by that. */
static bool file_make(struct flight *flight, const char *fresh)
{
    flight->fd = fresh_file(fresh);
    if (flight->fd < 0 || !reach(flight, HEADER_LEN))
        return false;
    flight->header = mmap(NULL, flight->map_len, PROT_READ | PROT_WRITE, MAP_SHARED, flight->fd, 0);
    if (flight->header == MAP_FAILED)
        return false;
    header_write(flight);
    return rename(fresh, flight->path) == 0;
}

static void memory_make(struct flight *flight, const char *fresh)
{
    log_error("journal.unsafe", F_STR("file", flight->path), F_STR("why", strerror(errno)));
    unlink(fresh);
    if (flight->fd >= 0)
        close(flight->fd);
    flight->fd = -1;
    flight->header = mmap(NULL, flight->map_len, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (flight->header == MAP_FAILED)
        die("no memory for %zu flight slots", flight->slot_count);
    header_write(flight);
}

void flight_file_make(struct flight *flight, const char *fresh)
{
    flight->map_len = HEADER_LEN + flight->slot_count * SLOT_LEN;
    if (!file_make(flight, fresh))
        memory_make(flight, fresh);
}

/* Opening */

static bool header_is_good(const struct flight_header *header)
{
    return memcmp(header->magic, magic, sizeof(magic)) == 0 && header->version == VERSION &&
           header->slot_len == SLOT_LEN && header->sum == header_sum(header) &&
           header->slot_count >= 1 && header->slot_count <= FLIGHT_SLOTS_MOST &&
           !(header->last_seq >> SEQ_BITS);
}

static size_t slots_of(const struct flight *flight)
{
    size_t count = (flight->map_len - HEADER_LEN) / SLOT_LEN;

    return count < flight->header->slot_count ? count : (size_t)flight->header->slot_count;
}

bool flight_file_open(struct flight *flight)
{
    struct stat stat;
    void *map;

    if (fstat(flight->fd, &stat) != 0 || stat.st_size < HEADER_LEN)
        return false;
    if ((uint64_t)stat.st_size > HEADER_LEN + (uint64_t)FLIGHT_SLOTS_MOST * SLOT_LEN + STEP_LEN)
        return false;
    flight->map_len = flight->file_len = (size_t)stat.st_size;
    map = mmap(NULL, flight->map_len, PROT_READ | PROT_WRITE, MAP_SHARED, flight->fd, 0);
    if (map == MAP_FAILED)
        return false;
    flight->header = map;
    if (!header_is_good(flight->header))
        return false;
    flight->incarnation = flight->header->incarnation;
    flight->slot_count = slots_of(flight);
    flight->gap = flight->header->gap;
    return true;
}

/* Leaving */

void flight_file_set_aside(struct flight *flight)
{
    struct bytes aside = {0};

    bytes_printf(&aside, "%s.bad", flight->path);
    log_error("journal.damaged", F_STR("file", flight->path), F_NUM("slots", flight->corrupt));
    if (rename(flight->path, bytes_cstr(&aside)) != 0)
        log_error("journal.stuck", F_STR("file", flight->path), F_STR("why", strerror(errno)));
    bytes_clear(&aside);
}

void flight_file_let_go(struct flight *flight)
{
    if (flight->header && flight->header != MAP_FAILED)
        munmap(flight->header, flight->map_len);
    if (flight->fd >= 0)
        close(flight->fd);
    free(flight->path);
}
