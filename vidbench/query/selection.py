"""Which records of result files a table is made of, in which order, and by what its rows differ."""

from collections.abc import Iterable, Sequence

from vidbench.catalog import variants
from vidbench.errors import InputError
from vidbench.query.columns import FAMILY, Column, find_column
from vidbench.records import Case, Record
from vidbench.table import CASE_COLUMNS, ONE_CASE, Row, identify

Place = tuple[str | None, str | None]  # a device's name and the release of torch

# Of rows that are not alike in these the figures are not, whatever the models.
UNLIKE = ("device", "dtype", "mode", "task", "batch", "device_name", "torch")

# What tells rows of one model apart, with the likeliest first.
PLACES = ("device_name", "gpu_kind", "torch", "environment")
AXES = (*(name for name in CASE_COLUMNS if name not in ("model", "repeat")), *PLACES)


def keep_latest(records: Iterable[Record]) -> list[Record]:
    """Of the records of one case, environment and GPU kind that which was taken last, in the place of the first."""
    found: dict[tuple[Case, str, str | None], Record] = {}
    for record in records:
        key = (record.case, record.environment, record.gpu_kind)
        earlier = found.get(key)
        if earlier is None or record.time >= earlier.time:
            found[key] = record
    return list(found.values())


def add_families(rows: Iterable[Row]) -> list[Row]:
    """The rows with their nets' families; a net of a user's own is its own."""
    known = variants()
    return [{**row, FAMILY: known[row["model"]].family if row["model"] in known else row["model"]} for row in rows]


def sort_rows(rows: Sequence[Row], keys: str) -> list[Row]:
    """By columns with commas between, descending where `-` stands before one; what is unknown comes last.

    Raises:
        InputError: there is no such column.
    """
    found = list(rows)
    for key in reversed(keys.split(",")):
        name = find_column(key.strip().removeprefix("-")).name
        known = [row for row in found if row.get(name) is not None]
        if len({isinstance(row[name], str) for row in known}) > 1:
            raise InputError(f"{name} holds numbers and texts, which have no common order; sort by another column")
        known.sort(key=lambda row: row[name], reverse=key.strip().startswith("-"))
        found = known + [row for row in found if row.get(name) is None]
    return found


def differing(rows: Iterable[Row], axes: Sequence[str] = AXES) -> dict[str, list[object]]:
    """The axes by which these rows differ, each with its values; those of PLACES only where no other axis tells."""
    rows = list(rows)
    values = {axis: list(dict.fromkeys(row[axis] for row in rows)) for axis in axes}
    found = {axis: several for axis, several in values.items() if len(several) > 1}
    for axis in reversed(PLACES):
        others = [other for other in found if other != axis]
        if axis in found and len(_distinct(rows, others)) == len(_distinct(rows, [*others, axis])):
            del found[axis]
    return found


def telling_axes(rows: Sequence[Row]) -> list[str]:
    """What a table must show beside the model: what tells one's rows apart, and what makes models' rows unlike."""
    apart: dict[str, None] = {}
    for group in _by_model(rows).values():
        apart |= dict.fromkeys(differing(group))
    unlike = differing(rows, UNLIKE)
    return [axis for axis in AXES if axis in apart or axis in unlike]


def tell_devices(rows: Sequence[Row], axes: Sequence[str], others: Sequence[str] = ()) -> list[str]:
    """The axes, with behind `device` what else tells devices apart that have one name there, as `cuda:0` is any GPU.

    What is among the `others` tells them apart already.
    """
    names = ("device_name", "gpu_kind")
    told = ["device", *(name for name in names if name in (*axes, *others))]
    added: list[str] = []
    for name in names:
        known = [row for row in rows if row[name] is not None]
        if len(_distinct(known, [*told, *added, name])) > len(_distinct(known, [*told, *added])):
            added.append(name)
    return [one for axis in axes for one in ((axis, *added) if axis == "device" else (axis,))]


def _distinct(rows: Iterable[Row], axes: Sequence[str]) -> set[tuple[object, ...]]:
    return {tuple(row[axis] for axis in axes) for row in rows}


def _by_model(rows: Iterable[Row]) -> dict[object, list[Row]]:
    groups: dict[object, list[Row]] = {}
    for row in rows:
        groups.setdefault(row["model"], []).append(row)
    return groups


def split_places(rows: Iterable[Row]) -> dict[Place, list[Row]]:
    """The rows of each device and torch: what was measured at one of them says nothing about another."""
    places: dict[Place, list[Row]] = {}
    for row in rows:
        places.setdefault((row["device_name"], row["torch"]), []).append(row)
    return places


def refuse_places(rows: Iterable[Row], columns: Sequence[Column]) -> None:
    """Raise InputError where figures that a device gives would be compared with those of another."""
    places = list(split_places(rows))
    if len(places) < 2 or not any(column.sampled for column in columns):
        return
    told = ", ".join(f"{device} with torch {torch}" for device, torch in places)
    axis, value = ("device_name", places[0][0]) if len({one for one, _ in places}) > 1 else ("torch", places[0][1])
    raise InputError(
        f"these records are of {len(places)} places ({told}), whose figures are not comparable; keep one of them, such "
        f"as with --where '{axis} == \"{value}\"'"
    )


def records_of(rows: Iterable[Row], records: Iterable[Record]) -> list[Record]:
    """The records that rows are made of, all runs of a case being one row."""
    shown = {tuple(row[axis] for axis in ONE_CASE) for row in rows}
    return [record for record in records if identify(record) in shown]
