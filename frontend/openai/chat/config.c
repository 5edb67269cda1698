/* SPDX-License-Identifier: Apache-2.0 */
/* The parameters of chat/completions as the provider's generationConfig. Called by request.c,
 * which has checked them. What must stay true: what the model would refuse or doesn't heed stays
 * away; a number is spelled as the client has spelled it unless it is out of range. */
#include "openai/chat/format.h"
#include "settings/options.h"

/* A number within its bounds goes as the client spelled it. */
static void write_number(struct chat *chat, enum field field, struct view name, double low,
                         double high)
{
    struct bytes *out = &chat->ask->body;
    yyjson_val *value = chat->value[field];
    double number;

    if (!json_number(value, &number) || !chat_config_key(chat, name))
        return;
    if (number < low)
        bytes_printf(out, "%g", low);
    else if (number > high)
        bytes_printf(out, "%g", high);
    else
        bytes_append(out, (struct view){yyjson_get_raw(value), yyjson_get_len(value)});
}

static void write_integer(struct chat *chat, struct view name, int64_t value)
{
    if (chat_config_key(chat, name))
        json_int(&chat->ask->body, value);
}

static void write_sampling(struct chat *chat)
{
    int64_t top_k = chat_integer(chat->value[F_top_k], 0);
    double top_p = 0;

    if (chat->model->is_sampling_fixed)
        return;
    write_number(chat, F_temperature, VIEW("temperature"), 0, 2);
    if (json_number(chat->value[F_top_p], &top_p) && top_p > 0) /* some models refuse 0 */
        write_number(chat, F_top_p, VIEW("topP"), 0, 1);
    if (top_k > 0)
        write_integer(chat, VIEW("topK"), top_k < INT32_MAX ? top_k : INT32_MAX);
}

/* Many models refuse penalties, so those that mean nothing stay away. The provider's range ends
 * below 2. */
static void write_penalty(struct chat *chat, enum field field, struct view name)
{
    double penalty;

    if (json_number(chat->value[field], &penalty) && penalty != 0)
        write_number(chat, field, name, -2, 1.99);
}

/* 0: the client sets none. The provider counts thoughts as max_completion_tokens does; for
 * max_tokens there may be an allowance. */
static int64_t output_limit(const struct chat *chat)
{
    yyjson_val *wanted = chat->value[F_max_completion_tokens];
    int64_t limit = chat_integer(wanted ? wanted : chat->value[F_max_tokens], 0);
    int64_t most = chat->model->output_limit ? chat->model->output_limit : INT32_MAX;

    if (limit && limit < most && !wanted && chat->model->thinking != THINKS_NOT)
        limit += settings_now()->thinking_allowance < INT32_MAX
                     ? (int64_t)settings_now()->thinking_allowance
                     : INT32_MAX;
    return limit < most ? limit : most;
}

static bool is_among(struct view text, const struct view *others, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (view_equal(text, others[i]))
            return true;
    return false;
}

size_t chat_stops(const struct chat *chat, struct view stops[CHAT_STOPS])
{
    yyjson_val *stop = chat->value[F_stop];
    bool is_array = yyjson_is_arr(stop);
    yyjson_val *one = is_array ? yyjson_arr_get_first(stop) : stop;
    size_t left = is_array ? yyjson_arr_size(stop) : stop != NULL, count = 0;

    for (; left; left--, one = unsafe_yyjson_get_next(one)) {
        struct view text = json_view(one);
        if (!text.len || is_among(text, stops, count))
            continue;
        if (count == CHAT_STOPS)
            return CHAT_STOPS + 1;
        stops[count++] = text;
    }
    return count;
}

static void write_stop(struct chat *chat)
{
    struct bytes *out = &chat->ask->body;
    struct view stops[CHAT_STOPS];
    size_t count = chat_stops(chat, stops);

    if (!count || !chat_config_key(chat, VIEW("stopSequences")))
        return;
    for (size_t i = 0; i < count; i++) {
        bytes_append(out, i ? VIEW(",") : VIEW("["));
        json_text(out, stops[i]);
    }
    bytes_append(out, VIEW("]"));
}

static void write_logprobs(struct chat *chat)
{
    int64_t top = chat_integer(chat->value[F_top_logprobs], 0);

    if (!chat->ask->logprobs || !chat_config_key(chat, VIEW("responseLogprobs")))
        return;
    bytes_append(&chat->ask->body, VIEW("true"));
    if (top)
        write_integer(chat, VIEW("logprobs"), top);
}

/* Google's own words for any of it are for all of it. */
static bool has_native_format(const struct chat *chat)
{
    return chat_native(chat, VIEW("responseSchema")) ||
           chat_native(chat, VIEW("responseJsonSchema")) ||
           chat_native(chat, VIEW("responseFormat"));
}

static void write_format(struct chat *chat)
{
    struct view schema = bytes_view(&chat->format.schema);

    if (!format_is_native(chat) || has_native_format(chat) ||
        !chat_config_key(chat, VIEW("responseMimeType")))
        return;
    bytes_append(&chat->ask->body, VIEW("\"application/json\""));
    if (schema.len && chat_config_key(chat, chat->model->has_openapi ? VIEW("responseSchema")
                                                                     : VIEW("responseJsonSchema")))
        bytes_append(&chat->ask->body, schema);
}

/* The wish to think without what the model refuses of it: then it thinks as it likes, but who
 * wanted no thoughts is shown none. */
static void leave_to_model(struct thinking *thinking, bool *shows)
{
    bool wants_none = thinking->has_budget ? !thinking->budget : thinking->effort == EFFORT_NONE;

    *shows = *shows && !wants_none;
    *thinking = (struct thinking){0};
}

static void write_thinking(struct chat *chat)
{
    struct bytes *out = &chat->ask->body;
    struct thinking thinking = chat->thinking;
    enum refused said = chat->model->thinking == THINKS_LEVEL ? REFUSED_LEVEL : REFUSED_BUDGET;
    bool shows = chat->ask->thoughts;
    size_t start = out->len, opened;

    if (chat_is_refused(chat, REFUSED_THINKING))
        return;
    if (chat_is_refused(chat, said))
        leave_to_model(&thinking, &shows);
    json_key(out, VIEW("thinkingConfig"));
    bytes_append(out, VIEW("{"));
    opened = out->len;
    model_think(chat->model, &thinking, shows, out);
    if (out->len == opened)
        out->len = start;
    else
        bytes_append(out, VIEW("}"));
}

void chat_write_config(struct chat *chat)
{
    struct bytes *out = &chat->ask->body;
    size_t start = out->len, opened;

    bytes_append(out, VIEW(",\"generationConfig\":{"));
    opened = out->len;
    write_sampling(chat);
    if (output_limit(chat))
        write_integer(chat, VIEW("maxOutputTokens"), output_limit(chat));
    write_stop(chat);
    if (chat->value[F_seed])
        write_integer(chat, VIEW("seed"), chat_integer(chat->value[F_seed], 0) & INT32_MAX);
    write_penalty(chat, F_presence_penalty, VIEW("presencePenalty"));
    write_penalty(chat, F_frequency_penalty, VIEW("frequencyPenalty"));
    write_logprobs(chat);
    write_format(chat);
    modalities_write(chat);
    write_thinking(chat);
    chat_write_native(chat);
    if (out->len == opened)
        out->len = start;
    else
        bytes_append(out, VIEW("}"));
}
