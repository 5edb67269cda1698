/* SPDX-License-Identifier: Apache-2.0 */
/* What a suffix of a model's name adds to a request in Google's own words. Called by native.c. What
 * must stay true: nothing that the client says is changed, numbers are spelled as they were; and
 * what would be refused beside the client's words is not added. */
#include "gemini/suffixed.h"

#include <stdlib.h>

#include "base/json.h"
#include "models/model.h"
#include "models/suffix.h"

struct change {
    yyjson_mut_doc *doc;
    yyjson_mut_val *root;
    const struct model_facts *model;
};

/* The member by either spelling; NULL: it has none, or null. */
static yyjson_mut_val *either(yyjson_mut_val *object, const char *camel, const char *snake)
{
    yyjson_mut_val *value = yyjson_mut_obj_get(object, camel);

    if (!value)
        value = yyjson_mut_obj_get(object, snake);
    return yyjson_mut_is_null(value) ? NULL : value;
}

/* Puts an empty value in the place of one that is not there, or null. */
static void put(struct change *change, yyjson_mut_val *object, const char *camel, const char *snake,
                yyjson_mut_val *value)
{
    yyjson_mut_obj_remove_key(object, camel);
    yyjson_mut_obj_remove_key(object, snake);
    yyjson_mut_obj_add_val(change->doc, object, camel, value);
}

static bool declares(yyjson_mut_val *tool)
{
    return either(tool, "functionDeclarations", "function_declarations") != NULL;
}

/* Whether a search is there, or functions that it may not stand beside. */
static bool is_searchless(yyjson_mut_val *tools)
{
    yyjson_mut_val *tool;
    size_t i, max;

    if (yyjson_mut_is_obj(tools))
        return !declares(tools) && !either(tools, "googleSearch", "google_search");
    yyjson_mut_arr_foreach(tools, i, max, tool)
    {
        if (declares(tool) || either(tool, "googleSearch", "google_search"))
            return false;
    }
    return !tools || yyjson_mut_is_arr(tools);
}

static void add_search(struct change *change)
{
    yyjson_mut_val *tools = either(change->root, "tools", "tools"), *list = tools;

    if (!is_searchless(tools))
        return;
    if (!yyjson_mut_is_arr(tools)) {
        list = yyjson_mut_arr(change->doc);
        if (tools)
            yyjson_mut_arr_append(list, yyjson_mut_val_mut_copy(change->doc, tools));
        put(change, change->root, "tools", "tools", list);
    }
    yyjson_mut_obj_add_obj(change->doc, yyjson_mut_arr_add_obj(change->doc, list), "googleSearch");
}

/* NULL: it is there and no object. */
static yyjson_mut_val *config_of(struct change *change)
{
    yyjson_mut_val *config = either(change->root, "generationConfig", "generation_config");

    if (config)
        return yyjson_mut_is_obj(config) ? config : NULL;
    config = yyjson_mut_obj(change->doc);
    put(change, change->root, "generationConfig", "generation_config", config);
    return config;
}

static void add_modalities(struct change *change)
{
    yyjson_mut_val *config = config_of(change), *list;

    if (!config || either(config, "responseModalities", "response_modalities"))
        return;
    list = yyjson_mut_arr(change->doc);
    yyjson_mut_arr_add_str(change->doc, list, "TEXT");
    yyjson_mut_arr_add_str(change->doc, list, "IMAGE");
    put(change, config, "responseModalities", "response_modalities", list);
}

/* As little as the model can; a model that doesn't think is told nothing. */
static void add_thinking(struct change *change)
{
    const struct thinking none = {.effort = EFFORT_NONE};
    yyjson_mut_val *config;
    struct bytes text = {0};
    yyjson_doc *said;

    bytes_append(&text, VIEW("{"));
    model_think(change->model, &none, false, &text);
    bytes_append(&text, VIEW("}"));
    config = text.len > 2 ? config_of(change) : NULL;
    if (config && !either(config, "thinkingConfig", "thinking_config")) {
        said = yyjson_read(text.at, text.len, 0);
        put(change, config, "thinkingConfig", "thinking_config",
            yyjson_val_mut_copy(change->doc, yyjson_doc_get_root(said)));
        yyjson_doc_free(said);
    }
    bytes_clear(&text);
}

static void add_all(struct change *change, unsigned suffixes)
{
    if (suffixes & SUFFIX_SEARCH)
        add_search(change);
    if (suffixes & SUFFIX_IMAGE)
        add_modalities(change);
    if (suffixes & SUFFIX_NO_THOUGHT)
        add_thinking(change);
}

bool suffixed_body(unsigned suffixes, struct view model, struct view body, struct bytes *out)
{
    const char *why;
    yyjson_doc *read = json_read_request(body, &why);
    struct change change = {.doc = read ? yyjson_doc_mut_copy(read, NULL) : NULL,
                            .model = model_facts(model)};
    size_t len = 0;
    char *text = NULL;

    change.root = yyjson_mut_doc_get_root(change.doc);
    if (yyjson_mut_is_obj(change.root)) {
        add_all(&change, suffixes);
        text = yyjson_mut_write(change.doc, 0, &len);
    }
    bytes_append(out, (struct view){text, len});
    free(text);
    yyjson_mut_doc_free(change.doc);
    yyjson_doc_free(read);
    return text != NULL;
}
