/* SPDX-License-Identifier: Apache-2.0 */
/* Flight files. Called by records.c only. What must stay true: a slot's fields are written before
 * its state, a seq is in the file before it is sent, and no page is touched that the disk has not
 * promised (a full disk would be a SIGBUS). */
#include "jobs/flight.h"

#include <assert.h>
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
#include "fault.h"
#include "base/log.h"
#include "trace.h"

enum {
    VERSION = 1,
    HEADER_LEN = 4096,
    SLOT_LEN = 256,
    STEP_LEN = 64 * 1024, /* the file grows by so much */
    SLOTS_MOST = 1 << 22,
    SEQ_BITS = 56, /* a last_seq beyond is no number of ours */
    MODEL_MOST = 64,
    OPERATION_MOST = 32,
    FAULT_MOST = 16,
};

enum slot_state { SLOT_FREE, SLOT_BEGUN, SLOT_ENDED };

struct flight_header {
    char magic[8];
    uint32_t version;
    uint32_t slot_len;
    uint64_t slot_count;
    uint64_t incarnation;
    uint32_t sum; /* of all before it */
    uint32_t unused;
    uint64_t last_seq; /* given so far */
    uint64_t gap;
};

struct slot {
    uint32_t state;
    uint32_t begun_sum;
    uint32_t ended_sum;
    uint32_t unused;

    /* written when it begins, guarded by begun_sum */
    uint64_t time_ms;
    uint64_t frontend;
    uint64_t call;
    uint64_t client;
    uint64_t key_id;
    uint64_t bytes_in;
    uint32_t attempt;
    uint8_t is_stream;
    uint8_t model_len;
    uint8_t operation_len;
    uint8_t unused_too;
    char model[MODEL_MOST];
    char operation[OPERATION_MOST];

    /* written when it ends, guarded by ended_sum */
    uint64_t seq;
    uint64_t bytes_out;
    uint32_t first_ms;
    uint32_t total_ms;
    uint32_t tokens_in;
    uint32_t tokens_out;
    uint32_t tokens_thoughts;
    uint32_t tokens_cached;
    uint32_t gap;
    uint16_t status;
    uint8_t fault_len;
    uint8_t unused_three;
    char fault[FAULT_MOST];
    char rest[24];
};

_Static_assert(sizeof(struct slot) == SLOT_LEN, "a slot must not cross pages");
_Static_assert(sizeof(struct flight_header) <= HEADER_LEN, "the header is one page");

static const char magic[8] = "FLIGHT\n";

static struct slot *slot_at(const struct flight *flight, size_t i)
{
    return (struct slot *)((char *)flight->header + HEADER_LEN + i * SLOT_LEN);
}

static uint32_t sum_between(const struct slot *slot, size_t begin, size_t end)
{
    return (uint32_t)crc32(1, (const Bytef *)slot + begin, (uInt)(end - begin));
}

static uint32_t begun_sum(const struct slot *slot)
{
    return sum_between(slot, offsetof(struct slot, time_ms), offsetof(struct slot, seq));
}

static uint32_t ended_sum(const struct slot *slot)
{
    return sum_between(slot, offsetof(struct slot, seq), offsetof(struct slot, rest));
}

static uint32_t header_sum(const struct flight_header *header)
{
    return (uint32_t)crc32(1, (const Bytef *)header, offsetof(struct flight_header, sum));
}

/* The order in which stores reach the file matters: a kill may come between any two. */
static void set_state(struct slot *slot, enum slot_state state)
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

/* The order */

static void order_append(struct flight *flight, uint32_t slot)
{
    if (flight->order_count == flight->order_size) {
        size_t size = flight->order_size ? flight->order_size * 2 : 64;
        uint32_t *order = memory_new(size * sizeof(*order));

        for (size_t i = 0; i < flight->order_count; i++)
            order[i] = flight->order[(flight->order_head + i) & (flight->order_size - 1)];
        free(flight->order);
        flight->order = order;
        flight->order_size = size;
        flight->order_head = 0;
    }
    flight->order[(flight->order_head + flight->order_count++) & (flight->order_size - 1)] = slot;
}

static uint32_t order_at(const struct flight *flight, size_t place)
{
    assert(place < flight->order_count);
    return flight->order[(flight->order_head + place) & (flight->order_size - 1)];
}

/* Free slots, the lowest first, so that few pages are ever touched */

static void bits_fill(struct flight *flight)
{
    size_t words = (flight->slot_count + 63) / 64;

    flight->free_bits = memory_new(words * sizeof(*flight->free_bits));
    for (size_t i = 0; i < flight->slot_count; i++)
        flight->free_bits[i / 64] |= UINT64_C(1) << i % 64;
}

static uint32_t bits_take(struct flight *flight)
{
    size_t words = (flight->slot_count + 63) / 64;

    for (; flight->free_word < words; flight->free_word++) {
        uint64_t *word = &flight->free_bits[flight->free_word];
        int bit;

        if (!*word)
            continue;
        bit = __builtin_ctzll(*word);
        *word &= *word - 1;
        return (uint32_t)(flight->free_word * 64 + (size_t)bit);
    }
    return FLIGHT_NO_SLOT;
}

