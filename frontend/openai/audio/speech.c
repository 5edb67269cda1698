/* SPDX-License-Identifier: Apache-2.0 */
/* audio/speech: the provider's samples, encoded as the client wants them. What must stay true: what
 * is decoded and encoded in one turn of the loop is a piece of 200 ms, however much has come. */
#include <openssl/evp.h>
#include <stdlib.h>

#include "models/model.h"
#include "openai/audio/sound.h"
#include "openai/audio/voice.h"
#include "openai/endpoints.h"
#include "openai/inputs.h"
#include "settings/options.h"

enum {
    INPUT_MOST = 4096,   /* characters */
    PIECE_CHARS = 12800, /* of base64 in a turn: 9600 bytes, 200 ms */
    RATE = 24000,        /* samples a second, unless the provider says otherwise */
};

struct state {
    struct bytes model, prompt;
    struct view voice; /* static, or of the settings */
    enum sound_format format;
    bool is_stream; /* the provider is asked for events */
    bool is_sse;    /* and the client for some of its own */

    struct sound *sound; /* NULL: no sample has come yet */
    unsigned rate;
    struct bytes base64; /* samples that wait to be encoded, from `done` on */
    size_t done;
    struct bytes odd; /* a byte that is half a sample */
    bool has_all;     /* no more samples will come */
    struct bytes why; /* what the provider says instead */
    bool is_blocked;
    uint64_t prompt_tokens, answer_tokens, total_tokens;
};

/* ---- the request ---- */

/* OpenAI's own models, and none, stand for the one of the settings. */
static bool read_model(struct state *state, struct inputs *inputs)
{
    struct view asked = {0}, name;
    int shown;

    if (!inputs_asked(inputs, &asked))
        return false;
    if (!asked.len || view_starts(asked, VIEW("tts-")) || view_starts(asked, VIEW("gpt-")))
        asked = view_of(settings_now()->tts_model);
    shown = asked.len < 128 ? (int)asked.len : 128;
    if (!inputs_model(inputs, asked, &name))
        return false;
    if (!memmem(name.at, name.len, "tts", 3))
        return inputs_refuse(inputs, ERROR_NO_MODEL, "model", "The model '%.*s' does not speak.",
                             shown, asked.at);
    bytes_copy(&state->model, name);
    return true;
}

/* Newer clients may name a voice in an object. */
static bool read_voice(struct state *state, struct inputs *inputs)
{
    yyjson_val *voice = json_member(inputs->root, VIEW("voice"));
    struct view name = json_view(json_member(voice, VIEW("id")));

    if (!yyjson_is_obj(voice) && !inputs_text(inputs, "voice", &name))
        return false;
    state->voice = voice_find(view_trim(name));
    return true;
}

static void write_speed(double speed, struct bytes *out)
{
    const char *usual = settings_now()->tts_speed;

    if (speed != 1)
        bytes_printf(out, "at %g times the normal speed", speed);
    else if (strcmp(usual, "normal") != 0)
        bytes_text(out, strcmp(usual, "slow") == 0 ? "slowly" : "fast");
}

/* How it is to be said stands before what is to be said. */
static void write_prompt(struct state *state, struct view instructions, double speed,
                         struct view input)
{
    struct bytes manner = {0};

    write_speed(speed, &manner);
    instructions = view_trim(instructions);
    bytes_append(&state->prompt, instructions);
    if (manner.len) {
        bytes_text(&state->prompt, instructions.len ? " (speak " : "Speak ");
        bytes_append(&state->prompt, bytes_view(&manner));
        bytes_text(&state->prompt, instructions.len ? ")" : "");
    }
    if (state->prompt.len)
        bytes_text(&state->prompt, ": ");
    bytes_append(&state->prompt, input);
    bytes_clear(&manner);
}

static bool read(struct state *state, struct inputs *inputs)
{
    static const char *const streams[] = {"audio", "sse", NULL};
    size_t format = SOUND_MP3, stream = 0;
    struct view instructions = {0}, input = {0};
    double speed = 1;

    if (!read_model(state, inputs) || !inputs_needed(inputs, "input", INPUT_MOST, &input) ||
        !inputs_text(inputs, "instructions", &instructions) || !read_voice(state, inputs) ||
        !inputs_word(inputs, "response_format", sound_formats, &format) ||
        !inputs_word(inputs, "stream_format", streams, &stream) ||
        !inputs_number(inputs, "speed", 0.25, 4, &speed))
        return false;
    write_prompt(state, instructions, speed, input);
    state->format = (enum sound_format)format;
    state->is_stream = inputs_has(inputs, "stream_format");
    state->is_sse = stream == 1;
    return true;
}

/* ---- for the provider ---- */

