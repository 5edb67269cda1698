/* SPDX-License-Identifier: Apache-2.0 */
/* Settings: where they come from, what is refused. A refusal ends the process, so those run in a
 * child. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "message.h"
#include "settings/names.h"
#include "settings/options.h"
#include "settings_mine.h"

static char folder[] = "/tmp/options-test-XXXXXX";

static void write_env(const char *text)
{
    FILE *file = fopen(".env", "w");

    fputs(text, file);
    fclose(file);
}

/* Reads the options in a child with these variable and argument; returns its exit status, its
 * output in `said`. */
static int read_in_child(const char *name, const char *value, const char *argument, char *said,
                         size_t size)
{
    char *arguments[] = {"test", argument ? strdup(argument) : NULL, NULL};
    int pipe_fds[2], status;
    size_t len = 0;
    ssize_t got;
    pid_t child;

    assert_int_equal(pipe(pipe_fds), 0);
    child = fork();
    if (child == 0) {
        if (name)
            setenv(name, value, 1);
        dup2(pipe_fds[1], 1);
        dup2(pipe_fds[1], 2);
        options_read(argument ? 2 : 1, arguments);
        _exit(0);
    }
    close(pipe_fds[1]);
    while ((got = read(pipe_fds[0], said + len, size - 1 - len)) > 0)
        len += (size_t)got;
    said[len] = '\0';
    close(pipe_fds[0]);
    waitpid(child, &status, 0);
    free(arguments[1]);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static const struct {
    const char *name, *value;
    const char *says; /* NULL: it is taken */
} values[] = {
    {"PORT", "8080", NULL},
    {"PORT", "eighty", "PORT=eighty: should be a number"},
    {"PORT", "-1", "PORT=-1: should be a number"},
    {"PORT", "8080x", "PORT=8080x: should be a number"},
    {"PORT", "70000", "PORT=70000: should be at most 65535"},
    {"ADMIN_PORT", "70000", "ADMIN_PORT=70000: should be at most 65535"},
    {"MAX_RETRIES", " -18446744073709551615", "should be a number that is not negative"},
    {"MAX_RETRIES", "+3", "should be a number that is not negative"},
    {"MAX_RETRIES", " 3", NULL},
    {"DRAIN", "99999999999999999999h", "is too large"},
    {"TIME_OUT", "0", "at least 1"},
    {"TIME_OUT", "250ms", NULL},
    {"TIME_OUT", "0.016", NULL},
    {"TIME_OUT", "0.0009", "at least 1"},
    {"TIME_OUT", "1.5m", NULL},
    {"TIME_OUT", "1.", "like 250ms"},
    {"TIME_OUT", "1.5.5", "like 250ms"},
    {"MAX_RETRIES", "1.5", "should be a number"},
    {"TIME_OUT", "10 minutes", "like 250ms"},
    {"SHOW_THINKING_PROCESS", "yes", NULL},
    {"SHOW_THINKING_PROCESS", "maybe", "true or false"},
    {"BASE_URL", "ftp://x", "https://"},
    {"API_KEYS", "[\"a\", \"b\"]", NULL},
    {"API_KEYS", "[\"a\", 7]", "texts only"},
    {"API_KEYS", "[\"a\"", "JSON list"},
    {"API_KEYS", "[\"a\\u0000b\"]", "API_KEYS=…: should hold no control characters"},
    {"API_KEYS", "a\nX-Other: b", "API_KEYS, number 2=…: has a character that no key has"},
    {"FILTERED_MODELS",
     "a\x01"
     "b",
     "FILTERED_MODELS=…: should hold no control characters"},
    {"PORT", "", NULL},
    {"PORT", "x\ny", "PORT=…: should be a number"},
    {"PORT", "eighty", "(from the environment)"},
    {"API_KEY", "k", "API_KEY: there is no such setting; the nearest is API_KEYS"},
    {"AUTH_TOKENS", "k", "the nearest is AUTH_TOKEN"},
    {"OTHER_TOKEN", "k", NULL},
    {"MAX_RETRY", "k", NULL},
    {"THINKING_BUDGET_MAP", "5",
     "THINKING_BUDGET_MAP=5: should be a JSON object of tokens by model"},
    {"THINKING_BUDGET_MAP", "{\"m\": \"much\"}", "should be a JSON object of tokens by model"},
    {"UPSTREAMS", "0", "UPSTREAMS=0: should be 1 to 64"},
    {"FRONTENDS", "65", "FRONTENDS=65: should be 1 to 64"},
    {"FLIGHT_SLOTS", "8", "FLIGHT_SLOTS=8: should be 16 to 1048576"},
    {"ANSWER_WINDOW", "1KiB", "ANSWER_WINDOW=1024: should be at least 16KiB"},
    {"SPOOL_SEGMENT", "100", "SPOOL_SEGMENT=100: should be at least 4KiB"},
    {"BALANCER_SLOT", "1", "BALANCER_SLOT=1: should be the place of one of BALANCER_ENDPOINTS"},
    {"BODY_LIMIT", "100MB", "64KiB"},
    {"SPOOL_SYNC", "never", "second or always"},
    {"LOG_LEVEL", "debug", NULL},
    {"LOG_LEVEL", "loud", "ERROR, WARNING, INFO or TRACE"},
    {"SAFETY_SETTINGS", "[]", NULL},
    {"SAFETY_SETTINGS", "[{\"category\":\"C\"}]", NULL},
    {"SAFETY_SETTINGS", "", NULL},
    {"SAFETY_SETTINGS", "{}", "a JSON list"},
    {"SAFETY_SETTINGS", "[", "a JSON list"},
    {"SAFETY_SETTINGS", "{", "a JSON list"},
    {"BALANCER_ENDPOINTS", "udp://x", "ipc:// or tcp://"},
    {"BALANCER_ENDPOINTS", "tcp://127.0.0.1:7000", NULL},
    {"BALANCER_ENDPOINTS", "tcp://10.0.0.1:7000",
     "BALANCER_ENDPOINTS=tcp://10.0.0.1:7000: is not on this host"},
    {"RECORDER_ENDPOINT", "tcp://recorder.example:1", "RECORDER_ENDPOINT"},
    {"ANSWERS_BIND", "tcp://0.0.0.0:*", "ANSWERS_BIND"},
};

static void a_wrong_value_ends_the_start_and_says_what_is_right(void **state)
{
    char said[4096];

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        int status = read_in_child(values[i].name, values[i].value, NULL, said, sizeof(said));

        assert_int_equal(status, values[i].says ? 2 : 0);
        if (values[i].says && !strstr(said, values[i].says))
            fail_msg("%s=%s said: %s", values[i].name, values[i].value, said);
    }
}

