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
#include "settings/options.h"

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
    {"TIME_OUT", "10 minutes", "like 250ms"},
    {"SHOW_THINKING_PROCESS", "yes", NULL},
    {"SHOW_THINKING_PROCESS", "maybe", "true or false"},
    {"BASE_URL", "ftp://x", "https://"},
    {"API_KEYS", "[\"a\", \"b\"]", NULL},
    {"API_KEYS", "[\"a\", 7]", "texts only"},
    {"API_KEYS", "[\"a\"", "JSON list"},
    {"API_KEYS", "[\"a\\u0000b\"]", "API_KEYS=…: should hold no control characters"},
    {"API_KEYS", "a\nX-Other: b", "API_KEYS=…: should hold no control characters"},
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
    {"SAFETY_SETTINGS", "", "a JSON list"},
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

static void a_process_keeps_only_the_secrets_of_its_role(void **state)
{
    char *arguments[] = {"test", NULL};

    (void)state;
    write_env("MYSQL_PASSWORD=db-marked\n");
    setenv("API_KEYS", "AIza-marked,AIza-other", 1);
    setenv("ALLOWED_TOKENS", "token-marked", 1);
    options_read(1, arguments);
    assert_int_equal(options.api_keys.count, 2);
    options_keep(ROLE_FRONTEND);
    assert_int_equal(options.api_keys.count, 0);
    assert_int_equal(options.mysql_password.hidden.len, 0);
    assert_null(getenv("API_KEYS"));
    assert_int_equal(options.allowed_tokens.count, 1);
    assert_string_equal(options.allowed_tokens.at[0].hidden.at, "token-marked");
    unsetenv("ALLOWED_TOKENS");
    options_read(1, arguments);
    options_keep(ROLE_RECORDER);
    assert_string_equal(options.mysql_password.hidden.at, "db-marked");
    setenv("AUTH_TOKEN", "auth-marked", 1);
    options_read(1, arguments);
    options_keep(ROLE_ADMIN);
    assert_string_equal(options.auth_token.hidden.at, "auth-marked");
    options_keep(ROLE_RECORDER);
    assert_int_equal(options.auth_token.hidden.len, 0);
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
        cmocka_unit_test(a_process_keeps_only_the_secrets_of_its_role),
        cmocka_unit_test(an_argument_that_is_no_setting_is_refused),
        cmocka_unit_test(a_balancer_has_two_addresses),
    };

    if (!mkdtemp(folder) || chdir(folder) != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
