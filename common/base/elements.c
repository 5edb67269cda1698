/* SPDX-License-Identifier: Apache-2.0 */
/* The elements of a JSON array as they come, for the gate and the frontend. It counts brackets
 * outside strings and judges nothing: whether an element is JSON, its reader says. */
#include "base/elements.h"

enum { IDLE_MOST = 64 * 1024 };

static void append(struct elements *elements, struct view more)
{
    if (!elements->limit)
        bytes_append(&elements->data, more);
    else if (bytes_append_end(&elements->data, more, elements->limit))
        elements->is_over = true;
}

/* Inside a string only a quote and a backslash matter; returns how many bytes are taken. */
static size_t pass_string(struct elements *elements, struct view text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];

        if (elements->is_escaped) {
            elements->is_escaped = false;
        } else if (c == '\\') {
            elements->is_escaped = true;
        } else if (c == '"') {
            elements->is_in_string = false;
            return i + 1;
        }
    }
    return text.len;
}

/* Takes one byte outside strings. Returns true if it ends an element. */
static bool pass_byte(struct elements *elements, char c)
{
    switch (c) {
    case '"':
        elements->is_in_string = true;
        return false;
    case '{':
    case '[':
        elements->depth++;
        return false;
    case '}':
    case ']':
        if (elements->depth > 0)
            elements->depth--;
        if (elements->depth == 0)
            elements->is_closed = true;
        return elements->depth == 1;
    default:
        return false;
    }
}

static bool finish(struct elements *elements, struct view fresh, struct view *element)
{
    if (elements->data.len || (elements->limit && fresh.len > elements->limit)) {
        append(elements, fresh);
        fresh = bytes_view(&elements->data);
    }
    elements->is_in_element = false;
    *element = fresh;
    return true;
}

bool elements_feed(struct elements *elements, struct view *more, struct view *element,
                   bool *is_broken)
{
    struct view text = *more;
    size_t begin = 0, i = 0;
    bool is_complete = false;

    if (!elements->is_in_element) {
        if (elements->data.size > IDLE_MOST)
            bytes_clear(&elements->data);
        elements->data.len = 0;
    }
    while (i < text.len && !is_complete && !elements->is_closed) {
        if (elements->is_in_string) {
            i += pass_string(elements, view_skip(text, i));
            continue;
        }
        if (elements->depth == 1 && !elements->is_in_element && text.at[i] == '{') {
            elements->is_in_element = true;
            begin = i;
        }
        if (pass_byte(elements, text.at[i++]) && elements->is_in_element)
            is_complete = finish(elements, (struct view){text.at + begin, i - begin}, element);
    }
    if (elements->is_closed)
        i = text.len; /* what stands behind the array is of no interest */
    if (!is_complete && elements->is_in_element)
        append(elements, (struct view){text.at + begin, i - begin});
    *more = view_skip(text, i);
    *is_broken = elements->is_over;
    if (is_complete)
        elements->is_over = false;
    return is_complete;
}

void elements_clear(struct elements *elements)
{
    bytes_clear(&elements->data);
    *elements = (struct elements){.limit = elements->limit};
}
