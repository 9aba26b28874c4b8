"""`vidbench gate` and `vidbench baseline` from the command line, with nets that are measured for it."""

import json
from xml.etree import ElementTree as ET

import pytest
from examples import environment, save
from runs import around, results, timed

from vidbench.gates.baselines import write_baseline
from vidbench.run import again, noise
from vidbench.run.again import Again
from vidbench.run.noise import measure_noise
from vidbench.store import Writer, read_results

NETS = """
import itertools, os
import torch
from torch import nn

CALLS = itertools.count()

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(3, 10)

    def forward(self, clip):
        pixels = int(os.environ["PIXELS"])
        if clip.device.type != "meta":
            if pixels == 0:
                raise RuntimeError("this net is broken")
            torch.ones(pixels).sum()
        return self.head(clip.mean(dim=(2, 3, 4)))
"""


@pytest.fixture
def measure(vidbench, folder, monkeypatch):
    """Measures the peak memory of a net that needs so many pixels, once for each number, into a file."""
    (folder / "gated.py").write_text(NETS)

    def run(file, *pixels):
        for number in pixels:
            monkeypatch.setenv("PIXELS", str(number))
            vidbench(
                "profile", "gated:Net", "--frames", "4", "--size", "32", "--device", "cpu",
                "--only", "macs,peak_memory", "--json", file,
            )  # fmt: skip

    return run


@pytest.fixture
def baseline(folder):
    """A baseline of made-up runs, and a file of runs to hold against it."""
    write_baseline(results(*timed(around(0.02))), folder / "baseline.jsonl", [])

    def write(*records):
        found = results(*records)
        with (folder / "now.jsonl").open("w") as file:
            writer = Writer(file)
            for record in found.records:
                writer.append(record, found.environments["k1"])

    write(*timed(around(0.025)))
    return write


def test_every_exit_code(vidbench, measure):
    """Measured for real: the same net 0, one that needs more 1, a broken one 3, an erratic one 4, no baseline 5."""
    measure("main.jsonl", *[100_000] * 5)
    assert vidbench("gate", "main.jsonl", "--baseline", "baseline.jsonl").code == 5
    done = vidbench("baseline", "update", "main.jsonl")
    assert (done.code, done.out) == (0, "baseline.jsonl: 1 cases written\n")
    assert "some case has 5 runs" in done.err
    measure("same.jsonl", *[100_000] * 5)
    measure("more.jsonl", *[200_000] * 5)
    measure("broken.jsonl", 0)
    measure("erratic.jsonl", *[100_000, 300_000, 80_000, 250_000, 120_000])
    done = [vidbench("gate", f"{name}.jsonl", "--baseline", "baseline.jsonl") for name in ("same", "more", "broken")]
    assert [one.code for one in done] == [0, 1, 3]
    assert done[0].out.endswith("gate: pass\n")
    assert "regression" in done[1].out
    assert "this net is broken" in done[2].out
    assert vidbench("gate", "erratic.jsonl", "--baseline", "baseline.jsonl").code == 4


def test_measuring_again(vidbench, baseline, monkeypatch):
    """What too few runs cannot tell is told by measuring again what is limited and was measured."""
    asked = []

    class Told(Again):
        def __call__(self, cases, rounds):
            asked.append((self._plan.metrics, self._next, len(cases), rounds))
            return iter([(record, environment()) for record in timed(around(0.02, rounds))])

    monkeypatch.setattr(again, "Again", Told)
    baseline(*timed([0.02]))
    assert vidbench("gate", "now.jsonl", "--baseline", "baseline.jsonl").code == 4
    done = vidbench("gate", "now.jsonl", "--baseline", "baseline.jsonl", "--remeasure")
    assert (done.code, asked) == (0, [(("latency",), 1, 1, 5)])
    assert "10 / 6" in done.out
    assert "measuring 1 cases again, 5 times each" in done.err


SUITE = """
metrics = ["macs", "peak_memory"]
repeats = 3
[[cases]]
models = "gated:Net"
frames = 4
size = 32
device = "cpu"
[limits]
macs = 0
[[limit]]
model = "gated:*"
limits = { peak_memory = "%s" }
"""


def test_suite(vidbench, measure, folder):
    """A suite is measured here, held to its own limits, and measured again where it cannot be told, into one file."""
    measure("main.jsonl", *[100_000] * 5)
    vidbench("baseline", "update", "main.jsonl")
    (folder / "mine.toml").write_text(SUITE % "50%")
    done = vidbench("gate", "mine.toml", "--baseline", "baseline.jsonl", "--json", "out.json")
    assert done.code == 0
    assert "measuring 1 cases again, 5 times each" in done.err
    found = {check["metric"]: check for check in json.loads((folder / "out.json").read_text())["checks"]}
    assert found["peak_memory"]["limit"] == 0.5
    assert found["peak_memory"]["runs"] == [5, 8]
    (file,) = (folder / "results").rglob("mine-*.jsonl")
    repeats = [record.case.repeat for record in read_results(file).records]
    assert sorted(repeats) == list(range(8))


