/* SPDX-License-Identifier: Apache-2.0 */
/* JSON documents that are looked at and let go: short texts are read in one static block, so that
 * an event of a stream costs no malloc. */
#pragma once

#include <yyjson.h>

#include "base/view.h"

/* Reads `text`; NULL if it is not JSON. One at a time: document_close it before the next
 * document_open. */
yyjson_doc *document_open(struct view text, yyjson_read_flag flags);

/* Takes NULL. */
void document_close(yyjson_doc *document);
