/* SPDX-License-Identifier: Apache-2.0 */
/* Gemini's errors: status, words and details into one fault. Called when an attempt has failed.
 * What must stay true: a fault that costs a key something is only found where the body says that
 * the key is at fault; and where it quotes a client, it says nothing. */
#include "provider/gemini_error.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "base/json.h"
#include "base/pacific.h"

enum {
    SECOND_MS = 1000,
    MINUTE_MS = 60 * 1000,
    LONG_MS = 300 * 1000, /* a wait beyond this is no minute's quota */
    MESSAGE_MOST = 2048,  /* of it so much is looked at */
};

/* What matters of an error body. Texts are borrowed from the document. */
struct facts {
    bool is_json;
    bool is_page;
    unsigned status;
    struct view word; /* "INVALID_ARGUMENT" */
    struct view message;
    struct view reason; /* of ErrorInfo */
    uint64_t retry_ms;  /* what is believed of those that follow; 0 s is one second */
    uint64_t info_ms;   /* of RetryInfo */
    uint64_t reset_ms;  /* of ErrorInfo's metadata */
    bool has_retry, has_info, has_reset;
    bool has_violation;
    bool has_day, has_minute, has_other;
    bool has_zero;   /* a limit of 0, said */
    bool has_limit;  /* any limit above 0 */
    bool has_absent; /* a violation that names no limit */
    struct view quota_id;
    uint64_t quota_value; /* of the same violation */
    struct named_limits limits;
};

static bool holds(struct view text, const char *part)
{
    size_t len = strlen(part);

    if (text.len > MESSAGE_MOST)
        text.len = MESSAGE_MOST;
    for (size_t i = 0; i + len <= text.len; i++)
        if (strncasecmp(text.at + i, part, len) == 0)
            return true;
    return false;
}

static bool holds_any(struct view text, const char *const *parts)
{
    for (; *parts; parts++)
        if (holds(text, *parts))
            return true;
    return false;
}

/* Further on a message may quote what a client wrote. */
static bool begins_with_any(struct view text, const char *const *heads)
{
    for (; *heads; heads++)
        if (text.len >= strlen(*heads) && strncasecmp(text.at, *heads, strlen(*heads)) == 0)
            return true;
    return false;
}

static bool ends_with(struct view text, struct view end)
{
    return text.len >= end.len && view_equal(view_skip(text, text.len - end.len), end);
}

/* Durations */

static const uint64_t number_most = 1000000000000; /* nobody waits that long */

/* Takes "12.345" off the front, in thousandths. Returns false if no digit is there. */
static bool take_number(struct view *text, uint64_t *thousandths)
{
    uint64_t number = 0;
    size_t i = 0, digits = 0, decimals = 0;
    bool is_behind = false;

    for (; i < text->len; i++) {
        char c = text->at[i];
        if (c == '.' && !is_behind && i + 1 < text->len &&
            isdigit((unsigned char)text->at[i + 1])) {
            is_behind = true;
            continue;
        }
        if (!isdigit((unsigned char)c))
            break;
        digits++;
        if (is_behind && decimals++ >= 3)
            continue;
        if (number < number_most)
            number = number * 10 + (uint64_t)(c - '0');
    }
    for (; decimals < 3 && number < number_most; decimals++)
        number *= 10;
    *text = view_skip(*text, i);
    *thousandths = number;
    return digits > 0;
}

/* "34s", "34.07s", "812.5ms", "1h52m56.4s"; what follows is left alone. */
static bool read_duration(struct view text, uint64_t *ms)
{
    uint64_t number, sum = 0;
    bool is_found = false;

    while (take_number(&text, &number)) {
        if (view_starts(text, VIEW("ms"))) {
            sum += (number + 999) / 1000;
            text = view_skip(text, 2);
        } else if (view_starts(text, VIEW("h"))) {
            sum += number * 3600;
            text = view_skip(text, 1);
        } else if (view_starts(text, VIEW("m"))) {
            sum += number * 60;
            text = view_skip(text, 1);
        } else if (view_starts(text, VIEW("s"))) {
            sum += number;
            text = view_skip(text, 1);
        } else {
            break;
        }
        is_found = true;
    }
    if (is_found)
        *ms = sum;
    return is_found;
}

static bool read_retry_text(struct view text, const char *lead, uint64_t *ms)
{
    for (size_t len = strlen(lead); text.len > len; text = view_skip(text, 1))
        if (strncasecmp(text.at, lead, len) == 0)
            return read_duration(view_skip(text, len), ms);
    return false;
}

