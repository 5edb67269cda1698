/* SPDX-License-Identifier: Apache-2.0 */
/* The sources of an answer, groundingMetadata, as a chat's url_citations. Called by dialect_openai
 * for each part, since the provider counts bytes of its parts and a chat counts characters of the
 * whole content; and again where sources come, which in a stream is at its end. What must stay
 * true: a citation points into the text that the client has; what a provider may send is bounded.
 */
#include "openai/chat/reply.h"

enum {
    SAID_MOST = 32 * 1024,        /* of an answer's text; sources of what is behind are not told */
    CITATIONS_MOST = 256,         /* of an answer */
    ANNOTATIONS_MOST = 64 * 1024, /* bytes of them */
    URL_MOST = 2 * 1024,          /* bytes; longer ones are left out, and so are titles */
    CHUNKS_MOST = 256,            /* sources of an event that can be referred to: each is a walk */
    LOOKS_MOST = 256, /* passages and references of an event; each passage is counted through */
};

/* The kinds of parts that make a new part where they meet. */
enum { KIND_OTHER, KIND_TEXT, KIND_CODE, KIND_THOUGHT };

static int kind_of(const struct piece *piece)
{
    if (piece->kind == PIECE_TEXT)
        return piece->before.len ? KIND_CODE : KIND_TEXT;
    return piece->text.len ? KIND_THOUGHT : KIND_OTHER;
}

static void say(struct reply_cited *cited, struct view text)
{
    cited->is_over = cited->is_over || text.len > SAID_MOST - cited->said.len;
    if (!cited->is_over && text.len)
        bytes_append(&cited->said, text);
}

void citation_hear(struct reply *reply, struct reply_choice *choice, const struct piece *piece,
                   bool is_stream)
{
    struct reply_cited *cited = &choice->cited;
    size_t had = cited->said.len;
    int kind = kind_of(piece);
    bool is_mark = piece->kind == PIECE_NONE && kind == KIND_OTHER;
    bool joins = is_stream &&
                 (is_mark || (kind == cited->kind && (kind == KIND_TEXT || kind == KIND_THOUGHT)));

    if (!joins && cited->part_count < REPLY_CITED_PARTS)
        cited->starts[cited->part_count++] =
            piece->kind == PIECE_TEXT ? (uint32_t)cited->said.len : UINT32_MAX;
    if (!is_stream || !is_mark)
        cited->kind = kind;
    if (piece->kind != PIECE_TEXT)
        return;
    say(cited, piece->before);
    say(cited, piece->text);
    say(cited, piece->after);
    reply->kept += cited->said.len - had;
}

/* Where the part begins in the text. A number that is none of a part of text is taken for that of
 * the first: providers leave it out, or count without thoughts. */
static size_t start_of_part(const struct reply_cited *cited, uint64_t part)
{
    if (part < cited->part_count && cited->starts[part] != UINT32_MAX)
        return cited->starts[part];
    for (size_t i = 0; i < cited->part_count; i++)
        if (cited->starts[i] != UINT32_MAX)
            return cited->starts[i];
    return 0;
}

static size_t characters(struct view text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++)
        count += ((unsigned char)text.at[i] & 0xc0) != 0x80;
    return count;
}

/* A run of the text, in characters. */
struct run {
    size_t start, end;
};

/* False: there is no such text. */
static bool run_of(const struct reply_cited *cited, yyjson_val *segment, struct run *run)
{
    size_t base = start_of_part(cited, json_count(json_member(segment, VIEW("partIndex"))));
    size_t most = cited->said.len - base;
    uint64_t start = json_count(json_member(segment, VIEW("startIndex")));
    uint64_t end = json_count(json_member(segment, VIEW("endIndex")));

    if (end > most && !cited->is_over)
        end = most;
    if (start >= end || end > most)
        return false;
    run->start = characters((struct view){cited->said.at, base + start});
    run->end = run->start + characters((struct view){cited->said.at + base + start, end - start});
    return true;
}

static void write(struct bytes *out, const struct run *run, struct view url, struct view title)
{
    bytes_append(out, VIEW("{\"type\":\"url_citation\",\"url_citation\":{\"start_index\":"));
    json_int(out, (int64_t)run->start);
    bytes_append(out, VIEW(",\"end_index\":"));
    json_int(out, (int64_t)run->end);
    bytes_append(out, VIEW(",\"url\":"));
    json_text(out, url);
    bytes_append(out, VIEW(",\"title\":"));
    json_text(out, title.len && title.len <= URL_MOST ? title : url);
    bytes_append(out, VIEW("}}"));
}

/* Some providers repeat in each event what they have said before. */
static void add(struct reply_cited *cited, const struct run *run, yyjson_val *web)
{
    struct view url = json_view(json_member(web, VIEW("uri")));
    struct bytes one = {0}, *all = &cited->annotations;

    if (!url.len || url.len > URL_MOST || cited->count == CITATIONS_MOST)
        return;
    write(&one, run, url, json_view(json_member(web, VIEW("title"))));
    if (all->len + one.len < ANNOTATIONS_MOST &&
        (!all->len || !memmem(all->at, all->len, one.at, one.len))) {
        bytes_append(all, all->len ? VIEW(",") : VIEW(""));
        bytes_append(all, bytes_view(&one));
        cited->count++;
    }
    bytes_clear(&one);
}

static void note(struct reply_cited *cited, yyjson_val *grounding)
{
    yyjson_val *chunks = json_member(grounding, VIEW("groundingChunks")), *support, *number;
    size_t i, max, k, count, looks = 0;
    struct run run;

    yyjson_arr_foreach(json_member(grounding, VIEW("groundingSupports")), i, max, support)
    {
        yyjson_val *numbers = json_member(support, VIEW("groundingChunkIndices"));

        if (looks++ >= LOOKS_MOST || !run_of(cited, json_member(support, VIEW("segment")), &run))
            continue;
        yyjson_arr_foreach(numbers, k, count, number)
        {
            uint64_t index = json_count(number);
            if (looks++ < LOOKS_MOST && index < CHUNKS_MOST)
                add(cited, &run, json_member(yyjson_arr_get(chunks, index), VIEW("web")));
        }
    }
}

void citation_note(struct reply *reply, struct reply_choice *choice, yyjson_val *grounding)
{
    size_t had = choice->cited.annotations.len;

    note(&choice->cited, grounding);
    reply->kept += choice->cited.annotations.len - had;
}
