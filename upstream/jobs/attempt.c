/* SPDX-License-Identifier: Apache-2.0 */
/* Attempts. What must stay true: the flight file knows of an attempt before the provider can, and
 * has its end before anybody else hears of it. */
#include "jobs/attempt.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "jobs/evidence.h"
#include "jobs/failure.h"
#include "provider/mask.h"
#include "settings/options.h"
#include "upstream.h"
#include "base/url.h"
#include "transfer/lines.h"
#include "trace.h"

enum {
    HOLD_MOST = 256 * 1024,      /* of a whole answer, to judge it */
    HOLD_MOST_TIGHT = 32 * 1024, /* while the budget is half used up */
    BEGIN_MOST = 16 * 1024,      /* of an answer, to see which object it describes */
    MOVES_MOST = 3,              /* of a download, before it is let go */
    TELL_MS = 10000,             /* between two warnings of trouble on the way */
};

/* Records */

/* Where the proxy is, without its user and password. */
static struct view proxy_place(const struct job *job)
{
    struct url url;

    if (!job->proxy || !*job->proxy || url_read(&url, view_of(job->proxy)))
        return (struct view){0};
    return (struct view){url.host.at, (size_t)(url.port.at + url.port.len - url.host.at)};
}

static struct msg_record record_of(const struct job *job)
{
    const struct job_times *times = &job->times;

    return (struct msg_record){
        .time_ms = job->begun_utc_ms,
        .frontend = job->key.frontend,
        .call = job->key.call,
        .attempt = job->attempt,
        .client = job->client,
        .key_id = job->key_id,
        .model = view_of(job->model),
        .operation = view_of(job->operation),
        .stream = job->is_stream,
        .bytes_in = job->has_feed ? job->feed.gone : job->body_len,
        .route = view_of(job->route),
        .request = times->request,
        .asked_ms = times->asked_ms,
        .read_us = times->read_us,
        .translate_us = times->translate_us,
        .wait_us = times->wait_us,
        .pick_us = times->pick_us,
        .keys = times->keys,
        .cooling = times->cooling,
        .spent = times->spent,
        .dead = times->dead,
        .off = times->off,
        .no_room = times->no_room,
        .chosen_by = view_of(times->chosen_by),
        .proxy = proxy_place(job),
    };
}

static void put_before(const struct job *job, struct bytes *text)
{
    for (size_t i = 0; i < job->before_count; i++) {
        bytes_text(text, i ? " " : "");
        bytes_text(text, fault_facts(job->before[i])->name);
    }
}

/* What there is to say of an attempt that has failed. */
static void put_failure(const struct job *job, struct msg_record *record, yyjson_doc **doc)
{
    const struct verdict *verdict = &job->gate.verdict;

    record->words = failure_words(bytes_view(&job->fail_body), doc);
    if (job->fail_status) {
        record->retry_ms = verdict->exact_ms;
        record->quota_id = view_of(verdict->quota_id);
        record->quota_value = verdict->quota_value;
    }
}

/* `write`: records_end or, if something is still to come, records_hold. */
static void record_end(struct job *job, void (*write)(struct records *records, uint32_t slot,
                                                      const struct msg_record *record))
{
    struct msg_record record = record_of(job);
    struct bytes evidence = {0};
    yyjson_doc *doc = NULL;

    record.status = job->gate.status;
    record.fault = view_of(fault_facts(job->fault)->name);
    record.first_ms = job->first_ms;
    record.total_ms = clock_ms() - job->begun_ms;
    record.connect_us = job->connect_us;
    record.tokens_in = job->gate.usage.tokens_in;
    record.tokens_out = job->gate.usage.tokens_out;
    record.tokens_thoughts = job->gate.usage.tokens_thoughts;
    record.tokens_cached = job->gate.usage.tokens_cached;
    record.bytes_out = job->bytes_out;
    record.last = true;
    if (job->fault != FAULT_NONE)
        put_failure(job, &record, &doc);
    if (fault_facts(job->fault)->error != ERROR_NONE && settings_now()->log_request_body)
        evidence_write(&evidence, bytes_view(&job->body), (struct secret){view_of(job->secret)});
    record.body = bytes_view(&evidence);
    write(&job->upstream->records, job->slot, &record);
    bytes_clear(&evidence);
    yyjson_doc_free(doc);
    job->is_begun = false;
}

