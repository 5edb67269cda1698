/* SPDX-License-Identifier: Apache-2.0 */
/* Failures. Called by attempt.c, job.c and probe.c. */
#include "jobs/failure.h"

enum fault failure_on_the_way(enum transfer_end end)
{
    static const enum fault faults[] = {
        [TRANSFER_NO_NAME] = FAULT_NAME,          [TRANSFER_NO_CONNECTION] = FAULT_CONNECT,
        [TRANSFER_UNTRUSTED] = FAULT_CERTIFICATE, [TRANSFER_NO_TLS] = FAULT_TLS,
        [TRANSFER_NO_PROXY] = FAULT_PROXY,        [TRANSFER_STOPPED] = FAULT_NONE,
        [TRANSFER_OUTSIDE] = FAULT_OUTSIDE,
    };

    return faults[end];
}

struct view failure_words(struct view body, yyjson_doc **doc)
{
    *doc = body.len ? json_read_reply(body) : NULL;
    return json_view(
        json_member(json_member(yyjson_doc_get_root(*doc), VIEW("error")), VIEW("message")));
}
