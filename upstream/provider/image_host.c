/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts for pictures that models make (UPLOAD_PROVIDER), as a provider: the frontend has written the
 * body, what only this process knows is put to it here. What must stay true: a host's secret goes to
 * that host alone, in the way that it wants to see it; and its words are no client's business. */
#include "provider/provider.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <time.h>

#include "base/url.h"
#include "outside.h"
#include "provider/outside_answer.h"
#include "settings/image_host.h"

enum { HMAC_LEN = 20, DATE_SIZE = 40 };

/* ---- what each wants to see ---- */

static void smms(const struct settings *settings, const struct provider_ask *ask,
                 struct provider_place *place)
{
    (void)ask;
    bytes_text(place->url, settings->smms_url);
    bytes_text(place->lines, "Authorization: Basic ");
    bytes_append(place->lines, settings->smms_token.hidden);
}

/* The first parameter has a question mark before it. */
static void add_parameter(struct bytes *url, const char *name, struct view value)
{
    bytes_text(url, memchr(url->at, '?', url->len) ? "&" : "?");
    bytes_text(url, name);
    bytes_text(url, "=");
    url_escape(url, value);
}

/* Sites with the same program in other hands take the key in the query. */
static void picgo(const struct settings *settings, const struct provider_ask *ask,
                  struct provider_place *place)
{
    struct view key = settings->picgo_key.hidden;

    (void)ask;
    bytes_text(place->url, settings->picgo_url);
    if (!view_equal(bytes_view(place->url), VIEW(PICGO_PUBLIC_URL))) {
        add_parameter(place->url, "key", key);
        return;
    }
    bytes_text(place->lines, "X-API-Key: ");
    bytes_append(place->lines, key);
}

static void cloudflare(const struct settings *settings, const struct provider_ask *ask,
                       struct provider_place *place)
{
    struct view code = settings->imgbed_code.hidden, folder = view_of(settings->imgbed_folder);

    (void)ask;
    bytes_text(place->url, settings->imgbed_url);
    if (code.len)
        add_parameter(place->url, "authCode", code);
    if (folder.len)
        add_parameter(place->url, "uploadFolder", folder);
    add_parameter(place->url, "uploadNameType", VIEW("origin"));
}

static void write_date(uint64_t utc_ms, char date[DATE_SIZE])
{
    time_t at = (time_t)(utc_ms / 1000);
    struct tm parts;

    gmtime_r(&at, &parts);
    (void)strftime(date, DATE_SIZE, "%a, %d %b %Y %H:%M:%S GMT", &parts);
}

/* HMAC-SHA1 in base64. */
static void sign(struct view secret, const struct bytes *text, struct bytes *out)
{
    unsigned char digest[EVP_MAX_MD_SIZE], base64[EVP_MAX_MD_SIZE * 2];
    unsigned len = 0;

    HMAC(EVP_sha1(), secret.at, (int)secret.len, (const unsigned char *)text->at, text->len, digest,
         &len);
    bytes_append(out, (struct view){(const char *)base64,
                                    (size_t)EVP_EncodeBlock(base64, digest, (int)len)});
}

/* Signed as version 1 of its API has it: method, MD5, type, date, its own headers, bucket and
 * object. */
static void aliyun(const struct settings *settings, const struct provider_ask *ask,
                   struct provider_place *place)
{
    struct bytes text = {0};
    char date[DATE_SIZE];

    write_date(ask->utc_ms, date);
    image_host_oss_url(settings, ask->path, place->url);
    bytes_printf(&text, "PUT\n\n%.*s\n%s\nx-oss-object-acl:public-read\n/%s%.*s",
                 (int)ask->type.len, ask->type.at, date, settings->oss_bucket, (int)ask->path.len,
                 ask->path.at);
    bytes_printf(place->lines, "Date: %s\nx-oss-object-acl: public-read\nAuthorization: OSS ",
                 date);
    bytes_append(place->lines, settings->oss_key.hidden);
    bytes_text(place->lines, ":");
    sign(settings->oss_secret.hidden, &text, place->lines);
    bytes_clear(&text);
}

static void compose(const struct settings *settings, const struct provider_ask *ask,
                    struct provider_place *place)
{
    bytes_room(place->lines, 4096); /* in one piece: what grows leaves a copy behind */
    switch (image_host_kind(settings)) {
    case IMAGE_HOST_SMMS:
        smms(settings, ask, place);
        break;
    case IMAGE_HOST_PICGO:
        picgo(settings, ask, place);
        break;
    case IMAGE_HOST_CLOUDFLARE:
        cloudflare(settings, ask, place);
        break;
    case IMAGE_HOST_ALIYUN:
        aliyun(settings, ask, place);
        break;
    case IMAGE_HOST_NONE:
        break; /* an address that is none: the transfer fails */
    }
}

/* ---- as a provider ---- */

static const char *address(const struct settings *settings)
{
    (void)settings;
    return "";
}

const struct provider provider_image_host = {
    .pool = OUTSIDE_IMAGE_HOST,
    .way = TRANSFER_APART,
    .address = address,
    .compose = compose,
    .authorize = outside_authorize,
    .gate = outside_gate,
    .look = outside_look,
    .look_at_end = outside_look,
    .read_error = outside_read_error,
};
