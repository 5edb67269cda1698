/* SPDX-License-Identifier: Apache-2.0 */
/* logfmt lines on stderr. Lines are gathered so that a turn of the loop costs one write. */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"

enum { GATHERED_MOST = 256 * 1024 };

static struct bytes origin; /* proc=… pid=… event=, the same in every line */
static enum log_level wanted = LOG_INFO;
static struct bytes gathered;
static uint64_t dropped_lines;

static const struct level_name {
    const char *name;
    enum log_level level;
} level_names[] = {
    {"ERROR", LOG_ERROR}, {"CRITICAL", LOG_ERROR}, {"WARNING", LOG_WARN}, {"WARN", LOG_WARN},
    {"INFO", LOG_INFO},   {"DEBUG", LOG_TRACE},    {"TRACE", LOG_TRACE},
};

static const struct level_name *level_find(const char *name)
{
    for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++)
        if (strcasecmp(level_names[i].name, name) == 0)
            return &level_names[i];
    return NULL;
}

bool log_knows_level(const char *name)
{
    return level_find(name) != NULL;
}

void log_open(const char *process, const char *level_name)
{
    struct stat stderr_stat;

    origin.len = 0;
    bytes_printf(&origin, " proc=%s pid=%d event=", process, (int)getpid());
    if (fstat(STDERR_FILENO, &stderr_stat) == 0 && S_ISFIFO(stderr_stat.st_mode))
        fcntl(STDERR_FILENO, F_SETFL, O_NONBLOCK); /* a stopped log reader must not stop us */
    log_set_level(level_name);
}

void log_set_level(const char *level_name)
{
    const struct level_name *level = level_find(level_name);

    if (level)
        wanted = level->level;
}

bool log_wants(enum log_level level)
{
    return level <= wanted;
}

static void append_time(void)
{
    static uint64_t last_s = UINT64_MAX;
    static char text[40];
    uint64_t now_ms = clock_utc_ms();

    if (now_ms / 1000 != last_s) {
        time_t seconds = (time_t)(now_ms / 1000);
        struct tm parts;
        gmtime_r(&seconds, &parts);
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
        last_s = now_ms / 1000;
    }
    bytes_text(&gathered, "ts=");
    bytes_text(&gathered, text);
    bytes_append(&gathered, (struct view){(char[]){'.', (char)('0' + now_ms / 100 % 10),
                                                   (char)('0' + now_ms / 10 % 10),
                                                   (char)('0' + now_ms % 10), 'Z'},
                                          5});
}

/* As printf's %llu and %llx, which would be a good part of what a call costs. */
static void append_number(uint64_t number, unsigned base)
{
    char text[24];
    size_t at = sizeof(text);

    do {
        text[--at] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number);
    bytes_append(&gathered, (struct view){text + at, sizeof(text) - at});
}

/* A value without spaces, quotes and control characters stands bare; any other is quoted as in
 * JSON. */
static void append_text(struct view text)
{
    bool is_bare = text.len > 0;

    for (size_t i = 0; i < text.len && is_bare; i++) {
        unsigned char c = (unsigned char)text.at[i];
        is_bare = c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\';
    }
    if (is_bare)
        bytes_append(&gathered, text);
    else
        bytes_json(&gathered, text);
}

void log_write(enum log_level level, const char *event, const struct log_field *fields,
               size_t count)
{
    static const char *const names[] = {"error", "warn", "info", "trace"};

    if (gathered.len > GATHERED_MOST) {
        dropped_lines++;
        return;
    }
    append_time();
    bytes_text(&gathered, " level=");
    bytes_text(&gathered, names[level]);
    bytes_append(&gathered, origin.len ? bytes_view(&origin) : VIEW(" event="));
    bytes_text(&gathered, event);
    for (size_t i = 0; i < count; i++) {
        bytes_text(&gathered, " ");
        bytes_text(&gathered, fields[i].name);
        bytes_text(&gathered, "=");
        switch (fields[i].type) {
        case LOG_NUM:
            append_number(fields[i].number, 10);
            break;
        case LOG_ID:
            append_number(fields[i].number, 16);
            break;
        case LOG_VIEW:
            append_text(fields[i].text);
            break;
        }
    }
    bytes_text(&gathered, "\n");
    if (level == LOG_ERROR)
        log_flush();
}

void log_flush(void)
{
    size_t done = 0;

    while (done < gathered.len) {
        ssize_t sent = write(STDERR_FILENO, gathered.at + done, gathered.len - done);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            break; /* EAGAIN on a full pipe, or nobody reads: what is left waits for the next turn
                    */
        done += (size_t)sent;
    }
    bytes_drop(&gathered, done);
    if (dropped_lines && gathered.len == 0) {
        uint64_t count = dropped_lines;
        dropped_lines = 0;
        log_warn("log.dropped", F_NUM("lines", count));
    }
}

void die(const char *format, ...)
{
    struct bytes text = {0};
    char line[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    bytes_text(&text, line);
    log_error("process.died", F_VIEW("reason", bytes_view(&text)));
    log_flush();
    exit(1);
}
