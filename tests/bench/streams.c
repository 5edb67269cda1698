/* SPDX-License-Identifier: Apache-2.0
 * The benchmark's client of streams: opens many at once, checks that each event comes, in order,
 * and measures when. Run by tests/bench/streams.py; prints {"open":n} when all streams are open,
 * and at the end one line of JSON.
 *
 *   bench-streams --port=8000 --path=/v1/chat/completions --header='Authorization: Bearer x'
 *                 --body=FILE --mark='"content":"[' --events=50 --pace-ms=20 --connections=256
 *                 --ramp-ms=100 [--seconds=5]
 *
 * An event's number stands behind the mark: `[0]`, `[1]`, … as the simulator's script `numbered`
 * writes them. With --seconds a connection begins another stream when one has ended, until the time
 * is up; without, each carries one.
 *
 * What must stay true: times are taken when the bytes are read, and nothing is done between two
 * reads but looking at bytes. */
#include "stream.h"
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#define PATIENCE_SECONDS 15 /* beyond the time that all should take */
#define SPARE_FILES 16
#define TURN_EVENTS 512

static const char *const outcome_names[OUTCOMES] = {
    "whole", "not_connected", "refused", "cut", "out_of_order", "too_short", "unfinished"};

static struct {
    const char *path, *body;
    char headers[4096];
    int64_t port, connections, ramp_ms;
    struct client client;
    struct stream *all;
    int64_t begin_us, limit_us;
    size_t begun;
    bool has_told;
} run = {.path = "/", .connections = 1, .client = {.mark = "[", .events = 1, .pace_ms = 1}};

/* Tells once that no stream is still to open, and how many are open at this moment. */
static void tell_open(void)
{
    const struct client *client = &run.client;

    if (run.has_told || client->opened + client->never_opened < (size_t)run.connections)
        return;
    run.has_told = true;
    printf("{\"open\":%zu}\n", client->opened - (client->done - client->never_opened));
    fflush(stdout);
}

/* -- loop */

/* Opens those whose turn has come; returns ms until the next one's. */
static int open_due(int64_t at_us)
{
    while (run.begun < (size_t)run.connections) {
        int64_t due_us = run.begin_us + run.ramp_ms * 1000 * (int64_t)run.begun / run.connections;

        if (due_us > at_us)
            return (int)((due_us - at_us) / 1000 + 1);
        stream_connect(&run.client, &run.all[run.begun++]);
    }
    return 100;
}

static void loop(void)
{
    struct epoll_event events[TURN_EVENTS];

    while (run.client.done < (size_t)run.connections && now_us() < run.limit_us) {
        int wait_ms = open_due(now_us());
        int count = epoll_wait(run.client.poll, events, TURN_EVENTS, wait_ms);

        for (int i = 0; i < count; i++)
            stream_on_event(&run.client, events[i].data.ptr, events[i].events);
        tell_open();
    }
    for (size_t i = 0; i < run.begun; i++) {
        if (run.all[i].state != STATE_DONE)
            stream_end(&run.client, &run.all[i], UNFINISHED);
    }
}

/* -- begin */

static char *file_read(const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = grown(NULL, 1 << 20);
    size_t len;

    if (!file)
        fail(path, strerror(errno));
    len = fread(text, 1, (1 << 20) - 1, file);
    fclose(file);
    text[len] = 0;
    return text;
}

static void request_make(void)
{
    char *body = file_read(run.body);
    size_t room = strlen(body) + strlen(run.path) + strlen(run.headers) + 256;

    run.client.request = grown(NULL, room);
    run.client.request_len =
        (size_t)snprintf(run.client.request, room,
                         "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                         "%sContent-Length: %zu\r\n\r\n%s",
                         run.path, run.headers, strlen(body), body);
    free(body);
}

/* Knuth, Morris and Pratt's table: a mark may lie across two reads. */
static void mark_prepare(void)
{
    run.client.mark_len = strlen(run.client.mark);
    run.client.fallback = grown(NULL, (run.client.mark_len + 1) * sizeof(*run.client.fallback));
    run.client.fallback[0] = 0;
    run.client.fallback[1] = 0;
    for (size_t i = 2, len = 0; i <= run.client.mark_len; i++) {
        while (len && run.client.mark[i - 1] != run.client.mark[len])
            len = run.client.fallback[len];
        len += run.client.mark[i - 1] == run.client.mark[len];
        run.client.fallback[i] = len;
    }
}

