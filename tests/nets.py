"""Small nets that tests count."""

from collections.abc import Callable
from typing import Any

from torch import nn


class Calls(nn.Module):
    """A net whose forward is `function(*parts, *inputs)`."""

    def __init__(self, function: Callable[..., Any], *parts: nn.Module) -> None:
        super().__init__()
        self.function = function
        self.parts = nn.ModuleList(parts)

    def forward(self, *inputs: Any) -> Any:
        return self.function(*self.parts, *inputs)
