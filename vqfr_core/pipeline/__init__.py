"""The steps from an image to the same image with restored faces.

Each takes a list of `ImageFaces` and gives a new one; the images may differ in size. Networks are handed in.

>>> found = find_faces(images, detector, options)
>>> chosen = select_faces(found, options)
>>> cropped = crop_faces(chosen, restorer.crop_px)
>>> restored = restore_faces(cropped, restorer, options.fidelity)
>>> finished = finish_faces(restored, options, parser)
>>> results = blend_faces(finished, scale=options.scale)

`skip_sharp_faces` may follow `crop_faces`, and `measure_drift` the restorer, which `restore_by_degradation` asks for a
fidelity of each face's own. `given_faces`, `faces_in_boxes` and `aligned_faces` stand in for `find_faces`, `edit_face`
for the restorer.
"""

from .align import aligned_faces, crop_faces
from .blending.blend import Blended, blend_faces
from .blending.finish import finish_faces
from .degradation import skip_sharp_faces
from .finding.find import find_faces
from .finding.given import faces_in_boxes, given_faces
from .finding.select import select_faces
from .restoring.auto_fidelity import restore_by_degradation
from .restoring.cache import KeptFaces
from .restoring.drift import measure_drift
from .restoring.edited import edit_face
from .restoring.restore import restore_faces, sweep_faces

__all__ = [
    "Blended",
    "KeptFaces",
    "aligned_faces",
    "blend_faces",
    "crop_faces",
    "edit_face",
    "faces_in_boxes",
    "find_faces",
    "finish_faces",
    "given_faces",
    "measure_drift",
    "restore_by_degradation",
    "restore_faces",
    "select_faces",
    "skip_sharp_faces",
    "sweep_faces",
]
