/* SPDX-License-Identifier: Apache-2.0 */
/* The Gemini simulator: a stand-in for Google's API in tests, in the demo and in benchmarks. Reads
 * the options, opens the port, forks. What must stay true: exactly one line goes to stdout, and
 * only once connections are accepted; when the first process ends, all do. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "journal.h"
#include "ledger.h"
#include "objects.h"
#include "quota.h"
#include "script.h"
#include "server.h"
#include "uploads.h"

#define PROCESSES_MAX 64
#define BACKLOG 4096

struct options {
    const char *host;
    int port;
    int processes;
    const char *quota; /* NULL: none */
    const char *cert;  /* NULL: plain HTTP */
    const char *private_key;
};

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "gemini-simulator: %s: %s\n", what, why);
    exit(1);
}

static int number_option(const char *name, const char *value, int low, int high)
{
    char *end = NULL;
    long number = value != NULL ? strtol(value, &end, 10) : -1;

    if (value == NULL || *value == '\0' || *end != '\0' || number < low || number > high)
        fail(name, "not a number in its range");
    return (int)number;
}

static void print_help(void)
{
    puts("gemini-simulator --port N [--host 127.0.0.1] [--processes N] "
         "[--quota rpm=5,tpm=250000,rpd=20] [--tls-cert FILE --tls-key FILE]\n"
         "A stand-in for Google's Gemini API. Port 0 chooses one; see simulator/README.md.");
    exit(0);
}

/* Takes the value of option `argv[i]`, "--name=value" or "--name value"; NULL when it is another
 * option. */
static const char *value_of(char **argv, int *i, const char *name)
{
    size_t len = strlen(name);

    if (strncmp(argv[*i], name, len) != 0)
        return NULL;
    if (argv[*i][len] == '=')
        return argv[*i] + len + 1;
    if (argv[*i][len] != '\0')
        return NULL;
    return argv[*i + 1] != NULL ? argv[++*i] : "";
}

/* Reads "rpm=5,tpm=1000,rpd=20", any of them, for every project and model. */
static void set_quota(const char *list)
{
    static const char *const names[] = {"rpm", "tpm", "rpd"};
    long long limits[] = {UNSET, UNSET, UNSET};

    for (const char *at = list; at != NULL && *at != '\0';) {
        char name[4] = "";
        long long limit = UNSET;
        int len = 0;
        size_t i = 0;

        if (sscanf(at, "%3[a-z]=%15lld%n", name, &limit, &len) != 2 || limit < 0 ||
            (at[len] != ',' && at[len] != '\0'))
            fail("--quota", "not of the form rpm=5,tpm=1000,rpd=20");
        while (i < 3 && strcmp(name, names[i]) != 0)
            i++;
        if (i == 3)
            fail("--quota", "knows rpm, tpm and rpd");
        limits[i] = limit;
        at += len + (at[len] == ',');
    }
    struct quota_rule rule = {limits[0], limits[1], limits[2], 60000, false};
    if (list != NULL)
        quota_set(&rule, (struct span){"", 0}, (struct span){"", 0});
}

static struct options read_options(char **argv)
{
    struct options o = {.host = "127.0.0.1", .processes = 1};
    const char *value;

    for (int i = 1; argv[i] != NULL; i++) {
        if ((value = value_of(argv, &i, "--port")) != NULL)
            o.port = number_option("--port", value, 0, 65535);
        else if ((value = value_of(argv, &i, "--host")) != NULL)
            o.host = value;
        else if ((value = value_of(argv, &i, "--processes")) != NULL)
            o.processes = number_option("--processes", value, 1, PROCESSES_MAX);
        else if ((value = value_of(argv, &i, "--quota")) != NULL)
            o.quota = value;
        else if ((value = value_of(argv, &i, "--tls-cert")) != NULL)
            o.cert = value;
        else if ((value = value_of(argv, &i, "--tls-key")) != NULL)
            o.private_key = value;
        else if (strcmp(argv[i], "--help") == 0)
            print_help();
        else
            fail(argv[i], "no such option (--help shows them)");
    }
    if ((o.cert == NULL) != (o.private_key == NULL))
        fail("--tls-cert, --tls-key", "one needs the other");
    return o;
}

/* What OpenSSL says of the first thing that went wrong. */
static const char *tls_error(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());

    return reason != NULL ? reason : "cannot be used";
}

/* NULL: plain HTTP. TLS 1.2 is the oldest that Google takes. */
static SSL_CTX *open_tls(const struct options *o)
{
    if (o->cert == NULL)
        return NULL;
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    if (tls == NULL || SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) != 1)
        fail("TLS", tls_error());
    if (SSL_CTX_use_certificate_chain_file(tls, o->cert) != 1)
        fail(o->cert, tls_error());
    if (SSL_CTX_use_PrivateKey_file(tls, o->private_key, SSL_FILETYPE_PEM) != 1)
        fail(o->private_key, tls_error());
    return tls;
}

/* Each connection takes a descriptor. */
static void raise_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* An IPv4 or IPv6 address with its port. */
union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static union address read_address(const struct options *o)
{
    in_port_t port = htons((uint16_t)o->port);
    union address address = {.v4 = {.sin_family = AF_INET, .sin_port = port}};

    if (inet_pton(AF_INET, o->host, &address.v4.sin_addr) == 1)
        return address;
    address = (union address){.v6 = {.sin6_family = AF_INET6, .sin6_port = port}};
    if (inet_pton(AF_INET6, o->host, &address.v6.sin6_addr) != 1)
        fail(o->host, "not an IP address");
    return address;
}

static int port_of(const union address *address)
{
    return ntohs(address->any.sa_family == AF_INET6 ? address->v6.sin6_port : address->v4.sin_port);
}

static int open_listener(union address *address, bool is_shared)
{
    int on = 1;
    socklen_t len = sizeof(*address);
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        fail("socket", strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (is_shared)
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    if (bind(fd, &address->any, len) != 0 || listen(fd, BACKLOG) != 0)
        fail("cannot listen", strerror(errno));
    getsockname(fd, &address->any, &len);
    return fd;
}

/* One listener for each process. With several the port is first taken alone, so that one already in
 * use is seen. */
static void open_listeners(const struct options *o, union address *address, int *fds)
{
    if (o->processes > 1)
        close(open_listener(address, false));
    for (int i = 0; i < o->processes; i++)
        fds[i] = open_listener(address, o->processes > 1);
}

/* Forks the others; returns which one this is. They end with the first. */
static int fork_others(int processes)
{
    pid_t first = getpid();

    for (int i = 1; i < processes; i++) {
        pid_t pid = fork();
        if (pid < 0)
            fail("fork", strerror(errno));
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGTERM);
            if (getppid() != first)
                exit(0);
            return i;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct options o = read_options(argv);
    union address address = read_address(&o);
    int fds[PROCESSES_MAX];

    (void)argc;
    server_hold_signals();
    SSL_CTX *tls = open_tls(&o);
    raise_limit();
    ledger_open();
    journal_open();
    quota_open();
    objects_open();
    uploads_open();
    set_quota(o.quota);
    open_listeners(&o, &address, fds);
    int self = fork_others(o.processes);
    for (int i = 0; i < o.processes; i++)
        if (i != self)
            close(fds[i]);
    if (self == 0) {
        printf(strchr(o.host, ':') != NULL ? "simulator: %s://[%s]:%d\n"
                                           : "simulator: %s://%s:%d\n",
               tls != NULL ? "https" : "http", o.host, port_of(&address));
        fflush(stdout);
    }
    server_run(fds[self], tls);
    SSL_CTX_free(tls);
    return 0;
}