static void a_secret_is_never_repeated_nor_taken_from_the_command_line(void **state)
{
    char said[4096];

    (void)state;
    assert_int_equal(read_in_child("API_KEYS", "[\"AIza-marked\"", NULL, said, sizeof(said)), 2);
    assert_null(strstr(said, "marked"));
    assert_int_equal(read_in_child(NULL, NULL, "--api-keys=AIza-marked", said, sizeof(said)), 2);
    assert_null(strstr(said, "marked"));
    assert_int_equal(
        read_in_child("API_KEYS", "AIza-marked,other", "--print=API_KEYS", said, sizeof(said)), 0);
    assert_string_equal(said, "2\n");
}

static void the_command_line_beats_the_environment_beats_the_file(void **state)
{
    char said[4096];

    (void)state;
    write_env("PORT=1111\n");
    assert_int_equal(read_in_child(NULL, NULL, "--print=PORT", said, sizeof(said)), 0);
    assert_string_equal(said, "1111\n");
    read_in_child("PORT", "2222", "--print=PORT", said, sizeof(said));
    assert_string_equal(said, "2222\n");
    unlink(".env");
    read_in_child(NULL, NULL, "--print=PORT", said, sizeof(said));
    assert_string_equal(said, "8000\n");
}

static const struct {
    const char *line, *name, *want;
} lines[] = {
    {"MYSQL_HOST=db", "MYSQL_HOST", "db\n"},
    {"export MYSQL_HOST=db", "MYSQL_HOST", "db\n"},
    {"\xef\xbb\xbfMYSQL_HOST=db", "MYSQL_HOST", "db\n"},
    {"export \t MYSQL_HOST=db", "MYSQL_HOST", "db\n"},
    {"  MYSQL_HOST = db  # the server", "MYSQL_HOST", "db\n"},
    {"MYSQL_HOST=\"a b # c\" # d", "MYSQL_HOST", "a b # c\n"},
    {"MYSQL_HOST='a\\nb'", "MYSQL_HOST", "a\\nb\n"},
    {"MYSQL_HOST=\"a\\\"b\"", "MYSQL_HOST", "a\"b\n"},
    {"#MYSQL_HOST=db", "MYSQL_HOST", "\n"},
    {"MYSQL_HOST=a#b", "MYSQL_HOST", "a#b\n"},
    {"MYSQL_HOST=x\nMYSQL_HOST=y", "MYSQL_HOST", "y\n"},
    {"MYSQL_HOST=db\r", "MYSQL_HOST", "db\n"},
    {"API_KEYS=[\"AIza-1\",\"AIza-2\", \"AIza-3\"]", "API_KEYS", "3\n"},
    {"API_KEYS='[\"AIza-1\"]'", "API_KEYS", "1\n"},
    {"API_KEYS= a , b ,", "API_KEYS", "2\n"},
    {"API_KEYS='[\n \"ka\",\n \"kb\"\n]'\nPORT=1", "API_KEYS", "2\n"},
    {"API_KEYS='[\n \"ka\",\n \"kb\"\n]'\nPORT=1", "PORT", "1\n"},
    {"API_KEYS=\"\nka,\nkb\n\"", "API_KEYS", "2\n"},
    {"API_KEYS='ka\r\nkb\r\nkc'\r\n", "API_KEYS", "3\n"},
    {"API_KEYS=\"ka\",\"kb\"", "API_KEYS", "2\n"},
    {"FILTERED_MODELS=\"a\", 'b'", "FILTERED_MODELS", "a\nb\n"},
    {"MYSQL_HOST='db\nPORT=1\nMYSQL_USER='u'", "PORT", "1\n"},
    {"MYSQL_HOST='it\\'s'", "MYSQL_HOST", "it's\n"},
    {"api_keys=[\"ka\"]", "API_KEYS", "1\n"},
    {"Port=1", "PORT", "1\n"},
    {"FILTERED_MODELS=[\"a\",\"b\"]", "FILTERED_MODELS", "a\nb\n"},
    {"TIME_OUT=300", "TIME_OUT", "300000\n"},
    {"TIME_OUT=1500ms", "TIME_OUT", "1500\n"},
    {"BODY_LIMIT=64KiB", "BODY_LIMIT", "65536\n"},
    {"PORT=", "PORT", "8000\n"},
    {"no line at all", "PORT", "8000\n"},
};

