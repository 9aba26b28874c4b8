"""Quotas of CPU time and the stops they cause, in control groups of either version."""

from pathlib import Path

import pytest

from vidbench.conditions.quota import Stops, parse_quota, parse_stops, read_quota, read_stops

V1 = "nr_periods 120\nnr_throttled 7\nthrottled_time 2500000000\nnr_bursts 0\nburst_time 0\n"
V2 = "usage_usec 9471\nuser_usec 1\nsystem_usec 2\nnr_periods 12\nnr_throttled 3\nthrottled_usec 1500000\n"


def write(root: Path, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


@pytest.mark.parametrize(
    ("texts", "cpus"),
    [
        (("max 100000",), None),
        (("150000 100000",), 1.5),
        (("-1", "100000"), None),
        (("200000", "100000"), 2.0),
        ((None, None), None),
        (("", "100000"), None),
    ],
)
def test_quota(texts, cpus):
    """Quota over period, of one file or of two; `max`, -1 and no file are no limit."""
    assert parse_quota(*texts) == cpus


def test_stops():
    """Microseconds in version 2, nanoseconds in version 1; a root group counts none."""
    assert parse_stops(V2) == Stops(3, 1.5)
    assert parse_stops(V1) == Stops(7, 2.5)
    assert parse_stops("usage_usec 9471\nuser_usec 1\n") is None
    assert parse_stops("") is None


def test_version_2(tmp_path):
    """The least of the groups around this process binds it; their stops add up."""
    write(
        tmp_path,
        {
            "proc/self/cgroup": "0::/jobs/one\n",
            "sys/fs/cgroup/cpu.stat": "usage_usec 1\n",
            "sys/fs/cgroup/jobs/cpu.max": "150000 100000\n",
            "sys/fs/cgroup/jobs/cpu.stat": V2,
            "sys/fs/cgroup/jobs/one/cpu.max": "max 100000\n",
            "sys/fs/cgroup/jobs/one/cpu.stat": V2,
        },
    )
    assert read_quota(tmp_path) == 1.5
    assert read_stops(tmp_path) == Stops(6, 3.0)


def test_version_1_in_a_container(tmp_path):
    """A path that is the host's cannot be seen; the controller's own folder is then the container's."""
    write(
        tmp_path,
        {
            "proc/self/cgroup": "4:memory:/docker/abc\n1:cpu,cpuacct:/docker/abc\n0::/\n",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "50000\n",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/cpu,cpuacct/cpu.stat": V1,
        },
    )
    assert read_quota(tmp_path) == 0.5
    assert read_stops(tmp_path) == Stops(7, 2.5)


def test_without_groups(tmp_path):
    """No control groups, no quota."""
    assert read_quota(tmp_path) is None
    assert read_stops(tmp_path) is None
