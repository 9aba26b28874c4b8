"""`--where`: conditions on rows, such as `params < 10e6 and (family == "x3d" or latency <= 20ms)`, parsed by hand.

    condition   either ("or" either)...          either   both ("and" both)...          both   ["not"] one
    one         "(" condition ")"  |  value (comparison value)...  |  value ["not"] "in" "(" value, ... ")"
    value       a column's name, a number with or without a unit, a text in quotes, true, false or null

What is unknown of a row is equal to null alone. Whether it is less or greater is unknown as well, and so is what
follows from that; a row is kept if the condition is true of it.
"""

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from vidbench.errors import InputError
from vidbench.query.columns import Column, find_column
from vidbench.table import Row

Truth = bool | None
Condition = Callable[[Row], Truth]

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "=": operator.eq,
}
CONSTANTS = {"true": True, "false": False, "null": None, "none": None}
KEYWORDS = ("and", "or", "not", "in")
DEEPEST = 50  # brackets inside one another
TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>-?(?:[0-9][0-9_]*(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
        (?:[ ]?(?!(?:and|or|not|in)\b)(?P<unit>[A-Za-z\u00b5\u03bc%/]+))?
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<text>"[^"]*"|'[^']*')
    | (?P<sign><=|>=|==|!=|[<>=(),\[\]])
    )""",
    re.VERBOSE,
)
OPENING = {"(": ")", "[": "]"}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # number, name, text, sign, end
    text: str
    at: int
    unit: str = ""


@dataclass(frozen=True, slots=True)
class _Value:
    """What stands on a side of a comparison: a column, or a constant."""

    at: int
    column: Column | None = None
    constant: Any = None
    unit: str = ""

    def of(self, row: Row) -> Any:
        return row.get(self.column.name) if self.column else self.constant


def keep_rows(rows: Iterable[Row], text: str) -> list[Row]:
    """The rows that the condition is true of.

    Raises:
        InputError: it is no condition; a line of the message points at the place.
    """
    holds = parse_condition(text)
    return [row for row in rows if holds(row)]


def parse_condition(text: str) -> Condition:
    """A function that says of a row whether the condition holds, None where that is unknown.

    Raises:
        InputError: it is no condition, or (by the function) it compares a number with a text.
    """
    return _Parser(text).parse()


class _Parser:
    """Recursive descent: a method a rule of the grammar above."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = self._split()
        self.place = 0
        self.depth = 0

    def parse(self) -> Condition:
        condition = self._either()
        if self._next.kind != "end":
            self._fail(f"{self._next.text!r} does not follow from what is before; join conditions by and, or")
        return condition

    def _split(self) -> list[_Token]:
        tokens, at = [], 0
        while self.text[at:].strip():
            match = TOKEN.match(self.text, at)
            if match is None:
                at += len(self.text[at:]) - len(self.text[at:].lstrip())
                closed = "this text has no closing quote" if self.text[at] in "\"'" else "this is not understood"
                self._fail(closed, at)
            kind = match.lastgroup if match.lastgroup != "unit" else "number"
            tokens.append(_Token(str(kind), match[str(kind)], match.start(str(kind)), match["unit"] or ""))
            at = match.end()
        return [*tokens, _Token("end", "", len(self.text.rstrip()))]

    @property
    def _next(self) -> _Token:
        return self.tokens[self.place]

    def _take(self, *texts: str) -> _Token | None:
        """The next token if it is one of these signs or words, which are then behind."""
        token = self._next
        if token.kind not in ("sign", "name") or token.text.lower() not in texts:
            return None
        self.place += 1
        return token

    def _either(self) -> Condition:
        parts = [self._both()]
        while self._take("or"):
            parts.append(self._both())
        return _any_of(parts) if len(parts) > 1 else parts[0]

    def _both(self) -> Condition:
        parts = [self._not()]
        while self._take("and"):
            parts.append(self._not())
        return _all_of(parts) if len(parts) > 1 else parts[0]

    def _not(self) -> Condition:
        negations = 0
        while self._take("not"):
            negations += 1
        condition = self._one()
        return _not(condition) if negations % 2 else condition

    def _one(self) -> Condition:
        if bracket := self._take("("):
            self.depth += 1
            if self.depth > DEEPEST:
                self._fail(f"more than {DEEPEST} brackets inside one another", bracket.at)
            condition = self._either()
            self._close(")")
            self.depth -= 1
            return condition
        left = self._value()
        negated = self._next.text.lower() == "not" and self._take("not") is not None
        if self._take("in"):
            among = self._among(left, self._list())
            return _not(among) if negated else among
        if negated:
            self._fail("in (...) is to follow here")
        return self._comparisons(left)

    def _comparisons(self, left: _Value) -> Condition:
        parts = []
        while sign := self._take(*COMPARISONS):
            right = self._value()
            parts.append(self._compare(left, sign.text, right))
            left = right
        if not parts:
            self._fail(f"a comparison is to follow here, such as < or == (there are {', '.join(COMPARISONS)}, in)")
        return _all_of(parts) if len(parts) > 1 else parts[0]

    def _list(self) -> list[_Value]:
        opening = self._take(*OPENING)
        if opening is None:
            self._fail('a list is to follow here, such as (8, 16) or ("cpu", "cuda:0")')
        values = [self._value()]
        while self._take(","):
            values.append(self._value())
        self._close(OPENING[opening.text])
        return values

    def _close(self, sign: str) -> None:
        if not self._take(sign):
            self._fail(f"{sign} is missing here")

    def _value(self) -> _Value:
        token = self._next
        if token.kind in ("end", "sign") or token.text.lower() in KEYWORDS:
            self._fail("a column, a number or a text in quotes is missing here")
        self.place += 1
        if token.kind == "number":
            return _Value(token.at, constant=float(token.text.replace("_", "")), unit=token.unit)
        if token.kind == "text":
            return _Value(token.at, constant=token.text[1:-1])
        if token.text.lower() in CONSTANTS:
            return _Value(token.at, constant=CONSTANTS[token.text.lower()])
        try:
            return _Value(token.at, column=find_column(token.text))
        except InputError as error:
            self._fail(f'{error} (a text stands in quotes: "{token.text}")', token.at)

    def _in_units_of(self, value: _Value, other: _Value) -> _Value:
        """The number of a comparison in base units of the column that it is compared with."""
        if not value.unit:
            return value
        if other.column is None:
            self._fail(f"{value.unit!r} is the unit of nothing: compare it with a column", value.at)
        try:
            return _Value(value.at, constant=other.column.amount(value.constant, value.unit))
        except InputError as error:
            self._fail(str(error), value.at)

    def _compare(self, left: _Value, sign: str, right: _Value) -> Condition:
        left, right = self._in_units_of(left, right), self._in_units_of(right, left)
        compare, exact = COMPARISONS[sign], sign in ("==", "!=", "=")

        def holds(row: Row) -> Truth:
            one, other = left.of(row), right.of(row)
            if one is None or other is None:
                return compare(one, other) if exact else None
            self._check_kinds(left, one, right, other)
            return compare(one, other)

        return holds

    def _among(self, left: _Value, values: Sequence[_Value]) -> Condition:
        scaled = [self._in_units_of(value, left) for value in values]

        def holds(row: Row) -> Truth:
            one = left.of(row)
            for value in scaled:
                other = value.of(row)
                if one is not None and other is not None:
                    self._check_kinds(left, one, value, other)
                if one == other:
                    return True
            return False

        return holds

    def _check_kinds(self, left: _Value, one: Any, right: _Value, other: Any) -> None:
        if _kind(one) == _kind(other):
            return
        value, told = (right, one) if right.column is None else (left, other)
        name = left.column.name if left.column else right.column.name if right.column else "it"
        self._fail(f"{name} holds {_kind(told if left.column or right.column else one)}, which this is not", value.at)

    def _fail(self, message: str, at: int | None = None) -> NoReturn:
        place = self._next.at if at is None else at
        line = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", self.text)
        raise InputError(f"--where: {message}\n  {line}\n  {' ' * place}^")


def _kind(value: Any) -> str:
    return "true or false" if isinstance(value, bool) else "numbers" if isinstance(value, int | float) else "texts"


def _all_of(parts: Sequence[Condition]) -> Condition:
    def holds(row: Row) -> Truth:
        known: Truth = True
        for part in parts:
            truth = part(row)
            if truth is False:
                return False
            known = known and truth
        return known

    return holds


def _any_of(parts: Sequence[Condition]) -> Condition:
    def holds(row: Row) -> Truth:
        known: Truth = False
        for part in parts:
            truth = part(row)
            if truth:
                return True
            known = None if truth is None else known
        return known

    return holds


def _not(part: Condition) -> Condition:
    def holds(row: Row) -> Truth:
        truth = part(row)
        return None if truth is None else not truth

    return holds