static void a_dotenv_file_is_read_as_its_writers_mean_it(void **state)
{
    char said[4096], argument[64];

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        write_env(lines[i].line);
        snprintf(argument, sizeof(argument), "--print=%s", lines[i].name);
        assert_int_equal(read_in_child(NULL, NULL, argument, said, sizeof(said)), 0);
        if (strcmp(said, lines[i].want) != 0)
            fail_msg("%s gave %s", lines[i].line, said);
    }
    unlink(".env");
}

static void write_utf16(const char *text, bool is_big)
{
    FILE *file = fopen(".env", "w");

    fputs(is_big ? "\xfe\xff" : "\xff\xfe", file);
    for (; *text; text++) {
        fputc(is_big ? 0 : *text, file);
        fputc(is_big ? *text : 0, file);
    }
    fclose(file);
}

static void a_file_in_utf16_is_read(void **state)
{
    char said[4096];

    (void)state;
    for (int is_big = 0; is_big < 2; is_big++) {
        write_utf16("API_KEYS=ka,kb\r\nPORT=4\r\n", is_big);
        read_in_child(NULL, NULL, "--print=API_KEYS", said, sizeof(said));
        assert_string_equal(said, "2\n");
        read_in_child(NULL, NULL, "--print=PORT", said, sizeof(said));
        assert_string_equal(said, "4\n");
    }
    unlink(".env");
}

