/* SPDX-License-Identifier: Apache-2.0 */
/* Reading JSON. What must stay true: nothing here keeps a document; the static block serves one at
 * a time. */
#include "json.h"

#include <assert.h>

enum { BLOCK_SIZE = 256 * 1024 }; /* untouched pages of it cost nothing */

static bool is_taken;

yyjson_doc *json_open(struct view text)
{
    static char block[BLOCK_SIZE] __attribute__((aligned(16)));
    yyjson_alc pool;
    bool fits =
        text.len < BLOCK_SIZE / 16 && yyjson_read_max_memory_usage(text.len, 0) < BLOCK_SIZE - 1024;
    yyjson_doc *doc;

    assert(!is_taken);
    if (!text.len)
        return NULL;
    if (fits)
        yyjson_alc_pool_init(&pool, block, sizeof(block));
    doc = yyjson_read_opts((char *)(uintptr_t)text.at, text.len, 0, fits ? &pool : NULL, NULL);
    is_taken = doc && fits;
    return doc;
}

void json_close(yyjson_doc *doc)
{
    if (is_taken)
        is_taken = false; /* the block is simply used again */
    else
        yyjson_doc_free(doc);
}

struct view json_text(yyjson_val *object, const char *name)
{
    yyjson_val *value = yyjson_obj_get(object, name);

    if (!yyjson_is_str(value))
        return (struct view){0};
    return (struct view){yyjson_get_str(value), yyjson_get_len(value)};
}

uint64_t json_number(yyjson_val *object, const char *name)
{
    yyjson_val *value = yyjson_obj_get(object, name);
    uint64_t number = 0;

    if (yyjson_is_uint(value))
        return yyjson_get_uint(value);
    if (!yyjson_is_str(value))
        return 0;
    for (const char *at = yyjson_get_str(value); *at >= '0' && *at <= '9'; at++)
        number = number < UINT64_MAX / 16 ? number * 10 + (uint64_t)(*at - '0') : number;
    return number;
}
