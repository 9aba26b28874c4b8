"""What the jobs of a run measured, as result files: one a machine, as a run on that machine would have written."""

from collections.abc import Iterator
from pathlib import Path

from vidbench.cluster.folder import SweepFolder
from vidbench.records import Case, Environment, Record
from vidbench.runs import name_machine
from vidbench.store import collecting_nothing, read_results, replace_file


def merge(folder: SweepFolder) -> dict[Path, int]:
    """Write what is there of a run into the folder of results, each case once; the files, with how many records.

    It can be done again whenever there is more.

    Raises:
        InputError: a job's file is none, or the results cannot be written.
    """
    records: dict[str, list[Record]] = {}
    environments: dict[str, Environment] = {}
    with collecting_nothing():
        for number in range(len(folder.manifest().sizes)):
            for record in _read_job(folder, number, environments):
                machine = name_machine(environments[record.environment])
                records.setdefault(machine, []).append(record)
    files: dict[Path, int] = {}
    for machine, its in records.items():
        path = folder.results / machine / f"{folder.name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, its, environments)
        files[path] = len(its)
    return files


def _read_job(folder: SweepFolder, number: int, environments: dict[str, Environment]) -> Iterator[Record]:
    """A record a case: an attempt that was given up may have gone on beside the next one."""
    best: dict[Case, Record] = {}
    for attempt in range(1, folder.attempts(number) + 1):
        path = folder.records(number, attempt)
        if not path.exists():
            continue
        results = read_results(path)
        environments |= results.environments
        for record in results.records:
            before = best.get(record.case)
            if before is None or (before.failure and not record.failure):
                best[record.case] = record
    yield from best.values()
