/* SPDX-License-Identifier: Apache-2.0 */
/* Settings: where each value comes from. env_file.c reads `.env`, option.c one value, rules.c says
 * what all must satisfy, names.c knows the names, settings.c keeps the snapshot. What must stay
 * true: a secret comes from nowhere but the environment and `.env`, and goes from there with
 * options_keep. */
#include "settings/options.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/log.h"
#include "message.h"
#include "settings/env_file.h"
#include "settings/names.h"
#include "settings/option.h"
#include "settings/rules.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --time-out=10s for TIME_OUT */

static bool is_argument(const char *argument, const char *name, const char **value)
{
    if (strncmp(argument, "--", 2) != 0)
        return false;
    for (argument += 2; *name; name++, argument++)
        if (*argument != (*name == '_' ? '-' : tolower((unsigned char)*name)))
            return false;
    if (*argument != '=')
        return false;
    *value = argument + 1;
    return true;
}

static const char *from_arguments(const struct option *option, int argc, char **argv)
{
    const char *value, *found = NULL;

    for (int i = 1; i < argc; i++)
        if (is_argument(argv[i], option->name, &value))
            found = value;
    if (found && option_is_secret(option))
        option_complain(option->name, "…",
                        "a secret comes from the environment or .env, not the command line");
    return found;
}

/* The variable of that name, in any case if there is none in capitals; empty ones are as good as
 * unset, since compose files make such ones of what their user has not set. */
static const char *from_environment(const char *name)
{
    const char *value = getenv(name);
    size_t len = strlen(name);

    if (value && *value)
        return value;
    for (char **at = environ; at && *at; at++)
        if (strncasecmp(*at, name, len) == 0 && (*at)[len] == '=' && (*at)[len + 1])
            return *at + len + 1;
    return NULL;
}

/* Quotes around a whole value were meant for a shell that has not seen it. Within those around a
 * JSON text, the same quotes need no backslash, and may have one. */
static char *without_quotes(const char *value)
{
    struct view inner = view_trim(view_of(value));
    char quote = inner.at[0];
    char *copy;
    size_t len = 0;

    if (inner.len < 2 || (quote != '"' && quote != '\'') || inner.at[inner.len - 1] != quote)
        return memory_text(view_of(value));
    inner = (struct view){inner.at + 1, inner.len - 2};
    if (inner.len && memchr(inner.at, quote, inner.len) && inner.at[0] != '[' && inner.at[0] != '{')
        return memory_text(view_of(value));
    copy = memory_text(inner);
    for (size_t i = 0; i < inner.len; i++)
        if (inner.at[i] != '\\' || i + 1 == inner.len || inner.at[i + 1] != quote)
            copy[len++] = inner.at[i];
    copy[len] = '\0';
    return copy;
}

/* --help and --print */

static void help(const char *program)
{
    printf("usage: %s [--name=value …]\nSettings, from the environment, .env or as --name=value:\n",
           program);
    for (size_t i = 0; i < option_count; i++)
        printf("  %-22s %-13s %s%s%s%s\n", option_table[i].name,
               option_type_name(option_table[i].type), option_table[i].text,
               *option_table[i].value ? " [" : "", option_table[i].value,
               *option_table[i].value ? "]" : "");
}

static void print_row(const struct option *option, const char *default_)
{
    printf("| `%s` | %s | %s | %s |\n", option->name, option_type_name(option->type), default_,
           option->text);
}

static void print_head(void)
{
    puts("| setting | type | default | what it does |\n|---|---|---|---|");
}

static void print_group(enum setting_group group)
{
    printf("\n## %s\n\n%s\n\n", option_group_heading(group), option_group_text(group));
    print_head();
    for (size_t i = 0; i < option_count; i++)
        if (option_group(&option_table[i]) == group) {
            struct bytes value = {0};

            bytes_printf(&value, *option_table[i].value ? "`%s`" : "", option_table[i].value);
            print_row(&option_table[i], bytes_cstr(&value));
            bytes_clear(&value);
        }
}

static void print_later(enum name_effect effect)
{
    enum name_effect its;
    const char *name;

    printf("\n%c%s:\n", toupper((unsigned char)name_effect_text(effect)[0]),
           name_effect_text(effect) + 1);
    for (size_t i = 0; (name = name_later(i, &its)); i++)
        if (its == effect)
            printf("`%s`\n", name);
}

