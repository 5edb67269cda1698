/* SPDX-License-Identifier: Apache-2.0 */
/* What the settings must satisfy beyond their types. Called by options.c when all are read. What
 * must stay true: nothing that holds a secret is told, only which setting it is. */
#include "settings/rules.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <yyjson.h>

#include "settings/address.h"
#include "base/bytes.h"
#include "base/headers.h"
#include "base/log.h"
#include "settings/option.h"
#include "base/url.h"

static bool is_json_list(const char *text)
{
    yyjson_doc *doc = yyjson_read(text, strlen(text), 0);
    bool is_list = yyjson_is_arr(yyjson_doc_get_root(doc));

    yyjson_doc_free(doc);
    return is_list;
}

static void check_address(const char *name, const char *address)
{
    const char *fault = *address ? address_fault(address) : NULL;

    if (fault)
        option_complain(name, address, fault);
}

static void check_base_url(void)
{
    struct view url = view_of(options.base_url);
    const char *fault = url_base_fault(url);

    if (fault && memchr(url.at, '@', url.len)) /* what stands before it may be a password */
        option_complain("BASE_URL", "…", fault);
    if (fault)
        option_complain("BASE_URL", options.base_url, fault);
    while (url.at[url.len - 1] == '/')
        url.len--;
    if (url.len < strlen(options.base_url))
        options.base_url = memory_text(url);
}

/* Passwords are in them: it is said which one is wrong, not what it is. */
static void check_proxies(void)
{
    char name[40];

    for (size_t i = 0; i < options.proxies.count; i++) {
        const char *fault = url_proxy_fault(options.proxies.at[i].hidden);

        snprintf(name, sizeof(name), "PROXIES, number %zu", i + 1);
        if (fault)
            option_complain(name, "…", fault);
    }
}

/* A key travels in a header's line; what has other characters was copied wrongly. */
static void check_keys(void)
{
    char name[40];

    for (size_t i = 0; i < options.api_keys.count; i++) {
        struct view key = options.api_keys.at[i].hidden;

        snprintf(name, sizeof(name), "API_KEYS, number %zu", i + 1);
        for (size_t k = 0; k < key.len; k++)
            if (key.at[k] <= ' ' || key.at[k] > '~')
                option_complain(name, "…", "has a character that no key has");
    }
}

static void check_headers(void)
{
    struct headers headers;
    const char *fault = headers_read(&headers, options.custom_headers.hidden.at);

    if (fault)
        option_complain("CUSTOM_HEADERS", "…", fault);
    headers_clear(&headers);
}

static void check_ca_bundle(void)
{
    FILE *file = *options.ca_bundle ? fopen(options.ca_bundle, "re") : NULL;
    X509 *first = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;

    if (*options.ca_bundle && !first)
        option_complain("CA_BUNDLE", options.ca_bundle,
                        file ? "should be a file of certificates (-----BEGIN CERTIFICATE-----)"
                             : "cannot be read");
    X509_free(first);
    if (file)
        fclose(file);
}

static void check_idle(void)
{
    char value[32];

    snprintf(value, sizeof(value), "%llums", (unsigned long long)options.upstream_idle_ms);
    if (options.upstream_idle_ms < 1000)
        option_complain("UPSTREAM_IDLE", value, "should be at least 1s");
}

static void check_provider(void)
{
    check_base_url();
    check_keys();
    check_proxies();
    check_headers();
    check_ca_bundle();
    if (options.connect_time_out_ms == 0)
        option_complain("CONNECT_TIME_OUT", "0", "should be at least 1ms");
    check_idle();
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

void option_rules_check(void)
{
    check_provider();
    check_number("PORT", options.port, 0, 65535, "at most 65535");
    check_number("ADMIN_PORT", options.admin_port, 0, 65535, "at most 65535");
    if (options.time_out_ms == 0)
        option_complain("TIME_OUT", "0", "should be at least 1");
    if (!log_knows_level(options.log_level))
        option_complain("LOG_LEVEL", options.log_level, "should be ERROR, WARNING, INFO or TRACE");
    if (!is_json_list(options.safety_settings))
        option_complain("SAFETY_SETTINGS", "…", "should be a JSON list, such as []");
    check_number("FRONTENDS", options.frontends, 1, 64, "1 to 64");
    check_number("UPSTREAMS", options.upstreams, 1, 64, "1 to 64");
    check_number("FLIGHT_SLOTS", options.flight_slots, 16, 1u << 20, "16 to 1048576");
    check_number("ANSWER_WINDOW", options.answer_window, 16384, UINT64_MAX, "at least 16KiB");
    check_number("SPOOL_SEGMENT", options.spool_segment, 4096, UINT64_MAX, "at least 4KiB");
    if (strcmp(options.spool_sync, "second") != 0 && strcmp(options.spool_sync, "always") != 0)
        option_complain("SPOOL_SYNC", options.spool_sync, "should be second or always");
    check_number("BALANCER_SLOT", options.balancer_slot, 0, options_balancers() - 1,
                 "the place of one of BALANCER_ENDPOINTS, the first is 0");
    for (size_t i = 0; i < options.balancer_endpoints.count; i++)
        check_address("BALANCER_ENDPOINTS", options.balancer_endpoints.at[i]);
    check_address("RECORDER_ENDPOINT", options.recorder_endpoint);
    check_address("ANSWERS_BIND", options.answers_bind);
}
