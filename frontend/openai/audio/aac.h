/* SPDX-License-Identifier: Apache-2.0 */
/* Samples as AAC in ADTS frames, of one channel. */
#pragma once

#include "base/bytes.h"

struct aac;

/* NULL: there is no such rate. */
struct aac *aac_new(unsigned rate);

/* Encodes samples of 16 bits, the low byte first; what does not fill a frame waits. False: they
 * cannot be encoded. */
bool aac_feed(struct aac *aac, struct view samples, struct bytes *out);

/* Encodes what waits, with silence behind it. */
bool aac_end(struct aac *aac, struct bytes *out);

/* NULL is taken too. */
void aac_free(struct aac *aac);
