"""What a net costs at a setting, split into the parts that one author counts and another leaves out."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A net of the catalog, the width of its logits, and the clip it is given."""

    variant: str
    classes: int
    frames: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one pass over one clip costs.

    Attributes:
        macs: multiply-accumulates of contractions, all others below being part of them.
        params: elements of all parameters.
        activations: elements put out by contractions.
        classifier_macs: of the last layer.
        classifier_params: of the last layer.
        window_macs: of the layers behind the pooling, which run once for each window of the pooling.
        route_macs: of what works out the scales of temporally adaptive convolutions.
        route_params: likewise.
        normalised: elements put out by batch normalisation, which is not part of `macs`.
        layer_normalised: likewise by layer normalisation.
    """

    macs: int
    params: int
    activations: int = 0
    classifier_macs: int = 0
    classifier_params: int = 0
    window_macs: int = 0
    route_macs: int = 0
    route_params: int = 0
    normalised: int = 0
    layer_normalised: int = 0


class Counting(Protocol):
    """Counts nets of the catalog without a device; what it is asked twice it counts once."""

    def cost(self, setting: Setting) -> Cost:
        """What a net whose work does not depend on its clip costs."""

    def sampled_macs(self, setting: Setting, kept: int) -> int:
        """MACs of a net with similarity-guided sampling whose layers each keep `kept` of all the clip's frames.

        A layer that gets fewer frames than the clip has keeps the same share of them, rounded up.
        """
