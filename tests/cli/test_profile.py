"""`vidbench profile` as its users meet it: tables, files, refusals, interruption."""

import csv
import io
import json
import signal
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

from vidbench.catalog import variants
from vidbench.errors import InputError

COMMAND = Path(sys.executable).with_name("vidbench")


QUICK = ("--precision", "90%")  # where it is not the figure that matters


def cells(line: str) -> list[str]:
    return line.split()


class TestTable:
    def test_main_job(self, vidbench):
        """The main job prints the paper's parameters and GMACs beside the machine's latency, throughput and memory."""
        done = vidbench("profile", "vov3d-l", "--frames", "16")
        row = next(cells(line) for line in done.out.splitlines() if line.startswith("vov3d-l "))
        assert done.code == 0
        assert row[:7] == ["vov3d-l", "16", "224", "1", "6.30", "9.31", "9.3"]
        latency, p90, throughput, memory = (float(cell.strip("~!").replace(",", "")) for cell in row[7:])
        assert 0 < latency <= p90
        assert throughput > 0
        # At least the weights (25 MB) and the clip (10 MB) are in memory at the peak.
        assert memory > 33
        for said in (
            "CPU threads",
            "fp32 (TF32 off)",
            "torch 2.",
            "GMACs, per clip: ",
            "latency, per call: ",
            "memory",
        ):
            assert said in done.out

    def test_real_video(self, vidbench, video):
        """The same job runs on a real video, and says so."""
        done = vidbench("profile", "x3d-xs", "--clip", str(video), "--only", "macs,latency", *QUICK)
        assert done.code == 0
        assert f"clip: {video}" in done.out
        assert "0.61" in done.out

    def test_every_combination_is_a_case(self, vidbench):
        """Lists of frames, sizes, batches and precisions multiply."""
        done = vidbench(
            "profile", "x3d-s", "--frames", "4,8", "--size", "64,96", "--batch", "1,2", "--dtype", "fp32,bf16",
            "--device", "meta", "--csv", "-",
        )  # fmt: skip
        rows = list(csv.DictReader(io.StringIO(done.out)))
        settings = {(row["frames"], row["size"], row["batch"], row["dtype"]) for row in rows}
        assert len(rows) == len(settings) == 16

    def test_per_clip_figures_do_not_depend_on_the_batch(self, vidbench):
        """MACs, parameters and activations are per clip; weights in half precision take half the bytes."""
        done = vidbench("profile", "x3d-s", "--batch", "1,8", "--dtype", "fp32,fp16", "--device", "meta", "--json", "-")
        records = [json.loads(line) for line in done.out.splitlines() if '"case"' in line]
        figures = [{m["metric"]: m["value"] for m in record["measurements"]} for record in records]
        assert {(f["macs"], f["params"]) for f in figures} == {(1962892112, 3794322)}
        assert len({f["activations"] for f in figures}) == 1
        # BatchNorm's counters of batches are whole numbers, which no precision shrinks.
        counters = 84 * 8
        assert figures[0]["weight_memory"] - counters == 2 * (figures[2]["weight_memory"] - counters)

    def test_growth_line(self, vidbench):
        """Several clip lengths close with the factor of each cost per doubling."""
        done = vidbench("profile", "vov3d-m", "--frames", "8,16,32,64", "--device", "meta")
        assert done.out.splitlines()[-1] == "vov3d-m, 8 to 64 frames: GMACs x2.00 per doubling of the clip"

    def test_patterns_and_families(self, vidbench):
        """A family stands for its default variant, a pattern for all that fit, and nothing is measured twice."""
        done = vidbench("profile", "x3d", "x3d-m", "vov3d*", "--device", "meta", "--only", "params", "--csv", "-")
        names = [row["model"] for row in csv.DictReader(io.StringIO(done.out))]
        assert names == ["x3d-m", "vov3d-m", "vov3d-l"]

    def test_setting_of_the_paper_is_pointed_to(self, vidbench):
        """Where nothing is published at this setting, the note says where something is."""
        done = vidbench("profile", "slowfast", "--device", "meta")
        assert "published is 65.7 GMACs at another setting; --frames 32 --size 256 puts ours beside it" in done.out

    def test_precisions(self, vidbench):
        """What the CPU can run besides fp32 is measured in that precision."""
        done = vidbench(
            "profile", "x3d-xs", "--size", "32", "--dtype", "bf16,amp", "--only", "latency,peak_memory", "--json", "-",
            *QUICK,
        )  # fmt: skip
        records = [json.loads(line) for line in done.out.splitlines() if '"case"' in line]
        assert done.code == 0
        assert [record["case"]["dtype"] for record in records] == ["bf16", "amp"]
        held = [record["measurements"][1]["details"]["weights_and_input"] for record in records]
        assert held[0] < 0.55 * held[1]

    def test_threads(self, vidbench):
        """The thread count asked for is the one measured under and named."""
        done = vidbench("profile", "x3d-xs", "--size", "32", "--threads", "1", "--only", "latency", *QUICK)
        assert "1 CPU thread " in done.out


