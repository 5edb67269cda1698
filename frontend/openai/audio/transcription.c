/* SPDX-License-Identifier: Apache-2.0 */
/* audio/transcriptions and audio/translations: a model that hears is told to write down what is
 * said. */
#include <openssl/evp.h>

#include "models/model.h"
#include "openai/audio/transcript.h"
#include "openai/endpoints.h"
#include "openai/inputs.h"
#include "parts/media_type.h"
#include "settings/options.h"

enum {
    INLINE_MOST = 100u << 20u, /* bytes of base64 that the provider takes */
    PROMPT_MOST = 8192,        /* bytes that a client may say beside the sound */
    BYTES_A_TOKEN = 500,       /* of sound: 32 tokens a second of 16 KB */
};

struct state {
    const char *task; /* transcribe, translate */
    struct bytes model, instruction, temperature;
    const struct model_facts *facts;
    const struct form_part *file; /* while the request is read */
    const char *type;             /* of the sound; static */
    struct transcript transcript;
    bool is_stream;

    struct bytes text; /* the answer so far */
    struct bytes why;  /* the provider stopped for another reason than that all is said */
    bool is_cut;       /* …because the answer would be too long */
};

/* ---- the request ---- */

static bool read_model(struct state *state, struct inputs *inputs)
{
    struct view asked = {0}, name;
    int shown;

    if (!inputs_asked(inputs, &asked))
        return false;
    asked = view_trim(asked);
    if (!asked.len || view_starts(asked, VIEW("whisper")) || view_starts(asked, VIEW("gpt-")))
        asked = view_of(settings_now()->transcription_model);
    shown = asked.len < 128 ? (int)asked.len : 128;
    if (!inputs_model(inputs, asked, &name))
        return false;
    state->facts = model_facts(name);
    if (state->facts->is_no_chat || state->facts->has_no_text ||
        (transcript_has_times(state->transcript.format) && state->facts->has_no_json))
        return inputs_refuse(inputs, ERROR_NO_MODEL, "model",
                             "The model '%.*s' does not transcribe in this format.", shown,
                             asked.at);
    bytes_copy(&state->model, name);
    return true;
}

static bool read_file(struct state *state, struct inputs *inputs)
{
    const struct form_part *file = inputs_file(inputs, "file", 0);
    uint64_t most = state->facts->inline_limit ? state->facts->inline_limit : INLINE_MOST;

    if (inputs->root)
        return inputs_refuse(inputs, ERROR_BAD_REQUEST, "file",
                             "The request must be multipart/form-data with a file in it.");
    if (!file)
        return inputs_refuse(inputs, ERROR_MISSING_PARAMETER, "file",
                             "Missing required parameter: 'file'.");
    if (!file->body.len)
        return inputs_refuse(inputs, ERROR_BAD_VALUE, "file", "Invalid value: 'file' is empty.");
    if (file->body.len / 3 * 4 > most)
        return inputs_refuse(inputs, ERROR_TOO_LARGE, "file",
                             "The file is too large: this model takes %llu MiB at most.",
                             (unsigned long long)(most / 4 * 3 >> 20));
    state->file = file;
    state->type = media_type_sound(file->body, file->file_name, file->type);
    return state->type ||
           inputs_refuse(inputs, ERROR_BAD_VALUE, "file",
                         "Invalid file format. Supported formats: flac, m4a, mp3, mp4, mpeg, mpga, "
                         "oga, ogg, wav, webm, aac, aiff.");
}

/* Which times are wanted in the long form: of segments, unless words alone are. */
static bool read_granularities(struct state *state, struct inputs *inputs)
{
    struct transcript *transcript = &state->transcript;
    struct view text;
    size_t i;

    transcript->has_segments = true;
    for (i = 0; inputs_item(inputs, "timestamp_granularities", i, &text); i++) {
        transcript->has_segments &= i > 0;
        if (view_equal(text, VIEW("word")))
            transcript->has_words = true;
        else if (view_equal(text, VIEW("segment")))
            transcript->has_segments = true;
        else
            return inputs_refuse(inputs, ERROR_BAD_VALUE, "timestamp_granularities",
                                 "Invalid value: 'timestamp_granularities' may hold 'word' and "
                                 "'segment'.");
    }
    if (inputs->error != ERROR_NONE)
        return false;
    if (transcript->has_words && transcript->format != TRANSCRIPT_VERBOSE)
        return inputs_refuse(inputs, ERROR_BAD_VALUE, "timestamp_granularities",
                             "Invalid value: 'timestamp_granularities' wants 'response_format' "
                             "'verbose_json'.");
    return true;
}

