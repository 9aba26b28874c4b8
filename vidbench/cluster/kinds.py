"""The kinds of GPUs that a cluster has, as its nodes report them to Slurm."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vidbench.cluster.queue import list_nodes
from vidbench.errors import InputError

COUNT = re.compile(r"(\d+)[kKmMgGtTpP]?")
BEGINS_NOTHING = {"down", "drained", "draining", "error", "fail", "failing", "inval", "unknown"}  # a node in that state


@dataclass(frozen=True, slots=True)
class Kind:
    """GPUs of one name; `nodes` have such, and `ready` of them begin jobs."""

    name: str
    nodes: int
    ready: int


def find_kinds(partition: str | None) -> tuple[list[Kind], list[str]]:
    """The kinds of GPUs in a partition, or in the one that jobs go to by default; and nodes whose GPUs have no name.

    Raises:
        InputError: there are no GPUs, or their kinds have no names.
        QueueError: Slurm does not answer.
    """
    there = "the default partition" if partition is None else f"partition {partition}"
    nodes = {node.name: node for node in list_nodes(partition)}.values()
    gpus = {node: parse_gpus(node.gres) for node in nodes}
    nameless = [node.name for node, kinds in gpus.items() if "" in kinds]
    names = sorted({name for kinds in gpus.values() for name in kinds if name})
    if not names and nameless:
        raise InputError(
            f"the GPUs of {_list(nameless)} have no type, so that --each-gpu-kind cannot tell them apart; ask the "
            "administrator for types in gres.conf, or run each kind's nodes by --constraint and --gres gpu:1"
        )
    if not names:
        raise InputError(f"no node of {there} has a GPU, which --each-gpu-kind needs; --partition names another one")
    found = []
    for name in names:
        having = [node for node, kinds in gpus.items() if name in kinds]
        found.append(Kind(name, len(having), sum(node.state not in BEGINS_NOTHING for node in having)))
    return found, nameless


def parse_gpus(gres: str) -> dict[str, int]:
    """How many GPUs of each kind `gpu:a100:4(S:0-1),gpu:v100:2` has; those of `gpu:4` are of the kind ""."""
    found: dict[str, int] = {}
    for entry in re.sub(r"\([^)]*\)", "", gres).split(","):
        name, *parts = entry.strip().split(":")
        if name.removeprefix("gres/") != "gpu":
            continue
        count = COUNT.fullmatch(parts[-1]) if parts else None
        kind = ":".join(parts[:-1] if count else parts)
        found[kind] = found.get(kind, 0) + (int(count[1]) if count else 1)
    return {kind: count for kind, count in found.items() if count}


def find_kind(gres: str | None) -> str | None:
    """The kind of the GPUs that a job asks for; None where it may have any."""
    return next(iter(parse_gpus(gres or "")), None) or None


def warn_of_kinds(kinds: Iterable[Kind], nameless: Sequence[str]) -> list[str]:
    """What to know before jobs are handed over for each of these kinds."""
    warnings = [
        f"no node with {kind.name} takes jobs now, all are down or drained; its jobs wait until one is back"
        for kind in kinds
        if not kind.ready
    ]
    if nameless:
        warnings.append(f"the GPUs of {_list(nameless)} have no type, and are left out")
    return warnings


def _list(names: Sequence[str]) -> str:
    return ", ".join([*names[:3], *([f"and {len(names) - 3} more nodes"] if len(names) > 3 else [])])
