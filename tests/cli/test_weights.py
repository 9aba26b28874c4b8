"""`vidbench profile --weights`: what is measured has the file's weights, and a bad file is found out before."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch

import vidbench as package
from vidbench.errors import InputError
from vidbench.records import Case
from vidbench.run.worker import Nets

SMALL = ["--size", "32", "--frames", "4", "--precision", "90%"]


class Trap:
    """Pickled, it makes a folder when it is read."""

    def __init__(self, made: Path) -> None:
        self.made = made

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.made),)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    torch.manual_seed(3)
    path: Path = tmp_path_factory.mktemp("weights") / "x3d.pt"
    torch.save(package.build("x3d-xs").state_dict(), path)
    return path


def test_table_and_record_name_the_file(vidbench, checkpoint, tmp_path):
    """The file is under the table and in the record; without one, nothing is said and the record has `random`."""
    lines = tmp_path / "a.jsonl"
    arguments = ["profile", "x3d-xs", *SMALL, "--only", "macs,latency", "--json", str(lines)]
    done = vidbench(*arguments, "--weights", str(checkpoint))
    assert done.code == 0
    assert f"weights of x3d-xs: {checkpoint}" in done.out.splitlines()
    assert "weights of" not in vidbench(*arguments).out
    records = [json.loads(line) for line in lines.read_text().splitlines() if '"case"' in line]
    assert [record["case"]["weights"] for record in records] == [str(checkpoint), "random"]


def test_measured_net_has_the_weights(checkpoint):
    """The net that is measured holds the file's weights, and another file's or none are not taken for them."""
    nets = Nets()
    case = {"model": "x3d-xs", "classes": 400, "frames": 4, "size": 32, "dtype": "bf16"}
    saved = torch.load(checkpoint, weights_only=True)
    for weights, same in ((str(checkpoint), True), ("random", False)):
        net = nets.measured(Case(**case, weights=weights))
        assert torch.equal(net.state_dict()["stem.spatial.weight"], saved["stem.spatial.weight"].bfloat16()) == same


def test_variants_of_one_net_share_a_file(vidbench, checkpoint):
    """Several models are taken where the file fits all of them, and counted on meta without loading it."""
    done = vidbench("profile", "x3d-xs", "x3d-s", "--device", "meta", "--weights", str(checkpoint))
    assert done.code == 0
    assert f"weights of x3d-xs, x3d-s: {checkpoint}" in done.out


def refusal(vidbench, monkeypatch, *arguments: str) -> str:
    """The one message with which a file is refused, before anything is measured."""
    monkeypatch.setattr("vidbench.run.run_cases", None)
    done = vidbench("profile", *arguments)
    assert done.code == 2
    assert done.out == ""
    assert len(done.err.splitlines()) == 1
    return str(done.err)


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_wrong_architecture(vidbench, monkeypatch, checkpoint, device):
    """Another net's file is refused with a list of what disagrees."""
    told = refusal(vidbench, monkeypatch, "vov3d-l", "--device", device, "--weights", str(checkpoint))
    assert f"{checkpoint} does not fit vov3d-l: " in told
    assert all(kind in told for kind in ("keys missing (", "keys unexpected (", "keys of another shape (", " more)"))


def test_several_models(vidbench, monkeypatch, checkpoint):
    """Several models that one file cannot fit are refused."""
    told = refusal(vidbench, monkeypatch, "x3d-xs", "x3d-l", "--weights", str(checkpoint))
    assert "one file of weights is for one net, not for x3d-xs, x3d-l; give one model" in told


def test_classes(vidbench, monkeypatch, checkpoint):
    """A file for another number of classes says which to ask for."""
    told = refusal(vidbench, monkeypatch, "x3d-xs", "--classes", "174", "--weights", str(checkpoint))
    assert "head.classifier.weight 400x2048 for 174x2048" in told
    assert "if these are 400 classes, give --classes 400" in told


def test_bad_files(vidbench, monkeypatch, checkpoint, tmp_path):
    """Missing, folder, empty, cut off, no checkpoint, and code that would run: one message each."""
    made = tmp_path / "made"
    bad = tmp_path / "bad.pt"
    told = [refusal(vidbench, monkeypatch, "x3d-xs", "--weights", str(path)) for path in (bad, tmp_path)]
    torch.save({"state_dict": Trap(made)}, tmp_path / "code.pt")
    for content in (b"", checkpoint.read_bytes()[:100_000], b"not weights\n", (tmp_path / "code.pt").read_bytes()):
        bad.write_bytes(content)
        told.append(refusal(vidbench, monkeypatch, "x3d-xs", "--weights", str(bad)))
    expected = (
        "no file of weights",
        "is a folder",
        "is empty",
        "cut off",
        "no checkpoint",
        "would run code (posix.mkdir)",
    )
    assert all(words in message for words, message in zip(expected, told, strict=True))
    assert not made.exists()


def test_python(checkpoint):
    """`vidbench.profile` takes weights for a built-in net, and leaves a module's own alone."""
    clip = package.Clip(frames=4, size=32)
    (record,) = package.profile("x3d-xs", clip, weights=checkpoint, device="cpu", metrics=["peak_memory"])
    assert record.failure is None
    assert record.case.weights == str(checkpoint)
    with pytest.raises(InputError, match="a module comes with its weights"):
        package.profile(torch.nn.Flatten(), clip, weights=checkpoint)
