/* SPDX-License-Identifier: Apache-2.0 */
/* Transcripts. Called by transcription.c. What must stay true: times never run backwards and have
 * the form that players of subtitles read, whatever a model has made up. */
#include "openai/audio/transcript.h"

#define HOUR_MS (3600 * 1000ULL)
#define LONGEST_S 360000.0 /* 100 hours: what two digits hold */

const char *const transcript_formats[] = {"json", "text", "srt", "verbose_json", "vtt", NULL};

bool transcript_has_times(enum transcript_format format)
{
    return format == TRANSCRIPT_SRT || format == TRANSCRIPT_VERBOSE || format == TRANSCRIPT_VTT;
}

/* ---- for the model ---- */

#define TIMED(name)                                                                                \
    "{\"type\":\"ARRAY\",\"items\":{\"type\":\"OBJECT\",\"properties\":{\"start\":{\"type\":"      \
    "\"NUMBER\"},\"end\":{\"type\":\"NUMBER\"},\"" name "\":{\"type\":\"STRING\"}},"               \
    "\"required\":[\"start\",\"end\",\"" name "\"]}}"

void transcript_write_schema(const struct transcript *transcript, struct bytes *out)
{
    bytes_append(
        out, VIEW("{\"type\":\"OBJECT\",\"properties\":{\"language\":{\"type\":"
                  "\"STRING\"},\"duration\":{\"type\":\"NUMBER\"},\"segments\":" TIMED("text")));
    if (transcript->has_words)
        bytes_append(out, VIEW(",\"words\":" TIMED("word")));
    bytes_append(out, VIEW("},\"required\":[\"language\",\"duration\",\"segments\""));
    bytes_append(out, transcript->has_words ? VIEW(",\"words\"]}") : VIEW("]}"));
}

/* ---- times ---- */

/* A run of text and when it is said, in seconds. */
struct timed {
    double start, end;
    struct view text;
};

static double seconds_of(yyjson_val *value, double least)
{
    double seconds = 0;

    if (!json_number(value, &seconds) || !(seconds >= least))
        seconds = least;
    return seconds < LONGEST_S ? seconds : LONGEST_S - 1;
}

/* `last`: when the one before began. */
static struct timed timed_of(yyjson_val *value, struct view name, double last)
{
    struct timed timed = {.text = view_trim(json_view(json_member(value, name)))};

    timed.start = seconds_of(json_member(value, VIEW("start")), last);
    timed.end = seconds_of(json_member(value, VIEW("end")), timed.start);
    return timed;
}

/* 00:00:01,500; WebVTT has a point. */
static void write_clock(double seconds, char point, struct bytes *out)
{
    unsigned long long ms = (unsigned long long)(seconds * 1000 + 0.5);

    bytes_printf(out, "%02llu:%02llu:%02llu%c%03llu", ms / HOUR_MS, ms / 60000 % 60, ms / 1000 % 60,
                 point, ms % 1000);
}

/* An empty line would end a subtitle, and an arrow begin one. */
static void write_cue_text(struct view text, struct bytes *out)
{
    bool is_line_open = false;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        bool is_newline = c == '\n' || c == '\r';

        if (is_newline && !is_line_open)
            continue;
        is_line_open = !is_newline;
        if (view_starts(view_skip(text, i), VIEW("-->")))
            i++;
        bytes_append(out, is_newline ? VIEW("\n") : (struct view){text.at + i, 1});
    }
    bytes_append(out, is_line_open ? VIEW("\n\n") : VIEW("\n"));
}

static void write_cues(yyjson_val *segments, bool is_vtt, struct bytes *out)
{
    double last = 0;
    size_t i, max, number = 0;
    yyjson_val *segment;

    if (is_vtt)
        bytes_append(out, VIEW("WEBVTT\n\n"));
    yyjson_arr_foreach(segments, i, max, segment)
    {
        struct timed timed = timed_of(segment, VIEW("text"), last);

        last = timed.start;
        if (!timed.text.len)
            continue;
        if (!is_vtt)
            bytes_printf(out, "%zu\n", ++number);
        write_clock(timed.start, is_vtt ? '.' : ',', out);
        bytes_append(out, VIEW(" --> "));
        write_clock(timed.end, is_vtt ? '.' : ',', out);
        bytes_append(out, VIEW("\n"));
        write_cue_text(timed.text, out);
    }
}

/* ---- JSON ---- */

static void write_words(yyjson_val *words, struct bytes *out)
{
    double last = 0;
    size_t i, max;
    yyjson_val *word;

    bytes_append(out, VIEW(",\"words\":["));
    yyjson_arr_foreach(words, i, max, word)
    {
        struct timed timed = timed_of(word, VIEW("word"), last);

        last = timed.start;
        bytes_append(out, i ? VIEW(",{\"word\":") : VIEW("{\"word\":"));
        json_text(out, timed.text);
        bytes_printf(out, ",\"start\":%.3f,\"end\":%.3f}", timed.start, timed.end);
    }
    bytes_append(out, VIEW("]"));
}

