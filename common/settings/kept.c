/* SPDX-License-Identifier: Apache-2.0 */
/* Files of STATE_DIR that are replaced as a whole. What must stay true: whoever reads one sees all
 * of what was there before, or all that is there now. */
#include "settings/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/log.h"

static bool write_all(int fd, struct view text)
{
    while (text.len) {
        ssize_t sent = write(fd, text.at, text.len);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        text = view_skip(text, (size_t)sent);
    }
    return fsync(fd) == 0;
}

/* Under another name first. */
bool kept_write(const char *path, struct view text)
{
    struct bytes fresh = {0};
    bool is_done;
    int fd;

    bytes_printf(&fresh, "%s.%d", path, (int)getpid());
    fd = open(bytes_cstr(&fresh), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    is_done = fd >= 0 && write_all(fd, text);
    if (fd >= 0)
        close(fd);
    is_done = is_done && rename(bytes_cstr(&fresh), path) == 0;
    if (!is_done) {
        log_warn("settings.unsaved", F_STR("path", path), F_STR("reason", strerror(errno)));
        unlink(bytes_cstr(&fresh));
    }
    bytes_clear(&fresh);
    return is_done;
}
