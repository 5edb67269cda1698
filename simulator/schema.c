/* SPDX-License-Identifier: Apache-2.0 */
/* Google's request messages as tables, and one walker over them; the prompt check calls it. What
 * must stay true: a new field or message is one line here. The walk goes as deep as the tables do,
 * except for Schema, whose depth is bounded. */
#include "schema.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define DEPTH_MAX 100
#define VIOLATIONS_MAX 12
#define PACKAGE "type.googleapis.com/google.ai.generativelanguage.v1beta."

enum kind {
    KIND_STRING,
    KIND_DURATION,  /* "3.5s" */
    KIND_TIMESTAMP, /* RFC 3339 */
    KIND_BYTES,
    KIND_BOOL,
    KIND_INT32,
    KIND_INT64,
    KIND_FLOAT,
    KIND_ENUM,
    KIND_MESSAGE,
    KIND_MAP,    /* of messages, or of strings when there is no message */
    KIND_ANY,    /* any JSON value */
    KIND_OBJECT, /* any JSON object */
};

struct schema_field {
    const char *name;
    enum kind kind;
    bool is_repeated;
    const struct schema_message *message;
    const char *enum_name;
    const char *const *values;
};

struct schema_message {
    const char *name;
    const struct schema_field *fields;
    size_t count;
};

/* clang-format off */
#define STRING(name) {name, KIND_STRING, false, NULL, NULL, NULL}
#define STRINGS(name) {name, KIND_STRING, true, NULL, NULL, NULL}
#define DURATION(name) {name, KIND_DURATION, false, NULL, NULL, NULL}
#define TIMESTAMP(name) {name, KIND_TIMESTAMP, false, NULL, NULL, NULL}
#define BYTES(name) {name, KIND_BYTES, false, NULL, NULL, NULL}
#define BOOL(name) {name, KIND_BOOL, false, NULL, NULL, NULL}
#define INT32(name) {name, KIND_INT32, false, NULL, NULL, NULL}
#define INT64(name) {name, KIND_INT64, false, NULL, NULL, NULL}
#define FLOAT(name) {name, KIND_FLOAT, false, NULL, NULL, NULL}
#define ENUM(name, type) {name, KIND_ENUM, false, NULL, #type, type##_values}
#define ENUMS(name, type) {name, KIND_ENUM, true, NULL, #type, type##_values}
#define ONE(name, type) {name, KIND_MESSAGE, false, &type##_message, NULL, NULL}
#define MANY(name, type) {name, KIND_MESSAGE, true, &type##_message, NULL, NULL}
#define MAP(name, type) {name, KIND_MAP, false, &type##_message, NULL, NULL}
#define STRING_MAP(name) {name, KIND_MAP, false, NULL, NULL, NULL}
#define ANY(name) {name, KIND_ANY, false, NULL, NULL, NULL}
#define ANYS(name) {name, KIND_ANY, true, NULL, NULL, NULL}
#define OBJECT(name) {name, KIND_OBJECT, false, NULL, NULL, NULL}
#define VALUES(type, ...) static const char *const type##_values[] = {__VA_ARGS__, NULL}
#define FIELDS(type, ...) \
    static const struct schema_field type##_fields[] = {__VA_ARGS__}; \
    static const struct schema_message type##_message = {#type, type##_fields, COUNT(type##_fields)}
#define NO_FIELDS(type) static const struct schema_message type##_message = {#type, NULL, 0}
/* clang-format on */

#include "schema.def"

const struct schema_message *const schema_generate_content_request =
    &GenerateContentRequest_message;
const struct schema_message *const schema_count_tokens_request = &CountTokensRequest_message;
const struct schema_message *const schema_embed_content_request = &EmbedContentRequest_message;
const struct schema_message *const schema_batch_embed_contents_request =
    &BatchEmbedContentsRequest_message;
const struct schema_message *const schema_predict_request = &PredictRequest_message;

/* Where the walk is: names and indexes back to the root. Printed only when something is wrong. */
struct step {
    const struct step *parent;
    const char *name; /* camelCase; NULL at the root and for a map's key */
    struct span key;  /* of a map */
    long index;       /* negative: none */
    int depth;
};

static void check_message(struct violations *v, const struct schema_message *message,
                          yyjson_val *value, const struct step *at);

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

