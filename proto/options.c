/* SPDX-License-Identifier: Apache-2.0 */
/* Settings. What must stay true: a secret is never printed, not even in the complaint about its
 * value. */
#include "options.h"

#include <ctype.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

#include "address.h"
#include "bytes.h"
#include "headers.h"
#include "log.h"
#include "message.h"
#include "url.h"

struct options options;

enum option_type {
    TYPE_NUMBER,
    TYPE_BOOLEAN,
    TYPE_TEXT,
    TYPE_SECRET,
    TYPE_LIST,
    TYPE_SECRETS,
    TYPE_SECONDS,
    TYPE_SIZE,
};

static const struct option {
    const char *name;
    enum option_type type;
    size_t offset;
    const char *value; /* default */
    const char *text;
} table[] = {
#define OPTION(name, type, field, value, text)                                                     \
    {#name, TYPE_##type, offsetof(struct options, field), value, text},
#include "options.def"
};

static const char *const later[] = {
#define LATER(name) #name,
#include "options.def"
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_secret(const struct option *option)
{
    return option->type == TYPE_SECRET || option->type == TYPE_SECRETS;
}

static void complain(const char *name, const char *value, const char *right)
{
    fprintf(stderr, "%s=%s: %s\n", name, value, right);
    exit(2);
}

/* .env: NAME=value lines; `export` before, quotes around and # comments behind are allowed, as
 * dotenv files have them. */

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

static void env_line(const char *from, const char *to)
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

static void env_read(const char *path)
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
    for (char *line = text.at; *line;) {
        size_t len = strcspn(line, "\n");
        env_line(line, line + len);
        line += len + (line[len] == '\n');
    }
    bytes_clear(&text);
}

static const char *from_file(const char *name)
{
    for (size_t i = env_file.count; i-- > 0;)
        if (strcmp(env_file.at[i].name, name) == 0)
            return env_file.at[i].value;
    return NULL;
}

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
    if (found && is_secret(option))
        complain(option->name, "…",
                 "a secret comes from the environment or .env, not the command line");
    return found;
}

/* Values */

static uint64_t read_number(const struct option *option, const char *text, const char **rest)
{
    char *end;
    unsigned long long number = strtoull(text, &end, 10);

    if (!isdigit((unsigned char)text[strspn(text, " \t")])) /* strtoull takes a sign */
        complain(option->name, text, "should be a number that is not negative");
    *rest = end;
    return number;
}

static uint64_t read_unit(const struct option *option, const char *text)
{
    static const struct {
        enum option_type type;
        const char *unit;
        uint64_t factor;
    } units[] = {
        {TYPE_NUMBER, "", 1},         {TYPE_SECONDS, "", 1000},   {TYPE_SECONDS, "s", 1000},
        {TYPE_SECONDS, "ms", 1},      {TYPE_SECONDS, "m", 60000}, {TYPE_SECONDS, "h", 3600000},
        {TYPE_SIZE, "", 1},           {TYPE_SIZE, "KiB", 1024},   {TYPE_SIZE, "MiB", 1u << 20},
        {TYPE_SIZE, "GiB", 1u << 30},
    };
    const char *rest;
    uint64_t number = read_number(option, text, &rest);

    for (size_t i = 0; i < COUNT(units); i++) {
        if (units[i].type != option->type || strcmp(units[i].unit, rest) != 0)
            continue;
        if (number > UINT64_MAX / units[i].factor / 2)
            complain(option->name, text, "is too large");
        return number * units[i].factor;
    }
    complain(option->name, text,
             option->type == TYPE_SECONDS ? "should be seconds, or like 250ms, 10s, 5m"
             : option->type == TYPE_SIZE  ? "should be bytes, or like 64KiB, 10MiB"
                                          : "should be a number");
    return 0;
}

static bool read_boolean(const struct option *option, const char *text)
{
    static const char *const yes[] = {"true", "1", "yes", "on"}, *const no[] = {"false", "0", "no",
                                                                                "off", ""};

    for (size_t i = 0; i < COUNT(yes); i++)
        if (strcasecmp(text, yes[i]) == 0)
            return true;
    for (size_t i = 0; i < COUNT(no); i++)
        if (strcasecmp(text, no[i]) == 0)
            return false;
    complain(option->name, text, "should be true or false");
    return false;
}

static bool is_control(struct view item)
{
    for (size_t i = 0; i < item.len; i++)
        if ((unsigned char)item.at[i] < ' ' || item.at[i] == 0x7f)
            return true;
    return false;
}

