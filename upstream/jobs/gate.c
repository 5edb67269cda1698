/* SPDX-License-Identifier: Apache-2.0 */
/* The gate. What must stay true: before the first content nothing leaves; what has left is a run of
 * the provider's bytes from the first one on, without a gap; and an answer is only called good if
 * the provider has finished it. */
#include "jobs/gate.h"

enum {
    EVENT_MOST = 128 * 1024, /* of a larger event only the end is looked at */
    TAIL_MOST = 16 * 1024,
    ERROR_MOST = 64 * 1024,
    PENDING_MOST = 4 * 1024, /* of an object that has begun */
    STRAY_MOST = 64 * 1024,  /* of lines that are no event and might be an error */
};

void gate_head(struct gate *gate, unsigned status, struct view type)
{
    gate->status = status;
    gate->is_held = gate->kind == GATE_OBJECT && !sse_is_type(type);
    gate->sse.limit = gate->elements.limit = EVENT_MOST;
    if (status < 200 || status >= 300)
        gate->framing = FRAMING_ERROR;
    else if (gate_is_blind(gate))
        gate->framing = FRAMING_BYTES;
    else if (sse_is_type(type))
        gate->framing = FRAMING_EVENTS;
    else
        gate->framing = gate->is_stream ? FRAMING_NONE : FRAMING_WHOLE;
}

/* A stream that is no event stream: its first character tells. */
static void find_framing(struct gate *gate, struct view bytes)
{
    struct view text;

    if (gate->framing != FRAMING_NONE)
        return;
    text = view_trim(bytes);
    if (text.len)
        gate->framing = text.at[0] == '[' ? FRAMING_ARRAY : FRAMING_WHOLE;
}

/* Letting out */

static void let_out(struct gate *gate, struct view bytes, bool is_end)
{
    gate->is_open = true;
    if (gate->held.len) {
        gate->out(gate->owner, bytes_view(&gate->held), is_end && !bytes.len);
        bytes_clear(&gate->held);
    }
    if (bytes.len)
        gate->out(gate->owner, bytes, is_end);
}

/* Judging one object */

static void keep_usage(struct usage *kept, const struct usage *fresh)
{
    /* The provider repeats growing sums, and sometimes sends zeros in between. */
    if (fresh->tokens_in)
        kept->tokens_in = fresh->tokens_in;
    if (fresh->tokens_out)
        kept->tokens_out = fresh->tokens_out;
    if (fresh->tokens_thoughts)
        kept->tokens_thoughts = fresh->tokens_thoughts;
    if (fresh->tokens_cached)
        kept->tokens_cached = fresh->tokens_cached;
}

static void keep_error(struct gate *gate, struct view text)
{
    if (text.len > ERROR_MOST)
        text.len = ERROR_MOST;
    bytes_copy(&gate->error, text);
    gate->is_over = true;
}

static void fail(struct gate *gate, enum fault fault)
{
    gate->verdict = (struct verdict){.fault = fault};
    gate->is_over = true;
}

/* What finishing so means where no content came. */
static enum fault finish_of(const struct gate *gate, const struct sight *sight)
{
    return sight->is_vague && !gate->is_raw ? FAULT_EMPTY : sight->finish;
}

/* Thoughts that came together with that end are no answer. */
static bool is_malformed(const struct sight *sight)
{
    return sight->has_finish && sight->finish == FAULT_MALFORMED;
}

static bool is_content(const struct gate *gate, const struct sight *sight)
{
    if (gate->kind != GATE_GENERATED)
        return true;
    return sight->has_content || (sight->has_thought && gate->thoughts && !is_malformed(sight)) ||
           sight->is_blocked || (sight->has_finish && finish_of(gate, sight) == FAULT_NONE);
}

/* Returns whether the answer may be shown from here on. */
static bool take_sight(struct gate *gate, const struct sight *sight)
{
    keep_usage(&gate->usage, &sight->usage);
    gate->has_thought |= sight->has_thought;
    gate->is_blocked |= sight->is_blocked;
    if (sight->has_finish) {
        gate->has_finish = true;
        gate->finish = finish_of(gate, sight);
    }
    return is_content(gate, sight);
}

/* One event or element. False: it is an error, and the answer is over before it. */
static bool take_object(struct gate *gate, struct view json, bool is_truncated, bool *may_open)
{
    struct sight sight;

    if (gate->framing == FRAMING_EVENTS && sse_is_sentinel(json))
        return true; /* neither content nor an error, and no finish either */
    if (is_truncated)
        gate->provider->look_at_end(json, &sight);
    else
        gate->provider->look(json, &sight);
    if (sight.is_error) {
        keep_error(gate, json);
        return false;
    }
    if (!sight.is_json && !*may_open) {
        fail(gate, FAULT_MALFORMED);
        return false;
    }
    *may_open |= take_sight(gate, &sight);
    return true;
}

/* Streams */

/* An error that came as an event behind content: what has not left of it, for clients that read the
 * provider's own events. */
