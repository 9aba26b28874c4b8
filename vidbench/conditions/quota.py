"""How much CPU time this process's control groups allow, and how often they stopped it for having used that up."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from vidbench.conditions.files import ROOT, read_text

FOLDERS = ("sys/fs/cgroup", "sys/fs/cgroup/unified")  # of version 2, alone or beside version 1
FOLDERS_V1 = ("sys/fs/cgroup/cpu,cpuacct", "sys/fs/cgroup/cpu", "sys/fs/cgroup/cpuacct,cpu")


@dataclass(frozen=True, slots=True)
class Stops:
    """How many times the group's CPU time was used up before its period was over, and for how many seconds."""

    times: int
    seconds: float


def read_quota(root: Path = ROOT) -> float | None:
    """The CPUs' worth of time that may be used, the least of all groups around this process; None without a limit."""
    allowed = [
        cpus
        for group in find_groups(root)
        if (cpus := parse_quota(*(read_text(f"{group}/{name}", root) for name in _limits(group)))) is not None
    ]
    return min(allowed, default=None)


def read_stops(root: Path = ROOT) -> Stops | None:
    """Of all groups around this process added up; None where the kernel counts none."""
    found = [stops for group in find_groups(root) if (stops := parse_stops(read_text(f"{group}/cpu.stat", root) or ""))]
    return Stops(sum(one.times for one in found), sum(one.seconds for one in found)) if found else None


@cache
def find_groups(root: Path = ROOT) -> tuple[str, ...]:
    """The folders of the control groups around this process that say something of CPUs, the innermost first."""
    found: dict[str, None] = {}
    for line in (read_text("proc/self/cgroup", root) or "").splitlines():
        number, controllers, path = [*line.split(":", 2), "", ""][:3]
        wanted = FOLDERS if number == "0" else FOLDERS_V1 if "cpu" in controllers.split(",") else ()
        groups = [str(group).lstrip("/") for group in (PurePosixPath(path), *PurePosixPath(path).parents)]
        for folder in wanted:
            # In a container the path may be the host's, of which only the folder itself can be seen.
            for group in (f"{folder}/{group}".rstrip("/") for group in groups):
                if any((root / group / name).is_file() for name in ("cpu.max", "cpu.cfs_quota_us")):
                    found[group] = None
    return tuple(found)


def parse_quota(limit: str | None, period: str | None = None) -> float | None:
    """CPUs' worth of time, of `cpu.max` (quota and period) or of `cpu.cfs_quota_us` and `cpu.cfs_period_us`."""
    try:
        quota, length = (int(number) for number in f"{limit} {period or ''}".split()[:2])
    except ValueError:  # "max 100000": no limit
        return None
    return quota / length if quota > 0 and length > 0 else None


def parse_stops(text: str) -> Stops | None:
    """Of a `cpu.stat`: version 2 tells microseconds, version 1 nanoseconds; None where it has no such count."""
    told = dict(line.split()[:2] for line in text.splitlines() if len(line.split()) > 1)
    try:
        times = int(told["nr_throttled"])
        if "throttled_usec" in told:
            return Stops(times, int(told["throttled_usec"]) / 1e6)
        return Stops(times, int(told["throttled_time"]) / 1e9)
    except (KeyError, ValueError):
        return None


def _limits(group: str) -> tuple[str, ...]:
    if group.startswith(FOLDERS_V1):
        return "cpu.cfs_quota_us", "cpu.cfs_period_us"
    return ("cpu.max",)
