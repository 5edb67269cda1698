/* SPDX-License-Identifier: Apache-2.0 */
/* Following the spool. Called by the store process only, which holds the lock "recorder-store". */
#include "writer/tail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

void tail_open(struct tail *tail, const char *path)
{
    *tail = (struct tail){.segment.fd = -1};
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        die("cannot make the folder %s: %s", path, strerror(errno));
    tail->folder_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (tail->folder_fd < 0)
        die("cannot open the folder %s: %s", path, strerror(errno));
}

void tail_close(struct tail *tail)
{
    segment_close(&tail->segment);
    close(tail->folder_fd);
}

static bool begin(struct tail *tail, uint64_t from)
{
    uint64_t number = segment_find(tail->folder_fd, from);

    tail->is_finished = false;
    tail->is_open = number && segment_open(&tail->segment, tail->folder_fd, number, O_RDONLY);
    return tail->is_open;
}

/* Whether the intake has gone on to another segment. It makes them one by one, so a look at the
 * next name is enough; but somebody may have emptied the folder by hand. */
static bool has_next(const struct tail *tail)
{
    char name[SEGMENT_NAME];
    struct stat facts;

    segment_name(name, tail->segment.number + 1, "spool");
    if (faccessat(tail->folder_fd, name, F_OK, 0) == 0)
        return true;
    return fstat(tail->segment.fd, &facts) == 0 && facts.st_nlink == 0;
}

enum tail_state tail_next(struct tail *tail, struct view *payload)
{
    if (!tail->is_open && !begin(tail, 1))
        return TAIL_WAIT;
    for (;;) {
        if (segment_next(&tail->segment, payload))
            return TAIL_PAYLOAD;
        if (tail->is_finished)
            return TAIL_END;
        tail->is_finished = has_next(tail);
        if (!tail->is_finished)
            return TAIL_WAIT;
        /* Something may have been appended between our read and that look: read once more. */
    }
}

/* Bytes that were no record; 0 too for a file that somebody has deleted, whose name may be
 * another's by now. */
static uint64_t damage(const struct segment *segment, bool *is_there)
{
    struct stat facts;

    *is_there = fstat(segment->fd, &facts) == 0 && facts.st_nlink > 0;
    if (!*is_there)
        return 0;
    if (!segment->is_good)
        return (uint64_t)facts.st_size;
    return segment->bad + (uint64_t)facts.st_size - segment_end(segment);
}

void tail_pass(struct tail *tail)
{
    char name[SEGMENT_NAME], kept[SEGMENT_NAME];
    uint64_t number = tail->segment.number;
    bool is_there;
    uint64_t bad = damage(&tail->segment, &is_there);

    segment_name(name, number, "spool");
    segment_name(kept, number, "bad");
    if (bad) {
        log_error("spool.damaged", F_NUM("segment", number), F_NUM("bytes", bad),
                  F_STR("kept", kept));
        renameat(tail->folder_fd, name, tail->folder_fd, kept);
    } else if (is_there) {
        unlinkat(tail->folder_fd, name, 0);
    }
    segment_close(&tail->segment);
    tail->is_open = false;
    begin(tail, number + 1);
}
