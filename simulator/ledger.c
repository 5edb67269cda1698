/* SPDX-License-Identifier: Apache-2.0 */
/* The memory that the processes share; every route comes here. What must stay true: a request is
 * counted once, and the way of a plain request takes no lock. Keys are only ever added, so that a
 * reader needs none. */
#include "ledger.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define KEYS_MAX (1u << 17)
#define PLACES (1u << 18)
#define SCRIPTS_MAX 32
#define SCRIPT_BYTES 32768 /* all strings of one script */
#define NAME_BYTES 128     /* a model's name */

struct place {
    bool is_used;
    int64_t times; /* negative: for ever */
    size_t model_len;
    size_t key_len;
    size_t strings_len;
    char model[NAME_BYTES];
    char key[LEDGER_KEY_BYTES];
    struct script script;
    char strings[SCRIPT_BYTES];
};

static struct ledger {
    _Atomic uint64_t requests;
    _Atomic uint64_t operations[OPERATIONS];
    _Atomic int64_t open;
    _Atomic uint64_t cancelled;
    _Atomic uint32_t key_count;
    _Atomic int scripts_used;
    atomic_flag lock;                /* of adding keys and of the scripts */
    _Atomic uint32_t places[PLACES]; /* index of a key plus one, by hash */
    struct key keys[KEYS_MAX];
    struct place scripts[SCRIPTS_MAX];
} * ledger;

void ledger_open(void)
{
    ledger = mmap(NULL, sizeof(*ledger), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (ledger == MAP_FAILED) {
        perror("simulator: cannot map the ledger");
        exit(1);
    }
}

static void lock(void)
{
    while (atomic_flag_test_and_set_explicit(&ledger->lock, memory_order_acquire))
        sched_yield();
}

static void unlock(void)
{
    atomic_flag_clear_explicit(&ledger->lock, memory_order_release);
}

static uint32_t hash_of(struct span name)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char)name.at[i]) * 16777619u;
    return hash ^ hash >> 15;
}

/* The key in the hash's row of places, or NULL and the first free place. */
static struct key *find_key(struct span name, uint32_t hash, uint32_t *free_place)
{
    for (uint32_t at = hash % PLACES;; at = (at + 1) % PLACES) {
        uint32_t index = atomic_load_explicit(&ledger->places[at], memory_order_acquire);
        if (index == 0) {
            *free_place = at;
            return NULL;
        }
        struct key *key = &ledger->keys[index - 1];
        if (key->hash == hash && key->len == name.len && memcmp(key->name, name.at, name.len) == 0)
            return key;
    }
}

static struct key *add_key(struct span name, uint32_t hash, uint32_t at)
{
    uint32_t index = atomic_load(&ledger->key_count);
    struct key *key = &ledger->keys[index];

    if (index == KEYS_MAX)
        return NULL;
    memcpy(key->name, name.at, name.len);
    key->len = (uint32_t)name.len;
    key->hash = hash;
    key->own = mode_of_key(name);
    atomic_store(&ledger->key_count, index + 1);
    atomic_store_explicit(&ledger->places[at], index + 1, memory_order_release);
    return key;
}

struct key *ledger_key(struct span name)
{
    uint32_t at;

    if (name.len == 0)
        name.at = "";
    if (name.len > LEDGER_KEY_BYTES)
        return NULL;
    uint32_t hash = hash_of(name);
    struct key *key = find_key(name, hash, &at);
    if (key != NULL)
        return key;
    lock();
    key = find_key(name, hash, &at);
    if (key == NULL)
        key = add_key(name, hash, at);
    unlock();
    return key;
}

struct span key_span(const struct key *key)
{
    return (struct span){key->name, key->len};
}

struct mode_use key_behave(struct key *key)
{
    int64_t times = atomic_load(&key->mode_times);

    while (times > 0 && !atomic_compare_exchange_weak(&key->mode_times, &times, times - 1))
        ;
    if (times == 0)
        return atomic_load(&key->mode) != 0 ? (struct mode_use){0, UNSET} : key->own;
    uint64_t packed = atomic_load(&key->mode);
    return (struct mode_use){(int)(packed >> 32) - 1, (int)(uint32_t)packed};
}

void key_set_mode(struct key *key, struct mode_use mode, int64_t times)
{
    atomic_store(&key->mode, (uint64_t)(mode.index + 1) << 32 | (uint32_t)mode.number);
    atomic_store(&key->mode_times, times);
}

