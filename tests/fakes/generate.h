/* SPDX-License-Identifier: Apache-2.0 */
/* Google's routes. */
#pragma once

#include "server.h"

void generate_whole(struct call *call);
void generate_stream(struct call *call);
void generate_models(struct call *call);
void generate_model(struct call *call);

/* No such route: Google answers with a page. */
void generate_lost(struct call *call);
