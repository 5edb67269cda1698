/* SPDX-License-Identifier: Apache-2.0 */
/* Names of functions. Called by tools.c, tool_turns.c and tool_calls.c. What must stay true: one
 * name of a client has one of the provider's at all times, so that histories of any age fit; and
 * two have never the same.
 *
 * The list is a row of records: `c` or `f`, the provider's name, a zero, the client's, a zero. A
 * client's name with a zero in it is not remembered. */
#include "openai/chat/tool_names.h"

#include <openssl/sha.h>

enum {
    NAME_MOST = 64, /* bytes that every model takes */
    HASH_BYTES = 4, /* of the name's hash, at the end of a short name */
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_taken(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

static bool is_good(struct view name)
{
    if (!name.len || name.len > NAME_MOST || !is_letter(name.at[0]))
        return false;
    for (size_t i = 1; i < name.len; i++)
        if (!is_taken(name.at[i]))
            return false;
    return true;
}

void tool_name_write(struct bytes *out, struct view name)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    size_t kept = name.len, start = out->len;
    const size_t most = NAME_MOST - 1 - 2 * (size_t)HASH_BYTES;

    if (is_good(name)) {
        bytes_append(out, name);
        return;
    }
    if (name.len && !is_letter(name.at[0]))
        bytes_append(out, VIEW("_"));
    if (kept > most - (out->len - start))
        kept = most - (out->len - start);
    for (size_t i = 0; i < kept; i++)
        bytes_append(out, is_taken(name.at[i]) ? (struct view){name.at + i, 1} : VIEW("_"));
    SHA256((const unsigned char *)name.at, name.len, digest);
    bytes_append(out, VIEW("_"));
    for (size_t i = 0; i < HASH_BYTES; i++)
        bytes_printf(out, "%02x", digest[i]);
}

void tool_names_note(struct tool_names *names, struct view name, bool is_custom)
{
    struct bytes called = {0};

    tool_name_write(&called, name);
    if (memchr(name.at, 0, name.len) || (!is_custom && view_equal(bytes_view(&called), name))) {
        bytes_clear(&called);
        return;
    }
    bytes_append(&names->list, is_custom ? VIEW("c") : VIEW("f"));
    bytes_append(&names->list, bytes_view(&called));
    bytes_append(&names->list, VIEW("\0"));
    bytes_append(&names->list, name);
    bytes_append(&names->list, VIEW("\0"));
    bytes_clear(&called);
}

/* The text up to its zero, which `*list` then is behind. */
static struct view take(struct view *list)
{
    struct view text = {list->at, strlen(list->at)};

    *list = view_skip(*list, text.len + 1);
    return text;
}

struct tool_name tool_names_find(const struct tool_names *names, struct view called)
{
    struct view list = bytes_view(&names->list);

    while (list.len) {
        struct view ours = take(&list), theirs = take(&list);
        if (view_equal(view_skip(ours, 1), called))
            return (struct tool_name){theirs, ours.at[0] == 'c'};
    }
    return (struct tool_name){called, false};
}
