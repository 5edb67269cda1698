/* SPDX-License-Identifier: Apache-2.0 */
/* Logs. Called by the route. What must stay true: no name of a request becomes a part of a path, and
 * what is read is bounded. */
#include "logs.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { TAIL_BYTES = 64 * 1024, FILES_MOST = 64, NAME_SIZE = 64, LINES_MOST = 100000 };

struct line {
    struct view text, time, process;
};

struct tails {
    struct bytes at[FILES_MOST];
    char names[FILES_MOST][NAME_SIZE];
    size_t count;
    struct line *lines;
    size_t line_count;
};

/* The value of that field; empty: the line has none. Values without spaces only. */
static struct view field(struct view line, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i + len < line.len; i++) {
        struct view rest = view_skip(line, i);
        const char *end;

        if ((i && line.at[i - 1] != ' ') || !view_starts(rest, (struct view){name, len}))
            continue;
        rest = view_skip(rest, len);
        end = memchr(rest.at, ' ', rest.len);
        return (struct view){rest.at, end ? (size_t)(end - rest.at) : rest.len};
    }
    return VIEW("");
}

static int level_of(struct view name)
{
    return view_equal(name, VIEW("error")) ? 0 : view_equal(name, VIEW("warn")) ? 1 : 2;
}

/* recorder-store is a recorder. */
static struct view role_of(struct view line)
{
    struct view name = field(line, "proc=");
    const char *dash = name.len ? memchr(name.at, '-', name.len) : NULL;

    return dash ? (struct view){name.at, (size_t)(dash - name.at)} : name;
}

static bool is_wanted(struct view line, const struct logs_wish *wish)
{
    if (wish->role.len && !view_equal(role_of(line), wish->role))
        return false;
    return level_of(field(line, "level=")) <= wish->level &&
           (!wish->text.len || memmem(line.at, line.len, wish->text.at, wish->text.len));
}

/* Reading */

static bool read_tail(int folder, const char *name, struct bytes *tail)
{
    char path[NAME_SIZE + 16];
    struct stat facts;
    ssize_t got = -1;
    int fd;

    snprintf(path, sizeof(path), "%s/current", name);
    fd = openat(folder, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return false;
    if (fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode))
        got = pread(fd, bytes_room(tail, TAIL_BYTES), TAIL_BYTES,
                    facts.st_size > TAIL_BYTES ? facts.st_size - TAIL_BYTES : 0);
    if (got > 0)
        tail->len = (size_t)got;
    close(fd);
    return got > 0;
}

static void take_lines(struct tails *tails, size_t file, const struct logs_wish *wish)
{
    struct view rest = bytes_view(&tails->at[file]);

    while (rest.len && tails->line_count < LINES_MOST) {
        const char *end = memchr(rest.at, '\n', rest.len);
        struct view line = {rest.at, end ? (size_t)(end - rest.at) : rest.len};

        rest = view_skip(rest, end ? line.len + 1 : line.len);
        if (!view_starts(line, VIEW("ts=")) || !is_wanted(line, wish))
            continue; /* another's, or the rest of one */
        tails->lines[tails->line_count++] =
            (struct line){line, field(line, "ts="), view_of(tails->names[file])};
    }
}

/* "frontend" is each frontend: frontend-0, frontend-1. */
static bool is_process(struct view name, struct view wanted)
{
    return !wanted.len || view_equal(name, wanted) ||
           (view_starts(name, wanted) && name.at[wanted.len] == '-');
}

static bool read_all(const char *path, const struct logs_wish *wish, struct tails *tails)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;

    while (folder && tails->count < FILES_MOST && (entry = readdir(folder))) {
        size_t i = tails->count, len = strlen(entry->d_name);

        if (entry->d_name[0] == '.' || len >= NAME_SIZE ||
            !is_process(view_of(entry->d_name), wish->process))
            continue;
        memcpy(tails->names[i], entry->d_name, len + 1);
        if (!read_tail(dirfd(folder), tails->names[i], &tails->at[i]))
            continue;
        tails->count++;
        take_lines(tails, i, wish);
    }
    if (folder)
        closedir(folder);
    return folder;
}

/* Writing */

static int newest_first(const void *a, const void *b)
{
    const struct line *one = a, *other = b;
    size_t len = one->time.len < other->time.len ? one->time.len : other->time.len;
    int order = len ? memcmp(other->time.at, one->time.at, len) : 0;

    if (order)
        return order;
    return one->text.at < other->text.at ? 1 : -1; /* of one file: the later */
}

/* 2026-03-01T09:30:00.123Z; 0: it is none. */
static uint64_t time_of(struct view text)
{
    struct tm parts = {0};
    char copy[32] = "", *rest;
    unsigned ms = 0;

    if (text.len >= sizeof(copy) || !text.len)
        return 0;
    memcpy(copy, text.at, text.len);
    rest = strptime(copy, "%Y-%m-%dT%H:%M:%S", &parts);
    if (!rest)
        return 0;
    if (*rest == '.')
        ms = (unsigned)strtoul(rest + 1, NULL, 10);
    return (uint64_t)timegm(&parts) * 1000 + ms % 1000;
}

static void write_line(const struct line *line, struct bytes *json)
{
    bytes_printf(json,
                 "%s{\"at\":%" PRIu64 ",\"process\":", json->at[json->len - 1] == '[' ? "" : ",",
                 time_of(line->time));
    bytes_json(json, line->process);
    bytes_text(json, ",\"role\":");
    bytes_json(json, role_of(line->text));
    bytes_text(json, ",\"level\":");
    bytes_json(json, field(line->text, "level="));
    bytes_text(json, ",\"event\":");
    bytes_json(json, field(line->text, "event="));
    bytes_text(json, ",\"text\":");
    bytes_json(json, line->text);
    bytes_text(json, "}");
}

bool logs_write(const char *folder, const struct logs_wish *wish, struct bytes *json)
{
    struct tails *tails = memory_new(sizeof(*tails));
    bool is_there;

    tails->lines = memory_new(LINES_MOST * sizeof(*tails->lines));
    is_there = read_all(folder, wish, tails);
    qsort(tails->lines, tails->line_count, sizeof(*tails->lines), newest_first);
    bytes_text(json, "[");
    for (size_t i = 0; i < tails->line_count && i < wish->limit; i++)
        write_line(&tails->lines[i], json);
    bytes_text(json, "]");
    for (size_t i = 0; i < FILES_MOST; i++)
        bytes_clear(&tails->at[i]);
    free(tails->lines);
    free(tails);
    return is_there;
}
