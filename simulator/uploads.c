/* SPDX-License-Identifier: Apache-2.0 */
/* Google's uploads: resumable (start, upload, finalize, query, cancel), multipart and raw; server.c routes
 * here. What must stay true: bytes are taken at the offset that is due and at no other, an upload is its
 * project's alone, and what a session was told of its length is kept. Of the content only its length and
 * its hash are kept. */
#include "uploads.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "objects.h"
#include "work.h"

/* OpenSSL 3 would rather have its objects, which cannot lie in shared memory. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

#define SESSIONS_MAX 1024
#define GRANULARITY ((size_t)256 * 1024)
#define FILE_BYTES_MAX (INT64_C(2) << 30)
#define FILE_LIFE_S (INT64_C(48) * 3600)
#define FIELD_BYTES 512
#define ID_BYTES 40

enum session_state { SESSION_FREE, SESSION_ACTIVE, SESSION_FINAL, SESSION_CANCELLED };

struct field {
    uint32_t len;
    char at[FIELD_BYTES];
};

struct session {
    enum session_state state;
    uint64_t number; /* in the order of their making */
    char id[ID_BYTES];
    struct field project, mime, display, name, place; /* place: "files", or a store's path */
    int64_t declared;                                 /* bytes; UNSET: it was not said */
    int64_t received;
    SHA256_CTX hash;
};

static struct {
    atomic_flag lock;
    uint64_t last;
    struct session at[SESSIONS_MAX];
} * sessions;

/* One request. */
struct task {
    struct work w;
    char room[LEDGER_KEY_BYTES];
    struct span project;
    struct span body;
    struct session session; /* a copy; put back when it has changed */
    struct text out;
};

void uploads_open(void)
{
    sessions = mmap(NULL, sizeof(*sessions), PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (sessions == MAP_FAILED) {
        perror("simulator: cannot map the uploads");
        exit(1);
    }
}

static void lock(void)
{
    while (atomic_flag_test_and_set_explicit(&sessions->lock, memory_order_acquire))
        sched_yield();
}

static void unlock(void)
{
    atomic_flag_clear_explicit(&sessions->lock, memory_order_release);
}

void uploads_reset(void)
{
    lock();
    for (size_t i = 0; i < SESSIONS_MAX; i++)
        sessions->at[i].state = SESSION_FREE;
    unlock();
}

/* -- Small things -- */

static struct span field_span(const struct field *field)
{
    return (struct span){field->at, field->len};
}

static void field_set(struct field *field, struct span value)
{
    field->len = (uint32_t)(value.len < FIELD_BYTES ? value.len : FIELD_BYTES);
    if (field->len != 0)
        memcpy(field->at, value.at, field->len);
}

static bool is_same(struct span a, struct span b)
{
    return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

static struct span header(struct task *t, const char *name)
{
    const h2o_req_t *req = t->w.call->req;
    ssize_t at = h2o_find_header_by_str(&req->headers, name, strlen(name), -1);

    return at >= 0 ? (struct span){req->headers.entries[at].value.base,
                                   req->headers.entries[at].value.len}
                   : (struct span){"", 0};
}

/* UNSET: it is no number. */
static int64_t number_of(struct span s)
{
    int64_t number = 0;

    if (s.len == 0 || s.len > 15)
        return UNSET;
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] < '0' || s.at[i] > '9')
            return UNSET;
        number = number * 10 + s.at[i] - '0';
    }
    return number;
}

static void add_header(struct task *t, const char *name, const char *value)
{
    h2o_req_t *req = t->w.call->req;
    h2o_iovec_t copy = h2o_strdup(&req->pool, value, SIZE_MAX);

    h2o_add_header_by_str(&req->pool, &req->res.headers, name, strlen(name), 0, NULL, copy.base,
                          copy.len);
}

static void refuse(struct task *t, const char *words)
{
    if (!t->w.plan.is_refused)
        work_refuse_with(&t->w, REFUSAL_WRONG_ARGUMENT, span_of(words));
}

/* Whether a command stands in the list; what is none of those that there are is refused elsewhere. */
static bool has_command(struct span list, const char *wanted)
{
    while (list.len != 0) {
        const char *comma = memchr(list.at, ',', list.len);
        struct span one = span_first(list, comma != NULL ? (size_t)(comma - list.at) : list.len);

        list = span_from(list, comma != NULL ? one.len + 1 : one.len);
        while (one.len != 0 && one.at[0] == ' ')
            one = span_from(one, 1);
        while (one.len != 0 && one.at[one.len - 1] == ' ')
            one.len--;
        if (span_is(one, wanted))
            return true;
    }
    return false;
}

