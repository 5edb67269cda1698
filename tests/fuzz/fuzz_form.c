/* SPDX-License-Identifier: Apache-2.0 */
/* Forms: the first line is the Content-Type, the rest the body. What is read lies within it, part
 * behind part, and no part holds the boundary. */
#include <stdint.h>
#include <stdlib.h>

#include "web/form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void ensure(bool claim)
{
    if (!claim)
        abort();
}

static void check_within(struct view inner, struct view outer)
{
    if (inner.len)
        ensure(inner.at >= outer.at && inner.at + inner.len <= outer.at + outer.len);
}

static void check_parts(const struct form *form, struct view body)
{
    const char *end = body.at;

    ensure(form->count <= FORM_PARTS_MOST);
    for (size_t i = 0; i < form->count; i++) {
        const struct form_part *part = &form->parts[i];

        ensure(part->name.len > 0);
        check_within(part->name, body);
        check_within(part->file_name, body);
        check_within(part->type, body);
        check_within(part->body, body);
        ensure(part->is_file || !part->file_name.len);
        ensure(part->name.at >= end);
        end = part->body.len ? part->body.at + part->body.len : part->name.at;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const char *newline = len ? memchr(data, '\n', len) : NULL;
    size_t head = newline ? (size_t)(newline - (const char *)data) : len;
    struct view type = {(const char *)data, head};
    struct view body = {(const char *)data + head, len - head};
    struct form form;

    if (newline)
        body = view_skip(body, 1);
    if (!form_read(type, body, &form))
        check_parts(&form, body);
    else
        ensure(form.count == 0);
    form_find(&form, "file", 0);
    form_clear(&form);
    return 0;
}
