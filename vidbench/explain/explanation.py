"""What `vidbench explain` tells: where one call's MACs, bytes and seconds go; frozen, in base units."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from vidbench.devices import Peaks
from vidbench.records import Case

Bound = Literal["compute", "memory", "neither"]

NEAR = 0.5  # of what the limits allow: less, and neither of them is what holds an operator up


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What some operators of one call do together.

    Attributes:
        calls: of operators; views among them.
        macs: multiply-accumulates.
        activations: elements put out by contractions.
        read: bytes of the tensors taken in.
        written: bytes of the tensors put out.
        seconds: measured, or estimated where the explanation's peaks are; None where nothing was timed.
    """

    calls: int = 0
    macs: int = 0
    activations: int = 0
    read: int = 0
    written: int = 0
    seconds: float | None = None

    @property
    def bytes(self) -> int:
        """Read and written."""
        return self.read + self.written

    @property
    def intensity(self) -> float | None:
        """MACs a byte; None where no byte moves."""
        return self.macs / self.bytes if self.bytes else None

    @property
    def macs_per_second(self) -> float | None:
        """The rate reached; None where nothing was timed."""
        return self.macs / self.seconds if self.seconds else None

    @property
    def bytes_per_second(self) -> float | None:
        """The rate reached; None where nothing was timed."""
        return self.bytes / self.seconds if self.seconds else None

    def of_peak(self, peaks: Peaks | None) -> float | None:
        """The share of the device's arithmetic that is reached."""
        return self.macs_per_second / peaks.macs_per_second if peaks and self.macs_per_second is not None else None

    def of_bandwidth(self, peaks: Peaks | None) -> float | None:
        """The share of the device's memory bandwidth that is reached."""
        return self.bytes_per_second / peaks.bytes_per_second if peaks and self.bytes_per_second is not None else None

    def least_seconds(self, peaks: Peaks) -> float:
        """What the device needs at its peaks: the longer of its arithmetic's and its memory's time."""
        return max(self.macs / peaks.macs_per_second, self.bytes / peaks.bytes_per_second)

    def bound(self, peaks: Peaks | None) -> Bound | None:
        """Which limit holds it up, NEAR enough to be reached; None where nothing was timed."""
        if peaks is None or not self.seconds:
            return None
        if self.least_seconds(peaks) < NEAR * self.seconds:
            return "neither"
        return "compute" if self.macs / peaks.macs_per_second >= self.bytes / peaks.bytes_per_second else "memory"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One module of the net with all below it; `work` includes the children's, `own` is what it does itself."""

    path: str  # "" is the whole net
    kind: str  # the module's class
    params: int
    work: Work
    own: Work
    children: tuple["Part", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """All operators of one kind, such as "depthwise convolution"; with `kernel` ("3x3x3") those of one filter alone."""

    name: str
    kernel: str
    counted: bool  # whether its MACs are counted: it is a contraction
    work: Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """All calls of one operator, such as "aten.add"; `known` is False where it may contract something uncounted."""

    name: str
    kind: str
    counted: bool
    known: bool
    work: Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing worth knowing, in plain words with its figures, and what of TRIALS could be tried."""

    topic: str
    text: str
    figures: Mapping[str, float] = field(default_factory=dict)
    trial: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a change did: seconds a clip before and after, how far the logits moved, or why it could not be tried."""

    name: str
    change: str
    before: float
    after: float | None = None
    difference: float | None = None  # of logits: greatest absolute difference over the greatest absolute logit
    failure: str | None = None

    @property
    def speedup(self) -> float | None:
        """How many times as fast a clip is after the change."""
        return self.before / self.after if self.after else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Where one call of a net goes. The seconds of `kinds`, of `root`, or of `operators`, and `outside` make `total`.

    Attributes:
        case: the setting; its batch is what `work` is of.
        device: the device's name, or that of the one that it is estimated for.
        environment: the key of the environment it was taken in.
        versions: of the library stack.
        params: of the net.
        peaks: the device's; None on meta without an estimate.
        total: seconds of the call that is explained (under the profiler); None where nothing was timed.
        outside: seconds in no operator: Python and dispatch; on CUDA those in which the device waited for launches.
        waits: whether `outside` is a GPU waiting for launches.
        latency: seconds of the same call without the profiler.
        overhead: how many times as long the call takes under the profiler.
        root: the whole net, as a tree of its modules.
        kinds: of operators, one after the other by time (or MACs, where nothing was timed).
        kernels: the same, with convolutions apart by their filters.
        operators: by name.
        findings: what follows.
        trials: what of it was tried.
        methods: how the figures were taken, a sentence each.
        caveats: what makes them doubtful.
    """

    case: Case
    device: str
    environment: str | None
    versions: Mapping[str, str]
    params: int
    peaks: Peaks | None
    total: float | None
    outside: float | None
    waits: bool
    latency: float | None
    overhead: float | None
    root: Part
    kinds: tuple[Kind, ...]
    kernels: tuple[Kind, ...]
    operators: tuple[Operator, ...]
    findings: tuple[Finding, ...] = ()
    trials: tuple[Trial, ...] = ()
    methods: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()

    def share_of_time(self, work: Work) -> float | None:
        """Of `total`; None where nothing was timed."""
        return work.seconds / self.total if self.total and work.seconds is not None else None

    def share_of_macs(self, work: Work) -> float:
        """Of the whole net's; 0 where that has none."""
        return work.macs / self.root.work.macs if self.root.work.macs else 0.0

    def share_of_bytes(self, work: Work) -> float:
        """Of the whole net's; 0 where that has none."""
        return work.bytes / self.root.work.bytes if self.root.work.bytes else 0.0

    @property
    def uncounted(self) -> Work:
        """All operators that no count of FLOPs sees."""
        return add(*(kind.work for kind in self.kinds if not kind.counted))

    @property
    def unknown(self) -> tuple[Operator, ...]:
        """Operators that may contract something, yet are counted as nothing."""
        return tuple(operator for operator in self.operators if not operator.known)


def add(*works: Work) -> Work:
    """All of it together; untimed where any of it is."""
    seconds = [work.seconds for work in works]
    timed = [second for second in seconds if second is not None]
    return Work(
        calls=sum(work.calls for work in works),
        macs=sum(work.macs for work in works),
        activations=sum(work.activations for work in works),
        read=sum(work.read for work in works),
        written=sum(work.written for work in works),
        seconds=sum(timed) if timed and len(timed) == len(seconds) else None,
    )
