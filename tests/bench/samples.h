/* SPDX-License-Identifier: Apache-2.0
 * Times that were measured, all of them kept: percentiles are exact. */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct samples {
    uint32_t *at;
    size_t count, room;
};

/* Says what is wrong and ends the process. */
void fail(const char *what, const char *which) __attribute__((noreturn));

/* realloc that does not fail. */
void *grown(void *old, size_t size);

int64_t now_us(void);
void samples_add(struct samples *samples, int64_t us);

/* Sorts them and prints `,"name_count":…` and percentiles, as a part of a JSON object. */
void samples_print(const char *name, struct samples *samples);
