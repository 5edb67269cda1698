/* SPDX-License-Identifier: Apache-2.0 */
/* The overview. Called by the routes that the ledger answers. What must stay true: the worst is said
 * first. */
#include "api/overview.h"

#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "settings/settings.h"

enum { CELLS_MOST = 1400 };

struct verdict {
    const char *level, *code;
    yyjson_mut_val *args;
};

static size_t total_of(const struct admin *admin)
{
    return HASH_COUNT(admin->keys.by_id);
}

static size_t fit_of(const struct admin *admin)
{
    const size_t *states = admin->keys.states;

    return states[KEY_READY] + states[KEY_PARTIAL] + states[KEY_NEW];
}

/* Verdict */

static const struct process *first_in(const struct admin *admin, enum process_state state)
{
    for (size_t i = 0; i < PROCESSES_MOST; i++)
        if (admin->processes.at[i].seen_ms && admin->processes.at[i].state == state)
            return &admin->processes.at[i];
    return NULL;
}

static const struct process *store_in_trouble(const struct admin *admin)
{
    for (size_t i = 0; i < PROCESSES_MOST; i++) {
        const struct process *one = &admin->processes.at[i];

        if (one->seen_ms && strcmp(one->code, "database_away") == 0)
            return one;
    }
    return NULL;
}

static uint64_t waiting_records(const struct admin *admin)
{
    yyjson_doc *doc = yyjson_read(admin->recorder.status.at ? admin->recorder.status.at : "",
                                  admin->recorder.status.len, 0);
    uint64_t waiting = json_member_count(yyjson_doc_get_root(doc), "unstored");

    yyjson_doc_free(doc);
    return waiting;
}

/* The code that most keys rest for; the keys that do. */
static size_t shared_cause(const struct admin *admin, const char **code)
{
    static const char *const shared[] = {"overloaded", "location", "edge", "quota_minute"};
    size_t most = 0;

    for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++) {
        struct key *key, *next;
        size_t count = 0;

        HASH_ITER (hh, admin->keys.by_id, key, next)
            count +=
                key->state == KEY_COOLING && view_equal(bytes_view(&key->code), view_of(shared[i]));
        if (count <= most)
            continue;
        most = count;
        *code = shared[i];
    }
    return most;
}

static uint64_t first_until(const struct admin *admin)
{
    struct key *key, *next;
    uint64_t until = 0;

    HASH_ITER (hh, admin->keys.by_id, key, next)
        if (key->state != KEY_DEAD && key->until_at && (!until || key->until_at < until))
            until = key->until_at;
    return until;
}

static uint64_t calls_in(yyjson_mut_val *totals)
{
    return yyjson_mut_get_uint(yyjson_mut_obj_get(totals, "answered")) +
           yyjson_mut_get_uint(yyjson_mut_obj_get(totals, "client_fault")) +
           yyjson_mut_get_uint(yyjson_mut_obj_get(totals, "lost"));
}

static void judge_processes(const struct admin *admin, yyjson_mut_doc *doc, struct verdict *verdict)
{
    const struct process *away = first_in(admin, PROCESS_AWAY);
    const struct process *store = store_in_trouble(admin);

    if (away) {
        verdict->level = "bad";
        verdict->code = "process_down";
        yyjson_mut_obj_add_strcpy(doc, verdict->args, "role", away->role);
        yyjson_mut_obj_add_uint(doc, verdict->args, "since", away->since_at);
    } else if (store) {
        verdict->level = "warn";
        verdict->code = "database_away";
        yyjson_mut_obj_add_uint(doc, verdict->args, "since", store->since_at);
        yyjson_mut_obj_add_uint(doc, verdict->args, "waiting", waiting_records(admin));
    }
}

