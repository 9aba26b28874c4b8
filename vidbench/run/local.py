"""Cases in their order, timed ones in processes of their own; a case that fails is a record, and the rest goes on."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import torch
from torch import nn

from vidbench.catalog import find_variant, is_own
from vidbench.clips import plan_clips
from vidbench.environment import resolve_device
from vidbench.errors import InputError
from vidbench.measure import PRECISION
from vidbench.metrics import ADAPTIVE, METRICS, select_metrics
from vidbench.models.weights import check_weights, read_weights
from vidbench.records import GIVEN, RANDOM, SYNTHETIC, TASKS, Case, Clip, Environment, Footage, Record
from vidbench.run.batches import find_batch
from vidbench.run.crosscheck import CrossChecks
from vidbench.run.isolation import can_be_sent, check_dtypes, check_isolated, check_nets, is_timed, measure_isolated
from vidbench.run.nets import META, Nets, build_net
from vidbench.run.offers import check_modes, find_lengths, offer
from vidbench.run.plan import Plan
from vidbench.run.processes import TIMEOUT, Processes
from vidbench.run.requested import check_request
from vidbench.run.room import find_room, find_room_isolated
from vidbench.run.worker import is_adaptive, measure_case
from vidbench.searches import SEARCHES, Search, check_search, is_probe
from vidbench.suites import combine, expand_grid

NOT_REPEATED = "repeats are runs in processes of their own, which modules and --in-process do without; leave them out"

Job = tuple[Case, tuple[Clip, ...]]  # a case and the clips it is measured on


def prepare(
    cases: Sequence[Case],
    metrics: Sequence[str] | None,
    footage: Footage,
    processes: Processes | None = None,
    extra: Sequence[str] = (),
) -> tuple[list[Job], tuple[str, ...]]:
    """Each case with the clips it is measured on, and the metrics to take, `extra` beside those asked for or usual.

    What can be refused is refused here. Where timed cases have `processes`, users' code and GPUs are tried in one,
    too, and not in this process.

    Raises:
        InputError: a device, precision, metric, video, file of weights or user's own net cannot be used.
    """
    devices = {name: resolve_device(name) for name in {case.device for case in cases}}
    chosen = {name for device in devices.values() for name in select_metrics(metrics, device.type, extra)}
    check_modes(cases, devices)
    chosen = offer(chosen, cases, metrics)
    adaptive = [is_adaptive(case) for case in cases]
    check_adaptive(cases, metrics)
    check_repeats(cases, chosen, processes)
    for task in {case.task for case in cases} - set(TASKS):
        raise InputError(f"unknown task {task!r}; there are {' and '.join(TASKS)}")
    elsewhere = processes if any(is_timed(case, chosen) for case in cases) else None
    _check_dtypes({(case.dtype, devices[case.device]) for case in cases}, elsewhere)
    jobs = []
    for case, adapts in zip(cases, adaptive, strict=True):
        if adapts and case.batch != 1:
            raise InputError(
                f"{case.model} is measured one clip at a time, for in a batch clips change each other's work; --batch 1"
            )
        clips = plan_clips(footage, case.frames, case.size, adaptive=adapts)
        check_request(case, clips, chosen, adaptive=adapts)
        sources = ", ".join(dict.fromkeys(clip.source for clip in clips))
        jobs.append((replace(case, device=str(devices[case.device]), clip=sources), clips))
    own = {(case.model, case.classes): case for case in reversed(cases) if is_own(case.model)}.values()
    _check_own_nets(own, elsewhere)  # what users' code does wrong is to be known before anything is measured
    for path in {case.weights for case in cases} - {RANDOM, GIVEN}:
        _check_weights(path, [case for case in cases if case.weights == path])
    return jobs, tuple(name for name in METRICS if name in chosen)


def check_adaptive(cases: Iterable[Case], asked: Collection[str] | None) -> None:
    """Raise InputError where what only nets with work that depends on the clip have is asked for of other nets."""
    lacking = [name for name in ADAPTIVE if asked is not None and name in asked]
    if lacking and not any(map(is_adaptive, cases)):
        raise InputError(f"{' and '.join(sorted(lacking))}: only of nets whose work depends on their input (atfr-sgs)")


def check_repeats(cases: Sequence[Case], metrics: Collection[str], processes: Processes | None) -> None:
    """Raise InputError where repeated cases have no processes of their own, or nothing that differs in them."""
    repeated = [case for case in cases if case.repeat]
    if not all(is_timed(case, metrics) for case in repeated):
        raise InputError("what is only counted is the same in every run; leave out --repeats, or time something")
    if repeated and processes is None:
        raise InputError(NOT_REPEATED)
    if own := next((case.model for case in repeated if not can_be_sent(case)), None):
        raise InputError(f"{own} cannot be imported by other processes, which repeats need; put it into a module")


def _check_dtypes(pairs: Iterable[tuple[str, torch.device]], processes: Processes | None) -> None:
    """Try each precision on its device, a GPU in a process of its own where there are such."""
    apart = {pair for pair in pairs if pair[1].type == "cuda" and processes}
    check_dtypes(set(pairs) - apart)
    if apart and processes:
        check_isolated(partial(check_dtypes, apart), processes)


def _check_own_nets(cases: Collection[Case], processes: Processes | None) -> None:
    """Build each, in a process of its own where there are such and its code can be found there."""
    apart = [case for case in cases if processes and can_be_sent(case)]
    check_nets(case for case in cases if case not in apart)
    if apart and processes:
        check_isolated(partial(check_nets, apart), processes)


def _check_weights(path: str, cases: Sequence[Case]) -> None:
    """Compare the file with each net that is to take it, built-in ones on meta tensors."""
    weights = read_weights(path)
    nets = {}
    for case in cases:
        built_for = find_variant(case.model).built_for(case.frames, case.size)
        nets[case.model, case.classes, *built_for.values()] = case
    for case in nets.values():
        net = build_net(case, META)
        try:
            check_weights(net, weights, path, case.model)
        except InputError as error:
            if len(nets) == 1:
                raise
            models = ", ".join(dict.fromkeys(case.model for case in nets.values()))
            raise InputError(
                f"one file of weights is for one net, not for {models}; give one model: {error}"
            ) from error


def run_cases(
    jobs: Iterable[Job],
    plan: Plan,
    *,
    module: nn.Module | None = None,
    cross_check: bool = False,
    processes: Processes | None = None,
    announce: Callable[[Case], None] = lambda _: None,
) -> Iterator[tuple[Record, Environment]]:
    """Measure one case after the other, announcing each and giving its record as soon as it is there.

    Where the plan searches for a batch, every batch that is tried is announced and gives a record. Timed cases whose
    nets have names are measured in `processes`, if there are such; all others in this process.

    Raises:
        InputError: a cross-check is asked for without MACs.
        VidbenchError: no process can be started.
    """
    if cross_check and "macs" not in plan.metrics:
        raise InputError("a cross-check is of MACs; take macs among the metrics, too")
    nets = Nets(module)
    checks = CrossChecks(module)

    def measure(case: Case, clips: Sequence[Clip], plan: Plan) -> tuple[Record, Environment]:
        announce(case)
        begun = monotonic()
        record, environment = measure_here_or_apart(case, clips, plan)
        elapsed = round(monotonic() - begun, 3)
        return replace(record, conditions={**record.conditions, "elapsed": elapsed}), environment

    def measure_here_or_apart(case: Case, clips: Sequence[Clip], plan: Plan) -> tuple[Record, Environment]:
        if processes and module is None and is_timed(case, plan.metrics) and can_be_sent(case):
            return measure_isolated(case, clips, plan, processes)
        return measure_case(case, clips, plan, nets)

    def measure_or_search(case: Case, clips: Sequence[Clip]) -> Iterator[tuple[Record, Environment]]:
        if plan.search is None:
            yield measure(case, clips, plan)
            return
        apart = processes if module is None and can_be_sent(case) else None
        room = find_room_isolated(case, apart) if apart else find_room(case, nets)
        yield from find_batch(case, plan, lambda case, plan: measure(case, clips, plan), room)

    for record, environment in (step for job in jobs for step in measure_or_search(*job)):
        # What brought its own process down would only cost the counters' their time.
        fell = record.failure is not None and record.failure.kind in ("crash", "timeout")
        try:
            checked = checks.add_to(record) if cross_check and not (fell or is_probe(record)) else record
        except KeyboardInterrupt:
            yield record, environment  # what was measured is kept
            raise
        yield checked, environment


def profile(
    model: str | nn.Module,
    clips: Clip | Iterable[Clip] | None = None,
    *,
    batch: int | Sequence[int] | Search = 1,
    classes: int | None = None,
    device: str = "auto",
    dtype: str = "fp32",
    mode: str = "eager",
    threads: int | None = None,
    weights: Path | str | None = None,
    task: str = "inference",
    repeats: int = 1,
    views: str | None = None,
    metrics: Sequence[str] | None = None,
    precision: float = PRECISION,
    cross_check: bool = False,
    in_process: bool = False,
    timeout: float = TIMEOUT,
) -> list[Record]:
    """Measure what a net costs: a record for every clip and batch, its figures in base units (seconds, bytes).

    Args:
        model: a variant's or family's name (`vidbench list` shows them with their papers), the name of a factory of
            your own (`package.module:factory`, as `vidbench.build` takes it), or a module. Your own net takes one clip
            (N, 3, T, H, W) and may give anything. A module is copied, never changed.
        clips: one Clip or several; default is the variant's own. A net whose work depends on its input is measured on
            several clips cut from each Clip's source, by default on the built-in ones.
        batch: how many clips a call takes, or several such numbers. MACs, parameters and activations are per clip,
            latency and memories per call, throughput is clips a second. "best" searches for the batch of highest
            throughput, "max" for the largest that fits: every batch that was tried is a record, in whose conditions
            `chosen` tells the one that was found and `why` the reason. One that is out of memory is an answer.
        classes: width of the logits of a net that is built by its name; default is the variant's, or your factory's.
        device: auto (the GPU where there is one), cpu, cuda, cuda:N, or meta for static figures alone.
        dtype: fp32 (TF32 off), tf32, fp16, bf16, or amp (autocast to bf16).
        mode: eager, channels-last, compile, compile-max (torch.compile), or cuda-graph; `vidbench.modes.MODES` says
            what each does to the weights and the clip. Counted figures are of the eager net.
        threads: CPU threads; default is torch's.
        weights: a checkpoint for a net that is built by its name, under its state_dict()'s keys (torch.save's form or
            .safetensors); default is random weights from a fixed seed, or what your factory loads.
        task: inference (a forward pass), or train (forward, backward and a step of SGD).
        repeats: runs of each case, each in a process of its own, in rounds over all cases; a record each, whose case
            says which (`repeat`).
        views: clips x crops that a video is tested on, such as "10x3"; figures stay per clip or call, and tables
            derive those of a video.
        metrics: names of vidbench.metrics.METRICS; default is all that the device can give, but for energy and the
            stages of a pipeline (`stage_decode`, ..., which take a Clip of a video).
        precision: how well the medians of latency and throughput are to be known, as a share of them: sampling goes
            on until their 95% interval is within it, or the time allowed is spent, which `details` and caveats say.
        cross_check: let fvcore and ptflops count each net and clip, too, each on the CPU in a process of its own; the
            details of `macs` then have what their differences consist of.
        in_process: whether to measure all in this process. By default every timed case of a net that has a name is
            measured in a new process, which imports the net's module by itself: what was set or registered here
            (flags of torch, `register_rule`), it has only from that module. A module, which may not survive being
            sent, and a factory of `__main__` are always measured in this process.
        timeout: seconds after which the process of a case is ended, which is then the case's failure.

    Returns:
        Records; one whose case could not be measured has a `failure`, and the figures taken before it.

    Raises:
        InputError: a name, clip, device, precision, metric or file of weights cannot be used.
        VidbenchError: no process can be started.
    """
    if weights is not None and not isinstance(model, str):
        raise InputError("a module comes with its weights; load them into it, and leave weights= to nets by name")
    module = model if isinstance(model, nn.Module) else None
    search, batches = _split_batches(batch)
    jobs: list[Job] = []
    chosen: tuple[str, ...] = ()
    with Processes(timeout) as owned:
        processes = None if in_process or module is not None else owned
        for clip in _clips(model, clips):
            axes: dict[str, Any] = {
                "batches": batches,
                "dtypes": [dtype],
                "modes": [mode],
                "device": device,
                "threads": threads,
                "task": task,
                "views": views,
            }
            shape: dict[str, Any] = {"frames": [clip.frames], "sizes": [clip.size], "classes": classes}
            if isinstance(model, str):
                named: dict[str, Any] = {"weights": _name_weights(weights), "repeats": repeats}
                cases = expand_grid([find_variant(model)], **named, **shape, **axes)
            elif repeats > 1:
                raise InputError(NOT_REPEATED)
            else:
                cases = combine(type(model).__name__, weights=GIVEN, **shape, **axes)
            if search is not None:
                check_search(search, cases)
            own = () if clip.source == SYNTHETIC else (clip.source,)
            ready, chosen = prepare(cases, metrics, Footage(sources=own, loop=clip.loop), processes)
            jobs += ready
        jobs.sort(key=lambda job: job[0].repeat)  # in rounds over all clips
        plan = Plan(metrics=chosen, precision=precision, search=search, lengths=find_lengths(jobs, metrics))
        measured = run_cases(jobs, plan, module=module, cross_check=cross_check, processes=processes)
        return [record for record, _ in measured]


def _split_batches(batch: int | Sequence[int] | Search) -> tuple[Search | None, list[int]]:
    """What to search for, and the batches to begin with."""
    if not isinstance(batch, str):
        return None, [batch] if isinstance(batch, int) else list(batch)
    search = next((one for one in SEARCHES if one == batch), None)
    if search is None:
        raise InputError(f"batch is a number, several numbers, or {' or '.join(SEARCHES)}, not {batch!r}")
    return search, [1]


def _name_weights(path: Path | str | None) -> str:
    return RANDOM if path is None else str(path)


def _clips(model: str | nn.Module, clips: Clip | Iterable[Clip] | None) -> list[Clip]:
    if isinstance(clips, Clip):
        return [clips]
    if clips is not None:
        return list(clips)
    if isinstance(model, str):
        variant = find_variant(model)
        return [Clip(frames=variant.frames, size=variant.size)]
    raise InputError("a module has no default clip; give one, such as Clip(frames=16, size=224)")
