"""How often `vidbench gate` is right: false alarms, slowdowns found, and the runs it took, by resampling processes.

Every trial draws whole processes of one case, with replacement: some as the baseline, some as new runs, slowed by a
known factor, and more of these whenever the gate asks to measure again. Samples within a process are never pooled.

Run: python benchmarks/gate_power.py FILE [--measure] [--trials N]. FILE is a result file of 20 cases or more, each in
20 processes or more; with --measure it is measured first (20 cases in 20 processes, some 15 minutes; do so on a quiet
machine). What vidbench marked as disturbed by other load is measured again, and left out. Without FILE the processes
are made up: normal, heavy-tailed, of two modes, and with rare slow ones.
"""

import argparse
import itertools
import math
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean, median
from typing import NamedTuple

from vidbench.comparison.pairs import label
from vidbench.gates import Limits, judge
from vidbench.records import DISTURBED, Case, Environment, Measurement, Record
from vidbench.statistics import spread_of
from vidbench.store import Results, Writer, read_results

MODELS = ("x3d-xs", "x3d-s", "tsn-r50", "slow-4x16-r50", "vov3d-m")
CLIPS = ((4, 64), (4, 96), (8, 64), (8, 96))
PROCESSES = 20
WITHIN = 0.02  # how well a process knows its own median, which is better than processes agree
BASELINE, FIRST = 20, 5  # runs of a baseline, and those that a gate begins with
SPREADS = (0.0025, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1)
QUIET = 0.01  # up to this spread between processes slowdowns must be found
LIMIT = 0.015  # the gate's own for latency
HERE = Environment(device="resampled", driver=None, platform="", stack={}, flags={}, threads=1)
CASE = Case(model="resampled", classes=None, frames=1, size=1)
TIMES = itertools.count()

Processes = Mapping[str, Sequence[float]]  # a case's latency in each of its processes


class Score(NamedTuple):
    """How trials ended, and the new runs that they took on average."""

    verdicts: Counter[str]
    runs: float

    def share(self, verdict: str) -> float:
        """Of all trials."""
        return self.verdicts[verdict] / self.verdicts.total()

    def __str__(self) -> str:
        shares = ", ".join(f"{name} {self.share(name):.1%}" for name in ("regression", "pass", "inconclusive"))
        return f"{shares}; {self.runs:.1f} new runs"


def run_of(latency: float) -> Record:
    """A run with that latency."""
    taken = Measurement(metric="latency", value=latency, unit="seconds", method="resampled")
    number = next(TIMES)
    return Record(id=str(number), time=f"{number:09d}", case=CASE, environment="here", measurements=(taken,))


def try_gate(draw: Callable[[], float], slower: float, *, limit: float = LIMIT, again: bool = True) -> tuple[str, int]:
    """One trial's verdict and new runs; without `again`, ten runs of each side that lie in files."""
    old, new = (BASELINE, FIRST) if again else (10, 10)
    baseline = Results(tuple(run_of(draw()) for _ in range(old)), {"here": HERE})
    begun = Results(tuple(run_of(draw() * (1 + slower)) for _ in range(new)), {"here": HERE})

    def remeasure(_: Sequence[Case], rounds: int) -> list[tuple[Record, Environment]]:
        return [(run_of(draw() * (1 + slower)), HERE) for _ in range(rounds)]

    found = judge(baseline, begun, Limits({"latency": limit}), remeasure=remeasure if again else None)
    return found.verdict, len(found.new.records)


def score(draws: Iterable[Callable[[], float]], slower: float, trials: int, **how: float | bool) -> Score:
    """That many trials, in turn over the cases."""
    cycle = itertools.cycle(draws)
    ended = [try_gate(next(cycle), slower, **how) for _ in range(trials)]  # type: ignore[arg-type]
    return Score(Counter(verdict for verdict, _ in ended), fmean(runs for _, runs in ended))


def draw_from(processes: Sequence[float], rng: random.Random, spread: float | None = None) -> Callable[[], float]:
    """Draws one of the processes, their distances from the median stretched to that spread, if one is given."""
    middle, own = median(processes), spread_of(processes)
    stretch = 1.0 if spread is None or not own else spread / own
    logs = [math.log(latency / middle) * stretch for latency in processes]
    return lambda: middle * math.exp(rng.choice(logs))