ONE_LIMIT = """
metrics = ["first_call"]
[[cases]]
models = "gated:Net"
frames = [4, 8]
size = 32
device = "cpu"
[[limit]]
frames = 8
limits = { first_call = "50%" }
"""


def test_only_what_some_cases_are_limited_in(vidbench, folder, monkeypatch):
    """`--only` takes a metric that the suite limits for some of its cases, and judges it for these."""
    monkeypatch.setenv("PIXELS", "1000")
    (folder / "gated.py").write_text(NETS)
    (folder / "mine.toml").write_text(ONE_LIMIT)
    assert vidbench("run", "mine.toml").code == 0
    assert vidbench("baseline", "update", "results").code == 0
    judged = ("gate", "mine.toml", "--baseline", "baseline.jsonl", "--no-remeasure")
    assert vidbench(*judged, "--only", "first_call", "--json", "out.json").code == 4  # one run can tell nothing
    checks = json.loads((folder / "out.json").read_text())["checks"]
    assert [(check["case"]["frames"], check["metric"], check["limit"]) for check in checks] == [(8, "first_call", 0.5)]
    done = vidbench(*judged, "--only", "throughput")
    assert (done.code, "it has no limit" in done.err) == (2, True)


def test_suite_with_faults(vidbench, baseline, folder):
    """A suite with faults, and one that is not there, are refused before anything is measured."""
    (folder / "mine.toml").write_text(SUITE % "fast")
    for name, message in (("mine.toml", "mine.toml"), ("none.toml", "no suite file"), ("smok", "did you mean smoke")):
        done = vidbench("gate", name, "--baseline", "baseline.jsonl")
        assert (done.code, done.out) == (2, "")
        assert message in done.err


def test_suite_without_a_baseline(vidbench, folder):
    """Where there is no baseline nothing is measured either."""
    assert vidbench("gate", "smoke", "--baseline", "baseline.jsonl").code == 5
    assert not (folder / "results").exists()


def test_outputs(vidbench, baseline, folder, monkeypatch):
    """A table, a JUnit file, JSON, and within GitHub Actions annotations and the summary, which is added to."""
    summary = folder / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    done = vidbench("gate", "now.jsonl", "--baseline", "baseline.jsonl", "--junit", "g.xml", "--json", "g.json")
    assert done.code == 1
    (row,) = [line for line in done.out.splitlines() if line.startswith("x3d-m")]
    assert "+25.0%" in row
    assert "regression" in row
    assert "1 counted figures are within their limits" in done.out
    assert "baseline: written" in done.out
    assert "::error title=vidbench%3A regression::x3d-m 16x224 cuda:0 latency: regression" in done.out
    assert summary.read_text().startswith("before\n## ❌ vidbench gate: regression")
    assert ET.parse(folder / "g.xml").getroot().get("failures") == "1"  # noqa: S314
    assert json.loads((folder / "g.json").read_text())["exit_code"] == 1


def test_summary_that_cannot_be_written(vidbench, baseline, folder, monkeypatch):
    """Where GitHub's summary cannot be written the verdict stands all the same."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder))
    done = vidbench("gate", "now.jsonl", "--baseline", "baseline.jsonl")
    assert (done.code, "cannot be written" in done.err) == (1, True)


def test_stdout_is_for_one(vidbench, baseline, monkeypatch):
    """With --json - nothing else goes to stdout."""
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    done = vidbench("gate", "now.jsonl", "--baseline", "baseline.jsonl", "--json", "-", "--github")
    assert json.loads(done.out)["verdict"] == "regression"
    assert done.err.startswith("::error")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--limit", "latency=30%"], 0),
        (["--limit", "latency=none"], 0),
        (["--limit", "x3d-*:latency=0.3"], 0),
        (["--limit", "tsn-*:latency=0.3"], 1),
        (["--limit", "x3d-*:latency=none", "--limit", "latency=1%"], 0),
        (["--only", "macs"], 0),
        (["--only", "latency"], 1),
        (["--noise", "30%"], 4),
    ],
)
def test_limits(vidbench, baseline, options, code):
    """Limits for all cases or some, of some metrics, and a machine that is known to be noisy."""
    assert vidbench("gate", "now.jsonl", "--baseline", "baseline.jsonl", *options).code == code


TINY = """
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv3d(3, 2, 3)

    def forward(self, clip):
        return self.conv(clip[:, :, :4, ::8, ::8]).mean((2, 3, 4))
