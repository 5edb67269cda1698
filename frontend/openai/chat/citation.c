/* SPDX-License-Identifier: Apache-2.0 */
/* The sources of an answer as a chat's url_citations: what passages are grounded on, what they
 * recite, and what the model has read as a whole. Called for each piece, since the provider counts
 * bytes of its parts and a chat counts characters of the whole content; and again where sources
 * come, which in a stream is at its end. What must stay true: a citation points into the text that
 * the client has; what a provider may send is bounded. */
#include "openai/chat/reply.h"

enum {
    SAID_MOST = 32 * 1024,        /* of an answer's text; sources of what is behind are not told */
    CITATIONS_MOST = 256,         /* of an answer */
    ANNOTATIONS_MOST = 64 * 1024, /* bytes of them; of links in text as well */
    VISITED_MOST = 16 * 1024,     /* bytes of addresses that were read */
    URL_MOST = 2 * 1024,          /* bytes; longer ones are left out, and so are titles */
    CHUNKS_MOST = 256,            /* sources of an event that can be referred to: each is a walk */
    LOOKS_MOST = 256, /* passages and references of an event; each passage is counted through */
};

/* The kinds of parts that make a new part where they meet. */
enum { KIND_OTHER, KIND_TEXT, KIND_CODE, KIND_THOUGHT };

static int kind_of(const struct piece *piece)
{
    if (piece->is_thought)
        return KIND_THOUGHT;
    if (piece->kind == PIECE_TEXT)
        return piece->is_code || piece->is_media ? KIND_CODE : KIND_TEXT;
    return KIND_OTHER;
}

static void say(struct reply_cited *cited, const struct piece *piece)
{
    size_t len = piece->before.len + piece->text.len + piece->after.len;

    cited->is_over = cited->is_over || len > SAID_MOST - cited->said.len;
    if (!cited->is_over)
        piece_say(piece, &cited->said);
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
        cited->starts[cited->part_count++] = piece->kind == PIECE_TEXT && !piece->is_thought
                                                 ? (uint32_t)cited->said.len
                                                 : UINT32_MAX;
    if (!is_stream || !is_mark)
        cited->kind = kind;
    if (piece->kind != PIECE_TEXT)
        return;
    say(cited, piece);
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

static bool holds(const struct bytes *all, const struct bytes *one)
{
    return all->len && memmem(all->at, all->len, one->at, one->len);
}

/* Some providers repeat in each event what they have said before. */
static void add(struct reply_cited *cited, const struct run *run, struct view url,
                struct view title)
{
    struct bytes one = {0}, *all = &cited->annotations;

    if (!url.len || url.len > URL_MOST || cited->count == CITATIONS_MOST)
        return;
    write(&one, run, url, title);
    if (all->len + one.len < ANNOTATIONS_MOST && !holds(all, &one)) {
        bytes_append(all, all->len ? VIEW(",") : VIEW(""));
        bytes_append(all, bytes_view(&one));
        cited->count++;
    }
    bytes_clear(&one);
}

static void add_web(struct reply_cited *cited, const struct run *run, yyjson_val *web)
{
    add(cited, run, json_view(json_member(web, VIEW("uri"))),
        json_view(json_member(web, VIEW("title"))));
}

static void note_grounding(struct reply_cited *cited, yyjson_val *grounding)
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
                add_web(cited, &run, json_member(yyjson_arr_get(chunks, index), VIEW("web")));
        }
    }
}

/* Passages that stand so elsewhere; they are counted through the whole text. */
static void note_recited(struct reply_cited *cited, yyjson_val *citation)
{
    yyjson_val *sources = json_member(citation, VIEW("citationSources")), *source;
    size_t i, max;
    struct run run;

    if (!sources)
        sources = json_member(citation, VIEW("citations"));
    yyjson_arr_foreach(sources, i, max, source)
    {
        if (i < LOOKS_MOST && run_of(cited, source, &run))
            add_web(cited, &run, source);
    }
}

/* ---- of the whole answer ---- */

static bool is_read(yyjson_val *page)
{
    return view_equal(json_view(json_member(page, VIEW("urlRetrievalStatus"))),
                      VIEW("URL_RETRIEVAL_STATUS_SUCCESS"));
}

