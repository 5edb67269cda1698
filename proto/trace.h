/* SPDX-License-Identifier: Apache-2.0 */
/* Trace points: named steps at which a test may kill the process. */
#pragma once

#include "message.h"

/* Reads KILL_AT. */
void trace_open(void);

/* Passes a trace point: KILL_AT=event:n kills the process when it is passed for the nth time. */
void trace_point(const char *event);

/* The same for the events VERB.KIND ("recv.CALL"); trace_is_kill says whether this is the time, and
 * leaves the killing to trace_kill_sent, which lets libzmq write first. */
void trace_kind(const char *verb, enum message_kind kind);
bool trace_is_kill(const char *verb, enum message_kind kind);
void trace_kill_sent(void) __attribute__((noreturn));

/* Prints a letter into the log at LOG_LEVEL=TRACE, secrets unseen; `room` is for the text. */
void trace_letter(struct bytes *room, const char *event, const char *box, enum message_kind kind,
                  const void *letter);
