"""What the parameters of an address may stand for, in the walk over every address."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from liandong.kernel.access import Fact
from liandong.kernel.viewer import Viewer

Sees = Callable[[Viewer], bool]


@dataclass(frozen=True)
class Thing:
    """One thing with a value for each parameter of the addresses that show it."""

    name: str
    scope: str  # of the policies that guard it; "" when everybody whom they let in may know of it
    values: Mapping[str, Any]  # by name of parameter
    facts: Mapping[str, Fact] = field(default_factory=dict)
    seen_by: Sees = lambda viewer: True  # where no rule is declared
    under: str = ""  # only for addresses that begin so
