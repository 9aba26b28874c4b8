"""Cases of results measured again: what a gate asks for before it says anything."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from vidbench.measure import PRECISION
from vidbench.metrics import METRICS
from vidbench.records import SYNTHETIC, Case, Environment, Footage, Record
from vidbench.run.local import Job, prepare, run_cases
from vidbench.run.plan import Plan
from vidbench.run.processes import TIMEOUT, Processes


class Again:
    """Measures cases so many times each, every run in a process of its own, in rounds over all of them.

    Args:
        metrics: what to take.
        timeout: seconds after which a run is ended, and has failed.
        precision: how well medians of time are to be known, as a share of them.
        first: how the next run is numbered; later ones count on from there.
        announce: is told of each case as it begins.
    """

    def __init__(
        self,
        metrics: Sequence[str],
        *,
        timeout: float = TIMEOUT,
        precision: float = PRECISION,
        first: int = 0,
        announce: Callable[[Case], None] = lambda _: None,
    ) -> None:
        self._plan = Plan(metrics=tuple(name for name in METRICS if name in metrics), precision=precision)
        self._timeout = timeout
        self._next = first
        self._announce = announce

    def __call__(self, cases: Sequence[Case], rounds: int) -> Iterator[tuple[Record, Environment]]:
        """The records of all runs, each as soon as it is there.

        Raises:
            InputError: a case cannot be measured here.
        """
        numbers = range(self._next, self._next + rounds)
        self._next += rounds
        runs = [replace(case, repeat=number) for number in numbers for case in cases]
        with Processes(self._timeout) as processes:
            jobs: dict[Case, Job] = {}
            for clip in dict.fromkeys(case.clip for case in cases):
                of_clip = [case for case in runs if case.clip == clip]
                ready, _ = prepare(of_clip, self._plan.metrics, _name_footage(clip), processes)
                jobs |= dict(zip(of_clip, ready, strict=True))
            yield from run_cases((jobs[run] for run in runs), self._plan, processes=processes, announce=self._announce)


def _name_footage(clip: str) -> Footage:
    return Footage(sources=() if clip == SYNTHETIC else tuple(clip.split(", ")))
