/* SPDX-License-Identifier: Apache-2.0 */
/* Looks for objects' names where requests and answers have them. Called by the frontend for requests, by the upstream for
 * answers. What must stay true: a mention that the provider would follow is found, however it is spelled, or a client could
 * reach what is not its own by luck; and free text is never taken for one. */
#include "objects/mentions.h"

#include <ctype.h>
#include <stdio.h>
#include <time.h>

#include "base/scan.h"
#include "base/url.h"

/* ---- requests ---- */

/* Members that mention an object, and of which collection; of what is no address it must be. */
static const struct member {
    struct view name;
    struct view head; /* of the name */
    bool is_id;       /* the value is the name without its collection */
    bool is_address;  /* only an address mentions one: elsewhere such a member is something else */
} members[] = {
    {{"cachedContent", 13}, {"cachedContents/", 15}, false, false},
    {{"cached_content", 14}, {"cachedContents/", 15}, false, false},
    {{"fileUri", 7}, {"files/", 6}, false, false},
    {{"file_uri", 8}, {"files/", 6}, false, false},
    {{"fileName", 8}, {"files/", 6}, false, false},
    {{"file_name", 9}, {"files/", 6}, false, false},
    {{"file_id", 7}, {"files/", 6}, false, false}, /* OpenAI's words */
    {{"input_file_id", 13}, {"files/", 6}, false, false},
    {{"uri", 3}, {"files/", 6}, false, true},
    {{"fileSearchStoreNames", 20}, {"fileSearchStores/", 17}, false, false},
    {{"file_search_store_names", 23}, {"fileSearchStores/", 17}, false, false},
    {{"previousInteractionId", 21}, {"interactions/", 13}, true, false},
    {{"previous_interaction_id", 23}, {"interactions/", 13}, true, false},
    {{"model", 5}, {"tunedModels/", 12}, false, false},
    {{"source", 6}, {"corpora/", 8}, false, false},
    {{"agent", 5}, {"agents/", 7}, false, false},
    {{"environment", 11}, {"environments/", 13}, false, false},
};

static const struct member *find_member(struct view name)
{
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        if (view_equal(members[i].name, name))
            return &members[i];
    return NULL;
}

/* An address may have its letters written as %XX. */
static struct view decode(struct view text, struct bytes *room)
{
    if (!text.len || !memchr(text.at, '%', text.len))
        return text;
    room->len = 0;
    while (text.len) {
        char c = (char)url_take(&text);

        bytes_append(room, (struct view){&c, 1});
    }
    return bytes_view(room);
}

static bool add_id(struct bytes *names, struct view head, struct view id)
{
    struct bytes name = {0};
    bool is_added = true;

    bytes_append(&name, head);
    bytes_append(&name, id);
    if (object_is_name(bytes_view(&name)))
        is_added = object_add(names, bytes_view(&name));
    bytes_clear(&name);
    return is_added;
}

static bool add_value(struct bytes *names, const struct member *member, struct view raw)
{
    struct bytes text_room = {0}, address_room = {0};
    struct view text, name = {0};
    bool is_added = true;

    if (raw.len > (size_t)6 * OBJECT_NAMES_MOST) /* as long as no mention is */
        return true;
    text = scan_text(raw, &text_room);
    if (member->is_id)
        is_added = add_id(names, member->head, text);
    else if (!member->is_address || memmem(text.at, text.len, "://", 3))
        name = object_of_text(decode(text, &address_room));
    if (name.len && view_starts(name, member->head))
        is_added = object_add(names, name);
    bytes_clear(&text_room);
    bytes_clear(&address_room);
    return is_added;
}

/* -- Bodies that are no strict JSON: some readers take single quotes, names without any, comments, other encodings -- */

enum { ODD_MOST = 4 * 1024 * 1024 };

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The character that so many hex digits at the beginning of the text mean; -1: they are none. */
static int code_of(struct view text, size_t digits)
{
    int code = 0;

    for (size_t i = 0; i < digits; i++) {
        int digit = i < text.len ? hex(text.at[i]) : -1;

        if (digit < 0)
            return -1;
        code = code * 16 + digit;
    }
    return code;
}

