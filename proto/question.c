/* SPDX-License-Identifier: Apache-2.0 */
/* The questions of questions.def. What must stay true: a value that is given is within its
 * parameter's bounds, and a text is valid UTF-8 without a zero in it. */
#include "question.h"

#include <yyjson.h>

enum { DIGITS_MOST = 19 }; /* what a u64 holds in any case */

const struct question_facts questions[QUESTIONS] = {
#define NUMBER(name, least, most, text) {PARAMETER_NUMBER, #name, least, most, text},
#define TEXT(name, most, text) {PARAMETER_TEXT, #name, 0, most, text},
#define QUESTION(name, text, ...) [QUESTION_##name] = {#name, text, {__VA_ARGS__}},
#include "questions.def"
};

enum question question_find(struct view name)
{
    enum question question = 0;

    while (question < QUESTIONS && !view_equal(name, view_of(questions[question].name)))
        question++;
    return question;
}

/* Digits, and nothing else. */
static bool number_of_text(struct view text, uint64_t *number)
{
    *number = 0;
    if (!text.len || text.len > DIGITS_MOST)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        *number = *number * 10 + (uint64_t)(text.at[i] - '0');
    }
    return true;
}

static bool number_read(const struct parameter *parameter, yyjson_val *json, struct value *value)
{
    struct view text = {yyjson_get_str(json), yyjson_get_len(json)};

    if (yyjson_is_uint(json))
        value->number = yyjson_get_uint(json);
    else if (!yyjson_is_str(json) || !number_of_text(text, &value->number))
        return false;
    return value->number >= parameter->least && value->number <= parameter->most;
}

static bool text_read(const struct parameter *parameter, yyjson_val *json, struct value *value)
{
    value->text = (struct view){yyjson_get_str(json), yyjson_get_len(json)};
    return yyjson_is_str(json) && value->text.len <= parameter->most &&
           !memchr(value->text.at, '\0', value->text.len);
}

static void complain(const struct parameter *parameter, struct bytes *why)
{
    bytes_printf(why, "%s should be ", parameter->name);
    if (parameter->type == PARAMETER_NUMBER)
        bytes_printf(why, "a number from %llu to %llu", (unsigned long long)parameter->least,
                     (unsigned long long)parameter->most);
    else
        bytes_printf(why, "a text of at most %llu bytes", (unsigned long long)parameter->most);
}

static bool value_read(const struct parameter *parameter, yyjson_val *json, struct value *value,
                       struct bytes *why)
{
    value->is_given = parameter->type == PARAMETER_NUMBER ? number_read(parameter, json, value)
                                                          : text_read(parameter, json, value);
    if (!value->is_given)
        complain(parameter, why);
    return value->is_given;
}

static bool member_read(enum question question, yyjson_val *name, struct question_values *values,
                        struct bytes *why)
{
    const struct parameter *parameters = questions[question].parameters;
    struct view text = {yyjson_get_str(name), yyjson_get_len(name)};

    for (size_t i = 0; parameters[i].type != PARAMETER_NONE; i++)
        if (view_equal(text, view_of(parameters[i].name)))
            return value_read(&parameters[i], yyjson_obj_iter_get_val(name), &values->by.at[i],
                              why);
    bytes_printf(why, "%s has no parameter of this name: ", questions[question].name);
    bytes_append(why, text);
    return false;
}

bool question_read(enum question question, struct view json, struct question_values *values,
                   struct bytes *why)
{
    yyjson_obj_iter members;
    yyjson_val *name;

    *values = (struct question_values){0};
    if (!json.len)
        return true;
    values->doc = yyjson_read(json.at, json.len, 0);
    if (!yyjson_obj_iter_init(yyjson_doc_get_root(values->doc), &members)) {
        bytes_text(why, "the parameters should be a JSON object");
        return false;
    }
    while ((name = yyjson_obj_iter_next(&members)) != NULL)
        if (!member_read(question, name, values, why))
            return false;
    return true;
}

void question_clear(struct question_values *values)
{
    yyjson_doc_free(values->doc);
    *values = (struct question_values){0};
}