def test_repeats(vidbench, tmp_path):
    """Runs in processes of their own: a row with their spread, a note that names them, and a record a run."""
    lines = tmp_path / "runs.jsonl"
    done = vidbench(
        "profile", "x3d-xs", "--size", "32", "--frames", "4,5", "--repeats", "2", "--only", "latency",
        "--json", str(lines),
    )  # fmt: skip
    assert done.code == 0
    head, _, _, *rows = done.out.splitlines()[:5]
    assert "±" in head
    assert [row.split()[1] for row in rows] == ["4", "5"]
    assert "2 runs of each case, each in a process of its own" in done.out
    assert "the median of 2 runs in processes of their own" in done.out
    cases = [json.loads(line)["case"] for line in lines.read_text().splitlines() if '"case"' in line]
    assert [(case["repeat"], case["frames"]) for case in cases] == [(0, 4), (0, 5), (1, 4), (1, 5)]


class TestFiles:
    def test_csv_and_json(self, vidbench, tmp_path):
        """Both files hold every case; JSON Lines add up over runs, with an environment once, and CSV starts anew."""
        lines, table = tmp_path / "results.jsonl", tmp_path / "results.csv"
        for _ in range(2):
            done = vidbench("profile", "x3d-xs", "x3d-s", "--device", "meta", "--json", str(lines), "--csv", str(table))
            assert done.code == 0
            assert "x3d-xs" in done.out
        kinds = ["environment" if "key" in json.loads(line) else "record" for line in lines.read_text().splitlines()]
        assert kinds == ["environment", "record", "record", "record", "record"]
        rows = list(csv.DictReader(table.read_text().splitlines()))
        assert [row["macs"] for row in rows] == ["605256512", "1962892112"]
        assert all("multiply-accumulate" in row["macs_convention"] for row in rows)

    def test_stdout_has_nothing_else(self, vidbench):
        """With --json - stdout is JSON Lines and nothing more."""
        done = vidbench("profile", "x3d-xs", "--device", "meta", "--json", "-")
        assert all(isinstance(json.loads(line), dict) for line in done.out.splitlines())
        assert len(done.out.splitlines()) == 2

    def test_samples_are_kept(self, vidbench):
        """A timed figure keeps at least ten samples, is their median, and says how it was taken."""
        done = vidbench("profile", "x3d-xs", "--size", "32", "--only", "latency,throughput", *QUICK, "--json", "-")
        record = json.loads(done.out.splitlines()[-1])
        latency, throughput = record["measurements"]
        assert len(latency["samples"]) >= 10
        assert sum(latency["samples"]) * latency["details"]["count"] / len(latency["samples"]) >= 0.9
        assert min(latency["samples"]) <= latency["value"] <= latency["details"]["p90"]
        assert len(throughput["samples"]) >= 5
        assert "synchronised" in latency["method"]
        for timed in (latency, throughput):
            low, high = timed["details"]["interval"]
            assert low <= timed["value"] <= high
            assert len(timed["details"]["warm_up"]) >= 2
            settled = timed["details"]["settled"]
            assert settled == (timed["details"]["precision"] <= 0.9)
            assert any("not settled" in caveat for caveat in timed.get("caveats", ())) != settled
        assert record["environment"] == json.loads(done.out.splitlines()[0])["key"]

    @pytest.mark.parametrize("option", ["--csv", "--json"])
    @pytest.mark.parametrize("place", ["nowhere/file", "."])
    def test_unwritable_file_is_found_out_before_measuring(self, vidbench, tmp_path, monkeypatch, option, place):
        """A folder that does not exist, or a folder for a file, is refused before anything is measured."""
        monkeypatch.setattr("vidbench.run.run_cases", None)
        done = vidbench("profile", "x3d-xs", option, str(tmp_path / place))
        assert done.code == 2
        assert f"{option} {tmp_path / place} cannot be written" in done.err

    def test_refusal_leaves_files_alone(self, vidbench, tmp_path):
        """Bad input neither empties a file that is there nor leaves an empty one behind."""
        kept, new = tmp_path / "kept.csv", tmp_path / "new.jsonl"
        kept.write_text("precious\n")
        done = vidbench(
            "profile", "x3d-xs", "--csv", str(kept), "--json", str(new), "--dtype", "tf32", "--device", "cpu"
        )
        assert done.code == 2
        assert kept.read_text() == "precious\n"
        assert not new.exists()

    def test_json_is_not_added_to_a_foreign_file(self, vidbench, tmp_path):
        """A file that vidbench did not write is not added to."""
        foreign = tmp_path / "notes.txt"
        foreign.write_text("not ours\n")
        done = vidbench("profile", "x3d-xs", "--device", "meta", "--json", str(foreign))
        assert done.code == 2
        assert "no result file" in done.err
        assert foreign.read_text() == "not ours\n"


