/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads to image hosts. Called by endpoints. What must stay true: a picture is never lost to a
 * host that fails; no secret of a host is known here (the upstream adds it); and an address that a
 * host gives is one of the web, or none. */
#include "parts/upload.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "base/guard.h"
#include "base/json.h"
#include "base/log.h"
#include "outside.h"
#include "settings/image_host.h"

enum { MARK_DIGITS = 2, DAY_SIZE = 16 };

static void random_hex(char *to, size_t bytes)
{
    unsigned char random[16];

    assert(bytes <= sizeof(random));
    while (getrandom(random, bytes, 0) != (ssize_t)bytes)
        continue;
    for (size_t i = 0; i < bytes; i++)
        snprintf(to + 2 * i, 3, "%02x", random[i]);
}

bool uploads_wanted(void)
{
    return image_host_kind(settings_now()) != IMAGE_HOST_NONE;
}

/* ---- places ---- */

struct view uploads_add(struct uploads *uploads, struct view type, struct view base64)
{
    struct upload *upload;

    for (size_t i = 0; i < uploads->count; i++)
        if (view_equal(bytes_view(&uploads->at[i]->base64), base64))
            return view_of(uploads->at[i]->mark);
    if (uploads->count == UPLOADS_MOST)
        return VIEW("");
    if (!uploads->count)
        random_hex(uploads->mark, 16);
    upload = memory_new(sizeof(*upload));
    snprintf(upload->mark, sizeof(upload->mark), "upload-%s%02zu", uploads->mark, uploads->count);
    upload->type = memory_text(type);
    bytes_append(&upload->base64, base64);
    uploads->kept += base64.len;
    uploads->at[uploads->count++] = upload;
    return view_of(upload->mark);
}

/* ---- steps ---- */

/* False: it is no base64. */
static bool decode(const struct bytes *base64, struct bytes *out)
{
    unsigned char *room = (unsigned char *)bytes_room(out, base64->len / 4 * 3 + 3);
    int len = base64->len && base64->len % 4 == 0
                  ? EVP_DecodeBlock(room, (const unsigned char *)base64->at, (int)base64->len)
                  : -1;

    if (len <= 0)
        return false;
    for (size_t i = base64->len; base64->at[i - 1] == '='; i--)
        len--;
    out->len += (size_t)len;
    return true;
}

static const char *ending_of(const char *type)
{
    static const struct {
        const char *type, *ending;
    } known[] = {{"image/jpeg", "jpg"}, {"image/webp", "webp"}, {"image/gif", "gif"}};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(type, known[i].type) == 0)
            return known[i].ending;
    return "png";
}

static void name(struct upload *upload, uint64_t utc_ms)
{
    time_t at = (time_t)(utc_ms / 1000);
    struct bytes path = {0};
    char day[DAY_SIZE], hex[9];
    struct tm parts;

    gmtime_r(&at, &parts);
    (void)strftime(day, sizeof(day), "%Y/%m/%d", &parts);
    random_hex(hex, 4);
    bytes_printf(&path, "/%s/%s.%s", day, hex, ending_of(upload->type));
    upload->path = memory_text(bytes_view(&path));
    bytes_clear(&path);
}

/* The field of a form that each host looks for; NULL: it takes the picture as it is. */
static const char *field_of(enum image_host_kind host)
{
    switch (host) {
    case IMAGE_HOST_SMMS:
        return "smfile";
    case IMAGE_HOST_PICGO:
        return "source";
    case IMAGE_HOST_CLOUDFLARE:
        return "file";
    case IMAGE_HOST_ALIYUN:
    case IMAGE_HOST_NONE:
        break;
    }
    return NULL;
}

/* The picture as what this host takes; false: it is none. */
static bool write_body(struct upload *upload, const char *field, struct bytes *body)
{
    char boundary[33];
    struct bytes type = {0};

    if (!field) {
        upload->body_type = memory_text(view_of(upload->type));
        return decode(&upload->base64, body);
    }
    random_hex(boundary, 16);
    bytes_printf(&type, "multipart/form-data; boundary=%s", boundary);
    upload->body_type = memory_text(bytes_view(&type));
    bytes_clear(&type);
    bytes_room(body, upload->base64.len / 4 * 3 + 512);
    bytes_printf(body,
                 "--%s\r\nContent-Disposition: form-data; name=\"%s\"; filename=\"%s\"\r\n"
                 "Content-Type: %s\r\n\r\n",
                 boundary, field, upload->path + 1, upload->type);
    if (!decode(&upload->base64, body))
        return false;
    bytes_printf(body, "\r\n--%s--\r\n", boundary);
    return true;
}

static bool is_plain(const char *type)
{
    for (; *type; type++)
        if (*type <= ' ' || *type >= 0x7f || *type == '"')
            return false;
    return true;
}

static void add_step(struct uploads *uploads, struct plan *plan, size_t number)
{
    struct upload *upload = uploads->at[number];
    const char *field = field_of(image_host_kind(settings_now()));
    struct step step = {.order = {.pool = OUTSIDE_IMAGE_HOST,
                                  .operation = OUTSIDE_IMAGE_HOST,
                                  .method = field ? "POST" : "PUT",
                                  .client = uploads->client},
                        .pass = STEP_WHOLE,
                        .place = number};
    struct bytes body = {0};

    name(upload, uploads->utc_ms);
    if (!is_plain(upload->type) || !write_body(upload, field, &body)) {
        bytes_clear(&body);
        return;
    }
    step.order.type = upload->body_type;
    step.order.body = body_new(&body);
    bytes_text(&step.path, upload->path);
    (void)plan_add(plan, &step); /* a full plan: the picture stands in the reply itself */
    bytes_clear(&step.path);
    body_let_go(step.order.body);
}

