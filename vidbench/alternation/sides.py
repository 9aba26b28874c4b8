"""What the two sides of an alternation can be: nets, git revisions, folders of code, virtual environments."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from vidbench.catalog import find_variant, is_own
from vidbench.errors import InputError

REVISION = "git:"


@dataclass(frozen=True, slots=True)
class Side:
    """Where one side's net comes from.

    Attributes:
        name: as the user gave it.
        python: the interpreter, with its packages.
        folder: where it runs.
        first: whether the folder's code comes before whatever else is on the path.
        model: the net, where the side names one.
        variables: of its process's environment, beside or instead of this one's.
    """

    name: str
    python: str = sys.executable
    folder: Path = field(default_factory=Path.cwd)
    first: bool = False
    model: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """The variables of its process."""
        paths = [str(self.folder) if self.first else "", os.environ.get("PYTHONPATH", "")]
        return {**os.environ, **self.variables, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}


@contextmanager
def open_side(name: str) -> Iterator[Side]:
    """The side of that name: `git:REV`, a virtual environment, a folder of code, or a net.

    Raises:
        InputError: it is none of these.
    """
    if name.startswith(REVISION):
        with _check_out(name.removeprefix(REVISION)) as folder:
            yield Side(name, folder=folder, first=True)
        return
    place = Path(name)
    if (place / "bin" / "python").exists():
        yield Side(name, python=str((place / "bin" / "python").absolute()))
    elif place.is_dir():
        yield Side(name, folder=place.absolute(), first=True)
    elif is_own(name) or "/" not in name:
        yield Side(name, model=find_variant(name).name)
    else:
        raise InputError(f"{name} is no side to measure: give a net, a folder, a virtual environment, or {REVISION}REV")


@contextmanager
def _check_out(revision: str) -> Iterator[Path]:
    """A folder with that revision of the repository around the current folder, in the place of the current one."""
    root = _git("rev-parse", "--show-toplevel")
    if root is None:
        raise InputError(f"{REVISION}{revision} is of a git repository, and there is none around this folder")
    if _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}") is None:
        raise InputError(f"git knows no revision {revision!r} here; fetch it, or give another")
    with tempfile.TemporaryDirectory(prefix="vidbench-") as scratch:
        tree = Path(scratch) / "tree"
        added = subprocess.run(  # noqa: S603  # a fixed command
            ["git", "worktree", "add", "--detach", "--quiet", str(tree), revision],  # noqa: S607
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if added.returncode:
            raise InputError(f"git cannot check out {revision}: {added.stderr.strip()}")
        try:
            inside = tree / Path.cwd().relative_to(Path(root).resolve())
            yield inside if inside.is_dir() else tree
        finally:
            _git("worktree", "remove", "--force", str(tree))


def _git(*arguments: str) -> str | None:
    """What git says; None where it says no."""
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)  # noqa: S603, S607
    return done.stdout.strip() if done.returncode == 0 else None


def check_sides(old: Side, new: Side, model: str | None) -> tuple[str, str]:
    """The net of each side: the side's own, or the one that both are asked for.

    Raises:
        InputError: a side names a net and the other none, or neither and none is asked for.
    """
    if model is not None:
        model = find_variant(model).name
    if (old.model is None) != (new.model is None):
        raise InputError(f"{old.name} and {new.name} are not of a kind: give two nets, or two places and --model")
    names = old.model or model, new.model or model
    if model is not None and old.model is not None:
        raise InputError("the sides are nets already; leave out --model")
    if names[0] is None or names[1] is None:
        raise InputError("which net is to be measured on both sides? --model package.module:factory, or such as x3d-m")
    return names[0], names[1]


def default_clip(model: str) -> tuple[int, int]:
    """Frames and size of the net's own clip."""
    net = find_variant(model)
    return net.frames, net.size
