/* SPDX-License-Identifier: Apache-2.0 */
/* Kept signatures: a ring of entries in a file, and an index into it.
 *
 *   header: where the next entry goes, for all writers | index: buckets of places | ring: entries
 *
 * Several frontends write at once, and any of them may be killed at any time. What must stay true:
 * an entry has its bytes of the ring for itself from the moment when it was added to `head`, until
 * the ring has come round; and whoever reads one believes its sum only. So there is no lock, and
 * the worst is that something is not found. Only the header is mapped, and it is on disk before:
 * a full disk is an error of a write, and no signal. */
#include "parts/signatures.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/log.h"

#define MAGIC UINT64_C(0x3153676953746867) /* ghtSigS1 */
#define FILE_PREFIX "signatures-"

enum {
    HEADER_BYTES = 4096,
    BUCKET_SLOTS = 8,
    ENTRY_USUAL = 512, /* bytes, for the size of the index */
    ENTRY_MOST = 320 * 1024,
    SIZE_LEAST = 64 * 1024,
    TEXTS_MOST = 256, /* of a model's name */
};

struct signatures_header {
    uint64_t magic;
    uint64_t size;
    uint64_t head; /* bytes that were ever given to entries */
};

struct slot {
    uint64_t tag;
    uint64_t place; /* in all bytes that were ever given, + 1; 0: free */
};

struct entry {
    uint32_t sum; /* of all that follows */
    uint32_t len; /* of model, a zero and signature */
    uint64_t time_s;
    unsigned char key[16];
};

struct key {
    unsigned char all[16];
    uint64_t bucket, tag;
};

/* ---- reading and writing ---- */

static bool all_read(int fd, void *to, size_t len, uint64_t at)
{
    return pread(fd, to, len, (off_t)at) == (ssize_t)len;
}

static bool all_written(int fd, const void *from, size_t len, uint64_t at)
{
    return pwrite(fd, from, len, (off_t)at) == (ssize_t)len;
}

static uint64_t index_at(uint64_t bucket)
{
    return HEADER_BYTES + bucket * BUCKET_SLOTS * sizeof(struct slot);
}

static uint64_t ring_at(const struct signatures *kept)
{
    return index_at(kept->buckets);
}

/* A run of the ring, which may go over its end. */
static bool ring_read(const struct signatures *kept, uint64_t place, char *to, size_t len)
{
    uint64_t from = place % kept->size;
    size_t first = len < kept->size - from ? len : (size_t)(kept->size - from);

    return all_read(kept->fd, to, first, ring_at(kept) + from) &&
           (first == len || all_read(kept->fd, to + first, len - first, ring_at(kept)));
}

static bool ring_write(const struct signatures *kept, uint64_t place, const char *from, size_t len)
{
    uint64_t to = place % kept->size;
    size_t first = len < kept->size - to ? len : (size_t)(kept->size - to);

    return all_written(kept->fd, from, first, ring_at(kept) + to) &&
           (first == len || all_written(kept->fd, from + first, len - first, ring_at(kept)));
}

/* ---- the file ---- */

/* Those of other sizes are nobody's any more, once this frontend runs. */
static void remove_others(const char *folder, const char *own)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;

    while (dir && (entry = readdir(dir)) != NULL)
        if (strncmp(entry->d_name, FILE_PREFIX, strlen(FILE_PREFIX)) == 0 &&
            strcmp(entry->d_name, own) != 0)
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir)
        closedir(dir);
}

static bool is_whole(int fd, uint64_t len)
{
    struct stat facts;

    return fstat(fd, &facts) == 0 && (uint64_t)facts.st_size == len;
}

/* A file that was just made, or whose maker was killed, is filled; one that is of another kind is
 * not taken. */
static bool prepare(const struct signatures *kept)
{
    uint64_t len = ring_at(kept) + kept->size;
    struct signatures_header header = {0};
    struct stat facts;

    if (fstat(kept->fd, &facts) != 0)
        return false;
    if (facts.st_size == 0 && ftruncate(kept->fd, (off_t)len) != 0)
        return false;
    if (!is_whole(kept->fd, len) || !all_read(kept->fd, &header, sizeof(header), 0))
        return false;
    if (!header.magic) {
        header = (struct signatures_header){.magic = MAGIC, .size = kept->size};
        return posix_fallocate(kept->fd, 0, HEADER_BYTES) == 0 &&
               all_written(kept->fd, &header, sizeof(header), 0);
    }
    return header.magic == MAGIC && header.size == kept->size;
}

