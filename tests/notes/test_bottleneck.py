"""What the stages of a pipeline come to."""

from dataclasses import replace

import pytest
from examples import record

from vidbench.notes.bottleneck import describe_bottleneck, pool_runs, stage_seconds, stage_shares
from vidbench.records import Measurement, Record


def staged(batch: int = 1, share: float | None = None, **seconds: float | None) -> Record:
    """A record of these stages, overlapped at 40 clips/s where the model's share of the time is given."""
    figures = [
        Measurement(metric=f"stage_{name}", value=value, unit="seconds", method="timed")
        for name, value in seconds.items()
    ]
    if share is not None:
        details = {"model_share": share}
        unit = "clips/s"
        figures.append(Measurement(metric="stage_overlapped", value=40.0, unit=unit, method="windows", details=details))
    return record(*figures, batch=batch)


ALL = {"decode": 0.062, "preprocess": 0.01, "copy_in": 0.005, "model": 0.02, "copy_out": 0.003, "end_to_end": 0.1}


def test_shares():
    """Stages stand in their order with their share of all; what all take is none of them."""
    seconds = stage_seconds(staged(**dict(reversed(ALL.items()))))
    assert list(seconds) == ["stage_decode", "stage_preprocess", "stage_copy_in", "stage_model", "stage_copy_out"]
    assert stage_shares(seconds)["stage_decode"] == pytest.approx(0.62)
    assert sum(stage_shares(seconds).values()) == pytest.approx(1)


def test_slow_decoding():
    """A stage that takes longer than the model is the bottleneck, and the model waits for it."""
    assert describe_bottleneck(staged(**ALL, share=0.15)) == (
        "the bottleneck is decode: it takes 3.10 times as long as the model; "
        "overlapped, the model waits 85% of the time (40.00 clips/s, one after the other 10.00)"
    )


def test_slow_model():
    """Where it is the model, it is held beside the longest of the others; clips a second are of the whole batch."""
    slow = {**ALL, "model": 0.186, "end_to_end": 0.266}
    assert describe_bottleneck(staged(batch=4, **slow, share=0.99)) == (
        "the bottleneck is the model: it takes 3.00 times as long as decode; "
        "overlapped, the model waits 1% of the time (40.00 clips/s, one after the other 15.04)"
    )


def test_left_out():
    """Stages that do not exist on a device are not of the comparison; parts say what they can."""
    some = {"decode": 0.01, "copy_in": None, "model": 0.02, "copy_out": None}
    assert list(stage_seconds(staged(**some))) == ["stage_decode", "stage_model"]
    assert describe_bottleneck(staged(**some)) == "the bottleneck is the model: it takes 2.00 times as long as decode"
    assert describe_bottleneck(staged(share=0.25)) == "overlapped, the model waits 75% of the time"
    assert describe_bottleneck(staged(model=0.02)) is None
    assert describe_bottleneck(staged()) is None


def test_runs():
    """Of several runs of a case every figure is the median; a case that ran once is as it was."""
    runs = [
        replace(one, case=replace(one.case, repeat=repeat))
        for repeat, one in enumerate(staged(**{**ALL, "model": model}, share=model) for model in (0.03, 0.05, 0.02))
    ]
    alone = staged(batch=8, **ALL)
    pooled, other = pool_runs([runs[0], alone, record(), *runs[1:]])
    assert other is alone
    assert stage_seconds(pooled) == {**stage_seconds(staged(**ALL)), "stage_model": 0.03}
    assert "the model waits 97% of the time" in str(describe_bottleneck(pooled))
    failed = record(repeat=3)
    assert [one.figure("stage_model") for one in pool_runs([*runs[:1], failed])] == [0.03]
