/* SPDX-License-Identifier: Apache-2.0 */
/* How each image host is addressed, and how it is shown that we may. */
#include "provider/provider.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "settings/image_host.h"

static struct settings settings;

static int plain_settings(void **state)
{
    (void)state;
    settings = (struct settings){
        .upload_provider = "",
        .smms_token = {VIEW("t0ken")},
        .smms_url = "https://sm.ms/api/v2/upload",
        .picgo_key = {VIEW("k&y")},
        .picgo_url = PICGO_PUBLIC_URL,
        .imgbed_url = "https://bed.example/upload",
        .imgbed_code = {VIEW("c de")},
        .imgbed_folder = "a/b",
        .oss_endpoint = "oss-cn-shanghai.aliyuncs.com",
        .oss_bucket = "pictures",
        .oss_key = {VIEW("the-id")},
        .oss_secret = {VIEW("the-secret")},
    };
    return 0;
}

static void expect(const char *url, const char *lines)
{
    struct provider_ask ask = {VIEW("/1994/11/06/0a.png"), VIEW("image/png"), 784111777000};
    struct bytes got_url = {0}, got_lines = {0};

    provider_image_host.compose(&settings, &ask, &(struct provider_place){&got_url, &got_lines});
    assert_string_equal(bytes_cstr(&got_url), url);
    assert_string_equal(bytes_cstr(&got_lines), lines);
    bytes_clear(&got_url);
    bytes_clear(&got_lines);
}

static void smms_gets_its_token(void **state)
{
    (void)state;
    settings.upload_provider = "smms";
    expect("https://sm.ms/api/v2/upload", "Authorization: Basic t0ken");
}

static void picgo_gets_its_key_in_a_header_and_other_sites_in_the_query(void **state)
{
    (void)state;
    settings.upload_provider = "picgo";
    expect("https://www.picgo.net/api/1/upload", "X-API-Key: k&y");
    settings.picgo_url = "https://mine.example/api/1/upload";
    expect("https://mine.example/api/1/upload?key=k%26y", "");
}

static void cloudflare_gets_its_code_and_folder(void **state)
{
    (void)state;
    settings.upload_provider = "cloudflare_imgbed";
    expect("https://bed.example/upload?authCode=c%20de&uploadFolder=a%2Fb&uploadNameType=origin",
           "");
    settings.imgbed_code = (struct secret){VIEW("")};
    settings.imgbed_folder = "";
    expect("https://bed.example/upload?uploadNameType=origin", "");
}

static void aliyun_gets_a_signature(void **state)
{
    static const char lines[] = "Date: Sun, 06 Nov 1994 08:49:37 GMT\n"
                                "x-oss-object-acl: public-read\n"
                                "Authorization: OSS the-id:JRi5Mkk/wWMuFtqac0826eA2RBc=";

    (void)state;
    settings.upload_provider = "aliyun_oss";
    expect("https://pictures.oss-cn-shanghai.aliyuncs.com/1994/11/06/0a.png", lines);
    settings.oss_endpoint = "https://oss.example/";
    expect("https://pictures.oss.example/1994/11/06/0a.png", lines);
    settings.oss_endpoint = "http://127.0.0.1:9000";
    expect("http://127.0.0.1:9000/pictures/1994/11/06/0a.png", lines);
}

/* Without what it needs a host is none. */
static void a_host_is_complete_with_its_secret(void **state)
{
    (void)state;
    assert_false(image_host_is_complete(&settings));
    settings.upload_provider = "imgur";
    assert_int_equal(image_host_kind(&settings), IMAGE_HOST_NONE);
    settings.upload_provider = "smms";
    assert_true(image_host_is_complete(&settings));
    settings.smms_token = (struct secret){VIEW("")};
    assert_false(image_host_is_complete(&settings));
    settings.upload_provider = "picgo";
    assert_true(image_host_is_complete(&settings));
    settings.picgo_key = (struct secret){VIEW("")};
    assert_false(image_host_is_complete(&settings));
    settings.upload_provider = "cloudflare_imgbed";
    settings.imgbed_code = (struct secret){VIEW("")};
    assert_true(image_host_is_complete(&settings)); /* it may have no code */
    settings.imgbed_url = "";
    assert_false(image_host_is_complete(&settings));
    settings.upload_provider = "aliyun_oss";
    assert_true(image_host_is_complete(&settings));
    settings.oss_bucket = "";
    assert_false(image_host_is_complete(&settings));
}

static void what_it_refuses_is_tried_once(void **state)
{
    struct verdict verdict = {0};

    (void)state;
    provider_image_host.read_error(403, VIEW("{}"), 0, &verdict);
    assert_int_equal(verdict.fault, FAULT_OUTSIDE);
    assert_int_equal(verdict.status, 403);
    assert_false(fault_facts(verdict.fault)->retry);
    assert_ptr_equal(provider_find(VIEW("image_host")), &provider_image_host);
    assert_ptr_equal(provider_find(VIEW("fetch")), &provider_fetch);
    assert_int_equal(provider_image_host.gate(VIEW("image_host")), GATE_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup(name, plain_settings)
        TEST(smms_gets_its_token),
        TEST(picgo_gets_its_key_in_a_header_and_other_sites_in_the_query),
        TEST(cloudflare_gets_its_code_and_folder),
        TEST(aliyun_gets_a_signature),
        TEST(a_host_is_complete_with_its_secret),
        TEST(what_it_refuses_is_tried_once),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