struct span key_project(const struct key *key, char room[LEDGER_KEY_BYTES])
{
    struct span name = key_span(key);

    lock();
    uint32_t len = key->project_len;
    memcpy(room, key->project, len);
    unlock();
    if (len != 0)
        return (struct span){room, len};
    for (size_t i = 0; i < name.len; i++) {
        struct span rest = span_from(name, i);
        if (!span_starts(rest, "-project"))
            continue;
        rest = span_from(rest, strlen("-project"));
        const char *end = memchr(rest.at, '-', rest.len);
        rest = span_first(rest, end != NULL ? (size_t)(end - rest.at) : rest.len);
        return rest.len != 0 ? rest : name;
    }
    return name;
}

bool key_set_project(struct key *key, struct span project)
{
    if (project.len > sizeof(key->project))
        return false;
    lock();
    memcpy(key->project, project.at, project.len);
    key->project_len = (uint32_t)project.len;
    unlock();
    return true;
}

void ledger_count_request(struct key *key, enum operation operation)
{
    atomic_fetch_add(&ledger->requests, 1);
    atomic_fetch_add(&ledger->operations[operation], 1);
    atomic_fetch_add(&key->requests, 1);
}

void ledger_count_answer(struct key *key, bool is_ok)
{
    atomic_fetch_add(is_ok ? &key->ok : &key->refused, 1);
}

void ledger_count_open(int64_t change)
{
    atomic_fetch_add(&ledger->open, change);
}

void ledger_count_cancelled(void)
{
    atomic_fetch_add(&ledger->cancelled, 1);
}

static void write_key(struct json *j, struct key *key)
{
    struct text name = {0};

    text_add(&name, key->name, key->len);
    text_add(&name, "", 1);
    json_name(j, name.at);
    text_clear(&name);
    json_open(j, '{');
    json_name_number(j, "requests", (int64_t)atomic_load(&key->requests));
    json_name_number(j, "ok", (int64_t)atomic_load(&key->ok));
    json_name_number(j, "refused", (int64_t)atomic_load(&key->refused));
    json_close(j, '}');
}

const char *operation_name(enum operation operation)
{
    static const char *const names[OPERATIONS] = {
        [OPERATION_GENERATE] = "generateContent",
        [OPERATION_STREAM] = "streamGenerateContent",
        [OPERATION_MODELS] = "models",
        [OPERATION_COUNT] = "countTokens",
        [OPERATION_EMBED] = "embedContent",
        [OPERATION_BATCH_EMBED] = "batchEmbedContents",
        [OPERATION_PREDICT] = "predict",
        [OPERATION_OBJECTS] = "objects",
        [OPERATION_UPLOAD] = "upload",
        [OPERATION_DOWNLOAD] = "download",
    };

    return names[operation];
}

static void write_operations(struct json *j)
{
    json_name(j, "by_operation");
    json_open(j, '{');
    for (int i = 0; i < OPERATIONS; i++)
        json_name_number(j, operation_name((enum operation)i),
                         (int64_t)atomic_load(&ledger->operations[i]));
    json_close(j, '}');
}

void ledger_write(struct text *out)
{
    struct json j = {.out = out};
    uint32_t count = atomic_load(&ledger->key_count);

    json_open(&j, '{');
    json_name_number(&j, "total", (int64_t)atomic_load(&ledger->requests));
    json_name_number(&j, "open", atomic_load(&ledger->open));
    json_name_number(&j, "cancelled", (int64_t)atomic_load(&ledger->cancelled));
    write_operations(&j);
    json_name(&j, "by_key");
    json_open(&j, '{');
    for (uint32_t i = 0; i < count; i++)
        if (atomic_load(&ledger->keys[i].requests) != 0)
            write_key(&j, &ledger->keys[i]);
    json_close(&j, '}');
    json_close(&j, '}');
}

static void forget_key(struct key *key)
{
    atomic_store(&key->requests, 0);
    atomic_store(&key->ok, 0);
    atomic_store(&key->refused, 0);
    atomic_store(&key->mode, 0);
    atomic_store(&key->mode_times, 0);
}

