"""Cache what restorers keep of faces, so that another fidelity costs little."""

from collections import OrderedDict
from typing import NamedTuple

from ...networks.base import Kept, Restorer
from ...types import FaceCrop


class _Key(NamedTuple):
    """Which network processed which crop. Crops compare by identity, and the key keeps them alive."""

    weights: str | Restorer
    """The hash of the file, or the network itself if built directly."""
    precision: str
    crop: FaceCrop


class KeptFaces:
    """Faces on which a restorer's work is done except for what fidelity affects, within a memory limit."""

    def __init__(self, max_bytes: int) -> None:
        """max_bytes: the oldest entries go first, and the latest always stays."""
        self._max_bytes = max_bytes
        self._kept: OrderedDict[_Key, Kept] = OrderedDict()

    @property
    def num_bytes(self) -> int:
        return sum(_num_bytes(key.crop, kept) for key, kept in self._kept.items())

    def get(self, restorer: Restorer, crop: FaceCrop) -> Kept | None:
        return self._kept.get(_key(restorer, crop))

    def put(self, restorer: Restorer, crop: FaceCrop, kept: Kept) -> None:
        self._kept.pop(_key(restorer, crop), None)
        while self._kept and self.num_bytes + _num_bytes(crop, kept) > self._max_bytes:
            self._kept.popitem(last=False)
        self._kept[_key(restorer, crop)] = kept

    def clear(self) -> None:
        self._kept.clear()


def _key(restorer: Restorer, crop: FaceCrop) -> _Key:
    weights = restorer.info.sha256 if restorer.info is not None else restorer
    return _Key(weights, restorer.precision, crop)


def _num_bytes(crop: FaceCrop, kept: Kept) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in (crop.image, *kept))