REFUSALS = {
    "unknown model": (["vov3d-xl"], "did you mean vov3d-l"),
    "nothing fits": (["zzz*"], "`vidbench list` shows all"),
    "unknown metric": (["x3d-m", "--only", "speed"], "there are params, macs"),
    "timed metric on meta": (["x3d-m", "--only", "latency", "--device", "meta"], "--device cpu or cuda"),
    "frames no multiple of alpha": (["slowfast", "--frames", "10"], "it takes 8 or 12 (multiples of 4)"),
    "too few frames for alpha": (["slowfast", "--frames", "2"], "it takes 4, 8, 12, ..."),
    "too few frames for the pool": (["i3d", "--frames", "1"], "it takes 2, 3, 4, ..."),
    "size zero": (["x3d-m", "--size", "0"], "--size takes numbers of 1 or more"),
    "size negative": (["x3d-m", "--size", "-224"], "--size takes numbers of 1 or more"),
    "size below the stride": (["x3d-m", "--size", "31"], "its total stride is 32"),
    "hole in a list": (["x3d-m", "--frames", "8,,16"], "such as 8,16,32"),
    "no number": (["x3d-m", "--frames", "a"], "such as 8,16,32"),
    "batch zero": (["x3d-m", "--batch", "0"], "--batch takes numbers of 1 or more"),
    "no classes": (["x3d-m", "--classes", "0"], "classes cannot be 0"),
    "no threads": (["x3d-m", "--threads", "0"], "threads cannot be 0"),
    "unknown device": (["x3d-m", "--device", "tpu"], "there are auto, cpu, cuda"),
    "unknown dtype": (["x3d-m", "--dtype", "fp64"], "there are fp32, tf32"),
    "tf32 on the CPU": (["x3d-m", "--device", "cpu", "--dtype", "tf32"], "NVIDIA GPUs"),
    "missing clip": (["x3d-m", "--clip", "/nowhere.mp4"], "no video file at /nowhere.mp4"),
    "clip that is no video": (["x3d-m", "--clip", __file__], "cannot be read as a video"),
    "two files for stdout": (["x3d-m", "--csv", "-", "--json", "-"], "cannot both have stdout"),
    "no repeats": (["x3d-m", "--repeats", "0"], "give 1 or more with --repeats"),
    "repeats of what is counted": (["x3d-m", "--repeats", "2", "--device", "meta"], "leave out --repeats"),
    "repeats in one process": (["x3d-m", "--repeats", "2", "--device", "cpu", "--in-process"], "of their own"),
    "precision of nothing": (["x3d-m", "--precision", "0"], "--precision takes a share such as 1% or 0.01"),
    "precision of all": (["x3d-m", "--precision", "100%"], "above 0 and below 1"),
    "precision in words": (["x3d-m", "--precision", "high"], "not 'high'"),
    "unknown option": (["x3d-m", "--frame", "8"], "--frames"),
}