static const struct {
    const char *variable, *value, *print, *want;
} variables[] = {
    {"API_KEYS", "'[\"ka\",\"kb\"]'", "--print=API_KEYS", "2\n"},
    {"MYSQL_HOST", "'db'", "--print=MYSQL_HOST", "db\n"},
    {"MYSQL_HOST", "\"d'b\"", "--print=MYSQL_HOST", "d'b\n"},
    {"API_KEYS", "\"[\\\"ka\\\"]\"", "--print=API_KEYS", "1\n"},
    {"FILTERED_MODELS", "\"a\",\"b\"", "--print=FILTERED_MODELS", "a\nb\n"},
    {"MYSQL_HOST", "\"\"", "--print=MYSQL_HOST", "\n"},
    {"MYSQL_HOST", "", "--print=MYSQL_HOST", "file\n"},
    {"mysql_host", "low", "--print=MYSQL_HOST", "low\n"},
};

static void a_variable_is_read_as_its_writers_mean_it(void **state)
{
    char said[4096];

    (void)state;
    write_env("MYSQL_HOST=file\n");
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        read_in_child(variables[i].variable, variables[i].value, variables[i].print, said,
                      sizeof(said));
        if (strcmp(said, variables[i].want) != 0)
            fail_msg("%s=%s gave %s", variables[i].variable, variables[i].value, said);
    }
    unlink(".env");
}

static const struct {
    const char *file;
    int status;
    const char *says, *keeps; /* `keeps` is what it must not say */
} oddities[] = {
    {"API_KEY=k1\n", 2,
     "API_KEY: there is no such setting; the nearest is API_KEYS (from .env, line 1)", "k1"},
    {"\nALOWED_TOKENS=[\"a\"]\n", 2, "nearest is ALLOWED_TOKENS (from .env, line 2)", NULL},
    {"MY_SECRET_KEY=marked\n", 2, "MY_SECRET_KEY: there is no such setting", "marked"},
    {"MY_SECRET_KEY=\n", 0, "MY_SECRET_KEY: there is no such setting", NULL},
    {"# a\nPROT=1\n", 0,
     "warning: PROT: there is no such setting; the nearest is PORT (from .env, line 2)", NULL},
    {"MYSQL_HOST='\n1'\nx\n", 0, "warning: .env, line 3: is not like NAME=value", NULL},
    {"c2VjcmV0bWFya2Vk==\n", 0, "…: there is no such setting", "c2Vj"},
    {"MYSQL_HOST='x\n", 0, "line 1: has a quote without an end", NULL},
    {"A='\n'\nPORT=x\n", 2, "PORT=x: should be a number that is not negative (from .env, line 3)",
     NULL},
    {"GITHUB_REPO_OWNER=a\ntimezone=b\nMAX_FAILURES=3\n", 0,
     "pace only: TIMEZONE, GITHUB_REPO_OWNER\n", NULL},
    {"GITHUB_REPO_OWNER=a\ntimezone=b\nMAX_FAILURES=3\n", 0, "by itself: MAX_FAILURES\n", NULL},
};

static void what_is_odd_about_names_is_said_with_its_line(void **state)
{
    char said[4096];

    (void)state;
    for (size_t i = 0; i < sizeof(oddities) / sizeof(oddities[0]); i++) {
        int status;

        write_env(oddities[i].file);
        status = read_in_child(NULL, NULL, "--check", said, sizeof(said));
        if (status != oddities[i].status)
            fail_msg("%s ended with %d and said: %s", oddities[i].file, status, said);
        if (!strstr(said, oddities[i].says))
            fail_msg("%s said: %s", oddities[i].file, said);
        assert_true(!oddities[i].keeps || !strstr(said, oddities[i].keeps));
    }
    unlink(".env");
}