void attempt_settle(struct job *job, bool is_last)
{
    struct msg_record rest = {.last = is_last, .reply_us = job->times.reply_us};

    if (job->is_held)
        records_end(&job->upstream->records, job->slot, &rest);
    job->is_held = false;
}

/* The gate's side */

static uint64_t answer_length(const struct job *job, struct view bytes)
{
    if (job->gate.framing == FRAMING_BYTES)
        return job->length;
    if (job->gate.framing != FRAMING_WHOLE)
        return 0;
    return job->is_ending ? bytes.len + 1 : job->length;
}

static void open_gate(struct job *job, struct view bytes)
{
    struct msg_head head = {.status = job->gate.status,
                            .type = view_of(job->type),
                            .length = answer_length(job, bytes),
                            .attempts = job->attempt,
                            .headers = bytes_view(&job->lines),
                            .key_id = job->key_id};

    job->heard_ms = clock_ms();
    job->first_ms = job->heard_ms - job->begun_ms;
    answer_head(&job->answer, &head);
    job->events->opened(job);
    if (job->transfer && transfer_is_sent(job->transfer))
        bytes_clear(&job->body); /* no other key will need it */
}

/* Whether one of Google's own clients reads the stream. */
static bool is_for_google(const struct job *job)
{
    return job->is_raw && job->gate.framing == FRAMING_EVENTS && job->gate.kind == GATE_GENERATED &&
           job->provider != &provider_relay;
}

static void on_out(void *owner, struct view bytes, bool is_end)
{
    struct job *job = owner;

    struct bytes room = {0};

    if (job->state == JOB_RUNNING)
        open_gate(job, bytes);
    if (is_for_google(job))
        bytes = quiet_feed(&job->quiet, bytes, &room);
    answer_write(&job->answer, bytes, is_end);
    bytes_clear(&room);
}

/* The transfer's side */

bool attempt_may_describe(const struct job *job)
{
    return job->gate.kind == GATE_OBJECT || strcmp(job->operation, "upload") == 0;
}

/* An object's name stands at the beginning of what describes it. */
static void keep_beginning(struct job *job, struct view bytes)
{
    if (bytes.len > BEGIN_MOST - job->begin.len)
        bytes.len = BEGIN_MOST - job->begin.len;
    if (bytes.len && attempt_may_describe(job))
        bytes_append(&job->begin, bytes);
}

/* None was asked for, and nothing here can read one. */
static bool is_coded(struct view lines)
{
    struct view coding = lines_value(lines, VIEW("content-encoding"));

    return coding.len && !view_equal(coding, VIEW("identity"));
}

static void take_lines(struct job *job, struct view lines)
{
    job->gate.retry_ms = lines_retry_ms(lines, clock_utc_ms());
    job->is_coded = !gate_is_blind(&job->gate) && is_coded(lines);
    job->lines.len = 0;
    if (*job->headers)
        lines_choose(&job->lines, lines, view_of(job->headers));
}

/* Google keeps elsewhere what it has made, and sends a download on to /download/…: whichever host it names, it is asked where all is
 * asked, so no key goes to another. */
static void note_place(struct job *job, unsigned status, struct view lines)
{
    static const char mark[] = "/download/";
    struct view place = lines_value(lines, VIEW("location"));
    const char *at = place.len ? memmem(place.at, place.len, mark, sizeof(mark) - 1) : NULL;

    job->is_moving = at && status >= 301 && status <= 308 && job->moves < MOVES_MOST &&
                     strcmp(job->operation, "download") == 0;
    if (!job->is_moving)
        return;
    free(job->moved);
    job->path = job->moved = memory_text(view_skip(place, (size_t)(at - place.at)));
    job->moves++;
}

