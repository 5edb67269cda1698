/* SPDX-License-Identifier: Apache-2.0 */
/* The names of the roles, as HELLO says them. */
#include "message.h"

static const struct {
    const char *name;
    unsigned role;
} roles[] = {
    {"frontend", ROLE_FRONTEND}, {"balancer", ROLE_BALANCER}, {"upstream", ROLE_UPSTREAM},
    {"recorder", ROLE_RECORDER}, {"admin", ROLE_ADMIN},
};

unsigned role_of(struct view name)
{
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
        if (view_equal(name, view_of(roles[i].name)))
            return roles[i].role;
    return 0;
}

const char *role_name(unsigned role)
{
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
        if (roles[i].role == role)
            return roles[i].name;
    return "none";
}