/* -- Files -- */

static void write_time(struct text *out, const char *name, int64_t after_s)
{
    time_t at = time(NULL) + (time_t)after_s;
    struct tm parts;
    char text[40];

    gmtime_r(&at, &parts);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S.000000Z", &parts);
    text_format(out, ",\"%s\":\"%s\"", name, text);
}

static void write_text(struct text *out, const char *name, struct span value)
{
    if (value.len == 0)
        return;
    text_format(out, ",\"%s\":\"", name);
    text_escape(out, value);
    text_put(out, "\"");
}

/* The hash is told as base64 of its hexadecimal digits, as Google does. */
static void write_hash(struct text *out, const SHA256_CTX *hash)
{
    SHA256_CTX copy = *hash;
    unsigned char digest[SHA256_DIGEST_LENGTH], base64[100];
    char digits[2 * SHA256_DIGEST_LENGTH + 1];

    SHA256_Final(digest, &copy);
    for (size_t i = 0; i < sizeof(digest); i++)
        snprintf(digits + 2 * i, 3, "%02x", digest[i]);
    EVP_EncodeBlock(base64, (const unsigned char *)digits, 2 * SHA256_DIGEST_LENGTH);
    write_text(out, "sha256Hash", span_of((const char *)base64));
}

static void write_file(struct text *out, const struct session *s, bool is_processed)
{
    struct span display = field_span(&s->display);
    bool is_generated = span_starts(display, "#generated");

    text_put(out, "{\"name\":\"");
    text_escape(out, field_span(&s->name));
    text_put(out, "\"");
    write_text(out, "displayName", display);
    write_text(out, "mimeType", field_span(&s->mime));
    text_format(out, ",\"sizeBytes\":\"%lld\"", (long long)s->received);
    write_time(out, "createTime", 0);
    write_time(out, "updateTime", 0);
    write_time(out, "expirationTime", FILE_LIFE_S);
    write_hash(out, &s->hash);
    text_put(out, ",\"uri\":\"https://generativelanguage.googleapis.com/v1beta/");
    text_escape(out, field_span(&s->name));
    text_format(out, "\",\"state\":\"%s\",\"source\":\"%s\"}",
                is_processed ? "ACTIVE" : "PROCESSING", is_generated ? "GENERATED" : "UPLOADED");
}

/* Videos are PROCESSING in the reply, and ACTIVE when they are asked for. */
static void finish(struct task *t)
{
    struct session *s = &t->session;
    struct text json = {0};

    s->state = SESSION_FINAL;
    if (!span_is(field_span(&s->place), "files")) {
        text_put(&t->out, "{\"name\":\"");
        text_escape(&t->out, field_span(&s->place));
        text_format(&t->out, "/upload/operations/%s\",\"done\":true}\n", s->id);
        return;
    }
    write_file(&json, s, true);
    if (!objects_put(t->project, field_span(&s->name), text_span(&json)))
        work_refuse(&t->w, REFUSAL_ALREADY);
    text_put(&t->out, "{\"file\":");
    write_file(&t->out, s, !span_starts(field_span(&s->mime), "video/"));
    text_put(&t->out, "}\n");
    text_clear(&json);
}

/* -- Beginning -- */

/* "files", or "fileSearchStores/x". */
static bool read_place(struct task *t, struct field *place)
{
    static const char tail[] = ":uploadToFileSearchStore";
    struct span path = t->w.call->path;
    size_t len = sizeof(tail) - 1;

    if (span_is(path, "files")) {
        field_set(place, path);
        return true;
    }
    if (!span_starts(path, "fileSearchStores/") || path.len <= len ||
        memcmp(path.at + path.len - len, tail, len) != 0)
        return false;
    field_set(place, span_first(path, path.len - len));
    return true;
}

static struct span either(yyjson_val *object, const char *one, const char *other)
{
    yyjson_val *value = yyjson_obj_get(object, one);

    return schema_span(value != NULL ? value : yyjson_obj_get(object, other));
}

