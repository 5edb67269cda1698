/* SPDX-License-Identifier: Apache-2.0 */
/* Forms. Called by endpoints that take files. What must stay true: every view lies within the body;
 * time and memory are bounded by its length and FORM_PARTS_MOST. */
#include "web/form.h"

#include <stdlib.h>
#include <strings.h>

#include "base/bytes.h"

enum { BOUNDARY_MOST = 200, HEAD_MOST = 8192 };

static bool is_word(struct view text, const char *lower)
{
    return text.len == strlen(lower) && strncasecmp(text.at, lower, text.len) == 0;
}

static struct view until(struct view text, const char *end)
{
    const char *at = text.len ? memmem(text.at, text.len, end, strlen(end)) : NULL;

    return (struct view){text.at, at ? (size_t)(at - text.at) : text.len};
}

/* ---- header values: `value; name=value; name="value"` ---- */

/* The text in quotes that `text` begins with, behind its first quote: a quote behind a backslash
 * does not end it. */
static size_t quoted_length(struct view text)
{
    size_t len = 0;

    while (len < text.len && text.at[len] != '"')
        len += text.at[len] == '\\' && len + 1 < text.len ? 2 : 1;
    return len < text.len ? len : text.len;
}

/* Takes the next parameter off `rest`. */
static bool next_parameter(struct view *rest, struct view *name, struct view *value)
{
    const char *semicolon = rest->len ? memchr(rest->at, ';', rest->len) : NULL;
    size_t len;

    if (!semicolon)
        return false;
    *rest = view_trim(view_skip(*rest, (size_t)(semicolon - rest->at) + 1));
    *name = view_trim(until(until(*rest, "="), ";"));
    *rest = view_skip(*rest, until(until(*rest, "="), ";").len);
    *value = VIEW("");
    if (!rest->len || rest->at[0] != '=')
        return true;
    *rest = view_trim(view_skip(*rest, 1));
    if (rest->len && rest->at[0] == '"') {
        *rest = view_skip(*rest, 1);
        len = quoted_length(*rest);
        *value = (struct view){rest->at, len};
    } else {
        len = until(*rest, ";").len;
        *value = view_trim((struct view){rest->at, len});
    }
    *rest = view_skip(*rest, len);
    return true;
}

static bool parameter(struct view header, const char *wanted, struct view *value)
{
    struct view name;

    while (next_parameter(&header, &name, value))
        if (is_word(name, wanted))
            return true;
    return false;
}

bool form_is(struct view type)
{
    return is_word(view_trim(until(type, ";")), "multipart/form-data");
}

/* ---- a part's head ---- */

static const char *read_disposition(struct view value, struct form_part *part)
{
    if (!is_word(view_trim(until(value, ";")), "form-data"))
        return "a part has no Content-Disposition: form-data";
    if (!parameter(value, "name", &part->name) || !part->name.len)
        return "a part has no name";
    part->is_file = parameter(value, "filename", &part->file_name);
    if (!part->is_file)
        part->file_name = VIEW("");
    return NULL;
}

static const char *read_line(struct view line, struct form_part *part)
{
    struct view name = until(line, ":");
    struct view value = view_trim(view_skip(line, name.len < line.len ? name.len + 1 : name.len));

    if (is_word(name, "content-disposition"))
        return read_disposition(value, part);
    if (is_word(name, "content-type"))
        part->type = value;
    if (is_word(name, "content-transfer-encoding") && !is_word(value, "binary") &&
        !is_word(value, "8bit") && !is_word(value, "7bit"))
        return "its Content-Transfer-Encoding is not taken";
    return NULL;
}

/* Reads the lines up to an empty one off `text`. */
static const char *read_head(struct view *text, struct form_part *part)
{
    size_t read = 0;

    for (;;) {
        struct view line = until(*text, "\n");
        const char *fault;

        if (line.len == text->len)
            return "the head of a part has no end";
        read += line.len + 1;
        if (read > HEAD_MOST)
            return "the head of a part is too large";
        *text = view_skip(*text, line.len + 1);
        line = view_trim(line);
        if (!line.len)
            return part->name.len ? NULL : "a part has no Content-Disposition: form-data";
        fault = read_line(line, part);
        if (fault)
            return fault;
    }
}

