/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures in Markdown. What must stay true: no byte of the text is lost, whatever it looks like,
 * and each is looked at a bounded number of times. */
#include "openai/chat/markdown.h"

enum { NAME_MOST = 256 }; /* bytes of what a picture is called */

#define MIDDLE "](data:image/"

/* How many bytes at the end of `text` are "![" and a picture's name; 0: it does not end so. */
static size_t opening(struct view text)
{
    size_t most = text.len < NAME_MOST ? text.len : NAME_MOST;

    for (size_t len = 1; len <= most; len++) {
        char c = text.at[text.len - len];

        if (c == ']' || c == '\n')
            return 0;
        if (c == '[')
            return len < text.len && text.at[text.len - len - 1] == '!' ? len + 1 : 0;
    }
    return 0;
}

/* How many bytes an address in parentheses has; 0: it is not closed, or holds what none has (a zero
 * too, which strchr finds at the end). */
static size_t address(struct view text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == ')')
            return i;
        if (strchr("([]<>\" \n", text.at[i]))
            return 0;
    }
    return 0;
}

bool markdown_picture(struct view *text, struct view *before, struct view *url)
{
    struct view rest = *text;
    const char *middle;

    while (rest.len && (middle = memmem(rest.at, rest.len, MIDDLE, strlen(MIDDLE))) != NULL) {
        struct view head = {rest.at, (size_t)(middle - rest.at)};
        struct view tail = view_skip(rest, head.len + strlen("]("));
        size_t open = opening(head), len = address(tail);

        if (open && len) {
            *before = (struct view){text->at, (size_t)(middle - text->at) - open};
            *url = (struct view){tail.at, len};
            *text = view_skip(tail, len + 1);
            return true;
        }
        rest = tail;
    }
    return false;
}