void uploads_plan(struct uploads *uploads, struct plan *plan)
{
    while (uploads->planned < uploads->count)
        add_step(uploads, plan, uploads->planned++);
}

bool uploads_has(const struct plan *plan, size_t call)
{
    return strcmp(plan->steps[call]->order.pool, OUTSIDE_IMAGE_HOST) == 0;
}

/* ---- what hosts answer ---- */

static struct view read_smms(yyjson_val *root)
{
    struct view url = json_view(json_member(json_member(root, VIEW("data")), VIEW("url")));

    return url.len ? url : json_view(json_member(root, VIEW("images"))); /* it is there already */
}

static struct view read_picgo(yyjson_val *root)
{
    struct view url = json_view(json_member(json_member(root, VIEW("image")), VIEW("url")));

    return url.len ? url : json_view(yyjson_arr_get_first(json_member(root, VIEW("result"))));
}

/* Everything up to its /upload. */
static void write_base(const char *url, struct bytes *out)
{
    const char *end = strstr(url, "/upload");

    bytes_append(out, (struct view){url, end ? (size_t)(end - url) : strlen(url)});
}

static void read_cloudflare(const struct settings *settings, yyjson_val *root, struct bytes *url)
{
    yyjson_val *list = yyjson_is_arr(root) ? root : json_member(root, VIEW("data"));
    struct view src = json_view(json_member(yyjson_arr_get_first(list), VIEW("src")));

    if (src.len && !guard_is_url(src)) {
        write_base(settings->imgbed_url, url);
        bytes_text(url, src.at[0] == '/' ? "" : "/");
    }
    bytes_append(url, src);
}

static void read_answer(const struct upload *upload, struct view body, struct bytes *url)
{
    const struct settings *settings = settings_now();
    yyjson_doc *doc = json_read_reply(body);
    yyjson_val *root = yyjson_doc_get_root(doc);

    switch (image_host_kind(settings)) {
    case IMAGE_HOST_SMMS:
        bytes_append(url, read_smms(root));
        break;
    case IMAGE_HOST_PICGO:
        bytes_append(url, read_picgo(root));
        break;
    case IMAGE_HOST_CLOUDFLARE:
        read_cloudflare(settings, root, url);
        break;
    case IMAGE_HOST_ALIYUN:
        image_host_oss_url(settings, view_of(upload->path), url);
        break;
    case IMAGE_HOST_NONE:
        break;
    }
    yyjson_doc_free(doc);
}

static void tell(const struct uploads *uploads, const char *why)
{
    log_warn("upload.failed", F_ID("call", uploads->id),
             F_STR("host", settings_now()->upload_provider), F_STR("why", why));
}

void uploads_take(struct uploads *uploads, const struct plan *plan, size_t call,
                  const struct call_answer *answer)
{
    struct upload *upload = uploads->at[plan->steps[call]->place];
    struct bytes said = {0};

    read_answer(upload, answer->body, &said);
    if (guard_url_write(bytes_view(&said), &upload->url))
        tell(uploads, "its answer holds no address");
    bytes_clear(&said);
}

void uploads_failed(struct uploads *uploads, const struct plan *plan, size_t call,
                    const struct call_failure *failure)
{
    (void)plan, (void)call;
    if (failure->status)
        tell(uploads, "it refuses: is its secret right?");
    else
        tell(uploads, error_facts(failure->error)->name);
}

/* ---- the reply ---- */

static void write_address(const struct upload *upload, struct bytes *out)
{
    if (upload->url.len) {
        json_escape(out, bytes_view(&upload->url));
        return;
    }
    bytes_append(out, VIEW("data:"));
    json_escape(out, view_of(upload->type));
    bytes_append(out, VIEW(";base64,"));
    json_escape(out, bytes_view(&upload->base64));
}

void uploads_fill(const struct uploads *uploads, struct view text, struct bytes *out)
{
    const char *place;
    char head[48];
    size_t head_len = (size_t)snprintf(head, sizeof(head), "upload-%s", uploads->mark);

    while (uploads->count && text.len && (place = memmem(text.at, text.len, head, head_len))) {
        size_t number = (size_t)(place[head_len] - '0') * 10 + (size_t)(place[head_len + 1] - '0');

        assert(number < uploads->count); /* we wrote it */
        bytes_append(out, (struct view){text.at, (size_t)(place - text.at)});
        write_address(uploads->at[number], out);
        text = view_skip(text, (size_t)(place - text.at) + head_len + MARK_DIGITS);
    }
    bytes_append(out, text);
}

void uploads_clear(struct uploads *uploads)
{
    for (size_t i = 0; i < uploads->count; i++) {
        bytes_clear(&uploads->at[i]->base64);
        bytes_clear(&uploads->at[i]->url);
        free(uploads->at[i]->type);
        free(uploads->at[i]->body_type);
        free(uploads->at[i]->path);
        free(uploads->at[i]);
    }
    *uploads = (struct uploads){0};
}
