"""Text in LaTeX prints as it is."""

import re
import string

import pytest

from vidbench.export.tex import escape


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("x86_64 & 50% #2 {a}", r"x86\_64 \& 50\% \#2 \{a\}"),
        ("$5", r"$\mathdollar$5"),
        ("a\\b~c^d", r"a\textbackslash{}b\textasciitilde{}c\textasciicircum{}d"),
        ("4 × 30 ± 2 µs", r"4 $\times$ 30 $\pm$ 2 $\mu$s"),
        ("größer, naïve, Å, ç, ß, ł", r"gr\"{o}\ss{}er, na\"{i}ve, \r{A}, \c{c}, \ss{}, \l{}"),
        ("α-Ω λ", r"$\alpha$-$\Omega$ $\lambda$"),
        ("漢 🙂", "U+6F22 U+1F642"),
        ("10⁹", "109"),
        ("a\n b\t\u2028c\u00a0d", "a b c d"),
        ("\x00\x7f", "U+0000U+007F"),
        ("", ""),
    ],
)
def test_escape(text, written):
    """Signs of LaTeX's own, accents, symbols and letters of other scripts; spaces of any kind are one."""
    assert escape(text) == written


@pytest.mark.parametrize("text", ["--json", "---", "``", "''", ",,", "?`", "!`"])
def test_no_ligatures(text):
    """Characters that would join to another sign are kept apart."""
    assert escape(text).replace("{}", "") == text
    assert not re.search(r"--|``|''|,,|\?`|!`", escape(text))


def test_optional_arguments():
    """A text at the beginning of a table's line is not taken for an argument of the line before it."""
    assert escape("[x]*") == "{[}x{]}{*}"


def test_plain_text_is_itself():
    """Letters, digits and common signs are not touched."""
    plain = string.ascii_letters + string.digits + " ()+./:;=@"
    assert escape(plain) == plain
