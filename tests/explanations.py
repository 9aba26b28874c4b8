"""Explanations as `vidbench explain` makes them, for tests of what is done with them; MACs and bytes are of the nets.

Seconds are made up, of the order that a laptop takes.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from vidbench.devices import LAUNCH_SECONDS, Peaks, estimate_call
from vidbench.explain.explanation import Explanation, Finding, Trial, Work
from vidbench.explain.joining import Module, Timed, by_kind, by_operator, grow
from vidbench.records import Case

DENSE, POINTWISE, DEPTHWISE = "dense convolution", "1x1x1 convolution", "depthwise convolution"
NORM, ELEMENTWISE, POOL = "normalisation", "elementwise", "pooling and reduction"
COUNTED = frozenset((DENSE, POINTWISE, DEPTHWISE, "grouped convolution", "linear", "attention", "recurrent"))

LAPTOP = Peaks(
    name="Laptop CPU",
    macs_per_second=120e9,
    bytes_per_second=20e9,
    method="measured: matrix products of float32, and a copy of 256 MiB",
    estimate=False,
)
A100 = Peaks(
    name="a100-sxm-40gb",
    macs_per_second=9.75e12,
    bytes_per_second=1555e9,
    method="printed, not measured: dense fp32 peak and memory bandwidth from its datasheet",
    estimate=True,
)

CONV, BATCH_NORM, RELU, MEAN, ADDMM = (
    "aten.convolution", "aten.native_batch_norm", "aten.relu_", "aten.mean", "aten.addmm"
)  # fmt: skip

# Module, operator, kind, filter; calls, MACs, elements put out, bytes read and written; seconds.
Row = tuple[str, str, str, str, int, int, int, int, int, float | None]

X3D: tuple[Row, ...] = (
    ("stem.space", CONV, DENSE, "1x3x3", 1, 130056192, 4816896, 9636384, 19267584, 0.0061),
    ("stem.time", CONV, DEPTHWISE, "5x1x1", 1, 24084480, 4816896, 19268064, 19267584, 0.0048),
    ("stem.norm", BATCH_NORM, NORM, "", 1, 0, 0, 19267968, 19267776, 0.0025),
    ("stem", RELU, ELEMENTWISE, "", 1, 0, 0, 19267584, 19267584, 0.0021),
    ("stages.expand", CONV, POINTWISE, "1x1x1", 86, 3844041984, 53215368, 196468800, 212861472, 0.0593),
    ("stages.norm", "aten.empty", "creation", "", 82, 0, 0, 0, 0, 0.0002),
    ("stages.norm", BATCH_NORM, NORM, "", 82, 0, 0, 311987904, 311865696, 0.0384),
    ("stages", RELU, ELEMENTWISE, "", 67, 0, 0, 203815968, 203815968, 0.0239),
    ("stages.filter", CONV, DEPTHWISE, "3x3x3", 26, 667554048, 24724224, 160519752, 98896896, 0.0687),
    ("stages.excite", MEAN, POOL, "", 15, 0, 0, 59609088, 13824, 0.0051),
    ("stages.excite", "aten.mul", ELEMENTWISE, "", 15, 0, 0, 59622912, 59609088, 0.0066),
    ("stages", "aten.silu", ELEMENTWISE, "", 26, 0, 0, 98896896, 98896896, 0.0172),
    ("stages", "aten.add", ELEMENTWISE, "", 26, 0, 0, 87908352, 43954176, 0.0071),
    ("head.conv", CONV, POINTWISE, "1x1x1", 2, 65912832, 340736, 4474560, 1362944, 0.0018),
    ("head", MEAN, POOL, "", 1, 0, 0, 1354752, 1728, 0.0001),
    ("head", "aten.view", "view", "", 2, 0, 0, 0, 0, 0.0),
    ("head.project", ADDMM, "linear", "", 1, 819200, 400, 3286592, 1600, 0.0003),
)
SLOW: tuple[Row, ...] = (
    ("stem.conv", CONV, DENSE, "1x7x7", 1, 944111616, 6422528, 4854528, 25690112, 0.0132),
    ("stem.norm", BATCH_NORM, NORM, "", 1, 0, 0, 25691136, 25690624, 0.0032),
    ("stem", RELU, ELEMENTWISE, "", 1, 0, 0, 25690112, 25690112, 0.0027),
    ("stem", "aten.max_pool3d_with_indices", POOL, "", 1, 0, 0, 25690112, 19267584, 0.0118),
    ("stages.last", CONV, POINTWISE, "1x1x1", 27, 12434014208, 66633728, 249823232, 266534912, 0.1531),
    ("stages.norm", BATCH_NORM, NORM, "", 52, 0, 0, 330381312, 330169344, 0.0412),
    ("stages", RELU, ELEMENTWISE, "", 48, 0, 0, 281788416, 281788416, 0.0297),
    ("stages.space", CONV, DENSE, "1x3x3", 16, 14797504512, 11038720, 106283008, 44154880, 0.1604),
    ("stages", "aten.add", ELEMENTWISE, "", 16, 0, 0, 353239040, 176619520, 0.0275),
    ("stages.time", CONV, DENSE, "3x1x1", 9, 13564379136, 4816896, 106561536, 19267584, 0.1398),
    ("head", MEAN, POOL, "", 1, 0, 0, 3211264, 8192, 0.0002),
    ("head.project", ADDMM, "linear", "", 1, 819200, 400, 3286592, 1600, 0.0003),
)
OTHERS: tuple[Row, ...] = (  # with X3D and UNKNOWN a net of twelve kinds that take time
    ("mixer", CONV, "grouped convolution", "1x3x3", 4, 410000000, 6000000, 52000000, 24000000, 0.0105),
    ("mixer.attention", "aten.bmm", "attention", "", 8, 290000000, 9000000, 61000000, 36000000, 0.0092),
    ("mixer.attention", "aten._softmax", POOL, "", 4, 0, 0, 36000000, 36000000, 0.0088),
    ("mixer.attention", "aten.clone", "copy", "", 12, 0, 0, 48000000, 48000000, 0.0079),
    ("mixer.gru", "aten.mkldnn_rnn_layer", "recurrent", "", 1, 95000000, 2000000, 21000000, 9000000, 0.0064),
    ("mixer", "aten.upsample_trilinear3d", "resampling", "", 1, 0, 0, 12000000, 48000000, 0.0071),
    ("mixer", "aten.topk", "other", "", 1, 0, 0, 12000000, 1000000, 0.0034),
)
UNKNOWN: Row = ("stages.offset", "vision.deform_conv2d", "unknown", "", 3, 0, 0, 64000000, 16000000, 0.0211)

CLASSES = {"": "Net", "stem": "Sequential", "stages": "Sequential", "head": "Head", "mixer": "Mixer"}


def explain(
    rows: Sequence[Row], *, peaks: Peaks | None = LAPTOP, idle: float = 0.05, on: str = "Laptop CPU", **changes: Any
) -> Explanation:
    """What these rows are joined to on the device of that name; `idle` is the share of time spent in no operator.

    `changes` are fields of the explanation, or of its case.
    """
    of_case = {key: changes.pop(key) for key in tuple(changes) if key in Case.__dataclass_fields__}
    timed = [
        Timed(module, operator, kind, kernel, Work(calls=calls, macs=macs, activations=out, read=read, written=written,
                                                   seconds=seconds))
        for module, operator, kind, kernel, calls, macs, out, read, written, seconds in rows
    ]  # fmt: skip
    seconds = [row[-1] for row in rows if row[-1] is not None]
    total = sum(seconds) / (1 - idle) if seconds else None
    case = Case(**{"model": "x3d-m", "classes": 400, "frames": 16, "size": 224, "threads": 2, **of_case})
    return Explanation(
        **{
            "case": case,
            "device": on,
            "environment": "0123abcd",
            "versions": {"python": "3.11.2", "torch": "2.13.0"},
            "params": 3794322,
            "peaks": peaks if seconds else None,
            "total": total,
            "outside": total * idle if total else None,
            "waits": False,
            "latency": total * 0.93 if total else None,
            "overhead": 1 / 0.93 if total else None,
            "root": grow(_modules(rows), timed),
            "kinds": by_kind(timed, COUNTED, kernels=False),
            "kernels": by_kind(timed, COUNTED, kernels=True),
            "operators": by_operator(timed, COUNTED, frozenset(("unknown",))),
            "methods": ("MACs and bytes counted on meta tensors", "times: torch's profiler, median of 3 calls"),
            **changes,
        }
    )


def _modules(rows: Sequence[Row]) -> list[Module]:
    """Every module that the rows name, and those above, as a net would list them."""
    paths = {"": None}
    for row in rows:
        steps = row[0].split(".")
        paths |= {".".join(steps[: depth + 1]): None for depth in range(len(steps))}
    return [Module(path, CLASSES.get(path, "Conv3d"), 3794322 // (1 + path.count(".") + bool(path))) for path in paths]


def x3d(**changes: Any) -> Explanation:
    """A net of few MACs that takes long: depthwise convolutions, and much that no count of MACs sees."""
    found = Finding(
        topic="depthwise convolutions",
        text="depthwise convolutions hold 14.6 % of the MACs and take 28.4 % of the time",
        figures={"share_of_macs": 0.146, "share_of_time": 0.284},
        trial="channels-last",
    )
    tried = Trial(name="channels-last", change="weights and clip in channels-last", before=0.24, after=0.16)
    return explain(X3D, **{"findings": (found,), "trials": (tried,), **changes})


def slow(**changes: Any) -> Explanation:
    """A net of many MACs in dense convolutions, which run near the device's peak."""
    return explain(SLOW, **{"model": "slow-8x8-r50", "frames": 8, "params": 32454096, "idle": 0.02, **changes})