static bool refuse_others(struct inputs *inputs)
{
    static const char *const others[] = {"include", "known_speaker_names",
                                         "known_speaker_references"};

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (inputs_has(inputs, others[i]))
            return inputs_refuse(inputs, ERROR_UNSUPPORTED, others[i],
                                 "Unsupported parameter: '%s'.", others[i]);
    return true;
}

/* ---- what the model is told ---- */

/* Appends a line with the texts of that list, commas between them. */
static bool tell(struct state *state, struct inputs *inputs, const char *name, const char *heading)
{
    struct bytes *out = &state->instruction;
    struct view text = {0};
    size_t begin = out->len;

    for (size_t i = 0; inputs_item(inputs, name, i, &text); i++) {
        if (!view_trim(text).len)
            continue;
        bytes_text(out, out->len == begin ? heading : ", ");
        bytes_append(out, view_trim(text));
    }
    if (out->len - begin > PROMPT_MOST)
        return inputs_refuse(inputs, ERROR_TOO_LONG, name,
                             "Invalid '%s': string too long. Expected at most %d bytes.", name,
                             PROMPT_MOST);
    return inputs->error == ERROR_NONE;
}

static bool write_instruction(struct state *state, struct inputs *inputs)
{
    struct bytes *out = &state->instruction;
    bool is_translation = strcmp(state->task, "translate") == 0;

    bytes_text(out, is_translation
                        ? "Translate what is said in this recording into English."
                        : "Write down word for word what is said in this recording, in the "
                          "language in which it is said.");
    if (!transcript_has_times(state->transcript.format))
        bytes_text(out, " Answer with this text alone; with nothing if nothing is said.");
    else
        bytes_text(out, " Divide it into segments of one sentence at most. Tell when each begins "
                        "and ends, in seconds from the beginning with three decimals, the English "
                        "name of the language that is spoken, in lower case, and the recording's "
                        "duration in seconds.");
    if (state->transcript.has_words)
        bytes_text(out, " Tell the same times of each word.");
    return tell(state, inputs, "language", "\nIts language: ") &&
           tell(state, inputs, "languages", "\nIts language is one of these: ") &&
           tell(state, inputs, "keywords", "\nWords that may occur: ") &&
           tell(state, inputs, "prompt", "\nWhat was said before it, or shows its style: ");
}

static bool read(struct state *state, struct inputs *inputs)
{
    static const char *const strategies[] = {"auto", NULL};
    size_t format = TRANSCRIPT_JSON, strategy = 0;
    double temperature = -1;

    if (!inputs_word(inputs, "response_format", transcript_formats, &format))
        return false;
    state->transcript.format = (enum transcript_format)format;
    if (!read_model(state, inputs) || !read_file(state, inputs) ||
        !read_granularities(state, inputs) || !refuse_others(inputs) ||
        !inputs_number(inputs, "temperature", 0, 1, &temperature) ||
        !inputs_word(inputs, "chunking_strategy", strategies, &strategy) ||
        !inputs_flag(inputs, "stream", &state->is_stream) || !write_instruction(state, inputs))
        return false;
    if (temperature >= 0)
        bytes_printf(&state->temperature, "%g", temperature);
    return !state->is_stream || !transcript_has_times(state->transcript.format) ||
           inputs_refuse(inputs, ERROR_UNSUPPORTED_VALUE, "response_format",
                         "Unsupported value: 'response_format' may be 'json' or 'text' with "
                         "'stream'.");
}

/* ---- for the provider ---- */

static void write_file(const struct state *state, struct bytes *out)
{
    struct view data = state->file->body;
    size_t len = (data.len + 2) / 3 * 4;

    bytes_printf(out, "{\"inlineData\":{\"mimeType\":\"%s\",\"data\":\"", state->type);
    EVP_EncodeBlock((unsigned char *)bytes_room(out, len + 1), (const unsigned char *)data.at,
                    (int)data.len);
    out->len += len;
    bytes_append(out, VIEW("\"}}"));
}

