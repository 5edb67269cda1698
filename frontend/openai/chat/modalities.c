/* SPDX-License-Identifier: Apache-2.0 */
/* What a client of chat/completions wants to be answered in: text, pictures, sound. Called by
 * request.c and config.c. What must stay true: a model is asked for nothing that it does not make,
 * and one that makes only sound is asked for sound. */
#include "models/suffix.h"
#include "openai/chat/request_private.h"
#include "openai/audio/voice.h"

static bool is_word(yyjson_val *modality, const char *word)
{
    return yyjson_equals_str(modality, word);
}

static bool is_made(const struct chat *chat, yyjson_val *modality)
{
    if (chat->model->makes_sound)
        return is_word(modality, "audio") || is_word(modality, "text");
    return is_word(modality, "text") || (is_word(modality, "image") && chat->makes_images);
}

static bool has_modality(const struct chat *chat, const char *word)
{
    yyjson_val *modality;
    size_t i, max;

    yyjson_arr_foreach(chat->value[F_modalities], i, max, modality)
    {
        if (is_word(modality, word))
            return true;
    }
    return false;
}

static bool check_audio(struct chat *chat)
{
    yyjson_val *audio = chat->value[F_audio], *voice = json_member(audio, VIEW("voice"));
    yyjson_val *format = json_member(audio, VIEW("format"));

    if (yyjson_is_obj(voice))
        voice = json_member(voice, VIEW("id"));
    if (voice && !yyjson_is_str(voice))
        return chat_refuse_type(chat, "audio.voice", "a string", voice);
    if (format && !yyjson_is_str(format))
        return chat_refuse_type(chat, "audio.format", "a string", format);
    chat->ask->wants_pcm = yyjson_equals_str(format, "pcm16") || yyjson_equals_str(format, "pcm");
    return true;
}

bool modalities_check(struct chat *chat)
{
    yyjson_val *modality;
    size_t i, max;

    yyjson_arr_foreach(chat->value[F_modalities], i, max, modality)
    {
        if (!is_made(chat, modality))
            return chat_refuse(chat, ERROR_UNSUPPORTED_VALUE, "modalities",
                               "Unsupported value: 'modalities' of this model may be %s.",
                               chat->model->makes_sound ? "[\"text\",\"audio\"] or [\"audio\"]"
                               : chat->makes_images     ? "[\"text\"] or [\"text\",\"image\"]"
                                                        : "[\"text\"] only");
    }
    if (chat->model->makes_sound && chat->value[F_modalities] && max &&
        !has_modality(chat, "audio"))
        return chat_refuse(chat, ERROR_UNSUPPORTED_VALUE, "modalities",
                           "Unsupported value: this model answers in sound: 'modalities' may be "
                           "[\"text\",\"audio\"] or [\"audio\"].");
    return check_audio(chat);
}

static void write_voice(struct chat *chat)
{
    yyjson_val *voice = json_member(chat->value[F_audio], VIEW("voice"));

    if (yyjson_is_obj(voice))
        voice = json_member(voice, VIEW("id"));
    if (!json_view(voice).len || !chat_config_key(chat, VIEW("speechConfig")))
        return;
    bytes_append(&chat->ask->body,
                 VIEW("{\"voiceConfig\":{\"prebuiltVoiceConfig\":{\"voiceName\":"));
    json_text(&chat->ask->body, voice_find(json_view(voice)));
    bytes_append(&chat->ask->body, VIEW("}}}"));
}

/* Text alone is what every model does unasked, but for those that make pictures. */
static void write_pictures(struct chat *chat)
{
    bool is_said = yyjson_arr_size(chat->value[F_modalities]) > 0;
    bool has_text = has_modality(chat, "text"), has_image = has_modality(chat, "image");

    if (!is_said && !(chat->suffix & SUFFIX_IMAGE))
        return;
    if (!is_said)
        has_text = has_image = true;
    if (!chat_config_key(chat, VIEW("responseModalities")))
        return;
    bytes_append(&chat->ask->body, has_text ? VIEW("[\"TEXT\"") : VIEW("["));
    bytes_append(&chat->ask->body, has_text && has_image ? VIEW(",") : VIEW(""));
    bytes_append(&chat->ask->body, has_image ? VIEW("\"IMAGE\"]") : VIEW("]"));
}

void modalities_write(struct chat *chat)
{
    if (chat->makes_images)
        write_pictures(chat);
    if (!chat->model->makes_sound)
        return;
    if (chat_config_key(chat, VIEW("responseModalities")))
        bytes_append(&chat->ask->body, VIEW("[\"AUDIO\"]"));
    write_voice(chat);
}
