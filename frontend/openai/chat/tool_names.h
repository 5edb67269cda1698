/* SPDX-License-Identifier: Apache-2.0 */
/* Names of functions on both sides. The provider takes fewer than clients have: the others get a
 * short name of ours, always the same, and replies have the client's again. */
#pragma once

#include "base/bytes.h"

/* What a reply has to know of the request's tools. Valid when zeroed. */
struct tool_names {
    struct bytes list; /* those that are called otherwise or are no functions, see tool_names.c */
    bool is_legacy;    /* the client knows `functions`: function_call instead of tool_calls */
};

/* Appends the provider's name for the client's. */
void tool_name_write(struct bytes *out, struct view name);

/* Remembers the client's name, where its call is to be told from that of a plain function. */
void tool_names_note(struct tool_names *names, struct view name, bool is_custom);

/* A tool that the provider has called, as the client knows it. */
struct tool_name {
    struct view name; /* of `names`, or what was looked for */
    bool is_custom;   /* a tool that takes text */
};

struct tool_name tool_names_find(const struct tool_names *names, struct view called);
