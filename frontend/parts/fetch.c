/* SPDX-License-Identifier: Apache-2.0 */
/* Fetching for requests. Called by endpoints while they read a request, and by those that run its
 * plan. What must stay true: nothing is connected to here (the upstream does that, under its
 * guard); a page that says "not found" is no picture; and what an error shows of an address holds no
 * secret. */
#include "parts/fetch.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/random.h>

#include "base/guard.h"
#include "base/json.h"
#include "outside.h"
#include "parts/data_url.h"

/* Reading a request */

static void make_mark(struct fetches *fetches)
{
    unsigned char random[16];

    while (getrandom(random, sizeof(random), 0) != sizeof(random))
        continue;
    for (size_t i = 0; i < sizeof(random); i++)
        snprintf(fetches->mark + 2 * i, 3, "%02x", random[i]);
}

static size_t find(const struct fetches *fetches, struct view url)
{
    size_t i = 0;

    while (i < fetches->count && !view_equal(view_of(fetches->at[i].url), url))
        i++;
    return i;
}

const char *fetches_add(struct fetches *fetches, const struct fetch_wish *wish, struct bytes *out)
{
    struct bytes url = {0};
    const char *fault = guard_url_write(wish->url, &url);
    size_t number = find(fetches, bytes_view(&url));

    if (!fault && number == FETCHES_MOST)
        fault = "the request names too many of them, 16 are taken";
    if (!fault) {
        if (!fetches->count)
            make_mark(fetches);
        if (number == fetches->count)
            fetches->at[fetches->count++] =
                (struct fetch){.url = memory_text(bytes_view(&url)),
                               .param = memory_text(view_of(wish->param)),
                               .type = memory_text(wish->type),
                               .assumed = wish->assumed,
                               .is_file = wish->is_file};
        bytes_printf(out, "\"fetched\":\"%s%02zu\"", fetches->mark, number);
    }
    bytes_clear(&url);
    return fault;
}

/* The plan */

static struct step step_of(const struct fetches *fetches, size_t number, uint64_t client)
{
    struct step step = {.order = {.pool = OUTSIDE_FETCH,
                                  .operation = OUTSIDE_FETCH,
                                  .method = "GET",
                                  .headers = "content-type",
                                  .client = client},
                        .pass = STEP_WHOLE,
                        .place = number};

    bytes_text(&step.path, fetches->at[number].url);
    return step;
}

bool fetches_plan(const struct fetches *fetches, struct plan *plan, uint64_t client)
{
    if (plan->limit - plan->count < fetches->count)
        return false;
    for (size_t i = 0; i < fetches->count; i++) {
        struct step step = step_of(fetches, i, client);

        plan_add(plan, &step);
    }
    return true;
}

bool fetches_has(const struct plan *plan, size_t call)
{
    return strcmp(plan->steps[call]->order.pool, OUTSIDE_FETCH) == 0;
}

/* What went wrong */

static void complain(const struct fetch *fetch, struct plan *plan, struct view reason)
{
    plan->why.len = 0;
    bytes_printf(&plan->why, "Invalid value: '%s': could not fetch ", fetch->param);
    guard_url_show(view_of(fetch->url), &plan->why);
    bytes_text(&plan->why, ": ");
    bytes_append(&plan->why, reason);
    bytes_text(&plan->why, ".");
    plan->param = fetch->param;
}

static void complain_of_body(const struct fetch *fetch, struct plan *plan, struct view body)
{
    yyjson_doc *doc = body.len ? json_read_reply(body) : NULL;
    struct view reason = json_view(
        json_member(json_member(yyjson_doc_get_root(doc), VIEW("error")), VIEW("message")));

    while (reason.len && reason.at[reason.len - 1] == '.')
        reason.len--;
    complain(fetch, plan, reason.len ? reason : VIEW("it failed"));
    yyjson_doc_free(doc);
}

/* Asking for a thing twice does no harm: where a process of ours was lost under way, it is done. */
static bool try_again(const struct fetches *fetches, struct plan *plan, size_t call)
{
    const struct step *old = plan->steps[call];
    struct step step = step_of(fetches, old->place, old->order.client);

    step.tries = old->tries + 1;
    if (old->tries || plan_add(plan, &step) == SIZE_MAX) {
        bytes_clear(&step.path);
        return false;
    }
    return true;
}

bool fetches_failed(const struct fetches *fetches, struct plan *plan, size_t call,
                    const struct call_failure *failure)
{
    const struct fetch *fetch = &fetches->at[plan->steps[call]->place];

    if (failure->error == ERROR_UPSTREAM_LOST)
        return try_again(fetches, plan, call);
    if (failure->error == ERROR_FETCH)
        complain_of_body(fetch, plan, failure->body);
    return false;
}

