"""What Slurm is asked for: of the suite's [launcher.slurm], of the command line, and what goes not together."""

import pytest

from vidbench.errors import InputError
from vidbench.suites.files import read_suite
from vidbench.suites.launchers import Slurm, change_slurm, parse_options

CASES = '[[cases]]\nmodels = "x3d-xs"\n\n'


@pytest.fixture
def read(tmp_path):
    """The [launcher.slurm] of a suite with this text in it, from line 4 on."""

    def run(text: str) -> Slurm:
        (tmp_path / "mine.toml").write_text(CASES + text)
        return read_suite(str(tmp_path / "mine.toml")).slurm

    return run


def test_table(read):
    """Its keys are those of the command line; what is left out is as there."""
    slurm = read('[launcher.slurm]\npartition = "gpu"\ngres = "gpu:1"\ntime = "1-2:30"\noptions = { qos = "high" }\n')
    assert (slurm.partition, slurm.gres, slurm.time, slurm.job_time) == ("gpu", "gpu:1", 26 * 60 + 30, 600)
    assert slurm.name_options() == {
        "partition": "gpu", "gres": "gpu:1", "array_parallelism": 256,
        "additional_parameters": {"requeue": True, "qos": "high"},
    }  # fmt: skip
    assert read("") == Slurm()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[launcher.slurm]\npartitions = "gpu"\n', "line 5, launcher.slurm.partitions: unknown key; did you mean part"),
        ("[launcher.sge]\n", "line 4, launcher.sge: unknown key; there are slurm"),
        ('[launcher.slurm]\ntime = "soon"\n', "line 5, launcher.slurm.time: 'soon' is no time; give minutes"),
        ("[launcher.slurm]\ntime = 0\n", "line 5, launcher.slurm.time: is 0; give a number greater than or equal"),
        ("[launcher.slurm]\ngres = 1\n", "line 5, launcher.slurm.gres: is 1; give a valid string"),
        ("[launcher.slurm]\n\noptions = { nodes = 2 }\n", "line 6, launcher.slurm.options: 'nodes' is vidbench's own"),
        ('[launcher.slurm]\noptions = { setup = "x" }\n', "line 5, launcher.slurm.options: 'setup' is a list of"),
        ('[launcher.slurm]\noptions = { time = "5" }\n', "line 5, launcher.slurm.options: 'time' stands by itself"),
        ('[launcher.slurm]\neach_gpu_kind = true\ngres = "gpu:2"\n', "line 4, launcher.slurm: gres does not go with"),
    ],
)
def test_faults(read, text, said):
    """Each with its line, its place and what to do."""
    with pytest.raises(InputError) as refused:
        read(text)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("90", 90), ("90:01", 91), ("2:00:00", 120), ("1-0", 1440), ("1-2:30", 1590), ("0-0:0:30", 1), (" 5 ", 5)],
)
def test_times(text, minutes):
    """They are written as Slurm takes them; begun minutes count."""
    assert change_slurm(Slurm(), {"time": text}).time == minutes


def test_command_line_comes_first():
    """What is given replaces the suite's; further options are added to its own, and None leaves what there is."""
    suite = Slurm(partition="old", gres="gpu:1", options={"qos": "low", "mem": "8GB"})
    changed = change_slurm(suite, {"partition": "new", "gres": None, "options": parse_options(["qos=high"])})
    assert (changed.partition, changed.gres, changed.options) == ("new", "gpu:1", {"qos": "high", "mem": "8GB"})


class TestWholeNodes:
    @pytest.mark.parametrize(
        ("asked", "whole"),
        [
            ({}, True),
            ({"gres": "gpu:1"}, False),
            ({"each_gpu_kind": True}, False),
            ({"options": {"gpus-per-node": 1}}, False),
            ({"exclusive": False}, False),
            ({"gres": "gpu:1", "exclusive": True}, True),
        ],
    )
    def test_exclusive(self, asked, whole):
        """A job has its node for itself where it asks for no part of it, or where that is said."""
        assert Slurm(**asked).name_options().get("exclusive", False) is whole


class TestEachGpuKind:
    def test_takes_the_place_of_the_suites(self):
        """Of a suite's resources and a run on each kind, that which is given counts."""
        changed = change_slurm(Slurm(gres="gpu:2"), {"each_gpu_kind": True})
        assert (changed.each_gpu_kind, changed.gres) == (True, None)
        changed = change_slurm(Slurm(each_gpu_kind=True), {"gres": "gpu:2"})
        assert (changed.each_gpu_kind, changed.gres) == (False, "gpu:2")

    @pytest.mark.parametrize("other", [{"gres": "gpu:2"}, {"options": {"gpus_per_node": 2}}])
    def test_both(self, other):
        """Both at once are refused."""
        with pytest.raises(InputError, match=r"--each-gpu-kind: .* leave out either"):
            change_slurm(Slurm(), {"each_gpu_kind": True, **other})


def test_further_options():
    """Numbers as such, what has no value as true; dashes before a name may be left."""
    assert parse_options(["qos=high", "--nice=5", "spread-job"]) == {"qos": "high", "nice": 5, "spread-job": True}
    with pytest.raises(InputError, match="has no name"):
        parse_options(["=5"])
