/* SPDX-License-Identifier: Apache-2.0 */
/* Records that the database would not take, set aside for people in STATE_DIR/spool/refused.jsonl:
 * one JSON object a line. A record whose store was killed in between may stand there twice; sender
 * and seq tell. */
#pragma once

#include <stdbool.h>

#include "message.h"

/* Appends the record and forces it to the disk; false if that can't be done. */
bool refused_write(const struct msg_record *record, unsigned code, struct view reason);
