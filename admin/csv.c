/* SPDX-License-Identifier: Apache-2.0 */
/* Writes CSV (RFC 4180). Called by api/export.c. */
#include "csv.h"

static const char signs[] = {'=', '+', '-', '@', '\t', '\r'};

void csv_cell(struct bytes *out, struct view text)
{
    bool is_first = !out->len || out->at[out->len - 1] == '\n';
    bool is_formula = text.len && memchr(signs, text.at[0], sizeof(signs));

    bytes_text(out, is_first ? "\"" : ",\"");
    bytes_text(out, is_formula ? "'" : "");
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];

        if (c == '"')
            bytes_text(out, "\"\"");
        else
            bytes_append(out, (unsigned char)c < ' ' ? VIEW(" ") : (struct view){&c, 1});
    }
    bytes_text(out, "\"");
}

void csv_end_line(struct bytes *out)
{
    bytes_text(out, "\r\n");
}
