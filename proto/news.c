/* SPDX-License-Identifier: Apache-2.0 */
/* Hears of changed settings. What must stay true: each SETTINGS is answered by TAKEN, and what
 * cannot be taken here changes nothing here. */
#include "news.h"

#include <string.h>

#include "base/log.h"
#include "settings/changes.h"
#include "settings/options.h"

/* So that a start without the keeper knows them; one on this host has written the file itself. */
static void keep(const struct msg_settings *msg)
{
    if (strncmp(options_keeper(), "tcp://", 6) == 0)
        (void)changes_save(msg->version, msg->changes);
}

static void on_settings(void *owner, const struct letter *letter)
{
    struct link *link = (struct link *)letter->box;
    const struct msg_settings *msg = &letter->msg->settings;
    struct msg_taken taken = {.version = msg->version};
    struct bytes why = {0};

    (void)owner;
    if (msg->version == changes_version() && view_equal(msg->changes, changes_json())) {
        link_post(link, MSG_TAKEN, &taken); /* it has begun with them */
        return;
    }
    if (!changes_take(msg->version, msg->changes, &why)) {
        log_error("settings.refused", F_NUM("version", msg->version),
                  F_VIEW("why", bytes_view(&why)));
        taken.why = bytes_view(&why);
    } else {
        keep(msg);
    }
    link_post(link, MSG_TAKEN, &taken);
    bytes_clear(&why);
}

void news_open(struct news *news, struct actor *actor, letter_handler *const *handlers, void *owner)
{
    static const struct msg_hello hello;
    static letter_handler *const nothing_else[MSG_KINDS];

    link_open(&news->link, actor, "keeper", options_keeper(), &hello,
              handlers ? handlers : nothing_else, owner);
    news->link.handlers[MSG_SETTINGS] = on_settings;
}

void news_tick(struct news *news, uint64_t now_ms)
{
    link_tick(&news->link, 0, now_ms);
}
