/* SPDX-License-Identifier: Apache-2.0 */
/* Reads scripts by a table of their fields; the prompt check and the admin route call it. What must
 * stay true: a field that is not in the table is an error, so that a misspelt test fails instead of
 * passing. */
#include "script.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define NUMBER_MAX 1e9 /* so that products of two fit */

enum shape {
    NUMBER,
    FLAG,
    STRING,
    REASON, /* true or a string */
    USAGE,
    OBJECT,
    OBJECTS, /* a list of them */
    CALLS,   /* a number or a list */
};

static const struct script_field {
    const char *name;
    enum shape shape;
    size_t at;
} fields[] = {
    {"chunks", NUMBER, offsetof(struct script, chunks)},
    {"chunk_bytes", NUMBER, offsetof(struct script, chunk_bytes)},
    {"event_bytes", NUMBER, offsetof(struct script, event_bytes)},
    {"reply_bytes", NUMBER, offsetof(struct script, reply_bytes)},
    {"thoughts", NUMBER, offsetof(struct script, thoughts)},
    {"sound_ms", NUMBER, offsetof(struct script, sound_ms)},
    {"pace_ms", NUMBER, offsetof(struct script, pace_ms)},
    {"first_ms", NUMBER, offsetof(struct script, first_ms)},
    {"split", NUMBER, offsetof(struct script, split)},
    {"split_ms", NUMBER, offsetof(struct script, split_ms)},
    {"cut_at_byte", NUMBER, offsetof(struct script, cut_at_byte)},
    {"cut_after_events", NUMBER, offsetof(struct script, cut_after_events)},
    {"close_after_events", NUMBER, offsetof(struct script, close_after_events)},
    {"error_after_events", NUMBER, offsetof(struct script, error_after_events)},
    {"hang_after_events", NUMBER, offsetof(struct script, hang_after_events)},
    {"error_status", NUMBER, offsetof(struct script, error_status)},
    {"input_limit", NUMBER, offsetof(struct script, input_limit)},
    {"cached", NUMBER, offsetof(struct script, cached)},
    {"tool_use", NUMBER, offsetof(struct script, tool_use)},
    {"thought_tokens", NUMBER, offsetof(struct script, thought_tokens)},
    {"signature_bytes", NUMBER, offsetof(struct script, signature_bytes)},
    {"numbered", FLAG, offsetof(struct script, is_numbered)},
    {"empty", FLAG, offsetof(struct script, is_empty)},
    {"chunked", FLAG, offsetof(struct script, is_chunked)},
    {"error_as_data", FLAG, offsetof(struct script, is_error_data)},
    {"as_array", FLAG, offsetof(struct script, is_array)},
    {"head_early", FLAG, offsetof(struct script, is_head_early)},
    {"connection_close", FLAG, offsetof(struct script, is_last_close)},
    {"cut_fin", FLAG, offsetof(struct script, is_cut_fin)},
    {"ratings", FLAG, offsetof(struct script, is_rated)},
    {"signature_apart", FLAG, offsetof(struct script, is_signed_apart)},
    {"text", STRING, offsetof(struct script, text)},
    {"finish", STRING, offsetof(struct script, finish)},
    {"finish_message", STRING, offsetof(struct script, finish_message)},
    {"line_end", STRING, offsetof(struct script, line_end)},
    {"error_message", STRING, offsetof(struct script, error_message)},
    {"blocked", REASON, offsetof(struct script, blocked)},
    {"usage", USAGE, offsetof(struct script, usage)},
    {"candidate", OBJECT, offsetof(struct script, candidate)},
    {"parts", OBJECTS, offsetof(struct script, parts)},
    {"calls", CALLS, offsetof(struct script, calls)},
};

/* Where JSON is printed to, one after the other. */
struct room {
    char *at;
    size_t left;
};

struct script script_default(void)
{
    struct script script = {.line_end = {"\r\n", 2}, .calls_count = UNSET};

    for (size_t i = 0; i < COUNT(fields); i++)
        if (fields[i].shape == NUMBER)
            *(int64_t *)((char *)&script + fields[i].at) = UNSET;
    return script;
}

static bool read_number(int64_t *to, yyjson_val *value)
{
    if (!yyjson_is_int(value) || yyjson_get_sint(value) < 0 || yyjson_get_num(value) > NUMBER_MAX)
        return false;
    *to = yyjson_get_sint(value);
    return true;
}

static bool read_string(struct span *to, yyjson_val *value)
{
    if (!yyjson_is_str(value))
        return false;
    *to = (struct span){yyjson_get_str(value), yyjson_get_len(value)};
    return true;
}

