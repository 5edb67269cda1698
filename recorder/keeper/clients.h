/* SPDX-License-Identifier: Apache-2.0 */
/* What a client with a token of its own may. */
#pragma once

#include <yyjson.h>

#include "keeper/book.h"

/* As it is asked for or kept. */
struct client_wish {
    struct bytes name, models,
        cost; /* models: JSON list; cost: dollars as written, "0": no limit */
    uint64_t rpm, tokens, expires_ms;
};

/* Puts what `asked` says over the wish; false: `field` is the one that is wrong, and `right` says
 * what would be right. */
bool client_wish_read(struct client_wish *wish, yyjson_val *asked, struct bytes *field,
                      const char **right);
void client_wish_clear(struct client_wish *wish);

/* Changes clients: `what` is client.add, client.change, client.revoke, client.restore or client.rotate, `asked` JSON. As
 * book_change_settings otherwise; the answer to client.add and client.rotate holds the token, which is
 * nowhere else. */
int book_change_client(struct book *book, struct view what, struct view asked,
                       const struct actor_name *by, uint64_t utc_ms, struct bytes *answer);