/* The message has the exact figure; RetryInfo has it cut to whole seconds. */
static void choose_retry(struct facts *facts, uint64_t head_ms)
{
    uint64_t ms = 0;

    if (read_retry_text(facts->message, "retry in ", &ms) ||
        read_retry_text(facts->message, "reset after ", &ms))
        facts->retry_ms = ms ? ms : SECOND_MS;
    else if (facts->has_info)
        facts->retry_ms = facts->info_ms + (facts->info_ms % SECOND_MS ? 0 : SECOND_MS);
    else if (facts->has_reset)
        facts->retry_ms = facts->reset_ms ? facts->reset_ms : SECOND_MS;
    else
        facts->retry_ms = head_ms;
    facts->has_retry = facts->retry_ms;
}

/* Details */

static void take_limit(struct facts *facts, struct view limit)
{
    if (!limit.len)
        facts->has_absent = true;
    else if (view_equal(limit, VIEW("0")))
        facts->has_zero = true;
    else
        facts->has_limit = true;
}

/* A number, or the same as text. */
static uint64_t limit_of(yyjson_val *violation)
{
    yyjson_val *value = yyjson_obj_get(violation, "quotaValue");
    const char *text = yyjson_get_str(value);

    return text ? strtoull(text, NULL, 10) : json_member_count(violation, "quotaValue");
}

/* What it limits. Tokens of a day, storage and the like are not counted by anybody here. */
static void take_named(struct facts *facts, struct view id, struct view metric, uint64_t value)
{
    bool is_tokens = holds(id, "Token") || holds(metric, "token");
    bool is_day = holds(id, "PerDay") || holds(id, "Daily") || ends_with(metric, VIEW("_per_day"));
    bool is_requests = holds(id, "Requests") && !is_tokens;

    facts->limits.is_free |= holds(id, "FreeTier") || holds(metric, "free_tier");
    if (is_requests && is_day)
        facts->limits.day = value;
    else if (is_requests && holds(id, "PerMinute"))
        facts->limits.requests = value;
    else if (is_tokens && !is_day && holds(id, "PerMinute"))
        facts->limits.tokens = value;
}

static void take_violation(yyjson_val *violation, struct facts *facts)
{
    struct view id = json_member_text(violation, "quotaId");
    struct view metric = json_member_text(violation, "quotaMetric");

    if (!facts->quota_id.len) {
        facts->quota_id = id;
        facts->quota_value = limit_of(violation);
    }
    take_named(facts, id, metric, limit_of(violation));
    facts->has_violation = true;
    if (holds(id, "PerDay") || holds(id, "Daily") || ends_with(metric, VIEW("_per_day")))
        facts->has_day = true;
    else if (holds(id, "PerMinute") || ends_with(metric, VIEW("_per_minute")))
        facts->has_minute = true;
    else
        facts->has_other = true;
    if (yyjson_is_int(yyjson_obj_get(violation, "quotaValue")))
        take_limit(facts, json_member_count(violation, "quotaValue") ? VIEW("1") : VIEW("0"));
    else
        take_limit(facts, json_member_text(violation, "quotaValue"));
}

static void take_detail(yyjson_val *detail, struct facts *facts)
{
    struct view type = json_member_text(detail, "@type");
    yyjson_val *violation;
    size_t i, count;

    if (ends_with(type, VIEW("google.rpc.ErrorInfo"))) {
        facts->reason = json_member_text(detail, "reason");
        facts->has_reset =
            read_duration(json_member_text(yyjson_obj_get(detail, "metadata"), "quotaResetDelay"),
                          &facts->reset_ms);
    } else if (ends_with(type, VIEW("google.rpc.RetryInfo"))) {
        facts->has_info = read_duration(json_member_text(detail, "retryDelay"), &facts->info_ms);
    } else if (ends_with(type, VIEW("google.rpc.QuotaFailure"))) {
        yyjson_arr_foreach(yyjson_obj_get(detail, "violations"), i, count, violation)
            take_violation(violation, facts);
    }
}

/* "limit: 0" in the message, but not "limit: 05". */
static bool message_says_zero(struct view message)
{
    static const char text[] = "limit: 0";
    const char *at;

    while (message.len && (at = memmem(message.at, message.len, text, sizeof(text) - 1)) != NULL) {
        message = view_skip(message, (size_t)(at - message.at) + sizeof(text) - 1);
        if (!message.len || !(isdigit((unsigned char)message.at[0]) || message.at[0] == '.'))
            return true;
    }
    return false;
}

