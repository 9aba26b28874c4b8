"""What attempts at a job leave behind as they go: a line a case that begins or ends, so that none is tried for ever."""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vidbench.cluster.folder import SweepFolder

MOST_FALLS = 2  # of one case; then it is recorded as failed


class Journal:
    """The journal of one attempt, open to be written; each line is on disk before its method returns."""

    def __init__(self, path: Path, **where: Any) -> None:
        """`where` says on which node and in which of Slurm's jobs the attempt is."""
        # Without a buffer, for a signal's handler may write in the middle of another line's method.
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND)
        self._write(where)

    def begin(self, place: int) -> None:
        """The case at this place of the job is being measured."""
        self._write({"begin": place})

    def end(self, place: int, failure: str | None = None) -> None:
        """It has a record; `failure` is what its record says of why it was not measured."""
        self._write({"end": place, "failure": failure} if failure else {"end": place})

    def leave(self, place: int) -> None:
        """It was measured by an earlier run and is not measured again."""
        self._write({"left": place})

    def stop(self, place: int | None, *, fell: bool) -> None:
        """The attempt is ended from outside, perhaps in the middle of a case; `fell` is whether that was too slow."""
        self._write({"stop": place, "fell": fell})

    def refuse(self, message: str) -> None:
        """Nothing of the job can be measured."""
        self._write({"refused": message})

    def close(self) -> None:
        """Nothing is written any more."""
        file, self._file = self._file, -1  # what a signal's handler still writes shall not go into another file
        os.close(file)

    def _write(self, line: dict[str, Any]) -> None:
        os.write(self._file, f"{json.dumps(line, ensure_ascii=False)}\n".encode())
        os.fsync(self._file)


@dataclass(slots=True)
class Reader:
    """Reads what a journal has gained since it was last read."""

    path: Path
    offset: int = 0

    def read(self) -> Iterator[dict[str, Any]]:
        """Its new lines; none where there is no such file yet. A line that is not whole yet comes next time."""
        try:
            with self.path.open("rb") as file:
                file.seek(self.offset)
                text = file.read()
        except FileNotFoundError:
            return
        whole = text[: text.rfind(b"\n") + 1]
        self.offset += len(whole)
        yield from map(json.loads, whole.splitlines())


@dataclass(frozen=True, slots=True)
class Fall:
    """That an attempt at a job ended by itself: where, in the middle of which case, and whether for want of time.

    Attributes:
        place: of the case in the job; None where none had begun.
        late: whether the case had all of the job's time for itself, and it was too little.
    """

    place: int | None
    node: str
    late: bool


def find_falls(folder: SweepFolder, number: int, attempts: Iterable[int]) -> list[Fall]:
    """What these attempts at a job were brought down by; those that others ended are left out."""
    falls = (_find_fall(folder.journal(number, attempt)) for attempt in attempts)
    return [fall for fall in falls if fall]


def _find_fall(path: Path) -> Fall | None:
    begun: int | None = None
    idle, node = True, "?"
    for line in Reader(path).read():
        match line:
            case {"node": str(name)}:
                node = name
            case {"begin": int(place)}:
                begun, idle = place, False
            case {"end": int()}:
                begun, idle = None, False
            case {"stop": _, "fell": bool(fell)}:
                return Fall(begun, node, late=True) if fell else None
    return Fall(begun, node, late=False) if idle or begun is not None else None
