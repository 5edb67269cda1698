/* SPDX-License-Identifier: Apache-2.0 */
/* Settings: the table, and where each value comes from. env_file.c reads `.env`, option.c one
 * value, option_rules.c says what all must satisfy. What must stay true: a secret comes from
 * nowhere but the environment and `.env`, and goes from there with options_keep. */
#include "settings/options.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "settings/env_file.h"
#include "base/log.h"
#include "message.h"
#include "settings/option.h"
#include "settings/rules.h"

struct options options;

static const struct option table[] = {
#define OPTION(name, type, field, value, text)                                                     \
    {#name, TYPE_##type, offsetof(struct options, field), value, text},
#include "settings/options.def"
};

static const char *const later[] = {
#define LATER(name) #name,
#include "settings/options.def"
};

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

/* --help and --print */

static void help(const char *program)
{
    printf("usage: %s [--name=value …]\nSettings, from the environment, .env or as --name=value:\n",
           program);
    for (size_t i = 0; i < COUNT(table); i++)
        printf("  %-22s %-13s %s%s%s%s\n", table[i].name, option_type_name(table[i].type),
               table[i].text, *table[i].value ? " [" : "", table[i].value,
               *table[i].value ? "]" : "");
}

void options_print_table(void)
{
    puts("| setting | type | default | what it does |\n|---|---|---|---|");
    for (size_t i = 0; i < COUNT(table); i++) {
        const char *value =
            strlen(table[i].value) > 60 ? "see `common/settings/options.def`" : table[i].value;

        printf("| `%s` | %s | %s | %s |\n", table[i].name, option_type_name(table[i].type), value,
               table[i].text);
    }
}

/* Keeps what is no setting; says so if it looks like one and isn't. */
static int take_arguments(int argc, char **argv)
{
    int kept = 1;

    for (int i = 1; i < argc; i++) {
        const char *value;
        bool is_option = false;

        for (size_t k = 0; k < COUNT(table) && !is_option; k++)
            is_option = is_argument(argv[i], table[k].name, &value);
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

static void answer_questions(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            help(argv[0]);
            exit(0);
        }
        if (strncmp(argv[i], "--print=", 8) != 0)
            continue;
        for (size_t k = 0; k < COUNT(table); k++)
            if (strcmp(table[k].name, argv[i] + 8) == 0) {
                option_print(&table[k]);
                exit(0);
            }
        option_complain("--print", argv[i] + 8, "there is no such setting");
    }
}

int options_read(int argc, char **argv)
{
    env_file_read(".env");
    for (size_t i = 0; i < COUNT(table); i++) {
        const char *value = from_arguments(&table[i], argc, argv);

        if (!value)
            value = getenv(table[i].name);
        if (!value)
            value = env_file_find(table[i].name);
        if (!value || (!*value && table[i].type != TYPE_TEXT && !option_is_secret(&table[i])))
            value = table[i].value;
        option_store(&table[i], value);
    }
    option_rules_check();
    answer_questions(argc, argv);
    return take_arguments(argc, argv);
}

static void forget_secret(const struct option *option)
{
    char *at = (char *)&options + option->offset;
    struct option_secrets *list = (struct option_secrets *)at;

    if (option->type == TYPE_SECRETS) {
        for (size_t i = 0; i < list->count; i++)
            secret_wipe(list->at[i].hidden.at);
        list->count = 0;
    } else {
        *(struct secret *)at = (struct secret){VIEW("")};
    }
    secret_wipe(getenv(option->name));
    unsetenv(option->name);
    env_file_wipe(option->name);
}

void options_keep(unsigned role)
{
    static const struct {
        const char *name;
        unsigned role;
    } owners[] = {
        {"API_KEYS", ROLE_BALANCER},
        {"ALLOWED_TOKENS", ROLE_FRONTEND},
        {"AUTH_TOKEN", ROLE_FRONTEND | ROLE_ADMIN},
        {"MYSQL_PASSWORD", ROLE_RECORDER},
        {"PROXIES", ROLE_BALANCER},
        {"CUSTOM_HEADERS", ROLE_UPSTREAM},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        unsigned owner = 0;

        for (size_t k = 0; k < COUNT(owners); k++)
            if (strcmp(owners[k].name, table[i].name) == 0)
                owner = owners[k].role;
        if (option_is_secret(&table[i]) && !(owner & role))
            forget_secret(&table[i]);
    }
}

void options_warn_later(void)
{
    struct bytes names = {0};

    for (size_t i = 0; i < COUNT(later); i++) {
        const char *value = getenv(later[i]);

        if (!value)
            value = env_file_find(later[i]);
        if (value && *value)
            bytes_printf(&names, "%s%s", names.len ? "," : "", later[i]);
    }
    if (names.len)
        log_warn("options.unused", F_VIEW("options", bytes_view(&names)),
                 F_STR("effect", "settings of gemini-balance that do nothing here yet"));
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

    bytes_printf(&path, "%s/%s", options.state_dir, name);
    return keep(&path);
}

size_t options_balancers(void)
{
    return options.balancer_endpoints.count ? options.balancer_endpoints.count : 1;
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

    bytes_printf(&address, "ipc://%s/run/%s", options.state_dir, name);
    return keep(&address);
}

static const char *balancer_base(size_t slot)
{
    return options.balancer_endpoints.count ? options.balancer_endpoints.at[slot]
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
    return *options.recorder_endpoint ? options.recorder_endpoint : in_run("recorder");
}

const char *options_query(void)
{
    return beside(options_recorder(), ".query", 1);
}
