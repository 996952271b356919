"""The models of a folder by name, for programs. Names cannot reach outside the folders."""

from typing import TYPE_CHECKING, Any

from ..errors import InputError, shortened

if TYPE_CHECKING:
    from ..weights.store import WeightStore

AUTO = "auto"


class Models:
    """What can be asked for."""

    def __init__(self, store: "WeightStore") -> None:
        self.store = store

    def names(self) -> list[str]:
        """auto, the known models, and other files, of other tools' folders with their network."""
        return [choice.text for choice in self.store.choices("restorer")]

    def resolve(self, name: str) -> str:
        """Resolve a choice to a known model or the path of a file in the folders.

        auto is the best model present. Raises InputError for anything but a choice, including paths.
        """
        name = self.store.current_name("restorer", name)
        if name == AUTO:
            return self.store.auto_name("restorer") or name
        if name in self.store.names("restorer"):
            return name
        for choice in self.store.choices("restorer"):
            if name in (choice.name, choice.text):
                return str(choice.path)
        raise InputError(f"model: {shortened(name)!r} is not known; choose one of {', '.join(self.names())}")

    def is_present(self, name: str) -> bool:
        """Whether a weight file needs no download."""
        return self.store.locate(None, name) is not None

    def describe(self) -> list[dict[str, Any]]:
        """Every weight file by name, for programs: kind, whether it is present, licence. No folders."""
        known = [(role, choice) for role in self.store.roles() for choice in self.store.known(role)]
        names = {AUTO, *self.store.names("restorer")}
        own = [("restorer", choice) for choice in self.store.choices("restorer") if choice.name not in names]
        return [
            {
                "name": choice.name,
                "kind": role,
                "network": choice.kind,
                "present": choice.path is not None,
                "licence": choice.licence,
                "origin": choice.origin,
            }
            for role, choice in known + own
        ]
