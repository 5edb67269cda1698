/* SPDX-License-Identifier: Apache-2.0
 * The benchmark's client of streams: opens many at once, checks that each event comes, in order,
 * and measures when. Run by tests/bench/streams.py; prints {"open":n} when all streams are open,
 * and at the end one line of JSON.
 *
 *   streams --port=8000 --path=/v1/chat/completions --header='Authorization: Bearer x' --body=FILE
 *           --mark='"content":"[' --events=50 --pace-ms=20 --connections=256 --ramp-ms=100
 * [--seconds=5]
 *
 * An event's number stands behind the mark: `[0]`, `[1]`, … as the simulator's script `numbered`
 * writes them. With
 * --seconds a connection begins another stream when one has ended, until the time is up; without,
 * each carries one.
 *
 * What must stay true: a stream counts as whole only if all numbers came, each once, in order, and
 * HTTP's last chunk after them. Times are taken when the bytes are read, and nothing is done
 * between two reads but looking at bytes. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LATE_PACES 10       /* a gap longer than so many paces is one too many */
#define PATIENCE_SECONDS 15 /* beyond the time that all should take */
#define SPARE_FILES 16
#define TURN_EVENTS 512

enum state {
    STATE_WAITING, /* for its turn to open */
    STATE_CONNECTING,
    STATE_HEAD,
    STATE_SIZE, /* of a chunk */
    STATE_DATA,
    STATE_DATA_END,
    STATE_TRAILER,
    STATE_DONE,
};

enum outcome { WHOLE, NOT_CONNECTED, REFUSED, CUT, OUT_OF_ORDER, TOO_SHORT, UNFINISHED, OUTCOMES };
static const char *const outcome_names[OUTCOMES] = {
    "whole", "not_connected", "refused", "cut", "out_of_order", "too_short", "unfinished"};

struct stream {
    int fd;
    enum state state;
    bool is_chunked, is_late, has_disorder;
    bool is_open;   /* has had its first event */
    bool has_begun; /* a byte of this answer has come */
    bool is_reused; /* its connection carried a stream before */
    int status;
    char line[128]; /* of the head; longer ones lose their end */
    size_t line_len;
    uint64_t chunk_left;
    size_t matched;  /* bytes of the mark */
    bool in_number;  /* behind the mark */
    uint32_t number; /* as far as it is read */
    uint32_t next;   /* the number that must come */
    int64_t asked_us, last_us;
};

struct samples {
    uint32_t *at;
    size_t count, room;
};

static struct {
    int port;
    const char *path, *body, *mark;
    char headers[4096];
    int64_t events, pace_ms, connections, ramp_ms, seconds;
} option = {.path = "/", .mark = "[", .events = 1, .pace_ms = 1, .connections = 1};

static struct {
    struct stream *all;
    int poll;
    char *request;
    size_t request_len;
    size_t *fallback; /* of the mark: how much of it still matches when a byte does not */
    size_t mark_len;
    int64_t begin_us, end_us, limit_us;
    size_t begun, opened, done; /* connections */
    bool has_told;
    uint64_t outcomes[OUTCOMES], late_streams, late_gaps, events, bytes;
    struct samples firsts, gaps;
} run;

static void fail(const char *what, const char *which)
{
    fprintf(stderr, "streams: %s: %s\n", what, which);
    exit(1);
}

