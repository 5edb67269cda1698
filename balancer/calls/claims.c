/* SPDX-License-Identifier: Apache-2.0 */
/* Claims: a call names objects, and only the key that has them can serve it. Called by calls.c for each new call, and by
 * seeking.c when more is known. What must stay true: a call that names another client's object goes nowhere, and its client
 * reads the same as if there were none. */
#include "calls/claims.h"

#include <utlist.h>

#include "base/clock.h"
#include "calls/placing.h"
#include "objects/objects.h"
#include "settings/settings.h"

enum { SEEKING_MOST = 1000 /* calls */ };

static void refuse(struct calls *calls, struct call *call, enum error error, struct view name)
{
    bool is_later = error == ERROR_QUEUE_FULL;

    placing_refuse(calls, call,
                   &(struct wait){.until_ms = is_later ? calls->actor->now_ms + 1000 : UINT64_MAX,
                                  .error = error,
                                  .words = is_later ? VIEW("") : name});
}

/* It waits until keys have been asked, or is refused. */
static void seek(struct calls *calls, struct call *call, const struct msg_call *letter,
                 struct view name)
{
    bool is_full = calls->seeking_count >= SEEKING_MOST ||
                   calls->waiting_bytes + letter->body.len > settings_now()->queue_bytes;

    if (seeks_missed(calls->seeks, name, calls->actor->now_ms)) {
        refuse(calls, call, ERROR_NO_OBJECT, name);
        return;
    }
    if (is_full || !seeks_begin(calls->seeks, name)) {
        refuse(calls, call, ERROR_QUEUE_FULL, name);
        return;
    }
    call_keep_letter(calls, call, letter);
    call_enter(calls, call, CALL_SEEKING, NULL);
    actor_wake(calls->actor, calls->actor->now_ms);
}

/* A pool of one key has it or nobody has: the provider says which. */
static bool settle_unknown(struct calls *calls, struct call *call, const struct msg_call *letter,
                           struct view name)
{
    if (calls->pool->count > 1)
        seek(calls, call, letter, name);
    return calls->pool->count <= 1;
}

/* Its key has been taken out of the pool; another may be of the same project. */
static bool settle_key(struct calls *calls, struct call *call, const struct msg_call *letter,
                       uint64_t key_id, struct view name)
{
    if (!pool_find(calls->pool, key_id)) {
        holdings_forget(calls->holdings, name);
        return settle_unknown(calls, call, letter, name);
    }
    call->owner = key_id;
    return true;
}

/* Vertex has none of what is kept at Gemini. */
static bool refuse_elsewhere(struct calls *calls, struct call *call, struct view names)
{
    struct view name = {0};

    object_next(&names, &name);
    refuse(calls, call, ERROR_NO_OBJECT, name);
    return false;
}

bool claims_settle(struct calls *calls, struct call *call, const struct msg_call *letter)
{
    struct claim claim = {letter->names, letter->client, letter->any_client};
    struct view name = {0};
    uint64_t key_id = 0;

    if (!letter->names.len)
        return true;
    if (call->pool == calls->vertex)
        return refuse_elsewhere(calls, call, letter->names);
    switch (holdings_resolve(calls->holdings, &claim, clock_utc_ms(), &key_id, &name)) {
    case FINDING_NONE:
        return true;
    case FINDING_KEY:
        return settle_key(calls, call, letter, key_id, name);
    case FINDING_UNKNOWN:
        return settle_unknown(calls, call, letter, name);
    case FINDING_FOREIGN:
        refuse(calls, call, ERROR_NO_OBJECT, name);
        return false;
    case FINDING_APART:
        refuse(calls, call, ERROR_OBJECTS_APART, name);
        return false;
    }
    return true;
}

static void look_again(struct calls *calls, struct call *call)
{
    struct bytes letter = call->letter;
    struct view frame = bytes_view(&letter);
    enum message_kind kind;
    union message msg;

    call->letter = (struct bytes){0};
    calls->waiting_bytes -= letter.len;
    message_unpack(&frame, &kind, &msg); /* we packed it */
    call_enter(calls, call, CALL_ENDED, NULL);
    if (claims_settle(calls, call, &msg.call))
        placing_take(calls, call, &msg.call);
    bytes_clear(&letter);
}

/* Those that must go on seeking stand behind the others then, each once. */
void claims_look_again(struct calls *calls)
{
    for (size_t left = calls->seeking_count; left && calls->seeking; left--)
        look_again(calls, calls->seeking);
}
