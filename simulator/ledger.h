/* SPDX-License-Identifier: Apache-2.0 */
/* What all processes of one simulator share: exact counts, the keys and their modes, the admin's
 * scripts. Lives in memory mapped before the fork; every count is atomic. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "mode.h"
#include "script.h"
#include "text.h"

#define LEDGER_KEY_BYTES 200

enum operation {
    OPERATION_GENERATE,
    OPERATION_STREAM,
    OPERATION_MODELS,
    OPERATION_COUNT,
    OPERATION_EMBED,
    OPERATION_BATCH_EMBED,
    OPERATION_PREDICT,
    OPERATION_OBJECTS,
    OPERATION_UPLOAD,
    OPERATION_DOWNLOAD,
    OPERATIONS,
};

struct key {
    _Atomic uint64_t requests;
    _Atomic uint64_t ok;
    _Atomic uint64_t refused;
    _Atomic uint64_t mode;      /* a mode_use that the admin set, packed; see ledger.c */
    _Atomic int64_t mode_times; /* requests that it holds for: 0 not set, negative: for ever */
    struct mode_use own;        /* by the key's text */
    uint32_t hash;
    uint32_t len;
    uint32_t project_len; /* 0: the admin set none */
    char name[LEDGER_KEY_BYTES];
    char project[LEDGER_KEY_BYTES];
};

/* Maps the shared memory; before the fork. */
void ledger_open(void);

/* The key's place, made on first sight. NULL when the key is too long or there are too many. "" is
 * a key too: it stands for requests without one. */
struct key *ledger_key(struct span name);

struct span key_span(const struct key *key);

/* How the key behaves for this one request: uses up one of the admin's times. */
struct mode_use key_behave(struct key *key);
void key_set_mode(struct key *key, struct mode_use mode, int64_t times);

/* The project that the key belongs to: as the admin said; by its text, what stands behind
 * "-project" up to the next dash; else the key itself. `room` may hold it. */
struct span key_project(const struct key *key, char room[LEDGER_KEY_BYTES]);
bool key_set_project(struct key *key, struct span project);

const char *operation_name(enum operation operation);

void ledger_count_request(struct key *key, enum operation operation);
void ledger_count_answer(struct key *key, bool is_ok);
void ledger_count_open(int64_t change);
void ledger_count_cancelled(void);
void ledger_write(struct text *out);
void ledger_reset(void);

/* The admin's script for this request, if there is one; uses up one of its times. Its strings are
 * good until the next call. */
bool ledger_script(struct script *script, struct span model, struct span key);

/* Sets a script for a model and a key (empty: any), in place of one with the same two. False when
 * it is too large or there are too many. */
bool ledger_set_script(const struct script *script, struct span model, struct span key,
                       int64_t times);