static void write_config(const struct state *state, struct bytes *out)
{
    bool has_times = transcript_has_times(state->transcript.format);

    if (!has_times && !state->temperature.len)
        return;
    bytes_append(out, VIEW(",\"generationConfig\":{"));
    if (state->temperature.len) {
        bytes_append(out, VIEW("\"temperature\":"));
        bytes_append(out, bytes_view(&state->temperature));
    }
    if (has_times) {
        bytes_append(out, state->temperature.len ? VIEW(",") : VIEW(""));
        bytes_append(out, VIEW("\"responseMimeType\":\"application/json\",\"responseSchema\":"));
        transcript_write_schema(&state->transcript, out);
    }
    bytes_append(out, VIEW("}"));
}

static void write_body(const struct state *state, struct bytes *out)
{
    struct view safety = view_of(settings_now()->safety_settings);

    bytes_append(out, VIEW("{\"contents\":[{\"role\":\"user\",\"parts\":["));
    write_file(state, out);
    bytes_append(out, VIEW(",{\"text\":"));
    bytes_json(out, bytes_view(&state->instruction));
    bytes_append(out, VIEW("}]}]"));
    if (safety.len > 2) { /* [] */
        bytes_append(out, VIEW(",\"safetySettings\":"));
        bytes_append(out, safety);
    }
    write_config(state, out);
    bytes_append(out, VIEW("}"));
}

