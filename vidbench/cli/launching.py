"""`vidbench run --launcher slurm` and `--attach`: a suite handed to a cluster, followed, cancelled and merged."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vidbench.cluster.folder import SweepFolder
    from vidbench.cluster.following import Standing
    from vidbench.suites.files import Suite

LAUNCHERS = ("local", "slurm")
SLURM_OPTIONS = ("partition", "gres", "constraint", "exclusive", "time", "array_parallelism", "job_time", "options")
INTERRUPTED = 130
NOT_MEASURED = 3
LOST = 10  # looks in a row at which Slurm may fail to answer


def check_options(launcher: str, attach: str | None, given: Mapping[str, Any], *, follow: bool, cancel: bool) -> None:
    """Raise InputError where options do not go together."""
    from vidbench.errors import InputError

    if launcher not in LAUNCHERS:
        raise InputError(f"--launcher is {' or '.join(LAUNCHERS)}, not {launcher!r}")
    asked = [name for name, value in given.items() if value not in (None, {})]
    if asked and launcher != "slurm":
        name = "slurm" if asked[0] == "options" else asked[0].replace("_", "-")
        raise InputError(f"--{name} is for a cluster; give --launcher slurm with it")
    if follow and launcher != "slurm":
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
    from vidbench.suites.launchers import change_slurm
    from vidbench.terminal.cluster import print_jobs, print_line
    from vidbench.terminal.screen import warn
    from vidbench.terminal.suites import print_plan
    from vidbench.units import format_duration

    slurm = change_slurm(suite.slurm, given)
    if not dry_run:
        from vidbench.run.slurm import check_launcher, submit

        check_launcher()
    spread = plan_spread(suite, Path(results), slurm, device)
    lengths = [sum(spread.expected[place].seconds for place in job) for job in spread.jobs]
    if (most := max(lengths)) > slurm.time * 60:
        warn(f"the longest job may take {format_duration(most)}, more than --time allows it; give it more")
    if dry_run:
        print_plan(spread.cases, {}, spread.estimate, done=0, left_out=suite.left_out)
        print_jobs([len(job) for job in spread.jobs], lengths)
        return 0
    warn_of_clips(suite.left_out)
    folder = spread.create(Path(results), retry, timeout)
    ids = _submit_or_leave(folder, lambda: submit(folder, range(len(spread.jobs))))
    print_jobs([len(job) for job in spread.jobs], lengths)
    print_line(f"handed to Slurm as {', '.join(ids)}; vidbench run --attach {folder.name} follows them")
    return watch(folder, poll) if follow else 0


def _submit_or_leave(folder: "SweepFolder", hand: Any) -> list[str]:
    """What `hand` gives; if it fails before Slurm has any job, the run's folder goes with it."""
    import shutil

    from vidbench.errors import VidbenchError

    try:
        ids: list[str] = hand()
    except VidbenchError:
        if len(folder.submissions()) <= 1:
            shutil.rmtree(folder.path)
        raise
    return ids


def attach(results: str, name: str, *, resume: bool, cancel: bool, poll: float) -> int:
    """Follow a run that was handed to Slurm before, cancel it, or have what ended too early begun again."""
    from vidbench.cluster.folder import find_sweep
    from vidbench.cluster.queue import check_slurm
    from vidbench.terminal.screen import warn

    folder = find_sweep(Path(results), name)
    check_slurm()
    if cancel:
        _cancel(folder)
        warn("cancelled; what was measured is kept")
    if resume:
        _begin_again(folder)
    return watch(folder, poll)


def _cancel(folder: "SweepFolder") -> None:
    from vidbench.cluster.queue import cancel

    cancel([name for name, _ in folder.submissions()])


def _begin_again(folder: "SweepFolder") -> None:
    """Hand those jobs to Slurm again that it does not have and that are not done."""
    from vidbench.cluster.following import Follower
    from vidbench.cluster.queue import look
    from vidbench.run.slurm import check_launcher, submit
    from vidbench.terminal.screen import warn

    check_launcher()
    jobs = Follower(folder, look).find_idle()
    if jobs:
        submit(folder, jobs)
        warn(f"{len(jobs)} jobs that had ended too early are handed to Slurm again")


def watch(folder: "SweepFolder", poll: float) -> int:
    """Follow a run to its end, and merge it; Ctrl-C leaves it to go on."""
    from vidbench.cluster.following import Follower
    from vidbench.cluster.merging import merge
    from vidbench.cluster.queue import QueueError, look
    from vidbench.terminal.cluster import Watching, print_outcome
    from vidbench.terminal.screen import warn

    follower, watching = Follower(folder, look), Watching()
    silent = 0
    try:
        while True:
            try:
                standing = follower.look()
                silent = 0
                watching.show(standing)
                if standing.over:
                    break
            except QueueError:
                silent += 1
                if silent >= LOST:
                    raise
            time.sleep(poll)
    except KeyboardInterrupt:
        watching.end()
        warn(f"left alone; it goes on. --attach {folder.name} comes back to it, with --cancel ends it")
        return INTERRUPTED
    watching.end()
    print_outcome(standing, merge(folder), folder.logs)
    return _conclude(standing, folder.name)


def _conclude(standing: "Standing", name: str) -> int:
    """Say what is missing; the exit code."""
    from vidbench.terminal.screen import warn

    if standing.ended:
        warn(f"{standing.missing} cases are missing; vidbench run --attach {name} --resume has them measured")
    return NOT_MEASURED if standing.failed or standing.missing else 0