static void on_head(void *owner, unsigned status, struct view type, uint64_t length,
                    struct view headers)
{
    struct job *job = owner;
    size_t len = type.len < sizeof(job->type) ? type.len : sizeof(job->type) - 1;

    if (len)
        memcpy(job->type, type.at, len);
    job->type[len] = '\0';
    job->length = length;
    if (job->transfer)
        job->connect_us = transfer_connect_us(job->transfer);
    gate_head(&job->gate, status, type);
    take_lines(job, headers);
    note_place(job, status, headers);
    if (job->is_coded && job->gate.framing != FRAMING_ERROR)
        gate_refuse(&job->gate);
}

static size_t hold_most(const struct upstream *upstream)
{
    bool is_tight = upstream->held + upstream->outlet.unacked > settings_now()->answer_budget / 2;

    return is_tight ? HOLD_MOST_TIGHT : HOLD_MOST;
}

static enum transfer_answer on_bytes(void *owner, struct view bytes)
{
    struct job *job = owner;
    struct upstream *upstream = job->upstream;
    bool goes_on;

    if (job->state == JOB_OPEN && !answer_has_room(&job->answer)) {
        job->is_paused = true;
        return TRANSFER_LATER;
    }
    job->heard_ms = clock_ms();
    job->bytes_out += bytes.len;
    keep_beginning(job, bytes);
    upstream->held -= gate_held(&job->gate);
    goes_on = gate_feed(&job->gate, bytes, hold_most(upstream));
    upstream->held += gate_held(&job->gate);
    return goes_on ? TRANSFER_TAKEN : TRANSFER_STOP;
}

/* What the provider said of the fault, for the client, without keys: its error, or the answer that
 * ended without content. */
static void keep_failure(struct job *job)
{
    bool is_empty = !job->gate.is_open && job->gate.has_finish && job->fault == job->gate.finish &&
                    gate_held(&job->gate) <= FAIL_BODY_MOST;
    struct view text = is_empty ? bytes_view(&job->gate.held) : gate_error(&job->gate);
    struct secret key = {view_of(job->secret)};

    job->retry_ms = job->gate.verdict.retry_ms;
    job->fail_status = text.len ? job->gate.verdict.status : 0;
    if (job->gate.framing == FRAMING_ERROR)
        job->fail_status = job->gate.status;
    job->fail_body.len = 0;
    mask_keys(&job->fail_body, text, key);
}

/* The provider's own error event, byte for byte but for keys. */
static void pass_error(struct job *job)
{
    struct view event = gate_error_event(&job->gate);
    struct secret key = {view_of(job->secret)};
    struct bytes masked = {0};

    if (!job->is_raw || !event.len)
        return;
    mask_keys(&masked, event, key);
    answer_write(&job->answer, bytes_view(&masked), true);
    bytes_clear(&masked);
    job->is_told = true;
}

/* What kept the request from the provider, in the shape of a provider's error. */
static void keep_reason(struct job *job, const char *why)
{
    struct bytes sentence = {0};

    bytes_printf(&sentence, "%s.", why);
    job->retry_ms = 0;
    job->fail_status = 0;
    job->fail_body.len = 0;
    bytes_text(&job->fail_body, "{\"error\":{\"message\":");
    bytes_json(&job->fail_body, bytes_view(&sentence));
    bytes_text(&job->fail_body, "}}");
    bytes_clear(&sentence);
}

/* What no key is to blame for, but a setting or the network: the operator should see it, now and
 * then. */
static enum log_level level_of(const struct job *job)
{
    static uint64_t told_ms[FAULT_COUNT];
    enum error error = fault_facts(job->fault)->error;
    bool is_trouble = error == ERROR_UNREACHABLE || error == ERROR_CERTIFICATE ||
                      error == ERROR_PROXY || error == ERROR_NOT_THE_API;

