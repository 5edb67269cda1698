/* SPDX-License-Identifier: Apache-2.0 */
/* Members of requests. Called by the endpoints of images, audio and completions. What must stay true: what a
 * client wrote reaches an error's text cut short, and no member that is wrong is passed over. */
#include "openai/inputs.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "parts/catalog.h"

enum { NUMBER_MOST = 64, SHOWN_MOST = 64 };

bool inputs_refuse(struct inputs *inputs, enum error error, const char *param, const char *format,
                   ...)
{
    char text[1024];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    inputs->plan->why.len = 0;
    bytes_text(&inputs->plan->why, text);
    inputs->plan->param = param;
    inputs->error = error;
    return false;
}

static struct view type_of(const struct request *request)
{
    return request->header ? request->header(request->headers, "content-type") : VIEW("");
}

enum error inputs_open(struct inputs *inputs, const struct request *request, struct plan *plan)
{
    const char *fault = "it is not an object";
    struct view type = type_of(request);

    *inputs = (struct inputs){.request = request, .plan = plan};
    if (form_is(type)) {
        fault = form_read(type, request->body, &inputs->form);
        if (fault)
            inputs_refuse(inputs, ERROR_BAD_REQUEST, NULL, "The form cannot be read: %s.", fault);
        return inputs->error;
    }
    inputs->doc = json_read_request(request->body, &fault);
    inputs->root = yyjson_doc_get_root(inputs->doc);
    if (!yyjson_is_obj(inputs->root))
        inputs_refuse(inputs, ERROR_BAD_JSON, NULL,
                      "We could not parse the JSON body of your request: %s.", fault);
    return inputs->error;
}

void inputs_close(struct inputs *inputs)
{
    yyjson_doc_free(inputs->doc);
    inputs->doc = NULL;
    inputs->root = NULL;
    form_clear(&inputs->form);
}

static bool refuse_type(struct inputs *inputs, const char *name, const char *wanted,
                        const char *got)
{
    return inputs_refuse(inputs, ERROR_BAD_TYPE, name,
                         "Invalid type for '%s': expected %s, but got %s instead.", name, wanted,
                         got);
}

static bool refuse_value(struct inputs *inputs, const char *name, struct view got,
                         const char *wanted)
{
    return inputs_refuse(inputs, ERROR_BAD_VALUE, name, "Invalid value: '%.*s'. '%s' must be %s.",
                         got.len < SHOWN_MOST ? (int)got.len : SHOWN_MOST, got.len ? got.at : "",
                         name, wanted);
}

static yyjson_val *member(const struct inputs *inputs, const char *name)
{
    return json_member(inputs->root, view_of(name));
}

bool inputs_has(const struct inputs *inputs, const char *name)
{
    return member(inputs, name) || form_find(&inputs->form, name, 0);
}

const struct form_part *inputs_file(const struct inputs *inputs, const char *name, size_t index)
{
    const struct form_part *part = form_find(&inputs->form, name, index);

    return part && part->is_file ? part : NULL;
}

/* The text of a part, unless it is empty. */
static bool part_text(struct inputs *inputs, const struct form_part *part, const char *name,
                      struct view *text)
{
    if (part->is_file)
        return refuse_type(inputs, name, "a text", "a file");
    if (part->body.len)
        *text = part->body;
    return true;
}

bool inputs_item(struct inputs *inputs, const char *name, size_t index, struct view *text)
{
    const struct form_part *part = form_find(&inputs->form, name, index);
    yyjson_val *value = member(inputs, name);

    if (part)
        return part_text(inputs, part, name, text);
    if (yyjson_is_arr(value))
        value = yyjson_arr_get(value, index);
    else if (index)
        value = NULL;
    if (value && !yyjson_is_str(value))
        return refuse_type(inputs, name, "a list of strings", json_type(value));
    if (value)
        *text = json_view(value);
    return value != NULL;
}

bool inputs_text(struct inputs *inputs, const char *name, struct view *text)
{
    const struct form_part *part = form_find(&inputs->form, name, 0);
    yyjson_val *value = member(inputs, name);

    if (part)
        return part_text(inputs, part, name, text);
    if (value && !yyjson_is_str(value))
        return refuse_type(inputs, name, "a string", json_type(value));
    if (value && yyjson_get_len(value))
        *text = json_view(value);
    return true;
}

/* The spelling of a member with a simple value; empty: it is absent. */
static bool spelling(struct inputs *inputs, const char *name, const char *wanted, struct view *text)
{
    const struct form_part *part = form_find(&inputs->form, name, 0);
    yyjson_val *value = member(inputs, name);

    *text = VIEW("");
    if (part) {
        bool is_text = part_text(inputs, part, name, text);

        *text = view_trim(*text);
        return is_text;
    }
    if (yyjson_is_bool(value))
        *text = yyjson_get_bool(value) ? VIEW("true") : VIEW("false");
    else if (yyjson_is_raw(value))
        *text = (struct view){yyjson_get_raw(value), yyjson_get_len(value)};
    else if (yyjson_is_str(value))
        *text = view_trim(json_view(value));
    else if (value)
        return refuse_type(inputs, name, wanted, json_type(value));
    return true;
}

