"""Where weight files are looked for and put. Nothing is created here."""

import os
from collections.abc import Iterable
from pathlib import Path

from .catalog import WeightRecord

FOLDER_VARIABLE = "VQFR_MODEL_DIR"
SEARCH_VARIABLE = "VQFR_MODEL_PATH"

PathLike = str | os.PathLike[str]


def model_folder(folder: PathLike | None = None) -> Path:
    """The folder downloads go to: the argument, else $VQFR_MODEL_DIR, else a folder of the user's data."""
    chosen = folder or os.environ.get(FOLDER_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return platformdirs.user_data_path("vqfr", appauthor=False) / "models"


def search_folders(folder: PathLike | None = None, search: Iterable[PathLike] = ()) -> list[Path]:
    """Every folder to look in, in order: the model folder, `search`, then those of $VQFR_MODEL_PATH."""
    from_environment = [part for part in os.environ.get(SEARCH_VARIABLE, "").split(os.pathsep) if part.strip()]
    more = [Path(part).expanduser() for part in [*search, *from_environment]]
    return list(dict.fromkeys([model_folder(folder), *more]))


def file_names(record: WeightRecord) -> list[str]:
    """Names a record's weights may have: converted or published, under the file's name or the record's."""
    published = Path(record.file_name)
    names = [f"{published.stem}.safetensors", record.file_name, f"{record.name}.safetensors"]
    return list(dict.fromkeys([*names, f"{record.name}{published.suffix}"]))


def find_file(names: Iterable[str], folder: PathLike | None = None, search: Iterable[PathLike] = ()) -> Path | None:
    """The first of these names in the first folder that has one, None if no folder has."""
    wanted = list(names)
    places = (place / name for place in search_folders(folder, search) for name in wanted)
    return next((path for path in places if path.is_file()), None)


def find_weights(record: WeightRecord, folder: PathLike | None = None, search: Iterable[PathLike] = ()) -> Path | None:
    """A record's weights in the model folder or the search folders, None if they are nowhere."""
    return find_file(file_names(record), folder, search)
