/* SPDX-License-Identifier: Apache-2.0 */
/* Links to those whom admin asks. Called by main.c. */
#include "sources.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/json.h"
#include "inquiry.h"
#include "live.h"
#include "settings/options.h"

enum {
    STATUS_MS = 1000,
    LOOK_MS = 500,   /* between two looks at the keys */
    KEYS_MS = 10000, /* between two questions for the list of tails */
    SUMS_MS = 15000, /* between two questions for keys' sums */
    LOST_MS = 10000, /* an answer that has not come until then does not come */
};

static void take_status(struct source *source, struct view json)
{
    bytes_copy(&source->status, json);
    source->told_ms = source->admin->actor.now_ms;
}

static void post_look(struct admin *admin, struct source *balancer)
{
    struct bytes json = {0};
    struct msg_ask ask = {.number = ++admin->number, .name = VIEW("pool")};

    keys_write_look(&admin->keys, &json);
    ask.data = bytes_view(&json);
    balancer->look_number = link_post(&balancer->link, MSG_ASK, &ask) ? ask.number : 0;
    balancer->look_ms = admin->actor.now_ms + LOOK_MS;
    bytes_clear(&json);
}

static void take_look(struct source *balancer, struct view json)
{
    struct admin *admin = balancer->admin;

    balancer->look_number = 0;
    if (keys_take_look(&admin->keys, json))
        post_look(admin, balancer);
    else
        live_take_keys(admin);
}

static void on_answer(void *owner, const struct letter *letter)
{
    struct source *source = owner;
    uint64_t number = letter->msg->answer.number;
    struct view data = letter->msg->answer.data;

    if (number == source->status_number)
        take_status(source, data);
    else if (number == source->keys_number)
        bytes_copy(&source->keys, data);
    else if (number == source->look_number)
        take_look(source, data);
    else if (number == source->admin->job_ask)
        live_take_order(source->admin, data);
    else
        inquiry_answer(source->admin, number, data);
}

static void on_rows(void *owner, const struct letter *letter)
{
    struct admin *admin = owner;

    if (letter->msg->answer.number == admin->sums_number)
        keys_take_sums(&admin->keys, letter->msg->answer.data);
    else
        inquiry_answer(admin, letter->msg->answer.number, letter->msg->answer.data);
}

static void on_link_lost(void *owner, struct link *link)
{
    inquiries_lose(owner, link);
}

static letter_handler *const source_handlers[MSG_KINDS] = {[MSG_ANSWER] = on_answer};
static void on_clients(void *owner, const struct letter *letter)
{
    struct admin *admin = owner;

    bytes_copy(&admin->clients, letter->msg->clients.list);
}

static letter_handler *const keeper_handlers[MSG_KINDS] = {
    [MSG_ANSWER] = on_rows, [MSG_CLIENTS] = on_clients};
static letter_handler *const query_handlers[MSG_KINDS] = {[MSG_ANSWER] = on_rows};

static void source_open(struct admin *admin, struct source *source, const char *name,
                        const char *address)
{
    static const struct msg_hello hello;

    source->admin = admin;
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
    admin->query.on_lost = on_link_lost;
    admin->news.link.on_lost = on_link_lost;
    news_open(&admin->news, &admin->actor, keeper_handlers, admin);
    link_open(&admin->query, &admin->actor, "query", options_query(), &hello, query_handlers,
              admin);
}

static uint64_t post(struct admin *admin, struct link *link, const char *name)
{
    struct msg_ask ask = {.number = ++admin->number, .name = view_of(name)};

    link_post(link, MSG_ASK, &ask);
    return ask.number;
}

static void source_tick(struct admin *admin, struct source *source, uint64_t now_ms)
{
    link_tick(&source->link, 0, now_ms);
    if (now_ms < source->status_ms)
        return;
    source->status_ms = now_ms + STATUS_MS;
    source->status_number = post(admin, &source->link, "status");
}

static void balancer_tick(struct admin *admin, struct source *balancer, uint64_t now_ms)
{
    source_tick(admin, balancer, now_ms);
    if (now_ms >= balancer->keys_ms) {
        balancer->keys_ms = now_ms + KEYS_MS;
        balancer->keys_number = post(admin, &balancer->link, "keys");
    }
}

/* All balancers have the same keys; the first says how they are. */
static void look_tick(struct admin *admin, struct source *balancer, uint64_t now_ms)
{
    if (!balancer->link.peer)
        return;
    if (balancer->peer != balancer->link.peer) {
        balancer->peer = balancer->link.peer;
        balancer->look_number = 0;
        keys_forget(&admin->keys);
    }
    if (balancer->look_number && now_ms < balancer->look_ms + LOST_MS)
        return;
    if (now_ms >= balancer->look_ms)
        post_look(admin, balancer);
    actor_wake(&admin->actor, balancer->look_ms);
}

static void sums_tick(struct admin *admin, uint64_t now_ms)
{
    struct msg_ask ask = {.name = VIEW("keys")};

    if (now_ms < admin->sums_ms)
        return;
    ask.number = ++admin->number;
    admin->sums_number = link_post(&admin->query, MSG_ASK, &ask) ? ask.number : 0;
    admin->sums_ms = now_ms + SUMS_MS;
}

void sources_tick(struct admin *admin, uint64_t now_ms)
{
    for (size_t i = 0; i < admin->balancer_count; i++)
        balancer_tick(admin, &admin->balancers[i], now_ms);
    source_tick(admin, &admin->recorder, now_ms);
    link_tick(&admin->query, 0, now_ms);
    if (admin->balancer_count)
        look_tick(admin, &admin->balancers[0], now_ms);
    sums_tick(admin, now_ms);
    news_tick(&admin->news, now_ms);
}
