/* SPDX-License-Identifier: Apache-2.0 */
/* The ring of events. Called by events.c. What must stay true: it never holds more than its room. */
#include "events/backlog.h"

#include <assert.h>
#include <inttypes.h>

static const struct {
    const char *name;
    enum topic topic;
} names[] = {
    {"tick", TOPIC_TICK},         {"pool", TOPIC_POOL},           {"keys", TOPIC_KEYS},
    {"calls", TOPIC_CALLS},       {"processes", TOPIC_PROCESSES}, {"job", TOPIC_JOB},
    {"settings", TOPIC_SETTINGS}, {"session", TOPIC_SESSION},
};

enum { TOPICS = sizeof(names) / sizeof(names[0]) };

static const char *name_of(enum topic topic)
{
    size_t i = 0;

    while (i + 1 < TOPICS && names[i].topic != topic)
        i++;
    return names[i].name;
}

static unsigned topic_read(struct view name)
{
    for (size_t i = 0; i < TOPICS; i++)
        if (view_equal(name, view_of(names[i].name)))
            return names[i].topic;
    return 0;
}

unsigned topics_read(struct view list)
{
    unsigned topics = 0;

    while (list.len) {
        const char *comma = memchr(list.at, ',', list.len);
        struct view one = {list.at, comma ? (size_t)(comma - list.at) : list.len};
        unsigned topic = topic_read(one);

        if (!topic)
            return 0;
        topics |= topic;
        list = view_skip(list, comma ? one.len + 1 : one.len);
    }
    return topics;
}

void backlog_open(struct backlog *backlog, uint64_t first_id)
{
    backlog->last_id = first_id;
}

static void drop_first(struct backlog *backlog)
{
    struct event *event = &backlog->at[backlog->first];

    backlog->bytes -= event->text.len;
    bytes_clear(&event->text);
    backlog->first = (backlog->first + 1) % BACKLOG_MOST;
    backlog->count--;
}

const struct event *backlog_put(struct backlog *backlog, enum topic topic, struct view data)
{
    struct event *event;

    assert(!memchr(data.at, '\n', data.len) && !memchr(data.at, '\r', data.len));
    while (backlog->count == BACKLOG_MOST ||
           (backlog->count && backlog->bytes + data.len > BACKLOG_ROOM))
        drop_first(backlog);
    event = &backlog->at[(backlog->first + backlog->count++) % BACKLOG_MOST];
    *event = (struct event){.id = ++backlog->last_id, .topic = topic};
    bytes_printf(&event->text, "id: %" PRIu64 "\nevent: %s\ndata: ", event->id, name_of(topic));
    bytes_append(&event->text, data);
    bytes_text(&event->text, "\n\n");
    backlog->bytes += event->text.len;
    return event;
}

bool backlog_since(const struct backlog *backlog, uint64_t id, unsigned topics, struct bytes *out)
{
    uint64_t oldest = backlog->last_id - backlog->count;

    if (id < oldest || id > backlog->last_id)
        return false;
    for (size_t i = 0; i < backlog->count; i++) {
        const struct event *event = &backlog->at[(backlog->first + i) % BACKLOG_MOST];

        if (event->id > id && event->topic & topics)
            bytes_append(out, bytes_view(&event->text));
    }
    return true;
}

void backlog_clear(struct backlog *backlog)
{
    while (backlog->count)
        drop_first(backlog);
}
