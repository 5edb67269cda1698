/* SPDX-License-Identifier: Apache-2.0 */
/* The simulator's checks of a request. Linked with the simulator's objects into one whose only name is
 * judge, since some of its functions are called like some of common/. */
#include "../tests/fuzz/judge/judge.h"

#include <stdio.h>

#include "prompt.h"

static bool asks(struct span path, const char *verb)
{
    size_t len = strlen(verb);

    return path.len > len && memmem(path.at, path.len, verb, len) != NULL;
}

/* NULL: the simulator has none of that name. */
static const struct model *model_of(struct span path)
{
    struct span name = {path.at + 8, path.len > 8 ? path.len - 8 : 0};
    const char *colon = memchr(name.at, ':', name.len);

    return colon != NULL ? model_find((struct span){name.at, (size_t)(colon - name.at)}) : NULL;
}

/* What a model that is not known takes shows in no table: then only the form of the body counts. */
static void check_content(struct violations *v, struct span path, yyjson_val *root)
{
    const struct model *model = model_of(path);
    struct prompt prompt;

    if (model != NULL)
        prompt_read(&prompt, v, root, model);
    else
        schema_check(v, schema_generate_content_request, root);
}

static void check(struct violations *v, struct span path, yyjson_val *root)
{
    if (asks(path, "enerateContent"))
        check_content(v, path, root);
    else if (asks(path, ":embedContent"))
        schema_check(v, schema_embed_content_request, root);
    else if (asks(path, ":batchEmbedContents"))
        schema_check(v, schema_batch_embed_contents_request, root);
    else if (asks(path, ":predict"))
        schema_check(v, schema_predict_request, root);
    else
        violations_refuse(v, "There is no such method.\n");
}

void judge(const char *path, size_t path_len, const char *body, size_t len, char *message,
           size_t size)
{
    struct violations v = {0};
    yyjson_doc *doc = yyjson_read(body, len, YYJSON_READ_BIGNUM_AS_RAW);

    check(&v, (struct span){path, path_len}, yyjson_doc_get_root(doc));
    snprintf(message, size, "%.*s", v.count > 0 ? (int)v.message.len : 0,
             v.count > 0 ? v.message.at : "");
    violations_clear(&v);
    yyjson_doc_free(doc);
}
