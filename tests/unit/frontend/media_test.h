/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the endpoints of images and audio share: an endpoint without a socket. */
#pragma once

#include <stdlib.h>

#include "cases.h"
#include "endpoint/endpoint.h"
#include "openai/endpoints.h"

struct run {
    const struct endpoint *endpoint;
    void *state;
    struct plan plan;
    struct bytes out;
};

/* The only header that there is. */
static inline struct view run_header(const void *headers, const char *name)
{
    return headers && strcmp(name, "content-type") == 0 ? view_of(headers) : VIEW("");
}

static inline enum error run_begin_as(struct run *run, const struct endpoint *endpoint,
                                      const char *type, struct view body)
{
    struct request request = {.pool = "gemini",
                              .client = 7,
                              .utc_ms = 1700000000000,
                              .header = run_header,
                              .headers = type,
                              .body = body};

    *run = (struct run){
        .endpoint = endpoint, .state = memory_new(endpoint->state_size + 1), .plan = {.limit = 12}};
    return endpoint->begin(run->state, &request, &run->plan);
}

/* Begins with the request, whose body is JSON with ' for ". */
static inline enum error run_begin(struct run *run, const struct endpoint *endpoint,
                                   const char *body)
{
    struct bytes json = json_of(body);
    enum error error = run_begin_as(run, endpoint, NULL, bytes_view(&json));

    bytes_clear(&json);
    return error;
}

/* A form's parts and its end, for run_begin_form. */
#define FORM_TEXT(name, text)                                                                      \
    "--xyz\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" text "\r\n"
#define FORM_FILE(name, file, data)                                                                \
    "--xyz\r\nContent-Disposition: form-data; name=\"" name "\"; filename=\"" file                 \
    "\"\r\n\r\n" data "\r\n"

static inline enum error run_begin_form(struct run *run, const struct endpoint *endpoint,
                                        const char *parts)
{
    struct bytes body = {0};
    enum error error;

    bytes_text(&body, parts);
    bytes_text(&body, "--xyz--\r\n");
    error = run_begin_as(run, endpoint, "multipart/form-data; boundary=xyz", bytes_view(&body));
    bytes_clear(&body);
    return error;
}

/* Gives the answer of a call. */
static inline enum error run_answer(struct run *run, size_t call, const char *answer)
{
    struct bytes json = json_of(answer);
    struct call_answer whole = {.body = bytes_view(&json)};
    enum error error = run->endpoint->answer(run->state, &run->plan, call, &whole, &run->out);

    bytes_clear(&json);
    return error;
}

static inline enum error run_event(struct run *run, size_t call, const char *event)
{
    struct bytes json = json_of(event);
    enum error error =
        run->endpoint->event(run->state, &run->plan, call, bytes_view(&json), &run->out);

    bytes_clear(&json);
    return error;
}

/* Does all the work that there is; returns how many pieces it was. */
static inline size_t run_work(struct run *run)
{
    size_t pieces = 0;

    for (; run->plan.has_work; pieces++)
        assert_int_equal(run->endpoint->work(run->state, &run->plan, &run->out), ERROR_NONE);
    return pieces;
}

static inline void run_clear(struct run *run)
{
    if (run->endpoint->clear)
        run->endpoint->clear(run->state);
    free(run->state);
    plan_clear(&run->plan);
    bytes_clear(&run->out);
}

static inline void run_expect(struct run *run, const char *what, const char *want)
{
    struct bytes json = json_of(want);

    expect_text(what, bytes_cstr(&run->out), json.at);
    bytes_clear(&json);
}

/* What the provider is asked in a call: its path and its body with a space between. */
static inline void run_asked(const struct run *run, const char *what, size_t call, const char *want)
{
    struct bytes got = {0}, json = json_of(want);

    assert_true(call < run->plan.count);
    bytes_append(&got, bytes_view(&run->plan.steps[call]->path));
    bytes_text(&got, " ");
    bytes_append(&got, body_view(run->plan.steps[call]->order.body));
    expect_text(what, bytes_cstr(&got), json.at);
    bytes_clear(&got);
    bytes_clear(&json);
}

struct refused {
    const char *what, *in;
    enum error error;
    const char *param; /* NULL: null */
};

static inline void run_refuses(const struct endpoint *endpoint, const struct refused *cases,
                               size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct run run;
        enum error error = strncmp(cases[i].in, "--xyz", 5) == 0
                               ? run_begin_form(&run, endpoint, cases[i].in)
                               : run_begin(&run, endpoint, cases[i].in);

        if (error != cases[i].error)
            fail_msg("%s: %s, wanted %s (%s)", cases[i].what, error_facts(error)->name,
                     error_facts(cases[i].error)->name, bytes_cstr(&run.plan.why));
        expect_text(cases[i].what, run.plan.param ? run.plan.param : "null",
                    cases[i].param ? cases[i].param : "null");
        assert_true(run.plan.why.len > 0);
        run_clear(&run);
    }
}
