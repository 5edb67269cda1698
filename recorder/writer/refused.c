/* SPDX-License-Identifier: Apache-2.0 */
/* Setting records aside. What must stay true: no half line stays in the file. */
#include "writer/refused.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "settings/options.h"

static void append_field(struct bytes *line, const struct field *field, const char *at)
{
    bytes_printf(line, ",\"%s\":", field->name);
    switch (field->type) {
    case FIELD_u64:
        bytes_printf(line, "%llu", (unsigned long long)*(const uint64_t *)at);
        return;
    case FIELD_boolean:
        bytes_text(line, *(const bool *)at ? "true" : "false");
        return;
    case FIELD_str:
    case FIELD_bin:
        bytes_json(line, *(const struct view *)at);
        return;
    case FIELD_secret:
        bytes_text(line, "null");
        return;
    }
}

static bool append_line(struct view line)
{
    int fd =
        open(options_path("spool/refused.jsonl"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    struct stat before = {0};
    bool is_good;

    if (fd < 0)
        return false;
    is_good = fstat(fd, &before) == 0 && write(fd, line.at, line.len) == (ssize_t)line.len &&
              fdatasync(fd) == 0;
    if (!is_good && ftruncate(fd, before.st_size) != 0)
        is_good = false;
    close(fd);
    return is_good;
}

bool refused_write(const struct msg_record *record, unsigned code, struct view reason)
{
    struct bytes line = {0};
    bool is_good;

    bytes_printf(&line, "{\"code\":%u,\"reason\":", code);
    bytes_json(&line, reason);
    for (const struct field *field = messages[MSG_RECORD].fields; field->name; field++)
        append_field(&line, field, (const char *)record + field->offset);
    bytes_text(&line, "}\n");
    is_good = append_line(bytes_view(&line));
    bytes_clear(&line);
    return is_good;
}