/* What is there in place of what is wanted; a form has nothing but text. */
static const char *got_of(const struct inputs *inputs, const char *name)
{
    yyjson_val *value = member(inputs, name);

    return value ? json_type(value) : "a string";
}

/* The number that the text is, all of it. */
static bool number_of(struct view text, double *number)
{
    char copy[NUMBER_MOST];
    char *end;

    if (text.len >= sizeof(copy) || !strchr("+-.0123456789", text.at[0]))
        return false;
    memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    *number = strtod(copy, &end);
    return end == copy + text.len && *number - *number == 0; /* neither infinite nor no number */
}

bool inputs_number(struct inputs *inputs, const char *name, double least, double most,
                   double *number)
{
    struct view text;
    char wanted[96];
    double found;

    if (!spelling(inputs, name, "a number", &text))
        return false;
    if (!text.len)
        return true;
    if (!number_of(text, &found))
        return refuse_type(inputs, name, "a number", got_of(inputs, name));
    snprintf(wanted, sizeof(wanted), "between %g and %g", least, most);
    if (found < least || found > most)
        return refuse_value(inputs, name, text, wanted);
    *number = found;
    return true;
}

bool inputs_integer(struct inputs *inputs, const char *name, int64_t least, int64_t most,
                    int64_t *number)
{
    double found = (double)*number;

    if (!inputs_number(inputs, name, (double)least, (double)most, &found))
        return false;
    if (found != (double)(int64_t)found)
        return refuse_type(inputs, name, "an integer", "a number");
    *number = (int64_t)found;
    return true;
}

bool inputs_flag(struct inputs *inputs, const char *name, bool *flag)
{
    struct view text;

    if (!spelling(inputs, name, "a boolean", &text))
        return false;
    if (!text.len)
        return true;
    *flag = view_equal(text, VIEW("true")) || view_equal(text, VIEW("1"));
    if (*flag || view_equal(text, VIEW("false")) || view_equal(text, VIEW("0")))
        return true;
    return refuse_type(inputs, name, "a boolean", got_of(inputs, name));
}

bool inputs_word(struct inputs *inputs, const char *name, const char *const *words, size_t *which)
{
    struct bytes wanted = {0};
    struct view text = {0};

    if (!inputs_text(inputs, name, &text))
        return false;
    if (!text.len)
        return true;
    for (size_t i = 0; words[i]; i++) {
        if (view_equal(text, view_of(words[i]))) {
            bytes_clear(&wanted);
            *which = i;
            return true;
        }
        bytes_printf(&wanted, "%s'%s'", i ? ", " : "one of ", words[i]);
    }
    refuse_value(inputs, name, text, bytes_cstr(&wanted));
    bytes_clear(&wanted);
    return false;
}

bool inputs_asked(struct inputs *inputs, struct view *asked)
{
    if (!inputs_text(inputs, "model", asked))
        return false;
    if (inputs->request->model.len)
        *asked = inputs->request->model;
    return true;
}

bool inputs_model(struct inputs *inputs, struct view asked, struct view *name)
{
    const struct request *request = inputs->request;
    struct model_choice choice;
    enum choice how =
        catalog_choose(request->catalog, asked, request->may_wait, request->now_ms, &choice);

    *name = choice.name;
    if (how == CHOICE_AWAITS) {
        inputs->plan->models_wait_ms = CATALOG_CHOICE_MS;
        return false;
    }
    return how == CHOICE_MADE ||
           inputs_refuse(inputs, ERROR_NO_MODEL, "model", "The model '%.*s' does not exist.",
                         asked.len < 128 ? (int)asked.len : 128, asked.len ? asked.at : "");
}

size_t inputs_characters(struct view text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++)
        count += ((unsigned char)text.at[i] & 0xc0) != 0x80;
    return count;
}

bool inputs_needed(struct inputs *inputs, const char *name, size_t most, struct view *text)
{
    size_t count;

    if (!inputs_text(inputs, name, text))
        return false;
    if (!view_trim(*text).len)
        return inputs_refuse(inputs, ERROR_MISSING_PARAMETER, name,
                             "Missing required parameter: '%s'.", name);
    count = inputs_characters(*text);
    if (count > most)
        return inputs_refuse(inputs, ERROR_TOO_LONG, name,
                             "Invalid '%s': string too long. Expected a string with maximum length "
                             "%zu, but got a string with length %zu instead.",
                             name, most, count);
    return true;
}