/* Takes one character off the text: %XX, \\xXX, \\uXXXX, or what else is behind a backslash, as what they mean. */
static char take_open(struct view *text)
{
    static const struct {
        struct view head;
        size_t digits;
    } forms[] = {{{"%", 1}, 2}, {{"\\x", 2}, 2}, {{"\\u", 2}, 4}};
    bool is_escape;

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        int code = view_starts(*text, forms[i].head)
                       ? code_of(view_skip(*text, forms[i].head.len), forms[i].digits)
                       : -1;

        if (code < 0)
            continue;
        *text = view_skip(*text, forms[i].head.len + forms[i].digits);
        return code < 0x80 ? (char)code : '?';
    }
    is_escape = text->at[0] == '\\' && text->len > 1;
    *text = view_skip(*text, is_escape);
    *text = view_skip(*text, 1);
    return text->at[-1];
}

/* The text without what could hide a name in it: escapes, and the zeros of wide characters. */
static void lay_open(struct view text, struct bytes *out)
{
    char *at = bytes_room(out, text.len + 1);

    while (text.len) {
        char c = take_open(&text);

        if (c)
            *at++ = c;
    }
    out->len = (size_t)(at - out->at);
}

/* The name whose first slash is at `slash`; empty: it is none. */
static struct view name_around(struct view text, size_t slash)
{
    size_t begin = slash, end = slash + 1;
    struct view name;

    while (begin && (isalpha((unsigned char)text.at[begin - 1]) || text.at[begin - 1] == '_'))
        begin--;
    while (end < text.len &&
           (isalnum((unsigned char)text.at[end]) || strchr("-._~=+@,", text.at[end])))
        end++;
    name = (struct view){text.at + begin, end - begin};
    return name.len <= OBJECT_NAME_MOST && object_is_name(name) && object_is_known(name) ? name
                                                                                         : VIEW("");
}

/* Interactions are named without their collection, behind the member's own name. */
static bool add_previous(struct view text, struct bytes *names)
{
    static const char *const spellings[] = {"previousInteractionId", "previous_interaction_id"};
    bool has_room = true;

    for (size_t i = 0; i < 2; i++) {
        struct view rest = text, id;
        const char *at;

        while (has_room && rest.len &&
               (at = memmem(rest.at, rest.len, spellings[i], strlen(spellings[i]))) != NULL) {
            rest = view_skip(rest, (size_t)(at - rest.at) + strlen(spellings[i]));
            while (rest.len && !isalnum((unsigned char)rest.at[0]))
                rest = view_skip(rest, 1);
            for (id = (struct view){rest.at, 0};
                 id.len < rest.len && id.len <= OBJECT_NAME_MOST && /* longer is no name */
                 (isalnum((unsigned char)rest.at[id.len]) || strchr("-._~", rest.at[id.len]));)
                id.len++;
            has_room = add_id(names, VIEW("interactions/"), id);
        }
    }
    return has_room;
}

static bool mentions_in_odd(struct view body, struct bytes *names)
{
    struct bytes room = {0};
    bool has_room = body.len <= ODD_MOST;
    struct view text;

    if (has_room)
        lay_open(body, &room);
    text = bytes_view(&room);
    for (size_t at = 0; has_room && at < text.len; at++) {
        const char *slash = memchr(text.at + at, '/', text.len - at);
        struct view name;

        if (!slash)
            break;
        at = (size_t)(slash - text.at);
        name = name_around(text, at);
        has_room = !name.len || object_add(names, name);
    }
    has_room = has_room && add_previous(text, names);
    bytes_clear(&room);
    return has_room;
}

bool mentions_in_body(struct view json, struct bytes *names)
{
    struct scan scan = scan_of(view_starts(json, VIEW("\xef\xbb\xbf")) ? view_skip(json, 3) : json);
    const struct member *member = NULL;
    struct scan_string string;
    struct bytes room = {0};
    bool has_room = true;

    while (has_room && scan_next(&scan, &string)) {
        if (string.is_name)
            member = string.raw.len < 256 ? find_member(scan_text(string.raw, &room)) : NULL;
        else if (member)
            has_room = add_value(names, member, string.raw);
    }
    bytes_clear(&room);
    return has_room && (!scan.is_odd || mentions_in_odd(json, names));
}

bool mentions_in_query(struct view query, struct bytes *names)
{
    struct view name, value, object;
    bool has_room = true;

    while (has_room && url_query_next(&query, &name, &value)) {
        struct bytes text = {0};

        url_query_decode(value, &text);
        object = object_of_text(bytes_view(&text));
        if (object.len)
            has_room = object_add(names, object);
        bytes_clear(&text);
    }
    return has_room;
}

