/* SPDX-License-Identifier: Apache-2.0 */
/* The trial of each key at the balancer's start: which key is tried next, and when. Plain functions,
 * no sockets; time is passed in.
 *
 *   due -> under way -> tried          [probes_begin, probes_end]
 *    ^________/  once                  [probes_lost] */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PROBES_ASKED_MOST = 4096, /* that wait at once */
    PROBES_TRIED_MOST = 1000, /* keys; those beyond show with their first call */
    PROBES_AT_ONCE = 4,
    PROBES_GAP_MS = 50,
    PROBES_WAIT_MS = 20000, /* longer than an upstream waits for the provider */
};

struct probe {
    uint64_t number; /* 0: free */
    uint64_t upstream;
    uint64_t reservation;
    uint64_t by_ms;
    uint32_t key; /* its place in the pool */
    bool is_again, is_asked;
};

/* Valid zeroed: no key is tried. */
struct probes {
    size_t count;  /* keys that are tried */
    size_t tried;  /* of them, so far */
    size_t answer; /* of those, taken by the provider */
    size_t next;
    uint64_t last_number;
    uint64_t next_ms;
    struct probe under_way[PROBES_AT_ONCE];
    uint32_t again[PROBES_AT_ONCE]; /* lost without an answer */
    bool again_asked[PROBES_AT_ONCE];
    size_t again_count;
    uint32_t *asked; /* a ring of keys that an administrator wants tried */
    size_t asked_first, asked_count, asked_size;
};

void probes_open(struct probes *probes, size_t key_count);

void probes_close(struct probes *probes);

/* An administrator wants this key tried, whatever is known of it. False: too many wait. */
bool probes_ask(struct probes *probes, uint32_t key);

/* Whether the next one is such. */
bool probes_next_is_asked(const struct probes *probes);

/* True: this key may be tried now, by probes_begin; or is known already: probes_skip. */
bool probes_next(const struct probes *probes, uint64_t now_ms, uint32_t *key);
struct probe *probes_begin(struct probes *probes, uint64_t upstream, uint64_t now_ms);
void probes_skip(struct probes *probes, bool answers);

/* Its answer has come. NULL: it is not under way. Else the probe, good until the next begins; then
 * it is tried. */
const struct probe *probes_end(struct probes *probes, uint64_t number, bool answers);

/* One that this upstream has (0: any) that has had no answer in time: NULL, or the probe as above. It
 * is tried once more, or counts as tried. */
const struct probe *probes_lost(struct probes *probes, uint64_t upstream, uint64_t now_ms);

bool probes_are_done(const struct probes *probes);

/* When to look again; UINT64_MAX: no need. */
uint64_t probes_due_ms(const struct probes *probes);
