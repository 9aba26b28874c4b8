"""What is measured and what came out: frozen records, in base units (seconds, bytes), with how each figure was taken.

Schema history:
    1  first version
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

SCHEMA = 1

SYNTHETIC = "synthetic"
BUILT_IN = ("static", "panning", "alternating", "noise")  # clips that move in different ways, made of noise

RANDOM = "random"  # weights from a fixed seed
GIVEN = "given"  # weights as a user's own code made them

TASKS = ("inference", "train")  # a forward pass; forward, backward and an optimiser's step
RGB = tuple[float, float, float]  # of pixels in 0..1


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """`frames` RGB frames of `size` x `size`: synthetic noise, one of BUILT_IN, or from the video file `source`.

    From a video come the middles of equal spans of it or, with `start`, every `stride`-th frame from there on. A video
    that is too short is refused unless `loop` allows it to start over.
    """

    frames: int
    size: int
    source: str = SYNTHETIC
    start: int | None = None
    stride: int = 1
    loop: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Footage:
    """What clips are cut from: files, folders and names of BUILT_IN; none stands for what suits the net.

    Nets whose work depends on their input get `clips_per_video` clips of each video, their starts evenly spaced,
    `stride` frames between samples; all others get one clip, spread over the first video.
    """

    sources: tuple[str, ...] = ()
    clips_per_video: int = 10
    stride: int = 2
    loop: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One setting of one model: what a row of a table is about. `weights` is RANDOM, GIVEN or a checkpoint's path."""

    model: str
    classes: int | None
    frames: int
    size: int
    batch: int = 1
    device: str = "cpu"
    dtype: str = "fp32"
    mode: str = "eager"
    task: str = "inference"
    clip: str = SYNTHETIC
    views: str | None = None
    threads: int | None = None
    weights: str = RANDOM
    repeat: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What must agree before two figures are compared: device, driver, library stack, precision flags, threads."""

    device: str
    driver: str | None
    platform: str
    stack: Mapping[str, str]
    flags: Mapping[str, bool | str]
    threads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One figure, or a lower and an upper bound. `value` is None where it is unknown, and a caveat says why.

    `samples` holds at most MAX_SAMPLES of the figures that `value` is the median of. `details` holds, of a sampled
    figure, count, mean, p90, p99, min and max of all samples, and of a timed one how well its median is known
    (`interval`, `precision`, `settled`), its warm-up and how many of its samples were disturbed, by what; of a counted
    one, what it is made of and what was left out.
    """

    metric: str
    value: int | float | tuple[float, float] | None  # int: read back as such, to the last digit
    unit: str
    method: str
    samples: tuple[float, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    caveats: tuple[str, ...] = ()


MAX_SAMPLES = 1000
NOT_SETTLED = "not settled"  # how the caveat of a median begins that is not known as well as was asked
DISTURBED = "disturbed"  # and that of one whose samples were taken beside other load, or throttled
WRONG = "output differs"  # how the caveat of a difference begins that is beyond what the precision explains


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossCheck:
    """What another counter makes of the same net and clip, and what its difference to ours consists of, in MACs.

    Attributes:
        counter: its name; `version` is its release, None where it never ran.
        macs: its figure; None where it gave none, which `failure` explains.
        ours: what vidbench counts on the very same tensors.
        beside: counted by it alone, for it contracts nothing by our convention, such as normalisation, by operator.
        missed: contractions that it has no rule for, by operator.
        rounded: by what its figures of einsum, read off four printed digits, are greater than ours.
        unexplained: what is left, by operator or "elsewhere"; empty where the difference is explained to the last MAC.
        skipped: calls of all operators that it has no rule for, views and copies left out.
        unjudged: those of `skipped` that cannot be counted alone; kept only where something is unexplained.
    """

    counter: str
    version: str | None = None
    macs: int | None = None
    ours: int | None = None
    beside: Mapping[str, int] = field(default_factory=dict)
    missed: Mapping[str, int] = field(default_factory=dict)
    rounded: Mapping[str, int] = field(default_factory=dict)
    unexplained: Mapping[str, int] = field(default_factory=dict)
    skipped: Mapping[str, int] = field(default_factory=dict)
    unjudged: Mapping[str, int] = field(default_factory=dict)
    failure: str | None = None

    @property
    def difference(self) -> int | None:
        """Its figure less ours: `beside`, `rounded` and `unexplained` added up, less `missed`."""
        return None if self.macs is None or self.ours is None else self.macs - self.ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a case, or one of its figures, could not be measured."""

    kind: Literal["oom", "crash", "timeout", "error"]
    message: str


FAILED = {"oom": "out of memory", "crash": "crashed", "timeout": "timed out", "error": "failed"}  # kinds, in words


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A case, what was measured of it, and where: `environment` is the key of an Environment."""

    id: str
    time: str
    case: Case
    environment: str
    conditions: Mapping[str, Any] = field(default_factory=dict)
    measurements: tuple[Measurement, ...] = ()
    failure: Failure | None = None
    schema: int = SCHEMA

    @property
    def gpu_kind(self) -> str | None:
        """The kind of GPU, by Slurm's name, that the job had in which it was measured; None where none is known."""
        kind = self.conditions.get("gpu_kind")
        return kind if isinstance(kind, str) else None

    def figure(self, metric: str) -> float | None:
        """The one number that was measured of that metric; None where it is unknown, bounds, or was not taken."""
        measurement = self.measurement(metric)
        return None if measurement is None or isinstance(measurement.value, tuple) else measurement.value

    def measurement(self, metric: str) -> Measurement | None:
        """The measurement of that metric, or None where it was not taken."""
        for measurement in self.measurements:
            if measurement.metric == metric:
                return measurement
        return None
