/* SPDX-License-Identifier: Apache-2.0 */
/* How often the administrator's token may be guessed. Plain functions; time is passed in. What must
 * stay true: whoever has to wait is not told whether this try was right; and others' wrong tries
 * never keep out an address that has been right lately. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

enum {
    GUESS_NAME = 48,
    GUESSES_MOST = 4096,                 /* addresses that are remembered */
    GUESS_WAIT_MS = 30 * 1000,           /* after the first tries; doubled by each further one… */
    GUESS_WAIT_MOST_MS = 15 * 60 * 1000, /* …up to this */
    GUESS_MEMORY_MS = 60 * 60 * 1000,    /* without a wrong one, and all is forgotten */
    GUESSES_A_MINUTE = 60,               /* wrong ones of a kind, of all addresses */
};

/* A login has 5 tries. Scripts' tokens have more: a program with an old token asks again and again,
 * and the frontends themselves take the token as a client's. */
enum guess_kind { GUESS_LOGIN, GUESS_BEARER, GUESS_KINDS };

struct guesses {
    struct guesser *by_name; /* the one that guessed longest ago first */
    struct {
        uint64_t spent_ms; /* of the minute that all have together, as time that must go by */
        uint64_t looked_ms;
    } budgets[GUESS_KINDS];
};

/* How long this address has to wait; 0: it may try. */
uint64_t guesses_wait_ms(struct guesses *guesses, enum guess_kind kind, struct view address,
                         uint64_t now_ms);

/* It has tried. */
void guesses_wrong(struct guesses *guesses, enum guess_kind kind, struct view address,
                   uint64_t now_ms);
void guesses_right(struct guesses *guesses, enum guess_kind kind, struct view address,
                   uint64_t now_ms);
void guesses_clear(struct guesses *guesses);