def counted(rows: Sequence[Row] = X3D, **changes: Any) -> Explanation:
    """The net on meta: nothing timed."""
    return explain([(*row[:-1], None) for row in rows], **{"on": "meta", "device": "meta", **changes})


def estimated(rows: Sequence[Row] = X3D, peaks: Peaks = A100, **changes: Any) -> Explanation:
    """The net as it would run at a datasheet's peaks, with a time for each launch."""
    times = [estimate_call(peaks, macs=row[5], bytes=row[7] + row[8], launch=row[4] * LAUNCH_SECONDS) for row in rows]
    timed = [(*row[:-1], time.seconds) for row, time in zip(rows, times, strict=True)]
    return explain(timed, **{"peaks": peaks, "idle": 0.0, "on": peaks.name, "device": "meta", **changes})


def on_gpu(rows: Sequence[Row] = X3D, **changes: Any) -> Explanation:
    """The net on a GPU that waits for launches half of the time."""
    name = "NVIDIA A100-SXM4-40GB"
    method = "measured: matrix products of float32, the fastest of 8192 x 8192, and a copy of 1024 MiB"
    peaks = replace(A100, name=name, method=method, estimate=False)
    return estimated(rows, peaks, **{"idle": 0.5, "waits": True, "device": "cuda:0", **changes})


def with_unknown(**changes: Any) -> Explanation:
    """A net with an operator that may contract something, yet is counted as nothing."""
    return explain((*SLOW, UNKNOWN), **{"model": "slow-8x8-r50", "frames": 8, **changes})


def of_twelve_kinds(**changes: Any) -> Explanation:
    """A net that does a bit of everything."""
    return explain((*X3D, *OTHERS, UNKNOWN), **{"model": "everything", **changes})
