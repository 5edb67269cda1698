/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of a model: by the table, and by what the operator tells in MODEL_FACTS. Called by
 * those who translate. What must stay true: facts that have been given out stay good, also when the
 * setting changes; and what nobody can mean is complained of at the start, by name. */
#include <stdlib.h>
#include <strings.h>
#include <yyjson.h>

#include "models/facts.h"
#include "settings/settings.h"

enum { ENTRIES_MOST = 256 };

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* ---- the facts ---- */

enum kind { KIND_BOOLEAN, KIND_INT, KIND_COUNT, KIND_THINKING, KIND_LEVELS, KIND_LIKE };

/* clang-format off */
static const struct fact {
    const char *name;
    enum kind kind;
    size_t offset;
} facts[] = {
#define FACT(name, kind) {#name, KIND_##kind, offsetof(struct model_facts, name)}
    FACT(thinking, THINKING),
    FACT(levels, LEVELS),
    FACT(budget_off, INT),
    FACT(budget_min, INT),
    FACT(budget_max, INT),
    FACT(is_off_by_default, BOOLEAN),
    FACT(is_sampling_fixed, BOOLEAN),
    FACT(refuses_prefill, BOOLEAN),
    FACT(has_no_system, BOOLEAN),
    FACT(has_no_json, BOOLEAN),
    FACT(has_no_text, BOOLEAN),
    FACT(has_openapi, BOOLEAN),
    FACT(signs_calls, BOOLEAN),
    FACT(calls_in_json, BOOLEAN),
    FACT(is_no_chat, BOOLEAN),
    FACT(makes_images, BOOLEAN),
    FACT(signs_images, BOOLEAN),
    FACT(has_image_sizes, BOOLEAN),
    FACT(has_wide_ratios, BOOLEAN),
    FACT(makes_sound, BOOLEAN),
    FACT(has_no_tools, BOOLEAN),
    FACT(has_no_urls, BOOLEAN),
    FACT(takes_resolution, BOOLEAN),
    FACT(output_limit, COUNT),
    FACT(inline_limit, COUNT),
#undef FACT
    {"like", KIND_LIKE, 0},
};
/* clang-format on */

static const char *const level_words[] = {"MINIMAL", "LOW", "MEDIUM", "HIGH"};

/* NULL: there is no such level. */
static const char *level_of(yyjson_val *word)
{
    for (size_t i = 0; yyjson_is_str(word) && i < COUNT_OF(level_words); i++)
        if (strcasecmp(yyjson_get_str(word), level_words[i]) == 0)
            return level_words[i];
    return NULL;
}

static bool set_thinking(struct model_facts *told, yyjson_val *value)
{
    static const char *const words[] = {"none", "budget", "level"};

    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (!yyjson_equals_str(value, words[i]))
            continue;
        told->thinking = (enum model_thinking)i;
        return true;
    }
    return false;
}

/* One for each of minimal, low, medium and high. */
static bool set_levels(struct model_facts *told, yyjson_val *value)
{
    yyjson_val *word;
    size_t i, max;

    if (yyjson_arr_size(value) != 4)
        return false;
    yyjson_arr_foreach(value, i, max, word)
    {
        told->levels[i] = level_of(word);
        if (!told->levels[i])
            return false;
    }
    return true;
}

static bool set_number(void *member, enum kind kind, yyjson_val *value)
{
    int64_t number = yyjson_get_sint(value);

    if (!yyjson_is_int(value) || number < 0 || number > INT32_MAX)
        return false;
    if (kind == KIND_INT)
        *(int *)member = (int)number;
    else
        *(int64_t *)member = number;
    return true;
}

static bool set_fact(struct model_facts *told, const struct fact *fact, yyjson_val *value)
{
    void *member = (char *)told + fact->offset;

    switch (fact->kind) {
    case KIND_BOOLEAN:
        *(bool *)member = yyjson_is_true(value);
        return yyjson_is_bool(value);
    case KIND_INT:
    case KIND_COUNT:
        return set_number(member, fact->kind, value);
    case KIND_THINKING:
        return set_thinking(told, value);
    case KIND_LEVELS:
        return set_levels(told, value);
    case KIND_LIKE:
        return yyjson_is_str(value) && yyjson_get_len(value);
    }
    return false;
}

static const struct fact *fact_of(yyjson_val *name)
{
    for (size_t i = 0; i < COUNT_OF(facts); i++)
        if (yyjson_equals_str(name, facts[i].name))
            return &facts[i];
    return NULL;
}

static const char *right_of(enum kind kind)
{
    static const char *const right[] = {
        [KIND_BOOLEAN] = "true or false",
        [KIND_INT] = "a number from 0 on",
        [KIND_COUNT] = "a number from 0 on",
        [KIND_THINKING] = "\"none\", \"budget\" or \"level\"",
        [KIND_LEVELS] = "four of MINIMAL, LOW, MEDIUM, HIGH: for minimal, low, medium and high",
        [KIND_LIKE] = "a model's name",
    };

    return right[kind];
}

