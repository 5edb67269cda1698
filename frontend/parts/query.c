/* SPDX-License-Identifier: Apache-2.0 */
/* Queries that go on to the provider. Called for routes whose bytes pass untouched. What must stay
 * true: no key or token of a client's goes on, however it is spelled. */
#include "parts/query.h"

#include "base/url.h"

/* Everything goes on but what shows who asks: that is the client's business with us. What the provider does not know it
 * refuses itself. */
static bool is_credential(struct view name)
{
    /* With the last ones Google's servers take header lines, a method or a body out of a query. */
    static const char *const names[] = {"key",          "access_token", "oauth_token", "$key",
                                        "$httpHeaders", "$httpMethod",  "$req"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (view_equal(name, view_of(names[i])))
            return true;
    return false;
}

bool query_keep(struct view query, struct bytes *out)
{
    struct view name, value;
    const char *sign = "?";
    bool is_sse = false;

    while (url_query_next(&query, &name, &value)) {
        struct bytes plain = {0};

        url_query_decode(name, &plain); /* k%65y is one as well */
        if (!is_credential(bytes_view(&plain))) {
            is_sse |= view_equal(bytes_view(&plain), VIEW("alt")) && view_equal(value, VIEW("sse"));
            bytes_text(out, sign);
            url_keep(out, name);
            bytes_text(out, value.at == name.at + name.len + 1 ? "=" : "");
            url_keep(out, value);
            sign = "&";
        }
        bytes_clear(&plain);
    }
    return is_sse;
}
