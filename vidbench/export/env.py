"""What `vidbench env` found, as one JSON object in base units; what is unknown is null."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from vidbench.conditions.fitness import Finding
from vidbench.conditions.machine import Machine, Stack
from vidbench.conditions.noise import Noise
from vidbench.conditions.summary import describe_reading


def write_env(machine: Machine, stack: Stack, findings: Sequence[Finding], noise: Noise | None) -> str:
    """`machine`, `stack`, `findings` (none on a machine that is fit) and `noise` (null where it was not measured)."""
    told: dict[str, Any] = {
        "machine": {**asdict(machine), "before": None, "now": describe_reading(machine.now)},
        "stack": asdict(stack),
        "findings": [asdict(finding) for finding in findings],
        "noise": None if noise is None else asdict(noise),
    }
    del told["machine"]["before"]  # what it was compared with is in `others` and `stolen`
    return json.dumps(told, ensure_ascii=False, allow_nan=False, indent=2) + "\n"
