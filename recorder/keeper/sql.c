/* SPDX-License-Identifier: Apache-2.0 */
/* Texts in SQL. Called by what the keeper writes. */
#include "keeper/sql.h"

void sql_text(const struct database *database, struct bytes *sql, struct view text, size_t most)
{
    struct bytes clean = {0};

    for (; text.len && most; most--) {
        size_t step = utf8_length(text);

        bytes_append(&clean, step ? (struct view){text.at, step} : VIEW("\xef\xbf\xbd"));
        text = view_skip(text, step ? step : 1);
    }
    bytes_append(sql, VIEW(","));
    database_quote(database, sql, (struct view){clean.at ? clean.at : "", clean.len});
    bytes_clear(&clean);
}

void sql_text_or_null(const struct database *database, struct bytes *sql, struct view text,
                      size_t most)
{
    if (text.at)
        sql_text(database, sql, text, most);
    else
        bytes_text(sql, ",NULL");
}
