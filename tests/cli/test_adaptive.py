"""Nets whose work depends on their input are shown as distributions over clips, or as bounds; never as one number."""

import csv
import io
import json

import pytest

FACTS = {"fewest": 3134412800, "most": 18166339584}  # slim3d-r18-atfr at 32x224, facts/variants.json


def measurements(line: str) -> dict[str, dict]:
    return {m["metric"]: m for m in json.loads(line)["measurements"]}


def test_meta_gives_bounds(vidbench):
    """On meta MACs are null with a caveat and the bounds of the fewest and the most surviving frames."""
    done = vidbench("profile", "slim3d-r18-atfr", "--device", "meta", "--json", "-")
    taken = measurements(done.out.splitlines()[-1])
    assert done.code == 0
    assert taken["macs"]["value"] is None
    assert "depends on the clip" in taken["macs"]["caveats"][0]
    assert taken["macs_bounds"]["value"] == [FACTS["fewest"], FACTS["most"]]


def test_meta_table_shows_a_range(vidbench):
    """The table's cell is the range, and beside it nothing that could be taken for the net's GMACs."""
    done = vidbench("profile", "slim3d-r18-atfr", "--device", "meta")
    assert "3.13–18.17" in done.out


def test_distribution_over_a_video(vidbench, video):
    """Of a real video come at least ten clips; each keeps its figures, beside the net without sampling."""
    done = vidbench(
        "profile", "slim3d-r18-atfr", "--size", "64", "--clip", str(video), "--only", "macs,frames_kept", "--json", "-"
    )
    taken = measurements(done.out.splitlines()[-1])
    macs, kept = taken["macs"], taken["frames_kept"]
    (layer,) = kept["details"]["layers"].values()
    assert done.code == 0
    assert len(macs["samples"]) == len(macs["details"]["clips"]) == len(layer) == 10
    assert macs["details"]["clips"][0].endswith("@0")
    assert macs["details"]["clips"][-1].endswith(f"@{132 - 1 - 31 * 2}")
    # Work is linear in the frames that survive: the same step for every frame more.
    steps = {(a - b) / (m - n) for a, m in zip(macs["samples"], layer, strict=True)
             for b, n in zip(macs["samples"], layer, strict=True) if m != n}  # fmt: skip
    assert len(steps) == 1
    assert len(set(layer)) > 1
    assert 0 < macs["details"]["saving"] < 1
    assert any("untrained net" in caveat for caveat in macs["caveats"])


def test_distribution_over_the_built_in_clips(vidbench):
    """Without clips the built-in ones are taken; the table has spread, saving and a histogram of surviving frames."""
    done = vidbench(
        "profile", "slim3d-r18-atfr", "--size", "32", "--precision", "90%", "--only",
        "macs,first_call,latency,frames_kept,throughput,peak_memory",
    )  # fmt: skip
    assert done.code == 0
    assert "slim3d-r18-atfr over 4 clips of static, panning, alternating, noise:" in done.out
    assert "sampling" in done.out
    assert "frames kept after stages.0: " in done.out
    assert sum(int(word[:-1]) for word in done.out.split() if word.endswith("x") and word[:-1].isdecimal()) == 4


def test_folder_and_several_clips(vidbench, video, tmp_path):
    """Folders stand for their videos, and clips add up."""
    (tmp_path / "copy.mp4").write_bytes(video.read_bytes())
    (tmp_path / "notes.txt").write_text("no video")
    done = vidbench(
        "profile", "slim3d-r18-atfr", "--size", "32", "--frames", "8", "--clip", str(tmp_path), "--clip", "static",
        "--clips-per-video", "3", "--only", "macs", "--json", "-",
    )  # fmt: skip
    names = measurements(done.out.splitlines()[-1])["macs"]["details"]["clips"]
    assert [name.rpartition("/")[2] for name in names] == ["copy.mp4@0", "copy.mp4@58", "copy.mp4@117", "static"]


REFUSALS = {
    "batch": (["--batch", "2"], "--batch 1"),
    "too few frames at this stride": (["--frames", "64", "--stride", "3"], "a clip of 64 with --stride 3 spans"),
    "no stride": (["--stride", "0"], "--stride cannot be 0"),
    "no clips": (["--clips-per-video", "0"], "--clips-per-video cannot be 0"),
    "folder without videos": (["--clip", "{empty}"], "holds no video"),
}


@pytest.mark.parametrize(("arguments", "fix"), REFUSALS.values(), ids=REFUSALS)
def test_refusals(vidbench, video, tmp_path, arguments, fix):
    """What cannot be a distribution is refused before measuring, with the fix."""
    given = [str(tmp_path) if argument == "{empty}" else argument for argument in arguments]
    clip = [] if "--clip" in arguments else ["--clip", str(video)]
    done = vidbench("profile", "slim3d-r18-atfr", *clip, *given)
    assert done.code == 2
    assert fix in done.err


def test_metrics_of_adaptive_nets_only(vidbench):
    """frames_kept of a net that samples nothing is refused."""
    done = vidbench("profile", "x3d-m", "--only", "frames_kept")
    assert done.code == 2
    assert "atfr-sgs" in done.err


def test_csv_has_the_range(vidbench):
    """The flat row has mean, range, bounds and the unsampled net's MACs."""
    done = vidbench("profile", "slim3d-r18-atfr", "--size", "32", "--only", "macs,macs_bounds", "--csv", "-")
    (row,) = csv.DictReader(io.StringIO(done.out))
    fewest, low, mean, high, most, plain = (
        float(row[f"macs{part}"]) for part in ("_fewest", "_min", "", "_max", "_most", "_unsampled")
    )
    assert fewest <= low <= mean <= high <= most
    assert mean < plain
