/* SPDX-License-Identifier: Apache-2.0 */
/* Which of Google's methods a request calls, by its path; known ones and others. */
#pragma once

#include "base/view.h"

struct method {
    const char *operation; /* for the ledger, and for who judges the answer */
    struct view model;     /* behind any models/, a part of the path; empty: none is asked */
    bool is_json;          /* its body is to be a JSON object */
    bool is_generation;    /* its answers are judged as generations */
    bool is_stream;
    bool once; /* it makes or changes something: not to be repeated where it may have been obeyed */
};

/* `path` stands behind the version: /models/m:countTokens. False: it names a model that is none. */
bool method_read(struct view path, struct view http_method, struct method *method);