static void check_members(struct task *t, yyjson_val *object, const char *const *names)
{
    char words[200];
    yyjson_val *name, *value;
    size_t i, count;

    yyjson_obj_foreach(object, i, count, name, value)
    {
        const char *const *at = names;
        while (*at != NULL && strcmp(yyjson_get_str(name), *at) != 0)
            at++;
        if (*at != NULL)
            continue;
        snprintf(words, sizeof(words),
                 "Invalid JSON payload received. Unknown name \"%.100s\": Cannot find field.",
                 yyjson_get_str(name));
        refuse(t, words);
    }
}

static bool is_name(struct span name)
{
    if (!span_starts(name, "files/") || name.len == 6 || name.len > 46)
        return false;
    for (size_t i = 6; i < name.len; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-", name.at[i]))
            return false;
    return name.at[6] != '-' && name.at[name.len - 1] != '-';
}

/* {"file": {…}}; for a store its members stand at the top. Nothing at all is fine too. */
static void read_metadata(struct task *t, struct span json)
{
    static const char *const outer[] = {"file", NULL};
    static const char *const inner[] = {"name",      "displayName", "display_name", "mimeType",
                                        "mime_type", "sizeBytes",   "size_bytes",   NULL};
    static const char *const store[] = {"displayName", "mimeType", "customMetadata",
                                        "chunkingConfig", NULL};
    bool is_file = span_is(field_span(&t->session.place), "files");
    yyjson_doc *doc = json.len != 0 ? yyjson_read(json.at, json.len, 0) : NULL;
    yyjson_val *root = yyjson_doc_get_root(doc);
    yyjson_val *file = is_file ? yyjson_obj_get(root, "file") : root;

    if (json.len != 0 && !yyjson_is_obj(root))
        refuse(t, "Invalid JSON payload received.");
    check_members(t, root, is_file ? outer : store);
    if (is_file)
        check_members(t, file, inner);
    field_set(&t->session.display, either(file, "displayName", "display_name"));
    field_set(&t->session.name, schema_span(yyjson_obj_get(file, "name")));
    if (either(file, "mimeType", "mime_type").len != 0)
        field_set(&t->session.mime, either(file, "mimeType", "mime_type"));
    if (t->session.name.len != 0 && !is_name(field_span(&t->session.name)))
        refuse(
            t,
            "The name of a file is files/ and at most 40 lower case letters, digits and dashes.");
    yyjson_doc_free(doc);
}

static void make_session(struct task *t, int64_t declared, struct span mime)
{
    struct session *s = &t->session;
    struct text name = {0};
    uint64_t number;

    lock();
    number = ++sessions->last;
    unlock();
    *s = (struct session){.state = SESSION_ACTIVE, .number = number, .declared = declared};
    snprintf(s->id, sizeof(s->id), "sim-upload-%016llx",
             (unsigned long long)(number * 0x9e3779b97f4a7c15ULL));
    field_set(&s->project, t->project);
    field_set(&s->mime, mime.len != 0 ? mime : span_of("application/octet-stream"));
    SHA256_Init(&s->hash);
    if (!read_place(t, &s->place))
        work_refuse(&t->w, REFUSAL_NO_ROUTE);
    text_clear(&name);
}

static void name_file(struct session *s)
{
    struct text name = {0};

    if (s->name.len == 0) {
        objects_name(&name, span_of("files"));
        field_set(&s->name, text_span(&name));
    }
    text_clear(&name);
}

/* Puts it where it was, or in the oldest's place. */
static void keep_session(const struct session *session)
{
    struct session *place = &sessions->at[0];

    lock();
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        struct session *s = &sessions->at[i];
        uint64_t age = s->state == SESSION_FREE ? 0 : s->number;

        if (s->number == session->number && s->state != SESSION_FREE) {
            place = s;
            break;
        }
        if (age < (place->state == SESSION_FREE ? 0 : place->number))
            place = s;
    }
    *place = *session;
    unlock();
}

static void write_address(struct task *t)
{
    const h2o_req_t *req = t->w.call->req;
    char address[600];
    struct span path = t->w.call->path;

    snprintf(address, sizeof(address),
             "%s://%.*s/upload/v1beta/%.*s?upload_id=%s&upload_protocol=resumable",
             req->scheme == &H2O_URL_SCHEME_HTTPS ? "https" : "http", (int)req->authority.len,
             req->authority.base, (int)path.len, path.at, t->session.id);
    add_header(t, "x-goog-upload-url", address);
    add_header(t, "x-goog-upload-control-url", address);
    add_header(t, "x-guploader-uploadid", t->session.id);
    add_header(t, "x-goog-upload-chunk-granularity", "262144");
}