static void files_allow(void)
{
    struct rlimit files;

    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_max != RLIM_INFINITY && files.rlim_max < (rlim_t)run.connections + SPARE_FILES)
        fail("connections", "more than this process may have descriptors (ulimit -Hn)");
}

static int64_t whole_number(const char *name, const char *text)
{
    char *end;
    long long value = strtoll(text, &end, 10);

    if (*end || end == text || value < 0 || value > 100000000)
        fail(name, "a whole number of at least 0, please");
    return value;
}

static void header_add(const char *header)
{
    size_t len = strlen(run.headers);

    if (snprintf(run.headers + len, sizeof(run.headers) - len, "%s\r\n", header) >=
        (int)(sizeof(run.headers) - len))
        fail("headers", "too long");
}

static void options_read(int argc, char **argv)
{
    static const struct option known[] = {{"port", 1, 0, 'p'},
                                          {"path", 1, 0, 'P'},
                                          {"header", 1, 0, 'h'},
                                          {"body", 1, 0, 'b'},
                                          {"mark", 1, 0, 'm'},
                                          {"events", 1, 0, 'e'},
                                          {"pace-ms", 1, 0, 'a'},
                                          {"connections", 1, 0, 'c'},
                                          {"ramp-ms", 1, 0, 'r'},
                                          {"seconds", 1, 0, 's'},
                                          {0, 0, 0, 0}};
    int64_t *numbers[128] = {
        ['p'] = &run.port,        ['e'] = &run.client.events, ['a'] = &run.client.pace_ms,
        ['c'] = &run.connections, ['r'] = &run.ramp_ms,       ['s'] = &run.client.seconds};
    const char **texts[128] = {['P'] = &run.path, ['b'] = &run.body, ['m'] = &run.client.mark};
    int name, index;

    while ((name = getopt_long(argc, argv, "", known, &index)) != -1) {
        if (name == 'h')
            header_add(optarg);
        else if (name < 128 && numbers[name])
            *numbers[name] = whole_number(known[index].name, optarg);
        else if (name < 128 && texts[name])
            *texts[name] = optarg;
        else
            exit(2);
    }
    if (!run.port || run.port > 65535 || !run.body || !run.connections || !run.client.events ||
        !*run.client.mark)
        fail("options", "--port, --body, --mark, --connections and --events are needed");
    run.client.port = (int)run.port;
}

static void run_begin(void)
{
    int64_t stream_ms = run.client.events * run.client.pace_ms;

    run.client.poll = epoll_create1(EPOLL_CLOEXEC);
    run.all = grown(NULL, (size_t)run.connections * sizeof(*run.all));
    memset(run.all, 0, (size_t)run.connections * sizeof(*run.all));
    for (int64_t i = 0; i < run.connections; i++)
        run.all[i].fd = -1;
    run.begin_us = now_us();
    run.client.end_us = run.begin_us + run.client.seconds * 1000000;
    run.limit_us =
        run.client.end_us + (run.ramp_ms + 2 * stream_ms) * 1000 + PATIENCE_SECONDS * 1000000;
}

/* -- end */

static void report(int64_t took_us)
{
    struct rusage used;
    uint64_t streams = 0;

    getrusage(RUSAGE_SELF, &used);
    for (int i = 0; i < OUTCOMES; i++)
        streams += run.client.outcomes[i];
    printf("{\"streams\":%" PRIu64 ",\"us\":%" PRId64 ",\"events\":%" PRIu64 ",\"bytes\":%" PRIu64,
           streams, took_us, run.client.event_count, run.client.bytes);
    for (int i = 0; i < OUTCOMES; i++)
        printf(",\"%s\":%" PRIu64, outcome_names[i], run.client.outcomes[i]);
    printf(",\"late\":%" PRIu64 ",\"late_gaps\":%" PRIu64, run.client.late_streams,
           run.client.late_gaps);
    printf(",\"client_cpu_us\":%lld",
           (long long)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 +
               used.ru_utime.tv_usec + used.ru_stime.tv_usec);
    samples_print("first", &run.client.firsts);
    samples_print("gap", &run.client.gaps);
    printf("}\n");
}

int main(int argc, char **argv)
{
    int64_t took_us;

    options_read(argc, argv);
    files_allow();
    request_make();
    mark_prepare();
    run_begin();
    loop();
    took_us = now_us() - run.begin_us;
    report(took_us);
    return 0;
}
