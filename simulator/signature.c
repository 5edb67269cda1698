/* SPDX-License-Identifier: Apache-2.0 */
/* Makes and checks thought signatures; generate.c gives them out, turn.c checks those that come
 * back. What must stay true: no state, so that any process knows what another has signed. The key
 * is no secret: a signature protects nothing here, it only shows whether a client kept it whole. */
#include "signature.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define KEY "the simulator's thoughts"
#define HEAD_BYTES 20 /* mark, nonce, subject */
#define MAC_BYTES 16
#define LEN_MAX (1 << 20)
#define DEPTH_MAX 64

static const char mark[4] = {0x12, 'S', 'i', 'm'};

static uint64_t mix(uint64_t hash)
{
    hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9u;
    hash = (hash ^ hash >> 27) * 0x94d049bb133111ebu;
    return hash ^ hash >> 31;
}

static uint64_t hash_bytes(const void *bytes, size_t len, uint64_t hash)
{
    const unsigned char *at = bytes;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ at[i]) * 1099511628211u;
    return mix(hash);
}

static uint64_t hash_value(yyjson_val *value, int depth);

static uint64_t hash_object(yyjson_val *object, int depth)
{
    size_t i;
    size_t count;
    yyjson_val *name;
    yyjson_val *value;
    uint64_t hash = 1;

    yyjson_obj_foreach(object, i, count, name, value)
    {
        uint64_t seed = hash_value(value, depth);
        hash += hash_bytes(yyjson_get_str(name), yyjson_get_len(name), seed);
    }
    return hash;
}

static uint64_t hash_array(yyjson_val *array, int depth)
{
    size_t i;
    size_t count;
    yyjson_val *value;
    uint64_t hash = 2;

    yyjson_arr_foreach(array, i, count, value)
    {
        hash = mix(hash * 31 + hash_value(value, depth));
    }
    return hash;
}

/* Numbers are doubles, as in Google's Struct. What lies too deep is taken for the same. */
static uint64_t hash_value(yyjson_val *value, int depth)
{
    double number = yyjson_get_num(value);

    if (depth == DEPTH_MAX)
        return 3;
    if (yyjson_is_obj(value))
        return hash_object(value, depth + 1);
    if (yyjson_is_arr(value))
        return hash_array(value, depth + 1);
    if (yyjson_is_num(value))
        return hash_bytes(&number, sizeof(number), 4);
    if (yyjson_is_str(value))
        return hash_bytes(yyjson_get_str(value), yyjson_get_len(value), 5);
    return 6 + (uint64_t)yyjson_is_true(value) + 2 * (uint64_t)yyjson_is_null(value);
}

uint64_t signature_subject_call(struct span name, yyjson_val *args)
{
    uint64_t hash = args != NULL ? hash_object(args, 0) : 1;

    return hash_bytes(name.at, name.len, hash) | 1; /* never that of a text */
}

/* Ready with the key; looking the algorithm up takes longer than signing. */
static EVP_MAC_CTX *signer(void)
{
    static EVP_MAC_CTX *context;
    char digest[] = "SHA256";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };

    if (context != NULL)
        return EVP_MAC_init(context, NULL, 0, NULL) == 1 ? context : NULL;
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    context = EVP_MAC_CTX_new(mac);
    EVP_MAC_free(mac);
    return EVP_MAC_init(context, (const unsigned char *)KEY, sizeof(KEY) - 1, parameters) == 1
               ? context
               : NULL;
}

static void sign(const unsigned char *bytes, size_t len, unsigned char mac[EVP_MAX_MD_SIZE])
{
    EVP_MAC_CTX *context = signer();
    size_t mac_len = 0;

    if (context == NULL || EVP_MAC_update(context, bytes, len) != 1 ||
        EVP_MAC_final(context, mac, &mac_len, EVP_MAX_MD_SIZE) != 1)
        abort();
}

static uint64_t next_nonce(void)
{
    static uint64_t nonce;

    if (nonce == 0)
        nonce = mix((uint64_t)getpid() << 32 ^ (uint64_t)time(NULL));
    return nonce++;
}

void signature_put(struct text *out, uint64_t subject, size_t size)
{
    size_t len = size * 3 / 4 > HEAD_BYTES + MAC_BYTES ? size * 3 / 4 : HEAD_BYTES + MAC_BYTES;
    unsigned char mac[EVP_MAX_MD_SIZE];
    uint64_t nonce = next_nonce();

    len += (3 - len % 3) % 3; /* so that no "=" is needed */
    unsigned char *bytes = calloc(1, len);
    if (bytes == NULL)
        abort();
    memcpy(bytes, mark, sizeof(mark));
    memcpy(bytes + 4, &nonce, sizeof(nonce));
    memcpy(bytes + 12, &subject, sizeof(subject));
    sign(bytes, len - MAC_BYTES, mac);
    memcpy(bytes + len - MAC_BYTES, mac, MAC_BYTES);
    unsigned char *to = (unsigned char *)text_room(out, len / 3 * 4 + 1);
    out->len += (size_t)EVP_EncodeBlock(to, bytes, (int)len);
    free(bytes);
}

/* Decodes either alphabet, with or without padding; the result is the caller's. NULL when it is
 * none. */
static unsigned char *decode(struct span base64, size_t *len)
{
    size_t padded = (base64.len + 3) / 4 * 4;
    unsigned char *text = base64.len < LEN_MAX ? malloc(2 * padded + 1) : NULL;
    unsigned char *bytes = text != NULL ? text + padded : NULL;

    if (text == NULL)
        return NULL;
    memset(text, '=', padded);
    for (size_t i = 0; i < base64.len; i++)
        text[i] = base64.at[i] == '-'   ? '+'
                  : base64.at[i] == '_' ? '/'
                                        : (unsigned char)base64.at[i];
    int got = EVP_DecodeBlock(bytes, text, (int)padded);
    for (size_t i = padded; got > 0 && i > 0 && text[i - 1] == '='; i--)
        got--;
    *len = got > 0 ? (size_t)got : 0;
    memmove(text, bytes, *len);
    return text;
}

static bool is_skip(struct span s)
{
    return span_is(s, "skip_thought_signature_validator") ||
           span_is(s, "context_engineering_is_the_way_to_go");
}

static enum signature_state check_bytes(const unsigned char *bytes, size_t len, uint64_t subject)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    uint64_t signed_subject;

    if (is_skip((struct span){(const char *)bytes, len}))
        return SIGNATURE_SKIP;
    if (len < HEAD_BYTES + MAC_BYTES || memcmp(bytes, mark, sizeof(mark)) != 0)
        return SIGNATURE_CORRUPTED;
    sign(bytes, len - MAC_BYTES, mac);
    if (memcmp(mac, bytes + len - MAC_BYTES, MAC_BYTES) != 0)
        return SIGNATURE_CORRUPTED;
    memcpy(&signed_subject, bytes + 12, sizeof(signed_subject));
    return signed_subject == subject ? SIGNATURE_GOOD : SIGNATURE_FOREIGN;
}

enum signature_state signature_check(struct span base64, uint64_t subject)
{
    size_t len = 0;

    if (is_skip(base64))
        return SIGNATURE_SKIP;
    unsigned char *bytes = decode(base64, &len);
    if (bytes == NULL)
        return SIGNATURE_CORRUPTED;
    enum signature_state state = check_bytes(bytes, len, subject);
    free(bytes);
    return state;
}
