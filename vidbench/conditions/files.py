"""Files in which the kernel tells what it knows: whatever cannot be read is unknown."""

from pathlib import Path

ROOT = Path("/")


def read_text(path: str, root: Path = ROOT) -> str | None:
    """What the file says; None where there is none, or it is not for us. `root` stands for the machine's."""
    try:
        return (root / path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def read_number(path: str, root: Path = ROOT) -> int | None:
    """The whole number that the file consists of."""
    try:
        return int(read_text(path, root) or "")
    except ValueError:
        return None