/* Items become parts of headers and of addresses. */
static void list_add(const struct option *option, struct option_list *list, struct view item)
{
    while (item.len && isspace((unsigned char)item.at[0]))
        item = view_skip(item, 1);
    while (item.len && isspace((unsigned char)item.at[item.len - 1]))
        item.len--;
    if (!item.len)
        return;
    if (is_control(item))
        complain(option->name, "…", "should hold no control characters");
    list->at = memory_grow(list->at, (list->count + 1) * sizeof(*list->at));
    list->at[list->count++] = memory_text(item);
}

static struct option_list read_list(const struct option *option, const char *text)
{
    struct option_list list = {0};
    yyjson_doc *doc;
    yyjson_val *item;
    size_t i, count;

    if (text[strspn(text, " \t")] != '[') {
        while (*text) {
            size_t len = strcspn(text, ",");
            list_add(option, &list, (struct view){text, len});
            text += len + (text[len] == ',');
        }
        return list;
    }
    doc = yyjson_read(text, strlen(text), 0);
    if (!doc || !yyjson_is_arr(yyjson_doc_get_root(doc)))
        complain(option->name, is_secret(option) ? "…" : text,
                 "should be a JSON list of texts, or texts with commas between them");
    yyjson_arr_foreach(yyjson_doc_get_root(doc), i, count, item)
    {
        if (!yyjson_is_str(item))
            complain(option->name, is_secret(option) ? "…" : text, "should hold texts only");
        list_add(option, &list, (struct view){yyjson_get_str(item), yyjson_get_len(item)});
    }
    yyjson_doc_free(doc);
    return list;
}

static struct option_secrets read_secrets(const struct option *option, const char *text)
{
    struct option_list list = read_list(option, text);
    struct option_secrets secrets = {memory_new(list.count * sizeof(*secrets.at)), list.count};

    for (size_t i = 0; i < list.count; i++)
        secrets.at[i].hidden = view_of(list.at[i]);
    free(list.at);
    return secrets;
}

static void store(const struct option *option, const char *text)
{
    char *at = (char *)&options + option->offset;

    switch (option->type) {
    case TYPE_NUMBER:
    case TYPE_SECONDS:
    case TYPE_SIZE:
        *(uint64_t *)at = read_unit(option, text);
        return;
    case TYPE_BOOLEAN:
        *(bool *)at = read_boolean(option, text);
        return;
    case TYPE_TEXT:
        *(const char **)at = text;
        return;
    case TYPE_SECRET:
        ((struct secret *)at)->hidden = view_of(text);
        return;
    case TYPE_LIST:
        *(struct option_list *)at = read_list(option, text);
        return;
    case TYPE_SECRETS:
        *(struct option_secrets *)at = read_secrets(option, text);
        return;
    }
}

static bool is_json_list(const char *text)
{
    yyjson_doc *doc = yyjson_read(text, strlen(text), 0);
    bool is_list = yyjson_is_arr(yyjson_doc_get_root(doc));

    yyjson_doc_free(doc);
    return is_list;
}

static void check_address(const char *name, const char *address)
{
    const char *fault = *address ? address_fault(address) : NULL;

    if (fault)
        complain(name, address, fault);
}

static void check_base_url(void)
{
    struct view url = view_of(options.base_url);
    const char *fault = url_base_fault(url);

    if (fault && memchr(url.at, '@', url.len)) /* what stands before it may be a password */
        complain("BASE_URL", "…", fault);
    if (fault)
        complain("BASE_URL", options.base_url, fault);
    while (url.at[url.len - 1] == '/')
        url.len--;
    if (url.len < strlen(options.base_url))
        options.base_url = memory_text(url);
}

/* Passwords are in them: it is said which one is wrong, not what it is. */
static void check_proxies(void)
{
    char name[40];

    for (size_t i = 0; i < options.proxies.count; i++) {
        const char *fault = url_proxy_fault(options.proxies.at[i].hidden);

        snprintf(name, sizeof(name), "PROXIES, number %zu", i + 1);
        if (fault)
            complain(name, "…", fault);
    }
}

static void check_headers(void)
{
    struct headers headers;
    const char *fault = headers_read(&headers, options.custom_headers.hidden.at);

    if (fault)
        complain("CUSTOM_HEADERS", "…", fault);
    headers_clear(&headers);
}

