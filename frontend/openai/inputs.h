/* SPDX-License-Identifier: Apache-2.0 */
/* The members of a request of OpenAI's routes for media, JSON or a form, read one by one: each by its
 * name and what it may be. A member that is absent, null or an empty text leaves the caller's value as it is;
 * numbers may be texts. */
#pragma once

#include "base/json.h"
#include "endpoint/endpoint.h"
#include "web/form.h"

struct inputs {
    yyjson_doc *doc;  /* of a JSON body */
    yyjson_val *root; /* NULL: it is a form */
    struct form form;
    const struct request *request;
    struct plan *plan; /* gets what is wrong */
    enum error error;  /* the same as a value */
};

/* Begins to read; to be closed in any case. Views into the members are good until then. */
enum error inputs_open(struct inputs *inputs, const struct request *request, struct plan *plan);
void inputs_close(struct inputs *inputs);

/* Each returns false if the member is there and is not what it may be; then the plan says why. */
bool inputs_text(struct inputs *inputs, const char *name, struct view *text);
bool inputs_integer(struct inputs *inputs, const char *name, int64_t least, int64_t most,
                    int64_t *number);
bool inputs_number(struct inputs *inputs, const char *name, double least, double most,
                   double *number);
bool inputs_flag(struct inputs *inputs, const char *name, bool *flag);

/* One of `words`, which end in NULL: `*which` is its place. */
bool inputs_word(struct inputs *inputs, const char *name, const char *const *words, size_t *which);

/* The model that the client names: in the path, else in the member. */
bool inputs_asked(struct inputs *inputs, struct view *asked);

/* Chooses the model that serves a name that a client wrote; `*name` is good as long as that is. False:
 * there is none, and the request is refused; or, without an error, the list of models is waited for,
 * as the plan says then. */
bool inputs_model(struct inputs *inputs, struct view asked, struct view *name);

/* A text that must be there, of so many characters at most. */
bool inputs_needed(struct inputs *inputs, const char *name, size_t most, struct view *text);

/* Takes the text of that number, from 0 on, of a list; one that is no list is the first. False: there
 * is none, or, with the error noted, it is no text. */
bool inputs_item(struct inputs *inputs, const char *name, size_t index, struct view *text);

/* How many characters (code points) a text has. */
size_t inputs_characters(struct view text);

/* The file of that name and number; NULL: there is none. */
const struct form_part *inputs_file(const struct inputs *inputs, const char *name, size_t index);

/* Whether the member is there at all. */
bool inputs_has(const struct inputs *inputs, const char *name);

/* Notes what is wrong and returns false, for the caller to pass on. `param` is static. */
bool inputs_refuse(struct inputs *inputs, enum error error, const char *param, const char *format,
                   ...) __attribute__((format(printf, 4, 5)));
