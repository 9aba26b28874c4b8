"""Explanations as JSON and CSV: every figure in base units with what is derived from it, nothing where unknown."""

import csv
import io
import json
from dataclasses import replace

import pandas as pd
import pytest
from explanations import counted, estimated, on_gpu, slow, with_unknown, x3d

from vidbench.explain.explanation import Explanation, Finding
from vidbench.export.explanation import COLUMNS, SCHEMA, WORK_COLUMNS, write_csv, write_json
from vidbench.metrics import MACS_CONVENTION


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def read_json(*explanations: Explanation) -> list[dict]:
    found = json.loads(write_json(explanations), parse_constant=refuse)
    assert (found["schema"], found["macs_convention"]) == (SCHEMA, MACS_CONVENTION)
    return found["explanations"]


def read_csv(*explanations: Explanation) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(write_csv(explanations)), keep_default_na=False, na_values={"seconds": [""]})


def row(explanation: Explanation, level: str, name: str = "") -> dict[str, str]:
    lines = csv.DictReader(io.StringIO(write_csv([explanation])))
    (found,) = [line for line in lines if (line["level"], line["name"]) == (level, name)]
    return found


def test_derived_figures():
    """Beside the raw figures of a kind stand its shares, rates, and what they are of the device's peaks."""
    (found,) = read_json(x3d())
    (kernel,) = [one for one in found["kernels"] if one["kernel"] == "3x3x3"]
    macs, moved, seconds = 667554048, 160519752 + 98896896, 0.0687
    assert (kernel["name"], kernel["calls"], kernel["macs"], kernel["bytes"]) == (
        "depthwise convolution", 26, macs, moved,
    )  # fmt: skip
    assert kernel["seconds"] == seconds
    assert kernel["macs_per_byte"] == pytest.approx(macs / moved)
    assert kernel["macs_per_second"] == pytest.approx(macs / seconds)
    assert kernel["bytes_per_second"] == pytest.approx(moved / seconds)
    assert kernel["share_of_macs"] == pytest.approx(macs / 4732468736)
    assert kernel["share_of_time"] == pytest.approx(seconds / found["total"]["seconds"])
    assert kernel["share_of_peak"] == pytest.approx(macs / seconds / 120e9)
    assert kernel["share_of_bandwidth"] == pytest.approx(moved / seconds / 20e9)
    assert kernel["bound"] == "neither"


def test_shares_add_up():
    """Kinds, kernels and operators each hold all MACs and bytes, and with the time outside of them all time."""
    (found,) = read_json(x3d())
    for level in ("kinds", "kernels", "operators"):
        assert sum(one["share_of_macs"] for one in found[level]) == pytest.approx(1)
        assert sum(one["share_of_bytes"] for one in found[level]) == pytest.approx(1)
        shares = [one["share_of_time"] for one in found[level]]
        assert sum(shares) + found["outside"]["share_of_time"] == pytest.approx(1)
    assert sum(one["own"]["seconds"] for one in found["modules"]) + found["outside"]["seconds"] == pytest.approx(
        found["total"]["seconds"]
    )


def test_modules():
    """The tree is a flat list: each module names its parent, which comes before it, and holds its children's work."""
    (found,) = read_json(x3d())
    modules = {module["path"]: module for module in found["modules"]}
    assert next(iter(modules)) == ""
    assert (modules[""]["parent"], modules[""]["depth"], modules[""]["macs"]) == (None, 0, 4732468736)
    assert (modules["stages.filter"]["parent"], modules["stages.filter"]["depth"]) == ("stages", 2)
    for path, module in modules.items():
        children = [one for one in modules.values() if one["parent"] == path]
        assert module["macs"] == module["own"]["macs"] + sum(child["macs"] for child in children)
        assert all(list(modules).index(child["path"]) > list(modules).index(path) for child in children)


def test_unknown_operators():
    """An operator that may contract something is named with its share of the time, and marked in its row."""
    (found,) = read_json(with_unknown())
    share = pytest.approx(0.0211 / found["total"]["seconds"])
    assert found["unknown"] == [{"name": "vision.deform_conv2d", "share_of_time": share}]
    assert [one["name"] for one in found["operators"] if not one["known"]] == ["vision.deform_conv2d"]
    assert row(with_unknown(), "operator", "vision.deform_conv2d")["known"] == "False"
    assert read_json(x3d())[0]["unknown"] == []


def test_what_follows():
    """Findings with their figures, trials with their speedup, methods and caveats are all there."""
    (found,) = read_json(x3d(caveats=("another process took half of the CPU",)))
    assert found["findings"][0]["figures"] == {"share_of_macs": 0.146, "share_of_time": 0.284}
    assert (found["findings"][0]["trial"], found["trials"][0]["name"]) == ("channels-last", "channels-last")
    assert found["trials"][0]["speedup"] == pytest.approx(1.5)
    assert found["caveats"] == ["another process took half of the CPU"]
    assert found["methods"][1].startswith("times: torch's profiler")
    assert found["uncounted"]["macs"] == 0
    assert found["uncounted"]["share_of_time"] == pytest.approx(0.40, abs=0.01)
    assert (found["overhead"], found["versions"]["torch"]) == (pytest.approx(1 / 0.93), "2.13.0")


