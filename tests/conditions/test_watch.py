"""Which samples are marked: those since the reading before, of readings and a clock that tests move."""

from collections.abc import Sequence
from dataclasses import replace

from vidbench.conditions.cpu import CpuReading
from vidbench.conditions.disturbance import HEAT, OTHERS_ON_CPU
from vidbench.conditions.reading import Reading
from vidbench.conditions.watch import Watch, add_details, doubt_details, mark_all
from vidbench.records import Measurement


class Machine:
    """Two CPUs whose time, others' work and slowdowns for heat are told; a reading takes `cost` seconds."""

    def __init__(self, cost: float = 0.0) -> None:
        self.now, self.busy, self.heat, self.cost = 100.0, 50.0, 0, cost
        self.readings = 0

    def read(self, *, thoroughly: bool = False) -> Reading:  # noqa: ARG002  # all is read alike
        self.now += self.cost
        self.readings += 1
        cpu = CpuReading(busy=self.busy, heat_stops=self.heat, frequency=1e9 * self.readings)
        return Reading(time=self.now, cpus=(0, 1), cpu=cpu)

    def watch(self) -> Watch:
        return Watch(read=self.read, clock=lambda: self.now)


def take(machine: Machine, watch: Watch, others: Sequence[float], seconds: float = 0.125) -> dict[str, object]:
    """Samples of so many seconds each, beside so many CPUs' worth of others' work each; the details."""
    with watch.window() as window:
        for share in others:
            machine.now += seconds
            machine.busy += share * seconds
            window.tick()
    return window.details


class TestMarks:
    def test_quiet(self):
        """Nothing happens, nothing is marked."""
        machine = Machine()
        details = take(machine, machine.watch(), [0.0] * 20)
        assert details == {"watched": 20, "disturbed": 0, "disturbances": {}}
        assert doubt_details(details) == ()

    def test_spike(self):
        """Work of others marks the samples since the reading before, which are two of 0.125 s, and no others."""
        machine = Machine()
        details = take(machine, machine.watch(), [*[0.0] * 5, 1.0, *[0.0] * 34])
        assert details == {"watched": 40, "disturbed": 2, "disturbances": {OTHERS_ON_CPU: 2}}
        assert doubt_details(details) == ()

    def test_throughout(self):
        """Work of others all the time marks all, and has to be said."""
        machine = Machine()
        details = take(machine, machine.watch(), [0.5] * 20)
        assert (details["disturbed"], details["disturbances"]) == (20, {OTHERS_ON_CPU: 20})
        (caveat,) = doubt_details(details)
        assert caveat == ("disturbed: 20 of 20 samples were taken beside or under other processes on the CPU (100%)")

    def test_long_samples(self):
        """Of samples longer than the pause each has a reading of its own."""
        machine = Machine()
        assert take(machine, machine.watch(), [0.0, 1.0, 0.0], seconds=2.0)["disturbed"] == 1

    def test_short_end(self):
        """The last samples, too few to judge alone, share what stands before them."""
        machine = Machine()
        loud, quiet = [*[0.0] * 4, *[1.0] * 5], [*[1.0] * 2, *[0.0] * 7]
        assert take(machine, machine.watch(), loud, seconds=0.0625)["disturbed"] == 5
        assert take(machine, machine.watch(), quiet, seconds=0.0625)["disturbed"] == 4

    def test_several_reasons(self):
        """A sample that two things disturbed counts once, and with each of them."""
        machine = Machine()
        watch = machine.watch()
        with watch.window() as window:
            machine.heat += 1
            machine.now += 1.0
            machine.busy += 1.0
            window.tick()
        assert window.details == {"watched": 1, "disturbed": 1, "disturbances": {HEAT: 1, OTHERS_ON_CPU: 1}}

    def test_what_comes_before_a_window(self):
        """What happened before the first sample, such as warming up, marks none."""
        machine = Machine()
        watch = machine.watch()
        machine.now, machine.busy = machine.now + 5, machine.busy + 10
        assert take(machine, watch, [0.0] * 4)["disturbed"] == 0


class TestCost:
    def test_pause(self):
        """Readings are at least 0.2 s apart, however short samples are."""
        machine = Machine()
        take(machine, machine.watch(), [0.0] * 2000, seconds=0.001)
        assert machine.readings <= 2 + 10

    def test_slow_readings(self):
        """Readings that take long are taken more seldom: they cost a hundredth of the time."""
        machine = Machine(cost=0.02)
        begun = machine.now
        take(machine, machine.watch(), [0.0] * 1000, seconds=0.02)
        assert machine.readings * 0.02 <= 0.01 * (machine.now - begun) + 3 * 0.02


class TestConditions:
    def test_describe(self):
        """Before and after as read, between them least, median and greatest; what is unknown is left out."""
        machine = Machine()
        watch = machine.watch()
        take(machine, watch, [0.5] * 4, seconds=1.0)
        told = watch.describe()
        assert told["before"] == {"cpu": {"affinity": "0-1", "frequency": 1e9}}
        assert told["after"] == {"cpu": {"affinity": "0-1", "frequency": 7e9}}
        assert told["during"]["cpu"] == {
            "frequency": {"min": 2e9, "median": 4e9, "max": 6e9},
            "others": {"min": 0.5, "median": 0.5, "max": 0.5},
        }

    def test_nothing_timed(self):
        """A case of which nothing was sampled has no conditions during."""
        assert set(Machine().watch().describe()) == {"before", "after"}


def test_several_windows():
    """Figures of several windows, of a clip each, add theirs up."""
    one = {"watched": 10, "disturbed": 2, "disturbances": {"a": 2}}
    other = {"watched": 10, "disturbed": 3, "disturbances": {"b": 3, "a": 1}}
    added = add_details([one, other])
    assert added == {"watched": 20, "disturbed": 5, "disturbances": {"a": 3, "b": 3}}
    assert doubt_details(added)[0].startswith("disturbed: 5 of 20 samples")
    assert doubt_details({**added, "disturbed": 1}) == ()


class TestMarkingAll:
    def test_all_samples(self):
        """Whatever disturbed a whole figure disturbed each of its samples, and is told once, before all else."""
        details = {"watched": 20, "disturbed": 5, "disturbances": {HEAT: 5}}
        figure = Measurement(metric="latency", value=1.0, unit="seconds", method="", details=details)
        marked = mark_all(replace(figure, caveats=("odd", *doubt_details(details))), OTHERS_ON_CPU)
        assert marked.details == {"watched": 20, "disturbed": 20, "disturbances": {OTHERS_ON_CPU: 20, HEAT: 5}}
        assert marked.caveats[0] == "odd"
        assert [caveat.startswith("disturbed: 20 of 20") for caveat in marked.caveats] == [False, True]

    def test_what_is_not_watched(self):
        """A figure without watched samples stays as it is."""
        figure = Measurement(metric="macs", value=1, unit="MACs", method="")
        assert mark_all(figure, HEAT) is figure
