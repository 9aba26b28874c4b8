"""Suite files: what they stand for, and all that is wrong with one at once, by its lines."""

import re
from pathlib import Path

import pytest

from vidbench.errors import InputError
from vidbench.records import Footage
from vidbench.suites.files import find_suite, read_suite, shipped_suites


@pytest.fixture
def write(tmp_path):
    """Write a suite and give its path."""

    def run(text: str) -> str:
        path = tmp_path / "mine.toml"
        path.write_text(text)
        return str(path)

    return run


def settings(suite):
    return [(case.model, case.frames, case.size) for case, _ in suite.cases]


class TestCases:
    def test_grid(self, write):
        """Single values and lists; every combination; what is left out is the net's own."""
        suite = read_suite(
            write(
                '[[cases]]\nmodels = ["vov3d", "x3d-s"]\nframes = [8, 16]\n[[cases]]\nmodels = "x3d-xs"\ndtype = "bf16"'
            )
        )
        assert settings(suite) == [
            ("vov3d-l", 8, 224), ("vov3d-l", 16, 224), ("x3d-s", 8, 160), ("x3d-s", 16, 160), ("x3d-xs", 4, 160),
        ]  # fmt: skip
        assert [case.dtype for case, _ in suite.cases] == ["fp32"] * 4 + ["bf16"]
        assert (suite.name, suite.metrics, suite.precision, suite.timeout) == ("mine", None, 0.01, 600.0)

    def test_repeats_in_rounds(self, write):
        """Repeats come in rounds over all cases."""
        suite = read_suite(write('repeats = 2\n[[cases]]\nmodels = "x3d-xs"\nframes = [4, 8]'))
        assert [(case.repeat, case.frames) for case, _ in suite.cases] == [(0, 4), (0, 8), (1, 4), (1, 8)]

    def test_exclusions(self, write):
        """What an exclusion names with all of its keys is left out, also where a net could not take it."""
        suite = read_suite(
            write(
                '[[cases]]\nmodels = ["slowfast-8x8-*", "x3d-m"]\nframes = [6, 8]\nbatch = [1, 2]\n'
                'exclude = [{ model = "slowfast-*", frames = 6 }, { model = "x3d-m", batch = 2, frames = 8 }]'
            )
        )
        assert {case.frames for case, _ in suite.cases if case.model.startswith("slowfast")} == {8}
        assert [(c.frames, c.batch) for c, _ in suite.cases if c.model == "x3d-m"] == [(6, 1), (8, 1), (6, 2)]

    def test_left_out(self, write):
        """What a pattern stands for goes without what it cannot take, and the suite says why, but for exclusions."""
        suite = read_suite(
            write(
                '[[cases]]\nmodels = ["slowfast-8x8-r50*", "x3d-m"]\nframes = [6, 8]\n'
                'exclude = [{ model = "*-fk5", frames = 6 }]'
            )
        )
        assert {case.frames for case, _ in suite.cases if case.model.startswith("slowfast")} == {8}
        assert [case.frames for case, _ in suite.cases if case.model == "x3d-m"] == [6, 8]
        told = [reason.partition(" cannot take 6 frames")[0] for reason in suite.left_out]
        assert "slowfast-8x8-r50" in told
        assert "slowfast-8x8-r50-fk5" not in told

    def test_published(self, write):
        """Each net at the clips and classes that its published rows are of, each once."""
        suite = read_suite(write('[[cases]]\nmodels = "vov3d-m"\npublished = true'))
        assert [(case.frames, case.size, case.classes) for case, _ in suite.cases] == [
            (16, 256, 174), (32, 256, 174), (16, 256, 400),
        ]  # fmt: skip

    def test_own_nets_and_clips(self, write, video):
        """Nets of one's own stand beside those of the catalog; a group's clip is its own."""
        suite = read_suite(
            write(f'[[cases]]\nmodels = "mine.nets:make"\nframes = 8\nclip = "{video}"\n[[cases]]\nmodels = "x3d-xs"')
        )
        assert [footage for _, footage in suite.cases] == [Footage(sources=(str(video),)), Footage()]
        assert suite.cases[0][0].weights == "given"


def test_example_of_the_docs(write):
    """The suite in docs/suites.md is one, and says what its comments say."""
    page = (Path(__file__).parents[2] / "docs" / "suites.md").read_text()
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.S)
    suite = read_suite(write(example))
    assert len([case for case, _ in suite.cases if case.repeat == 0]) == 8 + 2 * 6 + 8 + 2 * 3
    assert (suite.precision, suite.timeout) == (0.02, 900.0)
    assert (suite.slurm.partition, suite.slurm.gres, suite.slurm.time) == ("gpu", "gpu:1", 120)
    own = next(case for case, _ in suite.cases if case.model == "mynets:make")
    assert {**suite.limits, **suite.exceptions_of(own)} == {"macs": 0, "latency": 0.03, "peak_memory": 0.02}


class TestLimits:
    def test_per_case(self, write):
        """Those of a case are the suite's, with those over them that name it."""
        suite = read_suite(
            write(
                '[[cases]]\nmodels = ["x3d-xs", "vov3d-m"]\n[limits]\nlatency = "5%"\nmacs = 0\n'
                '[[limit]]\nmodel = "x3d-*"\nlimits = { latency = 0.1, peak_memory = "2.5%" }'
            )
        )
        x3d, vov3d = (case for case, _ in suite.cases)
        assert {**suite.limits, **suite.exceptions_of(x3d)} == {"latency": 0.1, "macs": 0, "peak_memory": 0.025}
        assert {**suite.limits, **suite.exceptions_of(vov3d)} == {"latency": 0.05, "macs": 0}


