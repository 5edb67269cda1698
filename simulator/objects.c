/* SPDX-License-Identifier: Apache-2.0 */
/* The store of objects; methods.c, interactions.c and admin.c use it. What must stay true: an object is seen by its project
 * alone, and every look at the store is under its lock. */
#include "objects.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "ledger.h"

struct object {
    uint32_t name_len;
    uint32_t project_len;
    uint32_t json_len;
    uint64_t number; /* 0: free */
    char name[OBJECT_NAME_BYTES];
    char project[LEDGER_KEY_BYTES];
    char json[OBJECT_JSON_BYTES];
};

static struct {
    atomic_flag lock;
    uint64_t last_number;
    uint64_t last_name;
    struct object at[OBJECTS_MAX];
} * store;

void objects_open(void)
{
    store = mmap(NULL, sizeof(*store), PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (store == MAP_FAILED) {
        perror("simulator: cannot map the objects");
        exit(1);
    }
}

static void lock(void)
{
    while (atomic_flag_test_and_set_explicit(&store->lock, memory_order_acquire))
        sched_yield();
}

static void unlock(void)
{
    atomic_flag_clear_explicit(&store->lock, memory_order_release);
}

void objects_reset(void)
{
    lock();
    for (size_t i = 0; i < OBJECTS_MAX; i++)
        store->at[i].number = 0;
    unlock();
}

void objects_name(struct text *out, struct span collection)
{
    lock();
    uint64_t number = ++store->last_name;
    unlock();
    text_add(out, collection.at, collection.len);
    text_format(out, "/sim-%012llx",
                (unsigned long long)(number * 0x9e3779b97f4aULL & 0xffffffffffffULL));
}

static struct span name_of(const struct object *o)
{
    return (struct span){o->name, o->name_len};
}

static bool is_same(struct span a, struct span b)
{
    return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

static bool is_of(const struct object *o, struct span project)
{
    return is_same((struct span){o->project, o->project_len}, project);
}

static struct object *find(struct span name)
{
    for (size_t i = 0; i < OBJECTS_MAX; i++)
        if (store->at[i].number != 0 && is_same(name_of(&store->at[i]), name))
            return &store->at[i];
    return NULL;
}

/* A free place, or the oldest's. */
static struct object *find_place(void)
{
    struct object *oldest = &store->at[0];

    for (size_t i = 0; i < OBJECTS_MAX; i++)
        if (store->at[i].number < oldest->number)
            oldest = &store->at[i];
    return oldest;
}

bool objects_put(struct span project, struct span name, struct span json)
{
    if (name.len > OBJECT_NAME_BYTES || project.len > LEDGER_KEY_BYTES ||
        json.len > OBJECT_JSON_BYTES)
        return false;
    lock();
    struct object *o = find(name);
    bool is_good = o == NULL || is_of(o, project);
    if (is_good) {
        uint64_t number = o != NULL ? o->number : ++store->last_number;
        o = o != NULL ? o : find_place();
        *o = (struct object){
            (uint32_t)name.len, (uint32_t)project.len, (uint32_t)json.len, number, "", "", ""};
        memcpy(o->name, name.at, name.len);
        memcpy(o->project, project.at, project.len);
        memcpy(o->json, json.at, json.len);
    }
    unlock();
    return is_good;
}

bool objects_get(struct span project, struct span name, struct text *json)
{
    lock();
    struct object *o = find(name);
    bool is_good = o != NULL && is_of(o, project);
    if (is_good)
        text_add(json, o->json, o->json_len);
    unlock();
    return is_good;
}

bool objects_delete(struct span project, struct span name)
{
    lock();
    struct object *o = find(name);
    bool is_good = o != NULL && is_of(o, project);
    if (is_good)
        o->number = 0;
    unlock();
    return is_good;
}

static bool is_in(const struct object *o, struct span collection)
{
    struct span name = name_of(o);

    if (o->number == 0 || name.len <= collection.len ||
        memcmp(name.at, collection.at, collection.len) != 0 || name.at[collection.len] != '/')
        return false;
    return memchr(name.at + collection.len + 1, '/', name.len - collection.len - 1) == NULL;
}

/* The next in the order of their making. */
static const struct object *next_after(uint64_t number, struct span project, struct span collection)
{
    const struct object *next = NULL;

    for (size_t i = 0; i < OBJECTS_MAX; i++) {
        const struct object *o = &store->at[i];
        if (o->number > number && is_in(o, collection) && is_of(o, project) &&
            (next == NULL || o->number < next->number))
            next = o;
    }
    return next;
}

size_t objects_list(struct span project, struct span collection, size_t begin, size_t size,
                    struct text *json)
{
    const struct object *o;
    size_t count = 0;
    uint64_t number = 0;

    lock();
    for (; (o = next_after(number, project, collection)) != NULL; count++) {
        number = o->number;
        if (count < begin || count >= begin + size)
            continue;
        text_put(json, count > begin ? "," : "");
        text_add(json, o->json, o->json_len);
    }
    unlock();
    return count;
}

bool objects_any(struct span collection)
{
    bool has_one = false;

    lock();
    for (size_t i = 0; i < OBJECTS_MAX && !has_one; i++)
        has_one = is_in(&store->at[i], collection);
    unlock();
    return has_one;
}