static void *grown(void *old, size_t size)
{
    void *new = realloc(old, size);

    if (!new)
        fail("memory", strerror(ENOMEM));
    return new;
}

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void samples_add(struct samples *samples, int64_t us)
{
    if (samples->count == samples->room) {
        samples->room = samples->room ? samples->room * 2 : 65536;
        samples->at = grown(samples->at, samples->room * sizeof(*samples->at));
    }
    samples->at[samples->count++] = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

/* ------------------------------------------------------------------------------------------------
 * a stream's life */

static void stream_close(struct stream *s)
{
    struct linger at_once = {1, 0}; /* a reset: no port waits a minute behind each connection */

    if (s->fd >= 0) {
        setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        close(s->fd);
    }
    s->fd = -1;
}

static void stream_count(struct stream *s, enum outcome outcome)
{
    run.outcomes[outcome]++;
    run.late_streams += s->is_late;
}

static void stream_end(struct stream *s, enum outcome outcome)
{
    stream_count(s, outcome);
    stream_close(s);
    s->state = STATE_DONE;
    run.done++;
}

static void stream_ask(struct stream *s)
{
    s->state = STATE_HEAD;
    s->is_chunked = s->is_late = s->has_disorder = s->has_begun = s->in_number = false;
    s->status = 0;
    s->line_len = s->matched = 0;
    s->next = 0;
    s->asked_us = now_us();
    /* A request is small, and the socket empty: what does not fit at once is a fault of the test.
     */
    if (send(s->fd, run.request, run.request_len, MSG_NOSIGNAL) != (ssize_t)run.request_len)
        s->status = -1; /* the end of the connection, which is read next, decides */
}

static void stream_connect(struct stream *s)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)option.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event interest = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                                   .data.ptr = s};
    int yes = 1;

    s->is_reused = false;
    s->state = STATE_CONNECTING;
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->fd < 0)
        fail("socket", strerror(errno));
    setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    if (epoll_ctl(run.poll, EPOLL_CTL_ADD, s->fd, &interest) < 0)
        fail("epoll_ctl", strerror(errno));
    if (connect(s->fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS)
        stream_end(s, NOT_CONNECTED);
}

/* The last chunk has come: another stream on this connection, or none. */
static void stream_finish(struct stream *s)
{
    bool is_wrong = s->has_disorder || s->next > (uint32_t)option.events;
    bool is_short = s->next < (uint32_t)option.events;
    enum outcome outcome = is_wrong ? OUT_OF_ORDER : is_short ? TOO_SHORT : WHOLE;

    if (outcome == WHOLE && option.seconds && now_us() < run.end_us) {
        stream_count(s, WHOLE);
        s->is_reused = true;
        stream_ask(s);
    } else {
        stream_end(s, outcome);
    }
}

/* Tells once that no stream is still to open. */
static void tell_open(void)
{
    if (run.has_told || run.opened + run.done < (size_t)option.connections)
        return;
    run.has_told = true;
    printf("{\"open\":%zu}\n", run.opened);
    fflush(stdout);
}

/* ----------------------------------------------------------------------------------------------------------
 * bytes */

static void take_number(struct stream *s, int64_t at_us)
{
    int64_t gap_us = at_us - (s->next ? s->last_us : s->asked_us);

    run.events++;
    if (s->number != s->next)
        s->has_disorder = true;
    samples_add(s->next ? &run.gaps : &run.firsts, gap_us);
    if (s->next && gap_us > LATE_PACES * option.pace_ms * 1000) {
        run.late_gaps++;
        s->is_late = true;
    }
    s->next = s->number + 1;
    s->last_us = at_us;
    if (!s->is_open) {
        s->is_open = true;
        run.opened++;
    }
}

static void take_data(struct stream *s, const char *from, size_t len, int64_t at_us)
{
    for (const char *to = from + len; from < to; from++) {
        if (s->in_number) {
            if (*from >= '0' && *from <= '9') {
                s->number = s->number * 10 + (uint32_t)(*from - '0');
                continue;
            }
            s->in_number = false;
            if (*from == ']')
                take_number(s, at_us);
            continue;
        }
        while (s->matched && *from != option.mark[s->matched])
            s->matched = run.fallback[s->matched];
        if (*from == option.mark[s->matched] && ++s->matched == run.mark_len) {
            s->in_number = true;
            s->number = 0;
            s->matched = 0;
        }
    }
}

static void take_head_line(struct stream *s)
{
    s->line[s->line_len] = 0;
    if (!s->status)
        sscanf(s->line, "HTTP/1.1 %d", &s->status);
    else if (strcasecmp(s->line, "transfer-encoding: chunked") == 0)
        s->is_chunked = true;
    else if (!s->line_len)
        s->state = STATE_SIZE;
}

