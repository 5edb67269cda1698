/* SPDX-License-Identifier: Apache-2.0 */
/* Suffixes of models' names. Called where a request's model is read. What must stay true: a suffix
 * is taken off only where it means something, so that real names which end so stay whole. */
#include "models/suffix.h"

#include "models/facts.h"
#include "settings/settings.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
    enum suffix which;
    struct view word;
} words[] = {
    {SUFFIX_SEARCH, {"-search", 7}},
    {SUFFIX_IMAGE, {"-image", 6}},
    {SUFFIX_NO_THOUGHT, {"-non-thinking", 13}},
};

struct view suffix_word(enum suffix which)
{
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (words[i].which == which)
            return words[i].word;
    return VIEW("-chat");
}

static bool ends_with(struct view name, struct view word)
{
    return name.len > word.len && memcmp(name.at + name.len - word.len, word.at, word.len) == 0;
}

/* An entry is a name, or a pattern of names. */
static bool has_model(const struct option_list *list, struct view model)
{
    for (size_t i = 0; i < list->count; i++) {
        const char *entry = list->at[i];
        if (model_matches(strncmp(entry, "models/", 7) == 0 ? entry + 7 : entry, model))
            return true;
    }
    return false;
}

/* A model that draws: one of Imagen, or the operator's choice. */
static bool is_drawer(struct view model)
{
    struct view chosen = view_of(settings_now()->create_image_model);

    if (view_starts(chosen, VIEW("models/")))
        chosen = view_skip(chosen, 7);
    return view_starts(model, VIEW("imagen-")) || view_equal(model, chosen);
}

bool suffix_is_for(enum suffix which, struct view model)
{
    switch (which) {
    case SUFFIX_SEARCH:
        return has_model(&settings_now()->search_models, model);
    case SUFFIX_IMAGE:
        return has_model(&settings_now()->image_models, model);
    case SUFFIX_NO_THOUGHT:
        return has_model(&settings_now()->thinking_models, model);
    case SUFFIX_CHAT:
        break;
    }
    return is_drawer(model);
}

/* The last suffix of the name; 0: none. */
static unsigned last_of(struct view *name)
{
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (!ends_with(*name, words[i].word))
            continue;
        name->len -= words[i].word.len;
        return words[i].which;
    }
    return 0;
}

/* Whether the model below all that stands behind it is one that may be asked for pictures. */
static bool may_draw(struct view name)
{
    do {
        if (suffix_is_for(SUFFIX_IMAGE, name))
            return true;
    } while (last_of(&name));
    return false;
}

unsigned suffix_take(struct view name, struct view *model)
{
    struct view rest = name;
    unsigned some = 0, last;

    if (ends_with(name, VIEW("-chat")) &&
        suffix_is_for(SUFFIX_CHAT, (struct view){name.at, name.len - 5})) {
        *model = (struct view){name.at, name.len - 5};
        return SUFFIX_CHAT;
    }
    while ((last = last_of(&rest)) != 0 && !(last == SUFFIX_IMAGE && !may_draw(rest))) {
        some |= last;
        name = rest;
    }
    *model = name;
    return some;
}
