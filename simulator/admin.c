/* SPDX-License-Identifier: Apache-2.0 */
/* The admin routes; server.c routes here. What must stay true: a wrong request changes nothing and
 * says what is wrong, since a test that is set up wrong must fail at once. */

#include "admin.h"

#include <stdlib.h>
#include <time.h>

#include "methods.h"
#include "objects.h"
#include "journal.h"
#include "ledger.h"
#include "quota.h"
#include "uploads.h"
#include "reply.h"
#include "schema.h"

#define ROOM_BYTES 8192
#define REQUESTS_DEFAULT 100

static void answer(struct call *call, struct text *body)
{
    text_put(body, "\n");
    reply_now(call->req, 200, text_span(body), false);
    text_clear(body);
}

/* {} when all is well, else 400 and {"error":…}. */
static void answer_done(struct call *call, const char *wrong)
{
    struct text body = {0};
    struct json j = {.out = &body};

    json_open(&j, '{');
    if (wrong != NULL)
        json_name_text(&j, "error", span_of(wrong));
    json_close(&j, '}');
    text_put(&body, "\n");
    reply_now(call->req, wrong == NULL ? 200 : 400, text_span(&body), false);
    text_clear(&body);
}

void admin_counts(struct call *call)
{
    struct text body = {0};

    ledger_write(&body);
    answer(call, &body);
}

void admin_requests(struct call *call)
{
    struct text body = {0};
    size_t count = 0;

    for (size_t i = 0; i < call->query.last.len && i < 9; i++)
        count = count * 10 + (size_t)(call->query.last.at[i] - '0') % 10;
    journal_write(&body, count != 0 ? count : REQUESTS_DEFAULT);
    answer(call, &body);
}

void admin_reset(struct call *call)
{
    ledger_reset();
    uploads_reset();
    quota_reset();
    journal_forget();
    objects_reset();
    answer_done(call, NULL);
}

static struct span text_of(yyjson_val *object, const char *name)
{
    yyjson_val *value = yyjson_obj_get(object, name);

    return yyjson_is_str(value) ? (struct span){yyjson_get_str(value), yyjson_get_len(value)}
                                : (struct span){"", 0};
}

/* Reads "times": absent means for ever (-1); 0 or less, or no number, is wrong (0). */
static int64_t times_of(yyjson_val *object)
{
    yyjson_val *value = yyjson_obj_get(object, "times");

    if (value == NULL)
        return -1;
    return yyjson_is_int(value) && yyjson_get_sint(value) > 0 ? yyjson_get_sint(value) : 0;
}

/* A mode, a project, or both. */
static const char *set_key(yyjson_val *root)
{
    struct key *key = ledger_key(text_of(root, "key"));
    bool has_mode = yyjson_obj_get(root, "mode") != NULL;
    struct span project = text_of(root, "project");
    int64_t times = times_of(root);
    struct mode_use mode;

    if (!yyjson_is_str(yyjson_obj_get(root, "key")) || key == NULL)
        return "needs a \"key\"";
    if ((has_mode || project.len == 0) && !mode_read(text_of(root, "mode"), &mode))
        return "there is no such \"mode\"";
    if (times == 0)
        return "\"times\" is a positive number";
    if (project.len != 0 && !key_set_project(key, project))
        return "the \"project\" is too long";
    if (has_mode)
        key_set_mode(key, mode, times);
    return NULL;
}

static const char *set_script(yyjson_val *root)
{
    static char room[ROOM_BYTES];
    static const char *const others[] = {"model", "key", "times", NULL};
    struct script script;
    int64_t times = times_of(root);
    const char *wrong = script_read(&script, root, others, room, sizeof(room));

    if (wrong != NULL)
        return wrong;
    if (times == 0)
        return "\"times\" is a positive number";
    if (!ledger_set_script(&script, text_of(root, "model"), text_of(root, "key"), times))
        return "the script is too large, or there are too many";
    return NULL;
}

/* A limit: absent or null means none. False when it is no whole number. */
static bool read_limit(yyjson_val *root, const char *name, int64_t when_absent, int64_t *limit)
{
    yyjson_val *value = yyjson_obj_get(root, name);

    *limit = when_absent;
    if (value == NULL || yyjson_is_null(value))
        return true;
    *limit = yyjson_get_sint(value);
    return yyjson_is_int(value) && *limit >= 0 && yyjson_get_num(value) < 1e15;
}

