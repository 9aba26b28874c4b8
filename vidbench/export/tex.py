"""Text as LaTeX that prints it as it is, with any engine and without any package."""

import unicodedata

_COMMANDS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "$": r"$\mathdollar$",  # the text symbol of LaTeX's default font is a bitmap
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": "$<$", ">": "$>$", "|": "$|$", '"': "''",
    "`": "`{}", "'": "'{}", "-": "-{}", ",": ",{}", "?": "?{}", "!": "!{}",
    "[": "{[}", "]": "{]}", "*": "{*}",  # which a line of a table would take for its own
    "×": r"$\times$", "±": r"$\pm$", "µ": r"$\mu$", "·": r"$\cdot$", "–": "--", "—": "---", "−": "$-$",
    "≤": r"$\leq$", "≥": r"$\geq$", "≠": r"$\neq$", "≈": r"$\approx$", "→": r"$\to$", "∞": r"$\infty$",
    "°": r"$^\circ$", "…": r"\ldots{}",
    "‘": "`{}", "’": "'{}", "“": "``{}", "”": "''{}", "λ": r"$\lambda$", "Λ": r"$\Lambda$",
    "ß": r"\ss{}", "æ": r"\ae{}", "Æ": r"\AE{}", "ø": r"\o{}", "Ø": r"\O{}", "ł": r"\l{}", "Ł": r"\L{}", "œ": r"\oe{}",
    "Œ": r"\OE{}", "ı": r"\i{}",
}  # fmt: skip
_ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".",
    "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0327": "c",
}  # fmt: skip
_GREEK = {
    f"GREEK {case} LETTER {name.upper()}": f"$\\{name if case == 'SMALL' else name.capitalize()}$"
    for case, names in (
        ("SMALL", "alpha beta gamma delta epsilon zeta eta theta iota kappa"),
        ("SMALL", "mu nu xi pi rho sigma tau phi chi psi omega"),
        ("CAPITAL", "gamma delta theta xi pi sigma phi psi omega"),
    )
    for name in names.split()
}  # fmt: skip
# Behind these an empty group keeps the next character from joining them to another sign.
_LIGATURES = {"`", "'", "-", ",", "?", "!"}


def escape(text: str) -> str:
    """The text for LaTeX; spaces of any kind become one, and a character that no font is sure to have its code."""
    line = " ".join(text.split())
    return "".join(_write(one, line[place + 1 : place + 2]) for place, one in enumerate(line))


def _write(one: str, following: str) -> str:
    if one in _LIGATURES and following not in _LIGATURES:
        return one
    if one in _COMMANDS:
        return _COMMANDS[one]
    if one.isascii() and one.isprintable():
        return one
    if greek := _GREEK.get(unicodedata.name(one, "")):
        return greek
    parts = unicodedata.normalize("NFD", one)
    if len(parts) == 2 and parts[1] in _ACCENTS and parts[0].isascii() and parts[0].isalpha():
        return rf"\{_ACCENTS[parts[1]]}{{{parts[0]}}}"
    plain = unicodedata.normalize("NFKC", one)
    return _write(plain, "") if len(plain) == 1 and plain != one else f"U+{ord(one):04X}"