FAULTS = {
    "no TOML": ("[[cases]\n", "cannot be read as a suite", "line 1"),
    "no cases": ('description = "x"\n', "line 1, cases: is missing"),
    "no models": ("[[cases]]\nframes = 8\n", "line 1, cases[0].models: is missing"),
    "unknown key": (
        '[[cases]]\nmodels = "x3d"\nframe = 8\n', "line 3, cases[0].frame: unknown key; did you mean frames?",
    ),
    "unknown model": (
        '[[cases]]\nmodels = ["x3d",\n  "vov3d-xl"]\n', "line 2, cases[0].models[1]", "did you mean vov3d-l",
    ),
    "nothing fits": ('[[cases]]\nmodels = "zzz*"\n', "line 2, cases[0].models[0]: no model fits 'zzz*'"),
    "no number": (
        '[[cases]]\nmodels = "x3d"\nframes = "many"\n', "line 3, cases[0].frames[0]: is 'many'; give a valid int",
    ),
    "zero": ('[[cases]]\nmodels = "x3d"\nbatch = [1, 0]\n', "line 3, cases[0].batch[1]: is 0; give a number greater"),
    "frames that a net cannot take": (
        '[[cases]]\nmodels = "slowfast"\nframes = [8, 10]\n',
        "line 3, cases[0].frames[1]", "multiples of 4", "exclude = [{ model = 'slowfast-8x8-r50', frames = 10 }]",
    ),
    "nothing that a pattern stands for": (
        '[[cases]]\nmodels = "slowfast-8*"\nframes = 6\n', "no net takes its clips; give other frames or size",
        "slowfast-8x8-r50 cannot take 6 frames",
    ),
    "unknown dtype": (
        '[[cases]]\nmodels = "x3d"\ndtype = "fp64"\n', "line 3, cases[0].dtype: 'fp64' is none; there are fp32",
    ),
    "unknown mode": (
        '[[cases]]\nmodels = "x3d"\nmode = ["fast"]\n', "line 3, cases[0].mode: 'fast' is none; there are eager",
    ),
    "unknown metric": ('metrics = ["speed"]\n[[cases]]\nmodels = "x3d"\n', "line 1, metrics: 'speed' is no metric"),
    "limit of nothing": ('[[cases]]\nmodels = "x3d"\n[limits]\nlatencies = 0.1\n', "did you mean latency?"),
    "limit too large": ('[[cases]]\nmodels = "x3d"\n[limits]\nlatency = "200%"\n', "line 4, limits.latency: is "),
    "nothing left": ('[[cases]]\nmodels = "x3d"\nexclude = [{ model = "x3d-*" }]\n', "leave no case"),
    "two settings": ('[[cases]]\nmodels = "x3d"\npublished = true\nframes = 8\n', "line 3, cases[0].published"),
}  # fmt: skip


class TestFaults:
    @pytest.mark.parametrize(("text", "said"), [(text, said) for text, *said in FAULTS.values()], ids=FAULTS)
    def test_place_and_fix(self, write, text, said):
        """Each fault is told with its line, its place and what to do."""
        with pytest.raises(InputError) as refused:
            read_suite(write(text))
        for part in said:
            assert part in str(refused.value)

    def test_all_at_once(self, write):
        """Faults of all tables come in one message, a line each."""
        path = write(
            'metrics = ["macs"]\n[[cases]]\nmodels = "x3d"\nframes = 0\n[[cases]]\nmodels = []\nsizes = 3\n'
            "[limits]\nspeed = 0.1\n"
        )
        with pytest.raises(InputError) as refused:
            read_suite(path)
        head, *faults = str(refused.value).splitlines()
        assert head == f"{path} has 4 faults:"
        assert [re.match(r"  line (\d+), ([\w\[\].]+): ", fault).groups() for fault in faults] == [
            ("4", "cases[0].frames[0]"), ("6", "cases[1].models"), ("7", "cases[1].sizes"), ("8", "limits"),
        ]  # fmt: skip


class TestShipped:
    @pytest.mark.parametrize("name", ["all", "clip-length", "modes", "paper-tables", "smoke", "training"])
    def test_read(self, name):
        """Each can be read, says what it is for, and names each case once."""
        suite = read_suite(name)
        assert suite.description.endswith((".", "."))
        assert len(suite.cases) == len(set(suite.cases)) > 6
        assert suite.name == name

    def test_what_they_hold(self):
        """The seven families at 8 to 64 frames; every net; nothing besides is shipped."""
        assert set(shipped_suites()) == {"all", "clip-length", "modes", "paper-tables", "smoke", "training"}
        lengths = settings(read_suite("clip-length"))
        assert len({model for model, *_ in lengths}) == 7
        assert len(lengths) == 28
        assert {frames for _, frames, _ in lengths} == {8, 16, 32, 64}

    def test_names(self, write):
        """A file wins over a name; a name that is none is answered with the nearest."""
        path = write("")
        assert find_suite(path) == Path(path)
        with pytest.raises(InputError, match="did you mean smoke"):
            find_suite("smok")
        with pytest.raises(InputError, match="there is no suite file nothing"):
            find_suite("nothing.toml")
