/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads and downloads of files. */
#pragma once

#include "server.h"

/* Before the fork. */
void uploads_open(void);
void uploads_reset(void);

/* POST and PUT below /upload/v1beta/: the path is what follows. */
void upload(struct call *call);

/* GET …/files/{id}:download: the path is the id. */
void download(struct call *call);
