/* SPDX-License-Identifier: Apache-2.0 */
/* CUSTOM_HEADERS. Called by the settings, which refuse wrong ones, and by the upstream. What must
 * stay true: no header from here can end a line, change how long a request is or where it goes, or
 * stand in for the provider's key. */
#include "base/headers.h"

#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdlib.h>
#include <strings.h>
#include <yyjson.h>

#include "base/bytes.h"

enum { HEADERS_MOST = 64, HEADER_BYTES_MOST = 8 * 1024 };

/* A name that ends in a dash stands for all that begin so. */
static const struct {
    const char *name;
    const char *why;
} refused[] = {
    {"Host", "Host comes from BASE_URL"},
    {"Content-Length", "Content-Length is the gateway's: it frames the request"},
    {"Transfer-Encoding", "Transfer-Encoding is the gateway's: it frames the request"},
    {"Content-Type", "Content-Type is the gateway's"},
    {"Content-Encoding", "Content-Encoding is the gateway's"},
    {"Accept-Encoding", "Accept-Encoding is the gateway's, which reads the answer"},
    {"Connection", "Connection is the gateway's"},
    {"Keep-Alive", "Keep-Alive is the gateway's"},
    {"Upgrade", "Upgrade is the gateway's"},
    {"HTTP2-Settings", "HTTP2-Settings is the gateway's"},
    {"TE", "TE is the gateway's"},
    {"Trailer", "Trailer is the gateway's"},
    {"Expect", "Expect is the gateway's"},
    {"Range", "Range would cut the answer"},
    {"Proxy-", "names that begin with Proxy- are for proxies: put user and password into PROXIES"},
    {"x-goog-api-key", "x-goog-api-key is the key's, of API_KEYS"},
    {"Authorization", "Authorization would stand in for the keys of API_KEYS"},
};

static const char *refusal(const char *name)
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        size_t len = strlen(refused[i].name);
        bool is_start = refused[i].name[len - 1] == '-';

        if (strncasecmp(name, refused[i].name, len) == 0 && (is_start || !name[len]))
            return refused[i].why;
    }
    return NULL;
}

static bool is_token(struct view name)
{
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.at[i] <= ' ' || (unsigned char)name.at[i] >= 0x7f ||
            strchr("()<>@,;:\\\"/[]?={}", name.at[i]))
            return false;
    return name.len;
}

static bool is_value(struct view value)
{
    for (size_t i = 0; i < value.len; i++)
        if (((unsigned char)value.at[i] < ' ' && value.at[i] != '\t') || value.at[i] == 0x7f)
            return false;
    return true;
}

static bool is_there(const struct headers *headers, struct view name)
{
    for (size_t i = 0; i < headers->count; i++)
        if (strncasecmp(headers->lines[i], name.at, name.len) == 0 &&
            headers->lines[i][name.len] == ':')
            return true;
    return false;
}

/* libcurl takes a name without a value for one to leave out, and "Name;" for an empty one. */
static const char *add(struct headers *headers, struct view name, struct view value)
{
    struct bytes line = {0};

    if (headers->count >= HEADERS_MOST || name.len + value.len > HEADER_BYTES_MOST)
        return "should be at most 64 headers of at most 8 KiB each";
    bytes_append(&line, name);
    bytes_text(&line, ": ");
    bytes_append(&line, value);
    bytes_cstr(&line);
    headers->lines = memory_grow(headers->lines, (headers->count + 1) * sizeof(char *));
    headers->lines[headers->count++] = line.at;
    return NULL;
}

static const char *take(struct headers *headers, yyjson_val *key, yyjson_val *item)
{
    struct view name = {yyjson_get_str(key), yyjson_get_len(key)};
    struct view value = {yyjson_get_str(item), yyjson_get_len(item)};
    const char *why;

    if (!is_token(name))
        return "should have names of letters, digits and dashes";
    why = refusal(name.at);
    if (why)
        return why;
    if (!yyjson_is_str(item) || !value.len)
        return "should have texts that are not empty as values";
    if (!is_value(value))
        return "should have values without line ends and other control characters";
    if (is_there(headers, name))
        return "should name a header once";
    return add(headers, name, value);
}

const char *headers_read(struct headers *headers, const char *json)
{
    yyjson_doc *doc;
    yyjson_val *key, *item;
    const char *fault = NULL;
    size_t i, count;

    *headers = (struct headers){0};
    if (!*json)
        return NULL;
    doc = yyjson_read(json, strlen(json), 0);
    if (!yyjson_is_obj(yyjson_doc_get_root(doc))) {
        yyjson_doc_free(doc);
        return "should be a JSON object, such as {\"X-Team\": \"blue\"}";
    }
    yyjson_obj_foreach(yyjson_doc_get_root(doc), i, count, key, item)
    {
        fault = take(headers, key, item);
        if (fault)
            break;
    }
    yyjson_doc_free(doc);
    return fault;
}

void headers_clear(struct headers *headers)
{
    for (size_t i = 0; i < headers->count; i++) {
        OPENSSL_cleanse(headers->lines[i], strlen(headers->lines[i]));
        free(headers->lines[i]);
    }
    free(headers->lines);
    *headers = (struct headers){0};
}
