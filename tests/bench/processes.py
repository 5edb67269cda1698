# SPDX-License-Identifier: Apache-2.0
"""What processes cost: CPU to the nanosecond, and memory by shares of pages (PSS).

What must stay true: CPU is user and system time of all threads of a process, those that have ended included.
"""
import os
import subprocess
import time
from pathlib import Path

CORES = os.cpu_count() or 1
LOAD_CPU, GATEWAY_CPU = ("1", "0") if CORES > 1 else ("0", "0")
ALL_CPUS = f"0-{CORES - 1}"
CPU_CLOCK_OF_PROCESS = 2  # CPUCLOCK_SCHED of a whole process: a negative clock id, see clock_getcpuclockid(3)


def cpu_us(pid):
    return time.clock_gettime_ns((~pid << 3) | CPU_CLOCK_OF_PROCESS) / 1000


def pss_kib(pid):
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def pin(pids, cpus):
    for pid in pids:
        subprocess.run(["taskset", "-acp", cpus, str(pid)], check=True, stdout=subprocess.DEVNULL)


def with_children(pid):
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(found for child in children for found in with_children(int(child)))]


class Group:
    """Processes by name, as one thing that costs. Those `beside` cost CPU, which is told apart, and no memory of ours."""

    def __init__(self, pids, beside=()):
        self.pids, self.beside = pids, set(beside)

    def cpu(self):
        return {name: sum(map(cpu_us, pids)) for name, pids in self.pids.items()}

    def cpu_since(self, before):
        return {name: us - before[name] for name, us in self.cpu().items()}

    def pss(self):
        """MiB by name."""
        return {name: sum(map(pss_kib, pids)) / 1024 for name, pids in self.pids.items() if name not in self.beside}

    def pin(self, cpus):
        pin([pid for name, pids in self.pids.items() if name not in self.beside for pid in pids], cpus)
