/* SPDX-License-Identifier: Apache-2.0 */
/* Plans what an answer says; generate.c calls it. What must stay true: the limits of the request
 * hold for what is said, and the same request gets the same text. */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "generate.h"
#include "media.h"
#include "output.h"
#include "reason.h"
#include "signature.h"
#include "tool.h"

#define ECHO_BYTES 200
#define DEFAULT_CHUNKS 3
#define PICTURE_TOKENS 1290
#define TONE_MS 200
#define TONE_MOST_MS 600000
#define TONE_TOKENS 25 /* of a second or less */

static int64_t first_set(int64_t a, int64_t b)
{
    return a != UNSET ? a : b;
}

/* -- Text -- */

/* The last user text without the script's line. */
static struct span echo_of(const struct prompt *prompt)
{
    struct span text = prompt->last_text;
    const char *end = text.at + text.len;

    if (prompt->script.len == 0 || prompt->script.at < text.at || prompt->script.at > end)
        return text;
    struct span before = {text.at, (size_t)(prompt->script.at - text.at) - strlen("#sim ")};
    struct span after = {prompt->script.at + prompt->script.len, 0};
    after.len = (size_t)(end - after.at);
    while (before.len != 0 && before.at[before.len - 1] == '\n')
        before.len--;
    while (after.len != 0 && after.at[0] == '\n')
        after = span_from(after, 1);
    return before.len != 0 ? before : after;
}

/* Cut at a character. */
static struct span cut_text(struct span s, size_t len)
{
    if (s.len <= len)
        return s;
    while (len > 0 && ((unsigned char)s.at[len] & 0xc0) == 0x80)
        len--;
    return span_first(s, len);
}

/* What the functions brought, when they did; else what the user said. */
static void put_echo(struct text *out, const struct prompt *prompt, int index)
{
    struct span said = cut_text(echo_of(prompt), ECHO_BYTES);
    yyjson_val *response = schema_get(prompt->response, "response");
    char *json = response != NULL ? yyjson_val_write(response, 0, NULL) : NULL;

    if (index != 0)
        text_format(out, "(%d) ", index + 1);
    if (json != NULL) {
        text_put(out, "The function said: ");
        said = cut_text(span_of(json), ECHO_BYTES);
    } else {
        text_put(out, "You said: ");
    }
    text_add(out, said.at, said.len);
    free(json);
}

static void put_enum(struct text *out, const struct prompt *prompt)
{
    struct schema_list values = schema_list(schema_get(prompt->schema, "enum"));
    struct span first = schema_span(schema_next(&values));

    text_add(out, first.at, first.len);
}

static void put_json(struct text *out, const struct prompt *prompt)
{
    struct text said = {0};
    struct json j = {.out = out};

    if (prompt->schema != NULL) {
        tool_put_example(out, prompt->schema);
        return;
    }
    put_echo(&said, prompt, 0);
    json_open(&j, '{');
    json_name_text(&j, "answer", text_span(&said));
    json_close(&j, '}');
    text_clear(&said);
}

static struct span make_text(struct generation *g, int index)
{
    const struct prompt *prompt = &g->prompt;
    struct text text = {0};

    if (prompt->wants_json)
        put_json(&text, prompt);
    else if (prompt->wants_enum && prompt->schema != NULL)
        put_enum(&text, prompt);
    else
        put_echo(&text, prompt, index);
    struct span kept = work_copy(&g->work, text_span(&text));
    text_clear(&text);
    return kept;
}

static void apply_stops(const struct prompt *prompt, struct span *text)
{
    for (int i = 0; i < prompt->stop_count; i++) {
        const char *found = memmem(text->at, text->len, prompt->stops[i].at, prompt->stops[i].len);
        if (found != NULL)
            text->len = (size_t)(found - text->at);
    }
}

/* Thoughts are part of what the limit counts. */
static void apply_limit(const struct prompt *prompt, const struct answer *a, struct candidate *c)
{
    int64_t bytes = (prompt->max_output - a->hidden_tokens) * 4;

    if (prompt->max_output < 0 || (int64_t)c->text.len <= bytes)
        return;
    c->text = cut_text(c->text, bytes > 0 ? (size_t)bytes : 0);
    c->finish = span_of("MAX_TOKENS");
}

/* -- Made-up text -- */

static bool wants_filler(const struct script *s)
{
    return s->text.at == NULL &&
           (s->chunks != UNSET || s->chunk_bytes != UNSET || s->event_bytes != UNSET ||
            s->reply_bytes != UNSET || s->is_numbered);
}