static void start(struct task *t)
{
    struct span length = header(t, "x-goog-upload-header-content-length");
    int64_t declared = number_of(length);

    make_session(t, declared, header(t, "x-goog-upload-header-content-type"));
    if (!span_is(header(t, "x-goog-upload-command"), "start"))
        refuse(t, "A resumable upload begins with the command start.");
    if (length.len != 0 && declared == UNSET)
        refuse(t, "X-Goog-Upload-Header-Content-Length is no number.");
    if (declared > FILE_BYTES_MAX)
        refuse(t, "File size is too large. Maximum is 2147483648 bytes.");
    read_metadata(t, t->body);
    if (t->w.plan.is_refused)
        return;
    name_file(&t->session);
    keep_session(&t->session);
    write_address(t);
    add_header(t, "x-goog-upload-status", "active");
}

/* -- Going on -- */

static void add_status(struct task *t)
{
    char number[24];

    snprintf(number, sizeof(number), "%lld", (long long)t->session.received);
    add_header(t, "x-goog-upload-size-received", number);
    add_header(t, "x-goog-upload-status",
               t->session.state == SESSION_ACTIVE  ? "active"
               : t->session.state == SESSION_FINAL ? "final"
                                                   : "cancelled");
}

static bool find_session(struct task *t, struct span id)
{
    bool is_found = false;

    lock();
    for (size_t i = 0; i < SESSIONS_MAX && !is_found; i++) {
        is_found = sessions->at[i].state != SESSION_FREE && span_is(id, sessions->at[i].id);
        if (is_found)
            t->session = sessions->at[i];
    }
    unlock();
    if (!is_found)
        work_refuse(&t->w, REFUSAL_NO_ENTITY);
    else if (!is_same(field_span(&t->session.project), t->project))
        work_refuse(&t->w, REFUSAL_OTHERS_UPLOAD);
    return is_found && !t->w.plan.is_refused;
}

static void check_bytes(struct task *t, bool is_last)
{
    const struct session *s = &t->session;
    int64_t end = s->received + (int64_t)t->body.len;
    char words[200];

    if (number_of(header(t, "x-goog-upload-offset")) != s->received) {
        snprintf(words, sizeof(words), "Expected the offset %lld.", (long long)s->received);
        refuse(t, words);
    }
    if (!is_last && t->body.len % GRANULARITY != 0)
        refuse(t, "The size of a chunk that is not the last is no multiple of 262144.");
    if (!is_last && t->body.len == 0)
        refuse(t, "A chunk without bytes.");
    if (end > FILE_BYTES_MAX || (s->declared != UNSET && end > s->declared))
        refuse(t, "More bytes than the upload was declared to have.");
    if (is_last && s->declared != UNSET && end != s->declared)
        refuse(t, "Fewer bytes than the upload was declared to have.");
}

static void take_bytes(struct task *t)
{
    SHA256_Update(&t->session.hash, t->body.at, t->body.len);
    t->session.received += (int64_t)t->body.len;
}

static void go_on(struct task *t)
{
    struct span command = header(t, "x-goog-upload-command");
    bool is_upload = has_command(command, "upload"), is_last = has_command(command, "finalize");

    if (!find_session(t, t->w.call->query.upload_id))
        return;
    if (has_command(command, "query")) {
        add_status(t);
        return;
    }
    if (t->session.state != SESSION_ACTIVE)
        refuse(t, "The upload is over.");
    else if (has_command(command, "cancel"))
        t->session.state = SESSION_CANCELLED;
    else if (!is_upload && !is_last)
        refuse(t, "X-Goog-Upload-Command is none of upload, finalize, query and cancel.");
    else if (is_upload || t->body.len != 0)
        check_bytes(t, is_last);
    if (!t->w.plan.is_refused && t->session.state == SESSION_ACTIVE) {
        take_bytes(t);
        if (is_last)
            finish(t);
    }
    keep_session(&t->session);
    add_status(t);
}

/* -- In one request -- */

static void take_raw(struct task *t)
{
    make_session(t, UNSET, header(t, "content-type"));
    field_set(&t->session.display, header(t, "x-goog-upload-file-name"));
    if (t->w.plan.is_refused)
        return;
    name_file(&t->session);
    take_bytes(t);
    finish(t);
    add_header(t, "x-goog-upload-status", "final");
}

