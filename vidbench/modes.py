"""Precisions, and ways to run one and the same net: what each does to weights and input, and takes to prepare."""

from dataclasses import dataclass
from typing import Literal

from vidbench.errors import InputError

PRECISIONS = {
    "fp32": "fp32 (TF32 off)",
    "tf32": "tf32",
    "fp16": "fp16 weights and input",
    "bf16": "bf16 weights and input",
    "amp": "amp (autocast to bf16)",
}


@dataclass(frozen=True, slots=True)
class Mode:
    """One way to run a net.

    Attributes:
        name: as `--mode` takes it.
        weights: what it does to them, in a sentence.
        clip: what it does to the input.
        prepares: what its first calls do beside computing: "compile" or "capture", or nothing.
        pools: whether its calls on a GPU work in memory pools of CUDA graphs.
    """

    name: str
    weights: str
    clip: str
    prepares: Literal["compile", "capture"] | None = None
    pools: bool = False

    def describe(self) -> str:
        """For a method."""
        return f"mode {self.name}: {self.weights}; {self.clip}"


MODES = {
    mode.name: mode
    for mode in (
        Mode("eager", "the weights stay as the net has them", "the clip is contiguous (N, C, T, H, W)"),
        Mode(
            "channels-last",
            "weights of five dimensions are laid out in channels_last_3d, those of four in channels_last",
            "the clip is in channels_last_3d, from which frames fold into channels_last without a copy; what operators "
            "make of it after that is in the order that their kernels choose",
        ),
        Mode(
            "compile",
            "torch.compile generates code for the net's graphs at its first call; the weights stay as they are",
            "the code is made for the clip's shape",
            "compile",
        ),
        Mode(
            "compile-max",
            "torch.compile(mode='max-autotune') also times several kernels for an operator and keeps the quickest; the "
            "weights stay as they are",
            "the code is made for the clip's shape, on a GPU in a CUDA graph that is given a copy of the clip",
            "compile",
            pools=True,
        ),
        Mode(
            "cuda-graph",
            "the kernels of one forward pass are captured in a CUDA graph, which each call launches as a whole; the "
            "weights stay where they are",
            "the clip is read from where it was at the capture",
            "capture",
            pools=True,
        ),
    )
}

# By how much of the greatest logit a faster way may differ from fp32 eager, by precision. Of eleven nets of as many
# families (CPU, random weights), fp32 in channels last differed by 7e-6 at most, bf16 by 0.003 to 0.03, fp16 by 0.0004
# to 0.017; but in one, whose logits are 1e-7, what fp16 cannot hold became 0.4.
LIMITS = {"fp32": 1e-3, "tf32": 1e-2, "fp16": 5e-2, "bf16": 5e-2, "amp": 5e-2}


def check_mode(name: str, device_type: str, task: str) -> None:
    """Refuse a mode that there is not, or not there.

    Raises:
        InputError: it is unknown, or cannot run nets on a device of that type or for that task.
    """
    if name not in MODES:
        raise InputError(f"unknown mode {name!r}; there are {', '.join(MODES)}")
    if device_type == "meta" and name != "eager":
        raise InputError(f"mode {name} changes how nets run, and on meta nothing does; give --device cpu or cuda")
    if name == "cuda-graph" and device_type != "cuda":
        raise InputError(f"mode cuda-graph needs a CUDA device, not {device_type}; --mode compile runs everywhere")
    if name == "cuda-graph" and task != "inference":
        raise InputError("mode cuda-graph captures a forward pass alone; give --task inference or another --mode")
