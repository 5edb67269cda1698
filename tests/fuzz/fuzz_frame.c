/* SPDX-License-Identifier: Apache-2.0 */
/* A frame as a peer may send it: any bytes. What unpacks must pack to something that unpacks to the
 * same. */
#include <stdint.h>
#include <stdlib.h>

#include "message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(enum message_kind kind, const union message *letter)
{
    struct bytes first = {0}, second = {0};
    union message again;
    enum message_kind again_kind;
    struct view rest;

    message_pack(&first, kind, letter);
    rest = bytes_view(&first);
    if (message_unpack(&rest, &again_kind, &again) || again_kind != kind || rest.len)
        abort();
    message_pack(&second, kind, &again);
    if (!view_equal(bytes_view(&first), bytes_view(&second)))
        abort();
    bytes_clear(&second);
    second = (struct bytes){0};
    message_print(&second, kind, letter);
    bytes_clear(&first);
    bytes_clear(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view rest = {(const char *)data, size};

    while (rest.len) {
        union message letter;
        enum message_kind kind;

        if (message_unpack(&rest, &kind, &letter))
            break;
        if (kind != MSG_NONE)
            check_again(kind, &letter);
    }
    return 0;
}