void options_print_all(void)
{
    puts(
        "# Settings\n\n"
        "All of them. Written by `make docs` from `common/settings/options.def`; edit that.\n\n"
        "A value comes from the command line (`--time-out=10s` sets `TIME_OUT`; never a secret),\n"
        "else from the environment, else from `.env` in the working folder, else it is the\n"
        "default. A name may be written in any case; an empty variable counts as unset. Lists are\n"
        "JSON, or have commas or line ends between their items. Seconds may also be written\n"
        "`250ms`, `10s`, `5m`, `1h`; sizes are bytes, or `64KiB`, `10MiB`, `1GiB`.");
    for (unsigned group = 0; group < SETTING_GROUPS; group++)
        print_group((enum setting_group)group);
    puts("\n## Settings of gemini-balance without an effect\n\nThey are accepted, and the start "
         "names "
         "those that are set.");
    for (unsigned effect = 0; effect < NAME_EFFECTS; effect++)
        print_later((enum name_effect)effect);
}

void options_print_few(void)
{
    static const char *const few[] = {"API_KEYS", "ALLOWED_TOKENS", "AUTH_TOKEN",  "PORT",
                                      "HOST",     "MYSQL_HOST",     "MAX_RETRIES", "PROXIES"};

    print_head();
    for (size_t i = 0; i < COUNT(few); i++)
        for (size_t k = 0; k < option_count; k++)
            if (strcmp(few[i], option_table[k].name) == 0)
                print_row(&option_table[k], option_table[k].value);
}

/* Keeps what is no setting; says so if it looks like one and isn't. */
static int take_arguments(int argc, char **argv)
{
    int kept = 1;

    for (int i = 1; i < argc; i++) {
        const char *value;
        bool is_option = false;

        for (size_t k = 0; k < option_count && !is_option; k++)
            is_option = is_argument(argv[i], option_table[k].name, &value);
        if (!is_option && strncmp(argv[i], "--", 2) == 0) {
            argv[i][strcspn(argv[i], "=")] = '\0'; /* the value may have been meant as a secret */
            option_complain("argument", argv[i], "there is no such setting; --help lists them");
        }
        if (!is_option)
            argv[kept++] = argv[i];
    }
    argv[kept] = NULL;
    return kept;
}

static void print_value(const struct option *option)
{
    struct bytes text = {0};

    option_write(option, settings_now(), "\n", &text);
    if (text.len || option->type != TYPE_LIST)
        puts(bytes_cstr(&text));
    bytes_clear(&text);
}

/* Whether it may be said aloud: the end of a secret that has a '=' in it is no name. */
static bool is_sayable(const char *name)
{
    size_t distance;

    (void)name_nearest(name, &distance);
    return distance <= 3 || strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == strlen(name);
}

static void write_unknown(const char *name, const char *where, struct bytes *out)
{
    size_t distance;
    const char *nearest = name_nearest(name, &distance);

    bytes_printf(out, "%s: there is no such setting; the nearest is %s (from %s)",
                 is_sayable(name) ? name : "…", nearest, where);
}

static void end_with_unknown(const char *name, const char *where)
{
    struct bytes said = {0};

    write_unknown(name, where, &said);
    fprintf(stderr, "%s\n", bytes_cstr(&said));
    bytes_clear(&said);
    exit(2);
}

static const char *line_text(const struct env_pair *pair, struct bytes *out)
{
    out->len = 0;
    bytes_printf(out, ".env, line %u", pair->line);
    return bytes_cstr(out);
}

/* Is it one of ours, written wrongly? The environment is full of names that are none of ours. */
static const char *meant_by(const char *variable, char *name, size_t size)
{
    size_t distance, len = strcspn(variable, "=");
    const char *nearest;

    if (len >= size || !variable[len] || !variable[len + 1])
        return NULL;
    memcpy(name, variable, len);
    name[len] = '\0';
    if (len < 6 || name_is_known(name))
        return NULL;
    nearest = name_nearest(name, &distance);
    return distance <= (len < 8 ? 1 : 2) ? nearest : NULL;
}

/* A key or token that is not taken must not end in made-up answers by the simulator, nor in a
 * gateway that is open to others than was meant. */
static void refuse_unknown(void)
{
    const struct env_pair *pair;
    struct bytes where = {0};
    char name[64];

    for (size_t i = 0; (pair = env_file_at(i)); i++)
        if (*pair->name && *pair->value && !name_is_known(pair->name) &&
            name_is_of_secret(pair->name))
            end_with_unknown(pair->name, line_text(pair, &where));
    for (char **at = environ; at && *at; at++) {
        const char *meant = meant_by(*at, name, sizeof(name));

        if (meant && name_is_of_secret(meant) && !from_environment(meant) && !env_file_find(meant))
            end_with_unknown(name, "the environment");
    }
    bytes_clear(&where);
}

