"""What a table must say beside its figures: where they were taken, how, what they leave out, and how they grow."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from vidbench.catalog import DATASET_CLASSES, variants
from vidbench.differences import cross_checks, describe_check, name_case, name_counter
from vidbench.heap import OTHERS
from vidbench.metrics import METRICS, TIMED
from vidbench.modes import PRECISIONS
from vidbench.notes.growth import fit_growth
from vidbench.notes.methods import describe_company, write_methods
from vidbench.notes.modes import describe_modes
from vidbench.records import DISTURBED, GIVEN, NOT_SETTLED, RANDOM, Environment, Record
from vidbench.repeats import BETWEEN
from vidbench.table import Row
from vidbench.units import column_scale, format_days, format_number, format_tolerance

GROWTH_LABELS = {"macs": "GMACs", "latency": "latency", "peak_memory": "memory"}
SHOWN_TEMPORARIES = 0.01  # of the peak: less explains nothing
TOLD_APART = ("output_difference", "recompilations")  # with their caveats, in lines about modes
GROWTHS = 24  # settings whose growth is told
PARTS = {"module", "weights", "inputs", "activations"}  # that predicted memory is made of
HEAPS = {"kept": "freed memory kept", **{name: name for name in OTHERS}}
HINTS = 4  # models whose published setting is pointed to, before the list itself is


def write_notes(
    records: Sequence[Record],
    rows: Sequence[Row],
    environments: Mapping[str, Environment],
    metrics: Sequence[str],
    *,
    papers: bool = True,
) -> list[str]:
    """The lines under a table of these metrics, in their order; `papers` if it has a column of published figures."""
    return [
        *_failures(records),
        *_environments(records, environments),
        *_weights(records),
        *_built(records, metrics),
        *_methods(records, metrics),
        *_unsettled(rows, metrics),
        *_repeats(rows, metrics),
        *_disturbed(records, metrics),
        *describe_modes(records),
        *_cross_checks(records),
        *_caveats(records, metrics),
        *_memory(records, metrics),
        *_views(rows, metrics),
        *(_published(rows) if papers else ()),
        *(f"for a paper: {line}" for line in write_methods(records, environments)),
        *_growth(rows),
    ]


def describe_failure(record: Record) -> str | None:
    """The case and why it could not be measured; None where it could."""
    case = record.case
    if record.failure is None:
        return None
    mode = "" if case.mode == "eager" else f" {case.mode}"
    run = f" run {case.repeat + 1}" if case.repeat else ""
    how = f"{case.dtype}{mode}{run}"
    return f"{case.model} {case.frames}x{case.size} batch {case.batch} {how}: {record.failure.message}"


def _failures(records: Iterable[Record]) -> list[str]:
    return [f"not measured: {text}" for text in map(describe_failure, records) if text]


def _environments(records: Sequence[Record], environments: Mapping[str, Environment]) -> list[str]:
    places: dict[str, list[Record]] = {}
    for record in records:
        if where := environments.get(record.environment):
            places.setdefault(_describe_place(record, where), []).append(record)
    return [" · ".join([place, *_describe_taking(taken)]) for place, taken in places.items()]


def _describe_place(record: Record, where: Environment) -> str:
    versions = {**where.stack, "vidbench": record.conditions.get("vidbench", "?")}
    stack = ", ".join(f"{name} {version}" for name, version in versions.items())
    if record.case.device == "meta":
        return f"counted on meta tensors, nothing computed · {stack}"
    driver = f"driver {where.driver}" if where.driver else None
    threads = f"{where.threads} CPU threads" if where.threads != 1 else "1 CPU thread"
    heap = HEAPS.get(str(where.flags.get("heap")))
    parts = [where.device, driver, where.platform, threads, heap, f"clip: {record.case.clip}", stack]
    return " · ".join(part for part in parts if part)


def _describe_taking(records: Sequence[Record]) -> list[str]:
    """In which precisions, beside what, on which days (UTC) records of a place were taken; of what is counted none."""
    measured = [record for record in records if record.case.device != "meta"]
    if not measured:
        return []
    precisions = dict.fromkeys(PRECISIONS.get(record.case.dtype, record.case.dtype) for record in measured)
    company = describe_company(measured)
    return [", ".join(precisions), *([company] if company else []), format_days(record.time for record in measured)]


def _weights(records: Sequence[Record]) -> list[str]:
    files: dict[str, dict[str, None]] = {}
    for case in (record.case for record in records):
        if case.weights not in (RANDOM, GIVEN):
            files.setdefault(case.weights, {})[case.model] = None
    return [f"weights of {', '.join(models)}: {file}" for file, models in files.items()]


def _built(records: Sequence[Record], metrics: Sequence[str]) -> list[str]:
    """Which nets have parameters for each place and frame of the clip, so that another clip has other parameters."""
    models: dict[tuple[str, ...], dict[str, None]] = {}
    for record in records if "params" in metrics else ():
        if (params := record.measurement("params")) and (shaped := params.details.get("built_for")):
            models.setdefault(tuple(shaped), {})[record.case.model] = None
    return [
        f"parameters of {', '.join(names)} follow the clip's {' and '.join(shaped)}: each net is built for its clip"
        for shaped, names in models.items()
    ]


def _methods(records: Sequence[Record], metrics: Sequence[str]) -> list[str]:
    lines = []
    for metric in (METRICS[name] for name in metrics if name != "params"):
        taken = [m for record in records if (m := record.measurement(metric.name))]
        per = "" if metric.per in ("model", "second") else f", per {metric.per}"
        label = "GMACs" if metric.name == "macs" else metric.label
        lines += [f"{label}{per}: {method}" for method in dict.fromkeys(m.method for m in taken)]
        if metric.name == "macs" and taken:
            left_out = {_short(operator) for m in taken for operator in m.details.get("uncounted", ())}
            unknown = {_short(operator) for m in taken for operator in m.details.get("unknown", ())}
            lines.append(f"ran uncounted, for they contract nothing: {', '.join(sorted(left_out - unknown))}")
    return lines


def _short(operator: str) -> str:
    return operator.removeprefix("aten.").strip("_")


def _unsettled(rows: Sequence[Row], metrics: Sequence[str]) -> list[str]:
    """What the mark before a figure means, and within which limits the marked ones are known."""
    timed = [name for name in TIMED if name in metrics]
    known = [row[f"{name}_precision"] for name in timed for row in rows if row[f"{name}_settled"] is False]
    if not known:
        return []
    limits = dict.fromkeys(map(format_tolerance, (min(known), max(known))))
    return [
        "~ not settled: in the time allowed the median did not become known as well as --precision asks; those marked "
        f"are known to {' to '.join(limits)}, and each has its interval in --json and --csv"
    ]


def _repeats(rows: Sequence[Row], metrics: Sequence[str]) -> list[str]:
    """What figures of several runs are, and how much wider runs lie apart than a single one's interval says."""
    repeated = [row for row in rows if row.get("runs")]
    if not repeated:
        return []
    counts = " or ".join(str(count) for count in sorted({row["runs"] for row in repeated}))
    lines = [f"{counts} runs of each case, each in a process of its own, in rounds over all cases: medians of the runs"]
    for name in (name for name in TIMED if name in metrics):
        known = [row for row in repeated if row.get(f"{name}_{BETWEEN}") is not None]
        if known:
            sure = min(row[f"{name}_confidence"] for row in known)
            between, within = (median(row[f"{name}_{part}"] for row in known) for part in (BETWEEN, "within"))
            lines[0] += (
                f"; ± of {name} is the reach of their median's {100 * sure:.3g}% interval, typically "
                f"{format_tolerance(between)} between runs, where one run alone would claim {format_tolerance(within)}"
            )
    return lines