static void write_body(const struct state *state, struct bytes *out)
{
    bytes_append(out, VIEW("{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":"));
    bytes_json(out, bytes_view(&state->prompt));
    bytes_append(out, VIEW("}]}],\"generationConfig\":{\"responseModalities\":[\"AUDIO\"],"
                           "\"speechConfig\":{\"voiceConfig\":{\"prebuiltVoiceConfig\":"
                           "{\"voiceName\":"));
    bytes_json(out, state->voice);
    bytes_append(out, VIEW("}}}}}"));
}

static void add_step(const struct state *state, const struct request *request, struct plan *plan)
{
    const char *operation = state->is_stream ? "streamGenerateContent" : "generateContent";
    struct bytes body = {0};
    struct step step = {.order = {.pool = request->pool,
                                  .operation = operation,
                                  .stream = state->is_stream,
                                  .tokens = state->prompt.len / 4,
                                  .client = request->client},
                        .pass = state->is_stream ? STEP_EVENTS : STEP_WHOLE};

    write_body(state, &body);
    step.order.body = body_new(&body);
    bytes_append(&step.model, bytes_view(&state->model));
    bytes_printf(&step.path, "/models/%.*s:%s%s", (int)state->model.len, state->model.at, operation,
                 state->is_stream ? "?alt=sse" : "");
    plan_add(plan, &step);
    body_let_go(step.order.body);
}

static enum error begin(void *of, const struct request *request, struct plan *plan)
{
    struct state *state = of;
    struct inputs inputs;

    if (inputs_open(&inputs, request, plan) == ERROR_NONE)
        read(state, &inputs);
    inputs_close(&inputs);
    if (inputs.error != ERROR_NONE || plan->models_wait_ms)
        return inputs.error;
    plan->is_sse = state->is_sse;
    plan->is_early = state->is_stream;
    plan->type = sound_type(state->format);
    add_step(state, request, plan);
    return ERROR_NONE;
}

/* ---- what the provider says ---- */

static void note_usage(struct state *state, yyjson_val *usage)
{
    if (!yyjson_is_obj(usage))
        return;
    state->prompt_tokens = json_member_count(usage, "promptTokenCount");
    state->answer_tokens = json_member_count(usage, "candidatesTokenCount");
    state->total_tokens = json_member_count(usage, "totalTokenCount");
}

static void note_reason(struct state *state, struct view reason, bool is_refusal)
{
    if (!reason.len)
        return;
    state->is_blocked |= is_refusal;
    bytes_copy(&state->why, (struct view){reason.at, reason.len < 500 ? reason.len : 500});
}

/* audio/L16;codec=pcm;rate=24000 */
static unsigned rate_of(struct view type)
{
    const char *at = type.len ? memmem(type.at, type.len, "rate=", 5) : NULL;
    unsigned rate = 0;

    for (at = at ? at + 5 : NULL; at && at < type.at + type.len && *at >= '0' && *at <= '9'; at++)
        rate = rate < 1000000 ? rate * 10 + (unsigned)(*at - '0') : rate;
    return rate ? rate : RATE;
}

static void take_part(struct state *state, yyjson_val *part)
{
    yyjson_val *data = json_member(part, VIEW("inlineData"));
    struct view type = json_view(json_member(data, VIEW("mimeType")));

    if (yyjson_is_true(json_member(part, VIEW("thought"))))
        return;
    if (view_starts(type, VIEW("audio/"))) {
        state->rate = state->rate ? state->rate : rate_of(type);
        bytes_append(&state->base64, json_view(json_member(data, VIEW("data"))));
    }
    note_reason(state, view_trim(json_view(json_member(part, VIEW("text")))), false);
}

static bool take_json(struct state *state, struct plan *plan, struct view json)
{
    yyjson_doc *doc = json_read_reply(json);
    yyjson_val *root = yyjson_doc_get_root(doc);
    yyjson_val *candidate = yyjson_arr_get_first(json_member(root, VIEW("candidates")));
    yyjson_val *feedback = json_member(root, VIEW("promptFeedback"));
    struct view finish = json_view(json_member(candidate, VIEW("finishReason")));
    bool is_object = yyjson_is_obj(root);
    size_t i, max;
    yyjson_val *part;

    yyjson_arr_foreach(json_member(json_member(candidate, VIEW("content")), VIEW("parts")), i, max,
                       part) take_part(state, part);
    note_usage(state, json_member(root, VIEW("usageMetadata")));
    if (!view_equal(finish, VIEW("STOP")) && !view_equal(finish, VIEW("MAX_TOKENS")))
        note_reason(state, finish, !view_equal(finish, VIEW("OTHER")));
    note_reason(state, json_view(json_member(feedback, VIEW("blockReason"))), true);
    yyjson_doc_free(doc);
    plan->kept = state->base64.len;
    plan->has_work = state->base64.len > 0;
    return is_object;
}

/* ---- for the client ---- */

/* An event for each run of bytes that have become final. */
static void give(struct state *state, struct bytes *out)
{
    struct bytes made = {0};
    size_t room;

    if (!state->is_sse) {
        sound_take(state->sound, out);
        return;
    }
    sound_take(state->sound, &made);
    if (made.len) {
        bytes_append(out, VIEW("data: {\"type\":\"speech.audio.delta\",\"audio\":\""));
        room = (made.len + 2) / 3 * 4 + 1;
        EVP_EncodeBlock((unsigned char *)bytes_room(out, room), (const unsigned char *)made.at,
                        (int)made.len);
        out->len += room - 1;
        bytes_append(out, VIEW("\"}\n\n"));
    }
    bytes_clear(&made);
}

static void write_done(const struct state *state, struct bytes *out)
{
    uint64_t sum = state->prompt_tokens + state->answer_tokens;

    json_int_after(out, VIEW("data: {\"type\":\"speech.audio.done\",\"usage\":{\"input_tokens\":"),
                   state->prompt_tokens);
    json_int_after(out, VIEW(",\"output_tokens\":"), state->answer_tokens);
    json_int_after(out, VIEW(",\"total_tokens\":"),
                   state->total_tokens > sum ? state->total_tokens : sum);
    bytes_append(out, VIEW("}}\n\n"));
}

/* The next piece of base64: each run that the provider has sent may end in padding. */
static struct view next_piece(const struct state *state)
{
    struct view rest = view_skip(bytes_view(&state->base64), state->done);
    const char *padding;

    if (rest.len > PIECE_CHARS)
        rest.len = PIECE_CHARS;
    padding = rest.len ? memchr(rest.at, '=', rest.len) : NULL;
    if (padding)
        rest.len = ((size_t)(padding - rest.at) / 4 + 1) * 4;
    return rest;
}

/* Decodes a piece behind the half of a sample that the last one has left. */
static bool decode(struct state *state, struct view piece, struct bytes *samples)
{
    unsigned char *room;
    int len;

    bytes_append(samples, bytes_view(&state->odd));
    state->odd.len = 0;
    room = (unsigned char *)bytes_room(samples, piece.len / 4 * 3 + 3);
    len = EVP_DecodeBlock(room, (const unsigned char *)piece.at, (int)piece.len);
    if (len < 0)
        return false;
    for (size_t i = piece.len; len && i > piece.len - 2 && piece.at[i - 1] == '='; i--)
        len--;
    samples->len += (size_t)len;
    if (samples->len % 2) {
        samples->len--;
        bytes_append(&state->odd, (struct view){samples->at + samples->len, 1});
    }
    return true;
}

static enum error encode(struct state *state, struct view piece)
{
    struct bytes samples = {0};
    bool is_good = piece.len % 4 == 0 && decode(state, piece, &samples);

    if (!state->sound)
        state->sound = sound_new(state->format, state->rate);
    is_good = is_good && state->sound && sound_feed(state->sound, bytes_view(&samples));
    bytes_clear(&samples);
    return is_good ? ERROR_NONE : ERROR_MALFORMED;
}

static enum error work(void *of, struct plan *plan, struct bytes *out)
{
    struct state *state = of;
    struct view piece = next_piece(state);
    enum error error = ERROR_NONE;

    if (piece.len)
        error = encode(state, piece);
    if (error != ERROR_NONE)
        return error;
    state->done += piece.len;
    plan->has_work = state->done < state->base64.len;
    if (!plan->has_work && state->has_all && !sound_end(state->sound))
        return ERROR_MALFORMED;
    if (!plan->has_work)
        state->done = state->base64.len = 0;
    plan->kept = state->base64.len;
    give(state, out);
    return ERROR_NONE;
}

/* ---- the endpoint ---- */

static enum error event(void *of, struct plan *plan, size_t call, struct view json,
                        struct bytes *out)
{
    struct state *state = of;

    (void)call, (void)out;
    if (!take_json(state, plan, json))
        return ERROR_UPSTREAM;
    return state->base64.len > settings_now()->reply_limit ? ERROR_REPLY_TOO_LARGE : ERROR_NONE;
}

/* Nothing was said: because the provider would not, or for a reason that it does not tell. */
static enum error refuse(struct state *state, struct plan *plan)
{
    enum error error = state->is_blocked ? ERROR_CONTENT_POLICY : ERROR_UPSTREAM_EMPTY;

    if (state->why.len) {
        bytes_text(&plan->why, error_facts(error)->text);
        bytes_text(&plan->why, " It says: ");
        bytes_append(&plan->why, bytes_view(&state->why));
    }
    return error;
}

static enum error answer(void *of, struct plan *plan, size_t call, const struct call_answer *whole,
                         struct bytes *out)
{
    struct state *state = of;

    (void)call, (void)out;
    if (!state->is_stream && !take_json(state, plan, whole->body))
        return ERROR_UPSTREAM;
    if (!state->sound && !state->base64.len)
        return refuse(state, plan);
    state->has_all = plan->has_work = true; /* the file is to be ended, at least */
    return ERROR_NONE;
}

static void end(void *of, struct bytes *out)
{
    struct state *state = of;

    if (state->is_sse)
        write_done(state, out);
}

static void clear(void *of)
{
    struct state *state = of;

    sound_free(state->sound);
    bytes_clear(&state->model);
    bytes_clear(&state->prompt);
    bytes_clear(&state->base64);
    bytes_clear(&state->odd);
    bytes_clear(&state->why);
}

const struct endpoint endpoint_speech = {
    .name = "openai_speech",
    .state_size = sizeof(struct state),
    .stream = "text/event-stream; charset=utf-8",
    .begin = begin,
    .event = event,
    .answer = answer,
    .work = work,
    .end = end,
    .clear = clear,
};
