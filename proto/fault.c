/* SPDX-License-Identifier: Apache-2.0 */
/* The table of faults.def, for upstream and balancer. What must stay true: any number gives facts,
 * since a newer peer may know more faults than this build. */
#include "fault.h"

#include <ctype.h>
#include <stddef.h>

enum { NAME_SIZE = 24 };

static struct fault_facts facts[FAULT_COUNT] = {
#define FAULT(name, retry, error, text) {#name, retry, ERROR_##error},
#include "faults.def"
};

/* The table spells names in capitals, as C wants them; logs and the ledger have them in lower case.
 */
static void names_lower(void)
{
    static char names[FAULT_COUNT][NAME_SIZE];

    for (size_t i = 0; i < FAULT_COUNT; i++) {
        for (size_t k = 0; facts[i].name[k] && k + 1 < NAME_SIZE; k++)
            names[i][k] = (char)tolower((unsigned char)facts[i].name[k]);
        facts[i].name = names[i];
    }
}

const struct fault_facts *fault_facts(uint64_t fault)
{
    static bool is_ready;

    if (!is_ready)
        names_lower();
    is_ready = true;
    return &facts[fault < FAULT_COUNT ? fault : (uint64_t)FAULT_SERVER];
}
