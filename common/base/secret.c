/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing secrets without telling by the time taken where they differ, and wiping them. */
#include "base/secret.h"

#include <openssl/crypto.h>
#include <stdint.h>
#include <string.h>

bool secret_equal(struct secret a, struct secret b)
{
    return a.hidden.len == b.hidden.len &&
           (a.hidden.len == 0 || CRYPTO_memcmp(a.hidden.at, b.hidden.at, a.hidden.len) == 0);
}

void secret_wipe(const char *text)
{
    if (text) /* also the environment's and .env's texts are ours to write */
        OPENSSL_cleanse((char *)(uintptr_t)text, strlen(text));
}