static void keep_event(struct gate *gate, struct view rest)
{
    if (gate->framing != FRAMING_EVENTS || !gate->is_open || !gate->error.len)
        return;
    bytes_append(&gate->held, rest);
    if (gate->sse.skips_newline) /* the second half of the border is still on its way */
        bytes_text(&gate->held, "\n");
    gate->is_event = true;
}

static bool next_object(struct gate *gate, struct view *more, struct view *object, bool *is_large)
{
    return gate->framing == FRAMING_EVENTS ? sse_feed(&gate->sse, more, object, is_large)
                                           : elements_feed(&gate->elements, more, object, is_large);
}

/* How many bytes behind the last good object may wait. An object that has begun waits a little,
 * since it may be an error, and nobody can use half of it anyway; lines that are no event wait
 * longer. */
static size_t wait_most(const struct gate *gate, bool may_open, size_t hold_most)
{
    if (!may_open)
        return hold_most;
    return gate->sse.stray.len ? STRAY_MOST : PENDING_MOST;
}

/* The newline of a border that was cut between its return and its newline still belongs to what was
 * good. */
static size_t border_rest(const struct gate *gate, struct view bytes)
{
    bool is_border = gate->sse.skips_newline && sse_is_between(&gate->sse) && !gate->held.len;

    return is_border && bytes.len && bytes.at[0] == '\n' ? 1 : 0;
}

static bool feed_stream(struct gate *gate, struct view bytes, size_t hold_most)
{
    struct view more = bytes, object, rest;
    size_t good = border_rest(gate, bytes); /* bytes up to the end of the last good object */
    bool may_open = gate->is_open, is_large = false;

    while (next_object(gate, &more, &object, &is_large)) {
        if (!take_object(gate, object, is_large, &may_open))
            break;
        good = bytes.len - more.len;
    }
    if (may_open && good)
        let_out(gate, (struct view){bytes.at, good}, true);
    rest = view_skip(bytes, may_open ? good : 0);
    if (gate->is_over) {
        rest.len -= more.len;
        keep_event(gate, rest);
        return false;
    }
    if (gate->held.len + rest.len <= wait_most(gate, may_open, hold_most))
        bytes_append(&gate->held, rest);
    else if (gate->sse.stray.len && !gate->is_open)
        fail(gate, FAULT_MALFORMED); /* a long page, and no event in it */
    else
        let_out(gate, rest, false);
    return !gate->is_over;
}

/* The last event may lack the empty line behind it. It gets one, or readers would drop it. */
static void end_last_event(struct gate *gate)
{
    struct view more = VIEW("\n\n"), object;
    bool may_open = gate->is_open, is_large = false;
    struct sight sight = {.is_json = true};

    if (!sse_feed(&gate->sse, &more, &object, &is_large))
        return;
    if (!is_large && !sse_is_sentinel(object))
        gate->provider->look(object, &sight);
    if (!sight.is_json)
        fail(gate, FAULT_CUT);
    else if (!take_object(gate, object, is_large, &may_open))
        keep_event(gate, VIEW("\n\n"));
    else if (may_open)
        let_out(gate, VIEW("\n\n"), true);
}

/* Lines that were no events: an error in plain JSON, or a page of somebody else. */
static void end_stray(struct gate *gate)
{
    struct view stray = bytes_view(&gate->sse.stray);
    struct sight sight;

    gate->provider->look(stray, &sight);
    if (sight.is_error)
        keep_error(gate, stray);
    else if (!gate->is_open)
        fail(gate, FAULT_MALFORMED);
    else if (!gate->has_finish)
        fail(gate, FAULT_CUT);
}

/* Whether the answer says of itself that it is whole. */
static bool has_ended(const struct gate *gate)
{
    return gate->has_finish || gate->is_blocked || gate->kind != GATE_GENERATED;
}

/* An array's bracket stays back if its last element was none: so an error may still be one. */
static void end_stream(struct gate *gate, bool is_clean)
{
    bool may_close;

    if (gate->is_over || !is_clean)
        return;
    if (gate->framing == FRAMING_ARRAY && !gate->elements.is_closed)
        fail(gate, FAULT_CUT);
    if (gate->framing == FRAMING_EVENTS && !sse_is_between(&gate->sse))
        end_last_event(gate);
    if (gate->sse.stray.len)
        end_stray(gate);
    may_close = gate->framing != FRAMING_ARRAY || has_ended(gate);
    if (!gate->is_over && gate->is_open && may_close)
        let_out(gate, (struct view){0}, true);
}

/* Whole answers */

static bool feed_whole(struct gate *gate, struct view bytes, size_t hold_most)
{
    if (gate->is_open || gate->held.len + bytes.len > hold_most) {
        if (!gate->is_open)
            (void)bytes_append_end(&gate->tail, bytes_view(&gate->held), TAIL_MOST);
        (void)bytes_append_end(&gate->tail, bytes, TAIL_MOST);
        let_out(gate, bytes, false);
    } else {
        bytes_append(&gate->held, bytes);
    }
    return true;
}