/* Answers */

/* The value of the one line that was asked for, without its parameters. */
static struct view type_said(struct view lines)
{
    const char *colon = lines.len ? memchr(lines.at, ':', lines.len) : NULL;
    struct view type = {0};

    if (!colon)
        return type;
    type = view_skip(lines, (size_t)(colon - lines.at) + 1);
    for (size_t i = 0; i < type.len; i++)
        if (strchr(";\r\n", type.at[i]))
            type.len = i;
    return view_trim(type);
}

static bool begins(struct view text, const char *word)
{
    return text.len >= strlen(word) && strncasecmp(text.at, word, strlen(word)) == 0;
}

/* Whatever it calls itself. */
static bool is_page(struct view type, struct view body)
{
    struct view text = view_trim(body);

    return begins(type, "text/html") || begins(type, "application/xhtml") ||
           begins(text, "<!doctype html") || begins(text, "<html");
}

static bool is_medium(struct view type)
{
    return begins(type, "image/") || begins(type, "audio/") || begins(type, "video/") ||
           view_equal(type, VIEW("application/pdf"));
}

enum error fetches_take(struct fetches *fetches, struct plan *plan, size_t call,
                        const struct call_answer *answer)
{
    struct fetch *fetch = &fetches->at[plan->steps[call]->place];
    struct view said = *fetch->type ? view_of(fetch->type) : type_said(answer->headers), type = {0};
    const char *fault = NULL;

    if (!fetch->is_file && is_page(type_said(answer->headers), answer->body))
        fault = "a page (HTML) came, and no picture, sound or video";
    if (!fault)
        fault = data_bytes_write(answer->body, said, fetch->assumed, &fetch->members, &type);
    if (!fault && !fetch->is_file && !is_medium(type))
        fault = "what came is no picture, sound, video or PDF";
    if (fault) {
        complain(fetch, plan, view_of(fault));
        return ERROR_FETCH;
    }
    fetches->done++;
    fetches->kept += fetch->members.len;
    plan->kept = fetches->kept;
    return ERROR_NONE;
}

/* Filling in */

static enum error complain_of_size(const struct fetches *fetches, struct plan *plan, uint64_t most)
{
    plan->why.len = 0;
    bytes_printf(&plan->why,
                 "The images and files of the request are too large: this model takes %llu MiB of "
                 "them at most.",
                 (unsigned long long)(most >> 20));
    plan->param = fetches->at[0].param;
    return ERROR_TOO_LARGE;
}

/* Where the next place begins, and how long it is: "fetched":"<mark>NN" */
static const char *next_place(const struct fetches *fetches, struct view rest, size_t *len)
{
    char head[64];
    size_t head_len = (size_t)snprintf(head, sizeof(head), "\"fetched\":\"%s", fetches->mark);
    const char *at = rest.len ? memmem(rest.at, rest.len, head, head_len) : NULL;

    *len = head_len + 3;
    return at;
}

static size_t number_at(const char *place, size_t len)
{
    size_t number = (size_t)(place[len - 3] - '0') * 10 + (size_t)(place[len - 2] - '0');

    assert(number < FETCHES_MOST); /* we wrote it */
    return number;
}

enum error fetches_fill(struct fetches *fetches, struct plan *plan, struct bytes *body,
                        uint64_t inline_len, uint64_t most)
{
    struct view rest = bytes_view(body);
    struct bytes filled = {0};
    const char *place;
    size_t len;

    bytes_room(&filled, body->len + fetches->kept);
    while ((place = next_place(fetches, rest, &len)) && inline_len <= most) {
        const struct fetch *fetch = &fetches->at[number_at(place, len)];

        bytes_append(&filled, (struct view){rest.at, (size_t)(place - rest.at)});
        bytes_append(&filled, bytes_view(&fetch->members));
        rest = view_skip(rest, (size_t)(place - rest.at) + len);
        inline_len += fetch->members.len;
    }
    if (inline_len > most) {
        bytes_clear(&filled);
        return complain_of_size(fetches, plan, most);
    }
    bytes_append(&filled, rest);
    bytes_clear(body);
    *body = filled;
    for (size_t i = 0; i < fetches->count; i++)
        bytes_clear(&fetches->at[i].members);
    fetches->kept = 0;
    plan->kept = 0;
    return ERROR_NONE;
}

void fetches_clear(struct fetches *fetches)
{
    for (size_t i = 0; i < fetches->count; i++) {
        free(fetches->at[i].url);
        free(fetches->at[i].param);
        free(fetches->at[i].type);
        bytes_clear(&fetches->at[i].members);
    }
    *fetches = (struct fetches){0};
}
