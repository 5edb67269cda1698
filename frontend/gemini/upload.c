/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads of Google's: resumable ones, multipart and raw. The address that Google gives for an upload is
 * handed on as one of ours, with what is needed to find it again sealed inside: the key whose project it
 * belongs to, the client that began it, and Google's path. What must stay true: a client can neither read
 * nor make such an address, so it reaches no other upload, key or host by it; and no key stands in it.
 *
 *   POST /upload/v1beta/files, X-Goog-Upload-Command: start -> X-Goog-Upload-URL: …?upload_id=SEALED
 *   POST …?upload_id=SEALED, X-Goog-Upload-Command: upload, finalize | query | cancel */
#include "gemini/endpoints.h"

#include <stdlib.h>
#include <strings.h>

#include "base/url.h"
#include "objects/objects.h"
#include "parts/seal.h"
#include "settings/options.h"

#define PURPOSE "upload"
#define WANTED                                                                                     \
    "x-goog-upload-url,x-goog-upload-control-url,x-goog-upload-status,"                            \
    "x-goog-upload-chunk-granularity,x-goog-upload-size-received"

enum { SEAL_HEAD = 24, SEAL_LIFE_S = 48 * 3600 }; /* as long as Google keeps a file */

struct upload {
    struct bytes place; /* our own address, without its query */
    struct bytes lines; /* header lines for Google */
    char *type;         /* of the body */
    uint64_t client, now_s;
    const struct seals *seals;
};

/* What is sealed: three numbers and a path */

struct session {
    uint64_t key_id, client, made_s;
    struct view path; /* Google's, with its query */
};

static void put_number(struct bytes *out, uint64_t number)
{
    for (int shift = 56; shift >= 0; shift -= 8)
        bytes_append(out, (struct view){(const char[]){(char)(number >> shift)}, 1});
}

static uint64_t get_number(const char *at)
{
    uint64_t number = 0;

    for (int i = 0; i < 8; i++)
        number = number << 8 | (unsigned char)at[i];
    return number;
}

static void session_seal(const struct session *session, const struct seals *seals,
                         struct bytes *out)
{
    struct bytes text = {0};

    put_number(&text, session->key_id);
    put_number(&text, session->client);
    put_number(&text, session->made_s);
    bytes_append(&text, session->path);
    seal(seals, PURPOSE, bytes_view(&text), out);
    bytes_clear(&text);
}

static struct view find_parameter(struct view query, struct view wanted)
{
    struct view name, value;

    while (url_query_next(&query, &name, &value))
        if (view_equal(name, wanted))
            return value;
    return VIEW("");
}

/* `text` keeps what the session's path points into. */
static bool session_read(const struct request *request, struct bytes *text, struct session *session)
{
    struct view sealed = find_parameter(request->query, VIEW("upload_id"));

    if (!sealed.len || !unseal(request->seals, PURPOSE, sealed, text) || text->len <= SEAL_HEAD)
        return false;
    *session = (struct session){get_number(text->at), get_number(text->at + 8),
                                get_number(text->at + 16), view_skip(bytes_view(text), SEAL_HEAD)};
    return request->utc_ms / 1000 < session->made_s + SEAL_LIFE_S;
}

static bool admits(const struct request *request, uint64_t *client)
{
    struct session session;
    struct bytes text = {0};
    bool is_good = session_read(request, &text, &session);

    if (is_good)
        *client = session.client;
    bytes_clear(&text);
    return is_good;
}

/* The request */

static struct view header(const struct request *request, const char *name)
{
    return request->header(request->headers, name);
}

static void add_line(struct bytes *lines, const char *name, struct view value)
{
    if (!value.len)
        return;
    bytes_printf(lines, "%s: ", name);
    bytes_append(lines, value);
    bytes_text(lines, "\r\n");
}