def _disturbed(records: Sequence[Record], metrics: Sequence[str]) -> list[str]:
    """What the mark before a figure means, and of the marked ones how much of their samples was disturbed by what."""
    marked = [
        m for record in records for name in TIMED if name in metrics
        if (m := record.measurement(name)) and any(caveat.startswith(f"{DISTURBED}:") for caveat in m.caveats)
    ]  # fmt: skip
    if not marked:
        return []
    shares: dict[str, list[float]] = {}
    for measurement in marked:
        for name, count in measurement.details["disturbances"].items():
            shares.setdefault(name, []).append(count / measurement.details["watched"])
    told = [
        f"{name} ({' to '.join(dict.fromkeys(f'{share:.0%}' for share in (min(found), max(found))))})"
        for name, found in shares.items()
    ]
    return [
        f"! disturbed: this share of a marked figure's samples was taken beside or under {', '.join(told)}; "
        "`vidbench env` says what to do, and --json has the conditions of each"
    ]


def _cross_checks(records: Sequence[Record]) -> list[str]:
    """How others counted, then a line a counter for each net and clip, whatever the batch and the precision."""
    checks = [(name_case(record.case), check) for record in records for check in cross_checks(record)]
    ran = dict.fromkeys(name_counter(check) for _, check in checks if check.version)
    how = f"cross-check: {', '.join(ran)}, each in a process of its own, one clip in fp32 on the CPU"
    return [*([how] if ran else []), *dict.fromkeys(f"{name}: {describe_check(check)}" for name, check in checks)]


