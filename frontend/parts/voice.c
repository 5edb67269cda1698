/* SPDX-License-Identifier: Apache-2.0 */
/* Voices. Called by those who ask for sound. What must stay true: one name has always the same
 * voice. */
#include "parts/voice.h"

#include <stddef.h>

struct view voice_of(struct view name)
{
    static const struct {
        const char *theirs, *ours;
    } voices[] = {
        {"alloy", "Kore"},    {"ash", "Algenib"},  {"ballad", "Umbriel"}, {"coral", "Callirrhoe"},
        {"echo", "Puck"},     {"fable", "Fenrir"}, {"onyx", "Charon"},    {"nova", "Aoede"},
        {"sage", "Sulafat"},  {"shimmer", "Leda"}, {"verse", "Orus"},     {"marin", "Zephyr"},
        {"cedar", "Iapetus"},
    };

    for (size_t i = 0; i < sizeof(voices) / sizeof(voices[0]); i++)
        if (view_equal(name, view_of(voices[i].theirs)))
            return view_of(voices[i].ours);
    return name;
}
