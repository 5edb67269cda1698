/* SPDX-License-Identifier: Apache-2.0 */
/* Links to those whom admin asks. Called by main.c. */
#include "sources.h"

#include "inquiry.h"
#include "settings/options.h"

enum { KEYS_MS = 10000 }; /* between two questions for the list of keys */

static void on_status(void *owner, const struct letter *letter)
{
    struct source *source = owner;

    if (letter->msg->answer.number == source->keys_number) {
        bytes_copy(&source->keys, letter->msg->answer.data);
        return;
    }
    bytes_copy(&source->status, letter->msg->answer.data);
    source->told_ms = letter->box->actor->now_ms;
}

static void on_rows(void *owner, const struct letter *letter)
{
    inquiry_answer(owner, letter->msg->answer.number, letter->msg->answer.data);
}

static void on_query_lost(void *owner, struct link *link)
{
    (void)link;
    inquiries_lose(owner);
}

static letter_handler *const source_handlers[MSG_KINDS] = {[MSG_ANSWER] = on_status};
static letter_handler *const query_handlers[MSG_KINDS] = {[MSG_ANSWER] = on_rows};

static void source_open(struct admin *admin, struct source *source, const char *name,
                        const char *address)
{
    static const struct msg_hello hello;

    link_open(&source->link, &admin->actor, name, address, &hello, source_handlers, source);
}

void sources_open(struct admin *admin)
{
    static const struct msg_hello hello;

    admin->balancer_count = options_balancers();
    admin->balancers = memory_new(admin->balancer_count * sizeof(*admin->balancers));
    for (size_t slot = 0; slot < admin->balancer_count; slot++)
        source_open(admin, &admin->balancers[slot], "balancer", options_balancer_front(slot));
    source_open(admin, &admin->recorder, "recorder", options_recorder());
    admin->query.on_lost = on_query_lost;
    link_open(&admin->query, &admin->actor, "query", options_query(), &hello, query_handlers,
              admin);
}

static void source_tick(struct admin *admin, struct source *source, uint64_t now_ms)
{
    struct msg_ask ask = {.number = ++admin->number, .name = VIEW("status")};

    link_tick(&source->link, 0, now_ms);
    link_post(&source->link, MSG_ASK, &ask);
}

static void ask_keys(struct admin *admin, struct source *balancer)
{
    struct msg_ask ask = {.number = ++admin->number, .name = VIEW("keys")};

    balancer->keys_number = ask.number;
    link_post(&balancer->link, MSG_ASK, &ask);
}

void sources_tick(struct admin *admin, uint64_t now_ms)
{
    for (size_t i = 0; i < admin->balancer_count; i++) {
        source_tick(admin, &admin->balancers[i], now_ms);
        if (now_ms >= admin->balancers[i].keys_ms) {
            ask_keys(admin, &admin->balancers[i]);
            admin->balancers[i].keys_ms = now_ms + KEYS_MS;
        }
    }
    source_tick(admin, &admin->recorder, now_ms);
    link_tick(&admin->query, 0, now_ms);
}
