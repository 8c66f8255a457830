"""Count the cores that this process may use: those it may run on, and no more than the limit of its container."""

from __future__ import annotations

import math
import os
from pathlib import Path, PurePosixPath

CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUPS = Path("/proc/self/cgroup")


def n_cores() -> int:
    """Return the number of cores that this process may use, at least 1."""
    return len(cores())


def cores() -> tuple[int, ...]:
    """Return the numbers of the cores that this process may use, sorted.

    A limit of CPU time names no cores: then they are the first of those that the process may run on, the same for all of its container.
    """
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))
    try:
        limit = limit_of(CGROUPS, OWN_CGROUPS.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # another system than Linux, or a name that is not UTF-8
        limit = None
    return tuple(allowed[:limit])


def limit_of(root: Path, own: str) -> int | None:
    """Return how many cores the CPU limit of a control group allows, rounded up, as the JVM does; `None` without a limit.

    A group may not use more than the groups above it. Inside a container the path may be that of the machine, and the files at the
    root are those of the container.

    Args:
        root: where control groups are mounted.
        own: `/proc/self/cgroup`: lines `number:controllers:path`; version 2 has no controllers.
    """
    limits = []
    for line in own.splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        for mounted in ("", "unified") if not controllers else ("cpu", "cpu,cpuacct"):
            group = PurePosixPath(path.strip("/"))
            limits += [_limit(root / mounted / above) for above in (group, *group.parents)]
    return min((limit for limit in limits if limit is not None), default=None)


def _limit(group: Path) -> int | None:
    """Return the limit of one group by the files of version 2 or 1; `None` where it has neither."""
    try:
        if (group / "cpu.max").exists():
            quota, period = (group / "cpu.max").read_text().split()
        else:
            quota, period = ((group / f"cpu.cfs_{name}_us").read_text().strip() for name in ("quota", "period"))
    except (OSError, ValueError):
        return None
    return cores_of_quota(quota, period)


def cores_of_quota(quota: str, period: str) -> int | None:
    """Return how many cores give `quota` microseconds of CPU every `period`, rounded up; `None` for no limit: `max`, or -1.

    >>> [cores_of_quota(quota, "100000") for quota in ("max", "-1", "50000", "150000", "200000")]
    [None, None, 1, 2, 2]
    """
    if not (quota.isdecimal() and period.isdecimal() and int(quota) and int(period)):
        return None
    return math.ceil(int(quota) / int(period))