def _caveats(records: Sequence[Record], metrics: Sequence[str]) -> list[str]:
    """Each caution once, with the metrics of a model that it is about; what a mark stands for is told once for all."""
    about: dict[tuple[str, str], list[str]] = {}
    for record in records:
        for measurement in record.measurements:
            told = measurement.metric not in metrics or measurement.metric in TOLD_APART
            for caveat in () if told else measurement.caveats:
                if caveat.startswith((NOT_SETTLED, DISTURBED)):
                    continue
                named = about.setdefault((record.case.model, caveat), [])
                named += [measurement.metric] if measurement.metric not in named else []
    return [f"caution, {' and '.join(named)} of {model}: {caveat}" for (model, caveat), named in about.items()]


def _views(rows: Sequence[Row], metrics: Sequence[str]) -> list[str]:
    """What figures of a video are made of."""
    views = dict.fromkeys((row["views"], row["views_total"]) for row in rows if row["views"])
    derived = {"macs": "GMACs x {0}", "throughput": "videos/s = clips/s / {0}, time = {0} / (clips/s)"}
    shown = [derived[name] for name in metrics if name in derived]
    return [
        f"per video, derived and not measured, of {text} views (clips x crops), each of them a clip: "
        f"{', '.join(shown).format(total)}"
        for text, total in views
        if shown
    ]


def _memory(records: Sequence[Record], metrics: Sequence[str]) -> list[str]:
    """Of each model's largest case: what was predicted and measured, and whose the difference is."""
    if "peak_memory" not in metrics:
        return []
    largest: dict[str, Record] = {}
    for record in records:
        best = largest.get(record.case.model)
        if record.figure("peak_memory") and (best is None or _peak(record) > _peak(best)):
            largest[record.case.model] = record
    return [line for record in largest.values() if (line := _compare_memory(record))]


def _peak(record: Record) -> float:
    return record.figure("peak_memory") or 0.0


def _compare_memory(record: Record) -> str | None:
    measured, predicted = record.measurement("peak_memory"), record.measurement("predicted_memory")
    if measured is None or predicted is None or predicted.value is None or not predicted.details.keys() >= PARTS:
        return None
    scale = column_scale([_peak(record)], "bytes")
    case, parts = record.case, predicted.details
    mode = "" if case.mode == "eager" else f" {case.mode}"
    where = f" in {parts['module']}" if parts["module"] else ""
    names = ("weights", "optimiser", "inputs", "activations")
    split = ", ".join(f"{scale.format(parts[name])} {name}" for name in names if parts.get(name) or name != "optimiser")
    line = (
        f"memory of {case.model} {case.frames}x{case.size} batch {case.batch}{mode}: {scale.format(_peak(record))} "
        f"{scale.label} measured, {scale.format(record.figure('predicted_memory'))} predicted ({split}{where})"
    )
    temporaries = measured.details.get("temporaries", {})
    if sum(temporaries.values()) >= SHOWN_TEMPORARIES * _peak(record):
        shares = ", ".join(f"{scale.format(size)} of {_short(name)}" for name, size in list(temporaries.items())[:2])
        line += f"; kernels' own at the measured peak: {shares}"
    return line


def _published(rows: Sequence[Row]) -> list[str]:
    """Where the paper's column has a figure, whose it is; where it has none, at which setting there is one."""
    sources = {
        f"published GMACs of {row['model']} at {row['frames']}x{row['size']}: {row['published_source']}": None
        for row in rows
        if row["published_gmacs"]
    }
    shown = {row["model"] for row in rows if row["published_gmacs"]}
    inferring = dict.fromkeys(row["model"] for row in rows if row["task"] == "inference")
    missing = [name for name in inferring if name not in shown and name in variants()]
    hints = [hint for name in missing if (hint := _published_elsewhere(name))]
    if len(hints) > HINTS:
        hints = [
            "the paper's column is empty where nothing is published at that setting; `vidbench list` has the settings"
        ]
    return [*sources, *hints]


def _published_elsewhere(name: str) -> str | None:
    variant = variants()[name]
    published = variant.headline()
    if published is None or published.gmacs is None:
        return None
    options = f"--frames {published.frames} --size {published.size}"
    if (classes := DATASET_CLASSES.get(published.dataset, variant.classes)) != variant.classes:
        options += f" --classes {classes}"
    return f"{name}: published is {published.gmacs:g} GMACs at another setting; {options} puts ours beside it"


def _growth(rows: Sequence[Row]) -> list[str]:
    lines = []
    growths = fit_growth(rows)
    settings = Counter(model for model, _ in {(growth.model, growth.setting) for growth in growths})
    for growth in growths[:GROWTHS]:
        factors = ", ".join(f"{GROWTH_LABELS[metric]} x{format_number(f)}" for metric, f in growth.factors.items())
        setting = f" ({growth.setting})" if settings[growth.model] > 1 else ""
        lines.append(
            f"{growth.model}{setting}, {growth.shortest} to {growth.longest} frames: {factors} per doubling of the clip"
        )
    if len(growths) > GROWTHS:
        lines.append(f"and {len(growths) - GROWTHS:,} more settings; `vidbench show --where` narrows them down")
    return lines
