/* SPDX-License-Identifier: Apache-2.0 */
/* What Google's own clients do not bear in a stream of events: relays between us and Google put comments, names of events and
 * empty objects between the answers, and most of Google's SDKs take any line that is not `data:` for an error. Lines of data pass
 * untouched. Fed any split of the bytes. Valid when zeroed. */
#pragma once

#include "base/bytes.h"

struct quiet {
    bool is_inside;  /* of a line */
    bool is_dropped; /* …that does not pass */
    bool has_data;   /* the event has a line that has passed */
    bool is_named;   /* …or one that has said what kind it is */
};

/* What of the bytes passes: themselves, or a copy in `room`. */
struct view quiet_feed(struct quiet *quiet, struct view bytes, struct bytes *room);
