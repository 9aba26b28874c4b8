"""`vidbench.build("package.module:factory")`: what is called, with what, and what is refused in one message."""

import sys
import traceback

import pytest
import torch
from torch import nn

import vidbench
from vidbench.errors import InputError, OwnCodeError

ZOO = """
import sys
from functools import partial
from torch import nn

class Told(nn.Linear):
    \"\"\"A net that knows what it was built with.\"\"\"
    def __init__(self, **told):
        super().__init__(2, 2)
        self.told = told

def everything(frames, size, classes=7):
    return Told(frames=frames, size=size, classes=classes)

def nothing():
    return Told()

def catch_all(*args, **kwargs):
    return Told(args=args, **kwargs)

def by_name_alone(*, size=1, depth=3):
    return Told(size=size, depth=depth)

class Zoo:
    make = staticmethod(everything)

class Sized(Told):
    def __init__(self, size):
        super().__init__(size=size)

bound = partial(everything, classes=3)
READY = Told(ready=True)
NUMBER = 3

def chatty():
    print("made")
    return Told()

def needs_depth(depth, frames): ...
def needs_classes(classes): ...
def fails(frames):
    raise ValueError("too few frames\\nand more")
def starves():
    raise MemoryError
def ends():
    sys.exit("bye")
def forgets(): ...
def gives_two():
    return nothing(), 1
def gives_class():
    return Told
"""


@pytest.fixture(autouse=True)
def zoo(folder):
    """A package in the current folder."""
    package = folder / "ownpackage"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "zoo.py").write_text(ZOO)
    return package


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("everything", {}, {"frames": 16, "size": 224, "classes": 7}),
        ("everything", {"frames": 8, "size": 32, "classes": 5}, {"frames": 8, "size": 32, "classes": 5}),
        ("nothing", {"frames": 8}, {}),
        ("catch_all", {"frames": 8}, {"args": ()}),
        ("by_name_alone", {"size": 32}, {"size": 32, "depth": 3}),
        ("Zoo.make", {}, {"frames": 16, "size": 224, "classes": 7}),
        ("Sized", {"size": 64}, {"size": 64}),
        ("bound", {}, {"frames": 16, "size": 224, "classes": 3}),
        ("READY", {}, {"ready": True}),
    ],
)
def test_arguments(name, given, told):
    """A factory, class or partial is called with what its signature names; its own default of classes holds."""
    net = vidbench.build(f"ownpackage.zoo:{name}", **given)
    assert net.told == told
    assert not net.training


def test_ready_module_is_copied():
    """A module that stands ready is left as it is, and each net is another."""
    net = vidbench.build("ownpackage.zoo:READY")
    ready = sys.modules["ownpackage.zoo"].READY
    with torch.no_grad():
        net.weight.zero_()
    assert ready.training
    assert ready.weight.any()


def test_folder_is_put_on_the_path_once(folder):
    """The current folder comes first, where it is not there already."""
    for _ in range(2):
        vidbench.build("ownpackage.zoo:nothing")
    assert sys.path[0] == str(folder)
    assert sys.path.count(str(folder)) == 1


def test_prints_go_to_stderr(capsys):
    """Stdout is for results."""
    vidbench.build("ownpackage.zoo:chatty")
    assert capsys.readouterr() == ("", "made\n")


REFUSALS = {
    "ownpackge.zoo:nothing": "there is no module ownpackge in .* or among the installed packages; "
    "did you mean ownpackage",
    "ownpackage.zo:nothing": r"there is no module zo in ownpackage; did you mean ownpackage\.zoo",
    "ownpackage.zoo.deep:nothing": r"there is no module deep in ownpackage\.zoo",
    "ownpackage.zoo:nohting": r"ownpackage\.zoo has no nohting; did you mean nothing",
    "ownpackage.zoo:qqqq": r"ownpackage\.zoo has no qqqq; it has Told, everything, nothing",
    "ownpackage.zoo:Zoo.mkae": r"ownpackage\.zoo\.Zoo has no mkae; did you mean make",
    "ownpackage:anything": "ownpackage has no anything; it has nothing to call",
    "ownpackage.zoo:NUMBER": "is something of type int; name a function, a class or a torch.nn.Module",
    "ownpackage.zoo:needs_depth": "needs depth, which vidbench cannot give; give defaults",
    "ownpackage.zoo:needs_classes": "needs a number of classes; give --classes",
    "ownpackage.zoo:forgets": r"forgets gives None; it has to return a torch\.nn\.Module",
    "ownpackage.zoo:gives_two": r"gives something of type tuple; it has to return a torch\.nn\.Module",
    "ownpackage.zoo:gives_class": r"gives the class Told; it has to return a torch\.nn\.Module",
    "./ownpackage/zoo.py:nothing": r"write what Python would import, .*: ownpackage\.zoo:nothing",
    "ownpackage.zoo:": r"ownpackage\.zoo:factory",
    ":nothing": r"package\.module:nothing",
}


@pytest.mark.parametrize(("name", "message"), REFUSALS.items(), ids=REFUSALS)
def test_refusals(name, message):
    """What cannot be built is refused with the way out."""
    with pytest.raises(InputError, match=message) as caught:
        vidbench.build(name)
    assert not isinstance(caught.value, OwnCodeError)


@pytest.mark.parametrize("name", ["nothing", "catch_all", "READY"])
def test_classes_that_nothing_takes(name):
    """Classes that the factory does not name are refused, not dropped."""
    with pytest.raises(InputError, match=r"takes no classes.* leave out --classes"):
        vidbench.build(f"ownpackage.zoo:{name}", classes=5)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fails", r"^building ownpackage\.zoo:fails\(frames=16\) failed: ValueError: too few frames$"),
        ("starves", r"^building ownpackage\.zoo:starves failed: MemoryError: no message$"),
        ("ends", r"^building ownpackage\.zoo:ends would end the process \(SystemExit: bye\)"),
    ],
)
def test_failing_factory(name, message):
    """A factory's error is one line, and the user's own traceback is its cause."""
    with pytest.raises(OwnCodeError, match=message) as caught:
        vidbench.build(f"ownpackage.zoo:{name}")
    assert f"in {name}\n" in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import nowhere.at_all", "ownpackage.broken is there but needs the module nowhere, which is not; install it"),
        ("from ownpackage import nothing_such", "importing ownpackage.broken failed: ImportError: cannot import name"),
        ("def f(:", "importing ownpackage.broken failed: SyntaxError: "),
        ("1 / 0", "importing ownpackage.broken failed: ZeroDivisionError: division by zero"),
        ("raise ModuleNotFoundError('get it')", "importing ownpackage.broken failed: ModuleNotFoundError: get it"),
        ("raise SystemExit(2)", r"importing ownpackage.broken would end the process \(SystemExit: 2\)"),
    ],
)
def test_failing_import(zoo, text, message):
    """A module that is there but fails is told from one that is not."""
    (zoo / "broken.py").write_text(text)
    with pytest.raises(OwnCodeError, match=message) as caught:
        vidbench.build("ownpackage.broken:make")
    assert caught.value.__cause__ is not None


def test_count_of_an_own_net(zoo):
    """What is built is a module like any other."""
    (zoo / "nets.py").write_text("from torch import nn\ndef make():\n    return nn.Conv3d(3, 2, 1, bias=False)\n")
    net = vidbench.build("ownpackage.nets:make")
    assert isinstance(net, nn.Conv3d)
    assert vidbench.count(net, vidbench.Clip(frames=2, size=8)).macs == 6 * 2 * 8 * 8
