/* SPDX-License-Identifier: Apache-2.0 */
/* Takes in the files of admin/pages when it is compiled (from the project's root, as make does).
 * Called by main.c. What must stay true: only what is listed here is served; no path of a request
 * ever names a file. */
#include "pages.h"

#include <openssl/sha.h>
#include <stdio.h>

#include "base/bytes.h"

/* The assembler copies the file's bytes between two labels. */
#define PAGE(name, file)                                                                           \
    __asm__(".section .rodata\n"                                                                   \
            "page_" #name ":\n"                                                                    \
            ".incbin \"admin/pages/" file "\"\n"                                                   \
            "page_" #name "_end:\n"                                                                \
            ".previous\n");                                                                        \
    extern const char page_##name[], page_##name##_end[];

PAGE(index, "index.html")
PAGE(css, "admin.css")
PAGE(js, "admin.js")

const struct page *pages_find(struct view path)
{
    static struct page pages[] = {
        {"/", "text/html; charset=utf-8", {page_index, 0}},
        {"/static/admin.css", "text/css; charset=utf-8", {page_css, 0}},
        {"/static/admin.js", "text/javascript; charset=utf-8", {page_js, 0}},
    };
    const char *const ends[] = {page_index_end, page_css_end, page_js_end};

    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        pages[i].text.len = (size_t)(ends[i] - pages[i].text.at);
        if (view_equal(path, view_of(pages[i].path)))
            return &pages[i];
    }
    return NULL;
}

const char *pages_version(void)
{
    static char version[17];
    const char *const paths[] = {"/", "/static/admin.css", "/static/admin.js"};
    unsigned char hash[SHA256_DIGEST_LENGTH];
    struct bytes all = {0};

    if (*version)
        return version;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        bytes_append(&all, pages_find(view_of(paths[i]))->text);
    SHA256((const unsigned char *)all.at, all.len, hash);
    for (size_t i = 0; i < 8; i++)
        snprintf(version + 2 * i, 3, "%02x", hash[i]);
    bytes_clear(&all);
    return version;
}
