"""The noise of this machine: one small case timed in many processes, one after the other."""

from collections.abc import Callable
from dataclasses import replace

from vidbench.catalog import find_variant
from vidbench.conditions.noise import Noise, summarise_runs
from vidbench.errors import InputError, VidbenchError
from vidbench.measure import PRECISION
from vidbench.records import DISTURBED, Case, Footage, Record
from vidbench.run.local import prepare, run_cases
from vidbench.run.plan import Plan
from vidbench.run.processes import TIMEOUT, Processes
from vidbench.suites import expand_grid

MODEL = "x3d-xs"  # small, and of all kinds of operators that nets consist of
RUNS = 10


def measure_noise(
    model: str = MODEL,
    *,
    runs: int = RUNS,
    device: str = "auto",
    threads: int | None = None,
    precision: float = PRECISION,
    timeout: float = TIMEOUT,
    announce: Callable[[Case], None] = lambda _: None,
) -> Noise:
    """The latency of a net at its default clip in each of `runs` processes, and how much it differs between them.

    Raises:
        InputError: the net, device, threads or number of runs cannot be used.
        VidbenchError: fewer than two processes gave a figure.
    """
    if runs < 2:
        raise InputError(f"noise is what differs between runs, so there have to be 2 or more, not {runs}")
    cases = expand_grid([find_variant(model)], device=device, threads=threads, repeats=runs)
    with Processes(timeout) as processes:
        jobs, metrics = prepare(cases, ["latency"], Footage(), processes)
        measured = run_cases(jobs, Plan(metrics=metrics, precision=precision), processes=processes, announce=announce)
        return summarise_records([record for record, _ in measured])


def summarise_records(records: list[Record]) -> Noise:
    """The spread of their latencies, records of one case in several processes.

    Raises:
        VidbenchError: fewer than two have one.
    """
    failed = [record.failure.message for record in records if record.failure]
    taken = [latency for record in records if (latency := record.measurement("latency"))]
    if len(taken) < 2:
        raise VidbenchError(f"noise could not be measured: {'; '.join(dict.fromkeys(failed))}; try another --model")
    return summarise_runs(
        replace(records[0].case, repeat=0),
        [float(one.value) for one in taken if isinstance(one.value, int | float)],
        [one.details["precision"] for one in taken],
        disturbed=sum(any(caveat.startswith(f"{DISTURBED}:") for caveat in one.caveats) for one in taken),
        failed=failed,
    )