def make_up(rng: random.Random, count: int = 200) -> dict[str, list[float]]:
    """Processes of distributions that real ones resemble, all with a spread of 1%."""
    shapes: dict[str, Callable[[], float]] = {
        "normal": lambda: rng.gauss(0, 1),
        "heavy tail": lambda: rng.gauss(0, 1) / math.sqrt(rng.gammavariate(1, 1)),
        "lognormal": lambda: math.exp(rng.gauss(0, 1)),
        "two modes": lambda: rng.choice((-1, 1)) + rng.gauss(0, 0.2),
        "rarely slow": lambda: rng.gauss(5, 1) if rng.random() < 0.2 else rng.gauss(0, 1),
    }
    made = {name: [math.exp(0.01 * shape()) for _ in range(count)] for name, shape in shapes.items()}
    widths = {name: 0.99 * QUIET / spread_of(own) for name, own in made.items()}
    return {name: [latency ** widths[name] for latency in own] for name, own in made.items()}


def read_processes(path: Path) -> dict[str, list[float]]:
    """The latencies of each case's processes."""
    cases: dict[str, list[float]] = {}
    for record in read_results(path).records:
        if is_quiet(record):
            cases.setdefault(label(replace(record.case, repeat=0)), []).append(record.figure("latency") or 0.0)
    return {name: latencies for name, latencies in cases.items() if len(latencies) >= PROCESSES}


def is_quiet(record: Record) -> bool:
    """Whether the record has a latency, and nothing else ran beside it."""
    latency = record.measurement("latency")
    return latency is not None and not any(caveat.startswith(DISTURBED) for caveat in latency.caveats)


def measure(path: Path) -> None:
    """Twenty cases in twenty processes each, in rounds over all; records are added to the file as they come."""
    from vidbench.catalog import find_variant
    from vidbench.run.again import Again

    cases = [
        Case(model=name, classes=find_variant(name).classes, frames=frames, size=size)
        for name in MODELS
        for frames, size in CLIPS
    ]
    known = read_results(path) if path.exists() else Results()
    done = Counter(replace(record.case, repeat=0) for record in known.records if is_quiet(record))
    with path.open("a", encoding="utf-8") as file:
        writer = Writer(file, known.environments)
        again = Again(["latency"], precision=WITHIN, first=len(known.records))
        while lacking := [case for case in cases if done[case] < PROCESSES]:
            for record, environment in again(lacking, 1):
                writer.append(record, environment)
                done[replace(record.case, repeat=0)] += is_quiet(record)
                print(f"{label(record.case)} {record.figure('latency')}", flush=True)


def report(cases: Processes, trials: int, rng: random.Random) -> None:
    """The figures that the gate has to reach, then what more noise makes of them."""
    draws = {name: draw_from(processes, rng) for name, processes in cases.items()}
    spreads = {name: spread_of(processes) for name, processes in cases.items()}
    for name, spread in spreads.items():
        print(f"{name}: {len(cases[name])} processes, spread {spread:.2%}")
    for what, again in (("measuring again", True), ("ten and ten runs in files", False)):
        alike = score(draws.values(), 0.0, max(1000, trials), again=again)
        held = "holds" if alike.share("regression") < 0.01 else "DOES NOT HOLD"
        print(f"identical pairs, {what}: {alike} (false alarms under 1%: {held})", flush=True)
    quiet = [draws[name] for name, spread in spreads.items() if spread <= QUIET]
    print(f"{len(quiet)} of {len(cases)} cases have a spread of {QUIET:.0%} or less")
    for slower, wanted in ((0.05, 0.95), (0.03, 0.8)):
        if quiet:
            found = score(quiet, slower, trials)
            held = "holds" if found.share("regression") >= wanted else "DOES NOT HOLD"
            print(f"  {slower:.0%} slower: {found} (found in {wanted:.0%}: {held})", flush=True)
    for name in draws if len(draws) <= len(CLIPS) * len(MODELS) else ():
        each = [f"{slower:.0%}: {score([draws[name]], slower, trials // 4)}" for slower in (0.03, 0.05)]
        print(f"  {name}, spread {spreads[name]:.2%}: {' | '.join(each)}", flush=True)
    print("the same processes, their distances from the median stretched to a spread of:")
    for spread in SPREADS:
        stretched = [draw_from(processes, rng, spread) for processes in cases.values()]
        each = [f"{slower:.0%} slower: {score(stretched, slower, trials)}" for slower in (0.0, 0.03, 0.05)]
        print(f"  {spread:.2%}: {' | '.join(each)}", flush=True)


def main() -> None:
    """Measure if asked to, then report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--trials", type=int, default=1000)
    arguments = parser.parse_args()
    rng = random.Random(1)  # noqa: S311  # for trials, not for secrets
    if arguments.file and arguments.measure:
        measure(arguments.file)
    cases = read_processes(arguments.file) if arguments.file else make_up(rng)
    if not cases:
        parser.error(f"no case of {arguments.file} has {PROCESSES} processes; --measure measures some")
    report(cases, arguments.trials, rng)


if __name__ == "__main__":
    main()
