/* SPDX-License-Identifier: Apache-2.0 */
/* Documents in one block. Called by the upstream's provider and the frontend's dialects for each
 * event. What must stay true: nobody keeps a document; the block serves one at a time. */
#include "base/document.h"

#include <assert.h>

enum { BLOCK_SIZE = 256 * 1024 }; /* untouched pages of it cost nothing */

static bool is_taken;

yyjson_doc *document_open(struct view text, yyjson_read_flag flags)
{
    static char block[BLOCK_SIZE] __attribute__((aligned(16)));
    yyjson_alc pool;
    bool fits = text.len < BLOCK_SIZE / 16 &&
                yyjson_read_max_memory_usage(text.len, flags) < BLOCK_SIZE - 1024;
    yyjson_doc *document;

    assert(!is_taken);
    if (!text.len)
        return NULL;
    if (fits)
        yyjson_alc_pool_init(&pool, block, sizeof(block));
    document =
        yyjson_read_opts((char *)(uintptr_t)text.at, text.len, flags, fits ? &pool : NULL, NULL);
    is_taken = document && fits;
    return document;
}

void document_close(yyjson_doc *document)
{
    if (is_taken)
        is_taken = false; /* the block is simply used again */
    else
        yyjson_doc_free(document);
}