/* What Whisper's decoder would say of itself nobody can know here: the values say that all is well. */
static void write_segments(yyjson_val *segments, struct bytes *out)
{
    double last = 0;
    size_t i, max;
    yyjson_val *segment;

    bytes_append(out, VIEW(",\"segments\":["));
    yyjson_arr_foreach(segments, i, max, segment)
    {
        struct timed timed = timed_of(segment, VIEW("text"), last);

        last = timed.start;
        bytes_printf(out,
                     "%s{\"id\":%zu,\"seek\":0,\"start\":%.3f,\"end\":%.3f,\"text\":", i ? "," : "",
                     i, timed.start, timed.end);
        json_text(out, timed.text);
        bytes_append(out, VIEW(",\"tokens\":[],\"temperature\":0,\"avg_logprob\":0,"
                               "\"compression_ratio\":1,\"no_speech_prob\":0}"));
    }
    bytes_append(out, VIEW("]"));
}

/* The whole text, and when its last segment ends. */
static double join(yyjson_val *segments, struct bytes *text)
{
    double last = 0, end = 0;
    size_t i, max;
    yyjson_val *segment;

    yyjson_arr_foreach(segments, i, max, segment)
    {
        struct timed timed = timed_of(segment, VIEW("text"), last);

        last = timed.start;
        end = timed.end > end ? timed.end : end;
        bytes_append(text, text->len && timed.text.len ? VIEW(" ") : VIEW(""));
        bytes_append(text, timed.text);
    }
    return end;
}

static void write_verbose(const struct transcript *transcript, yyjson_val *root, struct bytes *out)
{
    yyjson_val *segments = json_member(root, VIEW("segments"));
    struct view language = json_view(json_member(root, VIEW("language")));
    struct bytes text = {0};
    double duration = seconds_of(json_member(root, VIEW("duration")), join(segments, &text));

    bytes_printf(out, "{\"task\":\"%s\",\"language\":", transcript->task);
    json_text(out, strcmp(transcript->task, "translate") == 0 ? VIEW("english") : language);
    bytes_printf(out, ",\"duration\":%.3f,\"text\":", duration);
    json_text(out, bytes_view(&text));
    if (transcript->has_words)
        write_words(json_member(root, VIEW("words")), out);
    if (transcript->has_segments)
        write_segments(segments, out);
    bytes_printf(out, ",\"usage\":{\"type\":\"duration\",\"seconds\":%llu}}",
                 (unsigned long long)(duration + 0.999));
    bytes_clear(&text);
}

void transcript_write_usage(const struct transcript *transcript, struct bytes *out)
{
    uint64_t input = transcript->input, audio = transcript->input_audio, sum;

    audio = audio < input ? audio : input;
    sum = input + transcript->output;
    json_int_after(out, VIEW("{\"type\":\"tokens\",\"input_tokens\":"), input);
    json_int_after(out, VIEW(",\"input_token_details\":{\"text_tokens\":"), input - audio);
    json_int_after(out, VIEW(",\"audio_tokens\":"), audio);
    json_int_after(out, VIEW("},\"output_tokens\":"), transcript->output);
    json_int_after(out, VIEW(",\"total_tokens\":"),
                   transcript->total > sum ? transcript->total : sum);
    bytes_append(out, VIEW("}"));
}

void transcript_write(const struct transcript *transcript, struct view text, struct bytes *out)
{
    text = view_trim(text);
    if (transcript->format == TRANSCRIPT_TEXT) {
        bytes_append(out, text);
        bytes_append(out, VIEW("\n"));
        return;
    }
    bytes_append(out, VIEW("{\"text\":"));
    json_text(out, text);
    bytes_append(out, VIEW(",\"usage\":"));
    transcript_write_usage(transcript, out);
    bytes_append(out, VIEW("}"));
}

bool transcript_write_times(const struct transcript *transcript, struct view json,
                            struct bytes *out)
{
    yyjson_doc *doc = json_read_reply(json);
    yyjson_val *root = yyjson_doc_get_root(doc);
    yyjson_val *segments = json_member(root, VIEW("segments"));
    bool is_told = yyjson_is_arr(segments);

    if (is_told && transcript->format == TRANSCRIPT_VERBOSE)
        write_verbose(transcript, root, out);
    else if (is_told)
        write_cues(segments, transcript->format == TRANSCRIPT_VTT, out);
    yyjson_doc_free(doc);
    return is_told;
}