    if (!is_trouble || (told_ms[job->fault] && clock_ms() < told_ms[job->fault] + TELL_MS))
        return LOG_INFO;
    told_ms[job->fault] = clock_ms();
    return LOG_WARN;
}

static void log_failure(const struct job *job, const char *said)
{
    bool is_page = job->fault == FAULT_NO_ROUTE;
    const char *why = is_page ? "a page answers at BASE_URL, not the Gemini API" : said;
    struct log_field fields[] = {
        F_ID("frontend", job->key.frontend),     F_ID("call", job->key.call),
        F_NUM("attempt", job->attempt),          F_STR("fault", fault_facts(job->fault)->name),
        F_NUM("status", job->gate.status),       F_ID("key_id", job->key_id),
        F_NUM("ms", clock_ms() - job->begun_ms), F_STR("why", why),
        F_VIEW("proxy", proxy_place(job)),
    };
    size_t count = sizeof(fields) / sizeof(fields[0]);
    enum log_level level = level_of(job);

    if (log_wants(level))
        log_write(level, "attempt.failed", fields,
                  fields[count - 1].text.len ? count : count - (why[0] ? 1 : 2));
}

static void clear_gate(struct job *job)
{
    job->upstream->held -= gate_held(&job->gate);
    gate_clear(&job->gate);
}

/* Of what asks no model: that there is no such thing, or that keys may not do that, is no fault of the key. Some methods are
 * for nobody who comes with a key: whoever calls one must not cost all of them. */
static enum fault fault_of_method(const struct job *job, enum fault fault)
{
    bool is_refused = fault == FAULT_NO_MODEL || fault == FAULT_KEY_RESTRICTED ||
                      (fault == FAULT_KEY_INVALID && job->gate.status == 401);

    return is_refused && gate_is_blind(&job->gate) ? FAULT_FORBIDDEN : fault;
}

static void follow(struct job *job);

static void on_done(void *owner, enum transfer_end end, const char *why)
{
    struct job *job = owner;

    job->transfer = NULL;
    job->is_paused = false;
    if (job->is_moving && end == TRANSFER_CLEAN) {
        follow(job);
        return;
    }
    job->is_ending = true;
    job->fault = failure_on_the_way(end);
    if (job->fault != FAULT_NONE) {
        keep_reason(job, why);
    } else {
        size_t held = gate_held(&job->gate);
        job->fault = gate_end(&job->gate, end == TRANSFER_CLEAN, clock_utc_ms());
        job->fault = fault_of_method(job, job->fault);
        job->upstream->held -= held - gate_held(&job->gate);
        if (job->is_coded && job->fault == FAULT_MALFORMED)
            keep_reason(job, why = "The answer is compressed (Content-Encoding), though none was "
                                   "asked for");
        else
            keep_failure(job);
    }
    record_end(job, records_hold);
    job->is_held = true;
    if (fault_facts(job->fault)->error != ERROR_NONE)
        log_failure(job, why);
    else
        log_trace("attempt.done", F_ID("frontend", job->key.frontend), F_ID("call", job->key.call),
                  F_NUM("attempt", job->attempt), F_NUM("status", job->gate.status),
                  F_NUM("ms", clock_ms() - job->begun_ms));
    pass_error(job);
    clear_gate(job);
    job->events->done(job);
}

static const struct transfer_events transfer_events = {
    .head = on_head, .bytes = on_bytes, .done = on_done};

/* Whether the client asks for some fields of the answer only: then what is not there says nothing.
 */
static bool is_partial(const char *path)
{
    return strstr(path, "?fields=") || strstr(path, "&fields=");
}

static struct gate gate_of(struct job *job)
{
    struct view operation = view_of(job->operation);
    enum gate_kind kind = job->provider->gate(operation);

