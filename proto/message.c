/* SPDX-License-Identifier: Apache-2.0 */
/* The walkers over messages.def. What must stay true: nothing of a frame is believed before its
 * type and length are checked, and no container is ever handed to libmsgpack, which makes room for
 * its elements before it has seen them. */
#include "message.h"

#include <msgpack.h>

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

enum { FIELDS_MOST = 64 }; /* of one letter, unknown ones of a newer peer included */

/* Packing */

static int append(void *data, const char *at, size_t len)
{
    bytes_append(data, (struct view){at, len});
    return 0;
}

static void pack_text(msgpack_packer *packer, struct view text, bool is_binary)
{
    if (is_binary)
        msgpack_pack_bin(packer, text.len);
    else
        msgpack_pack_str(packer, text.len);
    if (text.len)
        append(packer->data, text.at, text.len);
}

static void pack_field(msgpack_packer *packer, const struct field *field, const char *at)
{
    switch (field->type) {
    case FIELD_u64:
        msgpack_pack_uint64(packer, *(const uint64_t *)at);
        return;
    case FIELD_boolean:
        if (*(const bool *)at)
            msgpack_pack_true(packer);
        else
            msgpack_pack_false(packer);
        return;
    case FIELD_str:
        pack_text(packer, *(const struct view *)at, false);
        return;
    case FIELD_bin:
        pack_text(packer, *(const struct view *)at, true);
        return;
    case FIELD_secret:
        pack_text(packer, ((const struct secret *)at)->hidden, false);
        return;
    }
}

void message_pack(struct bytes *out, enum message_kind kind, const void *letter)
{
    const struct field *fields = messages[kind].fields;
    msgpack_packer packer;
    size_t count = 0;

    while (fields[count].name)
        count++;
    msgpack_packer_init(&packer, out, append);
    msgpack_pack_array(&packer, count + 1);
    msgpack_pack_uint64(&packer, kind);
    for (size_t i = 0; i < count; i++)
        pack_field(&packer, &fields[i], (const char *)letter + fields[i].offset);
}

/* Unpacking */

/* Reads an array's header off `frame`. */
static bool take_array(struct view *frame, size_t *count)
{
    const unsigned char *at = (const unsigned char *)frame->at;

    if (frame->len >= 1 && (at[0] & 0xf0) == 0x90) {
        *count = at[0] & 0x0f;
        *frame = view_skip(*frame, 1);
        return true;
    }
    if (frame->len >= 3 && at[0] == 0xdc) {
        *count = (size_t)at[1] << 8 | at[2];
        *frame = view_skip(*frame, 3);
        return true;
    }
    return false;
}

/* Whether a msgpack value that begins with this byte is a scalar, a str or a bin. */
static bool is_flat(unsigned char first)
{
    return first < 0x80 || (first >= 0xa0 && first <= 0xbf) || first == 0xc0 || first == 0xc2 ||
           first == 0xc3 || (first >= 0xc4 && first <= 0xc6) || (first >= 0xca && first <= 0xd3) ||
           (first >= 0xd9 && first <= 0xdb) || first >= 0xe0;
}

/* Takes one flat value off `frame`. It points into the frame: the zone, which msgpack wants for
 * what is not flat, stays empty. Of msgpack_unpack_next, a zone is made and freed for each string.
 */
static bool take_value(struct view *frame, msgpack_object *value)
{
    static msgpack_zone empty;
    size_t used = 0;
    msgpack_unpack_return got;

    if (!frame->len || !is_flat((unsigned char)frame->at[0]))
        return false;
    got = msgpack_unpack(frame->at, frame->len, &used, &empty, value);
    if (got != MSGPACK_UNPACK_SUCCESS && got != MSGPACK_UNPACK_EXTRA_BYTES)
        return false;
    *frame = view_skip(*frame, used);
    return true;
}

static bool store_value(const struct field *field, const msgpack_object *value, char *at)
{
    switch (field->type) {
    case FIELD_u64:
        if (value->type != MSGPACK_OBJECT_POSITIVE_INTEGER)
            return false;
        *(uint64_t *)at = value->via.u64;
        return true;
    case FIELD_boolean:
        if (value->type != MSGPACK_OBJECT_BOOLEAN)
            return false;
        *(bool *)at = value->via.boolean;
        return true;
    case FIELD_str:
    case FIELD_secret: /* a struct secret is a struct view */
        if (value->type != MSGPACK_OBJECT_STR)
            return false;
        *(struct view *)at = (struct view){value->via.str.ptr, value->via.str.size};
        return true;
    case FIELD_bin:
        if (value->type != MSGPACK_OBJECT_BIN)
            return false;
        *(struct view *)at = (struct view){value->via.bin.ptr, value->via.bin.size};
        return true;
    }
    return false;
}

/* Takes the fields behind the kind; `count` values are there. */
static const char *take_fields(struct view *frame, const struct field *fields, size_t count,
                               char *out)
{
    msgpack_object value;
    size_t i = 0;

    for (; i < count; i++) {
        if (!take_value(frame, &value))
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
    msgpack_object value;
    const char *wrong;
    size_t count;

    memset(out, 0, sizeof(*out));
    *kind = MSG_NONE;
    if (!take_array(frame, &count))
        return "array";
    if (count < 1 || count > FIELDS_MOST)
        return "count";
    if (!take_value(frame, &value) || value.type != MSGPACK_OBJECT_POSITIVE_INTEGER)
        return "kind";
    if (value.via.u64 == MSG_NONE || value.via.u64 >= MSG_KINDS)
        return take_fields(frame, NULL, count - 1, NULL);
    wrong = take_fields(frame, messages[value.via.u64].fields, count - 1, (char *)out);
    if (!wrong)
        *kind = (enum message_kind)value.via.u64;
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