static bool read_reason(struct span *to, yyjson_val *value)
{
    if (yyjson_is_true(value))
        *to = span_of("PROHIBITED_CONTENT");
    return yyjson_is_bool(value) || read_string(to, value);
}

static bool print(struct span *to, yyjson_val *value, struct room *room)
{
    size_t len = 0;
    char *json = yyjson_val_write(value, 0, &len);
    bool fits = json != NULL && len < room->left;

    if (fits) {
        memcpy(room->at, json, len + 1);
        *to = (struct span){room->at, len};
        room->at += len + 1;
        room->left -= len + 1;
    }
    free(json);
    return fits;
}

static bool read_usage(struct script *script, struct span *to, yyjson_val *value, struct room *room)
{
    if (yyjson_equals_str(value, "last"))
        script->usage_when = USAGE_LAST;
    else if (yyjson_equals_str(value, "none"))
        script->usage_when = USAGE_NONE;
    else
        return yyjson_is_obj(value) && print(to, value, room);
    return true;
}

static bool read_objects(struct span *to, yyjson_val *value, struct room *room)
{
    size_t i;
    size_t count;
    yyjson_val *object;

    yyjson_arr_foreach(value, i, count, object)
    {
        if (!yyjson_is_obj(object))
            return false;
    }
    return yyjson_is_arr(value) && print(to, value, room);
}

static bool is_call(yyjson_val *value)
{
    yyjson_val *args = yyjson_obj_get(value, "args");
    yyjson_val *id = yyjson_obj_get(value, "id");
    size_t known = 1 + (args != NULL) + (id != NULL);

    return yyjson_is_str(yyjson_obj_get(value, "name")) && yyjson_obj_size(value) == known &&
           (args == NULL || yyjson_is_obj(args)) && (id == NULL || yyjson_is_str(id));
}

static bool read_calls(struct script *script, struct span *to, yyjson_val *value, struct room *room)
{
    size_t i;
    size_t count;
    yyjson_val *call;

    if (!yyjson_is_arr(value))
        return read_number(&script->calls_count, value);
    yyjson_arr_foreach(value, i, count, call)
    {
        if (!is_call(call))
            return false;
    }
    return print(to, value, room);
}

static bool read_field(struct script *script, const struct script_field *field, yyjson_val *value,
                       struct room *room)
{
    void *to = (char *)script + field->at;

    switch (field->shape) {
    case NUMBER:
        return read_number(to, value);
    case FLAG:
        *(bool *)to = yyjson_is_true(value);
        return yyjson_is_bool(value);
    case STRING:
        return read_string(to, value);
    case REASON:
        return read_reason(to, value);
    case USAGE:
        return read_usage(script, to, value, room);
    case OBJECT:
        return yyjson_is_obj(value) && print(to, value, room);
    case OBJECTS:
        return read_objects(to, value, room);
    case CALLS:
        return read_calls(script, to, value, room);
    }
    return false;
}

static const struct script_field *find_field(yyjson_val *name)
{
    for (size_t i = 0; i < COUNT(fields); i++)
        if (yyjson_equals_str(name, fields[i].name))
            return &fields[i];
    return NULL;
}

static bool is_among(yyjson_val *name, const char *const *others)
{
    for (; others != NULL && *others != NULL; others++)
        if (yyjson_equals_str(name, *others))
            return true;
    return false;
}

static const char *complain(const char *about, yyjson_val *name)
{
    static char words[200];

    snprintf(words, sizeof(words), "Simulator: %s \"%.100s\" in the script.", about,
             yyjson_get_str(name));
    return words;
}

const char *script_read(struct script *script, yyjson_val *json, const char *const *others,
                        char *room, size_t size)
{
    struct room left = {room, size};
    size_t i;
    size_t count;
    yyjson_val *name;
    yyjson_val *value;

    *script = script_default();
    if (!yyjson_is_obj(json))
        return "Simulator: a script is a JSON object.";
    yyjson_obj_foreach(json, i, count, name, value)
    {
        const struct script_field *field = find_field(name);
        if (field == NULL && is_among(name, others))
            continue;
        if (field == NULL)
            return complain("unknown field", name);
        if (!read_field(script, field, value, &left))
            return complain("wrong value for", name);
    }
    if (strspn(script->line_end.at, "\r\n") < script->line_end.len || script->line_end.len - 1 > 1)
        return "Simulator: line_end is \\n, \\r or \\r\\n.";
    return NULL;
}
