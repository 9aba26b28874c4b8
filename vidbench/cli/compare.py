"""`vidbench compare`: two results case by case, or two nets, revisions or environments measured in alternation."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidbench.cli.options import Classes, Threads

if TYPE_CHECKING:
    from vidbench.comparison.changes import Comparison


def compare(  # noqa: PLR0917  # one parameter an option
    old: Annotated[
        str,
        typer.Argument(
            metavar="OLD",
            help="A result file, or a folder of them; with --run a net, a folder of code, a virtual environment or "
            "git:REV.",
        ),
    ],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Another, to be held against it.")],
    across: Annotated[
        bool,
        typer.Option("--across", help="Compare figures of different stacks or devices, too, and say what differs."),
    ] = False,
    effect: Annotated[str, typer.Option(help="The change of a measured figure up to which it is the same.")] = "1%",
    noise: Annotated[
        str | None,
        typer.Option(
            help="How far single runs lie apart on this machine, such as 2%, for cases of too few runs; default is "
            "taken from cases that have more.",
            show_default=False,
        ),
    ] = None,
    json: Annotated[
        str | None, typer.Option(help="Write the comparison as JSON; - is stdout, instead of the table.")
    ] = None,
    run: Annotated[
        bool,
        typer.Option("--run", help="Measure both now, in turns, so that a machine that drifts drifts for both alike."),
    ] = False,
    model: Annotated[
        str | None, typer.Option(help="With --run and two places: the net that both build.", show_default=False)
    ] = None,
    frames: Annotated[
        int | None, typer.Option(help="With --run: the clip's length; default is the net's.", show_default=False)
    ] = None,
    size: Annotated[
        int | None, typer.Option(help="With --run: its height and width; default is the net's.", show_default=False)
    ] = None,
    batch: Annotated[int, typer.Option(help="With --run: clips a call.")] = 1,
    classes: Classes = None,
    dtype: Annotated[str, typer.Option(help="With --run: fp32, fp16 or bf16.")] = "fp32",
    device: Annotated[str, typer.Option(help="With --run: cpu, cuda or cuda:N.")] = "cpu",
    threads: Threads = None,
    rounds: Annotated[int, typer.Option(help="With --run: new processes a side, at most; fewer where they tell.")] = 72,
    timeout: Annotated[float, typer.Option(help="With --run: seconds that an answer may take.")] = 600.0,
) -> None:
    """Compare two results: counted figures must be equal, measured ones are judged by their runs.

    With --run, two nets, git revisions, folders of code or virtual environments are measured in alternation instead.
    """
    from vidbench.cli.options import parse_share
    from vidbench.cli.outputs import check_writable, write_text
    from vidbench.comparison.changes import compare as compare_results
    from vidbench.export.comparison import write_comparison
    from vidbench.store import read_all
    from vidbench.terminal.comparison import print_comparison
    from vidbench.terminal.screen import warn

    shares = [parse_share("--effect", effect), parse_share("--noise", noise) if noise is not None else None]
    if json is not None:
        check_writable("--json", json)
    if run:
        asked = {
            "frames": frames, "size": size, "batch": batch, "classes": classes, "dtype": dtype, "device": device,
            "threads": threads,
        }  # fmt: skip
        comparison = _alternate(old, new, model, asked, rounds=rounds, timeout=timeout, effect=shares[0] or 0.0)
    else:
        sides = [read_all([old]), read_all([new])]
        for warning in (warning for side in sides for warning in side.warnings):
            warn(warning)
        comparison = compare_results(*sides, across=across, effect=shares[0] or 0.0, noise=shares[1])
    if json is not None:
        write_text("--json", json, write_comparison(comparison) + "\n")
    if json != "-":
        print_comparison(comparison)


def _alternate(
    old: str, new: str, model: str | None, asked: dict[str, Any], *, rounds: int, timeout: float, effect: float
) -> "Comparison":
    """Measure both sides in turns, and judge them.

    Raises:
        InputError: a side is none, or cannot be built.
        VidbenchError: a side's process ended, or did not answer.
    """
    from functools import partial

    from vidbench.alternation.rounds import BURST_SECONDS, BURSTS, DTYPES, Asked, alternate, plan_looks
    from vidbench.alternation.sides import check_sides, default_clip, open_side
    from vidbench.comparison.changes import Comparison, judge_alternation
    from vidbench.errors import InputError
    from vidbench.records import Case
    from vidbench.terminal.screen import warn

    if asked["dtype"] not in DTYPES:
        raise InputError(f"--run knows the precisions {', '.join(DTYPES)}, not {asked['dtype']!r}")
    if rounds < 1 or asked["batch"] < 1:
        raise InputError("--rounds and --batch take 1 or more")
    with open_side(old) as before, open_side(new) as after:
        names = check_sides(before, after, model)
        frames, size = default_clip(names[1])
        asked |= {"frames": asked["frames"] or frames, "size": asked["size"] or size}
        both = Asked(model=names[0], **asked), Asked(model=names[1], **asked)
        judge = partial(judge_alternation, Case(model=names[1], **asked), effect=effect, looks=len(plan_looks(rounds)))
        found = alternate(
            (before, after), both, rounds, timeout=timeout,
            announce=lambda number: warn(f"round {number + 1} of at most {rounds}"),
            is_told=lambda bursts: judge(bursts).verdict != "inconclusive",
        )  # fmt: skip
    change = judge(found.bursts)
    notes = [
        f"old: {old}, new: {new}; in each of {len(found.bursts)} rounds a new process a side, in them {BURSTS} bursts "
        f"of {BURST_SECONDS:g} s each in turns; ratio: the middle of the rounds' medians of what neighbouring bursts "
        "differ by, its interval by Wilcoxon's signed ranks",
        *(
            f"{side}: {', '.join(f'{k} {v}' for k, v in stack.items())}"
            for side, stack in zip(("old", "new"), found.stacks, strict=True)
        ),
    ]
    if found.stacks[0] != found.stacks[1]:
        notes.append("the two sides run on different stacks, which may be all that the figures show")
    return Comparison(changes=(change,), notes=tuple(notes))
