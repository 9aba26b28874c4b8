"""What built-in nets cost on meta tensors, by part: the counting that `vidbench claims` asks for."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from vidbench.catalog import find_variant
from vidbench.claims import Cost, Setting
from vidbench.counting import count
from vidbench.models import build
from vidbench.models.atfr_sgs import keeping, samplers
from vidbench.models.tada import AttentiveRoute, ContextRoute, LocalRoute
from vidbench.records import Clip

BEHIND_POOLING = ("head.widen", "head.classifier", "classifier")  # where there: run once for each window of the pooling
ROUTES = (LocalRoute, ContextRoute, AttentiveRoute)  # of temporally adaptive convolutions


class Tally:
    """Counts each setting once, and builds each net once: on meta it holds no weights."""

    def __init__(self) -> None:
        self._costs: dict[Setting, Cost] = {}
        self._sampled: dict[tuple[Setting, int], int] = {}
        self._nets: dict[tuple[str | int, ...], nn.Module] = {}

    def cost(self, setting: Setting) -> Cost:
        """What a net whose work does not depend on its clip costs."""
        if setting not in self._costs:
            self._costs[setting] = _split(self._net(setting), setting)
        return self._costs[setting]

    def sampled_macs(self, setting: Setting, kept: int) -> int:
        """MACs of a net with similarity-guided sampling whose layers each keep `kept` of all the clip's frames."""
        if (setting, kept) not in self._sampled:
            net = self._net(setting)
            clip = Clip(frames=setting.frames, size=setting.size)
            with keeping(net, setting.frames):
                most = count(net, clip).macs
                given = [layer.frames_kept[0] for layer in samplers(net).values()]
            self._sampled[setting, setting.frames] = most
            with keeping(net, *(-(-kept * frames // setting.frames) for frames in given)):
                self._sampled[setting, kept] = count(net, clip).macs
        return self._sampled[setting, kept]

    def _net(self, setting: Setting) -> nn.Module:
        clip = find_variant(setting.variant).built_for(setting.frames, setting.size)
        wanted: tuple[str | int, ...] = (setting.variant, setting.classes, *clip.values())
        if wanted not in self._nets:
            with torch.device("meta"):
                self._nets[wanted] = build(setting.variant, classes=setting.classes, **clip)
        return self._nets[wanted]


def _split(net: nn.Module, setting: Setting) -> Cost:
    with _normalised(net) as elements:
        counted = count(net, Clip(frames=setting.frames, size=setting.size))
    modules = dict(net.named_modules())
    windowed = [path for path in BEHIND_POOLING if path in modules]
    classifiers = [path for path in windowed if path.endswith("classifier")]
    routes = [path for path, module in modules.items() if isinstance(module, ROUTES)]

    def macs(paths: list[str]) -> int:
        return sum(counted.by_module[path] for path in paths)

    def params(paths: list[str]) -> int:
        return sum(p.numel() for path in paths for p in modules[path].parameters())

    return Cost(
        macs=counted.macs,
        params=counted.params,
        activations=counted.activations,
        classifier_macs=macs(classifiers),
        classifier_params=params(classifiers),
        window_macs=macs(windowed),
        route_macs=macs(routes),
        route_params=params(routes),
        normalised=elements[_BatchNorm],
        layer_normalised=elements[nn.LayerNorm],
    )


@contextmanager
def _normalised(net: nn.Module) -> Iterator[Counter[type[nn.Module]]]:
    """While this is open, how many elements batch and layer normalisation put out."""
    elements: Counter[type[nn.Module]] = Counter()

    def note(module: nn.Module, _inputs: tuple[Tensor, ...], out: Tensor) -> None:
        elements[nn.LayerNorm if isinstance(module, nn.LayerNorm) else _BatchNorm] += out.numel()

    norms = [module for module in net.modules() if isinstance(module, _BatchNorm | nn.LayerNorm)]
    hooks = [module.register_forward_hook(note) for module in norms]
    try:
        yield elements
    finally:
        for hook in hooks:
            hook.remove()
