/* SPDX-License-Identifier: Apache-2.0 */
/* How far each sender of records has come. No sockets and no files in it. What must stay true: a
 * sender's records are taken in the order of their numbers, each once. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

struct sender {
    uint64_t id;      /* incarnation */
    uint64_t written; /* all up to this one are in the spool */
    uint64_t queued;  /* and up to this one added to the next write */
    uint64_t ahead;   /* lowest number that came too early; 0: none did */
    uint64_t heard_ms;
    uint64_t answer_to; /* the peer that waits for RECORDED; 0: none does */
    struct sender *next_waiting;
    UT_hash_handle hh;
};

struct senders {
    struct sender *table;
};

enum senders_verdict {
    SENDERS_NEXT,   /* take it */
    SENDERS_REPEAT, /* is in the spool: acknowledge again */
    SENDERS_QUEUED, /* will be acknowledged when it is written */
    SENDERS_EARLY,  /* refuse it: others must come first. Ask the sender to begin again at its first
                     */
    SENDERS_LATER,  /* refuse it: the sender has been asked */
    SENDERS_JUMP,   /* take it: those before it are not coming */
};

/* The sender, made if it is new. */
struct sender *senders_get(struct senders *senders, uint64_t id, uint64_t now_ms);

/* What to do with record `seq`; if it is to be taken, it counts as queued from here on.
 *
 * A sender that is asked begins again at the first record that nobody acknowledged. So, if the
 * lowest of those that came too early comes a second time, the sender has none before it: the
 * spool's memory was lost, or that of a sender which was silent for long. Then it goes on from
 * there. */
enum senders_verdict sender_offer(struct sender *sender, uint64_t seq);

/* All up to `seq` are in the spool: from the write, or read at the start. */
void sender_wrote(struct sender *sender, uint64_t seq);

/* Forgets who has not been heard since `before_ms`. */
void senders_forget(struct senders *senders, uint64_t before_ms);

void senders_clear(struct senders *senders);
