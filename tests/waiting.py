"""Waiting for what other processes do."""

import time
from collections.abc import Callable
from typing import Any

SECONDS = 90.0


def wait_for(what: Callable[[], Any]) -> Any:
    """What it gives as soon as that is something."""
    end = time.monotonic() + SECONDS
    while not (found := what()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)
    return found
