/* SPDX-License-Identifier: Apache-2.0 */
/* Logs: one logfmt line per event on stderr, past tense, the noun first. Lines are gathered and
 * written by log_flush, which the actor calls at the end of each turn; errors are written at once.
 *
 *     log_info("call.done", F_ID("call", call), F_NUM("status", 200), F_NUM("ms", took));
 *
 * A struct secret has no F_ macro on purpose. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

enum log_level {
    LOG_ERROR, /* somebody must look */
    LOG_WARN,  /* odd, handled */
    LOG_INFO,  /* milestones of a call, a process's life */
    LOG_TRACE, /* every letter in and out, by name */
};

struct log_field {
    const char *name;
    enum { LOG_NUM, LOG_ID, LOG_VIEW } type;
    uint64_t number;
    struct view text;
};

#define F_NUM(name, value)                                                                         \
    {                                                                                              \
        (name), LOG_NUM, (uint64_t)(value),                                                        \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }
#define F_ID(name, value)                                                                          \
    {                                                                                              \
        (name), LOG_ID, (uint64_t)(value),                                                         \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    } /* in hex */
#define F_STR(name, value)                                                                         \
    {                                                                                              \
        (name), LOG_VIEW, 0, view_of(value)                                                        \
    }
#define F_VIEW(name, value)                                                                        \
    {                                                                                              \
        (name), LOG_VIEW, 0, (value)                                                               \
    }

#define LOG_AT(level, event, ...)                                                                  \
    do {                                                                                           \
        if (log_wants(level)) {                                                                    \
            const struct log_field log_fields_[] = {{0}, ##__VA_ARGS__};                           \
            log_write(level, event, log_fields_ + 1,                                               \
                      sizeof(log_fields_) / sizeof(log_fields_[0]) - 1);                           \
        }                                                                                          \
    } while (0)
#define log_error(event, ...) LOG_AT(LOG_ERROR, event, ##__VA_ARGS__)
#define log_warn(event, ...) LOG_AT(LOG_WARN, event, ##__VA_ARGS__)
#define log_info(event, ...) LOG_AT(LOG_INFO, event, ##__VA_ARGS__)
#define log_trace(event, ...) LOG_AT(LOG_TRACE, event, ##__VA_ARGS__)

/* Whether LOG_LEVEL may be this. */
bool log_knows_level(const char *name);

/* Says who writes, and from which level on (log_knows_level). */
void log_open(const char *process, const char *level_name);

/* From which level on, from here on. */
void log_set_level(const char *level_name);

bool log_wants(enum log_level level);
void log_write(enum log_level level, const char *event, const struct log_field *fields,
               size_t count);

/* Writes what was gathered. Never blocks for long: what stderr doesn't take is dropped and counted.
 */
void log_flush(void);

/* Logs the reason as an error and ends the process with status 1: for the world's faults at start.
 */
void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
