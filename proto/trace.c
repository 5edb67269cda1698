/* SPDX-License-Identifier: Apache-2.0 */
/* Trace points: named steps at which a test may kill the process (KILL_AT=event:n). Called by actor.c,
 * mailbox.c and whoever has such a step. */
#include "trace.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/log.h"

static struct {
    const char *event; /* NULL: none is set */
    unsigned long left;
} kill_at;

void trace_open(void)
{
    const char *text = getenv("KILL_AT");
    const char *colon = text ? strrchr(text, ':') : NULL;

    if (!colon)
        return;
    kill_at.event = memory_text((struct view){text, (size_t)(colon - text)});
    kill_at.left = strtoul(colon + 1, NULL, 10);
}

static void kill_now(void)
{
    log_info("trace.killed", F_STR("at", kill_at.event));
    log_flush();
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

void trace_point(const char *event)
{
    if (kill_at.event && strcmp(event, kill_at.event) == 0 && --kill_at.left == 0)
        kill_now();
}

bool trace_is_kill(const char *verb, enum message_kind kind)
{
    size_t len = strlen(verb);

    return kill_at.event && strncmp(kill_at.event, verb, len) == 0 && kill_at.event[len] == '.' &&
           strcmp(kill_at.event + len + 1, messages[kind].name) == 0 && --kill_at.left == 0;
}

void trace_kind(const char *verb, enum message_kind kind)
{
    if (kill_at.event && trace_is_kill(verb, kind))
        kill_now();
}

void trace_kill_sent(void)
{
    usleep(20000); /* so that libzmq's thread has written it */
    kill_now();
    abort();
}

void trace_letter(struct bytes *room, const char *event, const char *box, enum message_kind kind,
                  const void *letter)
{
    if (!log_wants(LOG_TRACE) || kind == MSG_BEAT)
        return;
    room->len = 0;
    message_print(room, kind, letter);
    log_trace(event, F_STR("box", box), F_VIEW("letter", bytes_view(room)));
}
