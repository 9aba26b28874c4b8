"""`vidbench profile --stages`, `--energy` and `--views` as users meet them."""

import csv
import io
import json

import pytest
from videos import numbered

import vidbench as vidbench_api
from vidbench.errors import InputError
from vidbench.measure import sampling, stages
from vidbench.measure.sampling import Effort
from vidbench.metrics import ENERGY, STAGES
from vidbench.run import requested

TINY = ("x3d-xs", "--frames", "4", "--size", "32", "--threads", "1", "--precision", "90%")


REFUSALS = {
    "no video": ([], "the stages are timed on a real video; give one with --clip VIDEO"),
    "training": (["--clip", "VIDEO", "--task", "train"], "leave out --task train"),
    "no device": (["--clip", "VIDEO", "--device", "meta"], "--device cpu or cuda"),
    "no measuring": (["--clip", "VIDEO", "--fits", "1GB"], "leave out --energy and --stages"),
}


@pytest.fixture
def brief(monkeypatch):
    """A few passes, of which none are to warm up, are enough to see what comes of them."""
    monkeypatch.setattr(requested, "PASSES", Effort(calls=2, seconds=0.0, budget=0.0))
    monkeypatch.setattr(requested, "WINDOWS", Effort(calls=1, seconds=0.0, budget=0.0))
    monkeypatch.setattr(sampling, "WARM_UP_SECONDS", 0.0)
    monkeypatch.setattr(sampling, "WARM_UP_LIMIT", 0.0)
    monkeypatch.setattr(stages, "WINDOW_SECONDS", 0.0)


@pytest.mark.usefixtures("brief")
class TestStages:
    def test_real_video(self, vidbench, video, tmp_path):
        """Stages stand in a table of their own with the sentence that they come to; records keep all samples."""
        file = tmp_path / "r.jsonl"
        done = vidbench("profile", *TINY, "--clip", str(video), "--stages", "--only", "macs", "--json", str(file))
        assert done.code == 0
        lines = done.out.splitlines()
        begin = lines.index(f"x3d-xs 4x32 batch 1 fp32, from {video} to logits:")
        heads = [line.split()[0] for line in lines[begin + 4 : begin + 9]]
        assert heads == ["decode", "preprocess", "model", "one", "overlapped"]
        shares = [float(line.split()[-1]) for line in lines[begin + 4 : begin + 7]]
        assert sum(shares) == pytest.approx(100, abs=0.1)
        # 132 frames of 1280x720 are more work than this net on 4 of them at 32x32.
        assert "x3d-xs: the bottleneck is decode: it takes " in done.out
        assert "; overlapped, the model waits " in done.out
        assert "decoding, per call: the video file, in the page cache, opened" in done.out
        record = json.loads(file.read_text().splitlines()[-1])
        taken = {m["metric"]: m for m in record["measurements"]}
        assert list(taken) == ["macs", *STAGES]
        values = {name: taken[name]["value"] for name in STAGES}
        assert values.pop("stage_copy_in") is values.pop("stage_copy_out") is None
        assert all(value > 0 for value in values.values())
        for name in values:
            assert len(taken[name]["samples"]) == taken[name]["details"]["count"]
        parts = [taken[f"stage_{name}"]["samples"] for name in ("decode", "preprocess", "model")]
        totals = taken["stage_end_to_end"]["samples"]
        assert all(sum(each) <= total for *each, total in zip(*parts, totals, strict=True))

    def test_one_of_them(self, vidbench, tmp_path):
        """A stage can be asked for alone, by its name."""
        short = numbered(tmp_path / "v.mkv", 9)
        done = vidbench("profile", *TINY, "--clip", str(short), "--only", "stage_model", "--json", "-")
        record = json.loads(done.out.splitlines()[-1])
        assert [m["metric"] for m in record["measurements"]] == ["stage_model"]

    @pytest.mark.parametrize(("arguments", "fix"), REFUSALS.values(), ids=REFUSALS)
    def test_refusals(self, vidbench, video, arguments, fix):
        """What cannot be timed is refused before anything is."""
        given = [str(video) if argument == "VIDEO" else argument for argument in arguments]
        done = vidbench("profile", *TINY, "--stages", *given)
        assert (done.code, done.out) == (2, "")
        assert fix in done.err

    def test_adaptive(self, vidbench, video):
        """Of a net whose work depends on the clip they would be one clip's."""
        done = vidbench("profile", "slowfast-8x8-r50-atfr", "--stages", "--clip", str(video), "--device", "cpu")
        assert done.code == 2
        assert "leave out slow" in done.err


class TestEnergy:
    def test_figures_or_reasons(self, vidbench):
        """Joules, watts and a share where this machine tells them, otherwise nothing and why: never 0."""
        done = vidbench("profile", *TINY, "--device", "cpu", "--only", "params", "--energy", "--json", "-")
        assert done.code == 0
        taken = {m["metric"]: m for m in json.loads(done.out.splitlines()[-1])["measurements"]}
        assert set(taken) == {"params", *ENERGY}
        assert taken["utilization"]["value"] is None
        for figure in (taken["energy"], taken["idle_power"]):
            assert (figure["value"] is None) == bool(figure.get("caveats"))
            assert figure["value"] is None or figure["value"] > 0

    def test_columns(self, vidbench):
        """They stand in the table beside the usual columns, with why they are unknown below."""
        done = vidbench("profile", *TINY, "--device", "cpu", "--only", "energy,idle_power")
        head, units = done.out.splitlines()[:2]
        assert head.split() == ["idle", "energy"]
        assert units.split()[-2] == "W"
        assert units.split()[-1] in ("J/clip", "mJ/clip")

    def test_not_by_default(self):
        """Nobody who did not ask waits for them."""
        clip = vidbench_api.Clip(frames=4, size=32)
        (record,) = vidbench_api.profile("x3d-xs", clip, device="meta")
        assert not {m.metric for m in record.measurements} & {*ENERGY, *STAGES}


class TestViews:
    def test_table(self, vidbench):
        """GMACs stand as papers print them and per video, and the line below says what is derived."""
        done = vidbench("profile", "x3d-m", "--device", "meta", "--views", "10x3", "--only", "macs")
        row = next(line for line in done.out.splitlines() if line.startswith("x3d-m"))
        assert row.split() == ["x3d-m", "16", "224", "1", "4.73", "4.73", "4.73", "x", "30", "142.0"]
        assert "per video, derived and not measured, of 10x3 views" in done.out

    def test_files(self, vidbench):
        """Per clip stays what it is; per video comes beside it."""
        arguments = ["profile", "x3d-xs", "--device", "meta", "--batch", "2", "--views", "5x2"]
        (row,) = csv.DictReader(io.StringIO(vidbench(*arguments, "--csv", "-").out))
        assert (row["views"], row["views_total"], row["macs"]) == ("5x2", "10", "605256512")
        assert (row["macs_per_video"], row["videos_per_second"]) == ("6052565120", "")

    def test_from_python(self):
        """A record's case has the views."""
        clip = vidbench_api.Clip(frames=4, size=32)
        (record,) = vidbench_api.profile("x3d-xs", clip, device="meta", views="10x3")
        assert record.case.views == "10x3"
        with pytest.raises(InputError, match="--views takes clips x crops"):
            vidbench_api.profile("x3d-xs", clip, device="meta", views="ten")

    def test_refused(self, vidbench):
        """Anything but two numbers is refused with the form."""
        done = vidbench("profile", "x3d-m", "--views", "30")
        assert (done.code, done.out) == (2, "")
        assert "such as 10x3, not '30'" in done.err
