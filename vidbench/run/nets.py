"""The nets of cases: to count and to measure, the last ones kept."""

from copy import deepcopy
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from vidbench.catalog import find_variant, is_own, variants
from vidbench.clips import MEAN, STD, load_clip
from vidbench.environment import DTYPES
from vidbench.errors import CountError
from vidbench.models import build
from vidbench.models.weights import load_weights
from vidbench.records import GIVEN, RANDOM, RGB, Case, Clip
from vidbench.run.skeletons import find_skeleton

META = torch.device("meta")


@dataclass(slots=True)
class Nets:
    """The nets of cases; the last on meta and the last on a device are kept, for cases of one net are neighbours.

    Args:
        module: a user's own net, which then stands for every case's model.
    """

    module: nn.Module | None = None
    _kept: dict[bool, tuple[object, nn.Module]] = field(default_factory=dict)
    _skeleton: tuple[object, nn.Module | None, str] | None = None

    def counted(self, case: Case) -> nn.Module:
        """The net to count: on meta, without weights, but for a user's own that does not run there: as it is measured.

        Raises:
            CountError: it does not run there, and the case asks for no other device.
        """
        if not self._is_own(case):
            return self._keep(case, META)
        skeleton, _ = self._find_skeleton(case)
        return self.measured(case) if skeleton is None else skeleton.to(DTYPES[case.dtype])

    def cautions(self, case: Case) -> tuple[str, ...]:
        """What must be said of figures that are counted of that net."""
        reason = self._find_skeleton(case)[1] if self._is_own(case) else ""
        if not reason:
            return ()
        return (
            f"counted on a real clip on {case.device}, for the net does not run on meta tensors ({reason}); "
            "where its work depends on the clip, the figure is of this clip alone",
        )

    def measured(self, case: Case) -> nn.Module:
        """The net to measure, in eval mode on the case's device, in its precision, its weights always the same."""
        return self._keep(case, torch.device(case.device))

    def load(self, clip: Clip, case: Case) -> Tensor:
        """The clip as the case's net takes it: on its device, in its precision, normalised as its authors do."""
        mean, std = self.normalisation(case)
        tensor = load_clip(clip, batch=case.batch, mean=mean, std=std)
        return tensor.to(torch.device(case.device), DTYPES[case.dtype])

    def normalisation(self, case: Case) -> tuple[RGB, RGB]:
        """Mean and standard deviation of its authors' clips."""
        variant = variants().get(case.model)
        return (variant.mean, variant.std) if variant else (MEAN, STD)

    def forget(self) -> None:
        """Let go of what is kept on a device."""
        self._kept.pop(False, None)

    def _is_own(self, case: Case) -> bool:
        return self.module is not None or is_own(case.model)

    def _find_skeleton(self, case: Case) -> tuple[nn.Module | None, str]:
        """A user's own net on meta; where it does not run there, nothing, and why."""
        wanted = (case.model, case.classes, case.frames, case.size, case.task, case.device)
        if self._skeleton is None or self._skeleton[0] != wanted:
            self._skeleton = None
            net = self.measured(case) if self.module is None else self.module
            try:
                clip = Clip(frames=case.frames, size=case.size)
                self._skeleton = (wanted, find_skeleton(net, clip, train=case.task == "train"), "")
            except CountError as error:
                if case.device == "meta":
                    fix = "--device cpu counts it on a real clip"
                    raise CountError(f"{case.model} does not run on meta tensors ({error}); {fix}") from error
                self._skeleton = (wanted, None, str(error))
        return self._skeleton[1:]

    def _keep(self, case: Case, device: torch.device) -> nn.Module:
        on_meta = device.type == "meta"
        dtype = DTYPES[case.dtype]
        clip = find_variant(case.model).built_for(case.frames, case.size) if self.module is None else None
        mode = None if on_meta else case.mode  # which may change a net in place
        wanted = (case.model, case.classes, clip, case.weights, case.task, device, dtype, mode)
        if on_meta not in self._kept or self._kept[on_meta][0] != wanted:
            self._kept.pop(on_meta, None)
            self._kept[on_meta] = (wanted, self._make(case, device).to(dtype).eval())
        return self._kept[on_meta][1]

    def _make(self, case: Case, device: torch.device) -> nn.Module:
        if self.module is not None:
            return deepcopy(self.module).to(device)
        net = build_net(case, device)
        if device.type != "meta" and case.weights not in (RANDOM, GIVEN):
            load_weights(net, case.weights)
        return net.to(device)


def build_net(case: Case, device: torch.device) -> nn.Module:
    """The case's net with random weights, always the same; a user's own comes on the device that its factory chooses.

    Raises:
        InputError: the code of a user or of a package that registered the family fails.
    """
    place = torch.device("cpu") if is_own(case.model) else device
    with torch.random.fork_rng([device] if device.type == "cuda" else []), place:
        torch.manual_seed(0)
        return build(case.model, classes=case.classes, frames=case.frames, size=case.size)
