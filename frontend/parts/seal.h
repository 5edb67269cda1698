/* SPDX-License-Identifier: Apache-2.0 */
/* What clients carry for us and can neither read nor change: sealed by AES-256-GCM, as text that may
 * stand in a URL. */
#pragma once

#include "base/bytes.h"
#include "base/secret.h"

struct seals {
    unsigned char key[32];
};

/* `secret` is the same for all frontends. Empty: a random one in the file `path`, which is made if it is
 * not there; the frontends of one host share it. Ends the process if that cannot be. */
void seals_open(struct seals *seals, struct secret secret, const char *path);

/* Appends the sealed text. `purpose` is part of the seal: it opens for no other. */
void seal(const struct seals *seals, const char *purpose, struct view text, struct bytes *out);

/* Appends what was sealed. False, and nothing appended: it was not sealed so, or is damaged. */
bool unseal(const struct seals *seals, const char *purpose, struct view sealed, struct bytes *out);
