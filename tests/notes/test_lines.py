"""The notes under a table say where its figures come from, each thing once."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from examples import environment, latency, macs, record

from vidbench.notes.lines import describe_failure, write_notes
from vidbench.records import Environment, Failure, Measurement, Record
from vidbench.table import rows

HERE = {"k1": environment()}
FAILED = Failure(kind="oom", message="out of memory: 80 GiB")


def notes(
    *records: Record, metrics: Sequence[str] = (), environments: dict[str, Environment] | None = None
) -> list[str]:
    where = environments or HERE
    return write_notes(records, rows(records, where), where, metrics)


def starting(lines: list[str], start: str) -> list[str]:
    return [line for line in lines if line.startswith(start)]


class TestFailures:
    def test_description(self):
        """A failed case is named by its setting and its reason; one that did not fail by nothing."""
        assert describe_failure(record(failure=FAILED, batch=2)) == ("x3d-m 16x224 batch 2 fp32: out of memory: 80 GiB")
        assert describe_failure(record()) is None

    def test_first(self):
        """What could not be measured is said before all else."""
        lines = notes(record(), record(failure=FAILED, frames=64), record(failure=FAILED, frames=128))
        assert lines[:2] == [
            "not measured: x3d-m 64x224 batch 1 fp32: out of memory: 80 GiB",
            "not measured: x3d-m 128x224 batch 1 fp32: out of memory: 80 GiB",
        ]
        assert len(starting(lines, "not measured")) == 2


class TestEnvironments:
    def test_stack(self):
        """One line has device, driver, platform, threads, clip, versions, precision and day."""
        assert starting(notes(record(), record(frames=8)), "NVIDIA") == [
            "NVIDIA H100 · driver 550.54 · Linux x86_64 · 8 CPU threads · clip: synthetic · "
            "python 3.12.1, torch 2.13.0, vidbench 0.1.0 · fp32 (TF32 off) · 2026-11-21"
        ]

    def test_without_driver(self):
        """A CPU has no driver, and one thread is no threads."""
        (line,) = notes(
            record(model="MyNet", dtype="bf16"), environments={"k1": environment(driver=None, device="CPU", threads=1)}
        )
        assert line.startswith("CPU · Linux x86_64 · 1 CPU thread · ")
        assert line.endswith(" · bf16 weights and input · 2026-11-21")

    def test_days(self):
        """Records of several days have the first and the last of them in the line of their machine."""
        days = [replace(record(frames=n), time=f"2026-11-{n}T23:59:59+00:00") for n in (21, 19, 20)]
        (line,) = starting(notes(*days), "NVIDIA")
        assert line.endswith(" · fp32 (TF32 off) · 2026-11-19 to 2026-11-21")

    def test_precisions_of_one_place(self):
        """Precisions share the line of their machine although each is an environment of its own."""
        both = {"a": environment(), "b": environment(flags={"matmul_fp32_precision": "tf32"})}
        lines = notes(record(environment="a"), record(environment="b", dtype="tf32"), environments=both)
        (line,) = starting(lines, "NVIDIA")
        assert line.endswith(" · fp32 (TF32 off), tf32 · 2026-11-21")

    def test_several_devices(self):
        """Where cases were measured side by side the line of their machine says on how many devices at most."""
        alone = record()
        beside = replace(alone, conditions={**alone.conditions, "beside": {"devices": ["cuda:1"]}})
        (line,) = starting(notes(alone, beside), "NVIDIA")
        assert line.endswith(" · fp32 (TF32 off) · up to 2 GPUs at work at once, a case on each · 2026-11-21")

    def test_several_places(self):
        """Different stacks, or different clips, are different lines."""
        both = {"a": environment(), "b": environment(stack={"torch": "2.10.0"})}
        records = (record(environment="a"), record(environment="b"), record(environment="b", clip="a.mp4"))
        lines = starting(notes(*records, environments=both), "NVIDIA")
        assert ["torch 2.10.0" in line for line in lines] == [False, True, True]
        assert ["clip: a.mp4" in line for line in lines] == [False, False, True]

    def test_meta(self):
        """Of what was counted on meta tensors there is no machine to name."""
        assert starting(notes(record(device="meta")), "counted on meta") == [
            "counted on meta tensors, nothing computed · python 3.12.1, torch 2.13.0, vidbench 0.1.0"
        ]


class TestMethods:
    def test_each_once(self):
        """How a metric was taken is said once, with what it is per, in the order of the table's columns."""
        lines = notes(record(macs(), latency()), record(macs(), latency(), frames=8), metrics=["macs", "latency"])
        assert [line for line in lines if line.startswith(("GMACs,", "latency,", "ran "))] == [
            "GMACs, per clip: counted",
            "ran uncounted, for they contract nothing: add, relu",
            "latency, per call: median of calls, each synchronised",
        ]

    def test_two_methods(self):
        """A metric taken in two ways says both."""
        lines = notes(record(latency(method="a")), record(latency(method="b")), metrics=["latency"])
        assert starting(lines, "latency") == ["latency, per call: a", "latency, per call: b"]

    def test_only_what_is_shown(self):
        """A metric that has no column is not explained, nor one that needs no explanation."""
        params = Measurement(metric="params", value=1, unit="parameters", method="elements")
        lines = notes(record(macs(), latency(), params), metrics=["params", "latency"])
        assert [line for line in lines if line.startswith(("GMACs", "parameters", "ran"))] == []

    def test_unknown_operators(self):
        """An operator that may contract is not said to contract nothing."""
        details = {"uncounted": {"aten.relu": 1, "own.fused": 1}, "unknown": ["own.fused"]}
        lines = notes(record(macs(details=details)), metrics=["macs"])
        assert starting(lines, "ran uncounted") == ["ran uncounted, for they contract nothing: relu"]

    def test_nothing_counted(self):
        """Where no case could be counted, nothing is said of what ran uncounted."""
        assert starting(notes(record(failure=FAILED), metrics=["macs"]), "ran uncounted") == []

    def test_caveats(self):
        """A caveat is said once for each net and metric that it is about."""
        doubtful = macs(caveats=("counted as nothing: own.fused",))
        lines = notes(record(doubtful), record(doubtful, frames=8), record(doubtful, model="x3d-l"), metrics=["macs"])
        assert starting(lines, "caution") == [
            "caution, macs of x3d-m: counted as nothing: own.fused",
            "caution, macs of x3d-l: counted as nothing: own.fused",
        ]


