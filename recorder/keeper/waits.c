/* SPDX-License-Identifier: Apache-2.0 */
/* Who has taken which version. Called by keeper.c. */
#include "keeper/waits.h"

#include "base/json.h"

enum { SILENT_MS = 3000 }; /* who has not been heard for so long is not waited for */

bool taken_by_all(const struct contacts *contacts, uint64_t version, uint64_t now_ms)
{
    const struct contact *contact, *next;

    HASH_ITER (hh, contacts->table, contact, next)
        if (contact->is_welcome && !contact->is_gone && now_ms <= contact->heard_ms + SILENT_MS &&
            contact->taken != version)
            return false;
    return true;
}

/* Its role; from the second of a role on with a number behind it. */
static void write_name(const struct contact *contact, unsigned place, struct bytes *out)
{
    bytes_text(out, role_name(contact->role));
    if (place > 1)
        bytes_printf(out, "-%u", place);
}

/* Its place among those of its role, from 1 on. */
static unsigned place_of(const struct contacts *contacts, const struct contact *of)
{
    const struct contact *contact, *next;
    unsigned place = 0;

    HASH_ITER (hh, contacts->table, contact, next) {
        place += contact->role == of->role;
        if (contact == of)
            break;
    }
    return place;
}

void taken_write(const struct contacts *contacts, const struct wait_taken *wait, struct bytes *out)
{
    const struct contact *contact, *next;
    struct bytes name = {0}, refused = {0};

    bytes_text(out, "\"applied_by\":{");
    HASH_ITER (hh, contacts->table, contact, next) {
        if (contact->taken != wait->version)
            continue;
        name.len = 0;
        write_name(contact, place_of(contacts, contact), &name);
        if (contact->has_refused) {
            bytes_text(&refused, refused.len ? "," : "");
            bytes_json(&refused, bytes_view(&name));
            continue;
        }
        json_key(out, bytes_view(&name));
        json_int(out, contact->took_ms > wait->begun_ms
                          ? (int64_t)(contact->took_ms - wait->begun_ms)
                          : 0);
    }
    bytes_text(out, "},\"refused_by\":[");
    bytes_append(out, bytes_view(&refused));
    bytes_text(out, "]");
    bytes_clear(&name);
    bytes_clear(&refused);
}