static void plan_filler(struct answer *a, const struct script *s)
{
    bool is_sized = s->chunk_bytes != UNSET || s->event_bytes != UNSET || s->reply_bytes != UNSET;

    a->is_filler = true;
    a->is_numbered = s->is_numbered || !is_sized;
    a->chunks = first_set(s->chunks,
                          s->event_bytes != UNSET || s->reply_bytes != UNSET ? 1 : DEFAULT_CHUNKS);
    a->text_bytes = first_set(s->event_bytes, first_set(s->chunk_bytes, 0));
    if (s->reply_bytes != UNSET && a->chunks > 0)
        a->text_bytes = s->reply_bytes / a->chunks;
}

/* -- Pictures and sound -- */

static uint64_t seed_of(struct span s)
{
    uint64_t hash = 14695981039346656037u;

    for (size_t i = 0; i < s.len; i++)
        hash = (hash ^ (unsigned char)s.at[i]) * 1099511628211u;
    return hash;
}

static void plan_media(struct generation *g, const struct script *s)
{
    struct answer *a = &g->work.plan.answer;
    uint64_t seed = seed_of(echo_of(&g->prompt));
    struct text media = {0};
    int width = 64;
    int height = 64;

    if (g->work.model->kind == MODEL_SPEECH) {
        int64_t ms = first_set(s->sound_ms, TONE_MS);
        ms = ms > TONE_MOST_MS ? TONE_MOST_MS : ms;
        media_put_tone(&media, (int)ms, seed);
        a->media_pieces = (ms + 999) / 1000;
        a->media_type = "audio/L16;codec=pcm;rate=24000";
        a->media_tokens = TONE_TOKENS * a->media_pieces;
        a->chunks = 0;
    } else if (g->prompt.wants_image) {
        output_size(g->prompt.ratio, &width, &height);
        media_put_png(&media, width, height, seed);
        a->media_type = "image/png";
        a->media_tokens = PICTURE_TOKENS;
        a->media_pieces = 1;
    }
    if (media.len != 0)
        a->media = work_copy(&g->work, text_span(&media));
    text_clear(&media);
}

/* -- All together -- */

static void plan_candidates(struct generation *g, const struct script *s)
{
    struct answer *a = &g->work.plan.answer;
    struct candidate *candidates =
        h2o_mem_alloc_pool(&g->work.call->req->pool, (size_t)a->count * sizeof(*candidates));

    for (int i = 0; i < a->count; i++) {
        struct candidate *c = &candidates[i];
        *c = (struct candidate){{"", 0}, span_of("STOP")};
        if (a->chunks != 0 && !a->is_filler) {
            c->text = s->text.at != NULL ? work_copy(&g->work, s->text) : make_text(g, i);
            apply_stops(&g->prompt, &c->text);
        }
        if (!a->is_filler)
            apply_limit(&g->prompt, a, c);
        if (s->finish.len != 0)
            c->finish = work_copy(&g->work, s->finish);
    }
    a->candidates = candidates;
}

/* A limit that the thoughts have used up leaves nothing to say. */
static bool is_used_up(const struct generation *g)
{
    const struct answer *a = &g->work.plan.answer;

    return g->prompt.max_output >= 0 && a->hidden_tokens >= g->prompt.max_output &&
           a->hidden_tokens > 0;
}

static void set_reason(struct answer *a, const struct reason *reason)
{
    struct candidate *candidates = (struct candidate *)a->candidates;

    for (int i = 0; i < a->count; i++)
        candidates[i].finish = span_of(reason->name);
    if (!reason->has_content)
        a->is_empty = true;
    a->finish_message = span_of(reason->message);
}

/* By the script, by the key, or because a call was asked for that can't be. */
static void plan_finish(struct generation *g, const struct script *s, bool lacks_functions)
{
    struct answer *a = &g->work.plan.answer;
    const struct mode *mode = mode_facts(g->work.mode);

    if (s->finish.len != 0) {
        int found = reason_find(REASON_FINISH, s->finish);
        const struct reason *reason = reason_at(REASON_FINISH, found);
        if (reason != NULL && span_is(s->finish, reason->name))
            a->finish_message = span_of(reason->message);
    } else if (mode->act == ACT_FINISH) {
        set_reason(a, reason_at(REASON_FINISH, g->work.mode.number));
    } else if (lacks_functions) {
        set_reason(a, reason_at(REASON_FINISH,
                                reason_find(REASON_FINISH, span_of("UNEXPECTED_TOOL_CALL"))));
    }
    if (s->finish_message.at != NULL)
        a->finish_message = work_copy(&g->work, s->finish_message);
}