/* The part that `*rest` begins with, behind its boundary; false: there is none. */
static bool take_part(struct span *rest, struct span mark, struct span *head, struct span *body)
{
    const char *at = memmem(rest->at, rest->len, mark.at, mark.len);
    struct span part;
    const char *end, *blank;

    if (at == NULL)
        return false;
    part = span_from(*rest, (size_t)(at - rest->at) + mark.len);
    end = memmem(part.at, part.len, mark.at, mark.len);
    blank = memmem(part.at, part.len, "\r\n\r\n", 4);
    if (end == NULL || blank == NULL || blank > end)
        return false;
    *head = span_first(part, (size_t)(blank - part.at));
    *body = (struct span){blank + 4, (size_t)(end - blank) - 4};
    if (body->len < 2 || memcmp(body->at + body->len - 2, "\r\n", 2) != 0)
        return false;
    body->len -= 2;
    *rest = span_from(part, (size_t)(end - part.at));
    return true;
}

static struct span type_of(struct span head)
{
    const char *at = strcasestr(head.at, "content-type:");
    struct span type = {"", 0};

    if (at == NULL || at >= head.at + head.len)
        return type;
    type = span_from(head, (size_t)(at - head.at) + 13);
    while (type.len != 0 && type.at[0] == ' ')
        type = span_from(type, 1);
    for (size_t i = 0; i < type.len; i++)
        if (type.at[i] == '\r' || type.at[i] == ';')
            return span_first(type, i);
    return type;
}

static void take_multipart(struct task *t)
{
    struct span type = header(t, "content-type"), head, json, content, rest = t->body;
    const char *at = type.len != 0 ? strstr(type.at, "boundary=") : NULL;
    char mark[200];
    struct span boundary;

    make_session(t, UNSET, (struct span){"", 0});
    if (at == NULL || at >= type.at + type.len || !span_starts(type, "multipart/related"))
        refuse(t, "A multipart upload is multipart/related with a boundary.");
    if (t->w.plan.is_refused)
        return;
    boundary = span_from(type, (size_t)(at - type.at) + 9);
    if (boundary.len > 1 && boundary.at[0] == '"')
        boundary = (struct span){boundary.at + 1, boundary.len - 2};
    snprintf(mark, sizeof(mark), "--%.*s", (int)span_first(boundary, 150).len, boundary.at);
    if (!take_part(&rest, span_of(mark), &head, &json) ||
        !take_part(&rest, span_of(mark), &head, &content)) {
        refuse(t, "The body does not have its two parts.");
        return;
    }
    field_set(&t->session.mime, type_of(head));
    read_metadata(t, json);
    if (t->w.plan.is_refused)
        return;
    name_file(&t->session);
    t->body = content;
    take_bytes(t);
    finish(t);
    add_header(t, "x-goog-upload-status", "final");
}

static void take(struct task *t)
{
    struct span protocol = header(t, "x-goog-upload-protocol");

    if (t->w.call->query.upload_id.len != 0)
        go_on(t);
    else if (span_is(protocol, "resumable"))
        start(t);
    else if (span_is(protocol, "multipart"))
        take_multipart(t);
    else if (span_is(protocol, "raw"))
        take_raw(t);
    else
        refuse(t, "X-Goog-Upload-Protocol is none of resumable, multipart and raw.");
}

void upload(struct call *call)
{
    struct task t = {.w = {.call = call}};

    if (!work_begin(&t.w, call, OPERATION_UPLOAD))
        return;
    t.project = key_project(t.w.plan.key, t.room);
    t.body = (struct span){call->req->entity.base, call->req->entity.len};
    work_apply_mode(&t.w);
    work_script(&t.w);
    if (!t.w.plan.is_refused)
        take(&t);
    work_answer(&t.w, &t.out);
}

/* -- Downloads -- */

/* False: there is no such range. `*is_part`: less than all was asked for. */
static bool read_range(struct span range, int64_t size, int64_t *from, int64_t *to, bool *is_part)
{
    const char *dash;
    struct span first, last;

    *from = 0;
    *to = size;
    *is_part = span_starts(range, "bytes=");
    if (!*is_part)
        return true;
    range = span_from(range, 6);
    dash = memchr(range.at, '-', range.len);
    if (dash == NULL)
        return false;
    first = span_first(range, (size_t)(dash - range.at));
    last = span_from(range, first.len + 1);
    if (first.len == 0) {
        *from = size - number_of(last);
        *from = *from < 0 ? 0 : *from;
        return number_of(last) > 0;
    }
    *from = number_of(first);
    if (last.len != 0 && number_of(last) + 1 < size)
        *to = number_of(last) + 1;
    return *from >= 0 && *from < *to;
}

