/* SPDX-License-Identifier: Apache-2.0 */
/* The reply of chat/completions: what streams (stream.c) and whole answers (whole.c) have in common.
 * What must stay true: usage is that of the newest event, never a sum; and an id stays what it was
 * when it was first written. */
#include "openai/chat/chat.h"

#include <openssl/sha.h>

#include "settings/options.h"

enum { ID_BYTES = 12 };

yyjson_val *reply_parts(yyjson_val *candidate)
{
    return json_member(json_member(candidate, VIEW("content")), VIEW("parts"));
}

struct reply_choice *reply_choice_of(struct reply *reply, yyjson_val *candidate, uint64_t *index)
{
    *index = json_count(json_member(candidate, VIEW("index")));
    if (!yyjson_is_obj(candidate) || *index >= REPLY_CHOICES)
        return NULL;
    if (ask_legs(reply->ask) > 1) {
        if (*index != 0)
            return NULL;
        *index = reply->leg;
    }
    return &reply->choices[*index];
}

void reply_note_finish(struct reply *reply, struct reply_choice *choice, yyjson_val *candidate)
{
    struct view reason = json_view(json_member(candidate, VIEW("finishReason")));
    struct view message = json_view(json_member(candidate, VIEW("finishMessage")));

    if (!reason.len)
        return;
    reply->has_finish = true;
    choice->finish = finish_of(reason);
    if (message.len) {
        bytes_copy(&choice->refusal, message);
    } else {
        bytes_copy(&choice->refusal, VIEW("The answer was withheld: "));
        bytes_append(&choice->refusal, reason);
    }
}

/* A prompt that the provider refuses is answered, with nothing but the reason; unless the operator
 * wants an error: false. */
bool reply_note_block(struct reply *reply, yyjson_val *root)
{
    yyjson_val *feedback = json_member(root, VIEW("promptFeedback"));
    struct view reason = json_view(json_member(feedback, VIEW("blockReason")));
    struct view message = json_view(json_member(feedback, VIEW("blockReasonMessage")));
    struct reply_choice *choice = &reply->choices[reply->leg];

    if (!reason.len || view_equal(reason, VIEW("BLOCK_REASON_UNSPECIFIED")) ||
        yyjson_arr_size(json_member(root, VIEW("candidates"))))
        return true;
    if (settings_now()->refuse_blocked && !reply->has_content) {
        reply->fault = ERROR_BLOCKED;
        return false;
    }
    reply->has_finish = true;
    choice->finish = finish_of(VIEW("SAFETY"));
    bytes_copy(&choice->refusal, VIEW("The prompt was blocked: "));
    bytes_append(&choice->refusal, reason);
    bytes_append(&choice->refusal, message.len ? VIEW(": ") : VIEW(""));
    bytes_append(&choice->refusal, message);
    return true;
}

static void note_once(struct bytes *noted, yyjson_val *root, struct view name)
{
    struct view text = json_view(json_member(root, name));

    if (!noted->len && text.len)
        bytes_copy(noted, text);
}

void reply_note_head(struct reply *reply, yyjson_val *root)
{
    if (reply->head.len && !reply->ask->include_usage)
        return; /* nothing of it would be written any more */
    note_once(&reply->response_id, root, VIEW("responseId"));
    note_once(&reply->version, root, VIEW("modelVersion"));
    usage_note(reply, json_member(root, VIEW("usageMetadata")));
}

void reply_write_head(struct reply *reply, struct bytes *out, struct view object)
{
    if (!reply->response_id.len)
        bytes_printf(&reply->response_id, "%016llx", (unsigned long long)reply->id);
    bytes_append(out, VIEW("{\"id\":\"chatcmpl-"));
    json_escape(out, bytes_view(&reply->response_id));
    bytes_append(out, VIEW("\",\"object\":\""));
    bytes_append(out, object);
    json_int_after(out, VIEW("\",\"created\":"), reply->created_s);
    bytes_append(out, VIEW(",\"model\":"));
    json_text(out, bytes_view(&reply->ask->client_model));
    if (reply->tier) {
        bytes_append(out, VIEW(",\"service_tier\":\""));
        bytes_text(out, reply->tier);
        bytes_append(out, VIEW("\""));
    }
    if (reply->version.len) {
        bytes_append(out, VIEW(",\"system_fingerprint\":\"fp_"));
        json_escape(out, bytes_view(&reply->version));
        bytes_append(out, VIEW("\""));
    }
    bytes_append(out, VIEW(",\"choices\":["));
}

void reply_write_refusal(const struct reply_choice *choice, struct bytes *out)
{
    if (choice->has_content || !choice->finish || !choice->finish->is_told || !choice->refusal.len)
        bytes_append(out, VIEW("null"));
    else
        json_text(out, bytes_view(&choice->refusal));
}

void reply_write_id(const struct reply *reply, uint64_t index, size_t part, const char *prefix,
                    struct bytes *out)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    struct bytes seed = {0};

    bytes_printf(&seed, "%llx %llu %zu ", (unsigned long long)reply->id, (unsigned long long)index,
                 part);
    bytes_append(&seed, bytes_view(&reply->response_id));
    SHA256((const unsigned char *)seed.at, seed.len, digest);
    bytes_clear(&seed);
    bytes_text(out, prefix);
    for (size_t i = 0; i < ID_BYTES; i++)
        bytes_printf(out, "%02x", digest[i]);
}

static void choice_clear(struct reply_choice *choice)
{
    bytes_clear(&choice->refusal);
    bytes_clear(&choice->fence.held);
    bytes_clear(&choice->cited.said);
    bytes_clear(&choice->cited.annotations);
    bytes_clear(&choice->cited.links);
    bytes_clear(&choice->cited.visited);
}

void reply_clear(struct reply *reply)
{
    bytes_clear(&reply->response_id);
    bytes_clear(&reply->version);
    bytes_clear(&reply->head);
    for (size_t i = 0; i < REPLY_CHOICES; i++)
        choice_clear(&reply->choices[i]);
    *reply = (struct reply){0};
}
