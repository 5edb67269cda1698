/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing secrets without telling by the time taken where they differ. */
#include "secret.h"

#include <openssl/crypto.h>

bool secret_equal(struct secret a, struct secret b)
{
    return a.hidden.len == b.hidden.len &&
           (a.hidden.len == 0 || CRYPTO_memcmp(a.hidden.at, b.hidden.at, a.hidden.len) == 0);
}