static bool open_file(struct signatures *kept, const char *path)
{
    void *map;

    kept->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (kept->fd < 0)
        return false;
    if (flock(kept->fd, LOCK_EX) == 0 && prepare(kept)) {
        map = mmap(NULL, HEADER_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, kept->fd, 0);
        kept->header = map == MAP_FAILED ? NULL : map;
    }
    (void)flock(kept->fd, LOCK_UN);
    if (!kept->header)
        close(kept->fd);
    return kept->header != NULL;
}

void signatures_open(struct signatures *kept, const char *folder, uint64_t size)
{
    struct bytes path = {0};
    char name[48];

    *kept = (struct signatures){.size = size < SIZE_LEAST ? SIZE_LEAST : size / 8 * 8};
    kept->buckets = kept->size / ENTRY_USUAL / BUCKET_SLOTS;
    snprintf(name, sizeof(name), FILE_PREFIX "%llu", (unsigned long long)kept->size);
    bytes_printf(&path, "%s/%s", folder, name);
    remove_others(folder, size ? name : "");
    if (size && !open_file(kept, bytes_cstr(&path)) && unlink(bytes_cstr(&path)) == 0)
        (void)open_file(kept, path.at); /* it was damaged: a new one */
    if (size && !kept->header)
        log_warn("signatures.unusable", F_STR("file", path.at), F_STR("reason", strerror(errno)));
    bytes_clear(&path);
}

void signatures_close(struct signatures *kept)
{
    if (!kept->header)
        return;
    munmap(kept->header, HEADER_BYTES);
    close(kept->fd);
    *kept = (struct signatures){0};
}

/* ---- entries ---- */

static struct key key_of(const struct signatures *kept, const struct signature_owner *owner)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    struct bytes text = {0};
    struct key key;

    bytes_printf(&text, "%llx ", (unsigned long long)owner->client);
    bytes_append(&text, owner->id);
    SHA256((const unsigned char *)text.at, text.len, digest);
    bytes_clear(&text);
    memcpy(key.all, digest, sizeof(key.all));
    memcpy(&key.tag, digest, sizeof(key.tag));
    memcpy(&key.bucket, digest + sizeof(key.tag), sizeof(key.bucket));
    key.bucket %= kept->buckets;
    return key;
}

static uint32_t sum_of(const struct bytes *entry)
{
    const char *begin = entry->at + sizeof(uint32_t);

    return (uint32_t)crc32(0, (const Bytef *)begin, (uInt)(entry->len - sizeof(uint32_t)));
}

static bool is_past(const struct signatures *kept, uint64_t place)
{
    return __atomic_load_n(&kept->header->head, __ATOMIC_ACQUIRE) - place > kept->size;
}

/* The whole entry; false: it is none, or another's, or too old. */
static bool read_entry(const struct signatures *kept, const struct key *key, uint64_t place,
                       uint64_t now_s, struct bytes *out)
{
    struct entry entry;

    out->len = 0;
    if (is_past(kept, place) || !ring_read(kept, place, (char *)&entry, sizeof(entry)) ||
        entry.len > ENTRY_MOST || memcmp(entry.key, key->all, sizeof(key->all)) != 0 ||
        now_s > entry.time_s + SIGNATURES_LIFE_S)
        return false;
    if (!ring_read(kept, place, bytes_room(out, sizeof(entry) + entry.len),
                   sizeof(entry) + entry.len))
        return false;
    out->len = sizeof(entry) + entry.len;
    return sum_of(out) == entry.sum;
}

/* The slot that has the tag, else a free one, else the one whose entry is the oldest. */
static size_t choose_slot(const struct signatures *kept, const struct slot *slots, uint64_t tag)
{
    size_t best = 0;

    for (size_t i = 0; i < BUCKET_SLOTS; i++)
        if (slots[i].place && slots[i].tag == tag)
            return i;
    for (size_t i = 0; i < BUCKET_SLOTS; i++) {
        if (!slots[i].place || is_past(kept, slots[i].place - 1))
            return i;
        if (slots[i].place < slots[best].place)
            best = i;
    }
    return best;
}

