/* SPDX-License-Identifier: Apache-2.0 */
/* Answers over HTTP/1.1. Called by the direct transfers. What must stay true: an answer that can be
 * read in two ways is none, for the next answer on the connection would begin at the wrong place;
 * and what is told does not depend on how the bytes were cut.
 *
 * http_parser is stopped (paused) after each thing that is to be told, so that the caller asks for
 * the next one when it likes. */
#include "transfer/response.h"

#include <string.h>
#include <strings.h>

enum {
    INTERIM_MOST = 16, /* heads with a 1xx before the answer */
    STATUS_LEAST = 100,
    FINAL_LEAST = 200,
    SWITCHING_PROTOCOLS = 101,
    NO_CONTENT = 204,
    NOT_MODIFIED = 304,
};

static struct response *response_of(struct http_parser *parser)
{
    return parser->data;
}

static int tell(struct http_parser *parser, enum response_sign sign)
{
    response_of(parser)->sign = sign;
    http_parser_pause(parser, 1);
    return 0;
}

static int refuse(struct http_parser *parser, const char *why)
{
    response_of(parser)->why = why;
    return -1;
}

/* Headers */

/* Keeps what fits, and one more than that of what does not, so that it equals nothing. */
static void append(char *text, unsigned char *len, size_t size, const char *at, size_t more)
{
    if (more > size - *len)
        more = size - *len;
    memcpy(text + *len, at, more);
    *len = (unsigned char)(*len + more);
}

/* A value may come in parts: the line is kept without its end until the next header begins. */
static void end_line(struct response *response)
{
    if (response->in_value && response->header == HEADER_WANTED)
        bytes_text(response->lines, "\r\n");
}

static int on_field(struct http_parser *parser, const char *at, size_t len)
{
    struct response *response = response_of(parser);

    if (memchr(at, ' ', len))
        return refuse(parser, "a header's name has a space"); /* Debian's build lets it through */
    end_line(response);
    if (response->in_value)
        response->name_len = 0;
    response->in_value = false;
    append(response->name, &response->name_len, sizeof(response->name), at, len);
    return 0;
}

static struct view name_of(const struct response *response)
{
    return (struct view){response->name, response->name_len};
}

static bool is_named(const struct response *response, struct view name)
{
    return response->name_len == name.len && strncasecmp(response->name, name.at, name.len) == 0;
}

/* Of several types the last one counts; several codings are one that we do not know. */
static enum response_header header_of(struct response *response)
{
    if (response->has_head)
        return HEADER_OTHER; /* behind the last chunk */
    if (is_named(response, VIEW("Transfer-Encoding")))
        return HEADER_CODING;
    if (response->lines && response->wanted_lens >> response->name_len & 1 &&
        lines_want(response->wanted, name_of(response)))
        return HEADER_WANTED;
    if (!is_named(response, VIEW("Content-Type")))
        return HEADER_OTHER;
    response->type_len = 0;
    return HEADER_TYPE;
}

static void keep_line(struct response *response, struct view part)
{
    struct bytes *lines = response->lines;

    if (!response->in_value) {
        bytes_append(lines, name_of(response));
        bytes_text(lines, ": ");
    }
    if (lines->len + part.len <= LINES_MOST)
        bytes_append(lines, part);
}

static int on_value(struct http_parser *parser, const char *at, size_t len)
{
    struct response *response = response_of(parser);

    if (!response->in_value)
        response->header = header_of(response);
    if (response->header == HEADER_WANTED)
        keep_line(response, (struct view){at, len});
    response->in_value = true;
    if (response->header == HEADER_TYPE)
        append(response->type, &response->type_len, sizeof(response->type), at, len);
    if (response->header == HEADER_CODING)
        append(response->coding, &response->coding_len, sizeof(response->coding), at, len);
    return 0;
}

static void trim(const char *text, unsigned char *len)
{
    while (*len && (text[*len - 1] == ' ' || text[*len - 1] == '\t'))
        (*len)--;
}

/* The head */

