/* SPDX-License-Identifier: Apache-2.0 */
/* A frame as a peer may send it: any bytes. What unpacks must pack to something that unpacks to the
 * same.
 *
 * A first byte of 0xc1, with which no frame begins, makes the rest a script: it says the kind and
 * what stands in every field of that letter. What was packed must come back field by field; cut
 * short it must be refused, without its optional tail it must be taken, and with a newer peer's
 * fields behind as well. In no case is memory asked for. */
#include <stdint.h>
#include <stdlib.h>

#include "../unit/fields.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The sanitizer's; without one nothing is counted. */
__attribute__((weak)) int
__sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
                                          void (*on_free)(const volatile void *));

enum {
    SCRIPT = 0xc1,
    TEXT_MOST = 70 * 1024, /* beyond what two bytes of length can say */
};

static size_t largest;

static void on_malloc(const volatile void *at, size_t size)
{
    (void)at;
    if (size > largest)
        largest = size;
}

static void on_free(const volatile void *at)
{
    (void)at;
}

static void ensure(bool claim)
{
    if (!claim)
        abort();
}

static const char *unpack(struct view *frame, enum message_kind *kind, union message *letter)
{
    const char *wrong;

    largest = 0;
    wrong = message_unpack(frame, kind, letter);
    ensure(largest == 0);
    return wrong;
}

static void check_again(enum message_kind kind, const union message *letter)
{
    struct bytes first = {0}, second = {0};
    union message again;
    enum message_kind again_kind;
    struct view rest;

    message_pack(&first, kind, letter);
    rest = bytes_view(&first);
    ensure(!unpack(&rest, &again_kind, &again) && again_kind == kind && !rest.len);
    message_pack(&second, kind, &again);
    ensure(view_equal(bytes_view(&first), bytes_view(&second)));
    bytes_clear(&second);
    message_print(&second, kind, letter);
    bytes_clear(&first);
    bytes_clear(&second);
}

static void read_anything(struct view rest)
{
    while (rest.len) {
        union message letter;
        enum message_kind kind;

        if (unpack(&rest, &kind, &letter))
            break;
        if (kind != MSG_NONE)
            check_again(kind, &letter);
    }
}

/* A script's bytes; behind its end there are zeros. */

static unsigned take(struct view *script)
{
    unsigned byte = script->len ? (unsigned char)script->at[0] : 0;

    *script = view_skip(*script, script->len ? 1 : 0);
    return byte;
}

static uint64_t take_number(struct view *script)
{
    unsigned count = take(script) % 9;
    uint64_t number = 0;

    while (count-- > 0)
        number = number << 8 | take(script);
    return number;
}

/* A length with a low first byte takes so many bytes of the script as they are; others ask for a
 * run of one byte, which gets as long as the wire's longer forms. */
static struct view take_text(struct view *script, struct bytes *run)
{
    unsigned first = take(script);
    struct view text = {script->at, first};

    if (first < 128) {
        text.len = first < script->len ? first : script->len;
        *script = view_skip(*script, text.len);
        return text;
    }
    text.len = ((first & 0x7f) << 16 | take(script) << 8 | take(script)) % TEXT_MOST;
    text.at = bytes_room(run, text.len + 1);
    memset(run->at, (int)take(script), text.len);
    return text;
}

static void fill(const struct field *fields, struct view *script, union message *letter,
                 struct bytes *runs)
{
    for (size_t i = 0; fields[i].name; i++) {
        char *at = (char *)letter + fields[i].offset;

        switch (fields[i].type) {
        case FIELD_u64:
            *(uint64_t *)at = take_number(script);
            break;
        case FIELD_boolean:
            *(bool *)at = take(script) & 1;
            break;
        case FIELD_str:
        case FIELD_bin:
        case FIELD_secret: /* a struct secret is a struct view */
            *(struct view *)at = take_text(script, &runs[i]);
            break;
        }
    }
}

static bool is_absent(const struct field *field, const char *at)
{
    static const union message nothing;

    return field_is_same(field, at, (const char *)&nothing + field->offset);
}

