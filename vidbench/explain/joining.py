"""Joins what was counted of one call with what was timed: by module, by kind of operator, by operator."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from vidbench.explain.explanation import Kind, Operator, Part, Work, add

if TYPE_CHECKING:
    from vidbench.counting import Call

K = TypeVar("K", bound=Hashable)
R = TypeVar("R", Kind, Operator)

UNMATCHED = "not matched"  # operators that ran, yet are none of the counted calls


class Timed(NamedTuple):
    """A counted call and its seconds; or time of something that was not counted, under its name and module."""

    module: str
    operator: str
    kind: str
    kernel: str
    work: Work


class Module(NamedTuple):
    """What a net says of one of its modules: path, class, and parameters of its own and of all below it."""

    path: str
    kind: str
    params: int


def pair(calls: "Sequence[Call]", seconds: Sequence[float] | None) -> list[Timed]:
    """Each call with its seconds; None where nothing was timed."""
    times: Sequence[float | None] = [None] * len(calls) if seconds is None else seconds
    return [
        Timed(
            call.module,
            call.operator,
            call.kind,
            call.kernel,
            Work(
                calls=1,
                macs=call.macs,
                activations=call.activations,
                read=call.read,
                written=call.written,
                seconds=second,
            ),
        )
        for call, second in zip(calls, times, strict=True)
    ]


def loose(name: str, module: str, seconds: float) -> Timed:
    """Time of an operator that none of the counted calls stands for."""
    return Timed(module, name, UNMATCHED, "", Work(calls=1, seconds=seconds))


def grow(modules: Iterable[Module], timed: Iterable[Timed]) -> Part:
    """The tree of modules, each with what it does itself and with its children, in the net's own order."""
    own: dict[str, list[Work]] = defaultdict(list)
    for one in timed:
        own[one.module].append(one.work)
    below: dict[str, list[Module]] = defaultdict(list)
    listed = list(modules)
    paths = {module.path for module in listed}
    for module in listed:
        if module.path:
            below[_parent(module.path, paths)].append(module)
    is_timed = any(work.seconds is not None for works in own.values() for work in works)
    nothing = Work(seconds=0.0 if is_timed else None)

    def part(module: Module) -> Part:
        children = tuple(part(child) for child in below[module.path])
        itself = add(nothing, *own[module.path])
        work = add(itself, *(child.work for child in children))
        return Part(path=module.path, kind=module.kind, params=module.params, work=work, own=itself, children=children)

    return part(next(module for module in listed if not module.path))


def _parent(path: str, paths: set[str]) -> str:
    above = path.rpartition(".")[0]
    while above not in paths:
        above = above.rpartition(".")[0]
    return above


def by_kind(timed: Iterable[Timed], counted: frozenset[str], *, kernels: bool) -> tuple[Kind, ...]:
    """Rows by kind of operator, with `kernels` also by filter; those that take longest (or most MACs) first."""
    groups = _group(timed, lambda one: (one.kind, one.kernel if kernels else ""))
    return _sorted(
        Kind(name=name, kernel=kernel, counted=name in counted, work=work) for (name, kernel), work in groups
    )


def by_operator(timed: Iterable[Timed], counted: frozenset[str], unknown: frozenset[str]) -> tuple[Operator, ...]:
    """Rows by operator; those that take longest (or most MACs) first."""
    groups = _group(timed, lambda one: (one.operator, one.kind in counted, one.kind if one.kind not in counted else ""))
    return _sorted(
        Operator(name=name, kind=kind or "contraction", counted=is_counted, known=kind not in unknown, work=work)
        for (name, is_counted, kind), work in groups
    )


def _group(timed: Iterable[Timed], key: Callable[[Timed], K]) -> list[tuple[K, Work]]:
    groups: dict[K, list[Work]] = defaultdict(list)
    for one in timed:
        groups[key(one)].append(one.work)
    return [(name, add(*works)) for name, works in groups.items()]


def _sorted(rows: Iterable[R]) -> tuple[R, ...]:
    return tuple(sorted(rows, key=lambda row: (-(row.work.seconds or 0.0), -row.work.macs, -row.work.bytes)))
