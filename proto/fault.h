/* SPDX-License-Identifier: Apache-2.0 */
/* How an attempt at the provider ended, from faults.def. The upstream finds it, the balancer acts
 * on it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

enum fault {
#define FAULT(name, retry, error, text) FAULT_##name,
#include "faults.def"
    FAULT_COUNT
};

struct fault_facts {
    const char *name; /* lower case, as in logs and the ledger: "quota_minute" */
    bool retry;
    enum error error;
};

/* The facts of `fault`; a number outside the list (from a newer peer) gives those of SERVER. */
const struct fault_facts *fault_facts(uint64_t fault);
