/* SPDX-License-Identifier: Apache-2.0 */
/* The walkers over messages.def. What must stay true: nothing of a frame is believed before its
 * type and length are checked. */
#include "message.h"

#include <msgpuck.h>

#include "flat.h"

/* The tables */

#define REQUIRED false
#define OPTIONAL true
#define MESSAGE(kind, name, from, to, text) static const struct field fields_##name[] = {
#define FIELD(name, type, field, need, text)                                                       \
    {#field, FIELD_##type, offsetof(struct msg_##name, field), need, text},
#define END(name)                                                                                  \
    {                                                                                              \
        NULL, FIELD_u64, 0, false, NULL                                                            \
    }                                                                                              \
    }                                                                                              \
    ;
#include "messages.def"

#define FRONTEND ROLE_FRONTEND
#define BALANCER ROLE_BALANCER
#define UPSTREAM ROLE_UPSTREAM
#define RECORDER ROLE_RECORDER
#define ADMIN ROLE_ADMIN
const struct message_facts messages[MSG_KINDS] = {
    [MSG_NONE] = {"NONE", 0, 0, NULL, ""},
#define MESSAGE(kind, name, from, to, text) [MSG_##kind] = {#kind, from, to, fields_##name, text},
#include "messages.def"
};

enum {
    FIELDS_MOST = 64, /* of one letter, unknown ones of a newer peer included */
    HEAD_MOST = 9,    /* bytes of a number, and of what stands in front of a text */
};

/* Packing */

static struct view text_at(const struct field *field, const char *letter)
{
    return *(const struct view *)(const void *)(letter + field->offset);
}

static bool is_text(const struct field *field)
{
    return field->type != FIELD_u64 && field->type != FIELD_boolean;
}

/* Counts the fields; returns the most bytes that the letter can take. */
static size_t room_of(const struct field *fields, const char *letter, size_t *count)
{
    size_t room = (size_t)2 * HEAD_MOST; /* the array and its kind */

    for (*count = 0; fields[*count].name; ++*count) {
        room += HEAD_MOST;
        if (is_text(&fields[*count]))
            room += text_at(&fields[*count], letter).len;
    }
    return room;
}

static char *pack_text(char *to, struct view text)
{
    if (text.len)
        memcpy(to, text.at, text.len);
    return to + text.len;
}

static char *pack_field(char *to, const struct field *field, const char *letter)
{
    const char *at = letter + field->offset;

    switch (field->type) {
    case FIELD_u64:
        return mp_encode_uint(to, *(const uint64_t *)(const void *)at);
    case FIELD_boolean:
        return mp_encode_bool(to, *(const bool *)at);
    case FIELD_str:
    case FIELD_secret: /* a struct secret is a struct view */
        return pack_text(mp_encode_strl(to, (uint32_t)text_at(field, letter).len),
                         text_at(field, letter));
    case FIELD_bin:
        return pack_text(mp_encode_binl(to, (uint32_t)text_at(field, letter).len),
                         text_at(field, letter));
    }
    return to;
}

void message_pack(struct bytes *out, enum message_kind kind, const void *letter)
{
    const struct field *fields = messages[kind].fields;
    size_t count, room = room_of(fields, letter, &count);
    char *to = bytes_room(out, room);

    to = mp_encode_array(to, (uint32_t)count + 1);
    to = mp_encode_uint(to, kind);
    for (size_t i = 0; i < count; i++)
        to = pack_field(to, &fields[i], letter);
    out->len = (size_t)(to - out->at);
}

/* Unpacking */

/* Reads an array's header off `frame`. */
static bool take_array(struct view *frame, size_t *count)
{
    const char *at = frame->at;

    if (!frame->len || mp_typeof(*at) != MP_ARRAY || mp_check_array(at, at + frame->len) > 0)
        return false;
    *count = mp_decode_array(&at);
    *frame = view_skip(*frame, (size_t)(at - frame->at));
    return true;
}

static bool store_value(const struct field *field, const struct flat *value, char *at)
{
    static const enum flat_type types[] = {
        [FIELD_u64] = FLAT_NUMBER, [FIELD_boolean] = FLAT_BOOLEAN, [FIELD_str] = FLAT_STR,
        [FIELD_bin] = FLAT_BIN,    [FIELD_secret] = FLAT_STR,
    };

    if (value->type != types[field->type])
        return false;
    if (field->type == FIELD_u64)
        *(uint64_t *)(void *)at = value->number;
    else if (field->type == FIELD_boolean)
        *(bool *)at = value->number;
    else
        *(struct view *)(void *)at = value->text; /* a struct secret is a struct view */
    return true;
}

/* Takes the fields behind the kind; `count` values are there. */
static const char *take_fields(struct view *frame, const struct field *fields, size_t count,
                               char *out)
{
    struct flat value;

    for (size_t i = 0; i < count; i++) {
        if (!flat_take(frame, &value))
            return fields && fields->name ? fields->name : "value";
        if (!fields || !fields->name)
            continue; /* of a newer peer */
        if (!store_value(fields, &value, out + fields->offset))
            return fields->name;
        fields++;
    }
    for (; fields && fields->name; fields++)
        if (!fields->is_optional)
            return fields->name;
    return NULL;
}

const char *message_unpack(struct view *frame, enum message_kind *kind, union message *out)
{
    struct flat value;
    const char *wrong;
    size_t count;

    memset(out, 0, sizeof(*out));
    *kind = MSG_NONE;
    if (!take_array(frame, &count))
        return "array";
    if (count < 1 || count > FIELDS_MOST)
        return "count";
    if (!flat_take(frame, &value) || value.type != FLAT_NUMBER)
        return "kind";
    if (value.number == MSG_NONE || value.number >= MSG_KINDS)
        return take_fields(frame, NULL, count - 1, NULL);
    wrong = take_fields(frame, messages[value.number].fields, count - 1, (char *)out);
    if (!wrong)
        *kind = (enum message_kind)value.number;
    return wrong;
}

/* Printing */

void message_print(struct bytes *out, enum message_kind kind, const void *letter)
{
    bytes_text(out, messages[kind].name);
    for (const struct field *field = messages[kind].fields; field && field->name; field++) {
        const char *at = (const char *)letter + field->offset;

        bytes_printf(out, " %s=", field->name);
        switch (field->type) {
        case FIELD_u64:
            bytes_printf(out, "%llx", (unsigned long long)*(const uint64_t *)at);
            break;
        case FIELD_boolean:
            bytes_text(out, *(const bool *)at ? "true" : "false");
            break;
        case FIELD_str:
            bytes_append(out, *(const struct view *)at);
            break;
        case FIELD_bin:
            bytes_printf(out, "<%zu bytes>", ((const struct view *)at)->len);
            break;
        case FIELD_secret:
            bytes_text(out, "<secret>");
            break;
        }
    }
}
