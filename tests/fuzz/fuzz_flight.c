/* SPDX-License-Identifier: Apache-2.0 */
/* Flight files that a crash, a full disk or somebody else's hand has left: adopting one must not
 * crash, and what it gives must be sound. The input is laid over a good file, so that most of the
 * checks are passed. needs: upstream */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jobs/flight.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

void __sanitizer_set_report_fd(void *fd) __attribute__((weak));

static char folder[64];
static int stderr_fd = -1, null_fd = -1;

/* Every corrupt file is an error in the log; a sanitizer's report is still to be seen. */
static void hush(bool is_quiet)
{
    fflush(stderr);
    dup2(is_quiet ? null_fd : stderr_fd, STDERR_FILENO);
}

static void folder_remove(void)
{
    rmdir(folder);
}

static void folder_make(void)
{
    snprintf(folder, sizeof(folder), "/tmp/fuzz-flight-XXXXXX");
    if (!mkdtemp(folder))
        abort();
    atexit(folder_remove);
    stderr_fd = dup(STDERR_FILENO);
    null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (__sanitizer_set_report_fd)
        __sanitizer_set_report_fd((void *)(intptr_t)stderr_fd);
}

/* A file with one attempt under way and two that ended, whose writer is gone. */
static void file_make(char *path, size_t size)
{
    struct msg_record record = {.model = VIEW("m"), .operation = VIEW("o"), .fault = VIEW("none")};
    struct flight flight;
    uint32_t first, second;

    flight_create(&flight, folder, 0x77, 8);
    first = flight_begin(&flight, &record);
    second = flight_begin(&flight, &record);
    flight_begin(&flight, &record);
    flight_end(&flight, second, &record);
    flight_end(&flight, first, &record);
    snprintf(path, size, "%s", flight.path);
    flight_close(&flight);
}

/* Each run: two bytes of offset, one of length, the bytes. The first byte of all cuts the file
 * short. */
static void file_change(const char *path, const uint8_t *data, size_t len)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    struct stat stat;

    if (fd < 0 || fstat(fd, &stat) != 0)
        abort();
    if (data[0] < 128 && ftruncate(fd, stat.st_size * data[0] / 128) != 0)
        abort();
    for (size_t at = 1; at + 3 < len;) {
        off_t offset = (data[at] << 8 | data[at + 1]) % 8192;
        size_t run = data[at + 2] % 32;

        at += 3;
        if (run > len - at)
            run = len - at;
        if (pwrite(fd, data + at, run, offset) < 0)
            abort();
        at += run;
    }
    close(fd);
}

static void check(const struct flight *flight)
{
    struct msg_record record;
    uint64_t last = 0;

    for (size_t i = 0; i < flight->order_count; i++) {
        flight_record(flight, i, &record);
        if (record.seq < last || record.model.len > 64 || record.operation.len > 32 ||
            record.fault.len > 16)
            abort();
        last = record.seq;
    }
}

static void remove_all(const char *path)
{
    char aside[200];

    unlink(path);
    snprintf(aside, sizeof(aside), "%s.bad", path);
    unlink(aside);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct flight flight;
    char path[150];

    if (len < 1)
        return 0;
    if (!folder[0])
        folder_make();
    file_make(path, sizeof(path));
    file_change(path, data, len);
    hush(true);
    if (flight_adopt(&flight, path) == ADOPTED) {
        check(&flight);
        flight_recorded(&flight, UINT64_MAX);
        if (!flight_is_empty(&flight))
            abort();
        flight_close(&flight);
    }
    hush(false);
    remove_all(path);
    return 0;
}
