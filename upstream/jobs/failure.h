/* SPDX-License-Identifier: Apache-2.0 */
/* How a request to the provider failed, whoever asked for it: a job or a probe. */
#pragma once

#include "base/json.h"
#include "fault.h"
#include "transfer/transfer.h"

/* NONE: the request has left, and its answer says how it went. */
enum fault failure_on_the_way(enum transfer_end end);

/* The message in a provider's error body, or empty. It is borrowed from `doc`, which is to be freed. */
struct view failure_words(struct view body, yyjson_doc **doc);
