/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies for the error log. Called by attempt.c, when ERROR_LOG_RECORD_REQUEST_BODY is set. What must stay true:
 * no key gets through, whole or cut; and no more is looked at than may be needed. */
#include "jobs/evidence.h"

#include <ctype.h>

#include "provider/mask.h"

enum {
    DATA_LEAST = 256, /* characters in a row that are no words */
    DATA_SHOWN = 16,
    LOOKED_MOST = 1024 * 1024, /* of a body, to find what stands behind its data */
};

/* Of base64, in either alphabet, perhaps with slashes escaped as JSON does. */
static size_t data_len(struct view text)
{
    size_t len = 0;

    while (len < text.len &&
           (isalnum((unsigned char)text.at[len]) || strchr("+/=_-\\", text.at[len])))
        len++;
    return len;
}

static void write_plain(struct bytes *out, struct view text)
{
    while (text.len && out->len < (size_t)EVIDENCE_MOST * 2) {
        size_t len = data_len(text);

        if (len >= DATA_LEAST) {
            bytes_append(out, (struct view){text.at, DATA_SHOWN});
            bytes_printf(out, "[%zu bytes]", len - DATA_SHOWN);
        } else {
            len = len ? len : 1;
            bytes_append(out, (struct view){text.at, len});
        }
        text = view_skip(text, len);
    }
}

void evidence_write(struct bytes *out, struct view body, struct secret key)
{
    struct bytes plain = {0}, masked = {0};
    struct view text;

    if (body.len > LOOKED_MOST)
        body.len = LOOKED_MOST;
    write_plain(&plain, body);
    mask_keys(&masked, bytes_view(&plain), key);
    text = bytes_view(&masked);
    if (text.len > EVIDENCE_MOST)
        text.len = EVIDENCE_MOST;
    bytes_append(out, text);
    bytes_clear(&plain);
    bytes_clear(&masked);
}
