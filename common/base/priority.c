/* SPDX-License-Identifier: Apache-2.0 */
/* Who goes first. The ledger is written ten times a second in bursts of some milliseconds, by two
 * processes; without this every call that comes in such a moment waits for the burst. What must stay
 * true: nothing here needs a privilege, and a kernel that refuses changes nothing. */
#include "base/priority.h"

#include <sched.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    TURN_NS = 100 * 1000, /* the shortest that the kernel grants */
    NICE = 10,            /* a tenth of what others get */
};

/* The kernel's struct sched_attr in its first version; glibc has one from 2.41 on. */
struct wish {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime_ns, deadline_ns, period_ns;
};

void priority_answers(void)
{
    struct wish wish = {.size = sizeof(wish), .policy = SCHED_OTHER, .runtime_ns = TURN_NS};

    wish.nice = getpriority(PRIO_PROCESS, 0); /* stays as it is */
    syscall(SYS_sched_setattr, 0, &wish, 0);
}

void priority_waits(void)
{
    const struct sched_param none = {0};

    sched_setscheduler(0, SCHED_BATCH, &none);
    setpriority(PRIO_PROCESS, 0, NICE);
}