def test_untimed():
    """Where nothing was timed, shares of MACs and bytes stay; times, rates and peaks are null, or empty."""
    (found,) = read_json(counted())
    assert (found["peaks"], found["latency"], found["estimated"]) == (None, None, False)
    assert found["total"]["macs_per_byte"] == pytest.approx(2.0, abs=0.1)
    for one in (found["total"], found["outside"], *found["kinds"], *found["modules"]):
        timed = ("seconds", "share_of_time", "macs_per_second", "bytes_per_second", "share_of_peak", "bound")
        assert all(one.get(name) is None for name in timed)
    line = row(counted(), "kind", "depthwise convolution")
    assert (line["seconds"], line["share_of_time"], line["share_of_macs"][:5]) == ("", "", "0.146")


def test_estimates_are_marked():
    """Peaks from a datasheet say so, and with them all times."""
    (found,) = read_json(estimated())
    assert found["estimated"]
    assert found["peaks"]["estimate"]
    assert found["peaks"]["method"].startswith("printed")
    assert row(estimated(), "total")["estimated"] == "True"
    (measured,) = read_json(on_gpu())
    assert not measured["estimated"]
    assert measured["outside"] == {
        "seconds": measured["total"]["seconds"] / 2, "share_of_time": 0.5, "waits_for_launches": True,
    }  # fmt: skip


def test_strict_json():
    """Infinite and undefined figures are null, whole texts stay as they are."""
    finding = Finding(topic="odd", text="größer", figures={"ratio": float("inf"), "share": float("nan"), "macs": 1})
    text = write_json([replace(x3d(), findings=(finding,), overhead=float("nan"))])
    found = json.loads(text, parse_constant=refuse)["explanations"][0]
    assert found["findings"][0]["figures"] == {"ratio": None, "share": None, "macs": 1}
    assert found["overhead"] is None
    assert "größer" in text
    assert row(replace(x3d(), overhead=float("inf")), "total")["overhead"] == ""


def test_csv_rows():
    """A row for each module, kind, kernel and operator of each net, its time outside of them, and its total."""
    nets = (x3d(), slow(batch=2, dtype="bf16"))
    frame = read_csv(*nets)
    assert list(frame.columns) == list(COLUMNS)
    for explanation in nets:
        rows = frame[frame["model"] == explanation.case.model]
        counts = rows["level"].value_counts()
        assert counts["kind"] == len(explanation.kinds)
        assert counts["kernel"] == len(explanation.kernels)
        assert counts["operator"] == len(explanation.operators)
        assert (counts["outside"], counts["total"]) == (1, 1)
        assert set(rows["batch"]) == {explanation.case.batch}
        assert set(rows["dtype"]) == {explanation.case.dtype}
    assert set(frame["macs_convention"]) == {MACS_CONVENTION}


def test_csv_adds_up():
    """The rows of a level and the one of the time outside of operators add up to the total."""
    frame = read_csv(x3d())
    total = frame[frame["level"] == "total"].iloc[0]
    outside = frame.loc[frame["level"] == "outside", "seconds"].item()
    for level in ("kind", "kernel", "operator"):
        rows = frame[frame["level"] == level]
        assert rows["macs"].astype(int).sum() == int(total["macs"])
        assert rows["seconds"].sum() + outside == pytest.approx(total["seconds"])
    modules = frame[frame["level"] == "module"]
    assert modules["own_bytes"].astype(int).sum() == int(total["bytes"])
    assert modules["own_seconds"].astype(float).sum() + outside == pytest.approx(total["seconds"])


def test_csv_has_what_json_has():
    """Of each kind the CSV's figures are the JSON's."""
    (found,) = read_json(x3d())
    for kind in found["kinds"]:
        line = row(x3d(), "kind", kind["name"])
        for name in WORK_COLUMNS:
            assert line[name] == ("" if kind[name] is None else str(kind[name]))


def test_csv_cells():
    """Names are whole, commas stay in their cell, and what does not belong to a level is empty."""
    line = row(x3d(), "kernel", "depthwise convolution 3x3x3")
    assert (line["kind"], line["kernel"], line["counted"]) == ("depthwise convolution", "3x3x3", "True")
    assert (line["parent"], line["depth"], line["params"], line["known"], line["caveats"]) == ("", "", "", "", "")
    module = row(x3d(), "module", "stages.filter")
    assert (module["parent"], module["depth"], module["kind"]) == ("stages", "2", "Conv3d")
    total = row(x3d(caveats=("slow, and hot", "one clip")), "total")
    assert (total["caveats"], total["params"], total["latency"]) == (
        "slow, and hot; one clip", "3794322", str(x3d().latency),
    )  # fmt: skip


def test_nothing():
    """No explanations are an empty list, and a head without rows."""
    assert read_json() == []
    assert write_csv([]) == ",".join(COLUMNS) + "\n"
