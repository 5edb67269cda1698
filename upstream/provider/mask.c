/* SPDX-License-Identifier: Apache-2.0 */
/* Masking of keys. Called for every error body that leaves the process. What must stay true:
 * neither the key in use nor anything of a key's shape gets through. */
#include "provider/mask.h"

#include <ctype.h>

enum { KEY_LEAST = 8 }; /* shorter runs are words */

static const struct view mask = {"[key]", 5};

/* What keys begin with, or what stands before one. */
static const struct {
    struct view lead;
    bool is_part; /* of the key */
    size_t least; /* bytes behind it that make it a key */
} shapes[] = {
    {{"AIza", 4}, true, KEY_LEAST},
    {{"AQ.", 3}, true, KEY_LEAST},
    {{"api_key:", 8}, false, 1},
    {{"key=", 4}, false, KEY_LEAST},
};

static size_t run_len(struct view text)
{
    size_t len = 0;

    while (len < text.len && (isalnum((unsigned char)text.at[len]) || text.at[len] == '_' ||
                              text.at[len] == '-' || text.at[len] == '.'))
        len++;
    return len;
}

/* How many bytes at the start of `text` are a key; `*keep` of them are shown. */
static size_t key_len(struct view text, struct secret key, size_t *keep)
{
    *keep = 0;
    if (key.hidden.len && view_starts(text, key.hidden))
        return key.hidden.len;
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        struct view lead = shapes[i].lead;
        size_t run;

        if (!view_starts(text, lead))
            continue;
        run = run_len(view_skip(text, lead.len));
        if (run < shapes[i].least)
            continue;
        *keep = shapes[i].is_part ? 0 : lead.len;
        return lead.len + run;
    }
    return 0;
}

void mask_keys(struct bytes *out, struct view text, struct secret key)
{
    size_t plain = 0; /* start of the run that is shown */

    for (size_t i = 0; i < text.len;) {
        size_t keep, len = key_len(view_skip(text, i), key, &keep);

        if (!len) {
            i++;
            continue;
        }
        bytes_append(out, (struct view){text.at + plain, i + keep - plain});
        bytes_append(out, mask);
        i += len;
        plain = i;
    }
    if (text.len)
        bytes_append(out, view_skip(text, plain));
}