/* Newer models sign the end of a text, 2.5 with functions its beginning. */
static void plan_signature(struct generation *g, const struct script *s)
{
    struct answer *a = &g->work.plan.answer;
    bool is_newer = model_can(g->work.model, CAN_SIGN);
    bool is_older =
        g->work.model->thinking == THINKS_BUDGET && tool_function(&g->prompt, 0) != NULL;

    if ((!is_newer && !is_older) || a->is_empty || a->call_count != 0 || a->chunks == 0)
        return;
    a->signature = calls_sign(g, SIGNATURE_SUBJECT_TEXT, s);
    a->is_signed_first = !is_newer;
    a->is_signed_apart = is_newer && s->is_signed_apart;
}

/* What an answer without content has. */
static void empty(struct answer *a)
{
    a->chunks = 1;
    a->thoughts = 0;
    a->call_count = 0;
    a->media.len = 0;
    a->signature.len = 0;
    a->is_signed_apart = false;
}

static void make_id(char id[24])
{
    static uint64_t counter;

    if (counter == 0)
        counter = (uint64_t)getpid() << 40;
    snprintf(id, 24, "sim%016llx", (unsigned long long)++counter);
}

static void plan_tokens(struct generation *g, const struct script *s)
{
    struct answer *a = &g->work.plan.answer;

    a->prompt_tokens = prompt_tokens(&g->prompt);
    memcpy(a->input, g->prompt.media, sizeof(a->input));
    a->input[MODALITY_TEXT] = answer_tokens((int64_t)g->prompt.text_bytes);
    a->cached_tokens = first_set(s->cached, 0);
    if (a->cached_tokens > a->prompt_tokens)
        a->cached_tokens = a->prompt_tokens;
    a->tool_tokens = first_set(s->tool_use, 0);
    a->hidden_tokens = first_set(s->thought_tokens, 0);
}

/* What of the script is passed on as it is. */
static void plan_settings(struct generation *g, const struct script *s)
{
    struct work *w = &g->work;
    struct answer *a = &w->plan.answer;
    const struct mode *mode = mode_facts(w->mode);

    a->model = w->model;
    a->has_finish = true;
    a->count = g->prompt.candidates;
    a->has_logprobs = g->prompt.wants_logprobs;
    a->logprobs = g->prompt.logprobs;
    a->is_rated = s->is_rated;
    if (s->is_array && w->plan.is_stream)
        a->framing = FRAMING_ARRAY;
    a->is_error_data = s->is_error_data;
    a->is_empty = s->is_empty || mode->act == ACT_EMPTY;
    a->usage_when = s->usage_when;
    a->usage = work_copy(w, s->usage);
    a->parts = work_copy(w, s->parts);
    a->extra = work_copy(w, s->candidate);
    a->line_end = work_copy(w, s->line_end);
    a->blocked = mode->act == ACT_BLOCK && s->blocked.len == 0
                     ? span_of(reason_at(REASON_BLOCK, w->mode.number)->name)
                     : work_copy(w, s->blocked);
    a->tier = g->prompt.tier.len != 0 ? work_copy(w, g->prompt.tier) : span_of("standard");
    make_id(a->id);
}

void content_plan(struct generation *g, const struct script *s)
{
    struct answer *a = &g->work.plan.answer;

    plan_settings(g, s);
    plan_tokens(g, s);
    bool calls = calls_plan(g, s);
    bool lacks_functions = s->calls_count > 0 && !calls && g->prompt.call_mode != CALL_NONE;
    if (wants_filler(s))
        plan_filler(a, s);
    else
        a->chunks = calls && s->text.at == NULL ? 0 : first_set(s->chunks, DEFAULT_CHUNKS);
    if (!calls && s->text.at == NULL && !a->is_filler)
        plan_media(g, s);
    if (a->chunks < 1 && !calls && a->media.len == 0)
        a->chunks = 1;
    plan_candidates(g, s);
    a->thoughts = first_set(s->thoughts, g->prompt.includes_thoughts && !a->is_filler ? 1 : 0);
    plan_finish(g, s, lacks_functions);
    if (is_used_up(g))
        a->is_empty = true;
    plan_signature(g, s);
    if (a->is_empty || a->blocked.len != 0)
        empty(a);
}