static void bits_give(struct flight *flight, uint32_t slot)
{
    if (!flight->free_bits)
        return; /* an adopted file begins nothing */
    flight->free_bits[slot / 64] |= UINT64_C(1) << slot % 64;
    if (slot / 64 < flight->free_word)
        flight->free_word = slot / 64;
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

void flight_create(struct flight *flight, const char *folder, uint64_t incarnation,
                   size_t slot_count)
{
    struct bytes path = {0}, fresh = {0};

    if (slot_count < 1)
        slot_count = 1;
    if (slot_count > SLOTS_MOST)
        slot_count = SLOTS_MOST;
    *flight = (struct flight){.incarnation = incarnation, .slot_count = slot_count};
    bytes_printf(&path, "%s/%llx.flight", folder, (unsigned long long)incarnation);
    bytes_printf(&fresh, "%s/%llx.new", folder, (unsigned long long)incarnation);
    flight->path = memory_text(bytes_view(&path));
    flight->map_len = HEADER_LEN + slot_count * SLOT_LEN;
    if (!file_make(flight, bytes_cstr(&fresh)))
        memory_make(flight, bytes_cstr(&fresh));
    bits_fill(flight);
    bytes_clear(&path);
    bytes_clear(&fresh);
}

/* An attempt's life */

uint32_t flight_begin(struct flight *flight, const struct msg_record *record)
{
    uint32_t i = bits_take(flight);
    struct slot *slot;

    if (i == FLIGHT_NO_SLOT)
        return i;
    if (!reach(flight, HEADER_LEN + ((size_t)i + 1) * SLOT_LEN)) {
        bits_give(flight, i);
        return FLIGHT_NO_SLOT;
    }
    slot = slot_at(flight, i);
    slot->time_ms = record->time_ms;
    slot->frontend = record->frontend;
    slot->call = record->call;
    slot->client = record->client;
    slot->key_id = record->key_id;
    slot->bytes_in = record->bytes_in;
    slot->attempt = u32_of(record->attempt);
    slot->is_stream = record->stream;
    slot->model_len = copy_text(slot->model, MODEL_MOST, record->model);
    slot->operation_len = copy_text(slot->operation, OPERATION_MOST, record->operation);
    slot->begun_sum = begun_sum(slot);
    set_state(slot, SLOT_BEGUN);
    flight->begun_count++;
    trace_point("flight.begun");
    return i;
}

static void slot_end(struct flight *flight, struct slot *slot, const struct msg_record *record)
{
    slot->seq = flight->header->last_seq + 1;
    slot->bytes_out = record->bytes_out;
    slot->first_ms = u32_of(record->first_ms);
    slot->total_ms = u32_of(record->total_ms);
    slot->tokens_in = u32_of(record->tokens_in);
    slot->tokens_out = u32_of(record->tokens_out);
    slot->tokens_thoughts = u32_of(record->tokens_thoughts);
    slot->tokens_cached = u32_of(record->tokens_cached);
    slot->gap = u32_of(flight->gap);
    slot->status = (uint16_t)record->status;
    slot->fault_len = copy_text(slot->fault, FAULT_MOST, record->fault);
    slot->ended_sum = ended_sum(slot);
    trace_point("flight.ending");
    set_state(slot, SLOT_ENDED);
    flight->header->last_seq = slot->seq;
    flight->header->gap = flight->gap = 0;
}

void flight_end(struct flight *flight, uint32_t i, const struct msg_record *record)
{
    if (i == FLIGHT_NO_SLOT) {
        flight->header->gap = ++flight->gap;
        return;
    }
    slot_end(flight, slot_at(flight, i), record);
    flight->begun_count--;
    order_append(flight, i);
    trace_point("flight.ended");
}

void flight_record(const struct flight *flight, size_t place, struct msg_record *record)
{
    const struct slot *slot = slot_at(flight, order_at(flight, place));

    *record = (struct msg_record){
        .sender = flight->incarnation,
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
    };
}

size_t flight_recorded(struct flight *flight, uint64_t seq)
{
    size_t count = 0;

    while (flight->order_count) {
        uint32_t i = order_at(flight, 0);
        struct slot *slot = slot_at(flight, i);

        if (slot->seq > seq)
            break;
        set_state(slot, SLOT_FREE);
        bits_give(flight, i);
        flight->order_head = (flight->order_head + 1) & (flight->order_size - 1);
        flight->order_count--;
        if (flight->sent_count)
            flight->sent_count--;
        count++;
        trace_point("flight.freed");
    }
    return count;
}

bool flight_is_empty(const struct flight *flight)
{
    return !flight->begun_count && !flight->order_count;
}

/* Adopting */

static bool header_is_good(const struct flight_header *header)
{
    return memcmp(header->magic, magic, sizeof(magic)) == 0 && header->version == VERSION &&
           header->slot_len == SLOT_LEN && header->sum == header_sum(header) &&
           header->slot_count >= 1 && header->slot_count <= SLOTS_MOST &&
           !(header->last_seq >> SEQ_BITS);
}

static bool slot_is_good(const struct slot *slot)
{
    if (slot->state != SLOT_BEGUN && slot->state != SLOT_ENDED)
        return false;
    if (slot->begun_sum != begun_sum(slot) || slot->model_len > MODEL_MOST ||
        slot->operation_len > OPERATION_MOST)
        return false;
    return slot->state == SLOT_BEGUN ||
           (slot->ended_sum == ended_sum(slot) && slot->fault_len <= FAULT_MOST && slot->seq);
}

static const struct flight *sorting; /* qsort has no room for it */

static int by_seq(const void *a, const void *b)
{
    uint64_t first = slot_at(sorting, *(const uint32_t *)a)->seq;
    uint64_t second = slot_at(sorting, *(const uint32_t *)b)->seq;

    return first < second ? -1 : first > second;
}

/* Puts the ended ones in order and says what seq was the last. */
static void sort_ended(struct flight *flight)
{
    uint64_t last = flight->header->last_seq;

    sorting = flight;
    if (flight->order_count > 1)
        qsort(flight->order, flight->order_count, sizeof(*flight->order), by_seq);
    if (flight->order_count) {
        uint64_t newest = slot_at(flight, order_at(flight, flight->order_count - 1))->seq;
        if (newest > last) /* the kill came between the slot and the header */
            last = newest;
    }
    flight->header->last_seq = last;
}

static void lose(struct flight *flight, uint32_t i)
{
    struct msg_record record = {.fault = view_of(fault_facts(FAULT_LOST)->name)};

    slot_end(flight, slot_at(flight, i), &record);
    order_append(flight, i);
    trace_point("flight.lost");
}

static void take_slots(struct flight *flight)
{
    size_t count = (flight->map_len - HEADER_LEN) / SLOT_LEN;

    if (count > flight->slot_count)
        count = flight->slot_count;
    flight->slot_count = count;
    for (uint32_t i = 0; i < count; i++) {
        struct slot *slot = slot_at(flight, i);

        if (slot->state == SLOT_FREE)
            continue;
        if (!slot_is_good(slot))
            flight->corrupt++;
        else if (slot->state == SLOT_ENDED)
            order_append(flight, i);
    }
    sort_ended(flight);
    for (uint32_t i = 0; i < count; i++)
        if (slot_at(flight, i)->state == SLOT_BEGUN && slot_is_good(slot_at(flight, i)))
            lose(flight, i);
}

static void set_aside(struct flight *flight)
{
    struct bytes aside = {0};

    bytes_printf(&aside, "%s.bad", flight->path);
    log_error("journal.damaged", F_STR("file", flight->path), F_NUM("slots", flight->corrupt));
    if (rename(flight->path, bytes_cstr(&aside)) != 0)
        log_error("journal.stuck", F_STR("file", flight->path), F_STR("why", strerror(errno)));
    bytes_clear(&aside);
}

static void let_go(struct flight *flight)
{
    if (flight->header && flight->header != MAP_FAILED)
        munmap(flight->header, flight->map_len);
    if (flight->fd >= 0)
        close(flight->fd);
    free(flight->path);
    free(flight->order);
    free(flight->free_bits);
    *flight = (struct flight){.fd = -1};
}

static bool map_old(struct flight *flight)
{
    struct stat stat;
    void *map;

    if (fstat(flight->fd, &stat) != 0 || stat.st_size < HEADER_LEN)
        return false;
    if ((uint64_t)stat.st_size > HEADER_LEN + (uint64_t)SLOTS_MOST * SLOT_LEN + STEP_LEN)
        return false;
    flight->map_len = flight->file_len = (size_t)stat.st_size;
    map = mmap(NULL, flight->map_len, PROT_READ | PROT_WRITE, MAP_SHARED, flight->fd, 0);
    if (map == MAP_FAILED)
        return false;
    flight->header = map;
    return header_is_good(flight->header);
}

enum adoption flight_adopt(struct flight *flight, const char *path)
{
    *flight = (struct flight){.fd = open(path, O_RDWR | O_CLOEXEC)};
    if (flight->fd < 0)
        return ADOPTION_GONE;
    flight->path = memory_text(view_of(path));
    if (flock(flight->fd, LOCK_EX | LOCK_NB) != 0) {
        let_go(flight);
        return ADOPTION_HELD;
    }
    if (!map_old(flight)) {
        set_aside(flight);
        let_go(flight);
        return ADOPTION_BAD;
    }
    flight->incarnation = flight->header->incarnation;
    flight->slot_count = (size_t)flight->header->slot_count;
    flight->gap = flight->header->gap;
    take_slots(flight);
    return ADOPTED;
}

void flight_close(struct flight *flight)
{
    if (flight->fd >= 0 && flight->corrupt)
        set_aside(flight);
    else if (flight->fd >= 0 && flight_is_empty(flight))
        unlink(flight->path);
    let_go(flight);
}