bool schema_name_is(const char *camel, struct span name)
{
    const char *c = camel;
    size_t i = 0;

    if (span_is(name, camel))
        return true;
    for (; *c != '\0' && i < name.len; c++) {
        if (is_upper(*c) && name.at[i++] != '_')
            return false;
        if (i == name.len || name.at[i++] != (is_upper(*c) ? *c + 32 : *c))
            return false;
    }
    return *c == '\0' && i == name.len;
}

yyjson_val *schema_get(yyjson_val *object, const char *camel)
{
    size_t i;
    size_t count;
    yyjson_val *name;
    yyjson_val *value;

    if (!yyjson_is_obj(object))
        return NULL;
    yyjson_obj_foreach(object, i, count, name, value)
    {
        if (schema_name_is(camel, schema_span(name)))
            return yyjson_is_null(value) ? NULL : value;
    }
    return NULL;
}

struct schema_list schema_list(yyjson_val *repeated)
{
    if (!yyjson_is_arr(repeated))
        return (struct schema_list){repeated, repeated != NULL, repeated != NULL};
    size_t count = yyjson_arr_size(repeated);
    return (struct schema_list){yyjson_arr_get_first(repeated), count, count};
}

yyjson_val *schema_next(struct schema_list *list)
{
    yyjson_val *element = list->next;

    if (list->left == 0)
        return NULL;
    if (--list->left != 0)
        list->next = unsafe_yyjson_get_next(element);
    return element;
}

struct span schema_span(yyjson_val *string)
{
    return (struct span){yyjson_get_str(string), yyjson_get_len(string)};
}

double schema_number(yyjson_val *value)
{
    return yyjson_is_str(value) ? strtod(yyjson_get_str(value), NULL) : yyjson_get_num(value);
}

void violations_refuse(struct violations *v, const char *format, ...)
{
    char words[1500];
    va_list args;

    va_start(args, format);
    vsnprintf(words, sizeof(words), format, args);
    va_end(args);
    if (v->count++ < VIOLATIONS_MAX)
        text_put(&v->message, words);
}

void violations_clear(struct violations *v)
{
    text_clear(&v->message);
    text_clear(&v->elements);
    v->count = 0;
}

static void put_snake(struct text *out, const char *camel)
{
    for (; *camel != '\0'; camel++) {
        char lower = is_upper(*camel) ? (char)(*camel + 32) : *camel;
        if (is_upper(*camel))
            text_add(out, "_", 1);
        text_add(out, &lower, 1);
    }
}

static void put_path(struct text *out, const struct step *at)
{
    if (at->parent == NULL)
        return;
    put_path(out, at->parent);
    if (out->len != 0)
        text_put(out, ".");
    if (at->name != NULL)
        put_snake(out, at->name);
    else
        text_add(out, at->key.at, at->key.len);
    if (at->index >= 0)
        text_format(out, "[%ld]", at->index);
}

static void add_violation(struct violations *v, struct span field, struct span words)
{
    struct json j = {.out = &v->elements};

    if (v->count >= VIOLATIONS_MAX)
        return;
    if (v->count++ != 0) {
        text_put(&v->message, "\n");
        text_put(&v->elements, ",");
    }
    text_add(&v->message, words.at, words.len);
    json_open(&j, '{');
    if (field.len != 0)
        json_name_text(&j, "field", field);
    json_name_text(&j, "description", words);
    json_close(&j, '}');
}

/* "Invalid JSON payload received. Unknown name …: <complaint>" about `name` inside of the message
 * at `at`. */
static void bad_name(struct violations *v, const struct step *at, struct span name,
                     const char *complaint)
{
    struct text path = {0};
    struct text words = {0};

    put_path(&path, at);
    text_format(&words, "Invalid JSON payload received. Unknown name \"%.*s\"", (int)name.len,
                name.at);
    if (path.len != 0)
        text_format(&words, " at '%.*s'", (int)path.len, path.at);
    text_format(&words, ": %s", complaint);
    add_violation(v, text_span(&path), text_span(&words));
    text_clear(&path);
    text_clear(&words);
}