static void add_lines(const struct request *request, struct bytes *lines)
{
    static const char *const names[] = {
        "x-goog-upload-protocol",
        "x-goog-upload-command",
        "x-goog-upload-offset",
        "x-goog-upload-header-content-length",
        "x-goog-upload-header-content-type",
        "x-goog-upload-file-name",
        "x-goog-upload-content-type",
        "x-goog-hash",
        "x-server-timeout",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        add_line(lines, names[i], header(request, names[i]));
}

/* Clients of gemini-balance may leave out what kind of upload they begin. */
static void add_defaults(const struct request *request, struct bytes *lines)
{
    struct view type = header(request, "content-type");
    bool is_told = header(request, "x-goog-upload-protocol").len ||
                   find_parameter(request->query, VIEW("uploadType")).len ||
                   find_parameter(request->query, VIEW("upload_protocol")).len;
    bool is_json = !type.len || view_starts(type, VIEW("application/json"));

    if (is_told || !is_json)
        return;
    add_line(lines, "x-goog-upload-protocol", VIEW("resumable"));
    if (!header(request, "x-goog-upload-command").len)
        add_line(lines, "x-goog-upload-command", VIEW("start"));
}

static bool is_kept(struct view name)
{
    return view_equal(name, VIEW("uploadType")) || view_equal(name, VIEW("upload_protocol")) ||
           view_equal(name, VIEW("alt")) || view_equal(name, VIEW("fields")) ||
           view_equal(name, VIEW("prettyPrint"));
}

static void keep_query(struct view query, struct bytes *out)
{
    struct view name, value;
    const char *sign = "?";

    while (url_query_next(&query, &name, &value)) {
        if (!is_kept(name))
            continue;
        bytes_text(out, sign);
        bytes_append(out, name);
        bytes_text(out, "=");
        url_keep(out, value);
        sign = "&";
    }
}

/* What names something at Google, and cannot be read as anything else. */
static bool is_plain(struct view path)
{
    for (size_t i = 0; i < path.len; i++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/:",
                    path.at[i]))
            return false;
    return true;
}

static void add_step(struct upload *upload, const struct request *request, struct plan *plan,
                     struct step *step)
{
    struct bytes body = {0};

    step->order.pool = request->pool;
    step->order.operation = "upload";
    step->order.client = request->client;
    step->order.any_client = request->any_client;
    step->order.headers = WANTED;
    step->order.method = view_equal(request->method, VIEW("PUT")) ? "PUT" : "POST";
    step->order.type = upload->type;
    step->order.lines = bytes_view(&upload->lines);
    step->order.raw = true;
    step->pass = STEP_WHOLE;
    if (request->stream) {
        step->order.body = body_hold(request->stream);
    } else if (request->body.len) {
        bytes_append(&body, request->body);
        step->order.body = body_new(&body);
    }
    plan_add(plan, step);
    body_let_go(step->order.body);
}

/* A command for an upload that has been started. */
static enum error begin_session(struct upload *upload, const struct request *request,
                                struct plan *plan)
{
    struct bytes text = {0};
    struct session session;
    struct step step = {0};
    enum error error = ERROR_NONE;

    if (!session_read(request, &text, &session)) {
        bytes_text(&plan->why, "The upload_id is unknown, or its upload has expired.");
        error = ERROR_NO_ROUTE;
    } else if (session.client != request->client) {
        bytes_text(&plan->why, "The upload was started with another token.");
        error = ERROR_FORBIDDEN;
    } else {
        bytes_append(&step.path, session.path);
        step.order.owner = session.key_id;
        add_step(upload, request, plan, &step);
    }
    bytes_clear(&text);
    return error;
}

/* It makes nothing that anybody sees; the others make a file. */
static bool is_start(const struct upload *upload)
{
    struct view start = VIEW("x-goog-upload-command: start\r\n");

    return upload->lines.len && memmem(upload->lines.at, upload->lines.len, start.at, start.len);
}

