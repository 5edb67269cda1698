/* SPDX-License-Identifier: Apache-2.0 */
/* Seals. What must stay true: each has a nonce of its own, and nothing is told of one that does not
 * open.
 *
 *   base64url(nonce, 12 bytes | what is sealed | tag, 16 bytes) */
#include "parts/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/log.h"

enum { NONCE = 12, TAG = 16, SEALED_MOST = 16 * 1024 };

static void fill_random(void *at, size_t len)
{
    while (getrandom(at, len, 0) != (ssize_t)len)
        continue;
}

/* The key */

static bool read_key(const char *path, unsigned char key[32])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool is_read = fd >= 0 && read(fd, key, 32) == 32;

    if (fd >= 0)
        close(fd);
    return is_read;
}

/* Whoever comes first makes it: it appears whole, and is never replaced. */
static bool make_key(const char *path)
{
    struct bytes draft = {0};
    unsigned char key[32];
    bool is_made;
    int fd;

    bytes_printf(&draft, "%s.%ld", path, (long)getpid());
    fill_random(key, sizeof(key));
    fd = open(bytes_cstr(&draft), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    is_made = fd >= 0 && write(fd, key, sizeof(key)) == (ssize_t)sizeof(key);
    if (fd >= 0)
        close(fd);
    is_made = is_made && (link(bytes_cstr(&draft), path) == 0 || errno == EEXIST);
    unlink(bytes_cstr(&draft));
    bytes_clear(&draft);
    explicit_bzero(key, sizeof(key));
    return is_made;
}

void seals_open(struct seals *seals, struct secret secret, const char *path)
{
    if (secret.hidden.len)
        SHA256((const unsigned char *)secret.hidden.at, secret.hidden.len, seals->key);
    else if (!read_key(path, seals->key) && !(make_key(path) && read_key(path, seals->key)))
        die("%s cannot be made or read: %s", path, strerror(errno));
}

/* Text */

static void write_text(struct bytes *out, const unsigned char *at, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned bits = 0, count = 0;

    bytes_room(out, len / 3 * 4 + 4);
    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | at[i];
        for (count += 8; count >= 6; count -= 6)
            out->at[out->len++] = digits[bits >> (count - 6) & 63];
        bits &= (1u << count) - 1;
    }
    if (count)
        out->at[out->len++] = digits[bits << (6 - count) & 63];
}

static int digit_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* Bits that are left over must be zero: a text has one spelling. */
static bool read_text(struct view text, struct bytes *out)
{
    unsigned bits = 0, count = 0;

    bytes_room(out, text.len);
    for (size_t i = 0; i < text.len; i++) {
        int digit = digit_of(text.at[i]);

        if (digit < 0)
            return false;
        bits = bits << 6 | (unsigned)digit;
        count += 6;
        if (count < 8)
            continue;
        count -= 8;
        out->at[out->len++] = (char)(bits >> count);
        bits &= (1u << count) - 1;
    }
    return count < 6 && !bits;
}

/* Sealing */

static bool run(EVP_CIPHER_CTX *cipher, const char *purpose, struct view text, unsigned char *out)
{
    int len = 0, rest = 0;

    return EVP_CipherUpdate(cipher, NULL, &len, (const unsigned char *)purpose,
                            (int)strlen(purpose)) == 1 &&
           EVP_CipherUpdate(cipher, out, &len, (const unsigned char *)text.at, (int)text.len) ==
               1 &&
           EVP_CipherFinal_ex(cipher, out + len, &rest) == 1;
}

static EVP_CIPHER_CTX *cipher_new(const struct seals *seals, const unsigned char *nonce, int how)
{
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();

    if (!cipher || EVP_CipherInit_ex(cipher, EVP_aes_256_gcm(), NULL, seals->key, nonce, how) != 1)
        abort(); /* the library lacks what it always has */
    return cipher;
}

void seal(const struct seals *seals, const char *purpose, struct view text, struct bytes *out)
{
    size_t len = NONCE + text.len + TAG;
    unsigned char *box = memory_new(len);
    EVP_CIPHER_CTX *cipher;

    fill_random(box, NONCE);
    cipher = cipher_new(seals, box, 1);
    if (text.len > INT_MAX / 2 || !run(cipher, purpose, text, box + NONCE) ||
        EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, TAG, box + NONCE + text.len) != 1)
        abort();
    EVP_CIPHER_CTX_free(cipher);
    write_text(out, box, len);
    free(box);
}

static bool open_box(const struct seals *seals, const char *purpose, struct bytes *box,
                     struct bytes *out)
{
    struct view text = {box->at + NONCE, box->len - NONCE - TAG};
    EVP_CIPHER_CTX *cipher = cipher_new(seals, (const unsigned char *)box->at, 0);
    bool is_good;

    bytes_room(out, text.len + TAG);
    is_good =
        EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, TAG, box->at + box->len - TAG) == 1 &&
        run(cipher, purpose, text, (unsigned char *)out->at + out->len);
    EVP_CIPHER_CTX_free(cipher);
    out->len += is_good ? text.len : 0;
    return is_good;
}

bool unseal(const struct seals *seals, const char *purpose, struct view sealed, struct bytes *out)
{
    struct bytes box = {0};
    bool is_good = sealed.len <= SEALED_MOST && read_text(sealed, &box) && box.len > NONCE + TAG &&
                   open_box(seals, purpose, &box, out);

    bytes_clear(&box);
    return is_good;
}
