"""Handing jobs of a suite's run to Slurm, through submitit: arrays of jobs with a whole device each."""

import importlib
import shlex
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr
from io import StringIO
from itertools import groupby
from typing import Any

from vidbench.cluster.folder import Manifest, SweepFolder
from vidbench.cluster.queue import check_slurm, longest_array
from vidbench.errors import InputError, VidbenchError
from vidbench.run.share import Share

TIMES = 10_000  # that a job may go on after its time was over; a case that takes all of it is not tried a third time
DELAY = 90  # seconds before the end of a job's time at which it is told

# A job whose process was killed, by the kernel for want of memory or by hand, is begun again; one that is cancelled has
# SIGTERM, and one whose node Slurm takes for lost has been begun again already. What brings it down twice is found in
# its journal.
AGAIN = """vidbench_again() {
  code=$?
  if [ $code -gt 128 ] && [ $code -lt 160 ] && [ $code -ne 130 ] && [ $code -ne 143 ]; then
    job="${SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}${SLURM_ARRAY_TASK_ID:+_$SLURM_ARRAY_TASK_ID}"
    if scontrol show job "$job" | grep -q "Restarts=${SLURM_RESTART_COUNT:-0} "; then
      scontrol requeue "$job"
    fi
  fi
  exit $code
}
trap vidbench_again EXIT
trap 'trap - EXIT; exit 143' TERM"""


def check_launcher() -> None:
    """Raise InputError where submitit or Slurm is not there."""
    _import()
    check_slurm()


def _import() -> Any:
    try:
        return importlib.import_module("submitit")
    except ImportError as error:
        raise InputError(
            "--launcher slurm needs submitit, which is not installed: pip install 'vidbench[slurm]'"
        ) from error


def submit(folder: SweepFolder, jobs: Sequence[int]) -> Iterator[tuple[str, int]]:
    """Hand these jobs of a run to Slurm, as it was planned: the id of each array, and how many jobs it has.

    The jobs of an array ask for the same, so that each kind of GPU has its own.

    Raises:
        InputError: submitit knows no such option.
        VidbenchError: Slurm refuses the jobs.
    """
    manifest, longest = folder.manifest(), longest_array()
    for kind, same in groupby(jobs, manifest.kind):
        of_kind = list(same)
        for first in range(0, len(of_kind), longest):
            part = of_kind[first : first + longest]
            yield _submit(folder, part, manifest, kind), len(part)


def _submit(folder: SweepFolder, jobs: Sequence[int], manifest: Manifest, kind: str | None) -> str:
    submitit = _import()
    further = {**({"gres": f"gpu:{kind}:1"} if kind else {}), **manifest.options}
    setup = [f"cd {shlex.quote(manifest.place)} || exit 1", *further.pop("setup", ()), *AGAIN.splitlines()]
    executor = submitit.SlurmExecutor(folder=folder.logs, max_num_timeout=TIMES)
    try:
        executor.update_parameters(
            time=manifest.minutes,
            signal_delay_s=min(DELAY, manifest.minutes * 60 // 3),
            setup=setup,
            **further,
            job_name=folder.add_submission(jobs),
        )
    except (ValueError, TypeError) as error:
        raise InputError(f"submitit does not take these options for Slurm: {error}") from error
    try:
        with redirect_stderr(StringIO()):  # where submitit repeats what its error says
            handed = executor.submit_array([Share(folder.path, number) for number in jobs])
    except (RuntimeError, OSError) as error:
        raise VidbenchError(f"Slurm does not take the jobs: {_say(error)}") from error
    return str(handed[0].job_id).partition("_")[0]


def _say(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return next((line for line in lines if "error" in line.lower()), lines[0] if lines else type(error).__name__)
