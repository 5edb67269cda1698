/* SPDX-License-Identifier: Apache-2.0 */
/* What the settings must satisfy beyond their types. Called by options.c when all are read. What
 * must stay true: nothing that holds a secret is told, only which setting it is. */
#include "settings/rules.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <yyjson.h>

#include "settings/address.h"
#include "settings/bounds.h"
#include "settings/image_host.h"
#include "base/bytes.h"
#include "base/guard.h"
#include "base/headers.h"
#include "base/log.h"
#include "base/pairs.h"
#include "settings/option.h"
#include "base/url.h"

static bool is_json_list(const char *text)
{
    yyjson_doc *doc = yyjson_read(text, strlen(text), 0);
    bool is_list = yyjson_is_arr(yyjson_doc_get_root(doc));

    yyjson_doc_free(doc);
    return is_list;
}

/* Empty is none; gemini-balance writes budgets as 1024 or 1024.0. */
static bool are_budgets(const char *text)
{
    yyjson_doc *doc = yyjson_read(*text ? text : "{}", *text ? strlen(text) : 2, 0);
    yyjson_val *root = yyjson_doc_get_root(doc), *name, *budget;
    bool is_good = yyjson_is_obj(root);
    size_t i, max;

    yyjson_obj_foreach(root, i, max, name, budget)
    {
        double tokens = yyjson_get_num(budget);
        is_good = is_good && yyjson_is_num(budget) && tokens >= -1 && tokens <= 1 << 20;
    }
    yyjson_doc_free(doc);
    return is_good;
}

static void check_address(const char *name, const char *address)
{
    const char *fault = *address ? address_fault(address) : NULL;

    if (fault)
        option_complain(name, address, fault);
}

static void check_base_url(const char *name, const char *text)
{
    struct view url = view_of(text);
    const char *fault = url_base_fault(url);

    if (fault && memchr(url.at, '@', url.len)) /* what stands before it may be a password */
        option_complain(name, "…", fault);
    if (fault)
        option_complain(name, text, fault);
    while (url.len && url.at[url.len - 1] == '/')
        url.len--;
    if (url.len < strlen(text))
        ((char *)(uintptr_t)text)[url.len] = '\0';
}

/* Passwords are in them: it is said which one is wrong, not what it is. */
static void check_proxies(const struct settings *settings)
{
    char name[40];

    for (size_t i = 0; i < settings->proxies.count; i++) {
        const char *fault = url_proxy_fault(settings->proxies.at[i].hidden);

        snprintf(name, sizeof(name), "PROXIES, number %zu", i + 1);
        if (fault)
            option_complain(name, "…", fault);
    }
}

/* A key travels in a header's line; what has other characters was copied wrongly. */
static void check_key(const char *name, struct view key)
{
    for (size_t i = 0; i < key.len; i++)
        if (key.at[i] <= ' ' || key.at[i] > '~') {
            option_complain(name, "…", "has a character that no key has");
            return;
        }
}

static void check_pool(const char *pool, const struct secret *keys, size_t count)
{
    char name[40];

    for (size_t i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "%s, number %zu", pool, i + 1);
        check_key(name, keys[i].hidden);
    }
}

static void check_keys(const struct settings *settings)
{
    check_pool("API_KEYS", settings->api_keys.at, settings->api_keys.count);
    check_pool("VERTEX_API_KEYS", settings->vertex_keys.at, settings->vertex_keys.count);
    check_key("PAID_KEY", settings->paid_key.hidden);
}

static void check_headers(const struct settings *settings)
{
    struct headers headers;
    const char *fault = headers_read(&headers, settings->custom_headers.hidden.at);

    if (fault)
        option_complain("CUSTOM_HEADERS", "…", fault);
    headers_clear(&headers);
}

static void check_ca_bundle(const struct settings *settings)
{
    FILE *file = *settings->ca_bundle ? fopen(settings->ca_bundle, "re") : NULL;
    X509 *first = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;

    if (*settings->ca_bundle && !first)
        option_complain("CA_BUNDLE", settings->ca_bundle,
                        file ? "should be a file of certificates (-----BEGIN CERTIFICATE-----)"
                             : "cannot be read");
    X509_free(first);
    if (file)
        fclose(file);
}

