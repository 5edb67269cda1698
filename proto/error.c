/* SPDX-License-Identifier: Apache-2.0 */
/* The table of errors.def. */
#include "error.h"

#include <stddef.h>

static const struct error_facts facts[] = {
#define ERROR(name, status, retry, type, code, google, text)                                       \
    {#name, status, retry, type, code, google, text},
#include "errors.def"
};

const struct error_facts *error_facts(uint64_t error)
{
    return &facts[error < ERROR_COUNT ? error : (uint64_t)ERROR_INTERNAL];
}