    return (struct gate){
        .provider = job->provider,
        .kind = kind == GATE_GENERATED && is_partial(job->path) ? GATE_JSON : kind,
        .is_stream = job->is_stream || view_starts(operation, VIEW("stream")),
        .thoughts = job->thoughts,
        .is_raw = job->is_raw,
        .out = on_out,
        .owner = job,
    };
}

/* The body that comes while the request is under way */

static struct view on_look(void *owner, bool *is_all)
{
    struct job *job = owner;

    *is_all = job->feed.is_whole;
    return feed_look(&job->feed);
}

static void on_take(void *owner, size_t bytes)
{
    struct job *job = owner;

    feed_gone(&job->feed, bytes);
    job->fed_ms = clock_ms();
    job->events->fed(job);
}

static const struct transfer_feed transfer_feeder = {.look = on_look, .take = on_take};

/* Where the request goes, and the lines of its head that show that it may. */
static void address(const struct job *job, struct bytes *url, struct bytes *lines)
{
    const struct provider *provider = job->provider;
    struct provider_ask ask = {view_of(job->path), view_of(job->type_in), clock_utc_ms()};

    url->len = 0;
    if (provider->compose) {
        provider->compose(settings_now(), &ask, &(struct provider_place){url, lines});
        return;
    }
    provider_url(provider, settings_now(), view_of(job->path), url);
    provider->authorize((struct secret){view_of(job->secret)}, lines);
}

static void start_transfer(struct job *job)
{
    static struct bytes url, line;
    struct transfer_order order = {
        .way = job->provider->way,
        .method = job->method,
        .type = view_of(job->type_in),
        .wanted = view_of(job->wanted),
        .lines = view_of(job->extra),
        .body = bytes_view(&job->body),
        .feed = job->has_feed ? &transfer_feeder : NULL,
        .feed_length = job->feed.length,
        .proxy = {view_of(job->proxy)},
        .client = job->client,
    };

    address(job, &url, &line);
    order.url = bytes_cstr(&url);
    order.authorization.hidden = bytes_view(&line);
    job->transfer = transfer_start(&job->upstream->transfers, &order, &transfer_events, job);
    if (line.at)
        explicit_bzero(line.at, line.size);
    bytes_clear(&line);
    if (job->provider->compose) /* some take their secret in the query */
        explicit_bzero(url.at, url.size);
}

/* The same attempt, at another place. */
static void follow(struct job *job)
{
    clear_gate(job);
    job->gate = gate_of(job);
    job->is_moving = false;
    start_transfer(job);
}

void attempt_begin(struct job *job, const struct attempt_events *events)
{
    struct msg_record record;
    struct bytes before = {0};

    job->events = events;
    job->gate = gate_of(job);
    job->begun_ms = job->heard_ms = clock_ms();
    job->begun_utc_ms = clock_utc_ms();
    job->first_ms = job->bytes_out = job->length = 0;
    job->fault = FAULT_NONE;
    job->begin.len = 0;
    job->quiet = (struct quiet){0};
    job->is_ending = job->is_paused = job->is_coded = job->is_told = job->is_moving = false;
    job->connect_us = 0;
    record = record_of(job);
    put_before(job, &before);
    record.before = bytes_view(&before);
    job->slot = records_begin(&job->upstream->records, &record);
    job->is_begun = true;
    bytes_clear(&before);
    start_transfer(job);
    trace_point("attempt.begun");
}

void attempt_abort(struct job *job, enum fault fault)
{
    if (!job->is_begun)
        return;
    if (job->transfer)
        transfer_cancel(job->transfer);
    job->transfer = NULL;
    job->is_paused = false;
    job->fault = fault;
    job->retry_ms = 0;
    job->fail_status = 0;
    job->fail_body.len = 0;
    record_end(job, records_end);
    if (fault != FAULT_CLIENT_GONE)
        log_failure(job, "");
    clear_gate(job);
}