/* The first `count` fields are as they were sent, the others absent. */
static void check_fields(enum message_kind kind, struct view frame, const union message *sent,
                         size_t count)
{
    const struct field *fields = messages[kind].fields;
    enum message_kind got_kind;
    union message got;

    ensure(!unpack(&frame, &got_kind, &got));
    ensure(got_kind == kind && frame.len == 0);
    for (size_t i = 0; fields[i].name; i++) {
        const char *at = (const char *)&got + fields[i].offset;

        ensure(i < count ? field_is_same(&fields[i], at, (const char *)sent + fields[i].offset)
                         : is_absent(&fields[i], at));
    }
}

/* Where value number `index` of the frame's first letter (0: its kind) begins. */
static size_t value_at(struct view frame, size_t index)
{
    static const unsigned char lengths[256] = {
        [0xc4] = 1, [0xc5] = 2, [0xc6] = 4, [0xcc] = 1, [0xcd] = 2,
        [0xce] = 4, [0xcf] = 8, [0xd9] = 1, [0xda] = 2, [0xdb] = 4};
    size_t at = (unsigned char)frame.at[0] == 0xdc ? 3 : 1;

    for (; index > 0; index--) {
        unsigned first = (unsigned char)frame.at[at++], width = lengths[first];
        uint64_t number = 0;
        bool is_text = (first >= 0xc4 && first <= 0xc6) || (first >= 0xd9 && first <= 0xdb);

        for (unsigned i = 0; i < width; i++)
            number = number << 8 | (unsigned char)frame.at[at++];
        at += first >= 0xa0 && first <= 0xbf ? first & 0x1f : is_text ? number : 0;
    }
    return at;
}

/* The frame with `count` values in all: fewer than it has, or more, which are then nils. */
static void recount(struct bytes *out, struct view frame, size_t has, size_t count)
{
    size_t begin = value_at(frame, 0), kept = count < has ? count : has;

    bytes_printf(out, "\xdc%c%c", (int)(count >> 8), (int)(count & 0xff));
    out->at[1] = (char)(count >> 8);
    bytes_append(out, (struct view){frame.at + begin, value_at(frame, kept) - begin});
    for (; kept < count; kept++)
        bytes_append(out, VIEW("\xc0"));
}

static void check_tails(enum message_kind kind, struct view frame, const union message *sent)
{
    const struct field *fields = messages[kind].fields;
    size_t count = 0;

    while (fields[count].name)
        count++;
    for (size_t kept = 0; kept <= count + 2; kept++) {
        bool may_lack = kept >= count || fields[kept].is_optional;
        struct bytes other = {0};

        recount(&other, frame, count + 1, kept + 1);
        if (may_lack) {
            check_fields(kind, bytes_view(&other), sent, kept);
        } else {
            struct view rest = bytes_view(&other);
            enum message_kind got_kind;
            union message got;
            const char *wrong = unpack(&rest, &got_kind, &got);

            ensure(wrong && strcmp(wrong, fields[kept].name) == 0 && got_kind == MSG_NONE);
        }
        bytes_clear(&other);
    }
}

static void check_cut(struct view frame, size_t cut)
{
    struct bytes part = {0}; /* of its own, so that a look beyond is seen */
    struct view rest;
    enum message_kind kind;
    union message letter;

    bytes_append(&part, (struct view){frame.at, cut % frame.len});
    rest = bytes_view(&part);
    ensure(unpack(&rest, &kind, &letter) && kind == MSG_NONE);
    bytes_clear(&part);
}

static void run_script(struct view script)
{
    enum message_kind kind = (enum message_kind)(1 + take(&script) % (MSG_KINDS - 1));
    size_t cut = take_number(&script);
    struct bytes frame = {0}, runs[64] = {{0}};
    union message sent;

    memset(&sent, 0, sizeof(sent));
    fill(messages[kind].fields, &script, &sent, runs);
    message_pack(&frame, kind, &sent);
    check_fields(kind, bytes_view(&frame), &sent, SIZE_MAX);
    check_tails(kind, bytes_view(&frame), &sent);
    check_cut(bytes_view(&frame), cut);
    check_again(kind, &sent);
    bytes_clear(&frame);
    for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++)
        bytes_clear(&runs[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_counting;
    struct view input = {(const char *)data, size};

    if (!is_counting && __sanitizer_install_malloc_and_free_hooks)
        __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
    is_counting = true;
    if (size && data[0] == SCRIPT)
        run_script(view_skip(input, 1));
    else
        read_anything(input);
    return 0;
}