static void add_step(const struct state *state, const struct request *request, struct plan *plan)
{
    const char *operation = state->is_stream ? "streamGenerateContent" : "generateContent";
    struct bytes body = {0};
    struct step step = {.order = {.pool = request->pool,
                                  .operation = operation,
                                  .stream = state->is_stream,
                                  .tokens = state->file->body.len / BYTES_A_TOKEN,
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

static const char *type_of(enum transcript_format format)
{
    if (format == TRANSCRIPT_JSON || format == TRANSCRIPT_VERBOSE)
        return NULL;
    return format == TRANSCRIPT_VTT ? "text/vtt; charset=utf-8" : "text/plain; charset=utf-8";
}

static enum error begin_task(struct state *state, const char *task, const struct request *request,
                             struct plan *plan)
{
    struct inputs inputs;

    state->task = state->transcript.task = task;
    if (inputs_open(&inputs, request, plan) == ERROR_NONE && read(state, &inputs)) {
        plan->is_sse = state->is_stream;
        plan->type = type_of(state->transcript.format);
        add_step(state, request, plan);
    }
    inputs_close(&inputs);
    state->file = NULL;
    return inputs.error;
}

static enum error begin_transcription(void *of, const struct request *request, struct plan *plan)
{
    return begin_task(of, "transcribe", request, plan);
}

static enum error begin_translation(void *of, const struct request *request, struct plan *plan)
{
    return begin_task(of, "translate", request, plan);
}

/* ---- what the provider says ---- */

static void note_usage(struct transcript *transcript, yyjson_val *usage)
{
    yyjson_val *details = json_member(usage, VIEW("promptTokensDetails")), *detail;
    size_t i, max;

    if (!json_member_count(usage, "promptTokenCount"))
        return;
    transcript->input = json_member_count(usage, "promptTokenCount");
    transcript->output = json_member_count(usage, "candidatesTokenCount") +
                         json_member_count(usage, "thoughtsTokenCount");
    transcript->total = json_member_count(usage, "totalTokenCount");
    transcript->input_audio = 0;
    yyjson_arr_foreach(details, i, max, detail)
    {
        if (view_equal(json_view(json_member(detail, VIEW("modality"))), VIEW("AUDIO")))
            transcript->input_audio += json_member_count(detail, "tokenCount");
    }
}

static void note_end(struct state *state, struct view finish, struct view block)
{
    state->is_cut |= view_equal(finish, VIEW("MAX_TOKENS"));
    if (finish.len && !view_equal(finish, VIEW("STOP")) && !state->is_cut)
        bytes_copy(&state->why, finish);
    if (block.len)
        bytes_copy(&state->why, block);
}

/* Takes the text of an answer, or of an event of it. */
static bool take_json(struct state *state, struct view json)
{
    yyjson_doc *doc = json_read_reply(json);
    yyjson_val *root = yyjson_doc_get_root(doc);
    yyjson_val *candidate = yyjson_arr_get_first(json_member(root, VIEW("candidates")));
    yyjson_val *parts = json_member(json_member(candidate, VIEW("content")), VIEW("parts"));
    bool is_object = yyjson_is_obj(root);
    size_t i, max;
    yyjson_val *part;

    yyjson_arr_foreach(parts, i, max, part)
    {
        if (!yyjson_is_true(json_member(part, VIEW("thought"))))
            bytes_append(&state->text, json_view(json_member(part, VIEW("text"))));
    }
    note_usage(&state->transcript, json_member(root, VIEW("usageMetadata")));
    note_end(
        state, json_view(json_member(candidate, VIEW("finishReason"))),
        json_view(json_member(json_member(root, VIEW("promptFeedback")), VIEW("blockReason"))));
    yyjson_doc_free(doc);
    return is_object;
}

/* ---- for the client ---- */

static enum error event(void *of, struct plan *plan, size_t call, struct view json,
                        struct bytes *out)
{
    struct state *state = of;
    size_t before = state->text.len;

    (void)call;
    if (!take_json(state, json))
        return ERROR_UPSTREAM;
    plan->kept = state->text.len;
    if (state->text.len > settings_now()->reply_limit)
        return ERROR_REPLY_TOO_LARGE;
    if (state->text.len == before)
        return ERROR_NONE;
    bytes_append(out, VIEW("data: {\"type\":\"transcript.text.delta\",\"delta\":"));
    json_text(out, view_skip(bytes_view(&state->text), before));
    bytes_append(out, VIEW("}\n\n"));
    return ERROR_NONE;
}

static void write_done(const struct state *state, struct bytes *out)
{
    bytes_append(out, VIEW("data: {\"type\":\"transcript.text.done\",\"text\":"));
    json_text(out, bytes_view(&state->text));
    bytes_append(out, VIEW(",\"usage\":"));
    transcript_write_usage(&state->transcript, out);
    bytes_append(out, VIEW("}\n\n"));
}

static enum error refuse(struct plan *plan, enum error error, struct view reason)
{
    bytes_text(&plan->why, error_facts(error)->text);
    bytes_text(&plan->why, " It says: ");
    bytes_append(&plan->why, reason);
    return error;
}

/* Half a transcript is none, unless it has been shown already. */
static enum error answer(void *of, struct plan *plan, size_t call, const struct call_answer *whole,
                         struct bytes *out)
{
    struct state *state = of;
    struct view text;

    (void)call;
    if (!state->is_stream && !take_json(state, whole->body))
        return ERROR_UPSTREAM;
    if (state->why.len)
        return refuse(plan, ERROR_CONTENT_POLICY, bytes_view(&state->why));
    if (state->is_cut)
        return refuse(plan, ERROR_UPSTREAM_CUT, VIEW("MAX_TOKENS"));
    text = bytes_view(&state->text);
    if (state->is_stream)
        write_done(state, out);
    else if (!transcript_has_times(state->transcript.format))
        transcript_write(&state->transcript, text, out);
    else if (!transcript_write_times(&state->transcript, text, out))
        return ERROR_MALFORMED;
    return ERROR_NONE;
}

static void clear(void *of)
{
    struct state *state = of;

    bytes_clear(&state->model);
    bytes_clear(&state->instruction);
    bytes_clear(&state->temperature);
    bytes_clear(&state->text);
    bytes_clear(&state->why);
}

#define TRANSCRIPTION(begins)                                                                      \
    {                                                                                              \
        .name = "openai_transcription", .state_size = sizeof(struct state),                        \
        .stream = "text/event-stream; charset=utf-8", .begin = (begins), .event = event,           \
        .answer = answer, .clear = clear                                                           \
    }

const struct endpoint endpoint_transcription = TRANSCRIPTION(begin_transcription);
const struct endpoint endpoint_translation = TRANSCRIPTION(begin_translation);
