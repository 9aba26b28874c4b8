"""`vidbench explain`: where one net's MACs, bytes and time go, and why it is slower than its FLOPs say."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidbench.cli.options import Classes, Device, Dtype, Threads, Weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vidbench.explain.comparison import Comparison
    from vidbench.explain.explanation import Explanation
    from vidbench.records import Case, Footage
    from vidbench.run.explaining import Ways


def explain(  # noqa: PLR0917  # one parameter an option
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="A variant or family (`vidbench list` shows them), or a net of your own: package.module:factory.",
        ),
    ],
    against: Annotated[
        str | None, typer.Option(help="Another model, to be held against it row by row.", show_default=False)
    ] = None,
    frames: Annotated[
        int | None, typer.Option(help="Clip length; default is the variant's.", show_default=False)
    ] = None,
    size: Annotated[
        int | None, typer.Option(help="Height and width; default is the variant's.", show_default=False)
    ] = None,
    batch: Annotated[int, typer.Option(help="Clips a call.")] = 1,
    classes: Classes = None,
    device: Device = "auto",
    dtype: Dtype = "fp32",
    on: Annotated[
        str | None,
        typer.Option(help="A GPU, such as a100: estimate by its datasheet instead of timing.", show_default=False),
    ] = None,
    depth: Annotated[
        int | None, typer.Option(help="Levels of modules; default is 3, opened where it matters.", show_default=False)
    ] = None,
    try_: Annotated[
        bool, typer.Option("--try", help="Try what the findings propose, and report what it does.")
    ] = False,
    clip: Annotated[
        str | None, typer.Option(help="A video to take the clip from; default is noise.", show_default=False)
    ] = None,
    weights: Weights = None,
    threads: Threads = None,
    trace: Annotated[
        str | None,
        typer.Option(help="Write the profiler's Chrome trace here (.json or .json.gz).", show_default=False),
    ] = None,
    csv: Annotated[
        str | None, typer.Option(help="Write tidy CSV to this file; - is stdout, instead.", show_default=False)
    ] = None,
    json: Annotated[
        str | None, typer.Option(help="Write one JSON object to this file; - is stdout, instead.", show_default=False)
    ] = None,
    picture: Annotated[
        str | None,
        typer.Option(help="Draw a roofline and bars of shares (.png, .svg or .pdf).", show_default=False),
    ] = None,
) -> None:
    """Tell where a net's MACs, bytes and time go, by module and kind of operator, and why few FLOPs can be slow."""
    from pathlib import Path

    from vidbench.catalog import find_variant
    from vidbench.errors import InputError
    from vidbench.records import RANDOM, Footage
    from vidbench.run.explaining import Ways
    from vidbench.suites import expand_grid

    if depth is not None and depth < 0:
        raise InputError(f"--depth cannot be {depth}; give 0 or more")
    if csv == json == "-":
        raise InputError("--csv - and --json - cannot both have stdout; give one of them a file")
    nets = [find_variant(name) for name in (model, against) if name is not None]
    options: dict[str, Any] = {
        "frames": [] if frames is None else [frames],
        "sizes": [] if size is None else [size],
        "batches": [batch],
        "dtypes": [dtype],
        "classes": classes,
        "threads": threads,
        "weights": RANDOM if weights is None else weights,
    }
    peaks = _estimate(on, dtype, device, refused={"--try": try_, "--trace": trace is not None})
    cases = expand_grid(nets, device="meta" if on else device, **options)
    _check_files(csv, json, picture)
    ways = Ways(peaks=peaks, tries=try_, trace=Path(trace) if trace else None)
    explanations = _explain(cases, Footage(sources=() if clip is None else (clip,)), ways)
    comparison = _compare(explanations)
    if picture:
        from vidbench.plots import draw_explanations

        draw_explanations(explanations, Path(picture))
    if _write(explanations, comparison, csv, json):
        return
    from vidbench.terminal.explanation import print_comparison, print_explanation

    if comparison:
        print_comparison(comparison)
    else:
        print_explanation(explanations[0], depth)


def _estimate(on: str | None, dtype: str, device: str, refused: dict[str, bool]) -> Any:
    from vidbench.devices import estimate_peaks
    from vidbench.errors import InputError

    if on is None:
        return None
    if device not in ("auto", "meta"):
        raise InputError(f"--on estimates without a device; leave out --device {device}")
    for option, given in refused.items():
        if given:
            raise InputError(f"{option} runs the net, and --on only estimates; leave one of them out")
    return estimate_peaks(on, dtype)


def _explain(cases: "list[Case]", footage: "Footage", ways: "Ways") -> "list[Explanation]":
    from dataclasses import replace

    from vidbench.heap import keep_freed_memory
    from vidbench.run import prepare
    from vidbench.run.explaining import explain_case
    from vidbench.run.nets import Nets
    from vidbench.terminal.screen import warn

    keep_freed_memory()
    jobs, _ = prepare(cases, ["params"], footage)
    explanations: list[Explanation] = []
    for number, (case, clips) in enumerate(jobs):
        name = case.model
        kept = ways if number == 0 else replace(ways, trace=None, peaks=explanations[0].peaks)
        explanations.append(
            explain_case(case, clips[0], kept, Nets(), lambda step, name=name: warn(f"{name}: {step}"))  # type: ignore[misc]
        )
    return explanations


def _compare(explanations: "Sequence[Explanation]") -> "Comparison | None":
    from vidbench.explain.comparison import compare

    return compare(*explanations) if len(explanations) > 1 else None


def _check_files(csv: str | None, json: str | None, picture: str | None) -> None:
    """Refuse what cannot be written before anything is measured."""
    from pathlib import Path

    from vidbench.cli.outputs import check_writable

    for option, path in (("--csv", csv), ("--json", json)):
        if path is not None and path != "-":
            check_writable(option, path)
    if picture is not None:
        from vidbench.plots import check_picture

        check_picture(Path(picture))


def _write(
    explanations: "list[Explanation]", comparison: "Comparison | None", csv: str | None, json: str | None
) -> bool:
    """Write the files asked for; whether stdout was one of them."""
    from pathlib import Path

    from vidbench.export.explanation import write_csv, write_json

    for path, write in ((csv, write_csv), (json, write_json)):
        if path == "-":
            typer.echo(write(explanations, comparison), nl=False)
        elif path:
            Path(path).write_text(write(explanations, comparison), encoding="utf-8")
    return "-" in (csv, json)
