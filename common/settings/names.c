/* SPDX-License-Identifier: Apache-2.0 */
/* Compares names with those of options.def. Called by options.c. What must stay true: all 73 names
 * of gemini-balance are known. */
#include "settings/names.h"

#include <ctype.h>
#include <string.h>

#include "settings/option.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { NAME_MOST = 64 };

static const struct {
    const char *name;
    unsigned line;
} later[] = {
#define LATER(name) {#name, __LINE__},
#include "settings/options.def"
};

static const struct {
    enum name_effect effect;
    unsigned line;
} effects[] = {
#define EFFECT(kind) {NAME_##kind, __LINE__},
#include "settings/options.def"
};

const char *name_effect_text(enum name_effect effect)
{
    static const char *const texts[] = {
        [NAME_COSMETIC] = "no effect here, looks and pace only",
        [NAME_NEEDLESS] = "not needed here, the gateway does this by itself",
    };

    return texts[effect];
}

const char *name_later(size_t place, enum name_effect *effect)
{
    size_t nearest = COUNT(effects) - 1;

    if (place >= COUNT(later))
        return NULL;
    while (nearest > 0 && effects[nearest].line > later[place].line)
        nearest--;
    *effect = effects[nearest].effect;
    return later[place].name;
}

bool name_is_known(const char *name)
{
    for (size_t i = 0; i < option_count; i++)
        if (strcasecmp(option_table[i].name, name) == 0)
            return true;
    for (size_t i = 0; i < COUNT(later); i++)
        if (strcasecmp(later[i].name, name) == 0)
            return true;
    return false;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Letters to put in, take out or change. */
static size_t distance_of(const char *one, const char *other)
{
    size_t row[NAME_MOST + 1], len = strlen(other);

    for (size_t k = 0; k <= len; k++)
        row[k] = k;
    for (size_t i = 0; one[i]; i++) {
        size_t corner = row[0]++;

        for (size_t k = 0; k < len; k++) {
            bool is_same = toupper((unsigned char)one[i]) == other[k];
            size_t changed = corner + !is_same;

            corner = row[k + 1];
            row[k + 1] = least(changed, 1 + least(row[k], row[k + 1]));
        }
    }
    return row[len];
}

const char *name_nearest(const char *name, size_t *distance)
{
    const char *nearest = option_table[0].name;

    *distance = NAME_MOST;
    for (size_t i = 0; i < option_count && strlen(name) < NAME_MOST; i++) {
        size_t far = distance_of(name, option_table[i].name);

        if (far < *distance) {
            *distance = far;
            nearest = option_table[i].name;
        }
    }
    return nearest;
}

bool name_is_of_secret(const char *name)
{
    static const char *const secrets[] = {"API_KEYS", "ALLOWED_TOKENS", "AUTH_TOKEN"};

    for (size_t i = 0; i < COUNT(secrets); i++)
        if (strlen(name) < NAME_MOST && distance_of(name, secrets[i]) <= 2)
            return true;
    return strcasestr(name, "KEY") || strcasestr(name, "TOKEN");
}
