/* SPDX-License-Identifier: Apache-2.0 */
/* Letters: the structs of messages.def and one walker each to pack, unpack, check and print them.
 * A letter is one msgpack array, its kind first; a frame holds letters back to back. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "base/view.h"

#define PROTOCOL_VERSION 1

enum role {
    ROLE_FRONTEND = 1,
    ROLE_BALANCER = 2,
    ROLE_UPSTREAM = 4,
    ROLE_RECORDER = 8,
    ROLE_ADMIN = 16,
};

enum message_kind {
    MSG_NONE, /* 0 is never sent */
#define MESSAGE(kind, name, from, to, text) MSG_##kind,
#include "messages.def"
    MSG_KINDS
};

typedef uint64_t message_u64;
typedef struct view message_str;
typedef struct view message_bin;
typedef bool message_boolean;
typedef struct secret message_secret;

/* struct msg_hello, struct msg_call, … Views in them borrow the frame they were unpacked from. */
#define MESSAGE(kind, name, from, to, text)                                                        \
    struct msg_##name {                                                                            \
        bool is_message; /* so that no struct is empty; not on the wire */
#define FIELD(name, type, field, need, text) message_##type field;
#define END(name)                                                                                  \
    }                                                                                              \
    ;
#include "messages.def"

/* Room for any message. */
union message {
#define MESSAGE(kind, name, from, to, text) struct msg_##name name;
#include "messages.def"
};

enum field_type {
    FIELD_u64,
    FIELD_str,
    FIELD_bin,
    FIELD_boolean,
    FIELD_secret,
};

struct field {
    const char *name; /* NULL ends the list */
    enum field_type type;
    size_t offset; /* in its struct */
    bool is_optional;
    const char *text;
};

struct message_facts {
    const char *name; /* "CALL" */
    unsigned from;    /* set of roles */
    unsigned to;
    const struct field *fields;
    const char *text;
};

/* Indexed by kind; messages[MSG_NONE] is empty. */
extern const struct message_facts messages[MSG_KINDS];

/* Appends `letter` (a struct msg_… of that kind) to `out`. */
void message_pack(struct bytes *out, enum message_kind kind, const void *letter);

/* Takes the first letter off `*frame` into `kind` and `out`, whose views then borrow the frame.
 * Returns NULL, or what is wrong (static text); then the rest of the frame is not to be trusted. A
 * kind that this build doesn't know is skipped whole and given as MSG_NONE. */
const char *message_unpack(struct view *frame, enum message_kind *kind, union message *out);

/* Appends the letter as "CALL call=7 offer=1 body=<12 bytes>", secrets and bodies left out, for the
 * trace log. */
void message_print(struct bytes *out, enum message_kind kind, const void *letter);

/* The role of that name, or 0. */
unsigned role_of(struct view name);
const char *role_name(unsigned role);
