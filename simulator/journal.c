/* SPDX-License-Identifier: Apache-2.0 */
/* A ring in memory that the processes share; server.c adds to it, admin.c reads. What must stay
 * true: adding takes no lock and copies a few KB at most. A reader skips an entry that is being
 * overwritten. */
#include "journal.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <zlib.h>

#include "ledger.h"

#define ENTRIES 1024
#define BODY_BYTES 4096
#define HEADER_BYTES 4096 /* names and values, each ended by a zero */
#define PATH_BYTES 1024
#define METHOD_BYTES 16

struct entry {
    _Atomic uint64_t number; /* 0: being written */
    uint64_t body_len;
    uint32_t body_crc; /* of a body longer than BODY_BYTES */
    uint32_t headers_len;
    uint32_t path_len;
    uint32_t key_len;
    uint32_t method_len;
    char method[METHOD_BYTES];
    char path[PATH_BYTES];
    char key[LEDGER_KEY_BYTES];
    char headers[HEADER_BYTES];
    char body[BODY_BYTES];
};

static struct journal {
    _Atomic uint64_t last; /* number of the newest entry; numbers begin at 1 */
    _Atomic uint64_t forgotten;
    struct entry entries[ENTRIES];
} * journal;

void journal_open(void)
{
    journal = mmap(NULL, sizeof(*journal), PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (journal == MAP_FAILED) {
        perror("simulator: cannot map the journal");
        exit(1);
    }
}

static uint32_t keep(char *to, size_t room, const char *from, size_t len)
{
    len = len < room ? len : room;
    if (len != 0)
        memcpy(to, from, len);
    return (uint32_t)len;
}

static void keep_headers(struct entry *e, const h2o_headers_t *headers)
{
    size_t at = 0;

    for (size_t i = 0; i < headers->size; i++) {
        const h2o_header_t *h = &headers->entries[i];
        if (at + h->name->len + h->value.len + 2 > HEADER_BYTES)
            break;
        memcpy(e->headers + at, h->name->base, h->name->len);
        at += h->name->len;
        e->headers[at++] = '\0';
        memcpy(e->headers + at, h->value.base, h->value.len);
        at += h->value.len;
        e->headers[at++] = '\0';
    }
    e->headers_len = (uint32_t)at;
}

void journal_add(const h2o_req_t *req, struct span key)
{
    uint64_t number = atomic_fetch_add(&journal->last, 1) + 1;
    struct entry *e = &journal->entries[number % ENTRIES];

    atomic_store_explicit(&e->number, 0, memory_order_seq_cst);
    e->method_len = keep(e->method, METHOD_BYTES, req->method.base, req->method.len);
    e->path_len = keep(e->path, PATH_BYTES, req->path.base, req->path.len);
    e->key_len = keep(e->key, LEDGER_KEY_BYTES, key.at, key.len);
    keep(e->body, BODY_BYTES, req->entity.base, req->entity.len);
    e->body_len = req->entity.len;
    if (e->body_len > BODY_BYTES)
        e->body_crc =
            (uint32_t)crc32_z(0, (const unsigned char *)req->entity.base, req->entity.len);
    keep_headers(e, &req->headers);
    atomic_store_explicit(&e->number, number, memory_order_release);
}

void journal_forget(void)
{
    atomic_store(&journal->forgotten, atomic_load(&journal->last));
}

static bool is_utf8(const unsigned char *s, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t more = s[i] < 0x80 ? 0 : s[i] >= 0xf0 ? 3 : s[i] >= 0xe0 ? 2 : 1;
        if (s[i] >= 0x80 && (s[i] < 0xc2 || s[i] > 0xf4))
            return false;
        if (i + more >= len)
            return false;
        for (size_t k = 1; k <= more; k++)
            if ((s[i + k] & 0xc0) != 0x80)
                return false;
        i += more + 1;
    }
    return true;
}

static void write_headers(struct json *j, const struct entry *e)
{
    json_name(j, "headers");
    json_open(j, '[');
    for (size_t at = 0; at < e->headers_len;) {
        struct span name = span_of(e->headers + at);
        struct span value = span_of(e->headers + at + name.len + 1);
        json_item(j);
        json_open(j, '[');
        json_item(j);
        json_text(j, name);
        json_item(j);
        json_text(j, value);
        json_close(j, ']');
        at += name.len + value.len + 2;
    }
    json_close(j, ']');
}

static void write_hex(struct text *out, const char *bytes, size_t len)
{
    text_put(out, "\"");
    for (size_t i = 0; i < len; i++)
        text_format(out, "%02x", (unsigned char)bytes[i]);
    text_put(out, "\"");
}

static void write_body(struct json *j, const struct entry *e)
{
    const unsigned char *bytes = (const unsigned char *)e->body;
    size_t kept = e->body_len < BODY_BYTES ? e->body_len : BODY_BYTES;
    uint32_t crc = e->body_len > BODY_BYTES ? e->body_crc : (uint32_t)crc32_z(0, bytes, kept);

    json_name_number(j, "body_bytes", (int64_t)e->body_len);
    json_name_number(j, "body_crc32", crc);
    if (is_utf8(bytes, kept)) {
        json_name_text(j, "body", (struct span){e->body, kept});
    } else {
        json_name(j, "body_hex");
        write_hex(j->out, e->body, kept);
    }
}

static void write_entry(struct json *j, const struct entry *e)
{
    struct span path = {e->path, e->path_len};
    const char *mark = memchr(e->path, '?', e->path_len);
    size_t path_len = mark != NULL ? (size_t)(mark - e->path) : path.len;

    json_open(j, '{');
    json_name_number(j, "number", (int64_t)e->number);
    json_name_text(j, "method", (struct span){e->method, e->method_len});
    json_name_text(j, "path", span_first(path, path_len));
    json_name_text(j, "query",
                   path_len < path.len ? span_from(path, path_len + 1) : (struct span){"", 0});
    json_name_text(j, "key", (struct span){e->key, e->key_len});
    write_headers(j, e);
    write_body(j, e);
    json_close(j, '}');
}

/* Copies the entry; false when it is not, or no longer, the one with this number. */
static bool copy_entry(struct entry *to, uint64_t number)
{
    struct entry *from = &journal->entries[number % ENTRIES];

    if (atomic_load_explicit(&from->number, memory_order_acquire) != number)
        return false;
    memcpy((void *)to, (const void *)from, sizeof(*to));
    atomic_thread_fence(memory_order_acquire);
    return atomic_load(&from->number) == number;
}

void journal_write(struct text *out, size_t count)
{
    static struct entry entry;
    struct json j = {.out = out};
    uint64_t last = atomic_load(&journal->last);
    uint64_t begin = atomic_load(&journal->forgotten);

    if (count > ENTRIES)
        count = ENTRIES;
    if (last - begin > count)
        begin = last - count;
    json_open(&j, '{');
    json_name(&j, "requests");
    json_open(&j, '[');
    while (begin++ < last) {
        if (!copy_entry(&entry, begin))
            continue;
        json_item(&j);
        write_entry(&j, &entry);
    }
    json_close(&j, ']');
    json_close(&j, '}');
}
