"""`vidbench profile`: the main job. Models, clips, batches and precisions in; a table and files out."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidbench.cli.exits import INTERRUPTED, NOT_MEASURED
from vidbench.cli.options import Classes, Device, Dtype, Threads, Weights

if TYPE_CHECKING:
    from vidbench.cli.outputs import Sink
    from vidbench.records import Case, Environment, Footage, Record


def profile(  # noqa: PLR0917  # one parameter an option
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL",
            help="Variants or families (`vidbench list` shows them), shell patterns such as 'x3d-*' or '*', or nets of "
            "your own: package.module:factory.",
        ),
    ],
    frames: Annotated[
        str | None, typer.Option(help="Clip lengths, such as 8,16,32,64; default is the variant's.", show_default=False)
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(help="Heights and widths, such as 224,256; default is the variant's.", show_default=False),
    ] = None,
    batch: Annotated[
        str,
        typer.Option(
            help="Clips a call, such as 1,8; best tries batches for the one of highest throughput, max for the largest "
            "that fits."
        ),
    ] = "1",
    classes: Classes = None,
    device: Device = "auto",
    dtype: Dtype = "fp32",
    mode: Annotated[
        str,
        typer.Option(
            help="eager, channels-last (weights and clip), compile, compile-max (torch.compile, max-autotune), "
            "cuda-graph; also several, such as eager,compile."
        ),
    ] = "eager",
    task: Annotated[
        str, typer.Option(help="inference (a forward pass) or train (forward, backward and a step of SGD).")
    ] = "inference",
    clip: Annotated[
        list[str] | None,
        typer.Option(
            help="A video to take the clip from; default is synthetic noise. For adaptive nets also several (repeat "
            "--clip), folders, or static, panning, alternating, noise.",
            show_default=False,
        ),
    ] = None,
    clips_per_video: Annotated[int, typer.Option(help="Clips cut from each video for adaptive nets.")] = 10,
    stride: Annotated[int, typer.Option(help="Frames between samples of these clips.")] = 2,
    loop_clip: Annotated[bool, typer.Option("--loop-clip", help="Let a video that is too short start over.")] = False,
    weights: Weights = None,
    views: Annotated[
        str | None,
        typer.Option(
            help="Clips x crops that a video is tested on, such as 10x3: per-video figures come beside the others.",
            show_default=False,
        ),
    ] = None,
    energy: Annotated[
        bool, typer.Option("--energy", help="Also take energy per clip, idle power and utilization: seconds a case.")
    ] = False,
    stages: Annotated[
        bool,
        typer.Option(
            "--stages",
            help="Also time decoding, preprocessing, copies and the model on --clip VIDEO, in turn and overlapped.",
        ),
    ] = False,
    only: Annotated[
        str | None, typer.Option(help="Metrics to take, such as macs,latency; default is all.", show_default=False)
    ] = None,
    fits: Annotated[
        str | None,
        typer.Option(
            help="An amount of memory, such as 24GB: instead of measuring, find the longest clip and the largest batch "
            "that fit, by predicted memory.",
            show_default=False,
        ),
    ] = None,
    threads: Threads = None,
    precision: Annotated[
        str,
        typer.Option(
            help="How well medians of time are to be known, as 1% or 0.01: sampling goes on until their 95% interval "
            "is within it, or the time allowed is spent."
        ),
    ] = "1%",
    repeats: Annotated[
        int,
        typer.Option(
            help="Runs of each case, each in a process of its own, in rounds over all cases: the table then has the "
            "median of the runs, and how far they lie apart."
        ),
    ] = 1,
    cross_check: Annotated[
        bool,
        typer.Option("--cross-check", help="Let fvcore and ptflops count, too (on the CPU), and explain differences."),
    ] = False,
    timeout: Annotated[float, typer.Option(help="Seconds after which a case is ended, and has failed.")] = 600.0,
    in_process: Annotated[
        bool,
        typer.Option("--in-process", help="Measure here, not each timed case in a process of its own: for debugging."),
    ] = False,
    csv: Annotated[
        str | None,
        typer.Option(help="Write tidy CSV to this file; - is stdout, instead of the table.", show_default=False),
    ] = None,
    json: Annotated[
        str | None, typer.Option(help="Add the records to this JSON Lines file; - is stdout.", show_default=False)
    ] = None,
) -> None:
    """Measure what nets cost across clip lengths: parameters, MACs, latency, throughput and memory."""
    from vidbench.catalog import find_nets
    from vidbench.cli.left_out import warn_of_clips, warn_of_left_out
    from vidbench.cli.options import parse_batches, parse_bytes, parse_names, parse_numbers, parse_share
    from vidbench.cli.outputs import open_outputs
    from vidbench.errors import InputError
    from vidbench.records import RANDOM, Footage
    from vidbench.searches import check_search
    from vidbench.suites import expand_grid, list_left_out

    nets, matched = find_nets(models)
    limit = parse_bytes("--fits", fits) if fits is not None else None
    if limit is not None and device not in ("auto", "meta"):
        raise InputError(f"--fits predicts memory without a device; leave out --device {device}")
    extra = _request(energy=energy, stages=stages)
    if limit is not None and extra:
        raise InputError("--fits predicts memory without a device; leave out --energy and --stages")
    batches, search = parse_batches("--batch", batch)
    if limit is not None and search is not None:
        raise InputError(f"--fits predicts the largest batch, and nothing runs; leave out --batch {search}")
    share = parse_share("--precision", precision)
    warn_of_left_out()
    lengths, sizes = parse_numbers("--frames", frames), parse_numbers("--size", size)
    cases = expand_grid(
        nets,
        matched=matched,
        frames=lengths,
        sizes=sizes,
        classes=classes,
        batches=batches,
        dtypes=parse_names("--dtype", dtype),
        modes=parse_names("--mode", mode),
        device=device if limit is None else "meta",
        threads=threads,
        task=task,
        weights=RANDOM if weights is None else weights,
        repeats=repeats,
        views=views,
    )
    reasons = list_left_out(nets, matched, lengths, sizes)
    if not cases:
        raise InputError("\n  ".join(["no net takes these clips; give other --frames or --size:", *reasons]))
    warn_of_clips(reasons)
    metrics = parse_names("--only", only) if only is not None else None
    footage = Footage(sources=tuple(clip or ()), clips_per_video=clips_per_video, stride=stride, loop=loop_clip)
    if limit is not None:
        cases = _plan(cases, limit)
    if search is not None:
        check_search(search, cases)
    with open_outputs(csv_path=csv, json_path=json) as sink:
        how: dict[str, Any] = {"precision": share, "search": search}
        code = _measure(
            cases, metrics, footage, sink, how, extra=extra, cross_check=cross_check,
            shows_table="-" not in (csv, json), timeout=timeout, in_process=in_process,
        )  # fmt: skip
    raise typer.Exit(code)


def _request(*, energy: bool, stages: bool) -> tuple[str, ...]:
    """The metrics that these options stand for."""
    from vidbench.metrics import ENERGY, STAGES

    return (*(ENERGY if energy else ()), *(STAGES if stages else ()))


def _plan(cases: "list[Case]", limit: int) -> "list[Case]":
    """The longest clips and largest batches that fit; what does not fit at all is told on stderr."""
    from vidbench.catalog import is_own
    from vidbench.errors import InputError
    from vidbench.records import Footage
    from vidbench.run import prepare
    from vidbench.run.fits import find_fits
    from vidbench.run.nets import Nets
    from vidbench.terminal.screen import warn
    from vidbench.units import column_scale

    prepare(cases, None, Footage())
    scale = column_scale([limit], "bytes")
    warn(f"within {scale.format(limit)} {scale.label}: the longest clip and the largest batch, one after the other")
    nets = Nets()
    found: dict[Case, None] = {}
    for case in cases:
        for fit in find_fits(case, limit, nets):
            if fit.case is None:
                scale = column_scale([fit.predicted], "bytes")
                shortest = f"{case.frames} frames" if is_own(case.model) else "the shortest clip"
                least = "batch 1" if fit.axis == "batch" else shortest
                warn(
                    f"{case.model} {case.frames}x{case.size} batch {case.batch} does not fit: "
                    f"{scale.format(fit.predicted)} {scale.label} with {least}"
                )
            else:
                found[fit.case] = None
    if not found:
        raise InputError("nothing fits into that memory; give more with --fits, or smaller frames with --size")
    return list(found)


def _measure(
    cases: "list[Case]",
    names: list[str] | None,
    footage: "Footage",
    sink: "Sink",
    how: dict[str, Any],
    *,
    extra: tuple[str, ...],
    cross_check: bool,
    shows_table: bool,
    timeout: float,
    in_process: bool,
) -> int:
    """Measure as the Plan is told how, hand each record on as it comes, then print them all; the exit code."""
    from vidbench.differences import list_doubts
    from vidbench.heap import keep_freed_memory
    from vidbench.notes.lines import describe_failure, write_notes
    from vidbench.repeats import merge_runs
    from vidbench.run import Plan, prepare, run_cases
    from vidbench.run.offers import find_lengths
    from vidbench.run.processes import Processes
    from vidbench.searches import is_probe, is_refused
    from vidbench.table import rows
    from vidbench.terminal.batches import print_curves
    from vidbench.terminal.profile import print_distributions, print_profile, shown_metrics
    from vidbench.terminal.progress import show_progress
    from vidbench.terminal.screen import print_notes, warn
    from vidbench.terminal.stages import print_stages

    records: list[Record] = []
    environments: dict[str, Environment] = {}
    interrupted = False
    if in_process:
        keep_freed_memory()
    with Processes(timeout) as owned:
        processes = None if in_process else owned
        jobs, metrics = prepare(cases, names, footage, processes, extra)
        plan = Plan(metrics=metrics, lengths=find_lengths(jobs, names), **how)
        try:
            with show_progress(len(cases), searching=plan.search is not None) as announce:
                for record, environment in run_cases(
                    jobs, plan, cross_check=cross_check, processes=processes, announce=announce
                ):
                    records.append(record)
                    environments[record.environment] = environment
                    sink(record, environment)
                    if not (shows_table or is_refused(record)) and (failure := describe_failure(record)):
                        warn(f"not measured: {failure}")
                    for doubt in list_doubts(record):
                        warn(doubt)
        except KeyboardInterrupt:
            interrupted = True
    answers = [record for record in records if not is_probe(record)]
    if shows_table and answers:
        flat = merge_runs(rows(answers, environments))
        shown = shown_metrics(metrics, chosen=names is not None)
        print_profile(flat, shown)
        print_distributions(answers)
        print_stages(answers)
    if shows_table:
        print_curves(records)
    if shows_table and answers:
        print_notes(write_notes(answers, flat, environments, shown))
    if interrupted:
        warn(f"interrupted after {len(answers)} of {len(cases)} cases; what was measured is kept")
        return INTERRUPTED
    return NOT_MEASURED if any(record.failure for record in answers) else 0