static void check_ca_bundle(void)
{
    FILE *file = *options.ca_bundle ? fopen(options.ca_bundle, "re") : NULL;
    X509 *first = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;

    if (*options.ca_bundle && !first)
        complain("CA_BUNDLE", options.ca_bundle,
                 file ? "should be a file of certificates (-----BEGIN CERTIFICATE-----)"
                      : "cannot be read");
    X509_free(first);
    if (file)
        fclose(file);
}

static void check_provider(void)
{
    check_base_url();
    check_proxies();
    check_headers();
    check_ca_bundle();
    if (options.connect_time_out_ms == 0)
        complain("CONNECT_TIME_OUT", "0", "should be at least 1ms");
    if (options.upstream_idle_ms < 1000)
        complain("UPSTREAM_IDLE", "…", "should be at least 1");
}

static void check_number(const char *name, uint64_t number, uint64_t least, uint64_t most,
                         const char *right)
{
    char value[24], should[80];

    if (number >= least && number <= most)
        return;
    snprintf(value, sizeof(value), "%llu", (unsigned long long)number);
    snprintf(should, sizeof(should), "should be %s", right);
    complain(name, value, should);
}

static void check_values(void)
{
    check_provider();
    check_number("PORT", options.port, 0, 65535, "at most 65535");
    check_number("ADMIN_PORT", options.admin_port, 0, 65535, "at most 65535");
    if (options.time_out_ms == 0)
        complain("TIME_OUT", "0", "should be at least 1");
    if (!log_knows_level(options.log_level))
        complain("LOG_LEVEL", options.log_level, "should be ERROR, WARNING, INFO or TRACE");
    if (!is_json_list(options.safety_settings))
        complain("SAFETY_SETTINGS", "…", "should be a JSON list, such as []");
    check_number("FRONTENDS", options.frontends, 1, 64, "1 to 64");
    check_number("UPSTREAMS", options.upstreams, 1, 64, "1 to 64");
    check_number("FLIGHT_SLOTS", options.flight_slots, 16, 1u << 20, "16 to 1048576");
    check_number("ANSWER_WINDOW", options.answer_window, 16384, UINT64_MAX, "at least 16KiB");
    check_number("SPOOL_SEGMENT", options.spool_segment, 4096, UINT64_MAX, "at least 4KiB");
    if (strcmp(options.spool_sync, "second") != 0 && strcmp(options.spool_sync, "always") != 0)
        complain("SPOOL_SYNC", options.spool_sync, "should be second or always");
    check_number("BALANCER_SLOT", options.balancer_slot, 0, options_balancers() - 1,
                 "the place of one of BALANCER_ENDPOINTS, the first is 0");
    for (size_t i = 0; i < options.balancer_endpoints.count; i++)
        check_address("BALANCER_ENDPOINTS", options.balancer_endpoints.at[i]);
    check_address("RECORDER_ENDPOINT", options.recorder_endpoint);
    check_address("ANSWERS_BIND", options.answers_bind);
}

/* --help and --print */

static const char *const type_names[] = {"number", "true or false", "text",    "secret",
                                         "list",   "secrets",       "seconds", "size"};

static void help(const char *program)
{
    printf("usage: %s [--name=value …]\nSettings, from the environment, .env or as --name=value:\n",
           program);
    for (size_t i = 0; i < COUNT(table); i++)
        printf("  %-22s %-13s %s%s%s%s\n", table[i].name, type_names[table[i].type], table[i].text,
               *table[i].value ? " [" : "", table[i].value, *table[i].value ? "]" : "");
}

static void print_value(const struct option *option)
{
    const char *at = (const char *)&options + option->offset;

    switch (option->type) {
    case TYPE_NUMBER:
    case TYPE_SECONDS:
    case TYPE_SIZE:
        printf("%llu\n", (unsigned long long)*(const uint64_t *)at);
        return;
    case TYPE_BOOLEAN:
        puts(*(const bool *)at ? "true" : "false");
        return;
    case TYPE_TEXT:
        puts(*(const char *const *)at);
        return;
    case TYPE_SECRET:
        puts(((const struct secret *)at)->hidden.len ? "1" : "0");
        return;
    case TYPE_LIST:
        for (size_t i = 0; i < ((const struct option_list *)at)->count; i++)
            puts(((const struct option_list *)at)->at[i]);
        return;
    case TYPE_SECRETS:
        printf("%zu\n", ((const struct option_secrets *)at)->count);
        return;
    }
}

