/* SPDX-License-Identifier: Apache-2.0 */
/* Where a part says that its picture, sound or file is: what kind of address that is. */
#pragma once

#include "base/bytes.h"

enum address_kind {
    ADDRESS_DATA,    /* in the request itself */
    ADDRESS_FILE,    /* one of the provider's files: files/ID, or its whole URI */
    ADDRESS_YOUTUBE, /* a video that the provider looks at by itself */
    ADDRESS_WEB,     /* http or https, anywhere */
    ADDRESS_OTHER,   /* gs:, file:, nothing at all */
};

enum address_kind address_kind(struct view address);

/* Appends the provider's URI of an ADDRESS_FILE; any other address as it is. */
void address_write(struct view address, struct bytes *out);

/* The media type that the ending of an address's path, or of a file's name, stands for; NULL: it
 * says nothing. */
const char *address_type(struct view address);
