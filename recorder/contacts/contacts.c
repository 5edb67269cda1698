/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of contacts of the intake and of the process for questions. */
#include "contacts/contacts.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "base/log.h"

enum { FORGET_MS = 60 * 1000 }; /* of silence */

/* The contact that a letter came from, made if it is new. */
static struct contact *contact_of(struct contacts *contacts, const struct letter *letter)
{
    struct contact *contact;

    HASH_FIND(hh, contacts->table, &letter->from, sizeof(letter->from), contact);
    if (!contact) {
        contact = memory_new(sizeof(*contact));
        contact->id = letter->from;
        HASH_ADD(hh, contacts->table, id, sizeof(contact->id), contact);
    }
    contact->heard_ms = contacts->box->actor->now_ms;
    contact->is_gone = false;
    return contact;
}

void contacts_greet(struct contacts *contacts, const struct letter *letter)
{
    const struct msg_hello *hello = &letter->msg->hello;
    struct contact *contact;

    if (hello->incarnation != letter->from) {
        log_warn("peer.refused", F_ID("peer", letter->from), F_ID("claims", hello->incarnation));
        return;
    }
    contact = contact_of(contacts, letter);
    contact->is_welcome = true;
    contact->role = role_of(hello->role);
    log_info("peer.joined", F_VIEW("role", hello->role), F_ID("peer", letter->from));
    contacts_welcome(contacts, letter->from);
}

bool contacts_know(struct contacts *contacts, const struct letter *letter)
{
    if (contact_of(contacts, letter)->is_welcome)
        return true;
    mailbox_post(contacts->box, letter->from, MSG_WHO, &(struct msg_who){0});
    return false;
}

void contacts_welcome(struct contacts *contacts, uint64_t id)
{
    mailbox_post(contacts->box, id, MSG_WELCOME,
                 &(struct msg_welcome){.incarnation = contacts->box->actor->incarnation});
}

void contacts_welcome_all(struct contacts *contacts)
{
    struct contact *contact, *next;

    HASH_ITER (hh, contacts->table, contact, next)
        if (contact->is_welcome && !contact->is_gone)
            contacts_welcome(contacts, contact->id);
}

void contacts_lose(struct contacts *contacts, uint64_t id)
{
    struct contact *contact;

    HASH_FIND(hh, contacts->table, &id, sizeof(id), contact);
    if (contact)
        contact->is_gone = true;
}

static void forget(struct contacts *contacts, struct contact *contact)
{
    HASH_DEL(contacts->table, contact);
    free(contact);
}

void contacts_forget(struct contacts *contacts, uint64_t now_ms)
{
    struct contact *contact, *next;

    HASH_ITER (hh, contacts->table, contact, next) {
        if (!contact->is_gone && now_ms - contact->heard_ms <= FORGET_MS)
            continue;
        log_info("peer.left", F_ID("peer", contact->id));
        mailbox_forget(contacts->box, contact->id);
        forget(contacts, contact);
    }
}

void contacts_dump(const struct contacts *contacts)
{
    struct contact *contact, *next;

    HASH_ITER (hh, contacts->table, contact, next)
        log_info("dump.peer", F_ID("peer", contact->id), F_NUM("is_welcome", contact->is_welcome));
}

void contacts_clear(struct contacts *contacts)
{
    struct contact *contact, *next;

    HASH_ITER (hh, contacts->table, contact, next)
        forget(contacts, contact);
}
