/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of requests: what h2o 2.2.5 lets pass and must not, and what it refuses in its own words.
 * Called by refusal.c and early.c. What must stay true: a head is read by the parser that h2o uses,
 * so that both see the same lines. */
#include "web/head.h"

#include <h2o.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"

/* picohttpparser's, which is part of h2o's library; no header of it is installed. */
struct phr_header {
    const char *name; /* NULL: the line goes on with the value before */
    size_t name_len;
    const char *value;
    size_t value_len;
};

int phr_parse_request(const char *bytes, size_t len, const char **method, size_t *method_len,
                      const char **path, size_t *path_len, int *minor_version,
                      struct phr_header *headers, size_t *header_count, size_t last_len);

enum { LENGTH_DIGITS = 18 };

struct head {
    struct view method, target;
    int minor; /* of the version */
    size_t count;
    struct phr_header lines[H2O_MAX_HEADERS];
};

/* -1: it is no head; -2: it has not come to its end. */
static int read_head(struct view bytes, struct head *head)
{
    head->target = head->method = VIEW("");
    head->count = H2O_MAX_HEADERS;
    return phr_parse_request(bytes.at, bytes.len, &head->method.at, &head->method.len,
                             &head->target.at, &head->target.len, &head->minor, head->lines,
                             &head->count, 0);
}

/* The second word of the first line; what is no text there is no target. */
static struct view second_word(struct view bytes)
{
    const char *at = bytes.len ? memchr(bytes.at, ' ', bytes.len) : NULL;
    struct view word = at ? view_skip(bytes, (size_t)(at - bytes.at) + 1) : VIEW("");

    for (size_t i = 0; i < word.len; i++)
        if (word.at[i] <= ' ' || word.at[i] == 0x7f)
            return (struct view){word.at, i};
    return VIEW("");
}

static bool is_named(const struct phr_header *line, struct view name)
{
    return line->name && line->name_len == name.len &&
           strncasecmp(line->name, name.at, name.len) == 0;
}

/* The lines of one name. */
struct found {
    size_t count;
    bool differs; /* they don't all say the same */
    struct view value;
};

static struct found find(const struct head *head, struct view name)
{
    struct found found = {0};

    for (size_t i = 0; i < head->count; i++) {
        struct view value = {head->lines[i].value, head->lines[i].value_len};

        if (!is_named(&head->lines[i], name))
            continue;
        found.differs |= found.count++ && !view_equal(view_trim(value), found.value);
        found.value = view_trim(value);
    }
    return found;
}

static bool is_folded(const struct head *head)
{
    for (size_t i = 0; i < head->count; i++)
        if (!head->lines[i].name)
            return true;
    return false;
}

/* RFC 9112, 3.2, 5.2, 6.1 and 6.3 */
static const char *fault_of(const struct head *head)
{
    struct found lengths = find(head, VIEW("content-length"));
    struct found codings = find(head, VIEW("transfer-encoding"));
    size_t hosts = find(head, VIEW("host")).count;

    if (lengths.count && codings.count)
        return "Content-Length and Transfer-Encoding exclude each other.";
    if (lengths.differs)
        return "The request has two Content-Length that differ.";
    if (codings.count > 1 || (codings.count && head->minor == 0))
        return "The request has a Transfer-Encoding that cannot be.";
    if (hosts > 1 || (!hosts && head->minor > 0))
        return hosts ? "The request has more than one Host." : "The request has no Host.";
    return is_folded(head) ? "A header goes on in a second line." : NULL;
}

/* The length of a body that is no number, or of more digits than any has, is h2o's to refuse. */
static bool read_length(struct view text, uint64_t *length)
{
    *length = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        *length = *length * 10 + (uint64_t)(text.at[i] - '0');
    }
    return text.len && text.len <= LENGTH_DIGITS;
}

static const struct phr_header *find_line(const struct head *head, struct view name)
{
    for (size_t i = 0; i < head->count; i++)
        if (is_named(&head->lines[i], name))
            return &head->lines[i];
    return NULL;
}

static struct view value_of(const struct phr_header *line)
{
    return line ? view_trim((struct view){line->value, line->value_len}) : VIEW("");
}

static bool is_word(struct view text, const char *word)
{
    return text.len == strlen(word) && strncasecmp(text.at, word, text.len) == 0;
}

/* Of a head without a fault. */
static bool find_body(const struct head *head, struct view bytes, size_t len,
                      struct head_body *body)
{
    const struct phr_header *coding = find_line(head, VIEW("transfer-encoding"));
    const struct phr_header *line = coding ? coding : find_line(head, VIEW("content-length"));
    struct view expect = value_of(find_line(head, VIEW("expect")));

    if (!line || find(head, VIEW("content-length")).count > 1)
        return false;
    *body = (struct head_body){.method = head->method,
                               .target = head->target,
                               .head_len = len,
                               .is_chunked = coding != NULL,
                               .wants_continue = expect.len != 0,
                               .line_at = (size_t)(line->name - bytes.at),
                               .line_name_len = line->name_len};
    if (expect.len && !is_word(expect, "100-continue"))
        return false;
    return coding ? is_word(value_of(coding), "chunked")
                  : read_length(value_of(line), &body->length) && body->length;
}

struct head_verdict head_judge(struct view bytes)
{
    struct head head;
    int said = read_head(bytes, &head);
    struct head_verdict verdict = {.is_whole = said >= 0};

    if (verdict.is_whole) {
        verdict.target = head.target;
        verdict.fault = fault_of(&head);
        verdict.has_body = !verdict.fault && find_body(&head, bytes, (size_t)said, &verdict.body);
    } else {
        verdict.target = second_word(bytes);
        verdict.status = said == -1 ? 400 : bytes.len >= H2O_MAX_REQLEN ? 431 : 0;
    }
    return verdict;
}

struct view head_origin(struct view target)
{
    size_t scheme = target.len >= 7 && strncasecmp(target.at, "http://", 7) == 0    ? 7
                    : target.len >= 8 && strncasecmp(target.at, "https://", 8) == 0 ? 8
                                                                                    : 0;

    for (size_t i = scheme; scheme && i < target.len; i++)
        if (target.at[i] == '/' || target.at[i] == '?')
            return view_skip(target, i);
    return scheme ? VIEW("/") : target;
}