static void bad_value(struct violations *v, const struct step *at, const char *type,
                      yyjson_val *value)
{
    struct text path = {0};
    struct text words = {0};
    char *json = yyjson_val_write(value, 0, NULL);
    bool is_base64_fault = yyjson_is_str(value) && strcmp(type, "TYPE_BYTES") == 0;

    put_path(&path, at);
    text_format(&words, "Invalid value at '%.*s' (%s), %s%.200s", (int)path.len, path.at, type,
                is_base64_fault ? "Base64 decoding failed for " : "", json != NULL ? json : "\"\"");
    add_violation(v, text_span(&path), text_span(&words));
    free(json);
    text_clear(&path);
    text_clear(&words);
}

static bool is_numeric(struct span s)
{
    static const char digits[] = "0123456789";
    char copy[64];
    char *end = copy;

    if (s.len == 0 || s.len >= sizeof(copy))
        return false;
    memcpy(copy, s.at, s.len);
    copy[s.len] = '\0';
    if (strchr(digits, copy[0]) == NULL && strchr("-+.", copy[0]) == NULL)
        return false;
    strtod(copy, &end);
    return *end == '\0';
}

static bool number_fits(yyjson_val *value, enum kind kind)
{
    double low = kind == KIND_INT32 ? -2147483648.0 : -9223372036854775808.0;
    double high = kind == KIND_INT32 ? 2147483647.0 : 9223372036854775807.0;
    double number =
        yyjson_is_str(value) ? strtod(yyjson_get_str(value), NULL) : yyjson_get_num(value);

    if (kind == KIND_FLOAT)
        return true;
    return number >= low && number <= high && number == (double)(long long)number;
}

static bool is_number_of(yyjson_val *value, enum kind kind)
{
    if (!yyjson_is_num(value) && !(yyjson_is_str(value) && is_numeric(schema_span(value))))
        return false;
    return number_fits(value, kind);
}

static bool is_base64(struct span s)
{
    size_t end = s.len;

    while (end > 0 && s.len - end < 2 && s.at[end - 1] == '=')
        end--;
    for (size_t i = 0; i < end; i++) {
        char c = s.at[i];
        bool is_letter = (c >= 'a' && c <= 'z') || is_upper(c) || (c >= '0' && c <= '9');
        if (!is_letter && c != '+' && c != '/' && c != '-' && c != '_')
            return false;
    }
    return end % 4 != 1;
}

/* Decimal seconds with an "s" behind. */
static bool is_duration(struct span s)
{
    return s.len > 1 && s.at[s.len - 1] == 's' && is_numeric(span_first(s, s.len - 1));
}

static bool is_timestamp(struct span s)
{
    static const char shape[] = "0000-00-00T00:00:00";
    struct span zone = s.len >= sizeof(shape) ? span_from(s, sizeof(shape) - 1) : (struct span){0};

    for (size_t i = 0; zone.len != 0 && i < sizeof(shape) - 1; i++)
        if (shape[i] == '0' ? s.at[i] < '0' || s.at[i] > '9' : s.at[i] != shape[i])
            return false;
    if (zone.len > 1 && zone.at[0] == '.')
        do
            zone = span_from(zone, 1);
        while (zone.len != 0 && zone.at[0] >= '0' && zone.at[0] <= '9');
    return span_is(zone, "Z") || (zone.len == 6 && (zone.at[0] == '+' || zone.at[0] == '-'));
}

static bool is_value_of(yyjson_val *value, const char *const *values)
{
    size_t count = 0;

    for (; *values != NULL; values++, count++)
        if (yyjson_equals_str(value, *values))
            return true;
    return yyjson_is_uint(value) && yyjson_get_uint(value) < count;
}

