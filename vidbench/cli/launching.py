"""`vidbench run --launcher slurm` and `--attach`: a suite handed to a cluster, followed, cancelled and merged."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidbench.cli.exits import INTERRUPTED, NOT_MEASURED

if TYPE_CHECKING:
    from vidbench.cluster.folder import SweepFolder
    from vidbench.cluster.following import Standing
    from vidbench.cluster.kinds import Kind
    from vidbench.suites.files import Suite
    from vidbench.suites.launchers import Slurm

LAUNCHERS = ("local", "slurm")
SLURM_OPTIONS = (
    "partition", "gres", "constraint", "exclusive", "time", "array_parallelism", "job_time", "each_gpu_kind", "options",
)  # fmt: skip
LOST = 10  # looks in a row at which Slurm may fail to answer


def check_options(launcher: str, attach: str | None, given: Mapping[str, Any], *, follow: bool, cancel: bool) -> None:
    """Raise InputError where options do not go together."""
    from vidbench.errors import InputError

    if launcher not in LAUNCHERS:
        raise InputError(f"--launcher is {' or '.join(LAUNCHERS)}, not {launcher!r}")
    asked = [name for name, value in given.items() if value not in (None, {})]
    name = "slurm" if asked[:1] == ["options"] else "".join(asked[:1]).replace("_", "-")
    if asked and attach is not None:
        raise InputError(f"--{name} is told when a run is handed over; --attach takes it as it was, leave it out")
    if asked and launcher != "slurm":
        raise InputError(f"--{name} is for a cluster; give --launcher slurm with it")
    if follow and attach is None and launcher != "slurm":
        raise InputError("--follow is of a run on a cluster; give --launcher slurm with it")
    if cancel and attach is None:
        raise InputError("--cancel ends a run on a cluster; name it by --attach ID")


def launch(
    suite: "Suite",
    results: str,
    given: Mapping[str, Any],
    *,
    device: str | None,
    timeout: float | None,
    retry: tuple[str, ...] | None,
    dry_run: bool,
    follow: bool,
    poll: float,
) -> int:
    """Hand a suite's cases to Slurm, and follow them if asked to; the exit code."""
    from vidbench.cli.left_out import warn_of_clips
    from vidbench.cluster.planning import plan_spread
    from vidbench.run.share import check_metrics
    from vidbench.suites.launchers import change_slurm
    from vidbench.terminal.cluster import print_jobs, print_kinds, print_line
    from vidbench.terminal.screen import warn
    from vidbench.terminal.suites import print_plan
    from vidbench.units import format_duration

    slurm = change_slurm(suite.slurm, given)
    if not dry_run:
        from vidbench.run.slurm import check_launcher

        check_launcher()
    kinds = _find_kinds(slurm)
    spread = plan_spread(suite, Path(results), slurm, device, [kind.name for kind in kinds])
    check_metrics(spread.tasks, suite.metrics)
    if kinds and (count := sum(case.device == "cpu" for case in spread.cases)):
        warn(f"{count} of the cases measure the CPU of such nodes, and not their GPU")
    if (most := max(job.seconds for job in spread.jobs)) > slurm.time * 60:
        warn(f"the longest job may take {format_duration(most)}, more than --time allows it; give it more")
    if retry is not None:
        warn("what earlier runs have is not measured again; which that is depends on the nodes, and is found out there")
    if dry_run:
        from vidbench.run.nets import Nets
        from vidbench.run.worker import predict_each

        memory = predict_each(spread.placed, Nets())
        print_plan(spread.placed, memory, spread.estimate, done=0, left_out=suite.left_out)
    else:
        warn_of_clips(suite.left_out)
        folder = spread.create(Path(results), retry, timeout)
        ids = _submit(folder, range(len(spread.jobs)))
    print_kinds(kinds)
    print_jobs([len(job.places) for job in spread.jobs], [job.seconds for job in spread.jobs])
    if dry_run:
        return 0
    print_line(f"handed to Slurm as {', '.join(ids)}; vidbench run --attach {folder.name} follows them")
    return watch(folder, poll) if follow else 0


def _find_kinds(slurm: "Slurm") -> "list[Kind]":
    """The kinds of GPUs that all cases are measured on, if each is asked for; else none."""
    from vidbench.cluster.kinds import find_kinds, warn_of_kinds
    from vidbench.cluster.queue import check_slurm
    from vidbench.terminal.screen import warn

    if not slurm.each_gpu_kind:
        return []
    check_slurm()
    kinds, nameless = find_kinds(slurm.partition)
    for warning in warn_of_kinds(kinds, nameless):
        warn(warning)
    return kinds


