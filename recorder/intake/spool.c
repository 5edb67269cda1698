/* SPDX-License-Identifier: Apache-2.0 */
/* Writing the spool. Called by the intake only; it alone holds the lock "recorder". */
#include "intake/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "intake/segment.h"

enum { RESERVE_SIZE = 64 * 1024 };

/* Opening */

static void folder_open(struct spool *spool, const char *path)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        die("cannot make the folder %s: %s", path, strerror(errno));
    spool->folder_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (spool->folder_fd < 0)
        die("cannot open the folder %s: %s", path, strerror(errno));
}

/* What stands behind the last good record was never acknowledged: its writer died over it. */
static void tail_cut(struct segment *segment)
{
    uint64_t end = segment_end(segment);
    struct stat facts;

    if (fstat(segment->fd, &facts) != 0 || (uint64_t)facts.st_size <= end)
        return;
    log_info("spool.cut", F_NUM("segment", segment->number),
             F_NUM("bytes", (uint64_t)facts.st_size - end));
    if (ftruncate(segment->fd, (off_t)end) != 0)
        log_error("spool.uncut", F_NUM("segment", segment->number),
                  F_STR("reason", strerror(errno)));
}

static void segment_read(struct spool *spool, struct segment *segment,
                         bool (*on_payload)(void *owner, struct view payload))
{
    struct view payload;

    spool->salt = segment->salt;
    spool->records = segment->first;
    while (segment_next(segment, &payload))
        spool->records += on_payload(spool->owner, payload);
    if (segment->bad)
        log_error("spool.damaged", F_NUM("segment", segment->number), F_NUM("bytes", segment->bad));
}

/* The newest segment whose header is good says all: it begins with how far every sender had come.
 * Those behind it are set aside by the store. */
static void newest_read(struct spool *spool, bool (*on_payload)(void *owner, struct view payload))
{
    for (uint64_t number = spool->number; number; number--) {
        struct segment segment;
        bool is_good;

        if (!segment_open(&segment, spool->folder_fd, number, O_RDWR))
            return; /* the store has deleted the older ones */
        is_good = segment.is_good;
        if (is_good)
            segment_read(spool, &segment, on_payload);
        if (is_good && number == spool->number)
            tail_cut(&segment);
        if (!is_good)
            log_error("spool.damaged", F_NUM("segment", number), F_STR("what", "header"));
        segment_close(&segment);
        if (is_good)
            return;
    }
}

void spool_open(struct spool *spool, const char *path, uint64_t limit,
                bool (*on_payload)(void *owner, struct view payload), void *owner)
{
    struct stat reserve;

    *spool = (struct spool){.fd = -1, .limit = limit, .owner = owner};
    folder_open(spool, path);
    if (getrandom(&spool->salt, sizeof(spool->salt), 0) != sizeof(spool->salt))
        die("no random numbers: %s", strerror(errno));
    spool->number = segment_find_last(spool->folder_fd);
    newest_read(spool, on_payload);
    spool->has_reserve =
        fstatat(spool->folder_fd, "reserve", &reserve, 0) == 0 && reserve.st_size == RESERVE_SIZE;
    spool_reserve(spool);
}

void spool_close(struct spool *spool)
{
    if (spool->fd >= 0)
        close(spool->fd);
    close(spool->folder_fd);
    bytes_clear(&spool->pending);
}

/* Beginning a segment */

static bool write_all(int fd, struct view data)
{
    while (data.len) {
        ssize_t count = write(fd, data.at, data.len);

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return false;
        data = view_skip(data, (size_t)count);
    }
    return true;
}

/* Makes the segment under another name first: it is there with its whole head or not at all,
 * whatever happens. */