static bool is_interim(const struct http_parser *parser)
{
    return parser->status_code < FINAL_LEAST;
}

/* We have asked for none but chunks, and could read no other. */
static bool is_coding_known(struct response *response)
{
    trim(response->coding, &response->coding_len);
    return (response->parser.flags & F_CHUNKED) && response->coding_len == strlen("chunked") &&
           strncasecmp(response->coding, "chunked", response->coding_len) == 0;
}

static const char *head_fault(struct response *response)
{
    const struct http_parser *parser = &response->parser;

    if (parser->http_major != 1)
        return "its version of HTTP is none of 1.x";
    if (parser->status_code < STATUS_LEAST)
        return "its status is none";
    if (parser->status_code == SWITCHING_PROTOCOLS)
        return "it wants to switch protocols";
    if (is_interim(parser) && ++response->interim_count > INTERIM_MOST)
        return "interim heads come without end";
    if (parser->uses_transfer_encoding && !is_coding_known(response))
        return "its Transfer-Encoding is not chunked";
    return NULL;
}

/* 1: no body follows, whatever the headers say. */
static int on_head(struct http_parser *parser)
{
    struct response *response = response_of(parser);
    const char *why = head_fault(response);
    bool has_body = parser->status_code != NO_CONTENT && parser->status_code != NOT_MODIFIED;

    if (why)
        return refuse(parser, why);
    end_line(response);
    response->name_len = response->coding_len = 0;
    response->in_value = false;
    if (is_interim(parser)) {
        response->type_len = 0;
        if (response->lines)
            response->lines->len = 0;
        return 1;
    }
    response->has_head = true;
    response->status = parser->status_code;
    if (has_body && (parser->flags & F_CONTENTLENGTH))
        response->length = parser->content_length + 1;
    trim(response->type, &response->type_len);
    tell(parser, RESPONSE_HEAD);
    return !has_body || response->is_bodiless;
}

/* The rest */

static int on_body(struct http_parser *parser, const char *at, size_t len)
{
    response_of(parser)->slice = (struct view){at, len};
    return tell(parser, RESPONSE_BYTES);
}

static int on_end(struct http_parser *parser)
{
    struct response *response = response_of(parser);

    if (!response->has_head)
        return 0; /* of an interim head */
    response->may_be_kept = http_should_keep_alive(parser);
    return tell(parser, RESPONSE_END);
}

static const struct http_parser_settings callbacks = {
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_headers_complete = on_head,
    .on_body = on_body,
    .on_message_complete = on_end,
};

void response_init(struct response *response)
{
    memset(response, 0, offsetof(struct response, name));
    http_parser_init(&response->parser, HTTP_RESPONSE);
}

static enum response_sign wrong(struct response *response)
{
    if (!response->why)
        response->why = http_errno_description(HTTP_PARSER_ERRNO(&response->parser));
    return RESPONSE_WRONG;
}

static size_t execute(struct response *response, const char *at, size_t len)
{
    response->sign = RESPONSE_MORE;
    response->parser.data = response;
    http_parser_pause(&response->parser, 0);
    return http_parser_execute(&response->parser, &callbacks, at, len);
}

/* In runs, so that no slice is longer than one. */
enum response_sign response_read(struct response *response, struct view *text, struct view *slice)
{
    while (text->len) {
        size_t len = text->len < RESPONSE_SLICE ? text->len : RESPONSE_SLICE;

        *text = view_skip(*text, execute(response, text->at, len));
        if (response->sign != RESPONSE_MORE) {
            *slice = response->slice;
            return response->sign;
        }
        if (HTTP_PARSER_ERRNO(&response->parser) != HPE_OK)
            return wrong(response);
    }
    return RESPONSE_MORE;
}

enum response_sign response_close(struct response *response)
{
    execute(response, NULL, 0);
    if (response->sign == RESPONSE_END)
        return RESPONSE_END;
    response->why = "the connection was closed before the answer was whole";
    return RESPONSE_WRONG;
}
