/* SPDX-License-Identifier: Apache-2.0 */
/* A process's connection to the recorder's keeper, by which it hears of settings that are changed
 * while it runs, and takes them. While nobody is there it goes on with what it has. */
#pragma once

#include "link.h"

struct news {
    struct link link; /* first: letters lead back from its mailbox */
};

/* Connects. `handlers` are those of the owner's own, for what else the keeper tells (NULL: nothing
 * else); they get `owner`. */
void news_open(struct news *news, struct actor *actor, letter_handler *const *handlers,
               void *owner);

/* To be called from the owner's on_tick. */
void news_tick(struct news *news, uint64_t now_ms);