static void warn_unknown(void)
{
    const struct env_pair *pair;
    struct bytes where = {0}, said = {0};
    char name[64];

    for (size_t i = 0; (pair = env_file_at(i)); i++) {
        said.len = 0;
        if (*pair->name && !name_is_known(pair->name)) {
            write_unknown(pair->name, line_text(pair, &where), &said);
            fprintf(stderr, "warning: %s\n", bytes_cstr(&said));
        }
        if (pair->fault)
            fprintf(stderr, "warning: %s: %s\n", line_text(pair, &where), pair->fault);
    }
    for (char **at = environ; at && *at; at++) {
        said.len = 0;
        if (!meant_by(*at, name, sizeof(name)))
            continue;
        write_unknown(name, "the environment", &said);
        fprintf(stderr, "warning: %s\n", bytes_cstr(&said));
    }
    bytes_clear(&where);
    bytes_clear(&said);
}

static bool is_set(const char *name)
{
    const struct env_pair *pair = env_file_find(name);

    return from_environment(name) || (pair && *pair->value);
}

/* The names that are set and have this effect, with commas between. */
static void write_later(enum name_effect effect, struct bytes *names)
{
    enum name_effect its;
    const char *name;

    names->len = 0;
    for (size_t i = 0; (name = name_later(i, &its)); i++)
        if (its == effect && is_set(name))
            bytes_printf(names, "%s%s", names->len ? ", " : "", name);
}

static void print_check(void)
{
    struct bytes names = {0};

    warn_unknown();
    for (unsigned effect = 0; effect < NAME_EFFECTS; effect++) {
        write_later((enum name_effect)effect, &names);
        if (names.len)
            fprintf(stderr, "settings of gemini-balance, %s: %s\n",
                    name_effect_text((enum name_effect)effect), bytes_cstr(&names));
    }
    bytes_clear(&names);
}

static void print_place(const struct option *option)
{
    puts(option_place(option) ? option_place(option) : "default");
}

/* For an argument "--print=NAME". */
static void answer_about(const char *argument, const char *question,
                         void (*answer)(const struct option *option))
{
    const char *name = argument + strlen(question);

    if (strncmp(argument, question, strlen(question)) != 0)
        return;
    for (size_t i = 0; i < option_count; i++)
        if (strcmp(option_table[i].name, name) == 0) {
            answer(&option_table[i]);
            exit(0);
        }
    option_complain("--print", name, "there is no such setting");
}

static void answer_questions(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            help(argv[0]);
            exit(0);
        }
        if (strcmp(argv[i], "--check") == 0) {
            print_check();
            exit(0);
        }
        answer_about(argv[i], "--print=", print_value);
        answer_about(argv[i], "--place=", print_place);
    }
}

/* The text of its value, to be freed, and where it comes from. */
static char *find_value(const struct option *option, int argc, char **argv, struct bytes *where)
{
    const char *value = from_arguments(option, argc, argv);
    const struct env_pair *pair = env_file_find(option->name);

    if (value && (*value || option->type == TYPE_TEXT)) {
        bytes_text(where, "the command line");
        return memory_text(view_of(value));
    }
    value = from_environment(option->name);
    if (value) {
        bytes_text(where, "the environment");
        return without_quotes(value);
    }
    if (pair && (*pair->value || option->type == TYPE_TEXT || option_is_secret(option))) {
        bytes_printf(where, ".env, line %u", pair->line);
        return memory_text(view_of(pair->value));
    }
    return memory_text(view_of(option->value));
}

static void note_given(const struct option *option, const struct settings *next)
{
    struct bytes count = {0};

    option_write(option, next, ",", &count);
    option_note_given(option, strcmp(bytes_cstr(&count), "0") != 0);
    bytes_clear(&count);
}

static void read_value(const struct option *option, int argc, char **argv, struct settings *next)
{
    struct bytes where = {0};
    char *value = find_value(option, argc, argv, &where);

    option_comes_from(option, where.len ? memory_text(bytes_view(&where)) : NULL);
    bytes_clear(&where);
    if (!*value && option->type != TYPE_TEXT && !option_is_secret(option))
        option_store(option, next, option->value);
    else
        option_store(option, next, value);
    note_given(option, next);
    secret_wipe(value);
    free(value);
}

/* As gemini-balance does: the first client is the administrator where nobody else is named. */
static void name_administrator(struct settings *next)
{
    const struct option *option = option_find(VIEW("AUTH_TOKEN"));

    if (next->auth_token.hidden.len || !next->allowed_tokens.count)
        return;
    option_clear(option, next);
    option_store(option, next, next->allowed_tokens.at[0].hidden.at);
}

int options_read(int argc, char **argv)
{
    struct settings next = {0};

    env_file_read(".env");
    refuse_unknown();
    for (size_t i = 0; i < option_count; i++)
        read_value(&option_table[i], argc, argv, &next);
    name_administrator(&next);
    option_rules_check(&next);
    (void)settings_take(&next, NULL); /* nobody reads them yet, to refuse them */
    for (size_t i = 0; i < option_count; i++)
        option_clear(&option_table[i], &next);
    answer_questions(argc, argv);
    return take_arguments(argc, argv);
}

