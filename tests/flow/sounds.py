# SPDX-License-Identifier: Apache-2.0
"""How long encoded sound is, by its own framing; a file that is not whole fails."""
import struct

RATES = {2: (22050, 24000, 16000)}  # of MPEG 2
MPEG2_KBITS = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
ADTS_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)


def mp3_seconds(data):
    at = samples = 0
    while at < len(data):
        head = int.from_bytes(data[at:at + 4], "big")
        assert head >> 21 == 0x7ff and head >> 19 & 3 == 2 and head >> 17 & 3 == 1, f"no frame at {at}"
        rate = RATES[2][head >> 10 & 3]
        at += 72000 * MPEG2_KBITS[head >> 12 & 15] // rate + (head >> 9 & 1)
        samples += 576
    assert at == len(data)
    return samples / rate


def aac_seconds(data):
    at = frames = 0
    while at < len(data):
        assert data[at] == 0xff and data[at + 1] & 0xf6 == 0xf0, f"no frame at {at}"
        rate = ADTS_RATES[data[at + 2] >> 2 & 15]
        at += (data[at + 3] & 3) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
        frames += 1
    assert at == len(data)
    return frames * 1024 / rate


def opus_seconds(data):
    at = last = 0
    kinds = []
    while at < len(data):
        magic, _, kind, position, _, _, _, count = struct.unpack("<4sBBqIIIB", data[at:at + 27])
        assert magic == b"OggS", f"no page at {at}"
        at += 27 + count + sum(data[at + 27:at + 27 + count])
        last, kinds = position if position > 0 else last, [*kinds, kind]
    assert at == len(data) and data[28:36] == b"OpusHead" and kinds[0] & 2 and kinds[-1] & 4
    return last / 48000


def wav_seconds(data):
    riff, size, wave, fmt, _, kind, channels, rate, _, _, bits, name, length = struct.unpack("<4sI4s4sIHHIIHH4sI", data[:44])
    assert (riff, wave, fmt, name) == (b"RIFF", b"WAVE", b"fmt ", b"data") and (kind, channels, bits) == (1, 1, 16)
    assert size == len(data) - 8 and length == len(data) - 44
    return length / 2 / rate


def flac_seconds(data):
    assert data[:4] == b"fLaC"
    rate_and_more = int.from_bytes(data[18:26], "big")
    return (rate_and_more & (1 << 36) - 1) / (rate_and_more >> 44)


def pcm_seconds(data):
    return len(data) / 2 / 24000


SECONDS = {"mp3": mp3_seconds, "aac": aac_seconds, "opus": opus_seconds, "wav": wav_seconds, "flac": flac_seconds,
           "pcm": pcm_seconds}
TYPES = {"mp3": "audio/mpeg", "aac": "audio/aac", "opus": "audio/ogg", "wav": "audio/wav", "flac": "audio/flac",
         "pcm": "audio/pcm"}
