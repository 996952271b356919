"""What travels between the nodes as VQFR_FACES and VQFR_MODEL.

A host keeps every node's outputs as long as its graph is open, so pictures are not held twice: crops and restored faces
are views of one batch each, which is at the same time what the node gives out as IMAGE.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from ..vqfr_core.types import Detections, FaceCrop, RestoredFace


@dataclass(frozen=True, eq=False)
class ImageFaces:
    """The faces of one image of a batch."""

    detections: Detections
    """The faces to work on, by number, and those left alone, with their reasons."""
    crops: list[FaceCrop]
    """One for each face to work on."""
    restored: list[RestoredFace] | None = None
    """The same faces after restoration or editing; None before."""


@dataclass(frozen=True, eq=False, repr=False)
class Faces:
    """The faces of a batch of images."""

    images: Tensor
    """(B, H, W, C) in [0, 1]: the host's own batch, shared and never changed."""
    by_image: list[ImageFaces]
    """One entry for each image, also where there is no face."""
    detector: str
    """What found the faces."""
    crop_batch: Tensor | None = None
    """(N, S, S, 3): the crops of all faces, which are views of it; None when they do not lie in one batch."""
    restored_batch: Tensor | None = None
    """The same for the restored faces."""
    restorer: dict[str, Any] | None = None
    """What restored them, for reports: model, fidelity, device, precision."""
    notes: list[str] = field(default_factory=list)
    """What the user should know."""

    def __repr__(self) -> str:
        # The host puts all inputs of a failing node into its message; pictures have no place there.
        return f"<{self.num_faces} faces of {len(self.by_image)} images>"

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the images in pixels."""
        return self.images.shape[1], self.images.shape[2]

    @property
    def num_faces(self) -> int:
        return sum(len(faces.detections.faces) for faces in self.by_image)

    @property
    def crops(self) -> list[FaceCrop]:
        """Those of all images, in order."""
        return [crop for faces in self.by_image for crop in faces.crops]

    @property
    def restored(self) -> list[RestoredFace] | None:
        """Those of all images, in order; None when any image has faces that were not restored."""
        lists = [faces.restored if faces.crops else [] for faces in self.by_image]
        return None if None in lists else [face for faces in lists for face in faces or []]

    def image_of_face(self) -> list[int]:
        """For each face the index of its image."""
        return [index for index, faces in enumerate(self.by_image) for _ in faces.crops]

    def without_pictures(self) -> "Faces":
        """What a report needs, without crops and restored faces, for long clips."""
        return replace(self, by_image=[ImageFaces(faces.detections, []) for faces in self.by_image])

    @classmethod
    def joined(cls, images: Tensor, parts: Sequence["Faces"]) -> "Faces":
        """The faces of parts of a batch as those of the whole batch."""
        by_image = [faces for part in parts for faces in part.by_image]
        return replace(parts[-1], images=images, by_image=by_image)

    def with_restored(self, restored: Sequence[RestoredFace], **changes: Any) -> "Faces":
        """The same faces after restoration, given in the order of `crops`."""
        rest = iter(restored)
        by_image = [replace(faces, restored=[next(rest) for _ in faces.crops]) for faces in self.by_image]
        return replace(self, by_image=by_image, **changes)


def share_batch(pictures: Sequence[Tensor]) -> tuple[Tensor, Iterator[Tensor]]:
    """Pictures (3, S, S) as one batch (N, S, S, 3), and views of it in the pictures' own shape."""
    batch = torch.stack([picture.permute(1, 2, 0) for picture in pictures])
    return batch, (picture.permute(2, 0, 1) for picture in batch)
