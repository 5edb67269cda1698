/* SPDX-License-Identifier: Apache-2.0 */
/* What admin knows of each key: what the balancer has told, and the ledger's sums. Plain functions,
 * no sockets. No key, but the last four characters of one. */
#pragma once

#include <stdint.h>
#include <uthash.h>

#include "base/bytes.h"

enum key_state {
    KEY_READY,
    KEY_PARTIAL,
    KEY_COOLING,
    KEY_SPENT,
    KEY_NEW,
    KEY_OFF,
    KEY_DEAD,
    KEY_STATES
};

enum { KEY_TAIL = 8, KEY_HOURS = 24, KEY_ID_DIGITS = 16 };

/* Of 24 hours. */
struct key_sums {
    bool is_known;
    uint64_t calls, failed, last_used_at;
};

struct key {
    uint64_t id;
    enum key_state state;
    char tail[KEY_TAIL];
    uint64_t since_at, until_at, verified_at; /* UTC; 0: none, or nobody knows */
    uint64_t trial;                           /* number of the last one */
    size_t resting;                           /* models */
    struct bytes code, says, verified; /* a fault's name; the provider's words; a fault's name */
    struct bytes rests;                /* JSON list */
    uint64_t proxy;
    struct key_sums sums;
    struct bytes line; /* JSON list of its attempts by hour */
    uint64_t epoch;    /* of the last whole look that has seen it */
    bool is_changed;   /* since keys_take_changes */
    UT_hash_handle hh;
};

struct keys {
    struct key *by_id; /* in the balancer's order */
    size_t states[KEY_STATES];
    uint64_t version, since, from; /* where the next look goes on */
    uint64_t epoch;
    uint64_t changes; /* counts up with every look that has changed anything */
    bool is_known;    /* a whole look has come to its end */
    bool is_whole;    /* this one is */
};

const char *key_state_name(enum key_state state);

/* KEY_STATES: there is none of that name. */
enum key_state key_state_find(struct view name);

/* Appends what the next ASK pool says. */
void keys_write_look(const struct keys *keys, struct bytes *json);

/* Takes the answer. True: another look should follow at once. */
bool keys_take_look(struct keys *keys, struct view json);

/* The balancer is another one now: the next look is a whole one. */
void keys_forget(struct keys *keys);

/* Takes the ledger's answer to `keys`: {"rows":[{"id","calls_24h","failed_24h","line","last_used_at"}]}. */
void keys_take_sums(struct keys *keys, struct view json);

struct key *keys_find(const struct keys *keys, uint64_t id);

/* 0: the text is none. */
uint64_t key_id_read(struct view text);

/* Appends the key as a JSON object, as rows of GET keys have it. */
void key_write(const struct key *key, struct bytes *json);

/* Appends {"ready":1,…}. */
void keys_write_states(const struct keys *keys, struct bytes *json);
void keys_clear(struct keys *keys);
