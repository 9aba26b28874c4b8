"""Footnotes of a table: a letter for each thing to be said of cells, in the order in which they are met."""

from collections.abc import Sequence
from string import ascii_lowercase

from vidbench.records import DISTURBED, NOT_SETTLED, Failure, Record
from vidbench.table import Row
from vidbench.units import format_number, format_tolerance

FAILED = {"oom": "OOM", "crash": "crashed", "timeout": "timed out", "error": "failed"}
_SHARED = (DISTURBED,)  # kinds of caveats that have one letter for all cells, told by what they begin with
_LONGEST = 300  # characters of a footnote


class Footnotes:
    """Gives letters to what is said of cells; the same text has the same letter."""

    def __init__(self) -> None:
        self._letters: dict[str, str] = {}
        self._precisions: list[float] = []

    def mark(self, text: str) -> str:
        """The letter of that footnote."""
        return self._letters.setdefault(_shorten(text), _letter(len(self._letters)))

    def of_figure(self, metric: str, row: Row, records: Sequence[Record]) -> tuple[str, ...]:
        """The letters of a known figure: what its records say of how it was taken."""
        letters: list[str] = []
        if row.get(f"{metric}_settled") is False:
            precision = row.get(f"{metric}_precision")
            self._precisions += [precision] if precision is not None else []
            letters.append(self.mark(NOT_SETTLED))
        taken = [m for record in records if (m := record.measurement(metric))]
        for caveat in (caveat for m in taken for caveat in m.caveats):
            if caveat.startswith(NOT_SETTLED):
                continue
            kind = next((name for name in _SHARED if caveat.startswith(name)), None)
            letters.append(self.mark(kind or caveat))
        return tuple(dict.fromkeys(letters))

    def of_missing(self, metric: str, records: Sequence[Record]) -> tuple[str, ...]:
        """The letters of a figure that is not there: why it failed, or why it is unknown."""
        failures = [record.failure for record in records if record.failure]
        caveats = [c for record in records if (m := record.measurement(metric)) for c in m.caveats]
        texts = [failure.message for failure in failures] or caveats or ["not measured"]
        return tuple(dict.fromkeys(map(self.mark, texts)))

    def of_case(self, records: Sequence[Record]) -> tuple[str, ...]:
        """The letters of a whole row: outputs that differ from the reference's, and runs that failed beside others."""
        texts = []
        for record in records:
            difference = record.measurement("output_difference")
            if difference and difference.details.get("agrees") is False:
                figure = record.figure("output_difference")
                by = "" if figure is None else f", by {format_number(figure)} relative to the greatest of them"
                texts.append(f"outputs differ from those of fp32 eager{by}")
        failures: list[Failure] = [record.failure for record in records if record.failure]
        if 0 < len(failures) < len(records):
            texts.append(f"{len(failures)} of {len(records)} runs failed: {failures[0].message}")
        return tuple(dict.fromkeys(map(self.mark, texts)))

    def list(self) -> tuple[tuple[str, str], ...]:
        """Each letter with its text, in the order of the letters."""
        return tuple((letter, self._describe(text)) for text, letter in self._letters.items())

    def _describe(self, text: str) -> str:
        if text == DISTURBED:
            return "disturbed: more than a few of its samples were taken beside other load, or throttled"
        if text == NOT_SETTLED:
            found = dict.fromkeys(map(format_tolerance, sorted(self._precisions)))
            limits = list(found)[:: max(1, len(found) - 1)]
            known = f"; the 95% interval of the median is within {' to '.join(limits)}" if limits else ""
            return f"not settled in the time allowed{known}"
        return text


def _letter(number: int) -> str:
    """a, b, ..., z, aa, ab, ..."""
    text = ""
    while number >= 0:
        number, place = divmod(number, len(ascii_lowercase))
        text = ascii_lowercase[place] + text
        number -= 1
    return text


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}..."
