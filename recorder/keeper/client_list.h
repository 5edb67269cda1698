/* SPDX-License-Identifier: Apache-2.0 */
/* The table of clients that have a token of their own, as CLIENTS tells it. */
#pragma once

#include "database/database.h"
#include "keeper/changing.h"

/* Reads all of them; false: see the database's trouble, and nothing has changed. */
bool client_list_read(struct database *database, struct changed *clients);
