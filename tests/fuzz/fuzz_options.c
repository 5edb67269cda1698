/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of any value, from the environment, the file .env and the command line. The input is
 * lines: a byte that says where from, one that says which setting, the value. They are taken, and
 * then every value is what its type and range allow; or they are refused, naming the setting, the
 * value and what would be right. Whatever happens, no secret is printed: in a secret each letter is
 * made a Z, and no other value has one. */
#include "options_alone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FROM_ENVIRONMENT, FROM_FILE, FROM_ARGUMENT, FROM_ANYWHERE, SOURCES };

static struct {
    struct bytes file;
    char *arguments[VARIABLES_MOST + 2];
    int argument_count;
    bool is_secret_argument;
    bool has_ellipsis; /* which is what stands for a value that is not told */
} given;

static void ensure(bool claim)
{
    if (!claim)
        abort();
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* A copy of the value in which only secrets have a Z. */
static char *value_mark(struct view value, bool is_hidden)
{
    char *copy = memory_text(value);

    for (char *at = copy; *at; at++) {
        if (is_hidden && is_letter(*at) && at > copy && at[-1] != '\\')
            *at = 'Z';
        else if (!is_hidden && (*at == 'Z' || (*at == 'u' && at > copy && at[-1] == '\\')))
            *at = 'z'; /* the second could give a Z as \u005a */
    }
    return copy;
}

static void give_argument(const struct option *option, const char *value)
{
    struct bytes argument = {0};

    bytes_text(&argument, "--");
    for (const char *at = option->name; *at; at++)
        bytes_printf(&argument, "%c", *at == '_' ? '-' : tolower((unsigned char)*at));
    bytes_printf(&argument, "=%s", value);
    given.arguments[given.argument_count++] = (char *)bytes_cstr(&argument);
    given.is_secret_argument |= option_is_secret(option);
}

static void give(unsigned source, const struct option *option, char *value)
{
    switch (source) {
    case FROM_ENVIRONMENT:
        alone.names[alone.count] = memory_text(view_of(option->name));
        alone.values[alone.count++] = value;
        return;
    case FROM_FILE:
        bytes_printf(&given.file, "%s=%s\n", option->name, value);
        break;
    case FROM_ARGUMENT:
        give_argument(option, value);
        break;
    case FROM_ANYWHERE: /* an argument as it stands, which may be none of ours */
        given.arguments[given.argument_count++] = value_mark(view_of(value), false);
        break;
    }
    free(value);
}

static void give_line(struct view line)
{
    unsigned source = (unsigned char)line.at[0] % SOURCES;
    const struct option *option = &option_table[(unsigned char)line.at[1] % option_count];

    given.has_ellipsis |= memmem(line.at, line.len, "…", strlen("…")) != NULL;
    if (alone.count == VARIABLES_MOST || given.argument_count > VARIABLES_MOST)
        return;
    give(source, option, value_mark(view_skip(line, 2), option_is_secret(option)));
}

static void give_all(struct view text)
{
    given.arguments[given.argument_count++] = memory_text(VIEW("fuzz"));
    while (text.len) {
        const char *end = memchr(text.at, '\n', text.len);
        struct view line = {text.at, end ? (size_t)(end - text.at) : text.len};

        if (line.len >= 2)
            give_line(line);
        text = view_skip(text, end ? line.len + 1 : line.len);
    }
    given.arguments[given.argument_count] = NULL;
    alone.file = bytes_view(&given.file);
}

static void take_back(char **arguments)
{
    for (int i = 0; arguments[i]; i++)
        free(arguments[i]);
    for (size_t i = 0; i < alone.count; i++) {
        free(alone.names[i]);
        free(alone.values[i]);
    }
    alone.count = 0;
    bytes_clear(&given.file);
    memset(&given, 0, sizeof(given));
}

/* NAME=value: what is right */
static const struct option *option_of(struct view said)
{
    const struct option *found = NULL;

    for (size_t i = 0; i < option_count; i++)
        if (view_starts(said, view_of(option_table[i].name)) &&
            (!found || strlen(option_table[i].name) > strlen(found->name)))
            found = &option_table[i];
    return found;
}

static bool is_number(const struct option *option)
{
    return option->type == TYPE_NUMBER || option->type == TYPE_SECONDS || option->type == TYPE_SIZE;
}

static void check_refusal(struct view said)
{
    const struct option *option = option_of(said);
    const char *equals = memchr(said.at, '=', said.len);
    bool is_argument = view_starts(said, VIEW("argument=")) || view_starts(said, VIEW("--print="));

    ensure(alone.status == 2 && equals && said.at[said.len - 1] == '\n');
    ensure(option || is_argument);
    ensure(strstr(equals, ": ") && strlen(strstr(equals, ": ")) > 10); /* what is right */
    if (option && is_number(option) && !given.has_ellipsis)
        ensure(!view_starts(view_of(equals), VIEW("=…")));
}

static void check_numbers(void)
{
    ensure(settings_now()->port <= 65535 && settings_now()->admin_port <= 65535 &&
           settings_now()->time_out_ms > 0);
    ensure(settings_now()->frontends >= 1 && settings_now()->frontends <= 64);
    ensure(settings_now()->upstreams >= 1 && settings_now()->upstreams <= 64);
    ensure(settings_now()->balancer_slot < options_balancers());
    for (size_t i = 0; i < option_count; i++)
        if (is_number(&option_table[i]))
            ensure(*(const uint64_t *)((const char *)settings_now() + option_table[i].offset) <=
                   INT64_MAX);
}

static void check_text(const char *text)
{
    ensure(*text);
    for (; *text; text++)
        ensure((unsigned char)*text >= ' ' && *text != 0x7f);
}

static void check_lists(void)
{
    for (size_t i = 0; i < option_count; i++) {
        const void *at = (const char *)settings_now() + option_table[i].offset;
        const struct option_list *list = at;
        const struct option_secrets *secrets = at;

        for (size_t k = 0; option_table[i].type == TYPE_LIST && k < list->count; k++)
            check_text(list->at[k]);
        for (size_t k = 0; option_table[i].type == TYPE_SECRETS && k < secrets->count; k++)
            check_text(secrets->at[k].hidden.at);
    }
}

static void check_kept(unsigned role)
{
    options_keep(role);
    ensure(role == ROLE_BALANCER || settings_now()->api_keys.count == 0);
    ensure(role == ROLE_FRONTEND || settings_now()->allowed_tokens.count == 0);
    ensure(role == ROLE_RECORDER || settings_now()->mysql_password.hidden.len == 0);
    for (size_t i = 0; role == ROLE_ADMIN && i < option_count; i++)
        if (option_is_secret(&option_table[i]) && strcmp(option_table[i].name, "AUTH_TOKEN") != 0)
            ensure(!alone_getenv(option_table[i].name));
}

static void check_secrets(void)
{
    bool is_help = strstr(alone.said, "usage: ") != NULL; /* of the table, which has a Z or two */
    struct view said = {alone.said, alone.said_len};
    const struct option *option = option_of(said);

    if (option) /* whose name may have one too */
        said = view_skip(said, strlen(option->name));
    ensure(is_help || !said.len || !memchr(said.at, 'Z', said.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned roles[] = {ROLE_FRONTEND, ROLE_BALANCER, ROLE_UPSTREAM, ROLE_RECORDER,
                                     ROLE_ADMIN};
    char *arguments[VARIABLES_MOST + 2];

    if (size < 1)
        return 0;
    give_all((struct view){(const char *)data + 1, size - 1});
    memcpy(arguments, given.arguments, sizeof(arguments)); /* options_read moves its own */
    alone_begin();
    alone_read(given.argument_count, given.arguments);
    check_secrets();
    if (alone.status == -1) {
        ensure(!given.is_secret_argument);
        check_numbers();
        check_lists();
        check_kept(roles[data[0] % COUNT(roles)]);
    } else if (alone.status != 0) {
        check_refusal((struct view){alone.said, alone.said_len});
    }
    alone_clear();
    take_back(arguments);
    return 0;
}