"""


def test_noise_of_env(vidbench, baseline, folder):
    """The noise that `vidbench env` measured widens a limit, and a note says by which file and how much it was."""
    (folder / "tiny.py").write_text(TINY)
    told = ("env", "--runs", "2", "--model", "tiny:Net", "--precision", "50%", "--device", "cpu", "--json", "env.json")
    assert vidbench(*told).code == 0
    env = json.loads((folder / "env.json").read_text())
    judged = ("gate", "now.jsonl", "--baseline", "baseline.jsonl", "--noise", "env.json", "--json", "out.json")
    for difference in (env["noise"]["difference"], 0.3):
        env["noise"]["difference"] = difference
        (folder / "env.json").write_text(json.dumps(env))
        code = vidbench(*judged).code
        out = json.loads((folder / "out.json").read_text())
        assert out["checks"][-1]["widened"] == pytest.approx(max(0.015, difference))
        assert f"noise of this machine: {difference:.2%}, by env.json" in out["notes"]
    assert code == 4


def test_noise_measured_now(vidbench, folder, monkeypatch):
    """`--noise measure` measures it on the device that the results are of, as `vidbench env` does."""
    taken = []

    def measure(**options):
        taken.append(measure_noise(**options, runs=2, precision=0.5))
        return taken[-1]

    monkeypatch.setattr(noise, "measure_noise", measure)
    old, new = (timed(around(middle), device="cpu") for middle in (0.02, 0.025))
    write_baseline(results(*old), folder / "baseline.jsonl", [])
    save(folder / "now.jsonl", *new)
    vidbench("gate", "now.jsonl", "--baseline", "baseline.jsonl", "--noise", "measure", "--json", "out.json")
    (one,) = taken
    out = json.loads((folder / "out.json").read_text())
    assert out["checks"][-1]["widened"] == pytest.approx(max(0.015, one.difference))
    told = f"noise of this machine: {one.difference:.2%}, by 2 runs of x3d-xs 4x160 on cpu, measured now"
    assert told in out["notes"]


NOISES = {
    "no share": ("150%", "not above 0 and below 1"),
    "no file": ("fast", "it cannot be read as a file: No such file"),
    "other text": ("baseline.jsonl", "it is a file of something else"),
    "other JSON": ("other.json", "it is a file of something else"),
    "no number": ("text.json", "it is a file of something else"),
    "no noise": ("quiet.json", "it was written without measuring the noise; leave out --runs 0"),
}


@pytest.mark.parametrize(("text", "why"), NOISES.values(), ids=NOISES)
def test_noise_that_is_none(vidbench, baseline, folder, text, why):
    """One message that names all that is taken, and what is wrong with this."""
    (folder / "other.json").write_text("[1]")
    (folder / "text.json").write_text('{"noise": {"difference": "2%"}}')
    (folder / "quiet.json").write_text('{"noise": null}')
    done = vidbench("gate", "now.jsonl", "--baseline", "baseline.jsonl", "--noise", text)
    assert (done.code, done.out) == (2, "")
    assert "--noise takes a share such as 2%, a file that `vidbench env --json` wrote, or measure" in done.err
    assert why in done.err
    assert len(done.err.splitlines()) == 1


def test_widened_limits_are_marked(vidbench, baseline):
    """A limit that noise has widened has a mark, and a line that says so."""
    out = vidbench("gate", "now.jsonl", "--baseline", "baseline.jsonl", "--noise", "30%").out
    assert "30.0%*" in out
    assert "* widened" in out


def test_baseline_in_pieces(vidbench, baseline, folder):
    """Updating keeps what the results do not have, and says so; --fresh forgets it."""
    baseline(*timed([1.0], frames=8))
    assert "1 cases written, 1 more kept" in vidbench("baseline", "update", "now.jsonl").out
    assert vidbench("gate", "now.jsonl", "--baseline", "baseline.jsonl").code == 3
    assert vidbench("baseline", "update", "now.jsonl", "--fresh").out == "baseline.jsonl: 1 cases written\n"
    assert vidbench("baseline", "update", "now.jsonl", "-o", "other.jsonl").code == 0
    assert (folder / "other.jsonl").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["now.jsonl", "--baseline", "none.jsonl"], 5, "there is no baseline none.jsonl; `vidbench baseline update"),
        (["now.jsonl", "--baseline", "git:nothing"], 2, "no revision"),
        (["none.jsonl", "--baseline", "baseline.jsonl"], 2, "none.jsonl cannot be read"),
        (["now.jsonl", "--baseline", "baseline.jsonl", "--limit", "5%"], 2, "--limit takes a metric and a share"),
        (["now.jsonl", "--baseline", "baseline.jsonl", "--limit", "latency=fast"], 2, "takes a share such as 5%"),
        (["now.jsonl", "--baseline", "baseline.jsonl", "--limit", "speed=5%"], 2, "'speed', which is no metric"),
        (["now.jsonl", "--baseline", "baseline.jsonl", "--only", "speed"], 2, "unknown metric 'speed'"),
        (["now.jsonl", "--baseline", "baseline.jsonl", "--only", "throughput"], 2, "it has no limit"),
        (["now.jsonl", "--baseline", "baseline.jsonl", "--json", "-", "--junit", "-"], 2, "cannot both have stdout"),
        (["now.jsonl", "--baseline", "baseline.jsonl", "--most", "0"], 2, "--most cannot be 0"),
        (["now.jsonl", "--baseline", "baseline.jsonl", "--junit", "no/g.xml"], 2, "there is no folder no"),
    ],
)
def test_refusals(vidbench, baseline, arguments, code, message):
    """One line that names the fix."""
    done = vidbench("gate", *arguments)
    assert (done.code, done.out) == (code, "")
    assert message in done.err
    assert len(done.err.splitlines()) == 1