static void check_provider(struct settings *settings)
{
    check_base_url("BASE_URL", settings->base_url);
    check_base_url("VERTEX_EXPRESS_BASE_URL", settings->vertex_url);
    check_keys(settings);
    check_proxies(settings);
    check_headers(settings);
    check_ca_bundle(settings);
}

static void check_number(const char *name, uint64_t number, uint64_t least, uint64_t most,
                         const char *right)
{
    char value[24], should[80];

    if (number >= least && number <= most)
        return;
    snprintf(value, sizeof(value), "%llu", (unsigned long long)number);
    snprintf(should, sizeof(should), "should be %s", right);
    option_complain(name, value, should);
}

static void check_list(const char *name, const struct option_list *list,
                       const char *(*fault_of)(struct view entry))
{
    for (size_t i = 0; i < list->count; i++) {
        const char *fault = fault_of(view_of(list->at[i]));

        if (fault)
            option_complain(name, list->at[i], fault);
    }
}

static void check_media(const struct settings *settings)
{
    check_list("MEDIA_FETCH_HOSTS", &settings->fetch_hosts, guard_host_fault);
    check_list("MEDIA_FETCH_PORTS", &settings->fetch_ports, guard_port_fault);
}

/* What is wrong with a line of MODEL_LIMITS; NULL: nothing. The balancer reads it. */
static const char *limits_fault(struct view line)
{
    const char *at = memrchr(line.at, '=', line.len);
    const char *end = line.at + line.len;
    int slashes = 0;

    for (const char *c = at ? at + 1 : end; c < end; c++)
        slashes += *c == '/' ? 1 : *c >= '0' && *c <= '9' ? 0 : 3;
    return at && at != line.at && end - at < 40 && slashes == 2
               ? NULL
               : "should be PATTERN=REQUESTS A MINUTE/INPUT TOKENS A MINUTE/REQUESTS A DAY";
}

static void check_quotas(const struct settings *settings)
{
    const char *tier = settings->key_tier;
    bool is_tier =
        !*tier || strcmp(tier, "free") == 0 || (strlen(tier) == 1 && *tier >= '1' && *tier <= '3');

    if (!is_tier)
        option_complain("KEY_TIER", tier, "should be free, 1, 2 or 3, or empty");
    check_list("MODEL_LIMITS", &settings->model_limits, limits_fault);
}

static void check_aliases(const struct settings *settings)
{
    struct bytes pairs = {0};
    const char *fault = pairs_read(view_of(settings->model_aliases), &pairs);

    if (fault)
        option_complain("MODEL_ALIASES", settings->model_aliases, fault);
    bytes_clear(&pairs);
}

void option_rules_check(struct settings *settings)
{
    check_provider(settings);
    option_bounds_check(settings);
    check_list("TRUSTED_PROXIES", &settings->trusted_proxies, guard_net_fault);
    if (!log_knows_level(settings->log_level))
        option_complain("LOG_LEVEL", settings->log_level,
                        "should be ERROR, WARNING, INFO or TRACE");
    if (!is_json_list(settings->safety_settings))
        option_complain("SAFETY_SETTINGS", "…", "should be a JSON list, such as []");
    if (!are_budgets(settings->thinking_budget_map))
        option_complain("THINKING_BUDGET_MAP", settings->thinking_budget_map,
                        "should be a JSON object of tokens by model, such as "
                        "{\"gemini-2.5-flash\": 4000}; -1: as the model likes");
    check_aliases(settings);
    check_number("BALANCER_SLOT", settings->balancer_slot, 0,
                 settings->balancer_endpoints.count ? settings->balancer_endpoints.count - 1 : 0,
                 "the place of one of BALANCER_ENDPOINTS, the first is 0");
    for (size_t i = 0; i < settings->balancer_endpoints.count; i++)
        check_address("BALANCER_ENDPOINTS", settings->balancer_endpoints.at[i]);
    check_media(settings);
    check_quotas(settings);
    check_list("MODEL_LIMITS", &settings->model_limits, limits_fault);
    image_host_check(settings);
    check_address("RECORDER_ENDPOINT", settings->recorder_endpoint);
    check_address("ANSWERS_BIND", settings->answers_bind);
}
