/* SPDX-License-Identifier: Apache-2.0 */
/* Google's methods. Called by native.c. What must stay true: what is not known to be harmless is called once. */
#include "gemini/method.h"

#include "models/model.h"

/* Verbs of models that make nothing: they answer by one JSON object, and may be asked again of another key. */
static const char *const harmless[] = {
    "countTokens",     "embedContent",    "batchEmbedContents", "predict",
    "generateAnswer",  "generateText",    "embedText",          "batchEmbedText",
    "countTextTokens", "generateMessage", "countMessageTokens",
};

/* Those that begin something, whose name their answer says. */
static const char *const beginning[] = {
    "batchGenerateContent",
    "asyncBatchEmbedContent",
    "predictLongRunning",
};

static const char *const generating[] = {"generateContent", "streamGenerateContent"};

/* Collections by their names in the ledger. */
static const struct {
    struct view head;
    const char *operation;
} collections[] = {
    {{"/files", 6}, "objects.files"},
    {{"/cachedContents", 15}, "objects.cachedContents"},
    {{"/batches", 8}, "objects.batches"},
    {{"/operations", 11}, "objects.operations"},
    {{"/models", 7}, "objects.operations"},
    {{"/interactions", 13}, "objects.interactions"},
    {{"/fileSearchStores", 17}, "objects.fileSearchStores"},
    {{"/tunedModels", 12}, "objects.tunedModels"},
    {{"/corpora", 8}, "objects.corpora"},
    {{"/generatedFiles", 15}, "objects.generatedFiles"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *find(const char *const *list, size_t count, struct view verb)
{
    for (size_t i = 0; i < count; i++)
        if (view_equal(view_of(list[i]), verb))
            return list[i];
    return NULL;
}

static struct view verb_of(struct view path)
{
    const char *colon = path.len ? memrchr(path.at, ':', path.len) : NULL;

    return colon ? view_skip(path, (size_t)(colon - path.at) + 1) : VIEW("");
}

static const char *collection_of(struct view path)
{
    for (size_t i = 0; i < COUNT(collections); i++) {
        struct view head = collections[i].head;

        if (view_starts(path, head) &&
            (path.len == head.len || path.at[head.len] == '/' || path.at[head.len] == ':'))
            return collections[i].operation;
    }
    return "objects";
}

/* …/models/m:verb. False: what stands there is no model. */
static bool read_model_verb(struct view path, struct view verb, struct method *method)
{
    struct view model = view_skip(path, strlen("/models/"));

    model.len -= verb.len + 1;
    if (!model_name(model, &model))
        return false;
    method->model = model;
    return true;
}

static void read_verb(struct view verb, struct method *method)
{
    const char *known;

    if ((known = find(harmless, COUNT(harmless), verb)) != NULL)
        *method = (struct method){.operation = known, .is_json = true, .once = false};
    else if ((known = find(beginning, COUNT(beginning), verb)) != NULL)
        *method = (struct method){.operation = known, .is_json = true, .once = true};
    else if ((known = find(generating, COUNT(generating), verb)) != NULL)
        *method = (struct method){.operation = known,
                                  .is_json = true,
                                  .is_generation = true,
                                  .is_stream = known == generating[1]};
}

bool method_read(struct view path, struct view http_method, struct method *method)
{
    struct view verb = verb_of(path);
    bool is_of_model = view_starts(path, VIEW("/models/")) && verb.len;

    *method = (struct method){.operation = collection_of(path),
                              .once = !view_equal(http_method, VIEW("GET"))};
    if (view_equal(verb, VIEW("download")) && !method->once)
        method->operation = "download";
    if (!view_equal(http_method, VIEW("POST")) || !verb.len)
        return true;
    if (is_of_model || view_starts(path, VIEW("/tunedModels/")) ||
        view_starts(path, VIEW("/dynamic/")))
        read_verb(verb, method);
    return !is_of_model || read_model_verb(path, verb, method);
}