class TestUnsettled:
    def test_limits(self):
        """The mark is explained once, with how well the marked figures are known, of all that are shown."""
        records = [
            record(latency(details={"precision": share, "settled": settled}), frames=frames)
            for frames, share, settled in ((8, 0.034, False), (16, 0.002, True), (32, 0.013, False))
        ]
        (line,) = starting(notes(*records, metrics=["latency", "throughput"]), "~ not settled")
        assert "known to ±1.3% to ±3.4%" in line
        assert starting(notes(*records, metrics=["macs"]), "~ not settled") == []
        assert starting(notes(records[1], metrics=["latency"]), "~ not settled") == []
        assert "known to ±3.4%, and" in starting(notes(records[0], metrics=["latency"]), "~ not settled")[0]

    def test_caveats(self):
        """A caveat a figure would be a line a case: they are in the record, the note stands for them."""
        doubtful = latency(caveats=("not settled: after 10 calls in 5.0 s ...", "the warm-up reached its limit"))
        assert starting(notes(record(doubtful), metrics=["latency"]), "caution") == [
            "caution, latency of x3d-m: the warm-up reached its limit"
        ]


class TestViews:
    def test_derived(self):
        """What figures of a video are made of is said once for all cases of as many views."""
        records = [record(macs(), latency(), frames=frames, views="10x3") for frames in (8, 16)]
        lines = starting(notes(*records, metrics=["macs", "latency", "throughput"]), "per video")
        assert lines == [
            "per video, derived and not measured, of 10x3 views (clips x crops), each of them a clip: "
            "GMACs x 30, videos/s = clips/s / 30, time = 30 / (clips/s)"
        ]
        assert starting(notes(*records, metrics=["macs"]), "per video")[0].endswith("a clip: GMACs x 30")

    def test_nothing_derived(self):
        """Nothing is said where no views were given, or no figure is derived."""
        assert starting(notes(record(macs()), metrics=["macs"]), "per video") == []
        assert starting(notes(record(latency(), views="1x1"), metrics=["latency"]), "per video") == []