/* ---- the whole setting ---- */

static bool entry_is_wrong(yyjson_val *pattern, yyjson_val *entry, struct bytes *why)
{
    struct model_facts scratch = {0};
    yyjson_val *name, *value;
    size_t i, max;

    if (!yyjson_is_obj(entry)) {
        bytes_printf(why, "what is said of %s should be a JSON object", yyjson_get_str(pattern));
        return true;
    }
    yyjson_obj_foreach(entry, i, max, name, value)
    {
        const struct fact *fact = fact_of(name);
        if (fact && set_fact(&scratch, fact, value))
            continue;
        if (fact)
            bytes_printf(why, "%s of %s should be %s", fact->name, yyjson_get_str(pattern),
                         right_of(fact->kind));
        else
            bytes_printf(why, "%s, which is said of %s, is no fact", yyjson_get_str(name),
                         yyjson_get_str(pattern));
        return true;
    }
    return false;
}

bool model_facts_are_wrong(struct view text, struct bytes *why)
{
    yyjson_doc *doc = yyjson_read(text.len ? text.at : "{}", text.len ? text.len : 2, 0);
    yyjson_val *root = yyjson_doc_get_root(doc), *pattern, *entry;
    bool is_wrong = !yyjson_is_obj(root) || yyjson_obj_size(root) > ENTRIES_MOST;
    size_t i, max;

    if (is_wrong)
        bytes_printf(why, "should be a JSON object of %d models at most", ENTRIES_MOST);
    yyjson_obj_foreach(root, i, max, pattern, entry)
    {
        is_wrong = is_wrong || entry_is_wrong(pattern, entry, why);
    }
    yyjson_doc_free(doc);
    return is_wrong;
}

static bool check(void *owner, const struct settings *next, struct bytes *why)
{
    struct bytes fault = {0};
    bool is_wrong = model_facts_are_wrong(view_of(next->model_facts), &fault);

    (void)owner;
    if (is_wrong && why)
        bytes_printf(why, "MODEL_FACTS: %s", bytes_cstr(&fault));
    bytes_clear(&fault);
    return !is_wrong;
}

/* They are read when they are asked for. */
static void apply(void *owner, const struct settings *before, const struct settings *next)
{
    (void)owner, (void)before, (void)next;
}

const struct settings_reader model_facts_reader = {
    .name = "model_facts",
    .groups = UINT64_C(1) << SETTING_GROUP_answers,
    .check = check,
    .apply = apply,
};

/* ---- what has been told ---- */

/* The facts of one family with what an entry says over them. Never freed: somebody may hold them. */
struct told {
    struct model_facts facts;
    struct told *next;
    yyjson_val *entry;
    size_t family;
};

/* One a change of the setting. */
static struct setting {
    char *text; /* that `doc` was read from */
    yyjson_doc *doc;
    struct told *all; /* of this text */
    struct setting *before;
} * now;

/* Documents of before stay, as do their patterns, which facts name. */
static void read_setting(const char *text)
{
    struct setting *setting;

    if (now && strcmp(now->text, text) == 0)
        return;
    setting = memory_new(sizeof(*setting));
    *setting = (struct setting){.text = memory_text(view_of(text)),
                                .doc = yyjson_read(text, strlen(text), 0),
                                .before = now};
    now = setting;
}

static yyjson_val *entry_of(struct view name)
{
    yyjson_val *pattern, *entry;
    size_t i, max;

    yyjson_obj_foreach(yyjson_doc_get_root(now->doc), i, max, pattern, entry)
    {
        if (model_matches(yyjson_get_str(pattern), name))
            return entry;
    }
    return NULL;
}

static const struct told *told_of(yyjson_val *entry, size_t family)
{
    struct told *told = now->all;
    yyjson_val *name, *value;
    size_t i, max;

    while (told && (told->entry != entry || told->family != family))
        told = told->next;
    if (told)
        return told;
    told = memory_new(sizeof(*told));
    *told = (struct told){*model_family(family), now->all, entry, family};
    now->all = told;
    yyjson_obj_foreach(entry, i, max, name, value)
    {
        const struct fact *fact = fact_of(name);
        if (fact)
            set_fact(&told->facts, fact, value);
    }
    return told;
}

const struct model_facts *model_facts(struct view name)
{
    const char *text = settings_now()->model_facts;
    yyjson_val *entry = NULL, *like;

    if (text && strlen(text) > 2) { /* {} */
        read_setting(text);
        entry = entry_of(name);
    }
    if (!entry)
        return model_family(model_family_of(name));
    like = yyjson_obj_get(entry, "like");
    if (like)
        name = (struct view){yyjson_get_str(like), yyjson_get_len(like)};
    return &told_of(entry, model_family_of(name))->facts;
}
