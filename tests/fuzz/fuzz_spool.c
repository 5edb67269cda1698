/* SPDX-License-Identifier: Apache-2.0 */
/* A segment of the spool. needs: recorder */
/* An even first byte: the rest is a file as it stands, whatever it is. An odd one: the rest is a
 * script that writes records with garbage between them and cuts the file off somewhere; then
 * exactly the records that are whole must be found, through any borders of the buffer. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "message.h"
#include "intake/segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ensure(bool claim)
{
    if (!claim)
        abort();
}

/* Opens a segment over these bytes, as segment_open does over a file. */
static void segment_over(struct segment *segment, struct view file)
{
    uint64_t first;
    uint32_t salt;

    *segment = (struct segment){.offset = SEGMENT_HEADER};
    segment->fd = memfd_create("segment", MFD_CLOEXEC);
    ensure(segment->fd >= 0);
    ensure(file.len == 0 || write(segment->fd, file.at, file.len) == (ssize_t)file.len);
    segment->is_good = segment_is(file, &first, &salt);
    segment->salt = salt;
}

static void read_anything(struct view file)
{
    struct segment segment;
    struct view payload;

    segment_over(&segment, file);
    while (segment_next(&segment, &payload)) {
        union message letter;
        enum message_kind kind;

        ensure(payload.len > 0 && payload.len <= PAYLOAD_MOST);
        ensure(segment_end(&segment) <= file.len);
        message_unpack(&payload, &kind, &letter);
    }
    ensure(segment.bad <= file.len);
    segment_close(&segment);
}

struct script {
    struct bytes file;
    struct bytes payloads; /* of all records, one behind the other */
    size_t lens[4096],
        ends[4096]; /* of each: its payload's length, where its record ends in the file */
    size_t count;
    uint32_t salt;
};

/* A step is a byte that says what, two for a length, one that all the bytes are made of. */
static void script_step(struct script *script, const uint8_t *step)
{
    size_t len = (size_t)step[1] << 8 | step[2];
    struct bytes run = {0};

    if (step[0] % 2)
        len = 1 + len % PAYLOAD_MOST;
    bytes_room(&run, len + 1);
    for (; run.len < len; run.len++)
        run.at[run.len] = (char)(step[3] + (step[0] & 2 ? run.len : 0));
    if (step[0] % 2) {
        segment_put(&script->file, script->salt, bytes_view(&run));
        bytes_append(&script->payloads, bytes_view(&run));
        script->lens[script->count] = len;
        script->ends[script->count++] = script->file.len;
    } else {
        bytes_append(&script->file, bytes_view(&run));
    }
    bytes_clear(&run);
}

static void script_check(struct script *script, size_t cut)
{
    struct segment segment;
    struct view payload;
    size_t at = 0;

    segment_over(&segment, (struct view){script->file.at, cut});
    for (size_t i = 0; i < script->count && script->ends[i] <= cut; i++) {
        ensure(segment_next(&segment, &payload));
        ensure(view_equal(payload, (struct view){script->payloads.at + at, script->lens[i]}));
        ensure(segment_end(&segment) == script->ends[i]);
        at += script->lens[i];
    }
    ensure(!segment_next(&segment, &payload));
    segment_close(&segment);
}

static void run_script(const uint8_t *data, size_t size)
{
    static struct script script;
    size_t cut;

    script.count = 0;
    script.file.len = script.payloads.len = 0;
    script.salt =
        (uint32_t)crc32(0, data, (uInt)size); /* so that no input can hold a record of its own */
    segment_begin(&script.file, 1, script.salt);
    for (size_t at = 3; at + 4 <= size && script.count < 4096 && script.file.len < 1 << 18; at += 4)
        script_step(&script, data + at);
    cut = (size_t)data[0] << 16 | (size_t)data[1] << 8 | data[2];
    cut = script.file.len - (cut < script.file.len - SEGMENT_HEADER ? cut : 0);
    script_check(&script, cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size >= 4 && data[0] % 2)
        run_script(data + 1, size - 1);
    else if (size >= 1)
        read_anything((struct view){(const char *)data + 1, size - 1});
    return 0;
}
