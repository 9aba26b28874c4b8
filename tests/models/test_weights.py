"""Checkpoints: read in every usual form, compared key by key, and never run."""

import os
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import vidbench
from vidbench.errors import InputError
from vidbench.models.weights import load_weights, read_weights

Save = Callable[[dict[str, torch.Tensor], Path], Any]


def net(classes: int = 3) -> torch.nn.Sequential:
    torch.manual_seed(1)
    return torch.nn.Sequential(
        torch.nn.Conv3d(3, 2, 1), torch.nn.BatchNorm3d(2), torch.nn.Flatten(), torch.nn.Linear(2, classes)
    )


class Trap:
    """Pickled, it makes a file when it is read."""

    def __init__(self, made: Path) -> None:
        self.made = made

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.made),)


FORMS: dict[str, tuple[str, Save]] = {
    "plain": ("a.pth", torch.save),
    "before zip": ("a.pt", lambda state, path: torch.save(state, path, _use_new_zipfile_serialization=False)),
    "state_dict": ("a.pt", lambda state, path: torch.save({"epoch": 3, "state_dict": state}, path)),
    "model": ("a.pt", lambda state, path: torch.save({"model": state, "optimizer": {}}, path)),
    "model_state": ("a.pyth", lambda state, path: torch.save({"model_state": state}, path)),
    "parallel": ("a.pt", lambda state, path: torch.save({f"module.{k}": x for k, x in state.items()}, path)),
    "half": ("a.pt", lambda state, path: torch.save({k: x.half() for k, x in state.items()}, path)),
    "no counters": (
        "a.pt",
        lambda state, path: torch.save({k: x for k, x in state.items() if "num_batches" not in k}, path),
    ),
    "safetensors": ("a.safetensors", save_file),
}


@pytest.mark.parametrize(("name", "save"), FORMS.values(), ids=FORMS)
def test_forms(tmp_path, name, save):
    """Every usual form of a file gives a net the weights that were saved."""
    saved, filled = net(), net()
    for tensor in saved.state_dict().values():
        tensor.copy_(tensor.half() + 1)
    save(saved.state_dict(), tmp_path / name)
    load_weights(filled, tmp_path / name)
    assert all(torch.equal(x, saved.state_dict()[key]) for key, x in filled.named_parameters())
    assert torch.equal(filled[1].running_mean, saved[1].running_mean)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("name", ["x3d-xs", "tada2d-r50"])
def test_round_trip(tmp_path, name, suffix):
    """A built-in net's state dict comes back: a net filled with it gives the same logits."""
    torch.manual_seed(5)
    saved, filled = vidbench.build(name), vidbench.build(name)
    path = tmp_path / f"net{suffix}"
    save_file(saved.state_dict(), path) if suffix == ".safetensors" else torch.save(saved.state_dict(), path)
    load_weights(filled, path)
    clip = torch.randn(1, 3, 4, 32, 32)
    with torch.inference_mode():
        assert torch.equal(saved(clip), filled(clip))


class TestMismatch:
    def test_all_kinds_are_listed(self, tmp_path):
        """Missing, unexpected and misshapen keys are each told by name, the first few, and how many more."""
        state = net().state_dict()
        state["3.weight"] = torch.zeros(3, 7)
        for key in ("0.weight", "0.bias", "1.weight", "1.bias", "1.running_var"):
            state[f"old.{key}"] = state.pop(key)
        torch.save(state, tmp_path / "a.pt")
        with pytest.raises(InputError) as refused:
            load_weights(net(), tmp_path / "a.pt")
        told = str(refused.value)
        assert f"{tmp_path / 'a.pt'} does not fit the net: " in told
        assert "5 keys missing (0.weight, 0.bias, 1.weight and 2 more); 5 keys unexpected (old.0.weight, " in told
        assert "1 key of another shape (3.weight 3x7 for 3x2)" in told

    def test_other_classes(self, tmp_path):
        """Where only the classifier differs, the message says how many classes to ask for."""
        torch.save(net(classes=5).state_dict(), tmp_path / "a.pt")
        with pytest.raises(InputError, match=r"2 keys of another shape .*these are 5 classes, give --classes 5"):
            load_weights(net(), tmp_path / "a.pt")

    def test_nothing_is_loaded(self, tmp_path):
        """A file that does not fit leaves the net as it was."""
        state = {key: x + 1 for key, x in net().state_dict().items() if key != "3.bias"}
        torch.save(state, tmp_path / "a.pt")
        refused = net()
        with pytest.raises(InputError, match=r"1 key missing \(3.bias\)"):
            load_weights(refused, tmp_path / "a.pt")
        assert all(torch.equal(x, net().state_dict()[key]) for key, x in refused.state_dict().items())


