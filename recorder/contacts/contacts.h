/* SPDX-License-Identifier: Apache-2.0 */
/* Who talks to a mailbox of the recorder: HELLO, WHO, WELCOME. A ROUTER tells neither who comes nor
 * who goes: a contact is here from its first letter until it has been silent for long or can't be
 * reached; should it come back after all, it is asked WHO. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "actor.h"

struct contact {
    uint64_t id;     /* incarnation */
    bool is_welcome; /* has said HELLO */
    bool is_gone;    /* could not be reached */
    uint64_t heard_ms;
    unsigned role;  /* as it said; 0: it has not */
    uint64_t taken; /* the keeper's: the version of settings that it said TAKEN of */
    uint64_t took_ms;
    bool has_refused;
    UT_hash_handle hh;
};

struct contacts {
    struct mailbox *box; /* by which they talk */
    struct contact *table;
};

/* Takes a HELLO: the contact is welcome, unless it claims to be another. */
void contacts_greet(struct contacts *contacts, const struct letter *letter);

/* Whether the letter's sender has said HELLO; if not it is asked WHO. */
bool contacts_know(struct contacts *contacts, const struct letter *letter);

/* Says WELCOME to one, or (again) to all that have said HELLO. */
void contacts_welcome(struct contacts *contacts, uint64_t id);
void contacts_welcome_all(struct contacts *contacts);

/* A letter could not be sent to it. */
void contacts_lose(struct contacts *contacts, uint64_t id);

/* Forgets who is gone or has been silent for a minute. */
void contacts_forget(struct contacts *contacts, uint64_t now_ms);

void contacts_dump(const struct contacts *contacts);
void contacts_clear(struct contacts *contacts);