static void take_line(struct stream *s)
{
    enum state was = s->state;
    bool is_empty = !s->line_len;

    s->line[s->line_len] = 0;
    if (was == STATE_HEAD) {
        take_head_line(s);
    } else if (was == STATE_SIZE) {
        s->chunk_left = strtoull(s->line, NULL, 16);
        s->state = s->chunk_left ? STATE_DATA : STATE_TRAILER;
    } else if (was == STATE_DATA_END) {
        s->state = STATE_SIZE;
    } else if (is_empty) {
        stream_finish(s);
    }
    s->line_len = 0;
}

/* What was read, piece by piece. The stream may be over afterwards, or another one begun. */
static void take_bytes(struct stream *s, const char *from, size_t len, int64_t at_us)
{
    const char *to = from + len;

    s->has_begun = true;
    while (from < to && s->state != STATE_DONE) {
        if (s->state == STATE_DATA) {
            size_t take =
                (uint64_t)(to - from) < s->chunk_left ? (size_t)(to - from) : (size_t)s->chunk_left;

            take_data(s, from, take, at_us);
            from += take;
            s->chunk_left -= take;
            if (!s->chunk_left)
                s->state = STATE_DATA_END;
        } else if (*from == '\n') {
            from++;
            take_line(s);
            if (s->state == STATE_SIZE && (s->status != 200 || !s->is_chunked))
                stream_end(s, REFUSED);
        } else {
            if (*from != '\r' && s->line_len < sizeof(s->line) - 1)
                s->line[s->line_len++] = *from;
            from++;
        }
    }
}

/* The other side has closed. Between two streams it may; then this one is asked for on a new
 * connection. */
static void stream_cut(struct stream *s)
{
    if (s->is_reused && s->state == STATE_HEAD && !s->has_begun) {
        stream_close(s);
        stream_connect(s);
    } else {
        stream_end(s, CUT);
    }
}

static void stream_read(struct stream *s)
{
    static char buffer[65536];
    int fd = s->fd;

    while (s->fd == fd && s->state != STATE_DONE) {
        ssize_t got = read(fd, buffer, sizeof(buffer));

        if (got > 0) {
            run.bytes += (uint64_t)got;
            take_bytes(s, buffer, (size_t)got, now_us());
            if ((size_t)got < sizeof(buffer))
                return; /* edge-triggered, but a short read has emptied the socket: what comes later
                           wakes again */
        } else if (got < 0 && errno == EAGAIN) {
            return;
        } else {
            stream_cut(s);
            return;
        }
    }
}

static void on_event(struct stream *s, uint32_t events)
{
    int error = 0;
    socklen_t len = sizeof(error);

    if (s->state == STATE_DONE)
        return;
    if (s->state == STATE_CONNECTING) {
        getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len);
        if (error)
            stream_end(s, NOT_CONNECTED);
        else if (events & EPOLLOUT)
            stream_ask(s);
        return;
    }
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP))
        stream_read(s);
    /* An end of file that came together with the last bytes makes no further event. */
    if (s->state != STATE_DONE && s->state != STATE_CONNECTING &&
        (events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP)))
        stream_read(s);
}

/* -----------------------------------------------------------------------------------------------------------
 * loop */

/* Opens those whose turn has come; returns ms until the next one's. */
static int open_due(int64_t at_us)
{
    while (run.begun < (size_t)option.connections) {
        int64_t due_us =
            run.begin_us + option.ramp_ms * 1000 * (int64_t)run.begun / option.connections;

        if (due_us > at_us)
            return (int)((due_us - at_us) / 1000 + 1);
        stream_connect(&run.all[run.begun++]);
    }
    return 100;
}

static void loop(void)
{
    struct epoll_event events[TURN_EVENTS];

    while (run.done < (size_t)option.connections && now_us() < run.limit_us) {
        int wait_ms = open_due(now_us());
        int count = epoll_wait(run.poll, events, TURN_EVENTS, wait_ms);

        for (int i = 0; i < count; i++)
            on_event(events[i].data.ptr, events[i].events);
        tell_open();
    }
    for (size_t i = 0; i < run.begun; i++) {
        if (run.all[i].state != STATE_DONE)
            stream_end(&run.all[i], UNFINISHED);
    }
}