static const char *find_unknown(yyjson_val *root, const char *const *known)
{
    size_t i;
    size_t count;
    yyjson_val *name;
    yyjson_val *value;

    yyjson_obj_foreach(root, i, count, name, value)
    {
        const char *const *at = known;
        while (*at != NULL && !yyjson_equals_str(name, *at))
            at++;
        if (*at == NULL)
            return yyjson_get_str(name);
    }
    return yyjson_is_obj(root) ? NULL : "";
}

static const char *set_quota(yyjson_val *root)
{
    static const char *const known[] = {"project", "model",     "rpm",  "tpm",
                                        "rpd",     "minute_ms", "tier", NULL};
    struct quota_rule rule;
    struct span tier = text_of(root, "tier");

    if (find_unknown(root, known) != NULL)
        return "takes project, model, rpm, tpm, rpd, minute_ms and tier";
    if (!read_limit(root, "rpm", UNSET, &rule.rpm) || !read_limit(root, "tpm", UNSET, &rule.tpm) ||
        !read_limit(root, "rpd", UNSET, &rule.rpd))
        return "a limit is a whole number from 0 on";
    if (!read_limit(root, "minute_ms", 60000, &rule.minute_ms) || rule.minute_ms < 60 ||
        rule.minute_ms > 60000)
        return "\"minute_ms\" is a number from 60 to 60000";
    if (tier.len != 0 && !span_is(tier, "free") && !span_is(tier, "paid"))
        return "\"tier\" is free or paid";
    rule.is_paid = span_is(tier, "paid");
    return quota_set(&rule, text_of(root, "project"), text_of(root, "model"))
               ? NULL
               : "there are too many quotas, or a name is too long";
}

/* "2026-03-08T07:59:59Z" */
static bool read_time(struct span s, int64_t *ms)
{
    struct tm parts = {0};
    char text[32];

    if (s.len >= sizeof(text))
        return false;
    memcpy(text, s.at, s.len);
    text[s.len] = '\0';
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);
    if (end == NULL || strcmp(end, "Z") != 0)
        return false;
    *ms = (int64_t)timegm(&parts) * 1000;
    return *ms > 0;
}

static const char *set_clock(yyjson_val *root)
{
    static const char *const known[] = {"at", "advance_ms", "stopped", NULL};
    yyjson_val *stopped = yyjson_obj_get(root, "stopped");
    int64_t advance;
    int64_t at = 0;

    if (find_unknown(root, known) != NULL)
        return "takes at, advance_ms and stopped";
    if (yyjson_obj_get(root, "at") != NULL && !read_time(text_of(root, "at"), &at))
        return "\"at\" is a time such as 2026-03-08T07:59:59Z";
    if (!read_limit(root, "advance_ms", 0, &advance))
        return "\"advance_ms\" is a whole number from 0 on";
    if (stopped != NULL && !yyjson_is_bool(stopped))
        return "\"stopped\" is true or false";
    if (stopped != NULL)
        quota_clock_stop(yyjson_is_true(stopped));
    if (at != 0)
        quota_clock_set(at);
    if (advance != 0)
        quota_clock_move(advance);
    return NULL;
}

static void with_body(struct call *call, const char *(*set)(yyjson_val *root))
{
    yyjson_doc *doc = yyjson_read(call->req->entity.base, call->req->entity.len, 0);

    answer_done(call, doc == NULL ? "the body is not JSON" : set(yyjson_doc_get_root(doc)));
    yyjson_doc_free(doc);
}

void admin_keys(struct call *call)
{
    with_body(call, set_key);
}

void admin_script(struct call *call)
{
    with_body(call, set_script);
}

void admin_quotas(struct call *call)
{
    struct text body = {0};

    quota_write(&body);
    answer(call, &body);
}

void admin_quota(struct call *call)
{
    with_body(call, set_quota);
}

/* As an upload would make it. */
static const char *make_file(yyjson_val *root)
{
    struct key *key = ledger_key(text_of(root, "key"));
    struct span wanted = text_of(root, "name");
    struct text name = {0}, json = {0};
    char room[LEDGER_KEY_BYTES];

    if (!yyjson_is_str(yyjson_obj_get(root, "key")) || key == NULL)
        return "needs a \"key\"";
    if (!span_starts(wanted, "files/"))
        return "needs a \"name\" that begins with files/";
    text_add(&name, wanted.at, wanted.len);
    methods_write_file(&json, text_span(&name), text_of(root, "displayName"),
                       text_of(root, "mimeType"), 0);
    bool is_kept = objects_put(key_project(key, room), text_span(&name), text_span(&json));
    text_clear(&name);
    text_clear(&json);
    return is_kept ? NULL : "the name is another project's, or too long";
}

void admin_files(struct call *call)
{
    with_body(call, make_file);
}

void admin_clock(struct call *call)
{
    with_body(call, set_clock);
}
