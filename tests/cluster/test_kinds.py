"""The kinds of GPUs that nodes report, and what of them a run can be made on each."""

import pytest

from vidbench.cluster.kinds import Kind, find_kind, find_kinds, parse_gpus, warn_of_kinds
from vidbench.errors import InputError


@pytest.fixture
def report(tmp_path, monkeypatch):
    """Have Slurm's sinfo report these nodes, whatever it is asked."""

    def write(*lines: str) -> None:
        (tmp_path / "nodes").write_text("".join(f"{line}\n" for line in lines))
        script = tmp_path / "sinfo"
        script.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\ncat {tmp_path}/nodes\n')
        script.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    return write


@pytest.mark.parametrize(
    ("gres", "gpus"),
    [
        ("gpu:a100:4(S:0-1),gpu:v100:2", {"a100": 4, "v100": 2}),
        ("gpu:tesla:2(S:0,1),gpu:tesla:1", {"tesla": 3}),
        ("craynetwork:4,gpu:1g.5gb:7,gpu:3090:2", {"1g.5gb": 7, "3090": 2}),
        ("gpu:4", {"": 4}),
        ("gpu:h100,gpu", {"h100": 1, "": 1}),
        ("gres/gpu:a100:1", {"a100": 1}),
        ("gpu:a100:0,mps:a100:400,shard:8", {}),
        ("(null)", {}),
    ],
)
def test_gpus_of_a_node(gres, gpus):
    """Types, numbers, sockets in brackets; a type may begin with a digit, and what is alone is a number."""
    assert parse_gpus(gres) == gpus


def test_kind_of_a_job():
    """What a job asks for by its type is its kind; what may be any has none."""
    assert [find_kind(gres) for gres in ("gpu:a100:1", "gpu:1", None, "tmp:5,gpu:v100")] == ["a100", None, None, "v100"]


class TestCluster:
    def test_default_partition(self, report, tmp_path):
        """Without a partition it is the default one's nodes that count, each once, and those that take jobs."""
        report(
            "gpu*|n1|idle|gpu:a100:4", "gpu*|n2|mixed-|gpu:a100:4,gpu:v100:1", "gpu*|n3|drained*|gpu:a100:2",
            "gpu*|n4|down*|gpu:h100:8", "big|n1|idle|gpu:a100:4", "big|n9|idle|gpu:b200:8", "gpu*|n5|idle|(null)",
        )  # fmt: skip
        kinds, nameless = find_kinds(None)
        assert kinds == [Kind("a100", 3, 2), Kind("h100", 1, 0), Kind("v100", 1, 1)]
        assert warn_of_kinds(kinds, nameless) == [
            "no node with h100 takes jobs now, all are down or drained; its jobs wait until one is back"
        ]
        assert "--partition" not in (tmp_path / "asked").read_text()

    def test_named_partition(self, report, tmp_path):
        """Slurm is asked for its nodes alone; where no partition is the default one, all nodes count."""
        report("big|n9|idle|gpu:b200:8")
        assert find_kinds("big")[0] == [Kind("b200", 1, 1)]
        assert "--partition=big" in (tmp_path / "asked").read_text()
        assert find_kinds(None)[0] == [Kind("b200", 1, 1)]

    def test_without_types(self, report):
        """GPUs without a type cannot be told apart; beside others they are left out, and that is said."""
        nodes = [f"gpu*|n{number}|idle|gpu:4" for number in range(5)]
        report(*nodes)
        with pytest.raises(InputError, match=r"n0, n1, n2, and 2 more nodes have no type.*gres\.conf"):
            find_kinds(None)
        report(*nodes, "gpu*|n7|idle|gpu:a100:4")
        kinds, nameless = find_kinds(None)
        assert [kind.name for kind in kinds] == ["a100"]
        (warning,) = warn_of_kinds(kinds, nameless)
        assert warning == "the GPUs of n0, n1, n2, and 2 more nodes have no type, and are left out"

    def test_without_gpus(self, report):
        """A partition without GPUs is refused by its name."""
        report("cpu*|n1|idle|(null)")
        with pytest.raises(InputError, match=r"no node of the default partition has a GPU.*--partition names another"):
            find_kinds(None)
        with pytest.raises(InputError, match="no node of partition cpu has a GPU"):
            find_kinds("cpu")
