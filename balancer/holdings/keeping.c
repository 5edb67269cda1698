/* SPDX-License-Identifier: Apache-2.0 */
/* Called by main.c. What must stay true: a change is in the file before anybody is told that it is taken, so a killed balancer
 * knows it again; and the file has at most twice as many lines as there are objects, and some more. */
#include "holdings/keeping.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/log.h"
#include "objects/objects.h"

enum {
    LINES_SPARE = 1000, /* more than twice the objects, before the file is written anew */
    FILE_MOST = 256 * 1024 * 1024, /* a larger one is none of ours */
};

/* A line: crc key client until number sign name, where the sign is + or -. */

static void write_line(struct bytes *out, const struct holding *holding, bool is_gone)
{
    struct bytes text = {0};

    bytes_printf(&text, "%016llx %016llx %llu %llu %c %s", (unsigned long long)holding->key_id,
                 (unsigned long long)holding->client, (unsigned long long)holding->until_ms,
                 (unsigned long long)holding->number, is_gone ? '-' : '+', holding->name);
    bytes_printf(out, "%08lx ", crc32(0, (const unsigned char *)text.at, (unsigned)text.len));
    bytes_append(out, bytes_view(&text));
    bytes_text(out, "\n");
    bytes_clear(&text);
}

static void complain(struct keeping *keeping, const char *what)
{
    if (!keeping->has_failed)
        log_warn("holdings.unkept", F_STR("path", keeping->path), F_STR("at", what),
                 F_STR("reason", strerror(errno)));
    keeping->has_failed = true;
}

static bool write_all(int fd, struct view text)
{
    while (text.len) {
        ssize_t len = write(fd, text.at, text.len);

        if (len < 0 && errno == EINTR)
            continue;
        if (len <= 0)
            return false;
        text = view_skip(text, (size_t)len);
    }
    return true;
}

/* ---- the file anew ---- */

static void put_in_place(struct keeping *keeping, const char *fresh, int fd)
{
    if (rename(fresh, keeping->path) != 0) {
        complain(keeping, "rename");
        close(fd);
        return;
    }
    if (keeping->fd >= 0)
        close(keeping->fd);
    keeping->fd = fd;
    keeping->lines = holdings_count(keeping->holdings);
    keeping->has_failed = false;
}

static void write_anew(struct keeping *keeping)
{
    struct bytes fresh = {0}, text = {0};
    int fd;

    bytes_printf(&fresh, "%s.new", keeping->path);
    for (const struct holding *holding = keeping->holdings->all; holding;
         holding = holding->next_all)
        write_line(&text, holding, false);
    fd = open(bytes_cstr(&fresh), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (fd >= 0 && write_all(fd, bytes_view(&text))) {
        put_in_place(keeping, bytes_cstr(&fresh), fd);
    } else {
        complain(keeping, "write");
        if (fd >= 0)
            close(fd);
    }
    bytes_clear(&fresh);
    bytes_clear(&text);
}

/* A half line that could not be ended would swallow the next: the file is written anew then. */
static void on_changed(void *owner, const struct holding *holding, bool is_gone)
{
    struct keeping *keeping = owner;
    struct bytes line = {0};

    write_line(&line, holding, is_gone);
    if (keeping->fd >= 0 && !keeping->has_failed && write_all(keeping->fd, bytes_view(&line)))
        keeping->lines++;
    else
        complain(keeping, "write");
    bytes_clear(&line);
    if (keeping->lines > 2 * holdings_count(keeping->holdings) + LINES_SPARE)
        keeping->is_due = true;
}

/* ---- reading ---- */

static void take(struct holdings *holdings, const struct holding *line, char sign, uint64_t utc_ms)
{
    struct view name = view_of(line->name);

    if (sign == '-')
        holdings_forget(holdings, name);
    else
        holdings_restore(holdings, line, utc_ms);
}

static void read_line(struct keeping *keeping, struct view line, uint64_t utc_ms)
{
    unsigned long long key, client, until, number;
    char name[OBJECT_NAME_MOST + 2], text[OBJECT_NAME_MOST + 128], sign;
    unsigned long crc;
    int begin = 0;

    if (line.len >= sizeof(text))
        return;
    memcpy(text, line.at, line.len);
    text[line.len] = '\0';
    if (sscanf(text, "%8lx %n%llx %llx %llu %llu %c %321s", &crc, &begin, &key, &client, &until,
               &number, &sign, name) != 7 ||
        crc32(0, (const unsigned char *)text + begin, (unsigned)(line.len - (size_t)begin)) != crc)
        return;
    keeping->lines++;
    take(keeping->holdings,
         &(struct holding){
             .name = name, .key_id = key, .client = client, .until_ms = until, .number = number},
         sign, utc_ms);
}

static void read_lines(struct keeping *keeping, struct view text, uint64_t utc_ms)
{
    const char *end;

    while (text.len && (end = memchr(text.at, '\n', text.len)) != NULL) {
        size_t len = (size_t)(end - text.at);

        read_line(keeping, (struct view){text.at, len}, utc_ms);
        text = view_skip(text, len + 1);
    }
}

static void read_file(struct keeping *keeping, uint64_t utc_ms)
{
    int fd = open(keeping->path, O_RDONLY | O_CLOEXEC);
    struct bytes text = {0};
    struct stat facts;
    ssize_t len = 0;

    if (fd < 0)
        return;
    if (fstat(fd, &facts) == 0 && facts.st_size > 0 && facts.st_size <= FILE_MOST) {
        bytes_room(&text, (size_t)facts.st_size);
        while (text.len < (size_t)facts.st_size &&
               (len = read(fd, text.at + text.len, (size_t)facts.st_size - text.len)) > 0)
            text.len += (size_t)len;
    }
    close(fd);
    read_lines(keeping, bytes_view(&text), utc_ms);
    bytes_clear(&text);
}

void keeping_open(struct keeping *keeping, struct holdings *holdings, const char *path,
                  uint64_t utc_ms)
{
    *keeping = (struct keeping){.holdings = holdings, .path = memory_text(view_of(path)), .fd = -1};
    read_file(keeping, utc_ms);
    write_anew(keeping);
    holdings->changed = on_changed;
    holdings->owner = keeping;
    if (keeping->lines)
        log_info("holdings.read", F_NUM("objects", keeping->lines));
}

void keeping_turn(struct keeping *keeping)
{
    if (keeping->is_due || keeping->has_failed)
        write_anew(keeping);
    keeping->is_due = false;
}

void keeping_close(struct keeping *keeping)
{
    if (keeping->fd >= 0)
        close(keeping->fd);
    free(keeping->path);
    *keeping = (struct keeping){.fd = -1};
}
