"""The data between nodes of type VQFR_FACES.

A host keeps every node's outputs as long as its graph is open, so pictures are not held twice: crops and restored faces
are views of one batch each, which the node also outputs as IMAGE.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..vqfr_core.types import Face, FaceCrop, ImageFaces, MadeBy, all_used

MADE_ELSEWHERE = {"name": "other nodes"}
"""Instead of the restorer, of faces whose crops other nodes have edited."""


@dataclass(frozen=True, eq=False, repr=False)
class Faces:
    """The faces of a batch of images."""

    images: Tensor
    """(B, H, W, C) in [0, 1]: the host's own batch, shared and never changed."""
    by_image: list[ImageFaces]
    """One for each image, even without faces; their images are views of the batch."""
    crop_batch: Tensor | None = None
    """(N, S, S, 3): the crops of the used faces, which are views of it; None if they are not in one batch."""
    restored_batch: Tensor | None = None
    """The same for the restored faces."""

    def __repr__(self) -> str:
        # The host puts all inputs of a failing node into its message; pictures do not belong there.
        return f"<{len(self.used)} faces of {len(self.by_image)} images>"

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the images in pixels."""
        return self.images.shape[1], self.images.shape[2]

    @property
    def used(self) -> list[Face]:
        """The used faces of all images, in order; crops and restored pictures are in this order, too."""
        return all_used(self.by_image)

    @property
    def crops(self) -> list[FaceCrop]:
        return [face.crop for face in self.used if face.crop is not None]

    @property
    def restored(self) -> list[Tensor]:
        """(3, S, S) each."""
        return [face.restored for face in self.used if face.restored is not None]

    @property
    def made_by(self) -> MadeBy:
        """The settings and networks so far; the same for all images."""
        return self.by_image[0].made_by

    def changed(self, by_image: list[ImageFaces]) -> "Faces":
        """Other faces of the same images, with the batches that still match the used ones."""
        new = Faces(self.images, by_image)
        return replace(
            new,
            crop_batch=self.crop_batch if _are_same(self.crops, new.crops) else None,
            restored_batch=self.restored_batch if _are_same(self.restored, new.restored) else None,
        )


def share_batch(pictures: Sequence[Tensor]) -> tuple[Tensor | None, Iterator[Tensor]]:
    """Pictures (3, S, S) as one batch (N, S, S, 3), and views of it in the pictures' own shape."""
    if not pictures:
        return None, iter(())
    batch = torch.stack([picture.permute(1, 2, 0) for picture in pictures])
    return batch, (picture.permute(2, 0, 1) for picture in batch)


def without_pictures(entry: ImageFaces) -> ImageFaces:
    """Only what a report needs, for long clips."""
    faces = tuple(replace(face, crop=None, restored=None) for face in entry.faces)
    return replace(entry, image=None, faces=faces)


def _are_same(before: Sequence[object], after: Sequence[object]) -> bool:
    return len(before) == len(after) and all(one is other for one, other in zip(before, after, strict=True))
