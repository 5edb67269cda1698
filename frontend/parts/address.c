/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses in parts. Called by those who write parts. What must stay true: only what the provider
 * can reach by itself is called a file or a video of it. */
#include "parts/address.h"

#include <strings.h>

#include "parts/data_url.h"
#include "settings/settings.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const char google[] = "https://generativelanguage.googleapis.com/";

static bool begins(struct view text, const char *with)
{
    size_t len = strlen(with);

    return text.len >= len && strncasecmp(text.at, with, len) == 0;
}

static bool ends(struct view text, const char *with)
{
    size_t len = strlen(with);

    return text.len > len && strncasecmp(text.at + text.len - len, with, len) == 0;
}

static bool is_web(struct view address)
{
    return begins(address, "https://") || begins(address, "http://");
}

/* ---- the provider's files ---- */

static bool is_file_id(struct view id)
{
    for (size_t i = 0; i < id.len; i++) {
        char c = id.at[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '-' && c != '_')
            return false;
    }
    return id.len > 0;
}

/* files/ID */
static bool is_file_name(struct view name)
{
    return view_starts(name, VIEW("files/")) && is_file_id(view_skip(name, 6));
}

/* Google's own URI, whatever its version, or one below BASE_URL. */
static bool is_file_uri(struct view address)
{
    struct view base = view_of(settings_now()->base_url);

    if (begins(address, google))
        return true;
    return base.len && view_starts(address, base) && address.len > base.len &&
           address.at[base.len] == '/' && is_file_name(view_skip(address, base.len + 1));
}

/* ---- videos ---- */

/* What stands between the slashes and the path, without a port. */
static struct view host_of(struct view address)
{
    size_t len = 0;

    address = view_skip(address, begins(address, "https://") ? 8 : 7);
    while (len < address.len && !strchr("/?#:", address.at[len]))
        len++;
    return (struct view){address.at, len};
}

static bool is_youtube(struct view address)
{
    static const char *const hosts[] = {"youtube.com", "www.youtube.com", "m.youtube.com",
                                        "youtu.be"};
    struct view host = host_of(address);

    for (size_t i = 0; i < COUNT_OF(hosts); i++)
        if (host.len == strlen(hosts[i]) && begins(host, hosts[i]))
            return true;
    return false;
}

/* ---- all of them ---- */

enum address_kind address_kind(struct view address)
{
    if (data_url_is(address))
        return ADDRESS_DATA;
    if (is_file_name(address) || is_file_uri(address))
        return ADDRESS_FILE;
    if (!is_web(address) || !host_of(address).len)
        return ADDRESS_OTHER;
    return is_youtube(address) ? ADDRESS_YOUTUBE : ADDRESS_WEB;
}

void address_write(struct view address, struct bytes *out)
{
    if (is_file_name(address)) {
        bytes_text(out, google);
        bytes_append(out, VIEW("v1beta/"));
    }
    bytes_append(out, address);
}

/* ---- what an ending stands for ---- */

static const struct {
    const char *ending, *type;
} endings[] = {
    {".png", "image/png"},         {".jpg", "image/jpeg"},         {".jpeg", "image/jpeg"},
    {".webp", "image/webp"},       {".heic", "image/heic"},        {".heif", "image/heif"},
    {".gif", "image/gif"},         {".avif", "image/avif"},        {".wav", "audio/wav"},
    {".mp3", "audio/mp3"},         {".aiff", "audio/aiff"},        {".aif", "audio/aiff"},
    {".aac", "audio/aac"},         {".ogg", "audio/ogg"},          {".oga", "audio/ogg"},
    {".flac", "audio/flac"},       {".m4a", "audio/m4a"},          {".opus", "audio/opus"},
    {".mp4", "video/mp4"},         {".m4v", "video/mp4"},          {".mpeg", "video/mpeg"},
    {".mpg", "video/mpg"},         {".mov", "video/quicktime"},    {".avi", "video/avi"},
    {".flv", "video/x-flv"},       {".webm", "video/webm"},        {".wmv", "video/wmv"},
    {".3gp", "video/3gpp"},        {".pdf", "application/pdf"},    {".txt", "text/plain"},
    {".md", "text/markdown"},      {".markdown", "text/markdown"}, {".csv", "text/csv"},
    {".tsv", "text/plain"},        {".html", "text/html"},         {".htm", "text/html"},
    {".css", "text/css"},          {".xml", "text/xml"},           {".rtf", "text/rtf"},
    {".json", "application/json"}, {".jsonl", "text/plain"},       {".js", "text/javascript"},
    {".ts", "text/plain"},         {".py", "text/x-python"},       {".c", "text/plain"},
    {".h", "text/plain"},          {".cpp", "text/plain"},         {".java", "text/plain"},
    {".go", "text/plain"},         {".rs", "text/plain"},          {".sh", "text/plain"},
    {".sql", "text/plain"},        {".yaml", "text/plain"},        {".yml", "text/plain"},
    {".toml", "text/plain"},       {".ini", "text/plain"},         {".log", "text/plain"},
};

const char *address_type(struct view address)
{
    size_t len = 0;

    if (is_web(address)) {
        while (len < address.len && !strchr("?#", address.at[len]))
            len++;
        address.len = len;
    }
    for (size_t i = 0; i < COUNT_OF(endings); i++)
        if (ends(address, endings[i].ending))
            return endings[i].type;
    return NULL;
}
