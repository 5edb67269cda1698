/* SPDX-License-Identifier: Apache-2.0 */
/* What a client is told of trouble on the way: libcurl's codes and words, without a network. */
#include "transfer/trouble.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BY_PROXY "The proxy on the way to host.example:443 failed: "

struct expectation {
    CURLcode code;
    const char *said;
    const char *proxy;
    enum transfer_end end;
    const char *why;
};

static const struct expectation cases[] = {
    {CURLE_COULDNT_RESOLVE_HOST, "", "", TRANSFER_NO_NAME, "The name host.example has no address"},
    {CURLE_COULDNT_CONNECT, "", "", TRANSFER_NO_CONNECTION,
     "No connection to host.example:443: no answer"},
    {CURLE_OPERATION_TIMEDOUT, "", "", TRANSFER_NO_NAME,
     "The name host.example was not looked up in time: no name server answers"},
    {CURLE_PEER_FAILED_VERIFICATION, "SSL certificate problem: certificate has expired", "",
     TRANSFER_UNTRUSTED,
     "The certificate of host.example:443 is not accepted: certificate has expired"},
    {CURLE_PEER_FAILED_VERIFICATION, "SSL: no alternative name matches", "", TRANSFER_UNTRUSTED,
     "The certificate of host.example:443 is not accepted: no alternative name matches"},
    {CURLE_SSL_CACERT_BADFILE, "/etc/secret/path", "", TRANSFER_UNTRUSTED,
     "The certificate of host.example:443 cannot be checked: CA_BUNDLE cannot be read"},
    {CURLE_SSL_CONNECT_ERROR, "error:0A00010B:SSL routines::wrong version number", "",
     TRANSFER_NO_TLS,
     "No TLS handshake with host.example:443: what answers there speaks no TLS (http:// in place "
     "of https://?)"},
    {CURLE_SSL_CONNECT_ERROR, "SSL routines::packet length too long", "", TRANSFER_NO_TLS,
     "No TLS handshake with host.example:443: what answers there speaks no TLS (http:// in place "
     "of https://?)"},
    {CURLE_SSL_CONNECT_ERROR, "tlsv1 alert protocol version", "", TRANSFER_NO_TLS,
     "No TLS handshake with host.example:443: it offers no TLS 1.2 or newer"},
    {CURLE_SSL_CIPHER, "TLS connect error: no shared cipher", "", TRANSFER_NO_TLS,
     "No TLS handshake with host.example:443: no shared cipher"},
    {CURLE_OUT_OF_MEMORY, "", "", TRANSFER_NO_CONNECTION,
     "No connection to host.example:443: Out of memory"},

    {CURLE_COULDNT_RESOLVE_PROXY, "", "http://u:p@way.example:1", TRANSFER_NO_PROXY,
     BY_PROXY "its name has no address"},
    {CURLE_COULDNT_CONNECT, "", "http://u:p@way.example:1", TRANSFER_NO_PROXY,
     BY_PROXY "no answer"},
    {CURLE_OPERATION_TIMEDOUT, "", "http://u:p@way.example:1", TRANSFER_NO_PROXY,
     BY_PROXY "no connection in time"},
    {CURLE_PROXY, "", "socks5h://u:p@way.example:1", TRANSFER_NO_PROXY,
     BY_PROXY "it speaks no SOCKS5"},
    {CURLE_SSL_CONNECT_ERROR, "wrong version number", "https://u:p@way.example:1",
     TRANSFER_NO_PROXY,
     BY_PROXY "what answers there speaks no TLS (http:// in place of https://?)"},
    {CURLE_RECV_ERROR, "", "http://u:p@way.example:1", TRANSFER_NO_PROXY,
     BY_PROXY "Failure when receiving data from the peer"},
    /* Behind a proxy that speaks no TLS itself, TLS is the provider's. */
    {CURLE_PEER_FAILED_VERIFICATION, "SSL certificate problem: self-signed",
     "http://u:p@way.example:1", TRANSFER_UNTRUSTED,
     "The certificate of host.example:443 is not accepted: self-signed"},
};

static CURLU *address(void)
{
    CURLU *url = curl_url();

    assert_int_equal(curl_url_set(url, CURLUPART_URL, "https://host.example/v1beta?key=k", 0), 0);
    return url;
}

static void trouble_is_told_in_words_that_name_the_providers_host_alone(void **state)
{
    CURL *easy = curl_easy_init();
    CURLU *url = address();

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bytes why = {0};
        enum transfer_end end =
            trouble_read(easy, url, view_of(cases[i].proxy), cases[i].code, cases[i].said, &why);

        assert_string_equal(bytes_cstr(&why), cases[i].why);
        assert_int_equal(end, cases[i].end);
        bytes_clear(&why);
    }
    curl_url_cleanup(url);
    curl_easy_cleanup(easy);
}

static void a_proxy_that_wants_a_password_says_so(void **state)
{
    CURLU *url = address();
    struct bytes why = {0};

    (void)state;
    assert_int_equal(trouble_password(url, &why), TRANSFER_NO_PROXY);
    assert_string_equal(bytes_cstr(&why),
                        BY_PROXY "it wants a user name and password, or others than it got");
    bytes_clear(&why);
    curl_url_cleanup(url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trouble_is_told_in_words_that_name_the_providers_host_alone),
        cmocka_unit_test(a_proxy_that_wants_a_password_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