static void the_environment_may_have_names_that_are_not_ours(void **state)
{
    char said[4096];

    (void)state;
    assert_int_equal(read_in_child("OPENAI_API_KEY", "k", "--check", said, sizeof(said)), 0);
    assert_string_equal(said, "");
    assert_int_equal(read_in_child("MAX_RETRIE", "3", "--check", said, sizeof(said)), 0);
    assert_non_null(strstr(said, "nearest is MAX_RETRIES (from the environment)"));
}

static const char balance[] = /* the names of gemini-balance that options.def must know */
    "DATABASE_TYPE SQLITE_DATABASE MYSQL_HOST MYSQL_PORT MYSQL_USER MYSQL_PASSWORD MYSQL_DATABASE "
    "MYSQL_SOCKET API_KEYS ALLOWED_TOKENS AUTH_TOKEN BASE_URL CUSTOM_HEADERS VERTEX_API_KEYS "
    "VERTEX_EXPRESS_BASE_URL URL_NORMALIZATION_ENABLED MAX_FAILURES TIME_OUT MAX_RETRIES PROXIES "
    "PROXIES_USE_CONSISTENCY_HASH_BY_API_KEY TEST_MODEL IMAGE_MODELS SEARCH_MODELS FILTERED_MODELS "
    "TOOLS_CODE_EXECUTION_ENABLED URL_CONTEXT_ENABLED URL_CONTEXT_MODELS SHOW_SEARCH_LINK "
    "SHOW_THINKING_PROCESS THINKING_MODELS THINKING_BUDGET_MAP SAFETY_SETTINGS TTS_MODEL "
    "TTS_VOICE_NAME TTS_SPEED PAID_KEY CREATE_IMAGE_MODEL UPLOAD_PROVIDER SMMS_SECRET_TOKEN "
    "PICGO_API_KEY PICGO_API_URL CLOUDFLARE_IMGBED_URL CLOUDFLARE_IMGBED_AUTH_CODE "
    "CLOUDFLARE_IMGBED_UPLOAD_FOLDER OSS_ENDPOINT OSS_ENDPOINT_INNER OSS_ACCESS_KEY "
    "OSS_ACCESS_KEY_SECRET OSS_BUCKET_NAME OSS_REGION STREAM_OPTIMIZER_ENABLED STREAM_MIN_DELAY "
    "STREAM_MAX_DELAY STREAM_SHORT_TEXT_THRESHOLD STREAM_LONG_TEXT_THRESHOLD STREAM_CHUNK_SIZE "
    "FAKE_STREAM_ENABLED FAKE_STREAM_EMPTY_DATA_INTERVAL_SECONDS CHECK_INTERVAL_HOURS TIMEZONE "
    "LOG_LEVEL ERROR_LOG_RECORD_REQUEST_BODY AUTO_DELETE_ERROR_LOGS_ENABLED "
    "AUTO_DELETE_ERROR_LOGS_DAYS AUTO_DELETE_REQUEST_LOGS_ENABLED AUTO_DELETE_REQUEST_LOGS_DAYS "
    "FILES_CLEANUP_ENABLED FILES_CLEANUP_INTERVAL_HOURS FILES_USER_ISOLATION_ENABLED "
    "ADMIN_SESSION_EXPIRE GITHUB_REPO_OWNER GITHUB_REPO_NAME";

static void all_names_of_gemini_balance_are_known(void **state)
{
    char *names = strdup(balance), *rest = names, *name;
    size_t count = 0;

    (void)state;
    for (; (name = strsep(&rest, " ")); count++)
        if (!name_is_known(name))
            fail_msg("%s is not known", name);
    assert_int_equal(count, 73);
    free(names);
}