void options_print_table(void)
{
    puts("| setting | type | default | what it does |\n|---|---|---|---|");
    for (size_t i = 0; i < COUNT(table); i++) {
        const char *value = strlen(table[i].value) > 60 ? "see `options.def`" : table[i].value;

        printf("| `%s` | %s | %s | %s |\n", table[i].name, type_names[table[i].type], value,
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
            complain("argument", argv[i], "there is no such setting; --help lists them");
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
                print_value(&table[k]);
                exit(0);
            }
        complain("--print", argv[i] + 8, "there is no such setting");
    }
}

int options_read(int argc, char **argv)
{
    env_read(".env");
    for (size_t i = 0; i < COUNT(table); i++) {
        const char *value = from_arguments(&table[i], argc, argv);

        if (!value)
            value = getenv(table[i].name);
        if (!value)
            value = from_file(table[i].name);
        if (!value || (!*value && table[i].type != TYPE_TEXT && !is_secret(&table[i])))
            value = table[i].value;
        store(&table[i], value);
    }
    check_values();
    answer_questions(argc, argv);
    return take_arguments(argc, argv);
}

static void wipe(const char *text)
{
    if (text)
        OPENSSL_cleanse((char *)(uintptr_t)text,
                        strlen(text)); /* the environment's and .env's texts are ours to write */
}

static void forget_secret(const struct option *option)
{
    char *at = (char *)&options + option->offset;
    struct option_secrets *list = (struct option_secrets *)at;

    if (option->type == TYPE_SECRETS) {
        for (size_t i = 0; i < list->count; i++)
            wipe(list->at[i].hidden.at);
        list->count = 0;
    } else {
        *(struct secret *)at = (struct secret){VIEW("")};
    }
    wipe(getenv(option->name));
    unsetenv(option->name);
    for (size_t i = 0; i < env_file.count; i++)
        if (strcmp(env_file.at[i].name, option->name) == 0)
            wipe(env_file.at[i].value);
}

void options_keep(unsigned role)
{
    static const struct {
        const char *name;
        unsigned role;
    } owners[] = {
        {"API_KEYS", ROLE_BALANCER},   {"ALLOWED_TOKENS", ROLE_FRONTEND},
        {"AUTH_TOKEN", ROLE_FRONTEND}, {"MYSQL_PASSWORD", ROLE_RECORDER},
        {"PROXIES", ROLE_BALANCER},    {"CUSTOM_HEADERS", ROLE_UPSTREAM},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        unsigned owner = 0;

        for (size_t k = 0; k < COUNT(owners); k++)
            if (strcmp(owners[k].name, table[i].name) == 0)
                owner = owners[k].role;
        if (is_secret(&table[i]) && !(owner & role))
            forget_secret(&table[i]);
    }
}

void options_warn_later(void)
{
    for (size_t i = 0; i < COUNT(later); i++) {
        const char *value = getenv(later[i]);

        if (!value)
            value = from_file(later[i]);
        if (value && *value)
            log_warn("option.unused", F_STR("option", later[i]));
    }
}

/* Paths and addresses */

const char *options_path(const char *name)
{
    struct bytes path = {0};

    bytes_printf(&path, "%s/%s", options.state_dir, name);
    return bytes_cstr(&path);
}

size_t options_balancers(void)
{
    return options.balancer_endpoints.count ? options.balancer_endpoints.count : 1;
}

static const char *balancer_address(size_t slot, const char *suffix, unsigned port_offset)
{
    struct bytes address = {0};
    const char *base, *colon;

    if (!options.balancer_endpoints.count) {
        bytes_printf(&address, "ipc://%s%s", options_path("run/balancer"), suffix);
        return bytes_cstr(&address);
    }
    base = options.balancer_endpoints.at[slot];
    colon = strrchr(base, ':');
    if (strncmp(base, "tcp://", 6) == 0)
        bytes_printf(&address, "%.*s:%lu", (int)(colon - base), base,
                     strtoul(colon + 1, NULL, 10) + port_offset);
    else
        bytes_printf(&address, "%s%s", base, suffix);
    return bytes_cstr(&address);
}

const char *options_balancer_front(size_t slot)
{
    return balancer_address(slot, ".front", 0);
}

const char *options_balancer_upstream(size_t slot)
{
    return balancer_address(slot, ".up", 1);
}

const char *options_recorder(void)
{
    struct bytes address = {0};

    if (*options.recorder_endpoint)
        return options.recorder_endpoint;
    bytes_printf(&address, "ipc://%s", options_path("run/recorder"));
    return bytes_cstr(&address);
}