def _submit(folder: "SweepFolder", jobs: Sequence[int]) -> list[str]:
    """Hand these jobs to Slurm; the ids of their arrays. A new run of which Slurm takes nothing leaves nothing behind.

    Raises:
        VidbenchError: Slurm does not take them, or not all; the message says how the others are had.
    """
    import shutil

    from vidbench.errors import VidbenchError
    from vidbench.run.slurm import submit

    is_new = not folder.submissions()
    ids: list[str] = []
    handed = 0
    try:
        for name, count in submit(folder, jobs):
            ids.append(name)
            handed += count
    except VidbenchError as error:
        if ids:
            rest = f"{handed} of {len(jobs)} jobs were handed over before; vidbench run --attach {folder.name} --resume"
            raise VidbenchError(f"{error}; {rest} hands over the others when Slurm takes them") from error
        if is_new:
            shutil.rmtree(folder.path)
        raise
    return ids


def attach(results: str, name: str, *, resume: bool, cancel: bool, poll: float) -> int:
    """Follow a run that was handed to Slurm before, cancel it, or have what ended too early begun again."""
    from vidbench.cluster.folder import find_sweep
    from vidbench.cluster.queue import check_slurm
    from vidbench.errors import InputError

    if resume and cancel:
        raise InputError("--resume begins jobs again and --cancel ends them; leave out either")
    folder = find_sweep(Path(results), name)
    check_slurm()
    if cancel:
        _cancel(folder)
    if resume:
        _begin_again(folder)
    return watch(folder, poll)


def _cancel(folder: "SweepFolder") -> None:
    """End its jobs, and say so; nothing is wrong where there are none any more."""
    from vidbench.cluster.queue import cancel, look
    from vidbench.terminal.screen import warn

    arrays = [one.name for one in folder.submissions()]
    if all(state.ended for state in look(arrays).values()):
        warn("it has ended, there is nothing to cancel")
        return
    cancel(arrays)
    warn("cancelled; what was measured is kept")


def _begin_again(folder: "SweepFolder") -> None:
    """Hand those jobs to Slurm again that it does not have and that are not done."""
    from vidbench.cluster.following import Follower
    from vidbench.cluster.queue import look
    from vidbench.run.slurm import check_launcher
    from vidbench.terminal.screen import warn
    from vidbench.units import format_count

    check_launcher()
    if jobs := Follower(folder, look).find_idle():
        _submit(folder, jobs)
        warn(f"{format_count(len(jobs), 'job')} that had ended too early handed to Slurm again")


def watch(folder: "SweepFolder", poll: float) -> int:
    """Follow a run to its end, and merge it; Ctrl-C merges what there is, and leaves the jobs to go on.

    Raises:
        QueueError: Slurm does not answer any more.
    """
    from vidbench.cluster.merging import merge
    from vidbench.terminal.cluster import Watching, print_files, print_outcome
    from vidbench.terminal.screen import warn

    watching = Watching()
    try:
        standing = _follow(folder, poll, watching)
    except KeyboardInterrupt:
        watching.end()
        print_files(merge(folder))
        warn(f"left alone; it goes on. --attach {folder.name} comes back to it, with --cancel ends it")
        return INTERRUPTED
    watching.end()
    print_files(merge(folder))
    print_outcome(standing, folder.logs)
    return _conclude(standing, folder.name)


def _follow(folder: "SweepFolder", poll: float, watching: Any) -> "Standing":
    """Look until the run is over, and say what is new."""
    from vidbench.cluster.following import Follower
    from vidbench.cluster.queue import QueueError, look

    follower = Follower(folder, look)
    silent = 0
    while True:
        try:
            standing = follower.look()
        except QueueError as error:
            silent += 1
            if silent >= LOST:
                watching.end()
                raise QueueError(f"{error}; the jobs are as they were: --attach {folder.name} comes back") from error
        else:
            silent = 0
            watching.show(standing)
            if standing.over:
                return standing
        time.sleep(poll)


def _conclude(standing: "Standing", name: str) -> int:
    """Say what is missing; the exit code."""
    from vidbench.terminal.screen import warn
    from vidbench.units import format_count

    if standing.ended:
        missing = f"{format_count(standing.missing, 'case')} {'is' if standing.missing == 1 else 'are'} missing"
        warn(f"{missing}; vidbench run --attach {name} --resume measures what is")
    return NOT_MEASURED if standing.failed or standing.missing else 0