/* ---- answers ---- */

enum { NAMES_MOST = 16 }; /* of one answer */

/* 2026-01-02T03:04:05.678Z in ms since 1970; 0: it is none. */
static uint64_t read_time(struct view text)
{
    struct tm tm = {0};
    char room[40];
    int end = 0;

    if (text.len >= sizeof(room))
        return 0;
    memcpy(room, text.at, text.len);
    room[text.len] = '\0';
    if (sscanf(room, "%4d-%2d-%2dT%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
               &tm.tm_min, &tm.tm_sec, &end) != 6 ||
        !end)
        return 0;
    tm.tm_year -= 1900;
    tm.tm_mon--;
    return timegm(&tm) > 0 ? (uint64_t)timegm(&tm) * 1000 : 0;
}

struct answer_scan {
    struct description *description;
    struct view path;
    bool is_inside;  /* of the member `file` or `interaction`, where the object itself is */
    bool is_listing; /* …or of `files`, where all that were registered are */
    size_t count;
};

static bool is_in(struct view name, const char *a, const char *b)
{
    return view_equal(name, view_of(a)) || view_equal(name, view_of(b));
}

/* Where members speak of the object itself. */
static bool is_itself(const struct answer_scan *scan, unsigned depth)
{
    return depth == 1 || (depth == 2 && scan->is_inside) || (depth == 3 && scan->is_listing);
}

static void add(struct answer_scan *scan, struct view name)
{
    if (name.len && scan->count < NAMES_MOST && object_add(&scan->description->names, name))
        scan->count++;
}

/* The collection that was asked, as `interactions` of /interactions?x and of /interactions/i/cancel. */
static struct view collection_of(struct view path)
{
    size_t len = 0;

    path = view_skip(path, path.len > 0);
    while (len < path.len && !strchr("/:?", path.at[len]))
        len++;
    return (struct view){path.at, len};
}

static void add_own_id(struct answer_scan *scan, struct view id)
{
    struct view collection = collection_of(scan->path);
    struct bytes head = {0};

    bytes_append(&head, collection);
    bytes_text(&head, "/");
    if (id.len && !memchr(id.at, '/', id.len) &&
        object_is_list((struct view){scan->path.at, collection.len + 1}) &&
        scan->count < NAMES_MOST && add_id(&scan->description->names, bytes_view(&head), id))
        scan->count++;
    bytes_clear(&head);
}

/* Only what has a collection is a name; display names have none. */
static void add_own_name(struct answer_scan *scan, struct view name)
{
    struct bytes path = {0};

    bytes_text(&path, "/");
    bytes_append(&path, name);
    if (name.len <= OBJECT_NAME_MOST)
        add(scan, object_of_path(bytes_view(&path)));
    bytes_clear(&path);
}

static void take_member(struct answer_scan *scan, struct view name, unsigned depth,
                        struct view value)
{
    if (is_in(name, "uri", "downloadUri") || is_in(name, "responsesFile", "responses_file"))
        add(scan, object_of_text(value));
    if (!is_itself(scan, depth))
        return;
    if (view_equal(name, VIEW("name")))
        add_own_name(scan, value);
    else if (view_equal(name, VIEW("id")))
        add_own_id(scan, value);
    else if (is_in(name, "expireTime", "expirationTime") && !scan->description->until_ms)
        scan->description->until_ms = read_time(value);
}

/* A member of the answer's own begins. */
static void enter(struct answer_scan *scan, struct view member)
{
    scan->is_inside = is_in(member, "file", "interaction");
    scan->is_listing =
        view_equal(scan->path, VIEW("/files:register")) && view_equal(member, VIEW("files"));
}

void mentions_in_answer(struct view beginning, struct view path, struct description *description)
{
    struct answer_scan answer = {.description = description, .path = path};
    struct scan scan = scan_of(beginning);
    struct view member = {0};
    struct scan_string string;
    struct bytes room = {0};

    while (scan_next(&scan, &string)) {
        if (string.is_name) {
            member = string.raw;
            if (string.depth == 1)
                enter(&answer, member);
        } else if (string.raw.len <= (size_t)4 * OBJECT_NAME_MOST) {
            take_member(&answer, member, string.depth, scan_text(string.raw, &room));
        }
    }
    bytes_clear(&room);
}
