/* SPDX-License-Identifier: Apache-2.0 */
/* Voices. Called by speech.c and the chat's modalities.c. What must stay true: whatever a client
 * names, the provider gets a voice that it has, or the one of the settings. */
#include "openai/audio/voice.h"

#include <strings.h>

#include "settings/options.h"

static const char *const voices[] = {
    "Zephyr",    "Puck",          "Charon",       "Kore",      "Fenrir",     "Leda",
    "Orus",      "Aoede",         "Callirrhoe",   "Autonoe",   "Enceladus",  "Iapetus",
    "Umbriel",   "Algieba",       "Despina",      "Erinome",   "Algenib",    "Rasalgethi",
    "Laomedeia", "Achernar",      "Alnilam",      "Schedar",   "Gacrux",     "Pulcherrima",
    "Achird",    "Zubenelgenubi", "Vindemiatrix", "Sadachbia", "Sadaltager", "Sulafat",
};

/* Which of them sounds most like one of OpenAI's is a matter of taste. */
static const struct {
    const char *openais, *ours;
} others[] = {
    {"alloy", "Kore"},       {"echo", "Puck"},    {"fable", "Fenrir"}, {"onyx", "Charon"},
    {"nova", "Aoede"},       {"shimmer", "Leda"}, {"ash", "Orus"},     {"ballad", "Algieba"},
    {"coral", "Callirrhoe"}, {"sage", "Sulafat"}, {"verse", "Achird"}, {"marin", "Despina"},
    {"cedar", "Iapetus"},
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static bool is_name(struct view text, const char *name)
{
    return text.len == strlen(name) && strncasecmp(text.at, name, text.len) == 0;
}

struct view voice_find(struct view name)
{
    for (size_t i = 0; name.len && i < COUNT_OF(voices); i++)
        if (is_name(name, voices[i]))
            return view_of(voices[i]);
    for (size_t i = 0; name.len && i < COUNT_OF(others); i++)
        if (is_name(name, others[i].openais))
            return view_of(others[i].ours);
    return view_of(settings_now()->tts_voice_name);
}
