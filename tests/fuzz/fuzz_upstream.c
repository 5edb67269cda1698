/* SPDX-License-Identifier: Apache-2.0 */
/* Every translator against the provider's rules: a line with the route, and for a form with its
 * Content-Type, then the body, and behind a line of --- what the provider answers. What is asked of
 * the provider passes the simulator's checks, but where the client has said in so many words what
 * the provider will not have; or the client is refused, with the reason. Whatever is answered becomes
 * JSON, events or an error. */
/* needs: frontend */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "openai/endpoints.h"
#include "settings/options.h"
#include "../unit/settings_mine.h"
#include "judge/judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WORK_MOST = 100000 /* turns of the loop */ };

static const struct {
    const char *name;
    const struct endpoint *endpoint;
} routes[] = {
    {"chat", &endpoint_chat},
    {"completions", &endpoint_completions},
    {"embeddings", &endpoint_embeddings},
    {"images", &endpoint_images},
    {"edits", &endpoint_image_edits},
    {"speech", &endpoint_speech},
    {"transcriptions", &endpoint_transcription},
    {"translations", &endpoint_translation},
};

/* What the client's own words may bring about, which are for the provider to judge: a value of a
 * parameter, what data or a schema says, a name or a signature of things that are not there. */
static const char *const judged[] = {
    "must be in the range", "out of supported range", "is not enabled for",    "safety_settings",
    "hought signature",     "Unsupported file uri",   "Unsupported MIME type", "task_type",
};

static struct view next_line(struct view *text)
{
    const char *newline = text->len ? memchr(text->at, '\n', text->len) : NULL;
    struct view line = {text->at, newline ? (size_t)(newline - text->at) : text->len};

    *text = view_skip(*text, newline ? line.len + 1 : line.len);
    return line;
}

/* What stands before the line of ---; `*text` is what stands behind it. */
static struct view until_mark(struct view *text)
{
    const char *mark = text->len ? memmem(text->at, text->len, "\n---\n", 5) : NULL;
    struct view before = {text->at, mark ? (size_t)(mark - text->at) : text->len};

    *text = view_skip(*text, mark ? before.len + 5 : before.len);
    return before;
}

static struct view header(const void *headers, const char *name)
{
    return strcmp(name, "content-type") == 0 ? *(const struct view *)headers : VIEW("");
}

/* ---- what is asked ---- */

/* In Google's own words a client may say anything. */
static bool speaks_google(struct view body)
{
    return memmem(body.at, body.len, "google", 6) || memmem(body.at, body.len, "\\u", 2);
}

static void check_asked(const struct step *step)
{
    struct view path = step->order.path, body = body_view(step->order.body);
    char message[4096];
    bool is_judged;

    judge(path.at, path.len, body.at, body.len, message, sizeof(message));
    is_judged = !message[0];
    for (size_t i = 0; i < sizeof(judged) / sizeof(judged[0]) && !is_judged; i++)
        is_judged = strstr(message, judged[i]) != NULL;
    if (!is_judged)
        fprintf(stderr, "%s%.*s\n%.*s\n", message, (int)path.len, path.at, (int)body.len, body.at);
    assert(is_judged);
}

/* ---- what is answered ---- */

static void work(const struct endpoint *endpoint, void *state, struct plan *plan, struct bytes *out,
                 enum error *error)
{
    for (int i = 0; plan->has_work && *error == ERROR_NONE; i++) {
        assert(i < WORK_MOST);
        *error = endpoint->work(state, plan, out);
    }
}

static enum error take(const struct endpoint *endpoint, void *state, struct plan *plan, size_t call,
                       struct view said, struct bytes *out)
{
    struct call_answer answer = {.body = said};
    enum error error = ERROR_NONE;

    if (plan->steps[call]->pass == STEP_EVENTS) {
        while (said.len && error == ERROR_NONE) {
            error = endpoint->event(state, plan, call, next_line(&said), out);
            work(endpoint, state, plan, out, &error);
        }
        answer.body = (struct view){0};
    }
    if (error == ERROR_NONE)
        error = endpoint->answer(state, plan, call, &answer, out);
    work(endpoint, state, plan, out, &error);
    return error;
}

static void check_reply(const struct plan *plan, struct view reply)
{
    yyjson_doc *doc;

    if (plan->is_sse) {
        assert(!reply.len || (reply.len > 2 && reply.at[reply.len - 1] == '\n' &&
                              reply.at[reply.len - 2] == '\n'));
        return;
    }
    if (plan->type)
        return;
    doc = yyjson_read(reply.at, reply.len, 0);
    assert(yyjson_is_obj(yyjson_doc_get_root(doc)));
    yyjson_doc_free(doc);
}

static void run(const struct endpoint *endpoint, void *state, struct plan *plan, bool is_googles,
                struct view said)
{
    struct bytes out = {0};
    enum error error = ERROR_NONE;

    for (size_t i = 0; i < plan->count && !is_googles; i++)
        check_asked(plan->steps[i]);
    for (size_t i = 0; i < plan->count && error == ERROR_NONE; i++)
        error = take(endpoint, state, plan, i, said, &out);
    if (error == ERROR_NONE && endpoint->end)
        endpoint->end(state, &out);
    if (error == ERROR_NONE)
        check_reply(plan, bytes_view(&out));
    bytes_clear(&out);
}

static void set_options(void)
{
    struct settings *settings = settings_mine();

    settings->safety_settings = "[]";
    settings->media_urls = "passthrough";
    settings->create_image_model = "gemini-2.5-flash-image";
    settings->tts_model = "gemini-2.5-flash-preview-tts";
    settings->tts_voice_name = "Zephyr";
    settings->tts_speed = "normal";
    settings->transcription_model = "gemini-2.5-flash";
    settings->reply_limit = 1 << 24;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view text = {(const char *)data, size}, route = next_line(&text);
    const char *blank = route.len ? memchr(route.at, ' ', route.len) : NULL;
    struct view type = blank ? view_skip(route, (size_t)(blank - route.at) + 1) : VIEW("");
    struct request request = {
        .pool = "gemini", .header = header, .headers = &type, .body = until_mark(&text)};

    set_options();
    route.len -= blank ? type.len + 1 : 0;
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        const struct endpoint *endpoint = routes[i].endpoint;
        struct plan plan = {.limit = 16};
        void *state;
        enum error error;

        if (!view_equal(route, view_of(routes[i].name)))
            continue;
        state = calloc(1, endpoint->state_size + 1);
        error = endpoint->begin(state, &request, &plan);
        assert(error == ERROR_NONE ? plan.count > 0 : plan.why.len > 0);
        if (error == ERROR_NONE)
            run(endpoint, state, &plan, speaks_google(request.body), text);
        if (endpoint->clear)
            endpoint->clear(state);
        plan_clear(&plan);
        free(state);
    }
    return 0;
}