static void write_entry(struct signatures *kept, const struct key *key, struct bytes *entry)
{
    uint64_t room = (entry->len + 7) / 8 * 8;
    uint64_t place = __atomic_fetch_add(&kept->header->head, room, __ATOMIC_ACQ_REL);
    struct slot slots[BUCKET_SLOTS], slot = {key->tag, place + 1};
    uint64_t at = index_at(key->bucket);
    size_t number;

    if (!ring_write(kept, place, entry->at, entry->len) ||
        !all_read(kept->fd, slots, sizeof(slots), at))
        return;
    number = choose_slot(kept, slots, key->tag);
    (void)all_written(kept->fd, &slot, sizeof(slot), at + number * sizeof(slot));
}

void signatures_keep(struct signatures *kept, const struct signature_owner *owner,
                     struct view signature, uint64_t now_s)
{
    struct entry head = {.time_s = now_s};
    struct bytes entry = {0};
    struct key key;

    if (!kept || !kept->header || owner->model.len > TEXTS_MOST ||
        signature.len > ENTRY_MOST - TEXTS_MOST - 1 ||
        sizeof(head) + owner->model.len + signature.len > kept->size / 16)
        return;
    key = key_of(kept, owner);
    memcpy(head.key, key.all, sizeof(head.key));
    head.len = (uint32_t)(owner->model.len + 1 + signature.len);
    bytes_append(&entry, (struct view){(const char *)&head, sizeof(head)});
    bytes_append(&entry, owner->model);
    bytes_append(&entry, (struct view){"", 1});
    bytes_append(&entry, signature);
    head.sum = sum_of(&entry);
    memcpy(entry.at, &head.sum, sizeof(head.sum));
    write_entry(kept, &key, &entry);
    bytes_clear(&entry);
}

/* ---- finding ---- */

/* "gemini-3" of gemini-3.5-flash; a name without a number is a family of its own. */
static struct view family_of(struct view model)
{
    struct view head = VIEW("gemini-");
    size_t len = head.len;

    if (!view_starts(model, head))
        return model;
    while (len < model.len && model.at[len] >= '0' && model.at[len] <= '9')
        len++;
    return len > head.len ? (struct view){model.at, len} : model;
}

static bool take_entry(const struct bytes *entry, struct view model, struct bytes *signature)
{
    struct view text = view_skip(bytes_view(entry), sizeof(struct entry));
    const char *end = text.len ? memchr(text.at, 0, text.len) : NULL;

    if (!end ||
        !view_equal(family_of((struct view){text.at, (size_t)(end - text.at)}), family_of(model)))
        return false;
    bytes_append(signature, view_skip(text, (size_t)(end - text.at) + 1));
    return true;
}

/* What is used does not grow old. */
static bool is_ageing(const struct signatures *kept, uint64_t place, const struct bytes *entry,
                      uint64_t now_s)
{
    uint64_t head = __atomic_load_n(&kept->header->head, __ATOMIC_ACQUIRE), time_s;

    memcpy(&time_s, entry->at + offsetof(struct entry, time_s), sizeof(time_s));
    return head - place > kept->size / 2 || now_s > time_s + SIGNATURES_LIFE_S / 2;
}

bool signatures_find(struct signatures *kept, const struct signature_owner *owner, uint64_t now_s,
                     struct bytes *signature)
{
    struct slot slots[BUCKET_SLOTS];
    struct bytes entry = {0};
    size_t start = signature->len;
    bool is_found = false;
    struct key key;

    if (!kept || !kept->header || !owner->id.len)
        return false;
    key = key_of(kept, owner);
    if (!all_read(kept->fd, slots, sizeof(slots), index_at(key.bucket)))
        return false;
    for (size_t i = 0; i < BUCKET_SLOTS && !is_found; i++) {
        if (!slots[i].place || slots[i].tag != key.tag ||
            !read_entry(kept, &key, slots[i].place - 1, now_s, &entry))
            continue;
        is_found = take_entry(&entry, owner->model, signature);
        if (is_found && is_ageing(kept, slots[i].place - 1, &entry, now_s))
            signatures_keep(kept, owner, view_skip(bytes_view(signature), start), now_s);
    }
    bytes_clear(&entry);
    return is_found;
}
