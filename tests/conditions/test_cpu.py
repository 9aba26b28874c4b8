"""What the kernel's files say of CPUs, of texts as kernels write them; what they do not say is unknown."""

import os
import time
from pathlib import Path

import pytest

from vidbench.conditions.cpu import name_cpu, name_numbers, parse_frequency, parse_stat, read_cpu, usable_cpus

STAT = """\
cpu  831629 820625 137276 621275 2145 7 504 3190 11 13
cpu0 362904 415663 60478 366542 683 0 67 1568 0 0
cpu1 468725 404961 76797 254732 1462 7 436 1621 11 13
intr 24538862 0 0
ctxt 30498218
"""
CPUINFO = """\
processor\t: 0
model name\t: AMD EPYC 7571
cpu MHz\t\t: 2199.998
flags\t\t: fpu vme hypervisor

processor\t: 1
model name\t: AMD EPYC 7571
cpu MHz\t\t: 2400.002
"""
TICK = os.sysconf("SC_CLK_TCK")


def write(root: Path, **texts: str) -> Path:
    """Those files below it, `__` in a name standing for a folder's end."""
    for name, text in texts.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


class TestStat:
    def test_all(self):
        """Of all CPUs the kernel's own sum is taken: user, nice, system, irq, softirq, but neither idle nor guests."""
        busy, stolen = parse_stat(STAT, (0, 1))
        assert busy == (831629 + 820625 + 137276 + 7 + 504) / TICK
        assert stolen == 3190 / TICK

    def test_some(self):
        """Of some CPUs it is theirs alone."""
        assert parse_stat(STAT, (1,)) == ((468725 + 404961 + 76797 + 7 + 436) / TICK, 1621 / TICK)

    @pytest.mark.parametrize(
        "text", ["", "cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 0 0 0 0 0 0 0 0 0 0\n", "cpu 1 2\ncpu0 1 2\n"]
    )
    def test_unknown(self, text):
        """A kernel that tells nothing, noughts or less than is needed leaves it unknown."""
        assert parse_stat(text, (0,)) == (None, None)


def test_frequency():
    """The mean of /proc/cpuinfo in Hz; machines without such lines have none."""
    assert parse_frequency(CPUINFO) == pytest.approx(2.3e9)
    assert parse_frequency("processor\t: 0\nBogoMIPS\t: 50.00\n") is None


def test_reading(tmp_path):
    """Files of cpufreq come before /proc/cpuinfo, and heat is counted over cores and packages."""
    cpu = "sys__devices__system__cpu__cpu0__"
    write(tmp_path, proc__stat=STAT, proc__cpuinfo=CPUINFO, proc__loadavg="0.39 0.68 1.31 2/87 22726\n")
    assert read_cpu((0, 1), root=tmp_path).frequency == pytest.approx(2.3e9)
    assert read_cpu((0, 1), root=tmp_path).heat_stops is None
    write(
        tmp_path,
        **{
            f"{cpu}cpufreq__scaling_cur_freq": "3100000\n",
            f"{cpu}cpufreq__scaling_governor": "powersave\n",
            f"{cpu}thermal_throttle__core_throttle_count": "3\n",
            f"{cpu}thermal_throttle__package_throttle_count": "4\n",
        },
    )
    reading = read_cpu((0,), thoroughly=True, root=tmp_path)
    assert (reading.frequency, reading.governor, reading.load) == (3.1e9, "powersave", 0.39)
    assert reading.heat_stops == 7
    assert reading.busy == (362904 + 415663 + 60478 + 67) / TICK
    assert read_cpu((0,), root=tmp_path).governor is None


def test_nothing_to_read(tmp_path):
    """Where there are no such files all is unknown, but for this process's own time."""
    reading = read_cpu((0,), root=tmp_path)
    assert (reading.busy, reading.stolen, reading.load, reading.frequency, reading.stops) == (None,) * 5
    assert reading.own > 0


def test_own_time():
    """What this process computes is its own, and what it sleeps is not."""
    before = read_cpu(usable_cpus())
    while time.process_time() < before.own + 0.02:
        pass
    after = read_cpu(usable_cpus())
    assert after.own - before.own >= 0.02


def test_names(tmp_path):
    """A CPU by its model's name; numbers as the kernel lists them."""
    assert name_cpu(write(tmp_path, proc__cpuinfo=CPUINFO)) == "AMD EPYC 7571"
    assert name_numbers((8, 0, 1, 2, 10, 11)) == "0-2,8,10-11"
    assert name_numbers(()) == ""
