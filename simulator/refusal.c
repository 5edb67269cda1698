/* SPDX-License-Identifier: Apache-2.0 */
/* Writes Google's error bodies; called by whatever refuses. What must stay true: the wording that
 * gateways match on (statuses, reasons, quota ids, retry delays) is as Google sends it. */
#include "refusal.h"

#include <stdio.h>

enum details {
    DETAILS_NONE,
    DETAILS_KEY,
    DETAILS_INFO,
    DETAILS_CONSUMER,
    DETAILS_ACTIVATION,
    DETAILS_QUOTA_MINUTE,
    DETAILS_QUOTA_DAY,
    DETAILS_QUOTA_ZERO,
    DETAILS_PAGE,
};

static const struct refusal_row {
    int code;
    enum details details;
    const char *status;
    const char *message;
    const char *reason;
} rows[REFUSAL_COUNT] = {
#define REFUSAL(name, code, status, message, details, reason)                                      \
    [REFUSAL_##name] = {code, DETAILS_##details, status, message, reason},
#include "refusals.def"
};

#define METRIC "generate_content_free_tier_requests"
#define PER_MINUTE "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"
#define PER_DAY "GenerateRequestsPerDayPerProjectPerModel-FreeTier"

/* What the modes of keys say. A day's delay is misleading, as Google's is. */
static const struct quota_failure quotas[] = {
    [DETAILS_QUOTA_MINUTE] = {1, {{METRIC, PER_MINUTE, 5}}, 34074},
    [DETAILS_QUOTA_DAY] = {1, {{METRIC, PER_DAY, 20}}, 12500},
    [DETAILS_QUOTA_ZERO] = {1, {{METRIC, PER_DAY, 0}}, 12500},
};

#define SERVICE "generativelanguage.googleapis.com/"
#define LIMITS_PAGE "https://ai.google.dev/gemini-api/docs/rate-limits"

int refusal_status(enum refusal refusal)
{
    return rows[refusal].code;
}

bool refusal_is_page(enum refusal refusal)
{
    return rows[refusal].details == DETAILS_PAGE;
}

enum refusal refusal_of_status(int status)
{
    for (int f = REFUSAL_NONE + 1; f < REFUSAL_COUNT; f++)
        if (rows[f].code == status && rows[f].details == DETAILS_NONE)
            return (enum refusal)f;
    for (int f = REFUSAL_NONE + 1; f < REFUSAL_COUNT; f++)
        if (rows[f].code == status)
            return (enum refusal)f;
    return REFUSAL_INTERNAL;
}

static bool is_quota(enum details details)
{
    return details == DETAILS_QUOTA_MINUTE || details == DETAILS_QUOTA_DAY ||
           details == DETAILS_QUOTA_ZERO;
}

static const struct quota_failure *quota_of(const struct refusal_row *row,
                                            const struct refusal_facts *facts)
{
    return facts->quota != NULL ? facts->quota : &quotas[row->details];
}

static int64_t retry_ms_of(const struct refusal_row *row, const struct refusal_facts *facts)
{
    return facts->retry_ms >= 0 ? facts->retry_ms : quota_of(row, facts)->retry_ms;
}

/* Google's delays have nine digits behind the point; the last six are made up. */
static void put_delay(struct text *out, int64_t ms)
{
    text_format(out, "%lld.%03lld824224s", (long long)(ms / 1000), (long long)(ms % 1000));
}

static void put_quota_message(struct text *out, const struct refusal_row *row,
                              const struct refusal_facts *facts)
{
    const struct quota_failure *quota = quota_of(row, facts);

    text_put(
        out,
        "You exceeded your current quota, please check your plan and billing details. For more "
        "information on this error, head to: " LIMITS_PAGE ". ");
    for (int i = 0; i < quota->count; i++)
        text_format(out, "\n* Quota exceeded for metric: " SERVICE "%s, limit: %lld, model: %.*s",
                    quota->violations[i].metric, (long long)quota->violations[i].value,
                    (int)facts->model.len, facts->model.at);
    text_put(out, "\nPlease retry in ");
    put_delay(out, retry_ms_of(row, facts));
    text_put(out, ".");
}

/* The table's message with %k and %m filled in. */
static void put_message(struct text *out, const struct refusal_row *row,
                        const struct refusal_facts *facts)
{
    for (const char *at = row->message; *at != '\0'; at++) {
        if (at[0] == '%' && at[1] != '\0' && strchr("kmo", at[1]) != NULL) {
            at++;
            struct span fill = *at == 'k' ? facts->key : *at == 'm' ? facts->model : facts->method;
            text_add(out, fill.at, fill.len);
        } else {
            text_add(out, at, 1);
        }
    }
}

static void write_message(struct json *j, const struct refusal_row *row,
                          const struct refusal_facts *facts)
{
    struct text message = {0};

    if (facts->message.len != 0)
        text_add(&message, facts->message.at, facts->message.len);
    else if (is_quota(row->details))
        put_quota_message(&message, row, facts);
    else
        put_message(&message, row, facts);
    json_name_text(j, "message", text_span(&message));
    text_clear(&message);
}

static void open_detail(struct json *j, const char *type)
{
    struct text name = {0};

    json_item(j);
    json_open(j, '{');
    text_format(&name, "type.googleapis.com/google.rpc.%s", type);
    json_name_text(j, "@type", text_span(&name));
    text_clear(&name);
}

static void write_info(struct json *j, const struct refusal_row *row,
                       const struct refusal_facts *facts)
{
    struct text consumer = {0};

    open_detail(j, "ErrorInfo");
    json_name_text(j, "reason", span_of(row->reason));
    json_name_text(j, "domain", span_of("googleapis.com"));
    json_name(j, "metadata");
    json_open(j, '{');
    json_name_text(j, "service", span_of("generativelanguage.googleapis.com"));
    if (row->details == DETAILS_CONSUMER) {
        text_format(&consumer, "api_key:%.*s", (int)facts->key.len, facts->key.at);
        json_name_text(j, "consumer", span_of("projects/482910375512"));
        json_name_text(j, "containerInfo", text_span(&consumer));
    }
    if (row->details == DETAILS_ACTIVATION) {
        json_name_text(j, "consumer", span_of("projects/482910375512"));
        json_name_text(j, "activationUrl",
                       span_of("https://console.developers.google.com/apis/api/"
                               "generativelanguage.googleapis.com/overview?project=482910375512"));
    }
    json_close(j, '}');
    json_close(j, '}');
    text_clear(&consumer);
}

static void write_localized(struct json *j, const struct refusal_row *row)
{
    open_detail(j, "LocalizedMessage");
    json_name_text(j, "locale", span_of("en-US"));
    json_name_text(j, "message", span_of(row->message));
    json_close(j, '}');
}

static void write_help(struct json *j)
{
    open_detail(j, "Help");
    json_name(j, "links");
    json_open(j, '[');
    json_item(j);
    json_open(j, '{');
    json_name_text(j, "description", span_of("Learn more about Gemini API quotas"));
    json_name_text(j, "url", span_of(LIMITS_PAGE));
    json_close(j, '}');
    json_close(j, ']');
    json_close(j, '}');
}

static void write_violation(struct json *j, const struct quota_violation *violation,
                            struct span model)
{
    struct text text = {0};

    json_item(j);
    json_open(j, '{');
    text_format(&text, SERVICE "%s", violation->metric);
    json_name_text(j, "quotaMetric", text_span(&text));
    json_name_text(j, "quotaId", span_of(violation->id));
    json_name(j, "quotaDimensions");
    json_open(j, '{');
    json_name_text(j, "location", span_of("global"));
    json_name_text(j, "model", model);
    json_close(j, '}');
    text.len = 0;
    text_number(&text, violation->value);
    json_name_text(j, "quotaValue", text_span(&text));
    json_close(j, '}');
    text_clear(&text);
}

static void write_quota(struct json *j, const struct refusal_row *row,
                        const struct refusal_facts *facts)
{
    const struct quota_failure *quota = quota_of(row, facts);

    open_detail(j, "QuotaFailure");
    json_name(j, "violations");
    json_open(j, '[');
    for (int i = 0; i < quota->count; i++)
        write_violation(j, &quota->violations[i], facts->model);
    json_close(j, ']');
    json_close(j, '}');
}

static void write_retry(struct json *j, int64_t ms)
{
    struct text delay = {0};

    open_detail(j, "RetryInfo");
    put_delay(&delay, ms);
    json_name_text(j, "retryDelay", text_span(&delay));
    json_close(j, '}');
    text_clear(&delay);
}

static void write_violations(struct json *j, struct span violations)
{
    open_detail(j, "BadRequest");
    json_name(j, "fieldViolations");
    text_put(j->out, "[");
    text_add(j->out, violations.at, violations.len);
    text_put(j->out, "]");
    json_close(j, '}');
}

static void write_details(struct json *j, const struct refusal_row *row,
                          const struct refusal_facts *facts)
{
    json_name(j, "details");
    json_open(j, '[');
    if (facts->violations.len != 0) {
        write_violations(j, facts->violations);
    } else if (is_quota(row->details)) {
        write_help(j);
        write_quota(j, row, facts);
        write_retry(j, retry_ms_of(row, facts));
    } else {
        write_info(j, row, facts);
        if (row->details == DETAILS_KEY)
            write_localized(j, row);
    }
    json_close(j, ']');
}

void refusal_write_object(struct json *j, enum refusal refusal, const struct refusal_facts *facts)
{
    const struct refusal_row *row = &rows[refusal];

    json_open(j, '{');
    json_name(j, "error");
    json_open(j, '{');
    json_name_number(j, "code", row->code);
    write_message(j, row, facts);
    json_name_text(j, "status", span_of(row->status));
    if (row->details != DETAILS_NONE || facts->violations.len != 0)
        write_details(j, row, facts);
    json_close(j, '}');
    json_close(j, '}');
}

static void write_page(struct text *out, const struct refusal_row *row)
{
    text_format(
        out,
        "<!DOCTYPE html>\n<html lang=en>\n  <meta charset=utf-8>\n  <title>Error %d</title>\n"
        "  <p><b>%d.</b> <ins>That\xe2\x80\x99s an error.</ins>\n  <p>%s\n",
        row->code, row->code, row->message);
}

void refusal_write(struct text *out, enum refusal refusal, const struct refusal_facts *facts,
                   bool pretty)
{
    struct json j = {.out = out, .pretty = pretty};

    if (refusal_is_page(refusal)) {
        write_page(out, &rows[refusal]);
        return;
    }
    refusal_write_object(&j, refusal, facts);
    text_put(out, "\n");
}
