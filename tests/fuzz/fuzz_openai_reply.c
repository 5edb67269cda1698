/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a provider may send, translated for clients of OpenAI. The first byte says what the
 * client wants and what the rest is: events (one a line), a whole answer, a list of models. What
 * leaves is always JSON, in a stream in whole events, each choice with its role first and one
 * finish_reason last; sources lie within the content; and [DONE] ends only what is whole. */
/* needs: frontend */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "openai/chat/chat.h"
#include "openai/endpoints.h"
#include "openai/shape.h"
#include "parts/catalog.h"
#include "base/json.h"
#include "settings/options.h"
#include "base/sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the operator wants; of both kinds of replies. */
static struct reply_style style;
static struct reply_pace pace;

/* What a client has seen of a stream. */
struct seen {
    bool has_role[REPLY_CHOICES], has_finish[REPLY_CHOICES];
    bool is_done, has_error, has_usage;
    uint64_t characters[REPLY_CHOICES];
};

/* What has come of a choice's content, and the sources that point into it. */
static void check_sources(yyjson_val *said, uint64_t *characters)
{
    struct view content = json_view(json_member(said, VIEW("content")));
    size_t i, max;
    yyjson_val *source;

    for (size_t k = 0; k < content.len; k++)
        *characters += ((unsigned char)content.at[k] & 0xc0) != 0x80;
    yyjson_arr_foreach(json_member(said, VIEW("annotations")), i, max, source)
    {
        yyjson_val *cited = json_member(source, VIEW("url_citation"));
        uint64_t start = yyjson_get_uint(json_member(cited, VIEW("start_index")));
        uint64_t end = yyjson_get_uint(json_member(cited, VIEW("end_index")));

        assert(start <= end && end <= *characters);
        assert(json_view(json_member(cited, VIEW("url"))).len);
    }
}

static void check_choice(struct seen *seen, yyjson_val *choice)
{
    uint64_t index = yyjson_get_uint(json_member(choice, VIEW("index")));
    yyjson_val *delta = json_member(choice, VIEW("delta"));

    assert(index < REPLY_CHOICES && yyjson_is_obj(delta));
    assert(!seen->has_finish[index]);
    assert(seen->has_role[index] == !json_member(delta, VIEW("role")));
    seen->has_role[index] = true;
    check_sources(delta, &seen->characters[index]);
    seen->has_finish[index] = json_member(choice, VIEW("finish_reason"));
}

static void check_event(struct seen *seen, struct view event)
{
    yyjson_doc *doc;
    yyjson_val *root, *choices, *choice;
    size_t i, max;

    assert(!seen->is_done && !seen->has_error);
    if (view_equal(event, VIEW("[DONE]"))) {
        seen->is_done = true;
        return;
    }
    doc = yyjson_read(event.at, event.len, 0);
    root = yyjson_doc_get_root(doc);
    seen->has_error = json_member(root, VIEW("error"));
    choices = json_member(root, VIEW("choices"));
    assert(seen->has_error || yyjson_is_arr(choices));
    assert(seen->has_error || yyjson_get_len(json_member(root, VIEW("id"))) > 9);
    yyjson_arr_foreach(choices, i, max, choice)
    {
        check_choice(seen, choice);
    }
    if (!seen->has_error && yyjson_arr_size(choices) == 0) {
        assert(!seen->has_usage && json_member(root, VIEW("usage")));
        seen->has_usage = true;
    }
    yyjson_doc_free(doc);
}

static void check_stream(struct view out, const struct ask *ask, bool is_whole)
{
    struct sse sse = {0};
    struct seen seen = {0};
    struct view event;
    bool is_broken;

    while (sse_feed(&sse, &out, &event, &is_broken))
        check_event(&seen, event);
    assert(sse_is_between(&sse) && !sse.stray.len);
    assert(seen.is_done == is_whole && seen.has_error == !is_whole);
    assert(seen.has_usage == (is_whole && ask->include_usage));
    for (size_t i = 0; is_whole && i < REPLY_CHOICES; i++)
        assert(seen.has_role[i] == seen.has_finish[i]);
    sse_clear(&sse);
}

