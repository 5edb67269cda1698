/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses that clients name. What is taken is a line's worth of plain characters, an address
 * without a user, and the same if it is read again; what is shown of it holds no query. */
/* needs: frontend */
#include <assert.h>
#include <netinet/in.h>
#include <stdint.h>

#include "base/guard.h"
#include "base/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_taken(const struct bytes *taken)
{
    struct bytes again = {0};
    struct url url;

    assert(taken->len && taken->len <= GUARD_URL_MOST);
    for (size_t i = 0; i < taken->len; i++)
        assert(taken->at[i] > ' ' && taken->at[i] < 0x7f && taken->at[i] != '#');
    assert(!url_read(&url, bytes_view(taken)) && url.host.len && !url.has_user);
    assert(!guard_url_write(bytes_view(taken), &again));
    assert(view_equal(bytes_view(&again), bytes_view(taken)));
    bytes_clear(&again);
}

static void check_shown(struct view text)
{
    struct bytes shown = {0};

    guard_url_show(text, &shown);
    for (size_t i = 0; i < shown.len; i++)
        assert(shown.at[i] > ' ' && shown.at[i] < 0x7f && !strchr("?#\"<>\\", shown.at[i]));
    bytes_clear(&shown);
}

/* A network has what it is named by, and nothing of another kind. */
static void check_net(struct view text)
{
    struct sockaddr_storage address = {0};
    struct guard_net net;

    if (!guard_net_read(&net, text))
        return;
    assert(!guard_host_fault(text));
    assert(net.bits <= (net.family == AF_INET ? 32u : 128u));
    address.ss_family = (sa_family_t)net.family;
    if (net.family == AF_INET)
        memcpy(&((struct sockaddr_in *)&address)->sin_addr, net.at, 4);
    else
        memcpy(&((struct sockaddr_in6 *)&address)->sin6_addr, net.at, 16);
    assert(guard_net_has(&net, (const struct sockaddr *)&address));
    address.ss_family = net.family == AF_INET ? AF_INET6 : AF_INET;
    assert(!guard_net_has(&net, (const struct sockaddr *)&address));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view text = {(const char *)data, size};
    struct bytes taken = {0};

    if (!guard_url_write(text, &taken))
        check_taken(&taken);
    else
        assert(!taken.len);
    check_shown(text);
    check_net(text);
    bytes_clear(&taken);
    return 0;
}
