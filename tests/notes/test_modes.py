"""The lines about modes: each once, the worst of what differs, and where a net was compiled anew."""

from dataclasses import replace

from examples import record

from vidbench.notes.modes import describe_modes
from vidbench.records import WRONG, Case, Measurement
from vidbench.table import row
from vidbench.terminal.profile import write_figure
from vidbench.units import Scale

CASE = Case(model="net", classes=400, frames=8, size=64, mode="compile")


def taken(metric: str, value: float | None, details: dict, *caveats: str, **changes):
    """A record of that one measurement."""
    measurement = Measurement(metric=metric, value=value, unit="", method="", details=details, caveats=caveats)
    return replace(record(), case=replace(CASE, **changes), measurements=(measurement,))


def test_nothing_to_say():
    """Of eager cases in one precision there is no line."""
    assert describe_modes([replace(record(), case=replace(CASE, mode="eager"))]) == []


def test_outputs():
    """Of each way of running the greatest difference; what is wrong has a line of its own, the worst of its kind."""
    agrees = [taken("output_difference", value, {"agrees": True}, frames=n) for n, value in ((8, 1e-7), (16, 3e-7))]
    wrong = [
        taken("output_difference", value, {"agrees": False}, f"{WRONG}: by {value}", dtype="bf16", frames=n)
        for n, value in ((8, 0.5), (16, 0.7), (32, 0.6))
    ]
    unknown = taken("output_difference", None, {}, "not known: no room", dtype="fp16")
    mode, outputs, mark, other = describe_modes([*agrees, *wrong, unknown])
    assert mode.startswith("mode compile: torch.compile")
    assert outputs == "outputs differ from fp32 eager, relative to the greatest of them: 3e-07 in fp32 compile"
    assert mark == "≠ net 16x64 batch 1 in bf16 compile: output differs: by 0.7"
    assert other == "outputs against fp32 eager, net 8x64 batch 1 in fp16 compile: not known: no room"


def test_layouts():
    details = {"agrees": True, "layouts": {"convolutions": 90, "reached": 1}}
    lines = describe_modes([taken("output_difference", 0.0, details, mode="channels-last")])
    assert lines[-1] == "net in fp32 channels-last: 1 of 90 convolutions got their input in channels last"


def test_recompilations():
    """The lengths at which a net was compiled anew are named."""
    for counts, told in (((1, 1, 0), "compiled anew at 16"), ((2, 0, 0), "never compiled anew")):
        lengths = {n: {"compilations": count} for n, count in zip(("8", "16", "32"), counts, strict=True)}
        line = describe_modes([taken("recompilations", sum(counts[1:]), {"lengths": lengths})])[-1]
        assert line.startswith(f"net 64 batch 1 in fp32 compile, one net called at 8 -> 16 -> 32 frames: {told} (")
    unknown = describe_modes([taken("recompilations", None, {}, "not known: it has 8 frames")])
    assert unknown[-1] == "recompilations of net 64 batch 1 in fp32 compile: not known: it has 8 frames"


def test_marks():
    """The times of what does not agree are marked in their cells, other figures are not."""
    for agrees, mark in ((False, "≠"), (True, ""), (None, "")):
        one = taken("output_difference", 0.5, {"agrees": agrees})
        flat = {**row(one), "latency": 2.0, "throughput": 3.0, "peak_memory": 4.0}
        cells = {name: write_figure(flat, name, Scale(1, "")) for name in ("latency", "throughput")}
        assert all(cell.startswith("≠") == bool(mark) for cell in cells.values())
        assert not write_figure(flat, "peak_memory", Scale(1, "")).startswith("≠")
