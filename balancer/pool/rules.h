/* SPDX-License-Identifier: Apache-2.0 */
/* What each fault means for the pool: what cools down, for how long, what it says of the way out. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What cools down. */
enum scope {
    COOL_NOTHING,
    COOL_KEY_MODEL, /* this key, for this model */
    COOL_KEY,       /* this key, for every model */
    COOL_MODEL,     /* this model, for every key */
    COOL_EXIT,      /* the proxy, or the straight way: the key has done nothing */
};

/* What an attempt's end says of the way that it took. */
enum exit_sign {
    EXIT_UNTOLD,
    EXIT_CARRIES, /* it led to the provider, or at least out of the proxy */
    EXIT_SERVED,  /* and the provider serves those who come by it */
    EXIT_FAILS,   /* the proxy does not do its work */
    EXIT_SHUT,    /* the provider serves nobody who comes by it */
};

struct rule {
    enum scope scope;
    enum exit_sign exit;
    bool is_proof;    /* of the key: the provider has taken it for good */
    bool is_free;     /* it has reached no model: it does not count against MAX_RETRIES */
    bool is_undone;   /* the provider has surely obeyed nothing: it refused, or was not reached */
    bool is_hopeless; /* nobody knows when it ends: no client is told to come again then */
    uint64_t first_ms, most_ms; /* where the provider states no time; doubles with each */
    uint64_t stated_most_ms;    /* a longer statement is not believed; 0: nor is any */
};

/* A number outside of faults.def (from a newer peer) gets the rule of SERVER. */
const struct rule *rule_of(uint64_t fault);