static void a_process_keeps_only_the_secrets_of_its_role(void **state)
{
    char *arguments[] = {"test", NULL};

    (void)state;
    write_env("MYSQL_PASSWORD=db-marked\n");
    setenv("API_KEYS", "AIza-marked,AIza-other", 1);
    setenv("ALLOWED_TOKENS", "token-marked", 1);
    options_read(1, arguments);
    assert_int_equal(settings_mine()->api_keys.count, 2);
    options_keep(ROLE_FRONTEND);
    assert_int_equal(settings_mine()->api_keys.count, 0);
    assert_int_equal(settings_mine()->mysql_password.hidden.len, 0);
    assert_null(getenv("API_KEYS"));
    assert_int_equal(settings_mine()->allowed_tokens.count, 1);
    assert_string_equal(settings_mine()->allowed_tokens.at[0].hidden.at, "token-marked");
    unsetenv("ALLOWED_TOKENS");
    options_read(1, arguments);
    options_keep(ROLE_RECORDER);
    assert_string_equal(settings_mine()->mysql_password.hidden.at, "db-marked");
    setenv("AUTH_TOKEN", "auth-marked", 1);
    options_read(1, arguments);
    options_keep(ROLE_ADMIN);
    assert_string_equal(settings_mine()->auth_token.hidden.at, "auth-marked");
    options_keep(ROLE_RECORDER);
    assert_int_equal(settings_mine()->auth_token.hidden.len, 0);
    assert_null(getenv("AUTH_TOKEN"));
    unlink(".env");
}

static void an_argument_that_is_no_setting_is_refused(void **state)
{
    char said[8192];

    (void)state;
    assert_int_equal(read_in_child(NULL, NULL, "--no-such=1", said, sizeof(said)), 2);
    assert_int_equal(read_in_child(NULL, NULL, "--time-out=5m", said, sizeof(said)), 0);
    assert_int_equal(read_in_child(NULL, NULL, "store", said, sizeof(said)), 0);
    assert_int_equal(read_in_child(NULL, NULL, "--help", said, sizeof(said)), 0);
    assert_non_null(strstr(said, "MAX_RETRIES"));
}

static void a_balancer_has_two_addresses(void **state)
{
    char *arguments[] = {"test", NULL};

    (void)state;
    setenv("STATE_DIR", "/s", 1);
    setenv("BALANCER_ENDPOINTS", "tcp://127.0.0.1:7000,ipc:///b", 1);
    options_read(1, arguments);
    assert_int_equal(options_balancers(), 2);
    assert_string_equal(options_balancer_front(0), "tcp://127.0.0.1:7000");
    assert_string_equal(options_balancer_upstream(0), "tcp://127.0.0.1:7001");
    assert_string_equal(options_balancer_front(1), "ipc:///b.front");
    assert_string_equal(options_balancer_upstream(1), "ipc:///b.up");
    unsetenv("BALANCER_ENDPOINTS");
    options_read(1, arguments);
    assert_int_equal(options_balancers(), 1);
    assert_string_equal(options_balancer_front(0), "ipc:///s/run/balancer.front");
    assert_string_equal(options_recorder(), "ipc:///s/run/recorder");
    assert_string_equal(options_query(), "ipc:///s/run/recorder.query");
    setenv("RECORDER_ENDPOINT", "tcp://127.0.0.1:7100", 1);
    options_read(1, arguments);
    assert_string_equal(options_query(), "tcp://127.0.0.1:7101");
    unsetenv("RECORDER_ENDPOINT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_value_ends_the_start_and_says_what_is_right),
        cmocka_unit_test(a_secret_is_never_repeated_nor_taken_from_the_command_line),
        cmocka_unit_test(the_command_line_beats_the_environment_beats_the_file),
        cmocka_unit_test(a_dotenv_file_is_read_as_its_writers_mean_it),
        cmocka_unit_test(a_file_in_utf16_is_read),
        cmocka_unit_test(a_variable_is_read_as_its_writers_mean_it),
        cmocka_unit_test(what_is_odd_about_names_is_said_with_its_line),
        cmocka_unit_test(the_environment_may_have_names_that_are_not_ours),
        cmocka_unit_test(all_names_of_gemini_balance_are_known),
        cmocka_unit_test(a_process_keeps_only_the_secrets_of_its_role),
        cmocka_unit_test(an_argument_that_is_no_setting_is_refused),
        cmocka_unit_test(a_balancer_has_two_addresses),
    };

    if (!mkdtemp(folder) || chdir(folder) != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