static void judge_keys(const struct admin *admin, yyjson_mut_doc *doc, struct verdict *verdict)
{
    const char *cause = "";
    size_t total = total_of(admin), shared = shared_cause(admin, &cause);
    uint64_t until = first_until(admin);

    if (admin->keys.is_known && !fit_of(admin)) {
        verdict->level = "bad";
        verdict->code = "no_key_fits";
        if (until)
            yyjson_mut_obj_add_uint(doc, verdict->args, "until", until);
    } else if (total >= 4 && shared * 2 > total) {
        verdict->level = "warn";
        verdict->code = "shared_cause";
        yyjson_mut_obj_add_strcpy(doc, verdict->args, "code", cause);
        yyjson_mut_obj_add_uint(doc, verdict->args, "keys", shared);
    }
}

static yyjson_mut_val *verdict_of(const struct admin *admin, yyjson_mut_doc *doc,
                                  yyjson_mut_val *totals)
{
    struct verdict verdict = {NULL, NULL, yyjson_mut_obj(doc)};
    yyjson_mut_val *value = yyjson_mut_obj(doc);

    judge_processes(admin, doc, &verdict);
    if (!verdict.level)
        judge_keys(admin, doc, &verdict);
    if (!verdict.level) {
        verdict.level = "ok";
        verdict.code = yyjson_mut_is_obj(totals) && !calls_in(totals) ? "no_calls" : "well";
    }
    yyjson_mut_obj_add_uint(doc, verdict.args, "fit", fit_of(admin));
    yyjson_mut_obj_add_uint(doc, verdict.args, "of", total_of(admin));
    yyjson_mut_obj_add_strcpy(doc, value, "level", verdict.level);
    yyjson_mut_obj_add_strcpy(doc, value, "code", verdict.code);
    yyjson_mut_obj_add_val(doc, value, "args", verdict.args);
    return value;
}

/* Pool */

/* A letter a cell; of a large pool a cell stands for several keys of one state. */
static void write_map(const struct admin *admin, size_t keys_per_cell, struct bytes *map)
{
    static const char letters[KEY_STATES] = {'r', 'p', 'c', 's', 'n', 'o', 'x'};

    for (int state = 0; state < KEY_STATES; state++)
        for (size_t i = 0; i < admin->keys.states[state]; i += keys_per_cell)
            bytes_append(map, (struct view){&letters[state], 1});
}

static yyjson_mut_val *pool_of(const struct admin *admin, yyjson_mut_doc *doc)
{
    yyjson_mut_val *pool = yyjson_mut_obj(doc), *states = yyjson_mut_obj(doc);
    size_t keys_per_cell = total_of(admin) / CELLS_MOST + 1;
    struct bytes map = {0};

    for (int state = 0; state < KEY_STATES; state++)
        yyjson_mut_obj_add_uint(doc, states, key_state_name((enum key_state)state),
                                admin->keys.states[state]);
    write_map(admin, keys_per_cell, &map);
    yyjson_mut_obj_add_val(doc, pool, "states", states);
    yyjson_mut_obj_add_strncpy(doc, pool, "map", map.at ? map.at : "", map.len);
    yyjson_mut_obj_add_uint(doc, pool, "keys_per_cell", keys_per_cell);
    yyjson_mut_obj_add_uint(doc, pool, "total", total_of(admin));
    bytes_clear(&map);
    return pool;
}

static yyjson_mut_val *processes_of(const struct admin *admin, yyjson_mut_doc *doc)
{
    struct bytes json = {0};
    yyjson_doc *read;
    yyjson_mut_val *copy;

    processes_write(&admin->processes, &json);
    read = yyjson_read(json.at, json.len, 0);
    copy = yyjson_val_mut_copy(doc, yyjson_doc_get_root(read));
    yyjson_doc_free(read);
    bytes_clear(&json);
    return copy;
}

