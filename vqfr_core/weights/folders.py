"""Where weight files are searched and stored. Nothing is created here."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

FOLDER_VARIABLE = "VQFR_MODEL_DIR"
SEARCH_VARIABLE = "VQFR_MODEL_PATH"

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class Folders:
    """The folders of weight files."""

    model: Path
    """Downloads go here."""
    search: tuple[Path, ...] = ()
    """Further folders, perhaps of other programs; never written to. Menus list the networks recognised there."""
    listed: tuple[Path, ...] = ()
    """Further folders whose files menus list like those of the model folder; searched before `search`."""
    by_name: tuple[Path, ...] = ()
    """Further folders that are searched only for a name, because they have many files that are no face networks."""

    def places(self) -> list[Path]:
        """All folders to search, in order: these, then those of $VQFR_MODEL_PATH; each once."""
        from_environment = [part for part in os.environ.get(SEARCH_VARIABLE, "").split(os.pathsep) if part.strip()]
        more = [Path(part).expanduser() for part in from_environment]
        return list(dict.fromkeys([self.model, *self.listed, *self.search, *self.by_name, *more]))

    def of_others(self) -> list[Path]:
        """The folders in which menus list only what is recognised."""
        own = {self.model, *self.listed, *self.by_name}
        return [place for place in self.places() if place not in own]


def model_folder(folder: PathLike | None = None) -> Path:
    """The folder downloads go to: the argument, else $VQFR_MODEL_DIR, else a per-user data folder."""
    chosen = folder or os.environ.get(FOLDER_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return platformdirs.user_data_path("vqfr", appauthor=False) / "models"


def default_folders(model: PathLike | None = None, search: Iterable[PathLike] = ()) -> Folders:
    """The given folders, or the defaults; see `model_folder`."""
    return Folders(model_folder(model), tuple(Path(place).expanduser() for place in search))
