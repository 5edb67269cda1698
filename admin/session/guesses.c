/* SPDX-License-Identifier: Apache-2.0 */
/* Counts wrong tokens. An IPv6 address counts as its /64, which one host has as a whole. */
#include "session/guesses.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

#include "base/bytes.h"

enum { MINUTE_MS = 60000 };

struct guesser {
    char name[GUESS_NAME];
    unsigned wrong;
    bool was_right;
    uint64_t last_ms, until_ms;
    UT_hash_handle hh;
};

static const unsigned tries[] = {[GUESS_LOGIN] = 5, [GUESS_BEARER] = 100};

static void write_name(enum guess_kind kind, struct view address, char name[GUESS_NAME])
{
    unsigned char number[16] = {0};
    char text[INET6_ADDRSTRLEN] = "";

    memset(name, 0, GUESS_NAME);
    if (address.len < sizeof(text) && address.len)
        memcpy(text, address.at, address.len);
    if (inet_pton(AF_INET6, text, number) == 1) {
        memset(number + 8, 0, 8);
        inet_ntop(AF_INET6, number, text, sizeof(text));
    }
    snprintf(name, GUESS_NAME, "%c%s", kind == GUESS_LOGIN ? 'l' : 'b', text);
}

static void forget(struct guesses *guesses, struct guesser *guesser)
{
    HASH_DEL(guesses->by_name, guesser);
    free(guesser);
}

static struct guesser *find(struct guesses *guesses, enum guess_kind kind, struct view address,
                            uint64_t now_ms)
{
    char name[GUESS_NAME];
    struct guesser *guesser;

    write_name(kind, address, name);
    HASH_FIND_STR(guesses->by_name, name, guesser);
    if (!guesser || now_ms - guesser->last_ms < GUESS_MEMORY_MS)
        return guesser;
    forget(guesses, guesser);
    return NULL;
}

/* The address, new or not, as the last of all. */
static struct guesser *touch(struct guesses *guesses, enum guess_kind kind, struct view address,
                             uint64_t now_ms)
{
    struct guesser *guesser = find(guesses, kind, address, now_ms);

    if (guesser)
        HASH_DEL(guesses->by_name, guesser);
    else
        guesser = memory_new(sizeof(*guesser));
    if (HASH_COUNT(guesses->by_name) >= GUESSES_MOST)
        forget(guesses, guesses->by_name);
    write_name(kind, address, guesser->name);
    guesser->last_ms = now_ms;
    HASH_ADD_STR(guesses->by_name, name, guesser);
    return guesser;
}

/* What all have together; each kind its own, so that nobody is kept from the login by scripts that ask. */
static uint64_t *refill(struct guesses *guesses, enum guess_kind kind, uint64_t now_ms)
{
    uint64_t *spent_ms = &guesses->budgets[kind].spent_ms;
    uint64_t passed_ms = now_ms - guesses->budgets[kind].looked_ms;

    *spent_ms = passed_ms < *spent_ms ? *spent_ms - passed_ms : 0;
    guesses->budgets[kind].looked_ms = now_ms;
    return spent_ms;
}

uint64_t guesses_wait_ms(struct guesses *guesses, enum guess_kind kind, struct view address,
                         uint64_t now_ms)
{
    const struct guesser *guesser = find(guesses, kind, address, now_ms);
    uint64_t spent_ms = *refill(guesses, kind, now_ms);

    if (guesser && guesser->until_ms > now_ms)
        return guesser->until_ms - now_ms;
    if (spent_ms <= MINUTE_MS || (guesser && guesser->was_right))
        return 0;
    return spent_ms - MINUTE_MS;
}

void guesses_wrong(struct guesses *guesses, enum guess_kind kind, struct view address,
                   uint64_t now_ms)
{
    struct guesser *guesser = touch(guesses, kind, address, now_ms);
    uint64_t wait_ms = GUESS_WAIT_MS;

    *refill(guesses, kind, now_ms) += MINUTE_MS / GUESSES_A_MINUTE;
    if (++guesser->wrong < tries[kind])
        return;
    for (unsigned i = tries[kind]; i < guesser->wrong && wait_ms < GUESS_WAIT_MOST_MS; i++)
        wait_ms *= 2;
    guesser->until_ms = now_ms + (wait_ms < GUESS_WAIT_MOST_MS ? wait_ms : GUESS_WAIT_MOST_MS);
}

void guesses_right(struct guesses *guesses, enum guess_kind kind, struct view address,
                   uint64_t now_ms)
{
    struct guesser *guesser = touch(guesses, kind, address, now_ms);

    guesser->wrong = 0;
    guesser->until_ms = 0;
    guesser->was_right = true;
}

void guesses_clear(struct guesses *guesses)
{
    struct guesser *guesser, *next;

    HASH_ITER (hh, guesses->by_name, guesser, next)
        forget(guesses, guesser);
}
