"""The chart of a search for a batch, and its progress."""

from dataclasses import replace

from examples import case, record

from vidbench.records import Failure, Measurement, Record
from vidbench.terminal.batches import draw_curve, print_curves
from vidbench.terminal.progress import show_progress


def tried(
    batch: int,
    value: float | None = None,
    *,
    search: str = "best",
    chosen: bool = False,
    failure: Failure | None = None,
    settled: bool = True,
) -> Record:
    metric, unit = ("throughput", "clips/s") if search == "best" else ("peak_memory", "bytes")
    figure = Measurement(metric=metric, value=value, unit=unit, method="", details={"settled": settled})
    taken = record(*(() if value is None else (figure,)), failure=failure, batch=batch)
    return replace(taken, conditions={**taken.conditions, "search": search, "chosen": chosen, "why": "so it was"})


OOM = Failure(kind="oom", message="out of memory: tried to allocate; 12.10 GiB predicted, 9.80 GiB free")


def test_throughput():
    """A bar and a figure a batch, in their order; the chosen one is marked, with its own figure, and why it was."""
    records = [tried(1, 10.0), tried(8, 40.0), tried(16, failure=OOM), tried(4, 39.0, settled=False)]
    records.append(tried(8, 38.5, chosen=True))
    assert list(draw_curve(case(), records)) == [
        "x3d-m 16x224 fp32, throughput by batch, clips/s:",
        f"   1  {'█' * 8 + '▎':<32}   10.00",
        f"   4  {'█' * 32}  ~39.00",
        f"   8  {'█' * 31 + '▋':<32}   38.50  ◀ chosen",
        "  16  out of memory (12.10 GiB predicted, 9.80 GiB free)",
        "batch 8: so it was",
        "~ is a figure that is not known as well as --precision asks",
    ]


def test_memory():
    """The curve of what fits is its memory; a chosen batch whose memory was not asked for has that of its trial."""
    records = [tried(10, failure=OOM, search="max"), tried(8, 9e9, search="max"), tried(9, chosen=True, search="max")]
    records.insert(2, tried(9, 10e9, search="max"))
    lines = list(draw_curve(case(), records))
    assert lines[0] == "x3d-m 16x224 fp32, memory by batch, GiB:"
    assert [line.split()[0] for line in lines[1:-1]] == ["8", "9", "10"]
    assert lines[1].split()[2] == "8.38"
    assert lines[2].endswith("9.31  ◀ chosen")


def test_nothing_found():
    """Without an answer the last line says why: the failure, or that the search was interrupted."""
    (*_, end) = draw_curve(case(), [tried(1, failure=OOM)])
    assert end == "no batch was found: batch 1 out of memory"
    (*_, line, end) = draw_curve(case(), [tried(1, 1.0), tried(2, failure=Failure(kind="timeout", message="600 s"))])
    assert line == "  2  timed out (600 s)"
    assert end == "no batch was found: batch 2 timed out"
    (*_, end) = draw_curve(case(), [tried(1, 1.0), tried(2, 2.0)])
    assert end == "no batch was found: the search was not finished"


def test_a_curve_a_case(capsys):
    """Each case has a curve of its own; records that no search took have none."""
    other = replace(tried(2, 5.0), case=case(frames=8, batch=2))
    print_curves([tried(1, 1.0), tried(2, 2.0), other, record()])
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if line.endswith(":")] == [
        "x3d-m 16x224 fp32, throughput by batch, clips/s:",
        "x3d-m 8x224 fp32, throughput by batch, clips/s:",
    ]
    print_curves([record()])
    assert capsys.readouterr().out == ""


def test_progress(capsys, monkeypatch):
    """A search is one case of the progress, each batch a line of it."""
    monkeypatch.setattr("vidbench.terminal.progress.QUIET_SECONDS", -1.0)
    with show_progress(2, searching=True) as announce:
        for frames, batch in ((16, 1), (16, 2), (16, 2), (8, 2)):
            announce(case(frames=frames, batch=batch))
    shown = [line.split()[0:5:4] for line in capsys.readouterr().err.splitlines()]
    assert shown == [["[1/2]", "1"], ["[1/2]", "2"], ["[1/2]", "2"], ["[2/2]", "2"]]