/* ---- the body ---- */

/* What stands between parts: a newline and two hyphens before it. */
struct border {
    char text[BOUNDARY_MOST + 4];
    size_t len;
};

static bool read_border(struct view type, struct border *border)
{
    struct view boundary;

    if (!parameter(type, "boundary", &boundary) || !boundary.len || boundary.len > BOUNDARY_MOST)
        return false;
    memcpy(border->text, "\n--", 3);
    memcpy(border->text + 3, boundary.at, boundary.len);
    border->len = boundary.len + 3;
    return true;
}

/* Takes off `text` what comes before the next border, and the border; what it ended is in `before`.
 * False: there is none. */
static bool take_border(const struct border *border, struct view *text, struct view *before)
{
    const char *at = text->len ? memmem(text->at, text->len, border->text, border->len) : NULL;

    if (!at)
        return false;
    *before = (struct view){text->at, (size_t)(at - text->at)};
    if (before->len && before->at[before->len - 1] == '\r')
        before->len--;
    *text = view_skip(*text, (size_t)(at - text->at) + border->len);
    return true;
}

/* The first border needs no newline before it if nothing else is there. */
static bool take_first(const struct border *border, struct view *text)
{
    struct view before, plain = {border->text + 1, border->len - 1};

    if (!view_starts(*text, plain))
        return take_border(border, text, &before);
    *text = view_skip(*text, plain.len);
    return true;
}

static const char *read_part(const struct border *border, struct view *text, struct form_part *part)
{
    struct view padding = until(*text, "\n");
    const char *fault;

    *part = (struct form_part){0};
    if (padding.len == text->len || view_trim(padding).len)
        return "what stands behind a boundary is no end of a line";
    *text = view_skip(*text, padding.len + 1);
    fault = read_head(text, part);
    if (fault)
        return fault;
    /* a part without a byte: the newline before its border is the one that ended its head */
    if (view_starts(*text, (struct view){border->text + 1, border->len - 1})) {
        *text = view_skip(*text, border->len - 1);
        part->body = VIEW("");
        return NULL;
    }
    return take_border(border, text, &part->body) ? NULL : "it ends within a part";
}

static const char *read_parts(const struct border *border, struct view text, struct form *form)
{
    if (!take_first(border, &text))
        return "its boundary is not to be found";
    while (!view_starts(text, VIEW("--"))) {
        const char *fault;

        if (form->count == FORM_PARTS_MOST)
            return "it has too many parts";
        fault = read_part(border, &text, &form->parts[form->count]);
        if (fault)
            return fault;
        form->count++;
    }
    return NULL;
}

const char *form_read(struct view type, struct view body, struct form *form)
{
    struct border border;
    const char *fault;

    *form = (struct form){0};
    if (!form_is(type))
        return "its Content-Type is not multipart/form-data";
    if (!read_border(type, &border))
        return "its Content-Type names no boundary";
    form->parts = memory_new(FORM_PARTS_MOST * sizeof(*form->parts));
    fault = read_parts(&border, body, form);
    if (fault)
        form_clear(form);
    return fault;
}

/* ---- reading it ---- */

static bool is_named(const struct form_part *part, const char *name)
{
    struct view have = part->name;

    if (have.len > 2 && memcmp(have.at + have.len - 2, "[]", 2) == 0)
        have.len -= 2;
    return view_equal(have, view_of(name));
}

const struct form_part *form_find(const struct form *form, const char *name, size_t index)
{
    for (size_t i = 0; i < form->count; i++)
        if (is_named(&form->parts[i], name) && index-- == 0)
            return &form->parts[i];
    return NULL;
}

void form_clear(struct form *form)
{
    free(form->parts);
    *form = (struct form){0};
}
