/* SPDX-License-Identifier: Apache-2.0 */
/* Which message of role tool or function is the result of which call. For tool_turns.c. */
#pragma once

#include "base/json.h"

enum { CALLS_MOST = 256 /* of a step */ };

#define NONE SIZE_MAX

struct tool_result {
    yyjson_val *message;
    size_t index;       /* of the message */
    size_t step;        /* of the newest message with calls before it, NONE: there is none */
    yyjson_val *caller; /* that message; NULL: none */
    struct view id;
    size_t next; /* another result of the same call; NONE: the last */
    bool is_taken;
};

struct tool_call {
    struct view id, name; /* the client's */
    char made[32];        /* its id, if the client gave none */
    size_t first, last;   /* of its results; NONE: none */
};

struct tool_turns {
    struct tool_result *results; /* all, in the order of the messages */
    size_t result_count;
    size_t seen;             /* of the results: those whose messages have been passed */
    struct tool_call *calls; /* of the step that is open */
    size_t call_count;
    size_t step;       /* its newest message with calls */
    size_t late_looks; /* that have been had */
};

/* Notes all results among the messages, in their order. */
void tool_pairs_collect(struct tool_turns *turns, yyjson_val *messages);

/* Gives each call of the step its results. */
void tool_pairs_find(struct tool_turns *turns);
