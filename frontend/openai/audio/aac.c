/* SPDX-License-Identifier: Apache-2.0 */
/* AAC by vo-aacenc, a frame of 1024 samples at a time. Called by sound.c. */
#include "openai/audio/aac.h"

#include <stdlib.h>
#include <vo-aacenc/cmnMemory.h>
#include <vo-aacenc/voAAC.h>

enum {
    FRAME_BYTES = 2048,
    FRAME_MOST = 2048, /* bytes that a frame becomes; 6144 bits a channel, by the standard */
    BIT_RATE = 64000,
};

struct aac {
    VO_AUDIO_CODECAPI api;
    VO_HANDLE encoder; /* NULL: none */
    unsigned char frame[FRAME_BYTES];
    size_t len; /* of the frame so far */
};

static VO_MEM_OPERATOR memory = {cmnMemAlloc, cmnMemFree,    cmnMemSet, cmnMemCopy,
                                 cmnMemCheck, cmnMemCompare, cmnMemMove};

struct aac *aac_new(unsigned rate)
{
    struct aac *aac = memory_new(sizeof(*aac));
    VO_CODEC_INIT_USERDATA user = {.memflag = VO_IMF_USERMEMOPERATOR, .memData = &memory};
    AACENC_PARAM parameters = {
        .sampleRate = (VO_S32)rate, .bitRate = BIT_RATE, .nChannels = 1, .adtsUsed = 1};

    if (voGetAACEncAPI(&aac->api) == VO_ERR_NONE &&
        aac->api.Init(&aac->encoder, VO_AUDIO_CodingAAC, &user) == VO_ERR_NONE &&
        aac->api.SetParam(aac->encoder, VO_PID_AAC_ENCPARAM, &parameters) == VO_ERR_NONE)
        return aac;
    aac_free(aac);
    return NULL;
}

static bool encode(struct aac *aac, struct bytes *out)
{
    VO_CODECBUFFER in = {.Buffer = aac->frame, .Length = FRAME_BYTES};
    VO_CODECBUFFER made = {.Buffer = (VO_PBYTE)bytes_room(out, FRAME_MOST), .Length = FRAME_MOST};
    VO_AUDIO_OUTPUTINFO info = {0};

    aac->len = 0;
    if (aac->api.SetInputData(aac->encoder, &in) != VO_ERR_NONE ||
        aac->api.GetOutputData(aac->encoder, &made, &info) != VO_ERR_NONE)
        return false;
    out->len += made.Length;
    return true;
}

bool aac_feed(struct aac *aac, struct view samples, struct bytes *out)
{
    while (samples.len) {
        size_t take = FRAME_BYTES - aac->len < samples.len ? FRAME_BYTES - aac->len : samples.len;

        memcpy(aac->frame + aac->len, samples.at, take);
        aac->len += take;
        samples = view_skip(samples, take);
        if (aac->len == FRAME_BYTES && !encode(aac, out))
            return false;
    }
    return true;
}

bool aac_end(struct aac *aac, struct bytes *out)
{
    if (!aac->len)
        return true;
    memset(aac->frame + aac->len, 0, FRAME_BYTES - aac->len);
    return encode(aac, out);
}

void aac_free(struct aac *aac)
{
    if (!aac)
        return;
    if (aac->encoder)
        aac->api.Uninit(aac->encoder);
    free(aac);
}
