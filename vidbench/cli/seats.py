"""`vidbench run --devices`: a suite on several GPUs at once, and whether cases there disturb each other."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from vidbench.errors import InputError, VidbenchError

if TYPE_CHECKING:
    from vidbench.conditions.influence import Influence
    from vidbench.run.seats import Seat
    from vidbench.run.sweep import Sweep
    from vidbench.suites.files import Suite

EXIT_CODES = {"none": 0, "disturbed": 3, "inconclusive": 4}  # of a check alone, by its verdict


def check_options(devices: str | None, *, device: str | None, check: bool, elsewhere: bool) -> None:
    """Raise InputError where options contradict each other; `elsewhere` is whether a cluster is to measure."""
    if devices is None and check:
        raise InputError("--check-devices is of --devices; name them, too, such as --devices cuda:0,cuda:1")
    if devices is not None and elsewhere:
        raise InputError("--devices is of the GPUs of this machine; on a cluster each job has its own; leave it out")
    if devices is not None and device is not None:
        raise InputError("--devices says where to measure; leave out --device")


def run_on_devices(
    suite: "Suite",
    results: str,
    devices: str,
    *,
    limit: float,
    measure: "Callable[[Sweep], int]",
    resume: bool = False,
    retry: Sequence[str] = (),
    dry_run: bool = False,
    check: bool = False,
) -> int:
    """Measure the suite on those GPUs, or only tell whether they disturb each other; the exit code.

    Raises:
        InputError: they cannot be used together, or a case cannot be measured on them.
        VidbenchError: no process can be started, or a check alone tells nothing.
    """
    from vidbench.run.seats import open_seats

    names = [part.strip() for part in devices.split(",")]
    if check and len(names) < 2:
        raise InputError(f"--check-devices is of two GPUs or more, not of {devices} alone")
    with open_seats(names, limit) as seats:
        sweep = plan_on_seats(suite, results, seats, resume=resume and not check, retry=retry)
        if dry_run:
            from vidbench.terminal.suites import print_plan

            print_plan(sweep.cases, sweep.predict_memory(), sweep.estimate(), done=sweep.done, left_out=suite.left_out)
            return 0
        return check_seats(sweep) if check else measure_on_seats(sweep, suite.left_out, measure)


def plan_on_seats(
    suite: "Suite", results: str, seats: "Sequence[Seat]", *, resume: bool = False, retry: Sequence[str] = ()
) -> "Sweep":
    """What is to be measured of the suite, on the device that seats have.

    Raises:
        InputError: a case cannot be measured there.
        VidbenchError: no process can be started.
    """
    from vidbench.run.rota import check_jobs
    from vidbench.run.sweep import plan_sweep

    first = seats[0]
    sweep = plan_sweep(suite, results, first.processes, device=first.device, resume=resume, retry=retry)
    check_jobs(sweep.jobs, sweep.plan)
    sweep.seats = tuple(seats)
    return sweep


def measure_on_seats(sweep: "Sweep", left_out: Sequence[str], measure: "Callable[[Sweep], int]") -> int:
    """Tell whether the seats disturb each other, where several are used, and measure; the exit code."""
    from vidbench.cli.left_out import warn_of_clips
    from vidbench.terminal.screen import warn

    warn_of_clips(left_out)
    sweep.seats = sweep.seats[: max(1, len(sweep.jobs))]
    if len(sweep.seats) > 1:
        try:
            sweep.influence = _measure_influence(sweep)
            warn(sweep.influence.sentence)
        except VidbenchError as error:
            warn(f"whether cases on these devices disturb each other cannot be told: {error}")
    return measure(sweep)


def check_seats(sweep: "Sweep") -> int:
    """Print whether the seats disturb each other; the exit code.

    Raises:
        VidbenchError: it could not be measured.
    """
    import typer

    influence = _measure_influence(sweep)
    typer.echo(influence.sentence)
    return EXIT_CODES[influence.verdict]


def _measure_influence(sweep: "Sweep") -> "Influence":
    from vidbench.run.neighbours import choose_case, measure_influence
    from vidbench.terminal.screen import warn

    case = choose_case(sweep.cases, sweep.count_macs)
    names = ", ".join(seat.name for seat in sweep.seats)
    warn(f"telling whether {names} disturb each other: {case.model} {case.frames}x{case.size}, alone and beside itself")
    return measure_influence(case, sweep.seats, timeout=sweep.processes.limit)
