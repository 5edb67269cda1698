/* SPDX-License-Identifier: Apache-2.0 */
/* The image host's settings. Asked by rules.c, by the frontend and the upstream. */
#include "settings/image_host.h"

#include <arpa/inet.h>
#include <ctype.h>

#include "base/url.h"
#include "settings/option.h"

static const char *const names[] = {
    [IMAGE_HOST_NONE] = "",
    [IMAGE_HOST_SMMS] = "smms",
    [IMAGE_HOST_PICGO] = "picgo",
    [IMAGE_HOST_CLOUDFLARE] = "cloudflare_imgbed",
    [IMAGE_HOST_ALIYUN] = "aliyun_oss",
};

enum image_host_kind image_host_kind(const struct settings *settings)
{
    const char *name = settings->upload_provider;

    for (unsigned kind = IMAGE_HOST_SMMS; name && kind <= IMAGE_HOST_ALIYUN; kind++)
        if (strcmp(name, names[kind]) == 0)
            return (enum image_host_kind)kind;
    return IMAGE_HOST_NONE;
}

bool image_host_is_complete(const struct settings *settings)
{
    switch (image_host_kind(settings)) {
    case IMAGE_HOST_SMMS:
        return settings->smms_token.hidden.len;
    case IMAGE_HOST_PICGO:
        return settings->picgo_key.hidden.len;
    case IMAGE_HOST_CLOUDFLARE:
        return *settings->imgbed_url;
    case IMAGE_HOST_ALIYUN:
        return *settings->oss_endpoint && *settings->oss_bucket && settings->oss_key.hidden.len &&
               settings->oss_secret.hidden.len;
    case IMAGE_HOST_NONE:
        break;
    }
    return false;
}

/* A number cannot have a bucket's name before it. */
static bool is_number(struct view host)
{
    char text[INET_ADDRSTRLEN] = "";
    struct in_addr number;
    const char *colon = memchr(host.at, ':', host.len);
    size_t len = colon ? (size_t)(colon - host.at) : host.len;

    if (len >= sizeof(text))
        return false;
    memcpy(text, host.at, len);
    return inet_pton(AF_INET, text, &number) == 1;
}

void image_host_oss_url(const struct settings *settings, struct view path, struct bytes *out)
{
    struct view host = view_of(settings->oss_endpoint);
    bool is_plain = view_starts(host, VIEW("http://"));

    if (is_plain || view_starts(host, VIEW("https://")))
        host = view_skip(host, is_plain ? 7 : 8);
    while (host.len && host.at[host.len - 1] == '/')
        host.len--;
    bytes_text(out, is_plain ? "http://" : "https://");
    if (!is_number(host)) {
        bytes_text(out, settings->oss_bucket);
        bytes_text(out, ".");
    }
    bytes_append(out, host);
    if (is_number(host)) {
        bytes_text(out, "/");
        bytes_text(out, settings->oss_bucket);
    }
    bytes_append(out, path);
}

/* ---- checks ---- */

static void check_place(const char *name, const char *url)
{
    const char *fault = *url ? url_base_fault(view_of(url)) : NULL;

    if (fault)
        option_complain(name, url, fault);
}

static void check_line(const char *name, struct secret secret)
{
    for (size_t i = 0; i < secret.hidden.len; i++)
        if (secret.hidden.at[i] <= ' ' || secret.hidden.at[i] > '~')
            option_complain(name, "…", "has a character that cannot stand there");
}

static bool is_host(const char *text)
{
    struct view host = view_of(text);

    if (view_starts(host, VIEW("http://")) || view_starts(host, VIEW("https://")))
        return !url_base_fault(host);
    for (size_t i = 0; i < host.len; i++)
        if (!isalnum((unsigned char)host.at[i]) && !strchr(".-:", host.at[i]))
            return false;
    return true;
}

static bool is_bucket(const char *text)
{
    for (; *text; text++)
        if (!isalnum((unsigned char)*text) && *text != '-')
            return false;
    return true;
}

void image_host_check(struct settings *settings)
{
    if (*settings->upload_provider && image_host_kind(settings) == IMAGE_HOST_NONE)
        option_complain("UPLOAD_PROVIDER", settings->upload_provider,
                        "should be smms, picgo, cloudflare_imgbed or aliyun_oss");
    check_place("SMMS_API_URL", settings->smms_url);
    check_place("PICGO_API_URL", settings->picgo_url);
    check_place("CLOUDFLARE_IMGBED_URL", settings->imgbed_url);
    check_line("SMMS_SECRET_TOKEN", settings->smms_token);
    check_line("PICGO_API_KEY", settings->picgo_key);
    check_line("CLOUDFLARE_IMGBED_AUTH_CODE", settings->imgbed_code);
    check_line("OSS_ACCESS_KEY", settings->oss_key);
    check_line("OSS_ACCESS_KEY_SECRET", settings->oss_secret);
    if (!is_host(settings->oss_endpoint))
        option_complain("OSS_ENDPOINT", settings->oss_endpoint, "should name a host");
    if (!is_bucket(settings->oss_bucket))
        option_complain("OSS_BUCKET_NAME", settings->oss_bucket,
                        "should be letters, digits and dashes");
    if (!image_host_is_complete(settings))
        *(char *)(uintptr_t)settings->upload_provider = '\0';
}
