/* SPDX-License-Identifier: Apache-2.0
 * Times that were measured, and the few things that both other files of this program need. Adding
 * one costs a store. */
#include "samples.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void fail(const char *what, const char *which)
{
    fprintf(stderr, "streams: %s: %s\n", what, which);
    exit(1);
}

void *grown(void *old, size_t size)
{
    void *new = realloc(old, size);

    if (!new)
        fail("memory", strerror(ENOMEM));
    return new;
}

int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void samples_add(struct samples *samples, int64_t us)
{
    if (samples->count == samples->room) {
        samples->room = samples->room ? samples->room * 2 : 65536;
        samples->at = grown(samples->at, samples->room * sizeof(*samples->at));
    }
    samples->at[samples->count++] = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

static int by_value(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

    return (left > right) - (left < right);
}

void samples_print(const char *name, struct samples *samples)
{
    size_t count = samples->count;

    if (count)
        qsort(samples->at, count, sizeof(*samples->at), by_value);
    printf(",\"%s_count\":%zu,\"%s_p50_us\":%u,\"%s_p99_us\":%u,\"%s_max_us\":%u", name, count,
           name, count ? samples->at[count / 2] : 0, name,
           count ? samples->at[count * 99 / 100] : 0, name, count ? samples->at[count - 1] : 0);
}
