"""Families that packages register: listed without importing them, built like any other, left out where broken."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import vidbench as api
from vidbench.catalog import families, find_family, find_variant, find_variants, left_out, variants
from vidbench.errors import InputError, OwnCodeError

ROOT = Path(__file__).parents[1]

NET = """
from dataclasses import dataclass
from torch import nn
from vidbench.models.architecture import Architecture

@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    widths: tuple[int, ...]
    classes: int = 400

def build(cfg):
    width, = cfg.widths
    return nn.Sequential(nn.Conv3d(3, width, 1), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(width, cfg.classes))

FAMILY = Architecture(Config, build)
"""

ROWS = """
title = "Tiny"
paper = "arXiv 0000.00000"
code = "none"
default = "tiny-s"
stride = 2
mean = [0.1, 0.2, 0.3]
std = [0.5, 0.5, 0.5]

[variants.tiny-s]
frames = 4
size = 32
classes = 400
params = 3632
config = { widths = [8] }
published = [
  { dataset = "Diving48", frames = 4, size = 32, gmacs = 0.1, source = "a paper" },
  { dataset = "SSv2", frames = 4, size = 32, gmacs = 0.2, source = "a paper" },
]

[variants.tiny-m]
frames = 8
size = 32
classes = 174
params = 2854
stride = 4
config = { widths = [16] }
published = []
"""


@pytest.fixture
def tiny(install):
    """A package that breaks when it is imported, but for the folder with its family."""
    return install(
        "tinypackage", {"tinyvideo/zoo/tiny.py": NET, "tinyvideo/zoo/tiny.toml": ROWS}, {"tiny": "tinyvideo.zoo.tiny"}
    )


class TestRegistered:
    @pytest.mark.usefixtures("tiny")
    def test_catalog(self):
        """A registered family stands beside the built-in ones, with all that its rows say."""
        family = families()["tiny"]
        assert left_out() == ()
        assert (family.module, family.package, variants()["tiny-m"].mean) == (
            "tinyvideo.zoo.tiny",
            "tinypackage 1.0",
            (0.1, 0.2, 0.3),
        )
        assert find_family("tiny-m") is family
        assert find_variant("tiny") is variants()["tiny-s"]
        assert [variant.name for variant in find_variants("tiny-*")] == ["tiny-s", "tiny-m"]
        assert [variant.stride for variant in family.variants.values()] == [2, 4]
        assert families()["x3d"].package is None

    def test_default_that_bears_its_familys_name(self, install):
        """A family and its default variant may have one name."""
        rows = ROWS.replace("tiny-s", "tiny")
        install("tinypackage", {"tinyvideo/tiny.py": NET, "tinyvideo/tiny.toml": rows}, {"tiny": "tinyvideo.tiny"})
        assert left_out() == ()
        assert find_variant("tiny") is families()["tiny"].variants["tiny"]
        assert find_family("tiny") is families()["tiny"]

    @pytest.mark.usefixtures("tiny")
    def test_own_data_set(self):
        """A data set that nobody knows has the classes of the variant that the figure is of."""
        small = variants()["tiny-s"]
        assert [p.dataset for p in small.published_at(4, 32, 400)] == ["Diving48"]
        assert small.headline().dataset == "Diving48"

    @pytest.mark.usefixtures("tiny")
    def test_build(self):
        """Its nets are built as the rows say, on meta, too."""
        net = api.build("tiny-m", classes=10)
        assert [type(layer).__name__ for layer in net] == ["Conv3d", "AdaptiveAvgPool3d", "Flatten", "Linear"]
        assert (net[0].out_channels, net[3].out_features, net.training) == (16, 10, False)
        with pytest.raises(InputError, match="its total stride is 4"):
            api.build("tiny-m", size=2)

    @pytest.mark.usefixtures("tiny")
    def test_profile(self, vidbench):
        """It is profiled beside built-in nets, with its published figure."""
        done = vidbench("profile", "tiny", "x3d-xs", "--device", "meta", "--json", "-")
        rows = [json.loads(line) for line in done.out.splitlines() if '"case"' in line]
        assert done.code == 0
        assert [row["case"]["model"] for row in rows] == ["tiny-s", "x3d-xs"]
        assert rows[0]["measurements"][0]["value"] == variants()["tiny-s"].params
        assert rows[0]["measurements"][1]["value"] == 3 * 8 * 4 * 32 * 32 + 8 * 400
        done = vidbench("profile", "tiny", "--device", "meta")
        assert "published GMACs of tiny-s at 4x32: a paper" in done.out

    @pytest.mark.usefixtures("tiny")
    def test_pattern(self, vidbench):
        """A pattern stands for its nets, too, each without the clips that it cannot take."""
        done = vidbench("profile", "tiny-*", "--size", "2,32", "--device", "meta", "--csv", "-")
        assert done.code == 0
        assert [line.split(",")[0] for line in done.out.splitlines()[1:]] == ["tiny-s", "tiny-s", "tiny-m"]
        assert "tiny-m cannot take frames of 2 x 2: its total stride is 4" in done.err

    @pytest.mark.usefixtures("tiny")
    def test_claims(self, vidbench):
        """Its published rows are checked like any other's."""
        done = vidbench("claims", "tiny", "--json")
        assert [row["setting"]["classes"] for row in json.loads(done.out)["rows"]] == [400, 174]

    def test_list_imports_nothing_of_the_package(self, install):
        """`vidbench list` reads the TOML file, even where the packages around it cannot be imported."""
        files = {f"{name}/__init__.py": "raise ImportError" for name in ("tinyvideo", "tinyvideo/zoo")}
        place = install(
            "tinypackage",
            {**files, "tinyvideo/zoo/tiny.py": "raise ImportError", "tinyvideo/zoo/tiny.toml": ROWS},
            {"tiny": "tinyvideo.zoo.tiny", "gone": "tinyvideo.zoo.gone"},
        )
        code = (
            "import sys\nfrom vidbench.cli import main\nsys.argv = ['vidbench', 'list']\n"
            "try: main()\nfinally: print({'torch', 'tinyvideo'} & set(sys.modules))"
        )
        path = os.pathsep.join(map(str, (ROOT, place)))
        done = subprocess.run(
            [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONPATH": path},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stdout.endswith("set()\n")
        assert any(line.startswith("tiny-s*") for line in done.stdout.splitlines())
        assert done.stderr.splitlines() == [
            "vidbench: the family gone of the package tinypackage 1.0 is left out: there is no module "
            "tinyvideo.zoo.gone; register the one that ends in FAMILY"
        ]


BROKEN = {
    "no rows": (None, "there is no file "),
    "no TOML": ("title = ", "Invalid value"),
    "unknown key": (
        ROWS.replace("size = 32\n", "size = 32\nsise = 32\n"),
        "tiny-s: unknown key 'sise'; did you mean size",
    ),
    "missing key": (ROWS.replace("paper", "# paper"), "no paper"),
    "missing number": (ROWS.replace("params", "# params"), "tiny-s: no params"),
    "text for a number": (ROWS.replace("frames = 8", "frames = '8'"), "tiny-m: frames is '8', not a whole number"),
    "no variants": (ROWS.partition("[variants")[0], "no variants"),
    "variant that is no table": (ROWS.partition("[variants")[0] + "[variants]\ntiny-s = 3", "no variants"),
    "published that is no list": (ROWS.replace("published = []", "published = 3"), "published is no list of tables"),
    "wrong published": (ROWS.replace("gmacs = 0.1", "gmac = 0.1"), "published: unknown key 'gmac'"),
    "no such default": (ROWS.replace('"tiny-s"', '"tiny-x"'), "its default tiny-x is none of its variants"),
    "name of a built-in variant": (ROWS.replace("tiny-m", "x3d-m"), "there is another x3d-m"),
    "family's name of another than the default": (
        ROWS.replace("tiny-m", "tiny"),
        "its variant tiny bears the family's name, which stands for the default tiny-s",
    ),
    "name in capitals": (ROWS.replace("tiny-m", "Tiny_M"), "'Tiny_M' is no name"),
    "clip it does not take": (ROWS.replace("stride = 4", "stride = 64"), "tiny-m cannot take frames of 32 x 32"),
    "number below one": (ROWS.replace("stride = 4", "frames_multiple = 0"), "frames_multiple of tiny-m is 0"),
    "unknown unsampled": (ROWS.replace("stride = 4", "unsampled = 'tiny-l'"), "there is no tiny-l"),
}


class TestLeftOut:
    @pytest.mark.parametrize(("rows", "reason"), BROKEN.values(), ids=BROKEN)
    def test_broken_rows(self, vidbench, install, rows, reason):
        """What is wrong with its file is one warning that names the package; naming the family gives the same error."""
        files = {"tinyvideo/tiny.py": NET, **({} if rows is None else {"tinyvideo/tiny.toml": rows})}
        install("tinypackage", files, {"tiny": "tinyvideo.tiny"})
        done = vidbench("list", "x3d")
        assert done.code == 0
        (warning,) = done.err.splitlines()
        assert warning.startswith("vidbench: the family tiny of the package tinypackage 1.0 is left out: ")
        assert reason in warning
        for command in ("list", "profile", "claims"):
            named = vidbench(command, "tiny")
            assert (named.code, named.err.splitlines()[0]) == (2, warning)

    @pytest.mark.parametrize(
        ("name", "module", "reason"),
        [
            ("x3d", "tinyvideo.tiny", "there is another x3d"),
            ("x3d-m", "tinyvideo.tiny", "there is another x3d-m"),
            ("Tiny", "tinyvideo.tiny", "'Tiny' is no name"),
            ("tiny", "nowhere.tiny", "there is no module nowhere.tiny"),
            ("tiny", "tinyvideo.tiny.deep", "there is no module tinyvideo.tiny.deep"),
            ("tiny", "tinyvideo.tiny:FAMILY", "'tinyvideo.tiny:FAMILY' is no module's name"),
            ("tiny", "sys", "there is no module sys"),
        ],
    )
    def test_broken_registration(self, install, name, module, reason):
        """A name that is taken or a module that is not there leaves all built-in families as they are."""
        before = dict(families())
        install("tinypackage", {"tinyvideo/tiny.py": NET, "tinyvideo/tiny.toml": ROWS}, {name: module})
        (problem,) = left_out()
        assert reason in str(problem)
        assert families() == before

    def test_two_packages_with_one_name(self, install):
        """The first in the order of names stays, and the other is told of."""
        for package in ("bpackage", "apackage"):
            install(package, {f"{package}/tiny.py": NET, f"{package}/tiny.toml": ROWS}, {"tiny": f"{package}.tiny"})
        assert families()["tiny"].package == "apackage 1.0"
        assert [problem.plugin.package for problem in left_out()] == ["bpackage 1.0"]


class TestBrokenCode:
    @pytest.mark.parametrize(
        ("code", "message"),
        [
            ("import nowhere", "tinyvideo.tiny is there but needs the module nowhere"),
            ("1 / 0", "importing tinyvideo.tiny failed: ZeroDivisionError"),
            ("FAMILY = 3", "tinyvideo.tiny does not end in FAMILY"),
            (NET.replace("widths", "width"), "building tiny-s of the package tinypackage 1.0 failed: TypeError"),
        ],
    )
    def test_message(self, vidbench, install, code, message):
        """Code that fails is told when its net is asked for, naming the package; other nets are measured."""
        install("tinypackage", {"tinyvideo/tiny.py": code, "tinyvideo/tiny.toml": ROWS}, {"tiny": "tinyvideo.tiny"})
        with pytest.raises(InputError, match=message) as caught:
            api.build("tiny")
        assert "of the package tinypackage 1.0" in str(caught.value)
        assert (caught.value.__cause__ is not None) == isinstance(caught.value, OwnCodeError)
        done = vidbench("profile", "tiny", "x3d-xs", "--device", "meta")
        assert done.code == 3
        assert message in done.out
        assert vidbench("list", "tiny").code == 0

    def test_claims_go_on(self, vidbench, install):
        """A family whose code fails is warned of where all are checked, and is an error where it alone is."""
        from vidbench.cli.claims import _check
        from vidbench.run import Tally

        install("tinypackage", {"tinyvideo/tiny.py": "1 / 0", "tinyvideo/tiny.toml": ROWS}, {"tiny": "tinyvideo.tiny"})
        assert _check(find_family("tiny"), Tally(), skips=True) == []
        assert vidbench("claims", "tiny").code == 2
