/* SPDX-License-Identifier: Apache-2.0 */
/* What a JOB orders: whether it may be done, and a job with its texts. Called by job.c. What must stay
 * true: frontend and balancer have looked before, and this is the last door before a request. */
#include "jobs/order.h"

#include "base/guard.h"
#include "base/url.h"
#include "settings/settings.h"
#include "transfer/lines.h"

enum {
    PATH_MOST = 8 * 1024,
    TYPE_MOST = 256,
    HEADERS_MOST = 512,
    EXTRA_MOST = 8 * 1024,
};

static bool is_plain(struct view text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] <= ' ' || (unsigned char)text.at[i] >= 0x7f)
            return false;
    return true;
}

static bool is_method(struct view method)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"};

    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (view_equal(method, view_of(methods[i])))
            return true;
    return !method.len;
}

/* A type may have a parameter behind a space. */
static bool is_type(struct view type)
{
    for (size_t i = 0; i < type.len; i++)
        if ((unsigned char)type.at[i] < ' ' || (unsigned char)type.at[i] >= 0x7f)
            return false;
    return type.len <= TYPE_MOST;
}

/* What goes into the request's head beside its path. */
static bool is_head_sound(const struct msg_job *msg)
{
    return is_method(msg->method) && is_type(msg->type) && is_plain(msg->headers) &&
           msg->headers.len <= HEADERS_MOST && msg->lines.len <= EXTRA_MOST &&
           lines_are_sound(msg->lines);
}

static bool is_length_sound(const struct msg_job *msg)
{
    return msg->flow || msg->body_len <= settings_now()->body_limit * 2 + WANT_MOST;
}

bool order_may_use(struct secret key, struct secret proxy)
{
    return is_plain(key.hidden) && (!proxy.hidden.len || !url_proxy_fault(proxy.hidden));
}

/* Behind the provider's address, or an address of its own. */
static bool is_path(const struct provider *provider, struct view path)
{
    return path.len && path.len <= PATH_MOST && is_plain(path) &&
           (provider->address ? path.at[0] == '/' : guard_is_url(path));
}

bool order_is_sound(const struct job *job, const struct msg_job *msg)
{
    return job->provider && is_path(job->provider, msg->path) && is_head_sound(msg) &&
           order_may_use(msg->key, msg->proxy) && is_length_sound(msg);
}

/* Without a word it is what most calls are. */
static struct view method_of(const struct msg_job *msg)
{
    if (msg->method.len)
        return msg->method;
    return msg->body_len || msg->flow ? VIEW("POST") : VIEW("GET");
}

static struct view type_of(const struct msg_job *msg)
{
    return msg->type.len ? msg->type : VIEW("application/json");
}

#define LOOKED_AT "retry-after,retry-after-ms,content-encoding,"

/* Copies the text, which gets a zero behind it: all of `room` is zero. */
static const char *keep(char **room, struct view text)
{
    char *at = *room;

    if (text.len)
        memcpy(at, text.at, text.len);
    *room = at + text.len + 1;
    return at;
}

struct job *order_make_job(const struct msg_job *msg)
{
    struct view method = method_of(msg), type = type_of(msg);
    size_t zeros = 7, size = msg->model.len + msg->operation.len + msg->path.len + method.len +
                             type.len + sizeof(LOOKED_AT) + msg->headers.len + msg->lines.len +
                             msg->route.len + zeros;
    struct job *job = memory_new(sizeof(*job) + size);
    char *room = job->texts;

    job->model = keep(&room, msg->model);
    job->operation = keep(&room, msg->operation);
    job->path = keep(&room, msg->path);
    job->method = keep(&room, method);
    job->type_in = keep(&room, type);
    job->wanted = keep(&room, VIEW(LOOKED_AT));
    room--; /* the frontend's names go on where ours end */
    job->headers = keep(&room, msg->headers);
    job->extra = keep(&room, msg->lines);
    job->route = keep(&room, msg->route);
    return job;
}
