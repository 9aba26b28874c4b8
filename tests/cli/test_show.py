"""`vidbench show`: result files as tables by any axes, filtered, sorted, with the best and the front marked."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from examples import case, environment, latency, macs, record, save

from vidbench.records import Failure, Measurement

COMMITTED = str(Path(__file__).parents[2] / "results" / "amd-epyc-2cpus" / "families.jsonl")
SETTLED = {"count": 20, "p90": 0.03, "precision": 0.01, "settled": True}


def table(text: str) -> list[list[str]]:
    """The cells of the lines under the rule of the first table."""
    return [re.split(r"  +", line.strip()) for line in text.partition("─\n")[2].partition("\n\n")[0].splitlines()]


def throughput(value: float) -> Measurement:
    return Measurement(metric="throughput", value=value, unit="clips/s", method="windows", details=SETTLED)


@pytest.fixture
def results(tmp_path):
    """Three nets at three clips; one does not settle, one runs out of memory, one was never run."""
    speeds = {"x3d-m": (400, 200, 100), "vov3d-l": (500, 240, 30), "slow-8x8-r50": (300, 150, None)}
    records = [
        record(macs(frames * 1e9), latency(1 / speed, details=SETTLED), throughput(speed), model=model, frames=frames)
        for model, per_clip in speeds.items()
        for frames, speed in zip((8, 16, 32), per_clip, strict=True)
        if speed
    ]
    unsettled = {**SETTLED, "settled": False}
    records[1] = replace(records[1], measurements=(replace(throughput(200), details=unsettled),))
    oom = record(failure=Failure(kind="oom", message="out of memory: 9 GiB"), model="slow-8x8-r50", frames=32)
    return str(save(tmp_path / "results.jsonl", *records, oom))


class TestList:
    def test_table_of_profile(self, vidbench, results):
        """Without axes each record is a row with the columns of `profile`, and with its notes."""
        done = vidbench("show", results)
        assert (done.code, done.err) == (0, "")
        assert [line[:3] for line in table(done.out)][-1] == ["slow-8x8-r50", "32", "224"]
        assert table(done.out)[0][4:] == ["8.00", "–", "2.50", "30.00", "400.0"]
        assert "not measured: slow-8x8-r50 32x224 batch 1 fp32: out of memory: 9 GiB" in done.out
        assert "NVIDIA H100" in done.out

    def test_chosen_figures(self, vidbench, results):
        """--value chooses columns; what is no metric is pointed to where it can stand."""
        done = vidbench("show", results, "--value", "throughput")
        assert table(done.out)[0] == ["x3d-m", "8", "224", "1", "400.0"]
        refused = vidbench("show", results, "--value", "latency_p99")
        assert (refused.code, refused.out) == (2, "")
        assert "latency_p99 is no metric; with --rows model,frames it can" in refused.err

    def test_latest_counts(self, vidbench, tmp_path):
        """A case measured twice in one environment is shown as it was last; how many are not shown is told."""
        old = record(latency(0.5), model="x3d-m")
        path = save(tmp_path / "twice.jsonl", replace(record(latency(0.25)), time="2026-11-22T00:00:00+00:00"), old)
        done = vidbench("show", str(path), "--value", "latency")
        assert [line[4] for line in table(done.out)] == ["~250.0"]
        assert "not shown: 1 older record of a case that was measured again in the same environment" in done.out

    def test_what_differs_is_shown(self, vidbench, tmp_path):
        """Devices and tasks get columns where there are several, so that no two rows look alike."""
        known = {"k1": environment(), "k2": environment(device="AMD EPYC")}
        records = [record(latency()), record(latency(), environment="k2"), record(latency(), task="train")]
        done = vidbench("show", str(save(tmp_path / "three.jsonl", *records, environments=known)))
        assert [line[4:6] for line in table(done.out)] == [
            ["inference", "NVIDIA H100"], ["inference", "AMD EPYC"], ["train", "NVIDIA H100"],
        ]  # fmt: skip

    def test_cut_off_file(self, vidbench, results):
        """What a crash left of a last line is a warning; the rest is shown."""
        with Path(results).open("a") as file:
            file.write('{"id": "77", "ti')
        done = vidbench("show", results)
        assert done.code == 0
        assert "its last line is cut off" in done.err
        assert len(table(done.out)) == 9

    def test_committed(self, vidbench):
        """The records that are committed can be shown, with and without filters."""
        done = vidbench("show", COMMITTED, "--where", "params < 10M", "--sort", "-macs", "--value", "params,macs")
        assert [line[0] for line in table(done.out)] == ["vov3d-l", "slim3d-r50-atfr", "x3d-m"]
        assert [line[4] for line in table(done.out)] == ["6.30", "7.32", "3.79"]


class TestPivot:
    def test_marks(self, vidbench, results):
        """Best and second best of each clip, what is unsettled, what failed, and how figures grow, in plain text."""
        done = vidbench("show", results, "--rows", "model", "--cols", "frames", "--value", "throughput")
        assert done.code == 0
        assert done.out.startswith("throughput, clips/s\n")
        assert table(done.out) == [
            ["x3d-m", "400.0′", "~200.0′", "100.0*", "█▄▂"],
            ["vov3d-l", "500.0*", "240.0*", "30.00", "█▄▁"],
            ["slow-8x8-r50", "300.0", "150.0", "out of memory", "█▄·"],
        ]
        assert "* best, ′ second best of each column" in done.out
        assert "growth: a bar for each of 8, 16, 32 frames" in done.out
        assert "\x1b" not in done.out

    def test_several_figures(self, vidbench, results):
        """A table each; lower is better of latency, and what was not taken is a dash."""
        done = vidbench("show", results, "--cols", "frames", "--value", "throughput,latency")
        first, second = done.out.split("latency, ms/call\n")
        assert table(first)[0][1] == "400.0′"
        assert table(second)[0] == ["x3d-m", "2.50′", "–", "10.00*", "▂·█"]

    def test_without_columns(self, vidbench, results):
        """Figures stand beside one another where no axis is at the head."""
        done = vidbench(
            "show", results, "--rows", "model,frames", "--value", "macs,throughput", "--where", "frames == 8"
        )
        assert table(done.out) == [
            ["x3d-m", "8", "8.00", "400.0′"],
            ["vov3d-l", "8", "8.00", "500.0*"],
            ["slow-8x8-r50", "8", "8.00", "300.0"],
        ]

    def test_models_at_the_head(self, vidbench, results):
        """Then a line is what is compared."""
        done = vidbench("show", results, "--rows", "frames", "--cols", "model", "--value", "throughput")
        assert table(done.out)[0] == ["8", "400.0′", "500.0*", "300.0"]
        assert "′ second best of each line" in done.out
        assert "growth" not in done.out

    def test_nothing_is_picked(self, vidbench, tmp_path):
        """Several records for a cell are refused with the axes that differ; what is proposed works."""
        path = str(save(tmp_path / "b.jsonl", *(record(latency(b / 10), batch=b) for b in (1, 8))))
        axes = ("show", path, "--rows", "model", "--cols", "frames", "--value", "latency")
        refused = vidbench(*axes)
        assert (refused.code, refused.out) == (2, "")
        (condition,) = re.findall(r"--where '(.*)'", refused.err)
        assert table(vidbench(*axes, "--where", condition).out) == [["x3d-m", "~100.0"]]
        (down,) = re.findall(r"--rows (\S+),", refused.err)
        assert len(table(vidbench(*axes[:3], down, *axes[4:]).out)) == 2

    @pytest.mark.parametrize(("device", "axis"), [("NVIDIA V100", "device_name"), ("NVIDIA H100", "gpu_kind")])
    def test_kinds_of_gpus(self, vidbench, tmp_path, device, axis):
        """--cols device compares GPUs that are all cuda:0, by their names or, where those are one, by their kinds."""
        known = {"k1": environment(), "k2": environment(device=device)}
        records = [
            replace(record(latency(seconds), environment=name), conditions={"gpu_kind": kind})
            for name, kind, seconds in (("k1", "h100", 0.1), ("k2", "v100", 0.3))
        ]
        path = str(save(tmp_path / "kinds.jsonl", *records, environments=known))
        done = vidbench("show", path, "--cols", "device", "--value", "latency")
        assert done.code == 0, done.err
        heads = ("NVIDIA H100", "NVIDIA V100") if axis == "device_name" else ("h100", "v100")
        assert re.search(rf"{axis} {heads[0]} +{axis} {heads[1]}\n", done.out)
        assert table(done.out) == [["x3d-m", "~100.0", "~300.0"]]

    def test_accuracy_has_its_source(self, vidbench, tmp_path):
        """A table of published accuracy says whose it is, and where it is of another size; training has none."""
        trained = record(latency(), model="x3d-m", task="train")
        path = str(save(tmp_path / "a.jsonl", record(macs(), model="tada2d-r50", frames=8), trained))
        done = vidbench("show", path, "--rows", "model", "--value", "top1")
        assert table(done.out) == [["tada2d-r50", "76.70"], ["x3d-m", "–"]]
        assert "top-1 of tada2d-r50 at 8x224 on K400: 76.7%, published at 8x256, over" in done.out
        assert "without accuracy: 1 row of training" in done.out

    def test_plain_numbers(self, vidbench, results):
        """What has no unit is printed as it is."""
        done = vidbench("show", results, "--where", "frames == 16", "--rows", "model", "--value", "frames")
        assert table(done.out)[0] == ["x3d-m", "16.00"]

    def test_terminal_draws_marks_boldly(self, results, capsys, monkeypatch):
        """On a terminal the best are bold and the second best underlined."""
        from rich.console import Console

        from vidbench.cli.selecting import select
        from vidbench.query.columns import find_column
        from vidbench.query.pivot import pivot
        from vidbench.terminal import show

        monkeypatch.setattr(show, "open_console", lambda stream: Console(file=stream, force_terminal=True, width=200))
        rows = select([results], None, "k400").rows
        show.print_grids([pivot(rows, ["model"], ["frames"], find_column("throughput"))])
        shown = capsys.readouterr().out
        assert re.search(r"\x1b\[1m *500\.0\*", shown)
        assert re.search(r"\x1b\[4m *400\.0′", shown)


class TestFront:
    def test_committed(self, vidbench):
        """Nets that no other beats in accuracy and time are marked, with whose accuracy it is and who is left out."""
        done = vidbench("show", COMMITTED, "--pareto", "top1:latency", "--dataset", "k400")
        assert done.code == 0
        marked = {line[0]: line[-1] == "●" for line in table(done.out)}
        assert marked == {
            "x3d-m": True, "tada2d-r50": True, "vov3d-l": False, "blvnet-tam-50": False, "slowfast-8x8-r50": True,
        }  # fmt: skip
        assert "top-1 of x3d-m at 16x224 on K400: 76.2%, over 30 views (PySlowFast MODEL_ZOO.md" in done.out
        assert (
            "without accuracy: 2 rows, as none is published on K400 for such a clip; it is for tea-r50 at" in done.out
        )

    def test_any_figures(self, vidbench, results):
        """Accuracy need not be one of the two; what lacks a figure is counted."""
        done = vidbench("show", results, "--pareto", "throughput:macs")
        assert [line[0] for line in table(done.out) if line[-1] == "●"] == ["vov3d-l"]
        assert "left out: 2 rows without throughput or macs" in done.out

    def test_devices_are_not_mixed(self, vidbench, tmp_path):
        """Times of two devices are not held against each other; exact figures are those of either."""
        known = {"k1": environment(), "k2": environment(device="AMD EPYC")}
        records = [record(macs(), latency()), record(macs(), latency(), environment="k2")]
        path = str(save(tmp_path / "two.jsonl", *records, environments=known))
        refused = vidbench("show", path, "--pareto", "top1:latency")
        assert refused.code == 2
        assert "2 places" in refused.err
        assert len(table(vidbench("show", path, "--pareto", "top1:macs").out)) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--where", "params < 10 and"], "--where: a column, a number or a text in quotes is missing here"),
        (["--where", "params > 1T"], "none of 9 rows is left by --where params > 1T"),
        (["--sort", "speed"], "there is no column 'speed'"),
        (["--rows", "framse"], "did you mean frames"),
        (["--pareto", "top1"], "--pareto takes two figures with a colon between"),
        (["--pareto", "top1:frames"], "of frames neither more nor less is better"),
        (["--pareto", "top1:top1"], "two different figures"),
        (["--pareto", "top1:macs", "--rows", "model"], "leave out --rows, --cols and --value"),
        (["--pareto", "top1:energy"], "energy"),
        (["--dataset", "imagenet"], "no accuracy is published for a data set 'imagenet'"),
    ],
)
def test_refusals(vidbench, results, options, message):
    """What cannot be shown is one message with the fix, before anything is printed."""
    done = vidbench("show", results, *options)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


def test_no_results(vidbench, folder):
    """Without a folder of results their files are asked for; a folder of that name is what is shown."""
    refused = vidbench("show")
    assert refused.code == 2
    assert "there is no folder results here" in refused.err
    (folder / "results").mkdir()
    save(folder / "results" / "a.jsonl", record(latency()))
    assert table(vidbench("show", "--value", "latency").out)[0][0] == case().model
