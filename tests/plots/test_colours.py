"""Every kind of operator has a look of its own."""

from vidbench.counting.kinds import CONTRACTIONS, KINDS
from vidbench.explain.joining import UNMATCHED
from vidbench.plots.colours import LOOKS, OUTSIDE, REST, UNHEARD, look_of, place_of


def test_kinds():
    """All kinds that there are, and no others; those whose MACs are counted come first."""
    assert set(LOOKS) == {*KINDS, UNMATCHED}
    assert set(list(LOOKS)[: len(CONTRACTIONS)]) == set(CONTRACTIONS)
    assert place_of(CONTRACTIONS[0]) == 0


def test_looks_differ():
    """No two kinds look the same, nor like the time outside of operators or all else together."""
    looks = [*LOOKS.values(), OUTSIDE, REST, UNHEARD]
    assert len(set(looks)) == len(looks)


def test_new_kinds():
    """A kind that has no look is drawn all the same, behind the others."""
    assert look_of("quantum") == UNHEARD
    assert place_of("quantum") == len(LOOKS)
    assert look_of("unknown").is_dark
    assert not look_of("elementwise").is_dark
