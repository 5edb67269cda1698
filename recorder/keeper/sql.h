/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of administrators in SQL: of any length, with what is no UTF-8 replaced. */
#pragma once

#include "database/database.h"

/* A comma, and the text in quotes, cut to `most` characters. */
void sql_text(const struct database *database, struct bytes *sql, struct view text, size_t most);

/* The same; NULL where `at` is. */
void sql_text_or_null(const struct database *database, struct bytes *sql, struct view text,
                      size_t most);
