/* SPDX-License-Identifier: Apache-2.0 */
/* Single words of a schema object in one of the provider's two forms. Called by schema.c. What must
 * stay true: a word that the provider doesn't know is left out, and told in the description where
 * that is short. */
#include "openai/chat/schema_words.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

enum { NOTE_MOST = 300 /* bytes of what a description is told of one word */ };

/* OpenAPI's form has them in capitals. */
static void write_type(struct walk *walk, unsigned type)
{
    const char *name = type_names[__builtin_ctz(type)];

    for (; *name; name++) {
        char c = walk->form == SCHEMA_OPENAPI ? (char)(*name - ('a' - 'A')) : *name;
        bytes_append(walk->out, (struct view){&c, 1});
    }
}

/* JSON's form has one type or a list. */
void words_types(struct walk *walk, unsigned some)
{
    bool is_list = some & (some - 1);
    size_t written = 0;

    if (!some)
        return;
    json_key(walk->out, VIEW("type"));
    bytes_text(walk->out, is_list ? "[" : "");
    for (unsigned type = 1; type <= IS_NULL; type <<= 1) {
        if (!(some & type))
            continue;
        bytes_text(walk->out, written++ ? ",\"" : "\"");
        write_type(walk, type);
        bytes_text(walk->out, "\"");
    }
    bytes_text(walk->out, is_list ? "]" : "");
}

static bool is_format_taken(const struct walk *walk, struct view format, unsigned of)
{
    static const struct {
        const char *name;
        unsigned types;
        bool is_new; /* JSON's form only */
    } formats[] = {
        {"date-time", IS_STRING, false}, {"date", IS_STRING, true},    {"time", IS_STRING, true},
        {"float", IS_NUMBER, false},     {"double", IS_NUMBER, false}, {"int32", IS_INTEGER, false},
        {"int64", IS_INTEGER, false},
    };

    for (size_t i = 0; i < COUNT_OF(formats); i++)
        if (view_equal(format, view_of(formats[i].name)))
            return formats[i].types & of && !(formats[i].is_new && walk->form == SCHEMA_OPENAPI);
    return false;
}

void words_format(struct walk *walk, const struct node *node, const struct facts *facts)
{
    struct view format = json_view(node_word(node, VIEW("format")));

    if (!is_format_taken(walk, format, facts->types))
        return;
    json_key(walk->out, VIEW("format"));
    json_text(walk->out, format);
}

/* Whether the values can stand in an enum: texts, in JSON's form numbers too, and none that the
 * provider refuses. Numbers of a schema for texts are texts to it. */
bool words_are_enum(const struct walk *walk, const struct facts *facts)
{
    unsigned kinds = facts->values.types & ~(unsigned)IS_NULL;
    unsigned numbers = IS_INTEGER | IS_NUMBER;

    if (!kinds || facts->values.has_empty)
        return false;
    if (facts->types == IS_STRING)
        return !(kinds & ~(IS_STRING | numbers));
    return walk->form == SCHEMA_JSON && !(kinds & ~numbers) && !(facts->types & ~numbers);
}

void words_enum(struct walk *walk, const struct facts *facts)
{
    yyjson_val *value = facts->values.first;
    size_t written = 0;

    if (!words_are_enum(walk, facts))
        return;
    json_key(walk->out, VIEW("enum"));
    for (size_t i = 0; i < facts->values.count; i++, value = unsafe_yyjson_get_next(value)) {
        if (yyjson_is_null(value))
            continue;
        bytes_append(walk->out, written++ ? VIEW(",") : VIEW("["));
        if (yyjson_is_raw(value) && facts->types == IS_STRING)
            json_text(walk->out, (struct view){yyjson_get_raw(value), yyjson_get_len(value)});
        else
            json_value(walk->out, value);
    }
    bytes_append(walk->out, VIEW("]"));
}

void words_title(struct walk *walk, const struct node *node)
{
    struct view title = json_view(node_word(node, VIEW("title")));

    if (!title.len)
        return;
    json_key(walk->out, VIEW("title"));
    json_text(walk->out, title);
}

/* ---- the description, and what it has to tell ---- */

/* Whether a value with all that is in it takes few bytes; that costs no more than those. */
static bool is_short(yyjson_val *value, size_t most)
{
    yyjson_val *end = unsafe_yyjson_get_next(value);
    size_t size = 0;

    for (; value < end && size <= most; value++)
        size += 4 + (yyjson_is_ctn(value) ? 0 : yyjson_get_len(value));
    return size <= most;
}