def save_old(content: Any, path: Path) -> None:
    torch.save(content, path, _use_new_zipfile_serialization=False)


def save_script(_content: Any, path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(torch.nn.Linear(1, 1)).save(str(path))


PICKLES: dict[str, Save] = {
    "torch.save": torch.save,
    "before zip": save_old,
    "script": save_script,
    **{
        f"pickle {protocol}": lambda content, path, protocol=protocol: path.write_bytes(pickle.dumps(content, protocol))
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
    },
}


class TestCode:
    @pytest.mark.parametrize("save", PICKLES.values(), ids=PICKLES)
    def test_code_is_refused(self, tmp_path, save):
        """A pickle that would run code as it is read does not run, and the message says why and what to do."""
        made = tmp_path / "made"
        save({"state_dict": Trap(made), **net().state_dict()}, tmp_path / "a.pt")
        with pytest.raises(InputError, match=r"would run code \(.*save its tensors alone") as refused:
            read_weights(tmp_path / "a.pt")
        assert not made.exists()
        assert "weights_only" not in str(refused.value)

    @pytest.mark.parametrize(
        ("content", "named"),
        [(np.float64(1), "numpy._core.multiarray.scalar"), (torch.nn.Linear(1, 1), "torch.nn.modules.linear.Linear")],
        ids=["number of numpy", "module"],
    )
    def test_what_it_would_run_is_named(self, tmp_path, content, named):
        """Harmless or not, what reading the file would call is named."""
        torch.save({"state_dict": net().state_dict(), "best": content}, tmp_path / "a.pt")
        with pytest.raises(InputError) as refused:
            read_weights(tmp_path / "a.pt")
        assert f"({named})" in str(refused.value)


def cut(path: Path, end: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * end)])


class TestBroken:
    @pytest.mark.parametrize("end", [0.01, 0.5, 0.99])
    @pytest.mark.parametrize(("name", "save"), [("a.pt", torch.save), ("a.pt", save_old), ("a.safetensors", save_file)])
    def test_cut_off(self, tmp_path, name, save, end):
        """A file cut off anywhere is told to be that."""
        save(net().state_dict(), tmp_path / name)
        cut(tmp_path / name, end)
        with pytest.raises(InputError, match="or it is cut off"):
            read_weights(tmp_path / name)

    @pytest.mark.parametrize("content", [b"class hello\nworld\n", b"\x93NUMPY", b"\0" * 100, pickle.dumps({"a": 1})])
    def test_no_checkpoint(self, tmp_path, content):
        """Text, arrays, zeros and other pickles are no checkpoints."""
        (tmp_path / "a.pt").write_bytes(content)
        with pytest.raises(InputError, match="is no checkpoint"):
            read_weights(tmp_path / "a.pt")

    @pytest.mark.parametrize(
        "content", [{}, [1, 2], torch.zeros(3), {"epoch": 3}, {"state_dict": {}}, {1: torch.ones(1)}]
    )
    def test_no_state_dict(self, tmp_path, content):
        """A file of torch's without tensors by name says what it should hold."""
        torch.save(content, tmp_path / "a.pt")
        with pytest.raises(InputError, match="holds no state dict"):
            read_weights(tmp_path / "a.pt")

    @pytest.mark.parametrize(
        "tensor", [torch.zeros(2, 2).to_sparse(), torch.zeros(2, device="meta"), torch.zeros(2) + 1j]
    )
    def test_unusable_tensors(self, tmp_path, tensor):
        """Sparse and complex tensors, and those without numbers, are refused by name."""
        torch.save({"a": tensor}, tmp_path / "a.pt")
        with pytest.raises(InputError, match=r"a is no plain tensor"):
            read_weights(tmp_path / "a.pt")

    @pytest.mark.parametrize("name", ["a.pt", "a.safetensors"])
    def test_absent_empty_or_folder(self, tmp_path, name):
        """A path without a file, an empty file and a folder are each told apart."""
        with pytest.raises(InputError, match="no file of weights at"):
            read_weights(tmp_path / name)
        (tmp_path / name).touch()
        with pytest.raises(InputError, match="is empty"):
            read_weights(tmp_path / name)
        (tmp_path / name).unlink()
        (tmp_path / name).mkdir()
        with pytest.raises(InputError, match="is a folder"):
            read_weights(tmp_path / name)

    def test_without_the_library(self, tmp_path, monkeypatch):
        """Where safetensors is not installed, the message names the extra."""
        save_file(net().state_dict(), tmp_path / "a.safetensors")
        monkeypatch.setattr("vidbench.models.weights.find_spec", lambda _: None)
        with pytest.raises(InputError, match=r"pip install 'vidbench\[safetensors\]'"):
            read_weights(tmp_path / "a.safetensors")
