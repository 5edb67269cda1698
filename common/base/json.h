/* SPDX-License-Identifier: Apache-2.0 */
/* JSON: read by yyjson, with a bound on depth; written by hand into bytes. */
#pragma once

#include <yyjson.h>

#include "base/bytes.h"

/* How deep a client's JSON may nest; the provider itself refuses less. */
#define JSON_DEPTH 256

/* The text without a byte order mark in front. */
struct view json_skip_mark(struct view text);

/* Reads a client's text, which may begin with a byte order mark. Numbers stay text, so that they can be handed on as the client spelled
 * them; a lone half of a surrogate pair (an emoji that was cut in two) becomes U+FFFD. NULL: it is
 * no JSON, and `*why` (static) says where the fault lies. Free with yyjson_doc_free, which takes
 * NULL. */
yyjson_doc *json_read_request(struct view text, const char **why);

/* Reads what is nearly JSON, with commas at ends and comments; otherwise like json_read_request. */
yyjson_doc *json_read_loosely(struct view text);

/* Reads a provider's text, numbers as text too; halves of pairs are mended here as well. NULL: it
 * is no JSON. */
yyjson_doc *json_read_reply(struct view text);

/* Reads a text that is looked at and let go, as an event of a stream: a short one in one static
 * block, so that it costs no malloc; halves of pairs are mended. NULL: it is no JSON. One at a time: json_close it, which takes
 * NULL, before the next json_open. */
yyjson_doc *json_open(struct view text, yyjson_read_flag flags);
void json_close(yyjson_doc *doc);

/* The member of that name; NULL: absent or null, or `object` is none. */
yyjson_val *json_member(yyjson_val *object, struct view name);

/* The text of a string; anything else gives the empty view. */
struct view json_view(yyjson_val *value);

/* A member's text, or count; empty or 0 if there is none of that type. */
struct view json_member_text(yyjson_val *object, const char *name);
uint64_t json_member_count(yyjson_val *object, const char *name);

/* "a string", "an object", …, for people. */
const char *json_type(yyjson_val *value);

/* Whether the value is a number, and which. */
bool json_number(yyjson_val *value, double *number);

/* Whether it is a whole number; one beyond the range of int64_t gives its end. */
bool json_integer(yyjson_val *value, int64_t *number);

/* A count out of a reply, where int64 may come as a string; anything else is 0. */
uint64_t json_count(yyjson_val *value);

/* How many bytes of text the document holds; long base64 strings (of a member `data`) count as one
 * small picture. */
uint64_t json_text_size(yyjson_doc *doc);

/* Appends valid UTF-8 as a JSON string with its quotes, or without them. Unlike bytes_json it
 * doesn't check. */
void json_text(struct bytes *out, struct view text);
void json_escape(struct bytes *out, struct view text);

/* The same for what somebody says to a model: without its quotes, and control characters but tab and line ends become U+FFFD; a NUL
 * goes. */
void json_said(struct bytes *out, struct view text);

/* Appends `"name":` with a comma in front unless the object has just been opened. */
void json_key(struct bytes *out, struct view name);

/* Appends a whole number; several times as fast as printf. */
void json_int(struct bytes *out, int64_t number);

/* Appends `before` and the number. */
void json_int_after(struct bytes *out, struct view before, uint64_t count);

/* Appends any value, compact. */
void json_value(struct bytes *out, yyjson_val *value);
