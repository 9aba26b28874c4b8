"""Which GPU a seat's processes see, and which GPUs there can be seats on."""

import pytest

from vidbench.errors import InputError
from vidbench.run.seats import Card, check_alike, name_only, resolve_names

UUID = "0f3a9c52-0000-0000-0000-000000000001"


@pytest.mark.parametrize(
    ("number", "uuid", "visible", "only"),
    [
        (1, UUID, None, f"GPU-{UUID}"),
        (1, UUID, "", f"GPU-{UUID}"),
        (1, None, None, "1"),
        (0, UUID, "3,1", "3"),
        (1, None, " 3 , 1 ", "1"),
        (1, UUID, "GPU-aa,MIG-bb", "MIG-bb"),
        (2, UUID, "GPU-aa,GPU-bb", f"GPU-{UUID}"),
    ],
    ids=["uuid", "empty", "number", "first of a list", "spaces", "a part of a GPU", "a list that is too short"],
)
def test_one_gpu_alone(number, uuid, visible, only):
    """A list that hides GPUs keeps its names; else the name counts that a GPU has everywhere, at last its number."""
    assert name_only(number, uuid, visible) == only


def test_kinds():
    """GPUs of one kind can share a suite; of several, each kind is told to be measured by itself."""
    alike = [Card("cuda:0", "A", "a"), Card("cuda:2", "A", "b")]
    check_alike(alike)
    check_alike(alike[:1])
    with pytest.raises(InputError) as refused:
        check_alike([*alike, Card("cuda:3", "B", "c")])
    assert "cuda:0 is A, cuda:2 is A, cuda:3 is B" in str(refused.value)
    named = str(refused.value).partition("by itself: ")[2]
    assert set(named.split(", then ")) == {"--device cuda:0", "--device cuda:3"}


@pytest.mark.parametrize("names", [["cuda:0", "cuda:0"], ["cuda", "cuda:0"], ["cuda:1", "cuda:01"]])
def test_names_given_twice(names):
    """One GPU under two names is one GPU."""
    with pytest.raises(InputError, match="twice"):
        resolve_names(names)
