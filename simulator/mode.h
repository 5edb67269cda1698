/* SPDX-License-Identifier: Apache-2.0 */
/* How a key behaves: by a word in its own text, or as the admin route said. */
#pragma once

#include "refusal.h"

enum mode_act {
    ACT_ANSWER,
    ACT_REFUSE, /* with the mode's refusal */
    ACT_SLOW,   /* answers after `number` ms */
    ACT_HANG,   /* never answers */
    ACT_RESET,  /* the TCP connection is reset before any byte */
    ACT_EMPTY,  /* 200, STOP, no parts */
    ACT_FINISH, /* 200, with the finishReason `number` */
    ACT_BLOCK,  /* 200, no candidates, with the blockReason `number` */
};

struct mode {
    const char *word; /* without the dash */
    enum mode_act act;
    enum refusal refusal;
    bool before_body; /* refused before Google looks at the body */
    int number; /* what digits behind the word replace: ms of slow, seconds of minute; of a reason
                   its index */
};

/* A mode in use: its place in the table and its number. Valid zeroed: answers. */
struct mode_use {
    int index;
    int number;
};

const struct mode *mode_facts(struct mode_use use);

/* Reads "slow200" whole; false if there is no such mode. */
bool mode_read(struct span word, struct mode_use *use);

/* The first mode whose word stands behind a dash in the key; "ok" when there is none. */
struct mode_use mode_of_key(struct span key);
