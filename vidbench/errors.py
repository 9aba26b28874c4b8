"""What can go wrong through a user's input or machine; each message names the fix."""


class VidbenchError(Exception):
    """Anything vidbench refuses or cannot do; `exit_code` is what the command line ends with."""

    exit_code = 3


class InputError(VidbenchError, ValueError):
    """A name, number, file or combination that cannot be used."""

    exit_code = 2


class NoBaselineError(InputError):
    """There is nothing to compare with yet."""

    exit_code = 5


class OwnCodeError(InputError):
    """Code of a user's own, or of a package that registers a family, fails; the cause is what it raised."""


class CountError(VidbenchError):
    """The forward pass that was to be counted failed."""


def first_line(error: Exception) -> str:
    """What the error says first, for a message of one line."""
    return next(iter(str(error).strip().splitlines()), "no message")
