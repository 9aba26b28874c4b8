"""Two nets, or one net in two places, in alternation: bursts of calls in turns, so that a drift is both sides'."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from select import select
from statistics import median
from time import monotonic
from typing import IO, Any

from vidbench.errors import VidbenchError
from vidbench.run import side as script
from vidbench.run.sides import Side

BURSTS, BURST_SECONDS = 6, 0.25
DTYPES = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16"}

Burst = tuple[float, float]  # median seconds of a call of the old side and of the new, one right after the other


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a side is to build and to call."""

    model: str
    frames: int
    size: int
    batch: int
    classes: int | None
    dtype: str
    device: str
    threads: int | None


@dataclass(frozen=True, slots=True)
class Rounds:
    """Bursts in pairs, a list a round of new processes, and the stacks that both sides ran on."""

    bursts: tuple[tuple[Burst, ...], ...]
    stacks: tuple[dict[str, str], dict[str, str]]


def alternate(
    sides: tuple[Side, Side],
    asked: tuple[Asked, Asked],
    rounds: int,
    *,
    timeout: float,
    announce: Callable[[int], None] = lambda _: None,
) -> Rounds:
    """Measure both sides in turns: in each round a new process a side, in it bursts A B, B A, A B, ...

    Only one side computes at a time; the other waits for its turn.

    Raises:
        VidbenchError: a side's process ended or did not answer in time.
    """
    found: list[tuple[Burst, ...]] = []
    stacks: tuple[dict[str, str], dict[str, str]] = ({}, {})
    for number in range(rounds):
        announce(number)
        with _start(sides[0], asked[0], timeout) as old, _start(sides[1], asked[1], timeout) as new:
            stacks = old.read()["stack"], new.read()["stack"]
            bursts: list[Burst] = []
            for turn in range(BURSTS):
                if turn % 2:
                    after = new.take()
                    bursts.append((old.take(), after))
                else:
                    bursts.append((old.take(), new.take()))
            found.append(tuple(bursts))
    return Rounds(tuple(found), stacks)


class _Process:
    """A side's process, which answers a line with a line."""

    def __init__(self, name: str, process: "subprocess.Popen[bytes]", timeout: float) -> None:
        self._name, self._process, self._timeout = name, process, timeout
        self._received = b""

    def take(self) -> float:
        """Median seconds of the calls of one burst."""
        stdin = self._pipe(self._process.stdin)
        try:
            stdin.write(f"{BURST_SECONDS}\n".encode())
            stdin.flush()
        except OSError as error:
            raise self._ended() from error
        samples: list[float] = self.read()["samples"]
        return median(samples)

    def read(self) -> dict[str, Any]:
        """The next answer."""
        stdout = self._pipe(self._process.stdout)
        end = monotonic() + self._timeout
        while b"\n" not in self._received:
            if not select([stdout], [], [], max(0.0, end - monotonic()))[0]:
                raise VidbenchError(f"{self._name} did not answer in {self._timeout:g} s; --timeout gives it longer")
            chunk = stdout.read1(2**16)  # type: ignore[attr-defined]
            if not chunk:
                raise self._ended()
            self._received += chunk
        line, self._received = self._received.split(b"\n", 1)
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _ended(self) -> VidbenchError:
        code = self._process.wait()
        return VidbenchError(f"the process of {self._name} ended with code {code}; above is why")

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        assert pipe is not None  # noqa: S101  # both ends are asked for where it is started
        return pipe


@contextmanager
def _start(side: Side, asked: Asked, timeout: float) -> Iterator[_Process]:
    """The side's process while this is open; it begins to build at once, beside the other's."""
    told = asdict(asked) | {"dtype": DTYPES[asked.dtype]}
    with subprocess.Popen(  # noqa: S603  # ourselves
        [side.python, "-P", str(Path(script.__file__)), json.dumps(told)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=side.folder, env=side.environment,
    ) as process:  # fmt: skip
        try:
            yield _Process(side.name, process, timeout)
        finally:
            process.kill()
