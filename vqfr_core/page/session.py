"""Per-user state of the page: separate, limited in memory, and dropped when idle."""

import secrets
import shutil
import tempfile
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from ..interactive import InteractiveImage
from ..pictures import Picture
from ..pictures.losses import Loss
from ..restoration import Restoration
from .host import PageHost

_MAX_SESSIONS = 64
_MAX_IDLE_S = 3600.0


@dataclass(eq=False)
class Photo:
    """The photograph a user works on."""

    path: Path
    """The uploaded file."""
    name: str
    """Its name on the user's computer."""
    picture: Picture
    """Its first frame, with the file's metadata."""
    image: InteractiveImage
    """Its pixels, faces and cached results."""
    is_animated: bool = False
    """The file has more frames."""
    losses: tuple[Loss, ...] = ()
    """What reading it has lost."""
    drawing_scale: float = 1.0
    """Pixels of the drawing for each pixel of the photograph."""
    result: Restoration | None = None
    """The last result."""

    @property
    def num_pixels(self) -> int:
        return self.image.image[0].numel()


class Session:
    """One user in one browser tab."""

    def __init__(self, temp_folder: Path) -> None:
        self._temp_folder = temp_folder
        self._folder: Path | None = None
        self.photo: Photo | None = None
        self.path: Path | None = None
        """The photograph's file, which may not be open yet."""
        self.lock = threading.Lock()
        self.stop = threading.Event()
        self.stop_pictures = threading.Event()
        self.last_used_s = time.monotonic()

    @property
    def folder(self) -> Path:
        """The session's own folder, made when first needed."""
        if self._folder is None:
            self._temp_folder.mkdir(parents=True, exist_ok=True)
            self._folder = Path(tempfile.mkdtemp(prefix="vqfr-page-", dir=self._temp_folder))
        return self._folder

    @property
    def num_bytes(self) -> int:
        if self.photo is None:
            return 0
        result = self.photo.result
        return self.photo.image.num_bytes + (0 if result is None else 4 * (result.image.numel() + result.mask.numel()))

    def take(self, path: Path | None) -> None:
        """From now on the photograph is this file: what another one was for ends. Open it while `lock` is held."""
        if path != self.path:
            self.stop.set()
            self.path, self.photo = path, None

    def require_photo(self) -> Photo:
        """The photograph; InputError if there is none."""
        if self.photo is None:
            raise InputError("there is no photograph, or it is no longer kept here; drop it in again")
        return self.photo

    def close(self) -> None:
        """Forget everything and remove the files."""
        self.photo = None
        self.stop.set()
        self.stop_pictures.set()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


class Sessions:
    """The sessions of a page, by a key only the server knows."""

    def __init__(self, host: PageHost) -> None:
        self._host = host
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._keys: dict[str, str] = {}
        self._lock = threading.Lock()

    def open(self, key: str | None, client: str = "") -> tuple[str, Session]:
        """The session of a key; a new one if there is no key yet or its session was dropped.

        client: the web server's id of the browser tab, which knows its key only when the first answer is there.
        """
        with self._lock:
            key = key or self._keys.get(client) or secrets.token_urlsafe()
            if client:
                self._keys[client] = key
            session = self._sessions.setdefault(key, Session(self._host.temp_folder))
            session.last_used_s = time.monotonic()
            self._sessions.move_to_end(key)
            self._make_room()
        return key, session

    def drop(self, key: str | None) -> None:
        """End a session, e.g. because its user left."""
        with self._lock:
            session = self._sessions.pop(key or "", None)
        if session is not None:
            session.close()

    def drop_client(self, client: str) -> None:
        """End the session of a client that left."""
        self.drop(self._keys.get(client))

    def close(self) -> None:
        """End all sessions."""
        for key in list(self._sessions):
            self.drop(key)

    def _make_room(self) -> None:
        """Drop sessions idle for long, then cached faces, then whole photographs; the oldest first."""
        too_old = time.monotonic() - _MAX_IDLE_S
        for key in self._resting():
            if self._sessions[key].last_used_s < too_old or len(self._sessions) > _MAX_SESSIONS:
                self._sessions.pop(key).close()
        for key in self._resting():
            photo = self._sessions[key].photo
            if self._num_bytes() > self._host.max_kept_bytes and photo is not None:
                photo.image.forget()
        for key in self._resting():
            if self._num_bytes() > self._host.max_kept_bytes:
                self._sessions.pop(key).close()
        self._keys = {client: key for client, key in self._keys.items() if key in self._sessions}

    def _resting(self) -> list[str]:
        """All but the one just opened and those at work."""
        return [key for key in list(self._sessions)[:-1] if not self._sessions[key].lock.locked()]

    def _num_bytes(self) -> int:
        return sum(session.num_bytes for session in self._sessions.values())
