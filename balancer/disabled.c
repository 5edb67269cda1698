/* SPDX-License-Identifier: Apache-2.0 */
/* Called by main.c and orders.c. What must stay true: the file holds ids, which tell nothing of the
 * keys; and it is replaced as a whole. */
#include "disabled.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "settings/options.h"
#include "settings/settings.h"

/* Each slot has its own: two balancers may share a STATE_DIR. */
static const char *path_of(void)
{
    static const char *path;
    char name[40];

    if (!path) {
        snprintf(name, sizeof(name), "disabled%llu",
                 (unsigned long long)settings_now()->balancer_slot);
        path = options_path(name);
    }
    return path;
}

void disabled_load(struct balancer *b)
{
    FILE *file = fopen(path_of(), "re");
    uint64_t id;
    size_t count = 0;

    while (file && fscanf(file, "%" SCNx64, &id) == 1)
        count += pool_turn_off(&b->pool, id, true, b->actor.now_ms);
    if (file)
        fclose(file);
    if (count)
        log_info("keys.disabled", F_NUM("keys", count));
}

static bool write_all(const struct balancer *b, FILE *file)
{
    for (size_t i = 0; i < b->pool.count; i++)
        if (b->pool.keys[i].is_off)
            fprintf(file, "%016" PRIx64 "\n", b->pool.keys[i].id);
    return fclose(file) == 0;
}

void disabled_save(struct balancer *b)
{
    struct bytes fresh = {0};
    FILE *file;

    bytes_printf(&fresh, "%s.new", path_of());
    file = fopen(bytes_cstr(&fresh), "we");
    if (!file || !write_all(b, file) || rename(bytes_cstr(&fresh), path_of()) != 0)
        log_warn("keys.unsaved", F_STR("path", path_of()));
    bytes_clear(&fresh);
}
