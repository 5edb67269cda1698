/* SPDX-License-Identifier: Apache-2.0 */
/* The admin routes; server.c routes here. What must stay true: a wrong request changes nothing and
 * says what is wrong, since a test that is set up wrong must fail at once. */
#include "admin.h"

#include <stdlib.h>

#include "journal.h"
#include "ledger.h"
#include "reply.h"

#define USAGE_BYTES 4096
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
    journal_forget();
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

static const char *set_mode(yyjson_val *root)
{
    struct key *key = ledger_key(text_of(root, "key"));
    int64_t times = times_of(root);
    struct mode_use mode;

    if (!yyjson_is_str(yyjson_obj_get(root, "key")) || key == NULL)
        return "needs a \"key\"";
    if (!mode_read(text_of(root, "mode"), &mode))
        return "there is no such \"mode\"";
    if (times == 0)
        return "\"times\" is a positive number";
    key_set_mode(key, mode, times);
    return NULL;
}

static const char *set_script(yyjson_val *root)
{
    static char usage[USAGE_BYTES];
    static const char *const others[] = {"model", "key", "times", NULL};
    struct script script;
    int64_t times = times_of(root);
    const char *wrong = script_read(&script, root, others, usage, sizeof(usage));

    if (wrong != NULL)
        return wrong;
    if (times == 0)
        return "\"times\" is a positive number";
    if (!ledger_set_script(&script, text_of(root, "model"), text_of(root, "key"), times))
        return "the script is too large, or there are too many";
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
    with_body(call, set_mode);
}

void admin_script(struct call *call)
{
    with_body(call, set_script);
}