static void note_visited(struct reply_cited *cited, yyjson_val *context)
{
    size_t i, max;
    yyjson_val *page;

    yyjson_arr_foreach(json_member(context, VIEW("urlMetadata")), i, max, page)
    {
        struct view url = json_view(json_member(page, VIEW("retrievedUrl")));

        if (!is_read(page) || !url.len || url.len > URL_MOST || memchr(url.at, '\n', url.len) ||
            cited->visited.len + url.len >= VISITED_MOST)
            continue;
        bytes_append(&cited->visited, url);
        bytes_append(&cited->visited, VIEW("\n"));
    }
}

/* Those that passages refer to need no citation more. */
static void add_visited(struct reply_cited *cited)
{
    struct view rest = bytes_view(&cited->visited);
    struct run run = {0, characters(bytes_view(&cited->said))};

    while (rest.len) {
        size_t len = (size_t)((const char *)memchr(rest.at, '\n', rest.len) - rest.at);
        struct view url = {rest.at, len};
        struct bytes mark = {0};

        bytes_append(&mark, VIEW("\"url\":"));
        json_text(&mark, url);
        if (!holds(&cited->annotations, &mark))
            add(cited, &run, url, url);
        bytes_clear(&mark);
        rest = view_skip(rest, len + 1);
    }
    cited->visited.len = 0;
}

/* ---- as text ---- */

/* What would end the link. */
static void write_escaped(struct bytes *out, struct view text, const char *what, const char *with)
{
    for (size_t i = 0; i < text.len; i++) {
        const char *found = strchr(what, text.at[i]);
        if (text.at[i] && found)
            bytes_printf(out, with, (unsigned char)*found);
        else
            bytes_append(out, (struct view){text.at + i, 1});
    }
}

static void list(struct reply_cited *cited, struct view url, struct view title)
{
    struct bytes *links = &cited->links, line = {0};

    if (!url.len || url.len > URL_MOST || links->len > ANNOTATIONS_MOST)
        return;
    bytes_append(&line, VIEW("\n- ["));
    write_escaped(&line, title.len && title.len <= URL_MOST ? title : url, "[]\\", "\\%c");
    bytes_append(&line, VIEW("]("));
    write_escaped(&line, url, "() <>\n", "%%%02X");
    bytes_append(&line, VIEW(")"));
    if (!holds(links, &line)) {
        bytes_append(links, links->len ? VIEW("") : VIEW("\n\n---\n**Sources**\n"));
        bytes_append(links, bytes_view(&line));
    }
    bytes_clear(&line);
}

static void list_found(struct reply_cited *cited, yyjson_val *grounding)
{
    size_t i, max;
    yyjson_val *chunk;

    yyjson_arr_foreach(json_member(grounding, VIEW("groundingChunks")), i, max, chunk)
    {
        yyjson_val *web = json_member(chunk, VIEW("web"));
        if (i < CHUNKS_MOST)
            list(cited, json_view(json_member(web, VIEW("uri"))),
                 json_view(json_member(web, VIEW("title"))));
    }
}

/* ---- all of it ---- */

bool citation_has(yyjson_val *candidate)
{
    return json_member(candidate, VIEW("groundingMetadata")) ||
           json_member(candidate, VIEW("citationMetadata")) ||
           json_member(candidate, VIEW("urlContextMetadata"));
}

void citation_note(struct reply *reply, struct reply_choice *choice, yyjson_val *candidate)
{
    struct reply_cited *cited = &choice->cited;
    size_t had = cited->annotations.len + cited->links.len + cited->visited.len;
    yyjson_val *grounding = json_member(candidate, VIEW("groundingMetadata"));

    if (!citation_has(candidate) || reply->ask->is_json_told) /* a fence may have gone before it */
        return;
    note_grounding(cited, grounding);
    note_recited(cited, json_member(candidate, VIEW("citationMetadata")));
    note_visited(cited, json_member(candidate, VIEW("urlContextMetadata")));
    if (reply->style.search_links && reply->ask->is_search)
        list_found(cited, grounding);
    reply->kept += cited->annotations.len + cited->links.len + cited->visited.len - had;
}

void citation_write(struct reply_choice *choice, struct bytes *out)
{
    add_visited(&choice->cited);
    bytes_append(out, VIEW("\"annotations\":["));
    bytes_append(out, bytes_view(&choice->cited.annotations));
    bytes_append(out, VIEW("]"));
}
