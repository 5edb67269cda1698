/* SPDX-License-Identifier: Apache-2.0 */
/* The file of a flight: what stands where in it, and how it is made and mapped. Called by flight.c
 * only. What must stay true: a slot's fields are written before its state, and no page is touched
 * that the disk has not promised (a full disk would be a SIGBUS). */
#pragma once

#include "jobs/flight.h"

enum {
    FLIGHT_SLOTS_MOST = 1 << 22,
    FLIGHT_MODEL_MOST = 64,
    FLIGHT_OPERATION_MOST = 32,
    FLIGHT_ROUTE_MOST = 48,
    FLIGHT_CHOSEN_MOST = 16,
    FLIGHT_BEFORE_MOST = 128,
    FLIGHT_PROXY_MOST = 64,
    FLIGHT_FAULT_MOST = 16,
    FLIGHT_QUOTA_MOST = 64,
    FLIGHT_WORDS_MOST = 200,
};

enum slot_state { SLOT_FREE, SLOT_BEGUN, SLOT_ENDED, SLOT_HELD };

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
    uint32_t late_sum;

    /* written when it begins, guarded by begun_sum; of the last two texts what is used */
    uint64_t time_ms;
    uint64_t frontend;
    uint64_t call;
    uint64_t client;
    uint64_t key_id;
    uint64_t bytes_in;
    uint64_t request;
    uint64_t asked_ms;
    uint32_t attempt;
    uint32_t read_us;
    uint32_t translate_us;
    uint32_t wait_us;
    uint32_t pick_us;
    uint32_t keys, cooling, spent, dead, off, no_room;
    uint8_t is_stream;
    uint8_t model_len;
    uint8_t operation_len;
    uint8_t route_len;
    uint8_t chosen_len;
    uint8_t before_len;
    uint8_t proxy_len;
    uint8_t unused;
    char model[FLIGHT_MODEL_MOST];
    char operation[FLIGHT_OPERATION_MOST];
    char route[FLIGHT_ROUTE_MOST];
    char chosen_by[FLIGHT_CHOSEN_MOST];
    char before[FLIGHT_BEFORE_MOST];
    char proxy[FLIGHT_PROXY_MOST];

    /* written when it ends, guarded by ended_sum; of the last text what is used */
    uint64_t bytes_out;
    uint64_t retry_ms;
    uint64_t quota_value;
    uint32_t first_ms;
    uint32_t total_ms;
    uint32_t tokens_in;
    uint32_t tokens_out;
    uint32_t tokens_thoughts;
    uint32_t tokens_cached;
    uint32_t connect_us;
    uint16_t status;
    uint8_t fault_len;
    uint8_t quota_len;
    char fault[FLIGHT_FAULT_MOST];
    char quota_id[FLIGHT_QUOTA_MOST];
    uint32_t words_len;
    char words[FLIGHT_WORDS_MOST];

    /* written when nothing more will come of it, guarded by late_sum */
    uint64_t seq;
    uint64_t reply_us;
    uint32_t gap;
    uint32_t is_last;
    char rest[168];
};

struct slot *slot_at(const struct flight *flight, size_t i);

/* The order in which stores reach the file matters: a kill may come between any two. */
void slot_enter(struct slot *slot, enum slot_state state);

/* Write what is known by then, and its state: it begins; it has ended; its record is whole. */
void slot_begin(struct slot *slot, const struct msg_record *record);
void slot_hold(struct slot *slot, const struct msg_record *record);
void slot_end(struct slot *slot, const struct msg_record *record, uint64_t seq, uint64_t gap);

/* The texts are borrowed from the slot. */
struct msg_record slot_record(const struct slot *slot);

/* Whether it is BEGUN, HELD or ENDED, and what it says can be believed. */
bool slot_is_good(const struct slot *slot);

/* Makes the file with no slots in it, by the name `fresh` until it is whole; or memory in its place. */
void flight_file_make(struct flight *flight, const char *fresh);

/* Makes sure that so many slots have their place on the disk. False: it is full. */
bool flight_file_reach(struct flight *flight, size_t slots);

/* Maps the open file of a dead upstream. False: it is none of ours, or damaged. */
bool flight_file_open(struct flight *flight);

/* Gives it a name that nobody looks for. */
void flight_file_set_aside(struct flight *flight);

void flight_file_let_go(struct flight *flight);
