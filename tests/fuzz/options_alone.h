/* SPDX-License-Identifier: Apache-2.0 */
/* common/settings/options.c and its parts taken in whole, with what they ask of the system replaced: its file
 * is text of the fuzzer's, its environment a table, its output memory, and its end a jump back. It
 * keeps its values for the life of a process; here they go after each run. Included once, by a fuzz
 * target.
 */
#pragma once

#include <ctype.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"

enum { VARIABLES_MOST = 16, BLOCKS_MOST = 65536 };

static struct {
    struct view file; /* what .env holds */
    char *names[VARIABLES_MOST], *values[VARIABLES_MOST];
    size_t count;
    char *said; /* on stdout and stderr */
    size_t said_len;
    FILE *said_file;
    jmp_buf end;
    int status; /* of exit; -1: it has returned */
} alone;

static FILE *alone_open(const char *path, const char *mode)
{
    (void)path;
    (void)mode;
    return alone.file.len ? fmemopen((char *)(uintptr_t)alone.file.at, alone.file.len, "r") : NULL;
}

static char *alone_getenv(const char *name)
{
    for (size_t i = 0; i < alone.count; i++)
        if (alone.names[i] && strcmp(alone.names[i], name) == 0)
            return alone.values[i];
    return NULL;
}

static int alone_unsetenv(const char *name)
{
    for (size_t i = 0; i < alone.count; i++)
        if (alone.names[i] && strcmp(alone.names[i], name) == 0) {
            free(alone.names[i]);
            alone.names[i] = NULL;
        }
    return 0;
}

static char *alone_environ[] = {NULL}; /* variables in other cases are not tried */

__attribute__((noreturn)) static void alone_exit(int status)
{
    alone.status = status;
    longjmp(alone.end, 1);
}

#undef stdout
#undef stderr
#define stdout alone.said_file
#define stderr alone.said_file
#define printf(...) fprintf(alone.said_file, __VA_ARGS__)
#define puts(text) fprintf(alone.said_file, "%s\n", text)
#define fopen alone_open
#define getenv alone_getenv
#define unsetenv alone_unsetenv
#define environ alone_environ
#define exit alone_exit
#include "settings/env_file.c"
#include "settings/option.c"
#include "settings/names.c"
#include "settings/bounds.c"
#include "settings/rules.c"
#include "settings/settings.c"
#include "settings/options.c"
#undef environ
#undef fopen
#undef exit

/* The sanitizer's; without one the blocks stay. */
__attribute__((weak)) int
__sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
                                          void (*on_free)(const volatile void *));

static struct {
    const volatile void *at[BLOCKS_MOST];
    size_t count;
    bool is_on;
} blocks;

static void on_malloc(const volatile void *at, size_t size)
{
    (void)size;
    if (blocks.is_on && blocks.count < BLOCKS_MOST)
        blocks.at[blocks.count++] = at;
}

static void on_free(const volatile void *at)
{
    for (size_t i = blocks.count; blocks.is_on && i-- > 0;)
        if (blocks.at[i] == at) {
            blocks.at[i] = blocks.at[--blocks.count];
            return;
        }
}

/* OpenSSL reads certificates there; what it makes once and for all is none of a run's. */
static void openssl_begin(void)
{
    FILE *nothing = fmemopen((char[]){"-"}, 1, "r");

    (void)PEM_read_X509(nothing, NULL, NULL, NULL);
    fclose(nothing);
}

/* Between alone_begin and alone_clear, options.c may be called. */
static void alone_begin(void)
{
    static bool is_hooked;

    if (!is_hooked)
        openssl_begin();
    if (!is_hooked && __sanitizer_install_malloc_and_free_hooks)
        __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
    is_hooked = true;
    alone.said_file = open_memstream(&alone.said, &alone.said_len);
    alone.status = -1;
    blocks.count = 0;
    blocks.is_on = true;
}

/* Calls options_read; afterwards `alone.status` and `alone.said` tell how it ended. */
static int alone_read(int argc, char **argv)
{
    volatile int left = 0;

    if (setjmp(alone.end) == 0)
        left = options_read(argc, argv);
    fflush(alone.said_file);
    return left;
}

static void alone_clear(void)
{
    OPENSSL_thread_stop();   /* frees the errors of this run itself */
    fclose(alone.said_file); /* a long text has been moved into a block of this run */
    free(alone.said);
    blocks.is_on = false;
    while (blocks.count > 0)
        free((void *)(uintptr_t)blocks.at[--blocks.count]);
    first = (struct snapshot){.holders = 1};
    now = start = &first;
    memset(places, 0, sizeof(places));
    memset(&env_file, 0, sizeof(env_file));
}