/* ---------------------------------------------------------------------------------------------------------
 * begin */

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
    char *body = file_read(option.body);
    size_t room = strlen(body) + strlen(option.path) + strlen(option.headers) + 256;

    run.request = grown(NULL, room);
    run.request_len =
        (size_t)snprintf(run.request, room,
                         "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                         "%sContent-Length: %zu\r\n\r\n%s",
                         option.path, option.headers, strlen(body), body);
    free(body);
}

/* Knuth, Morris and Pratt's table: a mark may lie across two reads. */
static void mark_prepare(void)
{
    run.mark_len = strlen(option.mark);
    run.fallback = grown(NULL, (run.mark_len + 1) * sizeof(*run.fallback));
    run.fallback[0] = 0;
    run.fallback[1] = 0;
    for (size_t i = 2, len = 0; i <= run.mark_len; i++) {
        while (len && option.mark[i - 1] != option.mark[len])
            len = run.fallback[len];
        len += option.mark[i - 1] == option.mark[len];
        run.fallback[i] = len;
    }
}

static void files_allow(void)
{
    struct rlimit files;

    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_max != RLIM_INFINITY &&
        files.rlim_max < (rlim_t)option.connections + SPARE_FILES)
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
    size_t len = strlen(option.headers);

    if (snprintf(option.headers + len, sizeof(option.headers) - len, "%s\r\n", header) >=
        (int)(sizeof(option.headers) - len))
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
    int64_t port = 0, *numbers[128] = {['p'] = &port,           ['e'] = &option.events,
                                       ['a'] = &option.pace_ms, ['c'] = &option.connections,
                                       ['r'] = &option.ramp_ms, ['s'] = &option.seconds};
    const char **texts[128] = {['P'] = &option.path, ['b'] = &option.body, ['m'] = &option.mark};
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
    if (!port || port > 65535 || !option.body || !option.connections || !option.events ||
        !*option.mark)
        fail("options", "--port, --body, --mark, --connections and --events are needed");
    option.port = (int)port;
}

static void run_begin(void)
{
    int64_t stream_ms = option.events * option.pace_ms;

    run.poll = epoll_create1(EPOLL_CLOEXEC);
    run.all = grown(NULL, (size_t)option.connections * sizeof(*run.all));
    memset(run.all, 0, (size_t)option.connections * sizeof(*run.all));
    for (int64_t i = 0; i < option.connections; i++)
        run.all[i].fd = -1;
    run.begin_us = now_us();
    run.end_us = run.begin_us + option.seconds * 1000000;
    run.limit_us =
        run.end_us + (option.ramp_ms + 2 * stream_ms) * 1000 + PATIENCE_SECONDS * 1000000;
}

/* -----------------------------------------------------------------------------------------------------------
 * end */

static int by_value(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

    return (left > right) - (left < right);
}

static void samples_print(const char *name, struct samples *samples)
{
    size_t count = samples->count;

    if (count)
        qsort(samples->at, count, sizeof(*samples->at), by_value);
    printf(",\"%s_count\":%zu,\"%s_p50_us\":%u,\"%s_p99_us\":%u,\"%s_max_us\":%u", name, count,
           name, count ? samples->at[count / 2] : 0, name,
           count ? samples->at[count * 99 / 100] : 0, name, count ? samples->at[count - 1] : 0);
}

static void report(int64_t took_us)
{
    struct rusage used;
    uint64_t streams = 0;

    getrusage(RUSAGE_SELF, &used);
    for (int i = 0; i < OUTCOMES; i++)
        streams += run.outcomes[i];
    printf("{\"streams\":%" PRIu64 ",\"us\":%" PRId64 ",\"events\":%" PRIu64 ",\"bytes\":%" PRIu64,
           streams, took_us, run.events, run.bytes);
    for (int i = 0; i < OUTCOMES; i++)
        printf(",\"%s\":%" PRIu64, outcome_names[i], run.outcomes[i]);
    printf(",\"late\":%" PRIu64 ",\"late_gaps\":%" PRIu64, run.late_streams, run.late_gaps);
    printf(",\"client_cpu_us\":%lld",
           (long long)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 +
               used.ru_utime.tv_usec + used.ru_stime.tv_usec);
    samples_print("first", &run.firsts);
    samples_print("gap", &run.gaps);
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