static void stream(struct ask *ask, struct view events)
{
    struct reply reply = {.ask = ask, .id = 7, .style = style, .pace = pace};
    struct bytes out = {0}, why = {0};
    bool is_good = true;

    while (events.len && is_good) {
        const char *newline = memchr(events.at, '\n', events.len);
        size_t len = newline ? (size_t)(newline - events.at) : events.len;
        size_t before = out.len;

        is_good = chat_event(&reply, (struct view){events.at, len}, &out);
        assert(is_good || out.len == before);
        events = view_skip(events, len + (newline ? 1 : 0));
    }
    if (is_good) {
        is_good = chat_end(&reply, &out, &why);
    }
    if (!is_good) {
        struct complaint complaint = {.error = ERROR_UPSTREAM,
                                      .text = why.len ? bytes_cstr(&why) : NULL};
        shape_openai.write_event(&complaint, &out);
    }
    check_stream(bytes_view(&out), ask, is_good);
    bytes_clear(&why);
    reply_clear(&reply);
    bytes_clear(&out);
}

static void check_messages(yyjson_val *root)
{
    size_t i, max;
    yyjson_val *choice;

    yyjson_arr_foreach(json_member(root, VIEW("choices")), i, max, choice)
    {
        uint64_t characters = 0;
        check_sources(json_member(choice, VIEW("message")), &characters);
    }
}

static void check_object(struct bytes *out, bool has_choices)
{
    yyjson_doc *doc = yyjson_read(out->at, out->len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc);

    assert(yyjson_is_obj(root));
    assert(!has_choices || (yyjson_arr_size(json_member(root, VIEW("choices"))) > 0 &&
                            json_member(root, VIEW("usage"))));
    check_messages(root);
    yyjson_doc_free(doc);
}

static void whole(struct ask *ask, struct view json)
{
    struct reply reply = {.ask = ask, .style = style};
    struct bytes out = {0};

    if (chat_whole(&reply, json, &out))
        check_object(&out, true);
    else
        assert(out.len == 0);
    reply_clear(&reply);
    bytes_clear(&out);
}

static void models(struct view json)
{
    void *state = memory_new(endpoint_models.state_size);
    struct catalog catalog = {.read_ms = 1};
    struct request request = {.pool = "gemini", .catalog = &catalog};
    struct plan plan = {.limit = 2};
    struct bytes out = {0}, token = {0};

    if (catalog_read_page(&catalog.names, json, &token)) {
        assert(endpoint_models.begin(state, &request, &plan) == ERROR_NONE && !plan.count);
        endpoint_models.end(state, &out);
        check_object(&out, false);
    }
    endpoint_models.clear(state);
    free(state);
    catalog_clear(&catalog);
    plan_clear(&plan);
    bytes_clear(&out);
    bytes_clear(&token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view rest = {(const char *)data + 1, size - 1};
    struct ask ask = {0};

    if (!size)
        return 0;
    ask.thoughts = data[0] & 1;
    ask.include_usage = data[0] & 2;
    ask.logprobs = data[0] & 4;
    ask.tools.is_legacy = data[0] & 32;
    ask.is_search = data[0] & 64;
    ask.is_json_told = ask.wants_pcm = data[0] & 128;
    style = (struct reply_style){.think_tags = ask.is_search,
                                 .image_links = ask.is_search,
                                 .search_links = true,
                                 .signature_ids = ask.is_json_told};
    pace =
        (struct reply_pace){.is_on = ask.is_search, .short_most = 2, .long_least = 9, .piece = 3};
    tool_names_note(&ask.tools, VIEW("text"), true);
    bytes_text(&ask.client_model, "m\"\\");
    switch (data[0] >> 3 & 3) {
    case 0:
        whole(&ask, rest);
        break;
    case 1:
        models(rest);
        break;
    default:
        stream(&ask, rest);
    }
    ask_clear(&ask);
    return 0;
}
