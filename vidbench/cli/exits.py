"""What commands that measure end with, as README.md lists it."""

NOT_MEASURED = 3
INTERRUPTED = 130