class TestRefusals:
    @pytest.mark.parametrize(("arguments", "fix"), REFUSALS.values(), ids=REFUSALS)
    def test_message_names_the_fix(self, vidbench, arguments, fix):
        """Bad input ends with exit code 2 and one message on stderr that names the fix, without a traceback."""
        done = vidbench("profile", *arguments)
        assert done.code == 2
        assert fix in done.err
        assert done.out == ""
        assert "Traceback" not in done.err

    def test_empty_clip(self, vidbench, tmp_path):
        """An empty file is no video."""
        empty = tmp_path / "empty.mp4"
        empty.touch()
        done = vidbench("profile", "x3d-m", "--clip", str(empty))
        assert done.code == 2
        assert "cannot be read as a video" in done.err

    def test_short_clip(self, vidbench, video):
        """A clip shorter than the frames asked for says how many it has; it repeats only when told to."""
        asked = [
            "profile",
            "x3d-xs",
            "--size",
            "32",
            "--frames",
            "200",
            "--only",
            "macs,peak_memory",
            "--clip",
            str(video),
        ]
        done = vidbench(*asked)
        assert done.code == 2
        assert "has 132 frames" in done.err
        assert "--loop-clip" in done.err
        assert vidbench(*asked, "--loop-clip").code == 0

    def test_missing_cuda(self, vidbench):
        """A GPU that is not there is named, with what to use instead."""
        import torch

        if torch.cuda.is_available():
            done = vidbench("profile", "x3d-m", "--device", "cuda:99")
        else:
            done = vidbench("profile", "x3d-m", "--device", "cuda")
        assert done.code == 2
        assert "cuda" in done.err.lower()

    def test_debug_shows_the_traceback(self, vidbench):
        """--debug, wherever it stands, shows the traceback; the message and the exit code are as without it."""
        without, with_it = vidbench("profile", "vov3d-xl"), vidbench("profile", "vov3d-xl", "--debug")
        assert with_it.code == without.code == 2
        assert with_it.err.startswith("Traceback (most recent call last):")
        assert with_it.err.endswith(without.err)

    def test_bug_of_ours(self, vidbench, monkeypatch):
        """An error nobody foresaw ends with 70 and says that it is a bug."""

        def fail(_pattern: str) -> None:
            raise ZeroDivisionError("whatever")

        monkeypatch.setattr("vidbench.catalog.find_variants", fail)
        done = vidbench("profile", "x3d-m")
        assert done.code == 70
        assert "bug in vidbench (ZeroDivisionError: whatever)" in done.err


class TestPatterns:
    """Nets that a pattern stands for go without the clips that they cannot take; named ones are refused."""

    def count(self, vidbench, *arguments):
        done = vidbench("profile", *arguments, "--device", "meta", "--only", "params", "--csv", "-")
        rows = csv.DictReader(io.StringIO(done.out))
        return done, [(row["model"], int(row["frames"]), int(row["size"])) for row in rows]

    def test_left_out(self, vidbench):
        """What can be counted is, and one warning lists the rest with its reasons."""
        done, rows = self.count(vidbench, "bqn-*", "x3d-x[s]", "--frames", "6,8", "--size", "64,256")
        assert done.code == 0
        assert set(rows) == {
            ("bqn-tsm-r50", 6, 64),
            ("bqn-tsm-r50", 6, 256),
            ("bqn-x3d-m", 6, 256),
            *(("x3d-xs", frames, size) for frames in (6, 8) for size in (64, 256)),
        }
        head, *lines = done.err.splitlines()
        assert head == "vidbench: left out, of the nets that a pattern stands for:"
        assert [line.partition(":")[0].strip() for line in lines if "cannot" in line] == [
            "bqn-tsm-r50 cannot take 8 frames",
            "bqn-x3d-m cannot take 8 frames",
            "bqn-x3d-m cannot take frames of 64 x 64",
        ]
        assert "its segments are 3 frames each" in lines[0]
        assert lines[2].endswith("it takes sizes of 256, 512, 768, ...")

    def test_named(self, vidbench):
        """A net that is also named by its own name, or by its family's, is refused as ever."""
        for name in ("bqn-tsm-r50", "bqn"):
            done, rows = self.count(vidbench, "bqn-*", name, "--frames", "6,8")
            assert (done.code, rows) == (2, [])
            assert "bqn-tsm-r50 cannot take 8 frames" in done.err
            assert "left out" not in done.err

    def test_nothing_left(self, vidbench):
        """Where no net takes a clip, that is an error with all reasons."""
        done, rows = self.count(vidbench, "bqn-*", "--frames", "8,16")
        assert (done.code, rows) == (2, [])
        assert "no net takes these clips; give other --frames or --size:" in done.err
        assert done.err.count("its segments are 3 frames each") == 4


