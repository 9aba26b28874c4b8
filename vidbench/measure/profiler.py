"""One call under torch's profiler: a tree of what ran on the CPU, the kernels on the device, and the Chrome trace."""

import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn
from torch._C._autograd import DeviceType
from torch._C._profiler import _ExperimentalConfig, _RecordFunctionFast
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.profiler import ProfilerActivity, profile

from vidbench.counting.kinds import is_composite
from vidbench.errors import InputError, VidbenchError

CALL = "one call"  # the scope around everything that is timed


@dataclass(slots=True, eq=False)
class Event:
    """An operator or a scope that ran on the CPU, from `start` to `end` (ns), and what ran inside it."""

    name: str
    start: int
    end: int
    identity: int  # what its kernels are linked by
    works: bool = False  # an operator that does more than call others
    children: list["Event"] = field(default_factory=list)


class Kernel(NamedTuple):
    """A kernel or copy on the device, from `start` to `end` (ns), and the identity of the event that launched it."""

    name: str
    start: int
    end: int
    launcher: int


@contextmanager
def scoped_modules(net: nn.Module) -> Iterator[dict[str, str]]:
    """While this is open, each call of a module of `net` is a scope; gives the modules' paths by the scopes' names.

    The hooks are global ones: a hook on a module of its own would keep torch from its fast paths for attention.
    """
    paths = {f"module {path}" if path else f"model {type(net).__name__}": path for path, _ in net.named_modules()}
    names = {id(module): name for (_, module), name in zip(net.named_modules(), paths, strict=True)}
    open_scopes: list[AbstractContextManager[None] | None] = []

    def enter(module: nn.Module, _inputs: Any) -> None:
        opened = scope(names[id(module)]) if id(module) in names else None
        open_scopes.append(opened)
        if opened:
            opened.__enter__()

    def leave(_module: nn.Module, _inputs: Any, _output: Any) -> None:
        if opened := open_scopes.pop():
            opened.__exit__(None, None, None)

    hooks = (register_module_forward_pre_hook(enter), register_module_forward_hook(leave, always_call=True))
    try:
        yield paths
    finally:
        for hook in hooks:
            hook.remove()


def profile_call(
    call: Callable[[], float], device: torch.device, trace: Path | None = None
) -> tuple[Event, list[Kernel], float]:
    """Run `call`, which opens the scope CALL once: that scope's tree, the device's kernels, and what `call` gave.

    Args:
        call: what is profiled; on CUDA it returns after the device has done its work.
        device: where the kernels run.
        trace: where to write the Chrome trace, with everything that was profiled.

    Raises:
        VidbenchError: the profiler did not see the call.
    """
    activities = [ProfilerActivity.CPU] + ([ProfilerActivity.CUDA] if device.type == "cuda" else [])
    # Overloads' names tell which operators only call others.
    profiler = profile(activities=activities, experimental_config=_ExperimentalConfig(capture_overload_names=True))
    with silenced_stderr():
        profiler.start()
    try:
        result = call()
    finally:
        with silenced_stderr():
            profiler.stop()
    if trace:
        with silenced_stderr():
            profiler.export_chrome_trace(str(trace))
    results = profiler.profiler and profiler.profiler.kineto_results
    events = list(results.events()) if results else []
    tree = _tree(events, all_threads=device.type == "cuda")  # a GPU's backward pass has a thread of its own
    if tree is None:
        raise VidbenchError("torch's profiler saw nothing of the call, so that this torch cannot time operators")
    return tree, [_kernel(event) for event in events if _is_kernel(event, device)], result


def scope(name: str) -> AbstractContextManager[None]:
    """What runs inside is an event of that name in a profile; torch's own record_function takes ten times as long."""
    return _RecordFunctionFast(name)


def _tree(events: list[Any], *, all_threads: bool) -> Event | None:
    """The scope CALL with what its thread, or every thread, ran at that time; None where there is no such scope."""
    of_torch = [event for event in events if _is_of_torch(event)]
    called = next((event for event in of_torch if event.name() == CALL), None)
    if called is None:
        return None
    root = Event(CALL, called.start_ns(), called.end_ns(), called.correlation_id())
    stacks: dict[int, list[Event]] = defaultdict(lambda: [root])  # by thread
    for event in sorted(of_torch, key=lambda event: (event.start_ns(), -event.end_ns())):
        thread = event.start_thread_id()
        elsewhere = thread != called.start_thread_id() and not all_threads
        if event is called or elsewhere or not root.start <= event.start_ns() < root.end:
            continue
        stack = stacks[thread]
        while event.start_ns() >= stack[-1].end:
            stack.pop()
        node = Event(
            event.name(),
            event.start_ns(),
            min(event.end_ns(), stack[-1].end),
            event.correlation_id(),
            works=not event.is_user_annotation() and _works(event.name(), event.overload_name()),
        )
        stack[-1].children.append(node)
        stack.append(node)
    return root


@cache
def _works(name: str, overload: str) -> bool:
    """Whether events of that name are operators that do more than call others; autograd's nodes are none."""
    namespace, found, operator = name.partition("::")
    if not found or not operator.isidentifier():
        return False
    form = getattr(getattr(getattr(torch.ops, namespace), operator, None), overload or "default", None)
    return form is None or not is_composite(form)


def _is_of_torch(event: Any) -> bool:
    """Whether it is an operator or a scope: calls of the CUDA runtime are in the profile, too, numbered anew."""
    return (
        event.device_type() == DeviceType.CPU
        and not event.linked_correlation_id()
        and _activity(event) in (None, "cpu_op", "user_annotation")
    )


def _activity(event: Any) -> str | None:
    activity: str | None = getattr(event, "activity_type", lambda: None)()  # older versions do not tell
    return activity


def _is_kernel(event: Any, device: torch.device) -> bool:
    """Whether it is work of that device; annotations, which the device's timeline shows too, are none."""
    return (
        device.type == "cuda"
        and event.device_type() == DeviceType.CUDA
        and not event.is_user_annotation()
        and _activity(event) in (None, "kernel", "gpu_memcpy", "gpu_memset")
        and device.index in (None, event.device_index())
    )


def _kernel(event: Any) -> Kernel:
    return Kernel(event.name(), event.start_ns(), event.end_ns(), event.linked_correlation_id())


def check_trace(path: Path) -> None:
    """Raise InputError where no Chrome trace can be written to `path`."""
    if not path.name.endswith((".json", ".json.gz")):
        raise InputError(f"{path} is no name for a Chrome trace; give a file that ends in .json or .json.gz")
    existed = path.exists()
    try:
        path.open("a").close()
    except OSError as error:
        reason = error.strerror if path.parent.is_dir() else f"there is no folder {path.parent}"
        raise InputError(f"{path} cannot be written: {reason}; give a file in a folder you can write") from error
    if not existed:
        path.unlink()


@contextmanager
def silenced_stderr() -> Iterator[None]:
    """The profiler's native library announces its start and stop on stderr, whatever its log level."""
    sys.stderr.flush()
    kept = os.dup(2)
    with Path(os.devnull).open("w") as sink:
        os.dup2(sink.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
