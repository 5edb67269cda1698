/* SPDX-License-Identifier: Apache-2.0 */
/* Names of models, and thinkingConfig. What must stay true: a name that passes model_name cannot
 * leave the path it is put into. */
#include "models/model.h"

#include "settings/options.h"

#define NAME_LIMIT 128

static bool is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
}

bool model_name(struct view asked, struct view *name)
{
    static const struct view prefixes[] = {
        {"google/", 7},
        {"gemini/", 7},
        {"models/", 7},
    };

    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
        if (view_starts(asked, prefixes[i]))
            asked = view_skip(asked, prefixes[i].len);
    if (!asked.len || asked.len > NAME_LIMIT || asked.at[0] == '.')
        return false;
    for (size_t i = 0; i < asked.len; i++)
        if (!is_name_character(asked.at[i]) || (i && asked.at[i] == '.' && asked.at[i - 1] == '.'))
            return false;
    *name = asked;
    return true;
}

bool model_is_filtered(struct view name)
{
    for (size_t i = 0; i < settings_now()->filtered_models.count; i++) {
        struct view filtered = view_of(settings_now()->filtered_models.at[i]);

        if (view_starts(filtered, VIEW("models/")))
            filtered = view_skip(filtered, 7);
        if (view_equal(filtered, name))
            return true;
    }
    return false;
}

bool model_effort(struct view word, enum effort *effort)
{
    static const struct {
        const char *word;
        enum effort effort;
    } words[] = {
        {"none", EFFORT_NONE},     {"minimal", EFFORT_MINIMAL}, {"low", EFFORT_LOW},
        {"medium", EFFORT_MEDIUM}, {"high", EFFORT_HIGH},       {"xhigh", EFFORT_MAX},
        {"max", EFFORT_MAX},
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (view_equal(word, view_of(words[i].word))) {
            *effort = words[i].effort;
            return true;
        }
    }
    return false;
}

static enum effort effort_of_budget(int64_t budget)
{
    if (budget < 0)
        return EFFORT_UNSAID;
    if (budget == 0)
        return EFFORT_NONE;
    if (budget <= 1024)
        return EFFORT_LOW;
    return budget <= 8192 ? EFFORT_MEDIUM : EFFORT_HIGH;
}

static int64_t budget_of_effort(const struct model_facts *facts, enum effort effort)
{
    switch (effort) {
    case EFFORT_NONE:
        return facts->budget_off;
    case EFFORT_MINIMAL:
    case EFFORT_LOW:
        return 1024;
    case EFFORT_MEDIUM:
        return 8192;
    case EFFORT_HIGH:
        return 24576;
    case EFFORT_MAX:
        return facts->budget_max;
    case EFFORT_UNSAID:
        break;
    }
    return -1;
}

static int64_t clamp_budget(const struct model_facts *facts, int64_t budget)
{
    if (budget < 0)
        return -1;
    if (budget == 0)
        return facts->budget_off;
    if (budget < facts->budget_min)
        return facts->budget_min;
    return budget < facts->budget_max ? budget : facts->budget_max;
}

static const char *level_of_effort(const struct model_facts *facts, enum effort effort)
{
    switch (effort) {
    case EFFORT_NONE:
    case EFFORT_MINIMAL:
        return facts->levels[0];
    case EFFORT_LOW:
        return facts->levels[1];
    case EFFORT_MEDIUM:
        return facts->levels[2];
    case EFFORT_HIGH:
    case EFFORT_MAX:
        return facts->levels[3];
    case EFFORT_UNSAID:
        break;
    }
    return NULL;
}

/* Level and budget are never sent together: the provider refuses that. Thoughts are not asked for
 * where the model isn't to think: it refuses that as well. */
void model_think(const struct model_facts *facts, const struct thinking *thinking, bool shows,
                 struct bytes *out)
{
    enum effort effort =
        thinking->has_budget ? effort_of_budget(thinking->budget) : thinking->effort;
    bool has_said = thinking->has_budget || effort != EFFORT_UNSAID;
    bool thinks = has_said ? effort != EFFORT_NONE : !facts->is_off_by_default;
    const char *level = level_of_effort(facts, effort);
    size_t start = out->len;

    if (facts->thinking == THINKS_NOT)
        return;
    if (facts->thinking == THINKS_LEVEL && level)
        bytes_printf(out, "\"thinkingLevel\":\"%s\"", level);
    if (facts->thinking == THINKS_BUDGET && has_said)
        bytes_printf(out, "\"thinkingBudget\":%lld",
                     (long long)(thinking->has_budget ? clamp_budget(facts, thinking->budget)
                                                      : budget_of_effort(facts, effort)));
    if (!shows || !thinks)
        return;
    bytes_text(out, out->len > start ? "," : "");
    bytes_append(out, VIEW("\"includeThoughts\":true"));
}
