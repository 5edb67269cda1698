/* SPDX-License-Identifier: Apache-2.0 */
/* The table of key modes; the ledger asks when it sees a key first. What must stay true: "ok" is at
 * index 0, and a longer word stands before a shorter one that begins it. */
#include "mode.h"

#include "reason.h"

static const struct mode modes[] = {
    {"ok", ACT_ANSWER, REFUSAL_NONE, false, -1},
    {"invalid", ACT_REFUSE, REFUSAL_KEY_INVALID, true, -1},
    {"expired", ACT_REFUSE, REFUSAL_KEY_EXPIRED, true, -1},
    {"suspended", ACT_REFUSE, REFUSAL_SUSPENDED, true, -1},
    {"leaked", ACT_REFUSE, REFUSAL_LEAKED, true, -1},
    {"forbidden", ACT_REFUSE, REFUSAL_FORBIDDEN, true, -1},
    {"disabled", ACT_REFUSE, REFUSAL_DISABLED, true, -1},
    {"blocked", ACT_REFUSE, REFUSAL_BLOCKED, true, -1},
    {"location", ACT_REFUSE, REFUSAL_LOCATION, true, -1},
    {"depleted", ACT_REFUSE, REFUSAL_DEPLETED, false, -1},
    {"unlisted", ACT_REFUSE, REFUSAL_NO_MODEL, false, -1},
    {"minute", ACT_REFUSE, REFUSAL_MINUTE, false, -1},
    {"day", ACT_REFUSE, REFUSAL_DAY, false, -1},
    {"limit0", ACT_REFUSE, REFUSAL_LIMIT_ZERO, false, -1},
    {"exhausted", ACT_REFUSE, REFUSAL_EXHAUSTED, false, -1},
    {"overloaded", ACT_REFUSE, REFUSAL_OVERLOADED, false, -1},
    {"internal", ACT_REFUSE, REFUSAL_INTERNAL, false, -1},
    {"deadline", ACT_REFUSE, REFUSAL_DEADLINE, false, -1},
    {"html", ACT_REFUSE, REFUSAL_GATEWAY_PAGE, true, -1},
    {"slow", ACT_SLOW, REFUSAL_NONE, false, 1000},
    {"hanging", ACT_HANG, REFUSAL_NONE, true, -1},
    {"resetting", ACT_RESET, REFUSAL_NONE, true, -1},
    {"empty", ACT_EMPTY, REFUSAL_NONE, false, -1},
    {"finish", ACT_FINISH, REFUSAL_NONE, false, -1},
    {"block", ACT_BLOCK, REFUSAL_NONE, false, -1},
};

const struct mode *mode_facts(struct mode_use use)
{
    return &modes[use.index];
}

/* Reads the digits at `*end`, which moves behind them. */
static int read_number(struct span s, size_t *end, int when_absent)
{
    size_t begin = *end;
    int number = 0;

    while (*end < s.len && *end < begin + 7 && s.at[*end] >= '0' && s.at[*end] <= '9')
        number = number * 10 + (s.at[(*end)++] - '0');
    return *end > begin ? number : when_absent;
}

/* Reads the reason that must stand behind the word; -1 when none does. */
static int read_reason(struct span s, size_t *end, enum reason_list list)
{
    int index = reason_find(list, span_from(s, *end));

    if (index >= 0)
        *end += strlen(reason_at(list, index)->name);
    return index;
}

/* Reads a mode at the beginning of `s`; returns the bytes it took, 0 for none. */
static size_t read_at(struct span s, struct mode_use *use)
{
    for (size_t i = 0; i < COUNT(modes); i++) {
        size_t end = strlen(modes[i].word);
        bool is_finish = modes[i].act == ACT_FINISH;

        if (!span_starts(s, modes[i].word))
            continue;
        use->index = (int)i;
        if (is_finish || modes[i].act == ACT_BLOCK)
            use->number = read_reason(s, &end, is_finish ? REASON_FINISH : REASON_BLOCK);
        else
            use->number = read_number(s, &end, modes[i].number);
        if (use->number >= 0 || !(is_finish || modes[i].act == ACT_BLOCK))
            return end;
    }
    return 0;
}

bool mode_read(struct span word, struct mode_use *use)
{
    return word.len != 0 && read_at(word, use) == word.len;
}

struct mode_use mode_of_key(struct span key)
{
    struct mode_use use;

    for (size_t i = 0; i < key.len; i++)
        if (key.at[i] == '-' && read_at(span_from(key, i + 1), &use) != 0)
            return use;
    return (struct mode_use){0, -1};
}
