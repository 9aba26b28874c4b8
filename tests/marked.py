"""Processes by a mark in their environment, which what they begin has, too."""

import psutil

MARK = "VIDBENCH_TEST"


def find_marked(mark: str) -> list[psutil.Process]:
    """Those that run with this mark."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found
