/* SPDX-License-Identifier: Apache-2.0 */
/* Pools that need no key, since what serves them is not the provider. */
#pragma once

#include "base/view.h"

#define OUTSIDE_FETCH "fetch"           /* an address that a client has named */
#define OUTSIDE_IMAGE_HOST "image_host" /* where pictures are put, UPLOAD_PROVIDER */

static inline bool outside_is(struct view pool)
{
    return view_equal(pool, VIEW(OUTSIDE_FETCH)) || view_equal(pool, VIEW(OUTSIDE_IMAGE_HOST));
}