/* /upload/v1beta/fileSearchStores/s:uploadToFileSearchStore: the store's key takes it. */
static void name_store(struct view path, struct step *step)
{
    struct view rest =
        view_skip(path, view_starts(path, VIEW("/upload/")) ? strlen("/upload/") : 0);
    const char *slash = rest.len ? memchr(rest.at, '/', rest.len) : NULL;
    struct view store = {0};

    if (slash)
        store = object_of_path(view_skip(rest, (size_t)(slash - rest.at)));
    bytes_append(&step->names, store);
}

static enum error begin(void *state, const struct request *request, struct plan *plan)
{
    struct upload *upload = state;
    struct step step = {0};
    struct view type = header(request, "content-type");

    if (!is_plain(request->path))
        return ERROR_NO_ROUTE;
    bytes_append(&upload->place, request->origin);
    bytes_append(&upload->place, request->path);
    upload->client = request->client;
    upload->now_s = request->utc_ms / 1000;
    upload->seals = request->seals;
    upload->type = memory_text(type.len ? type : VIEW("application/octet-stream"));
    add_lines(request, &upload->lines);
    if (find_parameter(request->query, VIEW("upload_id")).len)
        return begin_session(upload, request, plan);
    add_defaults(request, &upload->lines);
    step.order.once = !is_start(upload);
    name_store(request->path, &step);
    bytes_append(&step.path, request->path);
    keep_query(request->query, &step.path);
    add_step(upload, request, plan, &step);
    return ERROR_NONE;
}

/* The answer */

/* The path of Google's address, from /upload/ on: whichever host it names, it is asked at BASE_URL. */
static struct view upload_path(struct view address)
{
    static const char mark[] = "/upload/";
    const char *at = memmem(address.at, address.len, mark, sizeof(mark) - 1);

    return at ? view_skip(address, (size_t)(at - address.at)) : VIEW("");
}

static void add_address(const struct upload *upload, uint64_t key_id, struct view name,
                        struct view address, struct bytes *lines)
{
    struct session session = {key_id, upload->client, upload->now_s, upload_path(address)};

    if (!session.path.len)
        return;
    bytes_append(lines, name);
    bytes_text(lines, ": ");
    bytes_append(lines, bytes_view(&upload->place));
    bytes_text(lines, "?upload_id=");
    session_seal(&session, upload->seals, lines);
    bytes_text(lines, "&upload_protocol=resumable\r\n");
}

static bool is_address(struct view name)
{
    return name.len > 4 && strncasecmp(name.at + name.len - 4, "-url", 4) == 0;
}

static void add_reply_lines(const struct upload *upload, const struct call_answer *answer,
                            struct bytes *lines)
{
    struct view rest = answer->headers;

    while (rest.len) {
        const char *end = memchr(rest.at, '\n', rest.len);
        struct view line = {rest.at, end ? (size_t)(end - rest.at) + 1 : rest.len};
        const char *colon = memchr(line.at, ':', line.len);
        struct view name = {line.at, colon ? (size_t)(colon - line.at) : 0};

        rest = view_skip(rest, line.len);
        if (is_address(name))
            add_address(upload, answer->key_id, name, view_trim(view_skip(line, name.len + 1)),
                        lines);
        else
            bytes_append(lines, line);
    }
}

static enum error answer(void *state, struct plan *plan, size_t call,
                         const struct call_answer *answer, struct bytes *out)
{
    (void)call;
    add_reply_lines(state, answer, &plan->lines);
    bytes_append(out, answer->body);
    return ERROR_NONE;
}

static void clear(void *state)
{
    struct upload *upload = state;

    bytes_clear(&upload->place);
    bytes_clear(&upload->lines);
    free(upload->type);
}

const struct endpoint endpoint_upload = {.name = "gemini",
                                         .state_size = sizeof(struct upload),
                                         .takes_stream = true,
                                         .admits = admits,
                                         .begin = begin,
                                         .answer = answer,
                                         .clear = clear};