static int segment_make(const struct spool *spool, const char *name, struct view head)
{
    int fd = openat(spool->folder_fd, "new.tmp", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int error;

    if (fd < 0)
        return -1;
    if (write_all(fd, head) && fdatasync(fd) == 0 &&
        renameat(spool->folder_fd, "new.tmp", spool->folder_fd, name) == 0) {
        fsync(spool->folder_fd);
        return fd;
    }
    error = errno;
    close(fd);
    unlinkat(spool->folder_fd, "new.tmp", 0);
    errno = error;
    return -1;
}

static bool begin(struct spool *spool)
{
    char name[SEGMENT_NAME];
    struct bytes head = {0};
    int fd;

    segment_name(name, spool->number + 1, "spool");
    segment_begin(&head, spool->records, spool->salt);
    if (spool->on_begin)
        spool->on_begin(spool->owner, spool, &head);
    fd = segment_make(spool, name, bytes_view(&head));
    if (fd < 0) {
        spool->error = errno;
    } else {
        spool->fd = fd;
        spool->number++;
        spool->size = head.len;
        log_info("spool.begun", F_NUM("segment", spool->number));
    }
    bytes_clear(&head);
    return fd >= 0;
}

void spool_note(const struct spool *spool, struct bytes *out, struct view payload)
{
    segment_put(out, spool->salt, payload);
}

static void end(struct spool *spool)
{
    if (spool->fd < 0)
        return;
    if (spool->is_unsynced && fdatasync(spool->fd) != 0)
        log_error("spool.unsynced", F_NUM("segment", spool->number),
                  F_STR("reason", strerror(errno)));
    spool->is_unsynced = false;
    close(spool->fd);
    spool->fd = -1;
}

/* The reserve. The store deletes no segment that is the newest. So if one segment fills the disk, a
 * newer one must be begun for the older to go, and for its head there must be room. */

static bool is_full(int error)
{
    return error == ENOSPC || error == EDQUOT;
}

static bool reserve_give(struct spool *spool)
{
    bool had = spool->has_reserve;

    spool->has_reserve = false;
    return had && unlinkat(spool->folder_fd, "reserve", 0) == 0;
}

void spool_reserve(struct spool *spool)
{
    static const char zeros[RESERVE_SIZE];
    int fd;

    if (spool->has_reserve)
        return;
    fd = openat(spool->folder_fd, "reserve", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    spool->has_reserve = write_all(fd, (struct view){zeros, sizeof(zeros)});
    close(fd);
    if (!spool->has_reserve)
        unlinkat(spool->folder_fd, "reserve", 0);
}

/* Writing */

void spool_add(struct spool *spool, struct view payload)
{
    segment_put(&spool->pending, spool->salt, payload);
    spool->pending_count++;
}

static size_t record_size(const char *record)
{
    const unsigned char *at = (const unsigned char *)record;

    return RECORD_HEADER + ((size_t)at[0] | (size_t)at[1] << 8 | (size_t)at[2] << 16);
}

/* How many whole records are in the first `len` bytes of what was added; sets `*whole` to their
 * length. */
static size_t count_whole(const struct bytes *pending, size_t len, size_t *whole)
{
    size_t count = 0;

    *whole = 0;
    while (len - *whole >= RECORD_HEADER) {
        size_t size = record_size(pending->at + *whole);

        if (size > len - *whole)
            break;
        *whole += size;
        count++;
    }
    return count;
}

/* Bytes of what was added that the segment still takes: whole records, at least one. A segment that
 * took all at once could fill a disk alone, and the newest one is never deleted. */
static size_t fitting(const struct spool *spool)
{
    size_t whole, room = spool->size < spool->limit ? (size_t)(spool->limit - spool->size) : 0;

    if (room >= spool->pending.len)
        return spool->pending.len;
    count_whole(&spool->pending, room, &whole);
    return whole ? whole : record_size(spool->pending.at);
}

static size_t write_some(struct spool *spool)
{
    size_t done = 0, len = fitting(spool);

    while (done < len) {
        ssize_t count =
            pwrite(spool->fd, spool->pending.at + done, len - done, (off_t)(spool->size + done));
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0) {
            spool->error = count < 0 ? errno : ENOSPC;
            break;
        }
        done += (size_t)count;
    }
    return done;
}

static size_t write_pending(struct spool *spool)
{
    size_t done, whole, count;

    spool->error = 0;
    if (spool->fd >= 0 && spool->size >= spool->limit)
        end(spool);
    if (spool->fd < 0 && !begin(spool))
        return 0;
    done = write_some(spool);
    count = count_whole(&spool->pending, done, &whole);
    /* A half record is taken back. If even that fails, the next write goes over it. Whole ones
     * stay: the store may have read them already. */
    if (done > whole && ftruncate(spool->fd, (off_t)(spool->size + whole)) != 0)
        log_warn("spool.uncut", F_NUM("segment", spool->number), F_STR("reason", strerror(errno)));
    spool->size += whole;
    spool->records += count;
    spool->is_unsynced |= whole > 0;
    /* What the disk refused is written again, into another file; the store knows records that come
     * twice. */
    if (spool->syncs_always && !spool_sync(spool))
        return 0;
    bytes_drop(&spool->pending, whole);
    spool->pending_count -= count;
    return count;
}

/* Segment by segment, until all is written or a write fails. */
static size_t write_segments(struct spool *spool)
{
    size_t count = 0, written;

    do {
        written = write_pending(spool);
        count += written;
    } while (spool->pending_count && written && !spool->error);
    return count;
}

size_t spool_write(struct spool *spool)
{
    size_t count;

    if (!spool->pending_count)
        return 0;
    count = write_segments(spool);
    if (spool->pending_count && is_full(spool->error) && reserve_give(spool)) {
        end(spool);
        count += write_segments(spool);
    }
    return count;
}

bool spool_sync(struct spool *spool)
{
    if (spool->fd < 0 || !spool->is_unsynced)
        return true;
    spool->is_unsynced = false;
    if (fdatasync(spool->fd) == 0)
        return true;
    spool->error = errno;
    end(spool); /* what the kernel could not write it will not try again: go on in another file */
    return false;
}

uint64_t spool_bytes(const struct spool *spool)
{
    int fd = openat(spool->folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    struct stat facts;
    uint64_t sum = 0;

    if (!folder) {
        if (fd >= 0)
            close(fd);
        return 0;
    }
    while ((entry = readdir(folder)) != NULL)
        if (strstr(entry->d_name, ".spool") &&
            fstatat(spool->folder_fd, entry->d_name, &facts, 0) == 0)
            sum += (uint64_t)facts.st_size;
    closedir(folder);
    return sum;
}