static void end_kept(struct gate *gate)
{
    struct view text = bytes_view(&gate->held);
    struct sight sight;

    gate->provider->look(text, &sight);
    if (sight.is_error)
        keep_error(gate, text);
    else if (!sight.is_json)
        fail(gate, view_trim(text).len ? FAULT_MALFORMED : FAULT_EMPTY);
    if (!gate->is_over && take_sight(gate, &sight)) {
        gate->has_finish = true; /* it is whole, even where the provider gives no reason */
        let_out(gate, (struct view){0}, true);
    }
}

static void end_whole(struct gate *gate, bool is_clean)
{
    struct view tail = bytes_view(&gate->tail);
    struct sight sight;

    if (!is_clean)
        return;
    if (!gate->is_open) {
        end_kept(gate);
        return;
    }
    while (tail.len && strchr(" \t\r\n", tail.at[tail.len - 1]))
        tail.len--;
    if (!tail.len || (tail.at[tail.len - 1] != '}' && tail.at[tail.len - 1] != ']'))
        fail(gate, FAULT_CUT);
    gate->provider->look_at_end(tail, &sight);
    take_sight(gate, &sight);
    gate->has_finish =
        true; /* it may stand too far from the end to be seen; the bracket is enough */
}

/* Bytes of any kind: an empty answer is one too. */
static void end_bytes(struct gate *gate, bool is_clean)
{
    if (is_clean && !gate->is_open && gate->held.len)
        let_out(gate, (struct view){0}, true);
    else if (is_clean && !gate->is_open)
        gate->out(gate->owner, (struct view){0}, true);
    gate->is_open |= is_clean;
}

/* The end */

void gate_refuse(struct gate *gate)
{
    fail(gate, FAULT_MALFORMED);
}

bool gate_feed(struct gate *gate, struct view bytes, size_t hold_most)
{
    if (gate->is_over)
        return false;
    find_framing(gate, bytes);
    switch (gate->framing) {
    case FRAMING_NONE:
        bytes_append(&gate->held, bytes); /* spaces */
        return gate->held.len <= PENDING_MOST;
    case FRAMING_EVENTS:
    case FRAMING_ARRAY:
        return feed_stream(gate, bytes, hold_most);
    case FRAMING_WHOLE:
        return feed_whole(gate, bytes, hold_most);
    case FRAMING_BYTES:
        if (gate->is_held && !gate->is_open && gate->held.len + bytes.len <= hold_most)
            bytes_append(&gate->held, bytes);
        else
            let_out(gate, bytes, false);
        return true;
    case FRAMING_ERROR:
        if (bytes.len > ERROR_MOST - gate->held.len)
            bytes.len = ERROR_MOST - gate->held.len;
        bytes_append(&gate->held, bytes);
        return true;
    }
    return false;
}

static enum fault judge_open(const struct gate *gate, bool is_clean)
{
    if (!is_clean)
        return FAULT_CUT;
    if (gate->is_blocked)
        return FAULT_BLOCKED;
    return has_ended(gate) ? FAULT_NONE : FAULT_CUT;
}

static enum fault judge_shut(const struct gate *gate, bool is_clean)
{
    if (!is_clean)
        return gate->held.len ? FAULT_CUT : FAULT_RESET;
    if (gate->has_finish)
        return gate->finish;
    return gate->has_thought ? FAULT_CUT : FAULT_EMPTY;
}

enum fault gate_end(struct gate *gate, bool is_clean, uint64_t utc_ms)
{
    struct view error;

    if (gate->is_over)
        is_clean = false;
    else if (gate->framing == FRAMING_EVENTS || gate->framing == FRAMING_ARRAY)
        end_stream(gate, is_clean);
    else if (gate->framing == FRAMING_WHOLE)
        end_whole(gate, is_clean);
    else if (gate->framing == FRAMING_BYTES)
        end_bytes(gate, is_clean);
    error = gate_error(gate);
    if (gate->framing == FRAMING_ERROR)
        gate->verdict.retry_ms = gate->retry_ms;
    if (error.len || gate->framing == FRAMING_ERROR)
        gate->provider->read_error(gate->status, error, utc_ms, &gate->verdict);
    if (gate->verdict.fault == FAULT_NONE)
        gate->verdict.fault =
            gate->is_open ? judge_open(gate, is_clean) : judge_shut(gate, is_clean);
    return gate->verdict.fault;
}

struct view gate_error(const struct gate *gate)
{
    return bytes_view(gate->framing == FRAMING_ERROR ? &gate->held : &gate->error);
}

struct view gate_error_event(const struct gate *gate)
{
    return gate->is_event ? bytes_view(&gate->held) : VIEW("");
}

size_t gate_held(const struct gate *gate)
{
    return gate->held.len;
}

void gate_clear(struct gate *gate)
{
    sse_clear(&gate->sse);
    elements_clear(&gate->elements);
    bytes_clear(&gate->held);
    bytes_clear(&gate->tail);
    bytes_clear(&gate->error);
}
