/* SPDX-License-Identifier: Apache-2.0 */
/* A file .env of any bytes. It must be read without harm, and what was read, written down in the
 * plainest way, must be read as the same. Options that such a file sets are taken, or refused by
 * name. */
#include "options_alone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ensure(bool claim)
{
    if (!claim)
        abort();
}

static void write_value(struct bytes *out, const char *value)
{
    bytes_text(out, "\"");
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            bytes_text(out, "\\");
        bytes_append(out, *value == '\n' ? VIEW("\\n") : (struct view){value, 1});
    }
    bytes_text(out, "\"\n");
}

static bool is_blank(char c)
{
    return isspace((unsigned char)c) != 0;
}

static void check_name(const char *name)
{
    size_t len = strlen(name);

    ensure(!strpbrk(name, "=\n"));
    ensure(len == 0 || (!is_blank(name[0]) && !is_blank(name[len - 1])));
}

/* Reads the file and gives what it holds as such a file. */
static void rewrite(struct view file, struct bytes *out)
{
    alone.file = file;
    alone_begin();
    env_file_read(".env");
    blocks.is_on = false;
    for (size_t i = 0; i < env_file.count; i++) {
        check_name(env_file.at[i].name);
        bytes_printf(out, "export %s=", env_file.at[i].name);
        write_value(out, env_file.at[i].value);
    }
    alone_clear();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes once = {0}, twice = {0};
    char *arguments[] = {(char *)(uintptr_t) "fuzz", NULL};

    rewrite((struct view){(const char *)data, size}, &once);
    rewrite(bytes_view(&once), &twice);
    ensure(view_equal(bytes_view(&once), bytes_view(&twice)));

    alone.file = (struct view){(const char *)data, size};
    alone_begin();
    alone_read(1, arguments);
    ensure(alone.status == -1 || (alone.status == 2 && strstr(alone.said, ": ")));
    alone_clear();
    bytes_clear(&once);
    bytes_clear(&twice);
    return 0;
}
