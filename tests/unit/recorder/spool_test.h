/* SPDX-License-Identifier: Apache-2.0 */
/* What the spool's tests share: a temporary folder, and payloads that are numbers. */
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "intake/spool.h"

static char spool_folder[64];

static inline int spool_folder_make(void **state)
{
    (void)state;
    strcpy(spool_folder, "/tmp/spool-test-XXXXXX");
    return mkdtemp(spool_folder) == NULL;
}

/* The names of its files but the reserve in order, with a blank behind each. */
static inline const char *spool_folder_list(void)
{
    static char text[1000];
    struct dirent **entries;
    int count = scandir(spool_folder, &entries, NULL, alphasort);

    *text = '\0';
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.' && strcmp(entries[i]->d_name, "reserve") != 0)
            strcat(strcat(text, entries[i]->d_name), " ");
        free(entries[i]);
    }
    free(entries);
    return text;
}

static inline int spool_folder_remove(void **state)
{
    DIR *folder = opendir(spool_folder);
    struct dirent *entry;

    (void)state;
    while ((entry = readdir(folder)) != NULL)
        unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
    return rmdir(spool_folder);
}

static inline void spool_add_number(struct spool *spool, uint32_t number)
{
    char payload[100] = {0};

    memcpy(payload, &number, sizeof(number));
    spool_add(spool, (struct view){payload, sizeof(payload)});
}

static inline uint32_t spool_number(struct view payload)
{
    uint32_t number;

    assert_int_equal(payload.len, 100);
    memcpy(&number, payload.at, sizeof(number));
    return number;
}