class TestFailures:
    def test_out_of_memory_is_a_row(self, vidbench):
        """A case too large for the machine is a row that says so; what was counted stays, the rest goes on."""
        done = vidbench("profile", "x3d-xs", "--size", "32", "--batch", "20000000,1", "--only", "macs,latency", *QUICK)
        first, second = [line for line in done.out.splitlines() if line.startswith("x3d-xs ")]
        assert done.code == 3
        assert "out of memory" in first
        assert cells(first)[4] == cells(second)[4]
        assert "out of memory" not in second
        assert "not measured: x3d-xs 4x32 batch 20000000 fp32: out of memory" in done.out

    def test_failure_is_told_where_no_table_is(self, vidbench):
        """With the records on stdout, stderr has the failure, and the record, too."""
        done = vidbench("profile", "x3d-xs", "--size", "32", "--batch", "20000000", "--only", "latency", "--json", "-")
        assert done.code == 3
        assert "not measured" in done.err
        assert json.loads(done.out.splitlines()[-1])["failure"]["kind"] == "oom"

    def test_interrupt_keeps_what_was_measured(self, tmp_path):
        """Ctrl-C in the middle prints and keeps the rows already measured and ends with 130."""
        table = tmp_path / "rows.csv"
        arguments = ["x3d-xs", "--size", "32,64,96,128,160,192,224", "--only", "macs,latency", "--csv", str(table)]
        command = [COMMAND, "profile", *arguments]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            for line in process.stderr:
                if line.startswith("[3/7]"):
                    process.send_signal(signal.SIGINT)
                    break
            out, err = process.communicate(timeout=120)
        assert process.returncode == 130
        assert "interrupted after 2 of 7 cases" in err
        assert sum(line.startswith("x3d-xs ") for line in out.splitlines()) == 2
        assert len(table.read_text().splitlines()) == 1 + 2

    def test_reader_that_leaves(self):
        """A reader that has had enough (`| head`) ends the command quietly."""
        with subprocess.Popen([COMMAND, "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            assert process.stderr.read() == b""
        assert process.returncode == -signal.SIGPIPE


def takes(name: str, frames: int) -> bool:
    try:
        variants()[name].check_frames(frames)
    except InputError:
        return False
    return True


@pytest.mark.parametrize(
    ("models", "frames"), [("*", None), ("*-r50*", 64), ("x3d-*", 64)], ids=["own clips", "r50 at 64", "x3d at 64"]
)
def test_static_figures_of_everything(vidbench, models, frames):
    """All variants count in one call at their own clips; of some, all that take 64 frames at these."""
    asked = [(name, frames or net.frames) for name, net in variants().items() if fnmatch(name, models)]
    taken = [(name, frames) for name, frames in asked if takes(name, frames)]
    options = ("--frames", str(frames)) if frames else ()
    done = vidbench("profile", models, *options, "--device", "meta", "--csv", "-")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert done.code == 0
    assert [(row["model"], int(row["frames"])) for row in rows] == taken
    told = [line.split()[0] for line in done.err.splitlines() if " cannot take " in line]
    assert told == [name for name, frames in asked if (name, frames) not in taken]
    assert frames or {name for name, _ in taken} == set(variants())
    for row in rows:
        if variants()[row["model"]].adaptive:
            assert row["macs"] == ""
            assert 0 < int(row["macs_fewest"]) < int(row["macs_most"])
            assert "depends on the clip" in row["caveats"]
        else:
            assert int(row["macs"]) > 0
            assert not row["caveats"]