void overview_add(const struct admin *admin, yyjson_mut_doc *doc, yyjson_mut_val *root)
{
    yyjson_mut_val *now = yyjson_mut_obj(doc);

    yyjson_mut_obj_add_real(doc, now, "calls_per_s", admin->pace.calls_per_s);
    yyjson_mut_obj_add_uint(doc, now, "open", admin->pace.open);
    yyjson_mut_obj_add_uint(doc, now, "waiting", admin->pace.waiting);
    yyjson_mut_obj_add_val(doc, root, "verdict",
                           verdict_of(admin, doc, yyjson_mut_obj_get(root, "totals")));
    yyjson_mut_obj_add_val(doc, root, "tick", now);
    yyjson_mut_obj_add_val(doc, root, "pool", pool_of(admin, doc));
    yyjson_mut_obj_add_val(doc, root, "quota", yyjson_mut_arr(doc));
    yyjson_mut_obj_add_null(doc, root, "quota_resets_at");
    yyjson_mut_obj_add_val(doc, root, "processes", processes_of(admin, doc));
}

/* Models */

struct fitness {
    size_t fit, not_in_tier;
};

/* Whether the key rests for that model; `code` of that if it does. */
static bool rests_for(const struct key *key, struct view model, struct bytes *code)
{
    yyjson_doc *doc = yyjson_read(key->rests.at ? key->rests.at : "", key->rests.len, 0);
    yyjson_val *one;
    size_t i, count;
    bool rests = false;

    yyjson_arr_foreach(yyjson_doc_get_root(doc), i, count, one)
    {
        if (!view_equal(json_member_text(one, "model"), model))
            continue;
        rests = true;
        bytes_copy(code, json_member_text(one, "code"));
    }
    yyjson_doc_free(doc);
    return rests;
}

static struct fitness fitness_of(const struct admin *admin, struct view model)
{
    struct fitness fitness = {0};
    struct bytes code = {0};
    struct key *key, *next;

    HASH_ITER (hh, admin->keys.by_id, key, next) {
        bool is_out = key->state == KEY_OFF || key->state == KEY_DEAD;

        if (is_out)
            continue;
        if (!key->resting)
            fitness.fit += key->state != KEY_COOLING;
        else if (!rests_for(key, model, &code))
            fitness.fit++;
        else
            fitness.not_in_tier += view_equal(bytes_view(&code), VIEW("quota_none"));
    }
    bytes_clear(&code);
    return fitness;
}

static bool is_filtered(struct view model)
{
    const struct option_list *list = &settings_now()->filtered_models;

    for (size_t i = 0; i < list->count; i++)
        if (view_equal(model, view_of(list->at[i])))
            return true;
    return false;
}

static bool has(struct view name, const char *part)
{
    return name.len && memmem(name.at, name.len, part, strlen(part));
}

static const char *kind_of(struct view model)
{
    return has(model, "embedding")                                          ? "embedding"
           : has(model, "image") || has(model, "imagen")                    ? "image"
           : has(model, "tts") || has(model, "audio") || has(model, "live") ? "speech"
           : has(model, "veo")                                              ? "video"
                                                                            : "chat";
}

void overview_add_model(const struct admin *admin, yyjson_mut_doc *doc, yyjson_mut_val *row)
{
    yyjson_mut_val *id = yyjson_mut_obj_get(row, "id");
    struct view model = {yyjson_mut_get_str(id), yyjson_mut_get_len(id)};
    struct fitness fitness = fitness_of(admin, model);

    yyjson_mut_obj_add_str(doc, row, "kind", kind_of(model));
    yyjson_mut_obj_add_str(doc, row, "state",
                           fitness.fit           ? "ok"
                           : fitness.not_in_tier ? "not_in_tier"
                                                 : "no_key");
    yyjson_mut_obj_add_uint(doc, row, "keys_fit", fitness.fit);
    yyjson_mut_obj_add_uint(doc, row, "keys_of", total_of(admin));
    yyjson_mut_obj_add_null(doc, row, "quota");
    yyjson_mut_obj_add_bool(doc, row, "filtered", is_filtered(model));
}
