/* SPDX-License-Identifier: Apache-2.0 */
/* `.env`: NAME=value lines; `export` before, quotes around and # comments behind are allowed, as
 * dotenv files have them. Called by options.c. What must stay true: no line is an error, and of two
 * lines with one name the last counts. */
#include "settings/env_file.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"

struct pair {
    char *name;
    char *value;
};

static struct {
    struct pair *at;
    size_t count;
} env_file;

static char *unquote(const char *from, const char *to)
{
    bool is_quoted = from < to && (*from == '"' || *from == '\'');
    char quote = '\0';
    struct bytes out = {0};

    if (is_quoted)
        quote = *from++;
    for (; from < to && (!quote || *from != quote); from++) {
        bool is_escape = quote == '"' && *from == '\\' && from + 1 < to;

        if (!quote && *from == '#' && (from[-1] == ' ' || from[-1] == '\t'))
            break;
        if (is_escape)
            from++;
        bytes_append(&out, (struct view){is_escape && *from == 'n' ? "\n" : from, 1});
    }
    while (!quote && out.len && isspace((unsigned char)out.at[out.len - 1]))
        out.len--;
    return (char *)bytes_cstr(&out);
}

static const char *pass_blanks(const char *from, const char *to)
{
    while (from < to && isspace((unsigned char)*from))
        from++;
    return from;
}

static void take_line(const char *from, const char *to)
{
    const char *equals, *end;

    from = pass_blanks(from, to);
    if (to - from > 7 && memcmp(from, "export ", 7) == 0)
        from = pass_blanks(from + 7, to);
    equals = from < to && *from != '#' ? memchr(from, '=', (size_t)(to - from)) : NULL;
    if (!equals)
        return;
    for (end = equals; end > from && isspace((unsigned char)end[-1]);)
        end--;
    for (equals++; equals < to && isspace((unsigned char)*equals);)
        equals++;
    env_file.at = memory_grow(env_file.at, (env_file.count + 1) * sizeof(*env_file.at));
    env_file.at[env_file.count++] =
        (struct pair){memory_text((struct view){from, (size_t)(end - from)}), unquote(equals, to)};
}

void env_file_read(const char *path)
{
    FILE *file = fopen(path, "re");
    struct bytes text = {0};
    size_t got;

    if (!file)
        return;
    while ((got = fread(bytes_room(&text, 4096), 1, 4096, file)) > 0)
        text.len += got;
    fclose(file);
    bytes_cstr(&text);
    /* Editors of Windows begin a file with a byte order mark. */
    for (char *line = text.at + (strncmp(text.at, "\xef\xbb\xbf", 3) == 0 ? 3 : 0); *line;) {
        size_t len = strcspn(line, "\n");
        take_line(line, line + len);
        line += len + (line[len] == '\n');
    }
    bytes_clear(&text);
}

const char *env_file_find(const char *name)
{
    for (size_t i = env_file.count; i-- > 0;)
        if (strcmp(env_file.at[i].name, name) == 0)
            return env_file.at[i].value;
    return NULL;
}

void env_file_wipe(const char *name)
{
    for (size_t i = 0; i < env_file.count; i++)
        if (strcmp(env_file.at[i].name, name) == 0)
            secret_wipe(env_file.at[i].value);
}
