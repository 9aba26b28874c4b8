"""Peak memory without a device: which tensors live at once, told by one pass on meta tensors."""

import weakref
from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor, UntypedStorage

CUDA_BLOCK = 512  # bytes to whose multiples CUDA's caching allocator rounds


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """The most bytes that tensors hold at once during a pass, and where that is.

    Attributes:
        bytes: of weights, inputs and activations together.
        weights: of parameters and buffers.
        inputs: of what the pass was given.
        activations: of all that the pass made and had not let go of at the peak; in training gradients are among it.
        module: the path of the innermost module that was being called then; "" is the whole model.
        operator: the operator whose output made it the peak; "" where inputs and weights are all there is.
    """

    bytes: int
    weights: int
    inputs: int
    activations: int
    module: str
    operator: str


class Lifetimes:
    """Follows the storages of tensors from the operator that makes them until nothing refers to them.

    Args:
        weights: parameters and buffers, which live throughout.
        inputs: what the pass is given, which the caller keeps throughout.
        block: allocations are rounded up to multiples of so many bytes.
    """

    def __init__(self, weights: Iterable[Tensor], inputs: Iterable[Tensor], block: int = 1) -> None:
        self._block = block
        self._references: dict[int, weakref.ref[UntypedStorage]] = {}  # by the address of what is alive
        self._held: set[int] = set()
        self._weights = self._hold(weights)
        self._inputs = self._hold(inputs)
        self._live = self._most = 0
        self._where = ("", "")

    def follow(self, out: Tensor, module: str, operator: str) -> None:
        """Take note of what an operator has put out; views and what was written in place are no new storage."""
        storage = out.untyped_storage()
        address = storage._cdata
        if address in self._references or address in self._held:
            return
        size = self._round(storage.nbytes())

        def end(_: object, address: int = address, size: int = size) -> None:
            del self._references[address]
            self._live -= size

        # torch keeps the Python face of a storage as long as the storage itself lives: the reference ends with it.
        self._references[address] = weakref.ref(storage, end)
        self._live += size
        if self._live > self._most:
            self._most = self._live
            self._where = (module, operator)

    def peak(self) -> Peak:
        """The peak up to now."""
        module, operator = self._where
        return Peak(
            bytes=self._weights + self._inputs + self._most,
            weights=self._weights,
            inputs=self._inputs,
            activations=self._most,
            module=module,
            operator=operator,
        )

    def _hold(self, tensors: Iterable[Tensor]) -> int:
        fresh = {storage._cdata: storage for storage in (tensor.untyped_storage() for tensor in tensors)}
        fresh = {address: storage for address, storage in fresh.items() if address not in self._held}
        self._held |= fresh.keys()
        return sum(self._round(storage.nbytes()) for storage in fresh.values())

    def _round(self, size: int) -> int:
        return -(-size // self._block) * self._block