/* Checks a scalar; returns its type's name when the value is not one. */
static const char *check_scalar(const struct schema_field *field, yyjson_val *value)
{
    static char name[200];

    switch (field->kind) {
    case KIND_STRING:
        return yyjson_is_str(value) ? NULL : "TYPE_STRING";
    case KIND_DURATION:
        return yyjson_is_str(value) && is_duration(schema_span(value))
                   ? NULL
                   : "type.googleapis.com/google.protobuf.Duration";
    case KIND_TIMESTAMP:
        return yyjson_is_str(value) && is_timestamp(schema_span(value))
                   ? NULL
                   : "type.googleapis.com/google.protobuf.Timestamp";
    case KIND_BYTES:
        return yyjson_is_str(value) && is_base64(schema_span(value)) ? NULL : "TYPE_BYTES";
    case KIND_BOOL:
        return yyjson_is_bool(value) ? NULL : "TYPE_BOOL";
    case KIND_INT32:
        return is_number_of(value, KIND_INT32) ? NULL : "TYPE_INT32";
    case KIND_INT64:
        return is_number_of(value, KIND_INT64) ? NULL : "TYPE_INT64";
    case KIND_FLOAT:
        return is_number_of(value, KIND_FLOAT) ? NULL : "TYPE_FLOAT";
    case KIND_ENUM:
        if (is_value_of(value, field->values))
            return NULL;
        strcpy(name, PACKAGE);
        return strncat(name, field->enum_name, 100);
    case KIND_OBJECT:
        return yyjson_is_obj(value) ? NULL : "type.googleapis.com/google.protobuf.Struct";
    case KIND_ANY:
    case KIND_MESSAGE:
    case KIND_MAP:
        return NULL;
    }
    return NULL;
}

static void check_map(struct violations *v, const struct schema_field *field, yyjson_val *value,
                      const struct step *at)
{
    size_t i;
    size_t count;
    yyjson_val *name;
    yyjson_val *element;

    if (!yyjson_is_obj(value)) {
        bad_value(v, at, "map", value);
        return;
    }
    yyjson_obj_foreach(value, i, count, name, element)
    {
        struct step step = {at, NULL, schema_span(name), -1, at->depth + 1};
        if (field->message != NULL)
            check_message(v, field->message, element, &step);
        else if (!yyjson_is_str(element))
            bad_value(v, &step, "TYPE_STRING", element);
    }
}

static void check_one(struct violations *v, const struct schema_field *field, yyjson_val *value,
                      const struct step *at)
{
    if (field->kind == KIND_MESSAGE) {
        check_message(v, field->message, value, at);
    } else if (field->kind == KIND_MAP) {
        check_map(v, field, value, at);
    } else {
        const char *wrong = check_scalar(field, value);
        if (wrong != NULL)
            bad_value(v, at, wrong, value);
    }
}

static void check_field(struct violations *v, const struct schema_field *field, struct span name,
                        yyjson_val *value, const struct step *parent)
{
    struct step step = {parent, field->name, {NULL, 0}, -1, parent->depth + 1};
    size_t i;
    size_t count;
    yyjson_val *element;

    if (yyjson_is_null(value))
        return;
    if (!yyjson_is_arr(value) || (field->kind == KIND_ANY && !field->is_repeated)) {
        step.index = field->is_repeated ? 0 : -1;
        check_one(v, field, value, &step);
        return;
    }
    if (!field->is_repeated) {
        bad_name(v, parent, name, "Proto field is not repeating, cannot start list.");
        return;
    }
    yyjson_arr_foreach(value, i, count, element)
    {
        step.index = (long)i;
        check_one(v, field, element, &step);
    }
}

static void bad_message(struct violations *v, const struct step *at,
                        const struct schema_message *message, yyjson_val *value)
{
    char type[200] = PACKAGE;

    bad_value(v, at, strncat(type, message->name, 100), value);
}

static const struct schema_field *find_field(const struct schema_message *message, struct span name)
{
    for (size_t i = 0; i < message->count; i++)
        if (schema_name_is(message->fields[i].name, name))
            return &message->fields[i];
    return NULL;
}

static void check_message(struct violations *v, const struct schema_message *message,
                          yyjson_val *value, const struct step *at)
{
    size_t i;
    size_t count;
    yyjson_val *name;
    yyjson_val *member;

    if (!yyjson_is_obj(value) || at->depth > DEPTH_MAX) {
        bad_message(v, at, message, at->depth > DEPTH_MAX ? NULL : value);
        return;
    }
    yyjson_obj_foreach(value, i, count, name, member)
    {
        const struct schema_field *field = find_field(message, schema_span(name));
        if (field != NULL)
            check_field(v, field, schema_span(name), member, at);
        else
            bad_name(v, at, schema_span(name), "Cannot find field.");
    }
}

void schema_check(struct violations *v, const struct schema_message *message, yyjson_val *value)
{
    struct step root = {NULL, NULL, {NULL, 0}, -1, 0};

    check_message(v, message, value, &root);
}