class TestDisturbed:
    def test_shares(self):
        """The mark is explained once, with the reasons and their shares of the marked figures alone."""
        records = [
            record(
                latency(
                    details={"watched": 10, "disturbed": count, "disturbances": reasons},
                    caveats=("disturbed: ...",) if count > 1 else (),
                )
            )
            for count, reasons in ((10, {"load": 10}), (5, {"heat": 5, "load": 3}), (1, {"quota": 1}))
        ]
        (line,) = starting(notes(*records, metrics=["latency"]), "! disturbed")
        assert "load (30% to 100%), heat (50%); `vidbench env`" in line
        assert "quota" not in line
        assert starting(notes(*records, metrics=["macs"]), "! disturbed") == []
        assert starting(notes(records[2], metrics=["latency"]), "! disturbed") == []
        assert starting(notes(*records, metrics=["latency"]), "caution") == []


class TestPublished:
    def test_source(self):
        """The figure in the paper's column has its source, once for each setting."""
        lines = starting(notes(record(macs()), record(macs(), batch=8)), "published")
        assert len(lines) == 1
        assert lines[0].startswith("published GMACs of x3d-m at 16x224: PySlowFast MODEL_ZOO.md")

    def test_elsewhere(self):
        """Where the column is empty, the setting that has a figure is named as the options that ask for it."""
        assert starting(notes(record(model="slowfast-8x8-r50", frames=32)), "slowfast") == [
            "slowfast-8x8-r50: published is 65.7 GMACs at another setting; --frames 32 --size 256 puts ours beside it"
        ]

    def test_nothing_published(self):
        """A net of which nothing is published, or that is not of the catalog, gets no hint."""
        lines = notes(record(model="i3d-8x8-r101", frames=8), record(model="MyNet"))
        assert [line for line in lines if "published" in line] == []

    def test_many(self):
        """Of many nets without a figure it is said once where to look."""
        names = ["vov3d-m", "vov3d-l", "x3d-s", "x3d-m", "x3d-l"]
        hints = [line for line in notes(*(record(model=name, frames=64) for name in names)) if "publi" in line]
        assert hints == [
            "the paper's column is empty where nothing is published at that setting; `vidbench list` has the settings"
        ]
        four = [line for line in notes(*(record(model=name, frames=64) for name in names[1:])) if "publi" in line]
        assert [line.partition(":")[0] for line in four] == names[1:]


class TestGrowth:
    def test_factors(self):
        """How costs grow is said last, by metric, with the clips it was seen at."""
        lines = notes(record(macs(1e9), latency(0.1), frames=8), record(macs(2e9), latency(0.15), frames=16))
        assert lines[-1] == "x3d-m, 8 to 16 frames: GMACs x2.00, latency x1.50 per doubling of the clip"

    def test_settings(self):
        """Where a net was taken in several settings, each growth names its own."""
        records = [record(macs(1e8 * n), frames=n, batch=batch) for n in (8, 16) for batch in (1, 4)]
        assert starting(notes(*records), "x3d-m (") == [
            "x3d-m (size 224, batch 1, fp32), 8 to 16 frames: GMACs x2.00 per doubling of the clip",
            "x3d-m (size 224, batch 4, fp32), 8 to 16 frames: GMACs x2.00 per doubling of the clip",
        ]

    def test_memory_that_ran_out(self):
        """A clip that could not be measured is not claimed for the metrics that lack it."""
        measured = [record(macs(1e8 * n), latency(0.1 * n), frames=n) for n in (8, 16)]
        failed = record(macs(64e8), failure=FAILED, frames=64)
        assert starting(notes(*measured, failed), "x3d-m,") == [
            "x3d-m, 8 to 64 frames: GMACs x2.00 per doubling of the clip",
            "x3d-m, 8 to 16 frames: latency x2.00 per doubling of the clip",
        ]

    @pytest.mark.parametrize("frames", [[16], [16, 16]])
    def test_one_clip(self, frames: list[int]):
        """One clip length says nothing of growth."""
        assert [line for line in notes(*(record(macs(), frames=n) for n in frames)) if "doubling" in line] == []

    def test_very_many_settings(self):
        """Of very many the first are told, and how many more there are."""
        records = [record(macs(1e8 * n), frames=n, size=size) for n in (8, 16) for size in range(32, 62)]
        *_, before, last = notes(*records)
        assert before.startswith("x3d-m (size 55,")
        assert last == "and 6 more settings; `vidbench show --where` narrows them down"


def test_records_without_an_environment():
    """A file may lack what its records name: they are told of all the same."""
    assert notes(record(macs(), environment="lost"), metrics=["macs"])[0].startswith("GMACs, per clip: counted")