/* Made-up bytes, each by its place alone. */
static struct span content(h2o_req_t *req, int64_t from, int64_t to)
{
    char *at = h2o_mem_alloc_shared(&req->pool, (size_t)(to - from) + 1, NULL);

    for (int64_t i = from; i < to; i++)
        at[i - from] = (char)(i * 7 + i / 256);
    return (struct span){at, (size_t)(to - from)};
}

static void send_content(struct task *t, int64_t size)
{
    h2o_req_t *req = t->w.call->req;
    static h2o_generator_t generator;
    int64_t from, to;
    bool is_part;
    char text[100];

    add_header(t, "accept-ranges", "bytes");
    if (!read_range(header(t, "range"), size, &from, &to, &is_part)) {
        req->res.status = 416;
        req->res.reason = "Requested Range Not Satisfiable";
        snprintf(text, sizeof(text), "bytes */%lld", (long long)size);
        add_header(t, "content-range", text);
        req->res.content_length = 0;
        h2o_send_inline(req, "", 0);
        return;
    }
    req->res.status = is_part ? 206 : 200;
    req->res.reason = is_part ? "Partial Content" : "OK";
    req->res.content_length = (size_t)(to - from);
    add_header(t, "content-type", "video/mp4");
    snprintf(text, sizeof(text), "bytes %lld-%lld/%lld", (long long)from, (long long)to - 1,
             (long long)size);
    if (is_part)
        add_header(t, "content-range", text);
    struct span bytes = content(req, from, to);
    h2o_iovec_t buf = {(char *)(uintptr_t)bytes.at, bytes.len};
    h2o_start_response(req, &generator);
    h2o_send(req, &buf, req->method.base[0] == 'H' ? 0 : 1, H2O_SEND_STATE_FINAL);
}

/* Generated files are kept elsewhere. */
static bool send_on(struct task *t)
{
    h2o_req_t *req = t->w.call->req;
    char address[600];

    snprintf(address, sizeof(address), "%s://%.*s/download%.*s",
             req->scheme == &H2O_URL_SCHEME_HTTPS ? "https" : "http", (int)req->authority.len,
             req->authority.base, (int)req->path.len, req->path.base);
    if (t->w.plan.is_refused)
        return false;
    ledger_count_answer(t->w.plan.key, true);
    add_header(t, "location", address);
    req->res.status = 302;
    req->res.reason = "Found";
    req->res.content_length = 0;
    h2o_send_inline(req, "", 0);
    work_end(&t->w);
    return true;
}

/* Digits up to a quotation mark. */
static int64_t size_of(struct span text)
{
    const char *end = memchr(text.at, '"', text.len);

    return end != NULL ? number_of(span_first(text, (size_t)(end - text.at))) : UNSET;
}

void download(struct call *call)
{
    struct task t = {.w = {.call = call}};
    struct text name = {0}, json = {0};
    const char *size;

    if (!work_begin(&t.w, call, OPERATION_DOWNLOAD))
        return;
    t.project = key_project(t.w.plan.key, t.room);
    work_apply_mode(&t.w);
    work_script(&t.w);
    text_format(&name, "files/%.*s", (int)call->path.len, call->path.at);
    if (!objects_get(t.project, text_span(&name), &json))
        work_refuse(&t.w, REFUSAL_OTHERS_FILE);
    else if (!call->query.is_media)
        refuse(&t, "A download needs alt=media.");
    else if (memmem(json.at, json.len, "\"source\":\"GENERATED\"", 20) == NULL)
        refuse(&t, "Only generated files can be downloaded.");
    else if (memcmp(call->req->path.base, "/download/", 10) != 0 && send_on(&t))
        goto out;
    size = json.len != 0 ? memmem(json.at, json.len, "\"sizeBytes\":\"", 13) : NULL;
    if (!t.w.plan.is_refused && size != NULL) {
        ledger_count_answer(t.w.plan.key, true);
        send_content(&t, size_of(span_from(text_span(&json), (size_t)(size - json.at) + 13)));
        work_end(&t.w);
    } else {
        work_answer(&t.w, &t.out);
    }
out:
    text_clear(&name);
    text_clear(&json);
}
