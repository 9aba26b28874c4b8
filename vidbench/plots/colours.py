"""How each kind of operator looks, the same in every picture.

Work that MACs are counted of is dark, other work pale. The eleven kinds that most nets have stay apart for readers who
see no red or no green; rare ones are told by their hatch, too.
"""

from typing import NamedTuple


class Look(NamedTuple):
    """A fill, and a pattern over it."""

    colour: str
    hatch: str = ""

    @property
    def is_dark(self) -> bool:
        """Whether text over it is better white."""
        red, green, blue = (int(self.colour[start : start + 2], 16) for start in (1, 3, 5))
        return 0.299 * red + 0.587 * green + 0.114 * blue < 140


LOOKS = {  # in the order of bars and legends
    "dense convolution": Look("#332288"),
    "1x1x1 convolution": Look("#4477AA"),
    "grouped convolution": Look("#44AA99"),
    "depthwise convolution": Look("#117733"),
    "transposed convolution": Look("#332288", "...."),
    "linear": Look("#882255"),
    "attention": Look("#CC6677"),
    "recurrent": Look("#882255", "xxxx"),
    "custom": Look("#CC6677", "xxxx"),
    "normalisation": Look("#EE9955"),
    "elementwise": Look("#EEDD88"),
    "pooling and reduction": Look("#FFC4D6"),
    "copy": Look("#99DDFF"),
    "resampling": Look("#99DDFF", "...."),
    "creation": Look("#DDDDDD"),
    "view": Look("#DDDDDD", "xxxx"),
    "other": Look("#EEDD88", "xxxx"),
    "unknown": Look("#000000"),
    "not matched": Look("#777777", "...."),
}
UNHEARD = Look("#777777")
REST = Look("#E8E8E8")
OUTSIDE = Look("#B0B0B0", "//////")


def look_of(kind: str) -> Look:
    """How operators of that kind look."""
    return LOOKS.get(kind, UNHEARD)


def place_of(kind: str) -> int:
    """Where that kind stands in bars and legends; kinds not in LOOKS come last."""
    return list(LOOKS).index(kind) if kind in LOOKS else len(LOOKS)
