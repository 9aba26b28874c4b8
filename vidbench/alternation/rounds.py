"""Two nets, or one net in two places, in alternation: bursts of calls in turns, so that a drift is both sides'."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from select import select
from statistics import median
from time import monotonic
from typing import IO, Any

from vidbench.alternation import side as script
from vidbench.alternation.side import BEGIN, END, GO, STOP
from vidbench.alternation.sides import Side
from vidbench.errors import InputError, OwnCodeError, VidbenchError

BURSTS, BURST_SECONDS = 12, 0.1
LOOKS, FIRST = 4, 9  # how often rounds are judged at most, each time twice as many, and the fewest that are
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
    is_told: Callable[[Sequence[Sequence[Burst]]], bool] = lambda _: False,
) -> Rounds:
    """Measure both sides in turns: in each round a new process a side, in it bursts A B, B A, A B, ...

    Only one side computes at a time; the other waits for its turn.

    Args:
        sides: where the nets come from.
        asked: what each side builds and calls.
        rounds: at most.
        timeout: seconds that an answer may take.
        announce: is told the number of each round before it begins.
        is_told: whether these rounds suffice; asked after so many as `plan_looks` says.

    Raises:
        InputError: a side cannot build its net or call it; OwnCodeError where that is the net's own code.
        VidbenchError: a side's process ended or did not answer in time.
    """
    found: list[tuple[Burst, ...]] = []
    stacks: tuple[dict[str, str], dict[str, str]] = ({}, {})
    looks = plan_looks(rounds)
    with start_side(sides[0], asked[0], timeout) as old, start_side(sides[1], asked[1], timeout) as new:
        for number in range(rounds):
            announce(number)
            stacks = old.begin(), new.begin()
            found.append(tuple(take_turns(old.take, new.take)))
            for side in (old, new):
                side.end()
            if number + 1 in looks and is_told(found):
                break
    return Rounds(tuple(found), stacks)


def plan_looks(rounds: int) -> tuple[int, ...]:
    """After how many rounds it is looked whether they tell: all, half, a quarter, an eighth, but no fewer than nine."""
    return tuple(sorted({rounds} | {rounds >> i for i in range(1, LOOKS) if rounds >> i >= FIRST}))


def take_turns(old: Callable[[], float], new: Callable[[], float], bursts: int = BURSTS) -> Iterator[Burst]:
    """So many bursts of each, in an order in which neither is always the first: A B, B A, A B, ..."""
    for turn in range(bursts):
        if turn % 2:
            after = new()
            yield old(), after
        else:
            yield old(), new()


class SideProcess:
    """A side's process, which answers a line with a line."""

    def __init__(self, name: str, model: str, process: "subprocess.Popen[bytes]", timeout: float) -> None:
        self._name, self._model, self._process, self._timeout = name, model, process, timeout
        self._received = b""

    def begin(self) -> dict[str, str]:
        """A new process for a round, which builds the net and warms up; its stack.

        The other side is not to begin meanwhile: threads of two that wait for one another by turning hold both up.
        """
        self._tell(BEGIN)
        stack: dict[str, str] = self.read()["stack"]
        return stack

    def end(self) -> None:
        """The round's process ends."""
        self._tell(END)

    def take(self) -> float:
        """Median seconds of the calls of one burst."""
        self._tell(str(BURST_SECONDS))
        samples: list[float] = self.read()["samples"]
        return median(samples)

    def go(self) -> None:
        """Calls from now on, until they are stopped; the first of them has been made."""
        self._tell(GO)
        self.read()

    def stop(self) -> None:
        """No more calls; the last of them has ended."""
        self._tell(STOP)
        self.read()

    def _tell(self, word: str) -> None:
        stdin = self._pipe(self._process.stdin)
        try:
            stdin.write(f"{word}\n".encode())
            stdin.flush()
        except OSError as error:
            raise self._ended() from error

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
        if "error" in answer:
            raise self._refusal(answer)
        return answer

    def _refusal(self, answer: dict[str, Any]) -> InputError:
        place = "" if self._name == self._model else f"{self._name}: "
        error = (InputError if answer["refused"] else OwnCodeError)(f"{place}{answer['error']}")
        error.add_note(f"It was raised in the process of {self._name}:\n{answer['trace']}")
        return error

    def _ended(self) -> VidbenchError:
        code = self._process.wait()
        return VidbenchError(f"the process of {self._name} ended with code {code}; above is why")

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        assert pipe is not None  # noqa: S101  # both ends are asked for where it is started
        return pipe


@contextmanager
def start_side(side: Side, asked: Asked, timeout: float) -> Iterator[SideProcess]:
    """The side's process while this is open, from which those of the rounds are forked."""
    told = asdict(asked) | {"dtype": DTYPES[asked.dtype]}
    with subprocess.Popen(  # noqa: S603  # ourselves
        [side.python, "-P", str(Path(script.__file__)), json.dumps(told)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=side.folder, env=side.environment, start_new_session=True,
    ) as process:  # fmt: skip
        try:
            yield SideProcess(side.name, asked.model, process, timeout)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