static void note_value(struct bytes *note, const char *before, yyjson_val *value,
                       const char *behind)
{
    bytes_text(note, before);
    json_value(note, value);
    bytes_text(note, behind);
}

static void note_values(const struct walk *walk, const struct facts *facts, struct bytes *note)
{
    yyjson_val *value = facts->values.first;
    size_t start = note->len;

    if (!facts->values.count || words_are_enum(walk, facts) || !(facts->values.types & ~IS_NULL))
        return;
    for (size_t i = 0; i < facts->values.count; i++, value = unsafe_yyjson_get_next(value)) {
        if (note->len - start > NOTE_MOST || !is_short(value, NOTE_MOST)) {
            note->len = start;
            return;
        }
        note_value(note, i ? ", " : " One of: ", value, "");
    }
    bytes_text(note, ".");
}

/* Words that the provider doesn't know are told if they say something that is short. */
static void note_words(const struct walk *walk, const struct node *node, const struct facts *facts,
                       struct bytes *note)
{
    static const struct {
        const char *word, *sentence;
    } words[] = {
        {"exclusiveMinimum", " Greater than "},
        {"exclusiveMaximum", " Less than "},
        {"multipleOf", " A multiple of "},
        {"additionalProperties", " Each value: "},
    };
    yyjson_val *format = node_word(node, VIEW("format"));

    for (size_t i = 0; i < COUNT_OF(words); i++) {
        yyjson_val *value = node_word(node, view_of(words[i].word));
        if ((yyjson_is_raw(value) || yyjson_obj_size(value)) && is_short(value, NOTE_MOST))
            note_value(note, words[i].sentence, value, ".");
    }
    if (!json_view(format).len || is_format_taken(walk, json_view(format), facts->types) ||
        !is_short(format, NOTE_MOST))
        return;
    bytes_text(note, " Format: ");
    bytes_append(note, json_view(format));
    bytes_text(note, ".");
}

void words_description(struct walk *walk, const struct node *node, const struct facts *facts)
{
    struct view said = json_view(node_word(node, VIEW("description")));
    struct bytes note = {0};

    note_values(walk, facts, &note);
    note_words(walk, node, facts, &note);
    if (!said.len && !note.len && !facts->types && !facts->branches && !facts->is_nullable &&
        walk->form == SCHEMA_OPENAPI)
        bytes_text(&note, " any value");
    if (said.len || note.len) {
        json_key(walk->out, VIEW("description"));
        bytes_append(walk->out, VIEW("\""));
        json_escape(walk->out, said);
        json_escape(walk->out, view_skip(bytes_view(&note), note.len && !said.len ? 1 : 0));
        bytes_append(walk->out, VIEW("\""));
    }
    bytes_clear(&note);
}

/* ---- words about one type ---- */

void words_counts(struct walk *walk, const struct node *node, const char *const names[2])
{
    for (size_t i = 0; i < 2; i++) {
        int64_t count;
        if (!json_integer(node_word(node, view_of(names[i])), &count) || count < 0)
            continue;
        json_key(walk->out, view_of(names[i]));
        json_int(walk->out, count);
    }
}

void words_text(struct walk *walk, const struct node *node)
{
    struct view pattern = json_view(node_word(node, VIEW("pattern")));

    words_counts(walk, node, (const char *const[]){"minLength", "maxLength"});
    if (pattern.len) {
        json_key(walk->out, VIEW("pattern"));
        json_text(walk->out, pattern);
    }
}

/* A bound that is excluded is looser as one that isn't. */
void words_number(struct walk *walk, const struct node *node)
{
    static const char *const bounds[][2] = {{"minimum", "exclusiveMinimum"},
                                            {"maximum", "exclusiveMaximum"}};

    for (size_t i = 0; i < COUNT_OF(bounds); i++) {
        yyjson_val *bound = node_word(node, view_of(bounds[i][0]));
        if (!yyjson_is_raw(bound))
            bound = node_word(node, view_of(bounds[i][1]));
        if (!yyjson_is_raw(bound))
            continue;
        json_key(walk->out, view_of(bounds[i][0]));
        json_value(walk->out, bound);
    }
}
