"""Side files of a restored picture: its faces, where it was changed, before and after."""

import zlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from ..options import CropOptions
from ..pictures.formats import paged_suffix
from .outputs import Job, SideFiles

if TYPE_CHECKING:
    from torch import Tensor

    from ..pictures import Frame, Picture, PictureFile
    from ..restoration import Restoration
    from ..types import Face


@dataclass(frozen=True)
class Extras:
    """Side files to write."""

    compare: SideFiles | None = None
    """Before and after."""
    crops: SideFiles | None = None
    """Each face before and after the network."""
    masks: SideFiles | None = None
    """Where the picture was changed."""
    layers: SideFiles | None = None
    """Each restored face alone, in place, on a transparent picture of the result's size."""
    framing: CropOptions = field(default_factory=CropOptions)
    """Of the crops."""


class SideWriter:
    """Collects what the side files show as frames go by, without keeping frames."""

    def __init__(self, job: Job, file: "PictureFile", extras: Extras) -> None:
        self._job, self._file, self._extras = job, file, extras
        self._masks: list[_PackedMask] = []
        self._comparison: Picture | None = None
        self._compares_face = False
        self._num_frames = 0

    def add(self, frame: "Frame", result: "Restoration") -> None:
        """Take the next frame and its result. Writes its crops and layers."""
        if self._extras.crops is not None:
            self._write_crops(self._extras.crops, frame, result)
        if self._extras.layers is not None:
            self._write_layers(self._extras.layers, result)
        if self._extras.masks is not None:
            self._masks.append(_pack_mask(frame, result))
        if self._extras.compare is not None and not self._compares_face and (result.faces or not self._num_frames):
            self._comparison, self._compares_face = self._compared(frame, result), bool(result.faces)
        self._num_frames += 1

    def finish(self) -> None:
        """Write the files about all frames: the masks, and the comparison of the first frame with a face."""
        from ..pictures import PictureInfo, write_frames, write_picture

        if self._extras.masks is not None:
            info = PictureInfo(is_gray=True, loop=self._file.info.loop)
            path = self._extras.masks.path(self._job, "mask", paged_suffix() if self._file.is_paged else ".png")
            write_frames(map(_unpack_mask, self._masks), path, info, num_frames=len(self._masks))
        if self._extras.compare is not None and self._comparison is not None:
            write_picture(self._comparison, self._extras.compare.path(self._job, "compare"))

    def _write_crops(self, crops: SideFiles, frame: "Frame", result: "Restoration") -> None:
        from ..pictures import Frame, Picture, write_picture

        for face in result.found.used:
            for kind, image in zip(("input", "restored"), self._views(face, frame, result), strict=True):
                if image is not None:
                    write_picture(Picture((Frame(image),)), crops.path(self._job, self._face_name(face, kind)))

    def _views(self, face: "Face", frame: "Frame", result: "Restoration") -> "tuple[Tensor | None, Tensor | None]":
        """What the network saw and gave; in another framing, the face in the picture before and after."""
        framing = self._extras.framing
        if framing == CropOptions() or result.found.is_aligned:
            return face.crop.image if face.crop else None, face.restored
        from ..pipeline.align import view_face

        where = face.detection, result.found.size, framing.crop_px, framing.crop_factor
        return view_face(frame.image, *where), view_face(result.image, *where)

    def _write_layers(self, layers: SideFiles, result: "Restoration") -> None:
        from ..pictures import Picture, PictureInfo, write_picture

        info = PictureInfo(bit_depth=min(self._file.info.bit_depth, 16), icc_profile=self._file.info.icc_profile)
        for face in result.found.used:
            picture = Picture((_layer(face, result),), **vars(info))
            write_picture(picture, layers.path(self._job, self._face_name(face, "layer")))

    def _face_name(self, face: "Face", kind: str) -> str:
        frame = f"frame{self._num_frames:04d}_" if self._file.num_frames > 1 else ""
        return f"{frame}face{face.number}_{kind}"

    def _compared(self, frame: "Frame", result: "Restoration") -> "Picture":
        from ..drawing.sheet import draw_grid
        from ..networks.fidelity import name_fidelity
        from ..pictures.stills import flatten_frame, picture_of

        model = result.found.made_by.model
        fidelity = "" if model["fidelity"] is None else f", fidelity {name_fidelity(model['fidelity'])}"
        images = [flatten_frame(still) for still in (frame, frame.with_image(result.image))]
        return picture_of(draw_grid([images], ["input", f"{model['name']}{fidelity}"]), self._file.info)


def _layer(face: "Face", result: "Restoration") -> "Frame":
    """The face as it lies in the result, with its mask as opacity. An aligned face fills the picture."""
    import torch

    from ..pictures import Frame
    from ..pipeline import blend_faces

    if result.found.is_aligned:
        return Frame(result.image, torch.ones_like(result.mask))
    alone = replace(result.found, faces=(face,))
    ((image, mask),) = blend_faces([alone], onto=[torch.zeros_like(result.image)])  # black: colours times opacity
    return Frame((image / mask.clamp_min(1e-6)).clamp(0.0, 1.0), mask)


class _PackedMask(NamedTuple):
    """Where a frame was changed, at 8 bits; mostly 0, so it compresses well."""

    packed: bytes
    size: tuple[int, int]
    """(height, width) in pixels."""
    duration_ms: float | None


def _pack_mask(frame: "Frame", result: "Restoration") -> _PackedMask:
    from ..pictures import to_array

    levels = to_array(result.mask.clamp(0.0, 1.0))[..., 0]
    return _PackedMask(zlib.compress(levels.tobytes(), 1), (levels.shape[0], levels.shape[1]), frame.duration_ms)


def _unpack_mask(mask: _PackedMask) -> "Frame":
    import numpy as np

    from ..pictures import Frame, to_tensor

    levels = np.frombuffer(zlib.decompress(mask.packed), np.uint8).reshape(mask.size)
    return Frame(to_tensor(levels), None, mask.duration_ms)
