"""What the page shows of one photograph, as values of its components."""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Literal, NamedTuple

from PIL import Image


class _Same(Enum):
    SAME = "stays as it is"


Same = Literal[_Same.SAME]
SAME: Same = _Same.SAME
"""The value of a component that stays as it is; None clears one."""


class Ticks(NamedTuple):
    """A list to tick."""

    choices: tuple[str, ...] = ()
    ticked: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Shown:
    """New values for the components of the tab, which have the same names."""

    key: str | Same = SAME
    """Of the session."""
    said: str | Same = SAME
    """The line below the buttons, as HTML."""
    fidelity_note: str | Same = SAME
    """What to know of the model's fidelity, as HTML."""
    select: str | Same = SAME
    """The setting of that name."""
    tab: str | Same = SAME
    """The selected view."""
    drawing: Image.Image | Same | None = SAME
    """The photograph with its faces."""
    chosen: Ticks | Same = SAME
    """The list of faces to tick."""
    comparison: str | Same = SAME
    """Before and after, as HTML."""
    file: str | Same | None = SAME
    """The result to download."""
    whole: Image.Image | Same | None = SAME
    """The whole result, to send on."""
    crops: str | Same = SAME
    """Each face before and after, as HTML."""
    sweep: str | Same | None = SAME
    """The file that shows the faces at several fidelities."""
    report: str | Same = SAME
    """The readable report, as HTML."""
    json: dict[str, Any] | Same | None = SAME
    """The report as plain data."""
    warning: str | None = None
    """A pop-up note; not a component."""

    def changes(self) -> dict[str, Any]:
        """The new values by component name."""
        return {name: value for name, value in vars(self).items() if value is not SAME and name != "warning"}

    def then(self, later: "Shown") -> "Shown":
        """Both combined; the later one wins."""
        return replace(self, warning=later.warning or self.warning, **later.changes())


NO_RESULT = Shown(comparison="", file=None, whole=None, crops="", sweep=None, report="", json=None)
"""The result components, cleared."""
