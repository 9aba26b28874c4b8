"""Which records make a table, in which order, and what tells its rows apart."""

from dataclasses import replace

import pytest
from examples import case, environment, latency, macs, record

from vidbench.errors import InputError
from vidbench.query.columns import find_column
from vidbench.query.selection import (
    add_families,
    differing,
    keep_latest,
    records_of,
    refuse_places,
    sort_rows,
    split_places,
    tell_devices,
    telling_axes,
)  # fmt: skip
from vidbench.records import Failure
from vidbench.repeats import merge_runs
from vidbench.table import rows

HERE = {
    "k1": environment(),
    "k2": environment(device="AMD EPYC", stack={"torch": "2.13.0"}),
    "k3": environment(threads=1),
}


def at(minute: int, one):
    return replace(one, time=f"2026-11-21T10:{minute:02}:00+00:00")


def flat(*records):
    return rows(records, HERE)


def test_latest():
    """Of a case measured again in its environment the last counts, wherever it stands in the files."""
    old, new = at(1, record(latency(0.01))), at(5, record(latency(0.02)))
    elsewhere, other, again = record(environment="k2"), record(frames=8), record(repeat=1)
    assert keep_latest([new, other, old, elsewhere, again]) == [new, other, elsewhere, again]
    assert keep_latest([old, other, new]) == [new, other]
    failed = at(9, record(failure=Failure(kind="oom", message="out")))
    assert keep_latest([new, failed]) == [failed]


def test_families():
    """A net's family is the catalog's; a net of a user's own is its own."""
    found = add_families(flat(record(model="slow-8x8-r50"), record(model="mine:net")))
    assert [row["family"] for row in found] == ["slow", "mine:net"]


def test_sorting():
    """By several columns, each in its own direction; what is unknown comes last either way."""
    one, other, unknown = record(latency(0.3)), record(latency(0.1), frames=8), record(frames=64)
    table = flat(unknown, one, other)
    assert [row["frames"] for row in sort_rows(table, "latency")] == [8, 16, 64]
    assert [row["frames"] for row in sort_rows(table, "-latency")] == [16, 8, 64]
    assert [row["frames"] for row in sort_rows(table, "model,-frames")] == [64, 16, 8]
    with pytest.raises(InputError, match="did you mean frames"):
        sort_rows([], "frame")


def test_differing():
    """Where a record was taken tells rows apart only where nothing in their cases does."""
    assert differing(flat(record(), record(batch=8), record(batch=8, device="cpu"))) == {
        "batch": [1, 8],
        "device": ["cuda:0", "cpu"],
    }
    assert list(differing(flat(record(), record(environment="k2")))) == ["device_name"]
    assert list(differing(flat(record(), record(environment="k2", device="cpu")))) == ["device"]
    assert list(differing(flat(record(), record(environment="k3")))) == ["environment"]


def test_telling_axes():
    """What every net has in its own way is no axis, unless the figures depend on it."""
    assert telling_axes(flat(record(classes=400), record(model="tea-r50", classes=174))) == []
    assert telling_axes(flat(record(classes=400), record(classes=174))) == ["classes"]
    assert telling_axes(flat(record(), record(model="tea-r50", task="train"))) == ["task"]
    assert telling_axes(flat(record(), record(model="tea-r50", environment="k2"))) == ["device_name"]


def test_places():
    """Figures of a device are not held against another's; exact ones may be."""
    table = flat(record(macs(), latency()), record(macs(), latency(), environment="k2"))
    assert list(split_places(table)) == [("NVIDIA H100", "2.13.0"), ("AMD EPYC", "2.13.0")]
    with pytest.raises(InputError, match=r"of 2 places .* --where 'device_name == \"NVIDIA H100\"'"):
        refuse_places(table, [find_column("top1"), find_column("latency")])
    refuse_places(table, [find_column("top1"), find_column("macs")])
    refuse_places(table[:1], [find_column("latency")])


def on(kind: str, *measurements, **changes):
    """A record of a job of that kind of GPU."""
    one = record(*measurements, **changes)
    return replace(one, conditions={**one.conditions, "gpu_kind": kind})


class TestGpuKinds:
    def test_are_kept_apart(self):
        """A case that was measured on two kinds is two rows, even where both kinds' devices have one name."""
        a100, v100 = on("a100", latency(0.01)), on("v100", latency(0.02))
        assert keep_latest([a100, v100]) == [a100, v100]
        table = merge_runs(flat(a100, v100, replace(on("a100", latency(0.03)), case=case(repeat=1))))
        assert [(row["gpu_kind"], row.get("runs")) for row in table] == [("a100", 2), ("v100", None)]
        assert differing(table) == {"gpu_kind": ["a100", "v100"]}
        assert records_of(table[1:], [a100, v100]) == [v100]

    def test_devices_are_told_apart(self):
        """What one name of a device stands for is told by the devices' own names, else by kinds, and only if needed."""
        same = flat(on("a100"), on("v100"))
        named = flat(on("a100"), on("v100", environment="k2"))
        assert tell_devices(same, ["device"]) == ["device", "gpu_kind"]
        assert tell_devices(named, ["frames", "device"]) == ["frames", "device", "device_name"]
        assert tell_devices(named, ["device"], ["device_name"]) == ["device"]
        assert tell_devices(named, ["device", "gpu_kind"]) == ["device", "gpu_kind"]
        assert tell_devices(flat(record(), on("a100")), ["device"]) == ["device"]
        assert tell_devices(flat(record(), record(device="cpu", environment="k2")), ["device"]) == ["device"]
        assert tell_devices(same, ["model"]) == ["model"]


def test_records_of_rows():
    """All runs of a case stand behind its row."""
    several = [record(latency(), repeat=run, frames=frames) for run in range(3) for frames in (8, 16)]
    kept = [row for row in merge_runs(flat(*several)) if row["frames"] == 8]
    assert records_of(kept, several) == several[::2]
