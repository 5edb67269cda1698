/* SPDX-License-Identifier: Apache-2.0 */
/* models.list, models.get, and paths that lead nowhere; server.c routes here. What must stay true:
 * every model that is not gone is on exactly one page. */
#include "journal.h"
#include "routes.h"
#include "work.h"

#define PAGE_SIZE 50
#define PAGE_SIZE_MAX 1000

/* False when a sign or a letter is in it. */
static bool read_number(struct span s, size_t *number)
{
    *number = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] < '0' || s.at[i] > '9' || i == 9)
            return false;
        *number = *number * 10 + (size_t)(s.at[i] - '0');
    }
    return s.len != 0;
}

static void read_page(struct work *w, size_t *begin, size_t *size)
{
    struct span token = w->call->query.page_token;
    struct span wanted = w->call->query.page_size;

    *begin = 0;
    *size = PAGE_SIZE;
    if (wanted.len != 0 && !read_number(wanted, size))
        work_refuse_with(w, REFUSAL_WRONG_ARGUMENT,
                         span_of("Invalid value at 'page_size' (TYPE_INT32)"));
    else if (token.len != 0 &&
             (!span_starts(token, "page-") || !read_number(span_from(token, 5), begin)))
        work_refuse_with(w, REFUSAL_WRONG_ARGUMENT, span_of("page_token is invalid."));
    *size = *size == 0 ? PAGE_SIZE : *size > PAGE_SIZE_MAX ? PAGE_SIZE_MAX : *size;
}

void models_list(struct call *call)
{
    struct work w = {0};
    struct text body = {0};
    size_t begin = 0;
    size_t size = 0;

    if (!work_begin(&w, call, OPERATION_MODELS))
        return;
    if (!w.plan.is_refused)
        read_page(&w, &begin, &size);
    if (!w.plan.is_refused)
        model_write_list(&body, begin, size, !call->query.is_flat);
    work_answer(&w, &body);
}

void models_get(struct call *call)
{
    struct work w = {0};
    struct text body = {0};

    if (!work_begin(&w, call, OPERATION_MODELS))
        return;
    if (!w.plan.is_refused && (w.model == NULL || model_can(w.model, IS_GONE))) {
        w.plan.facts.model = w.model_name;
        w.plan.facts.method = span_of("generateContent");
        work_refuse(&w, REFUSAL_NO_MODEL);
    }
    if (!w.plan.is_refused)
        model_write(&body, w.model, !call->query.is_flat);
    work_answer(&w, &body);
}

void models_lost(struct call *call)
{
    struct text body = {0};
    h2o_req_t *req = call->req;
    ssize_t key = h2o_find_header_by_str(&req->headers, H2O_STRLIT("x-goog-api-key"), -1);
    h2o_iovec_t value = key >= 0 ? req->headers.entries[key].value : (h2o_iovec_t){"", 0};

    journal_add(req, (struct span){value.base, value.len});
    refusal_write(&body, REFUSAL_NO_ROUTE, &(struct refusal_facts){0}, true);
    reply_now(call->req, 404, text_span(&body), true);
    text_clear(&body);
}