/* The variable in capitals, and those in other cases. */
static void forget_variable(const char *name)
{
    size_t len = strlen(name);

    secret_wipe(getenv(name));
    unsetenv(name);
    for (char **at = environ; at && *at; at++)
        if (strncasecmp(*at, name, len) == 0 && (*at)[len] == '=')
            secret_wipe(*at + len + 1);
}

static void forget_secret(const struct option *option)
{
    settings_forget(option);
    forget_variable(option->name);
    env_file_wipe(option->name);
}

void options_keep(unsigned role)
{
    static const struct {
        const char *name;
        unsigned role;
    } owners[] = {
        {"API_KEYS", ROLE_BALANCER},
        {"VERTEX_API_KEYS", ROLE_BALANCER},
        {"ALLOWED_TOKENS", ROLE_FRONTEND},
        {"AUTH_TOKEN", ROLE_FRONTEND | ROLE_ADMIN},
        {"MYSQL_PASSWORD", ROLE_RECORDER},
        {"PAID_KEY", ROLE_BALANCER},
        {"PROXIES", ROLE_BALANCER},
        {"CUSTOM_HEADERS", ROLE_UPSTREAM},
        {"SMMS_SECRET_TOKEN", ROLE_UPSTREAM},
        {"PICGO_API_KEY", ROLE_UPSTREAM},
        {"CLOUDFLARE_IMGBED_AUTH_CODE", ROLE_UPSTREAM},
        {"OSS_ACCESS_KEY", ROLE_UPSTREAM},
        {"OSS_ACCESS_KEY_SECRET", ROLE_UPSTREAM},
    };

    for (size_t i = 0; i < option_count; i++) {
        unsigned owner = 0;

        for (size_t k = 0; k < COUNT(owners); k++)
            if (strcmp(owners[k].name, option_table[i].name) == 0)
                owner = owners[k].role;
        if (option_is_secret(&option_table[i]) && !(owner & role))
            forget_secret(&option_table[i]);
    }
}

void options_warn_later(void)
{
    struct bytes names = {0};

    for (unsigned effect = 0; effect < NAME_EFFECTS; effect++) {
        write_later((enum name_effect)effect, &names);
        if (names.len)
            log_info("settings.unused", F_VIEW("options", bytes_view(&names)),
                     F_STR("effect", name_effect_text((enum name_effect)effect)));
    }
    bytes_clear(&names);
}

/* Paths and addresses: all that were asked for are kept, so that nothing is lost when the process
 * ends. */

static struct {
    const char **at;
    size_t count;
} kept;

static const char *keep(struct bytes *text)
{
    kept.at = memory_grow(kept.at, (kept.count + 1) * sizeof(*kept.at));
    kept.at[kept.count] = bytes_cstr(text);
    return kept.at[kept.count++];
}

const char *options_path(const char *name)
{
    struct bytes path = {0};

    bytes_printf(&path, "%s/%s", settings_now()->state_dir, name);
    return keep(&path);
}

size_t options_balancers(void)
{
    return settings_now()->balancer_endpoints.count ? settings_now()->balancer_endpoints.count : 1;
}

/* A second mailbox beside the one at `base`: ipc paths get a suffix, tcp ports are counted on. */
static const char *beside(const char *base, const char *suffix, unsigned port_offset)
{
    struct bytes address = {0};
    const char *colon = strrchr(base, ':');

    if (strncmp(base, "tcp://", 6) == 0)
        bytes_printf(&address, "%.*s:%lu", (int)(colon - base), base,
                     strtoul(colon + 1, NULL, 10) + port_offset);
    else
        bytes_printf(&address, "%s%s", base, suffix);
    return keep(&address);
}

static const char *in_run(const char *name)
{
    struct bytes address = {0};

    bytes_printf(&address, "ipc://%s/run/%s", settings_now()->state_dir, name);
    return keep(&address);
}

static const char *balancer_base(size_t slot)
{
    return settings_now()->balancer_endpoints.count ? settings_now()->balancer_endpoints.at[slot]
                                                    : in_run("balancer");
}

const char *options_balancer_front(size_t slot)
{
    return beside(balancer_base(slot), ".front", 0);
}

const char *options_balancer_upstream(size_t slot)
{
    return beside(balancer_base(slot), ".up", 1);
}

const char *options_recorder(void)
{
    struct bytes address = {0};

    if (*settings_now()->recorder_endpoint)
        bytes_text(&address, settings_now()->recorder_endpoint);
    else
        bytes_printf(&address, "ipc://%s", options_path("run/recorder"));
    return keep(&address);
}

const char *options_query(void)
{
    return beside(options_recorder(), ".query", 1);
}

const char *options_keeper(void)
{
    return beside(options_recorder(), ".keeper", 2);
}