static unsigned status_of_word(struct view word)
{
    static const struct {
        const char *word;
        unsigned status;
    } words[] = {
        {"INVALID_ARGUMENT", 400},   {"FAILED_PRECONDITION", 400}, {"OUT_OF_RANGE", 400},
        {"UNAUTHENTICATED", 401},    {"PERMISSION_DENIED", 403},   {"NOT_FOUND", 404},
        {"RESOURCE_EXHAUSTED", 429}, {"CANCELLED", 499},           {"UNAVAILABLE", 503},
        {"DEADLINE_EXCEEDED", 504},
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (view_equal(word, view_of(words[i].word)))
            return words[i].status;
    return 500;
}

/* Inside a 200 the status is what the error's own code says. */
static unsigned status_of(unsigned status, yyjson_val *error, struct view word)
{
    uint64_t code = json_member_count(error, "code");

    if (status >= 300)
        return status;
    return code >= 400 && code < 600 ? (unsigned)code : status_of_word(word);
}

static void read_facts(yyjson_val *root, struct facts *facts)
{
    yyjson_val *error, *detail;
    size_t i, count;

    if (yyjson_is_arr(root))
        root = yyjson_arr_get_first(root);
    error = yyjson_obj_get(root, "error");
    facts->is_json = yyjson_is_obj(error) || yyjson_is_str(error);
    facts->word = json_member_text(error, "status");
    facts->message =
        yyjson_is_str(error) ? json_member_text(root, "error") : json_member_text(error, "message");
    if (facts->message.len > MESSAGE_MOST)
        facts->message.len = MESSAGE_MOST;
    facts->status = status_of(facts->status, error, facts->word);
    yyjson_arr_foreach(yyjson_obj_get(error, "details"), i, count, detail)
        take_detail(detail, facts);
    if (message_says_zero(facts->message))
        facts->has_zero = true;
}

/* Judging */

static bool is_key_fault(const struct facts *facts)
{
    static const char *const reasons[] = {
        "API_KEY_",      "CONSUMER_",      "BILLING_DISABLED", "CREDENTIALS_",
        "ACCESS_TOKEN_", "ACCOUNT_STATE_", "USER_PROJECT_",    NULL};
    static const char *const heads[] = {"API key not valid",
                                        "API key expired",
                                        "API key not found",
                                        "Your API key was reported as leaked",
                                        "Permission denied: Consumer ",
                                        "Your project has been denied access",
                                        "Method doesn't allow unregistered callers",
                                        NULL};

    return begins_with_any(facts->reason, reasons) || begins_with_any(facts->message, heads);
}

static bool is_restricted(const struct facts *facts)
{
    static const char *const reasons[] = {
        "API_KEY_SERVICE_BLOCKED",    "API_KEY_HTTP_REFERRER_BLOCKED",
        "API_KEY_IP_ADDRESS_BLOCKED", "API_KEY_ANDROID_APP_BLOCKED",
        "API_KEY_IOS_APP_BLOCKED",    NULL};
    static const char *const heads[] = {"Requests from ", "Requests to this API ",
                                        "The provided API key has an IP address restriction", NULL};

    return begins_with_any(facts->reason, reasons) || begins_with_any(facts->message, heads);
}

static bool is_service_off(const struct facts *facts)
{
    static const char *const reasons[] = {"SERVICE_DISABLED", NULL};
    static const char *const heads[] = {"Generative Language API has not been used", NULL};

    return begins_with_any(facts->reason, reasons) || begins_with_any(facts->message, heads);
}

/* NONE: it says nothing against the key. */
static enum fault key_fault(const struct facts *facts)
{
    if (is_restricted(facts))
        return FAULT_KEY_RESTRICTED;
    if (is_service_off(facts))
        return FAULT_SERVICE_OFF;
    return is_key_fault(facts) ? FAULT_KEY_INVALID : FAULT_NONE;
}

static bool is_location(const struct facts *facts)
{
    static const char *const heads[] = {"User location is not supported",
                                        "Gemini API free tier is not available in your country",
                                        NULL};

    return begins_with_any(facts->message, heads);
}

static bool is_about_object(const struct facts *facts)
{
    static const char *const texts[] = {"CachedContent", "the File",        "File ",
                                        "files/",        "cachedContents/", NULL};

    return holds_any(facts->message, texts);
}

static enum fault judge_400(const struct facts *facts)
{
    static const char *const too_long[] = {"exceeds the maximum number of tokens",
                                           "input token count", NULL};

    if (key_fault(facts) != FAULT_NONE)
        return key_fault(facts);
    if (is_location(facts))
        return FAULT_LOCATION;
    return holds_any(facts->message, too_long) ? FAULT_CONTEXT_LENGTH : FAULT_BAD_REQUEST;
}

/* A 403 that we don't know costs no key anything. */
static enum fault judge_403(const struct facts *facts)
{
    enum fault fault = key_fault(facts);

    if (!facts->is_json)
        return FAULT_SERVER;
    if (is_location(facts))
        return FAULT_LOCATION;
    return fault != FAULT_NONE && !is_about_object(facts) ? fault : FAULT_FORBIDDEN;
}

/* A page is never about a model: the path is wrong, or somebody else answers. What else is missing
 * is something that the client named. */
static enum fault judge_404(const struct facts *facts)
{
    static const char *const models[] = {"models/", "tunedModels/", "This model ", NULL};

    if (!facts->is_json)
        return FAULT_NO_ROUTE;
    return begins_with_any(facts->message, models) ? FAULT_NO_MODEL : FAULT_FORBIDDEN;
}

/* Without violations only the message and the wait tell. */
static enum fault judge_429_text(const struct facts *facts)
{
    if (facts->has_zero)
        return FAULT_QUOTA_NONE;
    if (holds(facts->message, "per day") || holds(facts->message, "PerDay") ||
        facts->retry_ms > LONG_MS)
        return FAULT_QUOTA_DAY;
    if (facts->has_retry || holds(facts->message, "per minute") ||
        holds(facts->message, "PerMinute"))
        return FAULT_QUOTA_MINUTE;
    return FAULT_QUOTA_UNKNOWN;
}

static enum fault judge_429(const struct facts *facts)
{
    if (holds(facts->reason, "MODEL_CAPACITY_EXHAUSTED"))
        return FAULT_OVERLOADED;
    if (holds(facts->message, "prepayment credits") ||
        holds(facts->message, "credits are depleted"))
        return FAULT_NO_CREDIT;
    if (!facts->has_violation)
        return judge_429_text(facts);
    if (facts->has_zero && !facts->has_limit)
        return FAULT_QUOTA_NONE;
    if (facts->has_day)
        return FAULT_QUOTA_DAY;
    if (facts->has_absent && !facts->has_limit)
        return FAULT_QUOTA_NONE;
    return facts->has_minute ? FAULT_QUOTA_MINUTE : FAULT_QUOTA_UNKNOWN;
}

/* Of the provider's front, or of something between: the API has not seen the request. */
static bool is_edge(const struct facts *facts)
{
    return facts->is_page && (facts->status == 401 || facts->status == 403 || facts->status == 502);
}

static enum fault judge(const struct facts *facts)
{
    if (is_edge(facts))
        return FAULT_EDGE;
    switch (facts->status) {
    case 400:
        return facts->is_json ? judge_400(facts) : FAULT_BAD_REQUEST;
    case 401:
        return facts->is_json ? FAULT_KEY_INVALID : FAULT_SERVER;
    case 402:
        return FAULT_NO_CREDIT;
    case 403:
        return judge_403(facts);
    case 404:
        return judge_404(facts);
    case 429:
        return judge_429(facts);
    case 499:
        return FAULT_SERVER;
    case 503:
    case 529:
        return FAULT_OVERLOADED;
    case 408:
    case 504:
        return FAULT_DEADLINE;
    default:
        return facts->status >= 400 && facts->status < 500 ? FAULT_BAD_REQUEST : FAULT_SERVER;
    }
}

/* A day's quota comes back at the provider's midnight, whatever RetryInfo says; unless it says
 * more. One of nothing does not come back. */
static uint64_t retry_ms(enum fault fault, const struct facts *facts, uint64_t utc_ms)
{
    if (fault == FAULT_QUOTA_NONE)
        return 0;
    if (fault == FAULT_QUOTA_DAY)
        return facts->has_violation || facts->retry_ms <= LONG_MS ? pacific_midnight_ms(utc_ms)
                                                                  : facts->retry_ms;
    if (fault == FAULT_QUOTA_MINUTE && !facts->has_retry)
        return MINUTE_MS;
    return facts->retry_ms;
}

static void keep_id(struct verdict *verdict, struct view id)
{
    size_t len = id.len < QUOTA_ID_MOST ? id.len : QUOTA_ID_MOST;

    if (len)
        memcpy(verdict->quota_id, id.at, len);
    verdict->quota_id[len] = '\0';
}

void gemini_read_error(unsigned status, struct view body, uint64_t utc_ms, struct verdict *verdict)
{
    struct view text = view_trim(body);
    struct facts facts = {.status = status, .is_page = text.len && text.at[0] == '<'};
    yyjson_doc *doc = json_open(body, 0);

    read_facts(yyjson_doc_get_root(doc), &facts);
    choose_retry(&facts, verdict->retry_ms);
    verdict->status = facts.status;
    verdict->fault = judge(&facts);
    verdict->exact_ms = facts.retry_ms;
    verdict->quota_value = facts.quota_value;
    verdict->limits = facts.limits;
    keep_id(verdict, facts.quota_id);
    verdict->retry_ms = retry_ms(verdict->fault, &facts, utc_ms);
    json_close(doc);
}