/* Everything but `open`, which says what is so now. */
void ledger_reset(void)
{
    uint32_t count = atomic_load(&ledger->key_count);

    for (uint32_t i = 0; i < count; i++)
        forget_key(&ledger->keys[i]);
    atomic_store(&ledger->requests, 0);
    atomic_store(&ledger->cancelled, 0);
    for (int i = 0; i < OPERATIONS; i++)
        atomic_store(&ledger->operations[i], 0);
    lock();
    for (uint32_t i = 0; i < count; i++)
        ledger->keys[i].project_len = 0;
    for (int i = 0; i < SCRIPTS_MAX; i++)
        ledger->scripts[i].is_used = false;
    atomic_store(&ledger->scripts_used, 0);
    unlock();
}

enum { STRINGS = 9 };

/* The strings of a script, for moving them from one owner to another. */
static struct span *string_of(struct script *script, int i)
{
    struct span *const strings[STRINGS] = {
        &script->usage,          &script->text,      &script->finish,
        &script->finish_message, &script->blocked,   &script->line_end,
        &script->calls,          &script->candidate, &script->error_message,
    };

    return i < STRINGS ? strings[i] : NULL;
}

static bool move_strings(struct script *script, char *room, size_t size)
{
    size_t used = 0;

    for (int i = 0; string_of(script, i) != NULL; i++) {
        struct span *s = string_of(script, i);
        if (s->at == NULL)
            continue; /* not in the script; "" would be something else */
        if (s->len > size - used)
            return false;
        if (s->len != 0)
            memcpy(room + used, s->at, s->len);
        s->at = room + used;
        used += s->len;
    }
    return true;
}

static bool place_is_for(const struct place *place, struct span model, struct span key)
{
    return place->is_used && place->model_len == model.len &&
           memcmp(place->model, model.at, model.len) == 0 && place->key_len == key.len &&
           memcmp(place->key, key.at, key.len) == 0;
}

static bool place_fits(const struct place *place, struct span model, struct span key)
{
    struct span any = {"", 0};

    return place_is_for(place, place->model_len != 0 ? model : any,
                        place->key_len != 0 ? key : any);
}

/* The place for the pair: its own or a free one. */
static struct place *choose_place(struct span model, struct span key)
{
    struct place *free_place = NULL;

    for (int i = SCRIPTS_MAX - 1; i >= 0; i--) {
        if (place_is_for(&ledger->scripts[i], model, key))
            return &ledger->scripts[i];
        if (!ledger->scripts[i].is_used)
            free_place = &ledger->scripts[i];
    }
    return free_place;
}

static bool fill_place(struct place *place, const struct script *script, struct span model,
                       struct span key)
{
    if (model.len > sizeof(place->model) || key.len > sizeof(place->key))
        return false;
    memcpy(place->model, model.at, model.len);
    memcpy(place->key, key.at, key.len);
    place->model_len = model.len;
    place->key_len = key.len;
    place->script = *script;
    return move_strings(&place->script, place->strings, sizeof(place->strings));
}

bool ledger_set_script(const struct script *script, struct span model, struct span key,
                       int64_t times)
{
    lock();
    struct place *place = choose_place(model, key);
    bool was_used = place != NULL && place->is_used;
    bool done = place != NULL && fill_place(place, script, model, key);
    if (place != NULL) {
        place->is_used = done;
        place->times = times;
        atomic_fetch_add(&ledger->scripts_used, (int)done - (int)was_used);
    }
    unlock();
    return done;
}

/* The most specific place: key and model, key, model, any. */
static struct place *find_place(struct span model, struct span key)
{
    struct place *best = NULL;
    int best_rank = -1;

    for (int i = 0; i < SCRIPTS_MAX; i++) {
        struct place *place = &ledger->scripts[i];
        int rank = (place->key_len != 0) * 2 + (place->model_len != 0);
        if (rank > best_rank && place_fits(place, model, key)) {
            best = place;
            best_rank = rank;
        }
    }
    return best;
}

bool ledger_script(struct script *script, struct span model, struct span key)
{
    static char strings[SCRIPT_BYTES];

    if (atomic_load_explicit(&ledger->scripts_used, memory_order_relaxed) == 0)
        return false;
    lock();
    struct place *place = find_place(model, key);
    if (place != NULL) {
        *script = place->script;
        move_strings(script, strings, sizeof(strings));
        if (place->times > 0 && --place->times == 0) {
            place->is_used = false;
            atomic_fetch_sub(&ledger->scripts_used, 1);
        }
    }
    unlock();
    return place != NULL;
}
