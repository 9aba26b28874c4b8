"""Conditions of --where: what they keep, what they refuse and where, and that no text makes them fall over."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidbench.errors import InputError
from vidbench.query.columns import NAMES
from vidbench.query.filtering import COMPARISONS, keep_rows, parse_condition

ROW = {
    **dict.fromkeys(NAMES),
    "model": "x3d-m",
    "family": "x3d",
    "device": "cpu",
    "frames": 16,
    "params": 3.79e6,
    "macs": 4.73e9,
    "latency": 0.19,
    "latency_precision": 0.03,
    "latency_settled": True,
    "weight_memory": 15 * 2**20,
    "top1": 76.2,
}


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("params < 10e6", True),
        ("params<10M and not macs >= 5G", True),
        ("10e6 > params > 1_000_000", True),
        ("latency < 190 ms or latency <= 0.19", True),
        ("latency < 190ms", False),
        ("latency > 189_999us and latency == 190ms", True),
        ("weight_memory == 15MiB and weight_memory > 15MB", True),
        ("latency_precision <= 3%", True),
        ("top1 > 76%", True),
        ("latency_settled == true", True),
        ("model = 'x3d-m'", True),
        ('model != "x3d-m"', False),
        ("frames in (8, 16)", True),
        ("frames not in [8, 16]", False),
        ("device in ('cuda:0')", False),
        ("params < 1M and frames == 16 or family == 'x3d'", True),  # `and` binds closer
        ("params < 1M and (frames == 16 or family == 'x3d')", False),
        ("not params < 1M and frames == 16", True),  # `not` binds closest
        ("NOT (params < 1M OR frames == 8)", True),
        ("weight_memory > params", True),
        ("views == null and threads == none", True),
        ("views != '10x3'", True),
    ],
)
def test_truth(text, truth):
    """Comparisons, words, units and brackets mean what they say."""
    assert parse_condition(text)(ROW) is truth


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("peak_memory < 4GB", None),
        ("not peak_memory < 4GB", None),
        ("peak_memory < 4GB or frames == 16", True),
        ("peak_memory < 4GB and frames == 16", None),
        ("peak_memory < 4GB and frames == 8", False),
        ("peak_memory < 4GB or frames == 8", None),
        ("peak_memory in (1, 2)", False),
        ("peak_memory == null", True),
    ],
)
def test_unknown(text, truth):
    """What is unknown is neither less nor more, and so is what follows from it; such a row is not kept."""
    assert parse_condition(text)(ROW) is truth
    assert keep_rows([ROW], text) == ([ROW] if truth else [])


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("parms < 10e6", 0, "there is no column 'parms'; did you mean params?"),
        ("frames == 8 and familie == 'x3d'", 16, "did you mean family or"),
        ("memory < 4GB", 0, "did you mean peak_memory or"),
        ("family == x3d", 10, 'a text stands in quotes: "x3d"'),
        ("params <", 8, "a column, a number or a text in quotes is missing"),
        ("params", 6, "a comparison is to follow"),
        ("params < 5 frames < 3", 9, "'frames' is no unit of params"),
        ("params < 5ms", 9, "'ms' is no unit of params; it takes k, m, g, t"),
        ("frames < 5 ms", 9, "it takes no unit"),
        ("5ms < 3", 0, "'ms' is the unit of nothing"),
        ("(params < 5", 11, ") is missing here"),
        ("frames in 8", 10, "a list is to follow"),
        ("frames in (8; 9)", 12, "this is not understood"),
        ("frames not 3", 11, "in (...) is to follow"),
        ("model == 'x3d", 9, "no closing quote"),
        ("model == 'a' 'b'", 13, "does not follow from what is before"),
        ("params < 'a'", 9, "params holds numbers, which this is not"),
        ("3 > model", 0, "model holds texts, which this is not"),
        ("latency_settled == 1", 19, "latency_settled holds true or false"),
        ("(" * 60, 50, "more than 50 brackets"),
        ("", 0, "is missing here"),
    ],
)
def test_refusals(text, place, message):
    """The message says what is wrong and how to put it right, over the condition with a mark at the place."""
    with pytest.raises(InputError) as refused:
        keep_rows([ROW], text)
    said, shown, mark = str(refused.value).split("\n")
    assert message in said
    assert shown == f"  {text}"
    assert mark == f"  {' ' * place}^"


WORDS = st.sampled_from(
    [*COMPARISONS, "and", "or", "not", "in", "(", ")", "[", "]", ",", "'", '"', "null", "true", "params", "latency",
     "model", "latency_settled", "20ms", "5%", "1e9", "-3", ".5", "4GB", "'x3d'", '"a b"', "µs", "\n", "\x00"]
)  # fmt: skip


@given(st.one_of(st.text(), st.lists(WORDS, max_size=30).map(" ".join), st.lists(WORDS, max_size=30).map("".join)))
@settings(deadline=None, database=None, derandomize=True, max_examples=700)
def test_no_text_makes_it_fall_over(text):
    """Whatever is typed is answered, or refused with a message."""
    refusal = ""
    truth = None
    try:
        truth = parse_condition(text)(ROW)
    except InputError as error:
        refusal = str(error)
    assert truth in (True, False, None)
    assert not refusal or (refusal.startswith("--where: ") and refusal.endswith("^"))


LEAVES = st.sampled_from(["frames == 16", "frames == 8", "peak_memory < 1", "params < 10M"])
TRUTHS = {"frames == 16": True, "frames == 8": False, "peak_memory < 1": None, "params < 10M": True}


@given(
    st.recursive(
        LEAVES.map(lambda leaf: (leaf, TRUTHS[leaf])),
        lambda inner: st.one_of(
            inner.map(lambda one: (f"not ({one[0]})", None if one[1] is None else not one[1])),
            st.tuples(st.sampled_from(["and", "or"]), inner, inner).map(
                lambda join: (f"({join[1][0]}) {join[0]} ({join[2][0]})", kleene(join[0], join[1][1], join[2][1]))
            ),
        ),
        max_leaves=12,
    )
)
@settings(deadline=None, database=None, derandomize=True, max_examples=200)
def test_logic_of_three_values(pair):
    """And, or and not are Kleene's: the least, the greatest and the opposite of no, unknown, yes."""
    text, truth = pair
    assert parse_condition(text)(ROW) is truth


def kleene(word: str, one: bool | None, other: bool | None) -> bool | None:
    order = [False, None, True]
    return order[(min if word == "and" else max)(order.index(one), order.index(other))]
